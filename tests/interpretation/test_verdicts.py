"""Verdicts by rule: what decides, what only weighs, and what stays open."""

from __future__ import annotations

import re
from itertools import combinations
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.interpretation import (
    difference,
    docking,
    far_and_unchanged,
    geometry,
    item,
    measurements,
    pocket,
    variant,
)
from kinscope.evidence import EvidenceHit, EvidenceItem, EvidenceSummary, lookup
from kinscope.evidence.knowledge import load_evidence
from kinscope.interpretation import Assessment, DrugVerdict, Measurements, assess
from kinscope.interpretation.model import Predicted
from kinscope.interpretation.verdicts import evidence_verdicts, judge
from kinscope.results.measured import SimulationSummary
from kinscope.targets.loader import load_target

PACK = load_target("abl1")
MOST_FAVOURABLE_FIRST = (
    "sensitivity reported", "sensitivity inferred", "no loss of binding detected", "not resolved",
    "reduced sensitivity reported", "reduced sensitivity inferred", "reduced binding expected",
    "resistance inferred", "resistance reported",
)  # fmt: skip
NOTHING = measurements()


def assessed(text: str, computed: Measurements | None = None) -> Assessment:
    asked = variant(text)
    return assess(asked, far_and_unchanged() if computed is None else computed, lookup(asked, PACK), PACK)


def of(assessment: Assessment, drug: str) -> DrugVerdict:
    return next(verdict for verdict in assessment.verdicts if verdict.drug == drug)


def with_items(
    text: str, items: list[EvidenceItem], computed: Measurements, relation: str = "exact"
) -> Assessment:
    hits = tuple(EvidenceHit.model_validate({"item": entry, "relation": relation}) for entry in items)
    evidence = EvidenceSummary(hits=hits, options=(), searched=(), statement="")
    return assess(variant(text), computed, evidence, PACK)


# --- variants whose answer is known


def test_t315i_is_resistant_to_all_but_ponatinib_and_more_asciminib() -> None:
    result = assessed("T315I")
    for drug in ("imatinib", "nilotinib", "dasatinib", "bosutinib"):
        assert of(result, drug).verdict == "resistance reported"
        assert of(result, drug).confidence == "high"
    assert of(result, "ponatinib").verdict == "sensitivity reported"
    assert of(result, "asciminib").verdict == "sensitivity reported"
    assert "Five times the dose" in of(result, "asciminib").summary
    assert "asciminib (with a reservation" in result.answer.sentences[0]
    assert of(result, "ponatinib").reasons_against_binding, "22-fold in cells must not be hidden"


def test_t315i_needs_no_computation() -> None:
    assert of(assessed("T315I", NOTHING), "imatinib").verdict == "resistance reported"


def test_k404e_is_not_proven_resistant() -> None:
    result = assessed("K404E")
    assert {v.verdict for v in result.verdicts} == {"not resolved"}
    assert {v.confidence for v in result.verdicts} == {"low"}
    for drug in ("dasatinib", "ponatinib"):
        (reason,) = of(result, drug).reasons_against_binding
        assert (reason.tier, reason.weight) == ("published", "weak")
        assert "One patient" in reason.text
    assert result.answer.confidence == "low"
    assert "no IC50 or binding constant" in result.answer.sentences[0]
    assert any("one patient" in limit for limit in result.limits)


def test_out_of_reach_gives_the_base_rate_and_no_reason() -> None:
    for verdict in assessed("K404E").verdicts:
        assert verdict.sight is not None
        assert verdict.sight.word == "out of reach"
        rate = re.search(r"Of \d+ measured pairs beyond 10 Å at its site none lost", verdict.sight.text)
        assert bool(rate) is (verdict.drug != "asciminib"), "M244V escapes asciminib from 35 Å away"
        assert "no loss" not in verdict.summary
        assert not [r for r in verdict.reasons_for_binding if r.source == "docking of this run"]


