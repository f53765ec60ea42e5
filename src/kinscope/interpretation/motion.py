"""What may be said on mobility: of each region, and of the trajectories' shape, pockets and bound drugs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.regions import time_words
from kinscope.interpretation.findings import in_prose, join, region_label, state_label, where
from kinscope.interpretation.model import Measurements
from kinscope.interpretation.stays import LONG_STAY_NS, STAYS_PERCENT, bound_sentences, means
from kinscope.interpretation.words.say import say, statement
from kinscope.results.measured import Difference, RegionComparison
from kinscope.results.trajectories import StateMobility, TrajectoryComparison
from kinscope.targets.pack import TargetPack

METHOD = "Molecular dynamics"
MOST_NAMED = 5
"""Regions named one by one; the region table holds the rest."""


def trajectory_sentences(measurements: Measurements, pack: TargetPack) -> tuple[str, ...]:
    """Sentences on states against one another, then on each simulated system; empty if there is none."""
    # The regions of states against one another stand in their table; the sentence is of the whole.
    sentences = [_of_states(row, pack) for row in measurements.state_mobility if not row.region]
    for system in measurements.trajectories:
        sentences += _of_system(system, pack)
    return tuple(sentences)


def _of_states(row: StateMobility, pack: TargetPack) -> str:
    first, second = (state_label(pack, state) for state in (row.first_state, row.second_state))
    item = row.difference
    who = "the native kinase" if row.variant == "native" else row.variant
    head = f"{METHOD}, {who}: {second} against {first}, mean RMSF of {row.residues} residues"
    if item.resolved and item.value is not None and item.low is not None and item.high is not None:
        way = "moves more" if item.value > 0 else "moves less"
        return (
            f"{head}: {second} {way}, {item.value:+.2f} Å ({item.confidence:.0%} interval {item.low:+.2f} to "
            f"{item.high:+.2f} Å; {item.sampling})."
        )
    return f"{head}: {statement(item, second)}."


def _of_system(system: TrajectoryComparison, pack: TargetPack) -> list[str]:
    bound = next((drug for drug in pack.drugs if drug.id == system.ligand), None)
    head = f"{METHOD}, {where(system, pack)}"
    sentences = []
    resolved = [row for row in system.measures if row.difference.resolved]
    for row in resolved:
        sentences.append(f"{head}: {_named(row.label, pack)} is {statement(row.difference)}.")
    excluded = [row for row in system.measures if row.difference.outcome == "no-change"]
    if excluded:
        named = [_named(row.label, pack) for row in excluded[:4]]
        joined = f"{', '.join(named)} and {len(excluded) - 4} further" if len(excluded) > 4 else join(named)
        sentences.append(f"{head}: no change that would count in {joined}, {system.sampling}.")
    left = len(system.measures) - len(resolved) - len(excluded)
    if left:
        of = f"{left} of {len(system.measures)} quantities"
        why = system.sampling if system.sentence == "supports a comparison" else say(system.reason)
        what = "shape, pockets, bound drug" if bound else "shape and pockets"
        sentences.append(f"{head}: not resolved in {of} ({what}); {why}.")
    for contact in system.contacts:
        if contact.difference.resolved:
            what = f"the {contact.kind} of {contact.of} with {contact.partner_name}{contact.partner}"
            sentences.append(f"{head}: {what} is {statement(contact.difference)}.")
    if bound is not None:
        sentences.append(_stay(head, in_prose(bound), system))
        sentences += bound_sentences(system, head)
    return sentences


def _named(label: str, pack: TargetPack) -> str:
    """A quantity's label with the pocket's name in words."""
    of, _, rest = label.partition(": ")
    known = any(region.name == of for region in pack.regions)
    return f"{rest} of the {region_label(pack, of)}" if known else label


def _stay(head: str, name: str, system: TrajectoryComparison) -> str:
    """Whether the drug stayed in its pocket, both sides, with the sampling that this rests on."""
    parts, left = [], 0
    for side, who in ((system.native, "the native kinase"), (system.mutant, system.variant)):
        kept = means(side, "ligand_contacts_kept_percent")
        moved = means(side, "ligand_rmsd_angstrom")
        gone = sum(any(stay.left_at_percent is not None for stay in one.ligands) for one in side)
        if not kept or not moved:
            parts.append(f"not measured in {who}")
            continue
        state = "leaves its pocket" if gone else ("holds" if min(kept) >= STAYS_PERCENT else "loosens")
        which = f" in {gone} of {len(side)} replicas" if gone else ""
        left += gone
        parts.append(
            f"{state}{which} in {who} ({np.mean(kept):.0f} % of the first contacts kept, RMSD "
            f"{np.mean(moved):.1f} Å, {len(side)} replicas)"
        )
    lengths = [one.length_ns or 0.0 for one in (*system.native, *system.mutant)]
    short = (
        "" if min(lengths) >= LONG_STAY_NS else ", which shows only that the pose does not fall apart at once"
    )
    said = f"{'; '.join(parts)}; {system.sampling}"
    return f"{head}: {name} {said}{'' if left else short}."


def mobility_sentences(measurements: Measurements, pack: TargetPack) -> tuple[str, ...]:
    """Sentences on fluctuation, mutant minus native, each with its state, interval and replicas."""
    if not measurements.regions:
        return ("Fluctuations were not compared in this run, so nothing is said on mobility.",)
    sentences: list[str] = []
    for state in dict.fromkeys(r.state for r in measurements.regions):
        rows = [r for r in measurements.regions if r.state == state]
        sentences += _of_group(rows, measurements, pack)
    return (*sentences, *trajectory_sentences(measurements, pack))


def resolved_regions(measurements: Measurements) -> tuple[RegionComparison, ...]:
    """Regions whose mobility changes by the corrected test."""
    return tuple(row for row in measurements.regions if row.difference_angstrom.resolved)


def is_excluded(change: Difference) -> bool:
    """Whether the interval leaves no room for a change that would count: a finding, not a gap."""
    return change.outcome == "no-change"


def _of_group(rows: Sequence[RegionComparison], measurements: Measurements, pack: TargetPack) -> list[str]:
    """The sentences of one state, the largest resolved changes first."""
    head = f"{METHOD}, {state_label(pack, rows[0].state)}"
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
        f"{change.mutant_replicas} against {change.native_replicas} replicas"
    )


def _sampling(rows: Sequence[RegionComparison], measurements: Measurements) -> str:
    """How much was sampled, in words."""
    change = rows[0].difference_angstrom
    counts = f"{change.mutant_replicas} against {change.native_replicas} replicas"
    lengths = [profile.length_ns for profile in measurements.profiles if profile.state == rows[0].state]
    length = f" of {time_words(min(lengths))}" if lengths and max(lengths) > 0 else ""
    return f"by {counts}{length}"
