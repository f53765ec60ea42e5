"""A case as a GA4GH Phenopacket v2.

What the schema has a place for goes there, with codes; times as instants, intervals or ages. What it has no
place for (order statements, control genes, sensitivities, lines of therapy) goes as JSON into
``metaData.externalReferences`` under ``kinscope:`` identifiers, so that a round trip loses nothing and other
readers are not misled.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from kinscope.clinic.case import terms
from kinscope.clinic.case.model import Agent, Case, CaseMeasurement, Dose, Toxicity, Treatment
from kinscope.clinic.case.schedule import Schedule
from kinscope.clinic.case.terms import find_drug
from kinscope.clinic.phenopacket.values import OWN_FIELDS
from kinscope.core.errors import BadInputError, VariantError
from kinscope.core.records import Record
from kinscope.targets.pack import TargetPack
from kinscope.variants import parse_variant

SCHEMA_VERSION = "2.0"
Json = dict[str, Any]


def phenopacket_json(case: Case, schedule: Schedule, pack: TargetPack) -> str:
    """The Phenopacket of a case as JSON text, checked by the ``phenopackets`` package.

    The case is written as it is, with the times of its schedule and variants as the target pack reads them.

    Raises BadInputError if the case has relative days but no age to express them by (the schema knows no
    relative day).
    """
    from google.protobuf.json_format import MessageToJson, ParseDict
    from phenopackets import Phenopacket

    content = _Writer(case, schedule, pack).packet()
    return str(MessageToJson(ParseDict(content, Phenopacket()))) + "\n"


class _Writer:
    def __init__(self, case: Case, schedule: Schedule, pack: TargetPack) -> None:
        self._case, self._schedule, self._pack = case, schedule, pack
        self._references: list[Json] = []
        if schedule.clock == "relative" and case.subject.age_years is None:
            raise BadInputError(
                "A Phenopacket has no relative days, and without an age they cannot be written as ages.",
                where="subject.age_years",
                remedy="Give the age at diagnosis in the case file.",
            )

    def packet(self) -> Json:
        case = self._case
        disease = terms.DISEASES[case.disease]
        content: Json = {
            "id": f"kinscope-{case.id}",
            "subject": self._subject(),
            "phenotypicFeatures": [self._toxicity(toxicity) for toxicity in case.toxicities],
            "measurements": [],
            "interpretations": self._interpretations(disease),
            "diseases": [{"term": disease._asdict(), "onset": self._time(self._schedule.onset(case).entry)}],
            "medicalActions": [],
        }
        for measurement in case.measurements:
            self._measurement(measurement, content["measurements"])
        for response in case.responses:
            self._refer(f"measurements/{len(content['measurements'])}", "response", response)
            word = terms.Term(f"kinscope:{terms.code_part(response.category)}", response.category)
            value, when = {"ontologyClass": word._asdict()}, self._time(response.id)
            stated = {"assay": terms.RESULTS["stated"]._asdict(), "value": value, "timeObserved": when}
            content["measurements"].append(stated)
        for treatment in case.treatments:
            self._treatment(treatment, content["medicalActions"], disease)
        case_level = case.model_dump(mode="json", include=set(OWN_FIELDS))
        self._refer("case", "case", case_level | {"clock": self._schedule.clock})
        content["metaData"] = {
            "created": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
            "createdBy": "kinscope",
            "resources": [{"version": "not stated", **resource} for resource in terms.RESOURCES],
            "phenopacketSchemaVersion": SCHEMA_VERSION,
            "externalReferences": self._references,
        }
        return content

    def _refer(self, reference: str, kind: str, extra: Record | Json) -> None:
        content = extra if isinstance(extra, dict) else extra.model_dump(mode="json")
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        self._references.append({"id": f"kinscope:{kind}", "reference": reference, "description": text})

    def _subject(self) -> Json:
        own = self._case.subject
        subject: Json = {"id": self._case.id}
        if own.sex != "not stated":
            subject["sex"] = "OTHER_SEX" if own.sex == "other" else own.sex.upper()
        if own.age_years is not None:
            subject["timeAtLastEncounter"] = {"age": {"iso8601duration": f"P{own.age_years}Y"}}
        return subject

    def _time(self, entry: str) -> Json:
        place = self._schedule.at(entry)
        if self._schedule.clock == "relative":
            start, end = self._age(place.earliest), self._age(place.latest)
            return {"age": start} if start == end else {"ageRange": {"start": start, "end": end}}
        if place.exact:
            return {"timestamp": _instant(place.earliest)}
        return {"interval": {"start": _instant(place.earliest), "end": _instant(place.latest)}}

    def _age(self, day: int) -> Json:
        years, days = self._case.subject.age_years or 0, day
        while days < 0:
            years, days = years - 1, days + 365
        if years < 0:
            raise BadInputError(
                "An entry lies before the birth that the age gives.",
                where=f"day {day}",
                remedy="Correct the age or the day.",
            )
        return {"iso8601duration": f"P{years}Y{days}D"}

    def _measurement(self, entry: CaseMeasurement, out: list[Json]) -> None:
        finding = entry.finding
        common: Json = {"timeObserved": self._time(entry.id), "procedure": _procedure(finding)}
        extra = entry.model_dump(mode="json", exclude={"finding": {"at"}})
        for assay, value in _values(finding):
            self._refer(f"measurements/{len(out)}", "measurement", extra)
            out.append({"assay": assay._asdict(), "value": value, **common})

    def _toxicity(self, toxicity: Toxicity) -> Json:
        content: Json = {
            "type": terms.toxicity_term(toxicity.term)._asdict(),
            "onset": self._time(toxicity.id),
        }
        if toxicity.stop:
            content["resolution"] = self._time(f"{toxicity.id}.stop")
        if toxicity.ctcae_grade:
            grade = toxicity.ctcae_grade
            content["severity"] = {"id": f"kinscope:ctcae-grade-{grade}", "label": f"CTCAE grade {grade}"}
        elif word := HPO_SEVERITY.get(toxicity.severity):
            content["severity"] = {"id": word, "label": toxicity.severity.capitalize()}
        self._refer(f"phenotypicFeatures/{self._case.toxicities.index(toxicity)}", "toxicity", toxicity)
        return content

    def _treatment(self, treatment: Treatment, out: list[Json], disease: terms.Term) -> None:
        toxic = [t for t in self._case.toxicities if t.treatment == treatment.id]
        for agent in treatment.agents:
            given = {"agent": drug_term(agent.drug)._asdict(), "doseIntervals": self._doses(treatment, agent)}
            action: Json = {"treatment": given, "treatmentTarget": disease._asdict()}
            if toxic:
                action["adverseEvents"] = [terms.toxicity_term(t.term)._asdict() for t in toxic]
            if treatment.stop_reason != "not stated":
                code = f"kinscope:stop-{terms.code_part(treatment.stop_reason)}"
                action["treatmentTerminationReason"] = {"id": code, "label": treatment.stop_reason}
            self._refer(f"medicalActions/{len(out)}", "treatment", treatment)
            out.append(action)

    def _doses(self, treatment: Treatment, agent: Agent) -> list[Json]:
        if self._schedule.clock == "relative":
            return [{"quantity": _dose(dose)} for dose in agent.doses]  # the schema has no relative interval
        end = self._schedule.at(f"{treatment.id}.stop").drawn if treatment.stop else None
        numbers = {id(dose): number for number, dose in enumerate(treatment.doses, start=1)}
        intervals = []
        for dose in agent.doses:
            entry = f"{treatment.id}.dose{numbers[id(dose)]}" if dose.when else treatment.id
            intervals.append({"quantity": _dose(dose), "interval": self._interval(entry, end)})
        return intervals or [{"interval": self._interval(treatment.id, end)}]

    def _interval(self, entry: str, end: int | None) -> Json:
        interval = {"start": _instant(self._schedule.at(entry).drawn)}
        return interval | ({"end": _instant(end)} if end is not None else {})

    def _interpretations(self, disease: terms.Term) -> list[Json]:
        genomic = []
        for entry in self._case.measurements:
            if entry.finding.kind != "mutation" or not entry.finding.detected:
                continue
            ours = terms.of_target(entry.finding.gene, self._pack)
            gene = self._pack.gene if ours else entry.finding.gene
            gene_id = GENES.get(gene, f"kinscope:gene-{terms.code_part(gene)}")
            expressions = [{"syntax": "hgvs", "value": entry.finding.expression}]
            try:
                if not ours:
                    raise VariantError("another gene")
                variant = parse_variant(entry.finding.expression, self._pack)
                expressions = [{"syntax": "hgvs.c", "value": change} for change in terms.as_given(variant)[0]]
                expressions.append({"syntax": "hgvs.p", "value": variant.hgvs_p})
            except VariantError:
                pass  # shown as reported; reading it back names the problem
            descriptor = {
                "id": f"kinscope:{entry.id}",
                "label": entry.finding.expression,
                "expressions": expressions,
                "geneContext": {"valueId": gene_id, "symbol": gene},
                "moleculeContext": "transcript",
            }
            read = {"subjectOrBiosampleId": self._case.id, "interpretationStatus": "UNKNOWN_STATUS"}
            genomic.append(read | {"variantInterpretation": {"variationDescriptor": descriptor}})
        if not genomic:
            return []
        diagnosis = {"disease": disease._asdict(), "genomicInterpretations": genomic}
        return [{"id": "variants", "progressStatus": "COMPLETED", "diagnosis": diagnosis}]


GENES = {"ABL1": "HGNC:76"}
HPO_SEVERITY = {"mild": "HP:0012825", "moderate": "HP:0012826", "severe": "HP:0012828"}


def drug_term(name: str) -> terms.Term:
    """The ATC code of a known drug, else one of kinscope's own name space made of its name."""
    known = find_drug(name)
    code = f"ATC:{known.atc}" if known and known.atc else f"kinscope:drug-{terms.code_part(name)}"
    return terms.Term(code, known.name if known else name)


