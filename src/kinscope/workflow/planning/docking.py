"""The steps of docking: drugs in their own states, the table of every drug in every state, relaxed complexes.

A drug is docked into the state whose co-crystal shows it, as in every study. In any other state of the table
its known pose is laid in and measured first; it is docked there only where its binding mode exists. A ligand
without a known pose is searched for in the native's site, then docked into both sides from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinscope.analysis.calls import CRYSTAL_ANGSTROM
from kinscope.core.files import sha256_of_file
from kinscope.docking.known.reference import POSES_DIRECTORY, pose_file, pose_records
from kinscope.interpretation.words.say import say_all
from kinscope.ligands.parameters.shipped import directory_for, has_parameters, load_parameters
from kinscope.results.docking import RelaxedSettings
from kinscope.results.user_structure import USER_STATE
from kinscope.targets.pack import DrugDefinition
from kinscope.variants import modelled_states
from kinscope.workflow.engine.step import Step
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.models import built_model, native_model
from kinscope.workflow.planning.study import SIDES, Study, once

RowName = tuple[str, str]
"""Drug and state."""
_NO_POSE = "No known pose:"
"""How a drug's sources in a target pack begin to say why it has none."""


@once
def docking(study: Study, side: str, drug: str) -> Step:
    """One drug into every alternative of a side's model, in its own state.

    ``side``: ``native`` and ``mutant``, built alike, are compared; ``reference`` is the native model as it
    is, whose result stands for any model that does not differ from it where the drug is.
    """
    definition, reference = study.pack.drug(drug), side == "reference"
    state = definition.state
    beside = {} if reference else _beside(study, state, docking(study, "reference", drug))
    return Step(
        STAGES["docking"],
        f"{definition.name} into {study.built(side)}, {study.label(state)}",
        study.parameters(
            drug=drug,
            state=state,
            variant=study.who(side),
            pose_sha256=_pose_sha256(study, drug),
            settings=study.settings.docking.model_dump(mode="json"),
            seed=study.seed("docking", drug),
        ),
        {"model": _model(study, side, state)} | beside | _carried(study, drug),
        shared=side != "mutant",
        cost_seconds=40 if reference else 15,
    )


def docking_steps(study: Study) -> dict[tuple[str, str], Step]:
    """Docking alone, by side and drug."""
    return {(side, drug): docking(study, side, drug) for drug in study.drugs for side in SIDES}


@once
def carried_pose(study: Study, drug: str) -> Step:
    """The known pose of a drug laid into the user's structure."""
    return Step(
        STAGES["pose"],
        f"known pose of {study.pack.drug(drug).name} in {study.label(USER_STATE)}",
        study.parameters(drug=drug, pose_sha256=_pose_sha256(study, drug), **study.library),
        {"model": native_model(study, USER_STATE)},
        shared=True,
        cost_seconds=12,
    )


def docking_given(study: Study, side: str, ligand: DrugDefinition, state: str) -> Step:
    """A ligand of the user's: searched for in the native model (``reference``), docked from there.

    The search is done once and serves every variant.
    """
    reference = side == "reference"
    beside = {} if reference else _beside(study, state, docking_given(study, "reference", ligand, state))
    return Step(
        STAGES["docking-given"],
        f"{ligand.name} into {study.built(side)}, {study.label(state)}",
        study.parameters(
            ligand=ligand.model_dump(mode="json"),
            drug=ligand.id,
            state=state,
            variant=study.who(side),
            settings=study.settings.docking.model_dump(mode="json"),
            seed=study.seed("docking", ligand.id, state),
            **study.library,
            **study.user_state(),
        ),
        {"model": _model(study, side, state)} | beside,
        shared=side != "mutant",
        cost_seconds=90 if reference else 30,
    )


@once
def _elsewhere(study: Study, side: str, drug: str, state: str) -> Step:
    """A drug in a state that is not its own; into either side from where it stands in the native model."""
    definition, reference = study.pack.drug(drug), side == "reference"
    beside = {} if reference else _beside(study, state, _elsewhere(study, "reference", drug, state))
    return Step(
        STAGES["docking-elsewhere"],
        f"{definition.name} into {study.built(side)}, {study.label(state)}",
        study.parameters(
            drug=drug,
            state=state,
            variant=study.who(side),
            pose_sha256=_pose_sha256(study, drug, state),
            settings=study.settings.docking.model_dump(mode="json"),
            seed=study.seed("docking", drug, state),
            **study.user_state(),
        ),
        {"model": _model(study, side, state), "home": native_model(study, definition.state)}
        | beside
        | _carried(study, drug),
        shared=side != "mutant",
        cost_seconds=15,
    )


