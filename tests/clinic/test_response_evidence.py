"""Responses where several samples meet: each counts once, the worse decides, nothing reached is forgotten."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.test_response import (
    ANY,
    START,
    all_calls,
    blood,
    categories,
    cml,
    flow,
    marrow,
    on,
    scaled,
    transcript,
)
from factories.responses import assess_response
from kinscope.clinic.measurements import (
    BlastPercent,
    BloodCounts,
    FlowMrd,
    KaryotypeFinding,
    Measurement,
    TranscriptLevel,
)
from kinscope.clinic.response.model import ResponseCall

MARROW, BLOOD = "bone marrow", "peripheral blood"
ALL_SETS = ("eln-all-2024", "nccn-all-2021", "esmo-all-2016")
CML_SETS = ("eln-cml-2013", "eln-cml-2020", "nccn-cml-2021")


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


def test_a_clear_sample_of_the_right_material_carries_the_level_of_the_other() -> None:
    """Blood at 0.05 % takes from a marrow without transcripts what the level forbids, and no more."""
    (call,) = all_calls(taken_from(BLOOD, transcript(30, 0.05)), taken_from(MARROW, transcript(30, None)))
    assert call.category == "MMR"
    assert "decided by BCR::ABL1 e1a2/ABL1 0.05 % (peripheral blood)" in call.statement
    both = cml(taken_from(MARROW, scaled(365, 0.05)), taken_from(BLOOD, scaled(365, None)))
    assert [call.category for call in both] == ["MMR", "optimal"]
    deep = cml(taken_from(MARROW, scaled(365, 0.0005, 40_000)), taken_from(BLOOD, scaled(365, 0.0005)))
    assert deep[0].category == "MR5", "as deep as the blood allows, at the level of the worse"


def test_blood_and_marrow_of_one_day_stay_together_beside_an_earlier_sample() -> None:
    """Five days after a blood sample: its marrow does not join that one."""
    calls = all_calls(
        taken_from(BLOOD, transcript(365, None)),
        taken_from(MARROW, transcript(370, None)),
        taken_from(BLOOD, transcript(370, 0.2)),
    )
    assert [(c.at.day, c.category) for c in calls] == [(365, "molecular response"), (370, "no MMR")]


def test_a_counted_marrow_decides_over_flow_of_the_days_after_it() -> None:
    """Regenerating blasts: flow that comes back with the next blood count makes no remission of 8 %."""
    calls = all_calls(marrow(30, 8), blood(30), blood(31), flow(31, 0.02))
    assert categories(calls, "haematological") == ["refractory"]


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
SETS = [*((i, "ph-all") for i in ALL_SETS), *((i, "cml") for i in CML_SETS)]
RANK: dict[str, list[tuple[str, ...]]] = {
    "haematological": [
        ("blast phase",), ("accelerated phase",),
        ("refractory", "relapse", "extramedullary relapse", "active disease", "loss of CHR"),
        ("cannot be called",), ("MLFS",), ("CRi",), ("CRh",), ("CR", "CHR"),
    ],
    "flow MRD": [
        ("MRD relapse", "MRD positive", "MRD positive, not quantifiable"), ("cannot be called",),
        ("MRD negative",),
    ],
    "molecular": [
        ("molecular relapse", "loss of CMR", "MRD progression", "loss of MMR", "no MMR"), ("MRD positive",),
        ("cannot be called",), ("molecular response",), ("MMR",), ("MR4",), ("MR4.5",), ("MR5", "CMR"),
    ],
    "cytogenetic": [
        ("loss of CCyR", "loss of PCyR", "no CyR"), ("minimal CyR",), ("minor CyR",), ("PCyR",),
        ("cannot be called",), ("CCyR",),
    ],
    "milestone": [("failure",), ("warning",), ("between milestones", "cannot be called"), ("optimal",)],
}  # fmt: skip
DAY = st.sampled_from([30, 30, 38, 365, 370]).map(on)
AMOUNT = st.sampled_from([0.0005, 0.005, 0.05, 0.3, 2.0, 40.0])
PLACE = st.sampled_from([MARROW, BLOOD, "not stated"])
DEPTH = st.sampled_from(
    [("ABL1", 500), ("ABL1", 40_000), ("ABL1", 120_000), ("GUSB", 12_000), ("not stated", None)]
)
LEVEL = st.builds(
    lambda at, level, material, depth, scaled: TranscriptLevel(
        at=at, detected=level is not None, percent=level, material=material, control_gene=depth[0],
        control_copies=depth[1], on_international_scale=scaled, transcript="e14a2" if scaled else "e1a2",
    ),
    DAY, st.none() | AMOUNT, PLACE, DEPTH, st.booleans(),
)  # fmt: skip
MARROWS = st.builds(
    BlastPercent, at=DAY, percent=AMOUNT, material=st.sampled_from([MARROW, BLOOD]),
    method=st.sampled_from(["morphology", "flow cytometry"]),
)  # fmt: skip
COUNTS = st.builds(
    BloodCounts, at=DAY, neutrophils_giga_per_litre=st.sampled_from([None, 0.3, 0.7, 2.0]),
    platelets_giga_per_litre=st.sampled_from([None, 30, 70, 200]),
    leucocytes_giga_per_litre=st.sampled_from([None, 5, 40]),
    blood_blasts_percent=st.sampled_from([None, 0, 3]), spleen_palpable=st.none() | st.booleans(),
)  # fmt: skip
FLOW = st.builds(
    lambda at, level, material, sensitivity: FlowMrd(
        at=at, detected=level is not None, level_percent=level, material=material,
        sensitivity_percent=sensitivity,
    ),
    DAY, st.none() | AMOUNT, PLACE, st.sampled_from([None, 0.001, 0.01, 0.1]),
)  # fmt: skip
KARYOTYPE = st.builds(
    lambda at, positive: KaryotypeFinding(at=at, iscn=metaphase_text(positive)), DAY, st.integers(0, 20)
)
SAMPLE = LEVEL | LEVEL | MARROWS | COUNTS | FLOW | KARYOTYPE


def metaphase_text(positive: int) -> str:
    clones = [f"46,XY,t(9;22)(q34;q11.2)[{positive}]"] * bool(positive) + [f"46,XY[{20 - positive}]"]
    return "/".join(clones[: 1 + (0 < positive < 20)])


def worse_than(finding: Measurement, factor: float) -> Measurement:
    """The same sample, of the same material and quality, with more disease or fewer healthy cells."""
    changes: dict[str, object] = {}
    if isinstance(finding, BlastPercent):
        changes = {"percent": min(100.0, finding.percent * factor + 1)}
    if isinstance(finding, BloodCounts):
        lower = {"neutrophils_giga_per_litre": finding.neutrophils_giga_per_litre}
        changes = {name: value and value / factor for name, value in lower.items()}
        changes["leucocytes_giga_per_litre"] = (finding.leucocytes_giga_per_litre or 0) * factor or None
    if isinstance(finding, FlowMrd):
        level = min(100.0, (finding.level_percent or 0.001) * factor)
        changes = {"detected": True, "level_percent": level}
    if isinstance(finding, TranscriptLevel):
        changes = {"detected": True, "percent": (finding.percent or 0.001) * factor}
    if isinstance(finding, KaryotypeFinding):
        seen = re.search(r"q11.2\)\[(\d+)", finding.iscn)
        changes = {"iscn": metaphase_text(min(20, int(seen[1] if seen else 0) + round(factor)))}
    return finding.model_copy(update=changes)


def worst_of(calls: tuple[ResponseCall, ...], axis: str, day: int) -> int | None:
    order = {category: rank for rank, equal in enumerate(RANK[axis]) for category in equal}
    return min((order[c.category] for c in calls if c.axis == axis and c.at.days == day), default=None)


@given(st.lists(SAMPLE, min_size=1, max_size=5), st.sampled_from(SETS), st.sampled_from([1.5, 10, 300]))
@settings(max_examples=300, deadline=None)
def test_a_worse_sample_beside_another_never_improves_a_call(
    course: list[Measurement], rules: tuple[str, str], factor: float
) -> None:
    """On any day, in any compartment, of any quality, by every set. What was no call may become one."""
    criteria, disease = rules
    plain = assess_response(course, disease, criteria, START)  # type: ignore[arg-type]
    for sample in course:
        added = assess_response([*course, worse_than(sample, factor)], disease, criteria, START)  # type: ignore[arg-type]
        for axis, order in RANK.items():
            before, after = (worst_of(calls, axis, sample.at.days) for calls in (plain, added))
            if before is not None and after is not None and "cannot be called" not in order[before]:
                assert after <= before, (axis, plain, added)


@given(st.lists(SAMPLE, min_size=2, max_size=6), st.sampled_from(SETS), st.data())
@settings(max_examples=200, deadline=None)
def test_citing_a_source_changes_no_call(
    course: list[Measurement], rules: tuple[str, str], data: st.DataObject
) -> None:
    """What is of one day stays one visit, however it is cited, and in whatever order it is entered."""
    criteria, disease = rules
    words = [data.draw(st.sampled_from(["", "abstract", "letter"])) for _ in course]
    cited = [m.model_copy(update={"source": word}) for m, word in zip(course, words, strict=True)]
    plain, other = (assess_response(c, disease, criteria, START) for c in (course, cited))  # type: ignore[arg-type]
    assert [(c.at, c.axis, c.category) for c in plain] == [(c.at, c.axis, c.category) for c in other]


@given(PERCENT, st.sampled_from(CML_SETS), st.floats(1.0, 100.0))
@settings(max_examples=60, deadline=None)
def test_a_worse_level_never_improves_a_milestone(level: float, criteria: str, factor: float) -> None:
    order = ["failure", "warning", "between milestones", "cannot be called", "optimal"]
    for day in (91, 140, 183, 274, 365, 700):
        plain = cml(scaled(day, level), criteria=criteria)
        added = cml(scaled(day, level), scaled(day, min(level * factor, 100.0)), criteria=criteria)
        ranks = [order.index(categories(calls, "milestone")[-1]) for calls in (plain, added)]
        assert ranks[1] <= ranks[0]


@given(st.lists(ANY | SAMPLE, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_doubling_the_evidence_or_shuffling_it_changes_nothing(
    course: list[Measurement], random: object
) -> None:
    doubled = [*course, *(m.model_copy(update={"note": "again", "source": "copy"}) for m in course)]
    random.shuffle(doubled)  # type: ignore[attr-defined]
    for criteria, disease in SETS:
        once = assess_response(course, disease, criteria, START)  # type: ignore[arg-type]
        twice = assess_response(doubled, disease, criteria, START)  # type: ignore[arg-type]
        assert once == twice


def test_two_karyotypes_of_one_day_the_worse_decides() -> None:
    calls = cml(
        KaryotypeFinding(at=on(200), iscn="46,XY[20]"),
        KaryotypeFinding(at=on(200), iscn="46,XY,t(9;22)(q34;q11.2)[10]/46,XY[10]"),
    )
    assert categories(calls, "cytogenetic") == ["minor CyR"]
