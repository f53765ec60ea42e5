"""Tables of typed records as Parquet, and as CSV in which nothing from outside becomes a formula."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from kinscope.core.files import write_atomic
from kinscope.core.quoting import printable
from kinscope.core.records import Record

R = TypeVar("R", bound=Record)


def write_table(path: Path, rows: Sequence[Record], kind: type[Record]) -> None:
    """Write records (possibly none) of one kind to Parquet with the columns of that kind.

    Nested records become JSON text columns, so that every reader of Parquet can open the table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    dumped = [row.model_dump(mode="json") for row in rows]
    columns = {name: [_plain(row[name]) for row in dumped] for name in kind.model_fields}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def _plain(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value


def read_table(path: Path, kind: type[R]) -> list[R]:
    """Read what :func:`write_table` wrote back into records."""
    import pyarrow.parquet as pq

    text = {name for name, field in kind.model_fields.items() if field.annotation in (str, str | None)}
    return [
        kind.model_validate({name: value if name in text else _nested(value) for name, value in row.items()})
        for row in pq.read_table(path).to_pylist()
    ]


def _nested(value: object) -> object:
    return json.loads(value) if isinstance(value, str) and value.startswith(("[", "{")) else value


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
