"""What is said of conformations, contacts, claims and power: only what the rule allows, with its record."""

from __future__ import annotations

import pytest

from factories.interpretation import variant
from kinscope.core.errors import BadInputError
from kinscope.interpretation import preference
from kinscope.interpretation.preference import crystal_contacts_of, preference_of, preference_question
from kinscope.interpretation.words.statistics import power_of
from kinscope.results.measured import Contact, ContactChange
from kinscope.targets import load_target
from kinscope.targets.loader import crystal_contacts, published_motion
from kinscope.variants.parse import parse_variant

PACK = load_target("abl1")


def of(text: str):
    return parse_variant(text, PACK)


class TestPreference:
    def test_k404e_disfavours_the_folded_loop_as_h396p_and_y253h_do(self):
        for text in ("K404E", "H396P", "Y253H"):
            found = preference_of(PACK, of(text))
            folded = found.readings[0]
            assert folded.difference.resolved
            assert found.sentence.startswith(f"{text} disfavours the folded, imatinib-bound loop against")
            assert "the active form: ln odds -" in found.sentence
            assert folded.difference.high < 0.0
            assert folded.difference.value < -1.0

    @pytest.mark.parametrize("text", ["T315I", "M244V", "F359V"])
    def test_what_is_not_seen_is_not_told_and_the_record_stands_beside(self, text):
        found = preference_of(PACK, of(text))
        assert not any(item.difference.resolved for item in found.readings)
        assert "is not told" in found.sentence
        assert "it tells H396P, Y253H and E292K (loop not folded) rightly" in found.record
        assert "none wrongly" in found.record

    def test_crystals_of_the_variant_itself_are_left_out(self):
        found = preference_of(PACK, of("T315I"))
        assert found.readings[0].difference.native_replicas == 2

    def test_no_energy_and_no_drug_is_named(self):
        for text in ("K404E", "H396P", "T315I"):
            found = preference_of(PACK, of(text))
            said = f"{found.sentence} {found.record}".replace("imatinib-bound loop", "")
            words = [drug.name.lower() for drug in PACK.drugs] + ["kcal", "energy", "resistan"]
            assert not [word for word in words if word in said.lower()]

    def test_a_residue_outside_the_table_is_not_told(self):
        found = preference_of(PACK, of("P900V"))
        assert "is not told" in found.sentence
        assert found.readings[0].difference.value is None


def test_a_target_without_tables_says_nothing():
    pack = load_target("src")
    assert preference_of(pack, variant("K404E")) is None
    assert crystal_contacts_of(pack, variant("K404E")) is None


def test_lys404_meets_asp391_in_the_folded_loop_only():
    change = ContactChange(
        state="kinase-dfg-out",
        contact=Contact(
            residue=404,
            residue_name="LYS",
            partner=391,
            partner_name="ASP",
            kind="salt bridge",
            distance_angstrom=4.0,
        ),
        change="lost",
    )
    found = crystal_contacts_of(PACK, of("K404E"), [change])
    first = found.findings[0]
    assert first.where == "Lys404 and Asp391 (opposite charges)"
    assert first.verdict == "near in DFG-out, loop folded only"
    assert "lost in the models of" in first.result
    assert [row for row in found.findings[1:] if row.verdict == first.verdict] == []


def test_chains_that_are_substituted_at_the_residue_show_nothing_of_it():
    table = crystal_contacts(PACK)
    own = sum(315 in chain.substituted for chain in table.chains)
    found = crystal_contacts_of(PACK, of("T315I"))
    assert own > 0
    assert {int(row.sampling.split()[0]) for row in found.findings} <= set(
        range(1, len(table.chains) - own + 1)
    )
    assert "No contact of Thr315" in found.answer


def test_the_answer_carries_the_record_and_the_readings_their_controls():
    asked = preference_question(PACK, of("K404E"))
    assert "disfavours the folded, imatinib-bound loop" in asked.answer
    assert "none wrongly" in asked.answer
    assert len(asked.findings) == 2 + 12


def test_power_is_told_with_what_is_missing():
    assert power_of(3, 100.0).words == (
        "3 replicas of 100 ns a side find a change of 30 % one time in 7; 13 would do (2,000 ns more on both "
        "sides together)"
    )
    assert power_of(13, 100.0).words == "13 replicas of 100 ns a side find a change of 30 % in 82 %"
    assert power_of(3, 0.03).missing_ns == pytest.approx(2600.0 - 0.18)
    assert power_of(1, 20.0).chance == 0.0


@pytest.mark.parametrize("damage", [b"no gzip", b""])
def test_a_damaged_table_is_told_with_its_place(tmp_path, damage):
    pack = PACK.model_copy(update={"directory": tmp_path})
    (tmp_path / "preference.json.gz").write_bytes(damage)
    with pytest.raises(BadInputError, match="cannot be read"):
        preference_of(pack, of("K404E"))


def test_every_control_is_a_variant_and_cites_its_source():
    controls = [item for item in published_motion(PACK).controls if item.population != "unknown"]
    assert [item.conformation for item in controls].count("dfg-out-extended") == 3
    assert len(controls) == 12
    for item in controls:
        assert of(item.variant).short == item.variant
        assert "Xie et al." in item.source
    assert preference.KINASE_CLASSES[0] == "active"
