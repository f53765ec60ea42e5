"""The course as lanes of marks: what is drawn, before any drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kinscope.clinic.case_checks import name_of
from kinscope.clinic.case_course import line_starts, placed_findings
from kinscope.clinic.response_visits import statement_of
from kinscope.clinic.timeline_marks import Lane, Mark, tip
from kinscope.clinic.timeline_treatments import treatment_lanes
from kinscope.core.records import Record

if TYPE_CHECKING:
    from kinscope.clinic.case_result import CaseResult
    from kinscope.clinic.measurements import Measurement, TranscriptLevel
    from kinscope.clinic.response_model import ResponseCall

MARGIN = 0.025
LOG_FLOOR, LOG_TOP = -4.0, 2.0
"""Decades of per cent on the transcript axis: 0.0001 % to 100 %."""
AXES = ("haematological", "flow MRD", "molecular", "cytogenetic", "milestone")
GOOD = frozenset(
    {"CR", "CRh", "CRi", "CHR", "MRD negative", "CMR", "MMR", "MR4", "MR4.5", "MR5", "CCyR", "optimal"}
)
BAD = frozenset(
    {
        "relapse", "extramedullary relapse", "loss of CHR", "refractory", "active disease", "molecular relapse",
        "MRD relapse", "loss of MMR", "loss of DMR", "loss of CCyR", "loss of CMR", "failure", "MRD progression",
        "blast phase", "progression", "no MMR", "no CyR",
    }
)  # fmt: skip
SHORT = {
    "active disease": "active", "MRD negative": "MRD −", "MRD positive": "MRD +", "molecular response": "mol. response",
    "molecular relapse": "mol. relapse", "extramedullary relapse": "EM relapse", "cannot be called": "?",
}  # fmt: skip


class Drawing(Record):
    """Everything the timeline shows.

    Attributes
    ----------
    first_day, last_day
        The span of the axis, on the schedule's clock.
    lines
        First day and title of each line of therapy.
    """

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
    lanes = (
        *treatment_lanes(result, last),
        _blasts(result),
        _transcripts(result),
        *_calls(result),
        _stated(result),
        _mutations(result),
        _testing(result),
        _toxicities(result),
        _events(result),
        _set_aside(result),
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
    base = entry.split(".")[0]
    publications = {event.id for event in result.case.events if event.kind == "publication"}
    return base not in publications


def _window(result: CaseResult, entry: str) -> tuple[int, int]:
    place = result.schedule.at(entry)
    return place.earliest, place.latest


def _source(result: CaseResult, key: str) -> str:
    text = next((source.text for source in result.case.sources if source.key == key), "")
    return f"Source: {text or key}" if key else ""


def _findings(result: CaseResult, kind: str) -> list[tuple[str, Measurement]]:
    placed = placed_findings(result.case, result.schedule)
    return [(entry, finding) for entry, finding in placed if finding.kind == kind]


def _measured(result: CaseResult, entry: str, finding: Measurement, **fields: object) -> Mark:
    first, last = _window(result, entry)
    own = next(m for m in result.case.measurements if m.id == entry)
    lines = tip(statement_of(finding), _when(result, entry), finding.note, _source(result, own.source))
    return Mark.model_validate(
        {"entry": entry, "day": finding.at.days, "first": first, "last": last, "tip": lines} | fields
    )


def _when(result: CaseResult, entry: str) -> str:
    place = result.schedule.at(entry)
    words = {
        "day": "", "calendar range": "month or range as given", "interval": "from an interval",
        "order": "only the order is known",
    }[place.basis]  # fmt: skip
    text = result.schedule.window(entry)
    return f"{text} ({words})" if words and not place.exact else text


def _blasts(result: CaseResult) -> Lane:
    marks = []
    for entry, finding in _findings(result, "blasts"):
        if finding.kind == "blasts":
            css = "bad" if finding.percent >= 5 else "good"
            marks.append(
                _measured(result, entry, finding, shape="point", css=css, value=finding.percent,
                          label=f"{finding.percent:g} %")
            )  # fmt: skip
    return Lane(
        key="blasts", title="Blasts", subtitle="% of nucleated cells", group="measurements", height=104,
        axis="percent", guide=5.0, guide_label="5 %", marks=tuple(marks),
    )  # fmt: skip


def _transcripts(result: CaseResult) -> Lane:
    marks = []
    for entry, finding in _findings(result, "transcript"):
        if finding.kind == "transcript":
            marks.append(_level(result, entry, finding))
    return Lane(
        key="transcript", title="BCR::ABL1", subtitle="% of control gene, log", group="measurements", height=150,
        axis="log", guide=0.01, guide_label="0.01 %", marks=tuple(marks),
    )  # fmt: skip


def _level(result: CaseResult, entry: str, level: TranscriptLevel) -> Mark:
    """A level, an upper limit at the sample's depth, or a mark below the axis where no depth is known."""
    if level.detected and level.percent:
        gene = "?" if level.control_gene == "not stated" else level.control_gene
        css = "open" if level.control_gene == "not stated" else "level"
        return _measured(
            result, entry, level, shape="point", css=css, value=level.percent, label=f"{level.percent:g} % /{gene}",
            low=level.low_percent, high=level.high_percent,
        )  # fmt: skip
    if level.detected:
        return _measured(result, entry, level, shape="above", css="open", label="detected, no level")
    if level.sensitivity_log is not None:
        limit = 100 * 10**-level.sensitivity_log
        return _measured(result, entry, level, shape="limit", css="good", value=limit, label=f"< {limit:g} %")
    return _measured(result, entry, level, shape="below", css="good", label="not detected")


