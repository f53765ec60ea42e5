"""One Phenopacket as the fields of a case; what other tools write by its codes, kinscope's own whole."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kinscope.clinic.case import terms
from kinscope.clinic.case.model import Case
from kinscope.clinic.case.timing import schedule_case
from kinscope.clinic.phenopacket.values import (
    OWN_FIELDS,
    Clock,
    PacketFile,
    age_days,
    ages_of,
    day_of,
    dose_of,
    findings_of,
    form_of,
    kind_of_assay,
    own_statement,
    same_drug,
    slug,
)
from kinscope.clinic.phenopacket.variants import variant_finding
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import Places, line_of
from kinscope.targets.pack import TargetPack

if TYPE_CHECKING:
    from phenopackets import Biosample, Measurement, MedicalAction, Phenopacket, TimeElement

SAME_LINE_DAYS = 30
"""Treatments of a foreign packet that begin within a month of each other are one line of therapy."""
HOLDS = {
    "measurements": ("measurement", "response"),
    "medicalActions": ("treatment",),
    "phenotypicFeatures": ("toxicity",),
}
"""Which of kinscope's own statements a list of the packet can carry."""
GROUPS = {"treatments": "medicalActions", "measurements": "measurements", "toxicities": "phenotypicFeatures"}
"""Which list of the packet the entries of a case come from."""
TIMED = ("diseases", "measurements", "biosamples", "medical_actions", "phenotypic_features")
"""The parts of a packet whose times are times of the course."""
LAST_SEEN = ("subject", "timeAtLastEncounter")
WRITTEN = "packet-written"
"""Name of the event before which everything in a packet was, where the packet gives no other time."""
_GRADE = re.compile(r"grade[\s:-]*([1-5])\b", re.IGNORECASE)
_REFERENCE = re.compile(r"(measurements|medicalActions|phenotypicFeatures)/(\d{1,5})")
Path = tuple[str | int, ...]
When = list[dict[str, Any]]


