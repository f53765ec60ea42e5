"""How fast a system runs here, measured once, so that a budget of time becomes a number of steps."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError, SettingsError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics import box as boxes
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.platforms import GROMACS, choose_platform, context_for
from kinscope.dynamics.protocol import plan_steps, steps_within
from kinscope.dynamics.records import PlatformChoice, SpeedRecord
from kinscope.dynamics.segments import Point
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.storage import load_system

__all__ = ["measure_speed", "plan_steps", "steps_within", "water_speed", "working_platforms"]

_MOST_STEPS_AT_ONCE = 1000
_FIRST_STEPS = 20
_SECONDS_PER_DAY = 86_400
_TIP3P = ((15.99943, -0.834, 0.315075, 0.635968), (1.007947, 0.417, 1.0, 0.0), (1.007947, 0.417, 1.0, 0.0))
"""Mass (amu), charge (e), sigma (nm), epsilon (kJ/mol); Jorgensen et al., J. Chem. Phys. 1983, 79, 926."""
_TIP3P_RIGID = ((0, 1, 0.09572), (0, 2, 0.09572), (1, 2, 0.15139))
"""Pairs of a molecule and their distance, nm."""
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


def water_speed(
    volume_cubic_nm: float,
    seconds: float,
    platform: PlatformChoice,
    settings: ProtocolSettings | None = None,
    solvation: SolvationSettings | None = None,
    *,
    ready: Callable[[], None] | None = None,
) -> SpeedRecord:
    """Step a box of water in place of a system of the same size, which is built in a second.

    Water is nine tenths of a solvated kinase and costs what the rest costs, atom by atom: PME, Lennard-Jones
    and constraints. The box is the same dodecahedron.

    Parameters
    ----------
    volume_cubic_nm
        Of the box; a kinase domain's is near 380.
    seconds
        Of stepping; at least two steps are taken.
    platform
        Where it runs.
    settings, solvation
        Time step and friction; cutoff and tolerance of PME.
    ready
        Called when everything is set up, before the steps that are timed.
    """
    from openmm import LangevinMiddleIntegrator

    protocol = settings or ProtocolSettings()
    began = time.monotonic()
    width = (volume_cubic_nm * math.sqrt(2.0)) ** (1 / 3)
    system, positions, box = _water_box(width, solvation or SolvationSettings())
    if platform.name == GROMACS:
        return _gromacs_speed(system, Point(positions, None, box), 0, seconds, protocol, platform, ready)
    integrator = LangevinMiddleIntegrator(
        protocol.temperature_k, protocol.equilibration_friction_per_ps, _TRIAL_STEP_FS * 1e-3
    )
    integrator.setRandomNumberSeed(1)
    context = context_for(system, integrator, platform)
    context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    context.setVelocitiesToTemperature(protocol.temperature_k, 1)
    integrator.step(1)
    context.getState(energy=True)
    setup = time.monotonic() - began
    if ready is not None:
        ready()
    steps, elapsed, used = _stepped(context, seconds)
    return _recorded(platform, len(positions), protocol, steps, elapsed, used, setup)


def _gromacs_speed(
    system: Any,
    start: Point,
    solute_atoms: int,
    seconds: float,
    protocol: ProtocolSettings,
    platform: PlatformChoice,
    ready: Callable[[], None] | None = None,
) -> SpeedRecord:
    """The same on GROMACS: a short run tells how many steps fit; the second is timed by GROMACS's clock."""
    from kinscope.dynamics.gromacs import GromacsEngine

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kinscope-speed-") as folder:
        heavy = np.zeros(solute_atoms, dtype=bool)
        engine = GromacsEngine(system, start.positions, heavy, protocol, platform, Path(folder))
        point = engine.begin(start, 1)
        begun = time.monotonic() - began
        first = engine.pace(point, _FIRST_STEPS, _TRIAL_STEP_FS)
        if ready is not None:
            ready()
        steps = max(_FIRST_STEPS, min(_MOST_STEPS_AT_ONCE, int(_FIRST_STEPS * seconds / first.seconds)))
        timed = engine.pace(point, steps, _TRIAL_STEP_FS)
    # A replica starts GROMACS anew for each stretch of equal conditions.
    setup = begun + (protocol.release_stages + 2) * timed.around_seconds
    return _recorded(
        platform, len(start.positions), protocol, steps, timed.seconds, timed.processor_seconds, setup
    )


def working_platforms(*, threads: int = 1) -> list[PlatformChoice]:
    """Every platform that ran a trial here, GPUs first, GROMACS where there is one, the CPU last."""
    from openmm import Platform

    from kinscope.dynamics.gromacs_program import find_gromacs

    present = {Platform.getPlatform(index).getName() for index in range(Platform.getNumPlatforms())}
    found = []
    for name in ("CUDA", "HIP", "OpenCL"):
        if name in present:
            with suppress(SettingsError):
                found.append(choose_platform(name))
    gromacs = find_gromacs() if threads == 1 else None
    return [*found, *([gromacs] if gromacs is not None else []), choose_platform("CPU", threads=threads)]


def _stepped(context: Any, seconds: float) -> tuple[int, float, float]:
    """Steps taken in about so many seconds, two at least; the seconds by the clock and of processor time."""
    steps, elapsed, block = 0, 0.0, 2
    began, used = time.monotonic(), time.process_time()
    while elapsed < seconds or not steps:
        context.getIntegrator().step(block)
        context.getState(positions=False, velocities=True)  # waits until a GPU is done
        steps += block
        elapsed = time.monotonic() - began
        block = max(1, min(_MOST_STEPS_AT_ONCE, int(steps / elapsed * min(1.0, seconds / 4))))
    return steps, elapsed, time.process_time() - used


def _recorded(
    choice: PlatformChoice,
    atoms: int,
    protocol: ProtocolSettings,
    steps: int,
    elapsed: float,
    used: float,
    setup: float,
) -> SpeedRecord:
    rate = steps / elapsed
    return SpeedRecord(
        platform=choice,
        atoms=atoms,
        time_step_fs=protocol.time_step_fs,
        steps=steps,
        seconds=elapsed,
        ns_per_day=rate * protocol.time_step_fs * 1e-6 * _SECONDS_PER_DAY,
        steps_per_second=rate,
        setup_seconds=setup,
        processor_seconds=used,
    )


def _water_box(width: float, settings: SolvationSettings) -> tuple[Any, FloatArray, FloatArray]:
    """System, positions (n, 3) nm and box of a dodecahedron of rigid TIP3P water."""
    import openmm

    one = np.full((1, 3), width / 2)  # a particle in the middle, about which the box is filled
    filled = boxes.fill(one, np.array([False]), width)
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*filled.box)
    force = openmm.NonbondedForce()
    force.setNonbondedMethod(openmm.NonbondedForce.PME)
    force.setCutoffDistance(settings.cutoff_nm)
    force.setEwaldErrorTolerance(settings.ewald_tolerance)
    for molecule in range(len(filled.waters)):
        first = 3 * molecule
        for mass, charge, sigma, epsilon in _TIP3P:
            system.addParticle(mass)
            force.addParticle(charge, sigma, epsilon)
        for one_atom, other, length in _TIP3P_RIGID:
            system.addConstraint(first + one_atom, first + other, length)
            force.addException(first + one_atom, first + other, 0.0, 0.1, 0.0)
    system.addForce(force)
    return system, filled.waters.reshape(-1, 3), filled.box
