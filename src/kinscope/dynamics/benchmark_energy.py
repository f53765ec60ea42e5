"""Is a 4 fs step with heavy hydrogens sound? Energy drift without a thermostat, kinetic energies with one.

Two tests in the manner of Shirts (J. Chem. Theory Comput. 2013, 9, 909) and of physical_validation (Merz &
Shirts, PLoS One 2018, 13, e0202764): a symplectic integrator keeps the total energy, up to a fluctuation that
falls with the square of the step; and kinetic energies in the canonical ensemble follow a gamma distribution
with half the degrees of freedom as shape and kT as scale, in the whole system and in every part of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.statistics import standard_error, statistical_inefficiency
from kinscope.core.records import Record
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.platforms import context_for
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.dynamics.storage import load_system

GAS_CONSTANT = 8.31446261815324e-3
"""kJ/mol/K, CODATA 2018."""
_SAMPLE_FS = 40.0
"""Between samples of the energy: no multiple of a bond's vibration, a whole number of every step."""
_TOLERANCE = 1e-6
_SETTLE_PS = 5.0


class Drift(Record):
    """The total energy of one setting, without thermostat."""

    name: str
    time_step_fs: float
    hydrogen_mass_amu: float
    length_ps: float
    drift_kt_per_ns_per_freedom: float
    """Slope of the total energy in kT per nanosecond and degree of freedom."""
    drift_error: float
    """Standard error of it, from the residuals with their correlation."""
    fluctuation_kt_per_freedom: float
    """Standard deviation of the total energy about the line, in kT per root of the degrees of freedom."""
    stable: bool
    """False if the energy left the numbers or ran away."""

    @property
    def thermostat_shift_k(self) -> float:
        """By how much a thermostat of 1/ps friction would be warmer for it, at 300 K.

        A drift of d kT per time and degree of freedom puts 2 d T into the temperature per time, which a
        friction g takes out at 2 g per time: the shift is d T / g.
        """
        return self.drift_kt_per_ns_per_freedom * 1e-3 * 300.0


class Kinetic(Record):
    """Kinetic energies of one part of the system, against the canonical distribution."""

    part: str
    degrees_of_freedom: float
    samples: int
    independent_samples: int
    mean_temperature_k: float
    temperature_error_k: float
    spread_ratio: float
    """Standard deviation over the canonical one."""
    ks_p_value: float
    """Kolmogorov-Smirnov against the gamma distribution, independent samples only."""


class KineticCheck(Record):
    """The thermostat of the protocol, at its step."""

    time_step_fs: float
    friction_per_ps: float
    temperature_k: float
    length_ps: float
    parts: tuple[Kinetic, ...]
    potential_kt_per_freedom: float
    """Mean potential energy: what the step does to configurations shows in its difference between steps."""
    potential_error: float
    physical_validation_p_value: float | None = None
    """What physical_validation says of the whole system, where it is installed."""


@dataclass(frozen=True)
class Warm:
    """A system in thermal motion, without what removes the motion of its centre of mass."""

    system: Any
    positions: FloatArray
    """nm."""
    velocities: FloatArray
    """nm/ps."""
    box: FloatArray
    solute_atoms: int
    platform: PlatformChoice

    def context(self, integrator: Any) -> Any:
        """A context in this state."""
        integrator.setConstraintTolerance(_TOLERANCE)
        context = context_for(self.system, integrator, self.platform)
        context.setPeriodicBoxVectors(*self.box)
        context.setPositions(self.positions)
        context.setVelocities(self.velocities)
        return context


def warm_up(directory: Path, platform: PlatformChoice, *, seed: int = 1) -> Warm:
    """Minimise a stored system and give it five picoseconds with a thermostat.

    Parameters
    ----------
    directory
        A solvated system.
    platform
        Where it runs, then and later.
    seed
        Of velocities and noise.
    """
    from openmm import CMMotionRemover, LocalEnergyMinimizer

    system, positions, box, record = load_system(directory)
    for index in reversed(range(system.getNumForces())):
        if isinstance(system.getForce(index), CMMotionRemover):
            system.removeForce(index)
    settings = ProtocolSettings(time_step_fs=2.0, friction_per_ps=10.0)
    cold = Warm(system, positions, np.zeros_like(positions), box, record.solute_atoms, platform)
    context = cold.context(_thermostat(settings, derive_seed(seed, "settling")))
    LocalEnergyMinimizer.minimize(context, 10.0, 200)
    context.setVelocitiesToTemperature(300.0, derive_seed(seed, "settling velocities"))
    context.getIntegrator().step(round(_SETTLE_PS * 1000 / settings.time_step_fs))
    state = context.getState(positions=True, velocities=True)
    return replace(
        cold,
        positions=np.array(state.getPositions(asNumpy=True)._value),
        velocities=np.array(state.getVelocities(asNumpy=True)._value),
    )


