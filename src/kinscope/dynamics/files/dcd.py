"""DCD files: Fortran records without compression, of either byte order, CHARMM's or X-PLOR's, any mark width.

Read by numpy, record marks checked, so that nothing in a file can harm the program. The layout is that of
CHARMM (``dynio.src``) and of VMD's reader (https://www.ks.uiuc.edu/Research/vmd/plugins/molfile/dcdplugin.html).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["<", ">"]
MOST_ATOMS = 20_000_000
_HEADER_BYTES = 84
"""``CORD`` and twenty integers."""
_COUNT, _FIXED, _CELL, _FOUR, _CHARMM = 1, 9, 11, 12, 20
"""Where the integers tell the frames, fixed atoms, unit cells, a fourth coordinate, and CHARMM's version."""
_MOST_TITLE_BYTES = 1_000_000


class NotDcd(Exception):
    """At some byte a record is not what it must be."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


@dataclass(frozen=True)
class Layout:
    """Where everything stands in one DCD file."""

    order: Order
    mark: int
    """Bytes of a record mark."""
    atoms: int
    free: NDArray[np.intp] | None
    """Places of the atoms that later frames hold; None: all."""
    cell: bool
    four: bool
    told: int
    """Frames by the header."""
    start: int
    """Offset of the first frame."""

    def frame_type(self, first: bool) -> np.dtype[np.void]:
        """One frame: the first holds all atoms, later ones those that are not fixed."""
        held = self.atoms if first or self.free is None else len(self.free)
        records = [("cell", f"{self.order}f8", 6)] if self.cell else []
        records += [(name, f"{self.order}f4", held) for name in ("x", "y", "z", "w")[: 3 + self.four]]
        mark = f"{self.order}i{self.mark}"
        return np.dtype([part for r in records for part in ((r[0] + "0", mark), r, (r[0] + "1", mark))])

    def offset(self, frame: int) -> int:
        """Where a frame starts."""
        if not frame:
            return self.start
        return self.start + self.frame_type(True).itemsize + (frame - 1) * self.frame_type(False).itemsize

    def frames(self, size: int) -> int:
        """Whole frames in a file of so many bytes."""
        rest = size - self.offset(1)
        return 0 if rest < 0 else 1 + rest // self.frame_type(False).itemsize


def read_layout(handle: BinaryIO) -> Layout:
    """The header of a DCD file.

    Raises
    ------
    NotDcd
        With the offset of the record that is none.
    """
    head = handle.read(16)
    for order, mark in ((o, m) for o in ("<", ">") for m in (4, 8)):
        if head[:mark] == np.array(_HEADER_BYTES, f"{order}i{mark}").tobytes() and head[mark : mark + 4] == b"CORD":
            break
    else:
        raise NotDcd(0)
    handle.seek(0)
    words = np.frombuffer(_record(handle, order, mark, _HEADER_BYTES), f"{order}i4")
    _record(handle, order, mark, _MOST_TITLE_BYTES)
    at = handle.tell()
    counted = np.frombuffer(_record(handle, order, mark, 4), f"{order}i4")
    atoms, fixed = int(counted[0]) if len(counted) else 0, int(words[_FIXED])
    if not 0 < atoms <= MOST_ATOMS or not 0 <= fixed < atoms:
        raise NotDcd(at)
    free = None
    if fixed:
        at = handle.tell()
        free = np.frombuffer(_record(handle, order, mark, 4 * (atoms - fixed)), f"{order}i4").astype(np.intp) - 1
        if len(free) != atoms - fixed or free[0] < 0 or free[-1] >= atoms or (np.diff(free) <= 0).any():
            raise NotDcd(at)
    charmm = words[_CHARMM] != 0
    return Layout(
        order=order,
        mark=mark,
        atoms=atoms,
        free=free,
        cell=bool(charmm and words[_CELL]),
        four=bool(charmm and words[_FOUR] == 1),
        told=int(words[_COUNT]),
        start=handle.tell(),
    )


def _record(handle: BinaryIO, order: Order, mark: int, most: int) -> bytes:
    """The body of the next record."""
    at = handle.tell()
    length = int.from_bytes(handle.read(mark), "little" if order == "<" else "big", signed=True)
    if not 0 <= length <= most:
        raise NotDcd(at)
    body = handle.read(length)
    if len(body) < length or handle.read(mark) != np.array(length, f"{order}i{mark}").tobytes():
        raise NotDcd(at)
    return body


def lengths_and_angles(cells: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Edges (n, 3), angstrom, and angles alpha, beta, gamma (n, 3), degrees, of unit cells (n, 6).

    The file's order is A, gamma, B, beta, alpha, C. NAMD writes the angles' cosines.
    """
    angles = cells[:, [4, 3, 1]]
    cosines = (np.abs(angles) <= 1.0).all(axis=1, keepdims=True)
    told = np.degrees(np.arccos(np.clip(angles, -1.0, 1.0)))
    return cells[:, [0, 2, 5]], np.where(cosines, told, angles)


class Reader:
    """Frames of a DCD file whose layout is known."""

    def __init__(self, handle: BinaryIO, layout: Layout) -> None:
        self._handle = handle
        self._layout = layout
        self._fixed: NDArray[np.float32] | None = None
        if layout.free is not None:
            self._fixed = self._coordinates(self._frame(0))

    def read(self, frames: range) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
        """Coordinates (n, atoms, 3), angstrom, and unit cells (n, 6) as the file holds them.

        Raises
        ------
        NotDcd
            With the offset of a frame whose records are damaged.
        """
        every = [self._frame(frame) for frame in frames]
        cells = np.concatenate([one["cell"] for one in every]) if self._layout.cell else None
        return np.concatenate([self._coordinates(one) for one in every]), cells

    def _frame(self, frame: int) -> NDArray[np.void]:
        kind = self._layout.frame_type(frame == 0)
        at = self._layout.offset(frame)
        body = os.pread(self._handle.fileno(), kind.itemsize, at)
        if len(body) < kind.itemsize:
            raise NotDcd(at)
        one = np.frombuffer(body, kind)
        names = kind.names or ()
        for before, record, after in zip(names[::3], names[1::3], names[2::3], strict=True):
            if not one[before][0] == one[after][0] == kind[record].itemsize:
                raise NotDcd(at)
        return one

    def _coordinates(self, one: NDArray[np.void]) -> NDArray[np.float32]:
        held: Any = np.stack([one[axis] for axis in "xyz"], axis=-1).astype(np.float32)
        if self._fixed is None or held.shape == self._fixed.shape:
            return held
        whole = self._fixed.copy()
        whole[:, self._layout.free] = held
        return whole
