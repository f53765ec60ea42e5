"""The timeline as SVG that stands without a script; a script of the page can zoom it.

Elements that follow time carry their days: ``data-d`` (a group moved there), ``data-a`` and ``data-b`` (a
stretch). Colours come from the page's style sheet. Every text is escaped.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from kinscope.clinic.page.lanes import LOG_FLOOR, LOG_TOP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kinscope.clinic.page.lanes import Drawing
    from kinscope.clinic.page.marks import Lane, Mark

LEFT, WIDTH, RIGHT, TOP = 168.0, 1180.0, 14.0, 40.0
CHIP_HEIGHT, CHIP_ROW, BAR_HEIGHT, LABEL_ROW = 18.0, 22.0, 17.0, 13.0
NARROW, WIDE, BOLDER = 6.3, 8.4, 1.12
"""Width of a small and of a capital letter of the 11-pixel face, in pixels, for the widest of the usual
faces, and the factor of its bold cut."""
LONGEST_TIP = 900


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


@dataclass
class _Rows:
    """Greedy packing of labels into rows."""

    ends: list[float] = field(default_factory=list)

    def take(self, start: float, end: float) -> int:
        for row, taken in enumerate(self.ends):
            if start >= taken + 4:
                self.ends[row] = end
                return row
        self.ends.append(end)
        return len(self.ends) - 1


def timeline_svg(drawing: Drawing) -> Markup:
    """The whole figure."""
    scale = Scale(drawing.first_day, drawing.last_day)
    parts: list[Markup] = []
    y = TOP
    for lane in drawing.lanes:
        body, height = _lane(lane, scale)
        parts.append(
            Markup(
                '<g class="lane lane-{}" data-group="{}" data-h="{:.0f}" transform="translate(0 {:.0f})">'
                '<rect class="laneback" x="0" y="0" width="{:.0f}" height="{:.0f}"/>{}</g>'
            ).format(lane.key, lane.group, height, y, WIDTH, height, body)
        )
        y += height
    total = y + 8
    back = [_ticks(drawing, scale, total), _line_starts(drawing, scale, total)]
    head = Markup(
        '<svg id="timeline" role="group" aria-label="Timeline of the course; every value stands in the '
        'tables below" viewBox="0 0 {:.0f} {:.0f}" data-first="{}" data-last="{}" data-left="{:.0f}" '
        'data-right="{:.0f}" data-top="{:.0f}" data-clock="{}">'
    ).format(WIDTH, total, drawing.first_day, drawing.last_day, LEFT, WIDTH - RIGHT, TOP, drawing.clock)
    defs = Markup(
        '<defs><clipPath id="plot"><rect x="{:.0f}" y="0" width="{:.0f}" height="{:.0f}"/></clipPath>'
        '<linearGradient id="fade"><stop offset="0" stop-color="white"/>'
        '<stop offset=".55" stop-color="white"/>'
        '<stop offset="1" stop-color="white" stop-opacity=".08"/></linearGradient>'
        '<mask id="fading" maskContentUnits="objectBoundingBox">'
        '<rect width="1" height="1" fill="url(#fade)"/></mask>'
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" class="hatchline"/></pattern></defs>'
    ).format(LEFT, WIDTH - LEFT - RIGHT + 4, total)
    band = Markup('<rect id="band" class="band" y="{:.0f}" height="{:.0f}" width="0" x="0"/>').format(
        TOP, total - TOP
    )
    return head + defs + Markup("").join(back) + band + Markup("").join(parts) + Markup("</svg>")


def _lane(lane: Lane, scale: Scale) -> tuple[Markup, float]:
    if lane.axis != "none":
        body = _axis_lane(lane, scale)
        height = float(lane.height)
    elif any(mark.shape == "bar" for mark in lane.marks):
        body, height = _bars(lane.marks, scale)
    else:
        body, height = _chips(lane.marks, scale)
    title = _text("lanetitle", 8, 18 if height > 22 else 15, lane.title)
    if lane.subtitle and height >= 28:
        title += _text("lanesub", 8, 31, lane.subtitle)
    return title + Markup('<g clip-path="url(#plot)">{}</g>').format(body), height


def _text(css: str, x: float, y: float, words: str) -> Markup:
    return Markup('<text class="{}" x="{:g}" y="{:.1f}">{}</text>').format(css, round(x, 1), y, words)


def _item(mark: Mark, inner: Markup, extra: str = "") -> Markup:
    """A mark with its tooltip: a title for everyone, lines for the script."""
    lines = [line[:LONGEST_TIP] for line in mark.tip]
    return Markup(
        '<g class="item {}" tabindex="0" role="img" aria-label="{}" data-f="{}" data-l="{}"{}>'
        "<title>{}</title>{}</g>"
    ).format(mark.css, ". ".join(lines), mark.first, mark.last, Markup(extra), "\n".join(lines), inner)


def _at(day: int, scale: Scale, inner: Markup) -> Markup:
    return Markup('<g class="at" data-d="{}" transform="translate({:.1f} 0)">{}</g>').format(
        day, scale.x(day), inner
    )


def _stretch(
    css: str, first: float, last: float, y: float, height: float, scale: Scale, extra: str = ""
) -> Markup:
    start, end = scale.x(first), scale.x(last)
    return Markup(
        '<rect class="stretch {}" data-a="{:g}" data-b="{:g}" x="{:.1f}" y="{:.1f}" width="{:.1f}" '
        'height="{:.1f}"{}/>'
    ).format(css, first, last, start, y, max(1.5, end - start), height, Markup(extra))


def _whisker(mark: Mark, y: float, scale: Scale) -> Markup:
    """The window a mark may lie in."""
    if mark.last <= mark.first:
        return Markup("")
    return _stretch("whisker", mark.first, mark.last, y - 0.75, 1.5, scale)


def _bars(marks: Sequence[Mark], scale: Scale) -> tuple[Markup, float]:
    below = _Rows()
    parts = []
    for mark in marks:
        start, end = scale.x(mark.day), scale.x(mark.end if mark.end is not None else mark.day)
        width, needed = max(1.5, end - start), text_width(mark.label) + 8
        fade = "" if mark.end_known else ' mask="url(#fading)"'
        css = "bar" if mark.end_known else "bar open-end"
        inner = _stretch(css, mark.day, mark.end or mark.day, 6, BAR_HEIGHT, scale, f' rx="3"{fade}')
        inner += _whisker(mark, 6 + BAR_HEIGHT + 3, scale)
        if mark.label and width >= needed:
            inner += _at(mark.day, scale, _text("barlabel", 5, 19, mark.label))
        elif mark.label:
            over = max(0.0, start + needed - (WIDTH - RIGHT))
            row = below.take(start - over, start + needed - over)
            y = 6 + BAR_HEIGHT + 14 + row * LABEL_ROW
            leader = Markup('<line class="leader" x1="2" x2="2" y1="{:.0f}" y2="{:.0f}"/>').format(
                6 + BAR_HEIGHT, y - 2
            )
            inner += _at(mark.day, scale, leader + _text("barlabel under", 5 - over, y, mark.label))
        parts.append(_item(mark, inner))
    rows = len(below.ends)
    return Markup("").join(parts), max(34.0, 6 + BAR_HEIGHT + (rows * LABEL_ROW + 10 if rows else 8))


def _chips(marks: Sequence[Mark], scale: Scale) -> tuple[Markup, float]:
    rows = _Rows()
    parts = []
    for mark in sorted(marks, key=lambda m: m.day):
        width = text_width(mark.label, bold=True) + 12
        x = scale.x(mark.day)
        left = -8.0 if x + width < WIDTH - RIGHT else WIDTH - RIGHT - x - width
        row = rows.take(x + left, x + left + width)
        y = 6 + row * CHIP_ROW
        if mark.shape == "due":
            shape = Markup('<path class="due" d="M0 {:.0f} l8 9 l-8 9 l-8 -9 z"/>').format(y)
            shape += _text("chiptext", 12, y + 13, mark.label)
        else:
            shape = Markup(
                '<rect class="chip" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.0f}" rx="3"/>{}'
                '<path class="pin" d="M0 {:.1f} l3 4 h-6 z"/>'
            ).format(
                left,
                y,
                width,
                CHIP_HEIGHT,
                _text("chiptext", left + 7, y + 13, mark.label),
                y + CHIP_HEIGHT - 0.5,
            )
        parts.append(_item(mark, _at(mark.day, scale, shape)))
    return Markup("").join(parts), 12 + max(1, len(rows.ends)) * CHIP_ROW


def _axis_lane(lane: Lane, scale: Scale) -> Markup:
    top, bottom = 12.0, lane.height - (30.0 if lane.axis == "log" else 12.0)

    def height_of(value: float) -> float:
        if lane.axis == "percent":
            return bottom - min(100.0, max(0.0, value)) / 100 * (bottom - top)
        decade = min(LOG_TOP, max(LOG_FLOOR, math.log10(max(value, 1e-12))))
        return bottom - (decade - LOG_FLOOR) / (LOG_TOP - LOG_FLOOR) * (bottom - top)

    ticks = (0.0, 50.0, 100.0) if lane.axis == "percent" else (100.0, 1.0, 0.01, 0.0001)
    parts = [_across("grid", height_of(value)) for value in ticks]
    if lane.guide is not None:
        y = height_of(lane.guide)
        parts += [_across("guide", y), _text("guidelabel", WIDTH - RIGHT - 46, y - 3, lane.guide_label)]
    parts += _points(lane, scale, height_of, bottom)
    labels = [_text("ticklabel", LEFT - 6, height_of(v) + 3.5, f"{v:g} %") for v in ticks]
    return Markup("").join(parts) + Markup('</g><g class="ticklabels">') + Markup("").join(labels)


def _across(css: str, y: float) -> Markup:
    """A line from side to side of the plot."""
    line = Markup('<line class="{}" x1="{:.0f}" x2="{:.0f}" y1="{:.1f}" y2="{:.1f}"/>')
    return line.format(css, LEFT, WIDTH - RIGHT, y, y)


SYMBOLS = {
    "point": '<circle class="dot" r="5" cy="{0:.1f}"/>',
    "limit": '<path class="dot limit" d="M-6 {0:.1f} h12 l-6 9 z"/>',
    "below": '<path class="dot limit" d="M-6 {0:.1f} h12 l-6 9 z" transform="translate(0 -5)"/>',
    "above": '<path class="dot" d="M-6 {0:.1f} h12 l-6 -9 z" transform="translate(0 5)"/>',
}
SIDES = ((9, 4, "start"), (-9, 4, "end"), (9, 16, "start"), (-9, 16, "end"), (9, -8, "start"))
"""Where a label may stand beside its mark, in the order of liking: offset, offset down, anchor."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _points(lane: Lane, scale: Scale, height_of: Callable[[float], float], bottom: float) -> Iterable[Markup]:
    marks = sorted(lane.marks, key=lambda m: m.day)
    places = []
    for mark in marks:
        fixed = {"below": bottom + 14, "above": 12.0}
        y = fixed[mark.shape] if mark.shape in fixed else height_of(mark.value or 0.0)
        places.append((scale.x(mark.day), y))
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    for index, (mark, (x, y)) in enumerate(zip(marks, places, strict=True)):
        others = taken[:index] + taken[index + 1 :]
        dx, dy, anchor = _side(mark.label, x, y, others)
        taken.append(_label_box(mark.label, x, y, (dx, dy, anchor)))
        inner = Markup(SYMBOLS[mark.shape]).format(y)
        if mark.low is not None and mark.high is not None:
            error = Markup('<line class="error" x1="0" x2="0" y1="{:.1f}" y2="{:.1f}"/>')
            inner += error.format(height_of(mark.low), height_of(mark.high))
        inner += Markup('<text class="pointlabel" x="{:.0f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
            dx, y + dy, anchor, mark.label
        )
        yield _item(mark, _whisker(mark, y, scale) + _at(mark.day, scale, inner))