def test_k404e_without_docking_stays_open() -> None:
    assert {v.verdict for v in assessed("K404E", NOTHING).verdicts} == {"not resolved"}


def test_m244v_escapes_asciminib_by_published_evidence_not_by_docking() -> None:
    verdict = of(assessed("M244V"), "asciminib")
    assert verdict.verdict == "resistance reported"
    assert any("helix C" in reason.text for reason in verdict.reasons_against_binding)
    assert verdict.mechanism == "none seen"
    assert of(assessed("M244V"), "dasatinib").verdict == "sensitivity reported"


def test_v299l_is_resistant_to_dasatinib_and_bosutinib_and_not_to_nilotinib() -> None:
    result = assessed("V299L")
    assert of(result, "dasatinib").verdict == "resistance reported"
    assert of(result, "bosutinib").verdict == "resistance reported"
    assert of(result, "nilotinib").verdict == "sensitivity reported"


@pytest.mark.parametrize(
    ("change", "drug"),
    [("E255K", "nilotinib"), ("F359V", "nilotinib"), ("F317L", "dasatinib"), ("G250E", "imatinib"),
     ("A337V", "asciminib"), ("T315M", "ponatinib"), ("F317V", "dasatinib")],
)  # fmt: skip
def test_resistance_that_the_field_agrees_on(change: str, drug: str) -> None:
    assert of(assessed(change), drug).verdict == "resistance reported"


@pytest.mark.parametrize(
    ("change", "drug"),
    [("F359V", "dasatinib"), ("Y253H", "dasatinib"), ("F317L", "nilotinib"), ("F317L", "ponatinib"),
     ("E255K", "ponatinib"), ("V299L", "ponatinib")],
)  # fmt: skip
def test_sensitivity_that_the_field_agrees_on(change: str, drug: str) -> None:
    assert of(assessed(change), drug).verdict == "sensitivity reported"


def test_a_resistant_part_decides_for_a_compound_variant_and_a_sensitive_part_does_not() -> None:
    result = assessed("E255K/T315I")
    for drug in ("imatinib", "nilotinib", "dasatinib", "bosutinib", "ponatinib", "asciminib"):
        verdict = of(result, drug)
        assert verdict.verdict == "resistance inferred", drug
        assert verdict.confidence != "high"
    assert "disagrees" in of(result, "ponatinib").summary
    assert of(result, "ponatinib").reasons_for_binding
    assert any("one molecule" in limit for limit in result.limits)


PARTS = ("L248V", "E255K", "T315I", "T315L", "T315V", "V299M", "F317L", "M351T", "A337V", "K404E", "L387M")


@pytest.mark.parametrize("text", [f"{a}/{b}" for a, b in combinations(PARTS, 2) if a[1:4] != b[1:4]])
def test_a_combination_is_never_called_better_than_its_worst_part(text: str) -> None:
    """Nothing is published on these as such; kin of a part count as what is published of it does."""
    whole = {v.drug: v for v in evidence_verdicts(variant(text), PACK)}
    for part in text.split("/"):
        for alone in evidence_verdicts(variant(part), PACK):
            together = whole[alone.drug].verdict if alone.drug in whole else "not resolved"
            for word in ("resistance", "reduced"):
                if alone.verdict.startswith(word):
                    assert together.startswith(("resistance", word)), (alone.drug, part)
    assert not any(v.verdict.startswith("sensitivity") for v in whole.values())


def test_kin_of_a_part_are_told_as_the_parts() -> None:
    verdict = of(assessed("L248V/T315L", NOTHING), "dasatinib")
    assert (verdict.verdict, verdict.basis) == ("resistance inferred", "inferred from kin")
    assert verdict.inferred is not None
    assert verdict.inferred.part == "T315L"
    assert verdict.summary.startswith("T315L, part of this variant, was not measured with dasatinib")


