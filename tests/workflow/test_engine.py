"""The engine keeps what is finished, whatever is killed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from kinscope.core.errors import ComputationError
from kinscope.core.progress import leave_if_asked
from kinscope.workflow.engine import driver as driver_module
from kinscope.workflow.engine import lease
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.driver import Driver, Event, Outcome, _lost, _progress_of, _Task, read_usage
from kinscope.workflow.engine.processes import WORKER, Processes
from kinscope.workflow.engine.schedule import Meter, Schedule, Usage
from kinscope.workflow.engine.step import Stage, Step, in_order
from kinscope.workflow.engine.store import Store

HERE = Path(__file__).stem
NUMBER = Stage("number", f"{HERE}:write_number")


def write_number(context: StepContext) -> dict[str, str]:
    """Add the inputs' numbers to the parameter, and leave a trace of having run."""
    total = context.parameters["number"]
    for directory in context.inputs.values():
        total += json.loads((directory / "number.json").read_text())
    if trace := context.parameters.get("trace"):
        with Path(trace).open("a") as handle:
            handle.write(f"{context.parameters['number']}\n")
    for tenth in range(context.parameters.get("tenths_of_a_second", 0)):
        if trace and Path(f"{trace}.hurry").exists():
            break
        context.progress(tenth / 10, "waiting")
        time.sleep(0.1)
    if context.parameters.get("scratched"):
        with (context.scratch / "state").open("a") as handle:
            handle.write("state")
    (context.output / "number.json").write_text(json.dumps(total))
    return {"platform": "CPU"}


def count(context: StepContext) -> None:
    """Count till asked to leave, a checkpoint at every number, and one further; tell each process's start."""
    state = context.scratch / "state"
    begin = int(state.read_text()) if state.exists() else 0
    with Path(context.parameters["trace"]).open("a") as handle:
        handle.write(f"{begin}\n")
    for number in range(begin, begin + 1 if begin else 10_000):
        time.sleep(0.05)
        state.write_text(str(number + 1))
        context.progress((number + 1) / 10_000)
        leave_if_asked()
    (context.output / "number.json").write_text(state.read_text())


def fail(context: StepContext) -> None:
    """Fail in a way nobody foresaw."""
    raise ZeroDivisionError("by hand")


def crash(context: StepContext) -> None:
    """End as a fault in native code ends a process."""
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.fixture(autouse=True)
def _importable_from_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)


def number_step(number: int, inputs: dict[str, Step] | None = None, **options: object) -> Step:
    parameters = {"number": number} | {
        k: v for k, v in options.items() if k in ("trace", "tenths_of_a_second", "scratched")
    }
    rest = {k: v for k, v in options.items() if k not in parameters}
    return Step(NUMBER, f"number {number}", parameters, inputs or {}, **rest)  # type: ignore[arg-type]


def result_of(engine: Driver, step: Step) -> int:
    return int(json.loads((engine.store.path(step) / "number.json").read_text()))


def test_a_chain_is_computed_in_order_and_found_again(tmp_path: Path) -> None:
    trace = str(tmp_path / "trace")
    first = number_step(1, trace=trace)
    last = number_step(10, {"a": first, "b": number_step(2, {"a": first}, trace=trace)}, trace=trace)
    engine = Driver(tmp_path / "run", None)
    outcome = engine.run([last])
    assert result_of(engine, last) == 1 + (1 + 2) + 10
    assert not outcome.reused
    again = Driver(tmp_path / "run", None).run([last])
    assert again.reused == {step.key for step in in_order([last])}
    assert Path(trace).read_text().split() == ["1", "2", "10"]


def test_the_key_changes_with_every_parameter_and_every_input() -> None:
    base = number_step(1)
    keys = {
        base.key,
        number_step(2).key,
        number_step(1, {"a": base}).key,
        number_step(1, {"b": base}).key,
        Step(replace(NUMBER, name="sum"), "", {"number": 1}).key,
    }
    assert len(keys) == 5
    assert number_step(1).key == base.key


def test_shared_work_is_taken_from_the_cache_by_another_run(tmp_path: Path) -> None:
    trace = str(tmp_path / "trace")
    step = number_step(5, trace=trace, shared=True)
    cache = Store(tmp_path / "cache")
    Driver(tmp_path / "one", cache).run([step])
    outcome = Driver(tmp_path / "two", cache).run([step])
    assert outcome.reused == {step.key}
    assert Path(trace).read_text() == "5\n"


