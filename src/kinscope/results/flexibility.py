"""How mobile each residue is in the crystals of each conformation: what ships with a target pack."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from kinscope.core.records import Record, VersionedRecord

ClassName = Literal["active", "dfg-out-folded", "dfg-out-extended", "closed", "open"]
"""``active``: DFG-in, loop extended. ``dfg-out-*``: by the activation loop. ``closed``, ``open``: SH2 on the
C-lobe and on the N-lobe. The first three are kinase domains alone, the other two whole chains."""


class EntryFlexibility(Record):
    """One wwPDB entry, its chains averaged."""

    entry: str
    chains: tuple[str, ...]
    substitutions: tuple[str, ...]
    """Where its protein differs from the target's, e.g. ``T315I``."""
    values: tuple[float | None, ...]
    """RMSF by residue of the class, in multiples of the kinase domain's mean; None: not resolved."""


class CrystalClass(Record):
    """The entries of one conformation."""

    name: ClassName
    residues: tuple[int, ...]
    entries: tuple[EntryFlexibility, ...]

    @model_validator(mode="after")
    def _rectangular(self) -> CrystalClass:
        if any(len(entry.values) != len(self.residues) for entry in self.entries):
            raise ValueError(f"an entry of {self.name} has another number of values than there are residues")
        return self


class CrystalFlexibility(VersionedRecord):
    """Every class of a target, and how it was computed."""

    target: str
    method: str
    kinscope_version: str
    command: str
    settings: dict[str, float]
    network: tuple[CrystalClass, ...]
    b_factors: tuple[CrystalClass, ...]
    """The same chains by their B factors: whether crystals bear the network out."""


def class_named(classes: tuple[CrystalClass, ...], name: ClassName) -> CrystalClass | None:
    """The class of a name; None if no crystal is of it."""
    return next((item for item in classes if item.name == name), None)
