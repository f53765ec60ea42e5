"""Lanes of the timeline for responses, computed and stated, and for the moments of mutation testing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope.clinic.page.marks import Lane, Mark, chip, source_words, tip, when_words

if TYPE_CHECKING:
    from kinscope.clinic.course.result import CaseResult
    from kinscope.clinic.measurements import TimePoint
    from kinscope.clinic.page.marks import Shape
    from kinscope.clinic.response.model import ResponseCall

AXES = ("haematological", "flow MRD", "molecular", "cytogenetic", "milestone")
GOOD = frozenset(
    {"CR", "CRh", "CRi", "CHR", "MRD negative", "CMR", "MMR", "MR4", "MR4.5", "MR5", "CCyR", "optimal"}
)
BAD = frozenset({
    "relapse", "extramedullary relapse", "loss of CHR", "refractory", "active disease", "molecular relapse",
    "MRD relapse", "loss of MMR", "loss of DMR", "loss of CCyR", "loss of CMR", "failure",
    "MRD progression", "accelerated phase", "blast phase", "progression", "no MMR", "no CyR", "loss of PCyR",
})  # fmt: skip
SHORT = {
    "active disease": "active",
    "MRD negative": "MRD −",
    "MRD positive": "MRD +",
    "molecular response": "mol. response",
    "molecular relapse": "mol. relapse",
    "extramedullary relapse": "EM relapse",
    "cannot be called": "?",
}
NUMBERS = {"first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5"}


def _css(category: str) -> str:
    return "good" if category in GOOD else "bad" if category in BAD else "neutral"


def call_lanes(result: CaseResult) -> list[Lane]:
    """A lane per axis of the computed response."""
    lanes = []
    titles = {"haematological": "Haematological", "flow MRD": "Flow MRD", "molecular": "Molecular"}
    for axis in AXES:
        told = [call for call in result.calls if call.evidence or call.category != "cannot be called"]
        marks = tuple(_call(result, call) for call in told if call.axis == axis)
        lanes.append(
            Lane(
                key=f"call-{axis.split()[0]}",
                title=titles.get(axis, axis.capitalize()),
                subtitle="computed",
                group="response",
                marks=marks,
            )
        )
    return lanes


def _call(result: CaseResult, call: ResponseCall) -> Mark:
    level = call.level.split(";")[0].strip()
    number = level.split(" ")[0] if level.split(" ")[0] in NUMBERS else ""
    label = SHORT.get(call.category, call.category)
    if level == "at least":
        label = f"≥ {label}"
    if number:
        label = f"{label} {NUMBERS[number]}"
    missing = f"Missing: {', '.join(call.missing)}" if call.missing else ""
    text = tip(
        f"{call.category}{f' ({call.level})' if call.level else ''}",
        call.at.label(),
        call.statement,
        f"Criterion: {call.criterion.text} [{call.criterion.citation}]",
        missing,
    )
    return _moment(call.at, "chip", _css(call.category), label, text)


def _moment(at: TimePoint, shape: Shape, css: str, label: str, text: tuple[str, ...]) -> Mark:
    """A mark that belongs to no entry of the case."""
    day = at.days
    return Mark(entry="", day=day, first=day, last=day, shape=shape, css=css, label=label, tip=text)


def stated_lane(result: CaseResult) -> Lane:
    """What the centre stated, with a sign for how it agrees."""
    marks = []
    signs = {"agrees": "=", "agrees in part": "≈", "differs": "≠", "not computable": "·"}
    for comparison in result.comparisons:
        text = tip(
            f"Stated: {comparison.stated}",
            when_words(result, comparison.entry),
            f"Computed: {comparison.computed} ({comparison.agreement})",
            comparison.reason,
            source_words(result, comparison.source),
        )
        css = {"agrees": "good", "differs": "bad"}.get(comparison.agreement, "neutral")
        label = f"{signs[comparison.agreement]} {comparison.stated}"
        marks.append(chip(result, comparison.entry, f"{css} stated", label, text))
    return Lane(
        key="stated",
        title="Stated",
        subtitle="by the centre; = ≈ ≠ computed",
        group="response",
        marks=tuple(marks),
    )


def testing_lane(result: CaseResult) -> Lane:
    """The moments at which a guideline asks for mutation testing."""
    marks = []
    for due in result.testing:
        done = "; ".join(used.statement for used in due.done)
        text = tip(
            "Mutation testing due",
            due.at.label(),
            due.reason,
            f"{due.criterion.text} [{due.criterion.citation}]",
            f"Done: {done or 'not recorded'} (from {due.days_before} days before to {due.days_after} after)",
        )
        css, label = ("good", "done") if due.done else ("bad", "not done")
        marks.append(_moment(due.at, "due", css, label, text))
    return Lane(
        key="testing", title="Testing due", subtitle="by guideline", group="mutations", marks=tuple(marks)
    )
