"""Marks and lanes of the timeline.

Words that marks of the timeline share: windows, sources, how a time is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kinscope.core.records import Record

if TYPE_CHECKING:
    from kinscope.clinic.course.result import CaseResult


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
    shape: Shape
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


def tip(*lines: str) -> tuple[str, ...]:
    """The lines that say something."""
    return tuple(line for line in lines if line)


def chip(result: CaseResult, entry: str, css: str, label: str, lines: tuple[str, ...]) -> Mark:
    """A labelled mark where an entry lies; ``lines`` are its tooltip."""
    place = result.schedule.at(entry)
    first, last = place.earliest, place.latest
    return Mark(
        entry=entry, day=place.drawn, first=first, last=last, shape="chip", css=css, label=label, tip=lines
    )


def source_words(result: CaseResult, key: str) -> str:
    """The line of a tooltip that names a source."""
    text = next((source.text for source in result.case.sources if source.key == key), "")
    return f"Source: {text or key}" if key else ""


def when_words(result: CaseResult, entry: str) -> str:
    """The window of an entry, and what is known of it."""
    place = result.schedule.at(entry)
    words = {
        "day": "",
        "calendar range": "month or range as given",
        "interval": "from an interval",
        "order": "only the order is known",
    }[place.basis]
    text = result.schedule.window(entry)
    return f"{text} ({words})" if words and not place.exact else text
