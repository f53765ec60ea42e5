"""The force field of a drug in its pocket: ff14SB, the drug's own parameters, and pairwise implicit solvent.

Only whole residues near the drug enter, and of those only some move; what lies further is the same in every
complex that is compared, so its energy is a constant (as in
:mod:`kinscope.structures.forcefield.relaxation`). The solvent is GBSAOBCForce (Onufriev, Bashford & Case,
Proteins 2004, 55, 383) with its surface term.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError, LigandError
from kinscope.docking.engine import Coordinates, Mol
from kinscope.results.docking import RelaxedSettings
from kinscope.structures.forcefield.relaxation import hold_loosely, reduce_system
from kinscope.structures.forcefield.system import append_molecule, cpu_platform, create_system, static_context
from kinscope.structures.io import to_openmm
from kinscope.structures.model import AtomArray

_BACKBONE = ("N", "CA", "C", "O")
_SOFT_CHARGE_SCALE = 0.5
_OF_DRUG = -(2**31)
"""In place of a residue number."""
_TOLERANCE_KJ_PER_MOL_NM = 10.0
_HYDROGEN_DALTON, _FRICTION_PER_PS, _STEP_PS = 4.0, 5.0, 0.002
"""Heavy hydrogens allow 2 fs without constraints; no average over positions depends on masses."""
_HYDROGEN_ON_NITROGEN_NM, _HYDROGEN_NM = 0.13, 0.12
_RADIUS_NM = {
    "C": 0.17, "N": 0.155, "O": 0.15, "F": 0.15, "S": 0.18, "P": 0.185, "Cl": 0.17, "Br": 0.185, "I": 0.198,
}  # fmt: skip
_SCALE = {"H": 0.85, "C": 0.72, "N": 0.79, "O": 0.85, "F": 0.88, "S": 0.96, "P": 0.86}
"""Radii and screening factors of the implicit solvent, as for the protein (mbondi; Tsui & Case 2001)."""


class LigandMechanics(Protocol):
    """Force-field parameters of one ligand."""

    description: str
    """In words, for the record."""

    def system(self, molecule: Mol) -> Any:
        """An ``openmm.System`` of the ligand alone, without a cutoff, in the molecule's atom order."""


@dataclass(frozen=True)
class Terms:
    """Energies of a complex and of its parts as they stand in it, kcal/mol."""

    complex: float
    protein: float
    ligand: float

    @property
    def interaction(self) -> float:
        """What holds the two together."""
        return self.complex - self.protein - self.ligand


@dataclass(frozen=True)
class Pocket:
    """What of a protein takes part when a drug is relaxed in it."""

    included: list[int]
    """Residue numbers in the energy."""
    moving: list[int]
    """Those of them that move with the drug."""
    anchor: NDArray[Any]
    """Shape (n_atoms, 3), angstrom: where backbone atoms of moving residues are loosely held."""
    around: Coordinates | None = None
    """Shape (n, 3), angstrom: residues with an atom near these, and the drug's atoms near them, are what
    :meth:`ComplexField.shaken` moves; all that may move if None."""


