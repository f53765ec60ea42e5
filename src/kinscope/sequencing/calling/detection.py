"""Which bases are there besides the native one, what was covered, and how small a share would have shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kinscope.core.residues import ranges as residue_ranges
from kinscope.sequencing.model import BASES, Call, CodonCoverage, Flags, Floats, Strand
from kinscope.sequencing.signal.columns import ReadTable, Share, share_of

CALL_SURPRISE: Final = 8.0
"""Sum over strands of minus the decimal logarithm of the chance of a height: 10^-8 for one read.

For two strands whose background falls off exponentially the sum exceeds 8 with 2e-7; some 2,400 bases are
looked at in an amplicon: were the tail exact, one wild-type sample in 2,000 would give a false call.
"""
AGREES: Final = 1.0
"""A read whose height is above the ninetieth percentile of its background agrees."""
HAS_POWER: Final = 4.0
"""A read that would show such a surprise at the share seen elsewhere must agree."""
SMALLEST_SHARE: Final = 0.05
"""Nothing smaller is called, however clean a trace: that is where unspecific products lie."""
SMALL_SHARE: Final = 0.15
"""Below it, and where a read shows nothing, the intervals of the reads must overlap."""
UNLIKE: Final = 3.0
"""Nor may shares differ by more than this factor where the intervals part."""
CONFIDENCE_Z: Final = 1.645
"""One-sided 95 %."""
HALVINGS: Final = 9
"""Of the interval of shares when a limit is sought: to 0.2 %."""


@dataclass(frozen=True)
class Detection:
    """A base that is not native, seen well enough."""

    coding: int
    base: int
    """Index in ``ACGT``, coding strand."""
    share: Share
    reads: tuple[ReadTable, ...]
    """Reads that can judge the base."""
    surprise: float
    contradicted: bool
    """Whether a read that would have shown it does not, or shows a small share that is not the others'."""


def detect(tables: Sequence[ReadTable]) -> list[Detection]:
    """Every base whose height the background of its reads does not explain, by position."""
    total = joint_surprise(tables, [table.surprise for table in tables])
    found = []
    for coding, base in np.argwhere(total >= CALL_SURPRISE):
        judging = tuple(table for table in tables if table.callable[coding, base])
        single = [share_of([table.observation(coding, base)]) for table in judging]
        share = _share(judging, coding, base)
        agreeing = [table for table in judging if table.surprise[coding, base] >= AGREES]
        seen = _share(agreeing, coding, base)
        contradicted = any(
            table.surprise[coding, base] < AGREES and _power(table, int(coding), int(base), seen.low)
            for table in judging
        )
        apart = max(item.low for item in single) > min(item.high for item in single)
        silent = len(agreeing) < len(judging)
        unlike = max(item.value for item in single) > UNLIKE * min(item.value for item in single)
        if share.value < SMALLEST_SHARE:
            continue
        found.append(
            Detection(
                coding=int(coding),
                base=int(base),
                share=share,
                reads=judging,
                surprise=float(total[coding, base]),
                contradicted=contradicted or (apart and (silent or unlike or share.value < SMALL_SHARE)),
            )
        )
    return found


def joint_surprise(tables: Sequence[ReadTable], surprises: Sequence[Floats]) -> Floats:
    """The surprise of all reads together, shape (coding + 1, 4).

    The two strands are independent, and their surprises add up. Reads of one strand repeat each other's
    background, so that nothing is known of their dependence: the highest counts, less the logarithm of how
    many there are (Bonferroni), which holds whatever it is.
    """
    total = np.zeros_like(surprises[0])
    for strand in {table.strand for table in tables}:
        own = [(table, seen) for table, seen in zip(tables, surprises, strict=True) if table.strand == strand]
        reads = np.sum([table.callable for table, _ in own], axis=0)
        best = np.max([np.where(table.callable, seen, 0.0) for table, seen in own], axis=0)
        total += np.maximum(best - np.log10(np.maximum(reads, 1)), 0.0)
    return total


