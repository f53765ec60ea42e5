"""Phenopackets of other tools: read by their codes, units and times, or refused by place and kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToJson
from google.protobuf.timestamp_pb2 import Timestamp
from phenopackets import Phenopacket

from kinscope.clinic.course.compute import study_case
from kinscope.clinic.phenopacket.open import case_of_text
from kinscope.clinic.phenopacket.write import phenopacket_json
from kinscope.core.errors import BadInputError
from kinscope.targets import load_target

PACK = load_target("abl1")


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
                "sequenceLocation": {"sequenceId": "refseq:NC_000009.12", "sequenceInterval": ends},
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
BORN = {"dateOfBirth": "1960-03-01T00:00:00Z", "timeAtLastEncounter": {"age": {"iso8601duration": "P61Y"}}}
PERFORMED = {"performed": {"timestamp": "2022-05-05T00:00:00Z"}}
SAMPLE = {"id": "sample.1", "timeOfCollection": {"timestamp": "2022-05-04T00:00:00Z"}}
FILES = [{"uri": "file://x.vcf", "individualToFileIdentifiers": {"a": "b"}, "fileAttributes": {"k": "v"}}]


@pytest.mark.parametrize(
    ("parts", "window"),
    [
        ({}, "day 0"),
        ({"subject": {"id": "A"}}, "before 2023-01-01"),
        ({"subject": {"timeAtLastEncounter": {"timestamp": "2022-02-02T00:00:00Z"}}}, "2022-02-02"),
        ({"subject": {"timeAtLastEncounter": {"ontologyClass": {"id": "a"}}}}, "before 2023-01-01"),
        ({"subject": {"id": "A"}, "metaData": {"createdBy": "x"}}, "day 0"),
        ({"biosamples": [{**SAMPLE, "timeOfCollection": {}, "procedure": PERFORMED}]}, "2022-05-05"),
        ({"biosamples": [{**SAMPLE, "timeOfCollection": {"gestationalAge": {"weeks": 9}}}]}, "day 0"),
        ({"diseases": [DATED]}, "2020-01-01 to 2023-01-01"),
        ({"diseases": [DATED], "biosamples": [SAMPLE], "files": FILES}, "2022-05-04"),
        ({"diseases": [AGED]}, "day 365"),
        ({"diseases": [AGED], "subject": {"id": "A"}}, "day 0"),
        ({"diseases": [DATED], "subject": BORN}, "2021-03-01 to 2022-02-28"),
    ],
)
def test_integers_as_strings_are_read_and_a_variant_is_dated_as_far_as_the_packet_says(
    parts: dict[str, Any], window: str
) -> None:
    result = study_case(case_of_text(json.dumps(outside(**parts)), "packet"), PACK)
    (variant,) = result.variants
    assert variant.short == "T315I"
    assert result.schedule.window("variant-1-1") == window
    said: list[str] = [note for note in result.case.notes if "no time of" in note or "last encounter" in note]
    assert len(said) == ("biosamples" not in parts or window == "day 0")


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
        ({"Secret": 1}, f"{PLACE})", "no such field"),
        ({"Secret \x1b[31m \ud800": 1}, f"{PLACE})", "no such field"),
        ({"vcfRecord": {"Secret": 1}}, f"{PLACE}.vcfRecord)", "no such field"),
        ({"expressions": [{}, {"value": "x", "Secret": 1}]}, f"{PLACE}.expressions[1])", "no such field"),
        ({"gene_context": {}, "geneContext": {}}, "packet.json", "both of its names"),
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


def timed(age: str) -> dict[str, Any]:
    return {"age": {"iso8601duration": age}}


def tumour() -> dict[str, Any]:
    """A packet in the shape of the schema's example of a retinoblastoma: ages, and one dose with dates."""
    eye, term = {"id": "UBERON:0004548", "label": "left eye"}, {"id": "NCIT:C7541", "label": "Retinoblastoma"}
    surgery = {
        "code": {"id": "NCIT:C48601", "label": "Enucleation"},
        "bodySite": eye,
        "performed": timed("P8M2W"),
    }
    pressure = {"unit": {"id": "UCUM:mm[Hg]"}, "value": 25.0, "referenceRange": {"low": 10.0, "high": 21.0}}
    given = {"start": "2020-09-02T00:00:00Z", "end": "2020-09-02T00:00:00Z"}
    melphalan = {
        "agent": {"id": "DrugCentral:1678", "label": "melphalan"},
        "doseIntervals": [
            {
                "quantity": {"unit": {"id": "UCUM:mg.kg-1", "label": "milligram per kilogram"}, "value": 0.4},
                "scheduleFrequency": {"id": "NCIT:C64576", "label": "Once"},
                "interval": given,
            }
        ],
        "drugType": "UNKNOWN_DRUG_TYPE",
    }
    regimen = {
        "ontologyClass": {"id": "NCIT:C10894", "label": "Carboplatin/Etoposide/Vincristine"},
        "startTime": timed("P7M"),
        "endTime": timed("P8M"),
        "regimenStatus": "COMPLETED",
    }
    copies = {
        "derivedSequenceExpression": {"location": {"sequenceId": "refseq:NC_000013.14"}},
        "number": {"value": "1"},
    }
    variants = [
        {"variation": {"copyNumber": copies}, "moleculeContext": "unspecified_molecule_context"},
        {
            "label": "RB1 c.958C>T (p.Arg320Ter)",
            "geneContext": {"valueId": "HGNC:9884", "symbol": "RB1"},
            "expressions": [{"syntax": "hgvs.c", "value": "NM_000321.2:c.958C>T"}],
        },
    ]
    genomic = [
        {"subjectOrBiosampleId": "A", "variantInterpretation": {"variationDescriptor": item}}
        for item in variants
    ]
    return {
        "id": "arbitrary.id",
        "subject": {"id": "A", "timeAtLastEncounter": timed("P6M"), "sex": "FEMALE", "karyotypicSex": "XX"},
        "phenotypicFeatures": [
            {"type": {"id": "HP:0000486", "label": "Strabismus"}, "onset": timed("P5M15D")}
        ],
        "measurements": [
            {"assay": {"id": "LOINC:79893-4"}, "value": {"quantity": pressure}, "timeObserved": timed("P6M")}
        ],
        "biosamples": [{"id": "b", "sampledTissue": eye, "procedure": surgery, "files": FILES}],
        "interpretations": [{"id": "i", "diagnosis": {"disease": term, "genomicInterpretations": genomic}}],
        "diseases": [{"term": term, "excluded": False, "onset": timed("P4M"), "primarySite": eye}],
        "medicalActions": [{"treatment": melphalan}, {"therapeuticRegimen": regimen}, {"procedure": surgery}],
        "files": FILES,
        "metaData": {"created": "2021-05-14T10:35:00Z", "phenopacketSchemaVersion": "2.0.0"},
    }


