"""Vina's scoring function over many poses at once, exact and on a grid, with gradients.

AutoDock Vina's Python interface builds its tables anew for every pose (0.3 to 0.5 s each). The function is
short and published (Trott & Olson, J Comput Chem 2010, 31, 455), so it stands here over arrays, and every run
checks its best pose against Vina itself (``VinaSystem.confirm``). The grid decides where a global search
looks, never what is reported. Only heavy atoms count. Energies are kcal/mol, lengths angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Box
from kinscope.docking.fields.arrays import (
    BINS_PER_SQUARE_ANGSTROM,
    CUTOFF_ANGSTROM,
    NO_GRID,
    NO_PAIRS,
    NO_RECEPTOR,
    NO_TORSIONS,
    Floats,
    GridArrays,
    Integers,
    PairArrays,
    ReceptorArrays,
    ScoreArrays,
    TorsionArrays,
)
from kinscope.docking.fields.kernels import evaluated

WEIGHT_GAUSS_1 = -0.035579
WEIGHT_GAUSS_2 = -0.005156
WEIGHT_REPULSION = 0.840245
WEIGHT_HYDROPHOBIC = -0.035069
WEIGHT_HYDROGEN_BOND = -0.587439
WEIGHT_ROTOR = 0.05846

RADIUS_ANGSTROM = {
    "C": 1.9, "N": 1.8, "O": 1.7, "S": 2.0, "P": 2.1, "F": 1.5, "Cl": 1.8, "Br": 2.0, "I": 2.2,
}  # fmt: skip
"""Vina's own radii, not those of van der Waals tables."""

_N_BINS = int(CUTOFF_ANGSTROM**2 * BINS_PER_SQUARE_ANGSTROM)
EXPOSED_AND_BURIED_ATOMS = (50.0, 85.0)
"""Receptor heavy atoms within the cut-off of a ligand atom that counts for nothing, and of one that counts
fully: six in a hundred atoms of drugs in co-crystals have fewer than the first, six in ten fewer than the
second."""
_CELL_ANGSTROM = 3.0
"""Edge of the cells that list the receptor atoms near them: smaller lists fewer, larger takes less memory."""


@dataclass(frozen=True, order=True)
class AtomKind:
    """What Vina knows of an atom."""

    element: str
    hydrophobic: bool
    """A halogen, or a carbon bonded only to carbon and hydrogen."""
    donor: bool
    """A nitrogen or oxygen that carries a hydrogen."""
    acceptor: bool
    """An oxygen, or a nitrogen with a free lone pair (AutoDock types OA and NA)."""


def atom_kind(element: str, autodock_type: str, neighbours: list[str]) -> AtomKind:
    """The kind of an atom from its element, its AutoDock type and the elements bonded to it."""
    hydrophobic = element in ("F", "Cl", "Br", "I")
    if element == "C":
        hydrophobic = not set(neighbours) - {"C", "H"}
    polar = element in ("N", "O")
    return AtomKind(element, hydrophobic, polar and "H" in neighbours, autodock_type in ("NA", "OA"))


def pair_energy(first: AtomKind, second: AtomKind, distance: Floats) -> Floats:
    """Energy of two atoms at distances (n,), weights applied."""
    surface = distance - RADIUS_ANGSTROM[first.element] - RADIUS_ANGSTROM[second.element]
    energy = WEIGHT_GAUSS_1 * np.exp(-((surface / 0.5) ** 2))
    energy += WEIGHT_GAUSS_2 * np.exp(-(((surface - 3.0) / 2.0) ** 2))
    energy += WEIGHT_REPULSION * np.where(surface < 0, surface, 0.0) ** 2
    if first.hydrophobic and second.hydrophobic:
        energy += WEIGHT_HYDROPHOBIC * np.clip(1.5 - surface, 0.0, 1.0)
    if (first.donor and second.acceptor) or (first.acceptor and second.donor):
        energy += WEIGHT_HYDROGEN_BOND * np.clip(-surface / 0.7, 0.0, 1.0)
    return np.where(distance < CUTOFF_ANGSTROM, energy, 0.0)


def pair_table(
    first: list[AtomKind], second: list[AtomKind]
) -> tuple[NDArray[np.float32], Integers, Integers]:
    """Pair energies by bins of squared distance, and the offsets of the atoms' kinds in them.

    The row of a pair of atoms begins at the sum of their two offsets; between two bins energy is linear.
    """
    kinds_first, kinds_second = sorted(set(first)), sorted(set(second))
    width = _N_BINS + 2
    distance = np.sqrt(np.arange(width) / BINS_PER_SQUARE_ANGSTROM)
    energies = np.zeros((len(kinds_first), len(kinds_second), width), dtype=np.float32)
    for row, one in enumerate(kinds_first):
        for column, other in enumerate(kinds_second):
            energies[row, column] = pair_energy(one, other, distance)
    energies[:, :, -2:] = 0.0
    rows = np.array([kinds_first.index(kind) for kind in first], dtype=np.int64) * len(kinds_second) * width
    columns = np.array([kinds_second.index(kind) for kind in second], dtype=np.int64) * width
    return energies.ravel(), rows, columns


