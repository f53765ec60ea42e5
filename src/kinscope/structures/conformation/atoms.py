"""Atoms of a structure by residue number and name, for measuring distances and angles in all its frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.atom_types import Atoms
from kinscope.structures.model import side_chain_atoms
from kinscope.structures.stereochemistry import dihedrals

Floats = NDArray[np.float64]
Labels = NDArray[Any]
"""Words, one for each frame."""
Atom = tuple[int, str]
"""Residue number and atom name."""

_BACKBONE = frozenset({"N", "CA", "C", "O", "OXT"})


class AtomTable:
    """Heavy atoms of a structure in the target's numbering; what is missing is NaN or empty.

    It remembers which atoms were asked for and are not there. ``kept``: which atoms it holds, shape
    (n_atoms,); None: all heavy ones.
    """

    def __init__(self, atoms: Atoms, kept: NDArray[np.bool_] | None = None) -> None:
        self.frames: NDArray[Any] = np.asarray(atoms.coord, dtype=np.float64)[None]
        """Shape (n_frames, n_atoms, 3), angstrom; of a single structure one frame."""
        if kept is None:
            kept = np.char.upper(np.asarray(atoms.element, dtype=str)) != "H"
        self._rows: dict[Atom, int] = {}
        self._residues: dict[int, list[int]] = {}
        self._side_chains: dict[int, list[int]] = {}
        self._names: dict[int, str] = {}
        self._lacking: set[Atom] = set()
        for row in np.flatnonzero(kept).tolist():
            residue, name = int(atoms.res_id[row]), str(atoms.atom_name[row])
            if (residue, name) in self._rows:
                continue
            self._rows[residue, name] = row
            self._residues.setdefault(residue, []).append(row)
            self._names[residue] = str(atoms.res_name[row])
            if name not in _BACKBONE:
                self._side_chains.setdefault(residue, []).append(row)

    @property
    def missing(self) -> Floats:
        """What is measured where atoms are missing, NaN (n_frames,)."""
        return np.full(len(self.frames), np.nan)

    def position(self, atom: Atom) -> Floats:
        """Positions (n_frames, 3), NaN if there is no such atom."""
        row = self._rows.get(atom)
        if row is None:
            self._lacking.add(atom)
            return np.full((len(self.frames), 3), np.nan)
        return np.asarray(self.frames[:, row], dtype=np.float64)

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

    def distance(self, first: Atom, second: Atom) -> Floats:
        """Distances (n_frames,) in angstrom, NaN if an atom is missing."""
        return np.asarray(np.linalg.norm(self.position(first) - self.position(second), axis=1))

    def dihedral(self, atoms: tuple[Atom, Atom, Atom, Atom]) -> Floats:
        """Dihedral angles (n_frames,) of four atoms in degrees (-180, 180], NaN if one is missing."""
        first, second, third, fourth = (self.position(atom) for atom in atoms)
        return dihedrals(first, second, third, fourth)

    def alphas(self, first: int, last: int) -> Floats:
        """CA positions (n_frames, n, 3) of the residues of a stretch that are there."""
        rows = [self._rows[number, "CA"] for number in range(first, last + 1) if (number, "CA") in self._rows]
        return np.asarray(self.frames[:, rows], dtype=np.float64)

    def heavy(self, residues: Iterable[int]) -> list[int]:
        """Rows of the heavy atoms of residues."""
        return [row for number in residues for row in self._residues.get(number, ())]

    def side_chain_gap(self, first: int, second: int) -> Floats:
        """Shortest distance (n_frames,) between two side chains (heavy atoms from CB on), NaN without one."""
        one, two = (self._side_chains.get(number, []) for number in (first, second))
        self._lacking.update((n, "CB") for n, found in ((first, one), (second, two)) if not found)
        return self.gap(one, two)

    def gap(self, first: Sequence[int], second: Sequence[int], farthest: float = np.inf) -> Floats:
        """Shortest distance (n_frames,) between two sets of atoms, NaN if one is empty.

        Beyond ``farthest`` any greater number may stand for it.
        """
        from scipy.spatial import cKDTree

        if not first or not second:
            return self.missing
        return np.array([cKDTree(frame[second]).query(frame[first])[0].min() for frame in self.frames])


def nearest_of(gaps: Sequence[Floats | float], bound: float) -> Floats:
    """The shortest of several distances; NaN where one that is not known might be within the bound alone."""
    table = np.stack(gaps)
    nearest = np.fmin.reduce(table)
    return np.where(np.isnan(table).any(axis=0) & (nearest > bound), np.nan, nearest)


def finite(value: float) -> float | None:
    """The value, None if it is NaN."""
    return None if np.isnan(value) else float(value)
