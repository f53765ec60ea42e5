"""Codes of ontologies for what a case holds, kinscope's own where none is certain; drugs with their doses."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field

from kinscope.clinic.measurements import MutationFinding
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record

if TYPE_CHECKING:
    from kinscope.targets.pack import TargetPack


class Term(NamedTuple):
    """A code with its label."""

    id: str
    label: str


DISEASES = {
    "ph-all": Term(
        "MedGen:C2698317", "B Lymphoblastic Leukemia/Lymphoma with t(9;22)(q34.1;q11.2); BCR-ABL1"
    ),
    "cml": Term("ICD10:C92.1", "Chronic myeloid leukaemia [CML], BCR/ABL-positive"),
    "other": Term("kinscope:other-disease", "Another disease"),
}
_CML = re.compile(r"\bcml\b|chronic (?:myelo(?:id|gen\w+|cytic)|granulocytic) leuk")
_ALL = re.compile(r"lymphoblastic|acute lympho(?:cytic|id)|acute lymphatic|\bph(?:\+|-| positive) ?all\b")
_NEITHER = re.compile(
    r"negative|atypical|juvenile|bcr-?abl1?.like|\bph.?like|\bph ?[-−] |\bt[- ](?:cell|lymph|acute)"
)
TISSUES = {
    "bone marrow": Term("UBERON:0002371", "bone marrow"),
    "peripheral blood": Term("UBERON:0000178", "blood"),
    "cerebrospinal fluid": Term("UBERON:0001359", "cerebrospinal fluid"),
}
COUNTS = {
    "leucocytes_giga_per_litre": Term("LOINC:6690-2", "Leukocytes [#/volume] in Blood by Automated count"),
    "haemoglobin_gram_per_litre": Term("LOINC:718-7", "Hemoglobin [Mass/volume] in Blood"),
    "platelets_giga_per_litre": Term("LOINC:777-3", "Platelets [#/volume] in Blood by Automated count"),
    "neutrophils_giga_per_litre": Term("LOINC:751-8", "Neutrophils [#/volume] in Blood by Automated count"),
    "blood_blasts_percent": Term("kinscope:blood-blasts", "Blasts in blood, per cent"),
    "basophils_percent": Term("kinscope:basophils", "Basophils in blood, per cent"),
}
COUNT_UNITS = {"giga_per_litre": "10*9/L", "gram_per_litre": "g/L", "percent": "%"}
BLASTS = Term("kinscope:blasts", "Blasts among nucleated cells, per cent")
FLOW_MRD = Term("kinscope:flow-mrd", "Measurable residual disease by flow cytometry")
KARYOTYPE = Term("kinscope:karyotype", "Karyotype (ISCN)")
MUTATION = Term("kinscope:kinase-domain-screening", "ABL1 kinase-domain mutation screening")
_RATIO = (
    "t(9;22)(q34.1;q11)(ABL1,BCR) {}fusion transcript/control transcript [# Ratio] in Blood or Tissue by "
    "Molecular genetics method"
)
TRANSCRIPT_E1A2 = Term("LOINC:52132-8", _RATIO.format("e1a2 "))
TRANSCRIPT_P210 = Term("LOINC:55147-3", _RATIO.format("b2a2+b3a2 "))
TRANSCRIPT_ANY = Term("LOINC:46434-7", _RATIO.format(""))
DETECTED = Term("LOINC:LA11882-0", "Detected")
NOT_DETECTED = Term("LOINC:LA11883-8", "Not detected")
STATED_RESPONSE = Term("kinscope:stated-response", "Response stated by the treating centre")


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


def toxicity_term(name: str) -> Term:
    """The HPO code of a toxicity, else one of kinscope's own name space made of its words."""
    code = toxicities().get(name.lower(), "")
    return Term(code or f"kinscope:toxicity-{code_part(name)}", name)


def code_part(text: str) -> str:
    """Words as part of a code: lower case, joined by hyphens."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) or "none"


def transcript_term(transcript: str) -> Term:
    """The LOINC code of a BCR::ABL1 level for a transcript type."""
    text = transcript.lower()
    if "e1a2" in text or "p190" in text:
        return TRANSCRIPT_E1A2
    if any(name in text for name in ("e13a2", "e14a2", "b2a2", "b3a2", "p210")):
        return TRANSCRIPT_P210
    return TRANSCRIPT_ANY


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
def _tables() -> dict[str, Any]:
    data: dict[str, Any] = read_yaml(Path(str(files("kinscope.clinic").joinpath("case_drugs.yaml"))))
    return data


def toxicities() -> dict[str, str]:
    """Terms that a redacted export keeps, with their Human Phenotype Ontology code or an empty text."""
    return dict(_tables()["toxicities"])


@cache
def known_drugs() -> tuple[KnownDrug, ...]:
    """The shipped table."""
    return tuple(KnownDrug.model_validate(entry) for entry in _tables()["drugs"])


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
