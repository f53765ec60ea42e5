"""Whether two substitutions are on one molecule, a compound that may resist what each alone does not.

Shares do not say it: with shares f and g, that of molecules that carry both is at least f + g - 1 and at most
the smaller (Fréchet's bounds). A lower bound above zero proves it. A phase set of a VCF says it outright.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final, Literal

from kinscope.sequencing.model import Call, Phase, percent_text

PROVEN_PERCENT: Final = 1.0
"""A lower bound above this, at the lower ends of both intervals, proves a compound."""
SEPARATE_RATIO: Final = 0.5
"""If the smaller share is at most this part of the larger (at the ends of the intervals), most carry one."""

_Verdict = Literal["compound", "largely separate", "cannot be told"]
Molecule = tuple[str, ...]
"""Phase set and, last, the haplotype in it; empty where a call is not phased."""


def phases(calls: Sequence[Call], molecules: Sequence[Molecule] = ()) -> tuple[Phase, ...]:
    """What can be said of every pair of substitutions with measured shares, or phased by their file.

    ``molecules`` are those of the calls of a file, whose reader has put together what changes one codon.
    """
    placed = zip(calls, molecules or [()] * len(calls), strict=True)
    known = [(call, molecule) for call, molecule in placed if call.assess_expression]
    found: list[Phase] = []
    for (one, first), (other, second) in combinations(known, 2):
        if molecules and one.first_codon == other.first_codon:
            continue
        if first and second and first[:-1] == second[:-1]:
            found.append(_stated(one, other, cis=first == second))
        elif None not in (one.share_percent, other.share_percent):
            found.append(_by_shares(one, other))
    return tuple(found)


def _bounds(one: Call, other: Call) -> tuple[float, float]:
    """Fréchet's bounds in per cent, at the outer ends of the intervals."""
    high = min(one.share_high_percent or 100, other.share_high_percent or 100)
    return min(high, max(0.0, (one.share_low_percent or 0) + (other.share_low_percent or 0) - 100)), high


def _stated(one: Call, other: Call, *, cis: bool) -> Phase:
    """What the file's phase says, unless the shares contradict it."""
    names = f"{one.short} and {other.short}"
    if cis:
        return _phase(one, other, "compound", f"{names} are on one molecule: the file's phase says so.")
    text = f"{names} are on different molecules: the file's phase says so"
    if _bounds(one, other)[0] > PROVEN_PERCENT:
        text += ", but their shares add up to more than 100 %. They contradict each other."
        return _phase(one, other, "cannot be told", text)
    return _phase(one, other, "largely separate", f"{text}.")


def _by_shares(one: Call, other: Call) -> Phase:
    low, high = _bounds(one, other)
    shares = " and ".join(f"{percent_text(call.share_percent or 0)} %" for call in (one, other))
    smaller, larger = sorted((one, other), key=lambda call: call.share_percent or 0)
    names = f"{one.short} and {other.short}"
    text = f"{names}: shares {shares}. At most {percent_text(high)} % of molecules carry both"
    verdict: _Verdict = "cannot be told"
    if low > PROVEN_PERCENT:
        verdict = "compound"
        text = f"{names}: the shares ({shares}) add up to more than 100 %, so that at least "
        text += f"{percent_text(low)} % of molecules carry both."
    elif (smaller.share_high_percent or 100) <= SEPARATE_RATIO * (larger.share_low_percent or 0):
        verdict = "largely separate"
        text += f"; most molecules with {larger.short} do not carry {smaller.short}"
        text += ". Whether the rest do cannot be told from shares."
    else:
        text += ", possibly none: shares do not show molecules. It cannot be told."
    if verdict != "compound" and one.first_codon == other.first_codon:
        text += " Both change one codon: if they are on one molecule, the residue is another one still."
    return _phase(one, other, verdict, text)


def _phase(one: Call, other: Call, verdict: _Verdict, explanation: str) -> Phase:
    low, high = _bounds(one, other)
    return Phase(
        first=one.hgvs_c or one.hgvs_p,
        second=other.hgvs_c or other.hgvs_p,
        verdict=verdict,
        both_low_percent=low,
        both_high_percent=high,
        explanation=explanation,
        assess_expression=_compound(one, other) if verdict == "compound" else "",
    )


def _compound(one: Call, other: Call) -> str:
    """Both changes as one expression; empty where one is of a base and the other of a residue."""
    for kind in (":c.", ":p."):
        accession, _, first = one.assess_expression.partition(kind)
        second = other.assess_expression.partition(kind)[2]
        if first and second:
            return f"{accession}{kind}[{first};{second}]"
    return ""
