"""Values of a Phenopacket: times, quantities, doses, which measurement a code stands for, own statements."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from kinscope.clinic.case import terms
from kinscope.clinic.case.model import Case, CaseMeasurement, DoseUnit, StatedResponse, Toxicity, Treatment
from kinscope.clinic.case.schedule import DAYS_PER_UNIT
from kinscope.clinic.case.terms import find_drug
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import Places, line_of, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.timestamp_pb2 import Timestamp
    from phenopackets import Biosample, DoseInterval, Measurement, OntologyClass, Quantity, TimeElement

    from kinscope.core.records import Record

    Fail = Callable[[str], BadInputError]

_DURATION = re.compile(
    r"P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?"
)
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]+")
COUNT_CODES = {term.id: field for field, term in terms.COUNTS.items()} | {
    "LOINC:26464-8": "leucocytes_giga_per_litre",
    "LOINC:26515-7": "platelets_giga_per_litre",
    "LOINC:26499-4": "neutrophils_giga_per_litre",
}
KIND_CODES = {
    terms.BLASTS.id: "blasts",
    terms.FLOW_MRD.id: "flow-mrd",
    terms.KARYOTYPE.id: "karyotype",
    terms.MUTATION.id: "mutation",
    terms.TRANSCRIPT_ANY.id: "transcript",
    terms.TRANSCRIPT_E1A2.id: "transcript",
    terms.TRANSCRIPT_P210.id: "transcript",
}
SCALES = {
    "10*9/l": 1.0,
    "10^9/l": 1.0,
    "10e9/l": 1.0,
    "g/l_count": 1.0,
    "10*3/ul": 1.0,
    "10^3/ul": 1.0,
    "/ul": 1e-3,
    "g/l": 1.0,
    "g/dl": 10.0,
    "mmol/l": 16.114,
    "%": 1.0,
    "percent": 1.0,
    "1": 100.0,
}
"""Factor from a unit to the field's own; haemoglobin per mmol of its monomer weighs 16.114 g."""
DOSE_UNITS = {unit.lower(): unit for unit in get_args(DoseUnit)} | {
    "mg/day": "mg/d",
    "mg per day": "mg/d",
    "milligram per day": "mg/d",
    "milligram": "mg",
    "milligram per square meter": "mg/m2",
    "[iu]/m2": "IU/m2",
}
PER_DAY = (
    ("four times", 4),
    ("three times", 3),
    ("thrice", 3),
    ("twice", 2),
    ("bid", 2),
    ("once daily", 1),
    ("daily", 1),
)


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

    @cached_property
    def places(self) -> Places:
        """Lines of the parts; empty where they could not be found."""
        return self.find_places()

    def refused(self, what: str, path: Sequence[str | int], remedy: str = "") -> BadInputError:
        """An error at a path of the file."""
        at = f", line {line_of(self.places, path)[0]}" if self.places else ""
        return BadInputError(what, where=f"{self.where}{at} ({path_text(path)})", remedy=remedy)


def slug(text: str) -> str:
    """A text as an identifier of a case."""
    return _NOT_ID.sub("-", text).strip("-_")[:60]


def age_days(duration: str, fail: Fail) -> float:
    """Days of an ISO 8601 duration, with mean years and months."""
    match = _DURATION.fullmatch(duration)
    if match is None or duration in ("P", "PT", ""):
        raise fail("An age is not written as an ISO 8601 duration such as P65Y3M.")
    years, months, weeks, days = (int(part or 0) for part in match.groups())
    return years * DAYS_PER_UNIT["y"] + months * DAYS_PER_UNIT["m"] + weeks * 7 + days


def day_of(instant: Timestamp) -> str:
    """The date of an instant, in UTC."""
    return str(instant.ToJsonString())[:10]


