"""Minimisation of a whole model by stages: hydrogens, side chains, backbone, and last almost nothing held.

Amber ff14SB (Maier et al., J. Chem. Theory Comput. 2015, 11, 3696) with the OBC implicit solvent; positions
of the assembled heavy atoms are the anchors of every restraint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kinscope.core.errors import ComputationError
from kinscope.core.progress import Progress, silent
from kinscope.core.records import Settings
from kinscope.results.notes import Note, note
from kinscope.structures.forcefield.relaxation import reduce_system
from kinscope.structures.forcefield.system import (
    Occupant,
    add_position_restraints,
    create_system,
    force_of,
    place_occupants,
    scale_charges,
    static_context,
)
from kinscope.structures.io import to_openmm
from kinscope.structures.model import AtomArray
from kinscope.structures.superposition import BACKBONE, deviations

TOUCH_ANGSTROM = 4.0
"""A side chain with a heavy atom this near a ligand's touches it."""


class Stage(Settings):
    """One minimisation."""

    label: str
    backbone_kcal_per_mol_angstrom2: float = Field(ge=0.0)
    """Restraint of N, CA, C and O to their assembled places."""
    side_chain_kcal_per_mol_angstrom2: float = Field(ge=0.0)
    """Restraint of the other heavy atoms."""
    implicit_solvent: bool = True
    charge_scale: float = Field(default=1.0, gt=0.0, le=1.0)
    """Factor on every charge; below 1 stands for a dielectric where there is no solvent."""
    cutoff_nm: float | None = Field(default=1.2, ge=0.8, le=3.0)
    """None: all pairs, the only smooth form of this implicit solvent."""
    max_iterations: int = Field(default=300, ge=1)
    tolerance_kcal_per_mol_angstrom: float = Field(default=0.1, gt=0.0)
    """RMS force per degree of freedom at which the stage ends."""


DEFAULT_STAGES: tuple[Stage, ...] = (
    Stage(
        label="hydrogens",
        backbone_kcal_per_mol_angstrom2=100.0,
        side_chain_kcal_per_mol_angstrom2=100.0,
        implicit_solvent=False,
        max_iterations=150,
    ),
    Stage(
        label="side chains",
        backbone_kcal_per_mol_angstrom2=20.0,
        side_chain_kcal_per_mol_angstrom2=2.0,
        max_iterations=150,
    ),
    Stage(
        label="backbone",
        backbone_kcal_per_mol_angstrom2=5.0,
        side_chain_kcal_per_mol_angstrom2=0.5,
        max_iterations=150,
    ),
    Stage(
        label="whole model",
        backbone_kcal_per_mol_angstrom2=0.5,
        side_chain_kcal_per_mol_angstrom2=0.05,
        cutoff_nm=None,
        max_iterations=400,
        tolerance_kcal_per_mol_angstrom=0.045,
    ),
)
"""The last stage takes all pairs: with a cutoff this solvent's energy jumps wherever an atom crosses it, and
no minimiser gets much below a gradient of 0.1 kcal/mol/angstrom."""


BRIEF_STAGES: tuple[Stage, ...] = (
    DEFAULT_STAGES[0].model_copy(update={"charge_scale": 0.5, "max_iterations": 100}),
    DEFAULT_STAGES[1].model_copy(update={"implicit_solvent": False, "charge_scale": 0.5}),
    DEFAULT_STAGES[2].model_copy(update={"max_iterations": 100}),
    DEFAULT_STAGES[3].model_copy(update={"max_iterations": 120}),
)
"""As the default, but with the solvent, nine tenths of the cost, in the last two stages only, and with fewer
of the costliest steps. Without solvent charges are halved (a dielectric of 4), so that salt bridges do not
collapse."""


MEDIUM_STAGES: tuple[Stage, ...] = (
    *BRIEF_STAGES[:-1],
    BRIEF_STAGES[-1].model_copy(update={"max_iterations": 240}),
)
"""As the brief ones, with twice the costliest steps: around charged ligands the gradient of a large model was
0.4 kcal/mol/angstrom after 120."""


