"""GROMACS beside OpenMM on the same System: forces at one point, the ensemble at the protocol's step, speed.

Forces tell whether the topology says what the System says: both are set against OpenMM's with PME so fine
that what is left is rounding, and both at the protocol's own settings, where either errs by about its
tolerance. The ensemble tells whether the integrators sample alike: GROMACS's ``sd`` kicks, drifts half a
step, meets the bath and drifts the other half, as LangevinMiddle does, so potential energies at one step must
agree within their errors.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.analysis.statistics import standard_error
from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.gromacs import GromacsEngine
from kinscope.dynamics.platforms import context_for, on_processor
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.records import SYSTEM_RECORD_FILE, PlatformChoice
from kinscope.dynamics.segments import Engine, Output, Point, Segment, SegmentEngine
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.dynamics.speed import measure_speed
from kinscope.dynamics.storage import load_record, load_system

_FINE = 2e-6
"""Tolerance of PME at which both engines compute the same sum."""
_SETTLE_PS = 5.0
_SEED = 1


class ForceCheck(Record):
    """Energy and forces of one point by both engines."""

    system: str
    atoms: int
    openmm_kj_per_mol: float
    """Potential energy with fine PME."""
    gromacs_kj_per_mol: float
    rms_kj_per_mol_nm: float
    """Root mean square force."""
    fine_difference: float
    """Root mean square difference of the forces with fine PME, over the root mean square force."""
    openmm_error: float
    """The same of OpenMM at the protocol's settings against OpenMM with fine PME."""
    gromacs_error: float
    """Of GROMACS at the protocol's settings."""

    def words(self) -> str:
        """One line."""
        apart = (self.gromacs_kj_per_mol - self.openmm_kj_per_mol) / abs(self.openmm_kj_per_mol)
        return (
            f"{self.system}, {self.atoms:,} atoms: potential energy differs by {100 * apart:+.4f} %, forces "
            f"by {self.fine_difference:.1e} of their size; at the protocol's settings OpenMM's err by "
            f"{self.openmm_error:.1e}, GROMACS's by {self.gromacs_error:.1e}"
        )


class Sampled(Record):
    """What one engine sampled."""

    engine: str
    temperature_k: float
    temperature_error_k: float
    potential_kcal_per_mol: float
    potential_error: float


class EngineCheck(Record):
    """GROMACS beside OpenMM."""

    gromacs: str
    forces: tuple[ForceCheck, ...]
    sampled: tuple[Sampled, ...]
    """OpenMM, then GROMACS."""
    sampled_ps: float
    gains: tuple[tuple[str, float, float], ...]
    """System, ns/day on OpenMM and on GROMACS, per core, by processor time."""

    def lines(self) -> list[str]:
        """The report for people."""
        one, other = self.sampled
        apart = other.potential_kcal_per_mol - one.potential_kcal_per_mol
        error = math.hypot(one.potential_error, other.potential_error)
        return [
            f"GROMACS {self.gromacs} beside OpenMM",
            *(f"  {item.words()}" for item in self.forces),
            f"  capped lysine in water, {self.sampled_ps:.0f} ps at the protocol's step: potential energy "
            f"{apart:+.1f} +- {error:.1f} kcal/mol apart ({apart / error:+.1f} standard errors), "
            + ", ".join(
                f"{item.engine} {item.temperature_k:.1f} +- {item.temperature_error_k:.1f} K"
                for item in self.sampled
            ),
            *(
                f"  {name}: {slow:.2f} ns/day on OpenMM, {fast:.2f} on GROMACS per core, "
                f"{fast / slow:.1f} times"
                for name, slow, fast in self.gains
            ),
        ]


def engine_check(
    systems: dict[str, Path], found: PlatformChoice, length_ps: float, seconds: float = 6.0
) -> EngineCheck:
    """Set GROMACS beside OpenMM.

    Parameters
    ----------
    systems
        Stored systems by their names; the ensemble is that of the first, which should be small.
    found
        The GROMACS of this machine.
    length_ps
        Sampled by each engine, after five picoseconds.
    seconds
        Of each measurement of speed, by turns.
    """
    first = next(iter(systems.values()))
    gains = []
    for name, directory in systems.items():
        rates = []
        for platform in (on_processor("CPU", 1, "compared"), found):
            speed = measure_speed(directory, seconds, platform=platform)
            used = speed.processor_seconds or speed.seconds
            rates.append(speed.ns_per_day * speed.seconds / used)
        gains.append((name, rates[0], rates[1]))
    return EngineCheck(
        gromacs=found.properties["Version"],
        forces=tuple(force_check(name, directory, found) for name, directory in systems.items()),
        sampled=tuple(_sampled(first, platform, length_ps) for platform in (None, found)),
        sampled_ps=length_ps,
        gains=tuple(gains),
    )


