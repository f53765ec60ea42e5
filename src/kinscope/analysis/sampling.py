"""What a region's or a residue's own sampling allows to be said of its mobility.

Every replica is cut into halves, and all halves of one system are laid on one mean. If they sampled the same
motion, the fluctuation about their common mean is hardly larger than within the halves; if one half or one
replica sits where the others do not, it is. The ratio is the split R of Gelman & Rubin (Stat. Sci. 1992,
7, 457) and Vehtari et al. (Bayesian Anal. 2021, 16, 667), here of coordinates. It sees drift and trapped
replicas with one number; it cannot see a motion that no replica has shown at all, and nothing in a trajectory
can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from kinscope.analysis.regions import region_differences
from kinscope.analysis.statistics import judged_again, limited
from kinscope.analysis.superposition import FloatArray, IntArray, mean_structure, rmsf
from kinscope.core.records import Record
from kinscope.results.measured import Difference, FluctuationProfile, Outcome
from kinscope.results.notes import Note, note
from kinscope.results.trajectories import StateMobility

Sentence = Literal["supports a comparison", "only large effects", "nothing on mobility"]

SHORTEST_NS = 1.0
"""Side chains and loops of a kinase relax in nanoseconds; below that no RMSF difference is a statement."""
STEADY_R = 1.1
"""Up to this a comparison is allowed: RMSF is then low by about 5 % (``tests/synthetic_studies.py``)."""
LOOSE_R = 1.2
"""Beyond this nothing is said: there the intervals no longer held their rate in synthetic studies."""
LARGE_EFFECT_ANGSTROM = 0.3
"""What counts as a large effect on RMSF where sampling is limited: half of a kinase core's RMSF at 300 K."""
_LEAST_FRAMES = 4
_LIMITS: dict[str, Outcome] = {"too-short": "too-short", "parts-differ": "parts-differ"}
_ORDER: tuple[Sentence, ...] = ("nothing on mobility", "only large effects", "supports a comparison")


class Sampling(Record):
    """What the replicas of one system allow to be said of one region or residue."""

    replicas: int
    length_ns: float
    """Per replica."""
    split_r: float | None
    """1 when all halves of all replicas show the same motion; None where that cannot be asked."""
    independent_frames: float | None
    """Per replica: how many independent frames would scatter as the halves do."""
    sentence: Sentence
    reason: Note


def region_sampling(
    replicas: Sequence[FloatArray],
    residues: Sequence[int] | IntArray,
    regions: Mapping[str, Sequence[int]],
    *,
    length_ns: float,
    core: IntArray | None = None,
) -> dict[str, Sampling]:
    """Judge the sampling of each region of one system.

    ``replicas``: arrays (n_frames, n_residues, 3), angstrom, one atom per residue; evenly thinned frames will
    do. ``residues``: number of each residue, shape (n_residues,). ``regions``: residue numbers by name; those
    not in ``residues`` are left out, and so are regions without any. ``core``: indices of the atoms that are
    fitted; None fits all.
    """
    within, pooled = _variances(replicas, len(residues), core)
    place = {int(number): column for column, number in enumerate(residues)}
    found = {}
    for name, members in regions.items():
        columns = [place[number] for number in members if number in place]
        if columns:
            ratio = split_r(float(within[columns].mean()), float(pooled[columns].mean()))
            found[name] = _judge(replicas, length_ns, ratio)
    return found


def worse(first: Sampling, second: Sampling) -> Sampling:
    """The one that allows less; a comparison is worth its less sampled side."""
    return min((first, second), key=lambda item: (_ORDER.index(item.sentence), -(item.split_r or np.inf)))


def allowed(difference: Difference, sampling: Sampling) -> Difference:
    """The difference as far as the sampling allows it to be told.

    ``nothing on mobility`` leaves it unresolved whatever a test says; ``only large effects`` raises the
    smallest change that counts to :data:`LARGE_EFFECT_ANGSTROM`.
    """
    if sampling.sentence == "nothing on mobility":
        return limited(difference, _LIMITS.get(sampling.reason.code, "not-judged"), sampling.reason)
    if sampling.sentence == "only large effects":
        return judged_again(
            difference, smallest_meaningful=max(difference.smallest_meaningful, LARGE_EFFECT_ANGSTROM)
        )
    return difference