@dataclass(frozen=True)
class StageResult:
    """What one stage came to."""

    stage: Stage
    energy_kcal_per_mol: float
    rms_gradient_kcal_per_mol_angstrom: float
    """Per degree of freedom, restraints included."""
    backbone_rmsd_angstrom: float
    """To the assembled coordinates, after superposition."""
    heavy_rmsd_angstrom: float

    def noted(self) -> Note:
        """For a model's record, with what defined the stage."""
        found = {name: value for name, value in vars(self).items() if name != "stage"}
        return note("minimised", **self.stage.model_dump(), **found)


def minimise(
    atoms: AtomArray,
    stages: tuple[Stage, ...] = DEFAULT_STAGES,
    *,
    ligands: tuple[AtomArray | Occupant, ...] = (),
    pocket_kcal_per_mol_angstrom2: float = 0.0,
    progress: Progress = silent,
) -> tuple[AtomArray, tuple[StageResult, ...]]:
    """Minimise a complete model (hydrogens present) through the stages, on the named CPU platform.

    Ligands given, in the model's frame, stand in their places: without them a pocket closes on the vacuum
    that the ligand leaves, and no inhibitor fits the model. An :class:`Occupant` has its own force field, and
    its hydrogens relax with the protein; heavy atoms alone stand as fixed uncharged spheres. Side chains that
    touch a charged ligand (:data:`TOUCH_ANGSTROM`) are held to their assembled places by at least
    ``pocket_kcal_per_mol_angstrom2`` in every stage.

    Returns the model with new coordinates in the frame of the input, and the result of each stage.

    Raises ComputationError if the energy is not finite, which means atoms lie on each other.
    """
    current, held = atoms.copy(), tuple(ligands)
    pocket = np.where(_touching(atoms, ligands), pocket_kcal_per_mol_angstrom2, 0.0)
    results = []
    for index, stage in enumerate(stages):
        progress(index / len(stages), f"minimising: {stage.label}")
        current, held, result = _run(current, atoms, stage, held, pocket)
        results.append(result)
    return current, tuple(results)


def minimise_part(
    atoms: AtomArray,
    movable: NDArray[np.bool_],
    *,
    included: NDArray[np.bool_] | None = None,
    implicit_solvent: bool = True,
    max_iterations: int = 200,
) -> tuple[AtomArray, float]:
    """Minimise some atoms of a complete model, all others fixed where they are.

    ``movable`` and ``included`` are masks over the atoms; the energy of those included (whole residues, the
    movable ones among them; all if None) counts. The cutoff is 1.2 nm. Returns a copy with new coordinates,
    and its energy in kcal/mol: only differences between conformations of the same atoms mean anything.

    Raises ComputationError if the energy is not finite.
    """
    from openmm import LocalEnergyMinimizer, unit

    kept = np.flatnonzero(np.ones(len(atoms), dtype=bool) if included is None else included | movable)
    whole = create_system(to_openmm(atoms)[0], implicit_solvent=implicit_solvent)
    system = reduce_system(whole, kept, solvent=implicit_solvent, charge_scale=1.0)
    for place in np.flatnonzero(~movable[kept]):
        system.setParticleMass(int(place), 0.0)  # OpenMM never moves mass 0
    context = static_context(system)
    context.setPositions(np.asarray(atoms.coord[kept], dtype=np.float64) / 10.0 * unit.nanometer)
    LocalEnergyMinimizer.minimize(context, 4.0, max_iterations)
    state = context.getState(getPositions=True, getEnergy=True)
    energy = float(state.getPotentialEnergy() / unit.kilocalorie_per_mole)
    _check_finite(energy, "a part of a model", f"{int(movable.sum())} atoms")
    moved = atoms.copy()
    relaxed = np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.angstrom))
    moving = movable[kept]
    moved.coord[kept[moving]] = relaxed[moving].astype(np.float32)
    return moved, energy


def _check_finite(energy: float, what: str, where: str) -> None:
    if not np.isfinite(energy):
        raise ComputationError(
            f"The minimisation of {what} ran away.",
            where=where,
            remedy="Look for atoms on top of each other.",
        )


