"""What stands where in a frame: residues, ligands, donors and acceptors, read once from the topology."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kinscope.analysis.secondary_structure import Backbone, BoolArray
from kinscope.analysis.superposition import FloatArray, IntArray
from kinscope.core.errors import BadInputError

Atoms = Any
"""Anything with ``coord`` (n_atoms, 3) in angstrom, ``res_id``, ``res_name``, ``atom_name``, ``element``."""

MASSES_DALTON = {
    "H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "P": 30.974, "S": 32.06,
    "CL": 35.45, "BR": 79.904, "I": 126.90,
}  # fmt: skip
_WATER_AND_IONS = {
    "HOH", "WAT", "SOL", "TIP3", "TIP4", "SPC", "NA", "CL", "K", "MG", "CA", "ZN", "NA+", "CL-", "SOD", "CLA",
    "POT", "K+", "MG2", "CAL", "LIT", "CES", "RB", "BR", "IOD",
}  # fmt: skip
_CAPS = {"ACE", "NME", "NMA", "NH2", "NHE"}
_BONDED_H = 1.25
"""No hydrogen of N, O, S or C is bonded at a greater distance, angstrom."""
_BONDED_HEAVY = 1.95
"""Bonds of C, N, O, F and P to one another are shorter; C-S is 1.8 and C-Br 1.9 angstrom."""


@dataclass(frozen=True)
class Bond:
    """Where the parts of possible hydrogen bonds stand."""

    donors: IntArray
    """One entry per hydrogen (or per donor, where the topology has no hydrogens)."""
    hydrogens: IntArray
    """As long as ``donors``; the donor itself where there are no hydrogens."""
    acceptors: IntArray
    has_hydrogens: bool


class Layout:
    """The atoms of a frame by what they are.

    Parameters
    ----------
    atoms
        Topology in the order of the frames.

    Raises
    ------
    BadInputError
        If it holds fewer than three residues with a whole backbone.
    """

    def __init__(self, atoms: Atoms) -> None:
        self.coord: FloatArray = np.asarray(atoms.coord, dtype=np.float64)
        self.res_id = np.asarray(atoms.res_id)
        self.res_name = np.char.upper(np.asarray(atoms.res_name, dtype=str))
        self.atom_name = np.char.upper(np.asarray(atoms.atom_name, dtype=str))
        self.element = np.char.upper(np.asarray(atoms.element, dtype=str))
        self.heavy: BoolArray = self.element != "H"
        self._group = self._groups()
        if len(self.backbone.residues) < 3:
            raise BadInputError(
                "The topology holds no protein chain with a whole backbone.",
                where="topology",
                remedy="Give a topology with the atoms N, CA, C and O of each residue.",
            )

    def _groups(self) -> IntArray:
        """A number per residue as it stands in the file, so that a ligand may bear a residue's number."""
        change = np.ones(len(self.res_id), dtype=bool)
        change[1:] = (self.res_id[1:] != self.res_id[:-1]) | (self.res_name[1:] != self.res_name[:-1])
        return np.cumsum(change) - 1

    @cached_property
    def backbone(self) -> Backbone:
        """Backbone atoms of every residue that has all four."""
        rows: list[tuple[int, ...]] = []
        wanted = np.flatnonzero(np.isin(self.atom_name, ("N", "CA", "C", "O")) & self.heavy)
        places: dict[int, dict[str, int]] = {}
        for place in wanted:
            places.setdefault(int(self._group[place]), {})[str(self.atom_name[place])] = int(place)
        for found in places.values():
            if len(found) == 4:
                rows.append((int(self.res_id[found["CA"]]), *(found[name] for name in ("N", "CA", "C", "O"))))
        table = np.asarray(sorted(rows), dtype=np.intp).reshape(-1, 5)
        prolines = self.res_name[table[:, 2]] == "PRO" if len(table) else np.empty(0, dtype=bool)
        numbers, n, ca, c, o = table.T
        return Backbone(numbers, n, ca, c, o, np.asarray(prolines))

    @cached_property
    def protein(self) -> BoolArray:
        """Atoms of residues with a backbone, and of the caps."""
        inside = np.isin(self._group, self._group[self.backbone.ca])
        return np.asarray(inside | np.isin(self.res_name, tuple(_CAPS)))

    @cached_property
    def ligands(self) -> tuple[tuple[str, IntArray], ...]:
        """Name and atoms of every other molecule of three heavy atoms at least, water and ions left out."""
        other = ~self.protein & ~np.isin(self.res_name, tuple(_WATER_AND_IONS))
        found = []
        for group in np.unique(self._group[other]):
            places = np.flatnonzero(other & (self._group == group))
            if int(self.heavy[places].sum()) >= 3:
                found.append((str(self.res_name[places[0]]), places))
        return tuple(found)

    @cached_property
    def masses(self) -> FloatArray:
        """Dalton, shape (n_atoms,); unknown elements count as carbon."""
        return np.array([MASSES_DALTON.get(symbol, 12.011) for symbol in self.element])

    @cached_property
    def bonds(self) -> Bond:
        """Donors with their hydrogens, and acceptors."""
        has = bool((~self.heavy).any())
        parents = self._parents if has else np.empty((0, 2), dtype=np.intp)
        polar = np.isin(self.element, ("N", "O"))
        carried = {int(parent) for _, parent in parents}
        if has:
            kept = polar[parents[:, 1]]
            hydrogens, donors = parents[kept, 0], parents[kept, 1]
        else:
            donors = np.flatnonzero(polar & self._donates_by_name)
            hydrogens = donors
        acceptors = [
            place
            for place in np.flatnonzero(polar)
            if self.element[place] == "O" or (self._lone_nitrogen(int(place)) and int(place) not in carried)
        ]
        return Bond(donors, hydrogens, np.asarray(acceptors, dtype=np.intp), has)

    @cached_property
    def cations(self) -> IntArray:
        """Nitrogens that carry a positive charge: Lys, Arg, doubly protonated His, four-bonded of ligands."""
        names = [
            place
            for place in np.flatnonzero(self.element == "N")
            if (str(self.res_name[place]), str(self.atom_name[place])) in _CATIONIC
        ]
        charged = {*map(int, names), *self._charged_histidines(), *self._ligand_ammonium()}
        return np.asarray(sorted(charged), dtype=np.intp)

    def _ligand_ammonium(self) -> list[int]:
        """Nitrogens of ligands with four neighbours, hydrogens counted."""
        found = []
        for _, places in self.ligands:
            reach = np.where(self.heavy[places], _BONDED_HEAVY, _BONDED_H)
            for place in places[self.element[places] == "N"]:
                gap = np.linalg.norm(self.coord[places] - self.coord[place], axis=1)
                if int(((gap < reach) & (gap > 0)).sum()) == 4:
                    found.append(int(place))
        return found

    def _ligand_carboxylates(self) -> list[int]:
        """Oxygens of ligands that share a carbon with another, neither with a hydrogen or a further bond."""
        found = []
        for _, places in self.ligands:
            reach = np.where(self.heavy[places], _BONDED_HEAVY, _BONDED_H)
            ends: dict[int, list[int]] = {}
            for place in places[self.element[places] == "O"]:
                gap = np.linalg.norm(self.coord[places] - self.coord[place], axis=1)
                bonded = places[(gap < reach) & (gap > 0)]
                if len(bonded) == 1 and self.element[bonded[0]] == "C":
                    ends.setdefault(int(bonded[0]), []).append(int(place))
            found += [place for pair in ends.values() if len(pair) == 2 for place in pair]
        return found

    def _charged_histidines(self) -> list[int]:
        """Ring nitrogens of histidines that carry a hydrogen on both."""
        rings = np.flatnonzero((self.res_name == "HIS") & np.isin(self.atom_name, ("ND1", "NE2")))
        carried = set(self._parents[:, 1].tolist()) if bool((~self.heavy).any()) else set()
        own = [int(place) for place in rings if int(place) in carried]
        return [place for place in own if sum(self._group[place] == self._group[other] for other in own) == 2]

    @cached_property
    def anions(self) -> IntArray:
        """Oxygens with a negative charge: Asp, Glu, phosphates, the chain's end, ligands' carboxylates."""
        charged = [
            place
            for place in np.flatnonzero(self.element == "O")
            if (str(self.res_name[place]), str(self.atom_name[place])) in _ANIONIC
            or str(self.atom_name[place]) in ("OXT", "O1P", "O2P", "O3P")
        ]
        carboxylates = self._ligand_carboxylates() if bool((~self.heavy).any()) else []
        return np.asarray(sorted({*map(int, charged), *carboxylates}), dtype=np.intp)

    @cached_property
    def apolar(self) -> IntArray:
        """Carbons without a bond to N or O, and sulphur of Met."""
        from scipy.spatial import cKDTree

        carbons = np.flatnonzero(self.element == "C")
        polar = np.flatnonzero(np.isin(self.element, ("N", "O", "P", "F")))
        if not len(polar) or not len(carbons):
            return carbons
        gap, _ = cKDTree(self.coord[polar]).query(self.coord[carbons])
        sulphur = np.flatnonzero((self.element == "S") & (self.res_name == "MET"))
        return np.sort(np.concatenate([carbons[gap > 1.6], sulphur]))

    @cached_property
    def _parents(self) -> IntArray:
        """Each hydrogen and the heavy atom that it is bonded to, shape (n, 2)."""
        from scipy.spatial import cKDTree

        heavy, hydrogens = np.flatnonzero(self.heavy), np.flatnonzero(~self.heavy)
        gap, nearest = cKDTree(self.coord[heavy]).query(self.coord[hydrogens])
        near = gap <= _BONDED_H
        return np.stack([hydrogens[near], heavy[nearest[near]]], axis=1)

    @property
    def _donates_by_name(self) -> BoolArray:
        """Donors where the topology has no hydrogens; oxygens and nitrogens of ligands count all."""
        backbone = (self.atom_name == "N") & (self.res_name != "PRO")
        names = np.char.add(np.char.add(self.res_name, " "), self.atom_name)
        side = np.isin(names, tuple(_DONORS))
        return np.asarray((self.protein & (backbone | side)) | ~self.protein)

    def _lone_nitrogen(self, place: int) -> bool:
        """Whether a nitrogen without hydrogen can accept: at most two heavy neighbours."""
        if self.protein[place] and self.res_name[place] not in ("HIS", "HID", "HIE"):
            return False
        gap = np.linalg.norm(self.coord - self.coord[place], axis=1)
        return int(((gap < _BONDED_HEAVY) & (gap > 0) & self.heavy).sum()) <= 2


_DONORS = {
    "ARG NE", "ARG NH1", "ARG NH2", "LYS NZ", "TRP NE1", "ASN ND2", "GLN NE2", "SER OG", "THR OG1", "TYR OH",
    "HIS ND1", "HIS NE2", "HID ND1", "HIE NE2", "HIP ND1", "HIP NE2",
}  # fmt: skip
_CATIONIC = {
    ("LYS", "NZ"), ("ARG", "NE"), ("ARG", "NH1"), ("ARG", "NH2"), ("HIP", "ND1"), ("HIP", "NE2"),
}  # fmt: skip
_ANIONIC = {("ASP", "OD1"), ("ASP", "OD2"), ("GLU", "OE1"), ("GLU", "OE2")}
