"""What asks this machine about its devices: each question in a process of its own.

A broken driver ends the process that meets it, and a context left open keeps memory of its device; neither
may happen to whoever runs a study. The other side is :mod:`kinscope.dynamics.machine.probe`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from kinscope.dynamics.machine.probe import READY
from kinscope.dynamics.platforms import installed_platforms
from kinscope.dynamics.records import PlatformChoice, SpeedRecord

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
        started = [
            _start("speed", choice.model_dump_json(), str(volume_cubic_nm), str(seconds))
            for choice in choices
        ]
        try:
            for process in started:
                if not _is_ready(process):
                    return ()
            for process in started:
                if process.stdin is not None:
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
    if process.stdout is None:
        return False
    until = time.monotonic() + _SPEED_ALLOWANCE_SECONDS
    timer = threading.Timer(_SPEED_ALLOWANCE_SECONDS, process.kill)
    timer.start()
    try:
        return any(line.strip() == READY for line in process.stdout) and time.monotonic() < until
    finally:
        timer.cancel()


def _last_line(text: str) -> str:
    """What the probe answered; a driver's warnings on standard output stand before it."""
    return (text.strip().splitlines() or [""])[-1]


def _ask(*arguments: str) -> object:
    """What the probe answers, or None if it failed."""
    process = _start(*arguments)
    try:
        text, _ = process.communicate(timeout=_TRIAL_SECONDS)
        return json.loads(_last_line(text)) if process.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        process.kill()
        process.communicate()
        return None