def other_content(artefact: Path) -> None:
    (artefact / "number.json").write_text("6")  # of the same size


def shorter(artefact: Path) -> None:
    (artefact / "number.json").write_text("")


def file_gone(artefact: Path) -> None:
    (artefact / "number.json").unlink()


def file_linked(artefact: Path) -> None:
    elsewhere = artefact.parent / "elsewhere"
    elsewhere.write_text("5")  # of the right content, even
    (artefact / "number.json").unlink()
    (artefact / "number.json").symlink_to(elsewhere)


def folder_linked(artefact: Path) -> None:
    artefact.rename(artefact.parent / "moved")
    artefact.symlink_to(artefact.parent / "moved")


def record_of(content: str):
    def damage(artefact: Path) -> None:
        (artefact / "artefact.json").write_text(content)

    return damage


DAMAGES = {
    "other content of the same size": other_content,
    "shorter": shorter,
    "a file gone": file_gone,
    "a file behind a link": file_linked,
    "a folder behind a link": folder_linked,
    "a record cut short": record_of('{"schema_version": 1, "key'),
    "a record of other types": record_of('{"key": 5, "files": {"a": []}}'),
    "a record nested without end": record_of("[" * 100_000),
    "a record that is no record": record_of("NaN"),
}


@pytest.mark.parametrize("where", ["run", "cache"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_artefact_is_named_and_made_again(where: str, damage, tmp_path: Path) -> None:
    step = number_step(5, shared=where == "cache")
    heard: list[str] = []
    Driver(tmp_path / "run", Store(tmp_path / "cache")).run([step])
    if where == "cache":
        shutil.rmtree(tmp_path / "run")
        damage(Store(tmp_path / "cache").path(step))
    else:
        damage(Store(tmp_path / "run" / "artefacts").path(step))
    engine = Driver(
        tmp_path / "run", Store(tmp_path / "cache"), listener=lambda event: heard.append(event.kind)
    )
    outcome = engine.run([step])
    assert result_of(engine, step) == 5
    assert step.key not in outcome.reused
    assert outcome.notes == ["number 5: its files are not what was put there; computed again"]
    assert "note" in heard
    whole = Driver(tmp_path / "run", Store(tmp_path / "cache")).run([step])
    assert whole.reused == {step.key}
    assert not whole.notes


def test_damage_in_a_run_is_mended_from_the_cache(tmp_path: Path) -> None:
    step = number_step(5, shared=True)
    engine = Driver(tmp_path / "run", Store(tmp_path / "cache"))
    engine.run([step])
    other_content(engine.store.path(step))
    outcome = Driver(tmp_path / "run", Store(tmp_path / "cache")).run([step])
    assert outcome.reused == {step.key}
    assert outcome.notes == ["number 5: its files are not what was put there; taken from where it is whole"]
    assert result_of(engine, step) == 5


def test_what_else_lies_beside_an_artefacts_files_makes_it_no_other(tmp_path: Path) -> None:
    """Readers leave indices beside a trajectory, and file managers their notes."""
    step = number_step(5)
    engine = Driver(tmp_path / "run", None)
    engine.run([step])
    (engine.store.path(step) / ".number.json_offsets.npz").write_bytes(b"index")
    assert Driver(tmp_path / "run", None).run([step]).reused == {step.key}


def cache_that_is_a_file(root: Path) -> Path:
    (root / "cache").write_text("mine")
    return root / "cache"


def cache_below_a_file(root: Path) -> Path:
    (root / "file").write_text("mine")
    return root / "file" / "cache"


def cache_with_a_link(root: Path) -> Path:
    (root / "outside").mkdir()
    (root / "cache").mkdir()
    (root / "cache" / "number").symlink_to(root / "outside")
    return root / "cache"


def cache_that_is_a_link(root: Path) -> Path:
    (root / "outside").mkdir()
    (root / "cache").symlink_to(root / "outside")
    return root / "cache"


@pytest.mark.parametrize(
    "make", [cache_that_is_a_file, cache_below_a_file, cache_with_a_link, cache_that_is_a_link]
)
def test_a_cache_that_cannot_be_written_is_done_without(make, tmp_path: Path) -> None:
    steps = [number_step(number, shared=True) for number in (5, 7)]
    engine = Driver(tmp_path / "run", Store(make(tmp_path)))
    outcome = engine.run(steps)
    assert [result_of(engine, step) for step in steps] == [5, 7]
    assert len(outcome.notes) == 1
    assert "is done without" in outcome.notes[0]
    assert not list((tmp_path / "outside").glob("*"))


def test_work_in_progress_is_not_written_through_other_names(tmp_path: Path) -> None:
    """A hard link in a step's scratch folder, or in place of its log, leads outside no more."""
    step = number_step(5, scratched=True)
    outside = tmp_path / "outside"
    outside.write_text("mine")
    work = tmp_path / "run" / "work" / step.key[:20]
    (work / "lease-1" / "scratch").mkdir(parents=True)
    for name in ("log.txt", "lease-1/out", "lease-1/scratch/state", "error.json", "job.json"):
        (work / name).hardlink_to(outside)
    engine = Driver(tmp_path / "run", None)
    engine.run([step])
    assert result_of(engine, step) == 5
    assert outside.read_text() == "mine"


def remember(context: StepContext) -> None:
    """Leave something behind in this process and its environment, and say what was there."""
    found = [getattr(sys, "left_behind", None), os.environ.get("LEFT_BEHIND"), str(os.getppid())]
    sys.left_behind = os.environ["LEFT_BEHIND"] = "left"  # type: ignore[attr-defined]
    (context.output / "number.json").write_text(json.dumps(found))


def test_workers_begin_alike_whoever_worked_in_their_place_before(tmp_path: Path) -> None:
    """Forked from one process, each has its own memory; a crash of one is its own."""
    broken = Step(Stage("broken", f"{HERE}:crash"), "broken")
    steps = [Step(Stage("remember", f"{HERE}:remember"), f"{i}", {"i": i}) for i in range(3)]
    engine = Driver(tmp_path / "run", None, Processes(1))
    assert set(engine.run([steps[0], broken, *steps[1:]]).failed) == {broken.key}
    found = [json.loads((engine.store.path(step) / "number.json").read_text()) for step in steps]
    assert [one[:2] for one in found] == [[None, None]] * 3
    assert len({one[2] for one in found}) == 1, "they come from one process"


def test_a_nursery_that_was_killed_is_replaced(tmp_path: Path) -> None:
    processes = Processes(1)
    for number in (1, 2):
        assert not Driver(tmp_path / f"{number}", None, processes).run([number_step(number)]).failed
        (idle,) = processes._idle
        idle.tell(signal.SIGKILL)
        idle.ended(None)


def test_a_nursery_begins_nothing_for_a_driver_that_has_gone(tmp_path: Path) -> None:
    """As one that was killed while the nursery was still loading; nor does it complain of it."""
    command = [sys.executable, "-m", WORKER, "--serve", "1", "9"]  # of another's
    line = json.dumps([str(tmp_path / "swept"), {}])
    done = subprocess.run(command, input=f"{line}\n", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("function", "word"), [("fail", "ZeroDivisionError"), ("crash", "signal 11")])
def test_a_failure_stops_what_depends_on_it_and_nothing_else(
    tmp_path: Path, function: str, word: str
) -> None:
    broken = Step(Stage("broken", f"{HERE}:{function}"), "broken")
    blocked = number_step(1, {"a": broken})
    other = number_step(2)
    tolerant = number_step(3, {"a": broken, "b": other}, optional_inputs=frozenset({"a"}))
    engine = Driver(tmp_path / "run", None)
    outcome = engine.run([blocked, tolerant])
    assert word in str(outcome.failed[broken.key])
    assert outcome.skipped == {blocked.key}
    assert result_of(engine, tolerant) == 5
    assert outcome.done[tolerant.key].missing_inputs == ("a",)
    assert engine.store.find(tolerant) is None, "what was made without an input is made anew next time"


def test_a_disk_that_fills_up_stops_the_run_and_is_not_taken_for_a_steps_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([10**9, 10**6])
    monkeypatch.setattr(driver_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free)))
    broken = Step(Stage("broken", f"{HERE}:fail"), "broken")
    with pytest.raises(ComputationError, match="disk is almost full"):
        Driver(tmp_path / "run", None).run([number_step(1, {"a": broken})])