def _run(
    current: AtomArray,
    anchor: AtomArray,
    stage: Stage,
    ligands: tuple[AtomArray | Occupant, ...],
    pocket: NDArray[np.float64],
) -> tuple[AtomArray, tuple[AtomArray | Occupant, ...], StageResult]:
    from openmm import LocalEnergyMinimizer, unit

    topology, positions = to_openmm(current)
    _, anchors = to_openmm(anchor)
    system = create_system(topology, implicit_solvent=stage.implicit_solvent, cutoff_nm=stage.cutoff_nm)
    occupied, movable = place_occupants(system, ligands)
    if stage.charge_scale != 1.0:
        scale_charges(force_of(system, "NonbondedForce"), stage.charge_scale)
    strengths = np.maximum(_strengths(anchor, stage), pocket)
    if strengths.any():
        add_position_restraints(system, anchors, strengths, group=1)
    context = static_context(system)
    protein = np.asarray(positions.value_in_unit(unit.nanometer), dtype=np.float64)
    context.setPositions(np.concatenate([protein, occupied / 10]) * unit.nanometer)
    # OpenMM's tolerance is the RMS force in kJ/mol/nm; 1 kcal/mol/angstrom is 41.84 of them.
    LocalEnergyMinimizer.minimize(
        context, stage.tolerance_kcal_per_mol_angstrom * 41.84, stage.max_iterations
    )
    state = context.getState(getPositions=True, getEnergy=True, getForces=True)
    energy = float(
        context.getState(getEnergy=True, groups={0}).getPotentialEnergy() / unit.kilocalorie_per_mole
    )
    forces = state.getForces(asNumpy=True).value_in_unit(unit.kilocalorie_per_mole / unit.angstrom)
    _check_finite(energy, "a model", f"stage {stage.label}")
    moved = current.copy()
    relaxed = state.getPositions(asNumpy=True).value_in_unit(unit.angstrom)
    moved.coord = np.asarray(relaxed[: len(current)], dtype=np.float32)
    held, first = [], len(current)
    for ligand in ligands:  # hydrogens of those with parameters stand where the stage left them
        last = first + len(ligand.coordinates if isinstance(ligand, Occupant) else ligand)
        places = np.asarray(relaxed[first:last], dtype=np.float64)
        held.append(replace(ligand, coordinates=places) if isinstance(ligand, Occupant) else ligand)
        first = last
    free = np.concatenate([np.ones(len(current), dtype=bool), movable])
    gradient = float(np.sqrt(np.mean(np.asarray(forces)[free] ** 2)))
    uncapped = set(anchor.res_id[~np.isin(anchor.res_name, ("ACE", "NME"))].tolist())
    return moved, tuple(held), StageResult(stage, energy, gradient, *deviations(moved, anchor, uncapped))


def _strengths(atoms: AtomArray, stage: Stage) -> NDArray[np.float64]:
    backbone, side_chain = stage.backbone_kcal_per_mol_angstrom2, stage.side_chain_kcal_per_mol_angstrom2
    strengths = np.where(np.isin(atoms.atom_name, BACKBONE), backbone, side_chain)
    # Caps stand in for residues that are not there: they have no crystal to be held to.
    return np.where((atoms.element != "H") & ~np.isin(atoms.res_name, ("ACE", "NME")), strengths, 0.0)


def _touching(atoms: AtomArray, ligands: tuple[AtomArray | Occupant, ...]) -> NDArray[np.bool_]:
    """Heavy side-chain atoms (n_atoms) of residues that touch a charged ligand with one."""
    from scipy.spatial import cKDTree

    side_chain = (atoms.element != "H") & ~np.isin(atoms.atom_name, BACKBONE)
    side_chain &= ~np.isin(atoms.res_name, ("ACE", "NME"))
    charged = [held.coordinates[held.fixed] for held in ligands if isinstance(held, Occupant)]
    if not charged:
        return np.zeros(len(atoms), dtype=bool)
    gaps, _ = cKDTree(np.concatenate(charged)).query(atoms.coord)
    near = {int(number) for number in atoms.res_id[side_chain & (gaps <= TOUCH_ANGSTROM)]}
    return np.asarray(side_chain & np.isin(atoms.res_id, list(near)), dtype=np.bool_)
