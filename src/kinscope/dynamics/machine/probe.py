"""What a device can do, found out in a process of its own.

A broken driver ends the process that meets it, and a context left open keeps memory of its device; neither
may happen to whoever runs a study. :class:`Prober` asks; ``python -m kinscope.dynamics.machine.probe``
answers with one line of JSON. ``devices CUDA`` lists a platform's devices as OpenMM names them, ``trial
CHOICE`` runs twenty steps on one, ``speed CHOICE VOLUME SECONDS`` steps a box of water: it says ``ready``
when it is set up and waits for a line on standard input, so that several begin together.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from kinscope.dynamics.machine.speed import water_speed
from kinscope.dynamics.platforms import context_for, installed_platforms
from kinscope.dynamics.records import PlatformChoice, SpeedRecord

_READY = "ready"
_TRIAL_SECONDS = 120
_SPEED_ALLOWANCE_SECONDS = 180


class Prober:
    """Asks this machine, each question in a process of its own."""

    def installed(self) -> tuple[str, ...]:
        """Platforms that OpenMM loaded."""
        return installed_platforms()

    def listed(self, name: str) -> tuple[dict[str, str], ...]:
        """Properties of a platform's devices; empty where OpenMM cannot say."""
        done = _ask("devices", name)
        return tuple(done) if isinstance(done, list) else ()

    def runs(self, choice: PlatformChoice) -> dict[str, str] | None:
        """Names of the device if a trial ran on it, else None."""
        done = _ask("trial", choice.model_dump_json())
        return done if isinstance(done, dict) else None

    def speeds(
        self, choices: Sequence[PlatformChoice], volume_cubic_nm: float, seconds: float
    ) -> tuple[SpeedRecord, ...]:
        """Speed of a box of water on each, all at the same time; empty if one failed.

        All are set up before the first begins to step.
        """
        about = (str(volume_cubic_nm), str(seconds))
        started = [_start("speed", choice.model_dump_json(), *about) for choice in choices]
        try:
            if not all(_is_ready(process) for process in started):
                return ()
            for process in started:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            limit = _SPEED_ALLOWANCE_SECONDS + 10 * seconds
            texts = [process.communicate(timeout=limit)[0] for process in started]
            return tuple(SpeedRecord.model_validate_json(_last_line(text)) for text in texts)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return ()
        finally:
            for process in started:
                with suppress(OSError):
                    process.kill()
                process.communicate()


def _start(*arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENMM_CPU_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-m", "kinscope.dynamics.machine.probe", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def _is_ready(process: subprocess.Popen[str]) -> bool:
    """Wait until a process says that it is set up; drivers may print before it does."""
    assert process.stdout is not None
    timer = threading.Timer(_SPEED_ALLOWANCE_SECONDS, process.kill)
    timer.start()
    try:
        return any(line.strip() == _READY for line in process.stdout)
    finally:
        timer.cancel()


def _last_line(text: str) -> str:
    """What was answered; a driver's warnings on standard output stand before it."""
    return (text.strip().splitlines() or [""])[-1]


def _ask(*arguments: str) -> object:
    process = _start(*arguments)
    try:
        text, _ = process.communicate(timeout=_TRIAL_SECONDS)
        return json.loads(_last_line(text)) if process.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        process.kill()
        process.communicate()
        return None


def main(arguments: list[str]) -> int:
    """Do what the arguments say and print the answer, one line."""
    task, about, *rest = arguments
    if task == "devices":
        print(json.dumps(_devices(about)))
        return 0
    choice = PlatformChoice.model_validate_json(about)
    if task == "trial":
        print(json.dumps(_trial(choice)))
    else:
        volume_cubic_nm, seconds = map(float, rest)
        print(water_speed(volume_cubic_nm, seconds, choice, ready=_wait).model_dump_json())
    return 0


def _devices(name: str) -> list[dict[str, str]]:
    """Properties of each device that can compute in mixed precision; older OpenMM cannot be asked."""
    from openmm import Platform

    platform = Platform.getPlatformByName(name)
    if not hasattr(platform, "getDevices"):
        return []
    return [dict(device) for device in platform.getDevices({"Precision": "mixed"})]


def _trial(choice: PlatformChoice) -> dict[str, str]:
    """Names of the device that ran twenty steps of eight argon-like particles.

    That is enough to compile kernels, or to crash on a broken driver.
    """
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
    platform, told = context.getPlatform(), ("DeviceName", "OpenCLPlatformName")
    kept = (key for key in platform.getPropertyNames() if key in told)
    return {key: platform.getPropertyValue(context, key) for key in kept}


def _wait() -> None:
    print(_READY, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
