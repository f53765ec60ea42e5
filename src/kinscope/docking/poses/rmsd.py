"""Symmetry-corrected RMSD between poses of one molecule, in place: of all atoms, or of a core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import LigandError
from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.fields.arrays import CUTOFF_ANGSTROM
from kinscope.docking.fields.vina import EXPOSED_AND_BURIED_ATOMS
from kinscope.structures.model import AtomArray

_MAX_SYMMETRIES = 20_000


class SymmetricRmsd:
    """RMSD over heavy atoms, the least over every relabelling that leaves the molecular graph as it is.

    Elements and bonds decide, bond orders and charges do not: the two oxygens of a carboxylate and the two
    faces of a protonated ring are one. The idea: Meli & Biggin, J Cheminform 2020, 12, 49.
    """

    def __init__(self, molecule: Mol) -> None:
        skeleton = _skeleton(molecule)
        self._heavy = np.array(
            [a.GetIdx() for a in molecule.GetAtoms() if a.GetAtomicNum() > 1], dtype=np.intp
        )
        matches = skeleton.GetSubstructMatches(skeleton, uniquify=False, maxMatches=_MAX_SYMMETRIES)
        if not matches or len(matches[0]) != len(self._heavy):
            raise LigandError(
                "The molecule does not match itself.", where="RMSD", remedy="Give one connected molecule."
            )
        self._maps = np.array(matches, dtype=np.intp)

    @property
    def symmetries(self) -> int:
        """How many relabellings there are."""
        return len(self._maps)

    def __call__(
        self, first: Coordinates, second: Coordinates, part: NDArray[np.intp] | None = None
    ) -> float:
        """RMSD in angstrom of two poses (n_atoms, 3), hydrogens present and ignored.

        ``part``: only over these heavy atoms of the second, by their places among the heavy atoms (n,).
        """
        a, b = first[self._heavy], second[self._heavy]
        squared = ((a[self._maps] - b[None]) ** 2).sum(axis=2)
        if part is not None:
            squared = squared[:, part]
        return float(np.sqrt(squared.mean(axis=1).min()))


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


def match_atoms(molecule: Mol, other: Mol) -> NDArray[np.intp] | None:
    """For each heavy atom of ``molecule`` (in order) the atom of ``other`` with the same place in the graph.

    Bond orders and charges are ignored, so that a crystal ligand matches the drug in any protonation; None
    where the two graphs differ. Where symmetry leaves a choice, the first is taken: compare with
    :class:`SymmetricRmsd`.
    """
    match = _skeleton(other).GetSubstructMatch(_skeleton(molecule))
    heavy = [atom.GetIdx() for atom in other.GetAtoms() if atom.GetAtomicNum() > 1]
    if not match or len(heavy) != len(match):
        return None
    return np.array([heavy[index] for index in match], dtype=np.intp)


def match_part(molecule: Mol, part: Mol) -> NDArray[np.intp] | None:
    """For each atom of ``part`` (all heavy) an atom of ``molecule`` with its place in the graph.

    As :func:`match_atoms`, for a crystal that lacks atoms of the molecule; None where it is no part of it.
    """
    match = _skeleton(molecule).GetSubstructMatch(_skeleton(part))
    if not match:
        return None
    heavy = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1]
    return np.array([heavy[index] for index in match], dtype=np.intp)


def _skeleton(molecule: Mol) -> Mol:
    """Heavy atoms and single bonds only, in the order of the molecule."""
    from rdkit import Chem

    plain = Chem.RWMol()
    places = {}
    for atom in molecule.GetAtoms():
        if atom.GetAtomicNum() > 1:
            bare = Chem.Atom(atom.GetAtomicNum())
            bare.SetNoImplicit(True)
            places[atom.GetIdx()] = plain.AddAtom(bare)
    for bond in molecule.GetBonds():
        first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if first in places and second in places:
            plain.AddBond(places[first], places[second], Chem.BondType.SINGLE)
    skeleton = plain.GetMol()
    skeleton.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(skeleton)
    return skeleton
