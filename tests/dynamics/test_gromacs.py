"""GROMACS as a second engine: the same Hamiltonian, the same protocol, nothing lost by a kill."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.small_systems import residue_in_vacuum, residue_in_water
from factories.trajectory import read_protein_frames
from kinscope.analysis.statistics import standard_error
from kinscope.core.errors import ComputationError, SettingsError
from kinscope.dynamics.box import wrap
from kinscope.dynamics.files.checkpoints import Point
from kinscope.dynamics.files.system import load_system
from kinscope.dynamics.gromacs.engine import _ENERGY, _GROMPP, _MDRUN, GromacsEngine
from kinscope.dynamics.gromacs.files import Stretch, read_energies, read_g96, run_settings, write_g96
from kinscope.dynamics.gromacs.program import (
    EXECUTABLE_VARIABLE,
    failure,
    find_gromacs,
    gromacs_platform,
    run_gmx,
)
from kinscope.dynamics.gromacs.topology import Nonbonded, first_atoms, nonbonded_of, topology_of
from kinscope.dynamics.platforms import context_for, on_processor
from kinscope.dynamics.protocol import Conditions, conditions, next_change, plan_steps
from kinscope.dynamics.records import (
    ENERGIES_FILE,
    STATE_FILE,
    TRAJECTORY_FILE,
    PlatformChoice,
    ReplicaRecord,
)
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.segments import BlowUpError, Engine, Output, Segment
from kinscope.dynamics.settings import ProtocolSettings

PROTOCOL = ProtocolSettings(
    checkpoint_interval_steps=60,
    frame_interval_steps=10,
    equilibration_fraction=0.4,
    minimise_iterations=100,
    release_stages=2,
)
STEPS = 200
DODECAHEDRON = np.array([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [2.0, 2.0, 2.83]])
needs_gromacs = pytest.mark.skipif(find_gromacs() is None, reason="no GROMACS on this machine")


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("water")
    residue_in_water(directory)
    return directory


@pytest.fixture(scope="module")
def straight(water: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("straight")
    assert run(water, folder).status == "finished"
    return folder


def run(system: Path, folder: Path) -> ReplicaRecord:
    return run_replica(
        system,
        folder,
        folder,
        ReplicaTask(PROTOCOL, replica=0, seed=5, production_steps=STEPS),
        platform=gromacs_platform(),
    )


def test_openmms_own_reader_finds_the_same_energy_in_the_topology(water: Path, tmp_path: Path):
    import openmm
    from openmm import app, unit

    system, positions, box, record = load_system(water)
    path = tmp_path / "topology.top"
    path.write_text(topology_of(system, record.solute_atoms, [0, 4]))
    vectors = [openmm.Vec3(*row) * unit.nanometer for row in box]
    read = app.GromacsTopFile(str(path), periodicBoxVectors=vectors)
    again = read.createSystem(
        nonbondedMethod=app.PME,
        nonbondedCutoff=nonbonded_of(system).cutoff_nm * unit.nanometer,
        ewaldErrorTolerance=nonbonded_of(system).ewald_tolerance,
    )
    assert [again.getParticleMass(i)._value for i in range(record.atoms)] == pytest.approx(
        [system.getParticleMass(i)._value for i in range(record.atoms)]
    )
    assert constraints_of(again) == pytest.approx(constraints_of(system))
    assert energy_of(again, positions, box) == pytest.approx(energy_of(system, positions, box), rel=1e-6)
    forces = {type(force).__name__: force for force in again.getForces()}
    assert forces["NonbondedForce"].getNumExceptions() == next(
        force.getNumExceptions() for force in system.getForces() if type(force).__name__ == "NonbondedForce"
    )


def constraints_of(system) -> dict[tuple[int, int], float]:
    rows = (system.getConstraintParameters(index) for index in range(system.getNumConstraints()))
    return {(min(one, two), max(one, two)): length._value for one, two, length in rows}


def energy_of(system, positions, box) -> float:
    import openmm

    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    return context.getState(energy=True).getPotentialEnergy()._value


def test_a_scaled_charge_product_of_its_own_is_kept(water: Path):
    system, _, _, record = load_system(water)
    force = next(one for one in system.getForces() if type(one).__name__ == "NonbondedForce")
    scaled = next(
        index for index in range(force.getNumExceptions()) if force.getExceptionParameters(index)[4]._value
    )
    one, two, product, sigma, epsilon = force.getExceptionParameters(scaled)
    force.setExceptionParameters(scaled, one, two, 0.5 * product, sigma, epsilon)
    lines = topology_of(system, record.solute_atoms).splitlines()
    row = next(line for line in lines if line.startswith(f"{one + 1} {two + 1} 2 "))
    assert float(row.split()[4]) == pytest.approx(0.5 * product._value)


def test_a_force_without_counterpart_is_refused_by_name(water: Path):
    import openmm

    system, _, _, record = load_system(water)
    system.addForce(openmm.CustomBondForce("r"))
    with pytest.raises(ComputationError, match="CustomBondForce"):
        topology_of(system, record.solute_atoms)


def test_a_system_without_pme_is_refused(tmp_path: Path):
    residue_in_vacuum(tmp_path)
    with pytest.raises(ComputationError, match="PME"):
        nonbonded_of(load_system(tmp_path)[0])


def test_every_atom_knows_its_molecules_first_atom(water: Path):
    system, _, _, record = load_system(water)
    anchors = first_atoms(system, record.solute_atoms)
    assert set(anchors[: record.solute_atoms]) == {0}
    rest = np.arange(record.solute_atoms, record.atoms)
    waters = anchors[record.solute_atoms :]
    ions = record.positive_ions + record.negative_ions
    assert len(set(waters)) == record.waters + ions
    assert (rest - waters).min() == 0
    assert (rest - waters).max() == 2


@given(st.integers(0, 10_000))
def test_an_atom_is_followed_over_any_face_of_the_box(seed: int):
    random = np.random.default_rng(seed)
    before = random.uniform(-10, 10, (20, 3))
    moved = before + random.uniform(-0.8, 0.8, (20, 3))
    shifted = moved + random.integers(-3, 4, (20, 3)) @ DODECAHEDRON
    assert wrap(shifted, DODECAHEDRON, before) == pytest.approx(moved, abs=1e-9)


def test_a_molecule_torn_by_the_box_is_whole_again():
    molecule = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [-0.03, 0.09, 0.0]])
    torn = molecule + np.array([[0, 0, 0], [1, 0, -1], [0, 2, 1]]) @ DODECAHEDRON
    assert wrap(torn, DODECAHEDRON, torn[[0, 0, 0]]) == pytest.approx(molecule)


def test_coordinates_survive_their_file_at_single_precision(tmp_path: Path):
    random = np.random.default_rng(1)
    points = random.uniform(-20, 120, (50, 3)).astype(np.float32).astype(np.float64)
    speeds = random.normal(0, 1, (50, 3)).astype(np.float32).astype(np.float64)
    write_g96(tmp_path / "x.g96", points, DODECAHEDRON, speeds)
    found, velocities, box = read_g96(tmp_path / "x.g96")
    assert (found.astype(np.float32) == points.astype(np.float32)).all()
    assert velocities == pytest.approx(speeds, abs=1e-9)
    assert box == pytest.approx(DODECAHEDRON)


def test_a_file_cut_short_is_told(tmp_path: Path):
    (tmp_path / "x.g96").write_text("POSITION\nEND\n")
    with pytest.raises(ValueError, match="BOX, VELOCITY"):
        read_g96(tmp_path / "x.g96")
    write_g96(tmp_path / "x.g96", np.zeros((2, 3)), DODECAHEDRON, np.zeros((2, 3)))
    whole, _, _ = (tmp_path / "x.g96").read_text().rpartition("BOX\n")
    (tmp_path / "x.g96").write_text(f"{whole}BOX\nEND\n")
    with pytest.raises(ValueError, match="box of 0 numbers"):
        read_g96(tmp_path / "x.g96")


def test_the_split_of_pme_is_openmms():
    """alpha = sqrt(-ln 2 tol) / r; at a tolerance of 5e-4 and 0.9 nm that is 2.920 per nm."""
    text = run_settings(
        Nonbonded(0.9, 5e-4, True),
        Stretch(Conditions("production", 3, 4.0, 2.0, 1.0), 10, 7, 0, 5),
        temperature_k=310.0,
        restraint_kj_per_mol_nm2=836.8,
    )
    said = dict(line.split(" = ") for line in text.splitlines())
    assert float(said["ewald-rtol"]) == pytest.approx(2.0e-4, rel=0.01)  # erfc(2.920 * 0.9)
    assert (said["tau-t"], said["ref-t"], said["init-step"]) == ("0.5", "310", "3")
    assert said["define"] == "-DRESTRAINT=836.8"
    assert "compressed-x-grps" not in said


def test_conditions_change_only_where_they_are_said_to():
    plan = plan_steps(PROTOCOL, STEPS)
    step = 0
    while step < plan.total_steps:
        end = next_change(PROTOCOL, plan, step)
        first = conditions(PROTOCOL, plan, step, 0)
        for inside in range(step, end):
            now = conditions(PROTOCOL, plan, inside, 0)
            assert (now.stage, now.restraint_scale, now.time_step_fs) == (
                first.stage,
                first.restraint_scale,
                first.time_step_fs,
            )
        step = end


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Step 12, time 0.04 (ps)  LINCS WARNING", BlowUpError),
        ("Water molecule starting at atom 30 can not be settled.", BlowUpError),
        ("Fatal error: cannot write, No space left on device", OSError),
        ("Fatal error: Unknown option", ComputationError),
        ("", ComputationError),
    ],
)
def test_what_gromacs_says_is_understood(said: str, meant: type[Exception]):
    error = failure("mdrun", said)
    assert isinstance(error, meant)
    if isinstance(error, OSError):
        assert error.errno == errno.ENOSPC


def test_without_gromacs_it_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(tmp_path / "no-such-gmx"))
    find_gromacs.cache_clear()
    try:
        assert find_gromacs() is None
        with pytest.raises(SettingsError, match="no usable `gmx`"):
            gromacs_platform()
    finally:
        monkeypatch.undo()
        find_gromacs.cache_clear()


@pytest.mark.parametrize(
    "version",
    [
        "GROMACS version:    2018.1\nMPI library:        thread_mpi\n",
        "GROMACS version: 2024\nMPI library: MPI\n",
        "",
    ],
)
def test_an_unsuitable_gromacs_is_passed_over(version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    script = tmp_path / "gmx"
    script.write_text(f"#!/bin/sh\nprintf '{version}'\n")
    script.chmod(0o755)
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(script))
    find_gromacs.cache_clear()
    try:
        assert find_gromacs() is None
    finally:
        monkeypatch.undo()
        find_gromacs.cache_clear()


def forces_in(path: Path) -> np.ndarray:
    """Forces (n, 3) of a TRR file's first frame, kJ/mol/nm; biotraj's public read gives coordinates alone."""
    from biotraj import TRRTrajectoryFile

    with TRRTrajectoryFile(str(path)) as frames:
        return np.array(frames._read(1, None, get_forces=True)[-1][0], dtype=np.float64)


def test_forces_of_a_trr_file_are_read_in_gromacs_units(tmp_path: Path):
    written = pytest.importorskip("MDAnalysis.lib.formats.libmdaxdr").TRRFile
    drawn = np.random.default_rng(1).normal(0.0, 500.0, (7, 3)).astype(np.float32)
    with written(str(tmp_path / "x.trr"), "w") as file:
        file.write(drawn / 500, drawn / 100, drawn, np.eye(3, dtype=np.float32), 1, 0.5, 0.0, 7)
    assert (forces_in(tmp_path / "x.trr") == drawn).all()


def forces_of(engine: GromacsEngine, start: Point) -> tuple[float, np.ndarray]:
    """GROMACS's potential energy in kJ/mol and forces (n, 3) in kJ/mol/nm at a point."""
    now = Conditions("production", 0, 1.0, engine.settings.friction_per_ps, 0.0)
    with engine._folder() as folder:
        engine._write(folder, Stretch(now, 0, 1, 0, 1), start)
        with (folder / "run.mdp").open("a") as settings:
            settings.write("nstfout = 1\n")
        run_gmx(engine.platform, folder, "grompp", *_GROMPP)
        run_gmx(engine.platform, folder, "mdrun", *_MDRUN)
        run_gmx(engine.platform, folder, "energy", *_ENERGY, said="Potential\nTemperature\n\n")
        ((_, energy, _),) = read_energies((folder / "energies.xvg").read_text())
        return energy, forces_in(folder / "run.trr")


