"""OpenMM's path of a GPU where there is none: its OpenCL platform on a processor, by PoCL.

Debian's `pocl-opencl-icd` brings it. kinscope itself passes such a device over; here it is asked for by name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm
import pytest

from factories.small_systems import residue_in_water
from factories.trajectory import read_protein_frames
from kinscope.core.errors import ComputationError, Stopped
from kinscope.core.progress import stop_asked
from kinscope.dynamics.files import checkpoints
from kinscope.dynamics.files.checkpoints import Point
from kinscope.dynamics.files.system import load_system
from kinscope.dynamics.machine.devices import DEVICES_VARIABLE, find_devices
from kinscope.dynamics.platforms import context_for, installed_platforms, on_processor
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.records import ENERGIES_FILE, REPLICA_RECORD_FILE, PlatformChoice
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.segments import Engine, Output, Segment
from kinscope.dynamics.settings import ProtocolSettings

pytestmark = pytest.mark.slow  # kernels are compiled
PROTOCOL = ProtocolSettings(checkpoint_interval_steps=50, frame_interval_steps=10, equilibration_fraction=0.2)


@pytest.fixture(scope="module")
def device() -> PlatformChoice:
    """The first OpenCL device, as `KINSCOPE_DEVICES` gives it to a study."""
    if "OpenCL" not in installed_platforms():
        pytest.skip("OpenMM has no OpenCL platform here (no libOpenCL)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DEVICES_VARIABLE, "OpenCL:0:0")
        (found,) = find_devices()
    try:
        _context(found.platform)
    except ComputationError as error:
        pytest.skip(f"no OpenCL device works here: {error.what} (apt install pocl-opencl-icd)")
    return found.platform


def _context(choice: PlatformChoice, system: object | None = None) -> object:
    if system is None:
        system = openmm.System()
        system.addParticle(1.0)
    return context_for(system, openmm.VerletIntegrator(1e-3), choice)


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("water")
    residue_in_water(folder)
    return folder


def with_precision(device: PlatformChoice, precision: str) -> PlatformChoice:
    return device.model_copy(update={"properties": device.properties | {"Precision": precision}})


def forces_on(choice: PlatformChoice, directory: Path, *, method: int) -> np.ndarray:
    """Of a stored system, kJ/mol/nm, with PME on one grid, as platforms round it differently."""
    system, positions, box, _ = load_system(directory)
    for force in system.getForces():
        if isinstance(force, openmm.NonbondedForce):
            force.setNonbondedMethod(method)
            force.setPMEParameters(3.0, 32, 32, 32)
    context = _context(choice, system)
    context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    return context.getState(forces=True).getForces(asNumpy=True)._value


def off(forces: np.ndarray, exact: np.ndarray) -> float:
    """The median share by which a force differs."""
    return float(np.median(np.linalg.norm(forces - exact, axis=1) / np.linalg.norm(exact, axis=1)))


def test_a_study_asks_for_mixed_precision_and_the_device_grants_it(device: PlatformChoice) -> None:
    context = _context(device)
    platform = context.getPlatform()
    granted = {name: platform.getPropertyValue(context, name) for name in device.properties}
    assert granted == device.properties
    assert (granted["Precision"], granted["OpenCLPlatformIndex"], granted["DeviceIndex"]) == (
        "mixed",
        "0",
        "0",
    )
    assert not device.deterministic


def test_forces_are_the_references_to_single_precision(device: PlatformChoice, water: Path) -> None:
    """In double to far more: what is left in mixed is rounding, not another force.

    Without a box: in a skewed one, OpenMM 8.6's Reference misses pairs that CPU, OpenCL and a plain sum have.
    """
    plain = openmm.NonbondedForce.NoCutoff
    exact = forces_on(on_processor("Reference"), water, method=plain)
    found = {
        precision: off(forces_on(with_precision(device, precision), water, method=plain), exact)
        for precision in ("single", "mixed", "double")
    }
    print("\n" + ", ".join(f"{precision}: {share:.1e}" for precision, share in found.items()))
    assert found["single"] < 1e-5
    assert found["mixed"] < 1e-5
    assert found["double"] < 0.1 * found["mixed"]


def test_forces_in_a_box_are_the_processors(device: PlatformChoice, water: Path) -> None:
    method = openmm.NonbondedForce.PME
    share = off(forces_on(device, water, method=method), forces_on(on_processor(), water, method=method))
    print(f"\nmixed beside the CPU platform, PME: {share:.1e}")
    assert share < 2e-5


def point_after(choice: PlatformChoice, water: Path, start: Point | None, first: int, last: int) -> Point:
    """Where a fresh engine comes from a point, or from the stored start."""
    system, positions, box, record = load_system(water)
    engine = Engine(system, positions, np.zeros(record.solute_atoms, dtype=bool), PROTOCOL, choice)
    segment = Segment(plan_steps(PROTOCOL, 100), first, last, attempt=0, seed=3, velocity_seed=4)
    begin = start or Point(positions, None, box)
    return (
        engine.begin(segment, begin)
        if first == last
        else engine.run(segment, begin, Output(), lambda _step: None)
    )


def beyond_single(values: np.ndarray) -> float:
    """The share of numbers that single precision does not hold."""
    return float(np.mean(values != values.astype(np.float32)))


def test_places_are_integrated_beyond_single_precision_where_it_is_mixed(
    device: PlatformChoice, water: Path
) -> None:
    mixed = point_after(device, water, None, 0, 10)
    single = point_after(with_precision(device, "single"), water, None, 0, 10)
    assert beyond_single(mixed.velocities) > 0.9
    assert beyond_single(single.velocities) == 0.0


def test_a_checkpoint_brings_a_device_back_to_the_same_point(
    device: PlatformChoice, water: Path, tmp_path: Path
) -> None:
    saved = point_after(device, water, None, 0, 10)
    where = checkpoints.Position("key", 10, 1, 0, 0, 0, 0, 0, 0.0, ())
    checkpoints.save(tmp_path, where, saved)
    _, read = checkpoints.load_latest(tmp_path)
    back = point_after(device, water, read, 10, 10)
    lengths = np.diag(saved.box)
    moved = back.positions - saved.positions
    assert np.abs(moved - lengths * np.round(moved / lengths)).max() < 1e-6
    assert np.abs(back.velocities - saved.velocities).max() < 1e-6
    assert np.array_equal(back.box, saved.box)


def test_a_replica_told_to_leave_a_device_goes_on_from_its_checkpoint(
    device: PlatformChoice, water: Path, tmp_path: Path
) -> None:
    task = ReplicaTask(PROTOCOL, replica=0, seed=7, production_steps=100)
    stop_asked.set()
    try:
        for _ in range(2):  # two checkpoints, a process each
            with pytest.raises(Stopped):
                run_replica(water, tmp_path, tmp_path, task, platform=device)
    finally:
        stop_asked.clear()
    record = run_replica(water, tmp_path, tmp_path, task, platform=device)
    assert (record.status, record.resumes, record.platform) == ("finished", 2, device)
    assert record == record.model_validate_json((tmp_path / REPLICA_RECORD_FILE).read_text())
    _, frames, times = read_protein_frames(tmp_path)
    assert np.allclose(times, record.frame_interval_ps * np.arange(1, record.frames + 1), rtol=1e-5)
    assert len(frames) == record.frames == 10
    rows = [line.split(",") for line in (tmp_path / ENERGIES_FILE).read_text().splitlines()[1:]]
    energies = np.array([float(row[3]) for row in rows])
    assert len({(row[0], row[1]) for row in rows}) == len(rows)
    assert np.ptp(energies) < 0.5 * abs(energies.mean())  # nothing was torn where it went on
