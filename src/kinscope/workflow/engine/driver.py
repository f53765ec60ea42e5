"""Bringing a plan about on an engine: look up what is there, hand out what is ready, adopt what is made."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from kinscope.core.errors import ComputationError, Stopped
from kinscope.core.files import discard, read_own, write_atomic
from kinscope.workflow.engine.context import PROGRESS_FILE
from kinscope.workflow.engine.lease import is_held
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.schedule import Meter, Schedule, Usage
from kinscope.workflow.engine.sources import source_digest
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.engine.store import ArtefactRecord, Store
from kinscope.workflow.engine.worker import ERROR_FILE, JOB_FILE, LOG_FILE, STOPPED, Job

USAGE_FILE = "usage.json"
_NOTE_SECONDS = 5.0
_POLL_SECONDS = 0.2
_LONGEST_SECONDS = 30.0
"""Between looks how far steps are, which take a tenth of the time: on a shared file system each costs."""
_SHORT_SECONDS = 10.0
"""A step that may wait in an engine's queue: a more urgent one then waits no longer for it."""
_UNSEEN_SECONDS = 90.0
"""After which a finished step's artefact is not only late."""
_MINIMUM_FREE_BYTES = 200 * 1024 * 1024
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True)
class Running:
    """A step that runs now."""

    label: str
    fraction: float
    text: str
    elapsed_seconds: float
    ns_per_day: float


@dataclass(frozen=True)
class Snapshot:
    """Where a plan stands."""

    settled: int
    total: int
    running: tuple[Running, ...]
    seconds_left: float
    usage: Usage


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
class _Task:
    """A step that was handed to the engine."""

    step: Step
    work: Path
    submitted: float
    begun: float | None = None
    """When its worker was first seen."""
    ended: float | None = None
    """When that left, and the artefact was not seen yet."""
    first: tuple[float, float] | None = None
    """The share done that the worker told first, and when."""

    @property
    def seconds(self) -> float:
        """From when its worker was first seen until it left."""
        return (self.ended or time.monotonic()) - (self.begun or self.submitted)


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


class Engine(Protocol):
    """Where workers run; it knows steps no further than what they take."""

    @property
    def capacity(self) -> Mapping[str, int]:
        """How many workers it is given at once, by resource: ``cpu`` and ``gpu``."""

    @property
    def queued(self) -> int:
        """How many short steps more it is given for each of these, which begin where one ends."""

    @property
    def gpus(self) -> Mapping[str, float]:
        """The part of a GPU that a step of each resource sits on; none for what is not named."""

    def submit(self, step: Step, work: Path) -> None:
        """Start a worker on a work directory, or queue it."""

    def poll(self, seconds: float) -> list[tuple[str, int]]:
        """Keys of steps whose workers ended, with exit codes; waits as long for the first."""

    def cancel(self) -> None:
        """End every worker, and give back what was taken; it may be used again."""


