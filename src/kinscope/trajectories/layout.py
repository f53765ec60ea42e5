"""What stands where in a frame: chain, ligands, masses, read once from the topology."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray
from kinscope.core.errors import BadInputError
from kinscope.structures.atom_types import Atoms, AtomTypes

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
