"""Drugs by name, with the doses their labels give."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field

from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record

DrugKind = Literal["kinase inhibitor", "antibody", "chemotherapy", "steroid", "cell therapy", "other"]


class KnownDrug(Record):
    """One drug; ``lowest`` and ``highest`` bound the doses of its label in ``unit``."""

    name: str
    kind: DrugKind
    atc: str = ""
    other_names: tuple[str, ...] = ()
    unit: str = ""
    lowest: float | None = None
    highest: float | None = None
    usual: dict[str, tuple[float, float]] = Field(default_factory=dict)
    most_cycles: int | None = None
    source: str = ""


@cache
def known_drugs() -> tuple[KnownDrug, ...]:
    """The shipped table."""
    path = Path(str(files("kinscope.clinic").joinpath("case_drugs.yaml")))
    return tuple(KnownDrug.model_validate(entry) for entry in read_yaml(path)["drugs"])


@cache
def _by_name() -> dict[str, KnownDrug]:
    table = {}
    for drug in known_drugs():
        for name in (drug.name, drug.atc, *drug.other_names):
            if name:
                table[name.lower()] = drug
    return table


def find_drug(name: str) -> KnownDrug | None:
    """The drug of a generic name, trade name, ATC code or abbreviation; None where it is not known."""
    return _by_name().get(name.strip().lower())
