"""Fluctuation of residues by an anisotropic elastic network over the heavy atoms' contacts.

One node a residue, at CA; between two residues a spring of strength sum r^-6 over their pairs of heavy atoms
(r in units of 4 angstrom, up to 12). The exponent is that of the distance-dependent networks of CA atoms
(Hinsen et al., Chem. Phys. 2000, 261, 25; Yang et al., PNAS 2009, 106, 12347); taken over atoms, it holds
chain neighbours stiff and tight packing stiffer than loose without constants of their own. The scale is
arbitrary. Against B factors it is above springcraft's eANM, sdENM, dENM, Hinsen and pfENM; those who maintain
such libraries ship no wheel (ProDy, nrgten) or forbid numpy 2 (springcraft).
"""

from __future__ import annotations

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray
from kinscope.core.errors import StructureError
from kinscope.structures.model import AtomArray

REACH_ANGSTROM = 12.0
EXPONENT = 6.0
_UNIT_ANGSTROM = 4.0
_NEAREST_ANGSTROM = 1.0
"""Below any bond: atoms that a file puts on top of one another make no rigid rod."""
_RIGID = 6
_SOFTEST = 1e-7
"""Of the stiffest mode: below it a part hangs in the air, and its fluctuation would be rounding."""


def network_rmsf(atoms: AtomArray) -> tuple[IntArray, FloatArray]:
    """Residue numbers (n,) and their RMSF (n,) on an arbitrary scale.

    ``atoms``: heavy atoms of one chain. Residues without CA are left out.

    Raises StructureError if the residues do not hold together.
    """
    alpha = atoms[atoms.atom_name == "CA"]
    springs = _springs(atoms[np.isin(atoms.res_id, alpha.res_id)], alpha.res_id)
    values, vectors = np.linalg.eigh(_hessian(np.asarray(alpha.coord, dtype=np.float64), springs))
    if len(values) <= _RIGID or values[_RIGID] < _SOFTEST * values[-1]:
        raise StructureError(
            "Parts of the chain touch nothing, so that no network holds them.",
            where=f"residues {alpha.res_id.min(initial=0)}-{alpha.res_id.max(initial=0)}",
            remedy="Leave the chain out.",
        )
    square = (vectors[:, _RIGID:] ** 2 / values[_RIGID:]).sum(axis=1).reshape(-1, 3).sum(axis=1)
    return np.asarray(alpha.res_id), np.sqrt(square)


def _springs(atoms: AtomArray, residues: IntArray) -> FloatArray:
    """Strengths (n, n) between residues, symmetric, nought on the diagonal; ``residues`` ascend."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(atoms.coord).query_pairs(REACH_ANGSTROM, output_type="ndarray")
    length = np.linalg.norm(atoms.coord[pairs[:, 0]] - atoms.coord[pairs[:, 1]], axis=1)
    length = np.maximum(length, _NEAREST_ANGSTROM)
    place = np.searchsorted(residues, atoms.res_id)[pairs]
    strengths = np.zeros((len(residues), len(residues)))
    np.add.at(strengths, (place[:, 0], place[:, 1]), (_UNIT_ANGSTROM / length) ** EXPONENT)
    strengths += strengths.T
    np.fill_diagonal(strengths, 0.0)
    return strengths


def _hessian(points: FloatArray, springs: FloatArray) -> FloatArray:
    """Second derivatives (3n, 3n) of the network's energy at its minimum, the points (n, 3)."""
    apart = points[None, :] - points[:, None]
    square = (apart**2).sum(axis=-1) + np.eye(len(points))
    blocks = -(springs / square)[..., None, None] * apart[..., :, None] * apart[..., None, :]
    own = np.arange(len(points))
    blocks[own, own] = -blocks.sum(axis=1)
    return np.asarray(blocks.transpose(0, 2, 1, 3).reshape(3 * len(points), -1))
