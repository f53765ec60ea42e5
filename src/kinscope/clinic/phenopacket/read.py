"""One Phenopacket as the fields of a case; what other tools write by its codes, kinscope's own whole."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kinscope.clinic.case import terms
from kinscope.clinic.case.schedule import parse_date
from kinscope.clinic.phenopacket.values import (
    OWN_FIELDS,
    age_days,
    day_of,
    dose_of,
    findings_of,
    kind_of_assay,
    own_statement,
    same_drug,
    slug,
    when_of,
)
from kinscope.core.plain_yaml import Places, line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phenopackets import MedicalAction, Phenopacket, TimeElement, VariationDescriptor

    from kinscope.clinic.phenopacket.values import PacketFile
    from kinscope.core.errors import BadInputError

SAME_LINE_DAYS = 30
"""Treatments of a foreign packet that begin within a month of each other are one line of therapy."""
HOLDS = {
    "measurements": ("measurement", "response"),
    "medicalActions": ("treatment",),
    "phenotypicFeatures": ("toxicity",),
}
"""Which of kinscope's own statements a list of the packet can carry."""
GROUPS = {
    "treatments": "medicalActions",
    "measurements": "measurements",
    "toxicities": "phenotypicFeatures",
}
"""Which list of the packet the entries of a case come from."""
TIMED = ("diseases", "measurements", "biosamples", "medical_actions", "phenotypic_features")
"""The parts of a packet whose times are times of the course."""
WRITTEN = "packet-written"
"""Name of the event before which everything in a packet was, where the packet gives no other time."""
_GRADE = re.compile(r"grade[\s:-]*([1-5])\b", re.IGNORECASE)
_REFERENCE = re.compile(r"(measurements|medicalActions|phenotypicFeatures)/(\d{1,5})")
Path = tuple[str | int, ...]
When = list[dict[str, Any]]


