"""The packing energy of a relaxed model: what ranks candidates beside the force field.

Before relaxation the packing energy still holds the strain of discrete rotamers on an unyielding surrounding.
Taken again on the relaxed coordinates it does not, and it brings what the implicit solvent lacks:
a solvation that does not over-rate salt bridges (EEF1 and a distance-dependent dielectric).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray
from kinscope.structures.packing_energy import AtomTypes, join_types, pair_energies, residue_types
from kinscope.structures.packing_sites import residue_spans

_EXCLUDED_BONDS = 3


class SoftScore:
    """The packing energy between moved atoms and all included ones, for any coordinates of one mutant.

    Parameters
    ----------
    atoms
        The mutant, any candidate.
    moving, included
        Masks (n_atoms,); moving atoms are included ones.
    """

    def __init__(self, atoms: AtomArray, moving: NDArray[np.bool_], included: NDArray[np.bool_]) -> None:
        self._mine = np.flatnonzero(moving)
        self._others = np.flatnonzero(included & ~moving)
        types = join_types([
            residue_types(str(atoms.res_name[start]), tuple(str(a) for a in atoms.atom_name[start:stop]))
            for _, start, stop in residue_spans(atoms)
        ])  # fmt: skip
        self._types = types.take(self._mine), types.take(self._others)
        near = _near_in_bonds(atoms, self._mine)
        self._inner = _weights(near, self._mine, self._mine)
        self._outer = _weights(near, self._mine, self._others)

    def __call__(self, coord: NDArray[np.float32]) -> float:
        """Energy, kcal/mol, of coordinates (n_atoms, 3), angstrom."""
        mine = np.asarray(coord[self._mine], dtype=np.float32)[None]
        others = np.asarray(coord[self._others], dtype=np.float32)[None]
        inner = _energy(mine, self._types[0], mine, self._types[0], self._inner)
        return 0.5 * inner + _energy(mine, self._types[0], others, self._types[1], self._outer)


def _energy(
    first: NDArray[np.float32],
    a: AtomTypes,
    second: NDArray[np.float32],
    b: AtomTypes,
    weight: NDArray[np.float32],
) -> float:
    return float(pair_energies(first, a, second, b, weight)[0, 0])


def _near_in_bonds(atoms: AtomArray, rows: NDArray[np.int64]) -> dict[int, set[int]]:
    """Atoms up to three bonds from each of some atoms, itself included."""
    from kinscope.structures.io import to_openmm

    graph: dict[int, set[int]] = {}
    for one, two in to_openmm(atoms)[0].bonds():
        graph.setdefault(one.index, set()).add(two.index)
        graph.setdefault(two.index, set()).add(one.index)
    found = {}
    for row in map(int, rows):
        seen, front = {row}, {row}
        for _ in range(_EXCLUDED_BONDS):
            front = {other for one in front for other in graph.get(one, ())} - seen
            seen |= front
        found[row] = seen
    return found


def _weights(
    near: dict[int, set[int]], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """0 for pairs within three bonds, 1 otherwise; shape (n_rows, n_columns)."""
    place = {int(column): index for index, column in enumerate(columns)}
    weight = np.ones((len(rows), len(columns)), dtype=np.float32)
    for index, row in enumerate(map(int, rows)):
        for other in near[row] & place.keys():
            weight[index, place[other]] = 0.0
    return weight
