"""One verdict per drug: published evidence on exactly this change first, computation where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kinscope.evidence.changes import parse_changes
from kinscope.evidence.model import EvidenceHit, EvidenceItem, EvidenceSummary
from kinscope.interpretation import thresholds
from kinscope.interpretation.computed import ComputedOpinion, computed_opinion
from kinscope.interpretation.findings import in_prose, join
from kinscope.interpretation.model import DrugVerdict, Measurements, Reason
from kinscope.interpretation.published import (
    FOR,
    PublishedOpinion,
    published_opinion,
    rank,
    reason_of,
)
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.variants.model import Variant

Basis = Literal["published", "part of the variant", "computed"]


@dataclass(frozen=True)
class Judgement:
    """A verdict with what it rests on."""

    verdict: DrugVerdict
    basis: Basis
    """``published``: evidence on exactly this change decided; ``part of the variant``: evidence on a part of
    a compound variant; ``computed``: this run, for want of either."""
    computed: ComputedOpinion
    has_reservation: bool
    """Whether the clinical evidence that decides carries a caveat throughout."""


def assessed_drugs(
    pack: TargetPack, measurements: Measurements, evidence: EvidenceSummary
) -> tuple[DrugDefinition, ...]:
    """The inhibitors of the pack that were docked, are part of an option, or have evidence on the variant."""
    docked = {comparison.drug for comparison in measurements.docking}
    offered = {drug for option in evidence.options for drug in option.drugs}
    near = {hit.item.drug for hit in evidence.hits if hit.relation != "same region"}
    known = docked | offered | near
    return tuple(drug for drug in pack.drugs if drug.binding_type != "natural ligand" and drug.id in known)


def judge(
    variant: Variant, drug: DrugDefinition, measurements: Measurements, evidence: EvidenceSummary
) -> Judgement:
    """The verdict on one drug, with every reason on both sides."""
    of_drug = [hit for hit in evidence.hits if hit.item.drug == drug.id]
    published = published_opinion([hit.item for hit in of_drug if hit.relation == "exact"])
    parts = _resistant_parts(of_drug)
    doubts = _favourable_classes(of_drug)
    computed = computed_opinion(variant, drug, measurements)
    verdict, confidence, basis, why = _combine(drug, published, parts, doubts, computed)
    part_reasons = [
        reason_of(item, prefix=f"{_part_name(item)}, part of this variant: ")
        for item in parts[: thresholds.REASONS_PER_TIER]
    ]
    record = DrugVerdict.model_validate(
        {
            "drug": drug.id,
            "verdict": verdict,
            "confidence": confidence,
            "mechanism": computed.mechanism,
            "reasons_for_binding": (
                *computed.reasons_for,
                *published.reasons_for,
                *(reason_of(item, prefix=f"{_part_name(item)}: ") for item in doubts),
            ),
            "reasons_against_binding": (
                *computed.reasons_against,
                *published.reasons_against,
                *part_reasons,
                *_position_reasons(of_drug),
            ),
            "summary": why,
            "binding": computed.binding,
        }
    )
    return Judgement(
        verdict=record, basis=basis, computed=computed, has_reservation=published.has_reservation
    )


def _combine(
    drug: DrugDefinition,
    published: PublishedOpinion,
    parts: Sequence[EvidenceItem],
    doubts: Sequence[EvidenceItem],
    computed: ComputedOpinion,
) -> tuple[str, str, Basis, str]:
    """Verdict, confidence, basis and the sentence that says why."""
    name = in_prose(drug)
    if (
        published.verdict == "sensitivity reported"
        and published.confidence == "low"
        and any(rank(item) <= 2 for item in parts)
    ):
        return "not resolved", "low", "published", (
            f"A screen found this combination sensitive to {name}, but {_part_name(parts[0])} alone is "
            "resistant; the two disagree."
        )  # fmt: skip
    if published.verdict is not None:
        return published.verdict, published.confidence, "published", _published_words(drug, published)
    if parts:
        names = join([_part_name(item) for item in parts])
        disputed = " Other evidence on such combinations disagrees." if doubts else ""
        sure = "low" if doubts or not _any_weighty(parts) else "moderate"
        return "reduced binding expected", sure, "part of the variant", (
            f"Nothing is published on exactly this combination and {name}; resistance is published for "
            f"{names}, which it contains.{disputed}"
        )  # fmt: skip
    resistant = [item for item in published.weak_resistance if item.direction == "resistant"]
    if resistant and computed.verdict == "no loss of binding detected":
        source = resistant[0].citation
        return "not resolved", "low", "computed", (
            f"{computed.explanation} Against it stands weak published evidence of resistance ({source}), "
            "so the question stays open."
        )  # fmt: skip
    words = f"{computed.explanation} {_no_evidence(published)}"
    return computed.verdict, computed.confidence, "computed", words


def _published_words(drug: DrugDefinition, opinion: PublishedOpinion) -> str:
    name = in_prose(drug)
    if opinion.verdict == "not resolved":
        return (
            f"Measurements with {name} show little change, but resistance with exactly this change has "
            "been reported more than once in patients; the two disagree."
        )
    words = {
        "resistance reported": f"Resistance to {name} is published for exactly this change",
        "reduced binding expected": (
            f"Published evidence on exactly this change shows a partial loss of sensitivity to {name}, "
            "or disagrees"
        ),
        "sensitivity reported": f"Sensitivity to {name} is published for exactly this change",
    }[str(opinion.verdict)]
    count = len(opinion.deciding)
    first = min(opinion.deciding, key=lambda item: (rank(item), item.id))
    caveats = sorted({item.caveat for item in opinion.deciding if item.caveat and rank(item) == 1})
    caveat = f" {caveats[0]}" if caveats else ""
    return f"{words} ({count} deciding item{'' if count == 1 else 's'}, e.g. {first.citation}).{caveat}"


def _no_evidence(published: PublishedOpinion) -> str:
    if published.weak_resistance:
        return "Weak published evidence of resistance exists and does not decide."
    if published.reasons_for or published.reasons_against:
        return "What is published on exactly this change and this drug is too weak to decide."
    return "No measurement of this change with this drug is in the tables."


def _resistant_parts(hits: Sequence[EvidenceHit]) -> list[EvidenceItem]:
    """Resistance through a part of a compound variant; sensitivity of a part says nothing of the whole."""
    found = [
        hit.item
        for hit in hits
        if hit.relation == "part of the compound variant"
        and hit.item.direction == "resistant"
        and rank(hit.item) < 4
    ]
    return sorted(found, key=lambda item: (rank(item), item.id))


def _favourable_classes(hits: Sequence[EvidenceHit]) -> list[EvidenceItem]:
    """Statements on compound variants as a class (``T315I/*``) that speak against resistance."""
    return [
        hit.item
        for hit in hits
        if hit.relation == "part of the compound variant"
        and hit.item.direction in FOR
        and parse_changes(hit.item.protein_change).and_others
    ]


def _any_weighty(parts: Sequence[EvidenceItem]) -> bool:
    return any(rank(item) <= 2 or item.strength == "strong" for item in parts)


def _part_name(item: EvidenceItem) -> str:
    name, wildcard, _ = item.protein_change.partition("/*")
    return f"{name} with a further change" if wildcard else name


def _position_reasons(hits: Sequence[EvidenceHit]) -> list[Reason]:
    """A statement on the residue as such, never another allele's evidence, as a weak reason."""
    return [
        reason_of(hit.item, prefix="On the residue, not on this amino acid: ").model_copy(
            update={"weight": "weak"}
        )
        for hit in hits
        if hit.relation == "same residue"
        and hit.item.direction == "resistant"
        and not parse_changes(hit.item.protein_change).names_amino_acids
    ]
