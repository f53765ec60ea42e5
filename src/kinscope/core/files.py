"""Files written whole or not at all, and files from outside, whose size and encoding are not trusted."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from kinscope.core.errors import BadInputError


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write beside ``path``, flush to disk, and rename over it."""
    payload = data.encode() if isinstance(data, str) else data
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as handle:
            handle.write(payload)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


MAX_TEXT_BYTES = 2_000_000
"""Of a text file with a few hundred entries; the largest of the shipped packs is under 100 kB."""


def read_bounded(path: Path, most_bytes: int, *, remedy: str) -> bytes:
    """The whole of a regular file of at most so many bytes.

    Parameters
    ----------
    path
        The file.
    most_bytes
        No more is read of a larger one than shows that it is larger.
    remedy
        What to give instead of a file that is too large.

    Raises
    ------
    BadInputError
        If it is missing, no regular file, cannot be read, or is too large.
    """
    try:
        if not path.is_file():
            raise BadInputError("There is no such file.", where=str(path), remedy="Check the path.")
        with path.open("rb") as handle:
            data = handle.read(most_bytes + 1)
    except OSError as error:
        raise BadInputError(f"The file cannot be read: {error.strerror}.", where=str(path)) from None
    if len(data) > most_bytes:
        raise BadInputError(f"The file is larger than {most_bytes:,} bytes.", where=str(path), remedy=remedy)
    return data


def decoded(data: bytes, path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Raises
    ------
    BadInputError
        With the offset of the first byte that is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(
            "The file is not UTF-8 text.", where=f"{path}, byte {error.start}", remedy="Save it as UTF-8."
        ) from None


def decoded_export(data: bytes, path: Path) -> str:
    """The text of what an instrument or a spreadsheet wrote: UTF-16 by its mark, else UTF-8 or Windows-1252.

    Raises
    ------
    BadInputError
        If it is none of these: damaged UTF-16, or bytes of zero.
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

    Raises
    ------
    BadInputError
        If it is missing, no regular file, too large or not UTF-8 (with the offset).
    """
    return decoded(read_bounded(path, MAX_TEXT_BYTES, remedy=remedy), path)
