"""The course as lanes of marks: what is drawn, before any drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kinscope.clinic.course.checks import name_of
from kinscope.clinic.course.compute import line_starts, placed_findings
from kinscope.clinic.page.marks import Lane, Mark, chip, source_words, tip, when_words
from kinscope.clinic.page.responses import call_lanes, stated_lane, testing_lane
from kinscope.clinic.page.treatments import treatment_lanes
from kinscope.clinic.response.molecular import depth_log_of
from kinscope.clinic.response.visits import statement_of
from kinscope.core.records import Record

if TYPE_CHECKING:
    from kinscope.clinic.case.model import Toxicity
    from kinscope.clinic.course.result import CaseResult
    from kinscope.clinic.measurements import Measurement, TranscriptLevel

MARGIN = 0.025
GUIDES = {"ph-all": 0.01, "cml": 0.1, "other": None}
"""The level that the definitions of response turn on: 10^-4 in Ph+ ALL, a major response in CML."""
PLACES = {"cerebrospinal fluid": " CSF", "peripheral blood": " blood", "other": " elsewhere"}
"""Added to a blast percentage that is not the marrow's."""
LOG_FLOOR, LOG_TOP = -4.0, 2.0
"""Decades of per cent on the transcript axis: 0.0001 % to 100 %."""


class Drawing(Record):
    """Everything the timeline shows, on the schedule's clock; ``lines`` are first days with their titles."""

    clock: Literal["calendar", "relative"]
    first_day: int
    last_day: int
    lanes: tuple[Lane, ...]
    lines: tuple[tuple[int, str], ...]


def draw_course(result: CaseResult) -> Drawing:
    """The lanes of a computed case, empty ones left out."""
    days = [
        day for place in result.schedule.placements for day in (place.earliest, place.latest, place.drawn)
    ]
    shown = [place.drawn for place in result.schedule.placements if _clinical(result, place.entry)]
    first, last = min(shown or days), max(shown or days)
    margin = max(7, round((last - first) * MARGIN))
    lanes = (
        *treatment_lanes(result, last),
        _blasts(result),
        _transcripts(result),
        *call_lanes(result),
        stated_lane(result),
        _mutations(result),
        testing_lane(result),
        _toxicities(result),
        _events(result),
        _set_aside(result),
    )
    starts = line_starts(result.case, result.schedule)
    return Drawing(
        clock=result.schedule.clock,
        first_day=first - margin,
        last_day=last + 2 * margin,
        lanes=tuple(lane for lane in lanes if lane.marks),
        lines=tuple((day, f"line {number}") for number, day in starts.items()),
    )


def _clinical(result: CaseResult, entry: str) -> bool:
    publications = {event.id for event in result.case.events if event.kind == "publication"}
    return entry.split(".")[0] not in publications


def _findings(result: CaseResult, kind: str) -> list[tuple[str, Measurement]]:
    placed = placed_findings(result.case, result.schedule)
    return [(entry, finding) for entry, finding in placed if finding.kind == kind]


def _measured(result: CaseResult, entry: str, finding: Measurement, **fields: object) -> Mark:
    place = result.schedule.at(entry)
    own = next(m for m in result.case.measurements if m.id == entry)
    lines = tip(
        statement_of(finding), when_words(result, entry), finding.note, source_words(result, own.source)
    )
    return Mark.model_validate(
        {"entry": entry, "day": finding.at.days, "first": place.earliest, "last": place.latest, "tip": lines}
        | fields
    )


def _blasts(result: CaseResult) -> Lane:
    marks = []
    for entry, finding in _findings(result, "blasts"):
        if finding.kind == "blasts":
            css = "bad" if finding.percent >= 5 else "good"
            label = f"{finding.percent:g} %{PLACES.get(finding.material, '')}"
            look = {"shape": "point", "css": css, "value": finding.percent, "label": label}
            marks.append(_measured(result, entry, finding, **look))
    return Lane(
        key="blasts",
        title="Blasts",
        subtitle="% of nucleated cells",
        group="measurements",
        height=104,
        axis="percent",
        guide=5.0,
        guide_label="5 %",
        marks=tuple(marks),
    )


def _transcripts(result: CaseResult) -> Lane:
    found = _findings(result, "transcript")
    guide = GUIDES[result.case.disease]
    marks = [_level(result, entry, level) for entry, level in found if level.kind == "transcript"]
    return Lane(
        key="transcript",
        title="BCR::ABL1",
        subtitle="% of control gene, log",
        group="measurements",
        height=150,
        axis="log",
        guide=guide,
        guide_label="" if guide is None else f"{guide:g} %",
        marks=tuple(marks),
    )


