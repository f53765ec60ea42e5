"""The timeline as SVG that stands without a script; a script of the page can zoom it.

Here is where everything lies, in pixels; the elements are those of ``templates/timeline.svg.j2``. Colours
come from the page's style sheet. Every text is escaped.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kinscope.clinic.page.lanes import LOG_FLOOR, LOG_TOP, Drawing, Lane, Mark
from kinscope.core.pages import environment

LEFT, WIDTH, RIGHT, TOP = 168.0, 1180.0, 14.0, 40.0
CHIP_ROW, BAR_FOOT, LABEL_ROW = 22.0, 23.0, 13.0
"""Height of a row of chips, lower end of a bar in its lane, height of a row of labels under bars."""
NARROW, WIDE, BOLDER = 6.3, 8.4, 1.12
"""Width of a small and of a capital letter of the 11-pixel face, in pixels, for the widest of the usual
faces, and the factor of its bold cut."""
LONGEST_TIP = 900
SIDES = ((9, 4, "start"), (-9, 4, "end"), (9, 16, "start"), (-9, 16, "end"), (9, -8, "start"))
"""Where a label may stand beside its mark, in the order of liking: offset, offset down, anchor."""
Side = tuple[int, int, str]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def text_width(text: str, *, bold: bool = False) -> float:
    """Pixels that a label takes at most."""
    width = sum(WIDE if sign.isupper() or sign in "mwMW%≥≈−" else NARROW for sign in text)
    return width * (BOLDER if bold else 1.0)


@dataclass(frozen=True)
class Scale:
    """Days to pixels."""

    first: int
    last: int

    def x(self, day: float) -> float:
        """Horizontal place of a day."""
        span = max(1, self.last - self.first)
        return LEFT + (day - self.first) / span * (WIDTH - LEFT - RIGHT)


class Placed(NamedTuple):
    """A mark with what of it depends on its neighbours, from the day's place and the lane's upper end."""

    mark: Mark
    y: float = 0.0
    left: float = 0.0
    width: float = 0.0
    under: float | None = None
    """Where the label of a short bar stands below it; ``over`` is how far left of the bar."""
    over: float = 0.0
    side: Side = SIDES[0]
    interval: tuple[float, float] | None = None


@dataclass
class _Row:
    lane: Lane
    marks: list[Placed]
    height: float
    y: float = 0.0
    bars: bool = False
    grid: list[tuple[float, float]] = field(default_factory=list)
    guide: float | None = None


def _row_for(start: float, end: float, ends: list[float]) -> int:
    """The first row with room for a label, of rows that end where ``ends`` says; a new one if none has."""
    row = next((row for row, taken in enumerate(ends) if start >= taken + 4), len(ends))
    ends[row : row + 1] = [end]
    return row


def timeline_svg(drawing: Drawing) -> str:
    """The whole figure."""
    scale = Scale(drawing.first_day, drawing.last_day)
    rows, y = [], TOP
    for lane in drawing.lanes:
        drawn = (
            _points if lane.axis != "none" else _bars if any(m.shape == "bar" for m in lane.marks) else _chips
        )
        rows.append(drawn(lane, scale))
        rows[-1].y = y
        y += rows[-1].height
    pages = environment(Path(__file__).parents[1] / "templates")
    pages.filters |= {"f0": "{:.0f}".format, "f1": "{:.1f}".format, "g": "{:g}".format}
    return pages.get_template("timeline.svg.j2").render(
        drawing=drawing,
        rows=rows,
        ticks=_tick_days(drawing),
        at=scale.x,
        tip=lambda mark: [line[:LONGEST_TIP] for line in mark.tip],
        width=WIDTH,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        total=y + 8,
    )


def _bars(lane: Lane, scale: Scale) -> _Row:
    below: list[float] = []
    placed = []
    for mark in lane.marks:
        start, end = scale.x(mark.day), scale.x(mark.end if mark.end is not None else mark.day)
        needed, under, over = text_width(mark.label) + 8, None, 0.0
        if mark.label and max(1.5, end - start) < needed:
            over = max(0.0, start + needed - (WIDTH - RIGHT))
            row = _row_for(start - over, start + needed - over, below)
            under = BAR_FOOT + 14 + row * LABEL_ROW
        placed.append(Placed(mark, under=under, over=over))
    rows = len(below)
    return _Row(lane, placed, max(34.0, BAR_FOOT + (rows * LABEL_ROW + 10 if rows else 8)), bars=True)


def _chips(lane: Lane, scale: Scale) -> _Row:
    rows: list[float] = []
    placed = []
    for mark in sorted(lane.marks, key=lambda m: m.day):
        width, x = text_width(mark.label, bold=True) + 12, scale.x(mark.day)
        left = -8.0 if x + width < WIDTH - RIGHT else WIDTH - RIGHT - x - width
        row = _row_for(x + left, x + left + width, rows)
        placed.append(Placed(mark, y=6 + row * CHIP_ROW, left=left, width=width))
    return _Row(lane, placed, 12 + max(1, len(rows)) * CHIP_ROW)


def _points(lane: Lane, scale: Scale) -> _Row:
    top, bottom = 12.0, lane.height - (30.0 if lane.axis == "log" else 12.0)

    def height_of(value: float) -> float:
        if lane.axis == "percent":
            return bottom - min(100.0, max(0.0, value)) / 100 * (bottom - top)
        decade = min(LOG_TOP, max(LOG_FLOOR, math.log10(max(value, 1e-12))))
        return bottom - (decade - LOG_FLOOR) / (LOG_TOP - LOG_FLOOR) * (bottom - top)

    marks = sorted(lane.marks, key=lambda m: m.day)
    fixed = {"below": bottom + 14, "above": top}
    heights = [fixed[m.shape] if m.shape in fixed else height_of(m.value or 0.0) for m in marks]
    taken: list[Box] = [
        (x - 6, y - 6, x + 6, y + 6) for x, y in zip((scale.x(m.day) for m in marks), heights, strict=True)
    ]
    placed = []
    for index, (mark, y) in enumerate(zip(marks, heights, strict=True)):
        side = _side(mark.label, scale.x(mark.day), y, taken[:index] + taken[index + 1 :])
        taken.append(_label_box(mark.label, scale.x(mark.day), y, side))
        known = mark.low is not None and mark.high is not None
        interval = (height_of(mark.low or 0.0), height_of(mark.high or 0.0)) if known else None
        placed.append(Placed(mark, y=y, side=side, interval=interval))
    ticks = (0.0, 50.0, 100.0) if lane.axis == "percent" else (100.0, 1.0, 0.01, 0.0001)
    guide = None if lane.guide is None else height_of(lane.guide)
    return _Row(lane, placed, float(lane.height), grid=[(v, height_of(v)) for v in ticks], guide=guide)


def _label_box(label: str, x: float, y: float, side: Side) -> Box:
    width = text_width(label)
    left = x + side[0] - (width if side[2] == "end" else 0.0)
    return left, y + side[1] - 9, left + width, y + side[1] + 2


def _side(label: str, x: float, y: float, taken: Sequence[Box]) -> Side:
    """The best-liked side on which a label covers no mark and no other label, and stays in the plot."""
    for side in SIDES:
        left, top, right, low = _label_box(label, x, y, side)
        inside = left >= LEFT and right <= WIDTH - RIGHT
        if inside and not any(left < b[2] and b[0] < right and top < b[3] and b[1] < low for b in taken):
            return side
    return SIDES[0] if x + 9 + text_width(label) <= WIDTH - RIGHT else SIDES[1]


def _tick_days(drawing: Drawing) -> list[tuple[int, str, bool]]:
    span = drawing.last_day - drawing.first_day
    if drawing.clock == "relative":
        step = next(s for s in (7, 14, 30, 60, 90, 180, 360, 720, 100_000) if span / s <= 14)
        first = math.ceil(drawing.first_day / step) * step
        return [(day, f"day {day}", day == 0) for day in range(first, drawing.last_day + 1, step)]
    months = next(m for m in (1, 2, 3, 6, 12, 24, 1200) if span / 30.4 / m <= 18)
    start = dt.date.fromordinal(drawing.first_day)
    found: list[tuple[int, str, bool]] = []
    number = start.year * 12 + start.month - 1
    number += -number % months
    while True:
        day = dt.date(number // 12, number % 12 + 1, 1)
        if day.toordinal() > drawing.last_day:
            if found and not any(strong for _, _, strong in found):
                first, label, _ = found[0]
                found[0] = (first, f"{label} {dt.date.fromordinal(first).year}", False)
            return found
        if day.toordinal() >= drawing.first_day:
            found.append((day.toordinal(), day.strftime("%Y" if day.month == 1 else "%b"), day.month == 1))
        number += months
