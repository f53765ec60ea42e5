"""What stands at a position besides the native base when nothing is mutated, and how much it scatters.

Small peaks of a wild-type trace are not noise alone: the shadow of a neighbour, the overlap of colours and
the tail of a peak are regressed on what causes them, in this very trace. What remains is the noise that a
small mutant share must exceed; its upper tail, an exponential, turns a height into a chance (peaks over a
threshold; Coles S 2001, An Introduction to Statistical Modeling of Extreme Values, chapter 4, with shape 0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from kinscope.sequencing.model import Flags, Floats, Integers
from kinscope.sequencing.signal.two_sequences import Superposition, bases_at

WINDOW: Final = 35
"""Positions on each side over which the scatter is taken."""
FLOOR_SD: Final = 0.004
"""Scatter that no trace is below, in heights of full peaks: integer counts and the fit itself."""
HEIGHT_SD: Final = (0.10, 0.60)
"""Bounds of the scatter of the logarithm of full heights after trend and context."""
SHRINK: Final = 4.0
"""Observations that an average context effect of zero counts for."""


@dataclass(frozen=True)
class Background:
    """Everything in heights of a full peak of that base at that place; arrays in the order of the trace."""

    excess: Floats
    """Height above the expected background over the full height, shape (positions, 4)."""
    excess_sd: Floats
    """Standard deviation of ``excess`` where nothing is mutated, shape (positions, 4)."""
    relative: Floats
    """Height over the full height, background included, shape (positions, 4)."""
    present: Floats
    """Height of the native base over the height expected of it, shape (positions,)."""
    height_sd: float
    """Standard deviation of the logarithm of full heights about what is expected of them."""

    def without_shifted(self, native: Integers, found: Superposition) -> Background:
        """Less what a shifted sequence in part of the molecules adds, with the uncertainty of its heights."""
        shown = bases_at(native, found.shift)[:, None] == np.arange(4)[None, :]
        shown[: found.earliest] = False
        excess = self.excess - found.share * shown
        spread = np.hypot(self.excess_sd, found.share * self.height_sd * shown)
        return replace(self, excess=excess, excess_sd=spread)


def model_background(heights: Floats, native: Integers, usable: Flags) -> Background:
    """Fit the background of one trace from its peak heights, shape (positions, 4).

    ``native`` is the index of the native base, -1 outside the reference; ``usable`` whether a position may
    teach (kept by quality, on the reference, not in a stretch of superposed sequences).
    """
    teach = usable & (native >= 0)
    safe = np.maximum(native, 0)
    level = _level(heights)
    scaled = heights / level[:, None]
    expected, height_sd = _expected_heights(scaled, native, teach)
    excess, spread = np.zeros_like(scaled), np.ones_like(scaled)
    for base in range(4):
        excess[:, base], spread[:, base] = _channel(scaled, native, teach, base)
    present = scaled[np.arange(len(native)), safe] / expected[np.arange(len(native)), safe]
    return Background(excess / expected, spread / expected, scaled / expected, present, height_sd)


def _level(heights: Floats) -> Floats:
    """Slow trend of the height of the strongest peak, signal units, shape (positions,)."""
    top = np.maximum(heights.max(axis=1), 1.0)
    trend = uniform_filter1d(median_filter(top, 31, mode="nearest"), 15, mode="nearest")
    return np.asarray(np.maximum(trend, 1.0), dtype=np.float64)


def _expected_heights(scaled: Floats, native: Integers, teach: Flags) -> tuple[Floats, float]:
    """Full height of every base at every position, shape (positions, 4), and the scatter of its logarithm.

    By base a running median along the trace, times the effect of the base before it in the sequencing
    reaction (estimated from this trace, pulled towards none where it is rarely seen).
    """
    count = len(native)
    before = np.concatenate([[-1], native[:-1]])
    index = np.arange(count)
    expected = np.ones((count, 4))
    left: list[Floats] = []
    for base in range(4):
        rows = np.flatnonzero(teach & (native == base) & (scaled[index, base] > 0.15))
        if len(rows) < 5:
            continue
        logs = np.log(scaled[rows, base])
        context = np.zeros(4)
        for _ in range(3):
            flat = logs - np.where(before[rows] >= 0, context[before[rows]], 0.0)
            trend = _running_median(flat)
            context = _context(logs - trend, before[rows])
        smooth = np.interp(index, rows, trend)
        expected[:, base] = np.exp(smooth + np.where(before >= 0, context[before], 0.0))
        left.append(logs - trend - np.where(before[rows] >= 0, context[before[rows]], 0.0))
    if not left:
        return expected, HEIGHT_SD[1]
    together = np.concatenate(left)
    spread = 1.4826 * float(np.median(np.abs(together - np.median(together))))
    return np.clip(expected, 0.05, 20.0), float(np.clip(1.1 * spread, *HEIGHT_SD))


def _context(left: Floats, before: Integers) -> Floats:
    """Median of what is left by preceding base, pulled towards zero; shape (4,)."""
    found = np.zeros(4)
    for base in range(4):
        values = left[before == base]
        if len(values):
            found[base] = np.median(values) * len(values) / (len(values) + SHRINK)
    return np.asarray(found - found.mean(), dtype=np.float64)


def _running_median(values: Floats, reach: int = 12) -> Floats:
    padded = np.pad(values, reach, mode="reflect" if len(values) > reach else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(np.median(windows, axis=1), dtype=np.float64)


def _shifted(values: Floats, lag: int) -> Floats:
    """Values of the position ``lag`` before; zero outside."""
    moved = np.zeros_like(values)
    if lag > 0:
        moved[lag:] = values[:-lag]
    else:
        moved[:lag] = values[-lag:]
    return moved


def _channel(scaled: Floats, native: Integers, teach: Flags, base: int) -> tuple[Floats, Floats]:
    """Excess over the regressed background and its scatter, of one base, shape (positions,) each."""
    x = np.linspace(-1, 1, len(native))
    own = scaled[:, base]
    near = [_shifted(own, lag) for lag in (1, -1, 2, -2)]
    others = [scaled[:, other] * (native == other) for other in range(4) if other != base]
    columns = [np.ones_like(x), x, *others, *near, near[0] * x, near[1] * x]
    design = np.stack(columns, axis=1)
    rows = np.flatnonzero(teach & (native != base))
    if len(rows) < 3 * design.shape[1]:
        return own.copy(), np.full_like(own, 0.2)
    weights = np.ones(len(rows))
    left = own[rows]
    for _ in range(4):
        root = np.sqrt(weights)
        solution = np.linalg.lstsq(design[rows] * root[:, None], own[rows] * root, rcond=None)[0]
        left = own[rows] - design[rows] @ solution
        scale = max(1.4826 * float(np.median(np.abs(left))), FLOOR_SD)
        weights = np.clip(1 - (left / (4.5 * scale)) ** 2, 0, None) ** 2
    excess = own - design @ solution
    return excess, _scatter(left, rows, near[0] + near[1], len(native))


def _scatter(left: Floats, rows: Integers, neighbours: Floats, count: int) -> Floats:
    """Local standard deviation, larger beside peaks of the same base, shape (positions,)."""
    beside = neighbours > 0.3
    overall = max(1.4826 * float(np.median(np.abs(left))), FLOOR_SD)
    factor = np.ones(count)
    for group in (False, True):
        values = left[beside[rows] == group]
        if len(values) >= 15:
            spread = 1.4826 * float(np.median(np.abs(values)))
            factor[beside == group] = float(np.clip(spread / overall, 0.6, 3.0))
    reach = min(WINDOW, max(5, len(rows) // 4))
    padded = np.pad(np.abs(left / factor[rows]), reach, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    local = 1.4826 * np.median(windows, axis=1)
    return np.asarray(np.maximum(np.interp(np.arange(count), rows, local) * factor, FLOOR_SD))


TAIL_WINDOW: Final = 25
"""Positions on each side whose three other bases make the local sample."""
UPPER: Final = 0.9
"""The tail begins at this quantile."""
TAIL_SHRINK: Final = 15.0
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
    """The tails of a trace: ``z`` is its excess in standard deviations, ``sample`` what of it is background.

    The scale is the median exceedance over ln 2, which one true variant in the window does not move.
    """
    everything = z[sample]
    count = len(z)
    if len(everything) < 40:
        return Tails(np.full(count, 2.0), np.full(count, 4.0))
    overall = float(np.quantile(everything, UPPER))
    general = _scale(everything[everything > overall] - overall)
    padded = np.where(sample, z, np.nan)
    padded = np.pad(padded, ((TAIL_WINDOW, TAIL_WINDOW), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * TAIL_WINDOW + 1, axis=0).reshape(count, -1)
    ordered = np.sort(windows, axis=1)
    numbers = np.isfinite(windows).sum(axis=1)
    rows = np.arange(count)
    first = np.clip(np.ceil(UPPER * numbers).astype(np.int64), 0, np.maximum(numbers - 1, 0))
    local = np.where(numbers > 0, ordered[rows, first], overall)
    exceeding = np.maximum(numbers - first - 1, 0)
    middle = np.clip(first + 1 + exceeding // 2, 0, np.maximum(numbers - 1, 0))
    typical = np.where(exceeding > 0, (ordered[rows, middle] - local) / np.log(2), general)
    scale = (exceeding * typical + TAIL_SHRINK * general) / (exceeding + TAIL_SHRINK)
    weight = numbers / (numbers + 40.0)
    return Tails(weight * local + (1 - weight) * overall, np.maximum(scale, SLOWEST))


def _scale(exceedances: Floats) -> float:
    if not len(exceedances):
        return SLOWEST
    return max(float(np.median(exceedances)) / float(np.log(2)), SLOWEST)