def _css(category: str) -> str:
    return "good" if category in GOOD else "bad" if category in BAD else "neutral"


def _calls(result: CaseResult) -> list[Lane]:
    lanes = []
    titles = {"haematological": "Haematological", "flow MRD": "Flow MRD", "molecular": "Molecular"}
    for axis in AXES:
        marks = tuple(_call(result, call) for call in result.calls if call.axis == axis)
        lanes.append(
            Lane(key=f"call-{axis.split()[0]}", title=titles.get(axis, axis.capitalize()), subtitle="computed",
                 group="response", height=28, marks=marks)
        )  # fmt: skip
    return lanes


def _call(result: CaseResult, call: ResponseCall) -> Mark:
    level = call.level.split(";")[0].strip()
    number = level.split(" ")[0] if level.split(" ")[0] in NUMBERS else ""
    label = SHORT.get(call.category, call.category)
    if level == "at least":
        label = f"≥ {label}"
    if number:
        label = f"{label} {NUMBERS[number]}"
    missing = f"Missing: {', '.join(call.missing)}" if call.missing else ""
    text = tip(
        f"{call.category}{f' ({call.level})' if call.level else ''}", call.at.label(), call.statement,
        f"Criterion: {call.criterion.text} [{call.criterion.citation}]", missing,
    )  # fmt: skip
    return Mark(entry="", day=call.at.days, first=call.at.days, last=call.at.days, shape="chip",
                css=_css(call.category), label=label, tip=text)  # fmt: skip


NUMBERS = {"first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5"}


def _stated(result: CaseResult) -> Lane:
    marks = []
    signs = {"agrees": "=", "agrees in part": "≈", "differs": "≠", "not computable": "·"}
    for comparison in result.comparisons:
        first, last = _window(result, comparison.entry)
        text = tip(
            f"Stated: {comparison.stated}", _when(result, comparison.entry),
            f"Computed: {comparison.computed} ({comparison.agreement})", comparison.reason,
            _source(result, comparison.source),
        )  # fmt: skip
        css = {"agrees": "good", "differs": "bad"}.get(comparison.agreement, "neutral")
        marks.append(
            Mark(entry=comparison.entry, day=comparison.at.days, first=first, last=last, shape="chip",
                 css=f"{css} stated", label=f"{signs[comparison.agreement]} {comparison.stated}", tip=text)
        )  # fmt: skip
    return Lane(key="stated", title="Stated", subtitle="by the centre; = ≈ ≠ computed", group="response", height=28,
                marks=tuple(marks))  # fmt: skip