def both_forces(system, start: Point, solute_atoms: int, folder: Path):
    """Potential energy in kJ/mol and forces (n, 3) in kJ/mol/nm, by OpenMM and by GROMACS."""
    import openmm

    context = context_for(system, openmm.VerletIntegrator(0.001), on_processor("CPU", "a test"))
    context.setPeriodicBoxVectors(*start.box)
    context.setPositions(start.positions)
    state = context.getState(energy=True, forces=True)
    copy = openmm.XmlSerializer.deserialize(openmm.XmlSerializer.serialize(system))
    free = np.zeros(solute_atoms, dtype=bool)
    engine = GromacsEngine(copy, start.positions, free, ProtocolSettings(), gromacs_platform(), folder)
    ours = np.array(state.getForces(asNumpy=True)._value)
    return (state.getPotentialEnergy()._value, ours), forces_of(engine, start)


@needs_gromacs
def test_forces_are_openmms(water: Path, tmp_path: Path):
    """With PME so fine that only rounding is left; and at the protocol's tolerance neither errs more."""
    system, positions, box, record = load_system(water)
    start = Point(positions, None, box)
    (_, coarse), (_, gromacs_coarse) = both_forces(system, start, record.solute_atoms, tmp_path)
    nonbonded = next(force for force in system.getForces() if type(force).__name__ == "NonbondedForce")
    nonbonded.setEwaldErrorTolerance(2e-6)
    (energy, fine), (gromacs_energy, gromacs_fine) = both_forces(system, start, record.solute_atoms, tmp_path)
    size = np.linalg.norm(fine)
    assert np.linalg.norm(gromacs_fine - fine) / size < 5e-5  # single precision
    assert gromacs_energy == pytest.approx(energy, rel=5e-5)
    assert np.linalg.norm(gromacs_coarse - fine) < 1.5 * np.linalg.norm(coarse - fine)


