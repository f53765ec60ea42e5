"""Evidence: what is published of a variant."""

from kinscope.evidence.knowledge import load_evidence
from kinscope.evidence.matching import lookup
from kinscope.evidence.model import EvidenceBase, EvidenceHit, EvidenceItem, EvidenceSummary, TreatmentOption

__all__ = [
    "EvidenceBase",
    "EvidenceHit",
    "EvidenceItem",
    "EvidenceSummary",
    "TreatmentOption",
    "load_evidence",
    "lookup",
]
