"""The course as lanes of marks: what is drawn, before any drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from kinscope.clinic.case.model import Agent, Toxicity, Treatment
from kinscope.clinic.case.terms import find_drug
from kinscope.clinic.course.checks import name_of
from kinscope.clinic.course.compute import line_starts, placed_findings
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.measurements import BlastPercent, TimePoint, TranscriptLevel
from kinscope.clinic.response.context import AT_LEAST, count_in
from kinscope.clinic.response.model import Axis, ResponseCall
from kinscope.clinic.response.molecular import depth_log_of
from kinscope.clinic.response.visits import statement_of
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


Look = dict[str, object]

MARGIN = 0.025
GUIDES = {"ph-all": 0.01, "cml": 0.1, "other": None}
"""The level that the definitions of response turn on: 10^-4 in Ph+ ALL, a major response in CML."""
PLACES = {"cerebrospinal fluid": " CSF", "peripheral blood": " blood", "other": " elsewhere"}
"""Added to a blast percentage that is not the marrow's."""
LOG_FLOOR, LOG_TOP = -4.0, 2.0
"""Decades of per cent on the transcript axis: 0.0001 % to 100 %."""


class Drawing(Record):
    """Everything the timeline shows, on the schedule's clock; ``lines`` are first days with their titles."""

    clock: Literal["calendar", "relative"]
    first_day: int
    last_day: int
    lanes: tuple[Lane, ...]
    lines: tuple[tuple[int, str], ...]


def draw_course(result: CaseResult) -> Drawing:
    """The lanes of a computed case, empty ones left out."""
    days = [
        day for place in result.schedule.placements for day in (place.earliest, place.latest, place.drawn)
    ]
    shown = [place.drawn for place in result.schedule.placements if _clinical(result, place.entry)]
    first, last = min(shown or days), max(shown or days)
    margin = max(7, round((last - first) * MARGIN))
    guide = GUIDES[result.case.disease]
    level = {"guide": guide, "guide_label": "" if guide is None else f"{guide:g} %"}
    lanes = (
        *treatment_lanes(result, last),
        lane("blasts", _measured(result, "blasts", _blasts)),
        lane("transcript", _measured(result, "transcript", _level), **level),
        *call_lanes(result),
        stated_lane(result),
        lane("mutations", _mutations(result)),
        testing_lane(result),
        lane("toxicity", _toxicities(result)),
        lane("events", _events(result)),
        lane("setaside", _set_aside(result)),
    )
    starts = line_starts(result.case, result.schedule)
    return Drawing(
        clock=result.schedule.clock,
        first_day=first - margin,
        last_day=last + 2 * margin,
        lanes=tuple(lane for lane in lanes if lane.marks),
        lines=tuple((day, f"line {number}") for number, day in starts.items()),
    )


def _clinical(result: CaseResult, entry: str) -> bool:
    publications = {event.id for event in result.case.events if event.kind == "publication"}
    return entry.split(".")[0] not in publications


def _measured(result: CaseResult, kind: str, look: Callable[[Any], Look]) -> Iterator[Mark]:
    """A mark for each measurement of a kind, oldest first, as it is to ``look``."""
    entries = {entry.id: entry for entry in result.case.measurements}
    for name, finding in placed_findings(result.case, result.schedule):
        if finding.kind == kind:
            source = source_words(result, entries[name].source)
            tip = (statement_of(finding), when_words(result, name), finding.note, source)
            yield mark_at(result, name, tip, **look(finding))


def _blasts(blasts: BlastPercent) -> Look:
    label = f"{blasts.percent:g} %{PLACES.get(blasts.material, '')}"
    css = "bad" if blasts.percent >= 5 else "good"
    return {"shape": "point", "css": css, "value": blasts.percent, "label": label}


def _level(level: TranscriptLevel) -> Look:
    """A level, an upper limit at the sample's depth, or a mark below the axis where no depth is known."""
    if level.detected and level.percent:
        named = level.control_gene != "not stated"
        gene = "IS" if level.on_international_scale else f"/{level.control_gene if named else '?'}"
        look: Look = {"shape": "point", "css": "level" if named else "open", "value": level.percent}
        interval = {"low": level.low_percent, "high": level.high_percent}
        return look | interval | {"label": f"{level.percent:g} % {gene}"}
    if level.detected:
        return {"shape": "above", "css": "open", "label": "detected, no level"}
    depth = depth_log_of(level)
    if depth is None:
        return {"shape": "below", "css": "good", "label": "not detected"}
    limit = 100 * 10**-depth
    return {"shape": "limit", "css": "good", "value": limit, "label": f"< {limit:.2g} %"}


def _mutations(result: CaseResult) -> Iterator[Mark]:
    found = {variant.entry: variant.short or "cannot be read" for variant in result.variants}
    for mark in _measured(result, "mutation", lambda _: {"css": "neutral", "label": "none found"}):
        known = {"css": "bad found", "label": found.get(mark.entry, "")}
        yield mark.model_copy(update=known) if mark.entry in found else mark


