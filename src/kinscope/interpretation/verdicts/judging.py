"""One verdict per drug: the first tier that speaks decides, and none is mixed into another.

A fusion transcript that decides by itself, published evidence on exactly this change, evidence on a part of a
compound variant, kin, a predicted free energy, models of this run. What speaks otherwise is said beside the
verdict: guidelines and labels, strong evidence, another tier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from kinscope.evidence.changes import parse_changes
from kinscope.evidence.civic import REDUCED_UP_TO, fold_text
from kinscope.evidence.matching import AGAINST, FOR, lookup
from kinscope.evidence.model import EvidenceHit, EvidenceItem, EvidenceSummary, KinEstimate
from kinscope.interpretation import thresholds
from kinscope.interpretation.computed import DOCKING, ComputedOpinion, computed_opinion
from kinscope.interpretation.findings import in_prose, join
from kinscope.interpretation.model import (
    Basis,
    DrugVerdict,
    Measurements,
    Predicted,
    Reason,
    Sight,
    VerdictWord,
)
from kinscope.interpretation.published import PublishedOpinion, published_opinion, rank, reason_of
from kinscope.interpretation.verdicts import standing
from kinscope.interpretation.verdicts.standing import measured_folds, sight_of, word_of_fold
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.variants.model import Variant


@dataclass(frozen=True)
class Judgement:
    """A verdict, and whether the clinical evidence that decides it carries a caveat throughout."""

    verdict: DrugVerdict
    has_reservation: bool


@dataclass(frozen=True)
class _Decision:
    verdict: VerdictWord
    confidence: str
    basis: Basis
    why: str
    deciding: tuple[EvidenceItem, ...] = ()


NOTHING = Measurements(
    models=(), geometries=(), contact_changes=(), docking=(), profiles=(), regions=(), pockets=(),
    simulations=(),
)  # fmt: skip
"""Of a run that computed nothing."""


def assessed_drugs(
    pack: TargetPack, measurements: Measurements, evidence: EvidenceSummary
) -> tuple[DrugDefinition, ...]:
    """Inhibitors that were docked, are offered or approved, or have evidence (else all); tools come last."""
    docked = {comparison.drug for comparison in measurements.docking}
    offered = {drug for option in evidence.options for drug in option.drugs}
    near = {hit.item.drug for hit in evidence.hits}
    tools = {one.drug for one in evidence.approvals if one.is_tool}
    known = docked | offered | near | ({one.drug for one in evidence.approvals} - tools)
    inhibitors = [drug for drug in pack.drugs if drug.binding_type != "natural ligand"]
    chosen = [drug for drug in inhibitors if drug.id in known] or inhibitors
    return tuple(sorted(chosen, key=lambda drug: drug.id in tools))


def evidence_verdicts(
    variant: Variant, pack: TargetPack, transcript: str = "", predicted: Mapping[str, Predicted] | None = None
) -> tuple[DrugVerdict, ...]:
    """The verdicts without a model: evidence, guidelines, kin, and predictions where given."""
    evidence = lookup(variant, pack, transcript)
    return tuple(
        judge(variant, drug, NOTHING, evidence, (predicted or {}).get(drug.id)).verdict
        for drug in assessed_drugs(pack, NOTHING, evidence)
    )


def judge(
    variant: Variant,
    drug: DrugDefinition,
    measurements: Measurements,
    evidence: EvidenceSummary,
    predicted: Predicted | None = None,
) -> Judgement:
    """The verdict on one drug, with every reason on both sides."""
    of_drug = [hit for hit in evidence.hits if hit.item.drug == drug.id]
    exact = [hit.item for hit in of_drug if hit.relation == "exact"]
    published = published_opinion(exact)
    doubts = _favourable_classes(of_drug)
    computed = computed_opinion(variant, drug, measurements)
    docked = any(one.drug == drug.id for one in measurements.docking)
    command = "" if docked else f"kinscope assess {variant.short} --drug {drug.id} --out DIR"
    sight = sight_of(drug, computed, published.verdict, evidence, command)
    approved = next((one for one in evidence.approvals if one.drug == drug.id), None)
    limit = (approved.suppressed_up_to_fold if approved else None) or REDUCED_UP_TO
    kin = max((one for one in evidence.kin if one.drug == drug.id), key=lambda one: one.fold, default=None)
    if kin and kin.part and word_of_fold(kin.fold, limit) == "sensitivity":
        kin = None
    said_by_kin = _of_kin(in_prose(drug), kin, limit) if kin else None
    of_models = _of_models(in_prose(drug), published, computed, sight)
    decision = _of_fusion(in_prose(drug), of_drug, evidence.transcript)
    decision = decision or _decide(drug, of_drug, published, doubts, said_by_kin, predicted) or of_models
    shows_loss = bool(computed.binding) and computed.verdict == "reduced binding expected"
    if (decision.basis, decision.verdict) == ("predicted", "not resolved") and shows_loss:
        decision = of_models  # what moved shows a loss where the prediction leaves it open
    parts = _parts(of_drug)
    folds, mean = measured_folds(exact)
    track = standing.track_of(decision.basis, decision.verdict, kin, evidence)
    if decision.basis == "predicted" and predicted and predicted.track:
        track = predicted.track
    if decision.basis != "predicted" and predicted and predicted.part:
        predicted = None  # sums were not tested: a part's speaks where nothing else does
    level = min((item.level for item in decision.deciding), default="")
    part_reasons = [
        reason_of(item, prefix=f"{_part_name(item)}, part of this variant: ")
        for item in parts[: thresholds.REASONS_PER_TIER]
    ]
    fusion = [reason_of(hit.item) for hit in of_drug if hit.relation == "fusion transcript"]
    record = DrugVerdict.model_validate(
        {
            "drug": drug.id,
            "verdict": decision.verdict,
            "confidence": decision.confidence,
            "mechanism": computed.mechanism,
            "reasons_for_binding": (
                *_that_could_differ(computed.reasons_for, sight, speaks_for=True),
                *published.reasons_for,
                *(reason_of(item, prefix=f"{_part_name(item)}: ") for item in doubts),
            ),
            "reasons_against_binding": (
                *_that_could_differ(computed.reasons_against, sight, speaks_for=False),
                *fusion,
                *published.reasons_against,
                *part_reasons,
                *_position_reasons(of_drug),
            ),
            "summary": decision.why,
            "binding": computed.binding,
            "basis": decision.basis,
            "level": level,
            "amp_tier": next((item.amp_tier for item in decision.deciding if item.level == level), ""),
            "dated": standing.years(decision.deciding),
            "guidelines": tuple(one for one in evidence.guidelines if one.drug == drug.id),
            "measured": folds,
            "measured_fold": mean,
            "published_mechanisms": tuple(reason_of(item) for item in exact if item.kind == "mechanism"),
            "inferred": kin,
            "inferred_word": f"{word_of_fold(kin.fold, limit)} inferred" if kin else "",
            "predicted": predicted,
            "sight": sight,
            "track": track,
            "tool_compound": approved is not None and approved.is_tool,
            "approval": f"{approved.text} ({approved.citation}; as of {approved.dated})" if approved else "",
        }
    )
    said = tuple(standing.disagreements(record, exact, in_prose(drug), limit))
    return Judgement(record.model_copy(update={"disagreements": said}), published.has_reservation)


def _decide(
    drug: DrugDefinition,
    of_drug: Sequence[EvidenceHit],
    published: PublishedOpinion,
    doubts: Sequence[EvidenceItem],
    kin: _Decision | None,
    predicted: Predicted | None,
) -> _Decision | None:
    """Tier by tier, in the order of the module's head; None: only the models of this run are left."""
    name = in_prose(drug)
    parts = _parts(of_drug)
    resistant = [item for item in parts if item.direction == "resistant"]
    if published.verdict == "sensitivity reported" and published.confidence == "low" and (
        any(rank(item) <= 2 for item in resistant)
    ):  # fmt: skip
        return _Decision("not resolved", "low", "published", (
            f"A screen found this combination sensitive to {name}, but {_part_name(resistant[0])} alone is "
            "resistant; the two disagree."), published.deciding)  # fmt: skip
    if published.verdict is not None:
        return _Decision(published.verdict, published.confidence, "published",
                         _published_words(name, published), published.deciding)  # fmt: skip
    beyond = [one for one in (kin, _of_prediction(name, predicted) if predicted else None) if one]
    if predicted and predicted.part:  # of a compound's parts the worst speaks
        beyond.sort(key=lambda one: not one.verdict.startswith("resistance"))
    if parts and (resistant or not beyond or not beyond[0].verdict.startswith("resistance")):
        weighty = any(rank(item) <= 2 or item.strength == "strong" for item in resistant or parts)
        word: VerdictWord = "resistance inferred" if resistant else "reduced sensitivity inferred"
        names = join([_part_name(item) for item in resistant or parts])
        what = "resistance" if resistant else "reduced sensitivity"
        disputed = " Other evidence on such combinations disagrees." if doubts else ""
        return _Decision(word, "low" if doubts or not weighty else "moderate", "part of the variant", (
            f"Nothing is published on exactly this combination and {name}; {what} is published for {names}, "
            f"which it contains.{disputed}"), tuple(resistant or parts))  # fmt: skip
    return beyond[0] if beyond else None


