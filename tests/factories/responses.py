"""Responses of a course to one line of treatment, as the tests of the rules ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kinscope.clinic.measurements import Measurement, TimePoint
from kinscope.clinic.response.assess import Line, assess_line
from kinscope.clinic.response.criteria import CriteriaSet, criteria_for
from kinscope.clinic.response.model import Disease, ResponseCall


def assess_response(
    measurements: Sequence[Measurement],
    disease: Disease,
    criteria: str | Path | CriteriaSet,
    treatment_start: TimePoint | None = None,
    previous: Sequence[ResponseCall] = (),
    treatment_end: TimePoint | None = None,
) -> tuple[ResponseCall, ...]:
    """The calls of the first line, or with ``previous`` calls of the second."""
    number = 2 if previous else 1
    line = Line(number=number, start=treatment_start, end=treatment_end, previous=tuple(previous))
    return assess_line(measurements, criteria_for(disease, criteria), line)
