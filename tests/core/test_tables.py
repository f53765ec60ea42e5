"""Tables for spreadsheets: no text becomes a formula, and nothing else changes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kinscope.core.quoting import printable
from kinscope.core.records import Record
from kinscope.core.tables import csv_text, read_table, write_table

TEXT = st.text(st.characters())


@given(st.lists(st.tuples(TEXT, st.integers(-9, 9), st.none()), max_size=5))
def test_a_reader_gets_back_every_value_and_no_text_begins_like_a_formula(
    rows: list[tuple[str, int, None]],
) -> None:
    head, *found = csv.reader(io.StringIO(csv_text(("text", "number", "nothing"), rows), newline=""))
    assert head == ["text", "number", "nothing"]
    assert len(found) == len(rows)
    for (text, number, nothing), (written, digits, empty) in zip(rows, found, strict=True):
        assert written[:1] not in ("=", "+", "-", "@", "\t")
        assert written in (printable(text), f"'{printable(text)}", printable(f"'{text}"))
        assert (int(digits), empty) == (number, "")
        assert nothing is None


def test_what_acts_on_a_reader_becomes_text() -> None:
    """A bare carriage return ends a row for some readers; a direction mark turns what stands beside it."""
    assert csv_text(("a",), [("x\ry",), ("x\u202ey",), ("x\x1b[31my",)]) == "a\nx?y\nx?y\nx?[31my\n"


def test_a_formula_is_told_by_its_first_sign_and_a_negative_number_is_none() -> None:
    assert csv_text(("a", "b"), [("=1+1", -2.5), ("p.T315I", 3)]) == "a,b\n'=1+1,-2.5\np.T315I,3\n"


class Row(Record):
    """A text that may look like JSON, none at all, and what is JSON."""

    text: str
    perhaps: str | None
    numbers: tuple[float, ...]


def test_records_come_back_from_parquet_with_texts_that_look_like_json(tmp_path: Path) -> None:
    rows = [Row(text="[imatinib", perhaps="{}", numbers=(1.5, 2.0)), Row(text="", perhaps=None, numbers=())]
    write_table(tmp_path / "rows.parquet", rows, Row)
    assert read_table(tmp_path / "rows.parquet", Row) == rows
