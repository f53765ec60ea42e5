"""Relaxation of a substituted region in ff14SB: new atoms, then side chains, then backbone, the rest fixed.

Only the region that moves and the atoms around it enter the energy: beyond them nothing moves, so their
energy is a constant and is not paid for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kinscope.core.errors import ComputationError
from kinscope.core.records import Settings
from kinscope.structures.forcefield.system import (
    add_position_restraints,
    copy_bonded,
    copy_nonbonded,
    create_system,
    is_bonded,
    static_context,
)
from kinscope.structures.io import to_openmm
from kinscope.structures.model import AtomArray
from kinscope.structures.superposition import BACKBONE

Mask = NDArray[np.bool_]

_TURNED_ANGSTROM = 0.7
"""A side chain with an atom further than this from its native place is packed in another rotamer."""
_KJ_PER_KCAL = 4.184
_FLAT_STEPS, _FLAT_KCAL_PER_MOL = 5, 0.1
"""A minimisation ends where so many steps gain less than this."""
_SOFT_CHARGE_SCALE = 0.5
"""Charges without solvent are halved (a dielectric of 4), so that salt bridges do not collapse."""


@dataclass(frozen=True)
class Region:
    """What moves in which stage; masks over the atoms of the whole model."""

    new_atoms: Mask
    side_chains: Mask
    shell: Mask
    included: Mask
    """The shell and the fixed atoms whose energy with it counts."""


class RelaxationSettings(Settings):
    """Which part moves, and lengths and strengths of the stages."""

    shell_radius_angstrom: float = Field(default=6.0, ge=3.0, le=15.0)
    """Residues with an atom this near a substituted residue may move; all others are fixed."""
    surroundings_angstrom: float = Field(default=9.0, ge=6.0, le=30.0)
    """Fixed atoms further than this from every movable atom are left out of the energy."""
    cutoff_nm: float = Field(default=1.2, ge=0.8, le=3.0)
    side_chain_restraint_kcal_per_mol_angstrom2: float = Field(default=1.0, ge=0.0, le=1000.0)
    """On neighbours' side chains in their native rotamer, so that an empty pocket beside the substitution
    stays open; the substituted residue and side chains in a new rotamer are free."""
    backbone_restraint_kcal_per_mol_angstrom2: float = Field(default=2.0, ge=0.0, le=1000.0)
    """On the shell's backbone heavy atoms, towards their native places, in the last stage."""
    backbone_freedom_angstrom: float = Field(default=0.3, ge=0.0, le=2.0)
    """How far a backbone atom may go before that restraint pulls: as far as crystals of one kinase differ."""
    clash_iterations: int = Field(default=150, ge=10, le=5000)
    """Minimiser iterations in each stage without solvent."""
    final_iterations: int = Field(default=150, ge=10, le=5000)
    """Minimiser iterations of the last stage, in implicit solvent."""
    threads: int = Field(default=1, ge=1, le=256)


@dataclass(frozen=True)
class Relaxed:
    """One candidate after its relaxation."""

    coord: NDArray[np.float32]
    """Shape (n_atoms, 3), angstrom."""
    energy_kcal_per_mol: float
    """Force field and implicit solvent, of the part that moves with its surroundings."""
    strain_kcal_per_mol: float
    """Energy of the restraints that hold the backbone at its native places."""


def choose_region(
    atoms: AtomArray,
    candidates: Sequence[NDArray[np.float32]],
    targets: Sequence[int],
    repacked: Sequence[int],
    shell_angstrom: float,
    surroundings_angstrom: float,
) -> Region:
    """One region for all candidates, so that their energies compare.

    ``atoms`` is any candidate, ``candidates`` the coordinates (n_atoms, 3) of each, angstrom. Residues with
    an atom within ``shell_angstrom`` of a target move, and so do those ``repacked`` in some candidate; fixed
    residues with an atom within ``surroundings_angstrom`` of the shell are included.
    """
    numbers = np.asarray(atoms.res_id)
    of_target = np.isin(numbers, targets)
    near = _near(candidates, of_target, shell_angstrom)
    shell_numbers = set(numbers[near].tolist()) | set(targets) | set(repacked)
    shell = np.isin(numbers, list(shell_numbers)) & ~np.isin(atoms.res_name, ["ACE", "NME"])
    around = _near(candidates, shell, surroundings_angstrom)
    included = np.isin(numbers, list(set(numbers[around].tolist()))) | shell
    names = np.asarray(atoms.atom_name)
    frame = np.isin(names, BACKBONE)
    return Region(new_atoms=of_target & ~frame, side_chains=shell & ~frame, shell=shell, included=included)