class Driver:
    """Brings a plan about: the store decides what is left to do, the engine runs it, the worker publishes.

    ``run``: the run directory; artefacts go to ``run/artefacts``, work in progress to ``run/work``.
    ``cache``: the machine's shared store of work that no variant enters into. ``engine``: this machine's
    cores unless another is given. ``listener``: called with an event whenever something starts, ends or moves
    on.
    """

    def __init__(
        self,
        run: Path,
        cache: Store | None,
        engine: Engine | None = None,
        *,
        shipped: Store | None = None,
        listener: Callable[[Event], None] | None = None,
    ) -> None:
        self.store = Store(run / "artefacts")
        self.directory = run
        self.shared = [store for store in (shipped, cache) if store is not None]
        self.cache = cache
        self.engine = engine or Processes()
        self.listener = listener or (lambda _event: None)
        self._look_again = self._note_again = 0.0
        self._meter = Meter(Usage(), {})

    def run(self, targets: list[Step]) -> Outcome:
        """Bring every target about as far as it goes; failures are in the outcome, not raised."""
        steps = in_order(targets)
        outcome = Outcome()
        for step in steps:
            self._look_up(step, outcome)
        self._sweep(outcome)
        schedule = Schedule(steps, outcome.done, self.engine.capacity)
        self._meter = Meter(read_usage(self.directory), self.engine.gpus)
        running: dict[str, _Task] = {}
        try:
            while True:
                self._start_ready(schedule, running, outcome)
                self._tell(schedule, running)
                if not running:
                    return outcome
                late = [(key, 0) for key, task in running.items() if task.ended is not None]
                for key, code in self.engine.poll(_POLL_SECONDS) + late:
                    if self._settle(running[key], code, schedule, outcome):
                        del running[key]
        except BaseException as end:
            if isinstance(end, Stopped):
                end.lost = tuple(_lost(task) for task in running.values() if _lost(task))
            self.engine.cancel()
            raise
        finally:
            self._note_usage(self._used(schedule, running.values()))

    def prepare(self, targets: list[Step]) -> Iterator[tuple[Step, Path]]:
        """Write down the job of every step that is not there, for another engine; its work directory."""
        outcome, steps = Outcome(), in_order(targets)
        for step in steps:
            self._look_up(step, outcome)
        for step in steps:
            if step.key not in outcome.done:
                task = _Task(step, work_of(self.directory, step), time.monotonic())
                self._prepare(task, outcome, step.inputs)
                yield step, task.work

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

    def _sweep(self, outcome: Outcome) -> None:
        """Take away what a worker left that was ended after it had published."""
        done = {key[:20] for key in outcome.done}
        for work in (self.directory / "work").glob("*"):
            if work.name in done:
                shutil.rmtree(work, ignore_errors=True)

    def _note(self, outcome: Outcome, text: str) -> None:
        outcome.notes.append(text)
        self.listener(Event("note", text))

    def _start_ready(self, schedule: Schedule, running: dict[str, _Task], outcome: Outcome) -> None:
        for resource, slots in self.engine.capacity.items():
            held = sum(schedule.resource(task.step) == resource for task in running.values())
            while held < slots * (1 + self.engine.queued):
                step = schedule.take(resource, math.inf if held < slots else _SHORT_SECONDS)
                if step is None:
                    break
                task = _Task(step, work_of(self.directory, step), time.monotonic())
                here = {role: one for role, one in step.inputs.items() if one.key in outcome.done}
                record = self._prepare(task, outcome, here)
                if record is not None:
                    self._finish(task, record, schedule, outcome)
                    continue
                held += 1
                running[step.key] = task
                self.engine.submit(step, task.work)
                self.listener(Event("started", step.label))

    def _prepare(self, task: _Task, outcome: Outcome, present: Mapping[str, Step]) -> ArtefactRecord | None:
        """Write the job down for its worker; the record if another driver's worker has done it meanwhile."""
        step, work = task.step, task.work
        if os.path.lexists(self.store.path(step)):
            if (record := self.store.find(step)) is not None:
                return record
            self.store.clear(step)
        work.mkdir(parents=True, exist_ok=True)
        _check_disk(work)
        for name in (ERROR_FILE, PROGRESS_FILE, LOG_FILE):
            discard(work / name)
        job = Job(
            key=step.key,
            name=step.name,
            label=step.label,
            folder=step.folder,
            store=self.store.root.resolve(),
            function=step.stage.function,
            source=source_digest(step.stage.function),
            parameters=dict(step.parameters),
            inputs={role: self.store.path(source).resolve() for role, source in present.items()},
            input_keys={role: source.key for role, source in step.inputs.items()},
            reused=frozenset(role for role, source in present.items() if source.key in outcome.reused),
        )
        write_atomic(work / JOB_FILE, job.model_dump_json(), lasting=False)
        return None

    def _settle(self, task: _Task, code: int, schedule: Schedule, outcome: Outcome) -> bool:
        """What became of a step whose worker ended: its artefact counts, not the exit code.

        False if that is yet to come, over a network that lags.
        """
        step = task.step
        task.ended = task.ended or time.monotonic()
        record = self.store.adopt(step)
        if record is None and code == 0 and time.monotonic() - task.ended < _UNSEEN_SECONDS:
            return False
        if record is not None:
            self._finish(task, record, schedule, outcome)
        elif code == STOPPED or (code and not (task.work / ERROR_FILE).exists() and is_held(task.work)):
            schedule.put(step)
        else:
            _check_disk(self.directory)  # else it is that, and no step's fault
            outcome.failed[step.key] = _read_error(task, code)
            self.listener(Event("failed", step.label, seconds=task.seconds, error=outcome.failed[step.key]))
            for skipped in schedule.settle(step, failed=True):
                outcome.skipped.add(skipped.key)
                self.listener(Event("skipped", skipped.label))
        seconds = max(task.seconds if task.begun else 0.0, record.wall_seconds if record else 0.0)
        self._meter.ended(schedule.resource(step), seconds, finished=record is not None)
        return True

    def _finish(self, task: _Task, record: ArtefactRecord, schedule: Schedule, outcome: Outcome) -> None:
        step = task.step
        shutil.rmtree(task.work, ignore_errors=True)
        if step.cached and self.cache is not None and not record.missing_inputs:
            try:
                self.cache.copy_from(self.store, step)
            except OSError as error:
                root, why = self.cache.root, error.strerror or "it cannot be written"
                self._note(outcome, f"the cache {root} is done without ({why})")
                self.cache = None
        outcome.done[step.key] = record
        schedule.learn(step, record.wall_seconds)
        schedule.settle(step)
        self.listener(Event("finished", step.label, seconds=task.seconds))

    def _tell(self, schedule: Schedule, running: dict[str, _Task]) -> None:
        begun = time.monotonic()
        if running and begun < self._look_again:
            return
        now = {key: one for key, task in running.items() if (one := _progress_of(task)) is not None}
        left = schedule.seconds_left({key: one.fraction for key, one in now.items()})
        usage = self._used(schedule, running.values(), sum(one.ns_per_day for one in now.values()))
        snapshot = Snapshot(schedule.settled, schedule.total, tuple(now.values()), left, usage)
        self.listener(Event("progress", snapshot=snapshot))
        if begun > self._note_again:
            self._note_usage(usage)
        ended = time.monotonic()
        self._look_again = ended + min(max(_POLL_SECONDS, 9 * (ended - begun)), _LONGEST_SECONDS)

    def _used(self, schedule: Schedule, tasks: Iterable[_Task], ns_per_day: float = 0.0) -> Usage:
        held = [(schedule.resource(task.step), task.seconds) for task in tasks if task.begun is not None]
        return self._meter.usage(held, ns_per_day)

    def _note_usage(self, usage: Usage) -> None:
        """For `kinscope status`, and the next driver."""
        self._note_again = time.monotonic() + _NOTE_SECONDS
        with suppress(OSError):
            write_atomic(self.directory / USAGE_FILE, usage.model_dump_json(), lasting=False)


