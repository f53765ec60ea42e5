"""Peak heights of all four bases at every position, by least squares with the trace's own peak shape.

A channel is a sum of peaks, one per position, of known place and width and unknown height. Fitting all
heights of a channel at once keeps the flank of a neighbour from counting as a small peak here, which a
maximum within a window cannot do; at 10 % that decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import solveh_banded
from scipy.ndimage import maximum_filter1d, median_filter, minimum_filter1d, uniform_filter1d

from kinscope.sequencing.model import Floats, Integers

BAND: Final = 5
"""Peaks further apart than this many positions do not overlap."""
REACH_SD: Final = 3.5
"""A peak is cut off at this many of its standard deviations."""
RIDGE: Final = 1e-3
"""Share of the diagonal added to it, so that two peaks on one scan share their height."""
OPENING_SPACINGS: Final = 8.0
"""Width of the structure that the baseline rolls under the signal: longer than any run of one base here."""

GRID_SD: Final = np.linspace(-REACH_SD, REACH_SD, 57)
"""Where the shape of a peak is held, in its standard deviations."""


@dataclass(frozen=True)
class Peaks:
    """What was measured at every position of one trace, in the order of the trace."""

    centres: Floats
    """Scan of every position, shape (positions,)."""
    heights: Floats
    """Height of each base's peak, shape (positions, 4), signal units; may be slightly negative."""
    spacing: float
    """Median distance of positions, scans."""
    widths: Floats
    """Standard deviation of the peaks, shape (positions,), scans."""
    noise: Floats
    """Standard deviation of what the fit leaves, shape (4,), signal units."""

    @property
    def primary(self) -> Integers:
        """Index of the strongest base at every position."""
        return np.asarray(self.heights.argmax(axis=1), dtype=np.int64)


def measure(channels: Floats, positions: Integers) -> Peaks:
    """Heights of the peaks of four channels (4, scans) at known positions: scans, increasing, at least 8.

    The shape is the mean of peaks that stand alone in their channel; its width follows a straight line along
    the trace (diffusion widens peaks with the time of migration).
    """
    spacing = max(float(np.median(np.diff(positions))), 2.0)
    flat = channels - baseline(channels, spacing)
    primary = flat[:, positions].argmax(axis=0)
    centres, sharp = _refine(flat, positions, primary, spacing)
    widths = _widths(centres, sharp, primary, spacing)
    offsets = _channel_offsets(centres, primary)
    heights = np.empty((len(positions), 4))
    noise = np.empty(4)
    smooth = _smooth_places(centres, offsets[primary])
    profile = _profile(flat, centres, primary, widths)
    for channel in range(4):
        places = np.where(primary == channel, centres, smooth + offsets[channel])
        heights[:, channel], noise[channel] = _fit(flat[channel], places, widths, profile)
    return Peaks(centres, heights, spacing, widths, noise)


def baseline(channels: Floats, spacing: float) -> Floats:
    """The slow floor under each channel: a morphological opening, smoothed; shape of ``channels``."""
    size = int(OPENING_SPACINGS * spacing) | 1
    eroded = minimum_filter1d(uniform_filter1d(channels, 3, axis=1), size, axis=1)
    opened = maximum_filter1d(eroded, size, axis=1)
    return np.asarray(uniform_filter1d(opened, size, axis=1), dtype=np.float64)


def _refine(flat: Floats, positions: Integers, primary: Integers, spacing: float) -> tuple[Floats, Floats]:
    """Apex of the strongest channel near each position, and the width there (nan: not measurable).

    A maximum at the edge of what was searched is a neighbour's flank: the position then stays as given.
    The apex and the width come from the parabola through the logarithm of three samples, which is exact for
    a Gaussian.
    """
    reach = max(1, round(0.3 * spacing))
    scans = flat.shape[1]
    window = np.clip(positions[:, None] + np.arange(-reach, reach + 1)[None, :], 0, scans - 1)
    signal = flat[primary[:, None], window]
    highest = signal.argmax(axis=1)
    on_edge = (highest == 0) | (highest == 2 * reach)
    apex = np.where(on_edge, positions, window[np.arange(len(positions)), highest])
    step = max(1, round(0.15 * spacing))
    left, right = np.clip(apex - step, 0, scans - 1), np.clip(apex + step, 0, scans - 1)
    floor = 1.0
    low, mid, high = (np.log(np.maximum(flat[primary, where], floor)) for where in (left, apex, right))
    curvature = 2 * mid - low - high
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(curvature > 1e-6, 0.5 * step * (high - low) / curvature, 0.0)
        width = np.where(curvature > 1e-6, step / np.sqrt(curvature), np.nan)
    centres = apex + np.clip(shift, -step, step)
    ordered = np.maximum.accumulate(centres + 1e-3 * np.arange(len(centres)))
    return ordered, width