def energy_drift(warm: Warm, name: str, time_step_fs: float, length_ps: float) -> Drift:
    """Integrate without a thermostat and follow the total energy.

    OpenMM's Verlet integrator reports the kinetic energy at the time of the positions.

    Parameters
    ----------
    warm
        Where it starts.
    name
        Of the row.
    time_step_fs
        Of the Verlet integrator.
    length_ps
        Followed.
    """
    from openmm import OpenMMException, VerletIntegrator, unit

    freedom = _freedom(warm.system, np.ones(len(warm.positions), dtype=np.bool_))
    integrator = VerletIntegrator(time_step_fs * 1e-3)
    context = warm.context(integrator)
    steps = max(1, round(_SAMPLE_FS / time_step_fs))
    thermal = GAS_CONSTANT * 300.0
    energies: list[float] = []
    stable = True
    try:
        for _ in range(round(length_ps * 1000 / (steps * time_step_fs))):
            integrator.step(steps)
            state = context.getState(energy=True)
            total = state.getPotentialEnergy() + state.getKineticEnergy()
            energies.append(total.value_in_unit(unit.kilojoule_per_mole) / thermal)
            if not math.isfinite(energies[-1]) or abs(energies[-1] - energies[0]) > freedom:
                stable = False
                break
    except OpenMMException:
        stable = False
    slope, error, spread = _line(np.asarray(energies), steps * time_step_fs * 1e-6)
    return Drift(
        name=name,
        time_step_fs=time_step_fs,
        hydrogen_mass_amu=float(_masses(warm.system)[: warm.solute_atoms].min()),
        length_ps=len(energies) * steps * time_step_fs * 1e-3,
        drift_kt_per_ns_per_freedom=slope / freedom,
        drift_error=error / freedom,
        fluctuation_kt_per_freedom=spread / math.sqrt(freedom),
        stable=stable,
    )


def kinetic_check(warm: Warm, settings: ProtocolSettings, length_ps: float, *, seed: int = 1) -> KineticCheck:
    """Run the protocol's thermostat at its step and compare kinetic energies with the canonical ones.

    Parameters
    ----------
    warm
        Where it starts.
    settings
        The protocol: step, friction and temperature of production.
    length_ps
        Sampled, after half a picosecond at this step.
    seed
        Of the noise.
    """
    context = warm.context(_thermostat(settings, derive_seed(seed, "kinetic")))
    context.getIntegrator().step(round(500 / settings.time_step_fs))
    solute = warm.solute_atoms
    masses = _masses(warm.system)
    members = np.arange(len(masses)) < solute
    parts = {"everything": np.ones(len(masses), dtype=np.bool_), "solute": members, "solvent": ~members}
    kept = {name: chosen for name, chosen in parts.items() if chosen.any()}
    rows: dict[str, list[float]] = {name: [] for name in kept}
    potential: list[float] = []
    steps = max(1, round(_SAMPLE_FS / settings.time_step_fs))
    for _ in range(round(length_ps * 1000 / (steps * settings.time_step_fs))):
        context.getIntegrator().step(steps)
        # The thermostat's noise also falls on rigid bonds, until the next step takes it out: at a friction of
        # 20/ps and 4 fs it would read as 2 % of temperature.
        context.applyVelocityConstraints(_TOLERANCE)
        state = context.getState(velocities=True, energy=True)
        moving = state.getVelocities(asNumpy=True)._value
        potential.append(state.getPotentialEnergy()._value)
        squares = 0.5 * masses * (moving**2).sum(axis=1)
        for name, chosen in kept.items():
            rows[name].append(float(squares[chosen].sum()))
    found = tuple(
        _kinetic(name, np.asarray(values), _freedom(warm.system, kept[name]), settings.temperature_k)
        for name, values in rows.items()
    )
    whole = np.asarray(rows["everything"])
    thermal = GAS_CONSTANT * settings.temperature_k * found[0].degrees_of_freedom
    return KineticCheck(
        potential_kt_per_freedom=float(np.mean(potential)) / thermal,
        potential_error=standard_error(np.asarray(potential)) / thermal,
        time_step_fs=settings.time_step_fs,
        friction_per_ps=settings.friction_per_ps,
        temperature_k=settings.temperature_k,
        length_ps=len(whole) * steps * settings.time_step_fs * 1e-3,
        parts=found,
        physical_validation_p_value=_physical_validation(
            whole, len(masses), found[0].degrees_of_freedom, settings.temperature_k
        ),
    )


