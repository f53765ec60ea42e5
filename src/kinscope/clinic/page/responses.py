"""Lanes of the timeline for responses, computed and stated, and for the moments of mutation testing."""

from __future__ import annotations

from typing import get_args

from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.page.marks import LOOKS, Lane, Mark, lane, mark_at, moment, source_words, when_words
from kinscope.clinic.response.context import AT_LEAST, count_in
from kinscope.clinic.response.model import Axis, ResponseCall


def css_of(category: str, other: str = "neutral") -> str:
    """The class of a call: ``good``, ``bad``, or the ``other`` of what is neither."""
    return next((css for css in ("good", "bad") if category in LOOKS[css]), other)


def call_lanes(result: CaseResult) -> list[Lane]:
    """A lane per axis of the computed response."""
    told = [call for call in result.calls if call.evidence or call.category != "cannot be called"]
    return [
        lane(f"call-{axis.split()[0]}", (_call(call) for call in told if call.axis == axis))
        for axis in get_args(Axis)
    ]


def _call(call: ResponseCall) -> Mark:
    count = count_in(call.level)
    label = (
        "≥ " * (call.level == AT_LEAST)
        + LOOKS["short"].get(call.category, call.category)
        + f" {count}" * bool(count)
    )
    tip = (
        f"{call.category}{f' ({call.level})' if call.level else ''}",
        call.at.label(),
        call.statement,
        f"Criterion: {call.criterion.text} [{call.criterion.citation}]",
        f"Missing: {', '.join(call.missing)}" if call.missing else "",
    )
    return moment(call.at, tip, css=css_of(call.category), label=label)


def stated_lane(result: CaseResult) -> Lane:
    """What the centre stated, with a sign for how it agrees."""
    marks = []
    for comparison in result.comparisons:
        tip = (
            f"Stated: {comparison.stated}",
            when_words(result, comparison.entry),
            f"Computed: {comparison.computed} ({comparison.agreement})",
            comparison.reason,
            source_words(result, comparison.source),
        )
        look = LOOKS["agreements"][comparison.agreement]
        told = {"css": f"{look['chip']} stated", "label": f"{look['sign']} {comparison.stated}"}
        marks.append(mark_at(result, comparison.entry, tip, **told))
    return lane("stated", marks)


def testing_lane(result: CaseResult) -> Lane:
    """The moments at which a guideline asks for mutation testing."""
    marks = []
    for due in result.testing:
        done = "; ".join(used.statement for used in due.done)
        tip = (
            "Mutation testing due",
            due.at.label(),
            due.reason,
            f"{due.criterion.text} [{due.criterion.citation}]",
            f"Done: {done or 'not recorded'} (from {due.days_before} days before to {due.days_after} after)",
        )
        css, label = ("good", "done") if due.done else ("bad", "not done")
        marks.append(moment(due.at, tip, shape="due", css=css, label=label))
    return lane("testing", marks)
