"""What speaks for and against each treatment option for one variant, by rule. Never a prescription."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kinscope.evidence.model import EvidenceHit, EvidenceItem, TreatmentOption

AGAINST = ("resistant", "reduced sensitivity")
FOR = ("sensitive", "no effect")
DIRECT_KINDS = ("cell IC50 fold", "Kd", "clinical resistance", "clinical response", "case report",
                "in vitro screen", "statement")  # fmt: skip
"""A published computation (``structure``) is no observation of a drug's effect and moves no option."""


def options_for(
    options: Sequence[TreatmentOption], hits: Iterable[EvidenceHit]
) -> tuple[TreatmentOption, ...]:
    """The options with what is published of this variant added on either side.

    Only items on exactly this change, and resistance through a part of a compound variant, count:
    sensitivity of a part says nothing of the whole.
    """
    found = list(hits)
    return tuple(_weigh(option, found) for option in options)


def _weigh(option: TreatmentOption, hits: list[EvidenceHit]) -> TreatmentOption:
    speaks_for, speaks_against = list(option.speaks_for), list(option.speaks_against)
    for drug in option.drugs:
        exact = [h.item for h in hits if h.relation == "exact" and h.item.drug == drug and _is_direct(h.item)]
        partial = [
            hit.item
            for hit in hits
            if hit.relation == "part of the compound variant"
            and hit.item.drug == drug
            and hit.item.direction == "resistant"
        ]
        against = [item for item in exact if item.direction in AGAINST]
        favourable = [item for item in exact if item.direction in FOR]
        if against:
            weak = all(item.strength == "weak" for item in against)
            words = "Weak evidence against" if weak else "Resistance or reduced sensitivity is published for"
            speaks_against.append(f"{words} {drug} with exactly this change ({_cite(against)}).")
        if favourable:
            speaks_for.append(
                f"Retained sensitivity to {drug} is published for this change ({_cite(favourable)})."
            )
        if partial:
            parts = ", ".join(sorted({item.protein_change.removesuffix("/*") for item in partial}))
            speaks_against.append(
                f"{parts}, part of this variant, is resistant to {drug} ({_cite(partial)})."
            )
    return option.model_copy(
        update={"speaks_for": tuple(speaks_for), "speaks_against": tuple(speaks_against)}
    )


def _is_direct(item: EvidenceItem) -> bool:
    return item.kind in DIRECT_KINDS


_MOST_CITED = 2


def _cite(items: list[EvidenceItem]) -> str:
    strongest = sorted(items, key=lambda item: ("strong", "moderate", "weak").index(item.strength))
    identifiers = list(dict.fromkeys(item.identifier for item in strongest))
    more = len(identifiers) - _MOST_CITED
    return ", ".join(identifiers[:_MOST_CITED]) + (f" and {more} more" if more > 0 else "")
