"""Marks and lanes of the timeline, and the words that their tooltips share: windows, sources."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.measurements import TimePoint
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record

LOOKS: dict[str, Any] = read_yaml(Path(__file__).parent / "looks.yaml")
Shape = Literal["bar", "point", "limit", "below", "above", "chip", "due"]


class Mark(Record):
    """One thing on a lane: the day where it is drawn, and from first to last the window it may lie in.

    A bar whose end is not known fades out; a value with its interval is of a lane with an axis. Of the
    tooltip's lines the first is a headline.
    """

    entry: str
    day: int
    first: int
    last: int
    shape: Shape = "chip"
    css: str = ""
    label: str = ""
    tip: tuple[str, ...] = ()
    value: float | None = None
    low: float | None = None
    high: float | None = None
    end: int | None = None
    end_known: bool = True


class Lane(Record):
    """One row of the timeline."""

    key: str
    title: str
    subtitle: str = ""
    group: str
    height: int = 28
    axis: Literal["none", "percent", "log"] = "none"
    guide: float | None = None
    guide_label: str = ""
    marks: tuple[Mark, ...] = ()


def lane(name: str, marks: Iterable[Mark], **own: object) -> Lane:
    """A lane of ``looks.yaml``, with what is its ``own`` in this course."""
    return Lane.model_validate({"key": name} | LOOKS["lanes"][name] | own | {"marks": tuple(marks)})


def mark_at(result: CaseResult, entry: str, tip: Iterable[str], **look: object) -> Mark:
    """A mark where an entry lies; ``tip`` are the lines of its tooltip, empty ones left out."""
    place = result.schedule.at(entry)
    where = {"entry": entry, "day": place.drawn, "first": place.earliest, "last": place.latest}
    return Mark.model_validate(where | {"tip": tuple(filter(None, tip))} | look)


def moment(at: TimePoint, tip: Iterable[str], **look: object) -> Mark:
    """A mark that belongs to no entry of the case."""
    where = {"entry": "", "day": at.days, "first": at.days, "last": at.days}
    return Mark.model_validate(where | {"tip": tuple(filter(None, tip))} | look)


def source_words(result: CaseResult, key: str) -> str:
    """The line of a tooltip that names a source."""
    text = next((source.text for source in result.case.sources if source.key == key), "")
    return f"Source: {text or key}" if key else ""


def when_words(result: CaseResult, entry: str) -> str:
    """The window of an entry, and what is known of it."""
    place = result.schedule.at(entry)
    words, text = LOOKS["window"][place.basis], result.schedule.window(entry)
    return f"{text} ({words})" if words and not place.exact else text
