"""Running a plan on this machine: a process per step, as many at once as there are cores and device slots."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kinscope.core.errors import ComputationError, Stopped
from kinscope.core.files import discard, read_own, write_atomic
from kinscope.dynamics.machine.devices import Device, least_used
from kinscope.dynamics.platforms import PLATFORM_VARIABLE
from kinscope.workflow.engine.context import PROGRESS_FILE
from kinscope.workflow.engine.sources import source_digest
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.engine.store import ArtefactRecord, Store
from kinscope.workflow.engine.worker import DONE_FILE, ERROR_FILE, JOB_FILE, LOG_FILE

_WORKER = "kinscope.workflow.engine.worker"
_POLL_SECONDS = 0.2
_MINIMUM_FREE_BYTES = 200 * 1024 * 1024
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True)
class Running:
    """A step that runs now."""

    label: str
    fraction: float
    text: str
    elapsed_seconds: float


@dataclass(frozen=True)
class Snapshot:
    """Where a plan stands."""

    settled: int
    total: int
    running: tuple[Running, ...]
    seconds_left: float


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    kind: Literal["started", "finished", "failed", "skipped", "progress", "note"]
    label: str = ""
    """Of the step; what is to be said, of a note."""
    seconds: float = 0.0
    error: ComputationError | None = None
    snapshot: Snapshot | None = None


@dataclass
class _Process:
    step: Step
    work: Path
    popen: subprocess.Popen[bytes]
    started: float
    device: Device | None = None
    """Where it runs, if it holds a slot of a device."""


@dataclass
class Outcome:
    """What became of a plan."""

    done: dict[str, ArtefactRecord] = field(default_factory=dict)
    """By step key."""
    reused: set[str] = field(default_factory=set)
    """Keys whose artefacts were there already or came from the shared cache."""
    failed: dict[str, ComputationError] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    """Keys of steps whose inputs failed."""
    notes: list[str] = field(default_factory=list)
    """What was damaged or done without."""


class LocalEngine:
    """Runs steps in worker processes; the store decides what is left to do.

    ``run``: the run directory; artefacts go to ``run/artefacts``, work in progress to ``run/work``.
    ``cache``: the machine's shared store of work that no variant enters into. ``cores``: how many steps
    without a device run at once. ``devices``: where steps that ask for a GPU run; without any they take a
    core. ``per_device``: how many such steps run at once on each device. ``listener``: called with an event
    whenever something starts, ends or moves on.
    """

    def __init__(
        self,
        run: Path,
        cache: Store | None,
        *,
        shipped: Store | None = None,
        cores: int = 2,
        devices: Sequence[Device] = (),
        per_device: int = 1,
        listener: Callable[[Event], None] | None = None,
    ) -> None:
        self.store = Store(run / "artefacts")
        self.work_root = run / "work"
        self.shared = [store for store in (shipped, cache) if store is not None]
        self.cache = cache
        self.devices = tuple(devices)
        self.per_device = max(1, per_device)
        self.capacity = {"cpu": max(1, cores), "gpu": len(self.devices) * self.per_device}
        self.listener = listener or (lambda _event: None)

    def run(self, targets: list[Step]) -> Outcome:
        """Bring every target about as far as it goes; failures are in the outcome, not raised."""
        steps = in_order(targets)
        outcome = Outcome()
        for step in steps:
            self._look_up(step, outcome)
        estimate = _Estimate(steps)
        running: dict[str, _Process] = {}
        try:
            while True:
                self._collect(running, outcome, estimate)
                self._start_ready(steps, running, outcome, estimate)
                self._tell(steps, running, outcome, estimate)
                if not running:
                    break
                time.sleep(_POLL_SECONDS)
        except Stopped as end:
            end.lost = tuple(_lost(process) for process in running.values() if _lost(process))
            raise
        finally:
            for process in running.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.popen.pid, signal.SIGKILL)
                process.popen.wait()
        return outcome

    def _look_up(self, step: Step, outcome: Outcome) -> None:
        record = self.store.find(step)
        looked = [self.store]
        for store in self.shared if record is None and step.cached else ():
            looked.append(store)
            with suppress(OSError):
                if self.store.copy_from(store, step):
                    record = self.store.find(step)
                    break
        if any(step.key in store.damaged for store in looked):
            then = "computed again" if record is None else "taken from where it is whole"
            self._note(outcome, f"{step.label}: its files are not what was put there; {then}")
        if record is not None:
            outcome.done[step.key] = record
            outcome.reused.add(step.key)

    def _note(self, outcome: Outcome, text: str) -> None:
        outcome.notes.append(text)
        self.listener(Event("note", text))

    def _start_ready(
        self, steps: list[Step], running: dict[str, _Process], outcome: Outcome, estimate: _Estimate
    ) -> None:
        settled = outcome.done.keys() | outcome.failed.keys() | outcome.skipped
        ready = []
        for step in steps:
            if step.key in settled or step.key in running:
                continue
            required = [s.key for role, s in step.inputs.items() if role not in step.optional_inputs]
            if any(key in outcome.failed or key in outcome.skipped for key in required):
                outcome.skipped.add(step.key)
                settled = settled | {step.key}
                self.listener(Event("skipped", step.label))
            elif all(source.key in settled for source in step.inputs.values()):
                ready.append(step)
        ready.sort(key=lambda step: -estimate.tail(step))
        for step in ready:
            used = [process.device for process in running.values()]
            if step.resource == "gpu" and self.devices:
                keys = [device.key for device in used if device is not None]
                device = least_used(self.devices, keys, self.per_device)
                if device is not None:
                    running[step.key] = self._launch(step, outcome, device)
            elif used.count(None) < self.capacity["cpu"]:
                running[step.key] = self._launch(step, outcome)

    def _launch(self, step: Step, outcome: Outcome, device: Device | None = None) -> _Process:
        work = self.work_root / step.key[:20]
        work.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(work).free < _MINIMUM_FREE_BYTES:
            raise ComputationError(
                "The disk is almost full; nothing new was started.",
                where=str(work),
                remedy="Free some space, then go on.",
            )
        for name in (DONE_FILE, ERROR_FILE, PROGRESS_FILE, LOG_FILE):
            discard(work / name)
        present = {role: source for role, source in step.inputs.items() if source.key in outcome.done}
        job = {
            "key": step.key,
            "name": step.name,
            "label": step.label,
            "function": step.stage.function,
            "source": source_digest(step.stage.function),
            "parameters": step.parameters,
            "inputs": {role: str(self.store.path(source).resolve()) for role, source in present.items()},
            "input_keys": {role: source.key for role, source in step.inputs.items()},
            "reused": sorted(role for role, source in present.items() if source.key in outcome.reused),
            "missing_inputs": sorted(step.inputs.keys() - present.keys()),
        }
        write_atomic(work / JOB_FILE, json.dumps(job))
        environment = os.environ | dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENMM_CPU_THREADS"), "1"
        )
        # A step on a core may settle water in passing: told the first device, it need not look for one.
        told = device or next(iter(self.devices), None)
        if told is not None:
            environment[PLATFORM_VARIABLE] = told.platform.model_dump_json()
        with (work / LOG_FILE).open("xb") as log:
            popen = subprocess.Popen(
                [sys.executable, "-m", _WORKER, str(work.resolve()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=work,
                start_new_session=True,
            )
        self.listener(Event("started", step.label))
        return _Process(step, work, popen, time.monotonic(), device)

    def _collect(self, running: dict[str, _Process], outcome: Outcome, estimate: _Estimate) -> None:
        for key, process in list(running.items()):
            code = process.popen.poll()
            if code is None:
                continue
            del running[key]
            step = process.step
            seconds = time.monotonic() - process.started
            if code == 0 and (process.work / DONE_FILE).exists():
                outcome.done[key] = self._keep(step, process.work, outcome)
                estimate.learn(step, seconds)
                self.listener(Event("finished", step.label, seconds=seconds))
            else:
                outcome.failed[key] = _read_error(process, code)
                self.listener(Event("failed", step.label, seconds=seconds, error=outcome.failed[key]))

    def _keep(self, step: Step, work: Path, outcome: Outcome) -> ArtefactRecord:
        record = ArtefactRecord.model_validate_json(read_own(work / DONE_FILE))
        self.store.put(step, work / "out", record)
        shutil.rmtree(work, ignore_errors=True)
        if step.cached and self.cache is not None and not record.missing_inputs:
            try:
                self.cache.copy_from(self.store, step)
            except OSError as error:
                root, why = self.cache.root, error.strerror or "it cannot be written"
                self._note(outcome, f"the cache {root} is done without ({why})")
                self.cache = None
        return record

    def _tell(
        self, steps: list[Step], running: dict[str, _Process], outcome: Outcome, estimate: _Estimate
    ) -> None:
        settled = outcome.done.keys() | outcome.failed.keys() | outcome.skipped
        now = [_progress_of(process) for process in running.values()]
        pending = [step for step in steps if step.key not in settled]
        fractions = {
            process.step.key: item.fraction for process, item in zip(running.values(), now, strict=True)
        }
        left = estimate.seconds_left(pending, fractions, self.capacity)
        self.listener(Event("progress", snapshot=Snapshot(len(settled), len(steps), tuple(now), left)))


class _Estimate:
    """Time left, from the plan's guesses corrected by what steps really took."""

    def __init__(self, steps: list[Step]) -> None:
        self._guessed = 1.0
        self._measured = 1.0
        # Seconds from a step's end to the end of the longest chain that waits for it.
        waiting = dict.fromkeys((step.key for step in steps), 0.0)
        self._tails: dict[str, float] = {}
        for step in reversed(steps):  # what waits for a step stands after it
            self._tails[step.key] = step.cost_seconds + waiting[step.key]
            for source in step.inputs.values():
                waiting[source.key] = max(waiting[source.key], self._tails[step.key])

    def tail(self, step: Step) -> float:
        """Seconds from the step's start to the end of the longest chain that waits for it."""
        return self._tails[step.key]

    def learn(self, step: Step, seconds: float) -> None:
        """Take a finished step's time into account."""
        self._guessed += step.cost_seconds
        self._measured += seconds

    def seconds_left(
        self, pending: list[Step], fractions: dict[str, float], capacity: dict[str, int]
    ) -> float:
        """Whichever is longest: the longest chain, or the work of cores or of devices shared among them."""
        if not pending:
            return 0.0
        correction = min(max(self._measured / self._guessed, 0.3), 4.0)
        done = {step.key: step.cost_seconds * fractions.get(step.key, 0.0) for step in pending}
        work = dict.fromkeys(capacity, 0.0)
        for step in pending:
            work[step.resource if capacity[step.resource] else "cpu"] += step.cost_seconds - done[step.key]
        total = max(work[resource] / max(1, capacity[resource]) for resource in capacity)
        chain = max(self._tails[step.key] - done[step.key] for step in pending)
        return correction * max(total, chain)


def _lost(process: _Process) -> str:
    """What a step that is ended now loses; empty where it leaves a checkpoint, or had just begun."""
    minutes = (time.monotonic() - process.started) / 60
    checkpoint = any((process.work / "scratch").glob("*"))
    return "" if checkpoint or minutes < 1 else f"{process.step.label} ({minutes:.0f} min)"


def _progress_of(process: _Process) -> Running:
    fraction, text = 0.0, ""
    with suppress(*_UNREADABLE):
        content = json.loads(read_own(process.work / PROGRESS_FILE))
        fraction, text = float(content["fraction"]), str(content["text"])
    return Running(process.step.label, fraction, text, time.monotonic() - process.started)


def _read_error(process: _Process, code: int) -> ComputationError:
    with suppress(*_UNREADABLE):
        content = json.loads(read_own(process.work / ERROR_FILE))
        where = content["where"] or process.step.label
        return ComputationError(content["what"], where=where, remedy=content["remedy"])
    reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    return ComputationError(
        f"The step's process ended without a result ({reason}).",
        where=f"{process.step.label}; log: {process.work / LOG_FILE}",
        remedy="Run it again: what is finished is kept. If memory ran out, use --cores 1.",
    )
