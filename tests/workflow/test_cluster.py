"""Steps in jobs of a cluster: its file, Parsl here, and a SLURM on which workers, driver and node die."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from factories.small_steps import NAME, small_study
from factories.small_systems import residue_in_vacuum
from kinscope.core.errors import SettingsError
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.workflow.campaign import read_campaign, runs_of, write_snakefile
from kinscope.workflow.engine.cluster import Cluster, ClusterFile, Pool, read_cluster
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.driver import Driver, read_usage
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.step import Stage, Step, in_order
from kinscope.workflow.engine.store import Store
from kinscope.workflow.study import Run
from workflow.test_kills import LONG, SIDES, begin, compare, protocol, references, replica_steps, system_steps

TESTS = Path(__file__).parents[1]
SLURM = TESTS / "workflow" / "slurm.sh"


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a SLURM of one node that runs while the test does."""
    pytest.importorskip("parsl")
    folder = tmp_path / "slurm"
    started = subprocess.run([SLURM, "start", folder], capture_output=True, text=True, check=False)
    if started.returncode:
        pytest.skip(started.stdout.strip() or started.stderr.strip())
    monkeypatch.setenv("SLURM_CONF", started.stdout.strip().partition("=")[2])
    yield folder
    subprocess.run(["scancel", "--user", "root"], check=False)
    subprocess.run([SLURM, "stop", folder], check=False)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "file"),
        ("[1, 2]", "file"),
        ("provider: slrum", "provider"),
        ("provider: slurm\nwalltime: 8h", "walltime"),
        ("provider: slurm\ngpu: 4", "gpu"),
        ("provider: slurm\ncpu: {jobs: 0}", "cpu.jobs"),
        ("queue: gpu", "provider"),
        ("provider: kubernetes", "image"),
    ],
)
def test_what_is_wrong_with_a_clusters_file_is_named(text: str, where: str, tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=f"cluster's {where} is not usable") as error:
        read_cluster(path)
    assert str(path) in error.value.where
    assert error.value.exit_code == 2


def test_a_folder_that_parsl_starts_nothing_in_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("parsl")
    with pytest.raises(SettingsError, match="blank") as error:
        Cluster(ClusterFile(provider="local"), tmp_path / "my run")
    assert "my run" in error.value.where


def test_a_pool_runs_a_step_a_gpu_or_a_core(tmp_path: Path) -> None:
    pytest.importorskip("parsl")
    (tmp_path / "cluster.yaml").write_text(
        "provider: slurm\nqueue: gpu\nwalltime: 08:00:00\njobs: 3\ncores: 32\ngpus: 4\n"
        "environment:\n  - module load cuda\noptions: ['#SBATCH --constraint=a100']\n"
        "cpu: {queue: long, cores: 16, jobs: 2}\n"
    )
    file = read_cluster(tmp_path / "cluster.yaml")
    assert Cluster(file, tmp_path).capacity == {"cpu": 32, "gpu": 12}
    assert Cluster(file.model_copy(update={"cpu": None}), tmp_path).capacity == {"cpu": 12}
    assert Cluster(ClusterFile(provider="local", cores=8), tmp_path).capacity == {"cpu": 8, "gpu": 0}
    no_gpus = file.model_copy(update={"gpus": 0})  # dynamics keeps its jobs
    assert Cluster(no_gpus, tmp_path).capacity == {"cpu": 32, "gpu": 96}
    assert not Cluster(no_gpus, tmp_path).gpus


FULL = {
    "queue": "big",
    "account": "lab",
    "walltime": "08:00:00",
    "cores": 16,
    "gpus": 4,
    "environment": ["module load cuda"],
}
SCHEDULER = """#!/bin/sh
for last; do :; done
cat "${{last:-/dev/stdin}}" > {submitted}
echo " $*" >> {submitted}
echo "Submitted batch job 7"
echo "Job <7> is submitted to queue <big>."
"""


