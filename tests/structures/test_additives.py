"""What crystals hold of their solution is no drug, and drugs are no additives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.ligands.library import embed, load_ligand, parse_smiles
from kinscope.structures.user.ligands import is_additive
from kinscope.targets import load_target

PACK = load_target("abl1")


def heavy(molecule):  # type: ignore[no-untyped-def]
    rows = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() > 1]
    elements = [molecule.GetAtomWithIdx(row).GetSymbol() for row in rows]
    return elements, np.asarray(molecule.GetConformer().GetPositions())[rows]


def shaped(smiles: str):  # type: ignore[no-untyped-def]
    return heavy(embed(parse_smiles(smiles, where="test"), where="test", conformers=1))


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 7), st.booleans(), st.booleans(), st.integers(0, 999))
def test_a_glycol_of_any_length_and_any_end_is_one_by_its_shape(
    n: int, first: bool, last: bool, seed: int
) -> None:
    """PEG, PG4, 1PE, ...: the code does not matter, nor do the order of atoms and a missing end."""
    elements, places = shaped(("C" if first else "") + "OCC" * n + "O" + ("C" if last else ""))
    order = np.random.default_rng(seed).permutation(len(elements))
    assert is_additive("XYZ", [elements[row] for row in order], places[order])


@pytest.mark.parametrize(
    "smiles",
    [
        "CCCCCCCCCCCCCC(=O)[O-]",  # myristate, which has a pocket of its own in ABL1
        "OCCCO", "CCCCO", "C1COCCO1", "OCC(O)CO", "OCCOc1ccccc1", "COCCOCCN",
    ],
)  # fmt: skip
def test_what_only_resembles_a_glycol_is_none(smiles: str) -> None:
    assert not is_additive("XYZ", *shaped(smiles))


@pytest.mark.parametrize("code", ["EPE", "MES", "CIT", "MPD", "BOG", "dtt"])
def test_buffers_salts_detergents_are_known_by_their_codes(code: str) -> None:
    assert is_additive(code, ["C"], np.zeros((1, 3)))


def test_no_drug_of_a_pack_is_an_additive() -> None:
    for drug in (*PACK.drugs, *load_target("src").drugs):
        assert not is_additive(drug.ccd, *heavy(load_ligand(drug)))
