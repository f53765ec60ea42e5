"""What polar atoms of ligand and receptor gain from each other and lose to water, for ranking poses.

Vina's function counts hydrogen bonds and nothing else of electrostatics: a carbonyl buried without a partner
costs it nothing, and a pose turned over may keep its contacts and lose its dipoles. Here poses are given the
electrostatic part of a generalised Born energy as in MM/GBSA, receptor rigid: Coulomb's law between
charges of ff14SB and of MMFF94, and the change of polarisation energy on binding (OBC II; radii as
:mod:`kinscope.structures.forcefield.system` has them). It is weighted lightly in the rank and is never a
score (docs/why/docking.md).

Integrals: Hawkins, Cramer & Truhlar, Chem Phys Lett 1995, 246, 122. Radii from them: OBC model II, Onufriev,
Bashford & Case, Proteins 2004, 55, 383. Energies are kcal/mol, lengths angstrom. Compiled: import where used.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Mol
from kinscope.docking.fields.arrays import Floats
from kinscope.docking.fields.kernels import compiled, vectorised
from kinscope.structures.model import AtomArray

COULOMB_KCAL_ANGSTROM = 332.06371
_POLARISATION = -COULOMB_KCAL_ANGSTROM * (1.0 - 1.0 / 78.5)
_OFFSET = 0.09
_ALPHA, _BETA, _GAMMA = 1.0, 0.8, 4.85
_ALONE = 40.0
"""Squared distance by the product of Born radii beyond which f is the distance, to a millionth."""
_FAR = 1.0 / 16.0
"""Square of the ratio of sphere and distance below which the integral's series is exact to a millionth."""
_CHANGED_ANGSTROM = 2e-3
"""A receptor atom whose Born radius a ligand changes by less keeps the radius that it has alone."""


@compiled
def _taken(distance: float, radius: float, other: float) -> float:
    """What an atom's sphere (scaled radius) takes from the integral of another (radius less the offset)."""
    if radius >= distance + other:
        return 0.0
    low = 1.0 / max(radius, abs(distance - other))
    up = 1.0 / (distance + other)
    term = low - up + 0.25 * distance * (up * up - low * low) + 0.5 * math.log(up / low) / distance
    term += 0.25 * other * other * (low * low - up * up) / distance
    if radius < other - distance:
        term += 2.0 * (1.0 / radius - low)
    return term


@vectorised
def _series(
    x: float, y: float, z: float, radius: float, others: Floats, scaled: Floats, near: Floats
) -> float:
    """What far spheres (3, n) take from the integral of an atom; squared distances of near ones are written.

    Those of far ones are written as infinite. Branches within would keep compilers from several at a time.
    """
    taken = 0.0
    xs, ys, zs = others[0], others[1], others[2]
    for j in range(scaled.shape[0]):
        dx, dy, dz, other = x - xs[j], y - ys[j], z - zs[j], scaled[j]
        square = max(dx * dx + dy * dy + dz * dz, 1e-6)
        ratio = other * other / square
        far = (ratio < _FAR) & (square > (radius + other) * (radius + other))
        taken += other * ratio * (2.0 / 3.0 + ratio * (0.8 + ratio * 6.0 / 7.0)) / square if far else 0.0
        near[j] = np.inf if far else square
    return taken


@compiled
def integrals(
    points: Floats, radii: Floats, others: Floats, scaled: Floats, same: bool, sums: Floats
) -> None:
    """Adds to ``sums`` (n) what others take from each atom's integral; ``same``: one set, itself."""
    columns, near = np.ascontiguousarray(others.T), np.empty(scaled.shape[0])
    for i in range(points.shape[0]):
        radius = radii[i] - _OFFSET
        sums[i] += _series(points[i, 0], points[i, 1], points[i, 2], radius, columns, scaled, near)
        for j in range(scaled.shape[0]):
            if near[j] < np.inf and not (same and i == j):
                sums[i] += _taken(max(math.sqrt(near[j]), 1e-3), radius, scaled[j])


