"""One trace from signal to the excess of every base at every coding position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import binary_dilation, convolve1d, median_filter

from kinscope.core.errors import BadInputError
from kinscope.sequencing.model import Flags, Floats, Integers, Trace
from kinscope.sequencing.signal.alignment import Placement, continued, place
from kinscope.sequencing.signal.background import Background, Tails, background_tails, model_background
from kinscope.sequencing.signal.peaks import Peaks, measure
from kinscope.sequencing.signal.positions import (
    find_positions,
    informative,
    mott_trim,
    own_qualities,
    usable_positions,
)
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
