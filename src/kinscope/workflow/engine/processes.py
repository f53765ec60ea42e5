"""Workers on this machine: a process per step, as many at once as there are cores and device slots."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kinscope.dynamics.machine.devices import Device, least_used
from kinscope.dynamics.platforms import PLATFORM_VARIABLE
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.worker import LOG_FILE

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENMM_CPU_THREADS"), "1"
)
WORKER = "kinscope.workflow.engine.worker"


@dataclass(frozen=True)
class _Process:
    popen: subprocess.Popen[bytes]
    device: Device | None
    """Where it runs, if it holds a slot of a device."""
    end: int | None
    """Descriptor that becomes readable when it ends, where the system has such."""


class Processes:
    """Steps on cores and devices here.

    ``cores``: how many steps without a device run at once. ``devices``: where steps that ask for a GPU run;
    without any they take a core. ``per_device``: how many such steps run at once on each device.
    """

    def __init__(self, cores: int = 2, devices: Sequence[Device] = (), per_device: int = 1) -> None:
        self.devices = tuple(devices)
        self.per_device = max(1, per_device)
        self.capacity: Mapping[str, int] = {"cpu": max(1, cores), "gpu": len(self.devices) * self.per_device}
        self._running: dict[str, _Process] = {}
        self._ends = selectors.DefaultSelector()

    def submit(self, step: Step, work: Path) -> None:
        """Start a worker, on the device that is used least if it asks for one."""
        device = None
        if step.resource == "gpu" and self.devices:
            used = [one.device.key for one in self._running.values() if one.device is not None]
            device = least_used(self.devices, used, self.per_device)
        # A step on a core may settle water in passing: told the first device, it need not look for one.
        told = device or next(iter(self.devices), None)
        names = {PLATFORM_VARIABLE: told.platform.model_dump_json()} if told is not None else {}
        with (work / LOG_FILE).open("ab") as log:
            popen = subprocess.Popen(
                [sys.executable, "-m", WORKER, str(work.resolve()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | ONE_THREAD | names,
                cwd=work,
                start_new_session=True,
            )
        end = None
        with suppress(OSError, AttributeError):  # elsewhere than on Linux
            end = os.pidfd_open(popen.pid)
            self._ends.register(end, selectors.EVENT_READ)
        self._running[step.key] = _Process(popen, device, end)

    def poll(self, seconds: float) -> list[tuple[str, int]]:
        """What ended, as soon as something does."""
        if self._ends.get_map():
            self._ends.select(seconds)
        else:
            time.sleep(seconds)
        ended = []
        for key, process in list(self._running.items()):
            code = process.popen.poll()
            if code is not None:
                self._forget(key)
                ended.append((key, code))
        return ended

    def cancel(self) -> None:
        """Kill every worker."""
        for key, process in list(self._running.items()):
            with suppress(ProcessLookupError):
                os.killpg(process.popen.pid, signal.SIGKILL)
            process.popen.wait()
            self._forget(key)

    def _forget(self, key: str) -> None:
        process = self._running.pop(key)
        if process.end is not None:
            self._ends.unregister(process.end)
            os.close(process.end)
