"""Rotamer outliers, labels in the checks of a model, and the comparison with an index of labels.

Caps and cysteines: ABL1's cytosolic kinase domain has no disulphide, and a model's ends are capped.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from states import ROUNDING, compare_states, in_words, main, read_labels
from typer.testing import CliRunner

from kinscope.cli.commands import models as models_commands
from kinscope.core.errors import BadInputError, StructureError
from kinscope.interpretation.words.structures import check_text, label_line
from kinscope.structures.checks.model import (
    MAX_ROTAMER_OUTLIERS,
    check_model,
    check_structures,
    nearest_rotamer,
    rotamer_outliers,
)
from kinscope.structures.conformation.atoms import AtomTable, nearest_of
from kinscope.structures.conformation.classify import classify_state
from kinscope.structures.conformation.parts import HYDROGEN_BOND
from kinscope.structures.io import write_model
from kinscope.structures.reference.build import available_states, reference_model
from kinscope.structures.side_chains.rotamers import CHI_ATOMS, bonds_within, rotamers_of, set_dihedrals
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target

PACK = load_target("abl1")
NEEDS_MIRROR = pytest.mark.skipif(
    not os.environ.get("KINSCOPE_PDB_MIRROR"), reason="needs a mirror of wwPDB entries"
)
KINDS = sorted(set(CHI_ATOMS) - {"PRO"})


@pytest.mark.parametrize("name", KINDS)
def test_a_rotamer_is_no_outlier_of_itself(name):
    for rotamer in rotamers_of(name):
        distance, share = nearest_rotamer(name, rotamer.chi_degrees)
        assert distance == pytest.approx(0.0, abs=1e-9)
        assert share == pytest.approx(rotamer.share_percent)


@given(st.sampled_from(KINDS), st.data())
def test_the_distance_is_periodic_and_bounded(name, data):
    chi = tuple(data.draw(st.floats(-180, 180)) for _ in CHI_ATOMS[name])
    distance, _ = nearest_rotamer(name, chi)
    assert 0.0 <= distance <= 180.0
    turned = tuple(value + 360.0 for value in chi)
    assert nearest_rotamer(name, turned)[0] == pytest.approx(distance, abs=1e-6)


def test_an_eclipsed_valine_is_an_outlier_and_a_flipped_ring_is_not():
    """Chi1 of 0 eclipses CG1 with N; half a turn of a phenyl ring changes nothing but the names."""
    assert nearest_rotamer("VAL", (0.0,))[0] > 45.0
    assert nearest_rotamer("PHE", (-65.0, -85.0)) == pytest.approx(nearest_rotamer("PHE", (-65.0, 95.0)))


def test_a_ring_in_a_helix_hardly_ever_points_along_p_but_in_a_strand_it_may():
    """There it would meet the turn before (Dunbrack & Karplus, Nat. Struct. Biol. 1994, 1, 334)."""
    helix, strand = (nearest_rotamer("PHE", (62.0, 90.0), *turn)[1] for turn in ((-60, -40), (-150, 160)))
    assert helix < 1.0 < 5.0 < strand


def model(state):
    return reference_model(PACK, state)


@pytest.mark.parametrize("state", available_states(PACK))
def test_shipped_models_have_few_rotamer_outliers(state):
    judged, outliers = rotamer_outliers(model(state)[0])
    assert judged > 200
    assert len(outliers) <= MAX_ROTAMER_OUTLIERS * judged


def test_side_chains_turned_to_eclipsed_angles_fail_the_check():
    atoms = model("kinase-dfg-out")[0].copy()
    leucines = np.unique(atoms.res_id[atoms.res_name == "LEU"])
    for number in leucines[:20]:
        rows = np.flatnonzero(atoms.res_id == number)
        names = tuple(str(name) for name in atoms.atom_name[rows])
        turned = set_dihedrals(
            np.asarray(atoms.coord[rows], dtype=np.float64)[None],
            names,
            bonds_within("LEU", names),
            CHI_ATOMS["LEU"][0],
            np.array([0.0]),
        )
        atoms.coord[rows] = turned[0].astype(np.float32)
    found = {number for number, _ in rotamer_outliers(atoms)[1]}
    assert {int(number) for number in leucines[:20]} <= found
    check = check_model(atoms, None, None, PACK)
    assert not next(item for item in check.items if item.name == "rotamer outliers").passed


def test_a_side_chain_with_missing_atoms_is_not_judged():
    atoms = model("kinase-dfg-out")[0]
    whole, _ = rotamer_outliers(atoms)
    tip = (atoms.res_id == 271) & (atoms.atom_name == "NZ")
    assert rotamer_outliers(atoms[~tip])[0] == whole - 1


def test_a_shipped_model_says_whether_its_crystal_is_what_the_literature_calls_it():
    atoms, record = model("kinase-dfg-in")
    check = check_model(atoms, record, None, PACK)
    said = map(label_line, check.literature)
    assert any("2GQG:A is called active (Tokarski" in line and "measures so" in line for line in said)
    assert "measures so" in check_text(check)
    assert not check_model(atoms, None, None, PACK).literature


def test_the_class_that_the_pack_demands_of_a_state_is_asked():
    atoms, record = model("kinase-dfg-in")
    wrong = record.model_copy(update={"state": "kinase-dfg-out"})
    item = next(i for i in check_model(atoms, wrong, None, PACK).items if i.name == "DFG class by D1 and D2")
    assert (item.value, item.bound, item.passed) == ("in", "out", False)


INDEX = (
    "file\tDFG_state(Dunbrack D1/D2)_and_K271-E286\n"
    "2gqg.pdb\tA:in(D1=6.6,D2=14.0,K271NZ-E286CD=4.1); B:inter(D1=6.7,D2=13.4,K271NZ-E286CD=3.9)\n"
    "4wa9.pdb\tB:out(D1=13.3,D2=10.3,K271NZ-E286CD=3.1); A:n/a\n"
    "notes.txt\tA:in(D1=1,D2=2)\n"
    "9xyz.pdb\tA:out(D1=13.0,D2=10.0,K271NZ-E286CD=4.0)\n"
)


def test_labels_are_read_chain_by_chain(tmp_path):
    path = tmp_path / "index.tsv"
    path.write_text(INDEX)
    labels = {(label.entry, label.chain): label for label in read_labels(path)}
    assert set(labels) == {("2GQG", "A"), ("2GQG", "B"), ("4WA9", "A"), ("4WA9", "B"), ("9XYZ", "A")}
    assert labels["2GQG", "B"].dfg == "inter"
    assert labels["4WA9", "A"].dfg == "unassigned"
    assert (labels["2GQG", "A"].d1_angstrom, labels["2GQG", "A"].bridge_angstrom) == (6.6, 4.1)


@pytest.mark.parametrize("text", ["", "file\tchains\n2gqg.pdb\tA\n", "\x00\x01"])
def test_a_file_without_the_column_is_refused(tmp_path, text):
    path = tmp_path / "index.tsv"
    path.write_text(text)
    with pytest.raises(BadInputError, match="DFG_state"):
        read_labels(path)


def test_a_missing_or_binary_index_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        read_labels(tmp_path / "none.tsv")
    binary = tmp_path / "index.tsv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="not UTF-8"):
        read_labels(binary)


@pytest.fixture
def small_mirror(tmp_path):
    """One crystal-like entry: the shipped active model under a code of its own, and an index that errs."""
    atoms, _ = model("kinase-dfg-in")
    write_model(tmp_path / "1abl.cif", atoms[atoms.element != "H"])
    (tmp_path / "index.tsv").write_text(
        "file\tDFG_state\n1abl.cif\tA:out(D1=13.0,D2=10.0,K271NZ-E286CD=4.0)\n"
    )
    return tmp_path


def test_a_wrong_label_is_found_and_explained(small_mirror):
    labels = read_labels(small_mirror / "index.tsv")
    benchmark = compare_states(PdbSource(small_mirror), PACK, labels)
    (chain,) = benchmark.chains
    assert not chain.agrees
    assert "labelled out, measures in" in chain.explanation
    words = in_words(benchmark)
    assert "0 of 1 chains" in words
    assert "beyond rounding" in words
    assert chain.explanation in words


def test_the_command_takes_the_index_of_the_mirror(small_mirror, capsys):
    main(small_mirror)
    assert "labelled out, measures in" in capsys.readouterr().out


def test_a_chain_without_the_residues_says_which(tmp_path):
    atoms, _ = model("kinase-dfg-in")
    keep = (atoms.element != "H") & (atoms.res_id != 290)
    write_model(tmp_path / "1abl.cif", atoms[keep])
    (tmp_path / "index.tsv").write_text("file\tDFG_state\n1abl.cif\tA:n/a\n")
    benchmark = compare_states(PdbSource(tmp_path), PACK, read_labels(tmp_path / "index.tsv"))
    assert benchmark.chains[0].agrees
    assert "does not show 290" in in_words(benchmark)


@NEEDS_MIRROR
def test_every_chain_of_the_mirror_measures_as_its_index_says():
    source = PdbSource()
    labels = read_labels(Path(source.mirror) / "index.tsv")
    benchmark = compare_states(source, PACK, labels)
    labelled = [chain for chain in benchmark.chains if chain.label is not None]
    assert len(labelled) >= 51
    assert all(chain.agrees for chain in labelled)
    for chain in labelled:
        if chain.label.d1_angstrom is not None:
            assert abs(chain.measured.geometry.dfg_d1_angstrom - chain.label.d1_angstrom) <= ROUNDING
            assert abs(chain.bridge_angstrom - chain.label.bridge_angstrom) <= ROUNDING
    differing = {(c.entry, c.aspect) for c in benchmark.literature if c.outcome == "differs"}
    assert differing == {("3UE4", "dfg"), ("3UE4", "activation_loop"), ("1M52", "activation_loop")}


def test_a_model_whose_dfg_comes_from_another_crystal_is_told_that_crystals_label():
    atoms, record = model("kinase-dfg-out")
    origins = tuple(
        origin.model_copy(update={"entry": "3UE4:A"}) if 381 <= origin.residue <= 402 else origin
        for origin in record.origins
    )
    check = check_model(atoms, record.model_copy(update={"origins": origins}), None, PACK)
    assert any(
        said.startswith("3UE4:A is called DFG-in") and "measures DFG-out" in said
        for said in map(label_line, check.literature)
    )


ATOMS, RECORD = reference_model(PACK, "kinase-dfg-out")


def verdict(atoms, name):
    return {item.name: item for item in check_model(atoms, RECORD, pack=PACK).items}[name]


def written(path, atoms):
    write_model(path, atoms)
    return path


def test_a_crystal_is_judged_on_what_it_holds_and_a_model_on_all(tmp_path):
    """A gap, a cut side chain and another residue: what a crystal has, and no model may."""
    lacking = (ATOMS.res_id == 275) | (
        (ATOMS.res_id == 308) & ~np.isin(ATOMS.atom_name, ("N", "CA", "C", "O", "CB"))
    )
    heavy = ATOMS[~lacking & (ATOMS.element != "H")]
    (crystal,) = check_structures([written(tmp_path / "crystal.cif", heavy)], PACK)
    assert crystal.passed
    words = check_text(crystal)
    assert "passes, 1 remark\n" in words
    assert "note completeness: residues 229-500, lacking 275, atoms lacking in 308" in words
    (protonated,) = check_structures([written(tmp_path / "model.cif", ATOMS[~lacking])], PACK)
    assert not protonated.passed


def test_a_crystal_squeezed_by_a_tenth_fails(tmp_path):
    crushed = ATOMS[ATOMS.element != "H"].copy()
    crushed.coord *= np.float32(0.9)
    (check,) = check_structures([written(tmp_path / "crystal.cif", crushed)], PACK)
    assert not check.passed
    assert "FAIL backbone bonds" in check_text(check)


def test_what_rests_on_missing_atoms_cannot_be_told_and_they_are_named(tmp_path):
    cut = (ATOMS.res_id == 271) & np.isin(ATOMS.atom_name, ("CE", "NZ"))
    lacking = cut | (ATOMS.res_id == 382) | ((ATOMS.res_id >= 386) & (ATOMS.res_id <= 390))
    heavy = ATOMS[~lacking & (ATOMS.element != "H")]
    (check,) = check_structures([written(tmp_path / "crystal.cif", heavy)], PACK)
    shape = check.geometry
    assert shape.dfg_d1_angstrom is None
    assert shape.salt_bridge_271_286_angstrom is None
    assert shape.salt_bridge == "unassigned"
    words = check_text(check)
    assert "nan" not in words.lower().replace("ala", "")
    assert "DFG: cannot tell" in words
    assert "their bridge cannot tell" in words
    assert "cannot be told: residue 382 386, Lys271 NZ" in words
    assert type(check).model_validate_json(check.model_dump_json()) == check


def test_half_a_carboxylate_does_not_open_a_bridge():
    """The oxygen that is there is too far away; the one that is missing might not be."""
    marks = PACK.landmarks
    gaps = {
        name: AtomTable(ATOMS).distance((marks.beta3_lysine, "NZ"), (marks.helix_c_glutamate, name))
        for name in ("OE1", "OE2")
    }
    nearest = min(gaps, key=gaps.get)
    assert gaps[nearest] <= HYDROGEN_BOND < max(gaps.values())
    for name, expected in ((nearest, "unassigned"), ("OE1" if nearest == "OE2" else "OE2", "closed")):
        cut = ATOMS[~((ATOMS.res_id == marks.helix_c_glutamate) & (ATOMS.atom_name == name))]
        assert classify_state(cut, marks).salt_bridge == expected


@given(
    st.lists(st.one_of(st.floats(0.1, 30), st.just(float("nan"))), min_size=1, max_size=5), st.floats(1, 20)
)
def test_the_nearest_of_some_is_told_only_where_the_others_cannot_change_it(gaps, bound):
    found = nearest_of(gaps, bound)
    known = [gap for gap in gaps if not np.isnan(gap)]
    if np.isnan(found):
        assert not known or (len(known) < len(gaps) and min(known) > bound)
    else:
        assert found == min(known)


def test_both_definitions_of_helix_c_are_told(tmp_path):
    heavy = reference_model(PACK, "kinase-src-like")[0]
    (check,) = check_structures([written(tmp_path / "2g1t.cif", heavy[heavy.element != "H"])], PACK)
    words = check_text(check)
    assert "helix C: out by Kincore's rule" in words
    assert "by KLIFS, whose rule is another: no label of it is at hand" in words
    labelled = check_model(heavy, pack=PACK, entry="2G1T:A")
    assert "by KLIFS, whose rule is another: out (2G1T)" in check_text(labelled)


def test_a_file_of_another_shipped_target_is_read_as_that_and_named_where_one_was_asked_for(tmp_path):
    other = load_target("src")
    atoms, _ = reference_model(other, available_states(other)[0])
    path = written(tmp_path / "src.cif", atoms[atoms.element != "H"])
    (check,) = check_structures([path])
    assert check.target == "SRC"
    assert check.geometry.dfg == "in"
    with pytest.raises(StructureError, match="chain A is of SRC") as caught:
        check_structures([path], PACK)
    assert "--target src" in caught.value.remedy
    result = CliRunner().invoke(models_commands.group, ["check", str(path)])
    assert result.exit_code == 0, result.output
    assert "(SRC): passes" in result.output


@pytest.mark.slow
@NEEDS_MIRROR
def test_crystals_pass_and_the_nmr_model_does_not():
    mirror = Path(PdbSource().mirror)
    checks = [check for path in sorted(mirror.rglob("*.pdb.gz")) for check in check_structures([path], PACK)]
    failing = {check.name[:4] for check in checks if not check.passed}
    assert len(checks) >= 50
    assert failing <= {"1ab2", "2abl"}  # by NMR; angles of 1997


def test_no_cysteines_of_the_kinase_domain_are_joined():
    found = verdict(ATOMS, "disulphides")
    assert found.passed
    nearest = re.fullmatch(r"none; nearest sulphurs ([0-9.]+) angstrom apart", found.value)
    assert float(nearest[1]) > 4.0


def test_two_thiols_pushed_onto_each_other_fail_the_check():
    near = ATOMS.copy()
    rows = np.flatnonzero((near.res_name == "CYS") & (near.atom_name == "SG"))
    near.coord[rows[1]] = near.coord[rows[0]] + np.array([2.05, 0.0, 0.0], dtype=np.float32)
    found = verdict(near, "disulphides")
    assert found.value == f"Cys{near.res_id[rows[0]]}-Cys{near.res_id[rows[1]]} 2.05 angstrom"
    assert not found.passed


def test_a_bonded_pair_without_thiol_hydrogens_is_a_disulphide():
    near = ATOMS[~((ATOMS.res_name == "CYS") & (ATOMS.atom_name == "HG"))]
    rows = np.flatnonzero((near.res_name == "CYS") & (near.atom_name == "SG"))
    near.coord[rows[1]] = near.coord[rows[0]] + np.array([2.05, 0.0, 0.0], dtype=np.float32)
    assert verdict(near, "disulphides").passed


def test_an_end_without_its_cap_is_named():
    assert verdict(ATOMS, "ends without a cap").passed
    for cap, end in (("ACE", "N-terminus"), ("NME", "C-terminus")):
        found = verdict(ATOMS[ATOMS.res_name != cap], "ends without a cap")
        assert (found.passed, found.value) == (False, end)
