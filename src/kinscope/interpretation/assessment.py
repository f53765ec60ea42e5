"""The whole interpretation of one variant."""

from __future__ import annotations

from kinscope.evidence.model import EvidenceSummary
from kinscope.interpretation.model import Answer, Assessment, Measurements
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


def assess(
    variant: Variant, measurements: Measurements, evidence: EvidenceSummary, pack: TargetPack
) -> Assessment:
    """Weigh what was computed against what is published, drug by drug."""
    sentences = (f"{variant.short} was assessed.", "No drug was weighed.", "No limit was named.")
    answer = Answer(sentences=sentences, confidence="low", confidence_reason="Nothing was weighed.")
    return Assessment(answer=answer, verdicts=(), mobility=(), limits=(), options=evidence.options)
