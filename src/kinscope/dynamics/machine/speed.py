"""How fast a system, or a box of water in its place, runs here; so a budget of time becomes steps."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics import box as boxes
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.files.checkpoints import Point
from kinscope.dynamics.files.system import load_system
from kinscope.dynamics.platforms import GROMACS, context_for, langevin, place
from kinscope.dynamics.records import PlatformChoice, SpeedRecord
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings

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
    directory: Path, seconds: float, protocol: ProtocolSettings, platform: PlatformChoice
) -> SpeedRecord:
    """Step a stored system for about so many seconds of wall time; nothing of it is kept.

    ``seconds``: of stepping; at least two steps are taken.

    Raises ComputationError if the system does not survive the trial.
    """
    from openmm import OpenMMException

    began = time.monotonic()
    system, positions, box, record = load_system(directory)
    seeds = (derive_seed(record.seed, "speed"), derive_seed(record.seed, "speed velocities"))
    trial = _Trial(system, Point(positions, None, box), record.solute_atoms, seeds, seconds, began)
    try:
        return _speed_of(trial, protocol, platform)
    except OpenMMException as error:
        raise ComputationError(
            f"The system does not survive its first steps ({error}).",
            where=str(directory),
            remedy="Check the model for overlapping atoms (kinscope models check) and solvate it again.",
        ) from error


def water_speed(
    volume_cubic_nm: float,
    seconds: float,
    platform: PlatformChoice,
    *,
    ready: Callable[[], None] | None = None,
) -> SpeedRecord:
    """Step a box of water in place of a system of the same size, which is built in a second.

    Water is nine tenths of a solvated kinase and costs what the rest costs, atom by atom: PME, Lennard-Jones
    and constraints. The box is the same dodecahedron.

    ``volume_cubic_nm``: of the box; a kinase domain's is near 380. ``seconds``: of stepping; at least two
    steps are taken. ``ready``: called when everything is set up, before the steps that are timed.
    """
    began = time.monotonic()
    width = (volume_cubic_nm * math.sqrt(2.0)) ** (1 / 3)
    system, positions, box = _water_box(width)
    trial = _Trial(system, Point(positions, None, box), 0, (1, 1), seconds, began, ready)
    return _speed_of(trial, ProtocolSettings(), platform)


@dataclass(frozen=True)
class _Trial:
    """A system whose speed is measured."""

    system: Any
    start: Point
    solute_atoms: int
    seeds: tuple[int, int]
    """Of noise and of velocities."""
    seconds: float
    """Of stepping, about."""
    began: float
    """When its setting up began, by the monotonic clock."""
    ready: Callable[[], None] | None = None


_Timed = tuple[float, int, float, float]
"""Seconds until it was set up; steps; what they took by the clock and of processor time, seconds."""


def _speed_of(trial: _Trial, protocol: ProtocolSettings, platform: PlatformChoice) -> SpeedRecord:
    stepped = _on_gromacs if platform.name == GROMACS else _on_openmm
    setup, steps, seconds, used = stepped(trial, protocol, platform)
    return SpeedRecord(
        platform=platform,
        atoms=len(trial.start.positions),
        time_step_fs=protocol.time_step_fs,
        steps=steps,
        seconds=seconds,
        ns_per_day=steps / seconds * protocol.time_step_fs * 1e-6 * _SECONDS_PER_DAY,
        steps_per_second=steps / seconds,
        setup_seconds=setup,
        processor_seconds=used,
    )


def _on_openmm(trial: _Trial, protocol: ProtocolSettings, platform: PlatformChoice) -> _Timed:
    friction, (noise, velocities) = protocol.equilibration_friction_per_ps, trial.seeds
    integrator = langevin(protocol.temperature_k, friction, _TRIAL_STEP_FS * 1e-3, noise)
    context = context_for(trial.system, integrator, platform)
    place(context, trial.start.positions, trial.start.box, velocities)
    integrator.step(1)
    context.getState(energy=True)
    setup = time.monotonic() - trial.began
    if trial.ready is not None:
        trial.ready()
    steps, elapsed, block = 0, 0.0, 2
    began, used = time.monotonic(), time.process_time()
    while elapsed < trial.seconds or not steps:
        integrator.step(block)
        context.getState(velocities=True)  # waits until a GPU is done
        steps += block
        elapsed = time.monotonic() - began
        block = max(1, min(_MOST_STEPS_AT_ONCE, int(steps / elapsed * min(1.0, trial.seconds / 4))))
    return setup, steps, elapsed, time.process_time() - used


def _on_gromacs(trial: _Trial, protocol: ProtocolSettings, platform: PlatformChoice) -> _Timed:
    """A short run tells how many steps fit; the second is timed by GROMACS's clock."""
    from kinscope.dynamics.gromacs.engine import GromacsEngine

    began, start = time.monotonic(), trial.start
    with tempfile.TemporaryDirectory(prefix="kinscope-speed-") as folder:
        heavy = np.zeros(trial.solute_atoms, dtype=bool)
        engine = GromacsEngine(trial.system, start.positions, heavy, protocol, platform, Path(folder))
        point = engine.begin(start, 1)
        begun = time.monotonic() - began
        first = engine.pace(point, _FIRST_STEPS, _TRIAL_STEP_FS)
        if trial.ready is not None:
            trial.ready()
        fitting = int(_FIRST_STEPS * trial.seconds / first.seconds)
        steps = max(_FIRST_STEPS, min(_MOST_STEPS_AT_ONCE, fitting))
        timed = engine.pace(point, steps, _TRIAL_STEP_FS)
    # A replica starts GROMACS anew for each stretch of equal conditions.
    setup = begun + (protocol.release_stages + 2) * timed.around_seconds
    return setup, steps, timed.seconds, timed.processor_seconds


def _water_box(width: float) -> tuple[Any, FloatArray, FloatArray]:
    """System, positions (n, 3) nm and box of a dodecahedron of rigid TIP3P water."""
    import openmm

    settings, one = SolvationSettings(), np.full((1, 3), width / 2)  # about which the box is filled
    filled = boxes.fill(one, np.array([False]), width)
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*filled.box)
    force = openmm.NonbondedForce()
    force.setNonbondedMethod(openmm.NonbondedForce.PME)
    force.setCutoffDistance(settings.cutoff_nm)
    force.setEwaldErrorTolerance(settings.ewald_tolerance)
    for first in range(0, 3 * len(filled.waters), 3):
        for mass, charge, sigma, epsilon in _TIP3P:
            system.addParticle(mass)
            force.addParticle(charge, sigma, epsilon)
        for one_atom, other, length in _TIP3P_RIGID:
            system.addConstraint(first + one_atom, first + other, length)
            force.addException(first + one_atom, first + other, 0.0, 0.1, 0.0)
    system.addForce(force)
    return system, filled.waters.reshape(-1, 3), filled.box
