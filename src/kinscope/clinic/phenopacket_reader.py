"""One Phenopacket as the fields of a case; what other tools write by its codes, kinscope's own whole."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from kinscope.clinic import case_terms as terms
from kinscope.clinic.case_yaml import CaseFileError, Places, line_of
from kinscope.clinic.phenopacket_check import refused
from kinscope.clinic.phenopacket_extras import OWN_FIELDS, belongs, own_statement
from kinscope.clinic.phenopacket_values import age_days, day_of, dose_of, findings_of, slug, when_of

if TYPE_CHECKING:
    from collections.abc import Callable

SAME_LINE_DAYS = 30
"""Treatments of a foreign packet that begin within a month of each other are one line of therapy."""
HOLDS = {
    "measurements": ("measurement", "response"),
    "medicalActions": ("treatment",),
    "phenotypicFeatures": ("toxicity",),
}
"""Which of kinscope's own statements a list of the packet can carry."""
_GRADE = re.compile(r"grade[\s:-]*([1-5])\b", re.IGNORECASE)
_REFERENCE = re.compile(r"(measurements|medicalActions|phenotypicFeatures)/(\d{1,5})")


class PacketReader:
    """Turns one packet into the fields of a case."""

    def __init__(self, packet: dict[str, Any], places: Places, where: str) -> None:
        self._packet, self._places, self._where = packet, places, where
        self._notes: list[str] = []
        self._extras = self._read_extras()
        self._own = self._extras.get(("case", 0), {})
        self._zero = self._age_zero()

    def places_of(self, content: dict[str, Any]) -> Places:
        """Lines for the errors of the records: those of the packet's lists that they came from."""
        names = {
            "treatments": "medicalActions",
            "measurements": "measurements",
            "toxicities": "phenotypicFeatures",
        }
        found: Places = {(): 1}
        for group, name in names.items():
            line, _ = line_of(self._places, (name,))
            found |= {(group,): line}
            found |= {
                (group, i): line_of(self._places, (name, i))[0] for i, _ in enumerate(content.get(group, []))
            }
        return found

    def content(self) -> dict[str, Any]:
        """Every field of the case."""
        content: dict[str, Any] = {
            "id": slug(str(self._packet.get("id", "")).removeprefix("kinscope-")) or "case",
            "subject": self._subject(),
            "disease": self._disease(),
            "events": [],
        }
        self._measurements(content)
        self._variants(content)
        self._actions(content)
        content["toxicities"] = self._toxicities()
        own = {k: v for k, v in self._own.items() if k in OWN_FIELDS}
        events = content["events"] + own.pop("events", [])
        content |= own | {"events": events}
        if not self._own:
            self._add_onset(content)
        content["notes"] = [*own.get("notes", []), *self._notes][:100]
        return content

    def _read_extras(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Kinscope's own statements, by the list and place they belong to."""
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for number, reference in enumerate(self._packet.get("metaData", {}).get("externalReferences", [])):
            if not str(reference.get("id", "")).startswith("kinscope:"):
                continue
            path = ("metaData", "externalReferences", number, "description")
            extra = own_statement(str(reference["id"]), reference.get("description", ""))
            if extra is None:
                raise refused("kinscope's own statements are damaged here.", path, self._places, self._where)
            kind = str(reference["id"]).removeprefix("kinscope:")
            match = _REFERENCE.fullmatch(reference.get("reference", ""))
            if match and kind in HOLDS[match.group(1)]:
                group = "responses" if kind == "response" else match.group(1)
                found[group, int(match.group(2))] = extra
            elif reference.get("reference") == "case" and kind == "case":
                found["case", 0] = extra
            else:
                raise refused(
                    "This points to no element that it could speak of.", path, self._places, self._where
                )
        return found

    def _fitting(self, extra: dict[str, Any], kind: str, item: dict[str, Any]) -> dict[str, Any]:
        """Kinscope's own statement on an element, unless the element is another one by now."""
        if extra and not belongs(kind, extra, item):
            self._notes.append(f"A statement of kinscope's on a {kind} was left out: the {kind} has changed.")
            return {}
        return extra

    def _age_zero(self) -> float | None:
        """The age in days that relative days count from: at onset, else at the last encounter."""
        onsets = [disease.get("onset", {}) for disease in self._packet.get("diseases", [])]
        for element in (*onsets, self._packet.get("subject", {}).get("timeAtLastEncounter", {})):
            age = element.get("age") or element.get("ageRange", {}).get("start")
            if age:
                return age_days(age.get("iso8601duration", ""), self._fail(("diseases",)))
        return None

    def _fail(self, path: tuple[str | int, ...]) -> Callable[[str], CaseFileError]:
        return lambda what: refused(what, path, self._places, self._where)

    def _when(self, element: dict[str, Any], path: tuple[str | int, ...]) -> list[dict[str, Any]] | None:
        return when_of(element, self._zero, self._fail(path))

    def _subject(self) -> dict[str, Any]:
        subject = self._packet.get("subject", {})
        sex = {"FEMALE": "female", "MALE": "male", "OTHER_SEX": "other"}.get(
            subject.get("sex", ""), "not stated"
        )
        content: dict[str, Any] = {"sex": sex}
        if not self._own:
            content["hospital_id"] = str(subject.get("id", ""))[:400]
            content["other_ids"] = [text[:400] for text in subject.get("alternateIds", [])][:20]
        if subject.get("dateOfBirth"):
            content["birth_date"] = subject["dateOfBirth"][:10]
        age = subject.get("timeAtLastEncounter", {}).get("age", {}).get("iso8601duration", "")
        if self._zero is not None and not age:
            content["age_years"] = int(self._zero / 365.2425)
        elif age:
            days = age_days(age, self._fail(("subject", "timeAtLastEncounter")))
            content["age_years"] = int(round(days / 365.2425, 3))
        return content

    def _disease(self) -> str:
        diseases = self._packet.get("diseases", [])
        for disease in diseases:
            term = disease.get("term", {})
            known = {value.id: key for key, value in terms.DISEASES.items()}
            if disease.get("excluded"):
                continue
            if term.get("id") in known:
                return known[term["id"]]
            label = term.get("label", "").lower()
            if any(word in label for word in terms.CML_WORDS):
                return "cml"
            if any(word in label for word in terms.ALL_WORDS):
                return "ph-all"
        raise refused(
            "The Phenopacket names neither Ph+ acute lymphoblastic leukaemia nor CML.",
            ("diseases",),
            self._places,
            self._where,
            f"Give 'diseases' a term such as {terms.DISEASES['ph-all'].id} or {terms.DISEASES['cml'].id}.",
        )

    def _measurements(self, content: dict[str, Any]) -> None:
        """Top-level and biosample measurements, those of one blood count together."""
        measurements: dict[str, dict[str, Any]] = {}
        responses: list[dict[str, Any]] = []
        unread: list[str] = []
        items: list[tuple[tuple[str | int, ...], dict[str, Any], dict[str, Any]]]
        items = [(("measurements", i), m, {}) for i, m in enumerate(self._packet.get("measurements", []))]
        for number, sample in enumerate(self._packet.get("biosamples", [])):
            inner = sample.get("measurements", [])
            items += [(("biosamples", number, "measurements", i), m, sample) for i, m in enumerate(inner)]
        for path, item, sample in items:
            extra = self._extras.get((str(path[0]), int(path[-1])), {}) if len(path) == 2 else {}
            if item.get("assay", {}).get("id") == terms.STATED_RESPONSE.id:
                responses += [stated] if (stated := self._extras.get(("responses", int(path[-1])))) else []
                continue
            extra = self._fitting(extra, "measurement", item)
            finding = findings_of(item, sample, extra.get("finding", {}), self._fail(path))
            if finding is None:
                unread.append(item.get("assay", {}).get("id", "no code"))
                continue
            element = item.get("timeObserved") or sample.get("timeOfCollection", {})
            when = extra.get("when") or self._when(element, path) or self._whole_course(path)
            name = extra.get("id") or _group_name(finding, when, len(measurements))
            entry = {"id": name, "when": when, "finding": finding, "source": extra.get("source", "")}
            entry["sample"] = extra.get("sample") or str(sample.get("id", ""))[:400]
            if name not in measurements:
                measurements[name] = entry
            elif finding["kind"] == "counts" == measurements[name]["finding"]["kind"]:
                measurements[name]["finding"] |= {k: v for k, v in finding.items() if v is not None}
            else:
                raise refused("Two measurements have one name.", path, self._places, self._where)
        if unread:
            codes = ", ".join(sorted(set(unread))[:20])
            self._notes.append(f"{len(unread)} measurements of kinds kinscope does not read: {codes}")
        content["measurements"], content["responses"] = list(measurements.values()), responses

    def _whole_course(self, path: tuple[str | int, ...]) -> list[dict[str, Any]]:
        """An entry without a time lies somewhere in the course: from its first to its last instant."""
        days = sorted(
            set(re.findall(r'"(\d{4}-\d{2}-\d{2})T', json.dumps(self._packet.get("measurements", []))))
        )
        if days:
            return [{"date": f"{days[0]}/{days[-1]}"}]
        raise refused(
            "There is no time here.", (*path, "timeObserved"), self._places, self._where, "Give it one."
        )

    def _variants(self, content: dict[str, Any]) -> None:
        """Genomic interpretations; kinscope's own packets hold the same as measurements with extras."""
        known = {entry["finding"].get("expression") for entry in content["measurements"]} - {None}
        samples = {sample.get("id"): sample for sample in self._packet.get("biosamples", [])}
        for number, interpretation in enumerate(self._packet.get("interpretations", [])):
            genomic = interpretation.get("diagnosis", {}).get("genomicInterpretations", [])
            for index, item in enumerate(genomic):
                path = ("interpretations", number, "diagnosis", "genomicInterpretations", index)
                descriptor = item.get("variantInterpretation", {}).get("variationDescriptor", {})
                gene = descriptor.get("geneContext", {}).get("symbol", "ABL1")
                text = _expression(descriptor)
                if (
                    not text
                    or descriptor.get("label") in known
                    or item.get("interpretationStatus") == "REJECTED"
                ):
                    continue
                sample = samples.get(item.get("subjectOrBiosampleId"), {})
                when = self._when(sample.get("timeOfCollection", {}), path) or self._whole_course(path)
                finding = {
                    "kind": "mutation",
                    "detected": True,
                    "expression": text,
                    "gene": gene,
                    "at": {"day": 0},
                }
                name = f"variant-{number + 1}-{index + 1}"
                content["measurements"].append({"id": name, "when": when, "finding": finding})

    def _actions(self, content: dict[str, Any]) -> None:
        treatments: dict[str, dict[str, Any]] = {}
        for index, action in enumerate(self._packet.get("medicalActions", [])):
            path = ("medicalActions", index)
            extra = self._fitting(self._extras.get(path, {}), "treatment", action)
            if extra:
                treatments.setdefault(str(extra.get("id", index)), extra)
                continue
            if "procedure" in action:
                label = action["procedure"].get("code", {}).get("label", "procedure")
                when = self._when(action["procedure"].get("performed", {}), path) or self._whole_course(path)
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

    def _foreign(self, action: dict[str, Any], index: int) -> dict[str, Any]:
        """A treatment or regimen of another tool's packet."""
        path: tuple[str | int, ...] = ("medicalActions", index)
        entry: dict[str, Any] = {"id": f"treatment-{index + 1}"}
        regimen = action.get("therapeuticRegimen")
        if regimen:
            name = regimen.get("ontologyClass", {}).get("label") or regimen.get("externalReference", {}).get(
                "id", ""
            )
            entry["agents"] = [{"drug": (name or "regimen")[:80]}]
            entry["start"] = self._when(regimen.get("startTime", {}), path) or self._whole_course(path)
            stop = self._when(regimen.get("endTime", {}), path)
        else:
            treatment = action.get("treatment", {})
            agent = treatment.get("agent", {})
            intervals = treatment.get("doseIntervals", [])
            label = agent.get("label") or agent.get("id") or "radiotherapy"
            doses = [dose for dose in (dose_of(item) for item in intervals) if dose]
            entry["agents"] = [{"drug": label[:80], "doses": doses}]
            starts = [
                day_of(item["interval"]["start"])
                for item in intervals
                if item.get("interval", {}).get("start")
            ]
            ends = [
                day_of(item["interval"]["end"]) for item in intervals if item.get("interval", {}).get("end")
            ]
            entry["start"] = [{"date": min(starts)}] if starts else self._whole_course(path)
            stop = [{"date": max(ends)}] if ends and len(ends) == len(intervals) else None
        if stop:
            entry["stop"] = stop
        reason = action.get("treatmentTerminationReason", {}).get("label", "").lower()
        entry["stop_reason"] = _stop_reason(reason)
        return entry

    def _toxicities(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        adverse = {
            term.get("id")
            for action in self._packet.get("medicalActions", [])
            for term in action.get("adverseEvents", [])
        }
        for index, feature in enumerate(self._packet.get("phenotypicFeatures", [])):
            extra = self._extras.get(("phenotypicFeatures", index))
            if extra:
                found.append(extra)
                continue
            severity = feature.get("severity", {})
            grade = _GRADE.search(f"{severity.get('label', '')} {severity.get('id', '')}")
            term = feature.get("type", {})
            if feature.get("excluded") or not (grade or term.get("id") in adverse):
                continue
            path = ("phenotypicFeatures", index)
            entry = {
                "id": f"toxicity-{index + 1}",
                "term": (term.get("label") or term.get("id") or "adverse event")[:120],
                "when": self._when(feature.get("onset", {}), path) or self._whole_course(path),
                "ctcae_grade": int(grade.group(1)) if grade else None,
            }
            stop = self._when(feature.get("resolution", {}), path)
            found.append(entry | ({"stop": stop} if stop else {}))
        return found

    def _add_onset(self, content: dict[str, Any]) -> None:
        for index, disease in enumerate(self._packet.get("diseases", [])):
            when = self._when(disease.get("onset", {}), ("diseases", index))
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


def _expression(descriptor: dict[str, Any]) -> str:
    """The HGVS text of a variation: the coding one, else the protein's, else the label."""
    by_syntax = {e.get("syntax", "").lower(): e.get("value", "") for e in descriptor.get("expressions", [])}
    for syntax in ("hgvs.c", "hgvs.p", "hgvs"):
        if by_syntax.get(syntax):
            return str(by_syntax[syntax])[:400]
    return str(descriptor.get("label", ""))[:400]


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
    from kinscope.clinic.case_dates import parse_date

    statement = start[0]
    if "day" in statement and statement["day"] is not None:
        return int(statement["day"])
    return parse_date(statement["date"])[0]
