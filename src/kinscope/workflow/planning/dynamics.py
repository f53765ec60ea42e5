"""The steps in water: boxes, the speed of this machine, and replicas with what they start from."""

from __future__ import annotations

from typing import Any, Literal

from kinscope.ligands.parameters.shipped import directory_for, load_parameters
from kinscope.workflow.engine.step import Step
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.docking import docking, docking_given
from kinscope.workflow.planning.models import model
from kinscope.workflow.planning.own_ligands import definition_of, ligand_step
from kinscope.workflow.planning.study import SIDES, Study, once
from kinscope.workflow.settings import Extension, OwnLigand, Runner

_SECONDS_PER_NS: dict[Runner, float] = {"cpu": 50_000, "gpu": 600, "gromacs": 12_000}
"""Of a kinase domain in water, a first guess: one core, or one GPU."""


@once
def solvated(study: Study, side: str, state: str) -> Step:
    """A model in its box of water; the mutant takes over the native's water."""
    inputs = {"model": model(study, side, state)}
    if side == "mutant":
        inputs["native"] = solvated(study, "native", state)
    return Step(
        STAGES["solvated"],
        f"water around {study.who(side)}, {study.label(state)}",
        _solvation(study, side, state),
        inputs,
        shared=side == "native",
        cost_seconds=(60 if side == "native" else 20) * study.size(state),
    )


@once
def solvated_bound(study: Study, side: str, drug: str) -> Step:
    """A model with a drug in its pocket, in water: the mutant takes over the bound native's."""
    definition = study.pack.drug(drug)
    found = load_parameters(definition, directory_for(study.pack, definition))
    docked = docking(study, "reference" if side == "native" else side, drug)
    inputs = {"model": model(study, side, definition.state), "docking": docked}
    if "pose" in docked.inputs:
        inputs["pose"] = docked.inputs["pose"]
    if side == "mutant":
        inputs["native"] = solvated_bound(study, "native", drug)
    return Step(
        STAGES["solvated-bound"],
        f"water around {study.who(side)} with {definition.name}, {study.label(definition.state)}",
        _solvation(study, side, definition.state, drug)
        | {"drug": drug, "parameters_sha256": found.record.forcefield_sha256},
        inputs,
        shared=side == "native",
        cost_seconds=60 * study.size(definition.state),
    )


@once
def solvated_own(study: Study, side: str, ligand: OwnLigand) -> Step:
    """A ligand of the user's in its pocket, in water: the mutant takes over the bound native's."""
    inputs = {"model": model(study, side, ligand.state), "ligand": ligand_step(ligand)}
    if ligand.pose == "docked":
        inputs["docking"] = docking_given(
            study, "reference" if side == "native" else side, definition_of(ligand), ligand.state
        )
    if side == "mutant":
        inputs["native"] = solvated_own(study, "native", ligand)
    return Step(
        STAGES["solvated-own"],
        f"water around {study.who(side)} with {ligand.name}, {study.label(ligand.state)}",
        _solvation(study, side, ligand.state, ligand.id)
        | {"ligand": ligand.model_dump(mode="json"), **study.user_state()},
        inputs,
        cost_seconds=60 * study.size(ligand.state),
    )


def _solvation(study: Study, side: str, state: str, *bound: str) -> dict[str, Any]:
    return study.parameters(
        state=state,
        variant=study.who(side),
        settings=study.settings.dynamics.solvation.model_dump(mode="json"),
        seed=study.seed("solvation", state, *bound),
    )


@once
def speed(study: Study) -> Step:
    """How fast this machine runs the first state's system."""
    return Step(
        STAGES["speed"],
        "speed of dynamics here",
        {
            "seconds": study.settings.dynamics.speed_seconds,
            "protocol": study.settings.dynamics.protocol.model_dump(mode="json"),
            "machine": study.pace.machine,
            **_runner(study.pace.on),
        },
        {"system": solvated(study, "native", study.dynamics_states[0])},
        shared=True,
        cost_seconds=15,
        resource=_resource(study.pace.on),
    )


@once
def replica(study: Study, side: str, state: str, number: int, ligand: str = "") -> Step:
    """One trajectory, of the apo kinase or with a drug bound, with what it was extended by."""
    step = _first_length(study, side, state, number, ligand)
    for extension in study.settings.dynamics.extensions:
        step = _longer(step, side, extension)
    return step


