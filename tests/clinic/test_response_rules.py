"""Each rule set against its publication, row by row: the limits, the windows, the losses, the phases."""

from __future__ import annotations

import pytest

from clinic.test_response import (
    START,
    all_calls,
    blood,
    categories,
    chr_counts,
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
    KaryotypeFinding,
    Measurement,
    MutationFinding,
    TranscriptLevel,
)
from kinscope.clinic.response.assess import Line, assess_line, mutation_testing_due
from kinscope.clinic.response.criteria import load_criteria
from kinscope.clinic.response.model import ResponseCall


def month(number: float) -> int:
    return round(30.44 * number)


def metaphases(day: int, positive: int, total: int = 20) -> KaryotypeFinding:
    clones = [f"46,XY,t(9;22)(q34;q11.2)[{positive}]"] * bool(positive)
    return KaryotypeFinding(
        at=on(day), iscn="/".join([*clones, *[f"46,XY[{total - positive}]"] * (positive < total)])
    )


def in_line(number: int, *course: Measurement, criteria: str = "eln-cml-2013") -> tuple[ResponseCall, ...]:
    return assess_line(course, load_criteria(criteria), Line(number=number, start=START))


@pytest.mark.parametrize(
    ("months", "percent", "category"),
    [
        (3, 10, "optimal"), (3, 10.1, "warning"), (3, 90, "warning"),
        (6, 0.99, "optimal"), (6, 1, "warning"), (6, 10, "warning"), (6, 10.1, "failure"),
        (12, 0.1, "optimal"), (12, 0.11, "warning"), (12, 1, "warning"), (12, 1.01, "failure"),
        (18, 0.1, "optimal"), (18, 0.5, "warning"), (18, 1.01, "failure"), (60, 2, "failure"),
    ],
)  # fmt: skip
def test_levels_of_eln_2013_first_line(months: float, percent: float, category: str) -> None:
    """Baccarani M et al. Blood 2013;122:872-884, table 5 and the abstract: above 1 % from 12 months on."""
    calls = cml(scaled(month(months), percent), criteria="eln-cml-2013")
    assert categories(calls, "milestone") == [category]


@pytest.mark.parametrize(
    ("months", "positive", "category"),
    [
        (3, 7, "optimal"), (3, 8, "warning"), (3, 19, "warning"), (3, 20, "failure"),
        (6, 0, "optimal"), (6, 1, "warning"), (6, 7, "warning"), (6, 8, "failure"),
        (12, 1, "failure"), (24, 1, "failure"),
    ],
)  # fmt: skip
def test_metaphases_of_eln_2013_first_line(months: float, positive: int, category: str) -> None:
    calls = cml(metaphases(month(months), positive), criteria="eln-cml-2013")
    assert categories(calls, "milestone") == [category]


@pytest.mark.parametrize(
    ("months", "percent", "category"),
    [
        (3, 10, "optimal"), (3, 60, "warning"), (6, 10, "optimal"), (6, 10.1, "failure"),
        (12, 0.99, "optimal"), (12, 1, "warning"), (12, 10, "warning"), (12, 10.1, "failure"),
        (24, 0.1, "optimal"), (24, 0.11, "warning"), (24, 50, "warning"),
    ],
)  # fmt: skip
def test_levels_of_eln_2013_second_line(months: float, percent: float, category: str) -> None:
    """Table 6 of the same publication; it says no more of a later level than that 0.1 % is exceeded."""
    assert categories(in_line(2, scaled(month(months), percent)), "milestone") == [category]


@pytest.mark.parametrize(
    ("months", "positive", "category"),
    [
        (3, 12, "optimal"), (3, 13, "warning"), (3, 19, "warning"), (3, 20, "failure"),
        (6, 6, "optimal"), (6, 7, "warning"), (6, 13, "warning"), (6, 14, "failure"),
        (12, 0, "optimal"), (12, 7, "warning"), (12, 8, "failure"),
    ],
)  # fmt: skip
def test_metaphases_of_eln_2013_second_line(months: float, positive: int, category: str) -> None:
    assert categories(in_line(2, metaphases(month(months), positive)), "milestone") == [category]


def test_eln_2013_has_no_third_line_and_eln_2020_has_one_table_for_all() -> None:
    (call,) = [c for c in in_line(3, scaled(183, 50)) if c.axis == "milestone"]
    assert call.category == "cannot be called"
    assert "no milestones for line 3" in call.statement
    assert categories(in_line(3, scaled(183, 50), criteria="eln-cml-2020"), "milestone") == ["failure"]


