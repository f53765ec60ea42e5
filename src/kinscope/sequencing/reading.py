"""A chromatogram of either format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope.sequencing.abif import is_abif, read_abif
from kinscope.sequencing.bounded import read_bounded
from kinscope.sequencing.scf import is_scf, read_scf

if TYPE_CHECKING:
    from pathlib import Path

    from kinscope.sequencing.model import Trace


def read_trace(path: Path) -> Trace:
    """Read a chromatogram, ABIF (.ab1) or SCF (.scf), whatever its name.

    Raises
    ------
    BadInputError
        If the file is neither, or damaged; with the byte.
    """
    file = read_bounded(path)
    if is_scf(file):
        return read_scf(file)
    if is_abif(file):
        return read_abif(file)
    file.refuse(f"The file is neither ABIF nor SCF: it starts with {file.data[:4]!r}.", 0)
