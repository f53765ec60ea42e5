"""Workers on a cluster, by Parsl: jobs of a scheduler that take steps as long as there are any.

Parsl asks the scheduler for jobs, hands steps to them and gives back what is idle. What a step is, whether it
is done, and how it goes on after a kill is the worker's and the store's affair: of Parsl's own memory of
results nothing is used, nor does it report its use to anybody.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from kinscope.core.errors import ComputationError, SettingsError
from kinscope.core.files import read_text
from kinscope.core.plain_yaml import parse_yaml
from kinscope.core.records import Settings
from kinscope.workflow.engine.processes import Nursery, begin_in
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.worker import LEAVE, STOPPED

_MARGIN_SECONDS = 60.0
"""Before the end of a job, at which a step is asked to save itself and leave."""
_LEAVE_SECONDS = 600.0
"""Before that, from which on it leaves at its next checkpoint."""
_GIGABYTES = 2
"""Of memory for each step that a container runs at once."""
_DEVICES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
_IDLE: list[Nursery] = []
"""On a node, of this one of Parsl's workers."""
_INTERCHANGE = (
    "import os, runpy; from kinscope.workflow.engine.lease import end_with; os.setsid(); "
    "end_with(os.getppid()); "
    "runpy.run_module('parsl.executors.high_throughput.interchange', run_name='__main__')"
)
"""Ends with its driver, whatever ends that: jobs then miss it within a minute, and give themselves back. Not
by a terminal's signals: without it, Parsl waits for ever to cancel a job."""
_EXAMPLE = "provider: slurm\nqueue: gpu\nwalltime: 08:00:00\ngpus: 4"


class Pool(Settings):
    """What one kind of job takes, each on one node."""

    queue: str = Field(default="", max_length=100)
    """Partition or queue; empty: the scheduler's default."""
    account: str = Field(default="", max_length=100)
    """Whom it is booked on."""
    walltime: str = Field(default="01:00:00", pattern=r"^\d{1,3}:[0-5]\d:[0-5]\d$")
    """Of a job, ``HH:MM:SS``; longer steps save themselves before its end and go on in the next."""
    jobs: int = Field(default=1, ge=1, le=10_000)
    """At most so many at once."""
    cores: int = Field(default=1, ge=1, le=4096)
    """Of a job."""
    gpus: int = Field(default=0, ge=0, le=64)
    """Of a job; each runs one step. Without any, each core runs one."""
    options: tuple[str, ...] = Field(default=(), max_length=50)
    """Lines for the scheduler as they stand in a job's script, e.g. ``#SBATCH --constraint=a100``."""

    @property
    def at_once(self) -> int:
        """Steps that one job runs at once."""
        return self.gpus or self.cores

    @property
    def seconds(self) -> int:
        """The walltime."""
        hours, minutes, seconds = map(int, self.walltime.split(":"))
        return 3600 * hours + 60 * minutes + seconds


class ClusterFile(Pool):
    """A cluster, and the jobs that run steps of dynamics, or all."""

    provider: Literal["slurm", "pbs", "lsf", "kubernetes", "local"]
    environment: tuple[str, ...] = Field(default=(), max_length=50)
    """Lines of shell before the worker starts: modules, the virtual environment."""
    cpu: Pool | None = None
    """Jobs for the steps that need no GPU; without them those take a place of the others."""
    image: str = Field(default="", max_length=300, validate_default=True)
    """Of the container, on Kubernetes."""
    volumes: dict[str, str] = Field(default={}, max_length=20)
    """Claims and where they are mounted, on Kubernetes."""

    @field_validator("image")
    @classmethod
    def _is_named(cls, image: str, others: ValidationInfo) -> str:
        if not image and others.data.get("provider") == "kubernetes":
            raise ValueError("Kubernetes runs a container's, with kinscope in it")
        return image

    def words(self) -> str:
        """What a measured speed of dynamics holds for."""
        return f"{self.provider} {self.queue or 'default'}, {self.cores} cores, {self.gpus} GPUs"


def read_cluster(path: Path) -> ClusterFile:
    """A cluster as a YAML file describes it.

    Raises SettingsError if it is none, or names something unknown or impossible.
    """
    loaded, _ = parse_yaml(read_text(path), str(path))
    try:
        return ClusterFile.model_validate(loaded)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"The cluster's {name or 'file'} is not usable: {first['msg'].removeprefix('Value error, ')}.",
            where=f"{path}: {name}",
            remedy="A file of a few lines does: " + "; ".join(_EXAMPLE.splitlines()),
        ) from error