@compiled
def born_radii(radii: Floats, sums: Floats) -> Floats:
    """Born radii (n) from intrinsic radii and integrals."""
    born = np.empty(radii.shape[0])
    for i in range(radii.shape[0]):
        inner = radii[i] - _OFFSET
        psi = 0.5 * inner * sums[i]
        born[i] = 1.0 / (
            1.0 / inner - math.tanh(_ALPHA * psi - _BETA * psi * psi + _GAMMA * psi * psi * psi) / radii[i]
        )
    return born


@compiled
def _screened(square: float, product: float) -> float:
    """1/f of a pair, from its squared distance and the product of its Born radii."""
    if square > _ALONE * product:
        return 1.0 / math.sqrt(square)
    return 1.0 / math.sqrt(square + product * math.exp(-square / (4.0 * product)))


@vectorised
def _with_all(
    x: float, y: float, z: float, born: float, others: Floats, charges: Floats, other_born: Floats
) -> float:
    """Coulomb's energy and the polarisation energy of a unit charge with others (3, n).

    The exponential is the sixteenth power of its series, to a millionth, so that several are done at a time.
    """
    energy = 0.0
    xs, ys, zs = others[0], others[1], others[2]
    for j in range(charges.shape[0]):
        dx, dy, dz = x - xs[j], y - ys[j], z - zs[j]
        square, product = max(dx * dx + dy * dy + dz * dz, 1e-6), born * other_born[j]
        v = -min(square / (4.0 * product), 0.25 * _ALONE) / 16.0
        decay = 1.0 + v * (1.0 + v / 2 * (1.0 + v / 3 * (1.0 + v / 4 * (1.0 + v / 5 * (1.0 + v / 6)))))
        decay = decay * decay
        decay = decay * decay
        decay = decay * decay
        screened = square + product * (decay * decay)
        energy += charges[j] * (
            COULOMB_KCAL_ANGSTROM / math.sqrt(square) + _POLARISATION / math.sqrt(screened)
        )
    return energy


@compiled
def between_energy(
    points: Floats, charges: Floats, born: Floats, others: Floats, other_charges: Floats, other_born: Floats
) -> float:
    """Coulomb's energy and the polarisation energy between two sets of atoms."""
    energy, columns = 0.0, np.ascontiguousarray(others.T)
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        energy += charges[i] * _with_all(x, y, z, born[i], columns, other_charges, other_born)
    return energy


@compiled
def slopes(points: Floats, charges: Floats, born: Floats, reach: float) -> Floats:
    """How a set's own polarisation energy changes with the inverse of each Born radius (n)."""
    found = np.zeros(points.shape[0])
    for i in range(points.shape[0]):
        found[i] += 0.5 * charges[i] * charges[i]
        for j in range(i):
            x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
            square = x * x + y * y + z * z
            if square < reach * reach:
                product = born[i] * born[j]
                decay = math.exp(-square / (4.0 * product))
                screened = square + product * decay
                slope = 0.5 * decay * (1.0 + square / (4.0 * product)) / (screened * math.sqrt(screened))
                slope *= charges[i] * charges[j] * product
                found[i] += slope * born[i]
                found[j] += slope * born[j]
    return _POLARISATION * found


@compiled
def desolvation(points: Floats, charges: Floats, free: Floats, bound: Floats) -> float:
    """Change of a set's own polarisation energy where its Born radii change from free to bound."""
    energy = 0.0
    for i in range(points.shape[0]):
        if abs(bound[i] - free[i]) < _CHANGED_ANGSTROM:
            continue
        energy += 0.5 * charges[i] * charges[i] * (1.0 / bound[i] - 1.0 / free[i])
        for j in range(points.shape[0]):
            changed = abs(bound[j] - free[j]) >= _CHANGED_ANGSTROM
            if j == i or (changed and j > i):
                continue
            x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
            square = x * x + y * y + z * z
            after = bound[j] if changed else free[j]
            energy += (
                charges[i] * charges[j]
                * (_screened(square, bound[i] * after) - _screened(square, free[i] * free[j]))
            )  # fmt: skip
    return _POLARISATION * energy


