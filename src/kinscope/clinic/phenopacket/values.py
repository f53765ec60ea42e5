"""Values of a Phenopacket: times, quantities, doses, which measurement a code stands for, own statements."""

from __future__ import annotations

import calendar
import datetime as dt
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from kinscope.clinic.case import terms
from kinscope.clinic.case.model import Case, CaseMeasurement, DoseUnit, StatedResponse, Toxicity, Treatment
from kinscope.clinic.case.schedule import DAYS_PER_UNIT
from kinscope.clinic.case.terms import find_drug
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import Places, line_of, path_text, read_yaml
from kinscope.core.records import Record

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from phenopackets import Biosample, DoseInterval, Measurement, OntologyClass, Quantity, TimeElement

    Fail = Callable[[str], BadInputError]

_PART = r"(?:([0-9]{{1,5}}(?:[.,][0-9]{{1,6}})?){})?"
_DURATION = re.compile(
    "P" + "".join(map(_PART.format, "YMWD")) + r"(?:T(?:[0-9.,]+H)?(?:[0-9.,]+M)?(?:[0-9.,]+S)?)?"
)
OLDEST_YEARS = 130
_NOT_SEEN = re.compile(r"\b(?:no|not|non|none|never|without|neg|negative|absent|absence)\b|\bun-?detect")
_SEEN = re.compile(r"\b(?:detected|positive|present|pos)\b")
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]+")
COUNT_CODES = {term.id: field for field, term in terms.COUNTS.items()} | {
    "LOINC:26464-8": "leucocytes_giga_per_litre",
    "LOINC:26515-7": "platelets_giga_per_litre",
    "LOINC:26499-4": "neutrophils_giga_per_litre",
}
KIND_CODES: dict[str, str] = {term.id: name.partition(" ")[0] for name, term in terms.ASSAYS.items()}
_UNITS: dict[str, Any] = read_yaml(Path(__file__).parent / "units.yaml")
SCALES: dict[str, dict[str, float]] = _UNITS["scales"]
DOSE_UNITS = {unit.lower(): unit for unit in get_args(DoseUnit)} | _UNITS["doses"]
PER_DAY = {"four times": 4, "three times": 3, "thrice": 3, "twice": 2, "bid": 2, "daily": 1}
_RARER = re.compile("week|month|cycle|every|other|alternate")
"""What says that a dose is not given each day."""


OWN_KINDS: dict[str, type[Record]] = {
    "kinscope:treatment": Treatment,
    "kinscope:response": StatedResponse,
    "kinscope:toxicity": Toxicity,
}
OWN_FIELDS = frozenset({
    "id", "title", "citation", "sources", "events", "times", "last_possible", "notes", "transcript",
    "day_zero",
})  # fmt: skip
"""What of a case a Phenopacket has no place for: it goes into a statement of the whole case."""


@dataclass(frozen=True)
class PacketFile:
    """The file a packet came from, for errors that name the path and the line in it."""

    where: str
    find_places: Callable[[], Places]
    """Called once, when the first error needs a line."""
    root: tuple[str, ...] = ()
    """Where in the file the packet stands: the proband of a family."""

    @cached_property
    def places(self) -> Places:
        """Lines of the parts; empty where they could not be found."""
        return self.find_places()

    def refused(
        self, what: str, path: Sequence[str | int], remedy: str = "", name: str | None = None
    ) -> BadInputError:
        """An error at a path of the packet, or on the line of a ``name`` there, which is not repeated."""
        path = (*self.root, *path)
        line = line_of(self.places, path if name is None else (*path, name))[0]
        at = f", line {line}" if self.places else ""
        return BadInputError(what, where=f"{self.where}{at} ({path_text(path)})", remedy=remedy)


def slug(text: str) -> str:
    """A text as an identifier of a case."""
    return _NOT_ID.sub("-", text).strip("-_")[:60]


def _duration(text: str, fail: Fail) -> list[float | None]:
    """Years, months, weeks and days of an ISO 8601 duration; None for what it does not give."""
    match = _DURATION.fullmatch(text)
    if match is None or text in ("P", "PT", "") or text.endswith("T"):
        raise fail("An age is not written as an ISO 8601 duration such as P65Y3M.")
    return [None if part is None else float(part.replace(",", ".")) for part in match.groups()]


def age_days(duration: str, fail: Fail) -> float:
    """Days of an ISO 8601 duration, with mean years and months."""
    parts = zip(_duration(duration, fail), "ymwd", strict=True)
    days = sum((part or 0.0) * DAYS_PER_UNIT[unit] for part, unit in parts)
    if days > OLDEST_YEARS * DAYS_PER_UNIT["y"]:
        raise fail(f"An age is above {OLDEST_YEARS} years.")
    return days


def day_of(instant: Timestamp) -> str:
    """The date of an instant, in UTC."""
    return str(instant.ToJsonString())[:10]