def _longer(before: Step, side: str, extension: Extension) -> Step:
    """The same trajectory, continued."""
    on: Runner = "gromacs" if extension.gromacs else "gpu" if extension.gpu else "cpu"
    femtoseconds = before.parameters["protocol"]["time_step_fs"]
    longer_ns = extension.length_ns - (before.parameters["production_steps"] or 0) * femtoseconds * 1e-6
    kept = ("state", "variant", "replica", "protocol", "seed", "ligand")
    return Step(
        STAGES["longer-replica"],
        f"{before.label.partition(', to ')[0]}, to {extension.length_ns:g} ns",
        {
            **{name: before.parameters[name] for name in kept if name in before.parameters},
            "production_steps": round(extension.length_ns * 1e6 / femtoseconds),
            **_runner(on),
        },
        {"system": before.inputs["system"], "before": before},
        shared=side == "native",
        cost_seconds=longer_ns * _SECONDS_PER_NS[on],
        resource=_resource(on),
        nanoseconds=extension.length_ns,
    )


def _first_length(study: Study, side: str, state: str, number: int, ligand: str) -> Step:
    dynamics, share, on = study.settings.dynamics, study.share_seconds, study.pace.on
    set_steps = round(dynamics.length_ns * 1e6 / dynamics.protocol.time_step_fs)
    steps = set_steps if share is None else study.pace.steps
    own = next((one for one in study.own_ligands if one.id == ligand), None)
    if own is not None:
        inputs, name = {"system": solvated_own(study, side, own)}, own.name
    elif ligand:
        inputs, name = {"system": solvated_bound(study, side, ligand)}, study.pack.drug(ligand).name
    else:
        inputs, name = {"system": solvated(study, side, state)}, ""
    if steps is None:  # a plan to look at: before it is run, the speed is measured and it is planned again
        inputs["speed"] = speed(study)
    # What is bound is part of what a replica is; an apo one keeps the identity it always had.
    bound = {"ligand": ligand} if ligand else {}
    who = f"{study.who(side)} with {name}" if ligand else study.who(side)
    # Noise of its own on each side: one seed for both correlates them, and the comparison takes them for
    # independent. The native's does not depend on the variant, so that every variant finds it computed.
    noise = (state, number, *bound.values(), *(() if side == "native" else (study.who(side),)))
    return Step(
        STAGES["replica"],
        f"dynamics {number + 1} of {dynamics.replicas}, {who}, {study.label(state)}",
        {
            "state": state,
            "variant": study.who(side),
            "replica": number,
            "protocol": dynamics.protocol.model_dump(mode="json"),
            "production_steps": steps,
            **_runner(on),
            "seed": study.seed("replica", *noise),
            **bound,
        },
        inputs,
        shared=side == "native",
        cost_seconds=share if share is not None else dynamics.length_ns * _SECONDS_PER_NS[on],
        resource=_resource(on),
        nanoseconds=(steps or 0) * dynamics.protocol.time_step_fs * 1e-6,
    )


def replica_steps(study: Study) -> dict[tuple[str, str, int], Step]:
    """Dynamics alone, by side, state (``state+drug`` where one is bound) and replica."""
    return {
        (side, f"{state}+{ligand}" if ligand else state, number): replica(study, side, state, number, ligand)
        for state, ligand in simulated(study)
        for side in SIDES
        for number in range(study.settings.dynamics.replicas)
    }


def simulated(study: Study) -> list[tuple[str, str]]:
    """State and ligand of every system: apo, with a drug, with a ligand of the user's."""
    return [
        *((state, "") for state in study.dynamics_states),
        *((study.pack.drug(drug).state, drug) for drug in study.dynamics_ligands),
        *((own.state, own.id) for own in study.own_ligands),
    ]


def _runner(on: Runner) -> dict[str, Any]:
    """Parameters that tell a replica what steps it."""
    return {"gpu": on == "gpu"} | ({"engine": "gromacs"} if on == "gromacs" else {})


def _resource(on: Runner) -> Literal["cpu", "gpu"]:
    return "cpu" if on == "gromacs" else "gpu"
