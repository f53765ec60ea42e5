"""The drugs of the abl1 pack are the compounds they say they are."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from kinscope.core.errors import LigandError
from kinscope.ligands.library import check_definition, identity, load_ligand, parse_smiles
from kinscope.ligands.stereo import open_stereo
from kinscope.targets.loader import load_target

PACK = load_target("abl1")

# Formula at pH 7.4 and charge, from the neutral formulas of the Chemical Component Dictionary.
KNOWN = {
    "imatinib": ("C29H32N7O+", 1),
    "nilotinib": ("C28H22F3N7O", 0),
    "dasatinib": ("C22H26ClN7O2S", 0),
    "bosutinib": ("C26H30Cl2N5O3+", 1),
    "ponatinib": ("C29H28F3N6O+", 1),
    "olverembatinib": ("C29H28F3N6O+", 1),
    "asciminib": ("C20H18ClF2N5O3", 0),
    "axitinib": ("C22H18N4OS", 0),
    "pd166326": ("C21H16Cl2N4O2", 0),
    "myristate": ("C14H27O2-", -1),
}


def test_the_library_holds_the_drugs_of_the_question() -> None:
    assert set(KNOWN) <= {drug.id for drug in PACK.drugs}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_formula_and_charge_at_ph_74(name: str) -> None:
    drug = PACK.drug(name)
    molecule = parse_smiles(drug.smiles_ph74, where=name)
    known = identity(molecule)
    assert (rdMolDescriptors.CalcMolFormula(molecule), known.charge) == KNOWN[name]


@pytest.mark.parametrize("drug", PACK.drugs, ids=lambda drug: drug.id)
def test_both_smiles_are_one_compound_with_its_inchikey(drug) -> None:  # type: ignore[no-untyped-def]
    check_definition(drug.id, drug.smiles, drug.smiles_ph74, drug.identifiers["InChIKey"])
    assert drug.protonation_reason
    assert drug.sources
    assert drug.state in {state.id for state in PACK.states}


def test_asciminib_is_the_r_enantiomer() -> None:
    molecule = parse_smiles(PACK.drug("asciminib").smiles, where="asciminib")
    assert [label for _, label in Chem.FindMolChiralCenters(molecule)] == ["R"]


def test_axitinib_has_its_double_bond_stated() -> None:
    assert not open_stereo(parse_smiles(PACK.drug("axitinib").smiles, where="axitinib"))[0]
    unstated = parse_smiles("CNC(=O)c1ccccc1Sc1ccc2c(C=Cc3ccccn3)n[nH]c2c1", where="axitinib")
    assert open_stereo(unstated)[0] == ("C17=C18",)


def test_a_loaded_ligand_is_three_dimensional_complete_and_the_same_every_time() -> None:
    from kinscope.ligands.library import _load

    first = load_ligand(PACK.drug("asciminib")).GetConformer().GetPositions()
    _load.cache_clear()
    second = load_ligand(PACK.drug("asciminib"))
    assert np.array_equal(first, second.GetConformer().GetPositions())
    assert np.ptp(first, axis=0).min() > 1.0
    assert second.GetNumAtoms() == 20 + 18 + 1 + 2 + 5 + 3


def test_a_wrong_inchikey_is_named() -> None:
    drug = PACK.drug("imatinib")
    with pytest.raises(LigandError, match="InChIKey"):
        check_definition(
            "imatinib", drug.smiles, drug.smiles_ph74, PACK.drug("nilotinib").identifiers["InChIKey"]
        )


def test_two_different_compounds_are_not_one_definition() -> None:
    with pytest.raises(LigandError, match="different compounds"):
        check_definition("x", "CCO", "CC[NH3+]")
