"""An elastic network of heavy atoms in contact: no energy but springs, at rest where the model is.

Tirion, Phys. Rev. Lett. 1996, 77, 1905, with one spring constant for every pair of heavy atoms within a
contact range. A side chain's change changes the springs. The range fades out smoothly, so that a pair at its
edge does not switch a spring on or off by a hundredth of an angstrom.
"""

from __future__ import annotations

import numpy as np

from kinscope.dynamics.normal_modes_blocks import FloatArray, IntArray, PairBlocks
from kinscope.dynamics.normal_modes_hessian import pair_hessian

FULL_RANGE_ANGSTROM = 4.5
END_RANGE_ANGSTROM = 5.5
SPRING_KCAL_PER_MOL_ANGSTROM2 = 1.0


def contact_network(
    coord: FloatArray,
    atoms: IntArray,
    *,
    spring_kcal_per_mol_angstrom2: float = SPRING_KCAL_PER_MOL_ANGSTROM2,
    full_angstrom: float = FULL_RANGE_ANGSTROM,
    end_angstrom: float = END_RANGE_ANGSTROM,
) -> PairBlocks:
    """Hessian of the network.

    Parameters
    ----------
    coord
        Shape (n_atoms, 3), angstrom.
    atoms
        Indices of the atoms that carry springs, shape (n,).
    spring_kcal_per_mol_angstrom2
        Spring constant of a full contact; it only sets the absolute scale of the fluctuations.
    full_angstrom, end_angstrom
        A contact counts fully up to the first distance and fades to nothing at the second
        (1 - 3 s^2 + 2 s^3).
    """
    from scipy.spatial import cKDTree

    pairs = cKDTree(coord[atoms]).query_pairs(end_angstrom, output_type="ndarray")
    first, second = atoms[pairs].T
    distance = np.linalg.norm(coord[first] - coord[second], axis=1)
    faded = np.clip((distance - full_angstrom) / (end_angstrom - full_angstrom), 0.0, 1.0)
    springs = spring_kcal_per_mol_angstrom2 * (1.0 - 3.0 * faded**2 + 2.0 * faded**3)
    return pair_hessian(coord, first, second, np.zeros(len(first)), springs)
