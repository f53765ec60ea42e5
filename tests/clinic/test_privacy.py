"""A planted name, number and birth date must appear in no output, log or error."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.clinic.course.compute import study_case
from kinscope.clinic.page.output import write_case
from kinscope.clinic.phenopacket.open import case_of_text
from kinscope.clinic.phenopacket.write import phenopacket_json
from kinscope.clinic.privacy import pseudonym as privacy
from kinscope.clinic.privacy.redaction import only_iscn
from kinscope.core.errors import BadInputError
from kinscope.targets import load_target

PACK = load_target("abl1")
PLANTED = """kinscope_case: 1
id: kowalska-case
title: "Course of Genowefa Kowalska-Nowak, born 1959-03-14"
subject:
  sex: female
  name: "Genowefa Kowalska-Nowak"
  hospital_id: "HX-4471923"
  other_ids: ["59031412345"]
  birth_date: "1959-03-14"
  institution: "Szpital Przemienienia"
disease: ph-all
citation: "KOWALSKA-NOWAK letter of 14.03.1959"
sources: {letter: "Letter of Szpital Przemienienia on Kowalska-Nowak"}
events:
  - {id: diagnosis, kind: diagnosis, label: "Admission of Genowefa", when: 2017-02-13, source: letter}
treatments:
  - id: kowalska-das
    line: 1
    drug: dasatinib
    label: "DAS for Kowalska"
    start: 2017-02-20
    doses: [{amount: 140, unit: mg/d, reason: "Genowefa wished", days: "days of 4471923 HX-4471923"}]
    note: "HX-4471923"
  - {id: t2, line: 2, drug: "Kowalska's own mixture", start: {after: kowalska-das, interval: 6 months}}
measurements:
  - id: m1
    kind: blasts
    when: {date: 2017-02-13, words: "14.03.1959"}
    percent: 88
    method: morphology
    note: "patient Kowalska-Nowak *14/03/1959, 19590314, 14.3.1959"
    sample: "HX-4471923/7"
  - {id: m2, kind: karyotype, when: 2017-02-13, iscn: "46,XX,t(9;22)(q34;q11.2)[20] Kowalska 14.03.1959"}
  - id: m3
    kind: mutation
    when: 2017-08-01
    detected: true
    expression: "c.944C>T Kowalska"
    method: by Genowefa
  - {id: m4, kind: mutation, when: 2017-08-02, detected: true, expression: T315I, region: "of Kowalska"}
responses:
  - {id: r1, category: CR, when: 2017-04-01, words: "Nowak is well", source: letter}
toxicities:
  - id: x1
    term: Kowalska effusion
    when: 2017-05
    treatment: kowalska-das
    ctcae_grade: 2
    action: told Genowefa
