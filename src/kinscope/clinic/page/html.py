"""``case.html``: the course on one page that opens offline and can load nothing."""

from __future__ import annotations

from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from kinscope.clinic.course.compute import line_starts
from kinscope.clinic.page.lanes import Drawing, draw_course, drug_of
from kinscope.clinic.page.responses import BAD, GOOD, NUMBERS
from kinscope.clinic.page.svg import timeline_svg
from kinscope.clinic.response.visits import statement_of
from kinscope.core.pages import content_security_policy, environment
from kinscope.core.quoting import printable

if TYPE_CHECKING:
    from kinscope.clinic.course.result import CaseResult, LineCalls, Severity

_HERE = Path(str(files("kinscope.clinic"))) / "templates"
DISEASE_NAMES = {
    "ph-all": "BCR::ABL1-positive acute lymphoblastic leukaemia",
    "cml": "Chronic myeloid leukaemia",
    "other": "Another disease than BCR::ABL1-positive leukaemia",
}
HOW_KNOWN = {
    "day": "day stated",
    "calendar range": "month or range stated",
    "interval": "interval from another entry",
    "order": "order only",
}
SEVERITY_WORDS: dict[Severity, str] = {
    "contradiction": "contradiction(s)", "implausible": "hard to believe", "open": "left open",
}  # fmt: skip
SEVERITY_CSS = {"contradiction": "bad", "implausible": "warn", "open": "open"}
AGREEMENT_CSS = {"agrees": "good", "agrees in part": "warn", "differs": "bad", "not computable": "open"}
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
            svg=Markup(printable(timeline_svg(drawing))),
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
    grave = [(n, item) for n, item in enumerate(result.inconsistencies, start=1) if item.severity != "open"]
    counts = Counter(item.severity for item in result.inconsistencies)
    words = [f"{counts[severity]} {name}" for severity, name in SEVERITY_WORDS.items() if counts[severity]]
    return {
        "title": result.case.title or f"Case {result.pseudonym}",
        "facts": _facts(result),
        "course": [(_line_title(line), _line_words(line)) for line in result.lines],
        "stated_course": _stated_course(result),
        "testing_words": _testing_words(result),
        "contradictions": counts["contradiction"],
        "first": [(number, _capital(item.title)) for number, item in grave[:SHOWN_FIRST]],
        "counted": ", ".join(words) or "Nothing to report.",
        "zooms": _zooms(result, drawing),
        "groups": list(dict.fromkeys(lane.group for lane in drawing.lanes)),
        "has_ghosts": any(mark.css == "ghost" for lane in drawing.lanes for mark in lane.marks),
        "severity_css": SEVERITY_CSS,
        "agreement_css": AGREEMENT_CSS,
        "call_css": lambda category: "good" if category in GOOD else "bad" if category in BAD else "open",
    }


def _how_known(result: CaseResult, entry: str) -> str:
    """How the time of an entry is known, with the words that were used for it."""
    place = result.schedule.at(entry)
    said = "; ".join(dict.fromkeys(f"“{s.text.split('“')[1][:-2]}”" for s in place.said if "“" in s.text))
    return HOW_KNOWN[place.basis] + (f": {said}" if said else "")


def _facts(result: CaseResult) -> tuple[tuple[str, str], ...]:
    case = result.case
    subject = case.subject
    facts: list[tuple[str, str]] = [("Disease", DISEASE_NAMES[case.disease])]
    if case.transcript:
        facts.append(("Transcript", case.transcript))
    if subject.sex != "not stated":
        facts.append(("Sex", subject.sex))
    if subject.age_years is not None:
        age = "90 or over" if subject.age_years >= 90 else str(subject.age_years)
        facts.append(("Age at diagnosis", age))
    karyotypes = [m.finding.iscn for m in case.measurements if m.finding.kind == "karyotype"]
    if karyotypes:
        facts += [("Karyotype", karyotypes[0]), *_karyotype_words(karyotypes[0])]
    return tuple(facts)


def _karyotype_words(iscn: str) -> list[tuple[str, str]]:
    from kinscope.clinic.karyotype.model import KaryotypeError
    from kinscope.clinic.karyotype.parse import parse_karyotype
    from kinscope.clinic.karyotype.reading import read_karyotype

    try:
        reading = read_karyotype(parse_karyotype(iscn))
    except KaryotypeError:
        return [("read as", "cannot be read")]
    of = (
        f" in {reading.philadelphia_cells} of {reading.cells} metaphases"
        if reading.philadelphia_cells
        else ""
    )
    return [
        ("read as", f"Philadelphia {reading.philadelphia}{of}; {reading.complexity or 'complexity open'}")
    ]


def _line_title(line: LineCalls) -> str:
    first, last = _capital(line.title), line.last_title
    return first if line.title == last else f"{first} to {last}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line_words(line: LineCalls) -> str:
    """E.g. ``MRD negative, CMR (second) → relapse``."""
    days: dict[int, list[str]] = {}
    for call in line.calls:
        if call.category != "cannot be called":
            level = call.level.split(";")[0]
            number = f" ({level.split(' ')[0]})" if level.split(" ")[0] in NUMBERS else ""
            least = "at least " if level == "at least" else ""
            word = IN_WORDS.get(call.category, call.category)
            days.setdefault(call.at.days, []).append(f"{least}{word}{number}")
    return " → ".join(", ".join(words) for words in days.values()) or "nothing measured"


def _stated_course(result: CaseResult) -> str:
    """The haematological course once stated remissions stand in for missing counts."""
    if all(call.basis == "measured" for line in result.lines_with_statements for call in line.calls):
        return ""
    words = []
    for line in result.lines_with_statements:
        for call in line.calls:
            if call.axis == "haematological" and call.category != "cannot be called":
                number = call.level.split(" ")[0]
                words.append(call.category + (f" {NUMBERS[number]}" if number in NUMBERS else ""))
    kept = [word for index, word in enumerate(words) if index == 0 or word != words[index - 1]]
    return " → ".join(kept)


def _testing_words(result: CaseResult) -> str:
    if not result.testing:
        return "at no moment of this course"
    done = sum(1 for due in result.testing if due.done)
    moments = "moment" if len(result.testing) == 1 else "moments"
    return f"at {len(result.testing)} {moments} and is recorded at {done}"


def _zooms(result: CaseResult, drawing: Drawing) -> tuple[tuple[str, int, int], ...]:
    starts = list(line_starts(result.case, result.schedule).items())
    zooms = []
    for index, (number, day) in enumerate(starts):
        end = starts[index + 1][1] if index + 1 < len(starts) else drawing.last_day
        margin = max(10, (end - day) // 20)
        zooms.append(
            (f"line {number}", max(drawing.first_day, day - margin), min(drawing.last_day, end + margin))
        )
    return tuple(zooms) if len(zooms) > 1 else ()