def when_of(element: TimeElement, zero: float | None, fail: Fail) -> list[dict[str, Any]] | None:
    """The statement on time of a TimeElement; None where it holds none that is a time."""
    form = element.WhichOneof("element")
    if form == "timestamp":
        return [{"date": day_of(element.timestamp)}]
    if form == "interval":
        ends = [
            day_of(getattr(element.interval, end))
            for end in ("start", "end")
            if element.interval.HasField(end)
        ]
        if len(ends) == 2 and ends[1] < ends[0]:
            raise fail("The interval ends before it begins.")
        return [{"date": "/".join(ends)}] if ends else None
    if form == "age" and zero is not None:
        return [{"day": round(age_days(element.age.iso8601duration, fail) - zero)}]
    if form == "age_range" and zero is not None:
        first, last = (
            round(age_days(end.iso8601duration, fail) - zero)
            for end in (element.age_range.start, element.age_range.end)
        )
        if last < first:
            raise fail("The age range ends before it begins.")
        return [{"day": first, "last_day": last}]
    return None


def findings_of(
    item: Measurement, sample: Biosample | None, extra: dict[str, Any], fail: Fail
) -> dict[str, Any] | None:
    """The fields of one measurement; None where its code is none that kinscope reads.

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
    return {**extra, **base, **_value(kind, item, fail)}


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


def _value(kind: str, item: Measurement, fail: Fail) -> dict[str, Any]:
    code, word = item.assay.id, item.value.ontology_class
    quantity = item.value.quantity if item.value.HasField("quantity") else None
    if kind == "counts":
        return {} if quantity is None else {COUNT_CODES[code]: _number(quantity, COUNT_CODES[code], fail)}
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
    if kind == "transcript" and code == terms.TRANSCRIPT_E1A2.id:
        fields["transcript"] = "e1a2"
    return fields


def _detected(word: OntologyClass, fail: Fail) -> bool:
    label = word.label.lower()
    if word.id == terms.NOT_DETECTED.id or any(
        no in label for no in ("not detected", "negative", "absent", "undetect")
    ):
        return False
    if word.id == terms.DETECTED.id or any(yes in label for yes in ("detected", "positive", "present")):
        return True
    raise fail("This result says neither 'detected' nor 'not detected', and has no quantity.")


def _unit_names(unit: OntologyClass) -> list[str]:
    return [unit.id.split(":", 1)[-1].lower(), unit.label.lower()]


def _number(quantity: Quantity, field: str, fail: Fail) -> float:
    if not math.isfinite(quantity.value):
        raise fail("A quantity is no number.")
    names = _unit_names(quantity.unit)
    if field.endswith("giga_per_litre"):
        names = ["g/l_count" if name == "g/l" else name for name in names]
    elif field.endswith("percent"):
        names = [name for name in names if name in ("%", "percent", "1")]
    else:
        names = [name for name in names if name in ("g/l", "g/dl", "mmol/l")]
    for name in names:
        if name in SCALES:
            return float(quantity.value) * SCALES[name]
    raise fail(f"The unit is none that kinscope knows for {field.replace('_', ' ')}.")


def dose_of(interval: DoseInterval) -> dict[str, Any] | None:
    """A dose of a foreign packet; None where it has no quantity or a unit kinscope does not know."""
    names = _unit_names(interval.quantity.unit)
    known = next((DOSE_UNITS[name] for name in names if name in DOSE_UNITS), None)
    amount = float(interval.quantity.value)
    if known is None or not 0 < amount < math.inf:
        return None
    often = interval.schedule_frequency.label.lower()
    times = next((count for word, count in PER_DAY if word in often), None)
    if known == "mg" and times:
        known, amount = "mg/d", amount * times
    dose: dict[str, Any] = {"amount": amount, "unit": known}
    if interval.interval.HasField("start"):
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
            finding = extra.get("finding")
            if not isinstance(finding, dict):
                return None
            CaseMeasurement.model_validate(extra | {"finding": finding | {"at": {"day": 0}}})
        elif name == "kinscope:case":
            fields = {key: value for key, value in extra.items() if key != "clock"}
            Case.model_validate({"id": "case", "disease": "ph-all"} | fields)
        else:
            OWN_KINDS[name].model_validate(extra)
    except (ValueError, KeyError, RecursionError, ValidationError):
        return None
    return extra


def same_drug(name: str, other: str) -> bool:
    """Whether two names are of one drug."""
    return _drug(name) == _drug(other)


def _drug(name: str) -> str:
    known = find_drug(name)
    return known.name if known else name.lower()
