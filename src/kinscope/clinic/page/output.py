"""Writing a computed case: the page, the typed result with its schema, and flat tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pydantic import create_model

from kinscope.clinic.course.compute import line_starts
from kinscope.clinic.course.result import CaseResult, LineCalls
from kinscope.clinic.page.lanes import LOOKS, Drawing, css_of, draw_course, drug_of
from kinscope.clinic.page.svg import timeline_svg
from kinscope.clinic.response.cml import read_iscn
from kinscope.clinic.response.context import AT_LEAST, ORDINALS, count_in
from kinscope.clinic.response.visits import statement_of
from kinscope.core.errors import BadInputError
from kinscope.core.files import write_atomic
from kinscope.core.pages import content_security_policy, environment
from kinscope.core.records import Record
from kinscope.core.tables import csv_text, write_table


def _columns(name: str, columns: str) -> type[Record]:
    return create_model(name, __base__=Record, **dict.fromkeys(columns.split(), (Any, ...)))  # type: ignore[call-overload, no-any-return]


MeasurementRow = _columns(
    "MeasurementRow",
    "entry kind at earliest latest time_known_by material finding percent detected note source",
)
TreatmentRow = _columns(
    "TreatmentRow", "entry line treatment drug doses start stop cycles stop_reason source"
)
ResponseRow = _columns(
    "ResponseRow", "line at axis category level basis criterion criterion_text citation statement missing"
)
ComparisonRow = _columns("ComparisonRow", "entry at stated computed agreement reason source")
ToxicityRow = _columns("ToxicityRow", "entry at term ctcae_grade severity treatment action source")
FindingRow = _columns("FindingRow", "severity rule title detail entries sources citation")


def write_case(result: CaseResult, directory: Path, *, with_csv: bool = False) -> list[Path]:
    """Write ``case.html``, ``case.json``, ``case.schema.json`` and ``tables/``; each file atomically.

    Raises BadInputError if the directory cannot be made or written to.
    """
    tables = directory / "tables"
    try:
        tables.mkdir(parents=True, exist_ok=True)
        paths = [directory / name for name in ("case.html", "case.json", "case.schema.json")]
        write_atomic(paths[0], case_html(result))
        write_atomic(paths[1], result.model_dump_json(indent=2) + "\n")
        write_atomic(paths[2], json.dumps(CaseResult.model_json_schema(), indent=2) + "\n")
        for name, rows, kind in _tables(result):
            paths.append(tables / f"{name}.parquet")
            write_table(paths[-1], rows, kind)
            if with_csv:
                values = [tuple(row.model_dump(mode="json").values()) for row in rows]
                paths.append(tables / f"{name}.csv")
                write_atomic(paths[-1], csv_text(kind.model_fields, values))
    except OSError as error:
        raise BadInputError(
            f"The results cannot be written: {error.strerror}.",
            where=str(directory),
            remedy="Give --out a directory that can be written to.",
        ) from None
    return paths


def _row(kind: type[Record], record: Record, **own: object) -> Record:
    """A row of what a record holds by the names of the columns, but for what is given besides."""
    cells = {name: own[name] if name in own else getattr(record, name) for name in kind.model_fields}
    return kind(
        **{name: "; ".join(cell) if isinstance(cell, tuple) else cell for name, cell in cells.items()}
    )


def _tables(result: CaseResult) -> list[tuple[str, Sequence[Record], type[Record]]]:
    case, window = result.case, result.schedule.window
    treatments = [
        _row(
            TreatmentRow,
            treatment,
            entry=treatment.id,
            treatment=treatment.title,
            drug=agent.drug,
            doses="; ".join(dose.text for dose in agent.doses),
            start=window(treatment.id),
            stop=window(f"{treatment.id}.stop") if treatment.stop else "",
        )
        for treatment in case.treatments
        for agent in treatment.agents
    ]
    responses = [
        _row(
            ResponseRow,
            call,
            line=line.line,
            at=call.at.label(),
            criterion=call.criterion.id,
            criterion_text=call.criterion.text,
            citation=call.criterion.citation,
        )
        for line in result.lines
        for call in line.calls
    ]
    toxicities = [
        _row(ToxicityRow, one, entry=one.id, at=window(one.id), treatment=one.treatment or "")
        for one in case.toxicities
    ]
    stated = [_row(ComparisonRow, one, at=one.at.label()) for one in result.comparisons]
    return [
        ("measurements", _measurements(result), MeasurementRow),
        ("treatments", treatments, TreatmentRow),
        ("responses", responses, ResponseRow),
        ("stated_responses", stated, ComparisonRow),
        ("toxicities", toxicities, ToxicityRow),
        ("inconsistencies", [_row(FindingRow, item) for item in result.inconsistencies], FindingRow),
    ]


def _measurements(result: CaseResult) -> list[Record]:
    rows, label = [], result.schedule.label
    for entry in result.case.measurements:
        place, finding = result.schedule.at(entry.id), entry.finding
        percent = getattr(finding, "percent", getattr(finding, "level_percent", None))
        when = {"at": place.drawn, "earliest": place.earliest, "latest": place.latest}
        own: dict[str, object] = {
            "entry": entry.id,
            "time_known_by": place.basis,
            "finding": statement_of(finding),
        }
        own |= {"percent": percent, "detected": getattr(finding, "detected", None), "source": entry.source}
        rows.append(_row(MeasurementRow, finding, **own, **{name: label(day) for name, day in when.items()}))
    return rows


_HERE = Path(__file__).parents[1] / "templates"
IN_WORDS = {"MLFS": "leukaemia-free marrow"}
SHOWN_FIRST = 4


def case_html(result: CaseResult) -> str:
    """The page of a computed case. Every text is escaped; scripts are named by their hash."""
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
