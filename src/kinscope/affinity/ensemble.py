"""Every rotamer of a residue kind at one place, neighbours and drug free: what it feels of the drug.

The packing energy (:mod:`kinscope.structures.side_chains.energy`) gives conformer r of the residue its energy
E(r) among what stands still, E(r,s) with conformer s of each neighbour, and contact L with the drug, which
the neighbours feel too. The drug shifts and turns a little (d), at the cost U(d) of its contact and hydrogen
bonds with what stands still. Neighbours meet the residue, the drug and what stands still, so that sums part:

    Z = sum_d,r exp(-[U(d) + E(r) + L(r,d)]/kT) prod_j sum_s exp(-[E_j(s) + L_j(s,d) + E(r,s)]/kT)

and the same without drug. ``-kT ln`` of the ratio is what the place as a whole feels of the drug.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import product
from statistics import median

import numpy as np
from numpy.typing import NDArray

from kinscope.affinity.complexes import Complex
from kinscope.core.records import Record
from kinscope.core.residues import three_letter
from kinscope.structures.mutants.backbone_moves import rotated
from kinscope.structures.side_chains.energy import CUTOFF_ANGSTROM, Array, AtomTypes, pair_energies
from kinscope.structures.side_chains.packing import Position, between, by_types
from kinscope.structures.side_chains.rotamers import Rotamer
from kinscope.structures.side_chains.sites import (
    FRAME,
    Residue,
    is_bridged,
    merge_positions,
    native_side_chain,
    new_side_chain,
    prune,
    rotamers_at,
    substituted_residue,
)
from kinscope.structures.side_chains.surroundings import Surroundings
from kinscope.targets.pack import KinaseLandmarks

KT = 0.593
"""kcal/mol at 298 K."""
_LOCAL_ANGSTROM = 20.0
_NEIGHBOUR_ANGSTROM = 7.0
"""A neighbour's side chain comes this near the CB (glycine: CA) of the place."""
_WINDOW, _MOST, _NEIGHBOUR_WINDOW, _NEIGHBOUR_MOST = 30.0, 80, 10.0, 12
"""kcal/mol above the best and number of conformers that are kept, of the residue and of a neighbour."""
_SHIFT_ANGSTROM, _TURN_DEGREES = 0.5, 8.0
"""How far a drug shifts along each axis and diagonal, and turns about each axis."""
_ONE_OFF_CENTRE = 0.45
"""kcal/mol: between the costs of one chi angle off the centre and of two."""
_SHARE_KEPT = 97.0
_NATIVE_BONUS = 1.0
"""kcal/mol by which a crystal's conformer is trusted above a rotamer."""
_BOND_KCAL = 2.0
"""What a hydrogen bond with the drug weighs among the rotamers, as in the packing energy."""
_FULL_ANGSTROM, _NONE_ANGSTROM = 3.4, 4.0
"""Donor to acceptor: a whole hydrogen bond up to the one, none beyond the other."""
_CONTACT_ANGSTROM, _CONTACT_PAIRS = 4.5, 6.0
_PHENYL = {"CG", "CD1", "CD2", "CE1", "CE2", "CZ"}
_RINGS = {
    "PHE": _PHENYL, "TYR": _PHENYL, "HIS": {"CG", "ND1", "CD2", "CE1", "NE2"},
    "TRP": {"CG", "CD1", "CD2", "NE1", "CE2", "CE3", "CZ2", "CZ3", "CH2"},
}  # fmt: skip
_STIFF = frozenset({"GLY", "ALA", "PRO", "PTR", "ACE", "NME"})

Floats = NDArray[np.float64]


class SiteRow(Record):
    """One residue kind at one place of one complex."""

    complex: str
    residue: int
    kind: str
    """One-letter code."""
    pull_kcal_per_mol: float
    """What the place feels of the drug in van der Waals contact; 0 without a drug."""
    bonds: float
    """Hydrogen bonds of the side chain with the drug."""
    ring: float
    """Aromatic contact with the drug, 0 to 1."""
    packing_kcal_per_mol: float
    """Free energy of the ensemble without the drug; only differences within a kind mean anything."""


