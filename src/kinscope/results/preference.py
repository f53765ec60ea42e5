"""What the crystals of each conformation say of single residues: which amino acids suit, what touches what.

Tables of a target pack, made by ``benchmarks/derive_preference.py``, and what is published beside them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from kinscope.core.records import Record, VersionedRecord
from kinscope.results.flexibility import ClassName

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
SCORE_STEP = 0.1
"""Natural logarithms to a unit of the table."""
GAP_STEP_ANGSTROM = 0.1


class Crystal(Record):
    """One wwPDB entry, or one chain of it."""

    entry: str
    chains: tuple[str, ...]
    conformation: ClassName
    substitutions: tuple[str, ...]
    """Where its protein differs from the target's, e.g. ``T315I``."""

    @property
    def substituted(self) -> frozenset[int]:
        """Residue numbers of the substitutions."""
        return frozenset(int(text[1:-1]) for text in self.substitutions)


class ScoredEntry(Crystal):
    """One wwPDB entry, its chains averaged."""

    log_p: tuple[tuple[int | None, ...], ...]
    """By set of weights, those of the mean first: log p of each amino acid at each residue of the table, in
    ``SCORE_STEP``, residue after residue; None: not resolved."""


class ConformationPreference(VersionedRecord):
    """Every substitution of a kinase domain in every conformation, and how it was computed."""

    target: str
    method: str
    kinscope_version: str
    weights: tuple[str, ...]
    """Sets whose mean is told."""
    beside: tuple[str, ...] = ()
    """Sets that are shown beside it."""
    recovery: tuple[float, ...]
    """By set: how often the native residue is the likeliest."""
    residues: tuple[int, ...]
    sequence: str
    """The native amino acid at each of them, which every entry was scored with."""
    entries: tuple[ScoredEntry, ...]

    @property
    def sets(self) -> tuple[str, ...]:
        """All sets, as they stand in an entry."""
        return (*self.weights, *self.beside)

    @model_validator(mode="after")
    def _rectangular(self) -> ConformationPreference:
        wanted = [len(self.sequence) * len(AMINO_ACIDS)] * len(self.sets)
        if any([len(one) for one in item.log_p] != wanted for item in self.entries):
            raise ValueError("an entry has another number of values than residues and weights ask")
        return self


class ContactPair(Record):
    """Two residues whose side chains meet in some crystal."""

    first: int
    second: int
    gaps: tuple[int | None, ...]
    """Shortest distance of their side chains (heavy atoms from CB on; CA of glycine) in each chain, in
    ``GAP_STEP_ANGSTROM``; None: one of them is not resolved."""


class CrystalContacts(VersionedRecord):
    """Which side chains meet in which crystal."""

    target: str
    kinscope_version: str
    contact_angstrom: float
    """A pair stands in the table if it is this near in some chain, charges of opposite sign at twice it."""
    chains: tuple[Crystal, ...]
    """One each."""
    pairs: tuple[ContactPair, ...]


class MeasuredPopulation(Record):
    """What was measured of one inactive conformation of a mutant."""

    variant: str
    conformation: ClassName = "dfg-out-folded"
    population: Literal["more", "less", "unknown"]
    """Than native; unknown: shown beside the controls, no control itself."""
    measured: str
    """The figure, in words."""
    source: str


class PublishedMotion(Record):
    """What a target pack quotes on conformations and motion."""

    controls: tuple[MeasuredPopulation, ...] = ()
