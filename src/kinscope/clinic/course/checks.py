"""What in a case cannot be, is hard to believe, or is left open where it matters.

Every rule is general: it knows nothing of any one case. What it finds is listed; nothing is corrected.
"""

from __future__ import annotations

from collections.abc import Iterator

from kinscope.clinic.case.model import Case, CaseMeasurement, Entry, StatedResponse, Treatment
from kinscope.clinic.case.schedule import (
    DAYS_PER_UNIT,
    SaidTime,
    Schedule,
    TimeConflict,
    parse_date,
    span_text,
)
from kinscope.clinic.course.result import CaseResult, Comparison, Inconsistency, found

LONGEST_UNTREATED_DAYS = 90
"""An overt relapse of acute leukaemia is treated within days to weeks; three months is generous."""
RELAPSES = frozenset({"relapse", "extramedullary relapse", "refractory"})
ORDER = {"contradiction": 0, "implausible": 1, "open": 2}


def check_case(result: CaseResult) -> tuple[Inconsistency, ...]:
    """Everything the general checks find, gravest first, then by time."""
    from kinscope.clinic.course.checks_values import check_values

    case, schedule = result.case, result.schedule
    found = [
        *_time_conflicts(case, schedule),
        *_untreated(result),
        *_treatments(case, schedule),
        *_stated(result),
        *_after_death(case, schedule),
        *check_values(result),
    ]
    return tuple(sorted(found, key=lambda item: (ORDER[item.severity], _day(item, schedule))))


def _day(item: Inconsistency, schedule: Schedule) -> int:
    days = [schedule.at(entry).drawn for entry in item.entries if schedule.has(entry)]
    return min(days, default=0)


def name_of(case: Case, entry: str) -> str:
    """An entry as a reader knows it: ``blasts 89 %``, ``Imatinib alone``, ``stated CMR``."""
    from kinscope.clinic.response.visits import statement_of

    base, _, part = entry.partition(".")
    own = next((own for own in case.entries() if own.id == base), None)
    if isinstance(own, Treatment):
        tail = {"": "start of ", "stop": "end of "}.get(part, f"dose {part.removeprefix('dose')} of ")
        return f"{tail}{own.title}"
    if isinstance(own, CaseMeasurement):
        return statement_of(own.finding)
    if isinstance(own, StatedResponse):
        return f"stated {own.category}"
    return str(getattr(own, "label", getattr(own, "term", entry)))


def _time_conflicts(case: Case, schedule: Schedule) -> Iterator[Inconsistency]:
    for conflict in schedule.conflicts:
        entry = conflict.statement.entry
        others = tuple(dict.fromkeys(said.entry for said in conflict.against))
        sources = [conflict.statement.source, *(said.source for said in conflict.against)]
        yield Inconsistency(
            rule="times that cannot all be true",
            severity="open" if conflict.open_reading else "contradiction",
            title=_conflict_title(case, conflict),
            detail=_conflict_detail(case, conflict, schedule),
            entries=tuple(dict.fromkeys((entry, *others))),
            sources=tuple(dict.fromkeys(source for source in sources if source)),
        )


def _conflict_title(case: Case, conflict: TimeConflict) -> str:
    apart = f"at least {span_text(conflict.gap_days)}"
    name = name_of(case, conflict.statement.entry)
    if conflict.open_reading:
        return (
            f"{name}: what the interval is counted from decides whether it can hold ({apart} apart otherwise)"
        )
    if conflict.statement.text.startswith("at least "):
        began = name_of(case, conflict.counted_from)
        return f"{began}: the time it is stated to have lasted does not fit before {name} ({apart} too long)"
    return f"{name}: the times stated for it are {apart} apart"


def _conflict_detail(case: Case, conflict: TimeConflict, schedule: Schedule) -> str:
    said = conflict.statement
    if said.text.startswith("at least "):
        lasted = said.text.removeprefix("at least ").split(" after ")[0]
        began, ended = name_of(case, conflict.counted_from), name_of(case, said.entry)
        text = f"{_source(said)} lets {began} last {lasted}, and nothing was seen after {ended}. "
    else:
        text = f"{_source(said)} puts {name_of(case, said.entry)} {_in_words(case, said, schedule)}. "
    against = "; ".join(
        f"{_source(other)} puts {name_of(case, other.entry)} {_in_words(case, other, schedule)}"
        for other in conflict.against
    )
    text += f"That cannot be true together with: {against}. " if against else ""
    text += _allowed(case, conflict, schedule)
    if conflict.would_hold_from:
        names = " or ".join(
            f"{name_of(case, entry)} ({schedule.window(entry)})" for entry in conflict.would_hold_from
        )
        text += f" Counted from {names} it would hold."
    return text


def _allowed(case: Case, conflict: TimeConflict, schedule: Schedule) -> str:
    low, high = conflict.allowed_low_days, conflict.allowed_high_days
    if conflict.counted_from == "the calendar":
        first = schedule.label(low) if low is not None else "any time"
        last = schedule.label(high) if high is not None else "any time"
        return f"The other statements allow {first} to {last}."
    least = "nothing" if low is None else span_text(max(low, 0.0))
    most = "any time" if high is None else span_text(high)
    return f"The other statements allow {least} to {most} after {name_of(case, conflict.counted_from)}."