def test_a_never_seen_variant_stays_open() -> None:
    result = assessed("D391Y")
    assert {v.verdict for v in result.verdicts} == {"not resolved"}
    sources = {
        r.source for v in result.verdicts for r in (*v.reasons_for_binding, *v.reasons_against_binding)
    }
    assert sources <= {"pockets of this run"}
    assert "Nothing is published on exactly D391Y" in result.answer.sentences[0]


def test_a_statement_on_the_residue_is_a_weak_reason_and_another_allele_is_none() -> None:
    verdict = of(assessed("V299M"), "dasatinib")
    (reason,) = verdict.reasons_against_binding
    assert reason.weight == "weak"
    assert reason.text.startswith("On the residue")
    assert not of(assessed("T315V"), "nilotinib").reasons_against_binding


# --- tiers


def test_kin_decide_where_the_pair_was_not_measured_and_never_mix_with_what_is_published() -> None:
    verdict = of(assessed("T315V", NOTHING), "dasatinib")
    assert (verdict.verdict, verdict.basis, verdict.confidence) == (
        "resistance inferred", "inferred from kin", "low",
    )  # fmt: skip
    assert verdict.inferred is not None
    assert verdict.level == ""
    assert verdict.track is not None
    assert "of this kind" in verdict.track.words
    assert of(assessed("T315I", NOTHING), "dasatinib").inferred is None


def test_a_prediction_decides_only_where_nothing_nearer_speaks() -> None:
    def predicted(call: str) -> dict[str, Predicted]:
        one = Predicted(
            drug="imatinib", ddg_kcal_mol=1.0, low=0.0, high=2.0, probability_lost=0.3, nearest_residue=396,
            reach_angstrom=8.0, call=call,
        )  # fmt: skip
        return {"imatinib": one}

    for text, call, word in (
        ("K404E", "lost", "resistance predicted"),
        ("K404E", "kept", "sensitivity predicted"),
        ("K404E", "open", "not resolved"),
        ("K404E", "out of reach", "not resolved"),
        ("T315I", "kept", "resistance reported"),
        ("T315V", "kept", "resistance inferred"),
    ):
        found = {v.drug: v for v in evidence_verdicts(variant(text), PACK, predicted=predicted(call))}
        assert found["imatinib"].verdict == word, text
        assert found["imatinib"].predicted is not None


def test_a_fusion_without_exon_2_is_resistant_to_asciminib_even_where_the_change_is_sensitive() -> None:
    found = {v.drug: v for v in evidence_verdicts(variant("T315I"), PACK, "e14a3")}
    assert (found["asciminib"].verdict, found["asciminib"].basis) == (
        "resistance reported", "fusion transcript",
    )  # fmt: skip
    assert found["ponatinib"].verdict == "sensitivity reported"
    assert not any("best of the drugs" in said for said in found["asciminib"].disagreements)
    assert "does not tell fusion transcripts apart" in found["asciminib"].disagreements[0]


@pytest.mark.parametrize("transcript", ["e1a3", "e19a3", "e13a4"])
def test_a_fusion_that_lacks_as_much_is_inferred_resistant_and_told_untested(transcript: str) -> None:
    found = {v.drug: v for v in evidence_verdicts(variant("T315I"), PACK, transcript)}
    told = found["asciminib"]
    assert (told.verdict, told.confidence, told.basis) == ("resistance inferred", "low", "fusion transcript")
    assert f"{transcript} lacks the same exon of the kinase, and was not tested" in told.summary
    assert found["ponatinib"].verdict == "sensitivity reported"


def test_a_fusion_with_every_exon_changes_nothing() -> None:
    for transcript in ("e1a2", "e13a2", "e19a2"):
        found = {v.drug: v.verdict for v in evidence_verdicts(variant("T315I"), PACK, transcript)}
        assert found["asciminib"] == "sensitivity reported"


def test_a_part_with_reduced_sensitivity_counts_for_a_compound_variant() -> None:
    verdict = of(assessed("E255K/E450K", NOTHING), "bosutinib")
    assert verdict.verdict == "reduced sensitivity inferred"
    assert "reduced sensitivity is published for E255K" in verdict.summary


