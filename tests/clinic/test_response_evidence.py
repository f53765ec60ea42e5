"""Responses where several samples meet: each counts once, the worse decides, nothing reached is forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.test_response import ANY, all_calls, blood, categories, cml, flow, marrow, on, scaled, transcript
from factories.responses import assess_response
from kinscope.clinic.measurements import (
    BlastPercent,
    BloodCounts,
    FlowMrd,
    KaryotypeFinding,
    Measurement,
    TimePoint,
    TranscriptLevel,
)
from kinscope.clinic.response.model import ResponseCall

MARROW, BLOOD = "bone marrow", "peripheral blood"


def taken_from(material: str, finding: Measurement) -> Measurement:
    return finding.model_copy(update={"material": material})


def test_blood_and_marrow_of_one_day_the_worse_decides_and_both_are_shown() -> None:
    for day in (30, 33):
        (call,) = all_calls(taken_from(MARROW, transcript(30, 0.3)), taken_from(BLOOD, transcript(day, None)))
        assert call.category == "no MMR"
        assert {used.statement.rpartition("(")[2] for used in call.evidence} == {f"{MARROW})", f"{BLOOD})"}
        decided, _, other = call.statement.partition(", measured too: ")
        assert decided.endswith(f"decided by BCR::ABL1 e1a2/ABL1 0.3 % ({MARROW})")
        assert other == f"BCR::ABL1 e1a2/ABL1 not detected ({BLOOD})"
    (call,) = all_calls(taken_from(BLOOD, transcript(30, 0.3)), taken_from(MARROW, transcript(30, None)))
    assert call.category == "no MMR"


def test_a_response_needs_the_material_that_its_criterion_names() -> None:
    (call,) = all_calls(taken_from(BLOOD, transcript(30, None)))
    assert call.category == "molecular response"
    assert call.missing == ("a sample of bone marrow",)
    (call,) = all_calls(taken_from(BLOOD, transcript(30, 0.05)))
    assert call.category == "molecular response"
    (call,) = all_calls(taken_from(BLOOD, flow(30, None)))
    assert call.category == "cannot be called"
    molecular, milestone = cml(taken_from(MARROW, scaled(365, 0.05)))
    assert (molecular.category, milestone.category) == ("cannot be called", "cannot be called")
    assert molecular.missing == ("a sample of peripheral blood",)
    both = cml(taken_from(MARROW, scaled(365, 0.3)), taken_from(BLOOD, scaled(365, None)))
    assert [call.category for call in both] == ["no MMR", "warning"], "disease counts wherever it is found"


def test_flow_of_blood_and_marrow_together() -> None:
    calls = all_calls(taken_from(BLOOD, flow(30, None)), flow(30, 0.2))
    assert categories(calls, "flow MRD") == ["MRD positive"]
    calls = all_calls(taken_from(BLOOD, flow(30, 0.2)), flow(30, None))
    assert categories(calls, "flow MRD") == ["MRD positive"]


@pytest.mark.parametrize("first", [28, 30])
def test_counts_that_recover_within_the_window_make_the_remission(first: int) -> None:
    """Marrow 2 % with low counts, recovery eight days later, then a relapse."""
    course = [marrow(30, 2), blood(first, 0.3, 20), blood(38, 1.5, 150), marrow(200, 60)]
    calls = categories(all_calls(*course), "haematological")
    assert calls == ["MLFS", "CR", "relapse"]


def test_neutrophils_and_platelets_of_two_days_belong_to_one_marrow() -> None:
    course = [marrow(30, 2), blood(33, 1.5, None), blood(38, None, 150), marrow(200, 60)]
    assert categories(all_calls(*course), "haematological") == ["MLFS", "CR", "relapse"]


def test_a_later_test_of_unstated_material_is_another_visit() -> None:
    calls = all_calls(transcript(30, 0.3), taken_from(MARROW, transcript(38, None)))
    assert categories(calls, "molecular") == ["no MMR", "CMR"]


def test_counts_after_the_window_make_no_remission_and_repeat_none() -> None:
    assert categories(all_calls(marrow(30, 2), blood(30, 0.3, 20), blood(45)), "haematological") == ["MLFS"]
    again = all_calls(marrow(30, 2), blood(30), blood(37), blood(44, 0.2, 10))
    assert categories(again, "haematological") == ["CR"], "later counts repeat nothing and take nothing back"
    disease = all_calls(marrow(30, 60), blood(30), blood(37))
    assert categories(disease, "haematological") == ["refractory"], "a full marrow is told once"


@pytest.mark.parametrize("between", [transcript(60, 0.005), transcript(60, None, 500)])
@pytest.mark.parametrize("levelless", [True, False])
def test_a_low_or_levelless_positive_forgets_no_response(between: Measurement, levelless: bool) -> None:
    middle = TranscriptLevel(at=on(60), detected=True, transcript="e1a2") if levelless else between
    calls = all_calls(transcript(30, None), middle, transcript(90, 0.5))
    assert categories(calls, "molecular")[-1] == "molecular relapse"
    flows = all_calls(
        flow(30, None), FlowMrd(at=on(60), detected=True) if levelless else flow(60, 0.005), flow(90, 0.5)
    )
    assert categories(flows, "flow MRD")[-1] == "MRD relapse"
    unseen = all_calls(flow(30, None), flow(60, None, 1.0), flow(90, 0.5))
    assert categories(unseen, "flow MRD")[-1] == "MRD relapse"


def test_a_deep_response_of_cml_is_not_lost_by_a_poor_sample() -> None:
    calls = cml(scaled(800, 0.002), scaled(900, 0.002, 5_000), scaled(1000, 0.05))
    assert [c.level for c in calls if c.axis == "molecular"] == ["MR4.5", "MMR", "deep response lost"]


def test_two_counts_of_a_marrow_the_fuller_decides() -> None:
    calls = all_calls(marrow(30, 2), marrow(30, 30), blood(30))
    assert categories(calls, "haematological") == ["refractory"]


def test_what_is_entered_twice_confirms_nothing() -> None:
    copied = scaled(126, 1.2).model_copy(update={"source": "letter", "note": "the same result"})
    early = cml(scaled(100, 0.05), scaled(126, 1.2), copied, criteria="eln-cml-2013")
    assert "failure" not in categories(early, "milestone")


PERCENT = st.floats(1e-5, 90)
WORSE = st.sampled_from(["transcript", "flow", "marrow", "counts"])
RANK = {
    "haematological": [
        "refractory", "relapse", "active disease", "cannot be called", "MLFS", "CRi", "CRh", "CR",
    ],
    "flow MRD": ["MRD relapse", "MRD positive", "cannot be called", "MRD negative"],
    "molecular": [
        "molecular relapse", "loss of CMR", "MRD progression", "loss of MMR", "no MMR", "MRD positive",
        "cannot be called", "molecular response", "MMR", "CMR",
    ],
}  # fmt: skip


def worse_than(finding: Measurement, factor: float) -> Measurement | None:
    if isinstance(finding, BlastPercent):
        return finding.model_copy(update={"percent": min(100.0, finding.percent * factor + 1)})
    if isinstance(finding, BloodCounts) and finding.neutrophils_giga_per_litre is not None:
        return finding.model_copy(
            update={"neutrophils_giga_per_litre": finding.neutrophils_giga_per_litre / factor}
        )
    if isinstance(finding, FlowMrd):
        level = min(100.0, (finding.level_percent or 0.01) * factor)
        return finding.model_copy(update={"detected": True, "level_percent": level})
    if isinstance(finding, TranscriptLevel):
        return finding.model_copy(update={"detected": True, "percent": (finding.percent or 0.001) * factor})
    return None


def latest(calls: tuple[ResponseCall, ...], axis: str, day: int) -> int | None:
    found = [call.category for call in calls if call.axis == axis and call.at.days == day]
    return RANK[axis].index(found[-1]) if found and found[-1] in RANK[axis] else None


EVALUATION = st.tuples(
    PERCENT,
    st.none() | st.floats(0.1, 3),
    st.none() | st.floats(10, 300),
    st.none() | PERCENT,
    st.none() | PERCENT,
)


@given(EVALUATION, st.integers(0, 3), st.floats(1.0, 1e4))
@settings(max_examples=150, deadline=None)
def test_a_worse_sample_beside_another_never_improves_a_call(
    values: tuple[float, float | None, float | None, float | None, float | None], which: int, factor: float
) -> None:
    blasts, neutrophils, platelets, residual, level = values
    course: list[Measurement] = [
        marrow(40, blasts), blood(40, neutrophils, platelets), flow(40, residual), transcript(40, level),
    ]  # fmt: skip
    extra = worse_than(course[which], factor)
    if extra is None:
        return
    plain, added = all_calls(*course), all_calls(*course, extra)
    for axis in RANK:
        before, after = latest(plain, axis, 40), latest(added, axis, 40)
        assert before is None or after is None or after <= before, (axis, plain, added)


@given(EVALUATION, st.sampled_from(["eln-cml-2013", "eln-cml-2020", "nccn-cml-2021"]), st.floats(1.0, 100.0))
@settings(max_examples=60, deadline=None)
def test_a_worse_level_never_improves_a_milestone(
    values: tuple[float, ...], criteria: str, factor: float
) -> None:
    order = ["failure", "warning", "between milestones", "cannot be called", "optimal"]
    level = values[0] or 1.0
    for day in (91, 140, 183, 274, 365, 700):
        plain = cml(scaled(day, level), criteria=criteria)
        added = cml(scaled(day, level), scaled(day, min(level * factor, 100.0)), criteria=criteria)
        ranks = [order.index(categories(calls, "milestone")[-1]) for calls in (plain, added)]
        assert ranks[1] <= ranks[0]


@given(st.lists(ANY, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_doubling_the_evidence_or_shuffling_it_changes_nothing(
    course: list[Measurement], random: object
) -> None:
    doubled = [*course, *(m.model_copy(update={"note": "again", "source": "copy"}) for m in course)]
    random.shuffle(doubled)  # type: ignore[attr-defined]
    for disease, criteria in (("ph-all", "eln-all-2024"), ("cml", "eln-cml-2013"), ("cml", "eln-cml-2020")):
        once = assess_response(course, disease, criteria, TimePoint(day=0))  # type: ignore[arg-type]
        twice = assess_response(doubled, disease, criteria, TimePoint(day=0))  # type: ignore[arg-type]
        assert once == twice


def test_two_karyotypes_of_one_day_the_worse_decides() -> None:
    calls = cml(
        KaryotypeFinding(at=on(200), iscn="46,XY[20]"),
        KaryotypeFinding(at=on(200), iscn="46,XY,t(9;22)(q34;q11.2)[10]/46,XY[10]"),
    )
    assert categories(calls, "cytogenetic") == ["minor CyR"]
