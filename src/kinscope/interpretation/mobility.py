"""What may be said on mobility: one sentence per resolved region, and one for all that is not resolved."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.analysis.regions import time_words
from kinscope.analysis.results import Difference, RegionComparison
from kinscope.interpretation.model import Measurements
from kinscope.interpretation.prose import join, region_label, state_label
from kinscope.interpretation.trajectories import trajectory_sentences
from kinscope.targets.pack import TargetPack

MOST_NAMED = 5
"""Regions named one by one; the region table holds the rest."""

METHODS = {"md": "Molecular dynamics", "normal_modes": "Normal modes"}


def mobility_sentences(measurements: Measurements, pack: TargetPack) -> tuple[str, ...]:
    """Sentences on fluctuation, mutant minus native, each with its method, state, interval and replicas.

    Normal modes and dynamics are never mixed in one sentence: the first knows only small motions around one
    conformation, the second only what its sampling reached.
    """
    if not measurements.regions:
        return ("Fluctuations were not compared in this run, so nothing is said on mobility.",)
    sentences: list[str] = []
    for method in METHODS:
        for state in dict.fromkeys(r.state for r in measurements.regions if r.method == method):
            rows = [r for r in measurements.regions if r.method == method and r.state == state]
            sentences += _of_group(rows, measurements, pack)
    return (*sentences, *trajectory_sentences(measurements, pack))


def resolved_regions(measurements: Measurements) -> tuple[RegionComparison, ...]:
    """Regions whose mobility changes by the corrected test."""
    return tuple(row for row in measurements.regions if row.difference_angstrom.resolved)


def is_excluded(change: Difference) -> bool:
    """Whether the interval leaves no room for a change that would count: a finding, not a gap."""
    if change.low is None or change.high is None or change.statement.startswith("not resolved"):
        return False
    bound = change.smallest_meaningful
    return bound > 0.0 and not change.resolved and -bound < change.low and change.high < bound


def _of_group(rows: Sequence[RegionComparison], measurements: Measurements, pack: TargetPack) -> list[str]:
    """The sentences of one method and one state, the largest resolved changes first."""
    head = f"{METHODS[rows[0].method]}, {state_label(pack, rows[0].state)}"
    resolved = [row for row in rows if row.difference_angstrom.resolved]
    resolved.sort(key=lambda row: -abs(row.difference_angstrom.value or 0.0))
    sentences = [f"{head}: {_resolved(row, pack)}." for row in resolved[:MOST_NAMED]]
    if len(resolved) > MOST_NAMED:
        sentences.append(f"{head}: {len(resolved) - MOST_NAMED} further regions change by less.")
    excluded = [row for row in rows if is_excluded(row.difference_angstrom)]
    if excluded:
        smallest = excluded[0].difference_angstrom.smallest_meaningful
        place = (
            f"{len(excluded)} of {len(rows)} regions" if len(rows) > 1 else region_label(pack, rows[0].region)
        )
        sentences.append(
            f"{head}: a change of {smallest:g} Å or more is excluded in {place} "
            f"{_sampling(rows, measurements)}."
        )
    unresolved = [row for row in rows if not row.difference_angstrom.resolved and row not in excluded]
    if unresolved:
        few = len(unresolved) <= MOST_NAMED
        names = join([region_label(pack, row.region) for row in unresolved])
        other = "other " if resolved or excluded else ""
        place = names if few else f"any of {len(unresolved)} {other}regions"
        sentences.append(f"{head}: no difference resolved {_sampling(rows, measurements)} in {place}.")
    return sentences


def _resolved(row: RegionComparison, pack: TargetPack) -> str:
    change = row.difference_angstrom
    value = change.value if change.value is not None else 0.0
    direction = "more" if value > 0 else "less"
    interval = ""
    if change.low is not None and change.high is not None:
        interval = f" ({change.confidence:.0%} interval {change.low:+.2f} to {change.high:+.2f} Å)"
    return (
        f"{region_label(pack, row.region)} moves {direction} in the mutant, RMSF {value:+.2f} Å{interval}, "
        f"{change.mutant_replicas} against {change.native_replicas} {_unit(row.method)}"
    )


def _sampling(rows: Sequence[RegionComparison], measurements: Measurements) -> str:
    """How much was sampled, in words."""
    change = rows[0].difference_angstrom
    counts = f"{change.mutant_replicas} against {change.native_replicas} {_unit(rows[0].method)}"
    lengths = [
        profile.length_ns
        for profile in measurements.profiles
        if profile.method == rows[0].method and profile.state == rows[0].state
    ]
    length = f" of {time_words(min(lengths))}" if lengths and max(lengths) > 0 else ""
    return f"by {counts}{length}"


def _unit(method: str) -> str:
    return "replicas" if method == "md" else "models"
