"""What a side chain feels of the atoms that no position of a packing problem moves.

Side chains of a native model are chosen anew where parts of several crystals do not fit together, by the
rotamers, energies and search of the mutants (:mod:`kinscope.structures.side_chains.sites`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from kinscope.structures.model import AtomArray
from kinscope.structures.side_chains.energy import (
    CUTOFF_ANGSTROM,
    Array,
    AtomTypes,
    join_types,
    pair_energies,
    residue_types,
)
from kinscope.structures.side_chains.packing import PackingProblem, Position, by_types
from kinscope.structures.side_chains.rotamers import bonds_within
from kinscope.structures.side_chains.sites import Residue, is_bridged, native_side_chain, prune, residues_of

_GRID_ANGSTROM = 2.0
Key = TypeVar("Key", bound=Hashable)


class Surroundings:
    """The atoms of a model that stand still.

    Substituted residues are in place; ``moving`` names the atoms that move, by residue.
    """

    def __init__(self, residues: dict[int, Residue], moving: dict[int, frozenset[str]]) -> None:
        from scipy.spatial import cKDTree

        self._residues = residues
        points, types, owners = [], [], []
        for number, residue in residues.items():
            gone = moving.get(number, frozenset())
            here = np.array([atom not in gone for atom in residue.atom_names])
            if here.any():
                points.append(residue.coord[here])
                types.append(residue_types(residue.name, residue.atom_names).take(here))
                owners += [
                    (number, atom) for atom, stays in zip(residue.atom_names, here, strict=True) if stays
                ]
        self._coord = np.concatenate(points).astype(np.float32)
        self._types = join_types(types)
        self._owners = owners
        self._tree = cKDTree(self._coord)

    @property
    def atoms(self) -> tuple[Array, AtomTypes]:
        """Coordinates (n_atoms, 3) and types of all of them."""
        return self._coord, self._types

    def added_to(self, position: Position) -> Position:
        """A position whose every conformer has its energy among these atoms added to its own."""
        near = self._near(position)
        coord, types = self._coord[near][None], self._types.take(near)
        owners = [self._owners[row] for row in near]
        energies = position.intrinsic.copy()
        for members, own in by_types(position):
            weight = _bonded_weights(
                position.residue, self._residues, position.atom_names[members[0]], owners
            )
            stack = np.stack([position.coord[i] for i in members])
            energies[members] += pair_energies(stack, own, coord, types, weight)[:, 0]
        return replace(position, intrinsic=energies)

    def _near(self, position: Position) -> np.ndarray:
        """Rows of the atoms within reach of some conformer, and of bonded ones."""
        cloud = np.unique(np.round(np.concatenate(position.coord) / _GRID_ANGSTROM), axis=0) * _GRID_ANGSTROM
        reach = CUTOFF_ANGSTROM + _GRID_ANGSTROM * 3**0.5 / 2
        rows = {row for found in self._tree.query_ball_point(cloud, reach) for row in found}
        return np.array(sorted(rows), dtype=np.int64)


def _bonded_weights(
    number: int, residues: dict[int, Residue], side_chain: tuple[str, ...], owners: Sequence[tuple[int, str]]
) -> Array:
    """0 for pairs up to three bonds apart, 1 otherwise; shape (n_side_chain, n_surroundings)."""
    graph: dict[tuple[int, str], set[tuple[int, str]]] = {}

    def join(a: tuple[int, str], b: tuple[int, str]) -> None:
        graph.setdefault(a, set()).add(b)
        graph.setdefault(b, set()).add(a)

    residue = residues[number]
    names = tuple(dict.fromkeys((*residue.atom_names, *side_chain)))
    for a, b in bonds_within(residue.name, names):
        join((number, a), (number, b))
    join((number - 1, "C"), (number, "N"))
    join((number, "C"), (number + 1, "N"))
    for a, b in (("C", "O"), ("C", "CA"), ("C", "CH3")):
        join((number - 1, a), (number - 1, b))
    for a, b in (("N", "H"), ("N", "CA"), ("N", "CD"), ("N", "C")):
        join((number + 1, a), (number + 1, b))
    return bonded_weights(graph, [(number, atom) for atom in side_chain], owners)


def bonded_weights(graph: Mapping[Key, set[Key]], rows: Sequence[Key], columns: Sequence[Key]) -> Array:
    """0 for pairs of atoms up to three bonds apart, 1 otherwise; shape (n_rows, n_columns).

    ``graph``: what each atom is bonded to.
    """
    weight = np.ones((len(rows), len(columns)), dtype=np.float32)
    place = {owner: column for column, owner in enumerate(columns)}
    for row, atom in enumerate(rows):
        front, seen = {atom}, {atom}
        for _ in range(3):
            front = {near for one in front for near in graph.get(one, ())} - seen
            seen |= front
        for owner in seen & place.keys():
            weight[row, place[owner]] = 0.0
    return weight


_FIXED = frozenset({"GLY", "ALA", "PRO", "ACE", "NME", "PTR", "SEP", "TPO"})
_KEEP_BONUS = 2.0
"""kcal/mol by which another rotamer must beat the one a crystal shows."""
_FORGET_COST = 5.0
"""kcal/mol charged to the arbitrary rotamer that a built side chain starts from."""


def repack_side_chains(
    atoms: AtomArray, residues: Sequence[int], *, forget: Collection[int] = (), seed: int = 1
) -> tuple[AtomArray, dict[int, str]]:
    """Choose the side chains of some residues together, the rest of the model held.

    Residues without rotamers and bridged cysteines stay as they are. To ``forget`` are those whose present
    rotamer means nothing. The seed is for the annealing that replaces the exact search of a large problem.
    Returns a copy of the model, and the new rotamer of each residue that left its present one.
    """
    present = residues_of(atoms)
    wanted = [
        number
        for number in residues
        if present[number].name not in _FIXED and not is_bridged(present[number], present.values())
    ]
    if not wanted:
        return atoms.copy(), {}
    positions = [
        native_side_chain(present[number], -_FORGET_COST if number in forget else _KEEP_BONUS)
        for number in wanted
    ]
    moving = {p.residue: frozenset(name for names in p.atom_names for name in names) for p in positions}
    around = Surroundings(present, moving)
    problem = PackingProblem([prune(around.added_to(position), 25.0, 60) for position in positions])
    choice = problem.solve(seed=seed).choice
    packed, changed = atoms.copy(), {}
    for position, conformer in zip(problem.positions, choice, strict=True):
        places = dict(zip(position.atom_names[conformer], position.coord[conformer], strict=True))
        for row in (packed.res_id == position.residue).nonzero()[0]:
            name = str(packed.atom_name[row])
            if name in places:
                packed.coord[row] = places[name]
        if position.labels[conformer] != "native":
            changed[position.residue] = position.labels[conformer]
    return packed, changed
