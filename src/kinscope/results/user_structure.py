"""What a user says about a structure, and what kinscope found in it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinscope.core.records import Record, Settings, VersionedRecord
from kinscope.results.measured import StateGeometry
from kinscope.results.notes import Note

USER_STATE = "user"
"""Id of the state that a user's structure becomes."""
DEFAULT_MAX_GAP = 12
"""Residues of a missing stretch that are filled without being asked for."""
LONGEST_GAP = 30


class UserStructureOptions(Settings):
    """How a user's structure is to be read."""

    chain: str = Field(default="", max_length=20)
    """The chain to take; empty: the best one of the target."""
    like: str = Field(default="", max_length=100)
    """Id of the shipped state whose drugs and stretches fit this structure; empty: as measured."""
    max_gap: int = Field(default=DEFAULT_MAX_GAP, ge=0, le=LONGEST_GAP)
    """Missing stretches up to this many residues are filled."""
    allow_truncation: bool = False
    """Whether what lies beyond a longer gap may be cut off."""


class ChainCandidate(Record):
    """One chain of the file, and how far it is the target."""

    chain: str
    residues: int
    """Amino acids with their backbone."""
    identity_percent: float
    """Of the aligned residues, in the best local alignment with the target's protein."""
    aligned: int
    """Residues of that alignment."""
    kinase_domain_percent: float
    """How much of the target's kinase domain the chain shows."""
    note: str = ""
    """Why it cannot be used; empty if it can."""


class FilledGap(Record):
    """A missing stretch and where its coordinates come from."""

    first_residue: int
    last_residue: int
    origin: Literal["grafted", "built"]
    state: str = ""
    """Shipped state that gives the stretch; empty if it is built."""
    flank_rmsd_angstrom: float | None = None
    """Backbone of the flanks, the shipped model laid on the structure."""
    note: Note | None = None

    @property
    def length(self) -> int:
        """Residues of the stretch."""
        return self.last_residue - self.first_residue + 1


class PocketLigand(Record):
    """A molecule of the file that stands in a pocket of the kinase."""

    name: str
    """Chemical Component Dictionary code, or what the file calls it."""
    site: str
    """Name of the pocket's region, e.g. ``atp_site``."""
    heavy_atoms: int
    residues: int
    """Residues of the pocket that it touches."""
    stand_in: bool = False
    """True for a reference pose laid into a pocket that the file shows empty."""


class StructureFindings(VersionedRecord):
    """What a user's file holds and what is done with it, before anything is computed."""

    file: str
    """Its name, harmless characters only."""
    sha256: str
    """Of the file as it was given."""
    title: str = ""
    """The file's own title or code, harmless characters only."""
    resolution_angstrom: float | None = None
    models: int = 1
    """Models in the file; the first is used."""
    chain: str
    candidates: tuple[ChainCandidate, ...]
    first_residue: int
    last_residue: int
    """Of the model it becomes, target numbering."""
    author_first: str
    author_last: str
    """The same residues in the file's own numbers."""
    substituted: tuple[str, ...] = ()
    """Where the file differs from the target: ``T315I`` is threonine in the target, isoleucine here."""
    modified: tuple[str, ...] = ()
    """Modified residues and their parents."""
    alternates: tuple[int, ...] = ()
    """Residues of which one of several conformations was chosen."""
    gaps: tuple[FilledGap, ...] = ()
    incomplete: tuple[int, ...] = ()
    """Residues of which atoms are missing."""
    cut_off: tuple[str, ...] = ()
    """Stretches of the target that the file shows and the model leaves out, with the reason."""
    left_out: tuple[str, ...] = ()
    """Tags, waters, ions, molecules, other chains: what is not part of the model."""
    ligands: tuple[PocketLigand, ...] = ()
    geometry: StateGeometry
    """The conformation as measured on the file's own atoms."""
    like: str = ""
    """Shipped state that it is treated like, if there is one."""
    notes: tuple[Note, ...] = ()
