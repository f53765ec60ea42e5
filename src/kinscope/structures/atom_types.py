"""What each atom can do in an interaction: donate, accept, carry a charge, lie in an aromatic ring.

Read from names (residues) and from geometry (ligands, whose topologies carry no bonds along a trajectory),
once per structure, for models, poses and frames alike. Hydrogens are explicit wherever kinscope made the
structure; without them donors are known by their names and charges by the usual state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray

Atoms = Any
"""Anything with ``coord`` (n_atoms, 3) in angstrom, ``res_id``, ``res_name``, ``atom_name``, ``element``."""
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

_WATER_AND_IONS = {
    "HOH", "WAT", "SOL", "TIP3", "TIP4", "SPC", "NA", "CL", "K", "MG", "CA", "ZN", "NA+", "CL-", "SOD", "CLA",
    "POT", "K+", "MG2", "CAL", "LIT", "CES", "RB", "BR", "IOD",
}  # fmt: skip
_CAPS = {"ACE", "NME", "NMA", "NH2", "NHE"}
_HISTIDINES = ("HIS", "HID", "HIE", "HIP")
_DONORS = {
    "ARG NE", "ARG NH1", "ARG NH2", "LYS NZ", "TRP NE1", "ASN ND2", "GLN NE2", "SER OG", "THR OG1", "TYR OH",
    "HIS ND1", "HIS NE2", "HID ND1", "HIE NE2", "HIP ND1", "HIP NE2",
}  # fmt: skip
_CATIONIC = {"LYS NZ", "ARG NE", "ARG NH1", "ARG NH2", "HIP ND1", "HIP NE2"}
_ANIONIC = {"ASP OD1", "ASP OD2", "GLU OE1", "GLU OE2"}
_TERMINAL_OXYGENS = ("OXT", "O1P", "O2P", "O3P")
_SIX_RING = ("CG", "CD1", "CE1", "CZ", "CE2", "CD2")
_PROTEIN_RINGS = {
    "PHE": (_SIX_RING,),
    "TYR": (_SIX_RING,),
    "PTR": (_SIX_RING,),
    "TRP": (("CG", "CD1", "NE1", "CE2", "CD2"), ("CD2", "CE2", "CZ2", "CH2", "CZ3", "CE3")),
    "HIS": (("CG", "ND1", "CE1", "NE2", "CD2"),),
}
_BARE_OXYGENS = {"C": 2, "P": 2, "S": 3}
"""So many oxygens with no further bond share a charge: carboxylate, phosphate, sulphonate."""
_BONDED_HYDROGEN = 1.25
"""No hydrogen of N, O, S or C is bonded at a greater distance, angstrom."""
_BONDED_HEAVY = 1.95
"""Bonds of C, N, O, F and P to one another are shorter; C-S is 1.8 and C-Br 1.9 angstrom."""
_HALOGEN_BONDED = 2.2
"""C-I is 2.1 angstrom."""
_FLAT = 0.1
"""Atoms of an aromatic ring lie this near their plane, angstrom."""


@dataclass(frozen=True)
class Bond:
    """Where the parts of possible hydrogen bonds stand."""

    donors: IntArray
    """One entry per hydrogen (or per donor, where the topology has no hydrogens)."""
    hydrogens: IntArray
    """As long as ``donors``; the donor itself where there are no hydrogens."""
    acceptors: IntArray
    has_hydrogens: bool


class AtomTypes:
    """The atoms of a structure by what they can do.

    Residues and ligands stand whole, one after another.
    """

    def __init__(self, atoms: Atoms) -> None:
        self.coord: FloatArray = np.asarray(atoms.coord, dtype=np.float64)
        self.res_id = np.asarray(atoms.res_id)
        self.res_name = np.char.upper(np.asarray(atoms.res_name, dtype=str))
        self.atom_name = np.char.upper(np.asarray(atoms.atom_name, dtype=str))
        self.element = np.char.upper(np.asarray(atoms.element, dtype=str))
        self.heavy: BoolArray = self.element != "H"
        # A number per residue as it stands in the file, so that a ligand may bear a residue's number.
        change = np.ones(len(self.res_id), dtype=bool)
        change[1:] = (self.res_id[1:] != self.res_id[:-1]) | (self.res_name[1:] != self.res_name[:-1])
        self.group: IntArray = np.cumsum(change) - 1

    @cached_property
    def backbone_places(self) -> tuple[dict[str, int], ...]:
        """Places of N, CA, C and O by name, of every residue that has all four."""
        places: dict[int, dict[str, int]] = {}
        for place in np.flatnonzero(np.isin(self.atom_name, ("N", "CA", "C", "O")) & self.heavy):
            places.setdefault(int(self.group[place]), {})[str(self.atom_name[place])] = int(place)
        return tuple(found for found in places.values() if len(found) == 4)

    @cached_property
    def protein(self) -> BoolArray:
        """Atoms of residues with a backbone, and of the caps."""
        alphas = [found["CA"] for found in self.backbone_places]
        inside = np.isin(self.group, self.group[np.asarray(alphas, dtype=np.intp)])
        return np.asarray(inside | np.isin(self.res_name, tuple(_CAPS)))

    @cached_property
    def ligands(self) -> tuple[tuple[str, IntArray], ...]:
        """Name and atoms of every other molecule of three heavy atoms at least, water and ions left out."""
        other = ~self.protein & ~np.isin(self.res_name, tuple(_WATER_AND_IONS))
        found = []
        for group in np.unique(self.group[other]):
            places = np.flatnonzero(other & (self.group == group))
            if int(self.heavy[places].sum()) >= 3:
                found.append((str(self.res_name[places[0]]), places))
        return tuple(found)

    @cached_property
    def bonds(self) -> Bond:
        """Donors with their hydrogens, and acceptors: N and O alone."""
        polar = np.isin(self.element, ("N", "O"))
        if self.has_hydrogens:
            kept = polar[self._parents[:, 1]]
            hydrogens, donors = self._parents[kept].T
        else:
            donors = hydrogens = np.flatnonzero(polar & self._donates_by_name)
        acceptors = [
            place
            for place in np.flatnonzero(polar).tolist()
            if self.element[place] == "O" or (not self._hydrogens_at[place] and self._lone_nitrogen(place))
        ]
        return Bond(donors, hydrogens, np.asarray(acceptors, dtype=np.intp), self.has_hydrogens)

    @cached_property
    def cations(self) -> IntArray:
        """Nitrogens that share a positive charge: Lys, Arg, doubly protonated His, and of ligands.

        In ligands nitrogens with four neighbours, and those of amidinium and guanidinium.
        """
        named = np.flatnonzero(np.isin(self._names, tuple(_CATIONIC))).tolist()
        found = {*named, *self._charged_histidines(), *self._ligand_charges[0]}
        return np.asarray(sorted(found), dtype=np.intp)

    @cached_property
    def anions(self) -> IntArray:
        """Oxygens that share a negative charge: Asp, Glu, phosphates, the chain's end, and of ligands.

        Neither oxygen of a carboxyl group that holds a hydrogen does. In ligands the bare oxygens of
        carboxylates, phosphates and sulphonates.
        """
        acid = np.isin(self._names, tuple(_ANIONIC))
        neutral = np.unique(self.group[acid & self._hydrogens_at.astype(bool)])
        charged = (acid & ~np.isin(self.group, neutral)) | np.isin(self.atom_name, _TERMINAL_OXYGENS)
        named = np.flatnonzero(charged & (self.element == "O")).tolist()
        return np.asarray(sorted({*named, *self._ligand_charges[1]}), dtype=np.intp)

    @cached_property
    def apolar(self) -> IntArray:
        """Carbons without a bond to N, O or F, and sulphur of Met."""
        from scipy.spatial import cKDTree

        carbons = np.flatnonzero(self.element == "C")
        polar = np.flatnonzero(np.isin(self.element, ("N", "O", "P", "F")))
        if not len(polar) or not len(carbons):
            return carbons
        gap, _ = cKDTree(self._apart[polar]).query(self._apart[carbons])
        sulphur = np.flatnonzero((self.element == "S") & (self.res_name == "MET"))
        return np.sort(np.concatenate([carbons[gap > 1.6], sulphur]))

    @cached_property
    def rings(self) -> tuple[IntArray, ...]:
        """Aromatic rings of protein and ligands by their atoms, in order around each."""
        found: list[IntArray] = []
        for name, patterns in _PROTEIN_RINGS.items():
            for pattern in patterns:
                own = np.flatnonzero((self.res_name == name) & np.isin(self.atom_name, pattern))
                for group in np.unique(self.group[own]):
                    atoms = {str(self.atom_name[i]): int(i) for i in own[self.group[own] == group]}
                    if len(atoms) == len(pattern):
                        found.append(np.array([atoms[atom] for atom in pattern], dtype=np.intp))
        for _, places in self.ligands:
            found += self._ligand_rings(places[self.heavy[places]])
        return tuple(found)

    @cached_property
    def halogens(self) -> tuple[IntArray, IntArray]:
        """Chlorine, bromine and iodine of ligands, and what each is bonded to."""
        heavy = np.concatenate([p[self.heavy[p]] for _, p in self.ligands] or [np.empty(0, dtype=np.intp)])
        found, parents = [], []
        for atom in heavy[np.isin(self.element[heavy], ("CL", "BR", "I"))]:
            gaps = np.linalg.norm(self.coord[heavy] - self.coord[atom], axis=1)
            gaps[heavy == atom] = np.inf
            if gaps.min() < _HALOGEN_BONDED:
                found.append(int(atom))
                parents.append(int(heavy[int(gaps.argmin())]))
        return np.asarray(found, dtype=np.intp), np.asarray(parents, dtype=np.intp)

    def rooted(self, acceptors: IntArray) -> tuple[IntArray, IntArray]:
        """Each acceptor with each atom that is bonded to it, both shape (n_bonds,)."""
        from scipy.spatial import cKDTree

        near = cKDTree(self.coord).query_ball_point(self.coord[acceptors], _BONDED_HEAVY)
        rows = [(int(atom), other) for atom, around in zip(acceptors, near, strict=True) for other in around]
        first, second = np.array(rows, dtype=np.intp).reshape(-1, 2).T
        gaps = np.linalg.norm(self.coord[first] - self.coord[second], axis=1)
        # No hydrogen that is only hydrogen-bonded stands nearer than 1.4 angstrom.
        kept = (first != second) & (self.heavy[second] | (gaps < 1.4))
        kept &= self.protein[first] == self.protein[second]
        return first[kept], second[kept]

    @cached_property
    def has_hydrogens(self) -> bool:
        """Whether hydrogens are explicit."""
        return bool((~self.heavy).any())

    @cached_property
    def _apart(self) -> FloatArray:
        """Coordinates with the residue as a fourth axis: what is near is of one residue, even in a clash."""
        return np.column_stack([self.coord, self.group * 100.0])

    @cached_property
    def _names(self) -> Any:
        """``ASP OD1`` for every atom, shape (n_atoms,)."""
        return np.char.add(np.char.add(self.res_name, " "), self.atom_name)

    @cached_property
    def _parents(self) -> IntArray:
        """Each hydrogen and the heavy atom that it is bonded to, shape (n, 2)."""
        from scipy.spatial import cKDTree

        heavy, hydrogens = np.flatnonzero(self.heavy), np.flatnonzero(~self.heavy)
        if not len(hydrogens):
            return np.empty((0, 2), dtype=np.intp)
        gap, nearest = cKDTree(self._apart[heavy]).query(self._apart[hydrogens])
        near = gap <= _BONDED_HYDROGEN
        return np.stack([hydrogens[near], heavy[nearest[near]]], axis=1)

    @cached_property
    def _hydrogens_at(self) -> IntArray:
        """How many hydrogens each atom holds, shape (n_atoms,)."""
        return np.bincount(self._parents[:, 1], minlength=len(self.coord))

    @property
    def _donates_by_name(self) -> BoolArray:
        """Donors where there are no hydrogens; oxygens and nitrogens of ligands count all."""
        backbone = (self.atom_name == "N") & (self.res_name != "PRO")
        side = np.isin(self._names, tuple(_DONORS))
        return np.asarray((self.protein & (backbone | side)) | ~self.protein)

    def _lone_nitrogen(self, place: int) -> bool:
        """Whether a nitrogen without hydrogen can accept: at most two heavy neighbours."""
        if self.protein[place] and self.res_name[place] not in _HISTIDINES:
            return False
        gap = np.linalg.norm(self._apart - self._apart[place], axis=1)
        return int(((gap < _BONDED_HEAVY) & (gap > 0) & self.heavy).sum()) <= 2

    def _charged_histidines(self) -> list[int]:
        """Ring nitrogens of histidines that carry a hydrogen on both."""
        rings = (self.res_name == "HIS") & np.isin(self.atom_name, ("ND1", "NE2"))
        own = np.flatnonzero(rings & self._hydrogens_at.astype(bool))
        return [int(place) for place in own if int((self.group[own] == self.group[place]).sum()) == 2]

    @cached_property
    def _ligand_charges(self) -> tuple[list[int], list[int]]:
        """Nitrogens and oxygens of ligands that share a charge; without hydrogens there is no telling."""
        cations: list[int] = []
        anions: list[int] = []
        for _, places in self.ligands if self.has_hydrogens else ():
            near = self._neighbours(places)
            for centre, around in near.items():
                ends = {symbol: [n for n in around if self.element[n] == symbol] for symbol in ("N", "O")}
                if self.element[centre] == "N" and len(around) == 4:
                    cations.append(centre)
                bare = [oxygen for oxygen in ends["O"] if len(near[oxygen]) == 1]
                if len(bare) >= _BARE_OXYGENS.get(str(self.element[centre]), 9):
                    anions += bare
                if (
                    self.element[centre] == "C"
                    and len(around) == 3
                    and self._holds_charge(ends["N"], around, near)
                ):
                    cations += ends["N"]
        return cations, anions

    def _holds_charge(self, nitrogens: list[int], around: list[int], near: dict[int, list[int]]) -> bool:
        """Whether a flat carbon's nitrogens are those of amidinium or guanidinium."""
        others = [n for n in around if n not in nitrogens and self.element[n] not in ("C", "H")]
        if len(nitrogens) < 2 or others or any(len(near[n]) != 3 for n in nitrogens):
            return False
        return len(nitrogens) == 3 or any(self._hydrogens_at[n] == 2 for n in nitrogens)

    def _neighbours(self, places: IntArray) -> dict[int, list[int]]:
        """Atoms of a ligand that each of them is bonded to."""
        gap = np.linalg.norm(self.coord[places][:, None] - self.coord[places][None], axis=2)
        heavy = self.heavy[places]
        reach = np.where(heavy[:, None] & heavy[None], _BONDED_HEAVY, _BONDED_HYDROGEN)
        bonded = (gap < reach) & (gap > 0)
        return {int(place): places[row].tolist() for place, row in zip(places, bonded, strict=True)}

    def _ligand_rings(self, heavy: IntArray) -> list[IntArray]:
        """Flat rings of five or six atoms of a ligand, none of them with four neighbours."""
        points = self.coord[heavy]
        gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
        neighbours = [np.flatnonzero(row) for row in (gaps < _BONDED_HEAVY) & (gaps > 0)]
        whole = np.linalg.norm(self._apart[None] - self._apart[heavy][:, None], axis=2)
        reach = np.where(self.heavy, _BONDED_HEAVY, _BONDED_HYDROGEN)[None]
        crowded = ((whole < reach) & (whole > 0)).sum(axis=1) > 3
        rings: dict[frozenset[int], IntArray] = {}
        for start in range(len(heavy)):
            for path in _cycles(start, neighbours):
                if not crowded[list(path)].any() and _is_flat(points[list(path)]):
                    rings.setdefault(frozenset(path), heavy[list(path)])
        return list(rings.values())


def _cycles(start: int, neighbours: list[IntArray]) -> Iterator[tuple[int, ...]]:
    """Cycles of five and six atoms through an atom, as paths."""
    stack: list[tuple[int, ...]] = [(start,)]
    while stack:
        path = stack.pop()
        for following in neighbours[path[-1]].tolist():
            if following == start and len(path) in (5, 6):
                yield path
            elif following > start and following not in path and len(path) < 6:
                stack.append((*path, following))


def _is_flat(points: FloatArray) -> bool:
    spokes = points - points.mean(axis=0)
    normal = np.linalg.svd(spokes)[2][2]
    return bool(np.abs(spokes @ normal).max() <= _FLAT)