def _mutations(result: CaseResult) -> Lane:
    found = {variant.entry: variant for variant in result.variants}
    marks = []
    for entry, finding in _findings(result, "mutation"):
        if finding.kind != "mutation":
            continue
        variant = found.get(entry)
        if variant:
            label = variant.short or "cannot be read"
            css = "bad found"
        else:
            label, css = "none found", "neutral"
        marks.append(_measured(result, entry, finding, shape="chip", css=css, label=label))
    return Lane(key="mutations", title="ABL1 mutations", subtitle="kinase-domain screening", group="mutations",
                height=28, marks=tuple(marks))  # fmt: skip


def _testing(result: CaseResult) -> Lane:
    marks = []
    for due in result.testing:
        done = "; ".join(used.statement for used in due.done)
        text = tip(
            "Mutation testing due", due.at.label(), due.reason, f"{due.criterion.text} [{due.criterion.citation}]",
            f"Done: {done}" if done else "No screening recorded near this moment",
        )  # fmt: skip
        marks.append(
            Mark(entry="", day=due.at.days, first=due.at.days, last=due.at.days, shape="due",
                 css="good" if due.done else "bad", label="done" if due.done else "not done", tip=text)
        )  # fmt: skip
    return Lane(key="testing", title="Testing due", subtitle="by guideline", group="mutations", height=28,
                marks=tuple(marks))  # fmt: skip


def _toxicities(result: CaseResult) -> Lane:
    marks = []
    for toxicity in result.case.toxicities:
        place = result.schedule.at(toxicity.id)
        grade = f"G{toxicity.ctcae_grade} " if toxicity.ctcae_grade else ""
        words = f"CTCAE grade {toxicity.ctcae_grade}" if toxicity.ctcae_grade else "no CTCAE grade given"
        if toxicity.severity != "not stated":
            words += f"; called {toxicity.severity}"
        drug = (
            name_of(result.case, toxicity.treatment).removeprefix("start of ") if toxicity.treatment else ""
        )
        text = tip(
            toxicity.term, _when(result, toxicity.id), words, f"Under {drug}" if drug else "", toxicity.action,
            _source(result, toxicity.source),
        )  # fmt: skip
        css = f"grade-{toxicity.ctcae_grade or 0}"
        marks.append(
            Mark(entry=toxicity.id, day=place.drawn, first=place.earliest, last=place.latest, shape="chip", css=css,
                 label=f"{grade}{toxicity.term}", tip=text)
        )  # fmt: skip
    return Lane(key="toxicity", title="Toxicity", subtitle="CTCAE grade", group="toxicity", height=28,
                marks=tuple(marks))  # fmt: skip


def _events(result: CaseResult) -> Lane:
    marks = []
    for event in result.case.events:
        if event.kind == "publication":
            continue
        place = result.schedule.at(event.id)
        text = tip(event.label, _when(result, event.id), _source(result, event.source))
        label = event.label if len(event.label) <= 26 else event.label[:25].rstrip() + "…"
        marks.append(
            Mark(entry=event.id, day=place.drawn, first=place.earliest, last=place.latest, shape="chip",
                 css="neutral event", label=label, tip=text)
        )  # fmt: skip
    return Lane(key="events", title="Events", group="events", height=28, marks=tuple(marks))


def _set_aside(result: CaseResult) -> Lane:
    """Where statements that contradict the others would have put an entry."""
    marks = []
    for place in result.schedule.placements:
        if not _clinical(result, place.entry):
            continue
        name = name_of(result.case, place.entry)
        for first, last, source in place.elsewhere:
            text = tip(
                f"{name}: the time that was set aside",
                f"{result.schedule.label(first)} to {result.schedule.label(last)}",
                f"Drawn instead: {result.schedule.window(place.entry)}", _source(result, source),
            )  # fmt: skip
            marks.append(
                Mark(entry=place.entry, day=first, first=first, last=last, shape="bar", css="ghost", end=last,
                     label=f"{name}, if ‘{source}’ is right" if source else name, tip=text)
            )  # fmt: skip
    return Lane(key="setaside", title="Set aside", subtitle="contradicting times", group="inconsistency", height=30,
                marks=tuple(marks))  # fmt: skip
