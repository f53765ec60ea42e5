"""Pieces of the parametrisation: sums of charges, corrections, mended terms, the command."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import ComputationError, LigandError
from kinscope.ligands.parameters.charges import (
    SUPPLEMENT,
    BccTypes,
    equivalence_classes,
    read_corrections,
    rounded,
    spread_out_conformers,
    symmetrised,
)
from kinscope.ligands.parameters.gaff import aromatic_dihedrals, estimated_terms, mended
from kinscope.ligands.parameters.shipped import molecule_in_order


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=40),
    st.integers(-2, 2),
    st.lists(st.integers(0, 12), min_size=40, max_size=40),
)
def test_rounded_charges_add_up_exactly_and_keep_symmetry(values, net, labels):
    classes = np.array([*labels[: len(values)], 99])  # the last atom has no equivalent
    raw = symmetrised(np.array([*values, 0.0]), classes)
    raw += (net - raw.sum()) / len(raw)
    found = rounded(raw, classes, net)
    assert sum(round(value * 1_000_000) for value in found) == net * 1_000_000
    assert np.abs(np.array(found) - raw).max() < 1e-4
    for number in set(classes.tolist()):
        members = [value for value, own in zip(found, classes, strict=True) if own == number]
        if len(members) > 1:
            assert len(set(members)) == 1


def test_charges_that_miss_the_net_charge_are_refused():
    with pytest.raises(ComputationError, match="add up"):
        rounded(np.array([0.4, 0.3]), np.array([0, 1]), 1)


@pytest.mark.parametrize(
    ("smiles", "alike"),
    [
        ("CC(=O)[O-]", ("O", 1)),
        ("FC(F)(F)c1ccccc1", ("F", 1)),
        ("c1ccncc1", ("C", 3)),
        ("NC(=[NH2+])N", ("N", 1)),
        ("CO", ("H", 2)),
        ("c1ccc2[nH]ccc2c1", ("C", 8)),
    ],
)
def test_equivalent_atoms_are_found_whatever_way_the_bonds_are_drawn(smiles, alike):
    molecule = molecule_in_order(smiles)
    classes = equivalence_classes(molecule)
    symbol, count = alike
    own = {classes[atom.GetIdx()] for atom in molecule.GetAtoms() if atom.GetSymbol() == symbol}
    assert len(own) == count


def test_conformers_are_unlike_and_mirror_images_count_once():
    molecule = molecule_in_order("C[NH+](C)CCCCC(=O)NC")
    shapes = spread_out_conformers(molecule, 5)
    assert len(shapes) == 5
    gaps = [np.linalg.norm(shape[:, None] - shape[None], axis=2) for shape in shapes]
    apart = [np.sqrt(((gaps[i] - gaps[j]) ** 2).mean()) for i in range(5) for j in range(i)]
    assert min(apart) > 0.05
    assert len(spread_out_conformers(molecule_in_order("c1ccncc1"), 5)) == 1


def test_conformers_are_the_same_every_time():
    molecule = molecule_in_order("CCCCO")
    again = [spread_out_conformers(molecule, 3) for _ in range(2)]
    assert all(np.array_equal(one, other) for one, other in zip(*again, strict=True))


def test_corrections_are_taken_from_one_atom_and_given_to_the_other(tmp_path):
    table = tmp_path / "BCCPARM.DAT"
    table.write_text("bond charges\n 1   16   24    7   0.2000\n 2   16   16    7   0.0000\n")
    read = read_corrections(table)
    types = BccTypes(("24", "16", "16", "24"), ((0, 1, "7"), (1, 2, "7"), (2, 3, "2")))
    total, missing = types.corrections(read)
    assert total.tolist() == pytest.approx([-0.2, 0.2, 0.0, 0.0])
    assert missing == ((2, 3, "2"),)
    total, missing = types.corrections({**read, **SUPPLEMENT})
    assert missing == ()
    assert total.sum() == pytest.approx(0)
    assert total[3] == pytest.approx(-0.263)


GAFF2 = "X -ca-nb-X    2    9.60        180.0             2.000      same as X-CA-NC-X\n"
FRCMOD = """\
Remark line goes here
MASS