def test_compound_variants_have_their_own_measurements() -> None:
    found = {name: of(assessed(name, NOTHING), "ponatinib") for name in ("G250E/T315I", "E255V/T315I")}
    folds = [verdict.measured_fold or 0.0 for verdict in found.values()]
    assert folds[0] == pytest.approx(152.4 / 2.1, rel=0.01)
    assert folds[1] == pytest.approx(659.5 / 2.1, rel=0.01)
    assert {verdict.verdict for verdict in found.values()} == {"resistance reported"}


def test_single_patients_never_decide_alone() -> None:
    alone = [item("D391Y", kind="clinical resistance", strength="weak", level="C")] * 3
    assert of(with_items("D391Y", alone, NOTHING), "imatinib").verdict == "not resolved"


def test_resistance_needs_more_than_threefold_where_it_was_measured() -> None:
    mild = [
        item("D391Y", id=name, kind="cell IC50 fold", tier="measured", value=fold, direction=direction)
        for name, fold, direction in (("a", 2.2, "reduced sensitivity"), ("b", 3.1, "reduced sensitivity"))
    ]
    screens = [item("D391Y", id=name, kind="in vitro screen") for name in "cd"]
    assert (
        of(with_items("D391Y", mild + screens, NOTHING), "imatinib").verdict == "reduced sensitivity reported"
    )
    steep = [one.model_copy(update={"value": 9.0, "direction": "resistant"}) for one in mild]
    assert of(with_items("D391Y", steep + screens, NOTHING), "imatinib").verdict == "resistance reported"


def test_the_mean_that_decides_is_the_mean_that_is_shown() -> None:
    """Twentyfold in cells is no mild loss because a binding constant moved less."""
    verdict = of(assessed("F317I", NOTHING), "dasatinib")
    assert verdict.measured_fold == pytest.approx(20.0)
    assert [one.averaged for one in verdict.measured] == [
        one.assay.startswith("growth") for one in verdict.measured
    ]
    assert verdict.verdict == "resistance reported"


def test_a_partial_loss_that_measurements_do_not_show_is_told() -> None:
    """Every verdict whose own measured mean is of another class says so."""
    for text in sorted({one.protein_change for one in load_evidence(PACK).items if one.value}):
        for verdict in evidence_verdicts(variant(text), PACK):
            fold, reduced = verdict.measured_fold, verdict.verdict == "reduced sensitivity reported"
            limit = 19.0 if verdict.drug == "ponatinib" else 4.0
            if fold is not None and reduced and not 2.0 < fold <= limit:
                assert any(said.startswith("Measured") for said in verdict.disagreements), (
                    text,
                    verdict.drug,
                )


def test_what_is_published_of_a_tool_compound_alone_is_not_called_weak() -> None:
    said = assessed("T315V", NOTHING).answer.sentences[0]
    assert said == "Nothing is published on exactly T315V with a drug in use in the sources searched."
    assert "no IC50" in assessed("E279K", NOTHING).answer.sentences[0], "axitinib's is of no drug in use"


@pytest.mark.parametrize("text", ["E27K", "R1130W"])
def test_of_a_residue_in_no_model_no_distance_and_no_base_rate_is_claimed(text: str) -> None:
    result = assessed(text, NOTHING)
    assert result.answer.sentences[1].endswith("the residue being too far away or in none of the models.")
    for verdict in result.verdicts:
        assert verdict.sight is not None
        assert (verdict.sight.word, verdict.sight.track) == ("out of reach", None)
        assert "not known" in verdict.sight.text


def test_an_inherited_polymorphism_is_told_instead_of_a_clone() -> None:
    assert "inherited polymorphism" in assessed("K247R", NOTHING).next_steps[1]
    assert "inherited" not in assessed("K247N", NOTHING).next_steps[1]


def test_binding_is_said_of_models_alone() -> None:
    for text in ("T315I", "E255K", "F317L", "H396R", "E255K/T315I", "Y253H/E255V"):
        for verdict in assessed(text, NOTHING).verdicts:
            assert "binding" not in verdict.verdict
            assert "binding" not in verdict.summary


