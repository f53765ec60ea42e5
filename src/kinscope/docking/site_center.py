"""Where to search for a ligand of which nothing is known: about the library's drugs of the same site."""

from __future__ import annotations

import contextlib

import numpy as np

from kinscope.core.errors import KinscopeError, StructureError
from kinscope.docking.crystal_start import superpose_site
from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.records import ReferencePoseRecord
from kinscope.docking.reference import reference_pose
from kinscope.structures.model import AtomArray
from kinscope.structures.reference import reference_model
from kinscope.targets.pack import DrugDefinition, TargetPack

SEARCHED = "blind search"
"""Stands for the co-crystal where there is none."""


def site_center(pack: TargetPack, site: str, receptor: AtomArray) -> Coordinates | None:
    """Mean place (3,) in a model of the heavy atoms of the site's known drugs, laid in by the site.

    Returns
    -------
    Coordinates in angstrom, or None if the model does not hold the site, or no drug of it has a known pose.
    """
    middles = []
    for drug in pack.drugs:
        if drug.site != site:
            continue
        with contextlib.suppress(KinscopeError):
            pose, _ = reference_pose(pack, drug)
            home = reference_model(pack, drug.state)[0]
            points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
            transform, _, _ = superpose_site(home, receptor, points, drug.id)
            heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
            middles.append(transform.apply(points[heavy]).mean(axis=0))
    return np.mean(middles, axis=0) if middles else None


def check_site(pack: TargetPack, site: str) -> None:
    """Refuse a site that no drug of the pack has.

    Raises
    ------
    StructureError
        Naming those there are.
    """
    sites = sorted({drug.site for drug in pack.drugs})
    if site not in sites:
        raise StructureError(
            f"There is no site {site[:40]!r} in the target pack of {pack.gene}.",
            where="--site",
            remedy=f"Choose from: {', '.join(sites)}.",
        )


def centred(molecule: Mol, center: Coordinates) -> Coordinates:
    """A molecule's coordinates (n_atoms, 3), moved so that their middle lies at ``center``."""
    points = np.asarray(molecule.GetConformer().GetPositions(), dtype=np.float64)
    return np.asarray(points - points.mean(axis=0) + center, dtype=np.float64)


def searched_record(drug: DrugDefinition, state: str) -> ReferencePoseRecord:
    """Stands in for the record of a known pose where a blind search gave the pose."""
    why = "No co-crystal"
    if drug.reference_entry:
        why = f"The pose of {drug.reference_entry} does not hold in the model of its state"
    return ReferencePoseRecord(
        drug=drug.id, state=state, site=drug.site, crystal=SEARCHED,
        superposition="none", superposition_atoms=0, superposition_rmsd_angstrom=0.0, site_rmsd_angstrom=0.0,
        crystal_pose_score_kcal_per_mol=0.0, crystal_pose_clashes=0, score_kcal_per_mol=0.0,
        rmsd_to_crystal_angstrom=0.0, interactions=(), valid=True,
        notes=(f"{why}: the pose is the best of a blind search, and may be wrong.",),
    )  # fmt: skip