@dataclass(frozen=True)
class _Felt:
    """By conformer and place of the drug."""

    contact: Floats
    bonds: Floats
    ring: Floats


class Place:
    """One residue of a complex whose side chain is exchanged; what all kinds share is computed once."""

    def __init__(self, whole: Complex, number: int) -> None:
        self._whole, self._number = whole, number
        old = whole.residues[number]
        centre = old.at("CB") if "CB" in old.atom_names else old.at("CA")
        near = {n: float(np.linalg.norm(r.coord - centre, axis=1).min()) for n, r in whole.residues.items()}
        self._local = {n: r for n, r in whole.residues.items() if near[n] < _LOCAL_ANGSTROM}
        free = [
            native_side_chain(residue, _NATIVE_BONUS, rotamers_at(self._local, n, residue.name))
            for n, residue in self._local.items()
            if n != number
            and residue.name not in _STIFF
            and _side_chain_gap(residue, centre) < _NEIGHBOUR_ANGSTROM
            and not is_bridged(residue, self._local.values())
        ]
        self._moving = {p.residue: frozenset(p.atom_names[0]) for p in free}
        own = frozenset(atom for atom in old.atom_names if atom not in FRAME)
        rest = Surroundings(self._local, {**self._moving, number: own})
        self._neighbours = [prune(rest.added_to(p), _NEIGHBOUR_WINDOW, _NEIGHBOUR_MOST) for p in free]
        self._poses: Array = np.zeros((1, 0, 3), dtype=np.float32)
        if whole.drug is not None:
            self._poses = _shifted(whole.drug.coord)
        self._strain = self._of_rest(rest)
        self._felt = [self._of_drug(position) for position in self._neighbours]

    def row(self, letter: str) -> SiteRow:
        """The ensemble of a residue kind (one-letter code) here."""
        position = prune(self._complete(three_letter(letter)), _WINDOW, _MOST)
        felt = self._of_drug(position)
        apart = np.asarray(position.intrinsic, dtype=np.float64)
        bound = apart[:, None] + felt.contact + self._strain
        for neighbour, its in zip(self._neighbours, self._felt, strict=True):
            pair = between(position, neighbour)
            meet = np.zeros((len(apart), len(neighbour.intrinsic))) if pair is None else pair
            lone = meet + np.asarray(neighbour.intrinsic, dtype=np.float64)
            apart = apart + free_energy(lone)
            bound = bound + free_energy(lone[:, None] + its.contact.T[None])
        weights = np.exp(-(bound - felt.bonds * _BOND_KCAL - bound.min()) / KT)
        weights /= weights.sum()
        free = float(free_energy(apart))
        return SiteRow(
            complex=self._whole.id, residue=self._number, kind=letter,
            pull_kcal_per_mol=round(float(free_energy(bound.ravel())) - free, 3),
            bonds=round(float((weights * felt.bonds).sum()), 3),
            ring=round(float((weights * felt.ring).sum()), 3), packing_kcal_per_mol=round(free, 3),
        )  # fmt: skip

    def _complete(self, name: str) -> Position:
        """Conformers of a kind with their energies among what stands still."""
        old, before = self._whole.residues[self._number], self._whole.residues.get(self._number - 1)
        rotamers, native = _common(rotamers_at(self._whole.residues, self._number, name)), old.name == name
        parts = []
        for form in ("HIE", "HID") if name == "HIS" and not native else ("",):
            residue = old if native else substituted_residue(old, before, name, form)
            position = _central(new_side_chain(residue, form, rotamers))
            position = _with_native(position, residue) if native else position
            moving = {**self._moving, self._number: frozenset(position.atom_names[0])}
            parts.append(Surroundings({**self._local, self._number: residue}, moving).added_to(position))
        return merge_positions(parts)

    def _of_drug(self, position: Position) -> _Felt:
        """What each conformer feels of the drug in each of its places."""
        shape, drug, poses = (len(position.coord), len(self._poses)), self._whole.drug, self._poses
        contact, bonds, ring = (np.zeros(shape) for _ in range(3))
        for rows, types in by_types(position):
            stack = np.stack([position.coord[i] for i in rows])
            if drug is None or not stack.shape[1]:
                continue
            contact[rows] = pair_energies(stack, types, poses, drug.contact)
            bonds[rows] = hydrogen_bonds(stack, types, poses, drug.bonding)
            bonds[rows] += hydrogen_bonds(poses, drug.bonding, stack, types).T
            atoms = _RINGS.get(position.name, set())
            wanted = [i for i, atom in enumerate(position.atom_names[rows[0]]) if atom in atoms]
            if wanted:
                heavy = poses[:, drug.heavy]
                gaps = np.linalg.norm(stack[:, None, wanted, None] - heavy[None, :, None], axis=-1)
                ring[rows] = 1.0 - np.exp(-(gaps < _CONTACT_ANGSTROM).sum(axis=(2, 3)) / _CONTACT_PAIRS)
        return _Felt(contact, bonds, ring)

    def _of_rest(self, surroundings: Surroundings) -> Floats:
        """What each place of the drug costs among what stands still, above where it lies: (n_places,)."""
        drug, poses = self._whole.drug, self._poses
        if drug is None:
            return np.zeros(1)
        coord, types = surroundings.atoms
        near = np.linalg.norm(coord[:, None] - drug.coord[None], axis=-1).min(axis=1) < CUTOFF_ANGSTROM
        rest, types = coord[near][None], types.take(near)
        bonds = hydrogen_bonds(rest, types, poses, drug.bonding)[0]
        bonds = bonds + hydrogen_bonds(poses, drug.bonding, rest, types)[:, 0]
        cost = pair_energies(poses, drug.contact, rest, types)[:, 0] - _BOND_KCAL * bonds
        return np.asarray(cost - cost[0], dtype=np.float64)