# --- guidelines, strong evidence, track records: the listed variants

LISTED = (
    "T315I", "T315A", "F317L", "F317V", "V299L", "E255K", "E255V", "Y253H", "G250E", "F359V", "F359C",
    "F359I", "M244V", "L248V", "H396R", "M351T", "A337V", "P465S", "I502L", "E255K/T315I", "Y253H/E255V",
    "T315I/F317L",
)  # fmt: skip


@pytest.mark.parametrize("text", LISTED)
def test_no_verdict_contradicts_a_guideline_or_strong_evidence_without_saying_so(text: str) -> None:
    asked = variant(text)
    hits = lookup(asked, PACK).hits
    for verdict in assessed(text, NOTHING).verdicts:
        against = verdict.verdict.startswith(("resistance", "reduced"))
        favourable = verdict.verdict.startswith("sensitivity")
        said = " ".join(verdict.disagreements)
        for line in verdict.guidelines:
            contradicts = against if line.stance.startswith("named") else favourable
            if contradicts:
                assert line.name in said, (text, verdict.drug)
                assert len(said) > 80, "with a reason"
        strong = [
            hit.item
            for hit in hits
            if hit.relation == "exact" and hit.item.drug == verdict.drug and hit.item.strength == "strong"
        ]
        opposite = ("sensitive", "no effect") if verdict.verdict.startswith("resistance") else ("resistant",)
        if any(one.direction in opposite for one in strong) and verdict.verdict != "not resolved":
            assert "Strong evidence" in said, (text, verdict.drug)


def test_the_disagreement_of_elns_table_with_laboratories_is_told_with_why() -> None:
    (said,) = of(assessed("F317V", NOTHING), "bosutinib").disagreements
    assert said.startswith("ELN 2020 names bosutinib, while the verdict is resistance reported")
    (left_out,) = of(assessed("V299L", NOTHING), "imatinib").disagreements
    assert "not thereby resistant" in left_out
    assert any("part of this variant" in s for s in of(assessed("E255K/T315I"), "ponatinib").disagreements)


def test_verdicts_carry_level_date_approval_and_track_record() -> None:
    found = {v.drug: v for v in evidence_verdicts(variant("V299L"), PACK)}
    dasatinib = found["dasatinib"]
    assert (dasatinib.level, dasatinib.amp_tier) == ("B", "I-B")
    assert re.fullmatch(r"(19|20)\d\d(-20\d\d)?", dasatinib.dated)
    assert dasatinib.track is not None
    assert re.fullmatch(r"right in \d+ of \d+ pairs of this kind", dasatinib.track.words)
    assert "as of" in dasatinib.approval
    assert list(found)[-1] == "axitinib"
    assert found["axitinib"].tool_compound
    assert {one.bound for one in of(assessed("T315I"), "nilotinib").measured} == {"", ">"}


def test_published_mechanisms_stand_beside_computed_ones() -> None:
    verdict = of(assessed("H396P"), "imatinib")
    assert any("I2" in reason.text for reason in verdict.published_mechanisms)
    assert of(assessed("M244V"), "asciminib").published_mechanisms


def test_the_headline_is_no_surer_than_the_list() -> None:
    for text in ("L384M", "A337V", "K404E", "E255K/T315I"):
        result = assessed(text)
        low = [v for v in result.verdicts if v.confidence == "low" and not v.tool_compound]
        if 2 * len(low) > len([v for v in result.verdicts if not v.tool_compound]):
            assert result.answer.confidence == "low", text


@pytest.mark.parametrize("text", ["K404E", "T315I", "E255K/T315I", "D391Y"])
def test_three_next_steps(text: str) -> None:
    steps = assessed(text).next_steps
    assert len(steps) == 3
    assert "transcript" in steps[2]
    assert ("on one molecule" in steps[1]) is ("/" in text)
    if text in ("K404E", "D391Y"):
        assert "IC50" in steps[0]


