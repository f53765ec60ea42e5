"""Phenopackets that kinscope writes come back whole."""

from __future__ import annotations

import datetime as dt
import json
from importlib.resources import files
from random import Random
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToJson, Parse
from hypothesis import given, settings
from hypothesis import strategies as st
from phenopackets import Phenopacket

from kinscope.clinic.case.model import Case
from kinscope.clinic.course.compute import study_case
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.page.output import case_html
from kinscope.clinic.phenopacket.open import case_of_text
from kinscope.clinic.phenopacket.write import phenopacket_json
from kinscope.core.errors import BadInputError, KinscopeError
from kinscope.targets import load_target

PACK = load_target("abl1")


def shipped(name: str) -> Case:
    return case_of_text(files("kinscope.clinic.examples").joinpath(name).read_text(encoding="utf-8"), name)


@pytest.mark.parametrize("name", ["lewandowski2025.yaml", "template.yaml"])
@pytest.mark.parametrize("redact", [False, True])
def test_a_case_comes_back_from_its_phenopacket(name: str, redact: bool) -> None:
    first = study_case(shipped(name), PACK, redact=redact)
    text = phenopacket_json(first.case, first.schedule, PACK)
    packet = Parse(text, Phenopacket())  # the package itself takes it
    assert packet.meta_data.phenopacket_schema_version == "2.0"
    again = study_case(case_of_text(text, "packet"), PACK)
    assert again.calls == first.calls
    assert again.schedule.placements == first.schedule.placements
    assert again.inconsistencies == first.inconsistencies
    assert [v.expression for v in again.variants] == [v.expression for v in first.variants]
    assert again.case.treatments == first.case.treatments
    assert again.case.toxicities == first.case.toxicities
    assert [m.finding for m in again.case.measurements] == [m.finding for m in first.case.measurements]


def test_the_same_packet_as_yaml() -> None:
    first = study_case(shipped("template.yaml"), PACK)
    text = phenopacket_json(first.case, first.schedule, PACK)
    again = study_case(case_of_text(yaml.safe_dump(json.loads(text)), "packet"), PACK)
    assert again.calls == first.calls


def test_what_the_standard_part_says_wins_over_kinscopes_own() -> None:
    first = study_case(shipped("template.yaml"), PACK)
    data = json.loads(phenopacket_json(first.case, first.schedule, PACK))
    assert data["measurements"][0]["value"]["quantity"]["value"] == 82
    data["measurements"][0]["value"]["quantity"]["value"] = 33
    again = case_of_text(json.dumps(data), "packet")
    assert again.measurements[0].finding.kind == "blasts"
    assert again.measurements[0].finding.percent == 33


def test_a_packet_that_was_cut_asks_for_its_statements_to_go_and_is_then_read() -> None:
    """Somebody took the first measurement out; kinscope's statements now point one too far."""
    first = study_case(shipped("template.yaml"), PACK)
    data = json.loads(phenopacket_json(first.case, first.schedule, PACK))
    assert data["measurements"].pop(0)["assay"]["id"] == "kinscope:blasts"
    with pytest.raises(BadInputError) as caught:
        case_of_text(json.dumps(data), "packet")
    assert "take the references out" in caught.value.remedy
    del data["metaData"]["externalReferences"]
    again = study_case(case_of_text(json.dumps(data), "packet"), PACK)
    level = next(m.finding for m in again.case.measurements if m.finding.kind == "transcript")
    assert (level.percent, level.detected) == (64, True)
    assert [c.category for c in again.calls if c.axis == "haematological"] == ["CR", "relapse"]
    assert again.variants[0].short == "T315I"


def test_a_statement_on_another_kind_of_measurement_is_left_out_and_said() -> None:
    first = study_case(shipped("template.yaml"), PACK)
    data = json.loads(phenopacket_json(first.case, first.schedule, PACK))
    data["measurements"][0]["assay"] = {"id": "kinscope:flow-mrd", "label": "flow MRD"}
    again = case_of_text(json.dumps(data), "packet")
    assert any("left out" in note for note in again.notes)
    assert again.measurements[0].finding.kind == "flow-mrd"


