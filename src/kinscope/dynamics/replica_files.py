"""The files of a replica: who may write them, what a failed write means, handing them over."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kinscope.core.errors import ComputationError, KinscopeError, RunDirectoryError
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.records import (
    END_FILE,
    ENERGIES_FILE,
    REPLICA_RECORD_FILE,
    TOPOLOGY_FILE,
    TRAJECTORY_FILE,
)

_LOCK = ".lock"
_RESULTS = (TRAJECTORY_FILE, ENERGIES_FILE, TOPOLOGY_FILE, END_FILE, REPLICA_RECORD_FILE)
"""The record last: it says that the rest is whole."""


def hand_over(scratch: Path, output: Path) -> None:
    """Put the results into ``output``, by link where the file system allows, the record last."""
    output.mkdir(parents=True, exist_ok=True)
    for name in _RESULTS:
        target = output / name
        target.unlink(missing_ok=True)
        if not (scratch / name).is_file():  # a replica that failed has no end
            continue
        try:
            os.link(scratch / name, target)
        except OSError:
            shutil.copyfile(scratch / name, target)


def other_replica(scratch: Path) -> RunDirectoryError:
    """The error of a folder that another replica lives in."""
    return RunDirectoryError(
        "This folder holds a replica of another system, seed, length or protocol.",
        where=str(scratch),
        remedy="Give each replica a folder of its own, or remove this one.",
    )


@contextmanager
def locked(scratch: Path) -> Iterator[None]:
    """One process per replica; the lock goes with the process, however it dies."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: the workflow's leases remain
        yield
        return
    with (scratch / _LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunDirectoryError(
                "Another process is running this replica.",
                where=str(scratch),
                remedy="Wait for it, or end it first.",
            ) from None
        except OSError:
            pass  # a network file system without locks
        yield


@contextmanager
def disk_errors(scratch: Path) -> Iterator[None]:
    """Tell of a failed write what it is and what to do."""
    try:
        yield
    except KinscopeError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise ComputationError(
            "The disk is full." if full else f"A file of the replica could not be written ({error}).",
            where=str(error.filename or scratch),
            remedy="Free some space and run the same again; it goes on from the last checkpoint."
            if full
            else "Mend that and run the same again; it goes on from the last checkpoint.",
        ) from error


def production_rows(path: Path) -> tuple[FloatArray, FloatArray]:
    """Temperatures and potentials (n,) of production from the table of energies."""
    rows = [line.split(",") for line in path.read_text().splitlines() if line.startswith("production,")]
    return np.array([float(row[4]) for row in rows]), np.array([float(row[3]) for row in rows])