def test_a_kinase_that_no_fusion_drives_has_no_transcript_to_watch() -> None:
    assert "when the transcript rises" in assessed("K404E").next_steps[2]
    assert "when the disease returns" in with_items("K404E", [], NOTHING).next_steps[2]


# --- computation


def computed(drug: str = "imatinib", text: str = "D391Y", **changes: object) -> DrugVerdict:
    near = {"distance_to_variant_angstrom": 6.0, **changes}
    return of(assessed(text, measurements(docking=(docking(drug, **near),))), drug)


LOSS = difference(1.6, 1.2, 2.0, True)


def test_only_a_resolved_and_meaningful_loss_within_reach_counts() -> None:
    assert computed(difference_kcal_per_mol=LOSS).verdict == "reduced binding expected"
    far = computed(difference_kcal_per_mol=LOSS, distance_to_variant_angstrom=14.0)
    assert (far.verdict, far.reasons_against_binding) == ("not resolved", ())
    for change in (difference(0.3, 0.2, 0.4, True), difference(1.6, -0.4, 3.6, False)):
        assert computed(difference_kcal_per_mol=change).verdict == "not resolved"


def test_rigid_docking_never_says_that_binding_is_kept() -> None:
    for change in (difference(0.1, None, None, False), difference(-1.6, -2.0, -1.2, True)):
        verdict = computed(difference_kcal_per_mol=change)
        assert verdict.verdict == "not resolved"
        assert verdict.reasons_for_binding == ()
        assert verdict.sight is not None
        assert verdict.sight.word == "in reach, not tested"


def test_scores_of_a_failed_redocking_are_not_interpreted() -> None:
    verdict = computed(
        native_rmsd_to_reference_angstrom=3.1,
        difference_kcal_per_mol=LOSS,
        contacts_lost=("Met318 hydrogen bond",),
    )
    assert (verdict.verdict, verdict.mechanism) == ("not resolved", "not resolved")
    assert "not interpreted" in verdict.summary
    assert not [r for r in verdict.reasons_against_binding if "score" in r.text]


def test_a_pose_that_moves_or_breaks_counts_against() -> None:
    assert computed(mutant_rmsd_to_reference_angstrom=4.0).verdict == "reduced binding expected"
    assert computed(pose_valid=False).verdict == "reduced binding expected"


def test_a_pose_that_could_not_be_lost_is_no_reason_and_one_that_could_is() -> None:
    """Around its known pose nothing else is searched for; a search of the whole box might have left it."""
    said = {}
    for mode in ("from known pose", "global"):
        verdict = computed(mode=mode)
        said[mode] = [r.text for r in verdict.reasons_for_binding if "pose" in r.text]
    assert said["from known pose"] == []
    assert len(said["global"]) == 1


def test_mechanisms() -> None:
    touching = {"distance_to_variant_angstrom": 3.5}
    clash = computed(text="A380W", difference_kcal_per_mol=LOSS, **touching)
    assert clash.mechanism == "steric clash"
    assert clash.verdict == "reduced binding expected"
    smaller = computed(
        text="F382A", difference_kcal_per_mol=LOSS, contacts_lost=("Phe382 pi stacking",), **touching
    )
    assert smaller.mechanism == "lost contact"
    bond = computed(text="M318G", contacts_lost=("Met318 hydrogen bond",), **touching)
    assert (bond.verdict, bond.mechanism) == ("not resolved", "lost contact")
    assert computed().mechanism == "none seen"
    assert computed(difference_kcal_per_mol=LOSS).mechanism == "not resolved"


def test_shift_towards_the_active_state_is_asked_only_of_drugs_that_need_an_inactive_one() -> None:
    models = (geometry("native"), geometry("D391Y", dfg="in"))
    parts = measurements(docking=(docking("imatinib"), docking("dasatinib")), geometries=models)
    result = assessed("D391Y", parts)
    assert of(result, "imatinib").mechanism == "shift towards the active conformation"
    assert any("DFG-in" in reason.text for reason in of(result, "imatinib").reasons_against_binding)
    assert of(result, "dasatinib").mechanism == "none seen"