BOND
ca-ns  384.20   1.412       same as ca- n, penalty score=  0.0

ANGLE
n -ca-nb   72.700     116.940   same as nb-ca-nh, penalty score= 41.8

DIHE
ca-cp-nb-ca   1    0.870       180.000           2.000      same as ca-ca-ne-c2, penalty score=622.0
ca-ca-cc-ce   4    2.800       180.000           2.000      same as X -c2-ca-X , penalty score=232.0

IMPROPER
ca-ca-ca-ns        10.5          180.0         2.0          Same as X -X -cc-X , penalty score= 41.9 (use general term))

NONBON

"""  # noqa: E501


def test_a_ring_bond_guessed_as_a_single_bond_is_mended(tmp_path):
    (tmp_path / "gaff2.dat").write_text(GAFF2)
    text, notes = mended(FRCMOD, aromatic_dihedrals(tmp_path / "gaff2.dat"))
    line = next(line for line in text.splitlines() if line.startswith("ca-cp-nb-ca"))
    assert line.split()[1:5] == ["2", "9.60", "180.0", "2.000"]
    assert "penalty" not in line
    assert len(notes) == 1
    kinds = [(term.kind, term.atom_types, term.penalty) for term in estimated_terms(text)]
    assert kinds == [
        ("angle", "n-ca-nb", 41.8),
        ("dihedral", "ca-ca-cc-ce", 232.0),
        ("improper", "ca-ca-ca-ns", 41.9),
    ]


def test_a_term_that_needs_revision_is_an_error():
    with pytest.raises(ComputationError, match="no parameters"):
        mended(FRCMOD.replace("penalty score=232.0", "ATTN, need revision"), {})


def kinscope(*arguments, environment=None):
    import typer
    from typer.testing import CliRunner

    from kinscope.cli import commands

    app = typer.Typer()
    commands.register(app)
    return CliRunner(env=environment).invoke(app, ["parameters", *arguments])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "what to parametrise"),
        (["imatinib", "--all"], "what to parametrise"),
        (["nonesuch"], "nonesuch"),
        (["--ligand", "C1CC"], "SMILES"),
        (["--ligand", "missing.sdf"], "no such file"),
        (["--ligand", "CCCCCCC(=O)[O-].[Na+]"], "Na"),
    ],
)
def test_bad_input_of_the_command_is_told(arguments, said):
    result = kinscope(*arguments)
    assert result.exit_code != 0
    assert said in str(result.exception) or said in result.output


def test_without_ambertools_the_command_says_how_to_get_them(tmp_path, monkeypatch):
    from kinscope.ligands.parameters import programs

    monkeypatch.setattr(programs.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    result = kinscope("imatinib", "--out", str(tmp_path / "out"))
    assert isinstance(result.exception, ComputationError)
    assert "kinscope[parameters]" in result.exception.remedy
    assert not (tmp_path / "out").exists()


def test_a_nucleotide_is_refused_rather_than_made_badly():
    from kinscope.ligands.parameters.build import build_parameters, is_polyphosphate

    atp = "Nc1ncnc2c1ncn2[C@@H]1O[C@H](COP(=O)([O-])OP(=O)([O-])OP(=O)([O-])[O-])[C@@H](O)[C@H]1O"
    assert is_polyphosphate(molecule_in_order(atp))
    assert not is_polyphosphate(molecule_in_order("CCOP(=O)([O-])[O-]"))
    with pytest.raises(LigandError, match="polyphosphate"):
        build_parameters(atp, "atp", None, tools=object())


@pytest.mark.parametrize("name", ["imatinib", "myristate", "asciminib"])
def test_an_sdf_keeps_the_protonation_and_stereochemistry_it_has(name):
    from kinscope.cli.commands.ligands import _own
    from kinscope.ligands.parameters.shipped import same_molecule
    from kinscope.targets import load_target

    pack = load_target("abl1")
    called, smiles, residue = _own(str(pack.directory / "poses" / f"{name}.sdf"), None)
    assert (called, residue) == (name, "LIG")
    assert same_molecule(smiles, pack.drug(name).smiles_ph74)