def _model(study: Study, side: str, state: str) -> Step:
    """What a side is docked into."""
    return native_model(study, state) if side == "reference" else built_model(study, side, state)


def _beside(study: Study, state: str, reference: Step) -> dict[str, Step]:
    """The native model as it is and what was docked into it: where a side starts, or what stands for it."""
    return {"reference": reference, "reference-model": native_model(study, state)}


def row_steps(
    study: Study, relaxed: RelaxedSettings, given: Sequence[DrugDefinition] = ()
) -> dict[RowName, Step]:
    """A step per row of the docking table.

    ``relaxed``: how complexes are relaxed for the second opinion. ``given``: ligands of the user's; where
    they are named and no drug is, only they are docked.
    """
    posed, unposed = _library(study) if study.settings.drugs or not given else ((), ())
    rows = {
        (drug, state): _row(study, drug, state, relaxed)
        for drug in posed
        for state in (*study.states, *_further_states(study, drug))
    }
    searched = [*(study.pack.drug(drug) for drug in unposed), *given]
    return rows | {
        (ligand.id, state): _searched_row(study, ligand, state, relaxed)
        for ligand in searched
        for state in searched_states(study, ligand.site)
    }


def searched_states(study: Study, site: str) -> tuple[str, ...]:
    """Where a ligand without a known pose is searched for.

    In the study's states and, unless it names them, in those that co-crystals of the site's drugs fit besides
    their own.
    """
    further = (
        state for drug in study.pack.drugs if drug.site == site
        for state in _further_states(study, drug.id) if state in drug.further_states
    )  # fmt: skip
    return tuple(dict.fromkeys((*study.states, *further)))


