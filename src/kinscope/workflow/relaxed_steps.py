"""The steps of relaxed complexes: two sides a drug and state, and none where the variant is out of reach."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.core.files import sha256_of_file
from kinscope.docking.calls import CRYSTAL_ANGSTROM
from kinscope.docking.records import ReferencePoseRecord
from kinscope.docking.reference import POSES_DIRECTORY, pose_file, pose_records
from kinscope.docking.relaxed_records import RelaxedSettings
from kinscope.ligands.parameters import has_parameters, load_parameters
from kinscope.structures.user_records import USER_STATE
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.variants import modelled_states
from kinscope.workflow.step import Step
from kinscope.workflow.study_steps import StudySteps

SIDES = ("native", "mutant")


def relaxed_inputs(planner: StudySteps, drugs: Sequence[str], settings: RelaxedSettings) -> dict[str, Step]:
    """Inputs of the study's measurements: sides of each drug in its own and its further states.

    Roles read ``relaxed/<side>/<drug>@<state>``; a further state that is not part of the study gives its
    native model too, as ``relaxed-model/<state>``.
    """
    inputs = {}
    for drug in drugs:
        definition = planner.pack.drug(drug)
        for state in dict.fromkeys((definition.state, *further_states(planner, drug))):
            for side, step in relaxed_sides(planner, definition, state, settings).items():
                inputs[f"relaxed/{side}/{drug}@{state}"] = step
                if state not in planner.states:
                    inputs[f"relaxed-model/{state}"] = planner.native_model(state)
    return inputs


def further_states(planner: StudySteps, drug: str) -> tuple[str, ...]:
    """States that only this drug is looked at in, unless the study names its states.

    The drug's own is one of them where no study of this preset holds it.
    """
    if planner.settings.states or planner.structure is not None:
        return ()
    possible = modelled_states(planner.variant, planner.pack)
    definition = planner.pack.drug(drug)
    return tuple(
        state
        for state in (definition.state, *definition.further_states)
        if state not in planner.states
        and state in possible
        and (planner.pack.directory / POSES_DIRECTORY / pose_file(definition, state)).is_file()
    )


def relaxed_sides(
    planner: StudySteps, drug: DrugDefinition, state: str, settings: RelaxedSettings
) -> dict[str, Step]:
    """The two sides by name.

    None without parameters, where no substituted residue is in reach, and where the state's model does not
    hold the drug as its crystal does, since nothing is called on such a pose (docs/decisions/0172).
    """
    record = _record(planner.pack, drug, state)
    if record is not None and (
        record.rmsd_to_crystal_angstrom > CRYSTAL_ANGSTROM
        or not record.reaches(planner.variant.positions, settings.surroundings_angstrom)
    ):
        return {}
    if not has_parameters(drug):
        return {}
    return {side: _side(planner, drug, state, settings, side) for side in SIDES}


def _record(pack: TargetPack, drug: DrugDefinition, state: str) -> ReferencePoseRecord | None:
    """Of the shipped pose; None where it is carried into a structure that is not known yet."""
    if state == USER_STATE:
        return None
    found = pose_records(pack)
    return next((record for record in found if record.drug == drug.id and record.state == state), None)


def _side(
    planner: StudySteps, drug: DrugDefinition, state: str, settings: RelaxedSettings, side: str
) -> Step:
    native = side == "native"
    inputs = {"native": planner.native_model(state)}
    if state == USER_STATE:
        inputs["pose"] = planner.carried_pose(drug.id)
    who = planner.who(side)
    return planner.step(
        "relaxed-complex",
        side,
        drug.id,
        state,
        label=f"{drug.name} and {who} relaxed together, {planner.label(state)}",
        parameters={
            "target": planner.pack_directory,
            "drug": drug.id,
            "state": state,
            "side": side,
            "residues": [
                [item.position, "" if native else item.mutant] for item in planner.variant.substitutions
            ],
            "pose_sha256": sha256_of_file(
                planner.pack.directory / POSES_DIRECTORY / pose_file(planner.pack.drug(drug.id), state)
            ),
            "parameters_sha256": load_parameters(drug).record.forcefield_sha256,
            "settings": settings.model_dump(mode="json"),
            "seed": planner.settings.seed,
            **planner.user_state(),
        },
        inputs=inputs,
        shared=native,
        cost=50,
    )