def test_a_step_that_ends_on_a_full_disk_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    step, now = number_step(1), time.monotonic()
    task, plan = _Task(step, tmp_path, now - 90.0, begun=now - 90.0), Schedule([step], (), {"cpu": 1})
    driver = Driver(tmp_path, None)
    with pytest.raises(ComputationError, match="disk is almost full"):
        driver._settle(task, 1, plan, Outcome())
    assert driver._used(plan, [task]).core_hours == pytest.approx(90.0 / 3600, rel=0.05)


def test_a_crash_on_a_node_is_the_steps_and_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From here, its process is not seen: the lease that it left would look held for a while."""
    monkeypatch.setattr(lease.platform, "node", lambda: "login")
    begun = []

    def listen(event: Event) -> None:
        begun.extend([event.label] if event.kind == "started" else [])
        assert len(begun) < 3

    broken = Step(Stage("broken", f"{HERE}:crash"), "broken")
    outcome = Driver(tmp_path / "run", None, Processes(1), listener=listen).run([broken])
    assert "signal 11" in str(outcome.failed[broken.key])


def test_the_time_left_is_that_of_the_longest_chain() -> None:
    first = number_step(1, cost_seconds=10.0)
    both = [number_step(n, {"a": first}, cost_seconds=float(n)) for n in (2, 5)]
    last = number_step(9, {"a": both[0], "b": both[1]}, cost_seconds=1.0)
    alone = number_step(3, cost_seconds=3.0)
    plan = Schedule(in_order([alone, last]), (), {"cpu": 2, "gpu": 0})
    assert [plan.tail(step) for step in (first, *both, last, alone)] == [16.0, 3.0, 6.0, 1.0, 3.0]
    assert plan.seconds_left({}) == 16.0
    assert [plan.take("cpu"), plan.take("cpu"), plan.take("cpu")] == [first, alone, None]
    assert plan.seconds_left({first.key: 0.5}) == 11.0


def test_hours_and_pace_are_counted_over_drivers_and_ten_minutes() -> None:
    now = [1000.0]
    meter = Meter(Usage(core_hours=2.0, gpu_hours=1.0), {"gpu": 0.25}, lambda: now[0])
    assert meter.usage([], 0.0) == Usage(core_hours=2.0, gpu_hours=1.0)
    meter.ended("cpu", 1800.0, finished=True)
    assert meter.usage([], 0.0).steps_per_minute == 6.0, "as of ten seconds, not of a moment"
    now[0] += 120.0
    meter.ended("gpu", 3600.0, finished=False)  # a kill costs hours, and is no step
    found = meter.usage([("gpu", 7200.0), ("cpu", 900.0)], 40.0)
    assert found == Usage(core_hours=5.75, gpu_hours=1.75, steps_per_minute=0.5, ns_per_day=40.0)
    now[0] += 500.0
    meter.ended("cpu", 0.0, finished=True)
    assert meter.usage([], 0.0).steps_per_minute == 0.1, "of the first nothing is left"


def test_nanoseconds_a_day_are_those_since_a_worker_first_told_of_its_replica(tmp_path: Path) -> None:
    """A replica that goes on from its checkpoint begins at that share, not at nothing."""
    task = _Task(number_step(1, nanoseconds=100.0), tmp_path, time.monotonic())
    (tmp_path / "log.txt").touch()
    found = []
    for fraction, when in ((0.0, 0.0), (0.5, 500.0), (0.51, 1364.0), (0.53, 2228.0)):
        (tmp_path / "progress.json").write_text(json.dumps({"fraction": fraction, "text": "", "time": when}))
        found.append(_progress_of(task).ns_per_day)
    assert found == pytest.approx([0.0, 0.0, 100.0, 150.0])


def test_a_step_whose_log_is_seen_after_its_end_took_no_time_below_zero(tmp_path: Path) -> None:
    now = time.monotonic()
    task = _Task(number_step(1), tmp_path, now - 5.0, ended=now - 2.0)
    (tmp_path / "log.txt").touch()
    assert _progress_of(task) is None
    assert task.seconds == pytest.approx(3.0)


def test_what_a_run_takes_adds_up_over_its_drivers(tmp_path: Path) -> None:
    usages: list[Usage] = []

    def listen(event: Event) -> None:
        usages.extend([event.snapshot.usage] if event.snapshot else [])

    for number, share in ((1, 0.5), (2, 1.0)):
        processes = Processes(1)
        processes.capacity, processes.gpus = {"cpu": 0, "gpu": 1}, {"gpu": share}
        step = number_step(number, resource="gpu", tenths_of_a_second=3)
        driver = Driver(tmp_path, None, processes, listener=listen)
        assert not driver.run([step]).failed
    assert [one.core_hours for one in usages] == sorted(one.core_hours for one in usages)
    assert read_usage(tmp_path).core_hours == usages[-1].core_hours >= 0.6 / 3600
    first = next(one for one in reversed(usages) if one.gpu_hours < 0.51 * one.core_hours)
    added = usages[-1].gpu_hours - first.gpu_hours
    assert added == pytest.approx(usages[-1].core_hours - first.core_hours)


def test_looking_how_far_steps_are_takes_a_tenth_of_the_time_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, looked = [100.0], []

    def slow(event: Event) -> None:
        looked.append(now[0])
        now[0] += 1.0

    monkeypatch.setattr(driver_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    step = number_step(1)
    driver = Driver(tmp_path, None, listener=slow)
    plan, running = Schedule([step], (), {"cpu": 1}), {step.key: _Task(step, tmp_path, 0.0)}
    while now[0] < 125.0:
        driver._tell(plan, running)
        now[0] += 0.25
    assert looked == [100.0, 110.0, 120.0]


class LateEngine(Processes):
    """Its workers' artefacts are seen here only later, as over a network that lags."""

    submitted = 0

    def submit(self, step: Step, work: Path) -> None:
        LateEngine.submitted += 1
        super().submit(step, work)