class ComplexField:
    """One protein composition with one drug, ready to relax any of its conformations.

    ``protein``: complete model (n_atoms) with the composition; its coordinates do not count. ``ligand``: with
    all hydrogens.
    """

    def __init__(
        self, protein: AtomArray, ligand: Mol, mechanics: LigandMechanics, pocket: Pocket,
        settings: RelaxedSettings,
    ) -> None:  # fmt: skip
        self.kept = np.flatnonzero(np.isin(protein.res_id, pocket.included))
        self._settings = settings
        topology, _ = to_openmm(protein)
        try:
            whole = create_system(topology, implicit_solvent=True, cutoff_nm=settings.cutoff_nm)
        except ValueError as error:
            raise ComputationError(
                f"The force field does not know a residue of this model ({error}).",
                where="relaxation of a complex",
                remedy="Check the model with: kinscope models check",
            ) from error
        alone = mechanics.system(ligand)
        if alone.getNumParticles() != ligand.GetNumAtoms():
            raise LigandError(
                "The parameters are of a molecule with another number of atoms.",
                where="relaxation of a complex",
                remedy="Make them anew: kinscope parameters",
            )
        rows = self.kept
        caps = np.isin(protein.res_name[rows], ("ACE", "NME"))
        inner = np.isin(protein.res_id[rows], pocket.moving) & ~caps
        held = inner & np.isin(protein.atom_name[rows], _BACKBONE)
        count = ligand.GetNumAtoms()
        free = np.concatenate([inner, np.ones(count, dtype=bool)])
        strength = np.where(held, settings.backbone_restraint_kcal_per_mol_angstrom2, 0.0)
        strengths = np.concatenate([strength, np.zeros(count)])
        places = np.concatenate([pocket.anchor[rows], np.zeros((count, 3))])
        born = born_radii(ligand)

        def context(*, solvent: bool) -> Any:
            scale = 1.0 if solvent else _SOFT_CHARGE_SCALE
            system = reduce_system(whole, rows, solvent=solvent, charge_scale=scale)
            append_molecule(system, alone, born, scale)
            hold_loosely(system, places, strengths, settings.backbone_freedom_angstrom)
            for index in np.flatnonzero(~free):
                system.setParticleMass(int(index), 0.0)  # OpenMM never moves mass 0
            return static_context(system)

        self._soft, self._full = context(solvent=False), context(solvent=True)
        if pocket.around is not None:
            residues = np.concatenate([protein.res_id[rows], np.full(count, _OF_DRUG)])
            at = np.concatenate([pocket.anchor[rows], ligand.GetConformer().GetPositions()])
            free = free & _near(at, residues, pocket.around, settings.shake_angstrom)
        self._shaking = _shaking_context(self._soft.getSystem(), free, settings.shake_kelvin)
        self._protein = static_context(reduce_system(whole, rows, solvent=True, charge_scale=1.0))
        # The ligand by itself with the very cutoffs and solvent that it has in the complex.
        bare = reduce_system(whole, np.array([], dtype=np.int64), solvent=True, charge_scale=1.0)
        append_molecule(bare, alone, born)
        self._ligand = static_context(bare)

    @property
    def atoms(self) -> int:
        """How many enter the energy, the drug's among them."""
        return int(self._full.getSystem().getNumParticles())

    def begin(self, protein: Coordinates, ligand: Coordinates) -> tuple[Coordinates, float]:
        """Overlaps relieved, and a few steps in the full energy: enough to see which starts are hopeless.

        ``protein``: shape (n_atoms, 3) of the whole model, angstrom. ``ligand``: shape (n_ligand_atoms, 3),
        angstrom.

        Returns what :meth:`finish` goes on from, and its energy in kcal/mol.
        """
        points = self.joined(protein, ligand)
        points = _minimised(self._soft, points, self._settings.clash_iterations)
        points = _minimised(self._full, points, self._settings.first_iterations)
        return points, _energy(self._full, points)

    def shaken(self, points: Coordinates, seed: int) -> Coordinates:
        """Atoms of kept protein and drug (n, 3) after brief Langevin dynamics from velocities of a seed.

        In the field without solvent and with halved charges, which costs a tenth of the other: it parts the
        starts of repeats, and enters no energy.
        """
        from openmm import unit

        context, settings = self._shaking, self._settings
        context.getIntegrator().setRandomNumberSeed(seed)
        context.reinitialize()
        context.setPositions(points / 10.0 * unit.nanometer)
        context.setVelocitiesToTemperature(settings.shake_kelvin, seed)
        context.getIntegrator().step(max(1, round(settings.shake_ps / _STEP_PS)))
        found = context.getState(getPositions=True).getPositions(asNumpy=True)
        return np.asarray(found.value_in_unit(unit.angstrom), dtype=np.float64)

    def joined(self, protein: Coordinates, ligand: Coordinates) -> Coordinates:
        """What the methods pass on, from the whole protein (n_atoms, 3) and the drug."""
        return np.concatenate([protein[self.kept], ligand])

    def finish(self, protein: Coordinates, points: Coordinates) -> tuple[Coordinates, Coordinates, Terms]:
        """Relax drug and pocket together from where :meth:`begin` left them.

        Returns protein (n_atoms, 3), drug, and the energies.

        Raises ComputationError if the energy is not finite.
        """
        points = _minimised(self._full, points, self._settings.final_iterations)
        count = len(self.kept)
        terms = Terms(
            _energy(self._full, points), _energy(self._protein, points[:count]),
            _energy(self._ligand, points[count:]),
        )  # fmt: skip
        if not np.isfinite(terms.interaction):
            raise ComputationError(
                "The relaxation of a complex diverged.",
                where="relaxation of a complex",
                remedy="Check model and pose for atoms on top of each other.",
            )
        whole = np.array(protein, dtype=np.float64)
        whole[self.kept] = points[:count]
        return whole, points[count:], terms


