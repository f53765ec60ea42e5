"""The general checks: each finds its fault, and none speaks where there is none."""

from __future__ import annotations

import pytest

from kinscope.clinic.case.terms import KNOWN_DRUGS, find_drug
from kinscope.clinic.course.compute import study_case
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.phenopacket.open import case_of_text
from kinscope.targets import load_target

PACK = load_target("abl1")
CLEAN = """kinscope_case: 1
id: c1
subject: {sex: male, age_years: 50}
disease: ph-all
transcript: e1a2
events:
  - {id: dx, kind: diagnosis, label: Diagnosis, when: 2023-01-05}
treatments:
  - id: t1
    line: 1
    drug: imatinib
    doses: [{amount: 600, unit: mg/d}]
    start: 2023-02-01
    stop: 2023-11-02
    stop_reason: relapse
  - {id: t2, line: 2, drug: ponatinib, doses: [{amount: 45, unit: mg/d}], start: 2023-11-10}
measurements:
  - {id: m1, kind: blasts, when: 2023-01-05, percent: 88, method: morphology}
  - id: l1
    kind: transcript
    when: 2023-01-05
    detected: true
    transcript: e1a2
    percent: 45
    control_gene: ABL1
  - {id: k1, kind: karyotype, when: 2023-01-05, iscn: "46,XY,t(9;22)(q34;q11.2)[12]/46,XY[8]"}
  - {id: m2, kind: blasts, when: 2023-04-05, percent: 2, method: morphology}
  - id: c2
    kind: counts
    when: 2023-04-05
    leucocytes_giga_per_litre: 5
    neutrophils_giga_per_litre: 2
    platelets_giga_per_litre: 200
  - id: l2
    kind: transcript
    when: 2023-04-05
    detected: false
    control_gene: ABL1
    sensitivity_log: 4.5
    transcript: e1a2
  - {id: m3, kind: blasts, when: 2023-11-02, percent: 60, method: morphology}
  - {id: s3, kind: mutation, when: 2023-11-02, detected: true, expression: T315I}
responses:
  - {id: r2, category: CR, when: 2023-04-05}
  - {id: r3, category: relapse, when: 2023-11-02}
toxicities:
  - {id: x1, term: neutropenia, ctcae_grade: 3, severity: severe, when: 2023-03-01, treatment: t1}
"""


def study(old: str = "", new: str = "") -> CaseResult:
    assert not old or CLEAN.count(old) == 1, old
    return study_case(case_of_text(CLEAN.replace(old, new) if old else CLEAN, "x"), PACK)


def test_a_sound_case_raises_nothing() -> None:
    result = study()
    assert result.inconsistencies == ()
    assert {c.agreement for c in result.comparisons} == {"agrees"}