class Cluster:
    """Steps in jobs of a cluster.

    ``file``: what it is. ``directory``: of the run, on a file system that every node shares; Parsl keeps its
    scripts and logs in it.

    Raises SettingsError if Parsl is not installed, or cannot work in the directory or with the cluster.
    """

    queued = 1

    def __init__(self, file: ClusterFile, directory: Path) -> None:
        self.file = file
        self.directory = directory
        pools: dict[str, Pool] = {"gpu": file} if file.gpus or file.cpu else {"cpu": file}
        self.pools = pools | ({"cpu": file.cpu} if file.cpu is not None else {})
        places = {resource: pool.at_once * pool.jobs for resource, pool in self.pools.items()}
        # One queue for all: what needs no GPU sits on one for a while.
        both = "cpu" in places
        self.capacity: Mapping[str, int] = {"cpu": 0, "gpu": 0} | places if both else {"cpu": places["gpu"]}
        self.gpus: Mapping[str, float] = {"gpu": 1.0, "cpu": 0.0 if both else 1.0} if file.gpus else {}
        self._ended: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._apps: dict[str, Any] = {}
        self._kernel: Any = None
        if " " in str(directory.absolute()):
            raise SettingsError(
                "Parsl starts no worker where a folder's name has a blank.",
                where=str(directory),
                remedy="Run it in a folder without.",
            )
        self._ends = file.provider not in ("local", "kubernetes")
        """Whether jobs have an end."""
        try:
            import parsl  # noqa: F401

            if file.provider == "kubernetes":  # the others may ask their scheduler, once for every variant
                self._provider(file)
        except ImportError:
            raise SettingsError(
                "Running on a cluster needs Parsl, which is not installed.",
                where="--cluster",
                remedy='Install it beside kinscope: pip install "kinscope[hpc]"',
            ) from None
        except Exception as error:  # it lacks a package, or what says where the cluster is
            what = f"Parsl cannot use this cluster: {error}"
            raise SettingsError(what, where=f"provider: {file.provider}") from error

    def submit(self, step: Step, work: Path) -> None:
        """Queue a worker; jobs are asked for as there are steps for them."""
        if self._kernel is None:
            self._start()
        resource = step.resource if step.resource in self._apps else next(iter(self._apps))
        walltime = self.pools[resource].seconds if self._ends else None
        future = self._apps[resource](str(work.resolve()), walltime)
        future.add_done_callback(lambda done: self._ended.put((step.key, done)))

    def poll(self, seconds: float) -> list[tuple[str, int]]:
        """What ended, as soon as something does."""
        ended: list[tuple[str, int]] = []
        with suppress(queue.Empty):
            ended.append(self._code(*self._ended.get(timeout=seconds)))
            while True:
                ended.append(self._code(*self._ended.get_nowait()))
        if self._deaf():
            raise ComputationError(
                "The process that hands steps to the jobs has ended.",
                where=str(self.directory / "parsl"),
                remedy="If this machine ends large or long processes, go on from one that does not.",
            )
        return ended

    def cancel(self) -> None:
        """Give every job back; what runs in them saves itself, if the scheduler gives it the time."""
        deaf, kernel, pools = self._deaf(), self._kernel, tuple(self._apps)
        self._kernel, self._apps = None, {}
        for name in pools if deaf else ():
            with suppress(Exception):
                kernel.executors[name].provider.cancel(list(kernel.executors[name].provider.resources))
        with suppress(Exception):
            if kernel is not None and not deaf:
                kernel.cleanup()
        self._ended = queue.SimpleQueue()

    def _deaf(self) -> bool:
        """Whether an interchange of Parsl's has ended: it would wait for its answer for ever."""
        return any(self._kernel.executors[name].interchange_proc.poll() is not None for name in self._apps)

    def _code(self, key: str, future: Any) -> tuple[str, int]:
        """The worker's exit code; a worker that was lost with its node or job goes on elsewhere.

        Raises ComputationError if the cluster refuses jobs, or they cannot run a worker.
        """
        from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

        error = future.exception()
        if error is None:
            return key, int(future.result())
        if isinstance(error, ManagerLost | WorkerLost):
            return key, STOPPED
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise ComputationError(
            f"The cluster runs no steps: {lines[-1].strip()}",
            where=str(self.directory / "parsl"),
            remedy="Scripts and logs of the jobs lie there; mend the cluster's file, then go on.",
        )

    def _start(self) -> None:
        import parsl
        from parsl.config import Config
        from parsl.dataflow.dflow import DataFlowKernel

        self._kernel = DataFlowKernel(
            Config(
                executors=[self._executor(name, pool) for name, pool in self.pools.items()],
                strategy="simple",  # the scaling one cancels jobs that have only just begun
                strategy_period=1 if self.file.provider == "local" else 5,
                max_idletime=60.0,
                usage_tracking=0,
                initialize_logging=False,
                run_dir=str(self.directory / "parsl"),
            )
        )
        for name in self.pools:
            app = parsl.python_app(run_worker, data_flow_kernel=self._kernel, executors=[name], cache=False)
            self._apps[name] = app

    def _executor(self, name: str, pool: Pool) -> Any:
        from parsl.executors import HighThroughputExecutor

        return HighThroughputExecutor(
            label=name,
            provider=self._provider(pool),
            interchange_launch_cmd=[sys.executable, "-c", _INTERCHANGE],
            max_workers_per_node=pool.at_once,
            cores_per_worker=1e-3,  # as many as are asked for, whatever the node has
            available_accelerators=[str(number) for number in range(pool.gpus)],
            heartbeat_period=10,
            heartbeat_threshold=60,
            drain_period=int(_before(pool.seconds, _LEAVE_SECONDS)) if self._ends else None,
            block_error_handler=_judge,
        )

    def _provider(self, pool: Pool) -> Any:
        """What Parsl calls a scheduler, and what it calls what we say."""
        from parsl import providers

        # Parsl's programs lie beside the interpreter, which need not be on anybody's path.
        paths = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        first = [f"export {name}={text}:${name}" for name, text in paths.items() if text]
        kind, cores, gpus = self.file.provider, pool.cores, pool.gpus
        said: dict[str, Any] = {
            "init_blocks": 0,
            "min_blocks": 0,
            "max_blocks": pool.jobs,
            "worker_init": "\n".join([*first, *self.file.environment]),
        }
        if kind == "local":
            return providers.LocalProvider(**said)
        if kind == "kubernetes":
            memory, limits = f"{_GIGABYTES * pool.at_once}Gi", {"nvidia.com/gpu": str(gpus)} if gpus else None
            said |= {"image": self.file.image, "persistent_volumes": list(self.file.volumes.items())}
            said |= {"init_cpu": cores, "max_cpu": cores, "init_mem": memory, "max_mem": memory}
            return providers.KubernetesProvider(**said, extra_limits=limits)
        options = "".join(f"{line}\n" for line in pool.options)
        queue, account = pool.queue or None, pool.account or None
        said |= {"walltime": pool.walltime, "scheduler_options": options}
        if kind == "slurm":
            said |= {"partition": queue, "account": account, "cores_per_node": cores, "exclusive": False}
            # With Parsl's ten seconds, a busy controller's answer comes too late: its job is then nobody's.
            return providers.SlurmProvider(**said, gpus_per_node=gpus or None, cmd_timeout=120)
        if kind == "pbs":
            said |= {"queue": queue, "account": account, "cpus_per_node": cores}
            return providers.PBSProProvider(**said, select_options=f"ngpus={gpus}" if gpus else "")
        said["scheduler_options"] = f'#BSUB -gpu "num={gpus}"\n' * bool(gpus) + options
        # By cores, as -nnodes is of one make of LSF; through stdin, or #BSUB lines may be passed over.
        said |= {"request_by_nodes": False, "cores_per_block": cores, "bsub_redirection": True}
        return providers.LSFProvider(**said, queue=queue, project=account, cores_per_node=cores)


