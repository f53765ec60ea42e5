"""Damaged case files end with what, where (line or offset) and what to do; never with a value they hold."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.clinic.course.compute import study_case
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.phenopacket.open import case_of_text, read_case
from kinscope.core.errors import BadInputError, KinscopeError
from kinscope.targets import load_target

GOOD = """kinscope_case: 1
id: c1
subject: {sex: female, name: Secretname}
disease: ph-all
events:
  - {id: dx, kind: diagnosis, label: Diagnosis, when: 2023-01-05}
treatments:
  - {id: t1, line: 1, drug: imatinib, start: 2023-02-01, doses: [{amount: 600, unit: mg/d}]}
measurements:
  - id: m1
    kind: blasts
    when: 2023-01-05
    percent: 88
"""
YAML_FAULTS = {
    "not YAML": ("disease: ph-all", "disease: [ph-all", 5, "YAML"),
    "a tab": ("    percent: 88", "\tpercent: 88", 13, "YAML"),
    "a key twice": ("id: c1\n", "id: c1\nid: c2\n", 3, "twice"),
    "an unknown field": ("    percent: 88", "    percent: 88\n    persent: 9", 14, "no such field"),
    "a missing field": ("    percent: 88\n", "", 10, "needed"),
    "a value out of bounds": ("percent: 88", "percent: 880", 13, "100"),
    "an impossible date": (
        "when: 2023-01-05\n    percent",
        "when: 2023-02-30\n    percent",
        12,
        "no such day",
    ),
    "an unknown kind": ("kind: blasts", "kind: blast", 11, "kind"),
    "an unknown entry": ("start: 2023-02-01", "start: {after: nobody}", 8, "no entry"),
    "an id twice": ("id: t1", "id: dx", 8, "twice"),
    "an unknown dose unit": ("unit: mg/d", "unit: mg/day", 8, "mg/d"),
    "a bare number as time": ("when: 2023-01-05}", "when: 20230105}", 6, "no time"),
    "an alias": ("id: c1", "id: &a c1", 2, "alias"),
    "a tag": ("id: c1", "id: !!python/name:os.system c1", 2, "ag"),
    "no version": ("kinscope_case: 1", "kinscope_case: 7", 1, "version"),
    "a level outside its interval": (
        "kind: blasts\n    when: 2023-01-05\n    percent: 88",
        "kind: transcript\n    when: 2023-01-05\n    detected: true\n    percent: 88\n    high_percent: 9",
        10,
        "measurements[0]: the level lies outside its own interval",
    ),
    "a field of a kind that is named as one of its fields": (
        "kind: blasts\n    when: 2023-01-05\n    percent: 88",
        "kind: transcript\n    when: 2023-01-05\n    detected: true\n    sensitivity_log: 88",
        14,
        "measurements[0].sensitivity_log",
    ),
    "a stated response among measurements": ("kind: blasts", "kind: reported", 10, "responses"),
}


@pytest.mark.parametrize("fault", YAML_FAULTS)
def test_a_damaged_yaml_names_the_line(fault: str) -> None:
    old, new, line, word = YAML_FAULTS[fault]
    assert GOOD.count(old) == 1
    with pytest.raises(BadInputError) as caught:
        case_of_text(GOOD.replace(old, new), "case.yaml")
    error = caught.value
    assert f"line {line}" in error.where, error.where
    assert word.lower() in str(error).lower()
    assert "Secretname" not in str(error)
    assert error.exit_code == 2


def test_the_good_file_is_good() -> None:
    assert study_case(case_of_text(GOOD, "x"), load_target("abl1")).pseudonym == "P1"


PACKET = """{
  "id": "p",
  "subject": {"id": "Secretname", "sex": "FEMALE"},
  "measurements": [
    {
      "assay": {"id": "kinscope:blasts", "label": "blasts"},
      "value": {"quantity": {"unit": {"id": "UCUM:%", "label": "%"}, "value": 88}},
      "timeObserved": {"timestamp": "2023-01-05T00:00:00Z"}
    }
  ],
  "diseases": [{"term": {"id": "MedGen:C2698317", "label": "Ph+ ALL"}}],
  "metaData": {"created": "2023-01-05T00:00:00Z", "createdBy": "x", "phenopacketSchemaVersion": "2.0"}
}
"""
PACKET_FAULTS = {
    "not JSON": ('"id": "p",', '"id": "p"', 3, "delimiter"),
    "a text that never ends": ('"id": "p",', '"id": "p,', 2, "JSON"),
    "a key twice": ('"id": "p",', '"id": "p", "id": "q",', 2, "twice"),
    "not a number": ('"value": 88', '"value": NaN', 7, "NaN"),
    "an unknown field": ('"timeObserved"', '"timeSeen"', 8, "no such field"),
    "a wrong type": ('"value": 88', '"value": "many"', 7, "number"),
    "a wrong word": ('"FEMALE"', '"WOMAN"', 3, "FEMALE"),
    "a wrong time": (
        '"timestamp": "2023-01-05T00:00:00Z"}\n    }',
        '"timestamp": "January"}\n    }',
        8,
        "time",
    ),
    "a list that is none": ('"measurements": [\n    {', '"measurements": {"a": [\n    {', 0, ""),
    "two of one": (
        '"value": {"quantity"',
        '"value": {"ontologyClass": {"id": "a"}, "quantity"',
        7,
        "only one",
    ),
    "no quantity": (
        '"value": {"quantity": {"unit": {"id": "UCUM:%", "label": "%"}, "value": 88}}',
        '"value": {}',
        5,
        "quantity",
    ),
    "an unknown unit": ('{"id": "UCUM:%", "label": "%"}', '{"id": "UCUM:kg", "label": "kg"}', 5, "unit"),
    "more than all": ('"value": 88', '"value": 8800', 5, "100"),
    "a family's part in a person's packet": (
        '"subject": {',
        '"proband": {}, "subject": {',
        3,
        "no such field",
    ),
    "a cohort": ('"id": "p",', '"members": [],', 2, "a file of its own"),
    "schema version 1": (
        '"phenopacketSchemaVersion": "2.0"',
        '"phenopacketSchemaVersion": "1.0.0"',
        1,
        "convert",
    ),
    "variants of schema version 1": ('"id": "p",', '"variants": [{"hgvsAllele": {}}],', 1, "version 1"),
}


@pytest.mark.parametrize("fault", PACKET_FAULTS)
def test_a_damaged_phenopacket_names_the_line(fault: str) -> None:
    old, new, line, word = PACKET_FAULTS[fault]
    assert PACKET.count(old) == 1
    text = PACKET.replace(old, new)
    if fault == "a list that is none":
        text, line, word = text.replace("    }\n  ],", "    }\n  ]},"), 4, "list"
    with pytest.raises(BadInputError) as caught:
        case_of_text(text, "case.json")
    error = caught.value
    assert f"line {line}" in error.where, str(error)
    assert word.lower() in str(error).lower()
    assert "Secretname" not in str(error)


def test_a_damaged_json_names_the_offset() -> None:
    text = PACKET.replace('"id": "p",', '"id": "p"')
    with pytest.raises(BadInputError) as caught:
        case_of_text(text, "case.json")
    offset = int(caught.value.where.split("offset ")[1].rstrip(")"))
    assert text[offset] == '"'


HOSTILE = {
    "empty": b"",
    "not UTF-8": GOOD.encode().replace(b"imatinib", b"imatinib \xff"),
    "too large": b"# " + b"x" * 2_100_000,
    "deep JSON": b"[" * 100_000,
    "deep YAML": b"[" * 5_000,
    "many nodes": b"[" + b"1," * 200_000 + b"1]",
    "many measurements": PACKET.replace("[\n    {", "[" + "{}," * 50_000 + "\n    {").encode(),
    "control character": GOOD.replace("imatinib", "ima\x00tinib").encode(),
    "a list": b"- 1\n- 2\n",
    "a word": b"patient",
    "nothing known": b"a: 1\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_quickly(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(HOSTILE[kind])
    with pytest.raises(BadInputError) as caught:
        read_case(path)
    assert str(path) in caught.value.where


def studied(text: str) -> CaseResult | KinscopeError:
    try:
        return study_case(case_of_text(text, "x"), load_target("abl1"))
    except KinscopeError as error:
        return error


@settings(max_examples=70, deadline=None)
@given(st.data())
def test_any_small_damage_gives_an_error_or_a_case(data: st.DataObject) -> None:
    """Delete, double or change a stretch of either file: nothing but a KinscopeError may come out."""
    text = data.draw(st.sampled_from([GOOD, PACKET]))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    middle = data.draw(
        st.sampled_from(["", text[start:end] * 2, "{", "]", ": ", "null", "-1", "\n", "é", "1e999"])
    )
    result = studied(text[:start] + middle + text[end:])
    if isinstance(result, KinscopeError):
        assert (result.exit_code, bool(result.what)) == (2, True)
    else:
        assert CaseResult.model_validate_json(result.model_dump_json()) == result


SECRET = "Jane Q. Patient 4711"


def leaves(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of plain data, as its holder and the key or index there."""
    for key in list(data) if isinstance(data, dict) else range(len(data)):
        yield data, key
        if isinstance(data[key], dict | list):
            yield from leaves(data[key])


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("source", [GOOD, PACKET])
@pytest.mark.parametrize("planted", [SECRET, [SECRET], {SECRET: SECRET}, None])
def test_no_key_and_no_value_of_a_file_is_in_any_message(form: str, source: str, planted: Any) -> None:
    """At each place of a case and of a packet: a value that does not belong there, or a key (None)."""
    seen = 0
    for number in range(len(list(leaves(yaml.safe_load(source))))):
        data = yaml.safe_load(source.replace("2023-01-05T00:00:00Z", "'2023-01-05T00:00:00Z'"))
        data = json.loads(json.dumps(data, default=str))
        holder, key = list(leaves(data))[number]
        if planted is not None:
            holder[key] = planted
        elif isinstance(holder, dict):
            holder[SECRET] = holder.pop(key)
        text = json.dumps(data) if form == "json" else yaml.safe_dump(data, sort_keys=False)
        result = studied(text)
        if isinstance(result, KinscopeError):
            seen += 1
            assert not any(word in str(result) for word in SECRET.split()), str(result)
            assert result.where
    assert seen > 5


