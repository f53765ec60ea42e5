"""What relaxed complexes say of one drug: a call in each state that holds it, and one decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kinscope.analysis.results import DockingComparison
from kinscope.docking.calls import call
from kinscope.interpretation import thresholds
from kinscope.interpretation.model import BindingCall, Measurements
from kinscope.targets.pack import DrugDefinition

Decision = Literal["lost", "kept", "unresolved"]


@dataclass(frozen=True)
class BindingOpinion:
    """The calls of one drug's states and what they come to together."""

    decision: Decision
    """``unresolved`` also where states contradict each other."""
    deciding: BindingCall
    """The call that the decision rests on, or the one to show where nothing is decided."""
    calls: tuple[BindingCall, ...]
    contradictory: bool


def binding_opinion(drug: DrugDefinition, measurements: Measurements) -> BindingOpinion | None:
    """The opinion on one drug; None where no complex of it was relaxed, since the variant is out of reach."""
    calls = binding_calls(drug, measurements)
    if not calls:
        return None
    decided = [item for item in calls if item.call.word in ("lost", "kept")]
    words = {item.call.word for item in decided}
    if len(words) == 1:
        word = decided[0].call.word
        return BindingOpinion("lost" if word == "lost" else "kept", decided[0], calls, contradictory=False)
    return BindingOpinion("unresolved", calls[0], calls, contradictory=len(words) > 1)


def binding_calls(drug: DrugDefinition, measurements: Measurements) -> tuple[BindingCall, ...]:
    """A call per state, the drug's own state first (the rule: :mod:`kinscope.docking.calls`)."""
    relaxed = sorted(
        (item for item in measurements.relaxed if item.drug == drug.id),
        key=lambda item: (item.state != drug.state, item.state),
    )
    found = []
    for item in relaxed:
        rigid = _rigid(drug.id, item.state, measurements.docking)
        found.append(
            BindingCall(
                state=item.state,
                difference_kcal_per_mol=item.difference_kcal_per_mol,
                call=call(
                    rigid.difference_kcal_per_mol if rigid else None,
                    item,
                    mode_kept=rigid is None
                    or rigid.mutant_rmsd_to_reference_angstrom <= thresholds.SAME_POSE_ANGSTROM,
                    distance_angstrom=item.distance_to_variant_angstrom,
                    reach_angstrom=item.settings.surroundings_angstrom,
                    known_to_crystal_angstrom=item.reference_to_crystal_angstrom,
                ),
            )
        )
    return tuple(found)


def _rigid(drug: str, state: str, docking: Sequence[DockingComparison]) -> DockingComparison | None:
    return next((item for item in docking if item.drug == drug and item.state == state), None)