def born_radii(molecule: Mol) -> tuple[tuple[float, float], ...]:
    """Radius (nm) and screening factor of every atom (n_atoms) of a ligand in the implicit solvent."""
    found = []
    for atom in molecule.GetAtoms():
        symbol = atom.GetSymbol()
        radius = _RADIUS_NM.get(symbol, 0.17)
        if symbol == "H":
            on_nitrogen = any(other.GetSymbol() == "N" for other in atom.GetNeighbors())
            radius = _HYDROGEN_ON_NITROGEN_NM if on_nitrogen else _HYDROGEN_NM
        found.append((radius, _SCALE.get(symbol, 0.8)))
    return tuple(found)


def _near(
    points: Coordinates, residues: NDArray[np.intp], around: Coordinates, radius: float
) -> NDArray[np.bool_]:
    """Atoms of residues with any atom within ``radius`` of ``around`` (n, 3); the drug's atom by atom."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(around).query(points, distance_upper_bound=radius)
    near = np.isfinite(distance)
    return np.where(residues == _OF_DRUG, near, np.isin(residues, residues[near]))


def _shaking_context(system: Any, free: NDArray[np.bool_], kelvin: float) -> Any:
    """A context of a copy of the system in which only some atoms move."""
    from openmm import Context, LangevinMiddleIntegrator, XmlSerializer

    copy = XmlSerializer.clone(system)
    for index in range(copy.getNumParticles()):
        mass = copy.getParticleMass(index)._value
        if not free[index]:
            copy.setParticleMass(index, 0.0)
        elif 0.0 < mass < _HYDROGEN_DALTON:
            copy.setParticleMass(index, _HYDROGEN_DALTON)
    platform, properties = cpu_platform(1)
    return Context(copy, LangevinMiddleIntegrator(kelvin, _FRICTION_PER_PS, _STEP_PS), platform, properties)


def _minimised(context: Any, points: Coordinates, iterations: int) -> Coordinates:
    from openmm import LocalEnergyMinimizer, unit

    context.setPositions(points / 10.0 * unit.nanometer)
    LocalEnergyMinimizer.minimize(context, _TOLERANCE_KJ_PER_MOL_NM, iterations)
    found = context.getState(getPositions=True).getPositions(asNumpy=True)
    return np.asarray(found.value_in_unit(unit.angstrom), dtype=np.float64)


def _energy(context: Any, points: Coordinates) -> float:
    """Without the restraints, kcal/mol."""
    from openmm import unit

    context.setPositions(points / 10.0 * unit.nanometer)
    state = context.getState(getEnergy=True, groups={0})
    return float(state.getPotentialEnergy().value_in_unit(unit.kilocalorie_per_mole))
