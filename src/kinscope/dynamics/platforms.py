"""Which OpenMM platform runs the dynamics: always named, and tried before it is trusted.

A study's driver decides once and tells its workers by the environment variable :data:`PLATFORM_VARIABLE`, so
that every replica of a study runs on the platform, and on the device, that it was given.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.records import PlatformChoice
from kinscope.results.notes import Note, note

PLATFORM_VARIABLE = "KINSCOPE_PLATFORM"
"""A :class:`~kinscope.dynamics.records.PlatformChoice` as JSON, or a platform's name."""
GPU_PLATFORMS = ("CUDA", "HIP", "OpenCL")
"""The first that works is taken: a maker's own platform before the one for everybody."""
GROMACS = "GROMACS"
"""In a :class:`~kinscope.dynamics.records.PlatformChoice`: no platform of OpenMM's, an engine beside it."""
KCAL_PER_KJ = 1 / 4.184
CONSTRAINT_TOLERANCE = 1e-6


def installed_platforms() -> tuple[str, ...]:
    """Names of the platforms whose libraries OpenMM could load, whether they work or not."""
    from openmm import Platform

    return tuple(Platform.getPlatform(index).getName() for index in range(Platform.getNumPlatforms()))


def on_processor(name: str = "CPU", reason: Note | None = None) -> PlatformChoice:
    """The CPU platform on one thread, or the Reference platform: equal input gives equal bits."""
    properties = {} if name == "Reference" else {"Threads": "1", "DeterministicForces": "true"}
    return PlatformChoice(
        name=name, properties=properties, deterministic=True, reason=reason or note("set-up")
    )


def context_for(system: Any, integrator: Any, choice: PlatformChoice) -> Any:
    """An OpenMM Context on the chosen platform.

    The platform's property decides the threads of all forces but PME's reciprocal part, which takes the
    environment variable ``OPENMM_CPU_THREADS``, read when a process makes its first context, or else every
    core; with it the order of summation, and the last bits. So it is set here too; the workers of a study
    have it from their start.

    Raises ComputationError if the platform refuses (no memory on the device, driver gone).
    """
    from openmm import Context, OpenMMException, Platform

    try:
        platform = Platform.getPlatformByName(choice.name)
        if "Threads" in choice.properties:
            os.environ["OPENMM_CPU_THREADS"] = choice.properties["Threads"]
        return Context(system, integrator, platform, dict(choice.properties))
    except OpenMMException as error:
        raise ComputationError(
            f"OpenMM could not set up the system on {choice.name} ({error}).",
            where=f"platform {choice.name}, device {choice.properties.get('DeviceIndex', 'of its choice')}",
            remedy="Free the device's memory, run fewer replicas at once (dynamics.replicas_per_gpu), or "
            "choose another platform (CPU always works).",
        ) from error


def langevin(temperature_k: float, friction_per_ps: float, time_step_ps: float, seed: int) -> Any:
    """OpenMM's LangevinMiddle integrator, its noise by a seed."""
    from openmm import LangevinMiddleIntegrator

    integrator = LangevinMiddleIntegrator(temperature_k, friction_per_ps, time_step_ps)
    integrator.setRandomNumberSeed(seed)
    return integrator


def place(context: Any, positions: FloatArray, box: FloatArray, velocity_seed: int | None = None) -> None:
    """Put a context at positions and box, nm; with a seed, constraints are met and velocities drawn."""
    context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    if velocity_seed is not None:
        context.applyConstraints(CONSTRAINT_TOLERANCE)
        context.setVelocitiesToTemperature(context.getIntegrator().getTemperature(), velocity_seed)


def plain(quantity: Any) -> FloatArray:
    """What a State of OpenMM's tells, as an array in OpenMM's own units: nm, nm/ps."""
    return np.array(quantity._value, dtype=np.float64)


def potential(state: Any) -> float:
    """Potential energy, kcal/mol."""
    return float(state.getPotentialEnergy()._value * KCAL_PER_KJ)
