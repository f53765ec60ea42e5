"""The density of the solvent: constant pressure around a solute that does not move."""

from __future__ import annotations

import platform as machine
import time
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.box import SolventBox
from kinscope.dynamics.files.system import Origin, load_system, store
from kinscope.dynamics.machine.devices import choose_platform
from kinscope.dynamics.platforms import context_for, langevin, place, plain, potential
from kinscope.dynamics.records import (
    PROTEIN_FILE,
    DensityPoint,
    Equilibration,
    PlatformChoice,
    SolvatedSystem,
)
from kinscope.dynamics.systems.assemble import freeze
from kinscope.structures.io import read_model

TIME_STEP_PS = 0.004
"""Rigid water carries 4 fs with this integrator; nothing else moves here."""
_FRICTION_PER_PS = 2.0
_BAROSTAT_STEPS = 15
"""Attempts are frequent, because the volume is what is wanted."""
_POINT_STEPS = 125
_GRAM_PER_ML = 1.66053907e-3
"""amu per cubic nm in g/mL (CODATA 2018)."""
_RIGID_NM = 1e-3


def equilibrate_solvent(
    directory: Path, steps: int, seed: int, *, platform: PlatformChoice | None = None
) -> SolvatedSystem:
    """Bring a stored system's solvent to its density, going on from where it is.

    The solute is fixed, not restrained: a Monte Carlo barostat moves it rigidly with the box (which a
    restraint to fixed points would forbid), and it comes out with its coordinates exactly as they went
    in, so that a mutant model laid on it fits into the same water. It is put back in its place at the end.

    ``directory``: a solvated system; its state and record are replaced. ``steps``, ``seed``: of 4 fs; of
    noise, velocities and volume moves. ``platform``: None chooses one, one CPU thread.

    Raises ComputationError if the solvent becomes unstable.
    """
    import openmm

    started = time.monotonic()
    system, positions, box, record = load_system(directory)
    choice = platform or choose_platform()
    before = record.equilibration
    done_ps = before.length_ps if before else 0.0
    try:
        context = _context(system, positions, box, record, choice, derive_seed(seed, "npt", f"{done_ps:.3f}"))
        mass = sum(system.getParticleMass(index)._value for index in range(record.atoms))
        points = list(before.density) if before else []
        points += _followed(context, done_ps, steps, mass)
        solvent = _solvent(context, positions[: record.solute_atoms], record)
    except openmm.OpenMMException as error:
        raise ComputationError(
            f"The solvent became unstable while its density settled ({error}).",
            where=str(directory),
            remedy="Solvate the model again; check it for overlapping atoms (kinscope models check).",
        ) from error
    run = Equilibration(
        length_ps=round(done_ps + steps * TIME_STEP_PS, 4),
        time_step_fs=TIME_STEP_PS * 1000,
        temperature_k=record.settings.temperature_k,
        pressure_bar=record.settings.pressure_bar,
        seed=seed,
        platform=choice.name,
        machine=f"{machine.system()} {machine.machine()}",
        openmm=openmm.version.version,
        wall_seconds=round((before.wall_seconds if before else 0.0) + time.monotonic() - started, 1),
        density=tuple(points),
    )
    origin = Origin(record.variant, record.seed, record.origin, run, started=started, ligands=record.ligands)
    return store(
        directory,
        read_model(directory / PROTEIN_FILE),
        solvent,
        record.settings,
        origin,
        points[-1].potential_kcal_per_mol,
    )


def _context(
    system: Any, positions: Any, box: Any, record: SolvatedSystem, choice: PlatformChoice, seed: int
) -> Any:
    from openmm import MonteCarloBarostat

    settings = record.settings
    frozen = freeze(system, record.solute_atoms, [ligand.first_atom for ligand in record.ligands])
    barostat = MonteCarloBarostat(settings.pressure_bar, settings.temperature_k, _BAROSTAT_STEPS)
    barostat.setRandomNumberSeed(derive_seed(seed, "volume"))
    frozen.addForce(barostat)
    noise = derive_seed(seed, "noise")
    integrator = langevin(settings.temperature_k, _FRICTION_PER_PS, TIME_STEP_PS, noise)
    context = context_for(frozen, integrator, choice)
    place(context, positions, box, derive_seed(seed, "velocities"))
    return context


def _followed(context: Any, done_ps: float, steps: int, mass: float) -> list[DensityPoint]:
    """Take the steps, with a look at the density before the first and after every block."""
    points = [_look(context, done_ps, mass)]
    for done in range(0, steps, _POINT_STEPS):
        block = min(_POINT_STEPS, steps - done)
        context.getIntegrator().step(block)
        points.append(_look(context, done_ps + (done + block) * TIME_STEP_PS, mass))
    return points


def _look(context: Any, time_ps: float, mass: float) -> DensityPoint:
    state = context.getState(energy=True)
    volume, energy = state.getPeriodicBoxVolume()._value, potential(state)
    if not np.isfinite(energy):
        raise ComputationError(
            "The potential energy is not a number.", where="equilibration", remedy="Solvate the model again."
        )
    return DensityPoint(
        time_ps=round(time_ps, 4),
        volume_cubic_nm=round(volume, 4),
        density_g_per_ml=round(mass * _GRAM_PER_ML / volume, 5),
        potential_kcal_per_mol=round(energy, 1),
    )


def _solvent(context: Any, solute: Any, record: SolvatedSystem) -> SolventBox:
    state = context.getState(positions=True)
    moved = plain(state.getPositions(asNumpy=True))
    box = plain(state.getPeriodicBoxVectors(asNumpy=True))
    shifts = solute - moved[: record.solute_atoms]
    if np.ptp(shifts, axis=0).max() > _RIGID_NM:
        raise ComputationError(
            "The solute did not move as one body with the box.",
            where="equilibration",
            remedy="Report this with the version of OpenMM: its barostat takes the solute apart.",
        )
    moved += shifts.mean(axis=0)
    return SolventBox.from_positions(
        moved[record.solute_atoms :], box, record.positive_ions, record.negative_ions, solute.mean(axis=0)
    )
