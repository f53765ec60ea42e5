"""The answer in two sentences, written by rules: what is published, and what follows beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from kinscope.evidence.matching import MEASURED_KINDS
from kinscope.evidence.model import EvidenceSummary
from kinscope.interpretation.findings import in_prose, join
from kinscope.interpretation.model import Answer
from kinscope.interpretation.verdicts import Judgement
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


def write_answer(
    variant: Variant, judged: Sequence[Judgement], evidence: EvidenceSummary, pack: TargetPack
) -> Answer:
    """Two sentences, with a confidence and its reason. No drug is recommended."""
    sentences = _published_sentence(variant, judged, evidence, pack), _outcome_sentence(judged, pack)
    confidence, reason = _confidence(judged)
    return Answer(sentences=sentences, confidence=confidence, confidence_reason=reason)


def place_of(variant: Variant, pack: TargetPack) -> str:
    """Where the residues lie, e.g. ``in the P+1 loop``: the smallest named segment of each."""
    places: list[str] = []
    for position in variant.positions:
        around = pack.regions_of(position)
        regions = [one for one in around if one.kind != "pocket" and one.name != "paper_window"]
        if regions:
            least = min(regions, key=lambda region: region.end - region.start)
            preposition = "at" if least.start == least.end else "in"
            places.append(f"{preposition} the {least.label.partition(' (')[0]}")
    return join(places) or "outside every named region"


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
    subject = variant.short
    exact = [hit.item for hit in evidence.hits if hit.relation == "exact"]
    decided = [e for e in judged if e.verdict.basis == "published" and not e.verdict.tool_compound]
    in_use = {e.verdict.drug for e in judged if not e.verdict.tool_compound}
    if not exact and not evidence.searched:
        return f"For {subject} nothing published was looked through: the target pack holds no evidence."
    of_use = [item for item in exact if item.drug in in_use]
    if not of_use:
        what = " with a drug in use" if exact else ""
        return f"Nothing is published on exactly {subject}{what} in the sources searched."
    if decided:
        parts = []
        for verdict, words in (
            ("resistance reported", "resistance to"),
            ("reduced sensitivity reported", "reduced sensitivity to"),
            ("sensitivity reported", "retained sensitivity to"),
        ):
            names = _named(decided, verdict, pack, marked=verdict == "sensitivity reported")
            if names:
                parts.append(f"{words} {join(names)}")
        if parts:
            return f"For {subject}, published evidence on exactly this change reports {'; '.join(parts)}."
    against = [item for item in of_use if item.direction == "resistant"]
    names = [in_prose(drug) for drug in pack.drugs if drug.id in {item.drug for item in against}]
    single = " in a single report" if len({item.identifier for item in against}) == 1 else ""
    course = f" (disease progressing or relapsing under {join(names)}{single})" if names else ""
    numbers = any(item.kind in MEASURED_KINDS for item in of_use)
    missing = "" if numbers else ", and no IC50 or binding constant of it is in the sources searched"
    return f"For {subject}, what is published on exactly this change is weak evidence{course}{missing}."


def _outcome_sentence(judged: Sequence[Judgement], pack: TargetPack) -> str:
    """What follows for which drug and what stays open; first whether it is a kinase still."""
    in_use = [entry for entry in judged if not entry.verdict.tool_compound]
    chosen = [entry for entry in in_use if entry.verdict.basis != "published"]
    measured = any(entry.verdict.measured for entry in judged)
    made = [entry.verdict.predicted for entry in judged if entry.verdict.predicted and not measured]
    clauses = [words for rule, words in _DOUBTS.items() if rule in {one.fold_rule for one in made}]
    fused = [entry for entry in chosen if entry.verdict.basis == "fusion transcript"]
    if fused:
        names = [in_prose(pack.drug(entry.verdict.drug)) for entry in fused]
        clauses.append(f"resistance to {join(names)} follows from the fusion transcript")
    chosen = [entry for entry in chosen if entry not in fused]
    clauses += [
        words.format(join(names))
        for verdict, words in _OUTCOMES.items()
        if (names := _named(chosen, verdict, pack))
    ]
    open_ = [entry for entry in in_use if entry.verdict.verdict == "not resolved"]
    if open_:
        sights = [entry.verdict.sight for entry in open_ if entry.verdict.sight]
        far = [one.word for one in sights] == ["out of reach"] * len(open_)
        known = all(one.distance_angstrom is not None for one in sights)
        rates = [one.track for one in sights if one.track] if far and known else []
        place = "for any model here to tell" if known else "or in none of the models"
        why = f", the residue being too far away {place}" if far else ""
        if rates:
            lost, site = (rates[0].total - rates[0].right) or "none", rates[0].kind.rpartition(" ")[2].upper()
            why += f" (of {rates[0].total} pairs of change and drug measured as far from the {site} site "
            why += f"{lost} lost tenfold)"
        whom = "every drug" if len(open_) == len(in_use) > 1 else join(_named(open_, "not resolved", pack))
        clauses.append(f"the question stays open for {whom}{why}")
    text = "; ".join(clauses) or "every drug judged is settled by what is published"
    return f"{text[0].upper()}{text[1:]}."


_DOUBTS = {
    "catalytic": "the change replaces a residue that kinases do not do without, and may leave no kinase",
    "packing": "the change packs worse than 95 % of substitutions without any drug, and may not fold",
}
_OUTCOMES = {
    "resistance inferred": "resistance to {} is inferred from parts or kin",
    "resistance predicted": "resistance to {} is predicted",
    "reduced binding expected": "the models expect weaker binding of {}",
    "reduced sensitivity inferred": "reduced sensitivity to {} is inferred from parts or kin",
    "sensitivity inferred": "sensitivity to {} is inferred from kin",
    "sensitivity predicted": "sensitivity to {} is predicted",
    "no loss of binding detected": "relaxed models find no loss of binding of {}",
}


def _confidence(judged: Sequence[Judgement]) -> tuple[Literal["high", "moderate", "low"], str]:
    """No higher than what half of the verdicts have; tool compounds do not count."""
    counted = [entry for entry in judged if not entry.verdict.tool_compound]
    if not counted:
        return "low", "No drug was judged."
    sure = sum(entry.verdict.confidence == "high" for entry in counted)
    fair = sum(entry.verdict.confidence != "low" for entry in counted)
    level: Literal["high", "moderate", "low"]
    level = "high" if 2 * sure >= len(counted) else "moderate" if 2 * fair >= len(counted) else "low"
    return (
        level,
        f"{fair or 'none'} of {len(counted)} verdicts {'is' if fair < 2 else 'are'} better than low.",
    )