@pytest.mark.parametrize(
    ("scheduler", "program", "option", "lines"),
    [
        ("slurm", "sbatch", "#SBATCH --constraint=a100",
         {"--partition=big", "--account=lab", "--time=480", "--cpus-per-task=16", "--gpus-per-node=4"}),
        ("pbs", "qsub", "#PBS -l place=pack",
         {"-l walltime=08:00:00", "-l select=1:ncpus=16:ngpus=4", "-q big", "-A lab"}),
        ("lsf", "bsub", "#BSUB -R a100",
         {"-q big", "-P lab", "-W 480", "-n 16", '-R "span[ptile=16]"', '-gpu "num=4"'}),
    ],
)  # fmt: skip
def test_a_scheduler_is_asked_for_what_the_file_says(
    scheduler: str,
    program: str,
    option: str,
    lines: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a script as its program reads it: a file's, or LSF's from stdin, which else skips #BSUB lines."""
    pytest.importorskip("parsl")
    submitted = tmp_path / "submitted"
    for name in (program, "sacct"):
        (tmp_path / name).write_text(SCHEDULER.format(submitted=submitted))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    file = ClusterFile.model_validate(FULL | {"provider": scheduler, "options": [option]})
    cluster = Cluster(file, tmp_path)
    assert not submitted.exists(), "a plan of a hundred variants does not ask a hundred times"
    provider = cluster._provider(file)
    assert provider.cmd_timeout >= 120, "a busy controller is waited for"
    provider.script_dir = str(tmp_path)
    assert provider.submit("run_a_pool", 1)
    text = submitted.read_text()
    assert option in text.splitlines()
    for line in lines:
        assert f" {line}" in text, text
    assert "--exclusive" not in text
    assert text.index("\nmodule load cuda\n") < text.index("run_a_pool")


def test_a_container_is_given_cores_memory_and_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two gigabytes a step: with the half that Parsl gives to all, none would load."""
    kube = pytest.importorskip("parsl.providers.kubernetes.kube")
    file = ClusterFile.model_validate(
        FULL | {"provider": "kubernetes", "image": "lab/kinscope", "volumes": {"runs": "/runs"}}
    )
    monkeypatch.setattr(kube, "_kubernetes_enabled", False)
    with pytest.raises(SettingsError, match="kubernetes"):
        Cluster(file, tmp_path)
    monkeypatch.setattr(kube, "_kubernetes_enabled", True)
    monkeypatch.setattr(kube, "config", SimpleNamespace(load_kube_config=lambda: None), raising=False)
    monkeypatch.setattr(kube, "client", SimpleNamespace(CoreV1Api=object), raising=False)
    found = Cluster(file, tmp_path)._provider(file)
    assert (found.image, found.persistent_volumes) == ("lab/kinscope", [("runs", "/runs")])
    assert (found.init_cpu, found.max_cpu, found.init_mem, found.max_mem) == (16, 16, "8Gi", "8Gi")
    assert found.extra_limits == {"nvidia.com/gpu": "4"}


def show_device(context: StepContext) -> None:
    """Tell which GPU a step may see."""
    time.sleep(0.5)
    (context.output / NAME).write_text(os.environ["CUDA_VISIBLE_DEVICES"])


def test_a_step_sees_the_gpu_that_the_scheduler_gave_not_the_nodes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parsl numbers devices from 0 in each job: on a shared node those may be another user's."""
    pytest.importorskip("parsl")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    importable(monkeypatch)
    stage = Stage("show", f"{Path(__file__).stem}:show_device")
    steps = [Step(stage, f"{number}", {"number": number}, resource="gpu") for number in range(4)]
    given = ("export CUDA_VISIBLE_DEVICES=GPU-5a,7",)
    cluster = Cluster(ClusterFile(provider="local", gpus=2, environment=given), tmp_path / "run")
    try:
        assert not Driver(tmp_path / "run", None, cluster).run(steps).failed
    finally:
        cluster.cancel()
    assert set(contents(tmp_path / "run", steps)) <= {"GPU-5a", "7"}
    used = read_usage(tmp_path / "run")
    assert used.gpu_hours == used.core_hours > 0.0


def heeding() -> None:
    """As on a terminal, whatever the tests themselves run under."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)


def contents(run: Path, steps: list[Step]) -> list[str]:
    """What every step of a plan made."""
    store = Store(run / "artefacts")
    for step in in_order(steps):
        assert store.find(step) is not None, step.label
    return [(store.path(step) / NAME).read_text() for step in in_order(steps)]


def test_parsl_makes_what_processes_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("parsl")
    importable(monkeypatch)
    steps = small_study(tmp_path / "trace", wide=2, deep=2)
    cluster = Cluster(ClusterFile(provider="local", cores=2), tmp_path / "jobs")
    try:
        outcome = Driver(tmp_path / "jobs", None, cluster).run(steps)
    finally:
        cluster.cancel()
    assert not outcome.failed
    assert not outcome.reused
    assert not Driver(tmp_path / "here", None).run(steps).failed
    assert contents(tmp_path / "jobs", steps) == contents(tmp_path / "here", steps)


def pools_of(run: Path) -> list[int]:
    """Processes of Parsl's that take steps of a run."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = command.read_bytes()
            if b"process_worker_pool" in words and str(run).encode() in words:
                found.append(int(command.parent.name))
    return found


def assessed_on_jobs(folder: Path) -> subprocess.Popen[str]:
    """A study in jobs of this machine's, in a session of its own, once steps run."""
    pytest.importorskip("parsl")
    (folder / "here.yaml").write_text("provider: local\ncores: 2\n")
    words = ["assess", "K404E", "--md-minutes", "0", "--cluster", "here.yaml", "--out", "run"]
    study = subprocess.Popen(
        [sys.executable, "-m", "kinscope", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"KINSCOPE_CACHE": str(folder / "cache")},
        preexec_fn=heeding,
        start_new_session=True,
    )
    while not list(folder.glob("run/work/*/log.txt")):
        assert study.poll() is None, study.stderr and study.stderr.read()
        time.sleep(0.1)
    assert pools_of(folder)
    return study


def end_of(study: subprocess.Popen[str], folder: Path) -> tuple[int, str]:
    """Its exit code and last words, once none of its jobs is left."""
    _, told = study.communicate(timeout=600)
    deadline = time.monotonic() + 60
    while pools_of(folder):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return study.returncode, told


def test_a_terminal_that_goes_takes_the_jobs_along_and_the_study_says_how_it_goes_on(tmp_path: Path) -> None:
    """Its SIGHUP, as Ctrl-C, reaches all processes in front: Parsl's too, which are needed to cancel jobs."""
    study = assessed_on_jobs(tmp_path)
    os.killpg(study.pid, signal.SIGHUP)
    code, told = end_of(study, tmp_path)
    assert code == 129
    kept = "  kept: everything finished, in run\n  go on: kinscope resume run --cluster here.yaml\n"
    assert told.endswith(f"stopped by SIGHUP.\n{kept}")


@pytest.mark.parametrize(
    ("jobs", "ends"),
    [("MISSING", True), ("FAILED", False), ("COMPLETED FAILED FAILED", False), ("RUNNING", False),
     ("FAILED MISSING FAILED", True), ("COMPLETED FAILED FAILED FAILED", True), ("", False)],
)  # fmt: skip
def test_a_job_that_dies_with_its_node_does_not_end_the_study_but_jobs_that_only_die_do(
    jobs: str, ends: bool, tmp_path: Path
) -> None:
    """A file with which none begins is told of at the first."""
    states = pytest.importorskip("parsl.jobs.states")
    file = ClusterFile(provider="local")
    executor, told = Cluster(file, tmp_path)._executor("cpu", file), []
    executor.set_bad_state_and_fail_all = told.append
    named = enumerate(jobs.split())
    executor.handle_errors({str(n): states.JobStatus(states.JobState[name]) for n, name in named})
    assert bool(told) is ends


def test_the_jobs_of_every_pool_are_given_back_where_one_is_cut_off(tmp_path: Path) -> None:
    pytest.importorskip("parsl")
    given_back: list[str] = []

    def cut_off(ids: list[str]) -> None:
        given_back.extend(ids)
        raise OSError

    cluster = Cluster(ClusterFile(provider="local", gpus=1, cpu=Pool()), tmp_path)
    executors = {
        name: SimpleNamespace(
            interchange_proc=SimpleNamespace(poll=lambda ended=ended: ended),
            provider=SimpleNamespace(resources={job: {}}, cancel=cut_off),
        )
        for name, job, ended in (("gpu", "7", -9), ("cpu", "8", None))
    }
    cluster._kernel, cluster._apps = SimpleNamespace(executors=executors), dict.fromkeys(executors)
    cluster.cancel()
    assert given_back == ["7", "8"]


def test_a_study_does_not_wait_for_a_process_of_parsls_that_was_killed(tmp_path: Path) -> None:
    """As by a login node that lacks memory."""
    study, psutil = assessed_on_jobs(tmp_path), pytest.importorskip("psutil")
    (interchange,) = (
        one for one in psutil.Process(study.pid).children() if "interchange" in " ".join(one.cmdline())
    )
    interchange.kill()
    code, told = end_of(study, tmp_path)
    assert code == 1
    assert "hands steps to the jobs has ended" in told


DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from factories.small_steps import small_study
from kinscope.workflow.campaign import read_campaign, runs_of, write_snakefile
from kinscope.workflow.engine.cluster import Cluster, ClusterFile
from kinscope.workflow.engine.driver import Driver
run = Path({run!r})
cluster = Cluster(ClusterFile(provider="slurm", cores=2, walltime="00:10:00"), run)
try:
    steps = small_study(Path({trace!r}), wide=20, deep=10, rounds=3, seconds=0.4)
    outcome = Driver(run, None, cluster).run(steps)
finally:
    cluster.cancel()
sys.exit(bool(outcome.failed or outcome.skipped))
"""


def workers_below(run: Path) -> list[int]:
    """Processes in the middle of a step of the run: they hold its lease, and saved something."""
    found = []
    for state in run.glob("work/*/lease-*/scratch/state"):
        with suppress(OSError, ValueError):
            found.append(int(json.loads((state.parents[1] / "owner.json").read_text())["pid"]))
    return [pid for pid in found if Path(f"/proc/{pid}").exists()]


def kill_somebody(kind: str, run: Path, driver: subprocess.Popen[bytes], slurm: Path) -> bool:
    """Kill a worker, the driver, or the node's daemon with every job on it; False if nobody is at work."""
    victims = workers_below(run)
    if not victims:
        return False
    if kind == "worker":
        os.kill(victims[0], signal.SIGKILL)
    elif kind == "driver":
        driver.kill()
        driver.wait()
    else:
        os.kill(int((slurm / "slurmd.pid").read_text()), signal.SIGKILL)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        for pid in pools_of(run):
            os.kill(pid, signal.SIGKILL)
        time.sleep(1.0)
        subprocess.run(["/usr/sbin/slurmd"], check=True)
    return True


@pytest.mark.slow
def test_a_study_on_slurm_whose_workers_driver_and_node_are_killed_ends_the_same(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importable(monkeypatch)
    run, trace = tmp_path / "run", tmp_path / "trace"
    last = small_study(trace, wide=20, deep=10, rounds=3, seconds=0.4)
    steps = in_order(last)
    store, kinds, begun = Store(run / "artefacts"), ["worker", "driver", "worker", "node", "driver"], 0
    kills = list(kinds)
    while True:
        begun += 1
        assert begun < 12, "it does not come to an end"
        code = DRIVER.format(here=str(TESTS), run=str(run), trace=str(trace))
        driver = subprocess.Popen([sys.executable, "-c", code])
        while kills and driver.poll() is None:
            share = 1 - (len(kills) / (len(kinds) + 1))
            far = len(list((store.root / "small").glob("[!.]*"))) >= share * len(steps)
            if far and kill_somebody(kills[0], run, driver, slurm):
                kills.pop(0)
            time.sleep(0.1)
        if driver.wait() == 0:
            break
    assert not kills
    lines = [line.split() for line in trace.read_text().splitlines()]
    last_begun = {int(number): float(when) for number, what, when in lines if what == "begins"}
    for step in steps:
        published = (store.path(step) / "artefact.json").stat().st_mtime
        assert last_begun[step.parameters["number"]] < published, f"{step.label} ran after it was finished"
    again = sum(what == "begins" for _, what, _ in lines) - len(steps)
    print(f"\n{len(kinds)} kills, {begun} drivers, {len(steps)} steps; begun again: {again}, none finished")
    assert again > 0, "nobody was hit"
    assert not Driver(tmp_path / "here", None, Processes(2)).run(last).failed
    assert contents(run, steps) == contents(tmp_path / "here", steps)


def that_last(seconds: float, system: Path, folder: Path) -> str:
    """The kind of replicas that take so long, however fast this machine is."""
    for steps in (1000, 20_000):
        begun = time.monotonic()
        where, task = folder / str(steps), ReplicaTask(protocol(LONG), 0, seed=7, production_steps=steps)
        run_replica(system, where, where, task)
    return f"{LONG}-{round(steps * seconds / (time.monotonic() - begun))}"


def replicas_in_pieces(tmp_path: Path, cluster: Cluster) -> None:
    """Replicas in jobs that end before these do, every byte held against one piece."""
    systems = {side: tmp_path / "whole" / side for side in SIDES}
    for side, residue in zip(SIDES, ("ALA", "SER"), strict=True):
        residue_in_vacuum(systems[side], residue)
    kind = that_last(1.5 * cluster.file.seconds, systems["native"], tmp_path / "pace")
    _, whole = references(tmp_path / "whole", kind)
    begin(cluster.directory, systems)
    begun = time.monotonic()
    try:
        outcome = Driver(cluster.directory, None, cluster).run(replica_steps(system_steps(), kind))
    finally:
        cluster.cancel()
    assert not outcome.failed
    resumes = compare(cluster.directory, whole, kind)
    took = time.monotonic() - begun
    print(
        f"\njobs of {cluster.file.walltime}, {kind}: {len(whole)} replicas, {resumes} resumes in {took:.0f} s"
    )
    assert resumes >= 2


@pytest.mark.slow
def test_replicas_longer_than_a_walltime_end_in_the_bytes_of_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs here, told of their end as a scheduler's are."""
    pytest.importorskip("parsl")
    cluster = Cluster(ClusterFile(provider="local", cores=2, walltime="00:00:40"), tmp_path / "run")
    monkeypatch.setattr(cluster, "_ends", True)
    replicas_in_pieces(tmp_path, cluster)


@pytest.mark.slow
def test_replicas_longer_than_a_walltime_of_slurm_end_in_the_bytes_of_one_piece(
    slurm: Path, tmp_path: Path
) -> None:
    """``KINSCOPE_WALLTIME``: of its jobs, in minutes; one is SLURM's least."""
    walltime = f"00:{int(os.environ.get('KINSCOPE_WALLTIME', '1')):02d}:00"
    cluster = Cluster(ClusterFile(provider="slurm", cores=2, walltime=walltime), tmp_path / "run")
    replicas_in_pieces(tmp_path, cluster)


TIMES = {"seconds", "wall_seconds"}
TELL_TIMES = {"appendix.html", "artefact.json", "tables/provenance.parquet"}


def without_times(content: object) -> object:
    if isinstance(content, dict):
        return {name: without_times(value) for name, value in content.items() if name not in TIMES}
    return [without_times(value) for value in content] if isinstance(content, list) else content


def made(run: Run) -> dict[str, object]:
    """Every file of every artefact of a finished study, but for how long things took."""
    found: dict[str, object] = {}
    for folder in run.store.artefacts():
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name, content = path.relative_to(folder).as_posix(), path.read_bytes()
            if name in TELL_TIMES:
                continue
            where = f"{folder.parent.name}/{folder.name}/{name}"
            if path.suffix == ".json":
                found[where] = without_times(json.loads(content))
            elif path.suffix == ".parquet" and "run_sha256" in (table := pq.read_table(path)).column_names:
                found[where] = table.drop_columns(["run_sha256"])  # of a result.json, which tells times
            else:
                found[where] = content
    return found


@pytest.mark.slow
def test_snakemake_makes_the_bytes_of_processes_and_kinscope_adopts_them(tmp_path: Path) -> None:
    """A Snakemake of its own: on the path, or named in ``KINSCOPE_SNAKEMAKE`` (pip install snakemake)."""
    program = os.environ.get("KINSCOPE_SNAKEMAKE") or shutil.which("snakemake")
    if program is None:
        pytest.skip("there is no snakemake here")
    study = tmp_path / "study.yaml"
    study.write_text("variants: [K404E]\nsettings: {drugs: [imatinib], states: [kinase-dfg-out]}\n")
    campaign = read_campaign(str(study))
    snakefile = write_snakefile(campaign, tmp_path / "snake")
    command = [program, "--snakefile", snakefile, "--cores", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (by_snakemake,), (here,) = (list(runs_of(campaign, tmp_path / place)) for place in ("snake", "here"))
    assert not list((by_snakemake.directory / "work").iterdir())
    adopted = by_snakemake.finish().outcome
    assert set(adopted.done) == adopted.reused
    assert not here.finish().outcome.failed
    ours, theirs = made(here), made(by_snakemake)
    assert len(ours) > 20
    assert [name for name in ours | theirs if ours.get(name) != theirs.get(name)] == []
