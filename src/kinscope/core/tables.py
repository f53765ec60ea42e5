"""Tables of typed records as Parquet, and as CSV in which nothing from outside becomes a formula."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kinscope.core.files import write_atomic
from kinscope.core.quoting import printable

if TYPE_CHECKING:
    from kinscope.core.records import Record


R = TypeVar("R", bound="Record")


def write_table(path: Path, rows: Sequence[Record], kind: type[Record]) -> None:
    """Write records (possibly none) of one kind to Parquet with the columns of that kind.

    Nested records become JSON text columns, so that every reader of Parquet can open the table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    dumped = [row.model_dump(mode="json") for row in rows]
    columns: dict[str, list[Any]] = {name: [] for name in kind.model_fields}
    for row in dumped:
        for name in columns:
            value = row[name]
            columns[name].append(json.dumps(value) if isinstance(value, dict | list) else value)
    table = pa.table(columns)
    table = table.replace_schema_metadata({"kinscope.record": kind.__name__})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def read_table(path: Path, kind: type[R]) -> list[R]:
    """Read what :func:`write_table` wrote back into records."""
    import pyarrow.parquet as pq

    rows = pq.read_table(path).to_pylist()
    records = []
    for row in rows:
        for name, value in row.items():
            if isinstance(value, str) and value[:1] in "[{":
                row[name] = json.loads(value)
        records.append(kind.model_validate(row))
    return records


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula (OWASP, CSV Injection)."""


def harmless_cell(value: object) -> object:
    """A value as a cell: text is printable; what begins like a formula gets an apostrophe in front."""
    if not isinstance(value, str):
        return value
    return printable(f"'{value}" if value.startswith(FORMULA) else value)


def csv_text(header: Iterable[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV of rows under a header, every cell harmless; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([harmless_cell(value) for value in row] for row in rows)
    return text.getvalue()