class PacketReader:
    """Turns one packet into the fields of a case."""

    def __init__(self, packet: Phenopacket, file: PacketFile, pack: TargetPack) -> None:
        self._packet, self._file, self._pack = packet, file, pack
        self._notes: list[str] = []
        self._untimed = 0
        self._foreign_ids: list[str] = []
        self._extras = self._read_extras()
        self._own = self._extras.get(("case", 0), {})
        self._clock = self._one_clock()

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
            self._add_ends(content)
        self._tell_untimed(content)
        self._tell_unopened()
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

    def _one_clock(self) -> Clock:
        """Dates or ages: of both the one that the packet has more of, unless the birth dates every age.

        Relative days count from the age at onset, else at the last encounter, else the first there is.
        """
        subject = self._packet.subject
        birth = subject.date_of_birth.ToDatetime().date() if subject.HasField("date_of_birth") else None
        times = list(self._times())
        forms = [form_of(element) for _, element in times] or [form_of(subject.time_at_last_encounter)]
        dates, ages = forms.count("date"), forms.count("age")
        by_date = dates > 0 and (birth is not None or dates >= ages)
        if dates and ages and birth is None:
            self._notes.append(
                f"{dates} times are dates and {ages} are ages, and no birth date joins them: the "
                f"{'ages' if by_date else 'dates'} were left out"
            )
        first: list[tuple[Path, Any]] = [
            (("diseases", index), disease.onset) for index, disease in enumerate(self._packet.diseases)
        ]
        first.append((LAST_SEEN, subject.time_at_last_encounter))
        for path, element in (*first, *times):
            if form_of(element) == "age":
                return Clock(by_date, age_days(ages_of(element)[0], self._fail(path)), birth)
        return Clock(by_date, None, birth)

    def _fail(self, path: Path) -> Callable[[str], BadInputError]:
        return lambda what: self._file.refused(what, path)

    def _when(self, element: TimeElement, path: Path) -> When | None:
        return self._clock.when(element, self._fail(path))

    def _first_time(self, elements: Iterable[TimeElement], path: Path) -> When | None:
        return next(filter(None, (self._when(element, path) for element in elements)), None)

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
            days = age_days(age, self._fail(LAST_SEEN))
            content["age_years"] = int(round(days / 365.2425, 3))
        elif self._clock.zero is not None:
            content["age_years"] = int(self._clock.zero / 365.2425)
        return content

    def _disease(self) -> str:
        """The first disease of a packet that is Ph+ ALL or CML, by its code or else its label."""
        known = {value.id: key for key, value in terms.DISEASES.items()}
        named = [disease.term for disease in self._packet.diseases if not disease.excluded]
        named += [interpretation.diagnosis.disease for interpretation in self._packet.interpretations]
        found = [known.get(term.id) or terms.disease_named(term.label) for term in named]
        key = next((key for key in found if key != "other"), "other")
        if key == "other" and not self._own:
            label = next((term.label[:200] for term in named if term.label), "none")
            self._notes.append(
                f"The disease of the packet ({label}) is neither Ph+ ALL nor CML: no response is computed"
            )
        return key

    def _measurements(self, content: dict[str, Any]) -> None:
        """Top-level and biosample measurements, those of one blood count together."""
        measurements: dict[str, dict[str, Any]] = {}
        responses: list[dict[str, Any]] = []
        unread: list[str] = []
        items: list[tuple[Path, Any, Any]]
        items = [(("measurements", i), item, None) for i, item in enumerate(self._packet.measurements)]
        for number, sample in enumerate(self._packet.biosamples):
            if not self._of_another(sample):
                for index, item in enumerate(sample.measurements):
                    items.append((("biosamples", number, "measurements", index), item, sample))
        for path, item, sample in (part for whole in items for part in _typed(*whole)):
            extra = self._extras.get((str(path[0]), int(path[-1])), {}) if sample is None else {}
            if item.assay.id == terms.RESULTS["stated"].id:
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

    def _of_another(self, sample: Biosample) -> bool:
        """Whether a sample is said to be another person's."""
        return bool(self._packet.subject.id) and sample.individual_id not in ("", self._packet.subject.id)

    def _measured(self, item: Any, sample: Any, path: Path) -> When:
        """When a measurement was: its own time, else that of its sample."""
        times = [item.time_observed, item.procedure.performed]
        times += [] if sample is None else [sample.time_of_collection, sample.procedure.performed]
        return self._first_time(times, path) or self._whole_course()

    def _whole_course(self) -> When:
        """The time of an entry that has none of its own."""
        self._untimed += 1
        return self._course

    @cached_property
    def _course(self) -> When:
        """From the first time in the packet to its last; with one time only, to when it was written.

        Where it holds no time but that of its writing, everything in it was before that; without any, there
        is one day.
        """
        times = [*self._times(), (LAST_SEEN, self._packet.subject.time_at_last_encounter)]
        given = [time for path, element in times for time in self._when(element, path) or []]
        meta = self._packet.meta_data
        written = [day_of(meta.created)] if meta.HasField("created") else []
        dates = [date for time in given if "date" in time for date in time["date"].split("/")]
        if dates:
            last = max(dates) if max(dates) > min(dates) else max([*dates, *written])
            return [{"date": f"{min(dates)}/{last}"}]
        days = [day for time in given for day in (time["day"], time["last_day"])]
        if days:
            return [{"day": min(days), "last_day": max(days)}]
        return [{"before": WRITTEN}] if written else [{"day": 0}]

    def _times(self) -> Iterator[tuple[Path, Any]]:
        """Place and value of every time of the course, as TimeElement or Timestamp."""
        for group in TIMED:
            name = self._packet.DESCRIPTOR.fields_by_name[group].camelcase_name
            for index, part in enumerate(getattr(self._packet, group)):
                yield from (((name, index), element) for element in _elements(part))

    def _tell_untimed(self, content: dict[str, Any]) -> None:
        if not any(content[group] for group in ("events", *GROUPS)):
            seen = self._when(self._packet.subject.time_at_last_encounter, LAST_SEEN)
            label = "Last encounter" if seen else "What the Phenopacket describes"
            content["events"].append({"id": "seen", "label": label, "when": seen or self._course})
        if self._untimed:
            self._notes.append(
                f"{self._untimed} entries have no time of their own: each lies somewhere in the time that "
                "the whole packet covers"
            )
        if "_course" in vars(self) and self._course == [{"before": WRITTEN}]:
            when = [{"date": day_of(self._packet.meta_data.created)}]
            content["events"].append({"id": WRITTEN, "label": "The Phenopacket was written", "when": when})

    def _variants(self, content: dict[str, Any]) -> None:
        """Genomic interpretations; kinscope's own packets hold the same as measurements with extras."""
        from phenopackets import GenomicInterpretation

        known = {entry["finding"].get("expression") for entry in content["measurements"]} - {None}
        samples = {sample.id: sample for sample in self._packet.biosamples}
        told: Counter[str] = Counter()
        for number, interpretation in enumerate(self._packet.interpretations):
            for index, item in enumerate(interpretation.diagnosis.genomic_interpretations):
                path = ("interpretations", number, "diagnosis", "genomicInterpretations", index)
                descriptor = item.variant_interpretation.variation_descriptor
                sample = samples.get(item.subject_or_biosample_id)
                if self._own and descriptor.label in known:
                    continue
                if item.interpretation_status == GenomicInterpretation.REJECTED:
                    told["rejected, left out"] += 1
                elif sample is not None and self._of_another(sample):
                    told["of a sample of another person, left out"] += 1
                elif not item.HasField("variant_interpretation"):
                    told["named by their gene only, left out"] += 1
                elif finding := variant_finding(descriptor, self._pack, self._fail(path), told):
                    times = [] if sample is None else [sample.time_of_collection, sample.procedure.performed]
                    when = self._first_time(times, path)
                    if when is None:
                        when = self._when(self._packet.subject.time_at_last_encounter, LAST_SEEN)
                        told["without a sample's time, taken to be of the last encounter"] += when is not None
                    name = f"variant-{number + 1}-{index + 1}"
                    content["measurements"].append(
                        {"id": name, "when": when or self._whole_course(), "finding": finding}
                    )
        said = [f"{count} {what}" for what, count in told.items() if count]
        if said:
            self._notes.append(f"Variants of the packet: {'; '.join(said)}")

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
                when = self._when(action.procedure.performed, path) or self._whole_course()
                kind = "transplantation" if "transplant" in label.lower() else "other"
                event = {"id": f"event-{index + 1}", "label": label[:400], "when": when, "kind": kind}
                content["events"].append(event)
            elif action.WhichOneof("action"):
                treatments[f"treatment-{index + 1}"] = self._foreign(action, index)
            else:
                self._notes.append("A medical action that names no action was left out")
        content["treatments"] = list(treatments.values())

    def with_lines(self, case: Case) -> Case:
        """The case with the treatments of other tools in lines of therapy, by the days they are drawn at."""
        if not self._foreign_ids:
            return case
        schedule = schedule_case(case)
        lines: dict[str, int] = {}
        line, last = 0, 0
        for day, name in sorted((schedule.at(name).drawn, name) for name in self._foreign_ids):
            if not lines or day - last > SAME_LINE_DAYS:
                line, last = line + 1, day
            lines[name] = line
        numbered = [
            entry.model_copy(update={"line": lines.get(entry.id, entry.line)}) for entry in case.treatments
        ]
        return case.model_copy(update={"treatments": tuple(numbered)})

    def _foreign(self, action: MedicalAction, index: int) -> dict[str, Any]:
        path: Path = ("medicalActions", index)
        start, stop, doses = None, None, []
        if action.HasField("therapeutic_regimen"):
            regimen = action.therapeutic_regimen
            label = regimen.ontology_class.label or regimen.external_reference.id or "regimen"
            start, stop = self._when(regimen.start_time, path), self._when(regimen.end_time, path)
        elif action.HasField("radiation_therapy"):
            label = action.radiation_therapy.modality.label or "radiotherapy"
            gray = action.radiation_therapy.dosage
            doses = [{"amount": gray, "unit": "Gy"}] if gray > 0 else []
        else:
            agent, intervals = action.treatment.agent, action.treatment.dose_intervals
            label = agent.label or agent.id or "a treatment without a name"
            doses = [dose for dose in (dose_of(item, self._clock) for item in intervals) if dose]
            if len(doses) < len(intervals):
                self._notes.append(
                    f"{len(intervals) - len(doses)} doses of unknown amount or unit were not read"
                )
            starts = [day_of(item.interval.start) for item in intervals if item.interval.HasField("start")]
            ends = [day_of(item.interval.end) for item in intervals if item.interval.HasField("end")]
            start = [{"date": min(starts)}] if starts and self._clock.by_date else None
            stop = [{"date": max(ends)}] if start and ends and len(ends) == len(intervals) else None
        name = f"treatment-{index + 1}"
        self._foreign_ids.append(name)
        entry = {
            "id": name,
            "line": 1,
            "agents": [{"drug": label[:80], "doses": doses}],
            "start": start or self._whole_course(),
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
                "when": self._when(feature.onset, path) or self._whole_course(),
                "ctcae_grade": int(grade.group(1)) if grade else None,
            }
            stop = self._when(feature.resolution, path)
            found.append(entry | ({"stop": stop} if stop else {}))
        return found

    def _add_ends(self, content: dict[str, Any]) -> None:
        onsets = [(disease.onset, ("diseases", index)) for index, disease in enumerate(self._packet.diseases)]
        times = (self._when(onset, path) for onset, path in onsets)
        death = self._when(self._packet.subject.vital_status.time_of_death, ("subject", "vitalStatus"))
        for kind, when in (("diagnosis", next(filter(None, times), None)), ("death", death)):
            if when:
                event = {"id": kind, "kind": kind, "label": kind.capitalize(), "when": when}
                content["events"].append(event)

    def _tell_unopened(self) -> None:
        packet = self._packet
        samples = sum(self._of_another(sample) for sample in packet.biosamples)
        files = len(packet.files) + sum(len(sample.files) for sample in packet.biosamples)
        if samples:
            self._notes.append(f"{samples} samples of another person were left out")
        if files:
            self._notes.append(f"{files} files that the packet names were not opened: read a VCF by itself")