def test_a_packet_of_another_disease_is_read_without_a_response_and_says_what_it_left_out() -> None:
    result = study_case(case_of_text(json.dumps(tumour()), "packet"), PACK)
    assert (result.case.disease, result.criteria, result.calls, result.variants) == ("other", "none", (), ())
    assert {entry.title for entry in result.case.treatments} == {
        "melphalan",
        "Carboplatin/Etoposide/Vincristine",
    }
    assert result.case.treatments[0].agents[0].doses[0].text == "0.4 mg/kg"
    assert result.schedule.window("treatment-2") == "day 91", "seven months of age, onset at four"
    assert {event.label for event in result.case.events} == {"Diagnosis", "Enucleation"}
    notes = " ".join(result.case.notes)
    for left in (
        "Retinoblastoma",
        "the dates were left out",
        "LOINC:79893-4",
        "1 of other genes",
        "copyNumber",
        "2 files",
    ):
        assert left in notes, left
    again = case_of_text(phenopacket_json(result.case, result.schedule, PACK), "packet")
    assert again.disease == "other"


@pytest.mark.parametrize("meta", ["metaData", "meta_data"])
def test_of_a_family_the_proband_is_read_and_of_a_cohort_nobody(meta: str) -> None:
    proband = outside()
    family = {
        "id": "f",
        meta: proband.pop("metaData"),
        "proband": proband,
        "relatives": [outside()],
        "pedigree": {},
    }
    result = study_case(case_of_text(json.dumps(family), "packet"), PACK)
    assert [found.short for found in result.variants] == ["T315I"]
    assert any("Family" in note for note in result.case.notes)
    proband["diseases"] = [{"onset": {"timestamp": "soon"}}]
    with pytest.raises(BadInputError, match="not written") as caught:
        case_of_text(json.dumps(family), "packet")
    assert "proband.diseases[0].onset" in caught.value.where


