"""Codes of ontologies for what a case holds, kinscope's own where none is certain; drugs with their doses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from kinscope.clinic.measurements import MutationFinding
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record
from kinscope.targets.pack import TargetPack
from kinscope.variants import Variant


class Term(NamedTuple):
    """A code with its label."""

    id: str
    label: str


_TERMS: dict[str, Any] = read_yaml(Path(__file__).parent / "terms.yaml")
DISEASES, TISSUES, COUNTS, ASSAYS, RESULTS = (
    {key: Term(**term) for key, term in _TERMS[group].items()}
    for group in ("diseases", "tissues", "counts", "assays", "results")
)
RESOURCES: list[dict[str, str]] = _TERMS["resources"]
COUNT_UNITS = {"giga_per_litre": "10*9/L", "gram_per_litre": "g/L", "percent": "%"}
_CML = re.compile(r"\bcml\b|chronic (?:myelo(?:id|gen\w+|cytic)|granulocytic) leuk")
_ALL = re.compile(r"lymphoblastic|acute lympho(?:cytic|id)|acute lymphatic|\bph(?:\+|-| positive) ?all\b")
_NEITHER = re.compile(
    r"negative|atypical|juvenile|bcr-?abl1?.like|\bph.?like|\bph ?[-−] |\bt[- ](?:cell|lymph|acute)"
)


def disease_named(label: str) -> str:
    """The key of :data:`DISEASES` that a label stands for; ``other`` for all but Ph+ ALL and CML."""
    text = label.lower()
    if _NEITHER.search(text):
        return "other"
    return "cml" if _CML.search(text) else "ph-all" if _ALL.search(text) else "other"


def of_target(gene: str, pack: TargetPack) -> bool:
    """Whether a gene is the target's, by any of its names; ABL1 is what a case says where it says nothing."""
    unsaid = MutationFinding.model_fields["gene"].default
    return gene.upper() in {name.upper() for name in (pack.gene, *pack.aliases, unsaid)}


def as_given(variant: Variant) -> tuple[list[str], str]:
    """The coding changes that the text of a variant gives, and the one expression that stands for it."""
    given = [change.hgvs_c for s in variant.substitutions for change in s.coding_changes if change.given]
    return given, given[0] if len(given) == 1 == len(variant.substitutions) else f"p.{variant.short}"


def toxicity_term(name: str) -> Term:
    """The HPO code of a toxicity, else one of kinscope's own name space made of its words."""
    code = TOXICITIES.get(name.lower(), "")
    return Term(code or f"kinscope:toxicity-{code_part(name)}", name)


def code_part(text: str) -> str:
    """Words as part of a code: lower case, joined by hyphens."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) or "none"


def transcript_term(transcript: str) -> Term:
    """The LOINC code of a BCR::ABL1 level for a transcript type."""
    text = transcript.lower()
    if "e1a2" in text or "p190" in text:
        return ASSAYS["transcript e1a2"]
    if any(name in text for name in ("e13a2", "e14a2", "b2a2", "b3a2", "p210")):
        return ASSAYS["transcript p210"]
    return ASSAYS["transcript"]


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


_TABLES: dict[str, Any] = read_yaml(Path(__file__).parents[1] / "case_drugs.yaml")
TOXICITIES: dict[str, str] = _TABLES["toxicities"]
"""Terms that a redacted export keeps, with their Human Phenotype Ontology code or an empty text."""
KNOWN_DRUGS = tuple(KnownDrug.model_validate(entry) for entry in _TABLES["drugs"])
_BY_NAME = {
    name.lower(): drug for drug in KNOWN_DRUGS for name in (drug.name, drug.atc, *drug.other_names) if name
}


def find_drug(name: str) -> KnownDrug | None:
    """The drug of a generic name, trade name, ATC code or abbreviation; None where it is not known."""
    return _BY_NAME.get(name.strip().lower())
