"""Full disks, signals, damaged files and blow-ups: told, survived, and never a wrong trajectory."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from factories.small_systems import residue_in_vacuum
from factories.trajectory import read_protein_frames
from kinscope.core.errors import ComputationError, RunDirectoryError
from kinscope.core.files import sha256_of_file
from kinscope.core.progress import silent
from kinscope.dynamics.files import checkpoints
from kinscope.dynamics.files.system import load_record, write_state
from kinscope.dynamics.records import (
    ENERGIES_FILE,
    REPLICA_RECORD_FILE,
    STATE_FILE,
    SYSTEM_RECORD_FILE,
    TRAJECTORY_FILE,
    PlatformChoice,
    ReplicaRecord,
)
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.segments import BlowUpError, Engine
from kinscope.dynamics.settings import ProtocolSettings

PROTOCOL = ProtocolSettings(
    checkpoint_interval_steps=50, frame_interval_steps=10, equilibration_fraction=0.3, retry_iterations=5
)
STEPS = 400
PROCESSOR = PlatformChoice(
    name="CPU",
    properties={"Threads": "1", "DeterministicForces": "true"},
    deterministic=True,
    reason="a test",
)
SCRIPT = """
import sys
from pathlib import Path
from kinscope.core.progress import silent
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.settings import ProtocolSettings

def go(system, folder, steps, progress=silent):
    return run_replica(
        Path(system), Path(folder), Path(folder),
        ReplicaTask(ProtocolSettings.model_validate_json({settings!r}), 0, 5, steps), progress=progress,
        platform=PlatformChoice.model_validate_json({platform!r}),
    )
""".replace("{settings!r}", repr(PROTOCOL.model_dump_json())).replace(
    "{platform!r}", repr(PROCESSOR.model_dump_json())
)


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("system")
    residue_in_vacuum(directory)
    return directory


@pytest.fixture(scope="module")
def reference(system, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    run(system, folder)
    return folder


def run(system: Path, folder: Path, *, steps: int = STEPS, progress=silent) -> ReplicaRecord:
    return run_replica(
        system,
        folder,
        folder,
        ReplicaTask(PROTOCOL, replica=0, seed=5, production_steps=steps),
        progress=progress,
        platform=PROCESSOR,
    )


def same(folder: Path, reference: Path) -> None:
    for name in (TRAJECTORY_FILE, ENERGIES_FILE):
        assert (folder / name).read_bytes() == (reference / name).read_bytes(), name
    assert not list(folder.glob("checkpoint-*"))
    assert not list(folder.glob("*.partial"))


def test_a_disk_that_is_full_at_any_write_loses_nothing(system, reference, tmp_path, monkeypatch):
    """Every durable write ends in fsync; one after the other fails, at every stage of the run."""
    real, left = os.fsync, [0]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    told: list[str] = []
    for _ in range(200):
        left[0] = 3 + len(told) % 7  # three to nine writes go well each time
        try:
            run(system, tmp_path)
        except ComputationError as error:
            told.append(error.what)
        else:
            break
    assert len(told) >= 4
    assert all("disk is full" in text for text in told)
    monkeypatch.setattr(os, "fsync", real)
    run(system, tmp_path)
    same(tmp_path, reference)


def test_a_file_system_that_really_fills_up(system, reference, tmp_path):
    """A tmpfs of 16 KiB in a mount namespace of its own; then it is made larger, and the run goes on."""
    small, out = tmp_path / "small", tmp_path / "out"
    small.mkdir()
    out.mkdir()
    probe = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("mount namespaces are not permitted here")
    code = (
        SCRIPT
        + f"""
import shutil, subprocess
from kinscope.core.errors import ComputationError
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", {str(small)!r}], check=True)
try:
    go({str(system)!r}, {str(small)!r}, {STEPS})
except ComputationError as error:
    assert "disk is full" in error.what, error.what
    print("full", flush=True)
subprocess.run(["mount", "-o", "remount,size=16m", {str(small)!r}], check=True)
go({str(system)!r}, {str(small)!r}, {STEPS})
for path in Path({str(small)!r}).iterdir():
    if path.is_file() and not path.name.startswith("."):
        shutil.copy(path, {str(out)!r})
"""
    )
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    if "mount" in done.stderr and done.returncode != 0:
        pytest.skip("mounting is not permitted here")
    assert done.returncode == 0, done.stderr
    assert "full" in done.stdout
    same(out, reference)


@pytest.mark.slow
def test_a_file_larger_than_allowed_is_told_and_not_the_end(system, reference, tmp_path):
    """RLIMIT_FSIZE, as a batch system may set it: the write fails with EFBIG, not with a full disk."""
    code = (
        SCRIPT
        + f"""