@pytest.mark.parametrize(
    ("label", "disease"),
    [
        ("Chronic myelogenous leukemia, BCR-ABL1 positive", "cml"),
        ("CML in chronic phase", "cml"),
        ("Philadelphia chromosome positive acute lymphoblastic leukemia", "ph-all"),
        ("B Acute Lymphoblastic Leukemia with t(9;22)(q34.1;q11.2); BCR-ABL1", "ph-all"),
        ("Ph+ ALL", "ph-all"),
        ("Chronic lymphocytic leukemia", "other"),
        ("Chronic myelomonocytic leukemia", "other"),
        ("Atypical chronic myeloid leukemia, BCR-ABL1 negative", "other"),
        ("Ph-negative acute lymphoblastic leukaemia", "other"),
        ("BCR-ABL1-like acute lymphoblastic leukaemia", "other"),
        ("Acute T-cell lymphoblastic leukemia", "other"),
        ("Acute myeloid leukemia", "other"),
        ("", "other"),
    ],
)
def test_a_label_is_one_of_the_two_diseases_or_another(label: str, disease: str) -> None:
    packet = outside(diseases=[{"term": {"id": "X:1", "label": label}}])
    packet["interpretations"][0]["diagnosis"]["disease"] = {}
    assert case_of_text(json.dumps(packet), "packet").disease == disease


def measured(code: str, value: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"assay": {"id": code}, "timeObserved": {"timestamp": "2022-02-02T00:00:00Z"}, **value, **parts}


def number(value: float, unit: str, label: str = "") -> dict[str, Any]:
    return {"value": {"quantity": {"unit": {"id": unit, "label": label}, "value": value}}}


WORD = "LOINC:46434-7"


@pytest.mark.parametrize(
    ("item", "field", "value"),
    [
        (measured("LOINC:718-7", number(9.5, "UCUM:g/dL", "g/dL")), "haemoglobin_gram_per_litre", 95),
        (measured("LOINC:718-7", number(9.5, "UCUM:g.dL-1")), "haemoglobin_gram_per_litre", 95),
        (measured("LOINC:6690-2", number(4.1, "UCUM:10*3{cells}/uL")), "leucocytes_giga_per_litre", 4.1),
        (measured("LOINC:6690-2", number(4100, "", "cells/uL")), "leucocytes_giga_per_litre", 4.1),
        (measured("LOINC:777-3", number(58, "UCUM:10*9/L")), "platelets_giga_per_litre", 58),
        (measured("kinscope:blasts", number(0.25, "UCUM:1")), "percent", 25),
        (measured(WORD, number(0.01, "UCUM:%{ratio}")), "percent", 0.01),
        (measured(WORD, {"value": {"ontologyClass": {"label": "None detected"}}}), "detected", False),
        (measured(WORD, {"value": {"ontologyClass": {"label": "not present"}}}), "detected", False),
        (measured(WORD, {"value": {"ontologyClass": {"label": "Positive"}}}), "detected", True),
        (
            measured(
                "LOINC:58410-2",
                {
                    "complexValue": {
                        "typedQuantities": [
                            {"type": {"id": "LOINC:751-8"}, **number(2, "UCUM:10*9/L")["value"]}
                        ]
                    }
                },
            ),
            "neutrophils_giga_per_litre",
            2,
        ),
    ],
)
def test_a_value_is_read_in_the_unit_that_it_says(item: dict[str, Any], field: str, value: object) -> None:
    case = case_of_text(json.dumps(outside(measurements=[item], interpretations=[])), "packet")
    assert getattr(case.measurements[0].finding, field) == value


@pytest.mark.parametrize(
    ("item", "what"),
    [
        (measured("LOINC:718-7", number(9.5, "UCUM:g/dL", "g/L")), "of different size"),
        (measured("LOINC:718-7", number(9.5, "UCUM:kg")), "The unit is none"),
        (measured(WORD, {"value": {"ontologyClass": {"label": "Secret"}}}), "neither"),
    ],
)
def test_a_unit_or_word_that_is_none_is_refused_without_it(item: dict[str, Any], what: str) -> None:
    with pytest.raises(BadInputError, match=what) as caught:
        case_of_text(json.dumps(outside(measurements=[item])), "packet")
    assert "measurements[0]" in caught.value.where
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize("value", [{"value": {"ontologyClass": {"label": "low"}}}, {}, {"complexValue": {}}])
@pytest.mark.parametrize("code", ["LOINC:777-3", "kinscope:counts"])
def test_a_count_without_a_number_is_no_count_of_nothing(code: str, value: dict[str, Any]) -> None:
    case = case_of_text(json.dumps(outside(measurements=[measured(code, value)])), "packet")
    counts = [entry.finding for entry in case.measurements if entry.finding.kind == "counts"]
    assert all(finding.platelets_giga_per_litre is None for finding in counts)


