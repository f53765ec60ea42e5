"""Where the peaks are, for traces whose own positions are missing or cannot be right; and what to keep."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.signal import find_peaks

from kinscope.core.errors import BadInputError
from kinscope.sequencing.model import Floats, Integers
from kinscope.sequencing.signal.peaks import Peaks, baseline

SPACINGS: Final = (5.0, 40.0)
"""Scans between bases on the instruments whose traces were seen: 10 to 20."""
KEPT_ERROR: Final = 0.05
"""Mott trimming: the best stretch by the sum of this minus the chance of error (phred's ``-trim_cutoff``)."""
FEWEST_BASES: Final = 50


def find_positions(channels: Floats) -> Integers:
    """Positions of the peaks from the processed signal alone, shape (4, scans).

    The spacing comes from the autocorrelation of the strongest channel's curve; peaks are its maxima no
    closer than 0.6 spacings, and a gap of about n spacings is filled evenly.

    Raises BadInputError if there are no peaks at a regular distance.
    """
    flat = channels - baseline(channels, 12.0)
    level = np.maximum(np.percentile(flat, 99, axis=1), 1.0)
    curve = (flat / level[:, None]).max(axis=0)
    spacing = _spacing(curve)
    tops, _ = find_peaks(curve, distance=max(1, round(0.6 * spacing)), height=0.03, prominence=0.02)
    if len(tops) < FEWEST_BASES:
        raise BadInputError(
            f"The trace has {len(tops)} peaks that can be told from its background.",
            where="the processed signal (DATA9 to DATA12)",
            remedy="Sequence again: there is too little signal to read.",
        )
    filled = [int(tops[0])]
    for place in tops[1:]:
        steps = round((place - filled[-1]) / spacing)
        if 2 <= steps <= 4:
            inner = np.linspace(filled[-1], place, steps + 1)[1:-1]
            filled.extend(round(float(value)) for value in inner)
        filled.append(int(place))
    return np.unique(np.array(filled, dtype=np.int64))


def _spacing(curve: Floats) -> float:
    """Distance of peaks, scans: the first high maximum of the autocorrelation of the curve's slope."""
    slope = np.diff(curve) - np.diff(curve).mean()
    size = 1 << (2 * len(slope) - 1).bit_length()
    spectrum = np.fft.rfft(slope, size)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, size)[: int(SPACINGS[1]) + 2]
    low = int(SPACINGS[0])
    inner = correlation[low:-1]
    tops = np.flatnonzero((inner > correlation[low - 1 : -2]) & (inner >= correlation[low + 1 :]))
    if not len(tops) or correlation[0] <= 0:
        return 12.0
    high = correlation[low + tops]
    return float(low + tops[np.flatnonzero(high > 0.4 * high.max())[0]])


def usable_positions(positions: Integers) -> bool:
    """Whether positions of a file look like a sequence of bases: many, and most of them evenly spaced."""
    if len(positions) < FEWEST_BASES:
        return False
    steps = np.diff(positions)
    middle = float(np.median(steps))
    even = np.mean((steps > 0.5 * middle) & (steps < 1.6 * middle))
    return bool(even > 0.7 and SPACINGS[0] <= middle <= SPACINGS[1])


def informative(qualities: Integers) -> bool:
    """Whether qualities of a file tell bases apart: at least three values, one of 5 or more, none above 99.

    Placeholders (all 0, all 255, 0 and 1) do not. Phred qualities above 60 are rare, and 99 is the largest.
    """
    return len(np.unique(qualities)) > 2 and 5 <= int(qualities.max()) <= 99


def own_qualities(peaks: Peaks) -> Integers:
    """Phred-like qualities where a file gives none, shape (positions,).

    From the two measures that predict errors best in phred (Ewing B, Green P 1998, Genome Res 8:186): the
    ratio of the highest uncalled to the called peak, and the evenness of spacing, each over seven places. The
    scale is that of a chance of error of ``0.5 * ratio**2`` for each.
    """
    ordered = np.sort(np.maximum(peaks.heights, 0.0), axis=1)
    ratio = np.clip(ordered[:, 2] / np.maximum(ordered[:, 3], 1e-9), 0, 1)
    steps = np.abs(np.diff(peaks.centres, prepend=peaks.centres[0] - peaks.spacing) / peaks.spacing - 1)
    kernel = np.full(7, 1 / 7)
    local = np.maximum(ratio, np.convolve(ratio, kernel, mode="same"))
    uneven = np.convolve(np.clip(steps, 0, 1), kernel, mode="same")
    weak = ordered[:, 3] < 0.05 * np.median(ordered[:, 3])
    chance = np.clip(0.5 * local**2 + 0.5 * uneven**2, 1e-5, 0.75)
    chance = np.where(weak, 0.75, chance)
    return np.asarray(np.rint(-10 * np.log10(chance)), dtype=np.int64)


def mott_trim(qualities: Integers, error: float = KEPT_ERROR) -> tuple[int, int]:
    """First kept position and one past the last, by the modified Mott algorithm of phred; (0, 0): none."""
    gain = error - 10.0 ** (-np.asarray(qualities, dtype=np.float64) / 10)
    total, best, start, kept = 0.0, 0.0, 0, (0, 0)
    for index, value in enumerate(gain):
        total += float(value)
        if total <= 0:
            total, start = 0.0, index + 1
        elif total > best:
            best, kept = total, (start, index + 1)
    return kept