import resource, signal
from kinscope.core.errors import ComputationError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))
try:
    go({str(system)!r}, {str(tmp_path)!r}, {STEPS})
except ComputationError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
go({str(system)!r}, {str(tmp_path)!r}, {STEPS})
"""
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "goes on from the last checkpoint" in done.stdout
    same(tmp_path, reference)


@pytest.mark.parametrize(
    "how",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_scheduler_that_ends_the_process_costs_one_segment(system, reference, tmp_path, how):
    code = SCRIPT + (
        f"go({str(system)!r}, {str(tmp_path)!r}, {STEPS}, lambda done, text: print(text, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line.split()[0]) >= 150:
            process.send_signal(how)
            break
    process.stdout.close()
    assert process.wait() != 0
    found = checkpoints.load_latest(tmp_path)
    if not (tmp_path / REPLICA_RECORD_FILE).exists():
        assert found is not None
        assert found[0].step >= 100
    run(system, tmp_path)
    same(tmp_path, reference)


class _StopError(Exception):
    pass


def _stop_at(step: int):
    def progress(_fraction: float, text: str) -> None:
        if int(text.split()[0]) >= step:
            raise _StopError

    return progress


def test_a_kill_during_the_retry_after_a_blow_up_ends_as_without_it(system, tmp_path, monkeypatch):
    real = Engine.run

    def unstable_once(self, segment, *rest):
        if segment.attempt == 0 and segment.first >= 100:
            raise BlowUpError("forced")
        return real(self, segment, *rest)

    monkeypatch.setattr(Engine, "run", unstable_once)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    expected = run(system, whole)
    assert (expected.status, expected.attempt, expected.time_step_fs) == ("finished", 1, 2.0)
    for step in (20, 250, 600):  # in the retry, the last two after its first checkpoints
        with pytest.raises(_StopError):
            run(system, killed, progress=_stop_at(step))
    found = run(system, killed)
    assert (found.attempt, found.note) == (expected.attempt, expected.note)
    same(killed, whole)


def test_what_a_blow_up_left_behind_is_not_in_the_trajectory(system, tmp_path, monkeypatch):
    """Frames of the attempt that blew up in production must not stand before those of the next."""
    real = Engine.run

    def late(self, segment, *rest):
        if segment.attempt == 0 and segment.first >= segment.plan.total_steps - segment.plan.segment_steps:
            raise BlowUpError("forced")
        return real(self, segment, *rest)

    monkeypatch.setattr(Engine, "run", late)
    record = run(system, tmp_path)
    _, frames, times = read_protein_frames(tmp_path)
    assert len(frames) == record.frames == STEPS // 10
    assert np.allclose(np.diff(times), record.frame_interval_ps, rtol=1e-4)
    rows = (tmp_path / ENERGIES_FILE).read_text().splitlines()
    assert rows[1].startswith("thermalise")
    assert sum(row.startswith("stage,") for row in rows) == 1


def test_a_real_blow_up_is_retried_by_rule_and_reported(system, tmp_path):
    """Two atoms laid on one another, with too long a step and hardly any friction."""
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in system.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    with np.load(broken / STATE_FILE) as data:
        positions, box = data["positions_nm"].copy(), data["box_nm"]
    positions[0] = positions[-1] + 1e-4
    write_state(broken / STATE_FILE, positions, box)
    record = load_record(broken).model_copy(update={"state_sha256": sha256_of_file(broken / STATE_FILE)})
    (broken / SYSTEM_RECORD_FILE).write_text(record.model_dump_json())
    settings = PROTOCOL.model_copy(
        update={"retries": 1, "retry_iterations": 0, "restraint_kcal_per_mol_per_square_angstrom": 0.0}
    )
    found = run_replica(
        broken,
        tmp_path / "run",
        tmp_path / "run",
        ReplicaTask(settings, replica=0, seed=5, production_steps=STEPS),
        platform=PROCESSOR,
    )
    assert found.status == "failed"
    assert found.frames == 0
    assert found.note.count("blew up") == 2
    with pytest.raises(RunDirectoryError, match="failed"):
        read_protein_frames(tmp_path / "run")


def test_a_frame_lost_behind_the_checkpoints_back_is_noticed(system, tmp_path):
    with pytest.raises(_StopError):
        run(system, tmp_path, progress=_stop_at(500))
    path = tmp_path / TRAJECTORY_FILE
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RunDirectoryError, match="shorter than its checkpoint"):
        run(system, tmp_path)
