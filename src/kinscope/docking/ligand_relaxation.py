"""The last step of a blind search: every atom of the ligand relaxes in the receptor's field.

A search turns bonds and holds everything else as a conformer has it, which costs the true pose one to three
kcal/mol of contact on co-crystals, and lets strained poses pass as good. Here Vina's field acts on the heavy
atoms, MMFF94 (Halgren, J Comput Chem 1996, 17, 490), weighted, on all atoms, and both are minimised together;
their sum ranks the poses (docs/decisions/0044).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.conformers import mmff_properties
from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.tables import Floats

STRAIN_WEIGHT = 0.25
"""Of MMFF94's energy against Vina's. Vina's units are compressed: its best pose of a drug scores -20 before
the division by rotors, the force field's interaction is several times that."""
ITERATIONS = 150

Field = Callable[[Floats], tuple[Floats, Floats]]
"""Energies (n,) and gradients of heavy atoms (n, n_heavy, 3)."""


@dataclass(frozen=True)
class RelaxedPoses:
    """Poses after the relaxation, in the order given."""

    coordinates: Floats
    """Shape (n_poses, n_atoms, 3), angstrom."""
    strain_kcal_per_mol: Floats
    """MMFF94 energy above the lowest known, unweighted; shape (n_poses,)."""
    lowest_kcal_per_mol: float
    """MMFF94 energy that strain is counted from."""


class LigandRelaxation:
    """Relaxes poses of one ligand.

    Parameters
    ----------
    ligand
        With all hydrogens.
    heavy
        Its heavy atoms, in the order the field takes them.
    """

    def __init__(self, ligand: Mol, heavy: NDArray[np.intp]) -> None:
        from rdkit import Chem
        from rdkit.Chem import rdForceFieldHelpers

        self._heavy = heavy
        self._molecule = Chem.Mol(ligand)
        properties = mmff_properties(self._molecule)
        self._force: Any = None
        if properties is not None:
            self._force = rdForceFieldHelpers.MMFFGetMoleculeForceField(self._molecule, properties)
            self._force.Initialize()

    @property
    def possible(self) -> bool:
        """Whether MMFF94 has parameters for the ligand."""
        return self._force is not None

    def energy(self, coordinates: Coordinates) -> float:
        """MMFF94 energy (n_atoms, 3) as it stands, kcal/mol."""
        return float(self._force.CalcEnergy(coordinates.ravel().tolist()))

    def relax(
        self,
        poses: Floats,
        field: Field,
        lowest: float = np.inf,
        weight: float = STRAIN_WEIGHT,
        iterations: int = ITERATIONS,
    ) -> RelaxedPoses:
        """Relax poses (n_poses, n_atoms, 3) one by one (L-BFGS).

        Parameters
        ----------
        poses
            Angstrom.
        field
            The receptor's.
        lowest
            MMFF94 energy of the best conformer known; a pose's own may be lower.
        weight
            Of MMFF94.
        iterations
            At most.
        """
        from scipy.optimize import minimize

        def both(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            listed = flat.tolist()
            # Energy first: RDKit's gradient uses the distances that the last energy was computed with.
            strain = float(self._force.CalcEnergy(listed))
            gradient = weight * np.asarray(self._force.CalcGrad(listed)).reshape(-1, 3)
            energy, pull = field(flat.reshape(-1, 3)[self._heavy][None])
            gradient[self._heavy] += pull[0]
            return weight * strain + float(energy[0]), gradient.ravel()

        moved = [
            minimize(both, pose.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": iterations}).x
            for pose in poses
        ]
        energies = np.array([float(self._force.CalcEnergy(flat.tolist())) for flat in moved])
        floor = min(lowest, float(energies.min()))
        return RelaxedPoses(np.array(moved).reshape(poses.shape), energies - floor, floor)
