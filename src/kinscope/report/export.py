"""The result for machines: JSON, JSON Schema, Parquet and CSV."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic_core import to_json

from kinscope.core.files import write_atomic
from kinscope.core.records import Record
from kinscope.core.tables import csv_text
from kinscope.evidence.model import EvidenceHit, TreatmentOption
from kinscope.interpretation.model import DrugVerdict, Measurements, StepProvenance, StudyResult
from kinscope.interpretation.words.say import say
from kinscope.report.claims import Claim, claims_of, fhir_bundle, va_statements
from kinscope.report.front import options
from kinscope.results.notes import Note
from kinscope.results.trajectories import TrajectoryComparison

_ARROW = {int: "int64", float: "float64", bool: "bool"}


def result_text(result: StudyResult) -> str:
    """The whole result as JSON that ``StudyResult.model_validate_json`` reads back."""
    return result.model_dump_json(indent=2) + "\n"


def write_claims(result: StudyResult, directory: Path) -> None:
    """Write the verdicts as GA4GH VA-Spec statements and as a FHIR bundle, for programs of other people."""
    for name, content in (("va-spec", va_statements(result)), ("fhir", fhir_bundle(result))):
        write_atomic(directory / f"claims.{name}.json", json.dumps(content, indent=1) + "\n")


def result_schema() -> dict[str, object]:
    """JSON Schema (draft 2020-12) of ``result.json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **StudyResult.model_json_schema(mode="serialization"),
    }


def export_tables(
    results: Iterable[tuple[StudyResult, str]], directory: Path, *, csv: bool = False
) -> list[Path]:
    """Write one Parquet table per list of records into ``directory``, the rows of all results in it.

    ``results``: each with its ``result.json``, whose SHA-256 stands in every row beside the variant: two
    results are joined by it. ``directory``: made if missing. A record's parts are columns of their own,
    ``difference_kcal_per_mol_low``; lists are JSON. ``csv``: the same as CSV beside the Parquet files.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables: dict[str, dict[tuple[str, str], list[object]]] = {}
    told: set[str] = set()
    for result, text in results:
        run = {"run_variant": result.variant.short, "run_sha256": sha256(text.encode()).hexdigest()}
        if run["run_sha256"] in told:  # given twice, it would count twice
            continue
        told.add(run["run_sha256"])
        for name, kind, rows in result_tables(result):
            columns = tables.setdefault(name, {})
            for about, value in run.items():
                columns.setdefault((about, "string"), []).extend([value] * len(rows))
            for path, column in _columns(kind).items():
                columns.setdefault(column, []).extend(_cell(row, path) for row in rows)
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, columns in tables.items():
        buffer = io.BytesIO()
        pq.write_table(
            pa.table([*columns.values()], schema=pa.schema([*columns])), buffer, compression="zstd"
        )
        contents: dict[str, bytes | str] = {"parquet": buffer.getvalue()}
        if csv:
            contents["csv"] = csv_text((head for head, _ in columns), zip(*columns.values(), strict=True))
        for suffix, content in contents.items():
            paths.append(directory / f"{name}.{suffix}")
            write_atomic(paths[-1], content)
    return paths


@cache
def _columns(kind: type[Record]) -> dict[tuple[str, ...], tuple[str, str]]:
    """Name and Arrow type of every value of a kind of record, by the fields that lead to it."""
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for name, field in kind.model_fields.items():
        hint: Any = field.annotation
        if get_origin(hint) in (Union, UnionType):
            hint = next(one for one in get_args(hint) if one is not NoneType)
        if isinstance(hint, type) and issubclass(hint, Record) and hint is not Note:
            inner = _columns(hint)
            found |= {(name, *path): (f"{name}_{column}", type_) for path, (column, type_) in inner.items()}
        else:
            found[(name,)] = name, _ARROW.get(hint, "string")
    return found


def _cell(value: Any, path: tuple[str, ...]) -> object:
    for name in path:
        value = getattr(value, name, None)
    if isinstance(value, tuple):
        value = [say(one) if isinstance(one, Note) else one for one in value]
    elif value is None or isinstance(value, str | int | float):
        return value
    return say(value) if isinstance(value, Note) else to_json(value).decode()


def result_tables(result: StudyResult) -> list[tuple[str, type[Record], Sequence[Record]]]:
    """Every list of records by its name in ``result.json``, and what trajectories hold by one more."""
    measured, systems = result.measurements, result.measurements.trajectories
    tables: list[tuple[str, type[Record], Sequence[Record]]] = [
        (name, _row_kind(Measurements, name), getattr(measured, name)) for name in Measurements.model_fields
    ]
    for name in ("bound", "measures", "contacts"):
        rows = [row for system in systems for row in getattr(system, name)]
        tables.append((f"trajectory_{name}", _row_kind(TrajectoryComparison, name), rows))
    return [
        *tables,
        ("evidence", EvidenceHit, result.evidence.hits),
        ("options", TreatmentOption, options(result)),
        ("verdicts", DrugVerdict, result.assessment.verdicts),
        ("claims", Claim, claims_of(result)),
        ("provenance", StepProvenance, result.provenance),
    ]


def _row_kind(kind: type[Record], name: str) -> Any:
    return get_args(kind.model_fields[name].annotation)[0]
