"""How fast a system runs here, measured once, so that a budget of time becomes a number of steps."""

from __future__ import annotations

import time
from pathlib import Path

from kinscope.core.errors import ComputationError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.platforms import choose_platform, context_for
from kinscope.dynamics.protocol import plan_steps, steps_within
from kinscope.dynamics.records import PlatformChoice, SpeedRecord
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.dynamics.storage import load_system

__all__ = ["measure_speed", "plan_steps", "steps_within"]

_MOST_STEPS_AT_ONCE = 1000
_SECONDS_PER_DAY = 86_400
_TRIAL_STEP_FS = 1.0
"""The stored state has met no dynamics of its solute yet; how long a step is does not change its cost."""


def measure_speed(
    directory: Path,
    seconds: float,
    settings: ProtocolSettings | None = None,
    *,
    platform: PlatformChoice | None = None,
) -> SpeedRecord:
    """Step a stored system for about so many seconds of wall time; nothing of it is kept.

    Parameters
    ----------
    directory
        A solvated system.
    seconds
        Of stepping; at least two steps are taken.
    settings
        The protocol whose time step and friction count.
    platform
        None chooses one, one CPU thread.

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
        steps, elapsed, block = 0, 0.0, 2
        began = time.monotonic()
        while elapsed < seconds or not steps:
            integrator.step(block)
            context.getState(positions=False, velocities=True)  # waits until a GPU is done
            steps += block
            elapsed = time.monotonic() - began
            block = max(1, min(_MOST_STEPS_AT_ONCE, int(steps / elapsed * min(1.0, seconds / 4))))
    except OpenMMException as error:
        raise ComputationError(
            f"The system does not survive its first steps ({error}).",
            where=str(directory),
            remedy="Check the model for overlapping atoms (kinscope models check) and solvate it again.",
        ) from error
    rate = steps / elapsed
    return SpeedRecord(
        platform=choice,
        atoms=record.atoms,
        time_step_fs=protocol.time_step_fs,
        steps=steps,
        seconds=elapsed,
        ns_per_day=rate * protocol.time_step_fs * 1e-6 * _SECONDS_PER_DAY,
        steps_per_second=rate,
        setup_seconds=setup,
    )
