"""Which atoms of a pose are buried: its core, beside tails that hang in the solvent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.fields.arrays import CUTOFF_ANGSTROM
from kinscope.docking.fields.vina import EXPOSED_AND_BURIED_ATOMS
from kinscope.structures.model import AtomArray


def buried_atoms(receptor: AtomArray, ligand: Mol, pose: Coordinates) -> NDArray[np.intp]:
    """Places, among a ligand's heavy atoms, of those that are buried in a pose (n_atoms, 3); all if none is.

    An atom is buried where it counts for half or more in the rank of a blind search
    (:data:`~kinscope.docking.fields.vina.EXPOSED_AND_BURIED_ATOMS`).
    """
    from scipy.spatial import cKDTree

    heavy = [atom.GetIdx() for atom in ligand.GetAtoms() if atom.GetAtomicNum() > 1]
    tree = cKDTree(receptor.coord[receptor.element != "H"])
    around = tree.query_ball_point(pose[heavy], CUTOFF_ANGSTROM, return_length=True)
    buried = np.flatnonzero(around >= sum(EXPOSED_AND_BURIED_ATOMS) / 2)
    return np.asarray(buried if len(buried) else np.arange(len(heavy)), dtype=np.intp)
