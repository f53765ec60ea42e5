"""What stands where in a frame: chain, ligands, masses, read once from the topology."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray
from kinscope.core.errors import BadInputError, StructureError
from kinscope.structures.atom_types import Atoms, AtomTypes

_BOND_ANGSTROM = (0.4, 3.0)
_MEDIAN_ANGSTROM = (1.2, 1.8)
"""Wide bounds of a frame's bonds N-CA, CA-C and C-O, of 1.23 to 1.53 angstrom, and of their median."""
_LINK_ANGSTROM = (2.0, 8.0)
"""Residues nearer than the first in the topology are linked; a wrong image is farther than the second."""
_SIDE_CHAIN_ANGSTROM = 25.0
"""No atom of a protein is farther outside the box around its CA atoms."""
_SHOWN = 8
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Backbone:
    """Where the backbone atoms of each residue stand in a frame; all shapes (n_residues,)."""

    residues: IntArray
    n: IntArray
    ca: IntArray
    c: IntArray
    o: IntArray
    proline: BoolArray

    @property
    def joined(self) -> BoolArray:
        """Whether the residue before is bonded to this one, by number; False for the first."""
        return np.concatenate([[False], np.diff(self.residues) == 1])


MASSES_DALTON = {
    "H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "P": 30.974, "S": 32.06,
    "CL": 35.45, "BR": 79.904, "I": 126.90,
}  # fmt: skip


class Layout(AtomTypes):
    """The atoms of a frame by what they are.

    Raises BadInputError if it holds fewer than three residues with a whole backbone.
    """

    def __init__(self, atoms: Atoms) -> None:
        super().__init__(atoms)
        if len(self.backbone.residues) < 3:
            raise BadInputError(
                "The topology holds no protein chain with a whole backbone.",
                where="topology",
                remedy="Give a topology with the atoms N, CA, C and O of each residue.",
            )

    @cached_property
    def backbone(self) -> Backbone:
        """Backbone atoms of every residue that has all four."""
        rows = [
            (int(self.res_id[found["CA"]]), *(found[name] for name in ("N", "CA", "C", "O")))
            for found in self.backbone_places
        ]
        table = np.asarray(sorted(rows), dtype=np.intp).reshape(-1, 5)
        prolines = self.res_name[table[:, 2]] == "PRO" if len(table) else np.empty(0, dtype=bool)
        numbers, n, ca, c, o = table.T
        return Backbone(numbers, n, ca, c, o, np.asarray(prolines))

    @cached_property
    def masses(self) -> FloatArray:
        """Dalton, shape (n_atoms,); unknown elements count as carbon."""
        return np.array([MASSES_DALTON.get(symbol, 12.011) for symbol in self.element])

    @np.errstate(invalid="ignore", over="ignore")
    def check(self, coordinates: np.ndarray[Any, Any], where: str, numbers: range | None = None) -> None:
        """Refuse frames that cannot be of these atoms, in angstrom.

        ``coordinates``: shape (n_frames, n_atoms, 3), molecules whole. ``numbers``: of the frames in their
        file; None: the topology's structure.

        Raises StructureError if a bond of the backbone tells another unit, other atoms or a frame that is
        none.
        """
        chain = self.backbone

        def lengths(one: IntArray, other: IntArray) -> FloatArray:
            return np.asarray(np.linalg.norm(coordinates[:, one] - coordinates[:, other], axis=2))

        bonds = np.concatenate(
            [lengths(chain.n, chain.ca), lengths(chain.ca, chain.c), lengths(chain.c, chain.o)], axis=1
        )
        shortest, longest, middle = bonds.min(axis=1), bonds.max(axis=1), np.median(bonds, axis=1)
        before, after = chain.c[:-1], chain.n[1:]
        linked = np.linalg.norm(self.coord[before] - self.coord[after], axis=1) < _LINK_ANGSTROM[0]
        broken = np.any(lengths(before[linked], after[linked]) > _LINK_ANGSTROM[1], axis=1)
        protein = coordinates if self.protein.all() else coordinates[:, self.protein]
        alphas = coordinates[:, chain.ca]
        outside = np.maximum(
            alphas.min(axis=1) - protein.min(axis=1), protein.max(axis=1) - alphas.max(axis=1)
        )
        sound = (shortest > _BOND_ANGSTROM[0]) & (longest < _BOND_ANGSTROM[1]) & ~broken
        sound &= (middle > _MEDIAN_ANGSTROM[0]) & (middle < _MEDIAN_ANGSTROM[1])
        odd = np.flatnonzero(~sound | (outside.max(axis=1) > _SIDE_CHAIN_ANGSTROM))
        if not len(odd):
            return
        subject, typical = "The topology", float(middle[odd[0]])
        if numbers is not None:
            shown = ", ".join(str(numbers[place]) for place in odd[:_SHOWN])
            more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
            subject = f"Frame{'s' * (len(odd) > 1)} {shown}{more} (from 0)"
        if 0.1 < typical < 0.2 or 10 < typical < 20:
            unit = "nanometres, not angstrom" if typical < 1 else "ten times those in angstrom"
            raise StructureError(
                f"{subject}: backbone bonds are {typical:.2g} Å long where 1.5 is right; these are {unit}.",
                where=where,
                remedy="Write it in its format's unit: angstrom in PDB, mmCIF and DCD, nanometres in XTC.",
            )
        raise StructureError(
            f"{subject}: not possible for this protein; backbone bonds are {shortest[odd[0]]:.3g} to "
            f"{longest[odd[0]]:.3g} Å long{', the chain is broken' * bool(broken[odd[0]])}.",
            where=where,
            remedy="Give the topology's own frames, atoms in its order; make molecules whole where no box is "
            "told (gmx trjconv -pbc mol); cut out frames that are damaged or of a run that blew up.",
        )
