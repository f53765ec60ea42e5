"""Files written whole or not at all, and files from outside, whose size and encoding are not trusted."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinscope.core.errors import BadInputError, ComputationError

_OF_A_PATH = {"ENOENT", "EEXIST", "ENOTDIR", "EISDIR", "EACCES", "EPERM", "EROFS", "ELOOP", "ENAMETOOLONG"}
"""What a path that was given may lead to; other faults are the machine's."""


@contextmanager
def named_faults(what: str, where: Path | None = None) -> Iterator[None]:
    """Tell of a failed read or write what it is: a path that cannot be one, or a fault of the machine.

    Raises BadInputError if the path leads nowhere, may not be used, or is of another kind; ComputationError
    if the disk is full or broken.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        given = errno.errorcode.get(error.errno or 0) in _OF_A_PATH
        raise (BadInputError if given else ComputationError)(
            f"{what} cannot be used ({error.strerror or error}).",
            where=str(error.filename or where or ""),
            remedy="Give another path, or mend this one." if given else "Free disk space; run it again.",
        ) from error


def write_atomic(path: Path, data: bytes | str, *, lasting: bool = True) -> None:
    """Write beside ``path`` and rename over it; a link is replaced, never written through.

    ``lasting``: flush to disk first, as for all that a power cut must not take.
    """
    with beside(path) as temporary, temporary.open("xb") as handle:
        handle.write(data.encode() if isinstance(data, str) else data)
        handle.flush()
        if lasting:
            os.fsync(handle.fileno())


def copy_atomic(source: Path, target: Path) -> None:
    """The same with a copy of a file: what is done to one is not done to the other."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with beside(target) as temporary:
        shutil.copyfile(source, temporary)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Where to write what becomes ``path`` if nothing fails, and is gone if something does."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        error.filename = str(path)  # a full disk names none
        raise
    finally:
        temporary.unlink(missing_ok=True)


def discard(path: Path) -> None:
    """Remove a file, a folder or a link (not what it leads to), if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


MAX_TEXT_BYTES = 2_000_000
"""Of a text file with a few hundred entries; the largest of the shipped packs is under 100 kB."""


def read_own(path: Path, most_bytes: int = 64_000_000) -> bytes:
    """The whole of a file of ours: regular, not behind a link, of at most so many bytes.

    Raises OSError if it is anything else, or cannot be read.
    """
    return _read(path, most_bytes, os.O_NOFOLLOW)


def _read(path: Path, most_bytes: int, flags: int = 0) -> bytes:
    # Without O_NONBLOCK, opening a pipe waits for who writes into it.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | flags), "rb") as handle:
        if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
            raise OSError(errno.EINVAL, "It is a pipe or a device, not a file", str(path))
        data = handle.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"The file is larger than {most_bytes:,} bytes", str(path))
    return data


def read_bounded(
    path: Path, most_bytes: int, *, remedy: str, kind: type[BadInputError] = BadInputError
) -> bytes:
    """The whole of a regular file of at most so many bytes; ``remedy`` says what to give instead of a larger.

    Raises an error of the kind if it is missing, no regular file, cannot be read, or is too large.
    """
    try:
        return _read(path, most_bytes)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise kind("There is no such file.", where=str(path), remedy="Check the path.") from None
    except IsADirectoryError:
        raise kind("This is a directory, not a file.", where=str(path), remedy="Name the file.") from None
    except OSError as error:
        told = {errno.EFBIG: remedy, errno.EINVAL: "Save it as a file first."}
        what = error.strerror if error.errno in told else f"The file cannot be read: {error.strerror}"
        raise kind(f"{what}.", where=str(path), remedy=told.get(error.errno or 0, "")) from None


def decoded(data: bytes, path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Raises BadInputError with the offset of the first byte that is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(
            "The file is not UTF-8 text.", where=f"{path}, byte {error.start}", remedy="Save it as UTF-8."
        ) from None


def decoded_export(data: bytes, path: Path) -> str:
    """The text of what an instrument or a spreadsheet wrote: UTF-16 by its mark, else UTF-8 or Windows-1252.

    Raises BadInputError if it is none of these: damaged UTF-16, or bytes of zero.
    """
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        if marked or b"\0" in data:
            what = "The file is neither UTF-8 nor UTF-16 text."
            raise BadInputError(what, where=str(path), remedy="Export it as text.") from None
        return data.decode("cp1252", errors="replace")


def read_text(path: Path, *, remedy: str = "") -> str:
    """The UTF-8 text of a regular file of at most ``MAX_TEXT_BYTES``.

    Raises BadInputError if it is missing, no regular file, too large or not UTF-8 (with the offset).
    """
    return decoded(read_bounded(path, MAX_TEXT_BYTES, remedy=remedy), path)
