"""One step in a process of its own: ``python -m kinscope.workflow.engine.worker WORK_DIRECTORY``.

A process per step means that a crash in native code takes one step with it, that memory is given back, and
that a killed driver leaves nobody behind: the kernel ends the worker with its parent (Linux), and a thread
watches for the same elsewhere. The worker holds a lock on its work directory, so that a second driver that
comes quickly after a kill waits for the first one's worker to be gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinscope import __version__
from kinscope.core.errors import ComputationError, KinscopeError
from kinscope.core.files import copy_atomic, discard, write_atomic
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.store import ArtefactRecord, list_files

JOB_FILE = "job.json"
DONE_FILE = "done.json"
ERROR_FILE = "error.json"
LOCK_FILE = ".lock"
LOG_FILE = "log.txt"
_PR_SET_PDEATHSIG = 1


def main(work: Path, parent: int) -> int:
    """Run the job described in ``work/job.json``; 0 if the artefact is ready in ``work/out``."""
    _die_with(parent)
    job = json.loads((work / JOB_FILE).read_text())
    with os.fdopen(os.open(work / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW), "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            _run(work, job)
        except KinscopeError as error:
            return _fail(work, error)
        except MemoryError:
            return _fail(work, ComputationError("The step ran out of memory.", where=job["label"]))
        except OSError as error:
            remedy = "Free disk space or mend the permissions, then run it again."
            return _fail(work, ComputationError(f"{error}", where=job["label"], remedy=remedy))
        except Exception as error:
            traceback.print_exc()
            what = f"The step failed unexpectedly ({type(error).__name__}: {error})."
            return _fail(work, ComputationError(what, where=f"{job['label']}; log: {work / LOG_FILE}"))
    return 0


def _run(work: Path, job: dict[str, Any]) -> None:
    output, scratch = work / "out", work / "scratch"
    discard(output)
    output.mkdir()
    scratch.mkdir(exist_ok=True)
    for path in scratch.rglob("*"):
        if path.is_file() and path.stat().st_nlink > 1:  # it is written on below: by no other name
            copy_atomic(path, path)
    inputs = {role: Path(path) for role, path in job["inputs"].items()}
    context = StepContext(job["parameters"], inputs, output, scratch, work, frozenset(job["reused"]))
    started = time.monotonic()
    details = _load(job["function"])(context) or {}
    record = ArtefactRecord(
        key=job["key"],
        step=job["name"],
        label=job["label"],
        source=job["source"],
        parameters=job["parameters"],
        inputs=job["input_keys"],
        missing_inputs=tuple(job["missing_inputs"]),
        seed=job["parameters"].get("seed"),
        wall_seconds=round(time.monotonic() - started, 3),
        platform=str(details.get("platform", "CPU")),
        kinscope_version=__version__,
        files=list_files(output),
    )
    write_atomic(work / DONE_FILE, record.model_dump_json())


def _load(name: str) -> Callable[[StepContext], dict[str, Any] | None]:
    module, _, function = name.partition(":")
    loaded: Callable[[StepContext], dict[str, Any] | None] = getattr(
        importlib.import_module(module), function
    )
    return loaded


def _fail(work: Path, error: KinscopeError) -> int:
    with contextlib.suppress(OSError):
        content = {"what": error.what, "where": error.where, "remedy": error.remedy}
        write_atomic(work / ERROR_FILE, json.dumps(content))
    print(error, file=sys.stderr)
    return 1


def _die_with(parent: int) -> None:
    """End this process when the driver ends, whatever ends it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
