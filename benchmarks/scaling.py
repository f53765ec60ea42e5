"""What kinscope's engines cost beside bare ones, and whether workers, store and resume scale.

    python benchmarks/scaling.py [--tasks 10000] [--replicas 6] [--artefacts 10 1000 100000] [--steps 10000]

Prints each part as soon as it is known (0 leaves it out): milliseconds a task that does nothing, in turn on
processes and Parsl, bare `concurrent.futures` and bare Parsl, on these with what a worker does besides (a
process of its own, a lease, an artefact flushed and renamed in), and with one flushed file, without which no
result lasts; the efficiency of two workers over one on replicas, and of two bare processes; a look-up in
stores; a finished study, resumed.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider
from scaling_tasks import file_task, kept_task, tiny_task

from kinscope.dynamics.settings import ProtocolSettings
from kinscope.workflow.engine.cluster import Cluster, ClusterFile
from kinscope.workflow.engine.driver import Driver, Engine
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.step import Stage, Step
from kinscope.workflow.engine.store import ARTEFACT_FILE, ArtefactRecord, Store, list_files
from kinscope.workflow.planning.catalogue import STAGES

WORKERS, ROUNDS, LENGTH = 2, 5, 1000
TINY = Stage("tiny", "scaling_tasks:tiny_step")
HERE = Path(__file__).resolve().parent
say = functools.partial(print, flush=True)


def tiny_steps(number: int) -> list[Step]:
    return [Step(TINY, f"{i}", {"i": i}) for i in range(number)]


def driven(engine: Engine) -> Callable[[int, Path], float]:
    """Seconds that so many tiny steps take on an engine of kinscope's."""

    def run(number: int, folder: Path) -> float:
        Driver(folder / "first", None, engine).run(tiny_steps(WORKERS))  # its workers are there
        began = time.monotonic()
        outcome = Driver(folder / "run", None, engine).run(tiny_steps(number))
        assert len(outcome.done) == number
        return time.monotonic() - began

    return run


def bare(submit: Callable[..., Future[int]], task: Callable[[str, int], int]) -> Callable[[int, Path], float]:
    """The same of a task on what only hands tasks out."""

    def run(number: int, folder: Path) -> float:
        wait([submit(task, str(folder), -1 - i) for i in range(WORKERS)])
        began = time.monotonic()
        futures = [submit(task, str(folder), i) for i in range(number)]
        assert not any(future.result() for future in futures)
        return time.monotonic() - began

    return run


