"""What is published of a variant and how near it is, and what speaks for and against each option, by rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from kinscope.core.errors import BadInputError
from kinscope.evidence.changes import Change, changes_of, parse_changes, relate
from kinscope.evidence.kin import estimate, measured_pairs
from kinscope.evidence.knowledge import TRANSCRIPT, load_evidence
from kinscope.evidence.model import (
    EvidenceBase,
    EvidenceHit,
    EvidenceItem,
    EvidenceSummary,
    GuidelineStance,
    KinEstimate,
    Relation,
    TreatmentOption,
)
from kinscope.evidence.reach import distances
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant

AGAINST = ("resistant", "reduced sensitivity")
FOR = ("sensitive", "no effect")
INDIRECT_KINDS = ("structure", "mechanism", "germline")
"""A published computation or mechanism, or who inherits it, is no observation of a drug's effect."""


def _weigh(option: TreatmentOption, hits: list[EvidenceHit]) -> TreatmentOption:
    """An option with what is published of this variant added on either side.

    Only items on exactly this change, and resistance through a part of a compound variant, count:
    sensitivity of a part says nothing of the whole.
    """
    speaks_for, speaks_against = list(option.speaks_for), list(option.speaks_against)
    for drug in option.drugs:
        of_drug = [hit for hit in hits if hit.item.drug == drug]
        exact = [h.item for h in of_drug if h.relation == "exact" and h.item.kind not in INDIRECT_KINDS]
        parts_of = [h.item for h in of_drug if h.relation == "part of the compound variant"]
        partial = [item for item in parts_of if item.direction == "resistant" and item.strength != "weak"]
        against = [item for item in exact if item.direction in AGAINST]
        favourable = [item for item in exact if item.direction in FOR]
        fusion = [h.item for h in of_drug if h.relation == "fusion transcript"]
        name = " and ".join(dict.fromkeys(item.protein_change for item in fusion))
        weak = all(item.strength == "weak" for item in against)
        words = "Weak evidence against" if weak else "Resistance or reduced sensitivity is published for"
        parts = ", ".join(sorted({item.protein_change.removesuffix("/*") for item in partial}))
        for items, side, text in (
            (against, speaks_against, f"{words} {drug} with exactly this change"),
            (favourable, speaks_for, f"Retained sensitivity to {drug} is published for this change"),
            (fusion, speaks_against, f"{name} fusions are resistant to {drug}"),
            (partial, speaks_against, f"Resistance to {drug} is published for {parts}, part of this variant"),
        ):
            if items:
                side.append(f"{text} ({_cite(items)}).")
    return option.model_copy(
        update={"speaks_for": tuple(speaks_for), "speaks_against": tuple(speaks_against)}
    )


_MOST_CITED = 2


def _cite(items: list[EvidenceItem]) -> str:
    strongest = sorted(items, key=lambda item: STRENGTHS.index(item.strength))
    identifiers = list(dict.fromkeys(item.identifier for item in strongest))
    more = len(identifiers) - _MOST_CITED
    return ", ".join(identifiers[:_MOST_CITED]) + (f" and {more} more" if more > 0 else "")


RELATIONS: tuple[Relation, ...] = get_args(Relation)
STRENGTHS = ("strong", "moderate", "weak")
MEASURED_KINDS = ("cell IC50 fold", "Kd")


def lookup(variant: Variant, pack: TargetPack, transcript: str = "") -> EvidenceSummary:
    """Everything the pack's tables hold on a variant, nearest first, each item with its relation.

    ``transcript``: of the fusion, e.g. ``e14a2``, where known.

    Raises BadInputError if an evidence table of the pack is damaged or the transcript is none.
    """
    return lookup_in(load_evidence(pack), variant, pack, transcript)


def lookup_in(
    base: EvidenceBase, variant: Variant, pack: TargetPack, transcript: str = ""
) -> EvidenceSummary:
    """:func:`lookup` in a base that may be a part of the pack's."""
    guidelines = tuple(_stances(base, variant))
    hits: list[EvidenceHit] = []
    for item in base.items:
        relation = relate(parse_changes(item.protein_change), variant)
        if relation is not None:
            behind = tuple(_behind(item, guidelines)) if relation == "exact" else ()
            hits.append(EvidenceHit(item=item, relation=relation, behind=behind))
    hits += [EvidenceHit(item=item, relation="fusion transcript") for item in fusion_note(base, transcript)]
    order = {drug.id: index for index, drug in enumerate(pack.drugs)}
    hits.sort(
        key=lambda hit: (
            RELATIONS.index(hit.relation),
            order.get(hit.item.drug, len(order)),
            STRENGTHS.index(hit.item.strength),
            hit.item.id,
        )
    )
    return EvidenceSummary(
        hits=tuple(hits),
        options=tuple(_weigh(option, hits) for option in base.options),
        searched=tuple(_searched(base, variant)),
        statement=_statement(variant, hits),
        guidelines=guidelines,
        approvals=base.approvals,
        sightings=tuple(
            one for one in base.sightings if relate(parse_changes(one.protein_change), variant) == "exact"
        ),
        kin=tuple(_kin(base, variant, pack)),
        track=base.track,
        distances_angstrom=distances(pack, variant.positions),
        fusion_matters=bool(base.fusions),
        transcript=transcript,
    )