PACKED = phenopacket_json(*(lambda r: (r.case, r.schedule))(study_case(shipped("template.yaml"), PACK)), PACK)


def studied(text: str) -> CaseResult | KinscopeError:
    try:
        return study_case(case_of_text(text, "x"), PACK)
    except KinscopeError as error:
        return error


@settings(max_examples=70, deadline=None)
@given(st.data())
def test_any_damage_to_kinscopes_own_statements_gives_an_error_or_a_case(data: st.DataObject) -> None:
    packet = json.loads(PACKED)
    references = packet["metaData"]["externalReferences"]
    reference = references[data.draw(st.integers(0, len(references) - 1))]
    extra = json.loads(reference["description"])
    key = data.draw(st.sampled_from([*extra, "line", "start", "when", "finding", "agents", "events"]))
    extra[key] = data.draw(
        st.sampled_from([None, 0, -1, "x", "m1", [], {}, [None], [{}], {"day": 1}, [{"id": "a"}], True])
    )
    if data.draw(st.booleans()):
        extra.pop(data.draw(st.sampled_from(list(extra))), None)
    reference["description"] = json.dumps(extra)
    reference["reference"] = data.draw(
        st.sampled_from(
            [reference["reference"], "measurements/0", "medicalActions/0", "case", "phenotypicFeatures/7"]
        )
    )
    result = studied(json.dumps(packet))
    if isinstance(result, KinscopeError):
        assert (result.exit_code, bool(result.what)) == (2, True)
    else:
        assert CaseResult.model_validate_json(result.model_dump_json()) == result


def test_relative_days_travel_as_ages() -> None:
    first = study_case(shipped("template.yaml"), PACK, relative_dates=True)
    text = phenopacket_json(first.case, first.schedule, PACK)
    assert "2024" not in text.replace("created", "").split('"metaData"')[0]
    again = study_case(case_of_text(text, "packet"), PACK)
    assert again.calls == first.calls


def test_relative_days_without_an_age_are_refused_with_a_remedy() -> None:
    body = "kinscope_case: 1\nid: c\ndisease: cml\nevents: [{id: e, label: x, when: day 0}]\n"
    result = study_case(case_of_text(body, "x"), PACK)
    with pytest.raises(BadInputError, match="relative days"):
        phenopacket_json(result.case, result.schedule, PACK)


DAYS = st.integers(-300, 3000)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_case_is_written_so_that_protobuf_reads_it_strictly_and_it_comes_back(
    data: st.DataObject,
) -> None:
    draw = data.draw
    calendar = draw(st.booleans())

    def when() -> Any:
        day = draw(DAYS)
        return (dt.date(2020, 1, 1) + dt.timedelta(day)).isoformat() if calendar else f"day {day}"

    findings: list[dict[str, Any]] = [
        {"kind": "blasts", "percent": draw(st.floats(0, 100).map(lambda x: round(x, 3)))},
        {"kind": "counts", "platelets_giga_per_litre": draw(st.integers(0, 900))},
        {
            "kind": "transcript",
            "detected": True,
            "percent": draw(st.sampled_from([0.0032, 1, 64])),
            "transcript": "e1a2",
        },
        {"kind": "flow-mrd", "detected": False, "sensitivity_percent": 0.01},
        {"kind": "karyotype", "iscn": "46,XX,t(9;22)(q34;q11.2)[20]"},
        {
            "kind": "mutation",
            "detected": True,
            "expression": draw(st.sampled_from(["T315I", "c.763G>A", "F317L"])),
        },
        {"kind": "mutation", "detected": False, "method": "Sanger sequencing"},
    ]
    chosen = draw(st.lists(st.sampled_from(findings), min_size=1, max_size=6))
    content = {
        "kinscope_case": 1,
        "id": "c",
        "disease": draw(st.sampled_from(["ph-all", "cml", "other"])),
        "subject": {
            "sex": draw(st.sampled_from(["female", "male", "other"])),
            "age_years": draw(st.integers(1, 89)),
        },
        "events": [{"id": "dx", "kind": "diagnosis", "label": draw(st.text(max_size=20)), "when": when()}],
        "treatments": [
            {
                "id": "t",
                "line": 1,
                "drug": "imatinib",
                "start": when(),
                "doses": [{"amount": 400, "unit": "mg/d"}],
            }
        ],
        "measurements": [{"id": f"m{n}", "when": when(), **finding} for n, finding in enumerate(chosen)],
        "toxicities": [{"id": "x", "term": "nausea", "when": when(), "ctcae_grade": draw(st.integers(1, 5))}],
    }
    first = study_case(case_of_text(json.dumps(content), "case"), PACK)
    text = phenopacket_json(first.case, first.schedule, PACK)
    Parse(text, Phenopacket(), ignore_unknown_fields=False)
    again = study_case(case_of_text(text, "packet"), PACK)
    assert [m.finding for m in again.case.measurements] == [m.finding for m in first.case.measurements]
    assert again.case.treatments == first.case.treatments
    assert again.case.toxicities == first.case.toxicities
    assert (again.calls, again.variants) == (first.calls, first.variants)
    assert again.schedule.placements == first.schedule.placements


