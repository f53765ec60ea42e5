"""Recipes: which crystals a state model is put together from. Data of the target pack."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
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


class SideChainDonor(Record):
    """A crystal that shows the human residue where the base's protein has another."""

    residue: int
    entry: str
    chain: str
    reason: str


class StateRecipe(Record):
    """How one state model is put together."""

    state: str
    base: CrystalPart
    grafts: tuple[Graft, ...] = ()
    side_chains: tuple[SideChainDonor, ...] = ()
    ligands: tuple[str, ...] = ()
    """CCD codes of the base chain's ligands present while pKa values are predicted."""


def load_recipes(pack: TargetPack) -> dict[str, StateRecipe]:
    """Every recipe of a target pack by state id.

    Raises
    ------
    BadInputError
        If the file is missing or does not follow the schema.
    """
    import yaml

    path = pack.directory / RECIPES_FILE
    try:
        document: Any = yaml.safe_load(path.read_text())
        recipes = [StateRecipe.model_validate(item) for item in document["recipes"]]
    except (OSError, yaml.YAMLError, ValidationError, KeyError, TypeError) as error:
        raise BadInputError(
            f"The recipes of the state models cannot be read ({error}).",
            where=str(path),
            remedy="Write them as those of the abl1 pack.",
        ) from error
    return {recipe.state: recipe for recipe in recipes}


def recipe_of(pack: TargetPack, state_id: str) -> StateRecipe:
    """The recipe of one state of the pack.

    Raises
    ------
    BadInputError
        If the pack has no such state, or no recipe for it.
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
