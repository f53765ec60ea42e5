"""The atlas that ships is what the command computes, and reads as measured pairs do."""

import random
from pathlib import Path

import pytest

from kinscope.affinity.atlas import RelaxedRow, all_rows, atlas_path, predicted, provenance, rows_of_variant
from kinscope.affinity.measured import examples, measured_pairs
from kinscope.affinity.scan import (
    Scanner,
    atlas_rows,
    base_changes,
    inputs_digest,
    residues_named,
    scan,
    shipped_sites,
    single_base,
    track_of,
)
from kinscope.core.errors import BadInputError
from kinscope.core.tables import read_table
from kinscope.targets import load_target
from kinscope.variants.parse import parse_variant


@pytest.fixture(scope="module")
def pack():
    return load_target()


@pytest.fixture(scope="module")
def atlas(pack):
    return {(row.change, row.drug): row for row in all_rows(pack)}


def _recomputed(pack, residues, count):
    shipped, scanner, compared = shipped_sites(pack).rows, Scanner(pack), 0
    for residue in residues:
        for row in scanner.ensembles(residue)[0]:
            there = shipped[row.complex, residue, row.kind]
            assert row.pull_kcal_per_mol == pytest.approx(there.pull_kcal_per_mol, abs=0.02)
            assert row.packing_kcal_per_mol == pytest.approx(there.packing_kcal_per_mol, abs=0.02)
            assert row.bonds == pytest.approx(there.bonds, abs=0.02)
            compared += 1
    assert compared >= count


def test_rows_of_the_atlas_follow_from_the_ensembles_that_ship(pack, atlas):
    for row in atlas_rows(pack, (299, 404, 450)):
        there = atlas[row.change, row.drug]
        assert row.ddg_kcal_per_mol == pytest.approx(there.ddg_kcal_per_mol, abs=0.002)
        assert row.upper_95 == pytest.approx(there.upper_95, abs=0.002)


def test_three_rows_and_more_of_one_residue_are_recomputed_from_the_structures(pack):
    _recomputed(pack, [343], 3)


@pytest.mark.slow
def test_twenty_rows_at_random_are_recomputed_from_the_structures(pack):
    _recomputed(pack, random.Random(7).sample(range(242, 373), 4), 20)


def test_the_structures_are_those_that_the_atlas_was_made_from(pack):
    assert provenance(pack)["inputs_sha256"] == inputs_digest(pack)


def test_every_substitution_that_one_base_makes_is_there_for_every_drug(pack, atlas):
    drugs = provenance(pack)["drugs"]
    assert {"imatinib", "nilotinib", "dasatinib", "bosutinib", "ponatinib", "asciminib"} <= set(drugs)
    pending = [tuple(map(int, part.split("-"))) for part in provenance(pack)["pending"].split(", ") if part]
    for residue in range(242, 494):
        waits = any(first <= residue <= last for first, last in pending)
        for kind in single_base(pack, residue):
            change = f"{pack.transcript.protein[residue - 1]}{residue}{kind}"
            lacking = [drug for drug in drugs if (change, drug) not in atlas]
            assert not lacking or waits, (change, lacking)
            if residue > 404:
                assert set(lacking) <= {"asciminib"}, change


def test_measured_residues_carry_predictions_that_left_them_out(pack, atlas):
    measured = {pair.residue for pair in measured_pairs(pack)}
    for row in atlas.values():
        assert row.left_out == (row.residue in measured)


def test_measured_pairs_stand_beside_their_left_out_predictions(pack, atlas):
    row = atlas["T315I", "imatinib"]
    assert row.measured_kcal_per_mol == 2.32
    assert row.call == "loss suspected"
    assert atlas["K404E", "imatinib"].measured_kcal_per_mol is None


def test_helix_i_is_packed_and_placed(atlas):
    row = atlas["I502L", "asciminib"]
    assert row.fold_rule != "not computed"
    assert row.nearest_angstrom < 30.0


def test_a_compound_has_a_row_of_each_part(pack):
    found = predicted(pack, parse_variant("E255K/T315I", pack))
    assert [row.change for row in found["imatinib"]] == ["E255K", "T315I"]


def test_the_change_of_bases_is_told():
    pack = load_target()
    assert base_changes(pack, 404, "E") == ("c.1210A>G", "transition", 25)
    assert base_changes(pack, 315, "I") == ("c.944C>T", "transition", 119)
    assert base_changes(pack, 317, "R") == ("", "", 0)


def test_stretches_are_named_in_two_ways(pack):
    assert residues_named(pack, "310-312") == (310, 311, 312)
    assert len(residues_named(pack, "kinase-domain")) == 284
    with pytest.raises(BadInputError, match="names no residues"):
        residues_named(pack, "moon")
    with pytest.raises(BadInputError, match="names no residues of ABL1's domain, 229-512"):
        residues_named(pack, "999-1001")  # of the protein, but in no structure


def test_part_of_the_domain_does_not_replace_the_atlas_of_the_whole(
    pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("kinscope.affinity.scan.compute", lambda *_: None)
    before = atlas_path(pack).with_name("sites.parquet").read_bytes()
    with pytest.raises(BadInputError, match="284 of 284 residues are not computed"):
        scan(pack, "315", False, tmp_path, write=True)
    assert atlas_path(pack).with_name("sites.parquet").read_bytes() == before


def test_a_pack_without_an_atlas_says_so(pack, tmp_path: Path):
    bare = pack.model_copy(update={"directory": tmp_path})
    assert predicted(bare, parse_variant("K404E", pack)) == {}
    with pytest.raises(BadInputError, match="no atlas") as raised:
        rows_of_variant(bare, parse_variant("K404E", pack))
    assert f"--target {tmp_path}" in raised.value.remedy


def test_the_track_record_of_calls_follows_from_the_rows(pack):
    known = [
        e for e in examples(measured_pairs(pack), shipped_sites(pack), pack.gene) if e.kinase == pack.gene
    ]
    found = track_of(all_rows(pack), known)
    assert provenance(pack)["track"] == found
    assert found["kept"][1] > 30
    assert found["kept"][0] >= 0.95 * found["kept"][1]


def test_relaxed_complexes_that_ship_stand_in_their_rows_as_tier_2(pack, atlas):
    relaxed = read_table(atlas_path(pack).with_name("relaxed.parquet"), RelaxedRow)
    second = {key: row.relaxed_kcal_per_mol for key, row in atlas.items() if row.tier == 2}
    assert second == {(row.change, row.drug): row.kcal_per_mol for row in relaxed}
    assert provenance(pack)["tier_2_pairs"] == len(relaxed)
