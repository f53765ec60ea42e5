"""The course as lanes of marks: what is drawn, before any drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from kinscope.clinic.case.model import Toxicity
from kinscope.clinic.course.checks import name_of
from kinscope.clinic.course.compute import line_starts, placed_findings
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.measurements import BlastPercent, TranscriptLevel
from kinscope.clinic.page.marks import Lane, Mark, lane, mark_at, source_words, when_words
from kinscope.clinic.page.responses import call_lanes, stated_lane, testing_lane
from kinscope.clinic.page.treatments import treatment_lanes
from kinscope.clinic.response.molecular import depth_log_of
from kinscope.clinic.response.visits import statement_of
from kinscope.core.records import Record

Look = dict[str, object]

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
    guide = GUIDES[result.case.disease]
    level = {"guide": guide, "guide_label": "" if guide is None else f"{guide:g} %"}
    lanes = (
        *treatment_lanes(result, last),
        lane("blasts", _measured(result, "blasts", _blasts)),
        lane("transcript", _measured(result, "transcript", _level), **level),
        *call_lanes(result),
        stated_lane(result),
        lane("mutations", _mutations(result)),
        testing_lane(result),
        lane("toxicity", _toxicities(result)),
        lane("events", _events(result)),
        lane("setaside", _set_aside(result)),
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


def _measured(result: CaseResult, kind: str, look: Callable[[Any], Look]) -> Iterator[Mark]:
    """A mark for each measurement of a kind, oldest first, as it is to ``look``."""
    entries = {entry.id: entry for entry in result.case.measurements}
    for name, finding in placed_findings(result.case, result.schedule):
        if finding.kind == kind:
            source = source_words(result, entries[name].source)
            tip = (statement_of(finding), when_words(result, name), finding.note, source)
            yield mark_at(result, name, tip, **look(finding))


def _blasts(blasts: BlastPercent) -> Look:
    label = f"{blasts.percent:g} %{PLACES.get(blasts.material, '')}"
    css = "bad" if blasts.percent >= 5 else "good"
    return {"shape": "point", "css": css, "value": blasts.percent, "label": label}


def _level(level: TranscriptLevel) -> Look:
    """A level, an upper limit at the sample's depth, or a mark below the axis where no depth is known."""
    if level.detected and level.percent:
        named = level.control_gene != "not stated"
        gene = "IS" if level.on_international_scale else f"/{level.control_gene if named else '?'}"
        look: Look = {"shape": "point", "css": "level" if named else "open", "value": level.percent}
        interval = {"low": level.low_percent, "high": level.high_percent}
        return look | interval | {"label": f"{level.percent:g} % {gene}"}
    if level.detected:
        return {"shape": "above", "css": "open", "label": "detected, no level"}
    depth = depth_log_of(level)
    if depth is None:
        return {"shape": "below", "css": "good", "label": "not detected"}
    limit = 100 * 10**-depth
    return {"shape": "limit", "css": "good", "value": limit, "label": f"< {limit:.2g} %"}


def _mutations(result: CaseResult) -> Iterator[Mark]:
    found = {variant.entry: variant.short or "cannot be read" for variant in result.variants}
    for mark in _measured(result, "mutation", lambda _: {"css": "neutral", "label": "none found"}):
        known = {"css": "bad found", "label": found.get(mark.entry, "")}
        yield mark.model_copy(update=known) if mark.entry in found else mark


def _toxicities(result: CaseResult) -> Iterator[Mark]:
    for toxicity in result.case.toxicities:
        grade = f"G{toxicity.ctcae_grade} " if toxicity.ctcae_grade else ""
        words = f"CTCAE grade {toxicity.ctcae_grade}" if toxicity.ctcae_grade else "no CTCAE grade given"
        if toxicity.severity != "not stated":
            words += f"; called {toxicity.severity}"
        drug, source = drug_of(result, toxicity), source_words(result, toxicity.source)
        under = f"Under {drug}" if drug else ""
        tip = (toxicity.term, when_words(result, toxicity.id), words, under, toxicity.action, source)
        css = f"grade-{toxicity.ctcae_grade or 0}"
        yield mark_at(result, toxicity.id, tip, css=css, label=f"{grade}{toxicity.term}")


def drug_of(result: CaseResult, toxicity: Toxicity) -> str:
    """What a toxicity came under, in words; empty where that is not said."""
    named = toxicity.treatment
    return name_of(result.case, named).removeprefix("start of ") if named else ""


def _events(result: CaseResult) -> Iterator[Mark]:
    for event in result.case.events:
        if event.kind != "publication":
            tip = (event.label, when_words(result, event.id), source_words(result, event.source))
            label = event.label if len(event.label) <= 26 else event.label[:25].rstrip() + "…"
            yield mark_at(result, event.id, tip, css="neutral event", label=label)


def _set_aside(result: CaseResult) -> Iterator[Mark]:
    """Where statements that contradict the others would have put an entry."""
    for place in result.schedule.placements:
        if not _clinical(result, place.entry):
            continue
        name = name_of(result.case, place.entry)
        for first, last, source in place.elsewhere:
            tip = (
                f"{name}: the time that was set aside",
                f"{result.schedule.label(first)} to {result.schedule.label(last)}",
                f"Drawn instead: {result.schedule.window(place.entry)}",
                source_words(result, source),
            )
            label = f"{name}, if ‘{source}’ is right" if source else name
            span = {"day": first, "first": first, "last": last, "end": last}
            yield mark_at(result, place.entry, tip, shape="bar", css="ghost", label=label, **span)