def _of_fusion(name: str, of_drug: Sequence[EvidenceHit], transcript: str) -> _Decision | None:
    """Resistance of a fusion that was tested, or of one that lacks as much of the kinase."""
    fusion = tuple(hit.item for hit in of_drug if hit.relation == "fusion transcript")
    fusion = tuple(item for item in fusion if item.direction == "resistant")
    if not fusion:
        return None
    known, source = fusion[0].protein_change, fusion[0].citation
    why = f"{known} fusions are resistant to {name}, whatever else is substituted ({source})."
    if known == transcript:
        return _Decision("resistance reported", "moderate", "fusion transcript", why, fusion)
    why = f"{why} {transcript} lacks the same exon of the kinase, and was not tested."
    return _Decision("resistance inferred", "low", "fusion transcript", why, fusion)


def _of_models(name: str, published: PublishedOpinion, computed: ComputedOpinion, sight: Sight) -> _Decision:
    """What this run's models say, where they could say anything."""
    verdict, evidence = computed.verdict, _no_evidence(published)
    if sight.word == "out of reach" or computed.distance_angstrom is None:
        return _Decision("not resolved", "low", "computed", f"{sight.text} {evidence}")
    if not computed.binding and verdict == "no loss of binding detected":
        why = f"Rigid docking cannot show that {name} keeps its effect, and nothing that moves was computed."
        return _Decision("not resolved", "low", "computed", f"{why} {evidence}")
    weak = [item for item in published.weak_resistance if item.direction == "resistant"]
    if weak and verdict == "no loss of binding detected":
        return _Decision("not resolved", "low", "computed", (
            f"{computed.explanation} Against it stands weak published evidence of resistance "
            f"({weak[0].citation}), so the question stays open."))  # fmt: skip
    return _Decision(verdict, computed.confidence, "computed", f"{computed.explanation} {evidence}")


