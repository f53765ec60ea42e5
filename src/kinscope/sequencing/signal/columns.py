"""What a read says by coding base, put together over strands and repeats: mutant shares with intervals.

Two heights speak of a share f: the excess of the mutant base, which should be f of a full peak of that base
in that context, and the native base, which should be 1 - f of its own. Both carry the background's scatter
and the scatter of full heights. The likelihood over a grid of f, multiplied over reads, gives estimate and
interval; where reads disagree by more than their errors allow, it is flattened by that disagreement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from kinscope.sequencing.model import Flags, Floats, Integers, Strand
from kinscope.sequencing.signal.background import FLOOR_SD, HEIGHT_SD, Tails, background_tails
from kinscope.sequencing.signal.read_analysis import ReadAnalysis

GRID: Final = np.linspace(0.0, 1.0, 401)
"""Shares that are weighed."""
LEVEL: Final = 0.95


@dataclass(frozen=True)
class Observation:
    """What one read shows of one base at one position."""

    excess: float
    """Of the mutant base, full heights."""
    excess_sd: float
    present: float
    """Of the native base, full heights."""
    height_sd: float
    """Of the logarithm of full heights."""


@dataclass(frozen=True)
class Share:
    """An estimate, 0 to 1."""

    value: float
    low: float
    high: float


def log_likelihood(seen: Observation) -> Floats:
    """Logarithm of the likelihood of every share of ``GRID``, shape (401,)."""
    relative = seen.height_sd
    mutant_sd = np.hypot(seen.excess_sd, relative * GRID)
    native_sd = np.hypot(max(seen.excess_sd, 0.02), relative * (1 - GRID))
    mutant = -0.5 * ((seen.excess - GRID) / mutant_sd) ** 2 - np.log(mutant_sd)
    native = -0.5 * ((seen.present - (1 - GRID)) / native_sd) ** 2 - np.log(native_sd)
    return np.asarray(mutant + native, dtype=np.float64)


def share_of(observations: Sequence[Observation], strands: Sequence[str] = ()) -> Share:
    """Estimate and 95 % interval from all reads.

    Reads of one of the ``strands`` share their background and their peak heights: together they weigh as one.
    """
    single = [_summary(log_likelihood(item)) for item in observations]
    shares = [1 / strands.count(strand) for strand in strands] or [1.0] * len(observations)
    weighed = zip(shares, observations, strict=True)
    total = np.sum([share * log_likelihood(item) for share, item in weighed], axis=0)
    best = _summary(total)
    if len(single) == 1:
        return best
    values = np.array([item.value for item in single])
    errors = np.array([max((item.high - item.low) / 3.92, 0.005) for item in single])
    weights = 1 / errors**2
    mean = float((weights * values).sum() / weights.sum())
    disagreement = float((((values - mean) / errors) ** 2).sum() / (len(values) - 1))
    wide = _summary(total / max(1.0, disagreement))
    return Share(best.value, min(wide.low, best.value), max(wide.high, best.value))


def _summary(log_weight: Floats) -> Share:
    weight = np.exp(log_weight - log_weight.max())
    cumulative = np.cumsum(weight)
    cumulative /= cumulative[-1]
    tail = (1 - LEVEL) / 2
    low, middle, high = np.interp([tail, 0.5, 1 - tail], cumulative, GRID)
    best = float(GRID[int(weight.argmax())])
    if best in (0.0, 1.0):
        return Share(best, float(low) if best else 0.0, float(high) if not best else 1.0)
    return Share(float(middle), float(low), float(high))


FEWEST_SHARED: Final = 60
"""Background heights that read and control must share before one is used to correct the other."""


@dataclass(frozen=True)
class ReadTable:
    """One read by coding base: row c is base c.(c), columns are ``ACGT`` of the coding strand."""

    name: str
    read: ReadAnalysis
    position: Integers
    """Position in the trace, shape (coding + 1,); -1 where the read does not cover the base."""
    excess: Floats
    excess_sd: Floats
    present: Floats
    height_sd: float
    callable: Flags
    surprise: Floats
    tails: Tails

    @property
    def strand(self) -> Strand:
        """The strand of the read."""
        return self.read.placement.strand

    def part(self, rows: slice) -> ReadTable:
        """The table of some rows only."""
        tails = Tails(self.tails.threshold[rows], self.tails.scale[rows])
        columns: dict[str, Any] = {
            key: value[rows] for key, value in vars(self).items() if isinstance(value, np.ndarray)
        }
        return replace(self, tails=tails, **columns)

    def observation(self, coding: int, base: int) -> Observation:
        """Heights that speak of the share of a base."""
        return Observation(
            excess=float(self.excess[coding, base]),
            excess_sd=float(self.excess_sd[coding, base]),
            present=float(self.present[coding]),
            height_sd=self.height_sd,
        )


def read_table(name: str, read: ReadAnalysis, length: int) -> ReadTable:
    """Lay one read out by coding base; ``length`` is that of the coding sequence."""
    coding = read.placement.coding
    rows = np.flatnonzero(coding > 0)
    at = coding[rows]
    order = np.arange(4) if read.placement.strand == "forward" else np.arange(3, -1, -1)

    def laid(values: Floats, empty: float) -> Floats:
        out = np.full((length + 1, 4), empty)
        out[at] = values[rows][:, order]
        return out

    position = np.full(length + 1, -1, dtype=np.int64)
    position[at] = rows
    present = np.ones(length + 1)
    present[at] = read.background.present[rows]
    callable_ = laid(read.callable.astype(np.float64), 0.0) > 0
    excess, spread = laid(read.background.excess, 0.0), laid(read.background.excess_sd, 1.0)
    threshold, scale = np.full(length + 1, 2.0), np.full(length + 1, 4.0)
    threshold[at], scale[at] = read.tails.threshold[rows], read.tails.scale[rows]
    tails = Tails(threshold, scale)
    return ReadTable(
        name=name,
        read=read,
        position=position,
        excess=excess,
        excess_sd=spread,
        present=present,
        height_sd=read.background.height_sd,
        callable=callable_,
        surprise=np.where(callable_, tails.surprise(excess / spread), 0.0),
        tails=tails,
    )


def against_control(table: ReadTable, controls: Sequence[ReadTable]) -> ReadTable:
    """A read less what a wild-type control of the same strand shows at the same place.

    Peak heights and small background peaks repeat between runs over one template (that is why comparison
    with a control is the usual practice). How much of them repeats is measured on the two traces, and only
    that part is taken off.
    """
    same = [item for item in controls if item.strand == table.strand]
    if not same:
        return table
    control = same[0]
    shared = table.callable & control.callable
    if shared.sum() < FEWEST_SHARED:
        return table
    slope = _slope(control.excess[shared], table.excess[shared])
    left = table.excess - slope * np.where(shared, control.excess, 0.0)
    narrower = _spread(left[shared]) / max(_spread(table.excess[shared]), 1e-9)
    spread = np.where(shared, np.maximum(table.excess_sd * min(narrower, 1.0), FLOOR_SD), table.excess_sd)
    present, height_sd = _heights_against(table, control)
    tails = background_tails(left / spread, table.callable)
    return replace(
        table,
        excess=left,
        excess_sd=spread,
        present=present,
        height_sd=height_sd,
        surprise=np.where(table.callable, tails.surprise(left / spread), 0.0),
        tails=tails,
    )


def _heights_against(table: ReadTable, control: ReadTable) -> tuple[Floats, float]:
    """Height of the native base against the control's, and the scatter that remains."""
    both = table.callable.any(axis=1) & control.callable.any(axis=1)
    both &= (table.present > 0.3) & (control.present > 0.3)
    if both.sum() < FEWEST_SHARED:
        return table.present, table.height_sd
    own, other = np.log(table.present[both]), np.log(control.present[both])
    slope = _slope(other, own)
    factor = np.ones_like(table.present)
    factor[both] = np.exp(-slope * other)
    left = _spread(own - slope * other)
    native_sd = float(np.clip(1.1 * left, *HEIGHT_SD))
    combined = float(np.sqrt((table.height_sd**2 + native_sd**2) / 2))
    return table.present * factor, combined


def _slope(x: Floats, y: Floats) -> float:
    """Robust slope through zero, 0 to 1: least squares within three robust deviations."""
    slope = 0.0
    for _ in range(3):
        left = y - slope * x
        near = np.abs(left) <= 3 * max(_spread(left), 1e-6)
        slope = float((x[near] * y[near]).sum() / max((x[near] ** 2).sum(), 1e-9))
    return float(np.clip(slope, 0.0, 1.0))


def _spread(values: Floats) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