def rows_of(directory: Path, folder: Path, platform: PlatformChoice, length_ps: float) -> np.ndarray:
    """Temperature in K and potential energy in kcal/mol (n_rows, 2) by the protocol, after 5 ps."""
    settings = ProtocolSettings(equilibration_fraction=0.0, minimise_iterations=200, reports=100_000)
    system, positions, box, record = load_system(directory)
    settling, steps = (round(ps * 1000 / settings.time_step_fs) for ps in (5.0, 5.0 + length_ps))
    free, output = np.zeros(record.solute_atoms, dtype=bool), Output()
    engine = (
        GromacsEngine(system, positions, free, settings, platform, folder)
        if platform.name == "GROMACS"
        else Engine(system, positions, free, settings, platform)
    )
    segment = Segment(plan_steps(settings, steps), 0, steps, attempt=0, seed=1, velocity_seed=1)
    engine.run(segment, Point(positions, None, box), output, lambda _step: None)
    return np.array(
        [[row.temperature_k, row.potential_kcal_per_mol] for row in output.rows if row.step > settling]
    )


@needs_gromacs
@pytest.mark.slow
def test_both_engines_sample_one_ensemble(water: Path, tmp_path: Path):
    """``sd`` kicks, drifts and meets the bath as LangevinMiddle does, so energies at one step must agree."""
    ours = rows_of(water, tmp_path, on_processor("CPU", "a test"), 40.0)
    other = rows_of(water, tmp_path, gromacs_platform(), 40.0)
    for column in (0, 1):
        one, two = ours[:, column], other[:, column]
        error = np.hypot(standard_error(one), standard_error(two))
        print(f"\nOpenMM {one.mean():.2f}, GROMACS {two.mean():.2f}, apart +- {error:.2f}")
        assert abs(two.mean() - one.mean()) < 4.5 * error