@pytest.mark.parametrize(
    ("often", "text"),
    [
        ("Twice Daily", "200 mg/d"),
        ("Daily", "100 mg/d"),
        ("Twice weekly", "100 mg"),
        ("Three times a week", "100 mg"),
        ("Every other day", "100 mg"),
        ("Once", "100 mg"),
    ],
)
def test_a_dose_is_a_daily_one_only_where_it_is_given_each_day(often: str, text: str) -> None:
    dose = {"quantity": number(100, "UCUM:mg")["value"]["quantity"], "scheduleFrequency": {"label": often}}
    action = {"treatment": {"agent": {"label": "dasatinib"}, "doseIntervals": [dose]}}
    case = case_of_text(json.dumps(outside(medicalActions=[action])), "packet")
    assert case.treatments[0].agents[0].doses[0].text == text


@pytest.mark.parametrize(
    ("age", "window"),
    [
        ("P61Y", "2021-03-01 to 2022-02-28"),
        ("P61Y3M", "2021-06-01 to 2021-06-30"),
        ("P61Y0M3D", "2021-03-04"),
        ("P61Y2W", "2021-03-15 to 2021-03-21"),
        ("P61.5Y", "2021-09-01 to 2022-08-31"),
    ],
)
def test_a_birth_date_puts_an_age_among_dates_as_exactly_as_it_is_given(age: str, window: str) -> None:
    sample = {"id": "sample.1", "timeOfCollection": timed(age)}
    packet = outside(
        diseases=[DATED], biosamples=[sample], subject={"id": "A", "dateOfBirth": "1960-03-01T00:00:00Z"}
    )
    result = study_case(case_of_text(json.dumps(packet), "packet"), PACK)
    assert result.schedule.window("variant-1-1") == window


def test_the_date_of_a_time_with_an_offset_is_the_one_that_was_written() -> None:
    sample = {"id": "sample.1", "timeOfCollection": {"timestamp": "2022-05-04T00:30:00+02:00"}}
    result = study_case(case_of_text(json.dumps(outside(biosamples=[sample])), "packet"), PACK)
    assert result.schedule.window("variant-1-1") == "2022-05-04"


def test_a_birth_after_the_diagnosis_is_a_contradiction() -> None:
    packet = outside(diseases=[DATED], subject={"id": "A", "dateOfBirth": "2021-03-01T00:00:00Z"})
    with pytest.raises(BadInputError, match="birth date lies after"):
        study_case(case_of_text(json.dumps(packet), "packet"), PACK)


@pytest.mark.parametrize("dump", [str, lambda text: yaml.safe_dump(json.loads(text))])
def test_a_packet_under_its_name_is_read_as_the_schemas_documentation_writes_it(dump: Any) -> None:
    text = json.dumps({"phenopacket": outside()})
    result = study_case(case_of_text(dump(text), "packet"), PACK)
    assert [found.short for found in result.variants] == ["T315I"]
    with pytest.raises(BadInputError) as caught:
        case_of_text(dump(json.dumps({"phenopacket": outside(diseases="Secret")})), "packet")
    assert "phenopacket.diseases" in caught.value.where


def test_enums_are_read_by_name_and_number_and_fields_by_both_spellings() -> None:
    packet = outside()
    packet["subject"] |= {"sex": 1, "alternate_ids": ["x"]}
    packet["subject"]["time_at_last_encounter"] = packet["subject"].pop("timeAtLastEncounter")
    packet["meta_data"] = packet.pop("metaData")
    result = study_case(case_of_text(json.dumps(packet), "packet"), PACK)
    assert (result.case.subject.sex, result.case.subject.age_years) == ("female", 61)
    assert [found.short for found in result.variants] == ["T315I"]


@pytest.mark.parametrize(
    ("action", "title", "dose"),
    [
        (
            {"radiationTherapy": {"modality": {"label": "Total body irradiation"}, "dosage": 12}},
            "Total body irradiation",
            "12 Gy",
        ),
        ({"radiationTherapy": {"fractions": 6}}, "radiotherapy", ""),
        ({"therapeuticRegimen": {"ontologyClass": {"label": "Hyper-CVAD"}}}, "Hyper-CVAD", ""),
        ({"treatment": {"agent": {"id": "DrugCentral:1"}}}, "DrugCentral:1", ""),
        ({"treatmentIntent": {"label": "Cure"}}, "", ""),
    ],
)
def test_each_kind_of_action_is_what_it_says(action: dict[str, Any], title: str, dose: str) -> None:
    case = case_of_text(json.dumps(outside(medicalActions=[action])), "packet")
    assert [entry.title for entry in case.treatments] == ([title] if title else [])
    assert [item.text for entry in case.treatments for item in entry.doses] == ([dose] if dose else [])
    assert bool(title) or any("left out" in note for note in case.notes)
