"""MMFF94 as compiled sums: RDKit's energies and gradients, term by term."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from factories.docking import PACK
from kinscope.docking.fields.mmff import MmffArrays, mmff_arrays, mmff_properties
from kinscope.docking.fields.polar import ligand_atoms
from kinscope.docking.search.ligand_shapes import relaxed_shapes
from kinscope.ligands.library import embed, load_ligand, parse_smiles

TERMS = ("Bond", "Angle", "StretchBend", "Oop", "Torsion", "VdW", "Ele")
OTHERS = {
    "nitrile, cyclopropane, sulphonyl": "N#CC1(CC1)S(=O)(=O)c1ccc(Cl)cc1",
    "alkyne, azide": "CC#CCN=[N+]=[N-]",
    "nitro, phosphate": "O=[N+]([O-])c1ccc(OP(=O)([O-])[O-])cc1",
    "guanidinium, carboxylate, thiol": "NC(=[NH2+])NCCC(S)C(=O)[O-]",
    "four-membered ring, allene": "C1CCC1C=C=C",
    "thiazole, bromine, iodine": "Brc1cnc(I)s1",
}


def ours(arrays: MmffArrays, points: np.ndarray) -> tuple[float, np.ndarray]:  # type: ignore[type-arg]
    from kinscope.docking.fields.mmff import mmff_energy

    gradient = np.empty_like(points)
    return mmff_energy(arrays, points, gradient), gradient


def rdkits(molecule, points: np.ndarray) -> tuple[float, np.ndarray]:  # type: ignore[no-untyped-def, type-arg]
    from rdkit.Chem import rdForceFieldHelpers

    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(molecule, mmff_properties(molecule))
    field.Initialize()
    flat = points.ravel().tolist()
    return field.CalcEnergy(flat), np.array(field.CalcGrad(flat)).reshape(-1, 3)


def shaken(molecule) -> np.ndarray:  # type: ignore[no-untyped-def, type-arg]
    points = np.asarray(molecule.GetConformer().GetPositions())
    return points + np.random.default_rng(7).normal(0.0, 0.05, points.shape)


@pytest.mark.parametrize("drug", [drug.id for drug in PACK.drugs if drug.id != "atp"])
def test_energy_and_gradient_of_a_drug_are_rdkits(drug: str) -> None:
    molecule = load_ligand(PACK.drug(drug))
    arrays = mmff_arrays(molecule)
    assert arrays is not None
    points = shaken(molecule)
    energy, gradient = ours(arrays, points)
    expected, slopes = rdkits(molecule, points)
    assert energy == pytest.approx(expected, abs=1e-3)
    assert gradient == pytest.approx(slopes, abs=1e-2)


@pytest.mark.parametrize("smiles", OTHERS.values(), ids=OTHERS.keys())
def test_energy_of_what_drugs_are_not_is_rdkits(smiles: str) -> None:
    molecule = embed(parse_smiles(smiles, where="test"), where="test", conformers=1)
    arrays = mmff_arrays(molecule)
    assert arrays is not None
    points = shaken(molecule)
    energy, gradient = ours(arrays, points)
    expected, slopes = rdkits(molecule, points)
    assert energy == pytest.approx(expected, abs=1e-3)
    assert gradient == pytest.approx(slopes, abs=1e-2)


def test_the_gradient_is_that_of_the_energy() -> None:
    molecule = load_ligand(PACK.drug("ponatinib"))
    arrays = mmff_arrays(molecule)
    assert arrays is not None
    points = shaken(molecule)
    way = np.random.default_rng(1).normal(size=points.shape)
    numeric = (ours(arrays, points + 1e-5 * way)[0] - ours(arrays, points - 1e-5 * way)[0]) / 2e-5
    assert numeric == pytest.approx((ours(arrays, points)[1] * way).sum(), rel=1e-5)


def test_what_mmff_does_not_know_has_no_terms() -> None:
    boronic = embed(parse_smiles("OB(O)c1ccccc1", where="test"), where="test", conformers=1)
    assert mmff_arrays(boronic) is None


def test_minimising_ends_where_rdkits_own_does() -> None:
    from rdkit.Chem import rdForceFieldHelpers

    molecule = load_ligand(PACK.drug("dasatinib"))
    arrays = mmff_arrays(molecule)
    assert arrays is not None
    points = np.asarray(molecule.GetConformer().GetPositions())
    _, energies = relaxed_shapes(arrays, points[None], 2000)
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(molecule, mmff_properties(molecule))
    field.Minimize(maxIts=5000)
    # Two minimisers may end in neighbouring basins; a thousandth of the way down is what they may differ by.
    assert energies[0] == pytest.approx(field.CalcEnergy(), abs=0.5)


def test_a_ligand_is_the_same_molecule_after_its_terms_were_looked_up() -> None:
    """MMFF94 perceives aromaticity its own way: the pyridopyrimidone of PD173955 lost its own by it."""
    ligand = embed(parse_smiles("Cn1c(=O)ccc2cnc(N)nc21", where="test"), where="test", conformers=1)
    before = Chem.MolToSmiles(ligand)
    assert mmff_arrays(ligand) is not None
    assert ligand_atoms(ligand) is not None
    assert Chem.MolToSmiles(ligand) == before
