"""Laying one model on another over the residues around a ligand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray
from kinscope.structures.superposition import RigidTransform, common_atoms, kabsch

SITE_ANGSTROM = 8.0
"""CA atoms of residues with a heavy atom this near the ligand carry the superposition."""
NEAR_ANGSTROM = 6.0
OUTLIER_ANGSTROM = 1.5
"""Pairs further apart than this after a first fit (a loop that moved) leave the second."""
MIN_RESIDUES = 8


@dataclass(frozen=True)
class SiteFit:
    """How one model lies on another around a ligand."""

    transform: RigidTransform
    left_out: tuple[int, ...]
    """Residues whose CA atoms are too far apart to carry the fit."""
    near_rmsd_angstrom: float
    """CA atoms of the residues within :data:`NEAR_ANGSTROM` of the ligand, outliers included."""
    lacking: tuple[int, ...]
    """Residues within :data:`NEAR_ANGSTROM` of the ligand that the other model has not."""

    def in_words(self) -> str:
        """For the record of a pose."""
        words = f"CA atoms of residues within {SITE_ANGSTROM:g} A of the ligand"
        if self.left_out:
            listed = ", ".join(map(str, self.left_out))
            words += f", without {listed} (more than {OUTLIER_ANGSTROM:g} A apart)"
        return words


def fit_site(mobile: AtomArray, fixed: AtomArray, ligand: NDArray[Any]) -> SiteFit | None:
    """Lay ``mobile`` on ``fixed`` over the CA atoms around a ligand given in ``mobile``'s frame.

    Parameters
    ----------
    mobile, fixed
        Models in the same numbering.
    ligand
        Heavy atoms' coordinates, angstrom, shape (n, 3).

    Returns
    -------
    SiteFit or None
        None if they share fewer than :data:`MIN_RESIDUES` residues of the site.
    """
    from scipy.spatial import cKDTree

    distance = cKDTree(ligand).query(mobile.coord)[0]
    heavy = (mobile.element != "H") & ~np.isin(mobile.res_name, ("ACE", "NME"))
    site = {int(number) for number in mobile.res_id[heavy & (distance < SITE_ANGSTROM)]}
    near = {int(number) for number in mobile.res_id[heavy & (distance < NEAR_ANGSTROM)]}
    return fit_residues(mobile, fixed, site, near)


def fit_residues(mobile: AtomArray, fixed: AtomArray, site: set[int], near: set[int]) -> SiteFit | None:
    """Lay ``mobile`` on ``fixed`` over the CA atoms of given residues, then again without outliers.

    Parameters
    ----------
    mobile, fixed
        Models in the same numbering.
    site
        Numbers of the residues that carry the superposition.
    near
        Numbers of those that tell how well it holds next to the ligand.

    Returns
    -------
    SiteFit or None
        None if they share fewer than :data:`MIN_RESIDUES` residues of the site.
    """
    held = {int(number) for number in fixed.res_id}
    mobile, fixed = mobile[mobile.atom_name == "CA"], fixed[fixed.atom_name == "CA"]
    first, second = common_atoms(mobile, fixed, site, ("CA",))
    if len(first) < MIN_RESIDUES:
        return None
    transform = kabsch(mobile.coord[first], fixed.coord[second])
    gap = np.linalg.norm(transform.apply(mobile.coord[first]) - fixed.coord[second], axis=1)
    kept = gap < OUTLIER_ANGSTROM
    left_out: tuple[int, ...] = ()
    if kept.sum() >= MIN_RESIDUES and not kept.all():
        transform = kabsch(mobile.coord[first[kept]], fixed.coord[second[kept]])
        left_out = tuple(sorted(int(number) for number in mobile.res_id[first[~kept]]))
    one, two = common_atoms(mobile, fixed, near, ("CA",))
    distances = np.linalg.norm(transform.apply(mobile.coord[one]) - fixed.coord[two], axis=1)
    return SiteFit(
        transform=transform,
        left_out=left_out,
        near_rmsd_angstrom=float(np.sqrt((distances**2).mean())) if len(one) else float("inf"),
        lacking=tuple(sorted(near - held)),
    )
