"""Atoms of a structure by residue number and name, for measuring distances and angles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray, side_chain_atoms
from kinscope.structures.stereochemistry import dihedrals

Floats = NDArray[np.float64]
Atom = tuple[int, str]
"""Residue number and atom name."""

_BACKBONE = frozenset({"N", "CA", "C", "O", "OXT"})


class AtomTable:
    """Heavy atoms of a structure in the target's numbering; what is missing is NaN or empty.

    It remembers which atoms were asked for and are not there.
    """

    def __init__(self, atoms: AtomArray) -> None:
        kept = np.flatnonzero(np.char.upper(np.asarray(atoms.element, dtype=str)) != "H")
        self._rows: dict[Atom, int] = {}
        self._residues: dict[int, list[int]] = {}
        self._side_chains: dict[int, list[int]] = {}
        self._names: dict[int, str] = {}
        self._lacking: set[Atom] = set()
        for row, atom in enumerate(kept):
            residue, name = int(atoms.res_id[atom]), str(atoms.atom_name[atom])
            self._rows[residue, name] = row
            self._residues.setdefault(residue, []).append(row)
            self._names[residue] = str(atoms.res_name[atom])
            if name not in _BACKBONE:
                self._side_chains.setdefault(residue, []).append(row)
        self._positions = np.asarray(atoms.coord, dtype=np.float64)[kept]

    def position(self, atom: Atom) -> Floats:
        """Position (3,), NaN if there is no such atom."""
        row = self._rows.get(atom)
        if row is None:
            self._lacking.add(atom)
        return np.full(3, np.nan) if row is None else np.asarray(self._positions[row])

    @property
    def lacking(self) -> tuple[str, ...]:
        """What was asked for and is missing: ``Lys271 NZ``, or ``residue 382`` where nothing of it is."""
        named = self._names
        said = (
            f"{named[number].capitalize()}{number} {name}" if number in named else f"residue {number}"
            for number, name in sorted(self._lacking)
        )
        return tuple(dict.fromkeys(said))

    def whole(self, residue: int) -> bool:
        """Whether every side-chain atom of a residue is there."""
        wanted = side_chain_atoms(self._names.get(residue, ""))
        missing = [name for name in wanted if (residue, name) not in self._rows]
        self._lacking.update((residue, name) for name in missing)
        return not missing

    def distance(self, first: Atom, second: Atom) -> float:
        """Distance in angstrom, NaN if an atom is missing."""
        return float(np.linalg.norm(self.position(first) - self.position(second)))

    def dihedral(self, atoms: tuple[Atom, Atom, Atom, Atom]) -> float:
        """Dihedral angle of four atoms in degrees (-180, 180], NaN if one is missing."""
        first, second, third, fourth = (self.position(atom)[None, :] for atom in atoms)
        return float(dihedrals(first, second, third, fourth)[0])

    def alphas(self, first: int, last: int) -> Floats:
        """CA positions (n, 3) of the residues of a stretch that are there."""
        rows = [self._rows[number, "CA"] for number in range(first, last + 1) if (number, "CA") in self._rows]
        return np.asarray(self._positions[rows])

    def heavy(self, residues: Iterable[int]) -> Floats:
        """Positions (n, 3) of the heavy atoms of residues."""
        rows = [row for number in residues for row in self._residues.get(number, ())]
        return np.asarray(self._positions[rows])

    def side_chain_gap(self, first: int, second: int) -> float:
        """Shortest distance between two side chains (heavy atoms from CB on), NaN if one is missing."""
        one, two = (self._positions[self._side_chains.get(number, [])] for number in (first, second))
        self._lacking.update((n, "CB") for n, found in ((first, one), (second, two)) if not len(found))
        if not len(one) or not len(two):
            return float("nan")
        return float(np.linalg.norm(one[:, None] - two[None], axis=2).min())


def nearest_of(gaps: Sequence[float], bound: float) -> float:
    """The shortest of several distances; NaN where one that is not known might be within the bound alone."""
    known = [gap for gap in gaps if not np.isnan(gap)]
    if not known or (len(known) < len(gaps) and min(known) > bound):
        return float("nan")
    return min(known)


def shortest_gap(first: Floats, second: Floats) -> float:
    """Shortest distance between two sets of points (n, 3) and (m, 3); NaN if one is empty."""
    from scipy.spatial import cKDTree

    if not len(first) or not len(second):
        return float("nan")
    return float(cKDTree(second).query(first)[0].min())


def finite(value: float) -> float | None:
    """The value, None if it is NaN."""
    return None if np.isnan(value) else float(value)