notes: ["Kowalska-Nowak lives in Szpital Przemienienia"]
"""
SECRET = re.compile(
    rb"kowalska|genowefa|nowak|4471923|59031412345|19590314|1959|przemienienia|szpital", re.IGNORECASE
)


def everything(directory: Path) -> bytes:
    """All bytes of all files, tables of Parquet unpacked, names of files included."""
    import pyarrow.parquet as pq

    parts = []
    for path in sorted(directory.rglob("*")):
        parts.append(str(path.relative_to(directory)).encode())
        if path.suffix == ".parquet":
            parts.append(repr(pq.read_table(path).to_pylist()).encode())
            parts.append(repr(pq.read_schema(path).metadata).encode())
        elif path.is_file():
            parts.append(path.read_bytes())
    return b"\n".join(parts)


@pytest.mark.parametrize(
    "options", [[], ["--relative-dates"], ["--redact"]], ids=["default", "relative", "redacted"]
)
def test_nothing_planted_comes_out_of_the_command(options: list[str], tmp_path: Path) -> None:
    source = tmp_path / "in.yaml"
    source.write_text(PLANTED, encoding="utf-8")
    out = tmp_path / "out"
    salt = tmp_path / "salt"
    salt.write_bytes(b"0123456789abcdef0123")
    command = [sys.executable, "-m", "kinscope", "--debug", "case", str(source), "--out", str(out), "--csv"]
    command += ["--phenopacket", str(out.parent / "packet.json"), "--salt-file", str(salt), *options]
    ran = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    packet = (tmp_path / "packet.json").read_bytes()
    seen = everything(out) + ran.stdout + ran.stderr + packet
    assert SECRET.search(seen) is None, SECRET.search(seen)
    assert b"T315I" in seen, "the planted text was read"
    assert b"P-" in seen
    if options:
        assert not re.search(rb"2017", everything(out) + ran.stdout), "dates went too"


def test_a_redacted_case_keeps_no_free_text() -> None:
    result = study_case(case_of_text(PLANTED.replace("Kowalska", "Qwertz"), "x"), PACK, redact=True)
    text = result.case.model_dump_json()
    for word in ("Qwertz", "wished", "mixture", "well", "effusion", "lives", "letter", "Admission", "told"):
        assert word.lower() not in text.lower()
    assert "dasatinib" in text
    assert result.case.subject.age_years == 57
    assert [variant.short for variant in result.variants if variant.short] == ["T315I"]
    assert result.schedule.clock == "relative"


def test_redaction_keeps_the_calls_and_the_times() -> None:
    plain = study_case(case_of_text(PLANTED, "x"), PACK)
    hidden = study_case(case_of_text(PLANTED, "x"), PACK, redact=True)
    assert [c.category for c in hidden.calls] == [c.category for c in plain.calls]
    zero = plain.schedule.at("diagnosis").drawn
    assert [c.at.days for c in hidden.calls] == [c.at.days - zero for c in plain.calls]


def test_errors_of_a_case_do_not_repeat_it() -> None:
    for old, new in (
        ("percent: 88", "percent: Kowalska"),
        ("line: 1", "line: Kowalska"),
        ("ph-all", "Kowalska"),
    ):
        with pytest.raises(BadInputError) as caught:
            case_of_text(PLANTED.replace(old, new), "x")
        assert not SECRET.search(str(caught.value).encode())


def test_logs_stay_silent(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with caplog.at_level(logging.DEBUG):
        write_case(study_case(case_of_text(PLANTED, "x"), PACK), tmp_path)
    assert not SECRET.search(caplog.text.encode())


def test_pseudonyms_are_stable_with_a_salt_and_differ_between_salts() -> None:
    case = case_of_text(PLANTED, "x")
    one, two = privacy.pseudonym_of(case, b"a" * 16), privacy.pseudonym_of(case, b"b" * 16)
    assert one == privacy.pseudonym_of(case, b"a" * 16)
    assert one != two
    assert re.fullmatch(r"P-[0-9a-f]{10}", one)
    assert privacy.pseudonym_of(case, None) == "P1"


def test_the_oldest_ages_are_not_named() -> None:
    text = PLANTED.replace('birth_date: "1959-03-14"', "age_years: 97")
    assert study_case(case_of_text(text, "x"), PACK).case.subject.age_years == 90


@settings(max_examples=60, deadline=None)
@given(
    st.text("abcdefghijklmnopqrstuvwxyząęłńóśźż", min_size=5, max_size=12),
    st.sampled_from(["{}", "Mrs {} came", "{}2", "x{}x", "({})", "{}'s"]),
    st.booleans(),
)
def test_any_name_is_taken_out_of_any_text(name: str, around: str, upper: bool) -> None:
    case = case_of_text(
        "kinscope_case: 1\nid: c\ndisease: ph-all\nevents: [{id: e, label: x, when: 2017-01}]\n", "x"
    )
    case = case.model_copy(update={"subject": case.subject.model_copy(update={"name": name.title()})})
    text = around.format(name.upper() if upper else name)
    assert name.lower() not in privacy.scrubber(case)(text).lower()


def test_a_birth_date_is_found_in_every_common_spelling() -> None:
    case = case_of_text(PLANTED, "x")
    scrub = privacy.scrubber(case)
    for text in (
        "1959-03-14",
        "14.03.1959",
        "14/03/1959",
        "03/14/1959",
        "19590314",
        "14.3.1959",
        "14 03 1959",
    ):
        assert scrub(f"born {text}.") == "born [removed]."


def test_a_karyotype_keeps_only_its_language() -> None:
    iscn = "47~48,XX,t(9;22)(q34;q11.2)[3],+mar1[2],+mar2[3][cp4]/46,XX[9]"
    assert only_iscn(iscn) == iscn
    assert "Kowalska" not in only_iscn(f"{iscn} Kowalska")


@pytest.mark.parametrize(
    "iscn",
    [
        "46,XY[20].nuc ish(ABL1,BCR)x3(ABL1 con BCRx2)[150/200]",
        "46,XY[20].nuc ish(ABL1x2)(5ABL1 sep 3ABL1x1)[9/200]",
        "46,XX,t(9;22)(q34;q11.2)dmat[20]",
        "46,XX[20].ogm[GRCh38] t(9;22)(q34.12;q11.23)",
        "46,U,21pstk+,Ph[90%]",
    ],
)
def test_a_redacted_karyotype_says_what_the_whole_one_said(iscn: str) -> None:
    assert only_iscn(iscn) == iscn


def test_a_phenopacket_of_a_pseudonymised_case_holds_no_identifier() -> None:
    result = study_case(case_of_text(PLANTED, "x"), PACK)
    assert not SECRET.search(phenopacket_json(result.case, result.schedule, PACK).encode())


def test_a_contradicting_age_is_reported_without_the_birth_date() -> None:
    text = PLANTED.replace("sex: female", "sex: female\n  age_years: 40")
    result = study_case(case_of_text(text, "x"), PACK)
    (item,) = [i for i in result.inconsistencies if i.rule == "age and birth date"]
    assert "40" in item.detail
    assert not SECRET.search(item.model_dump_json().encode())


NAMED = """kinscope_case: 1
id: c
subject: {name: Anna Kowalska, hospital_id: MRN4711007}
disease: cml
sources: {letter-kowalska: A letter, visit-2023-05-09: A visit}
events:
  - {id: entry-1, label: x, when: 2023-05-09, source: visit-2023-05-09}
  - {id: dx-MRN4711007, kind: diagnosis, label: y, when: {before: entry-1, source: letter-kowalska}}
  - {id: seen-20230509, label: z, when: {after: dx-MRN4711007, interval: 2 weeks}, source: letter-kowalska}
