"""Whether the protocol's thermostat samples the canonical ensemble at its step, in velocities and in places.

In the manner of Shirts (J. Chem. Theory Comput. 2013, 9, 909) and of physical_validation (Merz & Shirts, PLoS
One 2018, 13, e0202764): kinetic energies follow a gamma distribution with half the degrees of freedom as
shape and kT as scale, in the whole system and in every part of it. Places are judged by two steps beside each
other: what a step that is too long does to them shows in the potential energy, in its stiffest terms first,
and in the structure of water.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.statistics import standard_error, statistical_inefficiency
from kinscope.core.records import Record
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.benchmark_energy import (
    GAS_CONSTANT,
    SAMPLE_FS,
    TOLERANCE,
    Warm,
    freedom_of,
    masses_of,
    thermostat,
)
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.settings import ProtocolSettings

_SETTLE_PS = 5.0
"""At the step that is measured: total energy relaxes in about the inverse friction, a picosecond."""
BLOCK_PS = 20.0
"""The spread of means over so long is what a reading over so long is worth."""
_EVERY = 25
"""Samples between looks at the structure: one a picosecond."""
_SHELL_NM = 0.35
"""First shell of water oxygens."""
_GROUPS = {"HarmonicAngleForce": 2, "PeriodicTorsionForce": 3}


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
    block_spread_k: float | None = None
    """Standard deviation of the means of consecutive blocks of 20 ps; None for fewer than three."""


class Configuration(Record):
    """One quantity of the places of atoms."""

    name: str
    unit: str
    mean: float
    error: float
    """Standard error, correlation allowed for."""


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
    system: str = ""
    """What was run."""
    configurations: tuple[Configuration, ...] = ()
    unconstrained_temperature_k: float = math.nan
    """As velocities stand after a step, with the thermostat's noise on rigid bonds."""
    physical_validation_p_value: float | None = None
    """What physical_validation says of the whole system, where it is installed."""


def kinetic_check(
    warm: Warm, settings: ProtocolSettings, length_ps: float, *, seed: int = 1, system: str = ""
) -> KineticCheck:
    """Run the protocol's thermostat at its step; compare kinetic energies with the canonical ones.

    Parameters
    ----------
    warm
        Where it starts.
    settings
        The protocol: step, friction and temperature of production.
    length_ps
        Sampled, after five picoseconds at this step.
    seed
        Of the noise.
    system
        What it is called.
    """
    seen = _sampled(warm, settings, length_ps, seed)
    parts = tuple(
        _kinetic(name, np.asarray(values), freedom_of(warm.system, seen.parts[name]), settings.temperature_k)
        for name, values in seen.kinetic.items()
    )
    freedom = parts[0].degrees_of_freedom
    thermal = GAS_CONSTANT * settings.temperature_k
    potential = np.asarray(seen.potential)
    whole = np.asarray(seen.kinetic["everything"])
    return KineticCheck(
        potential_kt_per_freedom=float(potential.mean()) / thermal / freedom,
        potential_error=standard_error(potential) / thermal / freedom,
        time_step_fs=settings.time_step_fs,
        friction_per_ps=settings.friction_per_ps,
        temperature_k=settings.temperature_k,
        length_ps=len(whole) * SAMPLE_FS * 1e-3,
        parts=parts,
        system=system,
        configurations=tuple(_configurations(seen, thermal)),
        unconstrained_temperature_k=float(2 * np.mean(seen.unconstrained) / (freedom * GAS_CONSTANT)),
        physical_validation_p_value=_physical_validation(
            whole, len(warm.positions), freedom, settings.temperature_k
        ),
    )


@dataclass
class _Seen:
    """What a run saw, kJ/mol."""

    parts: dict[str, NDArray[np.bool_]]
    kinetic: dict[str, list[float]]
    unconstrained: list[float] = field(default_factory=list)
    potential: list[float] = field(default_factory=list)
    terms: dict[str, list[float]] = field(default_factory=dict)
    shell: list[float] = field(default_factory=list)