def hydrogen_bonds(first: Array, a: AtomTypes, second: Array, b: AtomTypes) -> Floats:
    """Hydrogen bonds from donors of the first set to acceptors of the second, summed: (n_first, n_second).

    A bond counts whole where the angle at the hydrogen exceeds 120 degrees.
    """
    hydrogens, acceptors = np.flatnonzero(a.donor >= 0), np.flatnonzero(b.acceptor)
    if not len(hydrogens) or not len(acceptors):
        return np.zeros((len(first), len(second)))
    donor, light = first[:, None, a.donor[hydrogens], None], first[:, None, hydrogens, None]
    far = second[None, :, None, acceptors]
    arm, reach = donor - light, far - light
    cosine = (arm * reach).sum(-1) / (np.linalg.norm(arm, axis=-1) * np.linalg.norm(reach, axis=-1))
    length = np.linalg.norm(far - donor, axis=-1)
    near = np.clip((_NONE_ANGSTROM - length) / (_NONE_ANGSTROM - _FULL_ANGSTROM), 0.0, 1.0)
    return np.asarray((near * np.clip(-2.0 * cosine, 0.0, 1.0)).sum(axis=(2, 3)), dtype=np.float64)


def free_energy(energies: Floats) -> Floats:
    """-kT ln of the sum of Boltzmann factors over the last axis, kcal/mol."""
    least = energies.min(axis=-1, keepdims=True)
    total = np.exp(-(energies - least) / KT).sum(axis=-1)
    return np.asarray(least[..., 0] - KT * np.log(total))


def _shifted(coord: Array) -> Array:
    """The drug where it lies, first, then shifted along axes and diagonals and turned about axes."""
    centre, corners = coord.mean(axis=0), np.array(list(product((1.0, -1.0), repeat=3))) / 3**0.5
    found = [coord + _SHIFT_ANGSTROM * step for step in (np.zeros(3), *np.eye(3), *-np.eye(3), *corners)]
    for axis, degrees in product(np.eye(3), (_TURN_DEGREES, -_TURN_DEGREES)):
        found.append(rotated(coord - centre, np.zeros(3), axis, degrees) + centre)
    return np.asarray(found, dtype=np.float32)


def _common(rotamers: tuple[Rotamer, ...]) -> tuple[Rotamer, ...]:
    """The most frequent rotamers, down to what 97 per cent of residues have."""
    ordered = sorted(rotamers, key=lambda rotamer: -rotamer.share_percent)
    before = np.cumsum([0.0, *(rotamer.share_percent for rotamer in ordered)])
    return tuple(rotamer for rotamer, sum_ in zip(ordered, before, strict=False) if sum_ <= _SHARE_KEPT)