FAULTS = {
    "a late second line": ("start: 2023-11-10", "start: 2024-06-10", "relapse left untreated", "implausible"),
    "an overlap": ("start: 2023-11-10", "start: 2023-10-10", "lines of therapy overlap", "implausible"),
    "no end": ("    stop: 2023-11-02\n", "", "end of treatment not stated", "open"),
    "an end before the start": (
        "stop: 2023-11-02",
        "stop: 2023-01-20",
        "times that cannot all be true",
        "contradiction",
    ),
    "a stated remission with blasts": (
        "percent: 2,",
        "percent: 22,",
        "response stated against measured",
        "contradiction",
    ),
    "few transcripts for many blasts": (
        "percent: 45\n",
        "percent: 0.2\n",
        "blasts against transcript level",
        "implausible",
    ),
    "another transcript": (
        "sensitivity_log: 4.5\n    transcript: e1a2",
        "sensitivity_log: 4.5\n    transcript: e14a2",
        "transcript changed",
        "implausible",
    ),
    "a mutation below the limit of its method": (
        "detected: true, expression: T315I",
        "detected: true, expression: T315I, share_percent: 4, limit_percent: 15",
        "detected below its own limit",
        "implausible",
    ),
    "two control genes": (
        "detected: false\n    control_gene: ABL1",
        "detected: false\n    control_gene: GUSB",
        "control genes mixed",
        "open",
    ),
    "no control gene": (
        "percent: 45\n    control_gene: ABL1",
        "percent: 45",
        "level without its control gene",
        "open",
    ),
    "no sensitivity": ("    sensitivity_log: 4.5\n", "", "negative without a sensitivity", "open"),
    "a part above the whole": (
        "neutrophils_giga_per_litre: 2\n",
        "neutrophils_giga_per_litre: 20\n",
        "part larger than the whole",
        "contradiction",
    ),
    "g/dL for g/L": (
        "leucocytes_giga_per_litre: 5\n",
        "leucocytes_giga_per_litre: 5\n    haemoglobin_gram_per_litre: 9.6\n",
        "value outside what can be",
        "implausible",
    ),
    "cells per microlitre": (
        "platelets_giga_per_litre: 200",
        "platelets_giga_per_litre: 98000",
        "value outside what can be",
        "implausible",
    ),
    "a variant against itself": (
        "T315I}",
        '"c.1210A>G (p.Thr315Ile)"}',
        "variant that cannot be read",
        "contradiction",
    ),
    "negative without a limit": (
        "detected: true, expression: T315I",
        "detected: false",
        "negative without a limit of detection",
        "open",
    ),
    "another sex": ("sex: male", "sex: female", "karyotype and sex", "contradiction"),
    "an unreadable karyotype": (
        "46,XY,t(9;22)(q34;q11.2)[12]/46,XY[8]",
        "normal",
        "karyotype that cannot be read",
        "open",
    ),
    "a dose nobody gives": ("amount: 45,", "amount: 450,", "dose outside the label", "implausible"),
    "a low dose": ("amount: 600,", "amount: 300,", "dose below the usual", "open"),
    "no dose": (", doses: [{amount: 45, unit: mg/d}]", "", "no dose given", "open"),
    "grade and word": ("ctcae_grade: 3", "ctcae_grade: 1", "grade and severity", "contradiction"),
    "no grade": ("ctcae_grade: 3, severity: severe, ", "", "toxicity without a grade", "open"),
    "after death": (
        "ctcae_grade: 3, severity: severe",
        "ctcae_grade: 5",
        "entries after death",
        "contradiction",
    ),
    "progression that shrinks": (
        "category: relapse, when: 2023-11-02",
        "category: progression, when: 2023-04-05",
        "progression without a rise",
        "open",
    ),
    "the wrong ordinal": (
        "category: relapse,",
        "category: relapse, ordinal: 3,",
        "response stated against measured",
        "open",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(fault: str) -> None:
    old, new, rule, severity = FAULTS[fault]
    found = {item.rule: item.severity for item in study(old, new).inconsistencies}
    assert found.get(rule) == severity, found


@pytest.mark.parametrize(("level", "told"), [("0.0004", True), ("0.001", False)])
def test_residual_disease_below_the_limit_of_its_method_is_told(level: str, told: bool) -> None:
    flow = f"kind: flow-mrd, detected: true, level_percent: {level}, sensitivity_percent: 0.001"
    found = study("  - {id: s3,", f"  - {{id: f9, when: 2023-11-02, {flow}}}\n  - {{id: s3,").inconsistencies
    assert ("detected below its own limit" in {item.rule for item in found}) is told


def test_the_international_scale_does_not_apply_to_p190() -> None:
    old = "percent: 45\n"
    result = study(old, "percent: 45\n    on_international_scale: true\n")
    assert "international scale and transcript" in {item.rule for item in result.inconsistencies}


def test_findings_are_sorted_by_gravity() -> None:
    result = study("percent: 2,", "percent: 22,")
    order = ["contradiction", "implausible", "open"]
    severities = [order.index(item.severity) for item in result.inconsistencies]
    assert severities == sorted(severities)


def test_drugs_are_found_by_any_of_their_names() -> None:
    assert find_drug("Glivec") is find_drug("L01EA01") is find_drug("imatinib")
    assert find_drug("no such drug") is None
    assert all(drug.lowest is None or (drug.unit and drug.source) for drug in KNOWN_DRUGS)
    assert all(drug.lowest <= drug.highest for drug in KNOWN_DRUGS if drug.lowest and drug.highest)


def test_a_later_line_cannot_begin_before_an_earlier_one() -> None:
    from kinscope.core.errors import BadInputError

    with pytest.raises(BadInputError, match="later line"):
        study("start: 2023-11-10", "start: 2022-11-10")


@pytest.mark.parametrize(
    ("said", "known"), [("b3a3", "e14a3"), ("e13a3", "e13a3"), ("p190", "p190"), ("", "e1a2"), ("x", None)]
)
def test_the_fusion_transcript_of_a_case_is_at_hand(said: str, known: str | None) -> None:
    """As the case names it, else as its levels do; it outlives a redaction, for asciminib's sake."""
    text = CLEAN.replace("transcript: e1a2", f"transcript: '{said}'", 1)
    text = text.replace("kind: transcript,", "kind: transcript, transcript: e1a2,")
    case = case_of_text(text, "x")
    for shown in (case, study_case(case, PACK, redact=True).case):
        if said == "x" and shown is not case:
            continue  # a word that no list knows is taken out, and the levels speak again
        found = shown.fusion
        assert (found and (found.name or found.protein)) == known


def test_measurements_of_a_case_without_their_transcript_have_the_cases() -> None:
    """A level on the international scale in a case of e1a2 is refused, although the level names nothing."""
    text = CLEAN.replace("disease: ph-all", "disease: cml")
    text = text.replace("    transcript: e1a2\n", "    on_international_scale: true\n")
    calls = study_case(case_of_text(text, "x"), PACK).calls
    assert {call.category for call in calls if call.axis == "molecular"} == {"cannot be called"}
    assert all("not defined for p190" in call.statement for call in calls if call.axis == "molecular")