def _sampled(warm: Warm, settings: ProtocolSettings, length_ps: float, seed: int) -> _Seen:
    system, oxygens = _grouped(warm.system), _oxygens(warm)
    context = replace(warm, system=system).context(thermostat(settings, derive_seed(seed, "kinetic")))
    context.getIntegrator().step(round(_SETTLE_PS * 1000 / settings.time_step_fs))
    masses = masses_of(system)
    members = np.arange(len(masses)) < warm.solute_atoms
    parts = {"everything": np.ones(len(masses), dtype=np.bool_), "solute": members, "solvent": ~members}
    seen = _Seen({k: v for k, v in parts.items() if v.any()}, {k: [] for k, v in parts.items() if v.any()})
    steps = max(1, round(SAMPLE_FS / settings.time_step_fs))
    for number in range(round(length_ps * 1000 / (steps * settings.time_step_fs))):
        context.getIntegrator().step(steps)
        seen.unconstrained.append(float(_kinetic_energies(context, masses).sum()))
        # The thermostat's noise also falls on rigid bonds, until the next step takes it out: at a friction of
        # 20/ps and 4 fs it would read as 2 % of temperature.
        context.applyVelocityConstraints(TOLERANCE)
        energies = _kinetic_energies(context, masses)
        for name, chosen in seen.parts.items():
            seen.kinetic[name].append(float(energies[chosen].sum()))
        seen.potential.append(context.getState(energy=True).getPotentialEnergy()._value)
        for name, group in _GROUPS.items():
            term = context.getState(energy=True, groups={group}).getPotentialEnergy()._value
            seen.terms.setdefault(name, []).append(term)
        if number % _EVERY == 0 and len(oxygens) > 1:
            state = context.getState(positions=True)
            seen.shell.append(_neighbours(state.getPositions(asNumpy=True)._value[oxygens], warm.box))
    return seen


def _kinetic_energies(context: Any, masses: FloatArray) -> FloatArray:
    moving = context.getState(velocities=True).getVelocities(asNumpy=True)._value
    return np.asarray(0.5 * masses * (moving**2).sum(axis=1))


def _grouped(system: Any) -> Any:
    """A copy whose bonded terms can be asked for by themselves."""
    grouped = copy.deepcopy(system)
    for force in grouped.getForces():
        force.setForceGroup(_GROUPS.get(type(force).__name__, 0))
    return grouped


def _oxygens(warm: Warm) -> NDArray[np.intp]:
    """Indices of water's oxygens: the solvent's particles of oxygen's mass."""
    masses = masses_of(warm.system)
    return np.flatnonzero((np.arange(len(masses)) >= warm.solute_atoms) & (abs(masses - 16.0) < 0.1))


def _neighbours(oxygens: FloatArray, box: FloatArray) -> float:
    """Mean number of other oxygens in the first shell of one."""
    apart = oxygens[:, None] - oxygens[None]
    for axis in (2, 1, 0):
        apart -= np.round(apart[..., axis] / box[axis, axis])[..., None] * box[axis]
    near = (apart**2).sum(axis=2) < _SHELL_NM**2
    return float((near.sum() - len(oxygens)) / len(oxygens))


def _configurations(seen: _Seen, thermal: float) -> Iterator[Configuration]:
    names = {
        "HarmonicAngleForce": "bending energy of the solute",
        "PeriodicTorsionForce": "torsional energy of the solute",
    }
    rows = [
        ("potential energy", "kT", np.asarray(seen.potential) / thermal),
        *((names[name], "kT", np.asarray(values) / thermal) for name, values in seen.terms.items()),
        ("water oxygens within 0.35 nm", "", np.asarray(seen.shell)),
    ]
    for name, unit, values in rows:
        if len(values) > 2 and np.ptp(values) > 0:
            yield Configuration(
                name=name, unit=unit, mean=float(values.mean()), error=float(standard_error(values))
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
        block_spread_k=_block_spread(temperatures),
    )


def _block_spread(temperatures: FloatArray) -> float | None:
    """Standard deviation of the means of consecutive blocks of :data:`BLOCK_PS`."""
    size = round(BLOCK_PS * 1000 / SAMPLE_FS)
    blocks = len(temperatures) // size
    if blocks < 3:
        return None
    return float(temperatures[: blocks * size].reshape(blocks, size).mean(axis=1).std(ddof=1))


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
