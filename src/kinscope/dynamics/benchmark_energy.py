"""Is a 4 fs step with heavy hydrogens sound? The total energy without a thermostat.

In the manner of physical_validation (Merz & Shirts, PLoS One 2018, 13, e0202764): a symplectic integrator
keeps the total energy, up to a fluctuation that falls with the square of the step. What a thermostat makes of
it is in :mod:`kinscope.dynamics.benchmark_ensemble`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.statistics import statistical_inefficiency
from kinscope.core.records import Record
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.platforms import context_for
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.dynamics.storage import load_system

GAS_CONSTANT = 8.31446261815324e-3
"""kJ/mol/K, CODATA 2018."""
SAMPLE_FS = 40.0
"""Between samples of the energy: no multiple of a bond's vibration, a whole number of every step."""
TOLERANCE = 1e-6
"""Of constraints, relative, as in production."""
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
        integrator.setConstraintTolerance(TOLERANCE)
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
    context = cold.context(thermostat(settings, derive_seed(seed, "settling")))
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

    freedom = freedom_of(warm.system, np.ones(len(warm.positions), dtype=np.bool_))
    integrator = VerletIntegrator(time_step_fs * 1e-3)
    context = warm.context(integrator)
    steps = max(1, round(SAMPLE_FS / time_step_fs))
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
        hydrogen_mass_amu=float(masses_of(warm.system)[: warm.solute_atoms].min()),
        length_ps=len(energies) * steps * time_step_fs * 1e-3,
        drift_kt_per_ns_per_freedom=slope / freedom,
        drift_error=error / freedom,
        fluctuation_kt_per_freedom=spread / math.sqrt(freedom),
        stable=stable,
    )


def thermostat(settings: ProtocolSettings, seed: int) -> Any:
    """The protocol's integrator."""
    from openmm import LangevinMiddleIntegrator

    integrator = LangevinMiddleIntegrator(
        settings.temperature_k, settings.friction_per_ps, settings.time_step_fs * 1e-3
    )
    integrator.setRandomNumberSeed(seed)
    return integrator


def masses_of(system: Any) -> FloatArray:
    """Mass of every particle (n,), amu."""
    return np.array([system.getParticleMass(index)._value for index in range(system.getNumParticles())])


def freedom_of(system: Any, chosen: NDArray[np.bool_]) -> float:
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
