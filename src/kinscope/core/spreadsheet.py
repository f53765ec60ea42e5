"""Tables as CSV that a spreadsheet may open: what came from outside must not become a formula there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula (OWASP, CSV Injection)."""


def harmless_cell(value: object) -> object:
    """A value as a cell: a text that begins like a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def csv_text(header: Iterable[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV of rows under a header, every cell harmless; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([harmless_cell(value) for value in row] for row in rows)
    return text.getvalue()