_RADIUS_ANGSTROM = {
    "H": 1.2, "C": 1.7, "N": 1.55, "O": 1.5, "F": 1.5, "P": 1.85, "S": 1.8, "CL": 1.7, "BR": 1.85, "I": 2.0,
}  # fmt: skip
_HYDROGEN_ON_NITROGEN_ANGSTROM = 1.3
_SCREENING = {"H": 0.85, "C": 0.72, "N": 0.79, "O": 0.85, "F": 0.88, "P": 0.86, "S": 0.96}
_OTHER_RADIUS_ANGSTROM, _OTHER_SCREENING = 1.5, 0.8
_REACH_ANGSTROM = 20.0
_CAP_NAMES = {
    "ACE": {"H1": "HH31", "H2": "HH32", "H3": "HH33"},
    "NME": {"C": "CH3", "H1": "HH31", "H2": "HH32", "H3": "HH33"},
}  # fmt: skip
"""The caps' atoms as the Chemical Component Dictionary and as Amber name them."""


@dataclass(frozen=True)
class PolarAtoms:
    """Charges and spheres of atoms."""

    charges: Floats
    """Elementary charges, shape (n,)."""
    radii: Floats
    """Intrinsic Born radii, angstrom."""
    scaled: Floats
    """Radii less the offset, times the screening factor, angstrom."""


class PolarReceptor:
    """A receptor's atoms and what they are without a ligand."""

    def __init__(self, points: Floats, atoms: PolarAtoms) -> None:

        self.points = np.ascontiguousarray(points, dtype=np.float64)
        self.atoms = atoms
        self.sums = np.zeros(len(points))
        integrals(self.points, atoms.radii, self.points, atoms.scaled, True, self.sums)
        self.born = born_radii(atoms.radii, self.sums)
        self.slopes = slopes(self.points, atoms.charges, self.born, _REACH_ANGSTROM)

    def energies(self, ligand: PolarAtoms, poses: Floats) -> Floats:
        """Electrostatic energy of binding (n_poses,) of poses (n_poses, n_atoms, 3), kcal/mol.

        The bound pose in the receptor less both apart in the same conformations. What the receptor's own
        atoms lose to each other would be four fifths of the work; to first order in the inverse Born radii
        it comes within half a kcal/mol, but for an offset that is the same for all poses.
        """
        energies = np.empty(len(poses))
        for row, pose in enumerate(poses):
            energy, around = self.bound(ligand, pose)
            energies[row] = energy + float(self.slopes @ (1.0 / around - 1.0 / self.born))
        return energies

    def bound(self, ligand: PolarAtoms, pose: Floats) -> tuple[float, Floats]:
        """Energy (kcal/mol) of a pose (n_atoms, 3) without what the receptor's own atoms lose to each other.

        With it the Born radii of the receptor's atoms (n_receptor_atoms,) beside the ligand, angstrom.
        """
        points = np.ascontiguousarray(pose, dtype=np.float64)
        alone = np.zeros(len(points))
        integrals(points, ligand.radii, points, ligand.scaled, True, alone)
        free = born_radii(ligand.radii, alone)
        integrals(points, ligand.radii, self.points, self.atoms.scaled, False, alone)
        bound = born_radii(ligand.radii, alone)
        sums = self.sums.copy()
        integrals(self.points, self.atoms.radii, points, ligand.scaled, False, sums)
        around = born_radii(self.atoms.radii, sums)
        between = between_energy(points, ligand.charges, bound, self.points, self.atoms.charges, around)
        return between + desolvation(points, ligand.charges, free, bound), around


