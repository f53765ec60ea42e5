"""Two sequences in one trace, one shifted: an indel or a splice variant in part of the molecules.

From its junction on, a molecule that lacks or gains bases adds its own sequence to the native one. Each shift
predicts which second base every position must show; the shift whose predictions hold, and the place from
which they hold, give the event. The idea is that of Indelligent (Dmitriev DA, Rakitov RA 2008, PLoS Comput
Biol 4:e1000113) and of tracy's decomposition (Rausch T et al. 2020, BMC Genomics 21:230), with a known native
sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kinscope.sequencing.model import Flags, Floats, Integers, Singles

LONGEST: Final = 250
"""Largest shift tried, bases: longer than any exon of a kinase domain's amplicon that is skipped alone."""
FEWEST: Final = 18
"""Positions that must speak for a shift."""
STRONGEST_T: Final = 8.0
"""Least t value of the mean prediction; the largest of some 10^5 under no shift is about 5."""
SMALLEST_SHARE: Final = 0.05
LARGEST_REST: Final = 0.2
"""Of the signal that neither sequence explains, against what both do: beyond it, there is only noise."""
HEIGHT_SD: Final = 0.4
"""Scatter of the height of a second peak over what is expected of it, at most."""


@dataclass(frozen=True)
class Superposition:
    """A shifted sequence in a read; positions in the order of the trace."""

    shift: int
    """Positive: the molecule skips so many bases in the direction of reading; negative: it has more."""
    start: int
    """First position at which the shifted sequence is seen to differ from the native one."""
    earliest: int
    """First position that may belong to it: from here to ``start`` both sequences agree."""
    share: float
    share_sd: float
    t: float


def bases_at(native: Integers, shift: int) -> Integers:
    """The native base ``shift`` positions further on, shape (positions,); -1 outside."""
    index = np.arange(len(native)) + shift
    inside = (index >= 0) & (index < len(native))
    return np.where(inside, native[np.clip(index, 0, len(native) - 1)], -1)


def find_superposition(relative: Floats, native: Integers, usable: Flags) -> Superposition | None:
    """The shift that explains second peaks from some place to the end of a read; None if none does.

    ``relative`` is every height over its full height there, shape (positions, 4); ``native`` the index of the
    native base of a read continued without gaps, -1 outside; ``usable`` tells which positions count.
    """
    count = len(native)
    shifts = np.array([k for k in range(-LONGEST, LONGEST + 1) if k])
    other = np.stack([bases_at(native, int(shift)) for shift in shifts])
    informative = (other >= 0) & (native >= 0)[None, :] & (other != native[None, :]) & usable[None, :]
    clipped = np.clip(relative, -0.2, 1.2)
    predicted = clipped[np.arange(count)[None, :], np.maximum(other, 0)]
    rest = clipped.sum(axis=1) - clipped[np.arange(count), np.maximum(native, 0)]
    evidence = np.where(informative, 1.5 * predicted - 0.5 * rest[None, :], 0.0)
    judged, speaking = evidence.astype(np.float32), informative.copy()
    for shift in (-2, -1, 1, 2):
        row = int(np.flatnonzero(shifts == shift)[0])
        judged[row], speaking[row] = _against_mirror(shift, clipped, native, informative[row])
    t_values, mean = _suffix_t(judged, speaking)
    best = np.unravel_index(int(t_values.argmax()), t_values.shape)
    if t_values[best] < STRONGEST_T or mean[best] < SMALLEST_SHARE:
        return None
    row = int(best[0])
    own = clipped[np.arange(count), np.maximum(native, 0)]
    speaks = informative[row] & (np.arange(count) >= best[1])
    added, kept = float(evidence[row, speaks].mean()), float(own[speaks].mean())
    third = float((rest[speaks] - predicted[row, speaks]).mean())
    if third > LARGEST_REST * (added + kept):
        return None
    share = float(np.clip(added / max(added + kept, 1e-6), 0.0, 1.0))
    return _located(int(shifts[row]), evidence[row], informative[row], share, float(t_values[best]))


def _against_mirror(
    shift: int, relative: Floats, native: Integers, informative: Flags
) -> tuple[Floats, Flags]:
    """Evidence for a shift of one or two, less that for its mirror image, shape (positions,).

    Towards the end of a read peaks widen and each shows a little of its neighbours, of both alike; molecules
    that lack or gain a base show one side only.
    """
    index = np.arange(len(native))
    mirror, other = bases_at(native, -shift), bases_at(native, shift)
    speaks = informative & (mirror >= 0) & (mirror != other) & (mirror != native)
    shown = relative[index, np.maximum(other, 0)] - relative[index, np.maximum(mirror, 0)]
    return np.where(speaks, shown, 0.0), speaks


def _suffix_t(evidence: Singles, informative: Flags) -> tuple[Singles, Singles]:
    """Student's t and mean of the evidence from every position to the end, shape (shifts, positions)."""
    number = np.cumsum(informative[:, ::-1], axis=1, dtype=np.int32)[:, ::-1]
    total = np.cumsum(evidence[:, ::-1], axis=1)[:, ::-1]
    square = np.cumsum((evidence**2)[:, ::-1], axis=1)[:, ::-1]
    safe = np.maximum(number, 2)
    mean = total / safe
    variance = np.maximum((square - safe * mean**2) / (safe - 1), 1e-4)
    t = np.where(number >= FEWEST, mean / np.sqrt(variance / safe), 0.0)
    return np.asarray(t, dtype=np.float32), np.asarray(mean, dtype=np.float32)


def _located(shift: int, evidence: Floats, informative: Flags, share: float, t: float) -> Superposition:
    """Where the shifted sequence begins: the place that makes what is before and after it most likely.

    Before it the evidence scatters about zero or is negative (inserted bases, which fit neither sequence);
    after it about the share, with the scatter of heights.
    """
    rows = np.flatnonzero(informative)
    values = evidence[rows]
    floor = max(1.4826 * float(np.median(np.abs(values[: max(len(values) // 4, 5)]))), 0.02)
    floor = min(floor, max(share / 4, 0.02))
    wide = float(np.hypot(floor, HEIGHT_SD * share))
    gain = (
        0.5 * (np.maximum(values, 0) / floor) ** 2
        - 0.5 * ((values - share) / wide) ** 2
        + np.log(floor / wide)
    )
    suffix = np.cumsum(np.clip(gain, -8, 8)[::-1])[::-1]
    first = int(suffix.argmax())
    after = values[first:]
    return Superposition(
        shift=shift,
        start=int(rows[first]),
        earliest=int(rows[first - 1]) + 1 if first else 0,
        share=share,
        share_sd=float(np.std(after) / np.sqrt(max(len(after), 1))),
        t=t,
    )
