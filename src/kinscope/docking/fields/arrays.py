"""The arrays that docking's compiled loops read, and the constants of Vina's function.

Plain named tuples of arrays, because compiled code takes those; :mod:`kinscope.docking.fields.vina`
and :mod:`kinscope.docking.fields.torsions` make them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CUTOFF_ANGSTROM = 8.0
"""Vina's."""
BINS_PER_SQUARE_ANGSTROM = 64
"""Of tables over the squared distance."""
ORDERS = 6
"""Of ETKDG's torsional series."""
WALL_KCAL_PER_MOL_ANGSTROM2 = 10.0
"""Pulls atoms that leave the box of a grid back into it."""


class GridArrays(NamedTuple):
    """A receptor's maps; empty ``rows`` for none."""

    corners: NDArray[np.float32]
    """Energies at the corners of every cell, shape (n_kinds * n_cells, 8), so that one look-up touches one
    stretch of memory."""
    rows: Integers
    """Where each ligand atom's kind begins in ``corners``."""
    origin: Floats
    cells: Integers
    """Along each axis."""
    spacing: float


class ReceptorArrays(NamedTuple):
    """A receptor atom by atom; empty ``points`` for none."""

    points: Floats
    kinds: Integers
    """Offset of each receptor atom's kind in ``energy``."""
    ligand_kinds: Integers
    """Offset of each ligand atom's kind."""
    energy: NDArray[np.float32]
    """Pair energies by bins of squared distance, one kind of pair after the other."""
    origin: Floats
    edge: float
    cells: Integers
    begin: Integers
    """Where the atoms that any point of a cell may feel begin in ``near``, shape (n_cells + 1,)."""
    near: NDArray[np.int32]


class PairArrays(NamedTuple):
    """Pairs of a ligand's own atoms."""

    first: Integers
    second: Integers
    offset: Integers
    energy: NDArray[np.float32]


class TorsionArrays(NamedTuple):
    """Torsional series of a ligand."""

    quartets: Integers
    cosine: Floats
    constant: Floats
    weight: float
    saturation: float


class ScoreArrays(NamedTuple):
    """What a minimisation adds up."""

    grid: GridArrays
    receptor: ReceptorArrays
    own: PairArrays
    torsions: TorsionArrays


class TreeArrays(NamedTuple):
    """Rotatable bonds: their ends, and the atoms that each turns (``moving[begin[b]:begin[b + 1]]``)."""

    first: Integers
    second: Integers
    moving: Integers
    begin: Integers


_NO_INTEGERS, _NO_SINGLES = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
NO_GRID = GridArrays(_NO_SINGLES.reshape(0, 8), _NO_INTEGERS, np.zeros(3), np.ones(3, dtype=np.int64), 1.0)
NO_RECEPTOR = ReceptorArrays(
    np.zeros((0, 3)), _NO_INTEGERS, _NO_INTEGERS, _NO_SINGLES, np.zeros(3), 1.0, np.zeros(3, dtype=np.int64),
    np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32),
)  # fmt: skip
NO_PAIRS = PairArrays(_NO_INTEGERS, _NO_INTEGERS, _NO_INTEGERS, _NO_SINGLES)
NO_TORSIONS = TorsionArrays(_NO_INTEGERS.reshape(0, 4), np.zeros((0, ORDERS)), np.zeros(0), 0.0, 1.0)
