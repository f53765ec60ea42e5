"""`kinscope benchmark conformation`: classes of chains, the shipped table, and what is said of it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from factories.interpretation import measurements, variant
from kinscope.core.errors import BadInputError
from kinscope.interpretation.crystals import crystal_question
from kinscope.interpretation.motion import motion_questions
from kinscope.results.flexibility import class_named
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import load_target
from kinscope.targets.loader import crystal_flexibility
from kinscope.validation.conformation import conformations, in_words

MIRROR = os.environ.get("KINSCOPE_PDB_MIRROR")


def test_the_shipped_table_is_scaled_to_the_domain():
    table = crystal_flexibility(load_target("abl1"))
    for item in (*table.network, *table.b_factors):
        inside = [place for place, number in enumerate(item.residues) if 242 <= number <= 493]
        for entry in item.entries:
            values = np.array(entry.values, dtype=float)[inside]
            assert np.nanmean(values) == pytest.approx(1.0, abs=0.02)


def test_the_answer_tells_the_conformations_apart_and_nothing_of_the_mutant():
    pack = load_target("abl1")
    found = crystal_question(variant("K404E"), crystal_flexibility(pack), pack)
    assert "(mean 1)" in found.question
    freer = next(
        f for f in found.findings if f.where == "helix C: DFG-out, loop folded against active, DFG-in"
    )
    assert freer.verdict == "resolved: higher in DFG-out, loop folded"
    assert "says nothing of how K404E moves" in found.answer
    assert {"P+1 loop: active, DFG-in", "K404: DFG-out, loop folded"} <= {
        item.where for item in found.findings
    }


def test_whether_dfg_out_moves_more_depends_on_how_the_loop_lies():
    pack = load_target("abl1")
    parts = measurements()
    asked = motion_questions(variant("K404E"), parts, pack, crystal_flexibility(pack))
    states = next(question for question in asked if question.id == "states")
    assert [item.verdict for item in states.findings] == [
        "not resolved",
        "resolved: higher in DFG-out, loop not folded",
    ]
    without = next(q for q in motion_questions(variant("K404E"), parts, pack) if q.id == "states")
    assert (without.answer, without.findings) == ("Not tested.", ())


def test_each_claim_of_the_study_says_what_would_settle_it():
    pack = load_target("abl1")
    asked = motion_questions(variant("K404E"), measurements(), pack, crystal_flexibility(pack))
    told = {question.id: question.settled_by for question in asked if question.said}
    assert set(told) == {"window", "states", "pocket myristate_pocket", "open"}
    assert told["window"] == "13 replicas of 100 ns a side for a change of 30 %."
    assert told["open"].endswith("with M244V as the control.")


def test_a_residue_that_no_crystal_resolves_is_told():
    pack = load_target("abl1")
    found = crystal_question(variant("A900V"), crystal_flexibility(pack), pack)
    assert not [item for item in found.findings if item.where.startswith("A900")]
    assert "no crystal shows A900" in found.answer


def test_a_target_without_a_table_says_so():
    pack = load_target("src")
    assert crystal_flexibility(pack) is None
    assert "no table" in crystal_question(variant("K404E"), None, pack).answer


@pytest.mark.parametrize("damage", ['{"target": 1}', "no json", '{"network": [{"name": "sideways"}]}'])
def test_a_damaged_table_is_told_with_its_place(tmp_path, damage):
    pack = load_target("abl1").model_copy(update={"directory": tmp_path})
    (tmp_path / "flexibility.json").write_text(damage)
    with pytest.raises(BadInputError, match="cannot be read"):
        crystal_flexibility(pack)


@pytest.mark.slow
@pytest.mark.skipif(MIRROR is None, reason="needs KINSCOPE_PDB_MIRROR")
def test_the_shipped_table_is_what_the_mirror_gives():
    pack = load_target("abl1")
    found = conformations(PdbSource(Path(MIRROR)), pack)
    shipped = crystal_flexibility(pack)
    assert [item.name for item in found.table.network] == [item.name for item in shipped.network]
    for ours, theirs in zip(found.table.network, shipped.network, strict=True):
        assert ours.residues == theirs.residues
        for one, two in zip(ours.entries, theirs.entries, strict=True):
            np.testing.assert_allclose(
                np.array(one.values, dtype=float), np.array(two.values, dtype=float), atol=0.002
            )
    assert {row.pearson.value > 0.75 for row in found.agreements[:3]} == {True}
    assert "helix_c" in in_words(found, pack)
    assert class_named(found.table.network, "closed") is not None
