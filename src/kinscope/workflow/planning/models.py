"""The steps of models: native, mutant, what lies around the variant, and normal modes."""

from __future__ import annotations

from kinscope.core.files import sha256_of_file
from kinscope.results.user_structure import USER_STATE
from kinscope.workflow.engine.step import Step
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.study import Study, once
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
        study.parameters(state=USER_STATE, file=named.file, options=options),
        {"structure": structure_step(study.settings)},
        shared=True,
        cost_seconds=180 * study.size(USER_STATE) ** 2,
    )


@once
def mutant_model(study: Study, state: str) -> Step:
    """The variant built on a state's native model."""
    return Step(
        STAGES["mutant-model"],
        f"{study.variant.short} model, {study.label(state)}",
        study.parameters(
            state=state,
            substitutions=study.substitutions(),
            variant=study.variant.short,
            settings=study.settings.mutation.model_dump(mode="json"),
            seed=study.seed("mutation", state),
        ),
        {"native": native_model(study, state)},
        cost_seconds=35 * study.size(state),
    )


def model(study: Study, side: str, state: str) -> Step:
    """The native or the mutant model of a state."""
    return native_model(study, state) if side == "native" else mutant_model(study, state)


@once
def contacts(study: Study, state: str) -> Step:
    """The variant's neighbourhood, native and mutant."""
    return Step(
        STAGES["neighbourhood"],
        f"neighbourhood of {study.variant.short}, {study.label(state)}",
        {"state": state, "positions": list(study.variant.positions)},
        {"native": native_model(study, state), "mutant": mutant_model(study, state)},
        cost_seconds=4,
    )


@once
def modes(study: Study, side: str, state: str) -> Step:
    """Normal modes of a state's model."""
    return Step(
        STAGES["normal-modes"],
        f"normal modes, {study.who(side)}, {study.label(state)}",
        {
            "state": state,
            "variant": study.who(side),
            "settings": study.settings.normal_modes.model_dump(mode="json"),
            "seed": study.seed("normal-modes", state),
        },
        {"model": model(study, side, state)},
        shared=side == "native",
        cost_seconds=(60 if side == "native" else 35) * study.size(state) ** 2,
    )
