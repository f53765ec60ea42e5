"""A user's ligand is read, or refused with a reason and a remedy."""

from __future__ import annotations

import re
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
    from rdkit import Chem

    first = ligand_from_sdf(path)
    assert Chem.FindMolChiralCenters(first.molecule) == [(1, "S")]
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
    with pytest.raises(LigandError, match="no such file"):
        ligand_from_sdf(tmp_path / "absent.sdf")


def drawn(smiles: str, *, v3000: bool = False) -> str:
    from rdkit import Chem
    from rdkit.Chem import rdDepictor

    molecule = Chem.MolFromSmiles(smiles)
    rdDepictor.Compute2DCoords(molecule)
    return Chem.MolToMolBlock(molecule, forceV3000=v3000)


FLAT, FLAT_V3000 = drawn("Cc1ccc(NC(=O)c2ccccc2)cc1"), drawn("Cc1ccc(NC(=O)c2ccccc2)cc1", v3000=True)
CHIRAL, CHIRAL_V3000 = drawn("C[C@H](N)c1ccccc1C"), drawn("C[C@H](N)c1ccccc1C", v3000=True)
END, END_V3000 = "M  END", "M  V30 END BOND"


def first_atom(symbol: str, more: str = "") -> str:
    lines = FLAT.replace(END, more + END).split("\n")
    return "\n".join([*lines[:4], lines[4][:31] + f"{symbol:3}" + lines[4][34:], *lines[5:]])


def group(kind: str) -> str:
    collection = f"M  V30 BEGIN COLLECTION\nM  V30 MDLV30/{kind} ATOMS=(1 2)\nM  V30 END COLLECTION"
    return CHIRAL_V3000.replace(END_V3000, f"{END_V3000}\n{collection}")


def bond(order: str) -> str:
    return FLAT.replace("  1  2  1  0", f"  1  2{order:>3}  0")


