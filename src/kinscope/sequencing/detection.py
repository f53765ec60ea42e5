"""Which bases are there besides the native one, and how small a share would have been seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from kinscope.sequencing.shares import Share, share_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinscope.sequencing.model import Flags, Floats
    from kinscope.sequencing.tables import ReadTable

CALL_SURPRISE: Final = 8.0
"""Sum over reads of minus the decimal logarithm of the chance of a height: 10^-8 for one read.

For two reads whose background falls off exponentially the sum exceeds 8 with 2e-7; some 2,400 bases are
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
    total = np.sum([table.surprise for table in tables], axis=0)
    found = []
    for coding, base in np.argwhere(total >= CALL_SURPRISE):
        judging = tuple(table for table in tables if table.callable[coding, base])
        single = [share_of([table.observation(coding, base)]) for table in judging]
        share = share_of([table.observation(coding, base) for table in judging])
        agreeing = [table for table in judging if table.surprise[coding, base] >= AGREES]
        seen = share_of([table.observation(coding, base) for table in agreeing])
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


def _power(table: ReadTable, coding: int, base: int, share: float) -> bool:
    """Whether a read would show a share with near certainty."""
    least = share * np.exp(-CONFIDENCE_Z * table.height_sd) / table.excess_sd[coding, base] - CONFIDENCE_Z
    over = (least - table.tails.threshold[coding]) / table.tails.scale[coding]
    return bool(1 + over / np.log(10) >= HAS_POWER)


def detection_limits(tables: Sequence[ReadTable]) -> Floats:
    """Smallest share of every base that would be called with 95 % confidence, 0 to 1.

    Shape (coding + 1, 4); nan where no read can judge the base, infinity where even 100 % might be missed.
    The least height that a share gives in 95 of 100 cases follows from the scatter of full heights and of the
    background; with n reads both shrink by the square root of n.
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
    number = np.sqrt(np.maximum(judged.sum(axis=0), 1))
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
    total = np.zeros_like(shares)
    for table in tables:
        height = shares * np.exp(-CONFIDENCE_Z * table.height_sd / number)
        z = height / table.excess_sd - CONFIDENCE_Z / number
        total += np.where(table.callable, table.tails.surprise(z), 0.0)
    return np.asarray((total >= CALL_SURPRISE) & (shares >= SMALLEST_SHARE), dtype=bool)
