"""Values of a Phenopacket: times, quantities, doses, and which measurement a code stands for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kinscope.clinic import case_terms as terms
from kinscope.clinic.case_dates import DAYS_PER_UNIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinscope.clinic.case_yaml import CaseFileError

    Fail = Callable[[str], CaseFileError]

_DURATION = re.compile(
    r"P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?"
)
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]+")
COUNT_CODES = {
    "LOINC:6690-2": "leucocytes_giga_per_litre",
    "LOINC:26464-8": "leucocytes_giga_per_litre",
    "LOINC:718-7": "haemoglobin_gram_per_litre",
    "LOINC:777-3": "platelets_giga_per_litre",
    "LOINC:26515-7": "platelets_giga_per_litre",
    "LOINC:751-8": "neutrophils_giga_per_litre",
    "LOINC:26499-4": "neutrophils_giga_per_litre",
    terms.COUNTS["blood_blasts_percent"].id: "blood_blasts_percent",
    terms.COUNTS["basophils_percent"].id: "basophils_percent",
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
DOSE_UNITS = {
    "mg/d": "mg/d",
    "mg/day": "mg/d",
    "mg per day": "mg/d",
    "milligram per day": "mg/d",
    "mg": "mg",
    "milligram": "mg",
    "mg/m2": "mg/m2",
    "mg/m2/d": "mg/m2/d",
    "milligram per square meter": "mg/m2",
    "g/m2": "g/m2",
    "g/m2/d": "g/m2/d",
    "mg/kg": "mg/kg",
    "mg/kg/d": "mg/kg/d",
    "iu/m2": "IU/m2",
    "[iu]/m2": "IU/m2",
    "iu/d": "IU/d",
    "ug/d": "ug/d",
    "ug/m2/d": "ug/m2/d",
    "cells": "cells",
    "cells/kg": "cells/kg",
    "gy": "Gy",
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


def day_of(instant: str) -> str:
    """The date of a checked instant."""
    return instant[:10]


def when_of(element: dict[str, Any], zero: float | None, fail: Fail) -> list[dict[str, Any]] | None:
    """The statement on time of a TimeElement; None where it holds none that is a time."""
    if "timestamp" in element:
        return [{"date": day_of(element["timestamp"])}]
    if "interval" in element:
        start, end = element["interval"].get("start"), element["interval"].get("end")
        if start and end:
            if day_of(end) < day_of(start):
                raise fail("The interval ends before it begins.")
            return [{"date": f"{day_of(start)}/{day_of(end)}"}]
        return [{"date": day_of(start or end)}] if start or end else None
    if "age" in element and zero is not None:
        return [{"day": round(age_days(element["age"].get("iso8601duration", ""), fail) - zero)}]
    if "ageRange" in element and zero is not None:
        first, last = (
            round(age_days(element["ageRange"].get(end, {}).get("iso8601duration", ""), fail) - zero)
            for end in ("start", "end")
        )
        if last < first:
            raise fail("The age range ends before it begins.")
        return [{"day": first, "last_day": last}]
    return None


def findings_of(
    item: dict[str, Any], sample: dict[str, Any], extra: dict[str, Any], fail: Fail
) -> dict[str, Any] | None:
    """The fields of one measurement; None where its code is none that kinscope reads.

    ``extra`` are the fields that only kinscope's own packets carry; what the packet itself says wins.
    """
    assay = item.get("assay", {})
    code, label = assay.get("id", ""), assay.get("label", "").lower()
    kind = kind_of_assay(code, label)
    if kind is None:
        return None
    site = item.get("procedure", {}).get("bodySite", {}) or sample.get("sampledTissue", {})
    base: dict[str, Any] = {"kind": kind, "at": {"day": 0}}
    tissue = {term.id: name for name, term in terms.TISSUES.items()}.get(site.get("id", ""))
    if tissue:
        base["material"] = tissue
    method = item.get("procedure", {}).get("code", {}).get("label", "")
    if method and kind != "blasts":
        base["method"] = method[:400]
    elif "flow" in method.lower():
        base["method"] = "flow cytometry"
    elif "morpholog" in method.lower() or "smear" in method.lower():
        base["method"] = "morphology"
    return {**extra, **base, **_value(kind, code, item, fail)}


def kind_of_assay(code: str, label: str) -> str | None:
    """The kind of measurement that an assay's code or label stands for; None where it is not known."""
    label = label.lower()
    if code in COUNT_CODES or code == "kinscope:counts":
        return "counts"
    known = {
        terms.BLASTS.id: "blasts",
        terms.FLOW_MRD.id: "flow-mrd",
        terms.KARYOTYPE.id: "karyotype",
        terms.MUTATION.id: "mutation",
        terms.TRANSCRIPT_ANY.id: "transcript",
        terms.TRANSCRIPT_E1A2.id: "transcript",
        terms.TRANSCRIPT_P210.id: "transcript",
    }
    if code in known:
        return known[code]
    if "blasts" in label and "marrow" in label:
        return "blasts"
    if "bcr" in label and "abl1" in label and ("transcript" in label or "ratio" in label):
        return "transcript"
    if "residual disease" in label:
        return "flow-mrd"
    return None