def _central(position: Position) -> Position:
    """The conformers of which one chi angle at most is off its rotamer's centre."""
    labels, cost = np.array(position.labels), position.intrinsic
    least = {label: cost[labels == label].min() for label in set(position.labels)}
    above = cost - np.array([least[label] for label in position.labels])
    return position.keep(np.flatnonzero(above < _ONE_OFF_CENTRE))


def _with_native(position: Position, residue: Residue) -> Position:
    """The conformers and, first, the one that the structure shows."""
    atoms = position.atom_names[0]
    shown = np.array([residue.at(atom) for atom in atoms], dtype=np.float32).reshape(len(atoms), 3)
    return Position(
        position.residue, position.name, (atoms, *position.atom_names), (shown, *position.coord),
        (position.types[0], *position.types), ("native", *position.labels),
        np.concatenate([np.array([-_NATIVE_BONUS], dtype=np.float32), position.intrinsic]),
    )  # fmt: skip


def _side_chain_gap(residue: Residue, centre: Floats) -> float:
    """From a point to the nearest heavy atom of a side chain."""
    left_out = {*FRAME, "CA"}
    side = [i for i, atom in enumerate(residue.atom_names) if atom[0] != "H" and atom not in left_out]
    return float(np.linalg.norm(residue.coord[side] - centre, axis=1).min()) if side else np.inf


PACKING_SHARE = 0.95


def catalytic_residues(landmarks: KinaseLandmarks | None) -> frozenset[int]:
    """Numbers of the residues that kinases do not do without."""
    if landmarks is None:
        return frozenset()
    hrd, dfg, ape = landmarks.hrd_aspartate, landmarks.dfg_phenylalanine, landmarks.ape_glutamate
    lysine, glutamate = landmarks.beta3_lysine, landmarks.helix_c_glutamate
    return frozenset({lysine, glutamate, hrd - 1, hrd, hrd + 5, dfg - 1, dfg + 1, ape or lysine})


class StillAKinase:
    """Whether a substituted kinase is likely to be one still, by the ensembles of its active state.

    Two rules. Residues without which kinases do not phosphorylate (Hanks & Hunter, FASEB J. 1995, 9, 576):
    the beta 3 lysine and its glutamate, HRD's arginine and aspartate with the asparagine five places on,
    DFG's aspartate and glycine, APE's glutamate. And packing: without any drug the substitution packs worse
    than nineteen of twenty others that one base makes, each measured beside what its kind costs elsewhere in
    the domain, which stands for the unfolded chain.
    """

    def __init__(
        self, rows: Iterable[SiteRow], protein: str, scanned: Set[tuple[int, str]], catalytic: frozenset[int]
    ) -> None:
        self._energy = {(row.residue, row.kind): row.packing_kcal_per_mol for row in rows}
        self._protein, self._catalytic = protein, catalytic
        by_kind: dict[str, list[float]] = {}
        for (_, kind), energy in self._energy.items():
            by_kind.setdefault(kind, []).append(energy)
        self._usual = {kind: median(energies) for kind, energies in by_kind.items()}
        known = sorted(self.excess(*key) for key in scanned if key in self._energy)
        self._limit = known[int(PACKING_SHARE * len(known))] if known else float("inf")

    def excess(self, residue: int, mutant: str) -> float:
        """How much worse a substitution packs than its kinds do elsewhere, kcal/mol; 0 where not known."""
        kinds = mutant, self._protein[residue - 1]
        if any((residue, kind) not in self._energy for kind in kinds):
            return 0.0
        new, old = (self._energy[residue, kind] - self._usual[kind] for kind in kinds)
        return new - old

    def rule(self, residue: int, mutant: str) -> str:
        """``catalytic``, ``packing``, nothing, or ``not computed``."""
        if residue in self._catalytic:
            return "catalytic"
        if (residue, mutant) not in self._energy:
            return "not computed"
        return "packing" if self.excess(residue, mutant) > self._limit else ""
