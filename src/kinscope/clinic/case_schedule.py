"""Where the entries of a case lie in time, and which statements on it contradict: the records."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from kinscope.clinic.case_dates import date_text
from kinscope.clinic.measurements import TimePoint
from kinscope.core.records import Record

Basis = Literal["day", "calendar range", "interval", "order"]


class SaidTime(Record):
    """One statement in words: what it says of ``entry``, and who says so."""

    entry: str
    text: str
    source: str = ""


class TimeConflict(Record):
    """A statement on time that the others exclude.

    Attributes
    ----------
    statement
        The one set aside.
    against
        Those that together exclude it.
    stated_low_days, stated_high_days, allowed_low_days, allowed_high_days
        The interval as stated, and what the others allow, in days from ``counted_from`` to the entry.
    gap_days
        How far apart the two are at least.
    would_hold_from
        Other entries from which the interval could be counted without contradiction.
    open_reading
        The statement as entered was taken; only another reading of what it counts from is excluded.
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
    """Where an entry lies in time.

    Attributes
    ----------
    earliest, latest
        Days (ordinals of the calendar, or relative days) that all accepted statements allow.
    drawn
        The day it is drawn at: inside the window, and in the stated order with all others.
    basis
        What bounds it: a day, a month or range given as such, an interval from another entry, or only
        its order among others.
    elsewhere
        Windows that statements set aside would have put it in.
    open_before, open_after
        Nothing bounds the time on that side; the window then ends at the drawn day.
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