@needs_gromacs
def test_a_replica_has_every_frame_and_row_that_its_plan_says(straight: Path):
    record = ReplicaRecord.model_validate_json((straight / "replica.json").read_text())
    assert record.platform.name == "GROMACS"
    assert record.frames == record.plan.frames == STEPS // 10
    _, frames, times = read_protein_frames(straight)
    assert times == pytest.approx(0.04 * np.arange(1, record.frames + 1), abs=1e-4)
    rows = (straight / ENERGIES_FILE).read_text().splitlines()[1:]
    steps = [(row.split(",")[0], int(row.split(",")[1])) for row in rows]
    assert len(steps) == len(set(steps))
    produced = [step for stage, step in steps if stage == "production"]
    every = record.plan.report_interval_steps
    assert produced == list(range(every, STEPS + 1, every))
    bonds = np.linalg.norm(frames[:, 1:] - frames[:, :-1], axis=2)
    assert bonds.max() < 8.0  # angstrom; torn over the box it would be 20
    assert np.abs(np.diff(frames, axis=0)).max() < 3.0


@needs_gromacs
def test_a_killed_replica_ends_in_the_same_bytes(water: Path, straight: Path, tmp_path: Path):
    code = (
        "import sys; sys.path[:0] = sys.argv[3:]; from pathlib import Path; "
        "from test_gromacs import run; run(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    killed = 0
    for _ in range(3):
        before = set(tmp_path.glob("checkpoint-*"))
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(water), str(tmp_path), *map(str, Path(__file__).parents[:2])],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not set(tmp_path.glob("checkpoint-*")) - before:
            time.sleep(0.01)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    run(water, tmp_path)
    assert killed
    for name in (TRAJECTORY_FILE, ENERGIES_FILE):
        assert (tmp_path / name).read_bytes() == (straight / name).read_bytes()
    assert not list(tmp_path.glob("gromacs-*"))


