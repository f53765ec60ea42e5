"""One trace from signal to the excess of every base at every coding position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import binary_dilation, convolve1d, median_filter
from scipy.signal import find_peaks

from kinscope.core.errors import BadInputError
from kinscope.sequencing.model import Flags, Floats, Integers, Trace
from kinscope.sequencing.signal.alignment import Placement, continued, place
from kinscope.sequencing.signal.background import Background, Tails, background_tails, model_background
from kinscope.sequencing.signal.peaks import Peaks, baseline, measure
from kinscope.sequencing.signal.two_sequences import Superposition, find_superposition

EDGE: Final = 10
"""Positions at both ends of the kept stretch in which nothing is called: their surroundings are unknown."""
UNEVEN: Final = 0.45
"""A distance to a neighbour that differs by more than this from one spacing makes a position unreliable."""
BLOB_Z: Final = 2.5
BLOB_LENGTH: Final = 3
BLOB_WINDOW: Final = 5
"""Excess of one colour at all of at least 3 foreign positions among 5 is a blob: no variant shows that."""
SLIP_BASES: Final = 3
"""Bases that a basecaller may lose or count twice at one place."""
SLIP_T: Final = 12.0
"""A shift by so few bases needs more evidence than others (see ``superposition.STRONGEST_T``)."""
ANCHOR: Final = 20
"""Matches in a row that make the numbering certain."""
MAJORITY: Final = 0.5


@dataclass(frozen=True)
class ReadAnalysis:
    """A trace after everything that concerns it alone; arrays in the order of the trace."""

    trace: Trace
    peaks: Peaks
    placement: Placement
    kept: tuple[int, int]
    """First position kept and one past the last."""
    background: Background
    tails: Tails
    callable: Flags
    """Where a base can be judged, shape (positions, 4)."""
    blobs: Integers
    """Positions of blobs of free dye."""
    superposition: Superposition | None
    positions_redone: bool
    own_qualities: bool
    """Whether qualities were measured from the signal, as the file's said nothing."""

    @property
    def signal_to_noise(self) -> float:
        """Median of full height over the standard deviation of the background."""
        spread = self.background.excess_sd[self.callable]
        return float(1 / np.median(spread)) if len(spread) else 0.0


def analyse(trace: Trace, cds: str) -> ReadAnalysis:
    """Measure, trim, align and model one trace; ``cds`` is the reference's coding sequence.

    Raises BadInputError if there is too little signal, nothing of quality, or the read is of something else.
    """
    redone = not usable_positions(trace.positions)
    positions = find_positions(trace.channels) if redone else trace.positions
    peaks = measure(trace.channels, positions)
    own = redone or not informative(trace.qualities)
    kept = mott_trim(own_qualities(peaks) if own else trace.qualities)
    if kept[1] - kept[0] < 5 * EDGE:
        raise BadInputError(
            f"Of {len(positions)} bases {kept[1] - kept[0]} remain after trimming by quality.",
            where="the qualities of the trace",
            remedy="Sequence again: the trace is too poor to be read.",
        )
    placement = place(peaks.primary, peaks.heights.max(axis=1), cds, kept)
    usable = np.zeros(len(positions), dtype=bool)
    usable[kept[0] + EDGE : kept[1] - EDGE] = True
    usable &= _even(peaks)
    background = model_background(peaks.heights, placement.native, usable)
    readable = _readable(peaks, kept)
    placement, background, found = _resolve(peaks, placement, background, usable, readable, cds)
    native = placement.native
    other = np.arange(4)[None, :] != native[:, None]
    usable = usable & _clear_of_gaps(placement, len(native)) & _within_matches(peaks.primary, native)
    z = background.excess / background.excess_sd
    blob = _blobs(z, other) & other
    callable_ = usable[:, None] & (native >= 0)[:, None] & other & ~blob
    if found is not None and found.share > MAJORITY:
        callable_[found.earliest :] = False
    return ReadAnalysis(
        trace=trace,
        peaks=peaks,
        placement=placement,
        kept=kept,
        background=background,
        tails=background_tails(z, callable_),
        callable=callable_,
        blobs=np.flatnonzero((blob & usable[:, None]).any(axis=1)),
        superposition=found,
        positions_redone=redone,
        own_qualities=own,
    )