def _share(tables: Sequence[ReadTable], coding: int, base: int) -> Share:
    return share_of([table.observation(coding, base) for table in tables], [t.strand for t in tables])


def _power(table: ReadTable, coding: int, base: int, share: float) -> bool:
    """Whether a read would show a share with near certainty."""
    least = share * np.exp(-CONFIDENCE_Z * table.height_sd) / table.excess_sd[coding, base] - CONFIDENCE_Z
    over = (least - table.tails.threshold[coding]) / table.tails.scale[coding]
    return bool(1 + over / np.log(10) >= HAS_POWER)


def detection_limits(tables: Sequence[ReadTable]) -> Floats:
    """Smallest share of every base that would be called with 95 % confidence, 0 to 1.

    Shape (coding + 1, 4); nan where no read can judge the base, infinity where even 100 % might be missed.
    The least height that a share gives in 95 of 100 cases follows from the scatter of full heights and of the
    background; with n strands both shrink by the square root of n.
    """
    length = len(tables[0].position)
    covered = np.flatnonzero(np.any([table.callable.any(axis=1) for table in tables], axis=0))
    whole = np.full((length, 4), np.nan)
    if not len(covered):
        return whole
    part = slice(int(covered[0]), int(covered[-1]) + 1)
    whole[part] = _limits([table.part(part) for table in tables])
    return whole


def _limits(tables: Sequence[ReadTable]) -> Floats:
    """The limits of :func:`detection_limits` where the reads lie, by halving the interval of shares."""
    judged = np.stack([table.callable for table in tables])
    strands = [[t.callable for t in tables if t.strand == strand] for strand in {t.strand for t in tables}]
    number = np.sqrt(np.maximum(np.sum([np.any(own, axis=0) for own in strands], axis=0), 1))
    seen = _surely_seen(tables, np.ones(judged.shape[1:]), number)
    low, high = np.zeros(judged.shape[1:]), np.ones(judged.shape[1:])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = _surely_seen(tables, middle, number)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    limits = np.where(seen, high, np.inf)
    limits[~judged.any(axis=0)] = np.nan
    return limits


def _surely_seen(tables: Sequence[ReadTable], shares: Floats, number: Floats) -> Flags:
    """Whether shares would be called in 95 of 100 cases, shape (coding + 1, 4)."""
    seen = []
    for table in tables:
        height = shares * np.exp(-CONFIDENCE_Z * table.height_sd / number)
        seen.append(table.tails.surprise(height / table.excess_sd - CONFIDENCE_Z / number))
    total = joint_surprise(tables, seen)
    return np.asarray((total >= CALL_SURPRISE) & (shares >= SMALLEST_SHARE), dtype=bool)


STATED_QUANTILE: Final = 0.9
"""Of the codons of a stretch, for the share that is stated.

For comparison: direct sequencing read by eye is held to see 15 to 20 % (Soverini S et al. 2011, Blood
118:1208, doi 10.1182/blood-2010-12-326405).
"""


def codon_coverage(
    tables: Sequence[ReadTable], cds: str, first_codon: int, last_codon: int
) -> tuple[CodonCoverage, ...]:
    """Detection limits codon by codon over the region that is reported."""
    both = _codon_limits(detection_limits(tables), cds)
    strands: dict[Strand, Floats] = {}
    for strand in ("forward", "reverse"):
        own = [table for table in tables if table.strand == strand]
        if own:
            strands[strand] = _codon_limits(detection_limits(own), cds)
    return tuple(
        CodonCoverage(
            codon=codon,
            strands=tuple(name for name, limits in strands.items() if not np.isnan(limits[codon])),
            detection_limit_percent=_percent(both[codon]),
            forward_limit_percent=_percent(strands["forward"][codon]) if "forward" in strands else None,
            reverse_limit_percent=_percent(strands["reverse"][codon]) if "reverse" in strands else None,
        )
        for codon in range(first_codon, last_codon + 1)
    )