@needs_gromacs
def test_mdrun_ends_with_the_process_that_started_it(tmp_path: Path):
    code = (
        "import os, subprocess; from functools import partial; "
        "from kinscope.dynamics.gromacs.program import _die_with; "
        "child = subprocess.Popen(['sleep', '60'], preexec_fn=partial(_die_with, os.getpid())); "
        "print(child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    child = int(done.stdout)
    until = time.monotonic() + 50
    while runs(child) and time.monotonic() < until:
        time.sleep(0.05)
    outlived = runs(child)
    if outlived:
        os.kill(child, signal.SIGKILL)
    assert not outlived


def runs(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs_gromacs
def test_a_blow_up_is_retried_by_rule_and_reported(water: Path, tmp_path: Path):
    """Two atoms of the side chain in one place: the first attempt has no minimisation."""
    import shutil

    from kinscope.core.files import sha256_of_file
    from kinscope.dynamics.files.system import load_record, write_state
    from kinscope.dynamics.records import SYSTEM_RECORD_FILE

    broken = tmp_path / "broken"
    shutil.copytree(water, broken)
    _, positions, box, record = load_system(water)
    positions = positions.copy()
    positions[record.solute_atoms : record.solute_atoms + 30] += 0.1 * np.random.default_rng(1).normal(
        size=(30, 3)
    )
    positions[record.solute_atoms + 3] = positions[record.solute_atoms] + 0.01
    write_state(broken / STATE_FILE, positions, box)
    held = load_record(broken).model_copy(update={"state_sha256": sha256_of_file(broken / STATE_FILE)})
    (broken / SYSTEM_RECORD_FILE).write_text(held.model_dump_json())
    settings = PROTOCOL.model_copy(update={"minimise_iterations": 0, "retry_iterations": 300})
    told = run_replica(
        broken,
        tmp_path / "run",
        tmp_path / "run",
        ReplicaTask(settings, replica=0, seed=5, production_steps=STEPS),
        platform=gromacs_platform(),
    )
    assert told.status == "finished"
    assert (told.attempt, told.time_step_fs) == (1, 2.0)
    assert "blew up" in told.note