def test_no_haematological_response_at_three_months_is_failure_in_2013() -> None:
    counts = chr_counts(leucocytes_giga_per_litre=40).model_copy(update={"at": on(91)})
    assert categories(cml(counts, criteria="eln-cml-2013"), "milestone") == ["failure"]
    assert categories(cml(counts, scaled(91, 5), criteria="eln-cml-2013"), "milestone") == ["failure"]
    assert categories(cml(counts, scaled(91, 5)), "milestone") == ["optimal"]


def test_losses_of_eln_2013() -> None:
    """Table 5, any time: CHR, CCyR, and MMR once confirmed by a second test, one at 1 % or more."""
    later = chr_counts(leucocytes_giga_per_litre=45).model_copy(update={"at": on(140)})
    assert categories(cml(chr_counts(), later, criteria="eln-cml-2013"), "milestone") == ["failure"]
    lost = cml(metaphases(140, 0), metaphases(300, 1), criteria="eln-cml-2013")
    assert categories(lost, "milestone")[-1] == "failure"
    assert lost[-1].criterion.id == "eln-cml-2013/loss"
    course = [scaled(500, 0.05), scaled(600, 0.4)]
    assert categories(cml(*course, criteria="eln-cml-2013"), "milestone") == ["optimal", "warning"]
    for second, category in ((0.8, "warning"), (1.0, "failure")):
        calls = cml(*course, scaled(660, second), criteria="eln-cml-2013")
        assert categories(calls, "milestone")[-1] == category
    soon = cml(scaled(150, 0.05), scaled(200, 0.4), scaled(210, 1.0), criteria="eln-cml-2013")
    assert "failure" not in categories(soon, "milestone"), "two tests of one visit are one"


def test_partial_response_lost_counts_in_second_line_only() -> None:
    course = [metaphases(140, 5), metaphases(250, 9)]
    assert [c.criterion.id for c in in_line(2, *course)][-1] == "eln-cml-2013/loss-of-PCyR"
    assert "eln-cml-2013/loss-of-PCyR" not in {c.criterion.id for c in in_line(1, *course)}


def mutation(day: int, expression: str, gene: str = "ABL1") -> MutationFinding:
    return MutationFinding(at=on(day), detected=True, expression=expression, gene=gene)


@pytest.mark.parametrize("expression", ["T315I", "NM_005157.6:c.944C>T (p.Thr315Ile)", "p.Tyr253His"])
def test_a_mutation_is_failure_in_2013_and_open_in_2020(expression: str) -> None:
    assert categories(cml(mutation(200, expression), criteria="eln-cml-2013"), "milestone") == ["failure"]
    assert categories(cml(mutation(200, expression)), "milestone") == ["cannot be called"]


@pytest.mark.parametrize(
    ("expression", "gene"),
    [("p.Lys247Arg", "ABL1"), ("p.Thr315Ala of", "ABL1"), ("R175H", "TP53"), ("", "ABL1")],
)
def test_a_mutation_that_is_none_of_the_kinase_is_no_failure(expression: str, gene: str) -> None:
    calls = cml(mutation(200, expression, gene), criteria="eln-cml-2013")
    assert "failure" not in categories(calls, "milestone")


def test_only_a_new_mutation_is_failure_of_the_second_line() -> None:
    first = in_line(1, mutation(200, "T315I"))
    line = Line(number=2, start=on(210), previous=first)
    second = assess_line(
        [mutation(300, "p.Thr315Ile"), mutation(310, "F317L")], load_criteria("eln-cml-2013"), line
    )
    assert [call.level for call in second if call.category == "failure"] == ["F317L"]


@pytest.mark.parametrize(
    ("day", "percent", "category"),
    [
        (274, 2, "between milestones"), (274, 0.05, "between milestones"), (274, 15, "failure"),
        (300, 2, "between milestones"), (334, 2, "between milestones"), (335, 2, "failure"),
        (395, 2, "failure"), (140, 12, "between milestones"), (122, 5, "between milestones"),
    ],
)  # fmt: skip
def test_a_milestone_is_judged_near_its_date(day: int, percent: float, category: str) -> None:
    """ELN 2020 has dates, no spans: a month around each; past one, what it already excluded stays failure."""
    (call,) = [c for c in cml(scaled(day, percent)) if c.axis == "milestone"]
    assert call.category == category
    if category == "between milestones":
        assert "past this milestone" in call.statement


def test_nothing_is_judged_before_the_first_milestone() -> None:
    assert categories(cml(scaled(30, 50)), "milestone") == []


