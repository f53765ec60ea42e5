"""Where a verdict stands: its numbers, its track record, what contradicts it, what models could have seen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from kinscope.evidence.civic import NO_EFFECT_UP_TO, REDUCED_UP_TO, fold_text
from kinscope.evidence.matching import AGAINST, FOR
from kinscope.evidence.model import EvidenceItem, EvidenceSummary, KinEstimate, TrackRecord
from kinscope.interpretation.computed import ComputedOpinion
from kinscope.interpretation.findings import in_prose
from kinscope.interpretation.model import DrugVerdict, MeasuredFold, Sight
from kinscope.interpretation.thresholds import REACH_ANGSTROM
from kinscope.targets.pack import DrugDefinition

_ASSAYS = {"cell IC50 fold": "growth of Ba/F3 cells", "Kd": "binding constant of the kinase domain"}


def measured_folds(items: Sequence[EvidenceItem]) -> tuple[tuple[MeasuredFold, ...], float | None]:
    """Every measured fold change, and the geometric mean of cell IC50, or of Kd where there is none."""
    own = [item for item in items if item.kind in _ASSAYS and item.value]
    folds = tuple(
        MeasuredFold(
            item=item.id,
            fold=item.value or 0.0,
            bound=item.bound,
            assay=_ASSAYS[item.kind],
            citation=item.citation,
            identifier=item.identifier,
        )
        for item in own
    )
    sound = [item for item in own if item.strength != "weak"] or own
    cell = [item for item in sound if item.kind == "cell IC50 fold"] or sound
    logs = [math.log(item.value) for item in cell if item.value]
    return folds, math.exp(sum(logs) / len(logs)) if logs else None


def years(items: Sequence[EvidenceItem]) -> str:
    """``2009-2020``: the years of the data."""
    found = sorted({item.dated for item in items if item.dated})
    return f"{found[0]}-{found[-1]}" if len(found) > 1 else "".join(found)


def approval_of(drug: DrugDefinition, evidence: EvidenceSummary) -> tuple[str, bool]:
    """Where the drug stands, with the date of that, and whether it is shown apart."""
    entry = next((one for one in evidence.approvals if one.drug == drug.id), None)
    if entry is None:
        return "", False
    return f"{entry.text} ({entry.citation}; as of {entry.dated})", entry.is_tool


def kind_of(basis: str, verdict: str, kin: KinEstimate | None) -> str:
    """The kind of a verdict, by which track records are kept."""
    if basis == "inferred from kin":
        of = "same change" if kin and kin.same_variant else "other changes of the residue"
        return f"{verdict}, {of}"
    return f"{verdict}, {basis}" if basis == "part of the variant" else verdict


def track_of(
    basis: str, verdict: str, kin: KinEstimate | None, evidence: EvidenceSummary
) -> TrackRecord | None:
    """How often a verdict of this kind was right, where that was tested."""
    return _track(kind_of(basis, verdict, kin), evidence)


def _track(kind: str, evidence: EvidenceSummary) -> TrackRecord | None:
    return next((one for one in evidence.track if one.kind == kind), None)


def sight_of(
    drug: DrugDefinition, computed: ComputedOpinion, published: str | None, evidence: EvidenceSummary
) -> Sight:
    """Whether models could have seen an effect at all, and what became of it where they could."""
    distance = computed.distance_angstrom
    if distance is None:
        distance = evidence.distances_angstrom.get(drug.id)
    name = in_prose(drug)
    if computed.binding and computed.verdict != "not resolved":
        kept = computed.verdict == "no loss of binding detected"
        track = _track("relaxed, kept" if kept else "relaxed, lost", evidence)
        rate = f" This test was {track.words}." if track else ""
        against = (published or "").startswith("resistance" if kept else "sensitivity")
        word = "kept" if kept else "lost"
        text = f"Relaxed with its surroundings, {name} counts as {word}.{rate}"
        if against:
            text = f"{text} Published evidence says otherwise, and decides."
        return Sight(
            word="contradicted" if against else "in reach, tested", distance_angstrom=distance, text=text,
            track=track,
        )  # fmt: skip
    if distance is not None and distance > REACH_ANGSTROM and not computed.binding:
        track = _track(f"out of reach, {drug.site}", evidence)
        where = f"{distance:.0f} Å" if math.isfinite(distance) else "outside the model"
        rate = "No pair that far was measured with a drug of its site."
        if track:
            lost = _count(track.total - track.right)
            beyond = f"measured pairs beyond {REACH_ANGSTROM:.0f} Å at its site"
            rate = f"Of {track.total} {beyond} {lost} lost tenfold."
        text = f"The residue is {where} from {name}: no model here could show an effect. {rate}"
        far = distance if math.isfinite(distance) else None
        return Sight(word="out of reach", distance_angstrom=far, text=text, track=track)
    text = f"No model that could move decided on {name}."
    return Sight(word="in reach, not tested", distance_angstrom=distance, text=text)


def _count(number: int) -> str:
    return "none" if number == 0 else str(number)


def disagreements(
    verdict: DrugVerdict, exact: Sequence[EvidenceItem], kin: KinEstimate | None, name: str
) -> Iterator[str]:
    """What stands against a verdict, each with why both are shown."""
    said = verdict.verdict
    resists, yields = said.startswith("resistance"), said.startswith("sensitivity")
    reduced = said.startswith("reduced")
    for line in verdict.guidelines:
        whole = "" if line.relation == "exact" else f" (for {line.protein_change}, a part of this variant)"
        named = line.stance != "not named"
        cited = f"{line.name}{whole}"
        if named and (resists or reduced):
            why = (
                "it has no line for combinations, and speaks of the part alone" if whole else
                "it chooses the best of the drugs at hand, the evidence measures each against native kinase"
            )  # fmt: skip
            yield f"{cited} names {name}, while the verdict is {said}: {why}."
        elif not named and yields:
            yield (
                f"{cited} does not name {name}, while the verdict is {said}: it names the drugs to prefer, "
                "and one left out is not thereby resistant."
            )
    if resists or yields or reduced:
        against = FOR if resists else AGAINST if yields else ()
        strong = [i for i in exact if i.strength == "strong" and i.direction in against and i.level in "AB"]
        if reduced:
            strong = [i for i in exact if i.strength == "strong" and i.direction == "resistant"]
        if strong:
            yield (
                f"Strong evidence says otherwise: {strong[0].summary} ({strong[0].citation}) "
                "Other evidence of its rank, or measurements, outweighed it."
            )
    fold = verdict.measured_fold
    if fold is not None and yields and fold > REDUCED_UP_TO:
        yield f"Measured {fold_text(fold)}-fold, while patients or drug levels decide for sensitivity."
    if fold is not None and resists and fold <= NO_EFFECT_UP_TO:
        yield f"Cells measure only {fold_text(fold)}-fold, against the evidence that decides."
    if kin and verdict.basis not in ("inferred from kin", "computed"):
        other = verdict.inferred_word.removesuffix(" inferred")
        if (yields and other == "resistance") or (resists and other == "sensitivity"):
            yield f"Kin alone would say: {verdict.inferred_word} ({fold_text(kin.fold)}-fold)."
