"""MMFF94 of one molecule as arrays, with the parameters that RDKit assigns.

RDKit types the molecule and looks the parameters up; what is done here is their sum (Halgren, J Comput Chem
1996, 17, 490, 520, 553, 587; equations as in its first paper), because a relaxation in a receptor's field
asks for it some ten thousand times with another force added, and crossing between RDKit and Python costs more
than the sum. `tests/test_docking_mmff.py` holds energies and gradients to RDKit's own.

Energies are kcal/mol, lengths angstrom, angles degrees.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kinscope.docking.engine import Mol
from kinscope.docking.tables import Floats, Integers
from kinscope.ligands.quiet import quiet

DIELECTRIC = 80.0
"""Charges act as in water: in vacuum a charged drug folds on itself."""
COULOMB_KCAL_ANGSTROM_PER_MOL = 332.0716
SCALE_1_4 = 0.75
"""Of charges three bonds apart."""
_LINEAR_TYPES = frozenset({4, 53, 61})
"""MMFF94 types whose ideal angle is 180 degrees (linh in MMFFPROP.PAR): CSP, =N=, NR%+."""


class MmffArrays(NamedTuple):
    """Every term of a molecule: atoms (n_terms, 2 to 4) and parameters."""

    bonds: Integers
    bond: Floats
    """Force constant (mdyn/angstrom) and length."""
    angles: Integers
    angle: Floats
    """Force constant (mdyn angstrom/rad^2), angle, and 1 for a linear centre."""
    stretch_bend: Floats
    """What each angle shares with its bonds: two force constants (mdyn/rad), 0 for none, and two lengths."""
    planes: Integers
    """Atom, centre, atom, and the atom that leaves their plane."""
    plane: Floats
    torsions: Integers
    torsion: Floats
    pairs: Integers
    pair: Floats
    """R*, epsilon, and the product of charges over the dielectric constant."""


def mmff_properties(molecule: Mol) -> Any:
    """MMFF94 parameters of a molecule with charges as in water; None where it has none."""
    from rdkit.Chem import rdForceFieldHelpers

    with quiet():
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
    if properties is not None:
        properties.SetMMFFDielectricConstant(DIELECTRIC)
    return properties


def mmff_arrays(molecule: Mol) -> MmffArrays | None:
    """The terms of a molecule with all hydrogens; None where MMFF94 has no parameters for it."""
    properties = mmff_properties(molecule)
    if properties is None:
        return None
    bonds = {
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()): properties.GetMMFFBondStretchParams(
            molecule, bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        )[1:]
        for bond in molecule.GetBonds()
    }
    angles = _angles(molecule, properties, bonds)
    planes = _planes(molecule, properties)
    torsions = _torsions(molecule, properties)
    pairs = _pairs(molecule, properties)
    return MmffArrays(
        *_columns(list(bonds.items()), 2, 2),
        *_columns([(atoms, numbers[:3]) for atoms, numbers in angles], 3, 3),
        _columns([(atoms, numbers[3:]) for atoms, numbers in angles], 3, 4)[1],
        *_columns(planes, 4, 1),
        *_columns(torsions, 4, 3),
        *_columns(pairs, 2, 3),
    )


_Term = tuple[tuple[int, ...], tuple[float, ...]]


def _columns(terms: list[_Term], atoms: int, parameters: int) -> tuple[Integers, Floats]:
    rows = np.array([term[0] for term in terms], dtype=np.int64).reshape(-1, atoms)
    return rows, np.array([term[1] for term in terms], dtype=np.float64).reshape(-1, parameters)


def _angles(molecule: Mol, properties: Any, bonds: dict[tuple[int, int], tuple[float, float]]) -> list[_Term]:
    """Three parameters of each angle and four of its coupling to the bonds."""
    lengths = {frozenset(ends): length for ends, (_, length) in bonds.items()}
    angles: list[_Term] = []
    for atom in molecule.GetAtoms():
        j = atom.GetIdx()
        linear = properties.GetMMFFAtomType(j) in _LINEAR_TYPES
        around = [neighbour.GetIdx() for neighbour in atom.GetNeighbors()]
        for place, i in enumerate(around):
            for k in around[place + 1 :]:
                found = properties.GetMMFFAngleBendParams(molecule, i, j, k)
                if found is None:
                    continue
                coupled = None if linear else properties.GetMMFFStretchBendParams(molecule, i, j, k)
                first, second = (0.0, 0.0) if coupled is None else coupled[1:]
                ends = lengths[frozenset((i, j))], lengths[frozenset((k, j))]
                angles.append(((i, j, k), (found[1], found[2], float(linear), first, second, *ends)))
    return angles


def _planes(molecule: Mol, properties: Any) -> list[_Term]:
    terms: list[_Term] = []
    for atom in molecule.GetAtoms():
        if atom.GetDegree() != 3:
            continue
        j = atom.GetIdx()
        a, b, c = (neighbour.GetIdx() for neighbour in atom.GetNeighbors())
        constant = properties.GetMMFFOopBendParams(molecule, a, j, b, c)
        if constant is not None:
            terms += [((*quartet,), (constant,)) for quartet in ((a, j, b, c), (a, j, c, b), (b, j, c, a))]
    return terms


def _torsions(molecule: Mol, properties: Any) -> list[_Term]:
    terms: list[_Term] = []
    for bond in molecule.GetBonds():
        second, third = bond.GetBeginAtom(), bond.GetEndAtom()
        j, k = second.GetIdx(), third.GetIdx()
        if {properties.GetMMFFAtomType(j), properties.GetMMFFAtomType(k)} & _LINEAR_TYPES:
            continue
        for first in second.GetNeighbors():
            for last in third.GetNeighbors():
                i, m = first.GetIdx(), last.GetIdx()
                if i in (k, m) or m == j:
                    continue
                found = properties.GetMMFFTorsionParams(molecule, i, j, k, m)
                if found is not None:
                    terms.append(((i, j, k, m), tuple(found[1:])))
    return terms


def _pairs(molecule: Mol, properties: Any) -> list[_Term]:
    from rdkit import Chem

    apart = Chem.GetDistanceMatrix(molecule)
    charges = [properties.GetMMFFPartialCharge(index) for index in range(molecule.GetNumAtoms())]
    terms: list[_Term] = []
    for i in range(molecule.GetNumAtoms()):
        for j in range(i + 1, molecule.GetNumAtoms()):
            if 2.5 < apart[i, j] < 1e6:
                _, _, radius, depth = properties.GetMMFFVdWParams(i, j)
                scale = SCALE_1_4 if apart[i, j] < 3.5 else 1.0
                product = scale * COULOMB_KCAL_ANGSTROM_PER_MOL * charges[i] * charges[j] / DIELECTRIC
                terms.append(((i, j), (radius, depth, product)))
    return terms