def stored_systems(runs: Sequence[Path]) -> dict[str, Path]:
    """Every solvated system in run directories, by what is in it and its directory's first letters.

    Raises
    ------
    BadInputError
        If one of the directories holds none.
    """
    found: dict[str, Path] = {}
    for run in runs:
        records = sorted(run.rglob(SYSTEM_RECORD_FILE))
        if not records:
            raise BadInputError(
                "There is no solvated system.",
                where=str(run),
                remedy="Give a run directory whose dynamics was at least begun.",
            )
        for path in records:
            record = load_record(path.parent)
            bound = " and ".join(ligand.name for ligand in record.ligands)
            name = f"{record.variant}{f' with {bound}' if bound else ''} in water ({path.parent.name[:6]})"
            found[name] = path.parent
    return found


def force_check(name: str, directory: Path, found: PlatformChoice) -> ForceCheck:
    """Energy and forces of a stored system's state by both engines."""
    system, positions, box, record = load_system(directory)
    start = Point(positions, None, box)
    coarse, _ = _openmm_forces(system, start)
    _, gromacs_coarse = _gromacs_forces(system, start, record.solute_atoms, found)
    nonbonded = next(force for force in system.getForces() if type(force).__name__ == "NonbondedForce")
    nonbonded.setEwaldErrorTolerance(_FINE)
    fine, energy = _openmm_forces(system, start)
    gromacs_energy, gromacs_fine = _gromacs_forces(system, start, record.solute_atoms, found)
    size = _rms(fine)
    return ForceCheck(
        system=name,
        atoms=record.atoms,
        openmm_kj_per_mol=energy,
        gromacs_kj_per_mol=gromacs_energy,
        rms_kj_per_mol_nm=size,
        fine_difference=_rms(gromacs_fine - fine) / size,
        openmm_error=_rms(coarse - fine) / size,
        gromacs_error=_rms(gromacs_coarse - fine) / size,
    )


def _rms(vectors: FloatArray) -> float:
    return float(np.sqrt((vectors**2).sum(axis=1).mean()))


def _openmm_forces(system: Any, start: Point) -> tuple[FloatArray, float]:
    """Forces (n, 3) kJ/mol/nm and the potential energy in kJ/mol."""
    from openmm import VerletIntegrator

    context = context_for(system, VerletIntegrator(0.001), on_processor("CPU", 1, "compared"))
    context.setPeriodicBoxVectors(*start.box)
    context.setPositions(start.positions)
    state = context.getState(energy=True, forces=True)
    return np.array(state.getForces(asNumpy=True)._value), float(state.getPotentialEnergy()._value)


def _gromacs_forces(
    system: Any, start: Point, solute_atoms: int, found: PlatformChoice
) -> tuple[float, FloatArray]:
    """The potential energy in kJ/mol and forces (n, 3) kJ/mol/nm."""
    import openmm

    copy = openmm.XmlSerializer.deserialize(openmm.XmlSerializer.serialize(system))
    with tempfile.TemporaryDirectory(prefix="kinscope-engines-") as folder:
        engine = GromacsEngine(
            copy, start.positions, np.zeros(solute_atoms, dtype=bool), ProtocolSettings(), found, Path(folder)
        )
        return engine.forces(start)


def _sampled(directory: Path, found: PlatformChoice | None, length_ps: float) -> Sampled:
    """Temperature and potential energy of a stored system, by the protocol, nothing restrained."""
    settings = ProtocolSettings(equilibration_fraction=0.0, minimise_iterations=200, reports=100_000)
    system, positions, box, record = load_system(directory)
    heavy = np.zeros(record.solute_atoms, dtype=bool)
    settling = round(_SETTLE_PS * 1000 / settings.time_step_fs)
    steps = settling + round(length_ps * 1000 / settings.time_step_fs)
    plan = plan_steps(settings, steps)
    output = Output()
    with tempfile.TemporaryDirectory(prefix="kinscope-engines-") as folder:
        engine: SegmentEngine
        if found is None:
            engine = Engine(system, positions, heavy, settings, on_processor("CPU", 1, "compared"))
        else:
            engine = GromacsEngine(system, positions, heavy, settings, found, Path(folder))
        segment = Segment(plan, 0, steps, attempt=0, seed=_SEED, velocity_seed=_SEED)
        engine.run(segment, Point(positions, None, box), output, lambda _step: None)
    rows = [row for row in output.rows if row.step > settling]
    temperatures = np.array([row.temperature_k for row in rows])
    potentials = np.array([row.potential_kcal_per_mol for row in rows])
    return Sampled(
        engine="OpenMM" if found is None else "GROMACS",
        temperature_k=float(temperatures.mean()),
        temperature_error_k=standard_error(temperatures),
        potential_kcal_per_mol=float(potentials.mean()),
        potential_error=standard_error(potentials),
    )
