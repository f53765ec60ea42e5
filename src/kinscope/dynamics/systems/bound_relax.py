"""A bound ligand settled into its pocket before the water comes: what docking's rigid receptor left tight.

Docked and carried poses were made against a rigid protein with another function than the dynamics', so their
hydrogens and closest contacts are not where the force field wants them. The ligand and the side chains around
it are minimised, held near where they were; nothing else moves, and without solvent charges are halved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.platforms import KCAL_PER_KJ, plain, potential
from kinscope.dynamics.settings import SolvationSettings
from kinscope.dynamics.systems.assemble import create_force_field_system
from kinscope.dynamics.systems.bound import PlacedLigand, ligand_mask, solute_topology, with_ligands
from kinscope.structures.forcefield.system import (
    add_position_restraints,
    force_of,
    scale_charges,
    static_context,
)
from kinscope.structures.model import AtomArray

_SHELL_ANGSTROM = 6.0
"""Residues with an atom this near the ligand may move."""
_CUTOFF_NM = 1.0
_CHARGE_SCALE = 0.5
"""A dielectric of 4, as in the relaxation of models, so that salt bridges do not collapse in vacuum."""
_RESTRAINT = 1.0
"""kcal/mol/angstrom^2 on heavy atoms."""
_RESTRAINT_GROUP = 1
_ITERATIONS = 150
_TOLERANCE = 5.0
"""kJ/mol/nm, root mean square."""
_BACKBONE = ("N", "CA", "C", "O")


STRAINED_KCAL_PER_MOL = 5.0
"""A start this far above another of the same complex is strained: settling twice differs by less than one."""


@dataclass(frozen=True)
class RelaxedComplex:
    """A model with its ligands after settling."""

    protein: AtomArray
    ligands: tuple[PlacedLigand, ...]
    interaction_kcal_per_mol: float
    """Lennard-Jones energy between ligands and protein afterwards."""
    potential_kcal_per_mol: float
    """With halved charges and without the restraints: tells poses of one complex apart."""


def relax_complex(
    model: AtomArray, ligands: Sequence[PlacedLigand], settings: SolvationSettings
) -> RelaxedComplex:
    """Settle ligands and the side chains around them.

    ``model``: (n_atoms) protein, angstrom. ``ligands``: in its frame.

    Raises ComputationError if the energy is not finite: atoms lie on one another.
    """
    from openmm import app, unit

    solute = with_ligands(model, ligands)
    mask = ligand_mask(solute)
    topology = solute_topology(solute, ligands)
    system = create_force_field_system(
        topology,
        settings,
        ligands,
        nonbondedMethod=app.CutoffNonPeriodic,
        nonbondedCutoff=_CUTOFF_NM * unit.nanometer,
        removeCMMotion=False,
    )
    nonbonded = force_of(system, "NonbondedForce")
    scale_charges(nonbonded, _CHARGE_SCALE)
    free = _free(solute, mask)
    heavy = np.asarray(solute.element != "H")
    positions = np.asarray(solute.coord, dtype=np.float64) / 10 * unit.nanometer
    held = np.where(free & heavy, _RESTRAINT, 0.0)
    add_position_restraints(system, positions, held, group=_RESTRAINT_GROUP)
    for index in np.flatnonzero(~free):
        system.setParticleMass(int(index), 0.0)
    relaxed, energy = _minimised(system, positions)
    moved = ((relaxed - np.asarray(solute.coord, dtype=np.float64)) ** 2).sum(axis=1)
    protein = model.copy()
    protein.coord = relaxed[~mask].astype(np.float32)
    interaction = lennard_jones_between(nonbonded, relaxed / 10, mask)
    words = (
        f"settled by {np.sqrt(moved[mask & heavy].mean()):.2f} angstrom, "
        f"Lennard-Jones energy {interaction:.0f} kcal/mol"
    )
    return RelaxedComplex(protein, _placed(ligands, relaxed[mask], words), interaction, energy)


def preferred_complex(
    model: AtomArray, poses: Sequence[PlacedLigand], settings: SolvationSettings
) -> RelaxedComplex:
    """The first of several poses of one ligand, settled, unless it is strained where it lies.

    ``model``: (n_atoms) protein, angstrom. ``poses``: in order of preference, at least one.

    Raises ComputationError if none can be settled.
    """
    found: list[RelaxedComplex] = []
    for pose in poses:
        try:
            found.append(relax_complex(model, [pose], settings))
        except ComputationError:
            if pose is poses[-1] and not found:
                raise
    lowest = min(one.potential_kcal_per_mol for one in found)
    return next(one for one in found if one.potential_kcal_per_mol < lowest + STRAINED_KCAL_PER_MOL)


def lennard_jones_between(nonbonded: Any, positions_nm: FloatArray, mask: NDArray[np.bool_]) -> float:
    """Lennard-Jones energy (kcal/mol) between the atoms of a mask and all others, no cutoff."""
    particles = [nonbonded.getParticleParameters(i) for i in range(nonbonded.getNumParticles())]
    sigma = np.array([float(one[1]._value) for one in particles])
    epsilon = np.array([float(one[2]._value) for one in particles])
    gaps = np.linalg.norm(positions_nm[mask][:, None] - positions_nm[~mask][None], axis=2)
    ratio = ((sigma[mask][:, None] + sigma[~mask][None]) / 2 / gaps) ** 6
    depth = np.sqrt(epsilon[mask][:, None] * epsilon[~mask][None])
    return float((4 * depth * (ratio**2 - ratio)).sum() * KCAL_PER_KJ)


def _free(solute: AtomArray, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Atoms that may move: ligands, and side chains of residues near them."""
    from scipy.spatial import cKDTree

    gaps, _ = cKDTree(solute.coord[mask]).query(solute.coord)
    close = np.unique(solute.res_id[(gaps < _SHELL_ANGSTROM) & ~mask])
    backbone = np.isin(solute.atom_name, _BACKBONE) & (solute.element != "H")
    return np.asarray(mask | (np.isin(solute.res_id, close) & ~mask & ~backbone))


def _minimised(system: Any, positions: Any) -> tuple[FloatArray, float]:
    """Coordinates (n_atoms, 3) in angstrom, and the energy (kcal/mol) of all but the restraints."""
    from openmm import LocalEnergyMinimizer, OpenMMException

    context = static_context(system)
    context.setPositions(positions)
    try:
        LocalEnergyMinimizer.minimize(context, _TOLERANCE, _ITERATIONS)
    except OpenMMException as error:
        raise _overlap(str(error)) from error
    state = context.getState(positions=True, energy=True, groups={0})
    coordinates, energy = plain(state.getPositions(asNumpy=True)) * 10, potential(state)
    if not (np.isfinite(coordinates).all() and np.isfinite(energy)):
        raise _overlap("coordinates or energy are not numbers")
    return coordinates, energy


def _placed(ligands: Sequence[PlacedLigand], coordinates: FloatArray, words: str) -> tuple[PlacedLigand, ...]:
    found, first = [], 0
    for ligand in ligands:
        count = len(ligand.forcefield.record.atoms)
        place = coordinates[first : first + count]
        found.append(replace(ligand, positions_angstrom=place, pose=f"{ligand.pose}; {words}"))
        first += count
    return tuple(found)


def _overlap(why: str) -> ComputationError:
    return ComputationError(
        f"The ligand cannot be settled into this model ({why}).",
        where="bound system",
        remedy="Its pose lies in the protein; dock it into this model first (kinscope dock).",
    )
