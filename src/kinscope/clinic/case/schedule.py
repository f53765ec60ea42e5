"""Where the entries of a case lie in time: records, dates as given, intervals as they are spoken."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import TYPE_CHECKING, Literal

from kinscope.clinic.measurements import TimePoint
from kinscope.core.records import Record

if TYPE_CHECKING:
    from kinscope.clinic.case.model import Case

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_WORDS = re.compile(r"(\d{1,4}(?:\.\d{1,2})?)\s*(days?|weeks?|months?|years?|d|wk?|mo|y)")
_ISO = re.compile(r"P(\d{1,4})([DWMY])")
DAYS_PER_UNIT = {"d": 1.0, "w": 7.0, "m": 365.2425 / 12, "y": 365.2425}
"""Days of a day, week, mean Gregorian month and year."""
UNIT_NAMES = {"d": "day", "w": "week", "m": "month", "y": "year"}


def parse_date(text: str) -> tuple[int, int]:
    """First and last day (proleptic Gregorian ordinals) that a partial date or a range allows.

    The text is ``2023-12-28``, ``2023-12``, ``2023``, or two of them with ``/`` between.

    Raises ValueError if it is none of these, or names no day of the calendar.
    """
    parts = [part.strip() for part in text.split("/")]
    if not 1 <= len(parts) <= 2:
        raise ValueError("write a date as 2023-12-28, 2023-12, 2023, or a range 2023-10/2023-12")
    ends = [_one_date(part) for part in parts]
    first, last = ends[0][0], ends[-1][1]
    if last < first:
        raise ValueError("the range of dates ends before it begins")
    return first, last


def _one_date(text: str) -> tuple[int, int]:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("write a date as 2023-12-28, 2023-12, 2023, or a range 2023-10/2023-12")
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    if not 1900 <= year <= 2200:
        raise ValueError("the year lies outside 1900 to 2200")
    if month is not None and not 1 <= month <= 12:
        raise ValueError("there is no such month; dates are year-month-day")
    first_month, last_month = (month, month) if month else (1, 12)
    last_day = calendar.monthrange(year, last_month)[1]
    if day is not None and not 1 <= day <= last_day:
        raise ValueError("that month has no such day; dates are year-month-day")
    start = dt.date(year, first_month, day or 1)
    end = dt.date(year, last_month, day or last_day)
    return start.toordinal(), end.toordinal()


def parse_interval(text: str) -> tuple[float, float]:
    """Shortest and longest time in days that a spoken interval can mean.

    "Two months" is a rounded figure: it stands for one and a half to two and a half.

    The text is ``2 months``, ``3 weeks``, ``10 d``, or ISO 8601 ``P2M``.

    Raises ValueError if it is not an interval.
    """
    clean = text.strip()
    match = _ISO.fullmatch(clean) or _WORDS.fullmatch(clean.lower())
    if match is None:
        raise ValueError("write an interval as '2 months', '3 weeks', '10 days' or P2M")
    amount, unit = float(match.group(1)), match.group(2)[0].lower()
    width = DAYS_PER_UNIT[unit]
    slack = 0.0 if unit == "d" else width / 2
    return max(0.0, amount * width - slack), amount * width + slack


def date_text(ordinal: float) -> str:
    """An ordinal as an ISO date."""
    first, last = dt.date.min.toordinal(), dt.date.max.toordinal()
    return dt.date.fromordinal(min(max(round(ordinal), first), last)).isoformat()


def span_text(days: float) -> str:
    """Days in the unit a reader would use: ``12 days``, ``7 weeks``, ``22 months``."""
    whole = abs(days)
    if whole < 21:
        unit, amount = "d", round(whole)
    elif whole < 75:
        unit, amount = "w", round(whole / 7)
    else:
        unit, amount = "m", round(whole / DAYS_PER_UNIT["m"])
    return f"{amount} {UNIT_NAMES[unit]}{'' if amount == 1 else 's'}"


Basis = Literal["day", "calendar range", "interval", "order"]


class SaidTime(Record):
    """One statement in words: what it says of ``entry``, and who says so."""

    entry: str
    text: str
    source: str = ""


class TimeConflict(Record):
    """A statement on time, set aside as those ``against`` it together exclude it.

    The interval as stated, and what the others allow, are in days from ``counted_from`` to the entry; the gap
    is how far apart the two are at least. From the entries of ``would_hold_from`` it could be counted without
    contradiction. In an open reading the statement was taken, and only another reading of it is excluded.
    """

    statement: SaidTime
    counted_from: str
    against: tuple[SaidTime, ...]
    stated_low_days: float
    stated_high_days: float
    allowed_low_days: float | None
    allowed_high_days: float | None
    gap_days: float
    would_hold_from: tuple[str, ...] = ()
    open_reading: bool = False


class Placement(Record):
    """Where an entry lies in time, in days (ordinals of the calendar, or relative days).

    From ``earliest`` to ``latest`` all accepted statements allow it; it is drawn inside, in the stated order
    with all others. Where nothing bounds a side the window is open there and ends at the drawn day.
    Statements set aside would have put it ``elsewhere``.
    """

    entry: str
    earliest: int
    latest: int
    drawn: int
    open_before: bool = False
    open_after: bool = False
    basis: Basis
    said: tuple[SaidTime, ...]
    elsewhere: tuple[tuple[int, int, str], ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the day itself is known."""
        return self.earliest == self.latest and not (self.open_before or self.open_after)


class Schedule(Record):
    """All placements of a case on one clock, and the statements that contradict."""

    clock: Literal["calendar", "relative"]
    placements: tuple[Placement, ...]
    conflicts: tuple[TimeConflict, ...]

    def at(self, entry: str) -> Placement:
        """The placement of an entry (``id`` or ``id.stop``)."""
        return next(placement for placement in self.placements if placement.entry == entry)

    def has(self, entry: str) -> bool:
        """Whether an entry is placed."""
        return any(placement.entry == entry for placement in self.placements)

    def label(self, day: float) -> str:
        """A day as this clock writes it."""
        return date_text(day) if self.clock == "calendar" else f"day {round(day)}"

    def window(self, entry: str) -> str:
        """E.g. ``2023-12-28``, ``2021-07-01 to 2021-07-31``."""
        place = self.at(entry)
        if place.exact:
            return self.label(place.earliest)
        if place.open_after or place.open_before:
            side = "after" if place.open_after else "before"
            return f"{side} {self.label(place.earliest if place.open_after else place.latest)}"
        return f"{self.label(place.earliest)} to {self.label(place.latest)}"

    def point(self, entry: str) -> TimePoint:
        """The drawn day as measurements carry it, marked approximate where the day is not known."""
        place = self.at(entry)
        words = "" if place.exact else self.window(entry)
        if self.clock == "calendar":
            date = dt.date.fromordinal(place.drawn)
            return TimePoint(date=date, approximate=not place.exact, as_reported=words)
        return TimePoint(day=place.drawn, approximate=not place.exact, as_reported=words)

    def onset(self, case: Case) -> Placement:
        """Where the diagnosis lies, else the first entry: what relative days and ages count from."""
        diagnosis = next((event.id for event in case.events if event.kind == "diagnosis"), None)
        return self.at(diagnosis) if diagnosis else min(self.placements, key=lambda place: place.drawn)
