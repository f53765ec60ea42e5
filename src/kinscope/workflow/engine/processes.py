"""Workers on this machine: a process per step, as many at once as there are cores and device slots."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, cast

from kinscope.dynamics.machine.devices import Device, least_used
from kinscope.dynamics.platforms import PLATFORM_VARIABLE
from kinscope.workflow.engine.step import Step

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENMM_CPU_THREADS"), "1"
)
WORKER = "kinscope.workflow.engine.worker"


class Nursery:
    """A process that forks a worker for each step it is given, one after the other.

    What every worker loads is loaded once, yet each has its own memory and its own faults. It ends with this
    process; what runs in it is then sent the signal ``ending``.
    """

    def __init__(self, ending: int = signal.SIGKILL) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", WORKER, "--serve", str(os.getpid()), str(int(ending))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=os.environ | ONE_THREAD,
            start_new_session=True,
        )
        self._told, self._says = cast(IO[bytes], self._popen.stdin), cast(IO[bytes], self._popen.stdout)
        self.end = weakref.finalize(self, _end, self._popen)
        """Kill it and all below it."""

    def fileno(self) -> int:
        """Of what becomes readable when the worker ends."""
        return self._says.fileno()

    def begin(self, work: Path, variables: Mapping[str, str] | None = None) -> None:
        """Start a worker on a work directory. Raises OSError if this process has ended."""
        self._told.write(f"{json.dumps([str(work.resolve()), variables or {}])}\n".encode())

    def ended(self, seconds: float | None = 0.0) -> int | None:
        """The worker's exit code, or its signal's below zero; None if it still runs after so long."""
        if not wait([self.fileno()], seconds):
            return None
        code = self._says.readline()
        return int(code) if code else self._popen.wait()

    def tell(self, number: int) -> None:
        """Send the worker a signal."""
        self._popen.send_signal(number)


def _end(popen: subprocess.Popen[bytes]) -> None:
    if popen.poll() is None:
        os.killpg(popen.pid, signal.SIGKILL)
    popen.communicate()


class Processes:
    """Steps on cores and devices here.

    ``cores``: how many steps without a device run at once. ``devices``: where steps that ask for a GPU run;
    without any they take a core. ``per_device``: how many such steps run at once on each device.
    """

    queued = 0

    def __init__(self, cores: int = 2, devices: Sequence[Device] = (), per_device: int = 1) -> None:
        self.devices = tuple(devices)
        self.per_device = max(1, per_device)
        self.capacity: Mapping[str, int] = {"cpu": max(1, cores), "gpu": len(self.devices) * self.per_device}
        self.gpus: Mapping[str, float] = {"gpu": 1 / self.per_device}
        self._running: dict[str, tuple[Nursery, Device | None]] = {}
        self._idle: list[Nursery] = []

    def submit(self, step: Step, work: Path) -> None:
        """Start a worker, on the device that is used least if it asks for one."""
        device = None
        if step.resource == "gpu" and self.devices:
            used = [one.key for _, one in self._running.values() if one is not None]
            device = least_used(self.devices, used, self.per_device)
        # A step on a core may settle water in passing: told the first device, it need not look for one.
        told = device or next(iter(self.devices), None)
        names = {PLATFORM_VARIABLE: told.platform.model_dump_json()} if told is not None else {}
        self._running[step.key] = begin_in(self._idle, work, names), device

    def poll(self, seconds: float) -> list[tuple[str, int]]:
        """What ended, as soon as something does."""
        wait([nursery.fileno() for nursery, _ in self._running.values()], seconds)
        ended = []
        for key, (nursery, _) in list(self._running.items()):
            if (code := nursery.ended()) is not None:
                del self._running[key]
                self._idle.append(nursery)
                ended.append((key, code))
        return ended

    def cancel(self) -> None:
        """Kill every worker."""
        for nursery in [*self._idle, *(nursery for nursery, _ in self._running.values())]:
            nursery.end()
        self._running.clear()
        self._idle.clear()


def begin_in(
    idle: list[Nursery], work: Path, variables: Mapping[str, str] | None = None, ending: int = signal.SIGKILL
) -> Nursery:
    """Start a worker in an idle nursery that lives, else in a new one."""
    while idle:
        with suppress(OSError):
            nursery = idle.pop()
            nursery.begin(work, variables)
            return nursery
    nursery = Nursery(ending)
    nursery.begin(work, variables)
    return nursery
