"""The steps of models: native, mutant, and what lies around the variant."""

from __future__ import annotations

from kinscope.core.files import sha256_of_file
from kinscope.results.user_structure import USER_STATE
from kinscope.workflow.engine.step import Step
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.study import SIDES, Study, once
from kinscope.workflow.planning.user_state import structure_step


@once
def native_model(study: Study, state: str) -> Step:
    """The shipped reference model of a state, or the model of the user's structure."""
    if state == USER_STATE:
        return _user_model(study)
    path = study.pack.directory / "models" / state / "model.cif.gz"
    return Step(
        STAGES["native-model"],
        f"native model, {study.label(state)}",
        study.parameters(state=state, sha256=sha256_of_file(path)),
        shared=True,
        cost_seconds=4,
    )


def _user_model(study: Study) -> Step:
    named = study.settings.structure
    if named is None:
        raise ValueError("a study without a structure of the user's has no such state")
    options = named.options().model_dump(mode="json")
    return Step(
        STAGES["user-model"],
        f"model of {study.label(USER_STATE)}",
        study.parameters(state=USER_STATE, file=named.file, options=options, **study.library),
        {"structure": structure_step(study.settings)},
        shared=True,
        cost_seconds=180 * study.size(USER_STATE) ** 2,
    )


@once
def built_model(study: Study, side: str, state: str) -> Step:
    """The variant built on a state's native model; the native side of a comparison is built the same way.

    It has its own residues put in where the variant has others, so that nothing of the protocol tells the two
    apart. It knows the positions alone: every variant there shares it.
    """
    native = side == "native"
    return Step(
        STAGES["mutant-model"],
        f"{study.built(side)}: model, {study.label(state)}"
        if native
        else f"{study.variant.short} model, {study.label(state)}",
        study.parameters(
            state=state,
            substitutions=study.own_residues() if native else study.substitutions(),
            variant=study.who(side),
            settings=study.settings.mutation.model_dump(mode="json"),
            seed=study.seed("mutation", state, side),
        ),
        {"native": native_model(study, state)},
        shared=native,
        cost_seconds=35 * study.size(state),
    )


def model(study: Study, side: str, state: str) -> Step:
    """What is simulated: the state's native model as it is, or the mutant."""
    return native_model(study, state) if side == "native" else built_model(study, "mutant", state)


@once
def contacts(study: Study, state: str) -> Step:
    """The variant's neighbourhood, native and mutant."""
    return Step(
        STAGES["neighbourhood"],
        f"neighbourhood of {study.variant.short}, {study.label(state)}",
        {"state": state, "positions": list(study.variant.positions)},
        {side: built_model(study, side, state) for side in SIDES},
        cost_seconds=4,
    )
