"""Files from outside, whose size and encoding are not to be trusted."""

from __future__ import annotations

from pathlib import Path

from kinscope.core.errors import BadInputError


def read_bounded(
    path: Path, most_bytes: int, *, remedy: str, kind: type[BadInputError] = BadInputError
) -> bytes:
    """The whole of a regular file of at most so many bytes.

    Parameters
    ----------
    path
        The file.
    most_bytes
        No more is read of a larger one than shows that it is larger.
    remedy
        What to give instead of a file that is too large.
    kind
        The error to raise.

    Raises
    ------
    BadInputError
        If it is missing, no regular file, cannot be read, or is too large.
    """
    try:
        if not path.is_file():
            raise kind("There is no such file.", where=str(path), remedy="Check the path.")
        with path.open("rb") as handle:
            data = handle.read(most_bytes + 1)
    except OSError as error:
        raise kind(f"The file cannot be read: {error.strerror}.", where=str(path)) from None
    if len(data) > most_bytes:
        raise kind(f"The file is larger than {most_bytes:,} bytes.", where=str(path), remedy=remedy)
    return data


def decoded(data: bytes, path: Path, *, kind: type[BadInputError] = BadInputError) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Raises
    ------
    BadInputError
        With the offset of the first byte that is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise kind(
            "The file is not UTF-8 text.", where=f"{path}, byte {error.start}", remedy="Save it as UTF-8."
        ) from None
