"""Rigid superposition of models that share residue numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis import superposition
from kinscope.core.errors import StructureError
from kinscope.structures.model import AtomArray

BACKBONE = ("N", "CA", "C", "O")


@dataclass(frozen=True)
class RigidTransform:
    """``x -> rotation @ x + translation``, angstrom."""

    rotation: NDArray[np.float64]
    """Shape (3, 3)."""
    translation_angstrom: NDArray[np.float64]
    """Shape (3,)."""
    rmsd_angstrom: float
    """Of the atoms it was fitted on, after it is applied."""
    atoms: int
    """Number of atom pairs it was fitted on."""

    def apply(self, coordinates: NDArray[Any]) -> NDArray[np.float64]:
        """Coordinates (n, 3) in angstrom, moved."""
        return np.asarray(coordinates, dtype=np.float64) @ self.rotation.T + self.translation_angstrom

    def applied_to(self, atoms: AtomArray) -> AtomArray:
        """A moved copy of an AtomArray."""
        copy = atoms.copy()
        copy.coord = self.apply(atoms.coord).astype(np.float32)
        return copy


def kabsch(mobile: NDArray[Any], fixed: NDArray[Any]) -> RigidTransform:
    """:func:`kinscope.analysis.superposition.kabsch` of points (n, 3), angstrom, and their fit."""
    turn, shift = superposition.kabsch(mobile, fixed)
    apart = np.asarray(mobile, dtype=np.float64) @ turn + shift - fixed
    rmsd = float(np.sqrt((apart**2).sum(axis=1).mean()))
    return RigidTransform(np.array(turn.T), shift, rmsd, len(mobile))


def common_atoms(
    first: AtomArray,
    second: AtomArray,
    residues: Iterable[int] | None = None,
    names: tuple[str, ...] | None = BACKBONE,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of atoms with equal residue number and name in two models, shapes (n,) and (n,).

    All residues if None; every heavy atom if ``names`` is None.
    """
    wanted = None if residues is None else set(residues)

    def index(atoms: AtomArray) -> dict[tuple[int, str], int]:
        rows = zip(atoms.res_id.tolist(), atoms.atom_name.tolist(), atoms.element.tolist(), strict=True)
        return {
            (residue, name): place
            for place, (residue, name, element) in enumerate(rows)
            if (wanted is None or residue in wanted)
            and (name in names if names is not None else element.upper() != "H")
        }

    one, two = index(first), index(second)
    rows = [(place, two[key]) for key, place in one.items() if key in two]
    left, right = np.array(rows, dtype=np.intp).reshape(-1, 2).T
    return left, right


def superpose(mobile: AtomArray, fixed: AtomArray, residues: Iterable[int] | None = None) -> RigidTransform:
    """The transform that lays ``mobile`` on ``fixed`` over the backbone atoms both have.

    Raises StructureError if fewer than three atoms are shared.
    """
    first, second = common_atoms(mobile, fixed, residues)
    if len(first) < 3:
        raise StructureError(
            "Two structures share too few atoms to be superposed.",
            where=f"{len(first)} atoms in common",
            remedy="Both must hold the same part of the protein in the same numbering.",
        )
    return kabsch(mobile.coord[first], fixed.coord[second])


def deviations(mobile: AtomArray, fixed: AtomArray, residues: Collection[int]) -> tuple[float, float]:
    """RMSD (angstrom) of the backbone and of every heavy atom, both after the backbone's superposition."""
    transform = superpose(mobile, fixed, residues)
    first, second = common_atoms(mobile, fixed, residues, None)
    gap = transform.apply(mobile.coord[first]) - fixed.coord[second]
    return transform.rmsd_angstrom, float(np.sqrt((gap**2).sum(axis=1).mean()))


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

    The ligand is its heavy atoms (n, 3), angstrom. None if they share fewer than :data:`MIN_RESIDUES`
    residues of the site.
    """
    from scipy.spatial import cKDTree

    distance = cKDTree(ligand).query(mobile.coord)[0]
    heavy = (mobile.element != "H") & ~np.isin(mobile.res_name, ("ACE", "NME"))
    site = {int(number) for number in mobile.res_id[heavy & (distance < SITE_ANGSTROM)]}
    near = {int(number) for number in mobile.res_id[heavy & (distance < NEAR_ANGSTROM)]}
    return fit_residues(mobile, fixed, site, near)


def fit_residues(mobile: AtomArray, fixed: AtomArray, site: set[int], near: set[int]) -> SiteFit | None:
    """Lay ``mobile`` on ``fixed`` over the CA atoms of given residues, then again without outliers.

    Residues of ``site`` carry the superposition, those ``near`` tell how well it holds next to the ligand.
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
