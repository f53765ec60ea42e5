"""The shipped case: the facts of Lewandowski et al. 2025, and what general rules make of them.

The paper's text is the reference: its section Case gives the sequence remission with a detectable
transcript, first complete molecular remission, relapse (no mutation found), second complete remission,
second relapse (Lys404Glu), disease progression under ponatinib, third complete molecular remission.
"""

from __future__ import annotations

from importlib.resources import files

import pytest

from kinscope.clinic.case.model import Case
from kinscope.clinic.course.compute import study_case
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.phenopacket.open import case_of_text
from kinscope.targets import load_target

PACK = load_target("abl1")


@pytest.fixture(scope="module")
def case() -> Case:
    text = files("kinscope.clinic.examples").joinpath("lewandowski2025.yaml").read_text(encoding="utf-8")
    return case_of_text(text, "example")


@pytest.fixture(scope="module")
def result(case: Case) -> CaseResult:
    return study_case(case, PACK)


def sequence(result: CaseResult, axis: str) -> list[str]:
    return [call.category for call in result.calls if call.axis == axis]


def test_no_stated_response_enters_the_calls(case: Case, result: CaseResult) -> None:
    silent = study_case(case.model_copy(update={"responses": ()}), PACK)
    assert silent.calls == result.calls
    assert {call.basis for call in result.calls} == {"measured"}


def test_the_measurements_alone_give_the_papers_sequence(result: CaseResult) -> None:
    molecular = sequence(result, "molecular")
    assert [c for c in molecular if c == "CMR"] == ["CMR"] * 3, "three complete molecular remissions"
    assert molecular.index("molecular response") < molecular.index("CMR"), (
        "0.0019 % comes before the first CMR"
    )
    haematological = sequence(result, "haematological")
    assert haematological[0] == "active disease"
    assert [c for c in haematological if c in ("relapse", "refractory")] == [
        "relapse",
        "relapse",
        "refractory",
    ]
    assert haematological[-1] == "MLFS", (
        "no count is published: no more than a leukaemia-free marrow can be called"
    )
    assert sequence(result, "flow MRD") == ["MRD negative"] * 4
    lines = {line.line: [c.category for c in line.calls] for line in result.lines}
    assert "relapse" in lines[1]
    assert lines[2][-1] == "relapse"
    assert lines[3] == ["refractory"]
    assert "CMR" in lines[4]


def test_with_stated_remissions_for_counts_the_sequence_is_the_papers_word_for_word(
    result: CaseResult,
) -> None:
    words = [
        (call.category, call.level)
        for line in result.lines_with_statements
        for call in line.calls
        if call.axis == "haematological"
    ]
    assert words[1:] == [
        ("CR", "first remission"),
        ("CR", "first remission"),
        ("relapse", "first relapse"),
        ("CR", "second remission"),
        ("relapse", "second relapse"),
        ("refractory", ""),
        ("CR", "third remission"),
    ]


def test_stated_and_computed_never_differ_and_ordinals_agree(result: CaseResult) -> None:
    by_entry = {comparison.entry: comparison for comparison in result.comparisons}
    assert {c.agreement for c in result.comparisons} == {"agrees", "agrees in part"}
    assert by_entry["response-inotuzumab"].computed == "3rd CMR"
    assert by_entry["stated-relapse-2"].computed == "2nd relapse"
    assert by_entry["stated-progression"].computed == "refractory"
    partly = {c.entry for c in result.comparisons if c.agreement == "agrees in part"}
    assert all(next(r for r in result.case.responses if r.id == e).category == "CR" for e in partly)


def test_lys404glu_is_handed_to_assess(result: CaseResult) -> None:
    (variant,) = result.variants
    assert variant.hgvs_p == "NP_005148.2:p.Lys404Glu"
    assert variant.command == 'kinscope assess "NM_005157.6:c.1210A>G"'


def test_mutation_testing_is_due_at_each_relapse_and_at_the_failure_of_ponatinib(result: CaseResult) -> None:
    days = [due.at.label() for due in result.testing]
    assert len(days) == 3
    assert all(due.criterion.citation for due in result.testing)
    assert result.testing[0].done[0].statement.startswith("ABL1 kinase domain: no mutation")
    assert "1210A>G" in result.testing[1].done[0].statement


@pytest.mark.parametrize(
    ("rule", "entry"),
    [
        ("times that cannot all be true", "marrow-relapse-1"),  # two months and ten months after July 2021
        (
            "times that cannot all be true",
            "accepted",
        ),  # nine months of CMR, found nine months after inotuzumab
        ("relapse left untreated", "dasatinib"),  # relapse of 2021, dasatinib of July 2023
        ("blasts against transcript level", "transcript-relapse-1"),  # 89 % blasts, 0.150727 %
        ("level without its control gene", "transcript-induction"),  # 0.0019 % of what?
        ("negative without a sensitivity", "transcript-inotuzumab"),
        ("negative without a limit of detection", "mutation-relapse-1"),
        ("toxicity without a grade", "neuropathy"),
    ],
)
def test_general_checks_find(result: CaseResult, rule: str, entry: str) -> None:
    assert any(item.rule == rule and entry in item.entries for item in result.inconsistencies)


def test_the_two_times_of_the_first_relapse_are_not_smoothed(result: CaseResult) -> None:
    place = result.schedule.at("marrow-relapse-1")
    assert result.schedule.window("marrow-relapse-1") == "2021-08-16 to 2021-10-15"
    assert len(place.elsewhere) == 1, "where the abstract would put it is kept"
    item = next(i for i in result.inconsistencies if "marrow-relapse-1" in i.entries and i.sources)
    assert {"abstract", "case"} <= set(item.sources)


def test_no_rule_knows_this_paper() -> None:
    """The checks must not name the paper, its dates or its numbers."""
    package = files("kinscope.clinic")
    for name in (
        "course/checks.py",
        "course/checks_values.py",
        "course/compute.py",
        "case/schedule.py",
        "case/timing.py",
    ):
        text = package.joinpath(name).read_text(encoding="utf-8").lower()
        for word in ("lewandowski", "2023-07", "0.1507", "0.0019", "lys404", "k404e"):
            assert word not in text, (name, word)


def test_every_fact_of_the_example_has_a_source(case: Case) -> None:
    assert all(entry.source for entry in case.entries())
    assert {source.key for source in case.sources} >= {"abstract", "case"}