def _widths(centres: Floats, sharp: Floats, primary: Integers, spacing: float) -> Floats:
    """Peak width along the trace: a straight line through the lone peaks, by medians of ten stretches."""
    lone = np.ones(len(primary), dtype=bool)
    lone[1:] &= primary[1:] != primary[:-1]
    lone[:-1] &= primary[:-1] != primary[1:]
    usable = lone & np.isfinite(sharp) & (sharp > 0.15 * spacing) & (sharp < 0.8 * spacing)
    if usable.sum() < 20:
        return np.full(len(centres), 0.33 * spacing)
    parts = [part for part in np.array_split(np.flatnonzero(usable), 10) if len(part)]
    x = np.array([np.median(centres[part]) for part in parts])
    y = np.array([np.median(sharp[part]) for part in parts])
    slope, level = np.polyfit(x, y, 1) if np.ptp(x) > 0 else (0.0, float(y[0]))
    line = level + slope * centres
    return np.asarray(np.clip(line, 0.2 * spacing, 0.6 * spacing), dtype=np.float64)


def _smooth_places(centres: Floats, offsets: Floats) -> Floats:
    """Where a peak of no dye shift would be: the running median of five deviations from an even ladder."""
    even = uniform_filter1d(centres - offsets, 9, mode="nearest")
    return np.asarray(even + median_filter(centres - offsets - even, 3, mode="nearest"), dtype=np.float64)


def _channel_offsets(centres: Floats, primary: Integers) -> Floats:
    """Mean shift of each channel's peaks against the even ladder, scans; shape (4,)."""
    deviation = centres - uniform_filter1d(centres, 9, mode="nearest")
    inner = deviation[4:-4]
    chosen = primary[4:-4]
    found = np.zeros(4)
    for channel in range(4):
        values = inner[chosen == channel]
        if len(values) >= 5:
            found[channel] = np.median(values)
    return found


def _profile(flat: Floats, centres: Floats, primary: Integers, widths: Floats) -> Floats:
    """The mean shape of this trace's peaks at ``GRID_SD``, apex 1, from peaks with none of their base near.

    Instruments deconvolve, so that tails fall faster than a Gaussian's. Falls back to a Gaussian where fewer
    than 20 peaks stand alone.
    """
    gaussian = np.exp(-0.5 * GRID_SD**2)
    alone = np.ones(len(primary), dtype=bool)
    for lag in (1, 2):
        same = primary[lag:] == primary[:-lag]
        alone[lag:] &= ~same
        alone[:-lag] &= ~same
    chosen = np.flatnonzero(alone)
    if len(chosen) < 20:
        return gaussian
    places = centres[chosen, None] + GRID_SD[None, :] * widths[chosen, None]
    low = np.clip(np.floor(places).astype(np.int64), 0, flat.shape[1] - 2)
    part = np.clip(places - low, 0.0, 1.0)
    lanes = primary[chosen, None]
    values = (1 - part) * flat[lanes, low] + part * flat[lanes, low + 1]
    apex = values[:, len(GRID_SD) // 2]
    good = apex > 0.2 * np.median(apex)
    if good.sum() < 20:
        return gaussian
    shape = np.median(values[good] / apex[good, None], axis=0)
    middle = len(GRID_SD) // 2
    shape[middle:] = np.minimum.accumulate(shape[middle:])
    shape[: middle + 1] = np.minimum.accumulate(shape[: middle + 1][::-1])[::-1]
    return np.asarray(np.clip(shape - max(shape[0], shape[-1]) * np.abs(GRID_SD) / REACH_SD, 0.0, 1.0))


def _fit(signal: Floats, places: Floats, widths: Floats, profile: Floats) -> tuple[Floats, float]:
    """Heights of peaks at ``places`` (shape (positions,)) and the standard deviation left over."""
    reach = int(np.ceil(REACH_SD * widths.max()))
    scans, count = len(signal), len(places)
    start = np.rint(places).astype(np.int64) - reach
    grid = start[:, None] + np.arange(2 * reach + 1)[None, :]
    inside = (grid >= 0) & (grid < scans)
    away = (grid - places[:, None]) / widths[:, None]
    shape = np.interp(away, GRID_SD, profile, left=0.0, right=0.0) * inside
    grid = np.clip(grid, 0, scans - 1)
    normal = np.zeros((BAND + 1, count))
    normal[0] = (1 + RIDGE) * (shape**2).sum(axis=1) + 1e-9
    for lag in range(1, min(BAND + 1, count)):
        shift = np.minimum(start[lag:] - start[:-lag], 2 * reach + 1)
        index = np.arange(2 * reach + 1)[None, :] + shift[:, None]
        other = np.where(
            index <= 2 * reach, np.take_along_axis(shape[:-lag], np.minimum(index, 2 * reach), 1), 0.0
        )
        normal[lag, : count - lag] = (other * shape[lag:]).sum(axis=1)
    heights = np.asarray(solveh_banded(normal, (shape * signal[grid]).sum(axis=1), lower=True))
    model = np.zeros(scans)
    np.add.at(model, grid, shape * heights[:, None])
    first, last = int(max(places[0], 0)), int(min(places[-1], scans - 1)) + 1
    left = (signal - model)[first:last]
    spread = 1.4826 * float(np.median(np.abs(left - np.median(left)))) if len(left) else 0.0
    return heights, spread
