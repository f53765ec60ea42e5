"""Three next steps for a variant: what would decide, the clone, what to repeat."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.evidence.model import EvidenceSummary
from kinscope.interpretation.findings import join
from kinscope.interpretation.model import DrugVerdict
from kinscope.variants.model import Variant

_MOST_NAMED = 3


def next_steps(
    variant: Variant, verdicts: Sequence[DrugVerdict], evidence: EvidenceSummary
) -> tuple[str, str, str]:
    """An assay that would decide; the share of the clone, or whether changes are in cis; what to repeat."""
    return _assay(variant, verdicts), _clone(variant), _repeat(evidence)


def _assay(variant: Variant, verdicts: Sequence[DrugVerdict]) -> str:
    unsettled = [
        v.drug for v in verdicts if v.basis not in ("published", "fusion transcript") and not v.tool_compound
    ]
    if not unsettled:
        return (
            f"Every approved inhibitor has published evidence on {variant.short}: a trough level of the drug "
            "tells failure of the drug from failure to reach its level."
        )
    named = join(unsettled[:_MOST_NAMED])
    more = f" and {len(unsettled) - _MOST_NAMED} more" if len(unsettled) > _MOST_NAMED else ""
    return (
        f"Measure the growth IC50 of Ba/F3 cells with {variant.gene} {variant.short} beside native in one "
        f"laboratory, with {named}{more}: tenfold or more decides."
    )


def _clone(variant: Variant) -> str:
    if len(variant.substitutions) > 1:
        return (
            "Show by long reads or cloned sequencing that the changes are on one molecule: of two mutations "
            "seen by Sanger 70 % (33 of 47) were (Khorashad et al., Blood 2013;121:489)."
        )
    return (
        f"Quantify the share of {variant.short} among the transcripts by deep sequencing, and look for a "
        "second mutation in cis: Sanger sees neither under about a fifth."
    )


def _repeat(evidence: EvidenceSummary) -> str:
    again = "Repeat sequencing at the next rise of the transcript, and before every change of inhibitor."
    if evidence.fusion_matters and not evidence.transcript:
        return (
            "State the fusion transcript: without ABL1 exon 2 (e13a3, e14a3) asciminib fails whatever the "
            f"mutation. {again}"
        )
    return again
