"""How surprising a small peak is: the upper tail of a trace's own background.

The background of real and of simulated traces is not normal: most places hold next to nothing and a few hold
an unspecific product, so that heights above the ninetieth percentile fall off like an exponential. That tail
is measured along the trace (peaks over a threshold; Coles S 2001, An Introduction to Statistical Modeling of
Extreme Values, chapter 4, with shape 0) and turns a height into a chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from kinscope.sequencing.model import Flags, Floats

WINDOW: Final = 25
"""Positions on each side whose three other bases make the local sample."""
UPPER: Final = 0.9
"""The tail begins at this quantile."""
SHRINK: Final = 15.0
"""Exceedances that the tail of the whole trace counts for beside those of the window."""
SLOWEST: Final = 0.8
"""Smallest tail scale, in standard deviations: no tail is taken to be thinner than about the normal's."""


@dataclass(frozen=True)
class Tails:
    """Upper tail of the standardised background along one trace; shapes (positions,)."""

    threshold: Floats
    """Ninetieth percentile, standard deviations."""
    scale: Floats
    """Mean excess over it, standard deviations."""

    def surprise(self, z: Floats) -> Floats:
        """Minus the decimal logarithm of the chance of ``z`` or more, shape (positions, 4)."""
        over = (z - self.threshold[:, None]) / self.scale[:, None]
        return np.asarray(np.where(over > 0, -np.log10(1 - UPPER) + over / np.log(10), 0.0))


def background_tails(z: Floats, sample: Flags) -> Tails:
    """The tails of a trace.

    Parameters
    ----------
    z
        Excess over its standard deviation, shape (positions, 4).
    sample
        Which of them are background, shape (positions, 4).

    Notes
    -----
    The scale is the median exceedance over ln 2, which one true variant in the window does not move.
    """
    everything = z[sample]
    count = len(z)
    if len(everything) < 40:
        return Tails(np.full(count, 2.0), np.full(count, 4.0))
    overall = float(np.quantile(everything, UPPER))
    general = _scale(everything[everything > overall] - overall)
    padded = np.where(sample, z, np.nan)
    padded = np.pad(padded, ((WINDOW, WINDOW), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * WINDOW + 1, axis=0).reshape(count, -1)
    ordered = np.sort(windows, axis=1)
    numbers = np.isfinite(windows).sum(axis=1)
    rows = np.arange(count)
    first = np.clip(np.ceil(UPPER * numbers).astype(np.int64), 0, np.maximum(numbers - 1, 0))
    local = np.where(numbers > 0, ordered[rows, first], overall)
    exceeding = np.maximum(numbers - first - 1, 0)
    middle = np.clip(first + 1 + exceeding // 2, 0, np.maximum(numbers - 1, 0))
    typical = np.where(exceeding > 0, (ordered[rows, middle] - local) / np.log(2), general)
    scale = (exceeding * typical + SHRINK * general) / (exceeding + SHRINK)
    weight = numbers / (numbers + 40.0)
    return Tails(weight * local + (1 - weight) * overall, np.maximum(scale, SLOWEST))


def _scale(exceedances: Floats) -> float:
    if not len(exceedances):
        return SLOWEST
    return max(float(np.median(exceedances)) / float(np.log(2)), SLOWEST)
