"""Packings worth relaxing: the new side chain's rotamers, each on the backbone that suits it.

Every backbone (the native one and backrubs of it, :mod:`kinscope.structures.mutants.backbone_moves`) is a
packing problem of its own. Each combination of rotamers is kept once, on the backbone where it packs best; a
moved backbone must beat the native one by a margin, for the native one is a crystal's. The packing energy is
taken again on the relaxed coordinates: it brings what the implicit solvent lacks, a solvation that does not
over-rate salt bridges (EEF1 and a distance-dependent dielectric).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray
from kinscope.structures.mutants.backbone_moves import BackboneMove, backrub, is_sound, moves_about
from kinscope.structures.mutants.settings import MutationSettings
from kinscope.structures.side_chains.energy import join_types, pair_energies, residue_types
from kinscope.structures.side_chains.packing import Packing, PackingProblem
from kinscope.structures.side_chains.sites import (
    FRAME,
    Residue,
    joined,
    merge_positions,
    native_side_chain,
    neighbours_to_repack,
    new_side_chain,
    prune,
    residue_atoms,
    residue_spans,
    residues_of,
    rotamers_at,
    substituted_residue,
)
from kinscope.structures.side_chains.surroundings import Surroundings, bonded_weights


class SoftScore:
    """The packing energy between moved atoms and all included ones, for any coordinates of one mutant.

    Masks are (n_atoms,) over any candidate; moving atoms are included ones.
    """

    def __init__(self, atoms: AtomArray, moving: NDArray[np.bool_], included: NDArray[np.bool_]) -> None:
        self._mine = np.flatnonzero(moving)
        self._others = np.flatnonzero(included & ~moving)
        types = join_types([
            residue_types(str(atoms.res_name[start]), tuple(str(a) for a in atoms.atom_name[start:stop]))
            for _, start, stop in residue_spans(atoms)
        ])  # fmt: skip
        self._types = types.take(self._mine), types.take(self._others)
        graph, mine = _bond_graph(atoms), self._mine.tolist()
        self._inner = bonded_weights(graph, mine, mine)
        self._outer = bonded_weights(graph, mine, self._others.tolist())

    def __call__(self, coord: NDArray[np.float32]) -> float:
        """Energy, kcal/mol, of coordinates (n_atoms, 3), angstrom."""
        mine = np.asarray(coord[self._mine], dtype=np.float32)[None]
        others = np.asarray(coord[self._others], dtype=np.float32)[None]
        own, theirs = self._types
        inner = float(pair_energies(mine, own, mine, own, self._inner)[0, 0])
        return 0.5 * inner + float(pair_energies(mine, own, others, theirs, self._outer)[0, 0])


def _bond_graph(atoms: AtomArray) -> dict[int, set[int]]:
    from kinscope.structures.io import to_openmm

    graph: dict[int, set[int]] = {}
    for one, two in to_openmm(atoms)[0].bonds():
        graph.setdefault(one.index, set()).add(two.index)
        graph.setdefault(two.index, set()).add(one.index)
    return graph


_JOINT_ANGSTROM = 10.0
"""Substituted residues with their CA this near may move their backbones together."""
_MOST_JOINT_MOVES = 6


@dataclass(frozen=True)
class Packed:
    """One packing before relaxation."""

    atoms: AtomArray
    labels: tuple[str, ...]
    repacked: dict[int, str]
    """Neighbours that left their native rotamer, and for which."""
    energy_kcal_per_mol: float
    """Packing energy; on a moved backbone with what the move costs."""
    moves: tuple[BackboneMove, ...] = ()
    """How its backbone differs from the native one; empty where it does not."""


@dataclass(frozen=True)
class _Found:
    packing: Packing
    problem: PackingProblem
    residues: dict[int, Residue]
    backbone: AtomArray
    moves: tuple[BackboneMove, ...]
    move_cost: float
    energy: float
    """With the cost of the move: it decides on which backbone a rotamer is built, not what is relaxed."""


def pack_substitutions(
    native: AtomArray, wanted: dict[int, str], settings: MutationSettings, seed: int
) -> list[Packed]:
    """The best distinct packings of new side chains (by residue) with their neighbours, best first.

    A residue may be "substituted" by its own kind: its side chain is then forgotten and built anew, which is
    how the method is judged on crystals.
    """
    search = _Search(native, wanted, settings, seed)
    for move in moves_about(list(wanted), settings.backrub_degrees, settings.neighbour_backrub_degrees):
        search.pack(() if move.is_native else (move,))
    for moves in search.joint_moves():
        search.pack(moves)
    ranked = sorted(search.best.values(), key=lambda found: found.energy)
    limit = ranked[0].energy + settings.candidate_window_kcal_per_mol
    kept = [found for found in ranked if found.energy - found.move_cost <= limit][: settings.candidates]
    return [_assembled(found, len(wanted)) for found in kept]


class _Search:
    """The best packing with each combination of rotamers so far, over the backbones tried."""

    def __init__(
        self, native: AtomArray, wanted: dict[int, str], settings: MutationSettings, seed: int
    ) -> None:
        self.native, self.wanted, self.settings, self.seed = native, wanted, settings, seed
        self.best: dict[tuple[str, ...], _Found] = {}
        self._tautomers: dict[int, tuple[str, ...]] = {}
        self._frame_cost = _frame_cost(native, list(wanted)) if settings.moves_backbone else None

    def pack(self, moves: tuple[BackboneMove, ...]) -> None:
        """Pack on one backbone, if it is sound."""
        backbone = self._backbone(moves)
        if backbone is None:
            return
        problem, residues = _packing_problem(residues_of(backbone), self.wanted, self.settings)
        cost = len(moves) * self.settings.moved_backbone_cost_kcal_per_mol
        if self._frame_cost is not None and moves:
            cost += self._frame_cost(backbone)
        if not self._tautomers:
            first = problem.solve(seed=self.seed)
            self._tautomers = {
                i: problem.positions[i].atom_names[first.choice[i]] for i in range(len(self.wanted))
            }
        for classes, packing in _by_rotamer(problem, self._tautomers, self.seed).items():
            energy = packing.energy_kcal_per_mol + cost
            if classes not in self.best or energy < self.best[classes].energy:
                self.best[classes] = _Found(packing, problem, residues, backbone, moves, cost, energy)

    def _backbone(self, moves: tuple[BackboneMove, ...]) -> AtomArray | None:
        backbone = self.native
        for move in moves:
            turned = backrub(backbone, move)
            if turned is None:
                return None
            backbone = turned
        return backbone if all(is_sound(self.native, backbone, move) for move in moves) else None

    def joint_moves(self) -> list[tuple[BackboneMove, ...]]:
        """Pairs of moves of two substituted residues near each other, of those that some rotamer liked."""
        liked = dict.fromkeys(
            move
            for found in sorted(self.best.values(), key=lambda f: f.energy - f.move_cost)
            for move in found.moves
        )
        residues = residues_of(self.native)
        pairs: list[tuple[BackboneMove, ...]] = [
            (one, two)
            for one, two in combinations(liked, 2)
            if one.residue != two.residue
            and np.linalg.norm(residues[one.residue].at("CA") - residues[two.residue].at("CA"))
            < _JOINT_ANGSTROM
        ]
        return pairs[:_MOST_JOINT_MOVES]


def _frame_cost(native: AtomArray, targets: Sequence[int]) -> Callable[[AtomArray], float]:
    """What a moved backbone loses among the other backbone atoms, kcal/mol, never less than nothing.

    Packing sees side chains only; without this a backrub would break hydrogen bonds of a sheet for free.
    """
    numbers, names = np.asarray(native.res_id), np.asarray(native.atom_name)
    frame = np.isin(names, (*FRAME, "HA", "HA2", "HA3")) | np.isin(native.res_name, ("ACE", "NME"))
    near = (np.abs(numbers[:, None] - np.asarray(targets)) <= 2).any(axis=1)
    score = SoftScore(native, frame & near, frame)
    rest = score(np.asarray(native.coord, dtype=np.float32))
    return lambda moved: max(0.0, score(np.asarray(moved.coord, dtype=np.float32)) - rest)


def _by_rotamer(
    problem: PackingProblem, tautomers: dict[int, tuple[str, ...]], seed: int
) -> dict[tuple[str, ...], Packing]:
    """The best packing, and the best with each rotamer of each substituted residue."""
    count = len(tautomers)
    as_chosen = {
        i: [c for c, names in enumerate(problem.positions[i].atom_names) if names == tautomers[i]]
        for i in range(count)
    }
    if not all(as_chosen.values()):
        return {}
    best = problem.solve(as_chosen, seed=seed)
    found = {_classes(problem, best, count): best}
    for target in range(count):
        position = problem.positions[target]
        for label in dict.fromkeys(position.labels):
            fixed = dict(as_chosen)
            fixed[target] = [c for c in fixed[target] if position.labels[c] == label]
            if fixed[target]:
                packing = problem.solve(fixed, seed=seed)
                found.setdefault(_classes(problem, packing, count), packing)
    return found


def _packing_problem(
    old: dict[int, Residue], wanted: dict[int, str], settings: MutationSettings
) -> tuple[PackingProblem, dict[int, Residue]]:
    """Positions (targets first) with complete energies, and the residues with the new ones in place."""
    residues = dict(old)
    targets = []
    for number, name in wanted.items():
        parts = []
        for tautomer in ("HIE", "HID") if name == "HIS" else ("",):
            residues[number] = substituted_residue(old[number], old.get(number - 1), name, tautomer)
            parts.append(new_side_chain(residues[number], tautomer, rotamers_at(old, number, name)))
        targets.append(merge_positions(parts))
    around = neighbours_to_repack(old, targets, wanted, settings.repack_radius_angstrom)
    positions = targets + [
        native_side_chain(
            old[number],
            settings.native_rotamer_bonus_kcal_per_mol,
            rotamers_at(old, number, old[number].name),
        )
        for number in around
    ]
    moving = {p.residue: frozenset(atom for names in p.atom_names for atom in names) for p in positions}
    surroundings = Surroundings(residues, moving)
    complete = []
    for place, position in enumerate(positions):
        filled = surroundings.added_to(position)
        complete.append(prune(filled, 20.0, 90) if place < len(targets) else prune(filled, 10.0, 24))
    return PackingProblem(complete), residues


def _classes(problem: PackingProblem, packing: Packing, targets: int) -> tuple[str, ...]:
    return tuple(problem.positions[i].labels[packing.choice[i]] for i in range(targets))


def _assembled(found: _Found, targets: int) -> Packed:
    """A packing as a model; atoms of a new residue stand backbone first."""
    problem, packing, backbone = found.problem, found.packing, found.backbone
    chosen = {p.residue: (p, c) for p, c in zip(problem.positions, packing.choice, strict=True)}
    new = {p.residue for p in problem.positions[:targets]}
    parts = []
    repacked = {}
    for number, start, stop in residue_spans(backbone):
        if number not in chosen:
            parts.append(backbone[start:stop])
            continue
        position, conformer = chosen[number]
        moved = dict(zip(position.atom_names[conformer], position.coord[conformer], strict=True))
        if number in new:
            parts.append(residue_atoms(backbone[start:stop], found.residues[number], moved))
            continue
        part = backbone[start:stop].copy()
        for index, atom in enumerate(part.atom_name):
            if str(atom) in moved:
                part.coord[index] = moved[str(atom)]
        parts.append(part)
        if position.labels[conformer] != "native":
            repacked[number] = position.labels[conformer]
    return Packed(joined(parts), _classes(problem, packing, targets), repacked, found.energy, found.moves)