def _level(result: CaseResult, entry: str, level: TranscriptLevel) -> Mark:
    """A level, an upper limit at the sample's depth, or a mark below the axis where no depth is known."""
    if level.detected and level.percent:
        gene = "/?" if level.control_gene == "not stated" else f"/{level.control_gene}"
        gene = "IS" if level.on_international_scale else gene
        css = "open" if level.control_gene == "not stated" else "level"
        look = {"shape": "point", "css": css, "value": level.percent, "label": f"{level.percent:g} % {gene}"}
        return _measured(result, entry, level, **look, low=level.low_percent, high=level.high_percent)
    if level.detected:
        return _measured(result, entry, level, shape="above", css="open", label="detected, no level")
    depth = depth_log_of(level)
    if depth is not None:
        limit = 100 * 10**-depth
        return _measured(
            result, entry, level, shape="limit", css="good", value=limit, label=f"< {limit:.2g} %"
        )
    return _measured(result, entry, level, shape="below", css="good", label="not detected")


def _mutations(result: CaseResult) -> Lane:
    found = {variant.entry: variant for variant in result.variants}
    marks = []
    for entry, finding in _findings(result, "mutation"):
        if finding.kind != "mutation":
            continue
        label, css = "none found", "neutral"
        if variant := found.get(entry):
            label, css = variant.short or "cannot be read", "bad found"
        marks.append(_measured(result, entry, finding, shape="chip", css=css, label=label))
    return Lane(
        key="mutations",
        title="ABL1 mutations",
        subtitle="kinase-domain screening",
        group="mutations",
        marks=tuple(marks),
    )


def _toxicities(result: CaseResult) -> Lane:
    marks = []
    for toxicity in result.case.toxicities:
        grade = f"G{toxicity.ctcae_grade} " if toxicity.ctcae_grade else ""
        words = f"CTCAE grade {toxicity.ctcae_grade}" if toxicity.ctcae_grade else "no CTCAE grade given"
        if toxicity.severity != "not stated":
            words += f"; called {toxicity.severity}"
        drug = drug_of(result, toxicity)
        text = tip(
            toxicity.term,
            when_words(result, toxicity.id),
            words,
            f"Under {drug}" if drug else "",
            toxicity.action,
            source_words(result, toxicity.source),
        )
        css = f"grade-{toxicity.ctcae_grade or 0}"
        marks.append(chip(result, toxicity.id, css, f"{grade}{toxicity.term}", text))
    return Lane(
        key="toxicity", title="Toxicity", subtitle="CTCAE grade", group="toxicity", marks=tuple(marks)
    )


def drug_of(result: CaseResult, toxicity: Toxicity) -> str:
    """What a toxicity came under, in words; empty where that is not said."""
    named = toxicity.treatment
    return name_of(result.case, named).removeprefix("start of ") if named else ""


def _events(result: CaseResult) -> Lane:
    marks = []
    for event in result.case.events:
        if event.kind == "publication":
            continue
        text = tip(event.label, when_words(result, event.id), source_words(result, event.source))
        label = event.label if len(event.label) <= 26 else event.label[:25].rstrip() + "…"
        marks.append(chip(result, event.id, "neutral event", label, text))
    return Lane(key="events", title="Events", group="events", marks=tuple(marks))


def _set_aside(result: CaseResult) -> Lane:
    """Where statements that contradict the others would have put an entry."""
    marks = []
    for place in result.schedule.placements:
        if not _clinical(result, place.entry):
            continue
        name = name_of(result.case, place.entry)
        for first, last, source in place.elsewhere:
            text = tip(
                f"{name}: the time that was set aside",
                f"{result.schedule.label(first)} to {result.schedule.label(last)}",
                f"Drawn instead: {result.schedule.window(place.entry)}",
                source_words(result, source),
            )
            marks.append(
                Mark(
                    entry=place.entry,
                    day=first,
                    first=first,
                    last=last,
                    shape="bar",
                    css="ghost",
                    end=last,
                    label=f"{name}, if ‘{source}’ is right" if source else name,
                    tip=text,
                )
            )
    return Lane(
        key="setaside",
        title="Set aside",
        subtitle="contradicting times",
        group="inconsistency",
        height=30,
        marks=tuple(marks),
    )
