"""The answer in three sentences, written by rules: what is published, what was computed, what follows."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.evidence.matching import MEASURED_KINDS
from kinscope.evidence.model import EvidenceSummary
from kinscope.interpretation.computed import main_comparison
from kinscope.interpretation.mobility import METHODS, region_label, resolved_regions, state_label
from kinscope.interpretation.model import Answer, Measurements
from kinscope.interpretation.verdicts import Judgement
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


def write_answer(
    variant: Variant,
    judged: Sequence[Judgement],
    measurements: Measurements,
    evidence: EvidenceSummary,
    pack: TargetPack,
) -> Answer:
    """Exactly three sentences, with a confidence and its reason. No drug is recommended."""
    confidence, reason = _confidence(variant, judged, evidence)
    return Answer.model_validate(
        {
            "sentences": (
                _published_sentence(variant, judged, evidence, pack),
                _computed_sentence(judged, measurements, pack),
                _outcome_sentence(judged, evidence, pack),
            ),
            "confidence": confidence,
            "confidence_reason": reason,
        }
    )


def place_of(variant: Variant, pack: TargetPack) -> str:
    """Where the substituted residues lie: the smallest named segment of each, else its domain."""
    places = []
    for position in variant.positions:
        regions = [region for region in pack.regions_of(position) if region.kind != "pocket"]
        if regions:
            places.append(min(regions, key=lambda region: region.end - region.start).label)
    return " and ".join(dict.fromkeys(places)) or "a part of the protein without a named region"


def join(names: Sequence[str]) -> str:
    """Names as a list in prose."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _named(judged: Sequence[Judgement], verdict: str, pack: TargetPack) -> list[str]:
    chosen = [entry.verdict for entry in judged if entry.verdict.verdict == verdict]
    return [pack.drug(entry.drug).name.lower() for entry in chosen]


def _published_sentence(
    variant: Variant, judged: Sequence[Judgement], evidence: EvidenceSummary, pack: TargetPack
) -> str:
    """What is known of exactly this change."""
    subject = f"{variant.short} ({place_of(variant, pack)})"
    exact = [hit.item for hit in evidence.hits if hit.relation == "exact"]
    decided = [entry for entry in judged if entry.basis == "published"]
    if not exact:
        known = _compound_known(judged, pack)
        return f"Nothing is published on exactly {subject} in the sources searched{known}."
    if decided:
        parts = []
        for verdict, words in (
            ("resistance reported", "resistance to"),
            ("reduced binding expected", "partly reduced sensitivity to"),
            ("sensitivity reported", "retained sensitivity to"),
        ):
            names = _named(decided, verdict, pack)
            if names:
                parts.append(f"{words} {join(names)}")
        if parts:
            return f"For {subject}, published evidence on exactly this change reports {'; '.join(parts)}."
    against = sorted({item.drug for item in exact if item.direction == "resistant" and item.drug})
    names = [drug.name.lower() for drug in pack.drugs if drug.id in against]
    course = f" of disease progressing or relapsing under {join(names)}" if names else ""
    numbers = any(item.kind in MEASURED_KINDS for item in exact)
    missing = "" if numbers else ", and no IC50 or binding constant of it is in the sources searched"
    return f"For {subject}, what is published on exactly this change is weak evidence{course}{missing}."


def _compound_known(judged: Sequence[Judgement], pack: TargetPack) -> str:
    through_part = [entry for entry in judged if entry.basis == "part of the variant"]
    names = _named(through_part, "reduced binding expected", pack)
    return f", while a part of it is resistant to {join(names)}" if names else ""


def _computed_sentence(judged: Sequence[Judgement], measurements: Measurements, pack: TargetPack) -> str:
    """What this run's models show, whatever is published."""
    chosen = [main_comparison(pack.drug(e.verdict.drug), measurements.docking) for e in judged]
    docked = [comparison for comparison in chosen if comparison is not None]
    mobility = _mobility_clause(measurements, pack)
    if not docked:
        return f"In this run nothing was docked, so no effect on binding was computed, and {mobility}."
    reduced = [entry for entry in judged if entry.computed.verdict == "reduced binding expected"]
    moved = [pack.drug(entry.verdict.drug).name.lower() for entry in reduced]
    effect = (
        f"the models show weaker binding of {join(moved)}"
        if moved
        else f"docking detected no loss of binding for any of {len(docked)} drugs"
        if len(docked) > 1
        else f"docking detected no loss of binding for {pack.drug(docked[0].drug).name.lower()}"
    )
    distances = [comparison.distance_to_variant_angstrom for comparison in docked]
    low, high = min(distances), max(distances)
    span = f"{low:.0f} to {high:.0f} Å" if round(low) != round(high) else f"{low:.0f} Å"
    return f"In this run {effect}, the substituted residue lies {span} from them, and {mobility}."


def _mobility_clause(measurements: Measurements, pack: TargetPack) -> str:
    if not measurements.regions:
        return "mobility was not compared"
    resolved = resolved_regions(measurements)
    if not resolved:
        return "no change of mobility was resolved"
    largest = max(resolved, key=lambda row: abs(row.difference_angstrom.value or 0.0))
    value = largest.difference_angstrom.value or 0.0
    more = f" ({len(resolved)} regions change in all)" if len(resolved) > 1 else ""
    return (
        f"the largest resolved change of mobility is {value:+.2f} Å in the "
        f"{region_label(pack, largest.region)} "
        f"({METHODS[largest.method].lower()}, {state_label(pack, largest.state)}){more}"
    )


def _outcome_sentence(judged: Sequence[Judgement], evidence: EvidenceSummary, pack: TargetPack) -> str:
    """What follows for which drug, and what the change cannot touch."""
    clauses = []
    for verdict, words in (
        ("resistance reported", "binding or effect is lost for {}"),
        ("reduced binding expected", "a reduced effect is to be expected of {}"),
        ("sensitivity reported", "{} keep their effect"),
        ("no loss of binding detected", "no loss of binding was detected for {}"),
        ("not resolved", "the question stays open for {}"),
    ):
        names = _named(judged, verdict, pack)
        if names:
            words = words.replace("keep their", "keeps its") if len(names) == 1 else words
            clauses.append(words.format(join(names)))
    independent = [option for option in evidence.options if not option.depends_on_abl1_binding]
    if independent:
        clauses.append(
            "therapies that act without the kinase cannot be affected by this change through ABL1 binding"
        )
    text = "; ".join(clauses) or "no drug could be judged"
    return f"Taken together, {text}."


def _confidence(variant: Variant, judged: Sequence[Judgement], evidence: EvidenceSummary) -> tuple[str, str]:
    """Confidence in the whole answer, from how much of it rests on evidence on exactly this change."""
    decided = [entry for entry in judged if entry.basis == "published"]
    sure = [entry for entry in decided if entry.verdict.confidence == "high"]
    if not judged:
        return "low", "No drug was judged."
    if 2 * len(sure) >= len(judged):
        return "high", (
            f"{len(sure)} of {len(judged)} verdicts rest on trial cohorts or several studies of exactly "
            f"{variant.short}, uncontradicted."
        )
    if 2 * len(decided) >= len(judged):
        return "moderate", (
            f"{len(decided)} of {len(judged)} verdicts rest on published evidence on exactly {variant.short}"
            "; the rest is computed."
        )
    exact = any(hit.relation == "exact" for hit in evidence.hits)
    basis = "only weak evidence on" if exact else "nothing published on"
    return "low", (
        f"There is {basis} exactly {variant.short} for most drugs, so the verdicts rest on docking and "
        "models, which see a direct effect on the binding site and little else."
    )