def read_usage(run: Path) -> Usage:
    """What the drivers of a run directory have taken so far, as the last one noted."""
    with suppress(*_UNREADABLE):
        return Usage.model_validate_json(read_own(run / USAGE_FILE))
    return Usage()


def work_of(run: Path, step: Step) -> Path:
    """Where a step of a run directory is worked on."""
    return run / "work" / step.key[:20]


def _check_disk(folder: Path) -> None:
    if shutil.disk_usage(folder).free < _MINIMUM_FREE_BYTES:
        what, remedy = "The disk is almost full; nothing new was started.", "Free some space, then go on."
        raise ComputationError(what, where=str(folder), remedy=remedy)


def _lost(task: _Task) -> str:
    """What a step that is ended now loses; empty where it leaves a checkpoint, or had just begun."""
    checkpoint = any(task.work.glob("lease-*/scratch/*"))
    return "" if checkpoint or task.seconds < 60 else f"{task.step.label} ({task.seconds / 60:.0f} min)"


def _progress_of(task: _Task) -> Running | None:
    """How far a step is; None while it waits in a queue, or if it ended before it was seen."""
    if task.begun is None:
        if task.ended is not None or not (task.work / LOG_FILE).exists():
            return None
        task.begun = time.monotonic()
    (fraction, text, when), pace = told_of(task.work), 0.0
    if fraction and task.first is None:
        task.first = fraction, when
    elif task.first is not None and when > task.first[1]:
        share_per_second = (fraction - task.first[0]) / (when - task.first[1])
        pace = max(0.0, share_per_second * task.step.nanoseconds * 86400)
    return Running(task.step.label, fraction, text, task.seconds, pace)


def told_of(work: Path) -> tuple[float, str, float]:
    """The share of a step that its worker says is done, 0 to 1, what it does, and when it said so."""
    with suppress(*_UNREADABLE):
        content = json.loads(read_own(work / PROGRESS_FILE))
        return float(content["fraction"]), str(content["text"]), float(content["time"])
    return 0.0, "", 0.0


def _read_error(task: _Task, code: int) -> ComputationError:
    with suppress(*_UNREADABLE):
        content = json.loads(read_own(task.work / ERROR_FILE))
        where = content["where"] or task.step.label
        return ComputationError(content["what"], where=where, remedy=content["remedy"])
    if code == 0:
        return ComputationError(
            "The step was finished, but what it made is not seen here.",
            where=str(task.work),
            remedy="Let the run directory lie on a file system that this machine and the workers share.",
        )
    reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    return ComputationError(
        f"The step's process ended without a result ({reason}).",
        where=f"{task.step.label}; log: {task.work / LOG_FILE}",
        remedy="Run it again: what is finished is kept. If memory ran out, use --cores 1.",
    )