def form_of(element: TimeElement | Timestamp) -> str:
    """``date`` or ``age``; empty for what is on no clock, such as a gestational age or "childhood onset"."""
    if _days_of(element):
        return "date"
    return "age" if ages_of(element) else ""


def _days_of(element: Any) -> list[str]:
    """The date of an instant, or the dates that bound an interval."""
    if element.DESCRIPTOR.name == "Timestamp":
        return [day_of(element)]
    if element.HasField("timestamp"):
        return [day_of(element.timestamp)]
    ends = [getattr(element.interval, end) for end in ("start", "end") if element.interval.HasField(end)]
    return [day_of(end) for end in ends]


def ages_of(element: TimeElement) -> list[str]:
    """The age, or both ends of a range of ages, as durations; none where one of them is not given."""
    ages = (
        [element.age_range.start, element.age_range.end] if element.HasField("age_range") else [element.age]
    )
    durations = [age.iso8601duration for age in ages]
    return durations if all(durations) else []


@dataclass(frozen=True)
class Clock:
    """What the times of a packet are counted on: the calendar, or days from an age.

    Times are dates, or days from the age ``zero`` (in days). By the birth, where it is known, an age has a
    date.
    """

    by_date: bool
    zero: float | None
    birth: dt.date | None

    def when(self, element: TimeElement | Timestamp, fail: Fail) -> list[dict[str, Any]] | None:
        """The statement on time of a TimeElement; None where it holds none that this clock can place."""
        form = form_of(element)
        if form == "date":
            days = _days_of(element)
            if days != sorted(days):
                raise fail("The interval ends before it begins.")
            return [{"date": "/".join(days)}] if self.by_date else None
        if form != "age":
            return None
        ages = ages_of(element)
        days_old = [age_days(age, fail) for age in ages]
        if days_old != sorted(days_old):
            raise fail("The age range ends before it begins.")
        if self.by_date and self.birth is not None:
            return [{"date": f"{self._at(ages[0], fail)[0]}/{self._at(ages[-1], fail)[1]}"}]
        if self.by_date or self.zero is None:
            return None
        first, last = (round(days_old[end] - self.zero) for end in (0, -1))
        return [{"day": first, "last_day": last}]

    def _at(self, age: str, fail: Fail) -> tuple[dt.date, dt.date]:
        """First and last day of an age: "P61Y" lasts a year, "P61Y3M" a month, "P61Y3M2D" a day."""
        years, months, weeks, days = _duration(age, fail)
        at = 12 * (years or 0) + (months or 0), 7 * (weeks or 0) + (days or 0)
        if days is not None or weeks is not None:
            lasts = 0, 1 if days is not None else 7
        else:
            lasts = 12 if months is None else 1, 0
        return self._day(*at), self._day(at[0] + lasts[0], at[1] + lasts[1]) - dt.timedelta(1)

    def _day(self, months: float, days: float) -> dt.date:
        """So many months and days after the birth."""
        assert self.birth is not None
        year, month = divmod(self.birth.year * 12 + self.birth.month - 1 + int(months), 12)
        day = min(self.birth.day, calendar.monthrange(year, month + 1)[1])
        return dt.date(year, month + 1, day) + dt.timedelta(days + (months % 1) * DAYS_PER_UNIT["m"])


def findings_of(
    item: Measurement, sample: Biosample | None, extra: dict[str, Any], fail: Fail
) -> dict[str, Any] | None:
    """The fields of one measurement; None where its code or value is none that kinscope reads.

    ``extra`` are the fields that only kinscope's own packets carry; what the packet itself says wins.
    """
    kind = kind_of_assay(item.assay)
    if kind is None:
        return None
    site = item.procedure.body_site.id or (sample.sampled_tissue.id if sample is not None else "")
    base: dict[str, Any] = {"kind": kind, "at": {"day": 0}}
    tissue = {term.id: name for name, term in terms.TISSUES.items()}.get(site)
    if tissue:
        base["material"] = tissue
    method = item.procedure.code.label
    if method and kind != "blasts":
        base["method"] = method[:400]
    elif "flow" in method.lower():
        base["method"] = "flow cytometry"
    elif "morpholog" in method.lower() or "smear" in method.lower():
        base["method"] = "morphology"
    value = _value(kind, item, fail)
    return None if value is None else {**extra, **base, **value}


def kind_of_assay(assay: OntologyClass) -> str | None:
    """The kind of measurement that an assay's code or label stands for; None where it is not known."""
    code, label = assay.id, assay.label.lower()
    if code in COUNT_CODES or code == "kinscope:counts":
        return "counts"
    if code in KIND_CODES:
        return KIND_CODES[code]
    if "blasts" in label and "marrow" in label:
        return "blasts"
    if "bcr" in label and "abl1" in label and ("transcript" in label or "ratio" in label):
        return "transcript"
    if "residual disease" in label:
        return "flow-mrd"
    return None


