"""What a device can do, found out in a process of its own: a broken driver ends the process that meets it.

``python -m kinscope.dynamics.probe devices CUDA`` lists a platform's devices as OpenMM names them, ``trial
CHOICE`` runs twenty steps on one, and ``speed CHOICE VOLUME SECONDS`` steps a box of water: it says ``ready``
when it is set up, waits for a line on standard input, so that several begin together, and prints a
:class:`~kinscope.dynamics.records.SpeedRecord`.
"""

from __future__ import annotations

import json
import sys

from kinscope.dynamics.records import PlatformChoice

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

    from kinscope.dynamics.platforms import context_for

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
    from kinscope.dynamics.speed import water_speed

    def ready() -> None:
        print(READY, flush=True)
        sys.stdin.readline()

    print(water_speed(volume_cubic_nm, seconds, choice, ready=ready).model_dump_json())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
