"""A user's ligand is read, or refused with a reason and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import LigandError
from kinscope.ligands.user import UserLigand, ligand_from_sdf, ligand_from_smiles

ATP = "Nc1ncnc2c1ncn2[C@@H]1O[C@H](COP(=O)([O-])OP(=O)([O-])OP(=O)([O-])[O-])[C@@H](O)[C@H]1O"

BAD = {
    "empty": ("", "not a molecule"),
    "prose": ("not a smiles", "not a molecule"),
    "open ring": ("c1ccccc", "not a molecule"),
    "five-bonded carbon": ("CC(C)(C)(C)(C)C", "valence"),
    "platinum": ("N[Pt](Cl)(Cl)NCCCC", "Pt"),
    "bare iron": ("[Fe+2]", "Fe"),
    "boron": ("c1ccccc1B(O)O", "B"),
    "hydrochloride": ("CC(=O)Oc1ccccc1C(=O)O.Cl", "separate molecules"),
    "sodium salt": ("[Na+].CC(C)Cc1ccc(cc1)C(C)C(=O)[O-]", "Na"),
    "oxygen": ("O=O", "no carbon"),
    "ethanol": ("CCO", "heavy atoms"),
    "grease": ("C" * 150, "150 heavy atoms"),
    "long chain": ("C" * 40, "rotatable bonds"),
    "peptide": ("NCC(=O)NCC(=O)NCC(=O)NCC(=O)NCC(=O)NCC(=O)O", "peptide"),
    "macrocycle": ("C1CCCCCCCCCCCCCC1", "ring of 15"),
    "radical": ("c1ccccc1[CH2]", "radical"),
    "open stereocentre": ("c1ccccc1C(F)(Cl)C(=O)N", "Stereochemistry"),
    "open double bond": ("c1ccccc1CC=CC", "Stereochemistry"),
    "five charges": ("[O-]C(=O)c1c(C(=O)[O-])c(C(=O)[O-])c(C(=O)[O-])c(C(=O)[O-])c1", "charges"),
    "markup": ("<script>", "not a molecule"),
    "too long": ("C" * 5000, "characters long"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_ligands_get_a_reason_and_a_remedy(case: str) -> None:
    smiles, reason = BAD[case]
    with pytest.raises(LigandError) as caught:
        ligand_from_smiles(smiles)
    assert reason in caught.value.what
    assert caught.value.where
    assert caught.value.remedy


@pytest.mark.parametrize("smiles", ["Cc1ccc(NC(=O)c2ccccc2)cc1", "C[C@H](N)c1ccccc1", ATP])
def test_good_ligands_are_taken(smiles: str) -> None:
    ligand = ligand_from_smiles(smiles, "mine")
    assert ligand.molecule.GetNumConformers() == 1
    assert ligand.identity.name == "mine"
    assert "protonation-as-given" in {note.code for note in ligand.notes}


def taken(text: str) -> UserLigand | LigandError:
    try:
        return ligand_from_smiles(text)
    except LigandError as error:
        return error


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_no_text_gives_anything_but_a_ligand_or_a_ligand_error(text: str) -> None:
    found = taken(text)
    if isinstance(found, LigandError):
        assert all((found.what, found.where, found.remedy))
    else:
        assert found.molecule.GetNumConformers() == 1
        assert ligand_from_smiles(found.identity.smiles).identity.smiles == found.identity.smiles


def write_sdf(path: Path, smiles: str) -> Path:
    from rdkit import Chem

    molecule = ligand_from_smiles(smiles).molecule
    with Chem.SDWriter(str(path)) as writer:
        writer.write(molecule)
    return path


def test_an_sdf_keeps_its_own_coordinates(tmp_path: Path) -> None:
    path = write_sdf(tmp_path / "a.sdf", "C[C@H](N)c1ccccc1")
    first = ligand_from_sdf(path)
    assert first.identity.stereocentres == ("C1 S",)
    assert first.identity.name == "a"


def test_broken_sdf_files(tmp_path: Path) -> None:
    good = write_sdf(tmp_path / "good.sdf", "Cc1ccc(NC(=O)c2ccccc2)cc1").read_text()
    cases = {
        "cut.sdf": good[: len(good) // 2],
        "empty.sdf": "",
        "two.sdf": good + good,
        "noise.sdf": "\x00\x01 hello",
        "counts.sdf": good.replace(good.splitlines()[3], "999999  0  0  0  0  0  0  0999 V2000"),
    }
    for name, text in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(LigandError):
            ligand_from_sdf(tmp_path / name)
    (tmp_path / "binary.sdf").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LigandError, match="not text"):
        ligand_from_sdf(tmp_path / "binary.sdf")
    with pytest.raises(LigandError, match="cannot be read"):
        ligand_from_sdf(tmp_path / "absent.sdf")
