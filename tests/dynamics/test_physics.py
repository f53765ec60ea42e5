"""Is the dynamics sound? Total energy without a thermostat, the ensemble with it, and memory.

In the manner of physical_validation (Merz & Shirts, PLoS One 2018, 13, e0202764): a symplectic integrator
keeps the total energy up to a fluctuation that falls with the square of the step, and kinetic energies under
a thermostat follow a gamma distribution with half the degrees of freedom as shape and kT as scale, in the
whole system and in every part. What too long a step does to places shows in their energies, the stiffest
first, at two steps beside each other. `pytest -m slow -s tests/dynamics/test_physics.py` prints the figures.
"""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import gamma, kstest

from factories.small_systems import residue_in_vacuum, residue_in_water
from kinscope.analysis.statistics import standard_error, statistical_inefficiency
from kinscope.dynamics.files.checkpoints import Point
from kinscope.dynamics.files.system import load_system
from kinscope.dynamics.platforms import context_for, on_processor
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.segments import Engine, Output, Segment
from kinscope.dynamics.settings import ProtocolSettings

GAS_CONSTANT = 8.31446261815324e-3  # kJ/mol/K, CODATA 2018
THERMAL = GAS_CONSTANT * 300.0
SAMPLE_FS = 40.0
"""Between samples: no multiple of a bond's vibration, a whole number of every step."""
SETTLE_PS = 5.0
"""At the step that is measured: total energy relaxes in about the inverse friction, a picosecond."""
GROUPS = {"HarmonicAngleForce": 2, "PeriodicTorsionForce": 3}
PROCESSOR = on_processor("CPU", "a test").model_copy(update={"deterministic": False})
"""Not deterministic: the engine keeps its context between segments."""


class Stepper:
    """The product's engine on a stored system, nothing restrained, no motion of the whole removed."""

    def __init__(self, directory: Path, settings: ProtocolSettings, platform: PlatformChoice = PROCESSOR):
        from openmm import CMMotionRemover

        system, positions, self.box, record = load_system(directory)
        for index in reversed(range(system.getNumForces())):
            force = system.getForce(index)
            force.setForceGroup(GROUPS.get(type(force).__name__, 0))
            if isinstance(force, CMMotionRemover):
                system.removeForce(index)
        settings = settings.model_copy(update={"equilibration_fraction": 0.0, "minimise_iterations": 200})
        self.settings = settings
        self.plan = plan_steps(settings, 10_000_000)
        self.masses = np.array([system.getParticleMass(i)._value for i in range(len(positions))])
        self.solute = np.arange(len(positions)) < record.solute_atoms
        free = np.zeros(record.solute_atoms, dtype=bool)
        self.engine = Engine(system, positions, free, settings, platform)
        self.point, self.step = Point(positions, None, self.box), 0
        self.go(SETTLE_PS)

    def go(self, length_ps: float) -> None:
        end = self.step + max(1, round(length_ps * 1000 / self.settings.time_step_fs))
        segment = Segment(self.plan, self.step, end, attempt=0, seed=7, velocity_seed=8)
        self.point = self.engine.run(segment, self.point, Output(), lambda _step: None)
        self.step = end

    def freedom(self, chosen: np.ndarray) -> float:
        system = self.engine.system
        pairs = [system.getConstraintParameters(index)[:2] for index in range(system.getNumConstraints())]
        return float(3 * chosen.sum() - sum(bool(chosen[first]) for first, _ in pairs))


@dataclass
class Drift:
    """Total energy without a thermostat, per degree of freedom."""

    slope: float
    """kT per nanosecond. A thermostat of 1/ps friction would be 0.3 K warmer per unit of it."""
    error: float
    fluctuation: float
    """About the line, kT per root of the degrees of freedom."""
    stable: bool


def drift(start: Stepper, time_step_fs: float, length_ps: float) -> Drift:
    """Verlet from a warm start; OpenMM reports its kinetic energy at the time of the positions."""
    from openmm import OpenMMException, VerletIntegrator

    freedom = start.freedom(np.ones(len(start.masses), dtype=bool))
    integrator = VerletIntegrator(time_step_fs * 1e-3)
    integrator.setConstraintTolerance(1e-6)
    context = context_for(start.engine.system, integrator, PROCESSOR)
    context.setParameter("restraint_scale", 0.0)
    context.setPeriodicBoxVectors(*start.box)
    context.setPositions(start.point.positions)
    context.setVelocities(start.point.velocities)
    energies: list[float] = []
    try:
        for _ in range(round(length_ps * 1000 / SAMPLE_FS)):
            integrator.step(round(SAMPLE_FS / time_step_fs))
            state = context.getState(energy=True)
            energies.append((state.getPotentialEnergy() + state.getKineticEnergy())._value / THERMAL)
    except OpenMMException:
        return Drift(math.nan, math.nan, math.nan, False)
    values = np.array(energies)
    if not np.isfinite(values).all() or np.ptp(values) > freedom:
        return Drift(math.nan, math.nan, math.nan, False)
    times = SAMPLE_FS * 1e-6 * np.arange(len(values))
    times -= times.mean()
    slope = times @ values / (times @ times)
    left = values - values.mean() - slope * times
    spread = left.std(ddof=2)
    error = spread * math.sqrt(statistical_inefficiency(left) / (times @ times))
    found = Drift(slope / freedom, error / freedom, spread / math.sqrt(freedom), True)
    print(f"\n{time_step_fs:g} fs: {found.slope:+.4f} +- {found.error:.4f} kT/ns, ~ {found.fluctuation:.4f}")
    return found


