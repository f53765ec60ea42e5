"""Whether a pose is a possible molecule in a possible place.

The checks and thresholds are those of PoseBusters (Buttenschoen, Morris & Deane, Chem Sci 2024, 15, 3130)
that a docked pose can fail: bond lengths, angles and internal clashes against distance-geometry bounds,
distance and volume overlap with the protein.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Coordinates, Mol
from kinscope.results.notes import Note, note
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


class ClosePair(NamedTuple):
    """Two heavy atoms that are too near each other."""

    ligand_atom: str
    """Element and place in the molecule, e.g. ``C5``."""
    residue: str
    """E.g. ``Phe382``."""
    protein_atom: str
    distance_angstrom: float


def pose_problems(receptor: AtomArray, pose: Mol) -> tuple[Note, ...]:
    """What fails; empty for a valid pose (one conformer, all hydrogens)."""
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    return (*_geometry_problems(pose, points), *_protein_problems(receptor, pose, points))


def _geometry_problems(pose: Mol, points: Coordinates) -> tuple[Note, ...]:
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
    bad = stretched | squeezed
    checks = (
        note("impossible-bond-lengths", pairs=int(((apart == 1) & bad).sum())),
        note("impossible-bond-angles", pairs=int(((apart == 2) & bad).sum())),
        note("clashes-within-ligand", pairs=int(((apart > 2) & (actual < lower * CLASH_FACTOR)).sum())),
    )
    return tuple(item for item in checks if item.values["pairs"])


def close_pairs(receptor: AtomArray, pose: Mol, points: Coordinates) -> list[ClosePair]:
    """Heavy-atom pairs of ligand and protein nearer than PROTEIN_FACTOR times the sum of their radii."""
    heavy_protein, protein_radii, heavy_ligand, ligand_radii = _radii(receptor, pose)
    distance = np.linalg.norm(receptor.coord[heavy_protein][None] - points[heavy_ligand][:, None], axis=2)
    close = np.argwhere(distance < PROTEIN_FACTOR * (ligand_radii[:, None] + protein_radii[None]))
    pairs = []
    for ligand_row, protein_row in close:
        atom = pose.GetAtomWithIdx(int(heavy_ligand[ligand_row]))
        at = heavy_protein[protein_row]
        residue = f"{str(receptor.res_name[at]).capitalize()}{receptor.res_id[at]}"
        gap = round(float(distance[ligand_row, protein_row]), 2)
        name = f"{atom.GetSymbol()}{atom.GetIdx() + 1}"
        pairs.append(ClosePair(name, residue, str(receptor.atom_name[at]), gap))
    return pairs


def _protein_problems(receptor: AtomArray, pose: Mol, points: Coordinates) -> tuple[Note, ...]:
    problems = []
    close = close_pairs(receptor, pose, points)
    if close:
        problems.append(
            note(
                "too-near-protein",
                pairs=len(close),
                ligand_atoms=tuple(pair.ligand_atom for pair in close[:3]),
                protein_atoms=tuple(f"{pair.residue} {pair.protein_atom}" for pair in close[:3]),
                distances_angstrom=tuple(pair.distance_angstrom for pair in close[:3]),
            )
        )
    overlap = _volume_overlap(receptor, pose, points)
    if overlap > VOLUME_OVERLAP:
        problems.append(note("volume-inside-protein", share=round(overlap, 4)))
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
