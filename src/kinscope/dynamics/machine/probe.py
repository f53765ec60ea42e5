"""What a device can do, found out in a process of its own: a broken driver ends the process that meets it.

``python -m kinscope.dynamics.machine.probe devices CUDA`` lists a platform's devices as OpenMM names them,
``trial CHOICE`` runs twenty steps on one, and ``speed CHOICE VOLUME SECONDS`` steps a box of water: it says
``ready`` when it is set up, waits for a line on standard input, so that several begin together, and prints a
:class:`~kinscope.dynamics.records.SpeedRecord`.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.dynamics import box as boxes
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.platforms import GROMACS, context_for
from kinscope.dynamics.records import PlatformChoice, SpeedRecord
from kinscope.dynamics.segments import Point
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
    system, positions, box = _water_box(width, SolvationSettings())
    trial = Trial(system, Point(positions, None, box), 0, (1, 1), began)
    return speed_of(trial, seconds, ProtocolSettings(), platform, ready)


@dataclass(frozen=True)
class Trial:
    """A system whose speed is measured."""

    system: Any
    start: Point
    solute_atoms: int
    seeds: tuple[int, int]
    """Of noise and of velocities."""
    began: float
    """When its setting up began, by the monotonic clock."""


def speed_of(
    trial: Trial,
    seconds: float,
    protocol: ProtocolSettings,
    platform: PlatformChoice,
    ready: Callable[[], None] | None = None,
) -> SpeedRecord:
    """Step a system for about so many seconds, two steps at least; ``ready`` as of :func:`water_speed`."""
    from openmm import LangevinMiddleIntegrator

    if platform.name == GROMACS:
        return _gromacs_speed(trial, seconds, protocol, platform, ready)
    integrator = LangevinMiddleIntegrator(
        protocol.temperature_k, protocol.equilibration_friction_per_ps, _TRIAL_STEP_FS * 1e-3
    )
    noise, velocities = trial.seeds
    integrator.setRandomNumberSeed(noise)
    context = context_for(trial.system, integrator, platform)
    context.setPeriodicBoxVectors(*trial.start.box)
    context.setPositions(trial.start.positions)
    context.applyConstraints(1e-6)
    context.setVelocitiesToTemperature(protocol.temperature_k, velocities)
    integrator.step(1)
    context.getState(energy=True)
    setup = time.monotonic() - trial.began
    if ready is not None:
        ready()
    steps, elapsed, used = _stepped(context, seconds)
    return _recorded(platform, len(trial.start.positions), protocol, (steps, elapsed, used), setup)


def _gromacs_speed(
    trial: Trial,
    seconds: float,
    protocol: ProtocolSettings,
    platform: PlatformChoice,
    ready: Callable[[], None] | None,
) -> SpeedRecord:
    """The same on GROMACS: a short run tells how many steps fit; the second is timed by GROMACS's clock."""
    from kinscope.dynamics.gromacs.engine import GromacsEngine

    began, start = time.monotonic(), trial.start
    with tempfile.TemporaryDirectory(prefix="kinscope-speed-") as folder:
        heavy = np.zeros(trial.solute_atoms, dtype=bool)
        engine = GromacsEngine(trial.system, start.positions, heavy, protocol, platform, Path(folder))
        point = engine.begin(start, 1)
        begun = time.monotonic() - began
        first = engine.pace(point, _FIRST_STEPS, _TRIAL_STEP_FS)
        if ready is not None:
            ready()
        steps = max(_FIRST_STEPS, min(_MOST_STEPS_AT_ONCE, int(_FIRST_STEPS * seconds / first.seconds)))
        timed = engine.pace(point, steps, _TRIAL_STEP_FS)
    # A replica starts GROMACS anew for each stretch of equal conditions.
    setup = begun + (protocol.release_stages + 2) * timed.around_seconds
    stepped = (steps, timed.seconds, timed.processor_seconds)
    return _recorded(platform, len(start.positions), protocol, stepped, setup)


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
    stepped: tuple[int, float, float],
    setup: float,
) -> SpeedRecord:
    steps, elapsed, used = stepped
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


READY = "ready"


def main(arguments: list[str]) -> int:
    """Do what the arguments say and print the answer, one line."""
    task, about, *rest = arguments
    if task == "devices":
        print(json.dumps(_devices(about)))
        return 0
    choice = PlatformChoice.model_validate_json(about)
    if task == "trial":
        _trial(choice)
    else:
        _speed(choice, float(rest[0]), float(rest[1]))
    return 0


def _devices(name: str) -> list[dict[str, str]]:
    """Properties of each device that can compute in mixed precision; older OpenMM cannot be asked."""
    from openmm import Platform

    platform = Platform.getPlatformByName(name)
    if not hasattr(platform, "getDevices"):
        return []
    return [dict(device) for device in platform.getDevices({"Precision": "mixed"})]


def _trial(choice: PlatformChoice) -> None:
    """Eight argon-like particles, twenty steps: enough to compile kernels, or to crash on a broken driver."""
    import openmm

    system, force = openmm.System(), openmm.NonbondedForce()
    for _ in range(8):
        system.addParticle(40.0)
        force.addParticle(0.0, 0.34, 1.0)
    system.addForce(force)
    context = context_for(system, openmm.LangevinMiddleIntegrator(100.0, 1.0, 0.002), choice)
    context.setPositions([openmm.Vec3(0.4 * (i % 2), 0.4 * (i // 2 % 2), 0.4 * (i // 4)) for i in range(8)])
    context.getIntegrator().step(20)
    energy = context.getState(energy=True).getPotentialEnergy()._value
    if energy != energy:
        raise ArithmeticError("the energy of a trial is not a number")
    named = {
        key: context.getPlatform().getPropertyValue(context, key)
        for key in context.getPlatform().getPropertyNames()
        if key in ("DeviceName", "OpenCLPlatformName")
    }
    print(json.dumps(named))


def _speed(choice: PlatformChoice, volume_cubic_nm: float, seconds: float) -> None:

    def ready() -> None:
        print(READY, flush=True)
        sys.stdin.readline()

    print(water_speed(volume_cubic_nm, seconds, choice, ready=ready).model_dump_json())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
