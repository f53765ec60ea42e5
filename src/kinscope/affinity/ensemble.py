"""Every rotamer of a residue kind at one place, its neighbours free: what it feels of a drug and of the rest.

The packing energy (:mod:`kinscope.structures.side_chains.energy`) gives conformer r of the residue its energy
E(r) among what stands still, E(r,s) with conformer s of each neighbour, and contact L with the drug, which
neighbours feel too. Neighbours meet the residue and what stands still, not one another's other rotamers, so
that their sums part:

    Z = sum_r exp(-[E(r) + L(r)]/kT) prod_j sum_s exp(-[E_j(s) + L_j(s) + E(r,s)]/kT)

and the same without L. ``-kT ln`` of the ratio is what the place as a whole feels of the drug.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.affinity.complexes import Complex, heavy_atoms
from kinscope.core.records import Record
from kinscope.core.residues import one_letter, three_letter
from kinscope.structures.side_chains.energy import Array, AtomTypes, pair_energies
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

KT = 0.593
"""kcal/mol at 298 K."""
_LOCAL_ANGSTROM = 20.0
_NEIGHBOUR_ANGSTROM = 7.0
"""A neighbour's side chain comes this near the CB (glycine: CA) of the place."""
_WINDOW, _MOST, _NEIGHBOUR_WINDOW, _NEIGHBOUR_MOST = 30.0, 80, 10.0, 12
"""kcal/mol above the best and number of conformers that are kept, of the residue and of a neighbour."""
_SHARE_KEPT = 0.97
_NATIVE_BONUS = 1.0
"""kcal/mol by which a crystal's conformer is trusted above a rotamer."""
_CONTACT_ANGSTROM, _CONTACT_PAIRS = 4.5, 6.0
_RINGS = {
    "PHE": {"CG", "CD1", "CD2", "CE1", "CE2", "CZ"}, "TYR": {"CG", "CD1", "CD2", "CE1", "CE2", "CZ"},
    "TRP": {"CG", "CD1", "CD2", "NE1", "CE2", "CE3", "CZ2", "CZ3", "CH2"},
    "HIS": {"CG", "ND1", "CD2", "CE1", "NE2"},
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
    """Hydrogen bonds of the side chain with the drug, in ideal ones."""
    ring: float
    """Aromatic contact with the drug, 0 to 1."""
    packing_kcal_per_mol: float
    """Free energy of the ensemble without the drug; only differences within a kind mean anything."""


@dataclass(frozen=True)
class _Felt:
    contact: Floats
    bonds: Floats
    ring: Floats


class Place:
    """One residue of a complex whose side chain is exchanged; what all kinds share is computed once."""

    def __init__(self, whole: Complex, number: int) -> None:
        self._whole, self._number = whole, number
        old = whole.residues[number]
        centre = old.at("CB") if "CB" in old.atom_names else old.at("CA")
        self._local = {
            n: residue
            for n, residue in whole.residues.items()
            if float(np.linalg.norm(residue.coord - centre, axis=1).min()) < _LOCAL_ANGSTROM
        }
        around = [
            n
            for n, residue in self._local.items()
            if n != number
            and residue.name not in _STIFF
            and not is_bridged(residue, self._local.values())
            and _side_chain_gap(residue, centre) < _NEIGHBOUR_ANGSTROM
        ]
        free = [
            native_side_chain(self._local[n], _NATIVE_BONUS, rotamers_at(self._local, n, self._local[n].name))
            for n in around
        ]
        self._moving = {p.residue: frozenset(p.atom_names[0]) for p in free}
        own = frozenset(atom for atom in old.atom_names if atom not in FRAME)
        surroundings = Surroundings(self._local, {**self._moving, number: own})
        self._neighbours = [
            prune(surroundings.added_to(position), _NEIGHBOUR_WINDOW, _NEIGHBOUR_MOST) for position in free
        ]
        self._felt = [self._of_drug(position) for position in self._neighbours]

    def row(self, letter: str) -> SiteRow:
        """The ensemble of a residue kind (one-letter code) here."""
        name = three_letter(letter)
        position = prune(self._complete(name), _WINDOW, _MOST)
        felt = self._of_drug(position)
        apart, bound = np.asarray(position.intrinsic, dtype=np.float64), felt.contact.copy()
        bound += apart
        for neighbour, its in zip(self._neighbours, self._felt, strict=True):
            pair = between(position, neighbour)
            meet = np.zeros((len(apart), len(neighbour.intrinsic))) if pair is None else pair
            lone = meet + np.asarray(neighbour.intrinsic, dtype=np.float64)
            apart = apart + free_energy(lone)
            bound = bound + free_energy(lone + its.contact)
        weights = np.exp(-(bound - felt.bonds * _BOND_KCAL - bound.min()) / KT)
        weights /= weights.sum()
        free = float(free_energy(apart))
        return SiteRow(
            complex=self._whole.id, residue=self._number, kind=letter,
            pull_kcal_per_mol=round(float(free_energy(bound)) - free, 3),
            bonds=round(float(weights @ felt.bonds), 3), ring=round(float(weights @ felt.ring), 3),
            packing_kcal_per_mol=round(free, 3),
        )  # fmt: skip

    def _complete(self, name: str) -> Position:
        """Conformers of a kind with their energies among what stands still."""
        old, before = self._whole.residues[self._number], self._whole.residues.get(self._number - 1)
        rotamers = _common(rotamers_at(self._whole.residues, self._number, name))
        native = old.name == name
        forms = ("HIE", "HID") if name == "HIS" and not native else ("",)
        parts = []
        for form in forms:
            residue = old if native else substituted_residue(old, before, name, form)
            position = new_side_chain(residue, form, rotamers)
            if native:
                position = _with_native(position, residue)
            moving = {**self._moving, self._number: frozenset(position.atom_names[0])}
            parts.append(Surroundings({**self._local, self._number: residue}, moving).added_to(position))
        return merge_positions(parts)

    def _of_drug(self, position: Position) -> _Felt:
        """What each conformer feels of the drug."""
        count = len(position.coord)
        contact, bonds, ring = (np.zeros(count) for _ in range(3))
        drug = self._whole.drug
        if drug is not None:
            heavy = drug.coord[drug.heavy]
            for rows, types in by_types(position):
                stack = np.stack([position.coord[i] for i in rows])
                if not stack.shape[1]:
                    continue
                contact[rows] = pair_energies(stack, types, drug.coord[None], drug.contact)[:, 0]
                lone = drug.coord[None]
                bonds[rows] = hydrogen_bonds(stack, types, lone, drug.bonding) + hydrogen_bonds(
                    lone, drug.bonding, stack, types
                )
                atoms = _RINGS.get(position.name, set())
                wanted = [i for i, atom in enumerate(position.atom_names[rows[0]]) if atom in atoms]
                if wanted:
                    gaps = np.linalg.norm(stack[:, wanted, None] - heavy[None, None], axis=-1)
                    pairs = (gaps < _CONTACT_ANGSTROM).sum(axis=(1, 2))
                    ring[rows] = 1.0 - np.exp(-pairs / _CONTACT_PAIRS)
        return _Felt(contact, bonds, ring)


_BOND_KCAL = 2.0
"""What a hydrogen bond with the drug weighs among the rotamers, as in the packing energy."""
_FULL_ANGSTROM, _NONE_ANGSTROM = 3.4, 4.0
"""Donor to acceptor: a whole bond up to the one, none beyond the other."""


def hydrogen_bonds(first: Array, a: AtomTypes, second: Array, b: AtomTypes) -> Floats:
    """Hydrogen bonds from donors of the first set to acceptors of the second, summed.

    One of the sets has one conformer, (1, n_atoms, 3); the result is one number for each conformer of the
    other. A bond counts whole where the angle at the hydrogen exceeds 120 degrees.
    """
    hydrogens, acceptors = np.flatnonzero(a.donor >= 0), np.flatnonzero(b.acceptor)
    count = max(len(first), len(second))
    if not len(hydrogens) or not len(acceptors):
        return np.zeros(count)
    donor, light = first[:, a.donor[hydrogens], None], first[:, hydrogens, None]
    far = second[:, None, acceptors]
    length = np.linalg.norm(far - donor, axis=-1)
    arm, reach = donor - light, far - light
    cosine = (arm * reach).sum(-1) / (np.linalg.norm(arm, axis=-1) * np.linalg.norm(reach, axis=-1))
    near = np.clip((_NONE_ANGSTROM - length) / (_NONE_ANGSTROM - _FULL_ANGSTROM), 0.0, 1.0)
    return np.asarray((near * np.clip(-2.0 * cosine, 0.0, 1.0)).sum(axis=(1, 2)), dtype=np.float64)


def free_energy(energies: Floats) -> Floats:
    """-kT ln of the sum of Boltzmann factors over the last axis, kcal/mol."""
    least = energies.min(axis=-1, keepdims=True)
    total = np.exp(-(energies - least) / KT).sum(axis=-1)
    return np.asarray(least[..., 0] - KT * np.log(total))


def native_letter(whole: Complex, number: int) -> str:
    """One-letter code of the residue that stands at a place."""
    return one_letter(whole.residues[number].name)


def _common(rotamers: tuple[Rotamer, ...]) -> tuple[Rotamer, ...]:
    """The most frequent rotamers, down to what 97 per cent of residues have."""
    ordered = sorted(rotamers, key=lambda rotamer: -rotamer.share_percent)
    total, kept = 0.0, []
    for rotamer in ordered:
        kept.append(rotamer)
        total += rotamer.share_percent
        if total > 100.0 * _SHARE_KEPT:
            break
    return tuple(kept)


def _with_native(position: Position, residue: Residue) -> Position:
    """The conformers and, first, the one that the structure shows."""
    atoms = position.atom_names[0]
    shown = np.array([residue.at(atom) for atom in atoms], dtype=np.float32).reshape(len(atoms), 3)
    return Position(
        position.residue,
        position.name,
        (atoms, *position.atom_names),
        (shown, *position.coord),
        (position.types[0], *position.types),
        ("native", *position.labels),
        np.concatenate([np.array([-_NATIVE_BONUS], dtype=np.float32), position.intrinsic]),
    )


def _side_chain_gap(residue: Residue, centre: Floats) -> float:
    side = Residue(residue.number, residue.name, *_without(residue, {*FRAME, "CA", "HA"}))
    points = heavy_atoms(side)
    return float(np.linalg.norm(points - centre, axis=1).min()) if len(points) else np.inf


def _without(residue: Residue, left_out: set[str]) -> tuple[tuple[str, ...], Floats]:
    kept = [i for i, atom in enumerate(residue.atom_names) if atom not in left_out]
    return tuple(residue.atom_names[i] for i in kept), residue.coord[kept]