def _value(kind: str, item: Measurement, fail: Fail) -> dict[str, Any] | None:
    """The fields that the value gives; None for a blood count without a number."""
    code, word = item.assay.id, item.value.ontology_class
    quantity = item.value.quantity if item.value.HasField("quantity") else None
    if kind == "counts":
        field = COUNT_CODES.get(code)
        if field is None:
            return {}
        return None if quantity is None else {field: _number(quantity, field, fail)}
    if kind == "blasts":
        if quantity is None:
            raise fail("A blast percentage needs a quantity.")
        return {"percent": _number(quantity, "percent", fail)}
    if kind == "karyotype":
        if not word.label:
            raise fail("A karyotype needs its ISCN text as the label of the value.")
        return {"iscn": word.label}
    fields: dict[str, Any] = {}
    if quantity is not None:
        percent = _number(quantity, "percent", fail)
        fields["detected"] = percent > 0
        if kind != "mutation":
            fields["level_percent" if kind == "flow-mrd" else "percent"] = percent
    else:
        fields["detected"] = _detected(word, fail)
    if kind == "transcript" and code == terms.ASSAYS["transcript e1a2"].id:
        fields["transcript"] = "e1a2"
    return fields


def _detected(word: OntologyClass, fail: Fail) -> bool:
    label = word.label.lower()
    said = {{terms.RESULTS["detected"].id: True, terms.RESULTS["not detected"].id: False}.get(word.id)}
    said.add(False if _NOT_SEEN.search(label) else True if _SEEN.search(label) else None)
    if len(said - {None}) != 1:
        raise fail("This result says neither 'detected' nor 'not detected', or both, and has no quantity.")
    return True in said


def _unit_names(unit: OntologyClass) -> list[str]:
    """Code and label of a unit, without UCUM's annotations, products of inverse units as quotients."""
    names = (re.sub(r"\{[^}]*\}", "", name.lower()) for name in (unit.id.rpartition(":")[2], unit.label))
    return [re.sub(r"\.([a-z0-9]+)-1\b", r"/\1", name).strip() for name in names]


def _number(quantity: Quantity, field: str, fail: Fail) -> float:
    """A quantity in the unit of a field, by the code and the label of its own unit, which must agree."""
    if not math.isfinite(quantity.value):
        raise fail("A quantity is no number.")
    dimension = next(tail for tail in SCALES if field.endswith(tail))
    known = SCALES[dimension]
    factors = {known[name] for name in _unit_names(quantity.unit) if name in known}
    if len(factors) > 1:
        raise fail("The code and the label of the unit are of different size.")
    if not factors:
        raise fail(f"The unit is none that kinscope knows for {field.replace('_', ' ')}: {', '.join(known)}.")
    return float(quantity.value) * factors.pop()


def dose_of(interval: DoseInterval, clock: Clock) -> dict[str, Any] | None:
    """A dose of a foreign packet; None where it has no quantity or a unit kinscope does not know."""
    units = {DOSE_UNITS[name] for name in _unit_names(interval.quantity.unit) if name in DOSE_UNITS}
    amount = float(interval.quantity.value)
    if len(units) != 1 or not 0 < amount < math.inf:
        return None
    known, often = units.pop(), interval.schedule_frequency.label.lower()
    times = next((count for word, count in PER_DAY.items() if word in often), None)
    if known == "mg" and times and not _RARER.search(often):
        known, amount = "mg/d", amount * times
    dose: dict[str, Any] = {"amount": amount, "unit": known}
    if clock.by_date and interval.interval.HasField("start"):
        dose["when"] = [{"date": day_of(interval.interval.start)}]
    highest = float(interval.quantity.reference_range.high)
    if highest > amount:
        dose["up_to"] = highest
    return dose


def own_statement(name: str, text: str) -> dict[str, Any] | None:
    """The statement of kinscope's own that a description holds; None where it is damaged or of no known kind.

    Somebody else may have edited the packet, so it is checked like any other input.
    """
    try:
        extra = json.loads(text)
        if not isinstance(extra, dict):
            return None
        if name == "kinscope:measurement":
            CaseMeasurement.model_validate(extra | {"finding": {**extra["finding"], "at": {"day": 0}}})
        elif name == "kinscope:case":
            fields = {key: value for key, value in extra.items() if key != "clock"}
            Case.model_validate({"id": "case", "disease": "ph-all"} | fields)
        else:
            OWN_KINDS[name].model_validate(extra)
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError):
        return None
    return extra


def same_drug(name: str, other: str) -> bool:
    """Whether two names are of one drug."""
    known = find_drug(name)
    return known is find_drug(other) if known else name.lower() == other.lower()