@dataclass
class Part:
    """Kinetic energies of some atoms against the canonical distribution."""

    freedom: float
    temperature: float
    error: float
    spread_ratio: float
    p_value: float


def canonical(kinetic: np.ndarray, freedom: float) -> Part:
    """Kinetic energies (n,) in kJ/mol; Kolmogorov-Smirnov on the independent ones."""
    inefficiency = statistical_inefficiency(kinetic)
    apart = kinetic[:: math.ceil(2 * inefficiency)]  # at once the inefficiency neighbours are still alike
    kelvin = 2 * kinetic / (freedom * GAS_CONSTANT)
    spread = kelvin.std(ddof=1)
    error = spread * math.sqrt(inefficiency / len(kelvin))
    ratio = spread / (300.0 * math.sqrt(2 / freedom))
    p_value = kstest(apart, gamma(freedom / 2, scale=THERMAL).cdf).pvalue
    print(
        f"  {freedom:.0f} degrees of freedom, {kelvin.mean():.2f} +- {error:.2f} K, spread {ratio:.3f} of "
        f"the canonical, Kolmogorov-Smirnov p = {p_value:.2f} ({len(apart)} independent of {len(kinetic)})"
    )
    return Part(freedom, kelvin.mean(), error, ratio, p_value)


@dataclass
class Ensemble:
    """What the protocol's thermostat sampled."""

    parts: dict[str, Part]
    energies: dict[str, np.ndarray]
    """Whole potential, bending and torsional energy, (n_samples,) kT."""
    with_noise: float
    """Temperature with the thermostat's noise on rigid bonds, which the next step takes out."""


def ensemble(directory: Path, settings: ProtocolSettings, length_ps: float) -> Ensemble:
    stepper = Stepper(directory, settings)
    everything = np.ones(len(stepper.masses), dtype=bool)
    parts = {"everything": everything, "solute": stepper.solute, "solvent": ~stepper.solute}
    parts = {name: chosen for name, chosen in parts.items() if chosen.any()}
    kinetic: dict[str, list[float]] = {name: [] for name in parts}
    energies: dict[str, list[float]] = {"everything": [], **{name: [] for name in GROUPS}}
    noisy = []

    def atoms() -> np.ndarray:
        moving = stepper.engine._context.getState(velocities=True).getVelocities(asNumpy=True)._value
        return 0.5 * stepper.masses * (moving**2).sum(axis=1)

    for _ in range(round(length_ps * 1000 / SAMPLE_FS)):
        stepper.go(SAMPLE_FS * 1e-3)
        noisy.append(atoms().sum())
        context = stepper.engine._context
        context.applyVelocityConstraints(1e-6)
        now = atoms()
        for name, chosen in parts.items():
            kinetic[name].append(now[chosen].sum())
        for name, terms in energies.items():
            groups = {"groups": {GROUPS[name]}} if name in GROUPS else {}
            terms.append(context.getState(energy=True, **groups).getPotentialEnergy()._value / THERMAL)
    print(f"\n{settings.time_step_fs:g} fs, friction {settings.friction_per_ps:g}/ps, {length_ps:g} ps")
    return Ensemble(
        {name: canonical(np.array(v), stepper.freedom(parts[name])) for name, v in kinetic.items()},
        {name: np.array(values) for name, values in energies.items()},
        2 * float(np.mean(noisy)) / (stepper.freedom(everything) * GAS_CONSTANT),
    )


def errors_apart(one: np.ndarray, other: np.ndarray) -> float:
    """Difference of the means in its standard errors, which allow for correlation."""
    apart, error = other.mean() - one.mean(), math.hypot(standard_error(one), standard_error(other))
    print(f"  {one.mean():.3f} and {other.mean():.3f} kT: {apart:+.3f} +- {error:.3f}")
    return apart / error


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capped alanine without water: thousands of steps a second."""
    directory = tmp_path_factory.mktemp("alone")
    residue_in_vacuum(directory)
    return directory


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capped lysine in water, as a kinase is put into it."""
    directory = tmp_path_factory.mktemp("water")
    residue_in_water(directory)
    return directory


@pytest.fixture(scope="module")
def warm(alone: Path) -> Stepper:
    return Stepper(alone, ProtocolSettings(time_step_fs=2.0, friction_per_ps=10.0))


