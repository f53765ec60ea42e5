"""Writing a computed case: the page, the typed result with its schema, and flat tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import create_model

from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.page.html import case_html
from kinscope.clinic.response.visits import statement_of
from kinscope.core.errors import BadInputError
from kinscope.core.files import write_atomic
from kinscope.core.records import Record
from kinscope.core.tables import csv_text, write_table


def _columns(name: str, columns: str) -> type[Record]:
    """A kind of row, by the names of its columns."""
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
