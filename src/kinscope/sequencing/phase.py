"""Are two variants on one molecule? What shares alone can prove.

A Sanger trace shows shares, not molecules. With shares f and g, the share of molecules that carry both is
at least f + g - 1 and at most the smaller of the two (Fréchet's bounds); all between is possible. Only where
the lower bound is above zero is a compound proven, and only where the upper bound is small beside one of them
is it excluded as the common state. Cloning or reads of single molecules decide the rest.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from kinscope.sequencing.model import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinscope.sequencing.model import Call

PROVEN_PERCENT: Final = 1.0
"""A lower bound above this, at the lower ends of both intervals, proves a compound."""
SEPARATE_RATIO: Final = 0.5
"""If the smaller share is at most this part of the larger (at the ends of the intervals), most carry one."""


def phases(calls: Sequence[Call]) -> tuple[Phase, ...]:
    """What can be said of every pair of substitutions with measured shares."""
    measured = [call for call in calls if call.assess_expression and call.share_percent is not None]
    return tuple(_phase(one, other) for one, other in combinations(measured, 2))


def _phase(one: Call, other: Call) -> Phase:
    low = max(0.0, (one.share_low_percent or 0) + (other.share_low_percent or 0) - 100)
    high = min(one.share_high_percent or 100, other.share_high_percent or 100)
    shares = f"{_percent(one)} and {_percent(other)}"
    smaller, larger = sorted((one, other), key=lambda call: call.share_percent or 0)
    names = f"{one.short} and {other.short}"
    same_codon = one.first_codon == other.first_codon
    if low > PROVEN_PERCENT:
        return Phase(
            first=one.hgvs_c,
            second=other.hgvs_c,
            verdict="compound",
            both_low_percent=low,
            both_high_percent=high,
            explanation=f"{names}: the shares ({shares}) add up to more than 100 %, so that at least "
            f"{low:.0f} % of molecules carry both.",
            assess_expression=_compound(one, other),
        )
    separate = (smaller.share_high_percent or 100) <= SEPARATE_RATIO * (larger.share_low_percent or 0)
    text = f"{names}: shares {shares}. At most {high:.0f} % of molecules carry both"
    if separate:
        text += f"; most molecules with {larger.short} do not carry {smaller.short}"
        text += ". Whether the rest do cannot be told from a trace."
    else:
        text += ", possibly none: a trace shows shares, not molecules. It cannot be told."
    if same_codon:
        text += " Both change one codon: if they are on one molecule, the residue is another one still."
    return Phase(
        first=one.hgvs_c,
        second=other.hgvs_c,
        verdict="largely separate" if separate else "cannot be told",
        both_low_percent=low,
        both_high_percent=high,
        explanation=text,
    )


def _percent(call: Call) -> str:
    return f"{call.share_percent:.0f} %"


def _compound(one: Call, other: Call) -> str:
    accession, _, first = one.assess_expression.partition(":c.")
    second = other.assess_expression.partition(":c.")[2]
    return f"{accession}:c.[{first};{second}]" if second else ""
