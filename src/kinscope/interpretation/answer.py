"""The answer in three sentences, written by rules: what is published, what was computed, what follows."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.evidence.matching import MEASURED_KINDS
from kinscope.evidence.model import EvidenceSummary
from kinscope.interpretation.computed import main_comparison
from kinscope.interpretation.findings import in_prose, join
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
    """Where the residues lie, e.g. ``in the P+1 loop``: the smallest named segment of each."""
    places = []
    for position in variant.positions:
        regions = [region for region in pack.regions_of(position) if region.kind != "pocket"]
        if regions:
            places.append(min(regions, key=lambda region: region.end - region.start).label)
    if not places:
        return "outside every named region"
    return f"in the {join(places)}"


def _named(judged: Sequence[Judgement], verdict: str, pack: TargetPack, *, marked: bool = False) -> list[str]:
    """Names of the drugs with a verdict; ``marked`` ones whose clinical evidence carries a reservation."""
    chosen = [entry for entry in judged if entry.verdict.verdict == verdict]
    return [
        in_prose(pack.drug(entry.verdict.drug))
        + (" (with a reservation, see its reasons)" if marked and entry.has_reservation else "")
        for entry in chosen
    ]


def _published_sentence(
    variant: Variant, judged: Sequence[Judgement], evidence: EvidenceSummary, pack: TargetPack
) -> str:
    """What is known of exactly this change."""
    subject = f"{variant.short} {place_of(variant, pack)}"
    exact = [hit.item for hit in evidence.hits if hit.relation == "exact"]
    decided = [entry for entry in judged if entry.basis == "published"]
    if not exact and not evidence.searched:
        return f"For {subject} nothing published was looked through: the target pack holds no evidence."
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
            names = _named(decided, verdict, pack, marked=verdict == "sensitivity reported")
            if names:
                parts.append(f"{words} {join(names)}")
        if parts:
            return f"For {subject}, published evidence on exactly this change reports {'; '.join(parts)}."
    against = [item for item in exact if item.direction == "resistant"]
    names = [in_prose(drug) for drug in pack.drugs if drug.id in {item.drug for item in against}]
    single = " in a single report" if len({item.identifier for item in against}) == 1 else ""
    course = f" (disease progressing or relapsing under {join(names)}{single})" if names else ""
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
    if not docked:
        return "In this run nothing was docked, so that no effect on binding was computed."
    method = "docking with relaxed surroundings" if measurements.relaxed else "docking"
    effect = _binding_clause(judged, pack, method)
    distances = [comparison.distance_to_variant_angstrom for comparison in docked]
    low, high = min(distances), max(distances)
    span = f"{low:.0f} to {high:.0f} Å" if round(low) != round(high) else f"{low:.0f} Å"
    return f"In this run {effect}, and the substituted residue lies {span} from the docked drugs."


def _binding_clause(judged: Sequence[Judgement], pack: TargetPack, method: str) -> str:
    """What docking shows over all drugs, the open ones named as open."""
    docked = [entry for entry in judged if entry.computed.distance_angstrom is not None]
    clauses = []
    for verdict, words in (
        ("reduced binding expected", "finds weaker binding of {}"),
        ("no loss of binding detected", "detects no loss of binding of {}"),
        ("not resolved", "leaves {} unresolved"),
    ):
        names = [
            in_prose(pack.drug(entry.verdict.drug)) for entry in docked if entry.computed.verdict == verdict
        ]
        everything = len(names) == len(docked) > 1
        if names:
            subject = f"all {len(docked)} drugs" if everything and verdict != _NO_LOSS else join(names)
            clauses.append(
                words.format(f"any of {len(docked)} drugs" if everything and verdict == _NO_LOSS else subject)
            )
    return f"{method} {join(clauses)}"


_NO_LOSS = "no loss of binding detected"


def _outcome_sentence(judged: Sequence[Judgement], evidence: EvidenceSummary, pack: TargetPack) -> str:
    """What follows for which drug, and what the change cannot touch."""
    clauses = []
    for verdict, words in (
        ("resistance reported", "resistance is reported for {}"),
        ("reduced binding expected", "weaker binding or a partial loss of effect is expected for {}"),
        ("sensitivity reported", "sensitivity is reported for {}"),
        ("no loss of binding detected", "no loss of binding was detected for {}"),
        ("not resolved", "the question stays open for {}"),
    ):
        names = _named(judged, verdict, pack)
        if names:
            clauses.append(words.format(join(names)))
        if verdict == "resistance reported" and (unseen := _unseen(judged, pack)):
            whose = "" if unseen == names else f" that to {join(unseen)}"
            clauses[-1] += f",{whose} without a counterpart in these models"
    independent = [option for option in evidence.options if not option.depends_on_abl1_binding]
    if independent:
        clauses.append(
            "therapies that act without the kinase cannot be affected by this change through "
            f"{pack.gene} binding"
        )
    text = "; ".join(clauses) or "no drug could be judged"
    return f"Taken together, {text}."


def _unseen(judged: Sequence[Judgement], pack: TargetPack) -> list[str]:
    """Drugs with published resistance of which this run sees no loss: it must come about otherwise."""
    seen_nothing = [entry for entry in judged if entry.computed.verdict == _NO_LOSS]
    return _named(seen_nothing, "resistance reported", pack)


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
    through_parts = any(entry.basis == "part of the variant" for entry in judged)
    basis = "Only weak evidence exists on" if exact else "Nothing is published on"
    rest = "evidence on its parts and on docking" if through_parts else "docking and models"
    return "low", (
        f"{basis} exactly {variant.short} for most drugs, so the verdicts rest on {rest}; docking sees a "
        "direct effect on the binding site and little else."
    )