def _values(finding: Any) -> list[tuple[terms.Term, Json]]:
    """Assay and value of each part of a finding."""
    if finding.kind == "karyotype":
        iscn = {"ontologyClass": {"id": "kinscope:iscn", "label": finding.iscn}}
        return [(terms.ASSAYS["karyotype"], iscn)]
    if finding.kind == "transcript":
        return [(terms.transcript_term(finding.transcript), _level(finding.percent, finding.detected))]
    if finding.kind in terms.ASSAYS:
        percent = getattr(finding, "percent", getattr(finding, "level_percent", None))
        return [(terms.ASSAYS[finding.kind], _level(percent, getattr(finding, "detected", True)))]
    parts: list[tuple[terms.Term, Json]] = []
    for field, assay in terms.COUNTS.items():
        value = getattr(finding, field)
        if value is not None:
            unit = next(code for tail, code in terms.COUNT_UNITS.items() if field.endswith(tail))
            parts.append((assay, _quantity(value, unit)))
    nothing = terms.Term("kinscope:no-numbers", "no numbers given")
    return parts or [(terms.Term("kinscope:counts", "Blood count"), {"ontologyClass": nothing._asdict()})]


def _level(percent: float | None, detected: bool) -> Json:
    if percent is not None and detected:
        return _quantity(percent, "%")
    return {"ontologyClass": terms.RESULTS["detected" if detected else "not detected"]._asdict()}


def _quantity(value: float, unit: str) -> Json:
    return {"quantity": {"unit": {"id": f"UCUM:{unit}", "label": unit}, "value": value}}


def _dose(dose: Dose) -> Json:
    unit = {"id": f"UCUM:{dose.unit}", "label": dose.unit}
    content: Json = {"unit": unit, "value": dose.amount}
    if dose.up_to is not None:
        content["referenceRange"] = {"unit": unit, "low": dose.amount, "high": dose.up_to}
    return content


def _procedure(finding: Any) -> Json:
    method = getattr(finding, "method", "not stated")
    content: Json = {"code": {"id": f"kinscope:method-{terms.code_part(method)}", "label": method}}
    if finding.material in terms.TISSUES:
        content["bodySite"] = terms.TISSUES[finding.material]._asdict()
    return content


def _instant(day: int) -> str:
    return f"{dt.date.fromordinal(day).isoformat()}T00:00:00Z"