def _library(study: Study) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The drugs asked for (or all): those whose known pose ships, and those that are searched for blind.

    Why a drug has no known pose is told in ``study.remarks``.
    """
    poses = study.pack.directory / POSES_DIRECTORY
    asked = study.settings.drugs or tuple(drug.id for drug in study.pack.drugs)
    posed = tuple(drug for drug in asked if (poses / f"{drug}.sdf").is_file())
    unposed = tuple(drug for drug in asked if drug not in posed)
    for drug in unposed:
        study.remarks.append(
            f"{drug}: the target pack has no known pose of it{_why(study, drug)} It is searched for blind "
            "in every state."
        )
    return posed, unposed


def _why(study: Study, drug: str) -> str:
    """What the pack knows of why it has no pose: the record of a pose that does not hold, or a source."""
    records = [record for record in pose_records(study.pack) if record.drug == drug]
    known = " ".join(say_all(records[0].notes)) if records else ""
    said = [text for text in study.pack.drug(drug).sources if text.startswith(_NO_POSE)]
    words = known or (said[0].removeprefix(_NO_POSE).strip() if said else "")
    return f": {words.rstrip('.')}." if words else "."


def _row(study: Study, drug: str, state: str, relaxed: RelaxedSettings) -> Step:
    definition = study.pack.drug(drug)
    own = state == definition.state
    inputs = {
        f"docking/{side}": docking(study, side, drug) if own else _elsewhere(study, side, drug, state)
        for side in SIDES
    }
    if own:
        inputs |= _carried(study, drug)
    if own or state in definition.further_states:
        sides = relaxed_sides(study, drug, state, relaxed)
        inputs |= {f"relaxed/{side}": step for side, step in sides.items()}
    return _comparison(study, definition, state, relaxed, inputs)


def _searched_row(study: Study, ligand: DrugDefinition, state: str, relaxed: RelaxedSettings) -> Step:
    """A ligand with no known pose."""
    inputs = {f"docking/{side}": docking_given(study, side, ligand, state) for side in SIDES}
    return _comparison(study, ligand, state, relaxed, inputs, ligand=ligand.model_dump(mode="json"))


def _comparison(
    study: Study, drug: DrugDefinition, state: str, relaxed: RelaxedSettings, inputs: dict[str, Step],
    **more: Any,
) -> Step:  # fmt: skip
    return Step(
        STAGES["docking-row"],
        f"{drug.name}, {study.label(state)}: compared",
        study.parameters(
            drug=drug.id,
            state=state,
            variant=study.variant.short,
            substitutions=study.substitutions(),
            relaxed=relaxed.model_dump(mode="json"),
            **more,
            **study.user_state(),
        ),
        {
            **{side: built_model(study, side, state) for side in SIDES},
            "reference": native_model(study, state),
            **inputs,
        },
        cost_seconds=15,
    )


def relaxed_inputs(study: Study, settings: RelaxedSettings) -> dict[str, Step]:
    """Inputs of the study's measurements: sides of each drug in its own and its further states.

    Roles read ``relaxed/<side>/<drug>@<state>``; a further state that is not part of the study gives its
    native model too, as ``relaxed-model/<state>``.
    """
    inputs = {}
    for drug in study.drugs:
        for state in dict.fromkeys((study.pack.drug(drug).state, *_further_states(study, drug))):
            for side, step in relaxed_sides(study, drug, state, settings).items():
                inputs[f"relaxed/{side}/{drug}@{state}"] = step
                if state not in study.states:
                    inputs[f"relaxed-model/{state}"] = native_model(study, state)
    return inputs


def relaxed_sides(study: Study, drug: str, state: str, settings: RelaxedSettings) -> dict[str, Step]:
    """The two sides of a drug and its surroundings relaxed together, by name.

    None without parameters, where no substituted residue is in reach, and where the state's model does not
    hold the drug as its crystal does, since nothing is called on such a pose. Of a user's structure, into
    which the pose is yet to be laid, none of that is known.
    """
    known = () if state == USER_STATE else pose_records(study.pack)
    record = next((one for one in known if one.drug == drug and one.state == state), None)
    if record is not None and (
        (record.rmsd_to_crystal_angstrom or 0.0) > CRYSTAL_ANGSTROM  # not measured: relaxed, but not called
        or not record.reaches(study.variant.positions, settings.surroundings_angstrom)
    ):
        return {}
    definition = study.pack.drug(drug)
    if not has_parameters(definition, directory_for(study.pack, definition)):
        return {}
    return {side: _relaxed(study, side, drug, state, settings) for side in SIDES}


@once
def _relaxed(study: Study, side: str, drug: str, state: str, settings: RelaxedSettings) -> Step:
    definition, native = study.pack.drug(drug), side == "native"
    own = directory_for(study.pack, definition)
    return Step(
        STAGES["relaxed-complex"],
        f"{definition.name} and {study.who(side)} relaxed together, {study.label(state)}",
        study.parameters(
            drug=drug,
            state=state,
            side=side,
            residues=study.own_residues() if native else study.substitutions(),
            pose_sha256=_pose_sha256(study, drug, state),
            parameters_sha256=load_parameters(definition, own).record.forcefield_sha256,
            settings=settings.model_dump(mode="json"),
            seed=study.seed("relaxed-complex", side),
            **study.user_state(),
        ),
        {"native": native_model(study, state)} | (_carried(study, drug) if state == USER_STATE else {}),
        shared=native,
        cost_seconds=50,
    )


def _further_states(study: Study, drug: str) -> tuple[str, ...]:
    """States that only this drug is looked at in, unless the study names its states.

    The drug's own is one of them where no study of this preset holds it.
    """
    if study.settings.states or study.structure is not None:
        return ()
    possible = modelled_states(study.variant, study.pack)
    definition = study.pack.drug(drug)
    return tuple(
        state
        for state in (definition.state, *definition.further_states)
        if state not in study.states
        and state in possible
        and (study.pack.directory / POSES_DIRECTORY / pose_file(definition, state)).is_file()
    )


def _carried(study: Study, drug: str) -> dict[str, Step]:
    """The pose of a drug that binds the user's structure."""
    return {"pose": carried_pose(study, drug)} if study.pack.drug(drug).state == USER_STATE else {}


def _pose_sha256(study: Study, drug: str, state: str = "") -> str:
    """Of the known pose that ships, in the drug's own state or in a further one."""
    file = pose_file(study.pack.drug(drug), state) if state else f"{drug}.sdf"
    return sha256_of_file(study.pack.directory / POSES_DIRECTORY / file)
