"""Where a verdict stands: its numbers, its track record, what contradicts it, what models could have seen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from kinscope.evidence.civic import NO_EFFECT_UP_TO, REDUCED_UP_TO, fold_text
from kinscope.evidence.matching import AGAINST, FOR
from kinscope.evidence.model import EvidenceItem, EvidenceSummary, KinEstimate, TrackRecord
from kinscope.interpretation.computed import ComputedOpinion
from kinscope.interpretation.findings import in_prose, join
from kinscope.interpretation.model import DrugVerdict, MeasuredFold, Sight
from kinscope.interpretation.published import averaged
from kinscope.interpretation.thresholds import REACH_ANGSTROM
from kinscope.targets.pack import DrugDefinition
from kinscope.variants.model import Variant

_ASSAYS = {"cell IC50 fold": "growth of Ba/F3 cells", "Kd": "binding constant of the kinase domain"}


def measured_folds(items: Sequence[EvidenceItem]) -> tuple[tuple[MeasuredFold, ...], float | None]:
    """Every measured fold change, and the geometric mean of cell IC50, or of Kd where there is none."""
    own = [item for item in items if item.kind in _ASSAYS and item.value]
    meant = averaged(own)
    folds = tuple(
        MeasuredFold(
            item=item.id,
            fold=item.value or 0.0,
            bound=item.bound,
            assay=_ASSAYS[item.kind],
            citation=item.citation,
            identifier=item.identifier,
            averaged=item in meant,
        )
        for item in own
    )
    logs = [math.log(item.value) for item in meant if item.value]
    return folds, math.exp(sum(logs) / len(logs)) if logs else None


def word_of_fold(fold: float, limit: float) -> str:
    """The class of a fold; ``limit``: up to which it is less than resistance to this drug."""
    if fold > limit:
        return "resistance"
    mild = NO_EFFECT_UP_TO if limit <= REDUCED_UP_TO else REDUCED_UP_TO
    return "reduced sensitivity" if fold > mild else "sensitivity"


def years(items: Sequence[EvidenceItem]) -> str:
    """``2009-2020``: the years of the data."""
    found = sorted({item.dated for item in items if item.dated})
    return f"{found[0]}-{found[-1]}" if len(found) > 1 else "".join(found)


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
    drug: DrugDefinition,
    computed: ComputedOpinion,
    published: str | None,
    evidence: EvidenceSummary,
    command: str = "",
) -> Sight:
    """Whether models could have seen an effect at all, and what became of it where they could.

    ``command``: what runs models of a drug of which this run made none; empty where there are some.
    """
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
        text = f"Models call {name} {word}.{rate}"
        if against:
            text = f"{text} Published evidence says otherwise, and decides."
        return Sight(
            word="contradicted" if against else "in reach, tested", distance_angstrom=distance, text=text,
            track=track,
        )  # fmt: skip
    if distance is not None and distance > REACH_ANGSTROM and not computed.binding:
        if not math.isfinite(distance):
            text = f"No model of {name} in its pocket holds the residue: how far it is, is not known."
            return Sight(word="out of reach", distance_angstrom=None, text=text)
        track = _track(f"out of reach, {drug.site}", evidence)
        rate = "No pair that far was measured with a drug of its site."
        if track:
            beyond = f"Of {track.total} measured pairs beyond {REACH_ANGSTROM:.0f} Å at its site"
            rate = f"{beyond} {track.total - track.right or 'none'} lost tenfold."
        text = f"The residue is {distance:.0f} Å from {name}: no model here could show an effect. {rate}"
        return Sight(word="out of reach", distance_angstrom=distance, text=text, track=track)
    text = f"No model that could move decided on {name}."
    if command:
        why = "published evidence decides" if published else f"`{command}` runs them"
        text = f"In reach of models; none was run: {why}."
    return Sight(word="in reach, not tested", distance_angstrom=distance, text=text)


def disagreements(
    verdict: DrugVerdict, exact: Sequence[EvidenceItem], name: str, limit: float
) -> Iterator[str]:
    """What stands against a verdict, each with why both are shown; ``limit``: see :func:`word_of_fold`."""
    said = verdict.verdict
    resists, yields = said.startswith("resistance"), said.startswith("sensitivity")
    reduced = said.startswith("reduced")
    blind = "it does not tell fusion transcripts apart." if verdict.basis == "fusion transcript" else ""
    of_parts = [
        f"{line.name} ({line.protein_change})"
        for line in verdict.guidelines
        if line.relation != "exact" and line.stance != "not named"
    ]
    if of_parts and (resists or reduced):
        yield f"Named for a part of this variant by {join(of_parts)}; no line speaks of combinations."
    for line in verdict.guidelines:
        named, cited = line.stance != "not named", line.name
        if line.relation != "exact":
            cited = f"{cited} (for {line.protein_change}, a part of this variant)"
        elif named and (resists or reduced):
            why = blind or "it chooses the best of those at hand, a verdict sets each against native kinase."
            yield f"{cited} names {name}, while the verdict is {said}: {why}"
        if not named and yields:
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
            why = blind.capitalize() or "Other evidence of its rank, or measurements, outweighed it."
            yield f"Strong evidence says otherwise: {strong[0].summary} ({strong[0].citation}) {why}"
    fold = verdict.measured_fold
    if fold is not None and yields and fold > REDUCED_UP_TO:
        yield f"Measured {fold_text(fold)}-fold, while patients or drug levels decide for sensitivity."
    if fold is not None and resists and fold <= NO_EFFECT_UP_TO:
        yield f"Measured only {fold_text(fold)}-fold, against the evidence that decides."
    if fold is not None and reduced and (alone := word_of_fold(fold, limit)) != "reduced sensitivity":
        yield f"Measured {fold_text(fold)}-fold, which alone is {alone}; other evidence stands against it."
    if (kin := verdict.inferred) and verdict.basis not in ("inferred from kin", "computed"):
        other = verdict.inferred_word.removesuffix(" inferred")
        if (yields and other == "resistance") or (resists and other == "sensitivity"):
            of = f" of {kin.part}" if kin.part else ""
            yield f"Kin alone would say{of}: {verdict.inferred_word} ({fold_text(kin.fold)}-fold)."


_MOST_NAMED = 3


def next_steps(
    variant: Variant, verdicts: Sequence[DrugVerdict], evidence: EvidenceSummary
) -> tuple[str, str, str]:
    """An assay that would decide; the share of the clone, or whether changes are in cis; what to repeat."""
    return _assay(variant, verdicts), _clone(variant, evidence), _repeat(evidence)


def _assay(variant: Variant, verdicts: Sequence[DrugVerdict]) -> str:
    unsettled = [
        v.drug for v in verdicts if v.basis not in ("published", "fusion transcript") and not v.tool_compound
    ]
    if not unsettled:
        return "Measure the trough level of the drug that is given: it tells resistance from too low a dose."
    rest = len(unsettled) - _MOST_NAMED
    named = join([*unsettled[:_MOST_NAMED], *([f"{rest} more"] if rest > 0 else [])])
    return (
        f"Measure the growth IC50 of Ba/F3 cells with {variant.gene} {variant.short} beside native in one "
        f"laboratory, with {named}: tenfold or more decides."
    )


def _clone(variant: Variant, evidence: EvidenceSummary) -> str:
    if any(hit.relation == "exact" and hit.item.kind == "germline" for hit in evidence.hits):
        return f"Look for {variant.short} in cells without the fusion: a known inherited polymorphism."
    if len(variant.substitutions) > 1:
        return (
            "Show by long reads or cloned sequencing that the changes are on one molecule: of two mutations "
            "seen by Sanger 70 % (33 of 47) were (Khorashad et al., Blood 2013;121:489)."
        )
    return (
        f"Quantify the share of {variant.short} among the transcripts by deep sequencing, and look for a "
        "second mutation in cis: Sanger sees neither below 20 %."
    )


def _repeat(evidence: EvidenceSummary) -> str:
    sign = "the transcript rises" if evidence.fusion_matters else "the disease returns"
    again = f"Sequence again when {sign}, and before every change of inhibitor."
    if evidence.fusion_matters and not evidence.transcript:
        return (
            "Find out the fusion transcript: without ABL1 exon 2 (e13a3, e14a3) asciminib fails whatever the "
            f"mutation. {again}"
        )
    return again
