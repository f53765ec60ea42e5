"""The plan of a study: which steps, from which inputs, with which parameters.

Work that no variant enters into (native models, docking and dynamics of the native kinase, the
speed of this machine) has keys that do not depend on the variant, so that the shared cache answers for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kinscope import __version__
from kinscope.results.docking import RelaxedSettings
from kinscope.results.user_structure import USER_STATE
from kinscope.workflow.engine.step import Step
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.docking import carried_pose, docking_steps, relaxed_inputs
from kinscope.workflow.planning.dynamics import replica, simulated, solvated_bound, solvated_own
from kinscope.workflow.planning.models import built_model, contacts, native_model
from kinscope.workflow.planning.own_ligands import ligand_step
from kinscope.workflow.planning.study import SIDES, Study, pack_digest
from kinscope.workflow.planning.user_state import structure_step


@dataclass(frozen=True)
class Plan:
    """The steps of a study and the one that everything leads to."""

    report: Step
    states: tuple[str, ...]
    drugs: tuple[str, ...]
    skipped: tuple[str, ...]
    """What was asked for and cannot be done for this variant, in words."""


def plan_study(study: Study, *, early: bool = False) -> Plan:
    """The whole study; ``early``: what of it takes minutes, reported by itself while the rest goes on."""
    inputs = still(study) if early else compared(study) | _dynamics(study)
    if study.structure is not None:
        inputs["structure"] = structure_step(study.settings)
    measured = measurements(study, inputs)
    report = Step(
        STAGES["report"],
        "evidence, verdicts and report",
        {
            **measured.parameters,
            "settings": study.settings.told(),
            "created": study.created,
            "skipped": study.skipped,
            "kinscope_version": __version__,
            "pack_sha256": pack_digest(study.pack),
        },
        {"measurements": measured, **inputs},
        measured.optional_inputs,
        cost_seconds=15,
    )
    return Plan(report, study.states, study.drugs, tuple(study.skipped))


def compared(study: Study) -> dict[str, Step]:
    """All of a study that does not move: :func:`still`, and drugs relaxed together with their pockets."""
    return still(study) | relaxed_inputs(study, RelaxedSettings())


def still(study: Study) -> dict[str, Step]:
    """Models and rigid poses of both sides, by their roles."""
    inputs: dict[str, Step] = {}
    for state in study.states:
        inputs[f"native/{state}"] = native_model(study, state)
        inputs[f"built/{state}"] = built_model(study, "native", state)
        inputs[f"mutant/{state}"] = built_model(study, "mutant", state)
        inputs[f"contacts/{state}"] = contacts(study, state)
    for (side, drug), step in docking_steps(study).items():
        inputs[f"docking/{side}/{drug}"] = step
        if study.pack.drug(drug).state == USER_STATE:
            inputs[f"pose/{drug}"] = carried_pose(study, drug)
    return inputs


def measurements(study: Study, inputs: dict[str, Step]) -> Step:
    """Everything measured in some steps, mutant set against native."""
    # The variant as far as results depend on it: not as it happened to be spelt.
    about = study.parameters(variant=study.variant.model_dump(mode="json"), **study.given())
    return Step(
        STAGES["measurements"],
        f"comparison of {study.variant.short} with native",
        about,
        inputs,
        frozenset(role for role in inputs if not role.startswith("native/")),
        cost_seconds=15,
    )


def _dynamics(study: Study) -> dict[str, Step]:
    """Every replica, and what is bound in the systems that hold something."""
    inputs: dict[str, Step] = {}
    own = {ligand.id: ligand for ligand in study.own_ligands}
    for state, ligand in simulated(study):
        if ligand in own:
            inputs[f"ligand/{ligand}"] = ligand_step(own[ligand])
        for side in SIDES:
            if ligand in own:
                inputs[f"system/{side}/{ligand}"] = solvated_own(study, side, own[ligand])
            elif ligand:
                inputs[f"system/{side}/{ligand}"] = solvated_bound(study, side, ligand)
            role = f"bound/{side}/{ligand}" if ligand else f"replica/{side}/{state}"
            for number in range(study.settings.dynamics.replicas):
                inputs[f"{role}/{number}"] = replica(study, side, state, number, ligand)
    return inputs
