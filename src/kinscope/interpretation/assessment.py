"""The whole interpretation of one variant."""

from __future__ import annotations

from kinscope.analysis.controls import MobilityControls
from kinscope.evidence.model import EvidenceSummary
from kinscope.interpretation.answer import write_answer
from kinscope.interpretation.limits import limits_of
from kinscope.interpretation.mobility import mobility_sentences
from kinscope.interpretation.model import Assessment, Measurements
from kinscope.interpretation.options import weigh_options
from kinscope.interpretation.questions import mobility_questions
from kinscope.interpretation.verdicts import assessed_drugs, judge
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


def assess(
    variant: Variant,
    measurements: Measurements,
    evidence: EvidenceSummary,
    pack: TargetPack,
    controls: MobilityControls | None = None,
) -> Assessment:
    """Weigh what was computed against what is published, drug by drug.

    Parameters
    ----------
    variant
        The variant the measurements and the evidence are of.
    measurements
        Everything this run computed; any part may be empty, and then less is said.
    evidence
        From `kinscope.evidence.lookup`.
    pack
        The target.
    controls
        Readings of variants with published behaviour, where the target ships them.

    Returns
    -------
    Assessment
        Verdicts in the order of the pack's drugs, each with reasons on both sides and their tiers kept apart.
    """
    judged = tuple(
        judge(variant, drug, measurements, evidence) for drug in assessed_drugs(pack, measurements, evidence)
    )
    verdicts = tuple(judgement.verdict for judgement in judged)
    return Assessment(
        answer=write_answer(variant, judged, measurements, evidence, pack),
        verdicts=verdicts,
        mobility=mobility_sentences(measurements, pack),
        questions=mobility_questions(variant, measurements, pack, controls),
        limits=limits_of(variant, measurements, evidence),
        options=weigh_options(evidence.options, verdicts, pack),
    )
