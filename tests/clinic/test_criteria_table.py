"""The table of criteria in the docs: every rule of every set, its published line, the test that holds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from clinic.test_response import all_calls, blood, categories, flow, marrow, transcript
from kinscope.clinic.course.compute import MEANS
from kinscope.clinic.measurements import ReportedCategory
from kinscope.clinic.qpcr.acceptance import (
    AcceptanceRules,
    curve_checks,
    load_rules,
    no_template_check,
    replicate_check,
)
from kinscope.clinic.qpcr.model import FUSION, StandardCurve, Wells
from kinscope.clinic.qpcr.quantify import quantity_from_cycles
from kinscope.clinic.response import criteria as published
from kinscope.clinic.response.context import WORDS
from kinscope.clinic.response.criteria import Rule
from kinscope.clinic.response.model import Axis, Category

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/why/clinic.md"
MARKS = {"†": "; not opened", "‡": "; not opened, copy read"}


def rules_of(value: object) -> list[Rule]:
    """Every rule in a set, however deep."""
    found = [value] if isinstance(value, Rule) else []
    fields = getattr(type(value), "model_fields", {})
    parts = [getattr(value, name) for name in fields] if fields else value if isinstance(value, tuple) else ()
    return [*found, *(rule for part in parts for rule in rules_of(part))]


def shipped() -> dict[str, str]:
    """Line by criterion, of every rule set that ships."""
    lines = {}
    for rule in [*rules_of(published.available_criteria()), *rules_of(published.testing_rules())]:
        assert lines.setdefault(rule.id, rule.line) == rule.line, "one rule, one line, whatever set it is in"
    for name in ("eac", "euromrd"):
        lines |= {f"{name}/{limit}": line for limit, line in load_rules(name).lines.items()}
    return lines


def table() -> dict[str, tuple[str, str]]:
    rows = re.findall(
        r"^\|([a-z0-9-]+/[^|]+)\|([^|]+)\|(test_\w+)\|$", PAGE.read_text(encoding="utf-8"), re.M
    )
    for short, words in MARKS.items():
        rows = [(name, line.replace(short, words), test) for name, line, test in rows]
    return {name: (line, test) for name, line, test in rows}


def test_the_table_lists_every_criterion_with_its_line() -> None:
    assert {name: line for name, (line, _) in table().items()} == shipped()
    assert all(shipped().values())


def test_the_page_says_what_followed_each_edition() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.count("|") == 4]
    for item in published.available_criteria():
        assert any(f"`{item.id}`" in row for row in rows), item.id


def test_every_limit_of_a_run_has_its_line() -> None:
    words = {"id", "title", "citation", "identifier", "standing", "lines"}
    for name in ("eac", "euromrd"):
        rules = load_rules(name)
        limits = {field for field in AcceptanceRules.model_fields if getattr(rules, field)} - words
        assert set(rules.lines) == limits


def test_every_test_that_the_table_names_is_there() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    for name, (_, test) in table().items():
        assert f"def {test}(" in text, name


@pytest.mark.parametrize("criteria", ["nccn-all-2021", "esmo-all-2016"])
def test_the_other_sets_of_all(criteria: str) -> None:
    """CR 5 %, 1.0 and 100 G/L; CRh 0.5 and 50 (NCCN only); relapse 5 %; residual disease 0.01 %."""

    def blood_call(blasts: float, neutrophils: float, platelets: float) -> str:
        calls = all_calls(marrow(30, blasts), blood(30, neutrophils, platelets), criteria=criteria)
        return categories(calls, "haematological")[0]

    nccn = criteria.startswith("nccn")
    assert blood_call(4.9, 1.01, 101) == "CR"
    assert [blood_call(4.9, 1.0, 101), blood_call(4.9, 1.01, 100)] == (
        ["CRh", "CRh"] if nccn else ["CRi", "CRi"]
    )
    assert [blood_call(4.9, 0.5, 101), blood_call(4.9, 1.01, 50)] == ["CRi", "CRi"]
    assert blood_call(5, 2, 200) == "refractory"
    assert categories(all_calls(marrow(27, 5), criteria=criteria), "haematological") == ["active disease"]
    remission = (marrow(30, 1), blood(30), flow(30, None), transcript(30, None))
    for level, residual, molecular in (
        (0.0099, "MRD positive", "MMR"),
        (0.01, "MRD relapse", "molecular relapse"),
    ):
        later = (marrow(90, 4.9), blood(90), flow(90, level, 0.001), transcript(90, level))
        calls = all_calls(*remission, *later, criteria=criteria)
        assert categories(calls, "haematological") == ["CR", "CR"]
        assert categories(calls, "flow MRD") == ["MRD negative", residual]
        assert categories(calls, "molecular") == ["CMR", molecular]
    relapse = all_calls(*remission, marrow(90, 5), criteria=criteria)
    assert categories(relapse, "haematological") == ["CR", "relapse"]
    shallow = all_calls(flow(30, None, 0.011), transcript(30, None, 9_999), criteria=criteria)
    assert categories(shallow, "flow MRD") == ["cannot be called"]
    assert categories(shallow, "molecular") == ["MMR"]


def curve_of(slope: float, r_squared: float = 1.0, levels: int = 5) -> StandardCurve:
    return StandardCurve(
        target=FUSION, slope=slope, intercept=39.0, covariance=(0.0, 0.0, 0.0), residual_sd_ct=0.1,
        degrees_of_freedom=8, r_squared=r_squared, efficiency_percent=100.0, wells=10, levels=levels,
        lowest_copies=10, highest_copies=1e6,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["eac", "euromrd"])
def test_standards_and_replicates_at_each_limit(name: str) -> None:
    rules = load_rules(name)
    inside = {"eac": ((-3.6, 0.98), (-3.0, 1.0)), "euromrd": ((-3.9, 0.96), (-3.0, 1.0))}[name]
    for slope, fit in inside:
        assert all(check.passed for check in curve_checks(curve_of(slope, fit, 3), rules))
    (low, fit), (high, _) = inside
    for curve in (
        curve_of(low - 0.01),
        curve_of(high + 0.01),
        curve_of(-3.3, fit - 0.001),
        curve_of(-3.3, 1, 2),
    ):
        assert [check.passed for check in curve_checks(curve, rules)].count(False) == 1
    for cycles, passed in (((34.0, 35.5), True), ((34.0, 35.51), False), ((35.4, 36.7), None)):
        (check,) = replicate_check(FUSION, Wells(ct=cycles), rules)
        assert check.passed is passed
    assert rules.quantifiable_from_copies == 10
    for late, detected in ((40.0, True), (40.01, False)):
        quantity = quantity_from_cycles(Wells(ct=(late,)), curve_of(-3.3), rules.latest_cycles_after_one_copy)
        assert quantity.detected is detected
    assert rules.control_ct_windows == ({"ABL1": (None, 29.3)} if name == "eac" else {})
    assert no_template_check(FUSION, (None, None), None)[0].passed


def test_the_words_of_rules_and_of_stated_responses_are_of_categories_that_exist() -> None:
    known = set(get_args(Category))
    assert {words["category"] for words in WORDS.values()} <= known
    assert set(MEANS) == set(get_args(ReportedCategory))
    for means in MEANS.values():
        assert means["axis"] in get_args(Axis)
        assert {*means["same"], *means["nearly"]} <= known