def gamma_p_value(kinetic: FloatArray, freedom: float, temperature_k: float) -> float:
    """Kolmogorov-Smirnov p value of independent kinetic energies (n,), kJ/mol, in the canonical ensemble."""
    from scipy.stats import gamma, kstest

    thermal = GAS_CONSTANT * temperature_k
    return float(kstest(kinetic, gamma(freedom / 2, scale=thermal).cdf).pvalue)


def _kinetic(part: str, kinetic: FloatArray, freedom: float, temperature_k: float) -> Kinetic:
    temperatures = 2 * kinetic / (freedom * GAS_CONSTANT)
    inefficiency = statistical_inefficiency(kinetic)
    independent = kinetic[
        :: math.ceil(2 * inefficiency)
    ]  # at once the inefficiency neighbours are still alike
    expected = temperature_k * math.sqrt(2 / freedom)
    return Kinetic(
        part=part,
        degrees_of_freedom=freedom,
        samples=len(kinetic),
        independent_samples=len(independent),
        mean_temperature_k=float(temperatures.mean()),
        temperature_error_k=float(temperatures.std(ddof=1) * math.sqrt(inefficiency / len(kinetic))),
        spread_ratio=float(temperatures.std(ddof=1) / expected),
        ks_p_value=gamma_p_value(independent, freedom, temperature_k),
    )


def _physical_validation(
    kinetic: FloatArray, atoms: int, freedom: float, temperature_k: float
) -> float | None:
    """The p value of physical_validation's strict test of the same energies, if it is installed."""
    try:
        import physical_validation as pv  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    data = pv.data.SimulationData(
        units=pv.data.UnitData.units("GROMACS"),
        ensemble=pv.data.EnsembleData("NVT", natoms=atoms, volume=1.0, temperature=temperature_k),
        system=pv.data.SystemData(
            natoms=atoms, nconstraints=3 * atoms - freedom, ndof_reduction_tra=0, ndof_reduction_rot=0
        ),
        observables=pv.data.ObservableData(kinetic_energy=kinetic),
    )
    return float(pv.kinetic_energy.distribution(data, strict=True, verbosity=0))


def _thermostat(settings: ProtocolSettings, seed: int) -> Any:
    from openmm import LangevinMiddleIntegrator

    integrator = LangevinMiddleIntegrator(
        settings.temperature_k, settings.friction_per_ps, settings.time_step_fs * 1e-3
    )
    integrator.setRandomNumberSeed(seed)
    return integrator


def _masses(system: Any) -> FloatArray:
    return np.array([system.getParticleMass(index)._value for index in range(system.getNumParticles())])


def _freedom(system: Any, chosen: NDArray[np.bool_]) -> float:
    """Degrees of freedom of some atoms: three each, less the constraints among them."""
    constraints = sum(
        bool(chosen[system.getConstraintParameters(index)[0]]) for index in range(system.getNumConstraints())
    )
    return float(3 * int(chosen.sum()) - constraints)


def _line(values: FloatArray, interval_ns: float) -> tuple[float, float, float]:
    """Slope per nanosecond, its standard error, and the standard deviation about the line."""
    if len(values) < 8 or not np.isfinite(values).all():
        return math.nan, math.nan, math.nan
    times = interval_ns * np.arange(len(values))
    centred = times - times.mean()
    slope = float(centred @ values / (centred @ centred))
    left = values - values.mean() - slope * centred
    spread = float(left.std(ddof=2))
    inefficiency = statistical_inefficiency(left)
    error = spread * math.sqrt(inefficiency / float(centred @ centred))
    return slope, error, spread
