"""The last step of a blind search: every atom of the ligand relaxes in the receptor's field.

A search turns bonds and holds everything else as a conformer has it, which costs the true pose one to three
kcal/mol of contact on co-crystals, and lets strained poses pass as good. Here Vina's field acts on the heavy
atoms, MMFF94 (Halgren, J Comput Chem 1996, 17, 490), weighted, on all atoms, and both are minimised together;
their sum ranks the poses (docs/decisions/0044).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.mmff import MmffArrays, mmff_arrays
from kinscope.docking.tables import NO_GRID, NO_PAIRS, NO_RECEPTOR, NO_TORSIONS, Floats, ScoreArrays

STRAIN_WEIGHT = 0.25
"""Of MMFF94's energy against Vina's. Vina's units are compressed: its best pose of a drug scores -20 before
the division by rotors, the force field's interaction is several times that."""
ITERATIONS = 150

NOTHING = ScoreArrays(NO_GRID, NO_RECEPTOR, NO_PAIRS, NO_TORSIONS)
"""A field that pulls on nothing."""


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
        self._heavy = np.asarray(heavy, dtype=np.int64)
        self.mmff: MmffArrays | None = mmff_arrays(ligand)
        """None where MMFF94 has no parameters for the ligand."""

    @property
    def possible(self) -> bool:
        """Whether MMFF94 has parameters for the ligand."""
        return self.mmff is not None

    def _known(self) -> MmffArrays:
        if self.mmff is None:
            raise ValueError("MMFF94 has no parameters for this ligand")
        return self.mmff

    def energy(self, coordinates: Coordinates) -> float:
        """MMFF94 energy (n_atoms, 3) as it stands, kcal/mol."""
        from kinscope.docking.mmff_kernels import mmff_energy

        points = np.ascontiguousarray(coordinates, dtype=np.float64)
        return float(mmff_energy(self._known(), points, np.empty_like(points)))

    def relax(
        self,
        poses: Floats,
        field: ScoreArrays,
        lowest: float = np.inf,
        iterations: int = ITERATIONS,
    ) -> RelaxedPoses:
        """Relax poses (n_poses, n_atoms, 3) one by one (L-BFGS).

        Parameters
        ----------
        poses
            Angstrom.
        field
            The receptor's, on the heavy atoms.
        lowest
            MMFF94 energy of the best conformer known; a pose's own may be lower.
        iterations
            At most.
        """
        from kinscope.docking.mmff_kernels import relax_many

        moved = np.array(poses, dtype=np.float64, order="C")
        energies = np.zeros(len(moved))
        relax_many(self._known(), STRAIN_WEIGHT, field, self._heavy, moved, iterations, energies)
        floor = min(lowest, float(energies.min()))
        return RelaxedPoses(moved, energies - floor, floor)


def relaxed_shapes(mmff: MmffArrays, shapes: Floats, iterations: int) -> tuple[Floats, Floats]:
    """Conformers (n, n_atoms, 3) relaxed by MMFF94 alone, and their energies (n,)."""
    from kinscope.docking.mmff_kernels import relax_many

    moved = np.array(shapes, dtype=np.float64, order="C")
    energies = np.zeros(len(moved))
    relax_many(mmff, 1.0, NOTHING, np.zeros(0, dtype=np.int64), moved, iterations, energies)
    return moved, energies