def _elements(message: Any) -> Iterator[Any]:
    """Every time that a part of the packet holds, however deep, as TimeElement or Timestamp."""
    if message.DESCRIPTOR.name in ("TimeElement", "Timestamp"):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for part in value if field.is_repeated else [value]:
                yield from _elements(part)


def _typed(path: Path, item: Measurement, sample: Biosample | None) -> Iterator[tuple[Path, Any, Any]]:
    """A measurement, or each part of a complex one as a measurement of its own."""
    if not item.HasField("complex_value"):
        yield path, item, sample
    for typed in item.complex_value.typed_quantities:
        part = type(item)(assay=typed.type, procedure=item.procedure)
        part.value.quantity.CopyFrom(typed.quantity)
        if item.HasField("time_observed"):
            part.time_observed.CopyFrom(item.time_observed)
        yield path, part, sample


def _group_name(finding: dict[str, Any], when: Any, number: int) -> str:
    """One name for all values of one blood count, a new one for anything else."""
    if finding["kind"] == "counts":
        return slug("counts-" + json.dumps(when))[:60]
    return f"{finding['kind']}-{number + 1}"


_STOPPED = {
    "complet": "completed", "relapse": "relapse", "progress": "progression", "response": "no response",
    "tox": "toxicity", "adverse": "toxicity", "patient": "patient's choice", "withdr": "patient's choice",
    "transplant": "transplantation", "death": "death",
}  # fmt: skip


def _stop_reason(text: str) -> str:
    found = next((reason for word, reason in _STOPPED.items() if word in text), "other")
    return found if text else "not stated"
