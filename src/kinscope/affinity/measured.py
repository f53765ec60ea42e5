"""The measured pairs of a pack: what models are trained on and judged by. No term may read them."""

from __future__ import annotations

import csv

from pydantic import Field, ValidationError

from kinscope.affinity.model import Example
from kinscope.affinity.terms import Sites
from kinscope.core.errors import BadInputError
from kinscope.core.files import read_text
from kinscope.core.records import Record
from kinscope.targets.pack import TargetPack

OTHER_KINASE_WEIGHT = 0.3


class MeasuredPair(Record):
    """One measured change of affinity; the residue is the target's, by alignment for another kinase."""

    kinase: str
    change: str
    drug: str
    residue: int
    wild: str = Field(pattern="^[A-Z]$")
    mutant: str = Field(pattern="^[A-Z]$")
    ddg_kcal_per_mol: float
    """Positive where affinity is lost."""
    limit: str
    """``yes`` where the assay's ceiling was reached: the loss is at least this."""
    state: str = ""
    """The inactive state that the drug needs in this kinase, where ABL1 lets it bind another."""
    source: str


def measured_pairs(pack: TargetPack) -> list[MeasuredPair]:
    """Every measured pair of the pack.

    Raises BadInputError if the pack holds none or the table is damaged.
    """
    path = pack.directory / "affinity" / "measured.csv"
    try:
        lines = [line for line in read_text(path).splitlines() if not line.startswith("#")]
        return [MeasuredPair.model_validate(row) for row in csv.DictReader(lines)]
    except ValidationError as error:
        reason, remedy = error.errors()[0]["msg"], "Install kinscope again."
        raise BadInputError(
            f"The measured affinities cannot be read: {reason}.", where=str(path), remedy=remedy
        ) from None


def examples(pairs: list[MeasuredPair], sites: Sites, gene: str) -> list[Example]:
    """Measured pairs with their terms; those of other kinases weigh less."""
    found = []
    for pair in pairs:
        name = pair.drug if pair.kinase == gene else f"{pair.drug}@{pair.kinase}"
        inactive = f"apo/{pair.state}" if pair.state else None
        terms = sites.terms(pair.drug, pair.residue, pair.wild, pair.mutant, inactive)
        if terms is None:
            what = f"No structure of {pair.drug} shows residue {pair.residue}."
            raise BadInputError(
                what, where="terms of affinity", remedy="Name one that does in complexes.yaml."
            )
        weight = 1.0 if pair.kinase == gene else OTHER_KINASE_WEIGHT
        found.append(Example(
            name, pair.residue, terms, pair.ddg_kcal_per_mol, weight, pair.kinase, pair.change,
            pair.limit == "yes",
        ))  # fmt: skip
    return found
