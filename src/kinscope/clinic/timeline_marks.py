"""Marks and lanes of the timeline."""

from __future__ import annotations

from typing import Literal

from kinscope.core.records import Record

Shape = Literal["bar", "point", "limit", "below", "above", "chip", "due"]


class Mark(Record):
    """One thing on a lane.

    Attributes
    ----------
    day, first, last
        Where it is drawn, and the window it may lie in.
    end, end_known
        Where a bar ends; one whose end is not stated fades out.
    value, low, high
        On a lane with an axis.
    tip
        Lines of the tooltip, the first a headline.
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
