"""A drug's crystal pose settled in a model by the force field, drug and pocket moving together.

Where a model's pocket is another drug's, the rigid minimum of a docking function lies off the crystal's pose;
what the force field relaxes, with side chains first turned out of the way, stays near it.
"""

from __future__ import annotations

import numpy as np

from kinscope.docking.complex_field import ComplexField, LigandMechanics
from kinscope.docking.engine import Mol
from kinscope.docking.relaxed import residues_near
from kinscope.docking.relaxed_records import RelaxedSettings
from kinscope.docking.rotamer_starts import made_room
from kinscope.docking.run import with_coordinates
from kinscope.structures.model import AtomArray


def relaxed_pose(
    receptor: AtomArray, pose: Mol, mechanics: LigandMechanics, settings: RelaxedSettings
) -> tuple[Mol, AtomArray]:
    """A pose (all hydrogens) and the protein (n_atoms) relaxed together, and nothing substituted."""
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    base, turned = made_room(receptor, points[heavy])
    moving = sorted({*residues_near(base, points, settings.near_angstrom), *turned})
    included = sorted({*residues_near(base, points, settings.surroundings_angstrom), *turned})
    anchor = np.asarray(base.coord, dtype=np.float64)
    field = ComplexField(
        base, pose, mechanics, included=included, moving=moving, anchor=anchor, settings=settings
    )
    begun, _ = field.begin(anchor, points)
    protein, drug, _ = field.finish(anchor, begun)
    relaxed = base.copy()
    relaxed.coord = protein.astype(np.float32)
    return with_coordinates(pose, drug), relaxed
