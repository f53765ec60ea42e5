"""One step in a process of its own: ``python -m kinscope.workflow.engine.worker WORK_DIRECTORY [PARENT]``.

A process per step means that a crash in native code takes one step with it, that memory is given back, and
that a killed driver leaves nobody behind: the kernel ends the worker with its parent (Linux), and a thread
watches for the same elsewhere. Whoever started it, the worker answers for the step: it leaves where the
artefact is there, works under a lease, publishes what it made itself, and leaves at a checkpoint when told.

``--serve PARENT SIGNAL``: forks one for each line of standard input, and answers with its exit code.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

from kinscope import __version__
from kinscope.core.errors import ComputationError, KinscopeError, Stopped
from kinscope.core.files import copy_atomic, discard, read_own, write_atomic
from kinscope.core.progress import stop_asked
from kinscope.core.records import Record
from kinscope.workflow.engine import lease
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.store import ArtefactRecord, Store, list_files

JOB_FILE = "job.json"
ERROR_FILE = "error.json"
LOG_FILE = "log.txt"
STOPPED = 75
"""Exit code of a worker that was told to leave before its step was finished: the step may go on elsewhere."""
LEAVE = signal.SIGUSR1
"""Asks a worker to leave at its next checkpoint, whenever that is."""
_GRACE_SECONDS = 20.0
"""From SIGTERM to the end, checkpoint or not: SLURM kills after 30."""
_WAIT_SECONDS = 0.5
_BEAT_SECONDS = 5.0
_ORDERS = (LEAVE, signal.SIGTERM)


class Job(Record):
    """What a worker is to do, as its driver wrote it down."""

    key: str
    name: str
    label: str
    folder: str
    store: Path
    """Where the artefact goes."""
    function: str
    source: str
    parameters: dict[str, Any]
    inputs: dict[str, Path]
    """Directories by role; what failed is missing."""
    input_keys: dict[str, str]
    reused: frozenset[str]


def main(work: Path, parent: int, ending: int) -> int:
    """Bring about the artefact of the job in ``work``: 0 if it is there, ``STOPPED`` if it goes on elsewhere.

    ``ending``: the signal that this process gets when its parent ends.
    """
    for number in _ORDERS:
        signal.signal(number, _told_to_leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ORDERS)
    lease.end_with(parent, ending)
    try:
        job = Job.model_validate_json(read_own(work / JOB_FILE))
        store = Store(job.store)
        while True:
            if store.adopt(job, final=True) is not None:
                return 0
            if stop_asked.is_set():
                return STOPPED
            if (held := lease.take(work)) is not None:
                break
            time.sleep(_WAIT_SECONDS)
    except FileNotFoundError:  # another has just finished, and swept the work directory
        return STOPPED
    return _hold(work, held, job, store)


def _hold(work: Path, held: Path, job: Job, store: Store) -> int:
    """Run the job under a lease, and give that up whatever happens."""
    try:
        if store.adopt(job, final=True) is None:  # else it came while the lease was taken
            _run(work, held, job, store)
        shutil.rmtree(work, ignore_errors=True)
        return 0
    except Stopped:
        return STOPPED
    except KinscopeError as error:
        return _fail(work, held, error)
    except MemoryError:
        return _fail(work, held, ComputationError("The step ran out of memory.", where=job.label))
    except OSError as error:
        remedy = "Free disk space or mend the permissions, then run it again."
        return _fail(work, held, ComputationError(f"{error}", where=job.label, remedy=remedy))
    except Exception as error:
        traceback.print_exc()
        what = f"The step failed unexpectedly ({type(error).__name__}: {error})."
        return _fail(work, held, ComputationError(what, where=f"{job.label}; log: {work / LOG_FILE}"))
    finally:
        lease.give_up(held)


def _run(work: Path, held: Path, job: Job, store: Store) -> None:
    output, scratch = held / "out", held / "scratch"
    discard(output)
    output.mkdir()
    scratch.mkdir(exist_ok=True)
    for path in scratch.rglob("*"):
        if path.is_file() and path.stat().st_nlink > 1:  # it is written on below: by no other name
            copy_atomic(path, path)
    context = StepContext(job.parameters, job.inputs, output, scratch, work, job.reused)
    started = time.monotonic()
    module, _, function = job.function.partition(":")
    details = getattr(importlib.import_module(module), function)(context) or {}
    record = ArtefactRecord(
        key=job.key,
        step=job.name,
        label=job.label,
        source=job.source,
        parameters=job.parameters,
        inputs=job.input_keys,
        missing_inputs=tuple(sorted(job.input_keys.keys() - job.inputs.keys())),
        seed=job.parameters.get("seed"),
        wall_seconds=round(time.monotonic() - started, 3),
        platform=str(details.get("platform", "CPU")),
        kinscope_version=__version__,
        files=list_files(output),
    )
    store.put(job, output, record)


def _fail(work: Path, held: Path, error: KinscopeError) -> int:
    """Leave word of an error, unless another has taken the step over: then it is not the step's."""
    if not lease.beat(held):
        return STOPPED
    with contextlib.suppress(OSError):
        content = {"what": error.what, "where": error.where, "remedy": error.remedy}
        write_atomic(work / ERROR_FILE, json.dumps(content))
    print(error, file=sys.stderr)
    return 1


