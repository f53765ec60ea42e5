"""Ligands that a user names: each by itself, a bad one costs no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kinscope.core.errors import LigandError
from kinscope.ligands.library import check_definition, load_ligand
from kinscope.ligands.user import EXAMPLE_LIST, ligand_from_sdf, ligand_from_smiles, read_given

BENZANILIDE = "Cc1ccc(NC(=O)c2ccccc2)cc1"


def sdf_of(smiles: str, *, flat: bool = False) -> str:
    from rdkit import Chem
    from rdkit.Chem import rdDepictor

    molecule = ligand_from_smiles(smiles).molecule
    if flat:
        molecule = Chem.RemoveHs(molecule)
        molecule.RemoveAllConformers()
        rdDepictor.Compute2DCoords(molecule)
    return Chem.MolToMolBlock(molecule) + "$$$$\n"


def test_one_bad_ligand_leaves_the_good_ones(tmp_path: Path) -> None:
    (tmp_path / "good.sdf").write_text(sdf_of(BENZANILIDE))
    (tmp_path / "broken.sdf").write_text(sdf_of(BENZANILIDE)[:200])
    (tmp_path / "empty.sdf").write_text("")
    found = read_given(
        [tmp_path / name for name in ("good.sdf", "broken.sdf", "empty.sdf", "absent.sdf")],
        [f"{BENZANILIDE} mine", "[Na+].[O-]C(=O)c1ccccc1 salt", "N[Pt](Cl)(Cl)NCCCC"],
        site="atp", state="", taken=["imatinib"],
    )  # fmt: skip
    assert [ligand.id for ligand in found.good] == ["good", "mine"]
    assert len(found.bad) == 5
    for error in found.bad:
        assert error.what
        assert error.where
        assert error.remedy
        assert error.exit_code == 2
    for ligand in found.good:
        check_definition(ligand.id, ligand.smiles, ligand.smiles_ph74, ligand.identifiers["InChIKey"])


@pytest.mark.parametrize(
    ("smiles", "charge"),
    [
        ("Cc1ccc(NC(=O)c2ccc(C[NH+]3CCN(C)CC3)cc2)cc1", 1),
        ("Cc1ccc(NC(=O)c2ccc(C(=O)[O-])cc2)cc1", -1),
        ("[O-]C(=O)c1ccc(NC(=O)C[NH+]2CCCC2)cc1", 0),
        ("Cc1ccc(NC(=O)c2ccc(C[N+](C)(C)C)cc2)cc1", 1),
    ],
)
def test_a_charged_ligand_is_docked_as_it_was_given(smiles: str, charge: int) -> None:
    from rdkit import Chem

    (ligand,) = read_given([], [f"{smiles} mine"], site="atp", state="", taken=[]).good
    assert Chem.GetFormalCharge(load_ligand(ligand)) == charge
    assert Chem.MolToSmiles(Chem.RemoveHs(load_ligand(ligand))) == Chem.CanonSmiles(smiles)


def test_a_list_of_smiles_names_the_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.smi"
    path.write_text(f"# two good, one bad\n{BENZANILIDE} first one\n\nnot-a-smiles second\nCc1ccccc1C#N\n")
    found = read_given([path], [], site="atp", state="")
    assert [ligand.id for ligand in found.good] == ["first-one", "mine-5"]
    assert "line 4" in found.bad[0].where


def test_a_triple_bond_is_no_comment(tmp_path: Path) -> None:
    path = tmp_path / "mine.smi"
    path.write_text("Cc1ccccc1C#N nitrile\n")
    assert read_given([path], [], site="atp", state="").good[0].smiles.count("#") == 1


@pytest.mark.parametrize(
    "smiles",
    [
        "O=C(Nc1ccccc1)c1ccccc1", "C=Cc1ccccc1", "N#Cc1ccccc1C", "CN=C1CCCCC1", "S=C=NCc1ccccc1",
        "Cl/C=C/c1ccccc1", "C1(C#N)=CCCCC1", "O=C1CCCCC1=O", "I/C=C/CCCC", "c1:c:c:c:c:c1-C", "C%12CCCCC%12C",
        "C=%10CCCCC=%10", "[NH3+]Cc1ccccc1", "C[N+](C)(C)CC(=O)[O-]", "F[C@H](Cl)c1ccccc1", "[13CH3]c1ccccc1",
        "Br=CCCCCC", "P=CCCCCC", "CO=CCCCCC",
    ],
)  # fmt: skip
def test_an_equals_sign_belongs_to_the_smiles(smiles: str) -> None:
    from rdkit import Chem

    for text, name in ((smiles, "ligand-1"), (f"{smiles} my name=x", "my name=x"), (f"{smiles}\tt", "t")):
        found = read_given([], [text], site="atp", state="")
        whole = Chem.MolFromSmiles(smiles)
        for atom in whole.GetAtoms() if whole else ():
            atom.SetIsotope(0)
        assert [ligand.smiles for ligand in found.good] == ([Chem.MolToSmiles(whole)] if whole else [])
        assert [ligand.name for ligand in found.good] == ([name] if whole else [])
        assert len(found.bad) == (whole is None)


@pytest.mark.parametrize("text", ["mine=CCCCCCC", "my-1=c1ccccc1C", "Imatinib=Cc1ccccc1", "a=b=Cc1ccccc1"])
def test_a_name_before_the_smiles_is_told_where_it_stands(text: str) -> None:
    (error,) = read_given([], [text], site="atp", state="").bad
    assert '"SMILES NAME"' in error.remedy


ATOMS = st.sampled_from(
    ["C", "N", "O", "c1ccccc1", "C(=O)", "S(=O)(=O)", "[NH+](C)", "C(F)(F)", "[nH]1cccc1"]
)
BONDS = st.sampled_from(["", "-", "=", "#", "/", "\\", ":", "$", "~", "."])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(BONDS, ATOMS), min_size=5, max_size=9),
    st.sampled_from(["", " |a:1|"]),
    st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="|"), max_size=12),
)
def test_what_is_docked_is_what_was_written_whatever_its_bonds(
    parts: list[tuple[str, str]], extension: str, name: str
) -> None:
    from rdkit import Chem, rdBase

    smiles = "".join(bond + atom for bond, atom in parts).lstrip("-=#/\\:$~.")
    with rdBase.BlockLogs():
        written = Chem.MolFromSmiles(smiles)
    found = read_given([], [f"{smiles}{extension} {name}"], site="atp", state="")
    assert len(found.good) + len(found.bad) == 1
    for ligand in found.good:
        assert ligand.smiles == Chem.MolToSmiles(written)
        assert ligand.name == (name[:40] or "ligand-1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("C\udcffCCCCCC", "no SMILES has"), ("C\xffCCCCCC", "no SMILES has"),
        ("CC\u202eCCCC", "no SMILES has"),
        ("CC\x00CCCCC", "no SMILES has"), ("C=1CCCCC#1C", "ring bond 1 is = at one end and # at the other"),
        ("C=%12CCCCC-%12C", "ring bond 12"), ("CC~Cc1ccccc1", "query"), ("CC->Nc1ccccc1", "not single"),
        ("C:Cc1ccccc1C", "not single"), ("*Cc1ccccc1C", "R groups"), ("CCc1ccccc1C |LN:1:1.5|", r"\(LN\)"),
        ("CCOc1ccccc1C |Sg:n:1,2:3:ht|", r"\(Sg\)"), ("CCc1ccccc1C |m:0:3.4|", r"\(m\)"),
        ("C[CH]c1ccccc1C |^1:1|", r"\(\^\)"), ("CCc1ccccc1C |what|", r"\(what\)"),
        ("CCc1ccccc1C |a:1", "not a molecule"), ("c1ccccc1C>>c1ccccc1", "not a molecule"),
        ("InChI=1S/C7H8/c1-7-5-3-2-4-6-7/h2-6H,1H3", "not a molecule"), ("imatinib", "not a molecule"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_one_molecule_is_refused_by_what_it_is(text: str, reason: str) -> None:
    (error,) = read_given([], [f"{text} named"], site="atp", state="").bad
    assert error.exit_code == 2
    with pytest.raises(LigandError, match=reason):
        raise error


def test_lists_are_read_in_every_encoding_and_say_nothing_but_the_line(tmp_path: Path) -> None:
    lines = [
        "SMILES\tName",
        f"{BENZANILIDE}\tcaf\xe9",
        "",
        "# C",
        "secret-patient=C x",
        f"{BENZANILIDE} \x1b[31mRED",
    ]
    for ending in ("\n", "\r\n", "\r"):
        for encoding in ("utf-8", "utf-8-sig", "latin-1"):
            path = tmp_path / "list.smi"
            path.write_bytes(ending.join(lines).encode(encoding))
            found = read_given([path], [], site="atp", state="")
            assert [ligand.name for ligand in found.good] == ["caf\xe9", "?[31mRED"]
            (error,) = found.bad
            assert error.where == f"{path}, line 5"
            assert "secret" not in str(error)


NITRILE = "Cc1ccccc1C#N"
COLUMNS = {
    "name before SMILES": (f"Name\tSMILES\nmine\t{NITRILE}\n", ["mine"]),
    "a name that reads as a SMILES": (f"ID\tSMILES\tMW\nCCCCCCN\t{NITRILE}\t117\n", ["CCCCCCN"]),
    "commas": (f"IsomericSMILES,Name\n{NITRILE},mine\n", ["mine"]),
    "quotes and semicolons": (f'"Smiles";"ChEMBL ID"\n"{NITRILE}";"a, b"\n', ["a, b"]),
    "blanks": (f"zinc_id smiles\nZINC1 {NITRILE}\n", ["ZINC1"]),
    "SMILES before a name of two words": (f"smiles name\n{NITRILE} my own\n", ["my own"]),
    "the name far off": (f"#\nSMILES\tMW\tTitle\n{NITRILE}\t117\tx\n{NITRILE}\t117\ty\n", ["x", "y"]),
    "no name": (f"MW,SMILES\n,{NITRILE}\n", ["list-2"]),
    "two kinds of SMILES": (f"canonical_smiles,isosmiles,cid\nCCCCCCC,{NITRILE},7\n", ["7"]),
    "a ligand called so": (f"{NITRILE}\tsmiles\n", ["smiles"]),
}


@pytest.mark.parametrize("case", sorted(COLUMNS))
@pytest.mark.parametrize("suffix", [".smi", ".csv"])
def test_a_list_whose_first_line_names_its_columns_is_read_by_them(
    tmp_path: Path, case: str, suffix: str
) -> None:
    text, names = COLUMNS[case]
    (tmp_path / f"list{suffix}").write_text(text)
    found = read_given([tmp_path / f"list{suffix}"], [], site="atp", state="")
    assert not found.bad
    assert [(ligand.smiles, ligand.name) for ligand in found.good] == [(NITRILE, name) for name in names]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SMILES,smiles,name\nCCCCCCC,CCCCCCN,x\n", "2 columns"), (f"CCCCCCN\t{NITRILE}\n", "Two SMILES"),
        (f"{NITRILE} CCCCCCN\n", "Two SMILES"), (f"Name,SMILES\nmine\n\n{NITRILE}\n", "not a molecule"),
    ],
)  # fmt: skip
def test_a_list_that_leaves_open_which_is_the_ligand_is_refused(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "list.smi").write_text(text)
    found = read_given([tmp_path / "list.smi"], [], site="atp", state="")
    assert not found.good
    assert all(reason in error.what for error in found.bad)


def test_the_ligand_that_ships_is_read_like_a_users_and_is_no_drug_of_the_pack() -> None:
    from kinscope.targets import load_target

    drugs = load_target("abl1").drugs
    found = read_given([EXAMPLE_LIST], [], site="atp", state="", taken=[drug.id for drug in drugs])
    assert not found.bad
    (ligand,) = found.good
    assert (ligand.id, ligand.binding_type) == ("rebastinib", "given")
    # PubChem CID 16722938
    assert ligand.identifiers["InChIKey"] == "WVXNSAVVKYZVOE-UHFFFAOYSA-N"
    assert ligand.identifiers["InChIKey"] not in {drug.identifiers.get("InChIKey") for drug in drugs}


def test_names_are_free_of_what_is_taken_and_of_each_other() -> None:
    given = [f"{BENZANILIDE} {name}" for name in ("Imatinib", "a/b", "x y", "x-y", "../../x", "\u202ex")]
    found = read_given([], given, site="atp", state="", taken=["imatinib"])
    names = [ligand.id for ligand in found.good]
    assert names[0] == "imatinib-2"
    assert len(set(names)) == len(names)
    assert all("/" not in name for name in names)


def test_two_ligands_of_one_name_can_be_told_apart() -> None:
    found = read_given([], [f"{BENZANILIDE} Mine", f"C{BENZANILIDE} Mine"], site="atp", state="")
    assert [ligand.name for ligand in found.good] == ["Mine", "Mine-2"]
    assert {name for name, _ in found.notes} == {"Mine", "Mine-2"}


def test_a_flat_file_is_built_whatever_its_header_says(tmp_path: Path) -> None:
    text = sdf_of(BENZANILIDE, flat=True)
    (tmp_path / "flat.sdf").write_text(text)
    (tmp_path / "lies.sdf").write_text(text.replace("  2D", "  3D"))
    for name in ("flat.sdf", "lies.sdf"):
        found = ligand_from_sdf(tmp_path / name)
        assert "ligand-flat" in {note.code for note in found.notes}
        heights = found.molecule.GetConformer().GetPositions()[:, 2]
        assert heights.max() - heights.min() > 0.5


def test_a_flat_file_without_wedges_is_refused(tmp_path: Path) -> None:
    text = sdf_of("C[C@H](N)c1ccccc1", flat=True)
    lines = [line[:9] + "  0" if len(line) == 12 else line for line in text.split("\n")]
    plain = "\n".join(lines)
    (tmp_path / "open.sdf").write_text(plain)
    with pytest.raises(LigandError, match="stereochemistry open"):
        ligand_from_sdf(tmp_path / "open.sdf")


def test_isotope_labels_are_dropped_and_said() -> None:
    found = ligand_from_smiles("[2H]C([2H])([2H])c1ccc(NC(=O)c2ccccc2)cc1")
    assert found.identity.inchikey == ligand_from_smiles(BENZANILIDE).identity.inchikey
    assert any(note.values.get("labels") == ("2H",) for note in found.notes)
    carbon = ligand_from_smiles("[13CH3]c1ccc(NC(=O)c2ccccc2)cc1")
    assert carbon.identity.smiles == ligand_from_smiles(BENZANILIDE).identity.smiles


def test_atoms_on_top_of_each_other_are_no_molecule(tmp_path: Path) -> None:
    lines = sdf_of(BENZANILIDE).split("\n")
    lines[5] = lines[4][:30] + lines[5][30:]
    (tmp_path / "heap.sdf").write_text("\n".join(lines))
    with pytest.raises(LigandError, match="coordinates"):
        ligand_from_sdf(tmp_path / "heap.sdf")
    far = sdf_of(BENZANILIDE).split("\n")
    far[4] = "  900.0000" + far[4][10:]
    (tmp_path / "far.sdf").write_text("\n".join(far))
    with pytest.raises(LigandError, match="coordinates"):
        ligand_from_sdf(tmp_path / "far.sdf")


@pytest.mark.parametrize(
    "smiles",
    [
        "[NH3+]CC[NH2+]CC[NH2+]CC[NH2+]CC[NH2+]CC([O-])CC([O-])C",
        "[O-][N+](=O)c1ccc([N+](=O)[O-])c(c1)[C+2]c1ccccc1",
    ],
)
def test_charged_nonsense_is_refused(smiles: str) -> None:
    with pytest.raises(LigandError):
        ligand_from_smiles(smiles)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--smiles", "N[Pt](Cl)(Cl)NCCCC"], "Pt"),
        (["--ligand", "absent.sdf"], "no such file"),
        (["--smiles", BENZANILIDE, "--site", "nowhere"], "no site"),
        (["--site", "nowhere"], "no site"),
    ],
)
def test_the_command_ends_with_a_reason_and_leaves_no_directory(
    tmp_path: Path, arguments: list[str], reason: str
) -> None:
    import typer

    from kinscope.cli.commands import register
    from kinscope.core.errors import BadInputError

    app = typer.Typer()
    register(app)
    out = tmp_path / "run"
    result = CliRunner().invoke(app, ["dock", "K404E", "--out", str(out), "--quiet", *arguments])
    assert isinstance(result.exception, BadInputError)
    assert result.exception.exit_code == 2
    assert reason in result.exception.what
    assert not out.exists()
