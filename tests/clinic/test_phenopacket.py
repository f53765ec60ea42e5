"""Phenopackets: kinscope's own come back whole, others are read by their codes."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToJson, Parse
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from phenopackets import Phenopacket

from kinscope.clinic.case.model import Case
from kinscope.clinic.course.compute import study_case
from kinscope.clinic.course.result import CaseResult
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


def stamp(text: str) -> Timestamp:
    made = Timestamp()
    made.FromJsonString(f"{text}T00:00:00Z")
    return made


def foreign() -> Phenopacket:
    """A packet as another tool writes it: codes and quantities, no word of kinscope's."""
    packet = Phenopacket(id="other-1")
    packet.subject.id = "MRN123456"
    packet.subject.sex = 1  # FEMALE
    packet.subject.date_of_birth.CopyFrom(stamp("1960-06-01"))
    disease = packet.diseases.add()
    disease.term.id, disease.term.label = "NCIT:C3167", "Acute Lymphoblastic Leukemia"
    disease.onset.timestamp.CopyFrom(stamp("2023-01-10"))
    for code, value, unit in (
        ("LOINC:718-7", 9.5, "g/dL"),
        ("LOINC:777-3", 58, "10*3/uL"),
        ("LOINC:6690-2", 12, "10*9/L"),
    ):
        item = packet.measurements.add()
        item.assay.id = code
        item.value.quantity.value, item.value.quantity.unit.id = value, f"UCUM:{unit}"
        item.time_observed.timestamp.CopyFrom(stamp("2023-01-10"))
    sample = packet.biosamples.add(id="SAMPLE9")
    sample.sampled_tissue.id = "UBERON:0002371"
    sample.time_of_collection.timestamp.CopyFrom(stamp("2023-09-01"))
    level = sample.measurements.add()
    level.assay.id = "LOINC:52132-8"
    level.value.ontology_class.id, level.value.ontology_class.label = "LOINC:LA11883-8", "Not detected"
    unknown = packet.measurements.add()
    unknown.assay.id = "LOINC:2160-0"
    unknown.value.quantity.value = 1.0
    unknown.time_observed.timestamp.CopyFrom(stamp("2023-01-10"))
    action = packet.medical_actions.add()
    action.treatment.agent.id, action.treatment.agent.label = "ATC:L01EA02", "dasatinib"
    dose = action.treatment.dose_intervals.add()
    dose.quantity.value, dose.quantity.unit.label = 70, "mg"
    dose.schedule_frequency.label = "Twice daily"
    dose.interval.start.CopyFrom(stamp("2023-02-01"))
    dose.interval.end.CopyFrom(stamp("2023-08-01"))
    action.treatment_termination_reason.label = "Adverse event"
    effusion = action.adverse_events.add()
    effusion.id, effusion.label = "HP:0002202", "Pleural effusion"
    feature = packet.phenotypic_features.add()
    feature.type.id, feature.type.label = "HP:0002202", "Pleural effusion"
    feature.severity.label = "Grade 3 Adverse Event"
    feature.onset.timestamp.CopyFrom(stamp("2023-07-20"))
    genomic = packet.interpretations.add(id="i").diagnosis.genomic_interpretations.add()
    genomic.subject_or_biosample_id = "SAMPLE9"
    expression = genomic.variant_interpretation.variation_descriptor.expressions.add()
    expression.syntax, expression.value = "hgvs.c", "NM_005157.6:c.944C>T"
    return packet


def test_a_packet_of_another_tool_is_read_by_its_codes() -> None:
    result = study_case(case_of_text(MessageToJson(foreign()), "other"), PACK)
    case = result.case
    findings = {m.finding.kind: m.finding for m in case.measurements}
    counts = findings["counts"]
    assert counts.haemoglobin_gram_per_litre == 95, "g/dL became g/L"
    assert counts.platelets_giga_per_litre == 58
    assert counts.leucocytes_giga_per_litre == 12
    level = findings["transcript"]
    assert (level.detected, level.transcript, level.material) == (False, "e1a2", "bone marrow")
    (treatment,) = case.treatments
    assert treatment.agents[0].doses[0].text == "140 mg/d", "70 mg twice daily"
    assert treatment.stop_reason == "toxicity"
    assert result.schedule.window(f"{treatment.id}.stop") == "2023-08-01"
    assert [(t.term, t.ctcae_grade) for t in case.toxicities] == [("Pleural effusion", 3)]
    assert result.variants[0].short == "T315I"
    assert result.variants[0].at.label() == "2023-09-01", "dated by its sample"
    assert case.subject.age_years == 62
    assert "MRN123456" not in result.model_dump_json()
    assert "SAMPLE9" not in result.model_dump_json()
    assert any("LOINC:2160-0" in note for note in case.notes), "what is not read is named"