def receptor_atoms(atoms: AtomArray) -> PolarAtoms:
    """Charges of a protonated model by ff14SB's residues, and its spheres.

    What the force field has no residue for (an ion, a rare residue) is given no charge: its sphere still
    keeps water away.
    """
    charges = np.zeros(len(atoms))
    starts = np.flatnonzero(np.r_[True, np.diff(atoms.res_id) != 0, True])
    for first, last in itertools.pairwise(starts):
        residue = str(atoms.res_name[first])
        names = [_CAP_NAMES.get(residue, {}).get(str(n), str(n)) for n in atoms.atom_name[first:last]]
        template = _template(residue, frozenset(names))
        if template is not None:
            charges[first:last] = [template[name] for name in names]
    elements = [str(symbol).upper() for symbol in atoms.element]
    return _spheres(charges, elements, _on_nitrogen(atoms.coord, elements))


def ligand_atoms(ligand: Mol) -> PolarAtoms | None:
    """MMFF94's charges of a ligand with hydrogens, and its spheres; None where MMFF94 does not know it."""
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers

    # A copy: MMFF94's own perception of aromaticity would stay in the molecule given.
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(Chem.Mol(ligand))
    if properties is None:
        return None
    charges = np.array([properties.GetMMFFPartialCharge(i) for i in range(ligand.GetNumAtoms())])
    elements = [atom.GetSymbol().upper() for atom in ligand.GetAtoms()]
    on_nitrogen = np.array(
        [
            atom.GetAtomicNum() == 1 and any(n.GetAtomicNum() == 7 for n in atom.GetNeighbors())
            for atom in ligand.GetAtoms()
        ]
    )
    return _spheres(charges, elements, on_nitrogen)


def _spheres(charges: Floats, elements: list[str], on_nitrogen: NDArray[np.bool_]) -> PolarAtoms:
    radii = np.array([_RADIUS_ANGSTROM.get(symbol, _OTHER_RADIUS_ANGSTROM) for symbol in elements])
    radii[on_nitrogen] = _HYDROGEN_ON_NITROGEN_ANGSTROM
    screening = np.array([_SCREENING.get(symbol, _OTHER_SCREENING) for symbol in elements])
    return PolarAtoms(charges, radii, screening * (radii - _OFFSET))


def _on_nitrogen(points: Floats, elements: list[str]) -> NDArray[np.bool_]:
    from scipy.spatial import cKDTree

    symbols = np.array(elements)
    hydrogens, heavy = np.flatnonzero(symbols == "H"), np.flatnonzero(symbols != "H")
    found = np.zeros(len(symbols), dtype=bool)
    if len(hydrogens) and len(heavy):
        _, nearest = cKDTree(points[heavy]).query(points[hydrogens])
        found[hydrogens] = symbols[heavy[nearest]] == "N"
    return found


def _template(residue: str, names: frozenset[str]) -> dict[str, float] | None:
    """Charges of the force field's residue with these atoms: His, Asp, ... by their hydrogens."""
    fitting = [(name, charges) for name, charges in _templates() if charges.keys() == names]
    # A cysteine without its hydrogen is half of a disulphide, not a thiolate of the same atoms.
    fitting.sort(key=lambda pair: (pair[0] != residue, pair[0] == "CYM"))
    return next((charges for name, charges in fitting if name[:2] == residue[:2]), None)


@lru_cache(maxsize=1)
def _templates() -> tuple[tuple[str, dict[str, float]], ...]:
    import xml.etree.ElementTree as ElementTree

    from openmm import app

    from kinscope.structures.forcefield.system import PHOSPHOTYROSINE_XML

    files = (Path(app.__file__).parent / "data" / "amber14" / "protein.ff14SB.xml", PHOSPHOTYROSINE_XML)
    found = []
    for file in files:
        for residue in ElementTree.parse(file).getroot().iterfind("Residues/Residue"):
            charges = {str(a.get("name")): float(a.get("charge", "nan")) for a in residue.iterfind("Atom")}
            found.append((str(residue.get("name")), charges))
    return tuple(found)
