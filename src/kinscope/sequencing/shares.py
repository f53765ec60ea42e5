"""From heights to a mutant share with an interval.

Two heights speak of a share f: the excess of the mutant base, which should be f of a full peak of that base
in that context, and the native base, which should be 1 - f of its own. Both carry the background's scatter
and the scatter of full heights. The likelihood over a grid of f, multiplied over reads, gives estimate and
interval; where reads disagree by more than their errors allow, it is flattened by that disagreement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinscope.sequencing.model import Floats

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


def share_of(observations: Sequence[Observation]) -> Share:
    """Estimate and 95 % interval from all reads."""
    single = [_summary(log_likelihood(item)) for item in observations]
    total = np.sum([log_likelihood(item) for item in observations], axis=0)
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
