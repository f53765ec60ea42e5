"""Water boxes, the speed of this machine, and replicas."""

from __future__ import annotations

from pathlib import Path

from kinscope.core.files import write_atomic
from kinscope.dynamics.protocol import steps_within
from kinscope.dynamics.records import SpeedRecord
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.targets import load_target
from kinscope.workflow.context import StepContext
from kinscope.workflow.stages.files import read_models

SPEED_FILE = "speed.json"


def solvate(context: StepContext) -> None:
    """Put a model into water: the native's box is equilibrated once, the mutant takes it over."""
    from kinscope.dynamics.solvent import solvate_mutant, solvate_native

    atoms, record = read_models(context.input("model"))[0]
    settings = SolvationSettings.model_validate(context.parameters["settings"])
    if record.variant == "native":
        pack = load_target(context.parameters["target"])
        solvate_native(
            atoms,
            settings,
            context.parameters["seed"],
            context.output,
            pack=pack,
            state=context.parameters["state"],
        )
    else:
        solvate_mutant(
            atoms,
            context.input("native"),
            settings,
            context.parameters["seed"],
            context.output,
            variant=record.variant,
        )


def speed(context: StepContext) -> dict[str, str]:
    """Measure how fast the system runs here."""
    from kinscope.dynamics.speed import measure_speed

    protocol = ProtocolSettings.model_validate(context.parameters["protocol"])
    record = measure_speed(context.input("system"), context.parameters["seconds"], protocol)
    write_atomic(context.output / SPEED_FILE, record.model_dump_json(indent=1))
    return {"platform": record.platform.name}


def replica(context: StepContext) -> dict[str, str]:
    """Run one replica for as many steps as its share of the budget bought when the speed was measured."""
    from kinscope.dynamics.replica import run_replica

    protocol = ProtocolSettings.model_validate(context.parameters["protocol"])
    steps = _production_steps(context, protocol)
    record = run_replica(
        context.input("system"),
        context.scratch,
        context.output,
        protocol,
        replica=context.parameters["replica"],
        seed=context.parameters["seed"],
        production_steps=steps,
        progress=context.progress,
    )
    return {"platform": record.platform.name}


def _production_steps(context: StepContext, protocol: ProtocolSettings) -> int:
    seconds = context.parameters["seconds"]
    if seconds is None:
        return round(float(context.parameters["length_ns"]) * 1e6 / protocol.time_step_fs)
    return steps_within(read_speed(context.input("speed")), float(seconds), protocol)


def read_speed(directory: Path) -> SpeedRecord:
    """The record of a speed artefact."""
    return SpeedRecord.model_validate_json((directory / SPEED_FILE).read_bytes())
