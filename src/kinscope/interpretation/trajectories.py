"""What may be said of the trajectories beside fluctuation: shape, pockets, interactions, bound drugs."""

from __future__ import annotations

import numpy as np

from kinscope.analysis.results import Difference
from kinscope.analysis.trajectory_results import StateMobility, TrajectoryComparison
from kinscope.interpretation.model import Measurements
from kinscope.interpretation.prose import in_prose, join, region_label, state_label
from kinscope.interpretation.stays import LONG_STAY_NS, STAYS_PERCENT, bound_sentences, means
from kinscope.targets.pack import TargetPack

_METHODS = {"md": "Molecular dynamics", "normal_modes": "Normal modes"}


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
    head = f"{_METHODS[row.method]}, {who}: {second} against {first}, mean RMSF of {row.residues} residues"
    if item.resolved and item.value is not None and item.low is not None and item.high is not None:
        way = "moves more" if item.value > 0 else "moves less"
        return (
            f"{head}: {second} {way}, {item.value:+.2f} Å ({item.confidence:.0%} interval {item.low:+.2f} to "
            f"{item.high:+.2f} Å; {item.sampling})."
        )
    return f"{head}: {item.statement}."


def _of_system(system: TrajectoryComparison, pack: TargetPack) -> list[str]:
    state = state_label(pack, system.state)
    bound = next((drug for drug in pack.drugs if drug.id == system.ligand), None)
    head = f"Molecular dynamics, {state}" + (f" with {in_prose(bound)}" if bound else "")
    sentences = []
    resolved = [row for row in system.measures if row.difference.resolved]
    for row in resolved:
        sentences.append(f"{head}: {_named(row.label, pack)} is {row.difference.statement}.")
    excluded = [row for row in system.measures if _no_change(row.difference)]
    if excluded:
        named = [_named(row.label, pack) for row in excluded[:4]]
        joined = f"{', '.join(named)} and {len(excluded) - 4} further" if len(excluded) > 4 else join(named)
        sentences.append(f"{head}: no change that would count in {joined}, {system.sampling}.")
    left = len(system.measures) - len(resolved) - len(excluded)
    if left:
        of = f"{left} of {len(system.measures)} quantities"
        why = system.sampling if system.sentence == "supports a comparison" else system.reason
        what = "shape, pockets, bound drug" if bound else "shape and pockets"
        sentences.append(f"{head}: not resolved in {of} ({what}); {why}.")
    for contact in system.contacts:
        if contact.difference.resolved:
            what = f"the {contact.kind} of {contact.of} with {contact.partner_name}{contact.partner}"
            sentences.append(f"{head}: {what} is {contact.difference.statement}.")
    if bound is not None:
        sentences.append(_stay(head, in_prose(bound), system))
        sentences += bound_sentences(system, head)
    return sentences


def _named(label: str, pack: TargetPack) -> str:
    """A quantity's label with the pocket's name in words."""
    of, _, rest = label.partition(": ")
    known = any(region.name == of for region in pack.regions)
    return f"{rest} of the {region_label(pack, of)}" if known else label


def _no_change(item: Difference) -> bool:
    return not item.resolved and item.statement.startswith("no change of")


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
