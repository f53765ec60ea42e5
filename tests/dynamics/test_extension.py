"""A replica made longer is one trajectory: no gap, no doubled frame, what was there stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from factories.small_systems import residue_in_vacuum
from factories.trajectory import read_protein_frames
from kinscope.core.errors import RunDirectoryError, SettingsError
from kinscope.core.files import sha256_of_file
from kinscope.dynamics.files.reading import xtc_frame_ends
from kinscope.dynamics.platforms import on_processor
from kinscope.dynamics.records import (
    END_FILE,
    ENERGIES_FILE,
    REPLICA_RECORD_FILE,
    TRAJECTORY_FILE,
    ReplicaRecord,
)
from kinscope.dynamics.replicas import run as replicas
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.segments import BlowUpError, Engine
from kinscope.dynamics.settings import ProtocolSettings

SETTINGS = ProtocolSettings(
    frame_interval_steps=10, checkpoint_interval_steps=100, equilibration_fraction=0.3, maximum_frames=30
)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("system")
    residue_in_vacuum(directory)
    return directory


@pytest.fixture(scope="module")
def short(system: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("short")
    record = run(system, directory, 250)
    assert (record.frames, record.length_ns) == (25, pytest.approx(0.001))
    return directory


def run(system: Path, directory: Path, steps: int, before: Path | None = None) -> ReplicaRecord:
    return run_replica(
        system,
        directory,
        directory,
        ReplicaTask(SETTINGS, replica=0, seed=5, production_steps=steps, before=before),
        platform=on_processor(),
    )


def test_time_goes_on_and_old_frames_stay(system: Path, short: Path, tmp_path: Path):
    record = run(system, tmp_path, 300, before=short)
    _, old, _ = read_protein_frames(short)
    _, frames, times = read_protein_frames(tmp_path)
    assert record.frames == len(frames) == 30
    assert np.array_equal(frames[:25], old)
    assert np.allclose(np.diff(times), 10 * 0.004, atol=1e-5)
    assert times[-1] == pytest.approx(1.2)
    assert record.length_ns == pytest.approx(0.0012)
    # The first new frame lies as far from the last old one as neighbours do: no jump, no restart.
    steps = np.linalg.norm(np.diff(frames, axis=0), axis=2).mean(axis=1)
    assert steps[24] < 2 * steps.max(initial=0.0, where=np.arange(len(steps)) != 24)
    old_rows = (short / ENERGIES_FILE).read_text().splitlines()
    rows = (tmp_path / ENERGIES_FILE).read_text().splitlines()
    assert rows[: len(old_rows)] == old_rows
    production = [int(row.split(",")[1]) for row in rows if row.startswith("production")]
    assert production == sorted(set(production))
    assert production[-1] == 300
    assert len(record.continued) == 1
    assert "0.001 ns on CPU" in record.continued[0]
    assert record.plan.thermalise_steps == 37  # of the shorter one, though a longer run would take more


def test_frames_are_thinned_evenly_where_the_longer_run_writes_fewer(
    system: Path, short: Path, tmp_path: Path
):
    run(system, tmp_path, 700, before=short)
    _, old, _ = read_protein_frames(short)
    _, frames, times = read_protein_frames(tmp_path)
    assert np.allclose(times, 0.12 * np.arange(1, 24), atol=1e-4)  # every third: 30 frames at most
    assert np.array_equal(frames[:8], old[2::3])
    assert len(xtc_frame_ends(tmp_path / TRAJECTORY_FILE)) == len(frames)


def test_extended_twice_and_killed_in_between(system: Path, short: Path, tmp_path: Path, monkeypatch):
    straight = [tmp_path / "a", tmp_path / "b"]
    run(system, straight[0], 400, before=short)
    run(system, straight[1], 800, before=straight[0])
    killed = tmp_path / "killed"
    look, calls = Engine._look, [0]

    def dies(*arguments: object) -> None:
        calls[0] += 1
        if calls[0] % 9 == 0:
            raise KeyboardInterrupt
        look(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "_look", dies)
    for _ in range(40):
        try:
            record = run(system, killed, 800, before=straight[0])
            break
        except KeyboardInterrupt:
            continue
    assert calls[0] > 9
    assert record.resumes >= 1
    for name in (TRAJECTORY_FILE, ENERGIES_FILE):
        assert sha256_of_file(killed / name) == sha256_of_file(straight[1] / name)
    assert len(record.continued) == 2


def test_after_a_blow_up_the_new_part_is_tried_again_and_the_old_part_stays(
    system: Path, short: Path, tmp_path: Path, monkeypatch
):
    look, calls = Engine._look, [0]

    def blows_up(*arguments: object) -> None:
        calls[0] += 1
        if calls[0] == 4:
            raise BlowUpError("by hand")
        look(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "_look", blows_up)
    record = run(system, tmp_path, 300, before=short)
    assert (record.status, record.attempt, record.time_step_fs) == ("finished", 1, 2.0)
    assert "by hand" in record.note
    _, old, _ = read_protein_frames(short)
    _, frames, times = read_protein_frames(tmp_path)
    assert np.array_equal(frames[:25], old)
    assert np.allclose(np.diff(times), 0.04, atol=1e-5)
    # and a replica that went on with half the step goes on with it when it is made longer again
    again = run(system, tmp_path / "again", 400, before=tmp_path)
    assert (again.attempt, again.time_step_fs) == (1, 2.0)
    assert again.length_ns == pytest.approx(0.0016)
    times = read_protein_frames(tmp_path / "again")[2]
    assert len(np.unique(np.round(np.diff(times), 4))) == 1


def test_what_cannot_be_continued_is_refused(system: Path, short: Path, tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be made longer"):
        run(system, tmp_path / "a", 250, before=short)
    for name, change in {
        "no end": lambda folder: (folder / END_FILE).unlink(),
        "damaged end": lambda folder: (folder / END_FILE).write_bytes(b"PK"),
        "damaged frames": lambda folder: (folder / TRAJECTORY_FILE).write_bytes(b"x"),
        "no record": lambda folder: (folder / REPLICA_RECORD_FILE).unlink(),
    }.items():
        broken = tmp_path / name
        shutil.copytree(short, broken)
        change(broken)
        with pytest.raises(RunDirectoryError):
            run(system, tmp_path / f"{name} longer", 300, before=broken)
    other = tmp_path / "other"
    residue_in_vacuum(other, "SER")
    with pytest.raises(RunDirectoryError, match="another system"):
        run(other, tmp_path / "b", 300, before=short)
    with pytest.raises(RunDirectoryError, match="another protocol"):
        replicas.read_before(short, SETTINGS, 1, 5)


def test_extend_refuses_what_is_no_study(tmp_path: Path):
    import typer

    from kinscope.cli import commands

    app = typer.Typer()
    commands.register(app)
    found = CliRunner().invoke(app, ["extend", str(tmp_path), "--length-ns", "1"])
    assert isinstance(found.exception, RunDirectoryError)