def _toxicities(result: CaseResult) -> Iterator[Mark]:
    for toxicity in result.case.toxicities:
        grade = f"G{toxicity.ctcae_grade} " if toxicity.ctcae_grade else ""
        words = f"CTCAE grade {toxicity.ctcae_grade}" if toxicity.ctcae_grade else "no CTCAE grade given"
        if toxicity.severity != "not stated":
            words += f"; called {toxicity.severity}"
        drug, source = drug_of(result, toxicity), source_words(result, toxicity.source)
        under = f"Under {drug}" if drug else ""
        tip = (toxicity.term, when_words(result, toxicity.id), words, under, toxicity.action, source)
        css = f"grade-{toxicity.ctcae_grade or 0}"
        yield mark_at(result, toxicity.id, tip, css=css, label=f"{grade}{toxicity.term}")


def drug_of(result: CaseResult, toxicity: Toxicity) -> str:
    """What a toxicity came under, in words; empty where that is not said."""
    named = toxicity.treatment
    return name_of(result.case, named).removeprefix("start of ") if named else ""


def _events(result: CaseResult) -> Iterator[Mark]:
    for event in result.case.events:
        if event.kind != "publication":
            tip = (event.label, when_words(result, event.id), source_words(result, event.source))
            label = event.label if len(event.label) <= 26 else event.label[:25].rstrip() + "…"
            yield mark_at(result, event.id, tip, css="neutral event", label=label)


def _set_aside(result: CaseResult) -> Iterator[Mark]:
    """Where statements that contradict the others would have put an entry."""
    for place in result.schedule.placements:
        if not _clinical(result, place.entry):
            continue
        name = name_of(result.case, place.entry)
        for first, last, source in place.elsewhere:
            tip = (
                f"{name}: the time that was set aside",
                f"{result.schedule.label(first)} to {result.schedule.label(last)}",
                f"Drawn instead: {result.schedule.window(place.entry)}",
                source_words(result, source),
            )
            label = f"{name}, if ‘{source}’ is right" if source else name
            span = {"day": first, "first": first, "last": last, "end": last}
            yield mark_at(result, place.entry, tip, shape="bar", css="ghost", label=label, **span)


BLOCK_KINDS = ("chemotherapy", "steroid")


def treatment_lanes(result: CaseResult, last_day: int) -> list[Lane]:
    """Lanes in the order in which their drugs were first given."""
    blocks: list[Mark] = []
    drugs: dict[str, list[Mark]] = {}
    for treatment in sorted(result.case.treatments, key=lambda t: (result.schedule.at(t.id).drawn, t.line)):
        mixed = _is_block(treatment)
        if mixed:
            blocks.append(_bar(result, treatment, last_day, treatment.title, "block"))
        for agent in treatment.agents:
            name, kind = _known(agent)
            if kind == "kinase inhibitor" or (not mixed and kind not in BLOCK_KINDS):
                drugs.setdefault(name, []).extend(_agent_bars(result, treatment, agent, last_day, mixed))
    lanes = [lane("blocks", blocks)]
    for number, (name, marks) in enumerate(drugs.items()):
        colour = f"drug-{number % 8}"
        coloured = (mark.model_copy(update={"css": f"{mark.css} {colour}".strip()}) for mark in marks)
        known, title = find_drug(name), name[:1].upper() + name[1:]
        own = {"key": f"drug-{number}", "title": title, "subtitle": known.kind if known else ""}
        lanes.append(lane("drug", coloured, **own))
    return lanes


def _known(agent: Agent) -> tuple[str, str]:
    known = find_drug(agent.drug)
    return (known.name, known.kind) if known else (agent.drug, "other")


def _is_block(treatment: Treatment) -> bool:
    """Chemotherapy with or without other agents; a steroid beside one targeted drug makes no block."""
    return any(_known(agent)[1] == "chemotherapy" for agent in treatment.agents) or all(
        _known(agent)[1] in BLOCK_KINDS for agent in treatment.agents
    )


def _end(result: CaseResult, treatment: Treatment, last_day: int) -> tuple[int, bool]:
    """The end that is drawn, and whether one was stated."""
    if treatment.stop:
        return result.schedule.at(f"{treatment.id}.stop").drawn, True
    later = [
        result.schedule.at(other.id).drawn for other in result.case.treatments if other.line > treatment.line
    ]
    return min(later, default=last_day), False


def _bar(result: CaseResult, treatment: Treatment, last_day: int, label: str, css: str) -> Mark:
    end, known = _end(result, treatment, last_day)
    agents = [f"{agent.drug} {_doses(agent)}".strip() for agent in treatment.agents]
    tip = (
        treatment.title,
        f"Start {result.schedule.window(treatment.id)}",
        f"End {result.schedule.window(f'{treatment.id}.stop')}" if known else "End not stated",
        "; ".join(agents),
        f"{treatment.cycles} cycles" if treatment.cycles else "",
        f"Ended: {treatment.stop_reason}" if treatment.stop_reason != "not stated" else "",
        treatment.note,
        source_words(result, treatment.source),
    )
    drawn = {"end": max(end, result.schedule.at(treatment.id).drawn), "end_known": known}
    return mark_at(result, treatment.id, tip, shape="bar", css=css, label=label, **drawn)


