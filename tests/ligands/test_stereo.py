"""What is left open of a molecule's configuration is what can exist in two forms, and only that."""

from __future__ import annotations

import time

import pytest

from kinscope.core.errors import LigandError
from kinscope.ligands.library import load_ligand
from kinscope.ligands.stereo import open_stereo
from kinscope.ligands.user import ligand_from_smiles, read_given

COMPLETE = {
    "isocyanate": "O=C=Nc1ccccc1", "isothiocyanate": "S=C=NCc1ccccc1", "ketene": "O=C=C(C)c1ccccc1",
    "carbodiimide": "C(=NC1CCCCC1)=NC1CCCCC1", "azide": "[N-]=[N+]=NCc1ccccc1",
    "diazo": "COC(=O)C(=[N+]=[N-])c1ccccc1", "sulfinylamine": "O=S=Nc1ccccc1",
    "nitro": "O=[N+]([O-])c1ccccc1",
    "N-oxide": "Cc1cccc[n+]1[O-]", "terminal allene": "C=C=CCc1ccccc1",
    "allene with a like end": "CC=C=C(C)C",
    "quinuclidine": "C1CN2CCC1CC2", "quinuclidin-3-ol": "O[C@H]1CN2CCC1CC2", "DABCO": "C1CN2CCN1CC2",
    "adamantane": "C1C2CC3CC1CC(C2)C3", "amantadine": "NC12CC3CC(CC(C3)C1)C2",
    "memantine": "CC12CC3CC(C)(C1)CC(N)(C3)C2", "adamantan-2-ol": "OC1C2CC3CC(C2)CC1C3",
    "urotropine": "C1N2CN3CN1CN(C2)C3", "cubane": "C12C3C4C1C5C2C3C45", "tropane": "CN1C2CCC1CCC2",
    "tropinone": "CN1C2CCC1CC(=O)C2", "granatane": "CN1C2CCCC1CCC2", "norbornane": "C1CC2CCC1C2",
    "bicyclopentane": "OC(=O)C12CC(C1)(C2)c1ccccc1", "8-aryl-3,8-diazabicyclooctane": "C1NCC2CCC1N2c1ccccc1",
    "varenicline": "C1C2CNCC1c1cc3nccnc3cc12", "cyclohexene oxide": "C1CCC2OC2C1",
    "triptycene": "c1ccc2c(c1)C1c3ccccc3C2c2ccccc12", "N-protonated piperidine": "C[NH+]1CCC(c2ccccc2)CC1",
    "N-protonated amine": "CC[NH+](C)Cc1ccccc1", "sulfonate": "[O-]S(=O)(=O)c1ccccc1",
    "sulfinate": "O=S([O-])c1ccccc1", "phosphonate ester": "CP(=O)([O-])OCc1ccccc1",
    "phosphonic half ester": "COP(=O)(O)c1ccccc1", "sulfonimidamide": "N=S(N)(=O)c1ccccc1",
    "biaryl": "Cc1cccc(N)c1-c1c(C)cccc1C(=O)O",
}  # fmt: skip

TURNING = {
    "amidine": "N=C(N)c1ccccc1", "N-methylamidine": "CN=C(N)c1ccccc1",
    "N,N-dimethylamidine": "CN(C)C(=N)c1ccccc1",
    "formamidine": "CN(C)C=Nc1ccccc1", "guanidine": "N=C(N)NCc1ccccc1",
    "cyanoguanidine": "CNC(=NC#N)NCCc1ccccc1",
    "isothiourea": "CN=C(NCc1ccccc1)SC", "isourea": "COC(=N)Nc1ccccc1", "imine": "CC(=N)c1ccccc1",
    "amidinium": "C[NH+]=C(N)c1ccccc1", "nitroguanidine": "CNC(=N[N+](=O)[O-])NCc1ccccc1",
    "cyclic guanidine": "CN1C(=N)NC(=O)C1(c1ccccc1)c1ccccc1",
}  # fmt: skip

