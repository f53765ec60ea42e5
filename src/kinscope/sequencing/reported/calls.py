"""Calls that another program or laboratory made: what a VCF line or a table row becomes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import numpy as np

from kinscope.core.errors import BadInputError, UnsupportedVariantError
from kinscope.sequencing.calling.naming import Named, Replacement, knowledge_of, name_bases, name_indel
from kinscope.sequencing.model import Call
from kinscope.variants import parse_variant

if TYPE_CHECKING:
    from kinscope.targets import TargetPack

Z95: Final = 1.959964
KEPT_KINDS: Final = (
    "synonymous", "stop codon", "deletion", "insertion", "duplication", "frameshift", "indel", "one event",
    "lies in an intron", "untranslated", "extension", "initiator", "intronic",
)  # fmt: skip
"""What a description of this gene may be besides a substitution; anything else (another gene) is an error."""


def wilson(successes: float, trials: int) -> tuple[float, float]:
    """95 % interval of a proportion, percent (Wilson EB 1927, J Am Stat Assoc 22:209)."""
    share = successes / trials
    denominator = 1 + Z95**2 / trials
    middle = (share + Z95**2 / (2 * trials)) / denominator
    half = Z95 * np.sqrt(share * (1 - share) / trials + Z95**2 / (4 * trials**2)) / denominator
    return 100 * max(0.0, float(middle - half)), 100 * min(1.0, float(middle + half))


def named_replacement(first: int, last: int, inserted: str, pack: TargetPack) -> Named:
    """Names of coding bases ``first`` to ``last`` becoming ``inserted``, trimmed of what stays the same."""
    cds = pack.transcript.cds
    while inserted and last >= first and inserted[-1] == cds[last - 1]:
        last, inserted = last - 1, inserted[:-1]
    while inserted and last >= first and inserted[0] == cds[first - 1]:
        first, inserted = first + 1, inserted[1:]
    same_codon = (first - 1) // 3 == (last - 1) // 3
    if last - first + 1 == len(inserted) and inserted and same_codon:
        return name_bases({first + index: base for index, base in enumerate(inserted)}, pack)
    return name_indel(Replacement(first, last, inserted), pack)


def call_of(named: Named, share: float | None, depth: int | None, pack: TargetPack) -> Call:
    """A call from names, a share (0 to 1) and a depth."""
    known = knowledge_of(pack.gene).polymorphism(named.hgvs_c)
    low = high = None
    if share is not None and depth:
        low, high = wilson(share * depth, depth)
    notes = [known.note] if known else []
    if share is not None and not depth:
        notes.append("No depth was given: the share has no interval.")
    return Call(
        **asdict(named),
        share_percent=None if share is None else 100 * share,
        share_low_percent=low,
        share_high_percent=high,
        status="known polymorphism" if known else "variant",
        name=known.name if known else "",
        depth=depth,
        notes=tuple(notes),
        citations=known.citations if known else (),
    )


def call_of_text(text: str, share: float | None, depth: int | None, where: str, pack: TargetPack) -> Call:
    """A call from a c. or p. description.

    Raises
    ------
    BadInputError
        If the description cannot be read or contradicts the transcript; with the place.
    """
    try:
        variant = parse_variant(text, pack)
    except UnsupportedVariantError as error:
        if not any(kind in error.what for kind in KEPT_KINDS):
            raise BadInputError(error.what, where=f"{where}: {error.where}", remedy=error.remedy) from None
        return _unmodelled(text, share, depth, error, pack)
    except BadInputError as error:
        raise BadInputError(error.what, where=f"{where}: {error.where}", remedy=error.remedy) from None
    given = [c for item in variant.substitutions for c in item.coding_changes if c.given]
    named = Named(
        hgvs_c=given[0].hgvs_c if len(given) == 1 else "",
        hgvs_p=variant.hgvs_p,
        kind="substitution",
        first_codon=min(variant.positions),
        last_codon=max(variant.positions),
        assess_expression=(given[0].hgvs_c if len(given) == 1 else variant.hgvs_p),
    )
    return call_of(named, share, depth, pack)


def _unmodelled(
    text: str, share: float | None, depth: int | None, error: UnsupportedVariantError, pack: TargetPack
) -> Call:
    """A variant that was understood but is no substitution of a residue: kept, with the reason."""
    digits = "".join(letter if letter.isdigit() else " " for letter in text.rpartition(".")[2]).split()
    number = int(digits[0][:6]) if digits else 1
    codon = (number + 2) // 3 if "c." in text else number
    what = error.what.lower()
    kind = "synonymous" if "synonymous" in what else "nonsense" if "stop codon" in what else "delins"
    coding = text if "c." in text else ""
    named = Named(coding, "" if coding else text, kind, codon, codon, "")  # type: ignore[arg-type]
    call = call_of(named, share, depth, pack)
    return call.model_copy(update={"notes": (*call.notes, error.what)})