def _told_to_leave(number: int, _frame: object) -> None:
    """Ask the step to leave at its next checkpoint; at SIGTERM end it after a while all the same."""
    stop_asked.set()
    if number == signal.SIGTERM:
        timer = threading.Timer(_GRACE_SECONDS, os._exit, [STOPPED])
        timer.daemon = True
        timer.start()


class _Watch:
    """Over a worker: passes on what this process is told, beats for its lease, ends it with ``parent``.

    A process apart, as native code may hold up a worker's threads for minutes.
    """

    def __init__(self, parent: int, ending: int) -> None:
        self.parent, self.ending = parent, ending
        self.child, self.work = 0, Path()
        self._held: Path | None = None
        self._next = 0.0
        for number in _ORDERS:
            signal.signal(number, self._pass_on)
        lease.told_by_kernel(ending)
        signal.signal(signal.SIGALRM, self._look)  # no thread, as this process forks

    def run(self, work: Path, *, logged: bool, **variables: str) -> int:
        """The exit code of a worker of its own on a work directory, or its signal below zero."""
        self.work, self._held = work, None
        signal.pthread_sigmask(signal.SIG_BLOCK, _ORDERS)  # the child is told when it can listen
        server, self.child = os.getpid(), os.fork()
        if not self.child:
            self._begin(server, logged, variables)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ORDERS)
        signal.setitimer(signal.ITIMER_REAL, _WAIT_SECONDS, _WAIT_SECONDS)
        code = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        signal.setitimer(signal.ITIMER_REAL, 0.0)  # at its end, Python no longer listens
        if code and (held := lease.held_by(self.work, self.child)) is not None:
            lease.give_up(held)
        self.child = 0
        return code

    def _begin(self, server: int, logged: bool, variables: dict[str, str]) -> NoReturn:
        """In the child: take its place, work, and end."""
        try:
            os.chdir(self.work)
            log = os.open(LOG_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        except FileNotFoundError:  # another has just finished, and swept the work directory
            os._exit(STOPPED)
        for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), log, log) if logged else ()):
            os.dup2(descriptor, number)
        os.environ.update(variables)
        code = main(self.work, server, self.ending)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(code)  # taking the interpreter apart would touch, and so copy, all that is shared

    def _pass_on(self, number: int, _frame: object) -> None:
        if not self.child:
            os._exit(STOPPED)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child, number)

    def _look(self, number: int, frame: object) -> None:
        """Twice a second: is the parent there; and now and then the lease."""
        if not self.child:
            return
        if os.getppid() != self.parent:
            self._pass_on(self.ending, frame)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _BEAT_SECONDS
        self._held = self._held or lease.held_by(self.work, self.child)
        if self._held is not None and not lease.beat(self._held) and lease.is_held(self.work):
            self._pass_on(signal.SIGKILL, frame)


def serve(parent: int, ending: int) -> int:
    """Run a worker for each ``[work directory, variables]`` on a line of input; its exit code is its answer.

    It ends with its parent, and then the worker by the signal ``ending``.
    """
    watch = _Watch(parent, ending)
    while (line := sys.stdin.readline()) and os.getppid() == parent:
        work, variables = json.loads(line)
        code = watch.run(Path(work), logged=True, **variables)
        with contextlib.suppress(BrokenPipeError):  # it has just ended
            os.write(sys.stdout.fileno(), f"{code}\n".encode())
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        sys.exit(serve(*map(int, sys.argv[2:])))
    parents = [*map(int, sys.argv[2:]), os.getppid()]
    sys.exit(abs(_Watch(parents[0], signal.SIGKILL).run(Path(sys.argv[1]).resolve(), logged=False)))