def _judge(executor: Any, jobs: dict[str, Any]) -> None:
    """Give up where no job has reached us yet, or the last three died: one may die with its node."""
    from parsl.jobs import error_handlers, states

    unheard = all(job.state == states.JobState.MISSING for job in jobs.values())
    judge = error_handlers.simple_error_handler if unheard else error_handlers.windowed_error_handler
    judge(executor, jobs)


def _before(job_seconds: float, margin: float) -> float:
    """Seconds after a job's start that lie so long before its end; of a short job, a part."""
    return job_seconds - min(margin, 0.3 * job_seconds)


def run_worker(work: str, job_seconds: float | None) -> int:
    """On a node: run the worker of a work directory, tell it when its job is about to end; its exit code.

    ``job_seconds``: from the job's start to its end; None if it has none.
    """
    # A killed pool takes its steps along only after they saved themselves: SIGTERM, not SIGKILL.
    job, began = _job(os.getppid())
    nursery = begin_in(_IDLE, Path(work), _device(job), ending=signal.SIGTERM)
    code = None
    for number, margin in ((LEAVE, _LEAVE_SECONDS), (signal.SIGTERM, _MARGIN_SECONDS)):
        if code is None and job_seconds is not None:
            code = nursery.ended(max(1.0, began + _before(job_seconds, margin) - time.time()))
            if code is None:
                nursery.tell(number)
    while code is None:
        code = nursery.ended(None)
    _IDLE.append(nursery)
    return code


@cache
def _job(manager: int) -> tuple[Mapping[str, str], float]:
    """The environment that a job began with, and when."""
    import psutil

    process = psutil.Process(manager)
    return process.environ(), process.create_time()


def _device(job: Mapping[str, str]) -> dict[str, str]:
    """The worker's GPU as the scheduler named it in the job's environment; Parsl numbers them from 0."""
    found = {}
    for name in _DEVICES:
        mine, given = os.environ.get(name, ""), job.get(name, "").split(",")
        if mine.isdigit() and int(mine) < len(given) and given[0]:
            found[name] = given[int(mine)]
    return found
