"""Does packing find a side chain that was taken off a crystal? One residue at a time, its neighbours free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from kinscope.core.records import Record
from kinscope.structures.candidates import pack_substitutions
from kinscope.structures.crystal_chains import CrystalModel
from kinscope.structures.mutation import MutationSettings
from kinscope.structures.packing_sites import Residue, residues_of
from kinscope.structures.rotamers import chi_angles, chi_difference_degrees

CHI_TOLERANCE_DEGREES = 40.0
"""The usual bound for a right chi angle (Krivov et al., Proteins 2009, 77, 778)."""
_NEIGHBOURS_ANGSTROM = 10.0
_NOT_SCORED = frozenset({"GLY", "ALA", "PRO", "ACE", "NME"})
_FRAME = frozenset({"N", "CA", "C", "O", "OXT"})
_SYMMETRIC_PAIRS = {
    "ASP": (("OD1", "OD2"),), "GLU": (("OE1", "OE2"),), "ARG": (("NH1", "NH2"),),
    "PHE": (("CD1", "CD2"), ("CE1", "CE2")), "TYR": (("CD1", "CD2"), ("CE1", "CE2")),
}  # fmt: skip
_Z_95 = 1.959964


class Recovery(Record):
    """One residue of a crystal, rebuilt by one packer."""

    entry: str
    residue: int
    name: str
    packer: str
    neighbours: int
    """Heavy atoms within 10 A of CB: burial without a surface."""
    buried: bool
    """At least the median of the chain's residues."""
    chi1_right: bool
    chi12_right: bool
    """chi1 and, where there is one, chi2."""
    chi12_right_in_any: bool
    """In any of the candidates that would be relaxed."""
    rmsd_angstrom: float
    """Side-chain heavy atoms, backbones as they stand, symmetric atoms either way."""


@dataclass(frozen=True)
class Task:
    """A residue to rebuild."""

    residue: int
    neighbours: int
    buried: bool


Packer = Callable[[CrystalModel, int], list[Residue]]
"""Rebuilds a residue of a crystal; the candidates, best first."""


def residues_to_rebuild(crystal: CrystalModel, most: int | None = None, seed: int = 1) -> list[Task]:
    """Residues with a chi angle whose side chain the crystal shows whole, or ``most`` of them at random."""
    residues = residues_of(crystal.atoms)
    fit = [n for n, r in residues.items() if n in crystal.complete and r.name not in _NOT_SCORED]
    heavy = np.asarray(crystal.atoms.coord)[np.asarray(crystal.atoms.element) != "H"]
    crowd = {
        n: int((np.linalg.norm(heavy - residues[n].at("CB"), axis=1) < _NEIGHBOURS_ANGSTROM).sum())
        for n in fit
    }
    middle = float(np.median(list(crowd.values())))
    chosen = fit
    if most is not None and most < len(fit):
        chosen = sorted(int(n) for n in np.random.default_rng(seed).choice(fit, most, replace=False))
    return [Task(n, crowd[n], crowd[n] >= middle) for n in chosen]


def recovery(crystal: CrystalModel, task: Task, name: str, packer: Packer) -> Recovery:
    """Take one side chain off, have it packed anew, and compare."""
    truth = residues_of(crystal.atoms)[task.residue]
    built = packer(crystal, task.residue)
    right = [chi_right(residue, truth) for residue in built]
    return Recovery(
        entry=crystal.label,
        residue=task.residue,
        name=truth.name,
        packer=name,
        neighbours=task.neighbours,
        buried=task.buried,
        chi1_right=right[0][0],
        chi12_right=right[0][1],
        chi12_right_in_any=any(both for _, both in right),
        rmsd_angstrom=round(side_chain_rmsd(built[0], truth, built[0].coord), 3),
    )


def kinscope_packer(settings: MutationSettings, seed: int) -> Packer:
    """Kinscope's own packing, as mutants get it."""

    def pack(crystal: CrystalModel, number: int) -> list[Residue]:
        name = residues_of(crystal.atoms)[number].name
        packings = pack_substitutions(crystal.atoms, {number: name}, settings, seed)
        return [residues_of(packing.atoms)[number] for packing in packings]

    return pack


def chi_right(model: Residue, truth: Residue) -> tuple[bool, bool]:
    """Whether chi1, and chi1 with chi2, are those of ``truth`` within 40 degrees."""
    differences = chi_difference_degrees(
        truth.name,
        chi_angles(model.name, model.atom_names, model.coord),
        chi_angles(truth.name, truth.atom_names, truth.coord),
    )
    near = [difference <= CHI_TOLERANCE_DEGREES for difference in differences]
    return near[0], all(near[:2])


def side_chain_rmsd(model: Residue, truth: Residue, coord: NDArray[np.float64]) -> float:
    """RMSD of side-chain heavy atoms from CB on, the better way round where atoms are equivalent.

    Parameters
    ----------
    model, truth
        The same kind of residue.
    coord
        Shape (n_model_atoms, 3): the model's atoms in the frame of ``truth``, angstrom.
    """
    side = [a for a in truth.atom_names if a[0] != "H" and a not in _FRAME]
    names = [a for a in side if a in model.atom_names]
    swap = {x: y for pair in _SYMMETRIC_PAIRS.get(truth.name, ()) for x, y in (pair, pair[::-1])}
    target = np.array([truth.at(name) for name in names])
    values = []
    for naming in (names, [swap.get(name, name) for name in names]):
        mine = np.array([coord[model.atom_names.index(name)] for name in naming])
        values.append(float(np.sqrt(np.mean(np.sum((mine - target) ** 2, axis=1)))))
    return min(values)


@dataclass(frozen=True)
class Share:
    """A share in per cent with its 95 % interval."""

    percent: float
    low_percent: float
    high_percent: float

    def in_words(self) -> str:
        """As ``84.2 (78.9-88.4)``."""
        return f"{self.percent:5.1f} ({self.low_percent:.1f}-{self.high_percent:.1f})"


def share(hits: Sequence[bool]) -> Share:
    """Share of hits with Wilson's interval (J. Am. Stat. Assoc. 1927, 22, 209); of nothing, 0 to 100."""
    count = len(hits)
    if not count:
        return Share(0.0, 0.0, 100.0)
    p, z2 = sum(hits) / count, _Z_95**2
    centre = (p + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z_95 * sqrt(p * (1 - p) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return Share(100 * p, 100 * max(0.0, centre - half), 100 * min(1.0, centre + half))
