"""Replicas: seeds decide, kills change nothing, blow-ups and full disks are told and survived.

How often a replica saves, and what a kill can cost.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from factories.peptide import SOLVATION, peptide
from factories.trajectory import read_protein_frames
from kinscope.core.errors import ComputationError, RunDirectoryError, SettingsError
from kinscope.core.progress import silent
from kinscope.dynamics import box as boxes
from kinscope.dynamics.files import checkpoints
from kinscope.dynamics.files.system import load_record, load_system, write_state
from kinscope.dynamics.machine.speed import measure_speed
from kinscope.dynamics.platforms import on_processor
from kinscope.dynamics.protocol import conditions, next_stop, plan_steps, scaled, segment_end, steps_within
from kinscope.dynamics.records import ENERGIES_FILE, REPLICA_RECORD_FILE, TRAJECTORY_FILE
from kinscope.dynamics.replicas import run as replicas
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.segments import BlowUpError, Engine
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.dynamics.systems.equilibration import equilibrate_solvent
from kinscope.dynamics.systems.shipped import directory_of, read_box, write_box
from kinscope.dynamics.systems.solvent import solvate_mutant, solvate_native
from kinscope.structures.io import read_model

PROTOCOL = ProtocolSettings(
    checkpoint_interval_steps=30, frame_interval_steps=10, equilibration_fraction=0.5, reports=200
)
PRODUCTION = 120


@pytest.fixture(scope="module")
def native(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("native")
    solvate_native(peptide("LYS"), SOLVATION, 1, directory)
    return directory


@pytest.fixture(scope="module")
def reference(native, tmp_path_factory) -> Path:
    scratch = tmp_path_factory.mktemp("reference")
    run(native, scratch)
    return scratch


def run(system, folder, settings=PROTOCOL, *, replica=0, seed=5, steps=PRODUCTION, progress=silent):
    return run_replica(
        system,
        folder,
        folder,
        ReplicaTask(settings, replica=replica, seed=seed, production_steps=steps),
        progress=progress,
    )


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_solute_stays_where_the_model_put_it_and_the_box_is_neutral(native):
    record = load_record(native)
    _, positions, _, _ = load_system(native)
    model = peptide("LYS")
    assert np.abs(positions[: record.solute_atoms] * 10 - model.coord).max() < 1e-5
    assert record.solute_charge_e == 1
    assert record.negative_ions == record.positive_ions + 1
    assert record.least_image_distance_nm > 0.8
    density = record.waters / record.volume_cubic_nm
    assert 28 < density < 35  # bulk water: 33 per cubic nm


def test_charge_change_by_two_keeps_the_box_neutral_and_the_solvent_equal(native, tmp_path):
    mutant = peptide("GLU")
    record = solvate_mutant(mutant, native, SOLVATION, 2, tmp_path, variant="K2E")
    before = load_record(native)
    system, positions, box, _ = load_system(tmp_path)
    charges = [system.getForce(i) for i in range(system.getNumForces())]
    force = next(f for f in charges if type(f).__name__ == "NonbondedForce")
    total = sum(force.getParticleParameters(i)[0]._value for i in range(force.getNumParticles()))
    assert total == pytest.approx(0, abs=1e-6)
    assert record.positive_ions == before.positive_ions + 2
    assert record.waters_exchanged == 2
    assert record.waters == before.waters - 2 - record.waters_removed
    assert np.allclose(box, load_system(native)[2])
    assert np.abs(positions[: record.solute_atoms] * 10 - mutant.coord).max() < 1e-5
    ions = positions[record.solute_atoms : record.solute_atoms + record.positive_ions + record.negative_ions]
    assert boxes.nearest(ions, positions[: record.solute_atoms], box).min() > 0.3


def test_a_mutant_in_another_frame_is_brought_to_the_native(native, tmp_path):
    mutant = peptide("ALA")
    mutant.coord += 0.3
    record = solvate_mutant(mutant, native, SOLVATION, 2, tmp_path)
    assert record.solute_charge_e == 0
    far = peptide("ALA")
    far.coord += 50
    with pytest.raises(ValueError, match="does not lie on"):
        solvate_mutant(far, native, SOLVATION, 2, tmp_path / "far")


def test_frames_rows_and_record_are_complete(reference):
    record = json.loads((reference / REPLICA_RECORD_FILE).read_text())
    atoms, coordinates, times = read_protein_frames(reference)
    assert record["status"] == "finished"
    assert len(coordinates) == record["frames"] == PRODUCTION // 10
    assert np.allclose(times, 0.04 * np.arange(1, 13))
    assert coordinates.shape[1] == len(atoms)
    bonds = np.linalg.norm(coordinates[:, 1] - coordinates[:, 0], axis=1)
    assert np.all(bonds < 2.0)  # whole molecule
    rows = (reference / ENERGIES_FILE).read_text().splitlines()
    assert rows[0].startswith("stage,")
    assert {row.split(",")[0] for row in rows[1:]} == {"thermalise", "release", "production"}


def test_same_seed_same_bits_other_seed_other_path(native, reference, tmp_path):
    again, other, sibling = tmp_path / "again", tmp_path / "other", tmp_path / "sibling"
    run(native, again)
    run(native, other, seed=6)
    run(native, sibling, replica=1)
    assert digest(again / TRAJECTORY_FILE) == digest(reference / TRAJECTORY_FILE)
    assert digest(other / TRAJECTORY_FILE) != digest(reference / TRAJECTORY_FILE)
    assert digest(sibling / TRAJECTORY_FILE) != digest(reference / TRAJECTORY_FILE)


def test_kill_minus_nine_changes_nothing(native, reference, tmp_path):
    """Killed again and again, at moments that wander over the run, the replica ends in the same bits."""
    code = (
        "import sys; from pathlib import Path\n"
        "from kinscope.dynamics.replicas.run import ReplicaTask, run_replica\n"
        "from kinscope.dynamics.settings import ProtocolSettings\n"
        f"settings = ProtocolSettings.model_validate_json({PROTOCOL.model_dump_json()!r})\n"
        "print('up', flush=True)\n"
        "run_replica(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[2]),"
        f" ReplicaTask(settings, 0, 5, {PRODUCTION}),"
        " progress=lambda fraction, text: print(text, flush=True))\n"
    )
    kills = 0
    for patience in (3, 1, 5, 2, 4, 6, 10_000):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(native), str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        before = time.monotonic()
        for count, _ in enumerate(process.stdout):
            if count >= patience:
                time.sleep(0.15 * patience * (time.monotonic() - before))  # into what comes next
                os.kill(process.pid, signal.SIGKILL)
                break
            before = time.monotonic()
        process.stdout.close()
        kills += process.wait() == -signal.SIGKILL
        if (tmp_path / REPLICA_RECORD_FILE).exists():
            break
    assert kills >= 3
    for name in (TRAJECTORY_FILE, ENERGIES_FILE):
        assert digest(tmp_path / name) == digest(reference / name)
    assert json.loads((tmp_path / REPLICA_RECORD_FILE).read_text())["resumes"] >= 1


class _StopError(Exception):
    pass


def _stop_at(step: int):
    def progress(fraction: float, text: str) -> None:
        if int(text.split()[0]) >= step:
            raise _StopError

    return progress


def _interrupted(native: Path, scratch: Path, step: int) -> None:
    with pytest.raises(_StopError):
        run(native, scratch, progress=_stop_at(step))


def test_a_damaged_checkpoint_is_noticed_and_the_one_before_is_used(native, reference, tmp_path):
    _interrupted(native, tmp_path, 135)
    kept = sorted(tmp_path.glob("checkpoint-*.npz"))
    assert len(kept) == checkpoints.KEPT
    data = bytearray(kept[-1].read_bytes())
    data[len(data) // 2] ^= 1
    kept[-1].write_bytes(data)
    with (tmp_path / TRAJECTORY_FILE).open("ab") as handle:
        handle.write(b"half a frame that was under way")
    run(native, tmp_path)
    assert digest(tmp_path / TRAJECTORY_FILE) == digest(reference / TRAJECTORY_FILE)
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_truncated_checkpoint_is_noticed(native, tmp_path):
    _interrupted(native, tmp_path, 100)
    for path in tmp_path.glob("checkpoint-*.npz"):
        path.write_bytes(path.read_bytes()[:1000])
    assert checkpoints.load_latest(tmp_path) is None


def test_a_full_disk_is_told_and_nothing_is_lost(native, reference, tmp_path, monkeypatch):
    calls = 0
    real = replicas.append_at

    def full(path: Path, offset: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 7:
            path.open("ab").write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, offset, data)

    monkeypatch.setattr(replicas, "append_at", full)
    with pytest.raises(ComputationError, match="disk is full"):
        run(native, tmp_path)
    run(native, tmp_path)
    assert digest(tmp_path / TRAJECTORY_FILE) == digest(reference / TRAJECTORY_FILE)


def test_a_blow_up_is_tried_again_by_rule_and_then_told(native, tmp_path, monkeypatch):
    real = Engine.run

    def unstable_once(self, segment, *rest):
        if segment.attempt == 0 and segment.first >= 30:
            raise BlowUpError("forced")
        return real(self, segment, *rest)

    monkeypatch.setattr(Engine, "run", unstable_once)
    settings = PROTOCOL.model_copy(update={"retry_iterations": 5})
    record = run(native, tmp_path / "once", settings, steps=40)
    assert (record.status, record.attempt, record.time_step_fs, record.frames) == ("finished", 1, 2.0, 4)
    assert "forced" in record.note
    assert record.length_ns == pytest.approx(40 * 4e-6)

    def always(self, *rest):
        raise BlowUpError("forced")

    monkeypatch.setattr(Engine, "run", always)
    record = run(native, tmp_path / "never", settings, steps=40)
    assert (record.status, record.frames) == ("failed", 0)
    assert record.note.count("forced") == settings.retries + 1
    with pytest.raises(RunDirectoryError, match="failed"):
        read_protein_frames(tmp_path / "never")


def test_a_real_blow_up_is_noticed(native, tmp_path):
    settings = ProtocolSettings(time_step_fs=5.0, friction_per_ps=0.01, equilibration_fraction=0.0, retries=0)
    directory = tmp_path / "squeezed"
    directory.mkdir()
    for path in native.iterdir():
        (directory / path.name).write_bytes(path.read_bytes())
    with np.load(directory / "state.npz") as data:
        positions, box = data["positions_nm"].copy(), data["box_nm"]
    record = load_record(directory)
    first = record.solute_atoms + record.positive_ions + record.negative_ions
    positions[first : first + 3] = positions[first + 3 : first + 6] + 0.005

    write_state(directory / "state.npz", positions, box)
    changed = record.model_copy(update={"state_sha256": digest(directory / "state.npz")})
    (directory / "system.json").write_text(changed.model_dump_json())
    done = run(directory, tmp_path / "run", settings, steps=50)
    assert done.status == "failed"


def test_temperature_is_the_thermostats(native, tmp_path):
    settings = ProtocolSettings(friction_per_ps=10.0, equilibration_fraction=0.4)
    record = run(native, tmp_path, settings, seed=3, steps=600)
    # About 2,000 degrees of freedom: one reading scatters by 300*sqrt(2/2000) = 9 K, the mean by less.
    assert record.temperature_mean_k == pytest.approx(300, abs=8)
    assert record.temperature_standard_deviation_k is not None
    assert 4 < record.temperature_standard_deviation_k < 20


def test_constant_pressure_changes_the_volume_and_resumes(native, tmp_path):
    settings = PROTOCOL.model_copy(update={"ensemble": "NPT", "barostat_interval_steps": 5})
    with pytest.raises(_StopError):
        run(native, tmp_path, settings, progress=_stop_at(150))
    record = run(native, tmp_path, settings)
    rows = [line.split(",") for line in (tmp_path / ENERGIES_FILE).read_text().splitlines()[1:]]
    volumes = {stage: {row[5] for row in rows if row[0] == stage} for stage in ("thermalise", "production")}
    assert len(volumes["thermalise"]) == 1
    assert len(volumes["production"]) > 1
    assert record.frames == 12


def test_results_are_handed_over_and_a_finished_replica_is_not_run_again(native, reference, tmp_path):
    before = (reference / REPLICA_RECORD_FILE).read_bytes()
    run_replica(native, reference, tmp_path, ReplicaTask(PROTOCOL, 0, 5, PRODUCTION))
    assert (tmp_path / REPLICA_RECORD_FILE).read_bytes() == before
    assert len(read_protein_frames(tmp_path)[1]) == PRODUCTION // 10


def test_a_missing_frame_is_noticed(reference, tmp_path):
    for path in reference.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = (tmp_path / TRAJECTORY_FILE).read_bytes()
    (tmp_path / TRAJECTORY_FILE).write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(RunDirectoryError, match="damaged"):
        read_protein_frames(tmp_path)


def test_speed_is_measured_and_a_budget_becomes_steps(native):
    speed = measure_speed(native, 0.5, ProtocolSettings(), on_processor())
    assert speed.ns_per_day == pytest.approx(speed.steps_per_second * 4e-6 * 86_400)
    assert speed.platform.name
    steps = steps_within(speed, 60.0, PROTOCOL)
    plan = plan_steps(PROTOCOL, steps)
    assert plan.total_steps / speed.steps_per_second + speed.setup_seconds == pytest.approx(60, rel=0.02)


def test_density_settles_and_the_solute_comes_back_to_its_place(native, tmp_path):
    for path in native.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    first = load_record(native)
    record = equilibrate_solvent(tmp_path, 500, 3)
    assert record.equilibration is not None
    assert record.equilibration.length_ps == pytest.approx(2.0)
    assert record.volume_cubic_nm != first.volume_cubic_nm
    _, positions, box, _ = load_system(tmp_path)
    assert np.abs(positions[: record.solute_atoms] * 10 - peptide("LYS").coord).max() < 1e-5
    assert np.linalg.det(box) == pytest.approx(record.equilibration.density[-1].volume_cubic_nm, rel=1e-4)
    again = equilibrate_solvent(tmp_path, 125, 3)
    assert again.equilibration is not None
    assert again.equilibration.length_ps == pytest.approx(2.5)


def test_a_shipped_box_is_read_back_and_fits_its_model_only(native, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    for path in native.iterdir():
        (work / path.name).write_bytes(path.read_bytes())
    system = equilibrate_solvent(work, 10, 3)
    pack = SimpleNamespace(directory=tmp_path / "pack", states=())
    write_box(directory_of(pack, "tiny"), "tiny", work, system, peptide("LYS"))
    assert read_box(pack, "tiny", SOLVATION.model_copy(update={"padding_nm": 1.1})) is None
    made = solvate_native(peptide("LYS"), SOLVATION, 1, tmp_path / "made", pack=pack, state="tiny")
    assert "shipped with the target pack" in made.origin
    assert "around this model" in made.origin
    assert (made.waters, made.waters_removed, made.waters_exchanged) == (system.waters, 0, 0)
    near = peptide("LYS")
    near.coord += 0.05
    assert "an earlier model" in (
        solvate_native(near, SOLVATION, 1, tmp_path / "near", pack=pack, state="tiny").origin
    )
    (directory_of(pack, "tiny") / "box.npz").write_bytes(b"damaged")
    assert read_box(pack, "tiny", SOLVATION) is None


def test_a_folder_of_another_replica_is_refused(native, reference):
    with pytest.raises(RunDirectoryError, match="another"):
        run(native, reference, seed=99)


def test_a_damaged_system_is_refused(native, tmp_path):
    for path in native.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "state.npz").open("ab") as handle:
        handle.write(b"\0")
    with pytest.raises(RunDirectoryError, match="damaged"):
        run(tmp_path, tmp_path / "run", steps=50)


@pytest.mark.parametrize("production", [1, 24, 120, 333, 10_000, 2_500_000])
def test_the_plan_visits_every_stop_once(production):
    settings = ProtocolSettings()
    plan = plan_steps(settings, production)
    assert plan.thermalise_steps + plan.release_steps <= settings.equilibration_fraction * production
    if production > 10_000:
        assert plan.frames <= settings.maximum_frames
        return
    step, frames, scales = 0, 0, []
    while step < plan.total_steps:
        now = conditions(settings, plan, step, 0)
        stop = next_stop(settings, plan, step)
        assert step < stop <= segment_end(settings, plan, step)
        scales.append(now.restraint_scale)
        done = now.step_in_stage + stop - step
        frames += now.stage == "production" and done % plan.frame_interval_steps == 0
        step = stop
    assert step == plan.total_steps
    assert frames == plan.frames
    assert scales == sorted(scales, reverse=True)
    assert scales[-1] == 0
    assert scaled(plan, 1).total_steps == 2 * plan.total_steps


def test_bad_settings_are_clear_errors():
    with pytest.raises(SettingsError, match="production"):
        plan_steps(ProtocolSettings(), 0)
    with pytest.raises(ValueError, match="time_step_fs"):
        ProtocolSettings(time_step_fs=50)


def test_platform_is_named_and_one_thread_is_deterministic():
    choice = on_processor()
    assert choice.name == "CPU"
    assert choice.deterministic
    assert choice.properties["Threads"] == "1"


def test_fill_leaves_no_overlap_across_the_faces():
    from scipy.spatial import cKDTree

    box = boxes.fill(np.zeros((1, 3)), np.array([False]), 3.0)
    oxygen = boxes.wrap(box.waters[:, 0], box.box, np.zeros(3))
    shifts = np.array([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]) @ box.box
    images = (oxygen[None] + shifts[:, None]).reshape(-1, 3)
    distances, _ = cKDTree(images).query(oxygen, k=2)
    assert distances[:, 1].min() > 0.2
    assert 30 < len(oxygen) / np.linalg.det(box.box) < 34.5
    assert np.linalg.norm(oxygen, axis=1).min() > 0.23


def test_model_hash_sees_coordinates_and_names():
    model = peptide("ALA")
    same, moved, renamed = model.copy(), model.copy(), model.copy()
    moved.coord[3, 0] += 0.01
    renamed.atom_name[3] = "XX"
    assert boxes.model_sha256(model) == boxes.model_sha256(same)
    assert len({boxes.model_sha256(array) for array in (model, moved, renamed)}) == 3


def test_solvated_model_opens(native):
    atoms = read_model(native / "solvated.cif.gz")
    assert len(atoms) == load_record(native).atoms


@pytest.mark.parametrize("length_ns", [0.01, 1.0, 20.0, 100.0, 1000.0])
def test_a_kill_costs_minutes_however_long_the_run(length_ns):
    settings = ProtocolSettings()
    production = round(length_ns * 1e6 / settings.time_step_fs)
    processor, gpu = plan_steps(settings, production), plan_steps(settings, production, gpu=True)
    # One core runs a kinase in water at 5 steps a second or more, a GPU at 500 or more.
    assert processor.segment_steps / 5 <= 1000
    assert gpu.segment_steps / 500 <= 1000
    assert processor.segment_steps >= settings.checkpoint_interval_steps
    assert processor.model_dump(exclude={"segment_steps"}) == gpu.model_dump(exclude={"segment_steps"})


def test_a_setting_decides():
    often = ProtocolSettings(checkpoint_interval_steps=10, longest_segment_steps=70)
    assert plan_steps(often, 1_000_000).segment_steps == 70
    assert plan_steps(often, 100).segment_steps == 10
    assert scaled(plan_steps(often, 1_000_000), 1).segment_steps == 140


@pytest.mark.parametrize("gpu", [False, True])
def test_frames_held_in_memory_do_not_grow_with_their_number(gpu):
    for frames in (100, 1000, 100_000, 1_000_000):
        settings = ProtocolSettings(maximum_frames=frames)
        plan = plan_steps(settings, 25_000_000, gpu=gpu)
        assert plan.segment_steps / plan.frame_interval_steps <= 100
