"""Reading a file whose every number may be a lie: bounds first, and errors that name the byte."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from kinscope.core import outside
from kinscope.core.errors import BadInputError

MAX_BYTES: Final = 32_000_000
"""The largest chromatograms of 3730 instruments are well under 1 MB."""
MAX_SCANS: Final = 200_000
MAX_BASES: Final = 20_000
REMEDY: Final = "Export the chromatogram again (.ab1 or .scf), and check that it was copied whole."


@dataclass(frozen=True)
class BoundedFile:
    """The bytes of a file, read only through checks."""

    path: Path
    data: bytes

    def refuse(self, what: str, offset: int) -> NoReturn:
        """Raise the error for something wrong at a byte."""
        raise BadInputError(what, where=f"{self.path}, byte {offset}", remedy=REMEDY)

    def take(self, offset: int, length: int, what: str) -> bytes:
        """``length`` bytes at ``offset``, or an error that says what was to be there."""
        if offset < 0 or length < 0 or offset + length > len(self.data):
            self.refuse(
                f"{what} would be at bytes {offset} to {offset + length}, and the file has {len(self.data)}.",
                max(0, min(offset, len(self.data))),
            )
        return self.data[offset : offset + length]

    def unpack(self, form: str, offset: int, what: str) -> tuple[Any, ...]:
        """Numbers of a :mod:`struct` format at ``offset``."""
        return struct.unpack(form, self.take(offset, struct.calcsize(form), what))


def read_bounded(path: Path) -> BoundedFile:
    """The whole of a regular file of bounded size.

    Raises
    ------
    BadInputError
        If it is missing, no regular file, or too large.
    """
    remedy = "Give chromatograms (.ab1, .scf), a VCF or a table of calls."
    return BoundedFile(path, outside.read_bounded(path, MAX_BYTES, remedy=remedy))
