"""Recipes: which crystals a state model is put together from. Data of the target pack."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
from kinscope.targets.loader import read_file
from kinscope.targets.pack import TargetPack

RECIPES_FILE = "recipes.yaml"


class CrystalPart(Record):
    """A stretch of one chain of one wwPDB entry, target numbering, both ends included."""

    entry: str
    chain: str
    first_residue: int
    last_residue: int

    @property
    def label(self) -> str:
        """``2GQG:A``."""
        return f"{self.entry.upper()}:{self.chain}"


class Graft(CrystalPart):
    """A stretch that replaces the base's, after superposition on the flanks."""

    fit: tuple[tuple[int, int], ...]
    """Stretches whose backbone is superposed, both ends included."""
    reason: str


class Placement(CrystalPart):
    """A domain that the base has not, or has elsewhere, put where another crystal (the frame) has it.

    The frame, often poorly resolved, decides only where the domain stands; the domain's own coordinates come
    from a better crystal of it.
    """

    frame_entry: str
    frame_chain: str
    frame_fit: tuple[tuple[int, int], ...]
    """Stretches over which the frame is laid on the base."""
    fit: tuple[tuple[int, int], ...]
    """Stretches over which the domain is laid on the frame."""
    reason: str

    @property
    def frame_label(self) -> str:
        """``4XEY:B``."""
        return f"{self.frame_entry.upper()}:{self.frame_chain}"


class BuiltStretch(Record):
    """Residues that no crystal of the arrangement shows: built by sampling, both ends included."""

    first_residue: int
    last_residue: int
    reason: str

    @model_validator(mode="after")
    def _ordered(self) -> BuiltStretch:
        if not 3 <= self.last_residue - self.first_residue + 1 <= 30:
            raise ValueError("a stretch of 3 to 30 residues can be built")
        return self


class SideChainDonor(Record):
    """A crystal that shows the wanted side chain where the model's parts have another, or a poor one."""

    residue: int
    entry: str
    chain: str
    reason: str


class Guest(Record):
    """A ligand of another crystal, laid with its protein on the model, that keeps a pocket open."""

    entry: str
    chain: str
    """The protein chain that is superposed."""
    ccd: str
    ligand_chain: str = ""
    """The chain that carries the ligand, where it is not the protein's."""
    fit: tuple[tuple[int, int], ...]


class StateRecipe(Record):
    """How one state model is put together."""

    state: str
    base: CrystalPart
    grafts: tuple[Graft, ...] = ()
    placements: tuple[Placement, ...] = ()
    built: tuple[BuiltStretch, ...] = ()
    side_chains: tuple[SideChainDonor, ...] = ()
    phosphorylated: tuple[int, ...] = ()
    """Residues that keep (or are given, by a donor of their side chain) the phosphate of a crystal."""
    ligands: tuple[str, ...] = ()
    """CCD codes of the base chain's ligands, in place while pKa values are predicted and while relaxed."""
    guests: tuple[Guest, ...] = ()
    """Ligands of other crystals, used as the base's own."""
    repack: tuple[int, ...] = ()
    """Side chains chosen anew among their rotamers, for their crystals' own do not fit together."""
    relaxation: Literal["full", "medium", "brief"] = "full"
    """By ``DEFAULT_STAGES``, ``MEDIUM_STAGES`` or ``BRIEF_STAGES`` of
    :mod:`~kinscope.structures.forcefield.minimisation`."""
    occupants: Literal["charged", "spheres"] = "spheres"
    """How ligands stand in their places while the model is relaxed: with their own charges where they have
    parameters, or all as uncharged spheres."""


def load_recipes(pack: TargetPack) -> dict[str, StateRecipe]:
    """Every recipe of a target pack by state id.

    Raises BadInputError if the file is missing or does not follow the schema.
    """
    recipes: tuple[StateRecipe, ...] = read_file(pack.directory / RECIPES_FILE, tuple[StateRecipe, ...])
    return {recipe.state: recipe for recipe in recipes}


def recipe_of(pack: TargetPack, state_id: str) -> StateRecipe:
    """The recipe of one state of the pack.

    Raises BadInputError if the pack has no such state, or no recipe for it.
    """
    pack.state(state_id)
    recipes = load_recipes(pack)
    if state_id not in recipes:
        raise BadInputError(
            f"There is no recipe for the state {state_id!r}.",
            where=str(pack.directory / RECIPES_FILE),
            remedy=f"Recipes exist for: {', '.join(recipes)}.",
        )
    return recipes[state_id]