def test_two_early_samples_do_not_confirm_each_other() -> None:
    for days in ((61, 89), (91, 95), (75, 118)):
        calls = cml(*(scaled(day, 15) for day in days))
        assert categories(calls, "milestone") == ["warning", "warning"], days
    assert categories(cml(scaled(91, 15), scaled(125, 12)), "milestone")[-1] == "failure"
    better = cml(scaled(91, 15), scaled(105, 8), scaled(125, 12))
    assert categories(better, "milestone")[-1] == "between milestones", "a good test between them"


def test_loss_of_mmr_is_a_warning_from_the_day_mmr_was_reached() -> None:
    calls = cml(scaled(150, 0.05), scaled(200, 0.5))
    assert categories(calls, "milestone")[-1] == "warning", (
        "0.5 % at six months is optimal, but MMR was there"
    )
    assert calls[-1].criterion.id == "eln-cml-2020/loss-of-MMR"
    never = cml(scaled(150, 0.6), scaled(200, 0.5))
    assert categories(never, "milestone")[-1] == "optimal"


@pytest.mark.parametrize("criteria", ["eln-cml-2013", "eln-cml-2020", "nccn-cml-2021"])
def test_loss_of_mmr_after_a_stop_ends_treatment_free_remission(criteria: str) -> None:
    """The older set knows no such remission; it takes the rule from the newer, which it cites."""
    course = [scaled(1500, 0.005), scaled(1700, 0.5)]
    calls = assess_response(course, "cml", criteria, START, treatment_end=on(1600))
    assert calls[-1].category == "failure"
    assert "treatment-free" in calls[-1].statement
    assert mutation_testing_due(calls, (), "cml") == (), "no resistance: nothing was taken"
    held = assess_response(
        [course[0], scaled(1700, 0.05)], "cml", "eln-cml-2020", START, treatment_end=on(1600)
    )
    assert categories(held, "milestone") == ["optimal"], "off treatment no milestone is judged"


@pytest.mark.parametrize(
    ("percent", "category", "note"),
    [
        (30, "blast phase", ""), (29, "accelerated phase", "blast phase (WHO 2022, ICC 2022)"),
        (20, "accelerated phase", "blast phase (WHO 2022, ICC 2022)"), (19, "accelerated phase", ""),
        (15, "accelerated phase", ""), (12, "active disease", "accelerated phase (ICC 2022)"),
    ],
)  # fmt: skip
def test_a_marrow_count_alone_is_not_silence(percent: float, category: str, note: str) -> None:
    """20 % (WHO, ICC) and 30 % (ELN) are told apart."""
    for day in (-1, 300):
        (call,) = [c for c in cml(marrow(day, percent)) if c.axis == "haematological"]
        assert call.category == category
        assert note in call.statement
        assert bool(note) == ("others call" in call.statement)
    assert cml(marrow(300, 4)) == ()


def test_blood_blasts_and_disease_elsewhere_exclude_a_haematological_response() -> None:
    smear = BlastPercent(at=on(60), percent=3, material="peripheral blood")
    calls = cml(chr_counts(), smear)
    assert categories(calls, "haematological") == ["active disease"]
    counts = chr_counts(extramedullary_disease=True, leucocytes_giga_per_litre=5)
    assert categories(cml(counts), "haematological") == ["blast phase"]


def test_low_platelets_are_accelerated_phase_before_treatment_only() -> None:
    low = chr_counts(platelets_giga_per_litre=80)
    assert categories(cml(low.model_copy(update={"at": on(0)})), "haematological") == ["accelerated phase"]
    assert categories(cml(low), "haematological") == ["CHR"]


def test_an_undetectable_level_of_a_poor_sample_is_no_response() -> None:
    for copies in (500, 9_999, None):
        calls = cml(scaled(365, None, copies))
        assert {call.category for call in calls} == {"cannot be called"}, copies
    for gene in ("ABL1", "BCR", "not stated"):
        for criteria in ("eln-all-2024", "nccn-all-2021", "esmo-all-2016"):
            poor = transcript(30, None, 500).model_copy(update={"control_gene": gene})
            (call,) = all_calls(poor, criteria=criteria)
            assert call.category == "cannot be called", gene


def test_a_low_level_of_a_poor_sample_is_no_response() -> None:
    """One transcript in 500 is 0.2 %: 0.05 % of them is no level."""
    assert {call.category for call in cml(scaled(365, 0.05, 500))} == {"cannot be called"}
    (call,) = all_calls(transcript(30, 0.05, 500))
    assert call.category == "cannot be called"
    relapse = all_calls(transcript(10, None), transcript(30, 0.05, 500))
    assert relapse[-1].category == "molecular relapse", "disease is disease in any sample"


