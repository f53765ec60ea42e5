"""Which OpenMM platform runs the dynamics: always named, tried before it is trusted, chosen by measurement.

A study's driver decides once and tells its workers by the environment variable :data:`PLATFORM_VARIABLE`, so
that every replica of a study runs on the platform, and on the device, that it was given.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from kinscope.core.errors import ComputationError, SettingsError
from kinscope.dynamics.records import PlatformChoice

PLATFORM_VARIABLE = "KINSCOPE_PLATFORM"
"""A :class:`~kinscope.dynamics.records.PlatformChoice` as JSON, or a platform's name."""
GPU_PLATFORMS = ("CUDA", "HIP", "OpenCL")
GROMACS = "GROMACS"
"""In a :class:`~kinscope.dynamics.records.PlatformChoice`: no platform of OpenMM's, an engine beside it."""
_MOST_VARIABLE_CHARACTERS = 2000


def choose_platform(requested: str | None = None, *, threads: int = 1) -> PlatformChoice:
    """The platform that dynamics runs on here: the fastest of those that work, by measurement.

    A GPU platform counts only after a tiny simulation ran on it in a process of its own, because a broken
    driver ends the process that meets it. An OpenCL device that is a processor (PoCL) is passed over: the CPU
    platform is meant for those. Where a GPU platform works, all that work step a small box of water for a
    second each, the CPU counted with all its cores; where none does, nothing is measured.

    Parameters
    ----------
    requested
        A platform's name, or None for what :data:`PLATFORM_VARIABLE` says, else the fastest.
    threads
        Of the CPU platform; 1 where several replicas run at once.

    Raises
    ------
    SettingsError
        If the requested platform is not installed or fails its trial.
    """
    said = os.environ.get(PLATFORM_VARIABLE, "").strip() if requested is None else ""
    if said.startswith("{"):
        return _told(said)
    requested = requested or said or None
    present = installed_platforms()
    if requested is not None and requested not in present:
        raise SettingsError(
            f"OpenMM has no platform {requested[:40]!r} here.",
            where=f"platform ({PLATFORM_VARIABLE})" if said else "platform",
            remedy=f"Choose from: {', '.join(sorted(present))}.",
        )
    if requested in ("CPU", "Reference"):
        return on_processor(requested, threads, "asked for")
    if requested is not None:
        from kinscope.dynamics.devices import devices_of

        found = devices_of(requested)
        if found:
            return found[0].platform.model_copy(update={"reason": "asked for"})
        raise SettingsError(
            f"The platform {requested} is installed but fails a trial simulation.",
            where="platform",
            remedy="Mend the driver, or leave the choice to kinscope.",
        )
    best = _fastest_here()
    return best if best.name in GPU_PLATFORMS else on_processor("CPU", threads, best.reason)


@lru_cache
def _fastest_here() -> PlatformChoice:
    from kinscope.dynamics.devices import fastest_platform

    return fastest_platform()


def installed_platforms() -> tuple[str, ...]:
    """Names of the platforms whose libraries OpenMM could load, whether they work or not."""
    from openmm import Platform

    return tuple(Platform.getPlatform(index).getName() for index in range(Platform.getNumPlatforms()))


def on_processor(name: str, threads: int, reason: str) -> PlatformChoice:
    """The CPU or the Reference platform, as deterministic as it can be."""
    if name == "Reference":
        return PlatformChoice(name=name, properties={}, deterministic=True, reason=reason)
    properties = {"Threads": str(threads), "DeterministicForces": "true"}
    return PlatformChoice(name="CPU", properties=properties, deterministic=threads == 1, reason=reason)


def _told(text: str) -> PlatformChoice:
    try:
        if len(text) > _MOST_VARIABLE_CHARACTERS:
            raise ValueError("longer than a platform's description is")
        return PlatformChoice.model_validate_json(text)
    except ValueError as error:
        raise SettingsError(
            f"The environment variable {PLATFORM_VARIABLE} describes no platform ({type(error).__name__}).",
            where=PLATFORM_VARIABLE,
            remedy="Unset it, or give a platform's name: CUDA, HIP, OpenCL or CPU.",
        ) from None


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
            where=f"platform {choice.name}, device {choice.properties.get('DeviceIndex', 'of its choice')}",
            remedy="Free the device's memory, run fewer replicas at once (dynamics.replicas_per_gpu), or "
            "choose another platform (CPU always works).",
        ) from error
