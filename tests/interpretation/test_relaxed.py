"""Relaxed complexes in the verdicts of a study: where there are any they decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories.interpretation import difference, docking, measurements, variant
from factories.relaxed import relaxed
from kinscope.analysis.calls import LOST_KCAL_PER_MOL
from kinscope.evidence.model import EvidenceSummary
from kinscope.interpretation.computed import (
    CLASH,
    LOST,
    NONE_SEEN,
    NOT_RESOLVED,
    binding_opinion,
    computed_opinion,
)
from kinscope.interpretation.model import Measurements, Predicted
from kinscope.interpretation.verdicts import judge
from kinscope.results.docking import RelaxedComparison
from kinscope.targets import load_target

PACK = load_target("abl1")
T315I = variant("T315I")


def study(*comparisons: RelaxedComparison, **changes: object) -> Measurements:
    near = {"distance_to_variant_angstrom": 3.3, **changes}
    drugs = sorted({item.drug for item in comparisons} | {"imatinib"})
    found = measurements(docking=tuple(docking(drug, **near) for drug in drugs))
    return found.model_copy(update={"relaxed": comparisons})


@given(st.floats(-10, 10), st.floats(0.1, 5))
def test_the_verdict_follows_the_interval(value: float, half: float) -> None:
    found = computed_opinion(T315I, PACK.drug("imatinib"), study(relaxed(value, half)))
    expected = (
        "no loss of binding detected"
        if value + half < LOST_KCAL_PER_MOL
        else "reduced binding expected"
        if value >= LOST_KCAL_PER_MOL and value - half > 0
        else "not resolved"
    )
    assert found.verdict == expected
    assert found.confidence != "high"


def test_a_rigid_clash_that_the_pocket_takes_over_is_no_loss() -> None:
    # Ponatinib on T315I: the rigid models cost it several kcal/mol, and it was made for this mutant.
    clash = {"difference_kcal_per_mol": difference(3.8, 2.0, 5.6, resolved=True)}
    rigid = computed_opinion(T315I, PACK.drug("imatinib"), study(**clash))
    assert rigid.verdict == "reduced binding expected"
    found = computed_opinion(T315I, PACK.drug("imatinib"), study(relaxed(-0.2, 0.8), **clash))
    assert found.verdict == "no loss of binding detected"
    assert found.mechanism == NONE_SEEN
    told = found.binding[0].call.disagreement
    assert told is not None
    assert told.values["word"] == "lost"
    assert any("Docking score (rigid protein)" in reason.text for reason in found.reasons_against)


def test_mechanism_of_a_loss_says_clash_only_where_docking_saw_one() -> None:
    drug = PACK.drug("imatinib")
    large = {"difference_kcal_per_mol": difference(4.0, 2.0, 6.0, resolved=True)}
    assert computed_opinion(T315I, drug, study(relaxed(5.0, 1.0), **large)).mechanism == CLASH
    assert computed_opinion(T315I, drug, study(relaxed(5.0, 1.0))).mechanism == LOST
    assert computed_opinion(T315I, drug, study(relaxed(1.0, 2.0))).mechanism == NOT_RESOLVED


def test_a_further_state_decides_where_the_own_model_does_not_hold_the_drug() -> None:
    own = relaxed(-4.2, 1.0, "bosutinib", "kinase-dfg-in", to_crystal=1.2)
    further = relaxed(2.5, 1.0, "bosutinib", "kinase-dfg-inter")
    found = binding_opinion(PACK.drug("bosutinib"), study(own, further))
    assert found is not None
    assert [item.call.word for item in found.calls] == ["unresolved", "lost"]
    assert (found.decision, found.deciding.state) == ("lost", "kinase-dfg-inter")


def test_states_that_contradict_each_other_decide_nothing() -> None:
    own = relaxed(-4.2, 1.0, "bosutinib", "kinase-dfg-in")
    further = relaxed(2.5, 1.0, "bosutinib", "kinase-dfg-inter")
    found = computed_opinion(T315I, PACK.drug("bosutinib"), study(own, further))
    assert found.verdict == "not resolved"
    assert "contradict" in found.explanation


@pytest.mark.parametrize("distance", [3.3, 15.0])
def test_without_relaxed_complexes_nothing_is_said_of_them(distance: float) -> None:
    found = computed_opinion(
        variant("K404E"), PACK.drug("imatinib"), study(distance_to_variant_angstrom=distance)
    )
    assert found.binding == ()
    assert not any(
        "relaxed" in reason.text.lower() for reason in (*found.reasons_for, *found.reasons_against)
    )


@pytest.mark.parametrize(
    ("call", "value", "verdict", "basis"),
    [
        ("open", 4.0, "reduced binding expected", "computed"),
        ("open", 0.0, "not resolved", "predicted"),
        ("kept", 4.0, "sensitivity predicted", "predicted"),
    ],
)
def test_a_loss_decides_where_the_prediction_is_open(
    call: str, value: float, verdict: str, basis: str
) -> None:
    predicted = Predicted(
        drug="imatinib", ddg_kcal_mol=1.0, low=0.0, high=2.0, probability_lost=0.3, nearest_residue=315,
        reach_angstrom=3.0, call=call,
    )  # fmt: skip
    nothing = EvidenceSummary(hits=(), options=(), searched=(), statement="")
    found = judge(T315I, PACK.drug("imatinib"), study(relaxed(value, 0.5)), nothing, predicted).verdict
    assert (found.verdict, found.basis) == (verdict, basis)


def test_a_drug_in_reach_that_was_not_run_says_how_to_run_it() -> None:
    nothing = EvidenceSummary(
        hits=(), options=(), searched=(), statement="", distances_angstrom={"imatinib": 3.0}
    )
    found = judge(T315I, PACK.drug("imatinib"), study().model_copy(update={"docking": ()}), nothing).verdict
    assert found.sight is not None
    assert "kinscope assess T315I --drug imatinib --out DIR" in found.sight.text
