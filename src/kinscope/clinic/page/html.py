"""``case.html``: the course on one page that opens offline and can load nothing."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

from kinscope.clinic.course.compute import line_starts
from kinscope.clinic.course.result import CaseResult, LineCalls
from kinscope.clinic.page.lanes import Drawing, css_of, draw_course, drug_of
from kinscope.clinic.page.marks import LOOKS
from kinscope.clinic.page.svg import timeline_svg
from kinscope.clinic.response.cml import read_iscn
from kinscope.clinic.response.context import AT_LEAST, ORDINALS, count_in
from kinscope.clinic.response.visits import statement_of
from kinscope.core.pages import content_security_policy, environment

_HERE = Path(__file__).parents[1] / "templates"
IN_WORDS = {"MLFS": "leukaemia-free marrow"}
SHOWN_FIRST = 4


def case_html(result: CaseResult) -> str:
    """The page of a computed case. Every text is escaped; scripts are named by their hash."""
    from markupsafe import Markup

    drawing = draw_course(result)
    script = _asset("case.js")
    return (
        environment(_HERE)
        .get_template("case.html.j2")
        .render(
            result=result,
            page=_page(result, drawing),
            window=result.schedule.window,
            by_time=lambda entries: sorted(entries, key=lambda entry: result.schedule.at(entry.id).drawn),
            how_known=lambda entry: _how_known(result, entry),
            statement_of=statement_of,
            drug_of=lambda toxicity: drug_of(result, toxicity),
            svg=Markup(timeline_svg(drawing)),
            css=Markup(_asset("case.css")),
            script=Markup(script),
            policy=content_security_policy([script]),
        )
    )


@cache
def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _page(result: CaseResult, drawing: Drawing) -> dict[str, object]:
    """What the template shows beside the result itself."""
    karyotypes = [m.finding for m in result.case.measurements if m.finding.kind == "karyotype"]
    counts = Counter(item.severity for item in result.inconsistencies)
    words = [f"{counts[name]} {look['words']}" for name, look in LOOKS["severities"].items() if counts[name]]
    return {
        "title": result.case.title or f"Case {result.pseudonym}",
        "karyotype": karyotypes[0] if karyotypes else None,
        "reading": read_iscn(karyotypes[0]) if karyotypes else None,
        "line_words": _line_words,
        "stated_course": _stated_course(result),
        "contradictions": counts["contradiction"],
        "grave": [item for item in result.inconsistencies if item.severity != "open"][:SHOWN_FIRST],
        "counted": ", ".join(words) or "Nothing to report.",
        "zooms": _zooms(result, drawing),
        "groups": list(dict.fromkeys(lane.group for lane in drawing.lanes)),
        "has_ghosts": any(mark.css == "ghost" for lane in drawing.lanes for mark in lane.marks),
        "looks": LOOKS,
        "call_css": lambda category: css_of(category, "open"),
    }


def _how_known(result: CaseResult, entry: str) -> str:
    """How the time of an entry is known, with the words that were used for it."""
    place = result.schedule.at(entry)
    said = "; ".join(dict.fromkeys(f"“{s.text.split('“')[1][:-2]}”" for s in place.said if "“" in s.text))
    return str(LOOKS["known_by"][place.basis]) + (f": {said}" if said else "")


def _line_words(line: LineCalls) -> str:
    """E.g. ``MRD negative, CMR (second) → relapse``."""
    days: dict[int, list[str]] = {}
    for call in line.calls:
        if call.category != "cannot be called":
            count = count_in(call.level)
            number = f" ({ORDINALS[count]})" if count else ""
            least = "at least " if call.level == AT_LEAST else ""
            word = IN_WORDS.get(call.category, call.category)
            days.setdefault(call.at.days, []).append(f"{least}{word}{number}")
    return " → ".join(", ".join(words) for words in days.values()) or "nothing measured"


def _stated_course(result: CaseResult) -> str:
    """The haematological course once stated remissions stand in for missing counts."""
    if all(call.basis == "measured" for line in result.lines_with_statements for call in line.calls):
        return ""
    calls = [call for line in result.lines_with_statements for call in line.calls]
    told = [c for c in calls if c.axis == "haematological" and c.category != "cannot be called"]
    counts = ((call.category, count_in(call.level)) for call in told)
    words = (category + f" {count}" * bool(count) for category, count in counts)
    return " → ".join(word for word, _ in groupby(words))


def _zooms(result: CaseResult, drawing: Drawing) -> tuple[tuple[str, int, int], ...]:
    starts = list(line_starts(result.case, result.schedule).items())
    zooms = []
    for (number, day), (_, end) in pairwise([*starts, (0, drawing.last_day)]):
        margin = max(10, (end - day) // 20)
        ends = max(drawing.first_day, day - margin), min(drawing.last_day, end + margin)
        zooms.append((f"line {number}", *ends))
    return tuple(zooms) if len(zooms) > 1 else ()