def _doses(agent: Agent) -> str:
    return " · ".join(dose.text for dose in agent.doses)


def _agent_bars(
    result: CaseResult, treatment: Treatment, agent: Agent, last_day: int, mixed: bool
) -> list[Mark]:
    """One bar, or one per dose where the time of a change is known."""
    whole = _bar(result, treatment, last_day, _label(treatment, agent, mixed), "with-block" if mixed else "")
    numbers = {id(dose): number for number, dose in enumerate(treatment.doses, start=1)}
    changes = [dose for dose in agent.doses if dose.when]
    if not changes:
        return [whole]
    bars = []
    before = [dose for dose in agent.doses if not dose.when]
    days = [result.schedule.at(f"{treatment.id}.dose{numbers[id(dose)]}").drawn for dose in changes]
    first_label = " · ".join(dose.text for dose in before) or "dose not stated"
    rest = _companions(treatment, agent)
    bars.append(whole.model_copy(update={"end": days[0], "label": first_label + rest, "end_known": True}))
    for index, dose in enumerate(changes):
        end = days[index + 1] if index + 1 < len(days) else whole.end
        reason = f": {dose.reason}" if dose.reason else ""
        lines = (*whole.tip, f"Dose {dose.text} from {result.schedule.label(days[index])}{reason}")
        known = whole.end_known or index + 1 < len(days)
        changed = {"end": end, "tip": lines, "label": dose.text, "end_known": known}
        at = dict.fromkeys(("day", "first", "last"), days[index])
        bars.append(whole.model_copy(update=changed | at))
    return bars


def _label(treatment: Treatment, agent: Agent, mixed: bool) -> str:
    cycles = f", {treatment.cycles} cycles" if treatment.cycles else ""
    doses = _doses(agent)
    if mixed:
        return doses
    return (doses or "dose not stated") + cycles + _companions(treatment, agent)


def _companions(treatment: Treatment, agent: Agent) -> str:
    others = [f"{other.drug} {_doses(other)}".strip() for other in treatment.agents if other is not agent]
    return f" + {', '.join(others)}" if others and len(others) < 3 else ""


def css_of(category: str, other: str = "neutral") -> str:
    """The class of a call: ``good``, ``bad``, or the ``other`` of what is neither."""
    return next((css for css in ("good", "bad") if category in LOOKS[css]), other)


def call_lanes(result: CaseResult) -> list[Lane]:
    """A lane per axis of the computed response."""
    told = [call for call in result.calls if call.evidence or call.category != "cannot be called"]
    return [
        lane(f"call-{axis.split()[0]}", (_call(call) for call in told if call.axis == axis))
        for axis in get_args(Axis)
    ]


def _call(call: ResponseCall) -> Mark:
    count = count_in(call.level)
    label = (
        "≥ " * (call.level == AT_LEAST)
        + LOOKS["short"].get(call.category, call.category)
        + f" {count}" * bool(count)
    )
    tip = (
        f"{call.category}{f' ({call.level})' if call.level else ''}",
        call.at.label(),
        call.statement,
        f"Criterion: {call.criterion.text} [{call.criterion.citation}]",
        f"Missing: {', '.join(call.missing)}" if call.missing else "",
    )
    return moment(call.at, tip, css=css_of(call.category), label=label)


def stated_lane(result: CaseResult) -> Lane:
    """What the centre stated, with a sign for how it agrees."""
    marks = []
    for comparison in result.comparisons:
        tip = (
            f"Stated: {comparison.stated}",
            when_words(result, comparison.entry),
            f"Computed: {comparison.computed} ({comparison.agreement})",
            comparison.reason,
            source_words(result, comparison.source),
        )
        look = LOOKS["agreements"][comparison.agreement]
        told = {"css": f"{look['chip']} stated", "label": f"{look['sign']} {comparison.stated}"}
        marks.append(mark_at(result, comparison.entry, tip, **told))
    return lane("stated", marks)


def testing_lane(result: CaseResult) -> Lane:
    """The moments at which a guideline asks for mutation testing."""
    marks = []
    for due in result.testing:
        done = "; ".join(used.statement for used in due.done)
        tip = (
            "Mutation testing due",
            due.at.label(),
            due.reason,
            f"{due.criterion.text} [{due.criterion.citation}]",
            f"Done: {done or 'not recorded'} (from {due.days_before} days before to {due.days_after} after)",
        )
        css, label = ("good", "done") if due.done else ("bad", "not done")
        marks.append(moment(due.at, tip, shape="due", css=css, label=label))
    return lane("testing", marks)
