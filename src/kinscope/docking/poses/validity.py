"""Whether a pose is a possible molecule in a possible place.

The checks and thresholds are those of PoseBusters (Buttenschoen, Morris & Deane, Chem Sci 2024, 15, 3130)
that a docked pose can fail: bond lengths, angles and internal clashes against distance-geometry bounds,
distance and volume overlap with the protein.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Coordinates, Mol
from kinscope.structures.model import AtomArray

BOND_TOLERANCE = 0.25
"""Beyond the bounds, for distances of bonded atoms and of atoms two bonds apart (angles)."""
CLASH_FACTOR = 0.7
"""Of the lower distance-geometry bound, for atoms more than two bonds apart."""
PROTEIN_FACTOR = 0.75
"""Of the sum of van der Waals radii, heavy atoms of ligand and protein."""
VOLUME_OVERLAP = 0.075
"""Share of the ligand's van der Waals volume, radii scaled by 0.8, inside the protein's."""
_VOLUME_SCALE = 0.8
_VOLUME_GRID_ANGSTROM = 0.4


def pose_problems(receptor: AtomArray, pose: Mol) -> tuple[str, ...]:
    """What fails, in words with numbers; empty for a valid pose (one conformer, all hydrogens)."""
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    return (*_geometry_problems(pose, points), *_protein_problems(receptor, pose, points))


def _geometry_problems(pose: Mol, points: Coordinates) -> tuple[str, ...]:
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom

    rings_known = Chem.Mol(pose)
    Chem.GetSymmSSSR(rings_known)
    bounds = rdDistGeom.GetMoleculeBoundsMatrix(rings_known)
    separation = Chem.GetDistanceMatrix(pose)
    heavy = np.array([a.GetIdx() for a in pose.GetAtoms() if a.GetAtomicNum() > 1])
    first, second = (heavy[side] for side in np.triu_indices(len(heavy), 1))
    actual = np.linalg.norm(points[first] - points[second], axis=1)
    upper, lower, apart = bounds[first, second], bounds[second, first], separation[first, second]
    stretched = actual > upper * (1 + BOND_TOLERANCE)
    squeezed = actual < lower * (1 - BOND_TOLERANCE)
    checks = (
        ("impossible bond lengths", (apart == 1) & (stretched | squeezed)),
        ("impossible bond angles", (apart == 2) & (stretched | squeezed)),
        ("clashes within the ligand", (apart > 2) & (actual < lower * CLASH_FACTOR)),
    )
    return tuple(f"{int(bad.sum())} {name}" for name, bad in checks if bad.any())


def close_pairs(receptor: AtomArray, pose: Mol, points: Coordinates) -> list[str]:
    """Heavy-atom pairs of ligand and protein nearer than PROTEIN_FACTOR times the sum of their radii."""
    heavy_protein, protein_radii, heavy_ligand, ligand_radii = _radii(receptor, pose)
    distance = np.linalg.norm(receptor.coord[heavy_protein][None] - points[heavy_ligand][:, None], axis=2)
    close = np.argwhere(distance < PROTEIN_FACTOR * (ligand_radii[:, None] + protein_radii[None]))
    names = []
    for ligand_row, protein_row in close:
        atom = pose.GetAtomWithIdx(int(heavy_ligand[ligand_row]))
        at = heavy_protein[protein_row]
        residue = f"{str(receptor.res_name[at]).capitalize()}{receptor.res_id[at]} {receptor.atom_name[at]}"
        names.append(
            f"{atom.GetSymbol()}{atom.GetIdx() + 1} to {residue} {distance[ligand_row, protein_row]:.2f} A"
        )
    return names


def _protein_problems(receptor: AtomArray, pose: Mol, points: Coordinates) -> tuple[str, ...]:
    problems = []
    close = close_pairs(receptor, pose, points)
    if close:
        more = f" and {len(close) - 3} more" if len(close) > 3 else ""
        problems.append(f"too near the protein: {', '.join(close[:3])}{more}")
    overlap = _volume_overlap(receptor, pose, points)
    if overlap > VOLUME_OVERLAP:
        problems.append(f"{100 * overlap:.0f} % of its volume lies inside the protein")
    return tuple(problems)


def _radii(receptor: AtomArray, pose: Mol) -> tuple[Any, Any, Any, Any]:
    from rdkit import Chem

    table = Chem.GetPeriodicTable()
    protein = np.flatnonzero(receptor.element != "H")
    ligand = np.array([a.GetIdx() for a in pose.GetAtoms() if a.GetAtomicNum() > 1])
    points = pose.GetConformer().GetPositions()
    low, high = points.min(axis=0) - 6.0, points.max(axis=0) + 6.0
    near = ((receptor.coord[protein] > low) & (receptor.coord[protein] < high)).all(axis=1)
    protein = protein[near]
    protein_radii = np.array([table.GetRvdw(str(e).capitalize()) for e in receptor.element[protein]])
    ligand_radii = np.array([table.GetRvdw(pose.GetAtomWithIdx(int(i)).GetAtomicNum()) for i in ligand])
    return protein, protein_radii, ligand, ligand_radii


def _volume_overlap(receptor: AtomArray, pose: Mol, points: Coordinates) -> float:
    heavy_protein, protein_radii, heavy_ligand, ligand_radii = _radii(receptor, pose)
    own = points[heavy_ligand]
    low = own.min(axis=0) - 2.5
    axes = [np.arange(low[k], own[:, k].max() + 2.5, _VOLUME_GRID_ANGSTROM) for k in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = grid[_within(grid, own, ligand_radii * _VOLUME_SCALE)]
    if not len(inside):
        return 0.0
    shared = _within(
        inside, np.asarray(receptor.coord[heavy_protein], dtype=np.float64), protein_radii * _VOLUME_SCALE
    )
    return float(shared.mean())


def _within(grid: Coordinates, centers: Coordinates, radii: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which grid points (n, 3) lie within the radius of any centre."""
    from scipy.spatial import cKDTree

    inside = np.zeros(len(grid), dtype=bool)
    if not len(centers):
        return inside
    tree = cKDTree(grid)
    for rows in tree.query_ball_point(centers, radii):
        inside[rows] = True
    return inside