def _that_could_differ(reasons: Sequence[Reason], sight: Sight, *, speaks_for: bool) -> list[Reason]:
    """Reasons whose instrument could have moved the answer: no rigid docking that could not."""
    return [
        reason
        for reason in reasons
        if reason.source != DOCKING
        or (sight.word != "out of reach" and (not speaks_for or reason.text.startswith("The binding pose")))
    ]


def _of_kin(name: str, kin: KinEstimate, limit: float) -> _Decision:
    known = []
    if kin.same_variant:
        same = kin.part or "this change"
        known.append(f"{same} with {kin.same_variant} other drug{'s' * (kin.same_variant > 1)}")
    if kin.same_residue:
        known.append(f"{kin.same_residue} pair{'s' * (kin.same_residue > 1)} of other changes of the residue")
    word = cast("VerdictWord", f"{word_of_fold(kin.fold, limit)} inferred")
    of = f"{kin.part}, part of this variant, was not measured" if kin.part else "Not measured"
    return _Decision(word, "low", "inferred from kin", (
        f"{of} with {name}. From {join(known)}: {fold_text(kin.fold)}-fold, 90 % between "
        f"{fold_text(kin.low)} and {fold_text(kin.high)}."))  # fmt: skip


def _of_prediction(name: str, item: Predicted) -> _Decision | None:
    """By what the interval allows to be said; beyond the drug's reach a prediction decides nothing."""
    if item.call == "out of reach":
        return None
    words: dict[str, VerdictWord] = {"lost": "resistance predicted", "kept": "sensitivity predicted"}
    of = f"Of {item.part}, part of this variant: " if item.part else ""
    return _Decision(words.get(item.call, "not resolved"), "low", "predicted", (
        f"{of}Predicted for {name}: {item.ddg_kcal_mol:+.1f} kcal/mol ({item.low:+.1f} to {item.high:+.1f}), "
        f"{100 * item.probability_lost:.0f} % for a tenfold loss."))  # fmt: skip


def _published_words(name: str, opinion: PublishedOpinion) -> str:
    if opinion.verdict == "not resolved":
        return (
            f"Measurements with {name} show little change, but resistance with exactly this change has "
            "been reported more than once in patients; the two disagree."
        )
    words = {
        "resistance reported": f"Resistance to {name} is published for exactly this change",
        "reduced sensitivity reported": (
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


def _parts(hits: Sequence[EvidenceHit]) -> list[EvidenceItem]:
    """Resistance and reduced sensitivity through a part; sensitivity of a part says nothing of the whole.

    A part is judged by all that is published of it, so that items against a part that is sensitive are no
    reason against the whole; a class (``T315I/*``) gives each of its items.
    """
    found: list[EvidenceItem] = []
    of_parts = [hit.item for hit in hits if hit.relation == "part of the compound variant"]
    for change in dict.fromkeys(item.protein_change for item in of_parts):
        own = [item for item in of_parts if item.protein_change == change]
        verdict = published_opinion(own).verdict
        if verdict in ("resistance reported", "reduced sensitivity reported") or change.endswith("/*"):
            against = [item for item in own if item.direction in AGAINST and rank(item) < 4]
            if verdict == "reduced sensitivity reported":
                against = [one.model_copy(update={"direction": "reduced sensitivity"}) for one in against]
            found += against
    return sorted(found, key=lambda item: (item.direction != "resistant", rank(item), item.id))


def _favourable_classes(hits: Sequence[EvidenceHit]) -> list[EvidenceItem]:
    """Statements on compound variants as a class (``T315I/*``) that speak against resistance."""
    return [
        hit.item
        for hit in hits
        if hit.relation == "part of the compound variant"
        and hit.item.direction in FOR
        and parse_changes(hit.item.protein_change).and_others
    ]


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
