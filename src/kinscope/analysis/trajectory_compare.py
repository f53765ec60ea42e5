"""Mutant against native trajectories, quantity by quantity, with replicas as the unit.

A difference is told only as far as its own sampling allows: for each quantity the halves of all replicas are
compared (split R: Gelman & Rubin, Stat. Sci. 1992, 7, 457; Vehtari et al., Bayesian Anal. 2021, 16, 667), by
the bounds that :mod:`kinscope.analysis.sampling` sets for regions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.regions import time_words
from kinscope.analysis.sampling import LOOSE_R, SHORTEST_NS, STEADY_R, split_r
from kinscope.analysis.statistics import correct_family, difference, judged_again, limited, share_resolution
from kinscope.results.measured import Difference
from kinscope.results.notes import note
from kinscope.results.trajectories import (
    ContactOccupancy,
    MeasureComparison,
    OccupancyComparison,
    ReplicaAnalysis,
)

SMALLEST = {"Å": (0.5, 1.5), "Å³": (50.0, 150.0), "°": (10.0, 25.0), "%": (20.0, 50.0)}
"""By unit: the smallest change that counts, and what counts where sampling is limited. Half an angstrom is
the error of a side chain's tip at 2.4 angstrom resolution, 50 cubic angstrom two to three heavy atoms, 10
degrees the spread of helix C among crystals of one state."""
SMALLEST_OF = {
    "rmsd_angstrom": (0.3, 1.0),
    "radius_of_gyration_angstrom": (0.2, 0.6),
    "helix_percent": (3.0, 8.0),
    "strand_percent": (3.0, 8.0),
    "sh2_to_n_lobe_angstrom": (1.0, 3.0),
    "sh2_to_c_lobe_angstrom": (1.0, 3.0),
}
"""Of single quantities that move less, or more, than their unit tells."""
_LEAST_OCCUPANCY = 10.0
"""Interactions rarer than this (percent) on both sides are not compared."""
_LEAST_VALUES = 4
_NEVER = ContactOccupancy(
    of="", kind="", partner=0, partner_name="", percent=0.0, halves_percent=(0.0, 0.0), stretches=0,
    mean_stay_ps=None, longest_stay_ps=None,
)  # fmt: skip
"""What did not stand in a frame of a replica."""


_SAME_LENGTH = 0.01
"""Lengths that differ by no more of the longest are one length."""


def lengths_differ(lengths_ns: Sequence[float | None]) -> bool:
    """Whether replicas of such lengths cannot be compared; those of unknown length are passed over.

    What a longer trajectory shows more of (fluctuation, rare contacts) would be taken for a difference.
    """
    known = [length for length in lengths_ns if length is not None]
    return bool(known) and max(known) - min(known) > _SAME_LENGTH * max(known)


def scalar_split_r(replicas: Sequence[Sequence[float]]) -> float:
    """Split R of a quantity along several replicas; NaN where a half holds fewer than two values.

    The square root of its variance about the common mean over the mean variance within halves: 1 where all
    parts show the same.
    """
    if not replicas or any(len(values) < _LEAST_VALUES for values in replicas):
        return float("nan")
    halves = [half for values in replicas for half in np.array_split(np.asarray(values, dtype=np.float64), 2)]
    return split_r(float(np.mean([half.var() for half in halves])), float(np.concatenate(halves).var()))


def share_split_r(halves: Sequence[tuple[float, float] | None]) -> float:
    """Split R of what stands in a frame or not, from its percent of the frames in each replica's halves.

    The same ratio, of ones and zeros: their variance is p (1 - p). NaN where the halves are not known.
    """
    if not halves or any(pair is None for pair in halves):
        return float("nan")
    shares = np.array(halves, dtype=np.float64) / 100.0
    mean = float(shares.mean())
    return split_r(float((shares * (1.0 - shares)).mean()), mean * (1.0 - mean))


def compare_measures(
    native: Sequence[ReplicaAnalysis], mutant: Sequence[ReplicaAnalysis]
) -> list[MeasureComparison]:
    """Every quantity that all replicas of both sides have, as one family (Holm)."""
    names = [series.name for series in native[0].series] if native and mutant else []
    rows = []
    for name in names:
        first, second = (
            [series for one in side if (series := one.measured(name)) is not None]
            for side in (native, mutant)
        )
        if len(first) == len(native) and len(second) == len(mutant):
            rows.append((name, first, second))
    words, lengths = sampling_words(native, mutant), [one.length_ns for one in (*native, *mutant)]
    parts = [name.rpartition("/") for name, _, _ in rows]
    small = [
        SMALLEST_OF.get(bare, SMALLEST.get(first[0].unit, (0.0, 0.0)))
        for (_, _, bare), (_, first, _) in zip(parts, rows, strict=True)
    ]
    raw = [
        difference(
            [one.mean for one in first],
            [one.mean for one in second],
            unit=first[0].unit,
            smallest_meaningful=least,
            sampling=words,
        )
        for (_, first, second), (least, _) in zip(rows, small, strict=True)
    ]
    judged = correct_family(raw)
    return [
        MeasureComparison(
            state=native[0].state,
            name=name,
            label=f"{of}: {first[0].label}" if of else first[0].label,
            unit=first[0].unit,
            native_means=tuple(one.mean for one in first),
            mutant_means=tuple(one.mean for one in second),
            difference=_allowed(
                by_length(item, lengths),
                large,
                [scalar_split_r([one.values for one in side]) for side in (first, second)],
            ),
        )
        for (of, _, _), (name, first, second), item, (_, large) in zip(
            parts, rows, judged, small, strict=True
        )
    ]


def compare_contacts(
    native: Sequence[ReplicaAnalysis], mutant: Sequence[ReplicaAnalysis]
) -> list[OccupancyComparison]:
    """Interactions that stand in a tenth of the frames on a side, as one family (Benjamini-Hochberg).

    A partner is matched by its number, so that a substituted partner is compared with what it replaced.
    Replicas are not believed to agree more closely than their independent frames allow
    (:func:`kinscope.analysis.statistics.share_resolution`), and their halves are asked for split R.
    """
    if not native or not mutant:
        return []
    sides = [
        [{(c.of, c.kind, c.partner): c for c in one.contacts} for one in side] for side in (native, mutant)
    ]
    keys = sorted({key for side in sides for one in side for key in one})
    rows = []
    for key in keys:
        first, second = ([one.get(key, _NEVER) for one in side] for side in sides)
        if max(np.mean([one.percent for one in side]) for side in (first, second)) >= _LEAST_OCCUPANCY:
            rows.append((key, first, second))
    words, lengths = sampling_words(native, mutant), [one.length_ns for one in (*native, *mutant)]
    least, large = SMALLEST["%"]
    raw = [
        difference(
            *([one.percent for one in side] for side in (first, second)),
            unit="%",
            smallest_meaningful=least,
            sampling=words,
            least_spread=(_resolution(first, native), _resolution(second, mutant)),
        )
        for _, first, second in rows
    ]
    names = {key: one[key].partner_name for side in sides[::-1] for one in side for key in one}
    found = [
        OccupancyComparison(
            state=native[0].state,
            of=key[0],
            kind=key[1],
            partner=key[2],
            partner_name=names[key],
            native_percent=tuple(one.percent for one in first),
            mutant_percent=tuple(one.percent for one in second),
            difference=_allowed(
                by_length(item, lengths),
                large,
                [share_split_r([one.halves_percent for one in side]) for side in (first, second)],
            ),
        )
        for (key, first, second), item in zip(
            rows, correct_family(raw, method="benjamini-hochberg"), strict=True
        )
    ]
    return sorted(found, key=lambda row: -max(np.mean(row.native_percent), np.mean(row.mutant_percent)))


def sampling_words(native: Sequence[ReplicaAnalysis], mutant: Sequence[ReplicaAnalysis]) -> str:
    """How much was sampled, e.g. ``3 x 20 ns native and 3 x 20 ns mutant``."""
    return " and ".join(
        f"{len(side)} x {_length_words(side)} {who}" for side, who in ((native, "native"), (mutant, "mutant"))
    )


def _length_words(side: Sequence[ReplicaAnalysis]) -> str:
    lengths = [one.length_ns for one in side]
    if not lengths or any(length is None for length in lengths):
        return f"{min((one.frames for one in side), default=0)} frames of unknown spacing"
    return time_words(min(length for length in lengths if length is not None))


def _resolution(side: Sequence[ContactOccupancy], replicas: Sequence[ReplicaAnalysis]) -> float:
    """Of the shares of one side's replicas, percent.

    What comes and goes c times, as a two-state process does, has c / 2p(1 - p) independent frames, 2 c at
    least; what hardly changes is looked at once in the time in which side chains begin to move.
    """
    looks = [
        min(float(of.frames), max(1.0, (of.length_ns or 0.0) / SHORTEST_NS, 2.0 * one.stretches))
        for one, of in zip(side, replicas, strict=True)
    ]
    return share_resolution([one.percent for one in side], looks)


def _allowed(item: Difference, large: float, split: Sequence[float]) -> Difference:
    """The difference as far as the split R of both sides allows it to be told; the worse side decides."""
    if not item.decided:
        return item
    ratio = float(np.max(split))
    if not ratio <= LOOSE_R:
        if np.isnan(ratio):
            return limited(item, "not-judged", note("too-few-values", sampling=item.sampling))
        shown = ratio if np.isfinite(ratio) else None
        return limited(item, "parts-differ", note("values-differ", split_r=shown, sampling=item.sampling))
    if ratio > STEADY_R:
        return judged_again(item, smallest_meaningful=max(item.smallest_meaningful, large))
    return item


def by_length(item: Difference, lengths_ns: Sequence[float | None]) -> Difference:
    """The difference as far as the length of every replica (None: not known) allows it to be told."""
    if any(length is None for length in lengths_ns):
        return limited(item, "not-judged", note("no-time", sampling=item.sampling))
    if min((length or 0.0 for length in lengths_ns), default=0.0) < SHORTEST_NS:
        return limited(item, "too-short", note("too-short-for-side-chains", sampling=item.sampling))
    return item