def _variances(
    replicas: Sequence[FloatArray], residues: int, core: IntArray | None
) -> tuple[FloatArray, FloatArray]:
    """Mean squared fluctuation within halves and about the common mean, (n_residues,), square angstrom."""
    if not replicas or any(len(frames) < _LEAST_FRAMES for frames in replicas):
        return np.full(residues, np.nan), np.full(residues, np.nan)
    together = np.concatenate([np.asarray(frames, dtype=np.float64) for frames in replicas])
    # Replicas differ by more than one round of superposition can settle; a shift of 0.01 A is no matter here.
    moved, _ = mean_structure(together, core, tolerance_angstrom=0.01)
    ends = np.cumsum([len(frames) for frames in replicas])[:-1]
    halves = [half for part in np.split(moved, ends) for half in np.array_split(part, 2)]
    return np.mean([rmsf(half) ** 2 for half in halves], axis=0), rmsf(moved) ** 2


def split_r(within: float, pooled: float) -> float:
    """From the mean variance within halves and the variance about the common mean; 1 where all is alike."""
    if within > 0.0:
        return max(1.0, float(np.sqrt(pooled / within)))
    return 1.0 if pooled == 0.0 else float("nan" if np.isnan(pooled) else "inf")


def _judge(replicas: Sequence[FloatArray], length_ns: float, ratio: float) -> Sampling:
    count = len(replicas)
    had: dict[str, float] = {"replicas": count, "length_ns": length_ns}
    shown: float | None = ratio if np.isfinite(ratio) else None
    sentence: Sentence = "nothing on mobility"
    if count < 2:
        reason = note("one-replica", **had)
    elif length_ns < SHORTEST_NS:
        reason = note("too-short", **had)
    elif shown is None:
        reason = note("halves-without-motion", **had)
    elif ratio > LOOSE_R:
        reason = note("parts-differ", split_r=ratio, **had)
    elif ratio > STEADY_R:
        sentence, reason = "only large effects", note("parts-differ-somewhat", split_r=ratio, **had)
    else:
        sentence, reason = "supports a comparison", note("parts-agree", split_r=ratio, **had)
    return Sampling(
        replicas=count,
        length_ns=length_ns,
        split_r=shown,
        independent_frames=None if shown is None else _independent(shown, replicas),
        sentence=sentence,
        reason=reason,
    )


def _independent(ratio: float, replicas: Sequence[FloatArray]) -> float:
    """Frames per replica, at most those there are.

    With M halves of n independent frames each, the expected square is (1 - 1/(M n)) / (1 - 1/n).
    """
    frames = float(np.mean([len(part) for part in replicas]))
    square, halves = ratio**2, 2 * len(replicas)
    if square - 1.0 <= 1.0 / frames:
        return frames
    return min(frames, 2.0 * (square - 1.0 / halves) / (square - 1.0))


def compare_states_by_region(
    first: FluctuationProfile,
    second: FluctuationProfile,
    regions: Mapping[str, Sequence[int]],
    labels: tuple[str, str],
    sampling: Mapping[str, tuple[Sampling, Sampling]],
) -> list[StateMobility]:
    """Mean RMSF of each region in two states, second minus first, corrected for the regions (Holm).

    ``first``, ``second``: of one variant. ``regions``: residue numbers by name, an empty name for all that
    both hold; residues that either state lacks are left out, and regions without any. ``labels``: the states
    in words. ``sampling``: of each region in the first and the second state; the worse one decides what may
    be said.
    """
    return [
        StateMobility(
            variant=first.variant,
            first_state=first.state,
            second_state=second.state,
            residues=len(found.residues),
            first_rmsf_angstrom=found.first,
            second_rmsf_angstrom=found.second,
            difference=allowed(found.difference, worse(*sampling[found.region])),
            region=found.region,
        )
        for found in region_differences(first, second, regions, (f"of {labels[0]}", f"of {labels[1]}"))
    ]


def state_pairs(
    dfg: Mapping[str, str], held: Sequence[str], residues: Mapping[str, int]
) -> list[tuple[str, str]]:
    """DFG-in and DFG-out states of the same size to compare: each DFG-out state with one DFG-in state.

    ``dfg``: DFG class by state. ``held``: states that were measured, in the pack's order. ``residues``: how
    many residues each holds: only states of like size (within a tenth) are compared.
    """
    pairs = []
    inside = [state for state in held if dfg.get(state) == "in"]
    for out in (state for state in held if dfg.get(state) == "out"):
        near = [state for state in inside if abs(residues[state] - residues[out]) <= 0.1 * residues[out]]
        if near:
            pairs.append((near[0], out))
    return pairs
