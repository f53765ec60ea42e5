"""A protein model on disk: one mmCIF file and one record beside it.

Conventions of every model of kinscope
---------------------------------------
- one chain, ``A``; residue numbers are isoform 1a (``auth_seq_id`` and ``label_seq_id`` alike are written
  from biotite's ``res_id``);
- all hydrogens present, wwPDB (version 3) atom names, so that both biotite and OpenMM's Amber templates
  read the file as it stands; protonation states show in the hydrogens (HIS with HD1/HE2, ASP with HD2);
- residue names stay the standard three letters (``HIS``, never ``HIE``; ``PTR`` for phosphotyrosine);
- truncated ends are capped: ``ACE`` at number first-1, ``NME`` at number last+1;
- coordinates in angstrom; no water, no ion, no ligand in a protein model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from kinscope.core.records import Record, VersionedRecord

AtomArray = Any
"""A ``biotite.structure.AtomArray`` (biotite ships no types for mypy --strict)."""


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
    method: tuple[str, ...]
    """What was done, step by step, in words with numbers."""
    ph: float = 7.4
    protonation: dict[str, str] = Field(default_factory=dict)
    """Every titratable residue in a state other than the standard one at pH 7, and every histidine."""


MODEL_FILE = "model.cif"
RECORD_FILE = "model.json"


def model_path(directory: Path) -> Path:
    """The coordinates of a model kept in a directory."""
    return directory / MODEL_FILE


def record_path(directory: Path) -> Path:
    """The record of a model kept in a directory."""
    return directory / RECORD_FILE