BROKEN = (
    "@",
    "`",
    "'",
    '"',
    "!",
    "!x!",
    "&a ",
    "*",
    "%",
    "[",
    "{",
    "- ",
    "? ",
    "\t",
    "\\",
    ": ",
    "|x",
    ">x",
    "\ufeff",
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_parser_repeats_what_it_stumbles_over(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([GOOD, PACKET]))
    at = data.draw(st.integers(0, len(text)))
    result = studied(text[:at] + data.draw(st.sampled_from(BROKEN)) + "Zq4711" + text[at:])
    assert not isinstance(result, KinscopeError) or "4711" not in str(result)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: c1", "id: NO", ""),
        ("when: 2023-01-05}", "when: 2023}", ""),
        ("percent: 88", "percent: 1:30", "percent: input should be a valid number"),
        ("percent: 88", "percent: .nan", "percent: input should be a valid number"),
        ("percent: 88", "percent: 8.8e1", ""),
        ("sex: female", "sex: female, hospital_id: 4711", "here belongs text"),
        ("sex: female", "sex: female, hospital_id: 0123", ""),
        ("sex: female", "sex: female, hospital_id: 12:30", ""),
        ("sex: female", "sex: female, hospital_id: yes", ""),
        ("id: c1", "id: c1\n2: x", "no such field"),
        ("id: c1", "id: c1\n<<: {id: x}", "not plain text"),
        ("id: c1", "id: c1\n\u200fid: x", "U+200F"),
        ("    percent: 88", "    percent: 88\n    at: {day: 3}", "'when'"),
        ("start: 2023-02-01", "start: {before: t1}", "treatments[0]"),
    ],
)
def test_words_and_numbers_are_what_yaml_1_2_takes_them_for(old: str, new: str, message: str) -> None:
    """No is Norway, 1:30 no 90, 0123 no octal (YAML 1.2.2, 10.3); a mark of direction is refused."""
    result = studied(GOOD.replace(old, new))
    assert isinstance(result, KinscopeError) == bool(message)
    assert message in str(result)


def test_a_number_in_quotes_keeps_its_noughts() -> None:
    case = case_of_text(GOOD.replace("sex: female", "sex: female, hospital_id: 0123, other_ids: [NO]"), "x")
    assert (case.subject.hospital_id, case.subject.other_ids) == ("0123", ("NO",))


@pytest.mark.parametrize(
    ("name", "text"), [("bad.yaml", GOOD.replace("percent: 88", "percent: lots")), ("bad.json", PACKET[:-4])]
)
def test_the_command_ends_with_2_and_one_block(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "kinscope", "case", name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("kinscope: ")
    assert "Traceback" not in ran.stderr
    assert "line" in ran.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == [name], "nothing is left behind"


def test_what_is_read_back_is_json(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "kinscope", "case", "--example", "--json", "--out", str(tmp_path / "o")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout)["variants"][0]["short"] == "K404E"
    assert {p.name for p in (tmp_path / "o").iterdir()} == {
        "case.html",
        "case.json",
        "case.schema.json",
        "tables",
    }