def test_confidence_in_computation_is_never_high() -> None:
    both = computed(
        text="A380W", difference_kcal_per_mol=LOSS, mutant_rmsd_to_reference_angstrom=4.0,
        distance_to_variant_angstrom=3.5,
    )  # fmt: skip
    assert both.confidence == "moderate"
    assert computed(difference_kcal_per_mol=LOSS).confidence == "low"


def test_the_drugs_own_state_and_known_pose_decide() -> None:
    near = {"distance_to_variant_angstrom": 6.0}
    elsewhere = docking("imatinib", state="kinase-dfg-in", difference_kcal_per_mol=LOSS, **near)
    globally = docking("imatinib", mode="global", difference_kcal_per_mol=LOSS, **near)
    parts = measurements(docking=(elsewhere, globally, docking("imatinib", **near)))
    assert of(assessed("D391Y", parts), "imatinib").verdict == "not resolved"


def test_an_unchanged_myristate_pocket_speaks_for_asciminib_only() -> None:
    parts = measurements(docking=(docking("asciminib"), docking("imatinib")), pockets=(pocket(),))
    result = assessed("D391Y", parts)
    assert any("pocket" in r.text for r in of(result, "asciminib").reasons_for_binding)
    assert not any("pocket" in r.text for r in of(result, "imatinib").reasons_for_binding)
    changed = measurements(docking=(docking("asciminib"),), pockets=(pocket(resolved=True),))
    assert not any(
        "pocket" in r.text for r in of(assessed("D391Y", changed), "asciminib").reasons_for_binding
    )


def test_published_evidence_outranks_computation() -> None:
    near = docking("imatinib", difference_kcal_per_mol=LOSS, distance_to_variant_angstrom=6.0)
    loss = measurements(docking=(near,))
    sensitive = item("D391Y", direction="sensitive", kind="clinical response", strength="strong")
    result = of(with_items("D391Y", [sensitive], loss), "imatinib")
    assert result.verdict == "sensitivity reported"
    assert any(reason.tier == "computed" for reason in result.reasons_against_binding)


def test_a_published_computation_decides_nothing() -> None:
    model = item("D391Y", direction="no effect", kind="structure", strength="strong")
    result = of(with_items("D391Y", [model], NOTHING), "imatinib")
    assert result.verdict == "not resolved"
    assert result.reasons_for_binding[0].tier == "published"


def test_conflict_within_one_rank_is_said() -> None:
    pair = [
        item("D391Y", id="a", kind="cell IC50 fold", tier="measured"),
        item("D391Y", id="b", kind="cell IC50 fold", tier="measured", direction="no effect"),
    ]
    result = of(with_items("D391Y", pair, NOTHING), "imatinib")
    assert (result.verdict, result.confidence) == ("reduced sensitivity reported", "low")


# --- a resistant item never helps

KINDS = get_args(EvidenceItem.model_fields["kind"].annotation)
DIRECTIONS = get_args(EvidenceItem.model_fields["direction"].annotation)
STRENGTHS = ("strong", "moderate", "weak")
some_item = st.builds(
    lambda kind, direction, strength: item("D391Y", kind=kind, direction=direction, strength=strength),
    st.sampled_from(KINDS),
    st.sampled_from(DIRECTIONS),
    st.sampled_from(STRENGTHS),
)
resistant_item = st.builds(
    lambda kind, strength: item("D391Y", kind=kind, strength=strength),
    st.sampled_from(KINDS),
    st.sampled_from(STRENGTHS),
)
COMPUTATIONS = (
    NOTHING,
    measurements(docking=(docking(),)),
    measurements(docking=(docking(difference_kcal_per_mol=LOSS),)),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(some_item, max_size=7),
    resistant_item,
    st.sampled_from(COMPUTATIONS),
    st.lists(resistant_item, max_size=2),
)
def test_a_resistant_item_never_makes_a_verdict_more_favourable(
    items: list[EvidenceItem], added: EvidenceItem, parts: Measurements, of_a_part: list[EvidenceItem]
) -> None:
    def order(exact: list[EvidenceItem]) -> int:
        hits = [("exact", entry) for entry in exact] + [
            ("part of the compound variant", e) for e in of_a_part
        ]
        evidence = EvidenceSummary(
            hits=tuple(EvidenceHit.model_validate({"relation": r, "item": e}) for r, e in hits),
            options=(), searched=(), statement="",
        )  # fmt: skip
        judged = judge(variant("D391Y"), PACK.drug("imatinib"), parts, evidence)
        return MOST_FAVOURABLE_FIRST.index(judged.verdict.verdict)

    assert order([*items, added]) >= order(items)


