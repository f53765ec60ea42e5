"""Writing a computed case: the page, the typed result with its schema, and flat tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import create_model

from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.response.visits import statement_of
from kinscope.core.errors import BadInputError
from kinscope.core.files import write_atomic
from kinscope.core.records import Record
from kinscope.core.tables import csv_text, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def _columns(name: str, columns: str, **others: Any) -> type[Any]:
    """A kind of row: texts by their names, and columns of ``others`` types, in the order of ``columns``."""
    fields: dict[str, Any] = {column: (others.get(column, str), ...) for column in columns.split()}
    return create_model(name, __base__=Record, **fields)


MeasurementRow = _columns(
    "MeasurementRow",
    "entry kind at earliest latest time_known_by material finding percent detected note source",
    percent=float | None,
    detected=bool | None,
)
TreatmentRow = _columns(
    "TreatmentRow",
    "entry line treatment drug doses start stop cycles stop_reason source",
    line=int,
    cycles=int | None,
)
ResponseRow = _columns(
    "ResponseRow",
    "line at axis category level basis criterion criterion_text citation statement missing",
    line=int,
)
ComparisonRow = _columns("ComparisonRow", "entry at stated computed agreement reason source")
ToxicityRow = _columns(
    "ToxicityRow", "entry at term ctcae_grade severity treatment action source", ctcae_grade=int | None
)
FindingRow = _columns("FindingRow", "severity rule title detail entries sources citation")


def write_case(result: CaseResult, directory: Path, *, with_csv: bool = False) -> list[Path]:
    """Write ``case.html``, ``case.json``, ``case.schema.json`` and ``tables/``; each file atomically.

    Raises BadInputError if the directory cannot be made or written to.
    """
    from kinscope.clinic.page.html import case_html

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


def _tables(result: CaseResult) -> list[tuple[str, Sequence[Record], type[Record]]]:
    return [
        ("measurements", _measurements(result), MeasurementRow),
        ("treatments", _treatments(result), TreatmentRow),
        ("responses", _responses(result), ResponseRow),
        ("stated_responses", _comparisons(result), ComparisonRow),
        ("toxicities", _toxicities(result), ToxicityRow),
        ("inconsistencies", _findings(result), FindingRow),
    ]


def _measurements(result: CaseResult) -> list[Record]:
    rows: list[Record] = []
    for entry in result.case.measurements:
        place, finding = result.schedule.at(entry.id), entry.finding
        percent = getattr(finding, "percent", getattr(finding, "level_percent", None))
        rows.append(
            MeasurementRow(
                entry=entry.id,
                kind=finding.kind,
                at=result.schedule.label(place.drawn),
                earliest=result.schedule.label(place.earliest),
                latest=result.schedule.label(place.latest),
                time_known_by=place.basis,
                material=finding.material,
                finding=statement_of(finding),
                percent=percent,
                detected=getattr(finding, "detected", None),
                note=finding.note,
                source=entry.source,
            )
        )
    return rows


def _treatments(result: CaseResult) -> list[Record]:
    return [
        TreatmentRow(
            entry=treatment.id,
            line=treatment.line,
            treatment=treatment.title,
            drug=agent.drug,
            doses="; ".join(dose.text for dose in agent.doses),
            start=result.schedule.window(treatment.id),
            stop=result.schedule.window(f"{treatment.id}.stop") if treatment.stop else "",
            cycles=treatment.cycles,
            stop_reason=treatment.stop_reason,
            source=treatment.source,
        )
        for treatment in result.case.treatments
        for agent in treatment.agents
    ]


def _responses(result: CaseResult) -> list[Record]:
    return [
        ResponseRow(
            **call.model_dump(include={"axis", "category", "level", "basis", "statement"}),
            line=line.line,
            at=call.at.label(),
            criterion=call.criterion.id,
            criterion_text=call.criterion.text,
            citation=call.criterion.citation,
            missing="; ".join(call.missing),
        )
        for line in result.lines
        for call in line.calls
    ]


def _comparisons(result: CaseResult) -> list[Record]:
    return [
        ComparisonRow.model_validate(comparison.model_dump() | {"at": comparison.at.label()})
        for comparison in result.comparisons
    ]


def _toxicities(result: CaseResult) -> list[Record]:
    return [
        ToxicityRow(
            **toxicity.model_dump(include={"term", "ctcae_grade", "severity", "action", "source"}),
            entry=toxicity.id,
            at=result.schedule.window(toxicity.id),
            treatment=toxicity.treatment or "",
        )
        for toxicity in result.case.toxicities
    ]


def _findings(result: CaseResult) -> list[Record]:
    listed = ("entries", "sources")
    return [
        FindingRow(**item.model_dump() | {name: "; ".join(getattr(item, name)) for name in listed})
        for item in result.inconsistencies
    ]
