"""Which way round amides and imidazoles stand, by the hydrogen bonds each way would make.

X-ray density cannot tell N from O in Asn and Gln, nor N from C in His (Word et al., J. Mol. Biol. 1999,
285, 1735). The score here counts, for each polar atom of the side chain, partners within hydrogen-bonding
distance that could answer its role, and charges those that could not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray

_REACH = 3.5
"""Longest heavy-atom distance of a hydrogen bond, angstrom."""

_ROLES = {
    "donor": "ARG NE, ARG NH1, ARG NH2, LYS NZ, TRP NE1, ASN ND2, GLN NE2",
    "acceptor": "ASP OD1, ASP OD2, GLU OE1, GLU OE2, ASN OD1, GLN OE1",
    "both": "SER OG, THR OG1, TYR OH, HIS ND1, HIS NE2",
}
_ROLE_OF = {atom: role for role, atoms in _ROLES.items() for atom in atoms.split(", ")}

_FLIPS = {"ASN": (("OD1", "ND2"),), "GLN": (("OE1", "NE2"),), "HIS": (("ND1", "CD2"), ("CE1", "NE2"))}
_FLIP_MARGIN = 1.0
"""A flip must win one whole clean hydrogen bond: the crystallographer's choice stands otherwise."""


class Partners:
    """Polar atoms of a protein (and of ligands) by role, for scoring."""

    def __init__(self, atoms: AtomArray, ligands: tuple[AtomArray, ...] = ()) -> None:
        polar = [ligand.coord[np.isin(ligand.element, ("N", "O"))] for ligand in ligands]
        beside = sum(map(len, polar))
        roles = np.array(list(map(_role, atoms.res_name.tolist(), atoms.atom_name.tolist())))
        self._positions = np.concatenate([atoms.coord[roles != ""], *polar]).astype(np.float64)
        self._owners = np.concatenate([atoms.res_id[roles != ""], [-1] * beside])
        self._roles = np.concatenate([roles[roles != ""], ["both"] * beside])

    def score(self, position: NDArray[Any], residue: int, *, donates: bool) -> float:
        """Hydrogen bonds that an atom would make in a role, minus those of clashing roles."""
        distances = np.linalg.norm(self._positions - np.asarray(position, dtype=np.float64), axis=1)
        near = (distances < _REACH) & (self._owners != residue)
        total = 0.0
        for role, distance in zip(self._roles[near], distances[near], strict=True):
            strength = 1.0 if distance < 3.2 else 0.5
            if role == "both":
                total += 0.6 * strength
            elif (role == "acceptor") == donates:
                total += strength
            else:
                total -= strength
        return total

    def pair_score(self, donor: NDArray[Any], acceptor: NDArray[Any], residue: int) -> float:
        """Hydrogen bonds of a side chain with one atom that donates and one that accepts."""
        donated = self.score(donor, residue, donates=True)
        return donated + self.score(acceptor, residue, donates=False)


def flip_side_chains(
    atoms: AtomArray, ligands: tuple[AtomArray, ...] = ()
) -> tuple[AtomArray, tuple[str, ...]]:
    """Turn Asn, Gln and His side chains round where the hydrogen bonds gain at least one.

    Returns a copy of the atoms, and the turned residues, e.g. ``Asn414``.
    """
    atoms = atoms.copy()
    turned = []
    for number in np.unique(atoms.res_id):
        rows = np.flatnonzero(atoms.res_id == number)
        name = str(atoms.res_name[rows[0]])
        if name not in _FLIPS:
            continue
        where = {str(atoms.atom_name[row]): int(row) for row in rows}
        partners = Partners(atoms, ligands)
        before = _side_chain_score(atoms, where, name, int(number), partners)
        _swap(atoms, where, name)
        after = _side_chain_score(atoms, where, name, int(number), partners)
        if after >= before + _FLIP_MARGIN:
            turned.append(f"{name.capitalize()}{number}")
        else:
            _swap(atoms, where, name)
    return atoms, tuple(turned)


def histidine_tautomer(atoms: AtomArray, residue: int, ligands: tuple[AtomArray, ...] = ()) -> str:
    """``HID`` or ``HIE``, whichever answers the neighbours better; ``HIE`` where they do not decide."""
    partners = Partners(atoms, ligands)
    here = {str(atoms.atom_name[row]): atoms.coord[row] for row in np.flatnonzero(atoms.res_id == residue)}
    delta = partners.pair_score(here["ND1"], here["NE2"], residue)
    return "HID" if delta > partners.pair_score(here["NE2"], here["ND1"], residue) else "HIE"


def _role(residue_name: str, atom_name: str) -> str:
    if atom_name == "O":
        return "acceptor"
    if atom_name == "N":
        return "" if residue_name == "PRO" else "donor"
    return _ROLE_OF.get(f"{residue_name} {atom_name}", "")


def _side_chain_score(
    atoms: AtomArray, where: dict[str, int], name: str, number: int, partners: Partners
) -> float:
    def at(atom: str) -> NDArray[Any]:
        return np.asarray(atoms.coord[where[atom]])

    if name == "HIS":
        # Either nitrogen may donate or accept: the better tautomer counts.
        pairs = ((at("ND1"), at("NE2")), (at("NE2"), at("ND1")))
        return max(partners.pair_score(donor, acceptor, number) for donor, acceptor in pairs)
    oxygen, nitrogen = _FLIPS[name][0]
    return partners.pair_score(at(nitrogen), at(oxygen), number)


def _swap(atoms: AtomArray, where: dict[str, int], name: str) -> None:
    for first, second in _FLIPS[name]:
        both = [where[first], where[second]]
        atoms.coord[both] = atoms.coord[both[::-1]]
