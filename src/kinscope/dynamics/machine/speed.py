"""How fast a system runs here, measured once, so that a budget of time becomes a number of steps."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from kinscope.core.errors import ComputationError, SettingsError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.files.system import load_system
from kinscope.dynamics.machine.devices import choose_platform
from kinscope.dynamics.machine.probe import Trial, speed_of
from kinscope.dynamics.platforms import GPU_PLATFORMS, installed_platforms
from kinscope.dynamics.records import PlatformChoice, SpeedRecord
from kinscope.dynamics.segments import Point
from kinscope.dynamics.settings import ProtocolSettings


def measure_speed(
    directory: Path,
    seconds: float,
    settings: ProtocolSettings | None = None,
    *,
    platform: PlatformChoice | None = None,
) -> SpeedRecord:
    """Step a stored system for about so many seconds of wall time; nothing of it is kept.

    ``seconds``: of stepping; at least two steps are taken. ``platform``: None chooses one, one CPU thread.

    Raises ComputationError if the system does not survive the trial.
    """
    from openmm import OpenMMException

    choice = platform or choose_platform()
    began = time.monotonic()
    system, positions, box, record = load_system(directory)
    seeds = (derive_seed(record.seed, "speed"), derive_seed(record.seed, "speed velocities"))
    trial = Trial(system, Point(positions, None, box), record.solute_atoms, seeds, began)
    try:
        return speed_of(trial, seconds, settings or ProtocolSettings(), choice)
    except OpenMMException as error:
        raise ComputationError(
            f"The system does not survive its first steps ({error}).",
            where=str(directory),
            remedy="Check the model for overlapping atoms (kinscope models check) and solvate it again.",
        ) from error


def working_platforms() -> list[PlatformChoice]:
    """Every platform that ran a trial here, GPUs first, GROMACS where there is one, the CPU last."""
    from kinscope.dynamics.gromacs.program import find_gromacs

    present = installed_platforms()
    found = []
    for name in GPU_PLATFORMS:
        if name in present:
            with suppress(SettingsError):
                found.append(choose_platform(name))
    gromacs = find_gromacs()
    return [*found, *([gromacs] if gromacs is not None else []), choose_platform("CPU")]