def own_pairs(kinds: list[AtomKind], pairs: NDArray[np.integer]) -> PairArrays:
    """The table of a ligand's pairs of atoms (n_pairs, 2)."""
    if not len(pairs):
        return NO_PAIRS
    energy, rows, columns = pair_table(kinds, kinds)
    first, second = (np.ascontiguousarray(pairs[:, side], dtype=np.int64) for side in (0, 1))
    return PairArrays(first, second, rows[first] + columns[second], energy)


def _cells(points: Floats) -> tuple[Floats, Integers, Integers, NDArray[np.int32]]:
    """Cells over receptor atoms (n, 3), and for each the atoms that a point in it may feel."""
    from scipy.spatial import cKDTree

    low = points.min(axis=0) - CUTOFF_ANGSTROM
    count = np.ceil((points.max(axis=0) + CUTOFF_ANGSTROM - low) / _CELL_ANGSTROM).astype(np.int64)
    axes = [low[axis] + (np.arange(count[axis]) + 0.5) * _CELL_ANGSTROM for axis in range(3)]
    middles = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    reach = CUTOFF_ANGSTROM + np.sqrt(3.0) * _CELL_ANGSTROM / 2 + 1e-6
    near = cKDTree(points).query_ball_point(middles, reach, return_sorted=True)
    begin = np.cumsum([0, *map(len, near)], dtype=np.int64)
    return low, count, begin, np.concatenate([np.asarray(rows, dtype=np.int32) for rows in near])


class VinaFunction:
    """Intermolecular and intramolecular energy of one ligand in one rigid receptor.

    ``receptor_points``, ``receptor_kinds``: heavy atoms of the receptor, shape (n_receptor, 3).
    ``internal_pairs``: shape (n_pairs, 2): ligand heavy atoms more than three bonds apart whose distance a
    torsion can change.
    """

    def __init__(
        self,
        receptor_points: Floats,
        receptor_kinds: list[AtomKind],
        ligand_kinds: list[AtomKind],
        internal_pairs: NDArray[np.integer],
    ) -> None:
        receptor = NO_RECEPTOR
        if len(receptor_points):
            energy, rows, columns = pair_table(ligand_kinds, receptor_kinds)
            points = np.ascontiguousarray(receptor_points, dtype=np.float64)
            origin, cells, begin, near = _cells(points)
            receptor = ReceptorArrays(
                points, columns, rows, energy, origin, _CELL_ANGSTROM, cells, begin, near
            )
        self.score = ScoreArrays(NO_GRID, receptor, own_pairs(ligand_kinds, internal_pairs), NO_TORSIONS)
        """Both parts."""

    def intermolecular(self, poses: Floats) -> tuple[Floats, Floats]:
        """Energies (n_poses,) and gradients (n_poses, n_atoms, 3) of heavy-atom coordinates of that shape."""
        return evaluated(self.score._replace(own=NO_PAIRS), poses)

    def intramolecular(self, poses: Floats) -> tuple[Floats, Floats]:
        """The same within the ligand."""
        return evaluated(self.score._replace(receptor=NO_RECEPTOR), poses)

    def buried(self, poses: Floats) -> tuple[Floats, Floats]:
        """Intermolecular energies (n_poses,) in which exposed ligand atoms count less, and by how much.

        What an atom at the surface gains from the protein it loses to water, which Vina's function does not
        know: each ligand atom's energy is weighted by how many receptor heavy atoms lie within the cut-off,
        from 0 to 1 (n_poses, n_atoms). Ranks poses; is never reported as a score.
        """
        from kinscope.docking.fields.kernels import buried_energies

        energies, burial = np.zeros(len(poses)), np.zeros(poses.shape[:2])
        if len(self.score.receptor.points):
            points = np.ascontiguousarray(poses, dtype=np.float64)
            buried_energies(self.score.receptor, points, *EXPOSED_AND_BURIED_ATOMS, energies, burial)
        return energies, burial

    def __call__(self, poses: Floats) -> tuple[Floats, Floats]:
        """What a search minimises: the sum of both."""
        return evaluated(self.score, poses)


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

    ``points``, ``kinds``: receptor heavy atoms, shape (n_receptor, 3), and what they are.
    """
    from kinscope.docking.fields.kernels import add_field

    spacing = SPACING_ANGSTROM
    size = np.array(box.size_angstrom)
    cells = np.maximum(1, np.ceil(size / spacing)).astype(int)
    origin = np.array(box.center_angstrom) - cells * spacing / 2
    targets, sources = sorted(set(wanted)), sorted(set(kinds))
    distance = np.sqrt(np.arange(_N_BINS + 2) / BINS_PER_SQUARE_ANGSTROM)
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
    """Energies and gradients of poses (n_poses, n_atoms, 3), heavy atoms only."""

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