def _label_box(label: str, x: float, y: float, side: tuple[float, float, str]) -> Box:
    width = text_width(label)
    left = x + side[0] - (width if side[2] == "end" else 0.0)
    return left, y + side[1] - 9, left + width, y + side[1] + 2


def _side(label: str, x: float, y: float, taken: Sequence[Box]) -> tuple[float, float, str]:
    """The best-liked side on which a label covers no mark and no other label, and stays in the plot."""
    for side in SIDES:
        left, top, right, low = _label_box(label, x, y, side)
        inside = left >= LEFT and right <= WIDTH - RIGHT
        if inside and not any(left < b[2] and b[0] < right and top < b[3] and b[1] < low for b in taken):
            return side
    return SIDES[0] if x + 9 + text_width(label) <= WIDTH - RIGHT else SIDES[1]


def _ticks(drawing: Drawing, scale: Scale, total: float) -> Markup:
    form = Markup(
        '<g class="at tick{}" data-d="{}" transform="translate({:.1f} 0)"><line y1="{:.0f}" y2="{:.0f}"/>'
        '<text y="{:.0f}">{}</text></g>'
    )
    parts = [
        form.format(" strong" * strong, day, scale.x(day), TOP - 4, total, TOP - 9, label)
        for day, label, strong in _tick_days(drawing)
    ]
    return Markup('<g id="axis" clip-path="url(#plot)">{}</g>').format(Markup("").join(parts))


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


def _line_starts(drawing: Drawing, scale: Scale, total: float) -> Markup:
    form = Markup(
        '<g class="at linestart" data-d="{}" transform="translate({:.1f} 0)"><line y1="14" y2="{:.0f}"/>'
        '<text x="4" y="13">{}</text></g>'
    )
    parts = [form.format(day, scale.x(day), total, label) for day, label in drawing.lines]
    return Markup('<g clip-path="url(#plot)">{}</g>').format(Markup("").join(parts))