"""


@pytest.mark.parametrize(("redact", "relative"), [(False, False), (False, True), (True, False)])
def test_names_of_entries_and_sources_tell_no_more_than_texts(redact: bool, relative: bool) -> None:
    result = study_case(case_of_text(NAMED, "x"), PACK, redact=redact, relative_dates=relative)
    text = result.model_dump_json()
    assert not re.search("(?i)kowalska|4711", text)
    assert ("2023" in text) == (not redact and not relative)
    assert len(set(result.case.ids())) == 3
    assert {event.source for event in result.case.events} - {""} <= {s.key for s in result.case.sources}
    assert len(result.schedule.placements) == 3


def planted(name: str, **other: str) -> str:
    """A case whose keys, references and texts hold a name."""
    key = other.get("key", name.lower().replace(" ", "_"))
    return f"""kinscope_case: 1
id: case-1
subject: {{name: "{name}"}}
disease: ph-all
sources: {{{key}_letter: "Letter", lab: "Laboratory"}}
last_possible: e-{key}
events:
  - {{id: e-{key}, kind: diagnosis, label: "Admission", when: 2017-02-13, source: {key}_letter}}
treatments:
  - {{id: t-{key}, line: 1, drug: dasatinib, start: {{after: e-{key}, interval: 1 week}}, source: lab}}
measurements:
  - id: m1
    kind: blasts
    when: {{same_as: e-{key}, source: {key}_letter}}
    percent: 88
    note: "{other.get("note", "")}"
