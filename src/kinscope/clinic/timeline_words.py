"""Words that marks of the timeline share: windows, sources, how a time is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope.clinic.timeline_marks import Mark

if TYPE_CHECKING:
    from kinscope.clinic.case_result import CaseResult


def window_of(result: CaseResult, entry: str) -> tuple[int, int]:
    """First and last day an entry may lie on."""
    place = result.schedule.at(entry)
    return place.earliest, place.latest


def chip(result: CaseResult, entry: str, css: str, label: str, lines: tuple[str, ...]) -> Mark:
    """A labelled mark where an entry lies; ``lines`` are its tooltip."""
    first, last = window_of(result, entry)
    day = result.schedule.at(entry).drawn
    return Mark(entry=entry, day=day, first=first, last=last, shape="chip", css=css, label=label, tip=lines)


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