# --- words


def sentences_in(text: str) -> int:
    return len(re.findall(r"[.!?](?:\s|$)", text))


@pytest.mark.parametrize(
    "change", ["K404E", "T315I", "M244V", "E255K/T315I", "V299L", "D391Y", "A337V", "E98G"]
)
@pytest.mark.parametrize("parts", [NOTHING, far_and_unchanged()], ids=["nothing", "docked"])
def test_the_answer_is_two_sentences_without_a_prescription(change: str, parts: Measurements) -> None:
    answer = assessed(change, parts).answer
    assert [sentences_in(sentence) for sentence in answer.sentences] == [1, 1]
    assert sentences_in(answer.confidence_reason) == 1
    words = " ".join(answer.sentences).lower()
    assert not re.search(r"\b(should|recommend|must|prescribe|switch to|may possibly|perhaps)\b", words)
    assert change in answer.sentences[0]


def test_limits_name_short_sampling_and_failed_replicas() -> None:
    runs = tuple(
        SimulationSummary(
            state="kinase-dfg-out", variant="K404E", replica=number, seed=1, platform="CPU", atoms=1,
            length_ns=0.02, timestep_fs=4.0, temperature_mean_k=300.0, backbone_rmsd_final_angstrom=1.0,
            status="finished" if number else "failed",
        )
        for number in range(3)
    )  # fmt: skip
    limits = " ".join(assessed("K404E", measurements(simulations=runs)).limits)
    assert "20 ps per replica" in limits
    assert "1 of 3 replicas failed" in limits


def test_options_say_what_stays_open() -> None:
    options = {option.id: option for option in assessed("K404E").options}
    assert any("not resolved" in text for text in options["ponatinib"].speaks_against)
    assert options["inotuzumab"] == {o.id: o for o in lookup(variant("K404E"), PACK).options}["inotuzumab"]


def test_tiers_of_reasons_are_kept_apart() -> None:
    for verdict in assessed("T315I").verdicts:
        for reason in (*verdict.reasons_for_binding, *verdict.reasons_against_binding):
            if reason.tier == "computed":
                assert reason.source.endswith("of this run")
            else:
                assert re.search(r"(PMID:\d+|doi:10\.)", reason.source)


def test_the_result_survives_json() -> None:
    result = assessed("T315I")
    assert Assessment.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize(
    ("volume", "moved", "told"), [(2.0, 0.2, True), (-60.0, 0.2, False), (0.0, 0.0, False)]
)
def test_a_pocket_speaks_for_binding_only_where_it_could_have_changed_and_did_not(
    volume: float, moved: float, told: bool
) -> None:
    change = difference(volume, None, None).model_copy(update={"smallest_meaningful": 20.0})
    own = pocket().model_copy(
        update={"volume_difference_cubic_angstrom": change, "side_chain_rmsd_angstrom": moved}
    )
    parts = measurements(docking=(docking("asciminib"),), pockets=(own,))
    reasons = of(assessed("K404E", parts), "asciminib").reasons_for_binding
    assert any("keeps its shape" in reason.text for reason in reasons) is told
