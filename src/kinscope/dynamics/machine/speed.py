"""How fast a system runs here, measured once, so that a budget of time becomes a number of steps."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from kinscope.core.errors import ComputationError, SettingsError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.files.system import load_system
from kinscope.dynamics.machine.devices import choose_platform
from kinscope.dynamics.machine.probe import _TRIAL_STEP_FS, _gromacs_speed, _recorded, _stepped, water_speed
from kinscope.dynamics.platforms import GROMACS, context_for
from kinscope.dynamics.protocol import plan_steps, steps_within
from kinscope.dynamics.records import PlatformChoice, SpeedRecord
from kinscope.dynamics.segments import Point
from kinscope.dynamics.settings import ProtocolSettings

__all__ = ["measure_speed", "plan_steps", "steps_within", "water_speed", "working_platforms"]


def measure_speed(
    directory: Path,
    seconds: float,
    settings: ProtocolSettings | None = None,
    *,
    platform: PlatformChoice | None = None,
) -> SpeedRecord:
    """Step a stored system for about so many seconds of wall time; nothing of it is kept.

    ``seconds``: of stepping; at least two steps are taken. ``platform``: None chooses one, one CPU thread.

    Raises
    ------
    ComputationError
        If the system does not survive the trial.
    """
    from openmm import LangevinMiddleIntegrator, OpenMMException

    protocol = settings or ProtocolSettings()
    choice = platform or choose_platform()
    began = time.monotonic()
    system, positions, box, record = load_system(directory)
    if choice.name == GROMACS:
        return _gromacs_speed(
            system, Point(positions, None, box), record.solute_atoms, seconds, protocol, choice
        )
    integrator = LangevinMiddleIntegrator(
        protocol.temperature_k, protocol.equilibration_friction_per_ps, _TRIAL_STEP_FS * 1e-3
    )
    integrator.setRandomNumberSeed(derive_seed(record.seed, "speed"))
    try:
        context = context_for(system, integrator, choice)
        context.setPeriodicBoxVectors(*box)
        context.setPositions(positions)
        context.applyConstraints(1e-6)
        context.setVelocitiesToTemperature(
            protocol.temperature_k, derive_seed(record.seed, "speed velocities")
        )
        integrator.step(1)
        context.getState(energy=True)
        setup = time.monotonic() - began
        steps, elapsed, used = _stepped(context, seconds)
    except OpenMMException as error:
        raise ComputationError(
            f"The system does not survive its first steps ({error}).",
            where=str(directory),
            remedy="Check the model for overlapping atoms (kinscope models check) and solvate it again.",
        ) from error
    return _recorded(choice, record.atoms, protocol, steps, elapsed, used, setup)


def working_platforms(*, threads: int = 1) -> list[PlatformChoice]:
    """Every platform that ran a trial here, GPUs first, GROMACS where there is one, the CPU last."""
    from openmm import Platform

    from kinscope.dynamics.gromacs.program import find_gromacs

    present = {Platform.getPlatform(index).getName() for index in range(Platform.getNumPlatforms())}
    found = []
    for name in ("CUDA", "HIP", "OpenCL"):
        if name in present:
            with suppress(SettingsError):
                found.append(choose_platform(name))
    gromacs = find_gromacs() if threads == 1 else None
    return [*found, *([gromacs] if gromacs is not None else []), choose_platform("CPU", threads=threads)]