def _near(candidates: Sequence[NDArray[np.float32]], chosen: Mask, radius: float) -> Mask:
    from scipy.spatial import cKDTree

    found = chosen.copy()
    for coord in candidates:
        distance, _ = cKDTree(coord[chosen]).query(coord, distance_upper_bound=radius)
        found |= np.isfinite(distance)
    return found


class Relaxer:
    """The force field of one mutant, ready to relax any of its candidates.

    The mutant has all hydrogens. ``anchor`` are native places of the atoms, shape (n_atoms, 3), angstrom;
    only those of backbone atoms count.
    """

    def __init__(
        self, atoms: AtomArray, region: Region, anchor: NDArray[np.float32], protocol: RelaxationSettings
    ) -> None:
        from openmm import unit

        self.region, self.protocol, self.anchor = region, protocol, anchor
        topology, _ = to_openmm(atoms)
        try:
            whole = create_system(topology, implicit_solvent=True, cutoff_nm=protocol.cutoff_nm)
        except ValueError as error:
            raise ComputationError(
                f"The force field does not know a residue of this mutant ({error}).",
                where="relaxation of the mutant",
                remedy="Check that the native model follows kinscope's conventions (kinscope models check).",
            ) from error
        self.kept = np.flatnonzero(region.included)
        self.solvated = reduce_system(whole, self.kept, solvent=True, charge_scale=1.0)
        self.soft = reduce_system(whole, self.kept, solvent=False, charge_scale=_SOFT_CHARGE_SCALE)
        self.masses = [whole.getParticleMass(int(i)) / unit.dalton for i in self.kept]
        names = np.asarray(atoms.atom_name)
        held = region.shell & np.isin(names, BACKBONE)
        strengths = np.where(held, protocol.backbone_restraint_kcal_per_mol_angstrom2, 0.0)[self.kept]
        hold_loosely(self.solvated, anchor[self.kept], strengths, protocol.backbone_freedom_angstrom)
        of_neighbours = region.side_chains & ~region.new_atoms & (np.asarray(atoms.element) != "H")
        self.residues = np.asarray(atoms.res_id)[self.kept]
        self.neighbours = of_neighbours[self.kept]
        self.holding = [
            add_position_restraints(system, _nm(anchor[self.kept]), self.neighbours * 1.0, group=2)
            for system in (self.soft, self.solvated)
        ]

    def relax(self, coord: NDArray[np.float32]) -> Relaxed:
        """Relax one candidate.

        Coordinates (n_atoms, 3), angstrom; atoms outside the shell come back bit for bit as given.
        """
        protocol, region = self.protocol, self.region
        points = np.asarray(coord[self.kept], dtype=np.float64)
        self._hold_neighbours(points)
        points, _, _ = self._minimise(self.soft, points, region.new_atoms, protocol.clash_iterations)
        points, _, _ = self._minimise(self.soft, points, region.side_chains, protocol.clash_iterations)
        points, energy, held = self._minimise(self.solvated, points, region.shell, protocol.final_iterations)
        if not np.isfinite(energy) or not np.isfinite(points).all():
            raise ComputationError(
                "The relaxation of the mutant diverged.",
                where="relaxation of the mutant",
                remedy="Check the native model for clashes near the residue (kinscope models check).",
            )
        result = np.array(coord, dtype=np.float32)
        moved = region.shell[self.kept]
        result[self.kept[moved]] = points[moved]
        return Relaxed(result, energy, held)

    def _hold_neighbours(self, points: NDArray[np.float64]) -> None:
        """Hold the neighbours' side chains that kept their native rotamer near their native places.

        A pocket beside the substitution is empty here and would close on the vacuum; what the new residue
        pushes still moves. Side chains packed into another rotamer are free.
        """
        away = np.linalg.norm(points - self.anchor[self.kept], axis=1)
        turned = set(self.residues[self.neighbours & (away > _TURNED_ANGSTROM)].tolist())
        strength = self.protocol.side_chain_restraint_kcal_per_mol_angstrom2 * 418.4
        for force in self.holding:
            for index in range(force.getNumParticles()):
                particle, (_, *place) = force.getParticleParameters(index)
                held = 0.0 if int(self.residues[particle]) in turned else strength
                force.setParticleParameters(index, particle, [held, *place])

    def _minimise(
        self, system: Any, points: NDArray[np.float64], movable: Mask, iterations: int
    ) -> tuple[NDArray[np.float64], float, float]:
        from openmm import LocalEnergyMinimizer, MinimizationReporter, unit

        class StopWhenFlat(MinimizationReporter):  # type: ignore[misc]
            """Stops where further steps gain nothing: the line search in a flat minimum costs most."""

            def __init__(self) -> None:
                super().__init__()
                self.energies: list[float] = []

            def report(self, iteration: int, x: Any, grad: Any, args: Any) -> bool:
                self.energies.append(args["system energy"] / _KJ_PER_KCAL)
                recent = self.energies[-_FLAT_STEPS - 1 :]
                return len(recent) > _FLAT_STEPS and recent[0] - recent[-1] < _FLAT_KCAL_PER_MOL

        free = movable[self.kept]
        for index, mass in enumerate(self.masses):
            system.setParticleMass(index, mass if free[index] else 0.0)  # OpenMM never moves mass 0
        context = static_context(system, self.protocol.threads)
        context.setPositions(_nm(points))
        LocalEnergyMinimizer.minimize(context, 5.0, iterations, StopWhenFlat())
        found = context.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.angstrom)
        states = [context.getState(getEnergy=True, groups={group}) for group in (0, 1)]
        energy, held = (state.getPotentialEnergy() / unit.kilocalorie_per_mole for state in states)
        return np.where(free[:, None], np.asarray(found, dtype=np.float64), points), energy, held