def _value(kind: str, code: str, item: dict[str, Any], fail: Fail) -> dict[str, Any]:
    value = item.get("value", {})
    quantity, word = value.get("quantity"), value.get("ontologyClass", {})
    if kind == "counts":
        return {} if quantity is None else {COUNT_CODES[code]: _number(quantity, COUNT_CODES[code], fail)}
    if kind == "blasts":
        if quantity is None:
            raise fail("A blast percentage needs a quantity.")
        return {"percent": _number(quantity, "percent", fail)}
    if kind == "karyotype":
        if not word.get("label"):
            raise fail("A karyotype needs its ISCN text as the label of the value.")
        return {"iscn": word["label"]}
    if quantity is not None:
        percent = _number(quantity, "percent", fail)
        name = "level_percent" if kind == "flow-mrd" else "percent"
        fields: dict[str, Any] = (
            {"detected": percent > 0} if kind == "mutation" else {name: percent, "detected": percent > 0}
        )
    else:
        fields = {"detected": _detected(word, fail)}
    if kind == "transcript" and code == terms.TRANSCRIPT_E1A2.id:
        fields["transcript"] = "e1a2"
    return fields


def _detected(word: dict[str, Any], fail: Fail) -> bool:
    code, label = word.get("id", ""), word.get("label", "").lower()
    if code == terms.NOT_DETECTED.id or any(
        no in label for no in ("not detected", "negative", "absent", "undetect")
    ):
        return False
    if code == terms.DETECTED.id or any(yes in label for yes in ("detected", "positive", "present")):
        return True
    raise fail("This result says neither 'detected' nor 'not detected', and has no quantity.")


def _number(quantity: dict[str, Any], field: str, fail: Fail) -> float:
    unit = quantity.get("unit", {})
    names = [str(unit.get("id", "")).split(":", 1)[-1].lower(), str(unit.get("label", "")).lower()]
    if field.endswith("giga_per_litre"):
        names = ["g/l_count" if name == "g/l" else name for name in names]
    elif field.endswith("percent"):
        names = [name for name in names if name in ("%", "percent", "1")]
    else:
        names = [name for name in names if name in ("g/l", "g/dl", "mmol/l")]
    for name in names:
        if name in SCALES:
            return float(quantity.get("value", 0.0)) * SCALES[name]
    raise fail(f"The unit is none that kinscope knows for {field.replace('_', ' ')}.")


def dose_of(interval: dict[str, Any]) -> dict[str, Any] | None:
    """A dose of a foreign packet; None where it has no quantity or a unit kinscope does not know."""
    quantity = interval.get("quantity", {})
    unit = quantity.get("unit", {})
    names = [str(unit.get("id", "")).split(":", 1)[-1].lower(), str(unit.get("label", "")).lower()]
    known = next((DOSE_UNITS[name] for name in names if name in DOSE_UNITS), None)
    amount = float(quantity.get("value", 0.0))
    if known is None or amount <= 0:
        return None
    often = interval.get("scheduleFrequency", {}).get("label", "").lower()
    times = next((count for word, count in PER_DAY if word in often), None)
    if known == "mg" and times:
        known, amount = "mg/d", amount * times
    dose: dict[str, Any] = {"amount": amount, "unit": known}
    start = interval.get("interval", {}).get("start")
    if start:
        dose["when"] = [{"date": day_of(start)}]
    bounds = quantity.get("referenceRange", {})
    if bounds.get("high", 0) > amount:
        dose["up_to"] = float(bounds["high"])
    return dose