def _source(said: SaidTime) -> str:
    return f"‘{said.source}’" if said.source else "The case"


def _in_words(case: Case, said: SaidTime, schedule: Schedule) -> str:
    """The statement with names of entries instead of their ids."""
    words = [name_of(case, word) if schedule.has(word) else word for word in said.text.split(" ")]
    return " ".join(words if words[0] in ("at", "after", "before") else ["at", *words])


def _untreated(result: CaseResult) -> Iterator[Inconsistency]:
    """A relapse, and the next line of therapy only months later."""
    case, schedule = result.case, result.schedule
    starts = {line.line: line.start.days for line in result.lines if line.start}
    for line in result.lines:
        active = [call for call in line.calls if call.category in RELAPSES]
        after = [(day, number) for number, day in starts.items() if number > line.line]
        if not active or not after:
            continue
        first = min(active, key=lambda call: call.at.days)
        here = [m for m in case.measurements if schedule.at(m.id).drawn == first.at.days]
        evidence = sorted(here, key=lambda m: m.finding.kind != "blasts")[:1]  # what the call rests on
        members = [treatment for treatment in case.treatments if treatment.line == min(after)[1]]
        following = min(members, key=lambda member: schedule.at(member.id).drawn)
        last = max((schedule.at(entry.id).latest for entry in evidence), default=first.at.days)
        low = schedule.at(following.id).earliest - last
        if low <= LONGEST_UNTREATED_DAYS:
            continue
        when = schedule.window(evidence[0].id) if evidence else first.at.label()
        yield found(
            "relapse left untreated",
            (*evidence, following),
            gap=span_text(low),
            call=first,
            statement=f"{first.statement[:1].upper()}{first.statement[1:]}",
            when=when,
            following=following,
            window=schedule.window(following.id),
        )


def _treatments(case: Case, schedule: Schedule) -> Iterator[Inconsistency]:
    """Ends that were not stated, and lines that run into each other."""
    lines = sorted({treatment.line for treatment in case.treatments})
    unknown = [
        treatment
        for treatment in case.treatments
        if not treatment.stop and any(line > treatment.line for line in lines)
    ]
    if unknown:
        titles = ", ".join(treatment.title for treatment in unknown)
        yield found("end of treatment not stated", unknown, treatments=titles)
    for treatment in case.treatments:
        if not treatment.stop:
            continue
        for other in case.treatments:
            if other.line <= treatment.line:
                continue
            overlap = schedule.at(f"{treatment.id}.stop").earliest - schedule.at(other.id).latest
            if overlap > 0:
                ends = {"end": schedule.window(f"{treatment.id}.stop"), "begin": schedule.window(other.id)}
                yield found(
                    "lines of therapy overlap", (treatment, other), overlap=span_text(overlap), **ends
                )


def _stated(result: CaseResult) -> Iterator[Inconsistency]:
    """Stated responses that the measurements contradict or cannot confirm; equal ones together."""
    groups: dict[tuple[str, str, str, str], list[Comparison]] = {}
    for comparison in result.comparisons:
        if comparison.agreement not in ("agrees", "not computable"):
            key = (comparison.stated, comparison.computed, comparison.agreement, comparison.reason)
            groups.setdefault(key, []).append(comparison)
    for (stated, computed, agreement, reason), group in groups.items():
        times = f" ({len(group)} times)" if len(group) > 1 else ""
        differs = agreement == "differs"
        yield Inconsistency(
            rule="response stated against measured",
            severity="contradiction" if differs else "open",
            title=f"Stated {stated}{times}, but the measurements give {computed}"
            if differs
            else f"Stated {stated}{times}; the measurements carry only {computed}",
            detail=f"{reason[:1].upper()}{reason[1:]}.",
            entries=tuple(comparison.entry for comparison in group),
            sources=tuple(dict.fromkeys(c.source for c in group if c.source)),
        )


def _after_death(case: Case, schedule: Schedule) -> Iterator[Inconsistency]:
    deaths = [event.id for event in case.events if event.kind == "death"]
    deaths += [toxicity.id for toxicity in case.toxicities if toxicity.ctcae_grade == 5]
    last = min((schedule.at(name).latest for name in deaths), default=None)
    if last is None:
        return
    clinical: tuple[Entry, ...] = (*case.treatments, *case.measurements, *case.responses)
    late = [entry for entry in clinical if schedule.at(entry.id).earliest > last]
    if late:
        told = "; ".join(f"{name_of(case, entry.id)}, {schedule.window(entry.id)}" for entry in late[:6])
        yield found("entries after death", late, count=len(late), late=told)


def check_age(case: Case, schedule: Schedule) -> tuple[Inconsistency, ...]:
    """An age that the birth date contradicts; for the case as read, which still has the birth date.

    Nothing of the birth date but the age enters the finding, and no entry is named.
    """
    subject = case.subject
    if not subject.birth_date or subject.age_years is None or schedule.clock != "calendar":
        return ()
    first, last = parse_date(subject.birth_date)
    place, year = schedule.onset(case), DAYS_PER_UNIT["y"]
    lowest, highest = (place.earliest - last) / year, (place.latest - first) / year
    if lowest - 1 < subject.age_years < highest + 1:
        return ()
    ages = {"stated": subject.age_years, "lowest": int(lowest), "highest": int(highest)}
    return (found("age and birth date", (), **ages),)