times: [{{of: m1, when: {{date: 2017-02-13, source: {key}_letter}}}}]
"""


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Jan Nowak", "nowak"), ("Ann Kim", "kim"), ("Wei Li", "li"), ("Müller", "mueller"),
        ("Müller", "muller"),
        ("Łukasz Wójcik", "lukasz_wojcik"), ("Ludwig van der Berg", "vanderberg"), ("Anna O'Brien", "OBrien"),
        ("Ann Kim", "kimFrom"), ("Ng", "ng-2"), ("Kowalska-Nowak", "kowalskanowak"),
    ],
)  # fmt: skip
def test_keys_of_a_case_are_scrubbed_like_its_values(name: str, key: str) -> None:
    result = study_case(case_of_text(planted(name, key=key), "x"), PACK)
    packet = phenopacket_json(result.case, result.schedule, PACK)
    for text in (result.model_dump_json(), packet):
        for part in key.lower().replace("from", "").split("_"):
            assert not re.search(rf"(?<![a-z]){part}(?![a-z])|{part}_letter", text.lower())
    assert [source.key for source in result.case.sources] == ["source-1", "lab"]
    assert result.schedule.window("m1") == "2017-02-13", "every reference was renamed with its entry"


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("Wei Li", "Mrs Li and LI came, li too", "Mrs [removed] and [removed] came, [removed] too"),
        ("Bo An", "An came in an hour", "[removed] came in an hour"),
        ("Müller", "Mueller, Muller, MÜLLER, Mu\u0308ller", "[removed], [removed], [removed], [removed]"),
        ("Kim", "kim_2 and Kimura", "[removed]_2 and Kimura"),
    ],
)
def test_short_and_accented_names_are_taken_out_of_texts(name: str, text: str, left: str) -> None:
    assert privacy.scrubber(case_of_text(planted(name, key="x"), "x"))(text) == left


@pytest.mark.parametrize("text", ["HX-4711/08", "hx4711-08", "HX 4711 08", "HX471108", "HX_4711.08"])
@pytest.mark.parametrize("number", ["HX4711/08", "HX-4711-08"])
def test_a_number_of_the_hospital_is_found_with_any_separators(number: str, text: str) -> None:
    case = case_of_text(
        planted("Nobody", key="x").replace("subject: {", f'subject: {{hospital_id: "{number}", '), "x"
    )
    assert privacy.scrubber(case)(f"seen as {text}, 4711 G/L") == "seen as [removed], 4711 G/L"


@pytest.mark.parametrize(
    "text", ["14 March 1959", "March 14th, 1959", "14. März 1959", "14 marca 1959", "14-MAR-1959"]
)
def test_a_birth_date_in_words_is_taken_out(text: str) -> None:
    assert privacy.scrubber(case_of_text(PLANTED, "x"))(f"born {text}.") == "born [removed]."


DATES = (
    "2017-02-13", "13.02.2017", "02/13/2017", "13/02/17", "13. 2. 2017", "20170213", "2017/2/13", "13.02.17",
    "13 February 2017", "February 13, 2017", "13th of February 2017", "13. Februar 2017", "13 Feb 17",
    "13-Feb-2017", "Feb. 2017", "February", "13 lutego 2017", "le 13 février 2017", "13 de febrero de 2017",
    "02/2017", "2017", "13.02.", "2017-02-13T09:30",
)  # fmt: skip


@pytest.mark.parametrize("text", DATES)
def test_relative_dates_take_dates_out_of_words_and_keys(text: str) -> None:
    key = re.sub("[^A-Za-z0-9]+", "_", text.replace("é", "e")).strip("_")
    case = case_of_text(planted("Nobody", key=f"l_{key}", note=f"seen {text} again"), "x")
    result = study_case(case, PACK, relative_dates=True)
    dumped = result.case.model_dump_json().lower()
    assert not re.search("2017|feb|lutego|fév|1[37]", dumped.replace("kinscope", "")), dumped


@pytest.mark.parametrize(
    "text",
    ["19 of 20 metaphases", "ratio 20/20", "0.2017 %", "it may rise", "MR4.5", "day 13", "20/40/60 mg"],
)
def test_numbers_that_are_no_dates_stay(text: str) -> None:
    case = case_of_text(planted("Nobody", key="x", note=text), "x")
    assert study_case(case, PACK, relative_dates=True).case.measurements[0].finding.note == text


def test_a_karyotype_keeps_its_bands_and_loses_a_date() -> None:
    text = (
        planted("Nobody", key="x")
        .replace("kind: blasts", "kind: karyotype")
        .replace("percent: 88", 'iscn: "46,XX,t(9;22)(q34;q11.2)[20] 13.02.2017"')
    )
    finding = study_case(case_of_text(text, "x"), PACK, relative_dates=True).case.measurements[0].finding
    assert finding.iscn == "46,XX,t(9;22)(q34;q11.2)[20] …"  # type: ignore[union-attr]
