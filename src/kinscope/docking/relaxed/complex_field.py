"""The force field of a drug in its pocket: ff14SB, the drug's own parameters, and pairwise implicit solvent.

Only whole residues near the drug enter, and of those only some move; what lies further is the same in every
complex that is compared, so its energy is a constant (as in
:mod:`kinscope.structures.forcefield.relaxation`). The solvent is GBSAOBCForce (Onufriev, Bashford & Case,
Proteins 2004, 55, 383) with its surface term.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError, LigandError
from kinscope.docking.engine import Coordinates, Mol
from kinscope.structures.forcefield.occupants import append_molecule
from kinscope.structures.forcefield.relaxation import hold_loosely, reduce_system
from kinscope.structures.forcefield.system import cpu_platform, create_system, static_context
from kinscope.structures.io import to_openmm
from kinscope.structures.model import AtomArray

if TYPE_CHECKING:
    from kinscope.results.docking import RelaxedSettings

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


class ComplexField:
    """One protein composition with one drug, ready to relax any of its conformations.

    Parameters
    ----------
    protein
        Complete model (n_atoms) with the composition; its coordinates do not count.
    ligand
        All hydrogens.
    included, moving
        Residue numbers in the energy, and those of them that move with the drug.
    anchor
        Shape (n_atoms, 3), angstrom: where backbone atoms of moving residues are loosely held.
    around
        Shape (n, 3), angstrom: residues with an atom near these, and the drug's atoms near them, are what
        :meth:`shaken` moves; all that may move if None.
    """

    def __init__(
        self, protein: AtomArray, ligand: Mol, mechanics: LigandMechanics, *, included: list[int],
        moving: list[int], anchor: NDArray[Any], settings: RelaxedSettings,
        around: Coordinates | None = None,
    ) -> None:  # fmt: skip
        self.kept = np.flatnonzero(np.isin(protein.res_id, included))
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
        rows = self.kept[: len(self.kept)]
        caps = np.isin(protein.res_name[rows], ("ACE", "NME"))
        inner = np.isin(protein.res_id[rows], moving) & ~caps
        atoms = len(rows) + ligand.GetNumAtoms()
        free = np.concatenate([inner, np.ones(ligand.GetNumAtoms(), dtype=bool)])
        held = np.where(
            inner & np.isin(protein.atom_name[rows], _BACKBONE),
            settings.backbone_restraint_kcal_per_mol_angstrom2,
            0.0,
        )
        places = np.zeros((atoms, 3))
        places[: len(rows)] = anchor[rows]
        strengths = np.concatenate([held, np.zeros(ligand.GetNumAtoms())])
        self._soft = self._context(whole, alone, ligand, rows, places, strengths, free, solvent=False)
        self._full = self._context(whole, alone, ligand, rows, places, strengths, free, solvent=True)
        if around is not None:
            own = np.concatenate([protein.res_id[rows], np.full(ligand.GetNumAtoms(), _OF_DRUG)])
            at = np.concatenate([anchor[rows], ligand.GetConformer().GetPositions()])
            free = free & _near(at, own, around, settings.shake_angstrom)
        self._shaking = _shaking_context(self._soft.getSystem(), free, settings.shake_kelvin)
        self._protein = static_context(reduce_system(whole, rows, solvent=True, charge_scale=1.0))
        self._ligand = static_context(_ligand_alone(whole, alone, ligand))

    @property
    def atoms(self) -> int:
        """How many enter the energy, the drug's among them."""
        return int(self._full.getSystem().getNumParticles())

    def begin(self, protein: Coordinates, ligand: Coordinates) -> tuple[Coordinates, float]:
        """Overlaps relieved, and a few steps in the full energy: enough to see which starts are hopeless.

        Parameters
        ----------
        protein
            Shape (n_atoms, 3) of the whole model, angstrom.
        ligand
            Shape (n_ligand_atoms, 3), angstrom.

        Returns
        -------
        What :meth:`finish` goes on from, and its energy in kcal/mol.
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

        Returns
        -------
        Protein (n_atoms, 3), drug, and the energies.

        Raises
        ------
        ComputationError
            If the energy is not finite.
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

    def _context(
        self, whole: Any, alone: Any, ligand: Mol, rows: NDArray[np.intp], places: Coordinates,
        strengths: NDArray[np.float64], free: NDArray[np.bool_], *, solvent: bool,
    ) -> Any:  # fmt: skip
        scale = 1.0 if solvent else _SOFT_CHARGE_SCALE
        system = reduce_system(whole, rows, solvent=solvent, charge_scale=scale)
        add_ligand(system, alone, ligand, scale)
        hold_loosely(
            system, places, strengths, self._settings.backbone_freedom_angstrom, group=1
        )  # fmt: skip
        for index in np.flatnonzero(~free):
            system.setParticleMass(int(index), 0.0)  # OpenMM never moves mass 0
        return static_context(system)


def add_ligand(system: Any, alone: Any, molecule: Mol, charge_scale: float = 1.0) -> None:
    """Append a ligand's particles and terms to a System that has the same kinds of forces."""
    append_molecule(system, alone, born_radii(molecule), charge_scale)


def born_radii(molecule: Mol) -> tuple[tuple[float, float], ...]:
    """Radius (nm) and screening factor of every atom (n_atoms) of a ligand in the implicit solvent."""
    return tuple(_born_radius(molecule, index) for index in range(molecule.GetNumAtoms()))


def _born_radius(molecule: Mol, index: int) -> tuple[float, float]:
    atom = molecule.GetAtomWithIdx(index)
    beside = [other.GetSymbol() for other in atom.GetNeighbors()]
    if atom.GetSymbol() == "H":
        return (_HYDROGEN_ON_NITROGEN_NM if "N" in beside else _HYDROGEN_NM), _SCALE["H"]
    return _RADIUS_NM.get(atom.GetSymbol(), 0.17), _SCALE.get(atom.GetSymbol(), 0.8)


def _ligand_alone(whole: Any, alone: Any, molecule: Mol) -> Any:
    """The ligand by itself with the very cutoffs and solvent that it has in the complex."""
    system = reduce_system(whole, np.array([], dtype=np.int64), solvent=True, charge_scale=1.0)
    add_ligand(system, alone, molecule)
    return system


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