def test_an_artefact_that_comes_late_is_waited_for_and_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    adopt = Store.adopt

    def late(self: Store, step: Step, *, final: bool = False) -> object:
        looks.append(step)
        return adopt(self, step, final=final) if len(looks) > 5 else None

    monkeypatch.setattr(Store, "adopt", late)
    step = number_step(5)
    driver = Driver(tmp_path / "run", None, LateEngine(1))
    assert not driver.run([step]).failed
    assert result_of(driver, step) == 5
    assert (len(looks), LateEngine.submitted) == (6, 1)


DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_engine import number_step
from kinscope.workflow.engine.driver import Driver
from kinscope.workflow.engine.processes import Processes
first = number_step(1, trace={trace!r}, tenths_of_a_second=3)
second = number_step(2, {{"a": first}}, trace={trace!r}, tenths_of_a_second={tenths})
third = number_step(3, {{"a": second}}, trace={trace!r})
engine = Driver(Path({run!r}), None, Processes(2))
outcome = engine.run([third])
print((engine.store.path(third) / "number.json").read_text())
"""


def test_a_killed_driver_takes_its_workers_along_and_the_next_run_resumes(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = textwrap.dedent(
        DRIVER.format(
            here=str(Path(__file__).parent), trace=str(trace), run=str(tmp_path / "run"), tenths=6000
        )
    )
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    while not trace.exists() or "2" not in trace.read_text():
        assert driver.poll() is None
        time.sleep(0.02)
    driver.kill()
    driver.wait()
    work = (tmp_path / "run" / "work").resolve()
    deadline = time.monotonic() + 60  # the step would go on for ten minutes
    while any(
        place.is_relative_to(work) for place in filter(None, map(_place, Path("/proc").glob("[0-9]*/cwd")))
    ):
        assert time.monotonic() < deadline, "a worker outlived its driver"
        time.sleep(0.05)
    trace.with_name("trace.hurry").touch()
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "6"
    assert trace.read_text().split() == ["1", "2", "2", "3"], "the finished step must not run again"


def _place(link: Path) -> Path | None:
    """The directory that a process is in."""
    try:
        return link.readlink()
    except OSError:
        return None


def test_a_stop_says_what_is_begun_anew_and_nothing_of_what_left_a_checkpoint(tmp_path: Path) -> None:
    step = number_step(1)
    task = _Task(step, tmp_path, time.monotonic() - 130.0)
    assert _lost(task) == f"{step.label} (2 min)"
    assert _lost(replace(task, begun=time.monotonic())) == ""
    (tmp_path / "lease-1" / "scratch").mkdir(parents=True)
    (tmp_path / "lease-1" / "scratch" / "state").write_text("half way")
    assert _lost(task) == ""


def test_a_worker_that_is_told_to_leave_does_so_at_a_checkpoint_and_the_next_goes_on(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    step = Step(Stage("count", f"{HERE}:count"), "count", {"trace": str(trace)})
    told: list[int] = []

    def listen(event: Event) -> None:
        if not told and event.snapshot and any(one.fraction > 0 for one in event.snapshot.running):
            told.append(signal.SIGTERM)
            engine.engine._running[step.key][0].tell(signal.SIGTERM)

    engine = Driver(tmp_path / "run", None, listener=listen)
    outcome = engine.run([step])
    assert not outcome.failed
    begun = [int(line) for line in trace.read_text().split()]
    assert begun == [0, result_of(engine, step) - 1]
    assert begun[1] > 0
    assert not list((tmp_path / "run" / "work").iterdir())


def test_two_drivers_of_one_run_do_no_step_twice(tmp_path: Path) -> None:
    trace, run = tmp_path / "trace", tmp_path / "run"
    code = textwrap.dedent(
        DRIVER.format(here=str(Path(__file__).parent), trace=str(trace), run=str(run), tenths=20)
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in (1, 2)]
    assert [one.communicate(timeout=120)[0].strip() for one in both] == ["6", "6"]
    assert trace.read_text().split() == ["1", "2", "3"]


def test_a_lease_has_one_holder_and_whoever_is_late_finds_its_paths_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lease.take(tmp_path)
    assert first is not None
    assert lease.take(tmp_path) is None
    (first / "scratch").mkdir()
    monkeypatch.setattr(lease, "STALE_SECONDS", -1.0)  # as if nothing had been heard of it
    second = lease.take(tmp_path)
    assert second is not None
    assert (second / "scratch").is_dir()
    assert not first.exists()
    assert not lease.beat(first)
    assert lease.beat(second)
    monkeypatch.undo()
    lease.give_up(second)
    assert lease.take(tmp_path) is not None


def test_a_dead_holder_on_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, kinscope.workflow.engine.lease as lease; lease.take(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert (tmp_path / "lease-1" / "owner.json").exists()
    assert lease.take(tmp_path) == tmp_path / "lease-2"


def test_a_lease_is_read_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by `kinscope status` in another's run, or on a full disk."""
    assert lease.take(tmp_path) is not None

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert lease.is_held(tmp_path)
    monkeypatch.setattr(lease, "STALE_SECONDS", -1.0)
    assert not lease.is_held(tmp_path)