REFUSED = {
    "any atom": (first_atom("A"), "R groups"), "hetero atom": (first_atom("Q"), "R groups"),
    "atom list": (first_atom("L", "M  ALS   1  2 F C   N   \n"), "R groups"),
    "R group": (first_atom("R#", "M  RGP  1   1   1\n"), "R groups"), "star": (first_atom("*"), "R groups"),
    "pseudo atom": (first_atom("Pol"), "R groups"), "abbreviated": (first_atom("Ph"), "not a molecule"),
    "alias": (first_atom("C", "A    1\nCF3\n"), "abbreviations"),
    "attachment": (first_atom("C", "M  APO  1   1   1\n"), "attachment"),
    "query of hydrogens": (first_atom("C", "M  SUB  1   1   1\n"), "query"),
    "radical": (first_atom("C", "M  RAD  1   1   2\n"), "radical"),
    "polymer": (first_atom("C", "M  STY  1   1 SRU\nM  SAL   1  2   1   2\nM  SMT   1 n\n"), "repeating"),
    "link node": (first_atom("C", "M  LIN  1   2   2   1   3\n"), "repeating"),
    "single or double": (bond("5"), "query"), "any bond": (bond("8"), "query"),
    "no bond": (bond("0"), "not single"),
    "dative": (bond("9"), "not single"), "letter for a bond": (bond("x"), "not a molecule"),
    "V3000 bracket for a bond": (FLAT_V3000.replace("M  V30 1 1 1 2", "M  V30 1 ] 1 2"), "not single"),
    "V3000 bracket in a ring": (re.sub("V30 3 [12] 3 4", "V30 3 ] 3 4", FLAT_V3000), "not single"),
    "V3000 hydrogen bond": (FLAT_V3000.replace("M  V30 1 1 1 2", "M  V30 1 10 1 2"), "not single"),
    "V3000 list": (FLAT_V3000.replace("M  V30 1 C", "M  V30 1 [C,N]"), "R groups"),
    "V3000 several ends": (
        FLAT_V3000.replace("M  V30 1 1 1 2", "M  V30 1 1 1 2 ENDPTS=(2 3 4) ATTACH=ANY"), "any of several"
    ),
    "V3000 count": (FLAT_V3000.replace("COUNTS 16", "COUNTS 9999999"), "not a molecule"),
    "racemate": (group("STERAC1"), "racemate"), "racemate in small letters": (group("sterac1"), "racemate"),
    "one of a pair": (group("STEREL1"), "which is not known"),
    "wavy": (CHIRAL_V3000.replace("CFG=1", "CFG=2").replace("CFG=3", "CFG=2"), "stereochemistry open"),
    "letter in the atoms": (first_atom("\xc7"), "not ASCII"),
    "MOL2": ("@<TRIPOS>MOLECULE\nx\n", "another format"),
    "PDB": ("ATOM      1  CA  ALA A   1       1.000   2.000   3.000\nEND\n", "another format"),
    "salt": (drawn("[NH4+].[O-]C(=O)c1ccccc1C"), "separate molecules"),
    "two": (f"{FLAT}$$$$\n{FLAT}", "2 molecules"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_a_file_of_no_one_molecule_is_refused_by_what_it_is(tmp_path: Path, case: str) -> None:
    text, reason = REFUSED[case]
    (tmp_path / "x.sdf").write_bytes(text.encode("latin-1"))
    with pytest.raises(LigandError, match=reason) as caught:
        ligand_from_sdf(tmp_path / "x.sdf")
    assert caught.value.remedy


TITLE = FLAT.split("\n", 1)[1]


@pytest.mark.parametrize(
    "text",
    [
        f"caf\xe9 \xb5M\n{TITLE}".encode("latin-1"), f"caf\xe9 \u202e\n{TITLE}".encode(),
        b"\xef\xbb\xbf" + FLAT.encode(),
        FLAT.replace("\n", "\r\n").encode(), FLAT.replace("\n", "\r").encode(), FLAT_V3000.encode(),
        (FLAT + "\n> <Name>\ncaf\xe9 $$$$\n\n$$$$\n").encode("latin-1"), f"$5\n{TITLE}".encode(),
        FLAT.replace("\n\n", "\n5 \xb5M, 20 \xb0C\n", 1).encode("latin-1"),
        first_atom("C", "A    1\nCH3\n").encode(), first_atom("C", "M  STY  1   1 DAT\n").encode(),
        drawn("Cc1ccc(NC(=O)c2ccccc2)cc1").replace("  4  0", "  4  0").encode(),
    ],
)  # fmt: skip
def test_titles_comments_data_and_line_ends_are_as_programs_write_them(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x.sdf").write_bytes(text)
    assert ligand_from_sdf(tmp_path / "x.sdf").identity.smiles == "Cc1ccc(NC(=O)c2ccccc2)cc1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CHIRAL, True), (CHIRAL_V3000, True), (group("STEABS"), False), (FLAT, False),
        (CHIRAL.replace("  0  0  0  0  0  0  0  0999", "  0  0  1  0  0  0  0  0999"), False),
    ],
)  # fmt: skip
def test_wedges_without_the_chiral_flag_are_docked_as_drawn_and_said(
    tmp_path: Path, text: str, told: bool
) -> None:
    (tmp_path / "x.sdf").write_text(text)
    found = ligand_from_sdf(tmp_path / "x.sdf")
    assert ("chiral-flag-unset" in {note.code for note in found.notes}) == told
    assert found.identity.smiles.count("@") == (text is not FLAT)


def test_coordinates_that_show_no_configuration_leave_it_open(tmp_path: Path) -> None:
    from rdkit import Chem

    molecule = ligand_from_smiles("C/C=C/Cc1ccccc1").molecule
    conformer = molecule.GetConformer()
    point = conformer.GetAtomPosition(1)
    ends = [conformer.GetAtomPosition(index) for index in (0, 2)]
    conformer.SetAtomPosition(0, point + (point - ends[1]))  # straight: neither E nor Z
    heavy = Chem.RemoveHs(molecule)
    (tmp_path / "x.sdf").write_text(Chem.MolToMolBlock(heavy))
    with pytest.raises(LigandError, match="coordinates leave the stereochemistry open at C2=C3"):
        ligand_from_sdf(tmp_path / "x.sdf")
