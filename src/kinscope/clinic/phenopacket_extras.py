"""Kinscope's own statements in a Phenopacket, checked like any other input.

Somebody else may have edited the packet: a statement must be whole, and must still speak of the element
that stands at its place.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from kinscope.clinic.case_drugs import find_drug
from kinscope.clinic.case_model import Case, CaseMeasurement, StatedResponse, Toxicity, Treatment
from kinscope.clinic.phenopacket_values import kind_of_assay
from kinscope.core.records import Record

KINDS: dict[str, type[Record]] = {
    "kinscope:treatment": Treatment,
    "kinscope:response": StatedResponse,
    "kinscope:toxicity": Toxicity,
}


OWN_FIELDS = frozenset(
    {
        "id",
        "title",
        "citation",
        "sources",
        "events",
        "times",
        "last_possible",
        "notes",
        "transcript",
        "day_zero",
    }
)
"""What of a case a Phenopacket has no place for: it goes into a statement of the whole case."""


def own_statement(name: str, text: str) -> dict[str, Any] | None:
    """The statement that a description holds; None where it is damaged or of no known kind."""
    try:
        extra = json.loads(text)
        if not isinstance(extra, dict):
            return None
        if name == "kinscope:measurement":
            finding = extra.get("finding")
            if not isinstance(finding, dict):
                return None
            CaseMeasurement.model_validate(extra | {"finding": finding | {"at": {"day": 0}}})
        elif name == "kinscope:case":
            fields = {key: value for key, value in extra.items() if key != "clock"}
            Case.model_validate({"id": "case", "disease": "ph-all"} | fields)
        else:
            KINDS[name].model_validate(extra)
    except (ValueError, KeyError, RecursionError, ValidationError):
        return None
    return extra


def belongs(kind: str, extra: dict[str, Any], element: dict[str, Any]) -> bool:
    """Whether a statement speaks of this element: the same kind of measurement, a drug of the treatment."""
    if kind == "measurement":
        assay = element.get("assay", {})
        return bool(
            extra["finding"].get("kind") == kind_of_assay(assay.get("id", ""), assay.get("label", ""))
        )
    agent = element.get("treatment", {}).get("agent", {}).get("label", "")
    return _drug(agent) in {_drug(other["drug"]) for other in extra["agents"]}


def _drug(name: str) -> str:
    known = find_drug(name)
    return known.name if known else name.lower()