def test_the_gamma_test_accepts_the_canonical_distribution_and_refuses_three_percent():
    drawn = np.random.default_rng(1).gamma(1000.0, THERMAL, 1000)
    assert canonical(drawn, 2000.0).p_value > 0.01
    assert canonical(1.03 * drawn, 2000.0).p_value < 1e-6  # too warm
    squeezed = drawn.mean() + 0.7 * (drawn - drawn.mean())
    assert canonical(squeezed, 2000.0).p_value < 0.01  # right mean, too narrow: a weak-coupling thermostat


def test_energy_fluctuates_with_the_square_of_the_step_and_does_not_drift(warm: Stepper):
    slow, fast = (drift(warm, step, 16.0) for step in (1.0, 2.0))
    assert 2.5 < fast.fluctuation / slow.fluctuation < 6.0  # 4 is due
    assert abs(slow.slope) < 5 * slow.error + 0.05
    assert warm.masses.min() == pytest.approx(3.024)


def test_a_step_too_long_is_seen(warm: Stepper):
    found = drift(warm, 20.0, 8.0)
    assert not found.stable or abs(found.slope) > 1.0


def test_the_thermostat_is_canonical_at_the_protocols_step(alone: Path):
    found = ensemble(alone, ProtocolSettings(friction_per_ps=10.0), 60.0)
    part = found.parts["everything"]
    assert list(found.parts) == ["everything", "solute"]
    assert part.freedom == 3 * 22 - 12  # twelve bonds to hydrogen are rigid
    assert part.p_value > 2e-4
    assert part.temperature == pytest.approx(300.0, abs=5 * part.error)
    assert part.spread_ratio == pytest.approx(1.0, abs=0.15)
    # Equipartition: 36 angles bend in about 28 directions that nothing else holds, half a kT each.
    assert 8 < found.energies["HarmonicAngleForce"].mean() < 25
    # What a step leaves on rigid bonds: a quarter of (1 - exp(-2 g h)) of their share.
    expected = 0.25 * (1 - np.exp(-2 * 10.0 * 0.004)) * 12 / part.freedom
    assert found.with_noise / part.temperature - 1 == pytest.approx(expected, rel=0.5)


@pytest.mark.slow
def test_energy_is_kept_in_water_at_the_protocols_step(water: Path):
    warm = Stepper(water, ProtocolSettings(time_step_fs=2.0, friction_per_ps=10.0))
    slow, fast = (drift(warm, step, 8.0) for step in (2.0, 4.0))
    assert 1.8 < fast.fluctuation / slow.fluctuation < 6.0  # rounding and the cutoff add a floor to both
    # A thermostat of 1/ps would be 0.1 K off for a third of a kT per nanosecond.
    assert abs(fast.slope) < 0.3 + 3 * fast.error


@pytest.mark.slow
def test_velocities_and_places_in_water_are_the_same_at_two_and_four_femtoseconds(water: Path):
    slow, fast = (ensemble(water, ProtocolSettings(time_step_fs=step), 20.0) for step in (2.0, 4.0))
    for found in (slow, fast):
        assert list(found.parts) == ["everything", "solute", "solvent"]
        for part in found.parts.values():
            assert part.p_value > 2e-4
            assert part.temperature == pytest.approx(300.0, abs=4.5 * part.error)
    for name in slow.energies:
        assert abs(errors_apart(slow.energies[name], fast.energies[name])) < 4.5


@pytest.mark.slow
def test_places_of_a_residue_alone_are_the_same_at_two_and_four_femtoseconds(alone: Path):
    slow, fast = (ensemble(alone, ProtocolSettings(time_step_fs=step), 300.0) for step in (2.0, 4.0))
    for name in slow.energies:
        assert abs(errors_apart(slow.energies[name], fast.energies[name])) < 4.5


@pytest.mark.slow
def test_memory_does_not_grow_with_the_trajectory(alone: Path, tmp_path: Path):
    """Replicas of 500 and of 8,000 frames, each in a process of its own."""
    code = """
import resource, sys
from pathlib import Path
from kinscope.dynamics.platforms import on_processor
from kinscope.dynamics.records import TRAJECTORY_FILE
from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
from kinscope.dynamics.settings import ProtocolSettings
system, run, frames = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
settings = ProtocolSettings(
    frame_interval_steps=10, maximum_frames=8000, equilibration_fraction=0.0, minimise_iterations=100
)
run_replica(
    system, run, run, ReplicaTask(settings, replica=0, seed=1, production_steps=10 * frames),
    platform=on_processor("CPU", "measured"),
)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, (run / TRAJECTORY_FILE).stat().st_size)
"""
    found = []
    for frames in (500, 8000):
        command = [sys.executable, "-c", code, str(alone), str(tmp_path / str(frames)), str(frames)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append([float(word) for word in done.stdout.split()])
    (short_mib, short_bytes), (long_mib, long_bytes) = found
    print(f"\n{short_mib:.1f} MiB at 500 frames, {long_mib:.1f} at 8,000")
    assert long_bytes > 10 * short_bytes
    assert long_mib - short_mib < 2.0
