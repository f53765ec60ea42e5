"""What kinscope's engine costs beside the bare one, and whether store and resume stay linear.

    python benchmarks/scaling.py [--tasks 200] [--seconds 0 2] [--artefacts 10 1000 100000] [--steps 10000]

Prints the overhead a task (wall time times workers over tasks, less its own time) on processes and Parsl, and
of the same sleep on bare `concurrent.futures` and bare Parsl; the time of a look-up in a store of so many
artefacts; and of resuming a finished study. It wants a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, wait
from pathlib import Path

from kinscope.workflow.engine.cluster import Cluster, ClusterFile
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.driver import Driver
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.step import Stage, Step
from kinscope.workflow.engine.store import ARTEFACT_FILE, ArtefactRecord, Store, list_files

WORKERS = 2
SLEEPING = Stage("sleeping", f"{Path(__file__).stem}:sleep_step")


def sleep_step(context: StepContext) -> None:
    """A step that takes its time and leaves a file."""
    time.sleep(context.parameters["seconds"])
    (context.output / "slept").write_text("well")


def sleep_task(seconds: float) -> int:
    time.sleep(seconds)
    return 0


def steps_of(number: int, seconds: float) -> list[Step]:
    return [Step(SLEEPING, f"{i}", {"i": i, "seconds": seconds}, cost_seconds=seconds) for i in range(number)]


def on_processes(number: int, seconds: float, folder: Path) -> float:
    began = time.monotonic()
    outcome = Driver(folder, None, Processes(WORKERS)).run(steps_of(number, seconds))
    assert len(outcome.done) == number
    return time.monotonic() - began


def on_parsl(number: int, seconds: float, folder: Path) -> float:
    cluster = Cluster(ClusterFile(provider="local", cores=WORKERS), folder)
    try:
        Driver(folder, None, cluster).run(steps_of(WORKERS, 0.001))  # jobs are there
        began = time.monotonic()
        outcome = Driver(folder, None, cluster).run(steps_of(number, seconds))
        assert len(outcome.done) == number
        return time.monotonic() - began
    finally:
        cluster.cancel()


def on_futures(number: int, seconds: float, _folder: Path) -> float:
    with ProcessPoolExecutor(WORKERS) as pool:
        began = time.monotonic()
        wait([pool.submit(sleep_task, seconds) for _ in range(number)])
        return time.monotonic() - began


def on_bare_parsl(number: int, seconds: float, folder: Path) -> float:
    import parsl
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    executor = HighThroughputExecutor(
        provider=LocalProvider(init_blocks=1, max_blocks=1),
        max_workers_per_node=WORKERS,
        cores_per_worker=1e-3,
    )
    config = Config(executors=[executor], run_dir=str(folder / "bare"), usage_tracking=0)
    with parsl.load(config):
        task = parsl.python_app(sleep_task)
        wait([task(0.001) for _ in range(WORKERS)])
        began = time.monotonic()
        wait([task(seconds) for _ in range(number)])
        return time.monotonic() - began


ENGINES: dict[str, tuple[Callable[[int, float, Path], float], str]] = {
    "processes": (on_processes, "futures"),
    "Parsl": (on_parsl, "bare Parsl"),
    "futures": (on_futures, ""),
    "bare Parsl": (on_bare_parsl, ""),
}


def fill(store: Store, steps: list[Step]) -> None:
    """Put an artefact of every step into a store."""
    for step in steps:
        folder = store.path(step)
        folder.mkdir(parents=True)
        (folder / "slept").write_text("well")
        record = ArtefactRecord(
            key=step.key, step=step.name, label=step.label, parameters=dict(step.parameters), inputs={},
            seed=None, wall_seconds=0.0, platform="CPU", kinscope_version="", files=list_files(folder),
        )  # fmt: skip
        (folder / ARTEFACT_FILE).write_text(record.model_dump_json())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--seconds", type=float, nargs="*", default=[0.0, 2.0])
    parser.add_argument("--artefacts", type=int, nargs="*", default=[10, 1_000, 100_000])
    parser.add_argument("--steps", type=int, default=10_000)
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
    with tempfile.TemporaryDirectory() as scratch:
        for seconds in given.seconds:
            walls = {}
            for name, (run, _) in ENGINES.items():
                walls[name] = run(given.tasks, seconds, Path(scratch, f"{name}-{seconds}"))
            for name, (_, bare) in ENGINES.items():
                overhead = walls[name] * WORKERS / given.tasks - seconds
                ratio = f"; {walls[name] / walls[bare]:.2f} times {bare}" if bare else ""
                print(
                    f"{given.tasks} tasks of {seconds:g} s, {name}: {1000 * overhead:.1f} ms a task{ratio}",
                    flush=True,
                )
        for number in given.artefacts:
            root, steps = Path(scratch, f"store-{number}"), steps_of(number, 0.0)
            fill(Store(root), steps)
            store, looked = Store(root), steps[:: max(1, number // 200)]
            began = time.monotonic()
            assert all(store.find(step) is not None for step in looked)
            print(f"{number} artefacts: {1000 * (time.monotonic() - began) / len(looked):.2f} ms a look-up")
        chain = steps_of(1, 0.0)
        for number in range(1, given.steps):
            chain.append(Step(SLEEPING, f"{number}", {"i": number, "seconds": 0.0}, {"before": chain[-1]}))
        fill(Store(Path(scratch, "run", "artefacts")), chain)
        began = time.monotonic()
        assert len(Driver(Path(scratch, "run"), None).run(chain[-1:]).reused) == given.steps
        print(f"{given.steps} finished steps in a chain: resumed in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