OPEN = {
    "oxime": ("ON=C(C)c1ccccc1", "N2=C3"), "amidoxime": ("ON=C(N)c1ccccc1", "N2=C3"),
    "hydrazone": ("NN=Cc1ccccc1", "N2=C3"), "aldimine": ("CN=Cc1ccccc1", "N2=C3"),
    "nitrone": ("C[N+]([O-])=Cc1ccccc1", "N2=C4"), "azobenzene": ("c1ccccc1N=Nc1ccccc1", "N7=N8"),
    "alkene": ("CC=CCc1ccccc1", "C2=C3"), "wavy alkene": ("CC=CCc1ccccc1 |ctu:1|", "C2=C3"),
    "cyclooctene": ("C1CCCCCC=C1", "C7=C8"), "chiral allene": ("CC=C=CCc1ccccc1", "C2=C3, C3=C4"),
    "chiral allene with a mark that is lost": ("CC=[C@]=CCc1ccccc1", "C2=C3, C3=C4"),
    "butatriene": ("CC=C=C=Cc1ccccc1", "C2=C3"), "alkylidene axis": ("CC=C1CCC(C)CC1", "C6, C2=C3"),
    "sulfoxide": ("CS(=O)c1ccccc1", "S2"), "sulfoximine": ("CS(=O)(=N)c1ccccc1", "S2"),
    "sulfonium": ("C[S+](CC)c1ccccc1", "S2"), "phosphine oxide": ("CP(=O)(CC)c1ccccc1", "P2"),
    "phosphorothioate": ("COP(=O)([S-])Oc1ccccc1", "P3"), "phosphoramidate": ("NP(=O)(OC)Oc1ccccc1", "P2"),
    "ammonium": ("C[N+](CC)(CCC)Cc1ccccc1", "N2"), "amine oxide": ("C[N+]([O-])(CC)Cc1ccccc1", "N2"),
    "aziridine": ("CN1CC1c1ccccc1", "C4"), "alcohol": ("CC(O)c1ccccc1", "C2"),
    "wavy centre": ("CC(F)Cc1ccccc1 |w:1.1|", "C2"), "numbered atoms": ("C[CH:7](F)c1ccccc1", "C2"),
    "quinuclidin-3-ol": ("OC1CN2CCC1CC2", "C2"), "tropine": ("CN1C2CCC1CC(O)C2", "C3, C6, C8"),
    "camphor": ("CC1(C)C2CCC1(C)C(=O)C2", "C4, C7"), "pinene": ("CC1=CCC2CC1C2(C)C", "C5, C7"),
    "decalin": ("C1CCC2CCCCC2C1", "C4, C9"), "bicyclo[3.3.0]": ("C1NCC2CNCC12", "C4, C8"),
    "1,3-cyclobutanediol": ("COC1CC(OC)C1", "C3, C5"), "twistane": ("C1CC2CC3CC1CC2C3", "C3"),
    "rimantadine": ("CC(N)C12CC3CC(CC(C3)C1)C2", "C2"),
    "morphine": ("CN1CCC23C4Oc5c(O)ccc(CC1C2C=CC4O)c35", "C5"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_what_exists_in_one_form_is_complete_and_docked_as_it_was_written(name: str) -> None:
    from rdkit import Chem

    found = read_given([], [f"{COMPLETE[name]} {name}"], site="atp", state="")
    assert not found.bad
    assert found.good[0].smiles == Chem.CanonSmiles(COMPLETE[name])
    assert load_ligand(found.good[0]).GetNumConformers() == 1
    assert "configuration-passing" not in {told.code for _, told in found.notes}


@pytest.mark.parametrize("name", sorted(TURNING))
def test_what_turns_over_by_itself_is_docked_and_said(name: str) -> None:
    from kinscope.interpretation.words.say import say

    found = read_given([], [f"{TURNING[name]} {name}"], site="atp", state="")
    assert not found.bad
    assert load_ligand(found.good[0]).GetNumConformers() == 1
    (told,) = (told for _, told in found.notes if told.code == "configuration-passing")
    assert "=" in told.values["bonds"][0]
    assert "changes by itself" in say(told)


@pytest.mark.parametrize("name", sorted(OPEN))
def test_what_exists_in_several_forms_has_to_be_stated(name: str) -> None:
    smiles, named = OPEN[name]
    with pytest.raises(LigandError, match="Stereochemistry is not stated") as caught:
        ligand_from_smiles(smiles)
    assert named in caught.value.what


@pytest.mark.parametrize(
    "smiles",
    [
        r"C/C(=N\O)c1ccccc1", "C[S@](=O)c1ccccc1", "CC[P@](C)(=O)c1ccccc1", "C/C=C/Cc1ccccc1",
        "CN1[C@@H]2CC[C@H]1C[C@@H](O)C2", "C1NC[C@H]2CNC[C@@H]12", "C1NC[C@H]2CNC[C@H]12",
        "C1CN2CC3=CCO[C@H]4CC(=O)N5[C@H]6[C@H]4[C@H]3C[C@H]2[C@@]61C7=CC=CC=C75",
        "C[C@@H]1CC[C@H]2[C@H](C(=O)O[C@H]3[C@@]24[C@H]1CC[C@](O3)(OO4)C)C",
        "COC1=CC2=C(C=CN=C2C=C1)[C@H]([C@@H]3C[C@@H]4CCN3C[C@@H]4C=C)O",
    ],
)  # fmt: skip
def test_what_is_stated_is_kept(smiles: str) -> None:
    from rdkit import Chem

    assert ligand_from_smiles(smiles).identity.smiles == Chem.CanonSmiles(smiles)


@pytest.mark.parametrize(
    "smiles",
    [
        "CN1[C@H]2CC[C@H]1CCC2", "C1C[C@H]2CC[C@H]1C2", "CC1(C)[C@@H]2CC[C@]1(C)C(=O)C2",
        "CN1[C@H]2CCC[C@H]1CCC2",
        "C1NC[C@@H]2C[C@@H]12", "C1CC[C@H]2O[C@@H]2C1", "O=C1N[C@@H]2CC[C@@H]1C2",
        "Cc1ccc(NC(=O)c2ccc(CN3[C@H]4CC[C@H]3CCC4)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    ],
)  # fmt: skip
def test_what_no_molecule_can_have_is_said_at_once(smiles: str) -> None:
    began = time.process_time()
    with pytest.raises(LigandError, match="cannot exist"):
        ligand_from_smiles(smiles)
    assert time.process_time() - began < 10


MIXTURES = {
    "C[C@H](N)c1ccccc1C |&1:1|": "racemate", "C[C@H](N)c1ccccc1C\t|&1:1|\tnamed": "racemate",
    "C[C@H](N)c1ccccc1C |o1:1| named": "which is not known",
    "C[C@H](F)[C@H](N)c1ccccc1 |a:1,&1:3|": "racemate",
    "C[C@H](F)[C@H](N)c1ccccc1 |o1:1,3|": "which is not known", "C[C@H](N)c1ccccc1C |r|": "mixture",
}  # fmt: skip


@pytest.mark.parametrize("text", sorted(MIXTURES))
def test_a_racemate_and_one_of_a_pair_are_refused(text: str) -> None:
    with pytest.raises(LigandError, match=MIXTURES[text]):
        ligand_from_smiles(text)


def test_a_group_that_states_the_absolute_configuration_changes_nothing() -> None:
    stated = ligand_from_smiles("C[C@H](N)c1ccccc1C |a:1| named").identity
    assert (stated.smiles, stated.name) == ("Cc1ccccc1[C@H](C)N", "named")


def test_names_of_atoms_count_those_of_the_file_with_its_hydrogens() -> None:
    from rdkit import Chem

    molecule = Chem.MolFromMolBlock(
        Chem.MolToMolBlock(Chem.AddHs(Chem.MolFromSmiles("FC(Cl)Br"))), removeHs=False
    )
    turned = Chem.RenumberAtoms(molecule, [4, 0, 1, 2, 3])
    assert open_stereo(turned)[0] == ("C3",)