def _resolve(
    peaks: Peaks, placement: Placement, background: Background, usable: Flags, readable: Flags, cds: str
) -> tuple[Placement, Background, Superposition | None]:
    """Look for a shifted sequence; where there is one, model the background again without it."""
    straight = continued(placement, cds)
    first = (
        model_background(peaks.heights, straight.native, usable) if straight is not placement else background
    )
    found = find_superposition(first.relative, straight.native, readable)
    if found is None or found.start >= len(usable) - EDGE or _slipped(peaks, found):
        return placement, background, None
    teach = usable.copy()
    teach[found.earliest :] = False
    if teach.sum() < 60:
        teach = usable
    again = model_background(peaks.heights, straight.native, teach)
    found = find_superposition(again.relative, straight.native, readable) or found
    return straight, again.without_shifted(straight.native, found), found


def _slipped(peaks: Peaks, found: Superposition) -> bool:
    """Whether a shift by a few bases begins where the basecaller lost count: peaks too far apart or close.

    Molecules that lack or gain bases leave the spacing even.
    """
    if abs(found.shift) > SLIP_BASES:
        return False
    if found.t < SLIP_T:
        return True
    around = peaks.centres[max(0, found.earliest - 4) : found.start + 5]
    steps = np.diff(around) / peaks.spacing
    return bool(len(steps) and (steps.max() > 1 + UNEVEN or steps.min() < 1 - UNEVEN))


def _readable(peaks: Peaks, kept: tuple[int, int]) -> Flags:
    """Positions from the start of the kept stretch on while there is signal, shape (positions,).

    Where two sequences overlap a basecaller gives low qualities, and trimming would cut off what is sought.
    """
    level = median_filter(peaks.heights.max(axis=1), 31, mode="nearest")
    readable = level > 0.3 * float(np.median(level[kept[0] : kept[1]]))
    readable[: kept[0] + EDGE] = False
    readable[-EDGE:] = False
    return np.asarray(readable, dtype=bool)


def _even(peaks: Peaks) -> Flags:
    """Positions whose distance to both neighbours is about one spacing, shape (positions,)."""
    steps = np.diff(peaks.centres)
    local = median_filter(steps, 21, mode="nearest")
    fair = np.abs(steps / np.maximum(local, 1e-6) - 1) < UNEVEN
    even = np.ones(len(peaks.centres), dtype=bool)
    even[1:] &= fair
    even[:-1] &= fair
    return even


def _clear_of_gaps(placement: Placement, count: int) -> Flags:
    """False beside the gaps of the alignment, where numbering may be off by one."""
    clear = np.ones(count, dtype=bool)
    for gap in placement.gaps:
        clear[max(0, gap.after - 2) : gap.after + gap.read_bases + 4] = False
    return clear


def _within_matches(primary: Integers, native: Integers) -> Flags:
    """Positions between the first and the last run of ``ANCHOR`` matches, shape (positions,).

    Beyond them a base too many or too few, close to the end, shifts the numbering unnoticed.
    """
    match = (primary == native).astype(np.int64)
    run = np.convolve(match, np.ones(ANCHOR, dtype=np.int64), mode="valid") == ANCHOR
    starts = np.flatnonzero(run)
    inside = np.zeros(len(native), dtype=bool)
    if len(starts):
        inside[starts[0] : starts[-1] + ANCHOR] = True
    return inside


def _blobs(z: Floats, other: Flags) -> Flags:
    """Where one colour is in excess at every position that is not its own, and two positions around.

    ``z`` is the excess over its standard deviation, ``other`` whether the base is not the native one; all of
    shape (positions, 4).
    """
    window = np.ones(BLOB_WINDOW)
    foreign = convolve1d(other.astype(np.float64), window, axis=0, mode="constant")
    high = convolve1d((other & (z > BLOB_Z)).astype(np.float64), window, axis=0, mode="constant")
    core = (foreign >= BLOB_LENGTH) & (high >= foreign)
    wide = np.ones((BLOB_WINDOW, 1), dtype=bool)
    return np.asarray(binary_dilation(core, structure=wide), dtype=bool)


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
    for top in tops[1:]:
        steps = round((top - filled[-1]) / spacing)
        if 2 <= steps <= 4:
            inner = np.linspace(filled[-1], top, steps + 1)[1:-1]
            filled.extend(round(float(value)) for value in inner)
        filled.append(int(top))
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
