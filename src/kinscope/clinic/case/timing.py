"""When everything was, from all that was said about it; and what of that cannot all be true.

Calendar dates are taken first, then statements of order, then intervals ("two months later"), each in the
order of the file. A statement that cannot hold together with those already taken is set aside and reported
with the chain that excludes it; it is neither dropped in silence nor averaged in.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from kinscope.clinic.case.model import (
    Case,
    CaseEvent,
    CaseMeasurement,
    StatedResponse,
    TimeStatement,
    Toxicity,
    Treatment,
)
from kinscope.clinic.case.schedule import (
    Basis,
    Placement,
    SaidTime,
    Schedule,
    TimeConflict,
    parse_date,
    parse_interval,
)
from kinscope.core.errors import BadInputError

FAR = 1e7
"""Days; stands for no bound. Sums of a few hundred of these stay exact in double precision."""
TOLERANCE_DAYS = 1e-6


@dataclass(frozen=True)
class Bound:
    """``low <= t[j] - t[i] <= high`` in days, and the number of the statement that says so."""

    i: int
    j: int
    low: float
    high: float
    statement: int


class Network:
    """Times 0..n-1 (0 is the calendar's origin) with the tightest bounds known so far.

    The shortest paths of the graph of bounds are the tightest that follow, and a statement contradicts the
    others exactly if it closes a cycle of negative length (Dechter R et al. Artif Intell 1991;49:61-95).

    ``size``: number of times, origin included.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._far: npt.NDArray[np.float64] = np.full((size, size), FAR)
        np.fill_diagonal(self._far, 0.0)
        self._bounds: list[Bound] = []

    def between(self, i: int, j: int) -> tuple[float, float]:
        """Least and greatest ``t[j] - t[i]`` in days that all bounds allow; +-``FAR`` where open."""
        return -float(self._far[j, i]), float(self._far[i, j])

    def allows(self, bound: Bound) -> bool:
        """Whether a bound can hold together with those already taken."""
        low, high = self.between(bound.i, bound.j)
        return bound.low <= high + TOLERANCE_DAYS and bound.high >= low - TOLERANCE_DAYS

    def add(self, bound: Bound) -> bool:
        """Take a bound if it can hold together with the others; say whether it was taken."""
        if not self.allows(bound):
            return False
        self._tighten(bound.i, bound.j, bound.high)
        self._tighten(bound.j, bound.i, -bound.low)
        self._bounds.append(bound)
        return True

    def _tighten(self, i: int, j: int, weight: float) -> None:
        if weight >= FAR / 2 or weight >= self._far[i, j]:
            return
        through = self._far[:, i, None] + weight + self._far[None, j, :]
        np.minimum(self._far, through, out=self._far)

    def against(self, bound: Bound) -> tuple[int, ...]:
        """The statements that together exclude a bound which is not allowed, in the order of the chain.

        Bellman-Ford over the single bounds gives the path whose length the bound contradicts.
        """
        late = bound.low > self.between(bound.i, bound.j)[1] + TOLERANCE_DAYS
        return self._path(bound.i, bound.j) if late else self._path(bound.j, bound.i)

    def _path(self, start: int, end: int) -> tuple[int, ...]:
        edges = [(b.i, b.j, b.high, b.statement) for b in self._bounds]
        edges += [(b.j, b.i, -b.low, b.statement) for b in self._bounds]
        edges = [edge for edge in edges if abs(edge[2]) < FAR / 2]
        distance = [float("inf")] * self._size
        came: list[tuple[int, int] | None] = [None] * self._size
        distance[start] = 0.0
        for _ in range(self._size):
            changed = False
            for i, j, weight, statement in edges:
                if distance[i] + weight < distance[j] - TOLERANCE_DAYS:
                    distance[j], came[j], changed = distance[i] + weight, (i, statement), True
            if not changed:
                break
        chain: list[int] = []
        at = end
        while at != start and len(chain) <= self._size:
            step = came[at]
            if step is None:
                break
            at = step[0]
            chain.append(step[1])
        return tuple(dict.fromkeys(reversed(chain)))


WIDE_DAYS = 45.0
"""Windows wider than this are spread by order; narrower ones are the source's own precision."""
LARGEST_STEP_DAYS = 30.0


def schedule_case(case: Case) -> Schedule:
    """Place every entry of a case in time.

    Raises BadInputError if calendar dates and relative days are mixed, or nothing says when an entry was.
    """
    statements = list(_all_statements(case))
    clock = _clock_of(statements)
    names = ["", *dict.fromkeys(entry for entry, _, _ in statements)]
    network = Network(len(names))
    index = {name: number for number, name in enumerate(names)}
    conflicts: list[TimeConflict] = []
    elsewhere: dict[str, list[tuple[int, int, str]]] = {}
    ordered = sorted(range(len(statements)), key=lambda number: (_rank(statements[number][1]), number))
    for number in ordered:
        entry, statement, _ = statements[number]
        bound = _bound(number, entry, statement, index)
        if network.add(bound):
            continue
        conflict = _conflict(network, bound, statements, names)
        conflicts.append(conflict)
        low, high = network.between(0, bound.i)
        first, last = round(low + bound.low), round(high + min(bound.high, 4000.0))
        if statement.after and abs(first) < FAR / 10:
            elsewhere.setdefault(entry, []).append((first, last, statement.source))
    conflicts += _open_readings(network, statements, index, names)
    _check_placed(network, names, case)
    drawn = _spread(network, statements, index)
    placements = [
        _placement(number, name, network, drawn, statements, tuple(elsewhere.get(name, ())))
        for number, name in enumerate(names)
        if name
    ]
    return Schedule(clock=clock, placements=tuple(placements), conflicts=tuple(conflicts))


def _check_placed(network: Network, names: list[str], case: Case) -> None:
    """Refuse an entry that no accepted statement ties to the clock: it could be drawn anywhere."""
    for number, name in enumerate(names):
        low, high = network.between(0, number)
        if low <= -FAR / 2 and high >= FAR / 2:
            raise BadInputError(
                "Nothing that holds says when this entry was.",
                where=case.place_of(name),
                remedy="Give it a date, or a time after or before an entry that has one.",
            )


Said = tuple[str, TimeStatement, bool]
"""The entry, a statement on it, and whether the statement is ours (a stop is not before its start)."""


def _all_statements(case: Case) -> Iterator[Said]:
    timed: tuple[CaseEvent | CaseMeasurement | StatedResponse | Toxicity, ...]
    timed = (*case.events, *case.measurements, *case.responses, *case.toxicities)
    stopped: tuple[Treatment | Toxicity, ...] = (*case.treatments, *case.toxicities)
    for entry in timed:
        yield from ((entry.id, statement, False) for statement in entry.when)
    for treatment in case.treatments:
        yield from ((treatment.id, statement, False) for statement in treatment.start)
    for one in stopped:
        if one.stop:
            yield from ((f"{one.id}.stop", statement, False) for statement in one.stop)
            yield f"{one.id}.stop", TimeStatement(after=one.id), True
    for treatment in case.treatments:
        for number, dose in enumerate(treatment.doses, start=1):
            yield from ((f"{treatment.id}.dose{number}", statement, False) for statement in dose.when)
    for extra in case.times:
        yield from ((extra.of, statement, False) for statement in extra.when)
    for response in case.responses:
        if response.lasted:
            end = response.lasted_until or case.last_possible
            if end:
                lasted = TimeStatement(
                    after=response.id, interval=response.lasted, at_least=True, source=response.source
                )
                yield end, lasted, False
    if case.last_possible:
        for name in (e.id for e in (*case.events, *case.measurements, *case.responses)):
            if name != case.last_possible:
                yield name, TimeStatement(before=case.last_possible), True


def _clock_of(statements: list[Said]) -> Literal["calendar", "relative"]:
    dates = any(statement.date for _, statement, _ in statements)
    days = any(statement.day is not None for _, statement, _ in statements)
    if dates and days:
        raise BadInputError(
            "The case mixes calendar dates and relative days.",
            where="the case file",
            remedy="Write every time as a date, or every time as 'day N'.",
        )
    if not dates and not days:
        raise BadInputError(
            "No entry of the case has a date or a day, so nothing can be put on a timeline.",
            where="the case file",
            remedy="Give at least one entry a date; 'day 0' for the first will do.",
        )
    return "calendar" if dates else "relative"


def _rank(statement: TimeStatement) -> int:
    if statement.date or statement.day is not None:
        return 0
    return 2 if statement.interval else 1


def _bound(number: int, entry: str, statement: TimeStatement, index: dict[str, int]) -> Bound:
    here = index[entry]
    if statement.date:
        first, last = parse_date(statement.date)
        return Bound(0, here, first, last, number)
    if statement.day is not None:
        last_day = statement.last_day if statement.last_day is not None else statement.day
        return Bound(0, here, statement.day, last_day, number)
    if statement.same_as:
        return Bound(index[statement.same_as], here, 0, 0, number)
    low, high = parse_interval(statement.interval) if statement.interval else (0.0, FAR)
    if statement.at_least:
        high = FAR
    if statement.after:
        return Bound(index[statement.after], here, low, high, number)
    assert statement.before is not None
    return Bound(here, index[statement.before], low, high, number)


def _said(entry: str, statement: TimeStatement) -> SaidTime:
    if statement.date:
        text = statement.date.replace("/", " to ")
    elif statement.day is not None:
        last = statement.last_day
        text = f"day {statement.day}" + (
            f" to day {last}" if last is not None and last != statement.day else ""
        )
    elif statement.same_as:
        text = f"at the same time as {statement.same_as}"
    else:
        other = f"after {statement.after}" if statement.after else f"before {statement.before}"
        least = "at least " if statement.at_least else ""
        text = f"{least}{statement.interval} {other}".strip()
    if statement.words:
        text += f" (“{statement.words}”)"
    return SaidTime(entry=entry, text=text, source=statement.source)


def _conflict(network: Network, bound: Bound, statements: list[Said], names: list[str]) -> TimeConflict:
    entry, statement, _ = statements[bound.statement]
    low, high = network.between(bound.i, bound.j)
    gap = max(bound.low - high, low - bound.high)
    against = [statements[number] for number in network.against(bound)]
    holds = []
    for other in statement.or_after:
        number = names.index(other)
        if network.allows(Bound(number, bound.j, bound.low, bound.high, bound.statement)):
            holds.append(other)
    return TimeConflict(
        statement=_said(entry, statement),
        counted_from=names[bound.i] or "the calendar",
        against=tuple(_said(who, what) for who, what, ours in against if not ours),
        stated_low_days=round(bound.low, 1),
        stated_high_days=round(bound.high, 1),
        allowed_low_days=round(low, 1) if low > -FAR / 2 else None,
        allowed_high_days=round(high, 1) if high < FAR / 2 else None,
        gap_days=round(gap, 1),
        would_hold_from=tuple(holds),
    )


def _open_readings(
    network: Network, statements: list[Said], index: dict[str, int], names: list[str]
) -> list[TimeConflict]:
    """Readings of an accepted interval ("3 months later", but than what?) that would contradict."""
    found = []
    for number, (entry, statement, _) in enumerate(statements):
        bound = _bound(number, entry, statement, index)
        if not statement.or_after or not network.allows(bound):
            continue
        for other in statement.or_after:
            reading = statement.model_copy(update={"after": other, "or_after": (statement.after,)})
            other_bound = Bound(index[other], bound.j, bound.low, bound.high, number)
            if not network.allows(other_bound):
                patched = list(statements)
                patched[number] = (entry, reading, False)
                conflict = _conflict(network, other_bound, patched, names)
                found.append(conflict.model_copy(update={"open_reading": True}))
    return found


def _spread(network: Network, statements: list[Said], index: dict[str, int]) -> list[int]:
    """A consistent day for each time: middles of the windows, with order-only chains spread out.

    The middles satisfy every bound (their differences are means of two allowed ones). The largest step, up
    to 30 days, that all order-only statements inside wide windows can share is found by bisection.
    """
    wide = []
    for number, (entry, statement, _) in enumerate(statements):
        if _rank(statement) == 1 and not statement.same_as:
            bound = _bound(number, entry, statement, index)
            widths = [network.between(0, at)[1] - network.between(0, at)[0] for at in (bound.i, bound.j)]
            if max(widths) > WIDE_DAYS and network.allows(bound):
                wide.append(bound)
    best, low, high = network, 0.0, LARGEST_STEP_DAYS
    for _ in range(6 if wide else 0):
        step = (low + high) / 2
        trial = deepcopy(network)
        if all(trial.add(Bound(b.i, b.j, step, b.high, b.statement)) for b in wide):
            best, low = trial, step
        else:
            high = step
    days = [0]
    for at in range(1, len(index)):
        known = [end for end in best.between(0, at) if abs(end) < FAR / 2]
        days.append(round(sum(known) / len(known)) if known else 0)
    return days


def _placement(
    number: int,
    name: str,
    network: Network,
    drawn: list[int],
    statements: list[Said],
    elsewhere: tuple[tuple[int, int, str], ...],
) -> Placement:
    low, high = network.between(0, number)
    day = drawn[number]
    own = [(entry, statement) for entry, statement, ours in statements if entry == name and not ours]
    anchored = own
    for _ in range(len(statements)):  # what happened at the same time as another entry has its basis
        twins = {statement.same_as for _, statement in anchored if statement.same_as}
        if not twins or len(twins) < len(anchored):
            break
        anchored = [(entry, said) for entry, said, ours in statements if entry in twins and not ours]
    if any(statement.date or statement.day is not None for _, statement in anchored):
        basis: Basis = "day" if low == high else "calendar range"
    else:
        basis = "interval" if any(statement.interval for _, statement in anchored) else "order"
    return Placement(
        entry=name,
        earliest=round(low) if low > -FAR / 2 else day,
        latest=round(high) if high < FAR / 2 else day,
        open_before=low <= -FAR / 2,
        open_after=high >= FAR / 2,
        drawn=day,
        basis=basis,
        said=tuple(_said(entry, statement) for entry, statement in own),
        elsewhere=elsewhere,
    )
