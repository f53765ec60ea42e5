"""Where a model comes from: the record that lies beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinscope.core.records import Record, VersionedRecord
from kinscope.results.notes import Note


class ResidueOrigin(Record):
    """Where one residue's coordinates come from."""

    residue: int
    origin: Literal["crystal", "given", "grafted", "built", "substituted"]
    """``given``: from the structure that the user brought."""
    entry: str = ""
    """wwPDB entry and chain, e.g. ``2HYY:A``; the user's file and chain; the shipped state that a stretch of
    a user's structure comes from; empty for built residues."""
    note: str = ""


class ModelRecord(VersionedRecord):
    """The provenance of a model."""

    target: str
    state: str
    """State id, or ``user`` for a structure the user brought."""
    variant: str
    """``native`` or the variant's short name."""
    alternative: int = 0
    """0 is the lowest in energy; others are close alternatives."""
    relative_energy_kcal_per_mol: float = 0.0
    """Energy above alternative 0 on the model's own energy function."""
    first_residue: int
    last_residue: int
    origins: tuple[ResidueOrigin, ...]
    method: tuple[Note, ...]
    """What was done, step by step, and what deserves suspicion."""
    ph: float = 7.4
    protonation: dict[str, str] = Field(default_factory=dict)
    """Every titratable residue in a state other than the standard one at pH 7, and every histidine."""
