"""Vina's function on a grid: what a global search minimises over thousands of poses.

The receptor's field on each kind of ligand atom is computed once per receptor and box, and read by trilinear
interpolation; within the ligand the function is exact. Minima found here are minimised again with the exact
function (:mod:`kinscope.docking.vina_function`) before anything is said of them, so the grid decides where is
searched, never what is reported.

Energies are kcal/mol, lengths angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Box
from kinscope.docking.tables import (
    BINS_PER_SQUARE_ANGSTROM,
    CUTOFF_ANGSTROM,
    NO_RECEPTOR,
    NO_TORSIONS,
    Floats,
    GridArrays,
    ScoreArrays,
    TorsionArrays,
    evaluated,
)
from kinscope.docking.vina_function import AtomKind, own_pairs, pair_energy

SPACING_ANGSTROM = 0.375
"""Interpolation errs by spacing^2/8 times the curvature: 0.03 kcal/mol for an atom in hard contact."""
MOST_KCAL_PER_MOL = 20.0
"""The field of one atom is cut off here: a pose can be pulled out of a clash, and the steps stay finite."""


@dataclass(frozen=True)
class Maps:
    """The field of a receptor in a box.

    ``corners`` has shape (n_kinds, n_cells, 8): the energies at the corners of every cell, side by side, so
    that one look-up touches one stretch of memory.
    """

    origin_angstrom: Floats
    cells: tuple[int, int, int]
    kinds: tuple[AtomKind, ...]
    corners: NDArray[np.float32]
    spacing_angstrom: float


def compute_maps(points: Floats, kinds: list[AtomKind], wanted: list[AtomKind], box: Box) -> Maps:
    """The field of receptor heavy atoms on each wanted kind of ligand atom.

    Parameters
    ----------
    points, kinds
        Receptor heavy atoms, shape (n_receptor, 3), and what they are.
    wanted
        Kinds of ligand atoms.
    box
        Where the ligand may be.
    """
    from kinscope.docking.kernels import add_field

    spacing = SPACING_ANGSTROM
    size = np.array(box.size_angstrom)
    cells = np.maximum(1, np.ceil(size / spacing)).astype(int)
    origin = np.array(box.center_angstrom) - cells * spacing / 2
    targets, sources = sorted(set(wanted)), sorted(set(kinds))
    distance = np.sqrt(
        np.arange(int(CUTOFF_ANGSTROM**2 * BINS_PER_SQUARE_ANGSTROM) + 2) / BINS_PER_SQUARE_ANGSTROM
    )
    tables = np.array(
        [[pair_energy(kind, source, distance) for kind in targets] for source in sources], dtype=np.float32
    )
    field = np.zeros((len(targets), *(cells + 1)), dtype=np.float32)
    rows = np.array([sources.index(kind) for kind in kinds], dtype=np.int64)
    add_field(field, origin, spacing, np.ascontiguousarray(points, dtype=np.float64), rows, tables)
    np.minimum(field, MOST_KCAL_PER_MOL, out=field)
    return Maps(
        origin, (int(cells[0]), int(cells[1]), int(cells[2])), tuple(targets), _corners(field), spacing
    )


def _corners(field: NDArray[np.float32]) -> NDArray[np.float32]:
    shape = field.shape[1:]
    parts = [
        field[:, i : shape[0] - 1 + i, j : shape[1] - 1 + j, k : shape[2] - 1 + k]
        for i in (0, 1)
        for j in (0, 1)
        for k in (0, 1)
    ]
    return np.ascontiguousarray(np.stack(parts, axis=-1).reshape(len(field), -1, 8))


class GridFunction:
    """Energies and gradients of poses (n_poses, n_atoms, 3), heavy atoms only.

    Parameters
    ----------
    maps
        The receptor's field.
    ligand_kinds
        Of the ligand's heavy atoms.
    internal_pairs
        As :class:`kinscope.docking.vina_function.VinaFunction` takes them.
    """

    def __init__(self, maps: Maps, ligand_kinds: list[AtomKind], internal_pairs: NDArray[np.integer]) -> None:
        rows = np.array([maps.kinds.index(kind) for kind in ligand_kinds], dtype=np.int64)
        grid = GridArrays(
            maps.corners.reshape(-1, 8),
            rows * maps.corners.shape[1],
            maps.origin_angstrom,
            np.array(maps.cells, dtype=np.int64),
            maps.spacing_angstrom,
        )
        self.score = ScoreArrays(grid, NO_RECEPTOR, own_pairs(ligand_kinds, internal_pairs), NO_TORSIONS)
        """Field, wall, and the ligand's own."""

    def with_torsions(self, torsions: TorsionArrays) -> ScoreArrays:
        """What a search minimises: this and a torsional energy."""
        return self.score._replace(torsions=torsions)

    def __call__(self, poses: Floats) -> tuple[Floats, Floats]:
        """Energies (n_poses,) and gradients of the poses' shape."""
        return evaluated(self.score, poses)