def _codon_limits(limits: Floats, cds: str) -> Floats:
    """Worst limit of a codon's nine single-base changes, 0 to 1, shape (codons + 1,); nan: not covered."""
    worst = limits.copy()
    worst[np.arange(1, len(cds) + 1), [BASES.index(base) for base in cds]] = 0.0
    by_base = worst[1 : 3 * (len(cds) // 3) + 1].max(axis=1)
    by_codon = by_base.reshape(-1, 3).max(axis=1)
    return np.concatenate([[np.nan], by_codon])


def _percent(value: float) -> float | None:
    """Percent, rounded to half a percent upwards; None where nothing is covered or nothing would be seen."""
    if math.isnan(value) or math.isinf(value):
        return None
    return math.ceil(200 * float(value) - 1e-9) / 2


def ranges(numbers: Iterable[int]) -> str:
    """E.g. ``240-300, 305``."""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in residue_ranges(numbers))


def statement(calls: Sequence[Call], coverage: Sequence[CodonCoverage]) -> str:
    """The result in words that a laboratory can sign: what is there, what would be seen.

    The share stated for a stretch of codons is one that nine in ten of them do not exceed; the rest are
    named with theirs.
    """
    found = [_found(call) for call in calls]
    lines = ["Found: " + "; ".join(found) + "."] if found else []
    seen: list[str] = []
    apart: dict[int, float] = {}
    for strands, stretch in stretches(coverage):
        limits = {item.codon: item.detection_limit_percent for item in stretch}
        known = [value for value in limits.values() if value is not None]
        if not known:
            continue
        level = math.ceil(float(np.quantile(known, STATED_QUANTILE)))
        apart |= {codon: value for codon, value in limits.items() if value is not None and value > level}
        how = "both strands" if len(strands) == 2 else f"{strands[0]} strand only"
        span = f"{stretch[0].codon}-{stretch[-1].codon}"
        seen.append(f"above {level} % in codons {span} ({how})")
    if seen:
        lines.append(f"No {'other ' if found else ''}substitution {'; '.join(seen)}.")
    if apart:
        lines.append(f"Seen less well: codons {ranges(apart)}, up to {math.ceil(max(apart.values()))} %.")
    stated = sum(item.detection_limit_percent is not None for item in coverage)
    if stated < len(coverage) / 2:
        lines.append("The traces are too poor, or cover too little, for a negative result: sequence again.")
    missing = [item.codon for item in coverage if not item.strands]
    poor = [item.codon for item in coverage if item.strands and item.detection_limit_percent is None]
    if poor:
        lines.append(f"Covered, but too poor to exclude any share: codons {ranges(poor)}.")
    if missing:
        lines.append(f"Not covered: codons {ranges(missing)}.")
    return " ".join(lines)


def stretches(coverage: Sequence[CodonCoverage]) -> list[tuple[tuple[str, ...], list[CodonCoverage]]]:
    """Strands, and the run of codons that they reach (from a strand's first to its last codon)."""
    reach = {}
    for strand in ("forward", "reverse"):
        own = [item.codon for item in coverage if strand in item.strands]
        if own:
            reach[strand] = (min(own), max(own))
    found: list[tuple[tuple[str, ...], list[CodonCoverage]]] = []
    for item in coverage:
        strands = tuple(name for name, (a, b) in reach.items() if a <= item.codon <= b)
        if found and found[-1][0] == strands:
            found[-1][1].append(item)
        else:
            found.append((strands, [item]))
    return [item for item in found if item[0]]


def _found(call: Call) -> str:
    text = f"{call.short} ({call.hgvs_c.partition(':')[2]})"
    if call.name:
        text += f", {call.name}"
    if call.share_percent is not None:
        text += f", {call.share_percent:.0f} %"
        if call.share_low_percent is not None and call.share_high_percent is not None:
            text += f" (95 % interval {call.share_low_percent:.0f}-{call.share_high_percent:.0f} %)"
    if call.status != "variant":
        text += f" [{call.status}]"
    return text
