"""Which OpenMM platform runs the dynamics: always named, and tried before it is trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from typing import Any

from kinscope.core.errors import ComputationError, SettingsError
from kinscope.dynamics.records import PlatformChoice

_ORDER = ("CUDA", "HIP", "OpenCL")
_TRIAL_SECONDS = 120
# Eight argon-like particles for twenty steps: enough to compile kernels and to crash on a broken driver.
_TRIAL = """
import sys
import openmm
system = openmm.System()
force = openmm.NonbondedForce()
for i in range(8):
    system.addParticle(40.0)
    force.addParticle(0.0, 0.34, 1.0)
system.addForce(force)
integrator = openmm.LangevinMiddleIntegrator(100.0, 1.0, 0.002)
platform = openmm.Platform.getPlatformByName(sys.argv[1])
context = openmm.Context(system, integrator, platform, {"Precision": "mixed"})
context.setPositions([openmm.Vec3(0.4 * (i % 2), 0.4 * (i // 2 % 2), 0.4 * (i // 4)) for i in range(8)])
integrator.step(20)
energy = context.getState(energy=True).getPotentialEnergy()._value
assert energy == energy
"""


def choose_platform(requested: str | None = None, *, threads: int = 1) -> PlatformChoice:
    """The best platform that really works here: CUDA, HIP, OpenCL, then CPU.

    A GPU platform is taken only after a tiny simulation ran on it in a process of its own, because a
    broken driver ends the process that meets it. An OpenCL device that is a CPU (PoCL) is passed over:
    it is slower than the CPU platform.

    Parameters
    ----------
    requested
        A platform's name, or None for the best.
    threads
        Of the CPU platform; 1 where several replicas run at once.

    Raises
    ------
    SettingsError
        If the requested platform is not installed or fails its trial.
    """
    from openmm import Platform

    present = {Platform.getPlatform(index).getName() for index in range(Platform.getNumPlatforms())}
    if requested is not None and requested not in present:
        raise SettingsError(
            f"OpenMM has no platform {requested!r} here.",
            where="platform",
            remedy=f"Choose from: {', '.join(sorted(present))}.",
        )
    if requested in ("CPU", "Reference"):
        return _on_processor(requested, threads, "asked for")
    for name in (requested,) if requested else _ORDER:
        if name in present and _works(name):
            properties = {"Precision": "mixed"}
            reason = "asked for" if requested else "the fastest that ran a trial"
            return PlatformChoice(name=name, properties=properties, deterministic=False, reason=reason)
    if requested is not None:
        raise SettingsError(
            f"The platform {requested} is installed but fails a trial simulation.",
            where="platform",
            remedy="Mend the driver, or leave the choice to kinscope.",
        )
    return _on_processor("CPU", threads, "no working GPU was found")


def _on_processor(name: str, threads: int, reason: str) -> PlatformChoice:
    if name == "Reference":
        return PlatformChoice(name=name, properties={}, deterministic=True, reason=reason)
    properties = {"Threads": str(threads), "DeterministicForces": "true"}
    return PlatformChoice(name="CPU", properties=properties, deterministic=threads == 1, reason=reason)


@lru_cache
def _works(name: str) -> bool:
    if name == "OpenCL" and not _opencl_has_gpu():
        return False
    try:
        command = [sys.executable, "-c", _TRIAL, name]
        return (
            subprocess.run(command, capture_output=True, timeout=_TRIAL_SECONDS, check=False).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _opencl_has_gpu() -> bool:
    """Whether an OpenCL device other than a processor exists, as its name in OpenMM tells."""
    script = (
        "import openmm\n"
        "p = openmm.Platform.getPlatformByName('OpenCL')\n"
        "s = openmm.System(); s.addParticle(1.0)\n"
        "c = openmm.Context(s, openmm.VerletIntegrator(0.001), p)\n"
        "print(p.getPropertyValue(c, 'DeviceName'), p.getPropertyValue(c, 'OpenCLPlatformName'))\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    words = done.stdout.lower()
    return done.returncode == 0 and not any(
        word in words for word in ("pthread", "portable computing", "cpu-")
    )


def context_for(system: Any, integrator: Any, choice: PlatformChoice) -> Any:
    """An OpenMM Context on the chosen platform.

    The platform's property decides the threads of all forces but PME's reciprocal part, which takes the
    environment variable ``OPENMM_CPU_THREADS``, read when a process makes its first context, or else every
    core; with it the order of summation, and the last bits. So it is set here too; the workers of a study
    have it from their start.

    Raises
    ------
    ComputationError
        If the platform refuses (no memory on the device, driver gone).
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
            where=f"platform {choice.name}",
            remedy="Free the device's memory or choose another platform (CPU always works).",
        ) from error