WORDS = (
    "", "NM_005157.6:c.944C>T", "T315I", "p.Thr315Ile", "hgvs.c", "spdi", "HGNC:76", "ABL1",
    "NC_000009.12", "GRCh38", "hg19", "LOINC:6690-2", "LOINC:718-7", "UCUM:g/dL", "g/L",
    "kinscope:blasts", "UCUM:%", "kinscope:counts", "s1", "LOINC:46434-7", "Detected", "none detected",
    "ICD10:C92.1", "chronic myeloid leukaemia", "dasatinib", "Grade 3", "9", "C", "T",
    "NC_000009.12:130872895:C:T", "transplant", "<b>", "\u202e", "kinscope:karyotype", "46,XX[20]",
)  # fmt: skip
AGES = ("P61Y", "P61Y3M", "P60Y2M3D", "P3M2W", "P61.5Y", "")


def fill(message: Any, random: Random, depth: int = 0) -> None:
    """Any message of the schema, its fields by chance."""
    for field in message.DESCRIPTOR.fields:
        taken = field.containing_oneof and message.WhichOneof(field.containing_oneof.name)
        if taken or random.random() < (0.35 if depth < 4 else 0.6):
            continue
        if field.message_type is not None:
            if field.message_type.GetOptions().map_entry or depth > 9:
                continue
            parts = (
                [getattr(message, field.name).add()] if field.is_repeated else [getattr(message, field.name)]
            )
            for part in parts:
                if field.message_type.name == "Timestamp":
                    part.seconds = random.randint(1_500_000_000, 1_700_000_000)
                else:
                    part.SetInParent()
                    fill(part, random, depth + 1)
            continue
        value: Any = random.choice((0, 1, 5, 130872895, 130872896))
        if field.type == field.TYPE_STRING:
            value = random.choice(AGES if field.name == "iso8601duration" else WORDS)
        elif field.enum_type is not None:
            value = random.choice(field.enum_type.values).number
        elif field.type in (field.TYPE_BOOL, field.TYPE_DOUBLE):
            value = (
                random.choice((0, 1, 12.5, 88, 1e9, -1))
                if field.type == field.TYPE_DOUBLE
                else random.random() < 0.3
            )
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)


@pytest.mark.parametrize("seed", range(60))
def test_any_packet_of_the_schema_is_read_or_refused_and_comes_back(seed: int) -> None:
    packet = Phenopacket()
    fill(packet, Random(seed))
    first = studied(MessageToJson(packet, preserving_proto_field_name=seed % 2 == 0))
    if isinstance(first, KinscopeError):
        assert (first.exit_code, bool(first.where)) == (2, True)
        return
    assert "\u202e" not in case_html(first)
    try:
        text = phenopacket_json(first.case, first.schedule, PACK)
    except BadInputError as error:
        assert "age" in error.what or "birth" in error.what  # noqa: PT017
        return
    again = studied(text)
    assert isinstance(again, CaseResult)
    assert again.calls == first.calls
    assert [found.expression for found in again.variants] == [found.expression for found in first.variants]