def reduce_system(whole: Any, kept: NDArray[np.int64], *, solvent: bool, charge_scale: float) -> Any:
    """The part of an OpenMM System that lies within some of its particles.

    Bonded terms that reach outside are left out: the particles at the edge do not move.
    """
    from openmm import System

    place = {int(old): new for new, old in enumerate(kept)}
    system = System()
    for old in place:
        system.addParticle(whole.getParticleMass(old))
    for force in whole.getForces():
        kind = type(force).__name__
        if is_bonded(force):
            fresh = type(force)()
            copy_bonded(force, fresh, place)
        elif kind == "NonbondedForce":
            fresh = _with_settings(force, "ReactionFieldDielectric")
            copy_nonbonded(force, fresh, place, charge_scale)
        elif kind == "GBSAOBCForce" and solvent:
            fresh = _with_settings(force, "SolventDielectric", "SoluteDielectric", "SurfaceAreaEnergy")
            for old in place:
                fresh.addParticle(*force.getParticleParameters(old))
        else:
            continue
        system.addForce(fresh)
    return system


def _with_settings(force: Any, *names: str) -> Any:
    """An empty force of the same class, cutoff and named settings."""
    fresh = type(force)()
    for name in ("NonbondedMethod", "CutoffDistance", *names):
        getattr(fresh, f"set{name}")(getattr(force, f"get{name}")())
    return fresh


def hold_loosely(
    system: Any, places: NDArray[Any], strengths: NDArray[np.float64], freedom_angstrom: float
) -> None:
    """Restraints of force group 1 that pull only beyond a distance; places (n_atoms, 3) in angstrom."""
    add_position_restraints(system, _nm(places), strengths, group=1, freedom_angstrom=freedom_angstrom)


def _nm(points: NDArray[Any]) -> Any:
    from openmm import unit

    return (np.asarray(points, dtype=np.float64) / 10.0) * unit.nanometer