class PacketReader:
    """Turns one packet into the fields of a case."""

    def __init__(self, packet: Phenopacket, file: PacketFile) -> None:
        self._packet, self._file = packet, file
        self._notes: list[str] = []
        self._untimed = 0
        self._extras = self._read_extras()
        self._own = self._extras.get(("case", 0), {})
        self._zero = self._age_zero()

    def places_of(self, content: dict[str, Any]) -> Places:
        """Lines for the errors of the records: those of the packet's lists that they came from."""
        found: Places = {(): 1}
        for group, name in GROUPS.items():
            found[(group,)] = line_of(self._file.places, (name,))[0]
            for index, _ in enumerate(content.get(group, [])):
                found[group, index] = line_of(self._file.places, (name, index))[0]
        return found

    def content(self) -> dict[str, Any]:
        """Every field of the case."""
        content: dict[str, Any] = {
            "id": slug(self._packet.id.removeprefix("kinscope-")) or "case",
            "subject": self._subject(),
            "disease": self._disease(),
            "events": [],
        }
        self._measurements(content)
        self._variants(content)
        self._actions(content)
        content["toxicities"] = self._toxicities()
        own = {k: v for k, v in self._own.items() if k in OWN_FIELDS}
        content |= own | {"events": content["events"] + own.get("events", [])}
        if not self._own:
            self._add_onset(content)
        self._tell_untimed(content)
        content["notes"] = [*own.get("notes", []), *self._notes][:100]
        return content

    def _read_extras(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Kinscope's own statements, by the list and place they belong to."""
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for number, reference in enumerate(self._packet.meta_data.external_references):
            if not reference.id.startswith("kinscope:"):
                continue
            path = ("metaData", "externalReferences", number, "description")
            extra = own_statement(reference.id, reference.description)
            if extra is None:
                raise self._file.refused("kinscope's own statements are damaged here.", path)
            kind = reference.id.removeprefix("kinscope:")
            match = _REFERENCE.fullmatch(reference.reference)
            if match and kind in HOLDS[match.group(1)]:
                group = "responses" if kind == "response" else match.group(1)
                found[group, int(match.group(2))] = extra
            elif reference.reference == "case" and kind == "case":
                found["case", 0] = extra
            else:
                raise self._file.refused("This points to no element that it could speak of.", path)
        return found

    def _leave_out(self, kind: str) -> None:
        self._notes.append(f"A statement of kinscope's on a {kind} was left out: the {kind} has changed.")

    def _age_zero(self) -> float | None:
        """The age in days that relative days count from: at onset, else at the last encounter."""
        onsets = [disease.onset for disease in self._packet.diseases]
        for element in (*onsets, self._packet.subject.time_at_last_encounter):
            if element.HasField("age"):
                return age_days(element.age.iso8601duration, self._fail(("diseases",)))
            if element.HasField("age_range"):
                return age_days(element.age_range.start.iso8601duration, self._fail(("diseases",)))
        return None

    def _fail(self, path: Path) -> Callable[[str], BadInputError]:
        return lambda what: self._file.refused(what, path)

    def _when(self, element: TimeElement, path: Path) -> When | None:
        return when_of(element, self._zero, self._fail(path))

    def _subject(self) -> dict[str, Any]:
        from phenopackets import FEMALE, MALE, OTHER_SEX

        subject = self._packet.subject
        sexes = {FEMALE: "female", MALE: "male", OTHER_SEX: "other"}
        content: dict[str, Any] = {"sex": sexes.get(subject.sex, "not stated")}
        if not self._own:
            content["hospital_id"] = subject.id[:400]
            content["other_ids"] = [text[:400] for text in subject.alternate_ids[:20]]
        if subject.HasField("date_of_birth"):
            content["birth_date"] = day_of(subject.date_of_birth)
        age = subject.time_at_last_encounter.age.iso8601duration
        if age:
            days = age_days(age, self._fail(("subject", "timeAtLastEncounter")))
            content["age_years"] = int(round(days / 365.2425, 3))
        elif self._zero is not None:
            content["age_years"] = int(self._zero / 365.2425)
        return content

    def _disease(self) -> str:
        known = {value.id: key for key, value in terms.DISEASES.items()}
        for disease in self._packet.diseases:
            if disease.excluded:
                continue
            if disease.term.id in known:
                return known[disease.term.id]
            label = disease.term.label.lower()
            if any(word in label for word in terms.CML_WORDS):
                return "cml"
            if any(word in label for word in terms.ALL_WORDS):
                return "ph-all"
        raise self._file.refused(
            "The Phenopacket names neither Ph+ acute lymphoblastic leukaemia nor CML.",
            ("diseases",),
            f"Give 'diseases' a term such as {terms.DISEASES['ph-all'].id} or {terms.DISEASES['cml'].id}.",
        )

    def _measurements(self, content: dict[str, Any]) -> None:
        """Top-level and biosample measurements, those of one blood count together."""
        measurements: dict[str, dict[str, Any]] = {}
        responses: list[dict[str, Any]] = []
        unread: list[str] = []
        items: list[tuple[Path, Any, Any]]
        items = [(("measurements", i), item, None) for i, item in enumerate(self._packet.measurements)]
        for number, sample in enumerate(self._packet.biosamples):
            for index, item in enumerate(sample.measurements):
                items.append((("biosamples", number, "measurements", index), item, sample))
        for path, item, sample in items:
            extra = self._extras.get((str(path[0]), int(path[-1])), {}) if sample is None else {}
            if item.assay.id == terms.STATED_RESPONSE.id:
                responses += [stated] if (stated := self._extras.get(("responses", int(path[-1])))) else []
                continue
            if extra and extra["finding"].get("kind") != kind_of_assay(item.assay):
                self._leave_out("measurement")
                extra = {}
            finding = findings_of(item, sample, extra.get("finding", {}), self._fail(path))
            if finding is None:
                unread.append(item.assay.id or "no code")
                continue
            when = extra.get("when") or self._measured(item, sample, path)
            name = extra.get("id") or _group_name(finding, when, len(measurements))
            entry = {"id": name, "when": when, "finding": finding, "source": extra.get("source", "")}
            entry["sample"] = extra.get("sample") or (sample.id[:400] if sample is not None else "")
            if name not in measurements:
                measurements[name] = entry
            elif finding["kind"] == "counts" == measurements[name]["finding"]["kind"]:
                measurements[name]["finding"] |= {k: v for k, v in finding.items() if v is not None}
            else:
                raise self._file.refused("Two measurements have one name.", path)
        if unread:
            codes = ", ".join(sorted(set(unread))[:20])
            self._notes.append(f"{len(unread)} measurements of kinds kinscope does not read: {codes}")
        content["measurements"], content["responses"] = list(measurements.values()), responses

    def _measured(self, item: Any, sample: Any, path: Path) -> When:
        """When a measurement was: its own time, else that of its sample."""
        if sample is None or item.HasField("time_observed"):
            return self._when(item.time_observed, path) or self._whole_course(path)
        return self._when(sample.time_of_collection, path) or self._whole_course(path)

    def _whole_course(self, path: Path) -> When:
        """The time of an entry that has none of its own."""
        if not self._course:
            raise self._file.refused(
                "There is no time here, and none in the packet to bound it by.",
                path,
                "Give it one, or say when the packet was made (metaData.created).",
            )
        self._untimed += 1
        return self._course

    @cached_property
    def _course(self) -> When:
        """From the first time in the packet to its last; with one time only, to when it was written.

        Where it holds no time but that of its writing, everything in it was before that.
        """
        given = [
            time for group in TIMED for part in getattr(self._packet, group) for time in self._times(part)
        ]
        meta = self._packet.meta_data
        written = [day_of(meta.created)] if meta.HasField("created") else []
        dates = [date for time in given if "date" in time for date in time["date"].split("/")]
        if dates:
            last = max(dates) if max(dates) > min(dates) else max([*dates, *written])
            return [{"date": f"{min(dates)}/{last}"}]
        seen = list(self._times(self._packet.subject.time_at_last_encounter)) if given else []
        ages = [time for time in (*given, *seen) if "day" in time]
        days = [day for time in ages for day in (time["day"], time.get("last_day", time["day"]))]
        if days and min(days) < max(days):
            return [{"day": min(days), "last_day": max(days)}]
        return [{"before": WRITTEN}] if written and not days else []

    def _times(self, message: Any) -> Iterator[dict[str, Any]]:
        """Every time that a part of the packet holds, however deep."""
        name = message.DESCRIPTOR.name
        if name == "TimeElement":
            yield from self._when(message, ()) or []
            return
        if name == "Timestamp":
            yield {"date": day_of(message)}
            return
        for field, value in message.ListFields():
            if field.message_type is None or field.message_type.GetOptions().map_entry:
                continue
            for part in value if field.is_repeated else [value]:
                yield from self._times(part)

    def _tell_untimed(self, content: dict[str, Any]) -> None:
        if not self._untimed:
            return
        self._notes.append(
            f"{self._untimed} entries have no time of their own: each lies somewhere in the time that the "
            "whole packet covers"
        )
        if self._course == [{"before": WRITTEN}]:
            when = [{"date": day_of(self._packet.meta_data.created)}]
            content["events"].append({"id": WRITTEN, "label": "The Phenopacket was written", "when": when})

    def _variants(self, content: dict[str, Any]) -> None:
        """Genomic interpretations; kinscope's own packets hold the same as measurements with extras."""
        from phenopackets import GenomicInterpretation

        known = {entry["finding"].get("expression") for entry in content["measurements"]} - {None}
        collected = {sample.id: sample.time_of_collection for sample in self._packet.biosamples}
        unread = 0
        for number, interpretation in enumerate(self._packet.interpretations):
            for index, item in enumerate(interpretation.diagnosis.genomic_interpretations):
                path = ("interpretations", number, "diagnosis", "genomicInterpretations", index)
                descriptor = item.variant_interpretation.variation_descriptor
                if item.interpretation_status == GenomicInterpretation.REJECTED or descriptor.label in known:
                    continue
                text = _expression(descriptor)
                if not text:
                    unread += 1
                    continue
                sampled = collected.get(item.subject_or_biosample_id)
                when = self._when(sampled, path) if sampled is not None else None
                finding = {
                    "kind": "mutation",
                    "detected": True,
                    "expression": text,
                    "gene": descriptor.gene_context.symbol or "ABL1",
                    "at": {"day": 0},
                }
                name = f"variant-{number + 1}-{index + 1}"
                content["measurements"].append(
                    {"id": name, "when": when or self._whole_course(path), "finding": finding}
                )
        if unread:
            self._notes.append(f"{unread} genomic interpretations without HGVS or label were not read")

    def _actions(self, content: dict[str, Any]) -> None:
        treatments: dict[str, dict[str, Any]] = {}
        for index, action in enumerate(self._packet.medical_actions):
            path = ("medicalActions", index)
            extra = self._extras.get(path, {})
            label = action.treatment.agent.label
            if extra and any(same_drug(label, agent["drug"]) for agent in extra["agents"]):
                treatments.setdefault(str(extra.get("id", index)), extra)
                continue
            if extra:
                self._leave_out("treatment")
            if action.HasField("procedure"):
                label = action.procedure.code.label or "procedure"
                when = self._when(action.procedure.performed, path) or self._whole_course(path)
                kind = "transplantation" if "transplant" in label.lower() else "other"
                content["events"].append(
                    {"id": f"event-{index + 1}", "label": label[:400], "when": when, "kind": kind}
                )
                continue
            treatments[f"treatment-{index + 1}"] = self._foreign(action, index)
        foreign = [t for t in treatments.values() if "line" not in t]
        foreign.sort(key=lambda t: _first_day(t["start"]))
        line, last = 0, None
        for treatment in foreign:
            day = _first_day(treatment["start"])
            if last is None or day - last > SAME_LINE_DAYS:
                line, last = line + 1, day
            treatment["line"] = line
        content["treatments"] = list(treatments.values())

    def _foreign(self, action: MedicalAction, index: int) -> dict[str, Any]:
        """A treatment or regimen of another tool's packet."""
        path: Path = ("medicalActions", index)
        if action.HasField("therapeutic_regimen"):
            regimen = action.therapeutic_regimen
            label = regimen.ontology_class.label or regimen.external_reference.id or "regimen"
            doses = []
            start, stop = self._when(regimen.start_time, path), self._when(regimen.end_time, path)
        else:
            agent, intervals = action.treatment.agent, action.treatment.dose_intervals
            label = agent.label or agent.id or "radiotherapy"
            doses = [dose for dose in (dose_of(item) for item in intervals) if dose]
            starts = [day_of(item.interval.start) for item in intervals if item.interval.HasField("start")]
            ends = [day_of(item.interval.end) for item in intervals if item.interval.HasField("end")]
            start = [{"date": min(starts)}] if starts else None
            stop = [{"date": max(ends)}] if ends and len(ends) == len(intervals) else None
        entry = {
            "id": f"treatment-{index + 1}",
            "agents": [{"drug": label[:80], "doses": doses}],
            "start": start or self._whole_course(path),
            "stop_reason": _stop_reason(action.treatment_termination_reason.label.lower()),
        }
        return entry | ({"stop": stop} if stop else {})

    def _toxicities(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        adverse = {term.id for action in self._packet.medical_actions for term in action.adverse_events}
        for index, feature in enumerate(self._packet.phenotypic_features):
            path = ("phenotypicFeatures", index)
            extra = self._extras.get(path)
            if extra:
                found.append(extra)
                continue
            grade = _GRADE.search(f"{feature.severity.label} {feature.severity.id}")
            term = feature.type
            if feature.excluded or not (grade or term.id in adverse):
                continue
            entry = {
                "id": f"toxicity-{index + 1}",
                "term": (term.label or term.id or "adverse event")[:120],
                "when": self._when(feature.onset, path) or self._whole_course(path),
                "ctcae_grade": int(grade.group(1)) if grade else None,
            }
            stop = self._when(feature.resolution, path)
            found.append(entry | ({"stop": stop} if stop else {}))
        return found

    def _add_onset(self, content: dict[str, Any]) -> None:
        for index, disease in enumerate(self._packet.diseases):
            when = self._when(disease.onset, ("diseases", index))
            if when:
                content["events"].append(
                    {"id": "diagnosis", "kind": "diagnosis", "label": "Diagnosis", "when": when}
                )
                return


def _group_name(finding: dict[str, Any], when: Any, number: int) -> str:
    """One name for all values of one blood count, a new one for anything else."""
    if finding["kind"] == "counts":
        return slug("counts-" + json.dumps(when))[:60]
    return f"{finding['kind']}-{number + 1}"


def _expression(descriptor: VariationDescriptor) -> str:
    """The HGVS text of a variation: the coding one, else the protein's, else the label."""
    by_syntax = {expression.syntax.lower(): expression.value for expression in descriptor.expressions}
    for syntax in ("hgvs.c", "hgvs.p", "hgvs"):
        if by_syntax.get(syntax):
            return str(by_syntax[syntax])[:400]
    return str(descriptor.label)[:400]


def _stop_reason(text: str) -> str:
    for word, reason in (
        ("complet", "completed"),
        ("relapse", "relapse"),
        ("progress", "progression"),
        ("response", "no response"),
        ("tox", "toxicity"),
        ("adverse", "toxicity"),
        ("patient", "patient's choice"),
        ("withdr", "patient's choice"),
        ("transplant", "transplantation"),
        ("death", "death"),
    ):
        if word in text:
            return reason
    return "other" if text else "not stated"


def _first_day(start: Any) -> int:
    statement = start[0]
    if statement.get("day") is not None:
        return int(statement["day"])
    return parse_date(statement["date"])[0] if statement.get("date") else 0
