"""The program ``gmx``: finding one that can be used, running it, and understanding why it failed."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import resource
import shutil
import signal
import subprocess
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path

from kinscope.core.errors import ComputationError, SettingsError
from kinscope.dynamics.platforms import GROMACS
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.segments import BlowUpError
from kinscope.results.notes import note

EXECUTABLE_VARIABLE = "KINSCOPE_GMX"
"""Where ``gmx`` is, if not on the PATH."""
_PR_SET_PDEATHSIG = 1
_ANSWER_SECONDS = 30
_LEAST_VERSION = 2021
_UNSTABLE = re.compile(
    r"LINCS WARNING|can not be settled|not finite|is nan|largest distance between excluded|"
    r"too many constraint|simulation is unstable|exploding",
    re.IGNORECASE,
)
_FULL_DISK = re.compile(r"no space left|disk quota|disk full|out of disk", re.IGNORECASE)


@lru_cache
def find_gromacs() -> PlatformChoice | None:
    """The GROMACS of this machine, or None where there is none that can be used.

    ``gmx`` of the PATH, or what :data:`EXECUTABLE_VARIABLE` names; 2021 or newer, with threads of its own
    (not an MPI build), in single ("mixed") or double precision.
    """
    named = os.environ.get(EXECUTABLE_VARIABLE, "").strip() or "gmx"
    executable = shutil.which(named)
    if executable is None:
        return None
    try:
        done = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    said = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    version = said.get("GROMACS version", "").strip()
    year = re.match(r"\d{4}", version)
    if year is None or int(year.group()) < _LEAST_VERSION or "thread_mpi" not in said.get("MPI library", ""):
        return None
    simd, precision = (said.get(name, "").strip()[:40] for name in ("SIMD instructions", "Precision"))
    properties = {"Executable": executable, "Version": version[:40], "SIMD": simd, "Precision": precision}
    how = note("gromacs-build", simd=simd, precision=precision)
    return PlatformChoice(name=GROMACS, properties=properties, deterministic=True, reason=how)


def gromacs_platform() -> PlatformChoice:
    """The GROMACS of this machine.

    Raises SettingsError if there is none.
    """
    found = find_gromacs()
    if found is None:
        raise SettingsError(
            "GROMACS was asked for, but there is no usable `gmx` here (2021 or newer, not an MPI build).",
            where="dynamics.engine",
            remedy=f"Install GROMACS, or name its gmx in {EXECUTABLE_VARIABLE}; or take --engine openmm.",
        )
    return found


def run_gmx(platform: PlatformChoice, folder: Path, *arguments: str, said: str = "") -> None:
    """Run one of GROMACS's programs in a folder, on one thread; it ends with this process.

    Raises BlowUpError if it stopped because the system is unstable; OSError if the disk is full;
    ComputationError if it failed otherwise.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GMX_MAXBACKUP": "-1", "GMX_SUPPRESS_DUMP": "1"}
    done = subprocess.run(
        [platform.properties["Executable"], "-nocopyright", "-quiet", *arguments],
        cwd=folder,
        input=said,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        check=False,
        preexec_fn=partial(_die_with, os.getpid()),
    )
    if done.returncode != 0:
        raise failure(arguments[0], done.stderr)


def failure(program: str, text: str) -> Exception:
    """What a failed run of GROMACS means: a full disk, dynamics gone astray, or something else."""
    if _FULL_DISK.search(text):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if program == "mdrun" and _UNSTABLE.search(text):
        return BlowUpError("GROMACS found the system unstable")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = next(
        (place for place, line in enumerate(lines) if "error" in line.lower()), max(0, len(lines) - 6)
    )
    return ComputationError(
        f"GROMACS ({program}) failed: {' '.join(lines[fatal : fatal + 6])[:400] or 'it said nothing'}",
        where="dynamics.engine",
        remedy="Take OpenMM instead (--engine openmm), or mend GROMACS.",
    )


def processor_seconds() -> float:
    """Processor time of this process's ended children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _die_with(parent: int) -> None:
    """In a child, before it becomes another program: end when the parent ends, whatever ends it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
