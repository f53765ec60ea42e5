"""Conformers that charges are averaged over, and which atoms of a molecule are equivalent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import LigandError
from kinscope.ligands.embedding import add_conformers
from kinscope.ligands.library import EMBEDDING_SEED
from kinscope.ligands.quiet import quiet

Mol = Any
FloatArray = NDArray[np.float64]

_TRIED = 60
_KEPT_SHARE = 0.5
_SAME_ANGSTROM = 0.1
"""Conformers whose distances differ by less (root mean square) count as one."""
_ITERATIONS = 2000


def spread_out_conformers(molecule: Mol, count: int, *, seed: int = EMBEDDING_SEED) -> list[FloatArray]:
    """Up to ``count`` conformers (n_atoms, 3), angstrom, whose polar groups do not lean on one another.

    Charges of a molecule that folds onto itself in vacuum are not those it has in a pocket or in water, so
    conformers are relaxed with MMFF94 without electrostatics, and those with the weakest electrostatic
    interaction of their parts are kept (the idea of ELF10: electrostatically least interacting functional
    groups), as unlike one another as can be.

    Raises
    ------
    LigandError
        If MMFF94 has no parameters for the molecule or no conformer can be made.
    """
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers

    work = Chem.Mol(molecule)
    with quiet():
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(work)
        if properties is None:
            raise LigandError(
                "MMFF94 has no parameters for this molecule, so its conformers cannot be relaxed.",
                where="conformers",
                remedy="Check its valences and charges.",
            )
        found = add_conformers(work, _TRIED, seed, insist=True)
        properties.SetMMFFEleTerm(False)
        for number in found:
            field = rdForceFieldHelpers.MMFFGetMoleculeForceField(work, properties, confId=number)
            field.Minimize(maxIts=_ITERATIONS)
    if not found:
        raise LigandError("No three-dimensional structure could be made.", where="conformers")
    charges = np.array([properties.GetMMFFPartialCharge(i) for i in range(work.GetNumAtoms())])
    shapes = [np.asarray(work.GetConformer(number).GetPositions()) for number in found]
    leaning = [_leaning(work, shape, charges) for shape in shapes]
    order = np.argsort(leaning, kind="stable")
    return _unlike([shapes[index] for index in order], _heavy(work), count)


def equivalence_classes(molecule: Mol) -> NDArray[np.int_]:
    """Class (n_atoms,) of each atom: atoms of one class can be exchanged by a symmetry of the graph.

    Bond orders and formal charges are left out, so that the oxygens of a carboxylate are alike.
    """
    from rdkit import Chem

    graph = Chem.RWMol()
    for atom in molecule.GetAtoms():
        bare = Chem.Atom(atom.GetAtomicNum())
        bare.SetNoImplicit(True)
        graph.AddAtom(bare)
    for bond in molecule.GetBonds():
        graph.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), Chem.BondType.SINGLE)
    plain = graph.GetMol()
    plain.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(plain)
    return np.array(list(Chem.CanonicalRankAtoms(plain, breakTies=False)), dtype=np.int_)


def symmetrised(values: FloatArray, classes: NDArray[np.int_]) -> FloatArray:
    """Values (..., n_atoms) with every atom given the mean of its class."""
    means = np.empty_like(values)
    for number in np.unique(classes):
        members = classes == number
        means[..., members] = values[..., members].mean(axis=-1, keepdims=True)
    return means


def _heavy(molecule: Mol) -> NDArray[np.int_]:
    return np.array([atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1])


def _leaning(molecule: Mol, shape: FloatArray, charges: FloatArray) -> float:
    """Sum of |q q'| / r over atoms more than three bonds apart, e^2 per angstrom."""
    from rdkit import Chem

    bonds = Chem.GetDistanceMatrix(molecule)
    gaps = np.linalg.norm(shape[:, None] - shape[None], axis=2)
    far = bonds > 3
    return float((np.abs(np.outer(charges, charges))[far] / gaps[far]).sum() / 2)


def _unlike(shapes: list[FloatArray], heavy: NDArray[np.int_], count: int) -> list[FloatArray]:
    """The first shape, then always the one furthest from those taken, among the better half of all kinds.

    Shapes are compared by their distances between heavy atoms, so that mirror images are the same.
    """
    pairs = np.triu_indices(len(heavy), 1)
    gaps = [np.linalg.norm(shape[heavy][:, None] - shape[heavy][None], axis=2)[pairs] for shape in shapes]
    kinds: list[int] = []
    for index, own in enumerate(gaps):
        if all(_root_mean_square(own - gaps[other]) > _SAME_ANGSTROM for other in kinds):
            kinds.append(index)
    kept = kinds[: max(count, round(len(kinds) * _KEPT_SHARE))]
    chosen = [kept[0]]
    while len(chosen) < min(count, len(kept)):
        left = [index for index in kept if index not in chosen]
        apart = [min(_root_mean_square(gaps[one] - gaps[other]) for other in chosen) for one in left]
        chosen.append(left[int(np.argmax(apart))])
    return [shapes[index] for index in chosen]


def _root_mean_square(values: FloatArray) -> float:
    return float(np.sqrt((values**2).mean()))