def outside(**parts: Any) -> dict[str, Any]:
    """A packet in the shape of the schema's own examples: 64-bit integers as strings, a VRS allele."""
    ends = {"startNumber": {"value": "130872895"}, "endNumber": {"value": "130872896"}}
    descriptor = {
        "id": "v1",
        "expressions": [{"syntax": "hgvs.c", "value": "NM_005157.6:c.944C>T"}],
        "vcfRecord": {"genomeAssembly": "GRCh38", "chrom": "9", "pos": "130872896", "ref": "C", "alt": "T"},
        "variation": {
            "allele": {
                "sequenceLocation": {
                    "sequenceId": "refseq:NC_000009.12",
                    "sequenceInterval": ends,
                },
                "literalSequenceExpression": {"sequence": "T"},
            }
        },
        "moleculeContext": "genomic",
        "allelicState": {"id": "GENO:0000135", "label": "heterozygous"},
    }
    genomic = {
        "subjectOrBiosampleId": "sample.1",
        "interpretationStatus": "CAUSATIVE",
        "variantInterpretation": {
            "therapeuticActionability": "ACTIONABLE",
            "variationDescriptor": descriptor,
        },
    }
    disease = {"id": "ICD10:C92.1", "label": "Chronic myeloid leukaemia"}
    packet = {
        "id": "arbitrary.id",
        "subject": {"id": "proband A", "timeAtLastEncounter": {"age": {"iso8601duration": "P61Y"}}},
        "diseases": [{"term": disease}],
        "interpretations": [
            {
                "id": "i1",
                "progressStatus": "SOLVED",
                "diagnosis": {"disease": disease, "genomicInterpretations": [genomic]},
            }
        ],
        "metaData": {
            "created": "2023-01-01T00:00:00.000Z",
            "createdBy": "x",
            "phenopacketSchemaVersion": "2.0",
        },
    }
    return packet | parts


AGED = {"term": {"id": "ICD10:C92.1"}, "onset": {"age": {"iso8601duration": "P60Y"}}}
DATED = {"term": {"id": "ICD10:C92.1"}, "onset": {"timestamp": "2020-01-01T00:00:00Z"}}
SAMPLE = {"id": "sample.1", "timeOfCollection": {"timestamp": "2022-05-04T00:00:00Z"}}
FILES = [{"uri": "file://x.vcf", "individualToFileIdentifiers": {"a": "b"}, "fileAttributes": {"k": "v"}}]


@pytest.mark.parametrize(
    ("parts", "window"),
    [
        ({}, "before 2023-01-01"),
        ({"diseases": [DATED]}, "2020-01-01 to 2023-01-01"),
        ({"diseases": [DATED], "biosamples": [SAMPLE], "files": FILES}, "2022-05-04"),
        ({"diseases": [AGED]}, "day 0 to day 365"),
    ],
)
def test_integers_as_strings_are_read_and_a_variant_is_dated_as_far_as_the_packet_says(
    parts: dict[str, Any], window: str
) -> None:
    result = study_case(case_of_text(json.dumps(outside(**parts)), "packet"), PACK)
    (variant,) = result.variants
    assert variant.short == "T315I"
    assert result.schedule.window("variant-1-1") == window
    said = any("no time of their own" in note for note in result.case.notes)
    assert said == (window != "2022-05-04")


def test_a_packet_without_any_time_is_refused_where_the_time_is_missing() -> None:
    with pytest.raises(BadInputError) as caught:
        case_of_text(json.dumps(outside(metaData={"createdBy": "x"})), "packet")
    assert "interpretations[0].diagnosis.genomicInterpretations[0]" in caught.value.where
    assert "metaData.created" in caught.value.remedy


def nested(depth: int) -> Any:
    return {"haplotype": {"members": [{"haplotype": nested(depth - 1)}]}} if depth else {}


PLACE = "interpretations[0].diagnosis.genomicInterpretations[0].variantInterpretation.variationDescriptor"


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"vcfRecord": {"pos": "13087289x"}}, f"{PLACE}.vcfRecord.pos", "a number"),
        ({"vcfRecord": {"pos": "9" * 30}}, f"{PLACE}.vcfRecord.pos", "a number"),
        ({"vcfRecord": {"pos": 1.5}}, f"{PLACE}.vcfRecord.pos", "a number"),
        ({"label": 5}, f"{PLACE}.label", "a text"),
        ({"xrefs": "Secret"}, f"{PLACE}.xrefs", "a list"),
        ({"expressions": [{}, "Secret"]}, f"{PLACE}.expressions[1]", "a mapping"),
        ({"moleculeContext": "Secret"}, f"{PLACE}.moleculeContext", "words of the schema"),
        ({"seen": "Secret"}, f"{PLACE}.seen", "no such field"),
        ({"Secret \x1b[31m \ud800": 1}, f"{PLACE}.?", "no such field"),
        ({"label": "Secret \ud800"}, f"{PLACE}.label", "a text"),
        ({"vcfRecord": "\ud800"}, f"{PLACE}.vcfRecord", "a mapping"),
        ({"vcfRecord": [[1]]}, f"{PLACE}.vcfRecord", "a mapping"),
        ({"variation": {"text": {}, "allele": {}}}, f"{PLACE}.variation", "Only one of"),
        ({"variation": nested(150)}, PLACE, ""),
    ],
)
def test_what_protobuf_refuses_is_named_by_its_path_and_never_by_its_value(
    change: dict[str, Any], where: str, what: str
) -> None:
    packet = outside()
    genomic = packet["interpretations"][0]["diagnosis"]["genomicInterpretations"][0]
    genomic["variantInterpretation"]["variationDescriptor"] |= change
    with pytest.raises(BadInputError) as caught:
        case_of_text(json.dumps(packet), "packet.json")
    assert where in caught.value.where
    assert what in caught.value.what
    assert "Secret" not in str(caught.value)
    assert "9999" not in str(caught.value)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_quantity_that_is_no_number_is_refused(value: str) -> None:
    quantity = {"unit": {"id": "UCUM:%", "label": "%"}, "value": value}
    blasts = {"assay": {"id": "kinscope:blasts"}, "value": {"quantity": quantity}}
    with pytest.raises(BadInputError, match="no number"):
        case_of_text(json.dumps(outside(measurements=[blasts])), "packet")


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