def test_a_worker_leaves_at_once_where_the_artefact_is_there(tmp_path: Path) -> None:
    """As one does that waited in a queue while another driver's worker finished the step."""
    trace = tmp_path / "trace"
    step = number_step(5, trace=str(trace))
    engine = Driver(tmp_path / "run", None)
    engine._prepare(_Task(step, tmp_path / "work", 0.0), Outcome(), {})
    job = (tmp_path / "work" / "job.json").read_text()
    engine.run([step])
    (tmp_path / "work" / "job.json").write_text(job)
    subprocess.run([sys.executable, "-m", WORKER, str(tmp_path / "work"), str(os.getpid())], check=True)
    assert trace.read_text() == "5\n"


def test_ten_thousand_steps_in_one_chain_are_planned(tmp_path: Path) -> None:
    step = number_step(0)
    for number in range(1, 10_000):
        step = number_step(number, {"a": step})
    steps = in_order([step])
    assert [one.parameters["number"] for one in steps] == list(range(10_000))
    plan = Schedule(steps, {one.key for one in steps[:9_000]}, {"cpu": 1})
    assert (plan.settled, plan.seconds_left({})) == (9_000, 1_000.0)
    assert plan.take("cpu") is steps[9_000]


def test_the_machine_keeps_a_variants_models_for_the_same_variant_elsewhere(tmp_path: Path) -> None:
    """Not shared by variants, and yet found: the stage says so."""
    kept = Stage("number", NUMBER.function, kept=True)
    for stage, ran in ((kept, 1), (NUMBER, 2)):
        trace = tmp_path / f"trace-{ran}"
        for place in ("one", "other"):
            step = Step(stage, "a number", {"number": ran, "trace": str(trace)})
            Driver(tmp_path / f"{place}-{ran}", Store(tmp_path / "cache")).run([step])
        assert len(trace.read_text().splitlines()) == ran
