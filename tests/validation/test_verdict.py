"""Verdicts against what is hidden from them: nothing leaks, numbers add up, the shipped table is fresh."""

from __future__ import annotations

import math

import pytest

from kinscope.evidence.kin import study_of
from kinscope.evidence.knowledge import load_evidence
from kinscope.evidence.model import EvidenceItem
from kinscope.interpretation import verdicts
from kinscope.targets.loader import load_target
from kinscope.validation import verdict as validation
from kinscope.validation.verdict import (
    SCENARIOS,
    Judged,
    in_words,
    judge_all,
    listed_residue,
    score,
    track_records,
    track_text,
    truths,
)

PACK = load_target("abl1")


@pytest.fixture(scope="module")
def rows() -> list[Judged]:
    return judge_all(PACK)


def test_the_table_that_ships_is_what_the_command_gives(rows: list[Judged]) -> None:
    shipped = (PACK.directory / "evidence" / "track.csv").read_text()
    assert shipped == track_text(track_records(rows, PACK)), (
        "stale: kinscope benchmark verdict --write, then the tables of docs/validation.md"
    )


def test_nothing_speaks_for_a_residue_that_is_hidden(rows: list[Judged]) -> None:
    assert all(row.abstains for row in rows if row.scenario == "c" and "/" not in row.change)


def test_a_hidden_pair_is_judged_by_no_tier_that_saw_it(rows: list[Judged]) -> None:
    assert "published" not in {row.basis for row in rows if row.scenario in "abc"}
    assert {row.basis for row in rows if row.scenario == "d"} >= {"published", "inferred from kin"}


def test_the_benchmark_judges_by_the_code_of_assess() -> None:
    assert validation.judge is verdicts.judge


def test_every_measured_pair_is_asked_in_every_scenario(rows: list[Judged]) -> None:
    pairs = set(truths(load_evidence(PACK).items, PACK))
    assert len(pairs) > 170
    for scenario in "abc":
        assert {(row.change, row.drug) for row in rows if row.scenario == scenario} == pairs
    assert set(SCENARIOS) == {row.scenario for row in rows}


def test_verdicts_beat_always_sensitive_and_the_rule_of_thumb_where_a_pair_is_hidden(
    rows: list[Judged],
) -> None:
    own = [row for row in rows if row.scenario == "a" and not row.abstains]
    ours = score(own, [row.calls_resistant for row in own], 4.0).values["MCC"][0]
    thumb = score(own, [listed_residue(row, own) for row in own], 4.0).values["MCC"][0]
    assert ours > thumb > score(own, [False] * len(own), 4.0).values["MCC"][0]


def test_nine_of_ten_measured_folds_lie_in_the_interval_of_kin(rows: list[Judged]) -> None:
    inside = [r.kin.low <= r.fold <= r.kin.high for r in rows if r.kin and r.scenario == "a"]
    assert 0.85 <= sum(inside) / len(inside) <= 0.96


def judged(change: str, fold: float, verdict: str, drug: str = "imatinib") -> Judged:
    return Judged("a", change, drug, fold, verdict, "published", verdict, None)


def test_a_score_counts_as_on_paper() -> None:
    own = [
        judged("A1C", 12.0, "resistance reported"), judged("A2C", 12.0, "sensitivity reported"),
        judged("A3C", 1.0, "resistance reported"), judged("A4C", 1.0, "sensitivity reported"),
        judged("A5C", 12.0, "resistance reported"),
    ]  # fmt: skip
    found = score(own, [row.calls_resistant for row in own], 10.0)
    assert found.matrix == (2, 1, 1, 1)
    assert found.values["sensitivity"][0] == pytest.approx(2 / 3)
    assert found.values["MCC"][0] == pytest.approx((2 * 1 - 1 * 1) / math.sqrt(3 * 3 * 2 * 2))
    low, high = found.values["MCC"][1:]
    assert low < found.values["MCC"][0] < high


def test_reduced_sensitivity_is_right_between_two_and_tenfold() -> None:
    assert judged("A1C", 3.0, "reduced sensitivity reported").is_right
    assert not judged("A1C", 30.0, "reduced sensitivity reported").is_right
    assert judged("A1C", 3.0, "sensitivity reported").is_right
    assert not judged("A1C", 5.0, "sensitivity reported").is_right
    assert judged("A1C", 30.0, "not resolved").abstains


def test_a_study_is_hidden_with_all_its_tables() -> None:
    def item(identifier: str, cited: str = "doi:10.1000/x") -> EvidenceItem:
        known = load_evidence(PACK).items[0]
        return known.model_copy(update={"id": identifier, "identifier": cited})

    assert study_of(item("zabriskie-imatinib-T315I")) == study_of(item("zabriskie-compound-imatinib-T315M"))
    assert study_of(item("pemovska-axitinib-T315I", "PMID:25686603")) == study_of(
        item("civic-EID7770-axitinib", "PMID:25686603")
    )
    assert study_of(item("gozgit-x")) != study_of(item("davis-x"))


def test_the_tables_name_scenarios_baselines_and_silence(rows: list[Judged]) -> None:
    text = in_words(rows, track_records(rows, PACK))
    for word in (
        "pair hidden",
        "study hidden",
        "always sensitive",
        "residue listed",
        "judged, silent",
        "nan",
    ):
        assert (word in text) is (word != "nan")