def overhead(tasks: int, scratch: Path) -> None:
    """Of a task, on every engine in turn."""
    with ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(WORKERS))
        wait([pool.submit(tiny_task, "", i) for i in range(100)])  # forked before there are threads
        here = LocalProvider(init_blocks=1, max_blocks=1)
        executor = HighThroughputExecutor(provider=here, max_workers_per_node=WORKERS, cores_per_worker=1e-3)
        given = Config([executor], run_dir=str(scratch / "bare"), strategy="none", usage_tracking=0)
        stack.enter_context(parsl.load(given))  # a blank in run_dir, and it never starts a worker
        apps = {task: parsl.python_app(task) for task in (tiny_task, kept_task)}
        cluster = Cluster(ClusterFile(provider="local", cores=WORKERS), scratch / "cluster")
        processes = Processes(WORKERS)
        stack.callback(cluster.cancel)
        stack.callback(processes.cancel)
        runs = {
            "futures": bare(pool.submit, tiny_task),
            "futures that flush a file": bare(pool.submit, file_task),
            "futures that keep": bare(pool.submit, kept_task),
            "processes": driven(processes),
            "bare Parsl": bare(lambda task, *given: apps[task](*given), tiny_task),
            "bare Parsl that keeps": bare(lambda task, *given: apps[task](*given), kept_task),
            "Parsl": driven(cluster),
        }
        spent = dict.fromkeys(runs, 0.0)
        each = max(1, tasks // ROUNDS)
        for turn in range(ROUNDS):
            for name, run in runs.items():
                folder = scratch / f"{name}-{turn}"
                folder.mkdir()
                spent[name] += run(each, folder)
            told = (f"{name} {1000 * spent[name] / (turn + 1) / each:.2f}" for name in runs)
            say(f"{(turn + 1) * each} tasks, ms a task: {', '.join(told)}")
        for name, beside in (("processes", "futures"), ("Parsl", "bare Parsl")):
            for other in (one for one in runs if one.startswith(beside)):
                say(f"{name} over {other}: {spent[name] / spent[other]:.2f}")


def efficiency(replicas: int, scratch: Path) -> None:
    """Of two workers on replicas of a residue in water, with kinscope and bare, in turn."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    from factories.small_systems import residue_in_water

    source = Step(STAGES["solvated"], "a residue in water", {})
    store = Store(scratch / "systems")
    residue_in_water(store.path(source))
    fill(store, [source])
    given = {"protocol": ProtocolSettings().model_dump(mode="json"), "production_steps": LENGTH, "seed": 7}
    numbers, stage = range(replicas), STAGES["replica"]
    plan = [Step(stage, f"{i}", given | {"replica": i}, {"system": source}) for i in numbers]

    def with_kinscope(workers: int, folder: Path) -> None:
        driver = Driver(folder, None, Processes(workers))
        assert driver.store.copy_from(store, source)
        assert len(driver.run(plan).done) == replicas + 1

    def without(workers: int, folder: Path) -> None:
        code = "import sys; from scaling_tasks import replica_task; replica_task(*sys.argv[1:])"
        said = [sys.executable, "-c", code, str(store.path(source)), str(folder), str(LENGTH)]
        with ThreadPoolExecutor(workers) as pool:
            assert not any(pool.map(subprocess.call, [[*said, str(i)] for i in numbers]))

    for run in (with_kinscope, without):
        spent = {1: 0.0, 2: 0.0}
        for turn in range(2):
            for workers in spent:
                began = time.monotonic()
                run(workers, scratch / f"{run.__name__}-{workers}-{turn}")
                spent[workers] += time.monotonic() - began
        share = 100 * spent[1] / (2 * spent[2])
        told = f"{spent[1]:.1f} s on one worker, {spent[2]:.1f} s on two: {share:.0f} %"
        say(f"{2 * replicas} replicas {run.__name__.replace('_', ' ')}: {told}")


def fill(store: Store, steps: list[Step]) -> None:
    """Put an artefact of every step into a store: what lies in its place, or a word."""
    for step in steps:
        folder = store.path(step)
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "done").write_text("well")
        record = ArtefactRecord(
            key=step.key, step=step.name, label=step.label, parameters=dict(step.parameters), inputs={},
            seed=None, wall_seconds=0.0, platform="CPU", kinscope_version="", files=list_files(folder),
        )  # fmt: skip
        (folder / ARTEFACT_FILE).write_text(record.model_dump_json())


def look_up(number: int, scratch: Path) -> None:
    steps = tiny_steps(number)
    fill(Store(scratch), steps)
    looked = steps[:: max(1, number // 1000)]
    began = time.monotonic()
    store = Store(scratch)
    assert all(store.find(step) is not None for step in looked)
    each = 1000 * (time.monotonic() - began) / len(looked)
    files = [one for step in looked for one in (store.path(step), *store.path(step).iterdir())]
    size = sum(one.lstat().st_blocks for one in files) / 2 / len(looked)
    say(f"{number} artefacts: {each:.2f} ms a look-up, {size:.0f} KiB each on the disk")


def resume(number: int, scratch: Path) -> None:
    chain = tiny_steps(1)
    for i in range(1, number):
        chain.append(Step(TINY, f"{i}", {"i": i}, {"before": chain[-1]}))
    fill(Store(scratch / "artefacts"), chain)
    began = time.monotonic()
    assert len(Driver(scratch, None).run(chain[-1:]).reused) == number
    say(f"{number} finished steps in a chain: resumed in {time.monotonic() - began:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--replicas", type=int, default=6)
    parser.add_argument("--artefacts", type=int, nargs="*", default=[10, 1_000, 100_000])
    parser.add_argument("--steps", type=int, default=10_000)
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = f"{HERE}:{os.environ.get('PYTHONPATH', '')}"
    os.environ["OPENMM_CPU_THREADS"] = "1"
    stores = [(look_up, number) for number in given.artefacts]
    for part, number in [
        (overhead, given.tasks),
        (efficiency, given.replicas),
        *stores,
        (resume, given.steps),
    ]:
        if number:
            with tempfile.TemporaryDirectory() as scratch:
                part(number, Path(scratch))


if __name__ == "__main__":
    main()
