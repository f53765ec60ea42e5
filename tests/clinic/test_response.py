"""Responses: the thresholds of published definitions, at and beside each limit."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from factories.responses import assess_response
from kinscope.clinic.measurements import (
    BlastPercent,
    BloodCounts,
    FlowMrd,
    KaryotypeFinding,
    Measurement,
    MutationFinding,
    ReportedResponse,
    TimePoint,
    TranscriptLevel,
)
from kinscope.clinic.response.assess import mutation_testing_due
from kinscope.clinic.response.criteria import available_criteria, load_criteria
from kinscope.clinic.response.model import ResponseCall
from kinscope.clinic.response.visits import evaluations
from kinscope.core.errors import BadInputError

START = TimePoint(day=0)


def on(day: int) -> TimePoint:
    return TimePoint(day=day)


def marrow(day: int, percent: float) -> BlastPercent:
    return BlastPercent(at=on(day), percent=percent, method="morphology")


def blood(day: int, neutrophils: float | None = 2.0, platelets: float | None = 200.0) -> BloodCounts:
    return BloodCounts(
        at=on(day),
        neutrophils_giga_per_litre=neutrophils,
        platelets_giga_per_litre=platelets,
        blood_blasts_percent=0,
        extramedullary_disease=False,
    )


def flow(day: int, percent: float | None, sensitivity: float | None = 0.01) -> FlowMrd:
    return FlowMrd(
        at=on(day), detected=percent is not None, level_percent=percent, sensitivity_percent=sensitivity
    )


def transcript(day: int, percent: float | None, copies: float | None = 40_000) -> TranscriptLevel:
    return TranscriptLevel(
        at=on(day),
        detected=percent is not None,
        percent=percent,
        transcript="e1a2",
        control_gene="ABL1",
        control_copies=copies,
    )


def scaled(day: int, percent: float | None, copies: float | None = 120_000) -> TranscriptLevel:
    return TranscriptLevel(
        at=on(day),
        detected=percent is not None,
        percent=percent,
        transcript="e14a2",
        control_gene="ABL1",
        control_copies=copies,
        on_international_scale=True,
    )


def all_calls(
    *measurements: Measurement, criteria: str = "eln-all-2024", **more: object
) -> tuple[ResponseCall, ...]:
    return assess_response(measurements, "ph-all", criteria, START, **more)  # type: ignore[arg-type]


def cml(*measurements: Measurement, criteria: str = "eln-cml-2020") -> tuple[ResponseCall, ...]:
    return assess_response(measurements, "cml", criteria, START)


def categories(calls: tuple[ResponseCall, ...], axis: str) -> list[str]:
    return [call.category for call in calls if call.axis == axis]


@pytest.mark.parametrize(
    ("blasts", "neutrophils", "platelets", "category"),
    [
        (4.9, 1.01, 101, "CR"),
        (4.9, 1.0, 101, "CRi"),
        (4.9, 1.01, 100, "CRi"),
        (4.9, 1.0, 100, "MLFS"),
        (5.0, 1.01, 101, "refractory"),
        (89, 1.01, 101, "refractory"),
    ],
)
def test_remission_of_all_by_eln_2024(
    blasts: float, neutrophils: float, platelets: float, category: str
) -> None:
    """Gökbuget N et al. Blood 2024;143:1891-1902: blasts < 5 %, neutrophils > 1.0, platelets > 100 G/L."""
    calls = all_calls(marrow(30, blasts), blood(30, neutrophils, platelets))
    assert categories(calls, "haematological") == [category]
    assert calls[0].criterion.citation.startswith("Gökbuget")


@pytest.mark.parametrize(
    ("neutrophils", "platelets", "category"),
    [
        (1.01, 101, "CR"),
        (0.6, 60, "CRh"),
        (0.51, 150, "CRh"),
        (2.0, 40, "CRi"),
        (0.4, 150, "CRi"),
        (0.4, 40, ""),
    ],
)
def test_remission_of_all_by_nccn_knows_partial_recovery(
    neutrophils: float, platelets: float, category: str
) -> None:
    """CRh: neutrophils > 0.5 and platelets > 50 G/L."""
    calls = all_calls(marrow(30, 1), blood(30, neutrophils, platelets), criteria="nccn-all-2021")
    assert categories(calls, "haematological") == [category or "cannot be called"]


@pytest.mark.parametrize(
    ("neutrophils", "platelets", "lacking"),
    [(None, 200.0, "neutrophil count"), (2.0, None, "platelet count"), (None, None, "platelet count")],
)
def test_a_count_that_is_missing_is_named(
    neutrophils: float | None, platelets: float | None, lacking: str
) -> None:
    (call,) = all_calls(marrow(30, 1), blood(30, neutrophils, platelets))
    assert call.category == "MLFS"
    assert lacking in call.missing
    assert "CR cannot be called" in call.statement
    assert lacking in call.statement


def test_a_stated_remission_stands_in_for_missing_counts_and_says_so() -> None:
    stated = ReportedResponse(at=on(30), category="CR")
    (call,) = all_calls(marrow(30, 1), stated)
    assert (call.category, call.basis) == ("CR", "measured and reported")
    assert "platelet count" in call.missing


def test_a_stated_remission_never_overrides_numbers() -> None:
    stated = ReportedResponse(at=on(30), category="CR")
    (call,) = all_calls(marrow(30, 1), blood(30, 0.3, 20), stated)
    assert call.category == "MLFS"
    assert any("do not show it" in note for note in call.notes)
    (call,) = all_calls(marrow(30, 60), stated)
    assert call.category == "refractory"


def test_extramedullary_disease_excludes_remission_and_is_a_relapse_of_its_own() -> None:
    outside = BloodCounts(at=on(90), extramedullary_disease=True)
    calls = all_calls(marrow(30, 1), blood(30), marrow(90, 1), outside)
    assert categories(calls, "haematological") == ["CR", "extramedullary relapse"]


def test_blasts_in_the_liquor_are_extramedullary_disease() -> None:
    liquor = BlastPercent(at=on(90), percent=3, material="cerebrospinal fluid")
    calls = all_calls(marrow(30, 1), blood(30), marrow(90, 1), liquor)
    assert categories(calls, "haematological")[-1] == "extramedullary relapse"


def test_remissions_and_relapses_are_counted_over_lines() -> None:
    first = all_calls(marrow(30, 1), blood(30), marrow(200, 50))
    second = assess_response(
        [marrow(240, 2), blood(240), marrow(400, 30)], "ph-all", "eln-all-2024", on(205), first
    )
    levels = [call.level for call in (*first, *second) if call.axis == "haematological"]
    assert levels == ["first remission", "first relapse", "second remission", "second relapse"]


@pytest.mark.parametrize("criteria", ["eln-all-2024", "nccn-all-2021"])
def test_disease_after_a_clear_marrow_without_counts_is_a_relapse(criteria: str) -> None:
    """A remission that only missing counts hid can be lost; low counts were no remission."""
    calls = all_calls(marrow(30, 1), marrow(200, 89), criteria=criteria)
    assert calls[-1].category == "relapse"
    assert "not known" in calls[-1].statement
    low = all_calls(marrow(30, 1), blood(30, 0.2, 20), marrow(200, 89), criteria=criteria)
    assert low[-1].category == "refractory"


def test_a_second_bad_marrow_is_no_second_relapse() -> None:
    calls = all_calls(marrow(30, 1), blood(30), marrow(200, 50), marrow(240, 60))
    assert categories(calls, "haematological") == ["CR", "relapse", "refractory"]


def test_refractory_needs_time_or_the_end_of_the_treatment() -> None:
    assert categories(all_calls(marrow(21, 85)), "haematological") == ["active disease"]
    assert categories(all_calls(marrow(28, 85)), "haematological") == ["refractory"]
    given_up = all_calls(marrow(21, 85), treatment_end=on(22))
    assert categories(given_up, "haematological") == ["refractory"]
    before = all_calls(marrow(-3, 85), treatment_end=on(22))
    assert categories(before, "haematological") == ["active disease"]


@pytest.mark.parametrize(
    ("percent", "sensitivity", "category"),
    [
        (None, 0.01, "MRD negative"),
        (None, 0.001, "MRD negative"),
        (None, 0.1, "cannot be called"),
        (0.005, 0.001, "MRD positive"),
        (0.01, 0.001, "MRD positive"),
    ],
)
def test_flow_mrd(percent: float | None, sensitivity: float, category: str) -> None:
    calls = all_calls(flow(30, percent, sensitivity))
    assert categories(calls, "flow MRD") == [category]


def test_flow_mrd_below_the_quantitative_limit() -> None:
    result = FlowMrd(at=on(30), detected=True, level_percent=0.002, quantitative_limit_percent=0.005)
    assert categories(all_calls(result), "flow MRD") == ["MRD positive, not quantifiable"]


def test_an_unstated_sensitivity_is_said() -> None:
    (call,) = [c for c in all_calls(flow(30, None, None)) if c.axis == "flow MRD"]
    assert call.category == "MRD negative"
    assert any("sensitivity" in item for item in call.missing)


@pytest.mark.parametrize(("percent", "category"), [(0.0099, "MRD positive"), (0.01, "MRD relapse")])
def test_mrd_relapse_from_one_in_ten_thousand(percent: float, category: str) -> None:
    calls = all_calls(marrow(30, 1), blood(30), flow(30, None), flow(90, percent, 0.001))
    assert categories(calls, "flow MRD") == ["MRD negative", category]


@pytest.mark.parametrize(
    ("percent", "copies", "category"),
    [
        (None, 40_000, "CMR"),
        (None, 10_000, "CMR"),
        (None, 9_000, "MMR"),
        (None, 1_000, "MMR"),
        (None, 999, "cannot be called"),
        (None, None, "CMR"),
        (0.005, 40_000, "MMR"),
        (0.01, 40_000, "MMR"),
        (0.1, 40_000, "MMR"),
        (0.11, 40_000, "no MMR"),
    ],
)
def test_molecular_response_of_ph_positive_all(
    percent: float | None, copies: float | None, category: str
) -> None:
    """CMR: undetectable at 0.01 %; MMR: at most 0.1 % (Short NJ et al. Blood 2016;128:504-507)."""
    (call,) = all_calls(transcript(30, percent, copies))
    assert call.category == category
    assert call.criterion.id == ("ph-all/CMR" if category == "CMR" else "ph-all/MMR"), (
        "the rule that is cited is the one that decided"
    )


def test_a_level_without_its_control_gene_is_no_major_response() -> None:
    """MMR is a ratio to a control gene; without one it stays a response."""
    (call,) = all_calls(transcript(30, 0.005, None).model_copy(update={"control_gene": "not stated"}))
    assert call.category == "molecular response"
    assert call.missing == ("control gene of the level",)


def test_molecular_relapse_is_one_only_while_the_remission_holds() -> None:
    remission = (marrow(30, 1), blood(30), transcript(30, None))
    alone = all_calls(*remission, marrow(90, 1), blood(90), transcript(90, 0.05))
    assert categories(alone, "molecular") == ["CMR", "molecular relapse"]
    together = all_calls(*remission, marrow(90, 70), transcript(90, 0.05))
    assert categories(together, "molecular") == ["CMR", "loss of CMR"]
    low = all_calls(*remission, marrow(90, 1), blood(90), transcript(90, 0.005))
    assert categories(low, "molecular") == ["CMR", "MMR"]


def test_a_rise_without_a_complete_response() -> None:
    calls = all_calls(transcript(30, 0.02), transcript(60, 0.005), transcript(90, 0.049))
    assert categories(calls, "molecular") == ["MMR", "MMR", "MMR"]
    calls = all_calls(transcript(30, 0.02), transcript(60, 0.005), transcript(90, 0.05))
    assert categories(calls, "molecular")[-1] == "MRD progression"


def test_the_scale_is_doubted_for_p190() -> None:
    level = transcript(30, 0.05).model_copy(update={"on_international_scale": True})
    (call,) = all_calls(level)
    assert "not defined for p190" in call.statement


@pytest.mark.parametrize(
    ("percent", "copies", "category"),
    [
        (0.11, 120_000, "no MMR"),
        (0.1, 120_000, "MMR"),
        (0.011, 120_000, "MMR"),
        (0.01, 120_000, "MR4"),
        (0.0032, 120_000, "MR4.5"),
        (0.0032, 20_000, "MR4"),
        (0.0032, 5_000, "MMR"),
        (0.001, 120_000, "MR5"),
        (0.001, 40_000, "MR4.5"),
        (None, 120_000, "MR5"),
        (None, 40_000, "MR4.5"),
        (None, 10_000, "MR4"),
        (None, 9_999, "cannot be called"),
        (None, None, "cannot be called"),
    ],
)
def test_molecular_response_of_cml(percent: float | None, copies: float | None, category: str) -> None:
    """Cross NCP et al. Leukemia 2015;29:999-1003, table 2."""
    assert categories(cml(scaled(400, percent, copies)), "molecular") == [category]


def test_cml_levels_need_the_international_scale() -> None:
    level = scaled(400, 0.05).model_copy(update={"on_international_scale": False})
    (call,) = cml(level)
    assert call.category == "cannot be called"
    assert "international scale" in call.statement


@pytest.mark.parametrize(
    ("month", "percent", "category"),
    [
        (3, 10, "optimal"),
        (3, 10.1, "warning"),
        (6, 1, "optimal"),
        (6, 1.01, "warning"),
        (6, 10, "warning"),
        (6, 10.1, "failure"),
        (12, 0.1, "optimal"),
        (12, 0.11, "warning"),
        (12, 1, "warning"),
        (12, 1.01, "failure"),
        (24, 0.1, "optimal"),
        (24, 0.11, "warning"),
        (24, 1.01, "failure"),
    ],
)
def test_milestones_of_eln_2020(month: int, percent: float, category: str) -> None:
    """Hochhaus A et al. Leukemia 2020;34:966-984, the table of milestones."""
    calls = cml(scaled(round(30.44 * month), percent))
    assert categories(calls, "milestone") == [category]


@pytest.mark.parametrize(
    ("month", "percent", "category"),
    [
        (3, 10, "optimal"),
        (3, 10.1, "warning"),
        (3, 60, "warning"),
        (6, 10, "optimal"),
        (6, 10.1, "failure"),
        (12, 1, "optimal"),
        (12, 1.01, "warning"),
        (12, 10, "warning"),
        (12, 10.1, "failure"),
    ],
)
def test_milestones_of_nccn(month: int, percent: float, category: str) -> None:
    """Deininger MW et al. J Natl Compr Canc Netw 2020;18:1385-1415, the table of milestones."""
    calls = cml(scaled(round(30.44 * month), percent), criteria="nccn-cml-2021")
    assert categories(calls, "milestone") == [category]


def test_ten_per_cent_at_three_months_fails_once_confirmed() -> None:
    """ELN 2020: above 10 % at 3 months is failure if confirmed within one to three months."""
    assert categories(cml(scaled(91, 15), scaled(126, 12)), "milestone") == ["warning", "failure"]
    assert categories(cml(scaled(91, 15), scaled(126, 8)), "milestone") == ["warning", "between milestones"]
    assert categories(cml(scaled(91, 15), scaled(110, 12)), "milestone") == ["warning", "warning"]


def test_the_limit_at_six_months_differs_between_the_two_guidelines() -> None:
    """Optimal is at most 1 % in 2020 and below 1 % in 2013."""
    assert categories(cml(scaled(183, 1)), "milestone") == ["optimal"]
    assert categories(cml(scaled(183, 1), criteria="eln-cml-2013"), "milestone") == ["warning"]


def test_loss_of_a_major_response() -> None:
    calls = cml(scaled(400, 0.05), scaled(500, 0.5))
    assert categories(calls, "molecular") == ["MMR", "loss of MMR"]
    assert "confirms" in calls[-2].missing[0] or "confirms" in calls[2].missing[0]


@pytest.mark.parametrize(
    ("positive", "negative", "category"),
    [
        (0, 20, "CCyR"),
        (1, 19, "PCyR"),
        (7, 13, "PCyR"),
        (8, 12, "minor CyR"),
        (13, 7, "minor CyR"),
        (14, 6, "minimal CyR"),
        (19, 1, "minimal CyR"),
        (20, 0, "no CyR"),
        (0, 19, "cannot be called"),
    ],
)
def test_cytogenetic_response(positive: int, negative: int, category: str) -> None:
    """0, 1-35, 36-65, 66-95 and more than 95 % of at least 20 metaphases."""
    clones = []
    if positive:
        clones.append(f"46,XY,t(9;22)(q34;q11.2)[{positive}]")
    if negative:
        clones.append(f"46,XY[{negative}]")
    calls = cml(KaryotypeFinding(at=on(200), iscn="/".join(clones)))
    assert categories(calls, "cytogenetic") == [category]


def test_one_positive_metaphase_loses_a_complete_response() -> None:
    calls = cml(
        KaryotypeFinding(at=on(200), iscn="46,XY[25]"),
        KaryotypeFinding(at=on(400), iscn="46,XY,t(9;22)(q34;q11.2)[1]/46,XY[24]"),
    )
    assert categories(calls, "cytogenetic") == ["CCyR", "loss of CCyR"]


@pytest.mark.parametrize(
    "text",
    [
        "46,XY[20",
        "//46,XX[20]",
        "46,XY[20].nuc ish(ABL1,BCR)x3(ABL1 con BCRx2)[150/200]",
        "46,XY[20].ogm[GRCh38] t(9;22)(q34.12;q11.23)",
        "46,XY,der(9)t(9;22)(q34;q11.2)[20]",
    ],
)
def test_a_karyotype_that_leaves_the_philadelphia_chromosome_open_gives_no_response(text: str) -> None:
    (call,) = cml(KaryotypeFinding(at=on(200), iscn=text))
    assert call.category == "cannot be called"


def test_high_risk_changes_under_treatment_are_failure() -> None:
    text = "47,XY,+8,t(9;22)(q34;q11.2)[20]"
    assert "failure" in categories(cml(KaryotypeFinding(at=on(400), iscn=text)), "milestone")


def test_changes_at_diagnosis_are_a_warning_then_and_nothing_new_later() -> None:
    """ELN 2013 and 2020, row baseline: a warning; failure is a change that is new under treatment."""
    later, text = "48,XY,+8,t(9;22)(q34;q11.2),+19[20]", "47,XY,+8,t(9;22)(q34;q11.2)[20]"
    for criteria in ("eln-cml-2013", "eln-cml-2020"):
        both = [KaryotypeFinding(at=on(day), iscn=text) for day in (0, 40)]
        calls = cml(*both, criteria=criteria)
        assert categories(calls, "milestone") == ["warning"], criteria
        assert calls[0].criterion.id == f"{criteria}/baseline-ACA"
        assert mutation_testing_due(calls, (), "cml") == (), (
            "nothing was taken yet that a mutation could resist"
        )
        grown = cml(both[0], KaryotypeFinding(at=on(40), iscn=later), criteria=criteria)
        assert categories(grown, "milestone") == ["warning", "failure"]
        assert grown[-1].level == "+19"


@pytest.mark.parametrize(
    "text",
    [
        "46,XY,ider(22)(q10)t(9;22)(q34;q11.2)[20]",
        "46,XY,der(9)t(9;22)(q34;q11.2),ider(22)(q10)t(9;22)[20]",
        "46,XY,t(9;22)(q34;q11.2)[10]/46,sl,-der(22)t(9;22),+ider(22)(q10)t(9;22)[10]",
        "47,XY,t(9;22)(q34;q11.2),+der(22)t(9;22)[20]",
    ],
)
@pytest.mark.parametrize("criteria", ["eln-cml-2013", "eln-cml-2020"])
def test_a_second_philadelphia_chromosome_is_an_additional_change(text: str, criteria: str) -> None:
    rule = {"eln-cml-2013": "ACA", "eln-cml-2020": "high-risk-ACA"}[criteria]
    calls = cml(KaryotypeFinding(at=on(40), iscn=text), criteria=criteria)
    assert [call.criterion.id for call in calls if call.category == "failure"] == [f"{criteria}/{rule}"]


@pytest.mark.parametrize(
    "text",
    [
        "47,XY,+8[5]/46,XY,t(9;22)(q34;q11.2)[15]",
        "45,XY,-7[5]/46,XY[15]",
        "49,XY,+8,+9,+21[5]/46,XY[15]",
        "46,XY,t(9;22)(q34;q11.2)[19]/47,sl,+8[1]",
    ],
)
@pytest.mark.parametrize("criteria", ["eln-cml-2013", "eln-cml-2020"])
def test_changes_of_other_clones_or_of_one_cell_are_no_failure(text: str, criteria: str) -> None:
    """The rule is about clonal changes in Philadelphia-positive cells."""
    calls = cml(KaryotypeFinding(at=on(40), iscn=text), criteria=criteria)
    assert "failure" not in categories(calls, "milestone")


def chr_counts(**changes: object) -> BloodCounts:
    normal = {
        "leucocytes_giga_per_litre": 9.9,
        "platelets_giga_per_litre": 449,
        "basophils_percent": 4,
        "immature_granulocytes": False,
        "spleen_palpable": False,
    }
    return BloodCounts.model_validate({"at": on(60), **normal, **changes})


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({}, "CHR"),
        ({"leucocytes_giga_per_litre": 10}, "active disease"),
        ({"platelets_giga_per_litre": 450}, "active disease"),
        ({"basophils_percent": 5}, "active disease"),
        ({"immature_granulocytes": True}, "active disease"),
        ({"spleen_palpable": True}, "active disease"),
        ({"spleen_palpable": None}, "cannot be called"),
        ({"basophils_percent": None}, "cannot be called"),
        ({"blood_blasts_percent": 30}, "blast phase"),
        ({"blood_blasts_percent": 29}, "accelerated phase"),
        ({"blood_blasts_percent": 15}, "accelerated phase"),
        ({"blood_blasts_percent": 14}, "active disease"),
        ({"blood_blasts_percent": 1}, "active disease"),
        ({"blood_blasts_percent": 0}, "CHR"),
        ({"basophils_percent": 20}, "accelerated phase"),
        ({"extramedullary_disease": True}, "blast phase"),
        ({"platelets_giga_per_litre": 90}, "CHR"),
    ],
)
def test_haematological_response_of_cml(changes: dict[str, object], category: str) -> None:
    """Baccarani M et al. Blood 2013;122:872-884."""
    assert categories(cml(chr_counts(**changes)), "haematological") == [category]


def test_loss_of_a_haematological_response() -> None:
    later = chr_counts(leucocytes_giga_per_litre=45).model_copy(update={"at": on(300)})
    assert categories(cml(chr_counts(), later), "haematological") == ["CHR", "loss of CHR"]


def test_mutation_testing_is_due_at_relapse_and_done_or_not() -> None:
    screening = MutationFinding(at=on(205), detected=False, method="Sanger sequencing")
    course = [marrow(30, 1), blood(30), marrow(200, 50), screening]
    calls = all_calls(*course)
    (due,) = mutation_testing_due(calls, course)
    assert due.at.day == 200
    assert len(due.done) == 1
    assert "relapse" in due.criterion.text
    (due,) = mutation_testing_due(calls, [])
    assert due.done == ()


@pytest.mark.parametrize(
    ("course", "trigger"),
    [
        ([marrow(40, 60)], "refractory"),
        ([marrow(30, 1), blood(30), transcript(30, None), transcript(120, 0.05)], "residual-disease"),
        ([marrow(30, 1), blood(30), flow(30, None), flow(120, 0.05)], "residual-disease"),
        ([transcript(30, 0.001), transcript(120, 0.02)], "residual-disease"),
        ([transcript(30, 0.05), transcript(120, 0.3)], "residual-disease"),
    ],
)
def test_what_makes_testing_due_in_all(course: list[Measurement], trigger: str) -> None:
    (due,) = mutation_testing_due(all_calls(*course))
    assert due.criterion.id.endswith(trigger)


@pytest.mark.parametrize(
    ("course", "trigger"),
    [
        ([scaled(183, 12)], "failure"),
        ([scaled(183, 5)], "warning"),
        ([scaled(500, 0.05), scaled(600, 0.5)], "loss warning"),
        ([scaled(91, 15), scaled(120, 12)], "warning failure"),
        ([chr_counts(blood_blasts_percent=40)], "progression"),
        ([chr_counts(blood_blasts_percent=20)], "progression"),
    ],
)
def test_what_makes_testing_due_in_cml(course: list[Measurement], trigger: str) -> None:
    due = mutation_testing_due(cml(*course), (), "cml")
    assert [d.criterion.id.split("/")[-1] for d in due] == trigger.split()


@pytest.mark.parametrize(("days", "done"), [(-90, 0), (-46, 0), (-45, 1), (0, 1), (90, 1), (91, 0)])
def test_a_screening_counts_around_a_failure_and_after_it(days: int, done: int) -> None:
    screening = MutationFinding(at=on(183 + days), detected=False)
    (due,) = mutation_testing_due(cml(scaled(183, 12)), [screening], "cml")
    assert len(due.done) == done
    assert (due.days_before, due.days_after) == (45, 90)


def test_a_response_makes_no_testing_due() -> None:
    assert mutation_testing_due(all_calls(marrow(30, 1), blood(30), flow(30, None))) == ()
    assert mutation_testing_due(cml(scaled(91, 3), scaled(183, 0.4)), (), "cml") == ()


def test_calendar_dates_and_days_are_not_mixed() -> None:
    dated = BlastPercent(at=TimePoint(date=dt.date(2023, 7, 1)), percent=1)
    with pytest.raises(BadInputError, match="mixed"):
        all_calls(marrow(30, 1), dated)
    with pytest.raises(BadInputError, match="mixed"):
        assess_response([dated], "ph-all", "eln-all-2024", START)


def test_what_was_measured_together_is_judged_together() -> None:
    together = evaluations([marrow(30, 1), blood(35), flow(44, None)], 14)
    assert len(together) == 1
    apart = evaluations([marrow(30, 1), blood(35), flow(45, None)], 14)
    assert len(apart) == 2
    twice = evaluations([marrow(30, 1), marrow(37, 60)], 14)
    assert len(twice) == 2, "a second marrow on another day is a new evaluation"


def test_morphology_decides_over_flow() -> None:
    by_flow = BlastPercent(at=on(30), percent=8, method="flow cytometry")
    (call,) = all_calls(by_flow, marrow(30, 2), blood(30))
    assert call.category == "CR"


@pytest.mark.parametrize("criteria", available_criteria(), ids=lambda c: c.id)
def test_every_rule_of_every_set_is_cited(criteria: object) -> None:
    from kinscope.clinic.response.criteria import CriteriaSet, Rule

    assert isinstance(criteria, CriteriaSet)
    rules: list[Rule] = []

    def collect(value: object) -> None:
        if isinstance(value, Rule):
            rules.append(value)
        if hasattr(value, "model_fields"):
            for name in type(value).model_fields:  # type: ignore[attr-defined]
                collect(getattr(value, name))
        if isinstance(value, tuple):
            for item in value:
                collect(item)

    collect(criteria)
    assert len(rules) >= 7
    for rule in rules:
        cited = criteria.criterion(rule)
        assert any(character.isdigit() for character in cited.citation)
        assert cited.identifier.startswith("doi:10.")
        assert cited.standing


def test_a_set_of_ones_own(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "src/kinscope/clinic/criteria/eln-all-2024.yaml"
    own = tmp_path / "trial.yaml"
    own.write_text(
        shipped.read_text()
        .replace("id: eln-all-2024\n", "id: trial\n")
        .replace("platelets_above_giga_per_litre: 100", "platelets_above_giga_per_litre: 50")
    )
    (call,) = assess_response([marrow(30, 1), blood(30, 2, 60)], "ph-all", own, START)
    assert call.category == "CR"
    assert call.criterion.criteria_set == "trial"


BROKEN_SETS = {
    "empty": ("", ""),
    "a list": ("- 1\n", ""),
    "another disease": ("id: eln-all-2024\ndisease: ph-all", "id: eln-all-2024\ndisease: cml"),
    "unknown disease": ("disease: ph-all", "disease: aml"),
    "word as limit": ("after_days: 28", "after_days: soon"),
    "negative limit": ("platelets_above_giga_per_litre: 100", "platelets_above_giga_per_litre: -1"),
    "infinite limit": ("platelets_above_giga_per_litre: 100", "platelets_above_giga_per_litre: .inf"),
    "unknown field": ("window_days: 14", "window_weeks: 2"),
    "missing rule": ("  incomplete:\n", "  incompleet:\n"),
    "bad identifier": ("id: eln-all-2024/CR", "id: '<script>'"),
    "a tag": ("window_days: 14", "window_days: !!python/name:os.system"),
    "a key twice": ("window_days: 14", "window_days: 14\nwindow_days: 15"),
}


@pytest.mark.parametrize(("old", "new"), BROKEN_SETS.values(), ids=BROKEN_SETS.keys())
def test_a_broken_set_is_refused(old: str, new: str, tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "src/kinscope/clinic/criteria/eln-all-2024.yaml"
    text = shipped.read_text()
    path = tmp_path / "set.yaml"
    path.write_text(text.replace(old, new, 1) if new else old)
    assert path.read_text() != text
    with pytest.raises(BadInputError) as caught:
        load_criteria(path)
    assert "set.yaml" in caught.value.where
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["", "eln", "../../etc/passwd", "missing.yaml"])
def test_an_unknown_set_is_refused(name: str) -> None:
    with pytest.raises(BadInputError):
        load_criteria(name)


def test_criteria_of_another_disease_are_refused() -> None:
    with pytest.raises(BadInputError, match="for cml"):
        assess_response([marrow(1, 1)], "ph-all", "eln-cml-2020")


BROKEN_MEASUREMENTS = {
    "no kind": {"percent": 5, "at": {"day": 1}},
    "unknown kind": {"kind": "x-ray", "at": {"day": 1}},
    "no time": {"kind": "blasts", "percent": 5},
    "two clocks": {"kind": "blasts", "percent": 5, "at": {"day": 1, "date": "2023-07-01"}},
    "no clock": {"kind": "blasts", "percent": 5, "at": {}},
    "a date of its own": {"kind": "blasts", "percent": 5, "at": {"date": "July"}},
    "more than all cells": {"kind": "blasts", "percent": 101, "at": {"day": 1}},
    "less than none": {"kind": "blasts", "percent": -1, "at": {"day": 1}},
    "not a number": {"kind": "blasts", "percent": float("nan"), "at": {"day": 1}},
    "found and not found": {"kind": "transcript", "detected": False, "percent": 1, "at": {"day": 1}},
    "detected at nothing": {"kind": "transcript", "detected": True, "percent": 0, "at": {"day": 1}},
    "residual disease of nothing": {
        "kind": "flow-mrd",
        "detected": True,
        "level_percent": 0,
        "at": {"day": 1},
    },
    "a mutation in nothing": {"kind": "mutation", "detected": True, "share_percent": 0, "at": {"day": 1}},
    "no mutation in some": {"kind": "mutation", "detected": False, "share_percent": 9, "at": {"day": 1}},
    "interval upside down": {
        "kind": "transcript",
        "detected": True,
        "percent": 1,
        "low_percent": 2,
        "high_percent": 1,
        "at": {"day": 1},
    },
    "negative MRD with a level": {
        "kind": "flow-mrd",
        "detected": False,
        "level_percent": 1,
        "at": {"day": 1},
    },
    "empty karyotype": {"kind": "karyotype", "iscn": "", "at": {"day": 1}},
    "unknown field": {"kind": "blasts", "percent": 5, "at": {"day": 1}, "patient": "x"},
    "infinite platelets": {"kind": "counts", "platelets_giga_per_litre": float("inf"), "at": {"day": 1}},
}


@pytest.mark.parametrize("data", BROKEN_MEASUREMENTS.values(), ids=BROKEN_MEASUREMENTS.keys())
def test_a_broken_measurement_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        TypeAdapter(Measurement).validate_python(data)


PERCENT = st.floats(1e-5, 100, allow_nan=False)
ANY = st.one_of(
    st.builds(lambda d, p: marrow(d, p), st.integers(-30, 900), PERCENT),
    st.builds(
        lambda d, n, p: blood(d, n, p),
        st.integers(-30, 900),
        st.none() | st.floats(0, 10),
        st.none() | st.floats(0, 500),
    ),
    st.builds(lambda d, p: flow(d, p), st.integers(-30, 900), st.none() | PERCENT),
    st.builds(lambda d, p: scaled(d, p), st.integers(-30, 900), st.none() | PERCENT),
    st.builds(lambda d: ReportedResponse(at=on(d), category="CR"), st.integers(-30, 900)),
)


@given(st.lists(ANY, max_size=12).flatmap(lambda course: st.tuples(st.just(course), st.permutations(course))))
@settings(max_examples=120, deadline=None)
def test_any_course_is_called_and_the_order_of_entry_does_not_matter(
    entered: tuple[list[Measurement], list[Measurement]],
) -> None:
    course, shuffled = entered
    for disease, criteria in (("ph-all", "eln-all-2024"), ("cml", "eln-cml-2020")):
        calls = assess_response(course, disease, criteria, START)  # type: ignore[arg-type]
        for call in calls:
            assert call.evidence, "a call without evidence"
            assert call.criterion.citation
        again = assess_response(shuffled, disease, criteria, START)  # type: ignore[arg-type]
        assert calls == again
        mutation_testing_due(calls, course, disease)  # type: ignore[arg-type]
        relapses = [c for c in calls if c.category == "relapse"]
        cleared = [c for c in calls if c.category in ("CR", "CRh", "CRi") or c.level == "at least"]
        assert len(relapses) <= len(cleared), "nothing relapses that never remitted"


def test_adding_better_counts_never_worsens_a_remission() -> None:
    order = ["cannot be called", "MLFS", "CRi", "CRh", "CR"]
    ranks = []
    for neutrophils, platelets in ((0.2, 20), (0.6, 60), (0.6, 150), (1.5, 60), (1.5, 150)):
        (call,) = all_calls(marrow(30, 1), blood(30, neutrophils, platelets), criteria="nccn-all-2021")
        ranks.append(order.index(call.category))
    assert ranks == sorted(ranks)
