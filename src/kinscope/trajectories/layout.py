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
_SIDE_CHAIN_ANGSTROM = 25.0
"""No atom of a protein is farther outside the box around its CA atoms."""
_SHOWN = 8
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Backbone:
    """Where the backbone atoms of each residue stand in a frame; all shapes (n_residues,)."""

    residues: IntArray
    """Residue numbers."""
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

    Raises
    ------
    BadInputError
        If it holds fewer than three residues with a whole backbone.
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

    def check(self, coordinates: np.ndarray[Any, Any], where: str, numbers: range | None = None) -> None:
        """Refuse frames that cannot be of these atoms, in angstrom.

        ``coordinates``: shape (n_frames, n_atoms, 3), molecules whole. ``numbers``: of the frames in their
        file; None: the topology's structure.

        Raises
        ------
        StructureError
            If a bond of the backbone tells another unit, other atoms or a frame that is none.
        """
        chain = self.backbone
        bonds = np.concatenate(
            [
                np.linalg.norm(coordinates[:, one] - coordinates[:, other], axis=2)
                for one, other in ((chain.n, chain.ca), (chain.ca, chain.c), (chain.c, chain.o))
            ],
            axis=1,
        )
        alphas = coordinates[:, chain.ca]
        protein = coordinates if self.protein.all() else coordinates[:, self.protein]
        low = alphas.min(axis=1) - protein.min(axis=1)
        high = protein.max(axis=1) - alphas.max(axis=1)
        far = np.maximum(low, high).max(axis=1) > _SIDE_CHAIN_ANGSTROM
        shortest, longest = bonds.min(axis=1), bonds.max(axis=1)
        middle = np.median(bonds, axis=1)
        sound = (shortest > _BOND_ANGSTROM[0]) & (longest < _BOND_ANGSTROM[1]) & ~far
        odd = np.flatnonzero(~(sound & (middle > _MEDIAN_ANGSTROM[0]) & (middle < _MEDIAN_ANGSTROM[1])))
        if not len(odd):
            return
        typical = float(middle[odd[0]])
        more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
        shown = ", ".join(str(numbers[place]) for place in odd[:_SHOWN]) + more if numbers else ""
        subject = f"Frame{'s' * (len(odd) > 1)} {shown} (from 0)" if numbers else "The topology"
        if 0.1 < typical < 0.2 or 10 < typical < 20:
            unit = "nanometres, not angstrom" if typical < 1 else "ten times those in angstrom"
            what = f"{subject}: backbone bonds are {typical:.2g} Å long where 1.5 is right; these are {unit}."
            remedy = "Write it in the unit of its format: angstrom in PDB, mmCIF and DCD, nanometres in XTC."
        else:
            what = (
                f"{subject}: no frame of this protein; backbone bonds are {shortest[odd[0]]:.3g} to "
                f"{longest[odd[0]]:.3g} Å long{', an atom is far from its chain' * bool(far[odd[0]])}."
            )
            remedy = (
                "Give the topology's own frames, atoms in its order; make molecules whole where no box is "
                "told (gmx trjconv -pbc mol); cut out frames that are damaged or of a run that blew up."
            )
        raise StructureError(what, where=where, remedy=remedy)