def _kin(base: EvidenceBase, variant: Variant, pack: TargetPack) -> Iterator[KinEstimate]:
    """What kin say of the variant; of a compound one, what they say of each part."""
    pairs = measured_pairs(base.items)
    for one in variant.substitutions:
        part = one.short if len(variant.substitutions) > 1 else ""
        for found in estimate(Change(one.wild_type, one.position, one.mutant), pairs, pack):
            yield found.model_copy(update={"part": part})


def checked_transcript(transcript: str) -> str:
    """A fusion transcript, or none.

    Raises BadInputError if it is not written like e14a2.
    """
    if transcript and not TRANSCRIPT.match(transcript):
        raise BadInputError(
            f"{transcript[:20]!r} is not a fusion transcript.",
            where="transcript",
            remedy="Write the exons that are joined, as e14a2, e13a2, e1a2 or e14a3.",
        )
    return transcript


def fusion_note(base: EvidenceBase, transcript: str) -> tuple[EvidenceItem, ...]:
    """What is published of a fusion transcript, else of those that lack no more of the kinase than it.

    Raises BadInputError as :func:`checked_transcript`.
    """
    checked_transcript(transcript)
    exact = tuple(item for item in base.fusions if item.protein_change == transcript)
    return exact or tuple(item for item in base.fusions if _joins(item.protein_change) <= _joins(transcript))


def _joins(transcript: str) -> int:
    """The exon of the kinase that a fusion begins with, 2 of ``e14a2``; 0 of none."""
    return int(transcript.partition("a")[2] or 0)


def _stances(base: EvidenceBase, variant: Variant) -> Iterator[GuidelineStance]:
    """What each line says of each drug it chooses among; a compound has the lines of its parts."""
    for line in base.guidelines:
        for change in line.protein_changes:
            relation = relate(parse_changes(change), variant)
            if relation not in ("exact", "part of the compound variant"):
                continue
            for drug in line.scope:
                note = line.reservations.get(f"{drug} {change}", "")
                stance = "named" if drug in line.named else "not named"
                yield GuidelineStance.model_validate(
                    {
                        **line.model_dump(include={"id", "name", "kind", "citation", "identifier", "dated"}),
                        "drug": drug,
                        "stance": f"{stance} with a reservation" if note and stance == "named" else stance,
                        "protein_change": change,
                        "relation": relation,
                        "text": " ".join(filter(None, [line.text, note])),
                    }
                )


def _behind(item: EvidenceItem, stances: tuple[GuidelineStance, ...]) -> Iterator[str]:
    """Names of what says the same of this change and drug."""
    for stance in stances:
        if (stance.drug, stance.relation) != (item.drug, "exact"):
            continue
        if stance.stance.startswith("named") and item.direction in FOR:
            yield stance.name
        elif stance.stance == "not named" and item.direction in AGAINST:
            yield f"{stance.name} (leaves it out)"


def _searched(base: EvidenceBase, variant: Variant) -> Iterator[str]:
    """What was looked through for this variant, and how much of it is on its residues."""
    for one in base.searched:
        if one.only and not parse_changes(one.only).changes <= changes_of(variant):
            continue
        named = [parse_changes(item.protein_change) for item in base.items if item.id.startswith(one.items)]
        counts = {number: sum(number in item.positions for item in named) for number in variant.positions}
        told = (
            f"{_count(count) if count else 'nothing'} on residue {number}" for number, count in counts.items()
        )
        yield f"{one.source}: {', '.join(told)}." if one.items else one.source


def _statement(variant: Variant, hits: list[EvidenceHit]) -> str:
    """What there is on exactly this change, and what there is not."""
    exact = [hit.item for hit in hits if hit.relation == "exact"]
    others = len(hits) - len(exact)
    apart = (
        f" {_count(others)} on other changes {'is' if others == 1 else 'are'} shown apart." if others else ""
    )
    if not exact:
        return f"Nothing on exactly {variant.short} is in the tables.{apart}"
    numbers = sum(item.kind in MEASURED_KINDS for item in exact)
    if numbers:
        what = f"{numbers} of them with a measured IC50 or binding constant"
    else:
        what = "none of them a measured IC50 or binding constant"
    return f"{_count(len(exact)).capitalize()} on exactly {variant.short}, {what}.{apart}"


def _count(number: int) -> str:
    return f"{number} item{'' if number == 1 else 's'}"