@pytest.mark.parametrize(("stated", "copies", "category"), [
    (5.0, 12_000, "MR4"), (4.0, 120_000, "MR4"), (4.5, None, "MR4.5"), (5.0, 500, "cannot be called"),
])  # fmt: skip
def test_of_a_stated_and_a_computed_depth_the_lower_holds(
    stated: float, copies: float | None, category: str
) -> None:
    level = scaled(365, None, copies).model_copy(update={"sensitivity_log": stated})
    calls = cml(level)
    assert categories(calls, "molecular") == [category]
    disagree = copies is not None and stated == 5.0
    assert ("its control transcripts allow" in calls[0].statement) == disagree
    for gene, response in (("ABL1", "MMR"), ("not stated", "molecular response")):
        shallow = transcript(30, None, 12_000).model_copy(update={"sensitivity_log": 3.0})
        (call,) = all_calls(shallow.model_copy(update={"control_gene": gene}))
        assert call.category == response, "undetectable at 0.1 % is at most 0.1 % of a control gene"


@pytest.mark.parametrize("name", ["e1a2", "p190", "e19a2", "e13a3", "e14a3"])
def test_a_transcript_without_the_scale_has_no_level_on_it(name: str) -> None:
    level = scaled(365, 0.05).model_copy(update={"transcript": name})
    calls = cml(level)
    assert [call.category for call in calls] == ["cannot be called"]
    assert "not defined for" in calls[0].statement
    lymphoblastic = all_calls(level)
    assert [call.category for call in lymphoblastic] == ["cannot be called"]


@pytest.mark.parametrize(
    ("residual", "criteria", "category"),
    [
        (0.9, "eln-all-2024", "CR"), (1.0, "eln-all-2024", "refractory"), (3.0, "eln-all-2024", "refractory"),
        (3.0, "nccn-all-2021", "CR"), (3.0, "esmo-all-2016", "CR"),
    ],
)  # fmt: skip
def test_remission_with_flow_mrd_as_each_set_defines_it(
    residual: float, criteria: str, category: str
) -> None:
    """ELN 2024: flow MRD below 1 % where it was measured, else failure; the others know no such limit."""
    calls = all_calls(marrow(30, 2), blood(30), flow(30, residual), criteria=criteria)
    assert categories(calls, "haematological") == [category]
    if category == "refractory":
        assert calls[0].criterion.id == "eln-all-2024/failure"
        assert "1 %" in calls[0].statement
        early = all_calls(marrow(14, 2), blood(14), flow(14, residual), criteria=criteria)
        assert categories(early, "haematological") == ["active disease"]


def test_flow_mrd_above_the_limit_takes_no_remission_back_by_itself() -> None:
    calls = all_calls(marrow(30, 2), blood(30), flow(30, None), marrow(90, 3), blood(90), flow(90, 2.0))
    assert categories(calls, "haematological") == ["CR", "cannot be called"]
    assert categories(calls, "flow MRD")[-1] == "MRD relapse"


def test_no_residual_response_is_one_beside_active_disease() -> None:
    calls = all_calls(marrow(40, 60), flow(40, None), transcript(40, None))
    assert [call.category for call in calls] == ["refractory", "cannot be called", "cannot be called"]


def test_the_limit_of_remission_decides_remission_and_that_of_relapse_relapse(tmp_path: object) -> None:
    """A set may begin relapse at more blasts than remission ends at: between them is neither."""
    rules = load_criteria("eln-all-2024")
    relapse = rules.haematological.relapse.model_copy(update={"marrow_blasts_from_percent": 25})  # type: ignore[union-attr]
    own = rules.model_copy(
        update={"haematological": rules.haematological.model_copy(update={"relapse": relapse})}
    )
    first = assess_response([marrow(30, 10), blood(30)], "ph-all", own, START)
    assert categories(first, "haematological") == ["refractory"]
    later = assess_response([marrow(30, 1), blood(30), marrow(90, 10), blood(90)], "ph-all", own, START)
    assert categories(later, "haematological") == ["CR", "cannot be called"]


def test_molecular_progression_makes_testing_due() -> None:
    course = [transcript(30, 0.05), TranscriptLevel(at=on(60), detected=True), transcript(90, 0.5)]
    calls = all_calls(*course)
    assert categories(calls, "molecular") == ["MMR", "MRD positive", "MRD progression"]
    slower = all_calls(transcript(30, 0.05), transcript(90, 0.3))
    assert categories(slower, "molecular") == ["MMR", "loss of MMR"]
    assert [due.criterion.id for due in mutation_testing_due(slower)] == [
        "kd-testing/ph-all/residual-disease"
    ]
