"""Tables of wells as instruments export them: which table, which column, which wells, which decimal sign.

Layouts, as public repositories hold them: QuantStudio and ViiA 7 text exports, SDS 2 results, CFX Maestro,
LightCycler 96, Rotor-Gene. Errors name line and column, and never what stands there.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path
from typing import Any

from kinscope.clinic.measurements import TimePoint
from kinscope.clinic.qpcr.model import FUSION, MAX_WELLS, ControlName, last_cycle
from kinscope.core.errors import BadInputError
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record

WORDS: dict[str, Any] = read_yaml(Path(__file__).parent / "words.yaml")
"""Regular expressions over headings, roles and cells."""
CONTROL_NAMES: dict[str, ControlName] = {
    "abl1": "ABL1",
    "abl": "ABL1",
    "gusb": "GUSB",
    "gus": "GUSB",
    "bcr": "BCR",
}
_FUSION = re.compile(r"(?:bcrabl1?|fusion|(?=p190|p210|p230|e[0-9]+a[0-9]))(.*)")
_NUMBER = (
    r"[+-]?(?:[0-9]+(?:{decimal}[0-9]*)?(?:e[+-]?[0-9]+)?"
    r"|[1-9][0-9]{{0,2}}(?:[{thousands} '’][0-9]{{3}})+(?:{decimal}[0-9]+)?)"
)
_POINT = re.compile(_NUMBER.format(decimal=r"\.", thousands=","))
_COMMA = re.compile(_NUMBER.format(decimal=",", thousands="."))


class Well(Record):
    """One well that counts; 0 copies where its line says that it gave no signal."""

    line: int
    sample: str
    target: str
    assay: str
    role: str
    ct: float | None
    copies: float | None
    at: TimePoint | None
    plate: str


def bad(what: str, where: str, remedy: str = "Correct the line and run again.") -> BadInputError:
    """An error about a place in a file."""
    return BadInputError(what, where=where, remedy=remedy)


class _Row:
    """One line: its cells by what their column holds."""

    def __init__(self, cells: list[str], line: int, columns: dict[str, int], name: str) -> None:
        self.cells, self.columns, self.line = cells, columns, line
        self.where = f"{name}, line {line}"

    def text(self, field: str) -> str:
        """The cell of a column; empty where the table has no such column."""
        index = self.columns.get(field)
        if index is None:
            return ""
        if index >= len(self.cells):
            count = len(self.cells)
            raise bad(f"The line has {count} cells; the {field} column is number {index + 1}.", self.where)
        return self.cells[index]

    def wrong(self, field: str, what: str, remedy: str = "Correct the line and run again.") -> BadInputError:
        """An error about a cell."""
        column = self.columns[field] + 1
        return bad(f"The {field} in column {column} {what}.", f"{self.where}, column {column}", remedy)


def read_wells(text: str, name: str) -> tuple[list[Well], list[str]]:
    """The wells of a table, and what is said about those left out; ``name`` stands in the messages.

    Raises BadInputError if there is no table of wells or more than one, or a line of it cannot be used.
    """
    lines = text.lstrip("\ufeff").splitlines()
    heading, delimiter, columns = _heading(lines, name)
    width = len(next(csv.reader([lines[heading]], delimiter=delimiter)))
    kept: list[_Row] = []
    left: dict[str, list[str]] = {}
    below = False
    for row in _rows(lines, heading, delimiter, columns, name):
        if not any(row.cells):
            below = True
        elif below and not "".join(row.cells[columns["target"] : columns["target"] + 1]):
            left.setdefault("left out: lines below the table that hold no well", []).append(str(row.line))
        elif _omitted(row):
            left.setdefault("left out: wells that the file omits", []).append(str(row.line))
        elif any(row.cells[width:]):
            raise bad("The line has more cells than the headings: a decimal comma without quotes?", row.where)
        else:
            kept.append(row)
    comma = {field: _decimal_comma(kept, field, delimiter, name) for field in ("ct", "copies", "given")}
    end = last_cycle(_number(row, "ct", comma=comma) for row in kept)
    wells: list[Well] = []
    seen: dict[tuple[str, ...], int] = {}
    for row in kept:
        well = _well(row, comma=comma, end=end)
        if well is None:
            continue
        wells.append(well)
        key = (row.text("plate"), row.text("well"), well.target, well.assay)
        if key[1] and seen.setdefault(key, well.line) != well.line:
            raise bad(
                f"A well is given twice for {well.target}.",
                f"{name}, lines {seen[key]} and {well.line}",
                "Keep one of them; wells of two plates need a column 'plate'.",
            )
        if end is not None and well.ct is None and _number(row, "ct", comma=comma) == end:
            silent = f"no signal, wells whose cycle is {end:.0f}, the end of the run"
            left.setdefault(silent, []).append(str(row.line))
    for well in wells:
        if well.role == "positive control":
            left.setdefault("left out: positive controls", []).append(str(well.line))
    if not 0 < len(wells) <= MAX_WELLS:
        what = f"More than {MAX_WELLS:,} wells." if wells else "There is no well below the headings."
        raise bad(what, f"{name}, line {heading + 1}")
    notes = [f"{what} (line {', '.join(numbers[:9])})" for what, numbers in left.items()]
    return [well for well in wells if well.role != "positive control"], notes


def _heading(lines: list[str], name: str) -> tuple[int, str, dict[str, int]]:
    """The line of the headings, the delimiter, and which column holds what.

    Of several tables that with cycles counts, and of those the one below ``[Results]``.
    """
    found: list[tuple[int, str, dict[str, int]]] = []
    single, results = 0, []
    for index, line in enumerate(lines):
        if line.strip().lower().startswith("[results]"):
            results.append(index)
        if not re.search("target|gene|detector|assay|name", line.lower()):
            continue
        for delimiter in ("\t", ";", ","):
            columns = _columns(line, delimiter, f"{name}, line {index + 1}")
            if "target" in columns and {"ct", "copies"} & set(columns):
                found.append((index, delimiter, columns))
                break
            if {"sample", "ct"} <= set(columns):
                single = index + 1
    found = [place for place in found if "ct" in place[2]] or found
    below = {place[0]: place for start in results for place in [p for p in found if p[0] > start][:1]}
    found = list(below.values()) or found
    if len(found) > 1:
        where = f"{name}, lines {found[0][0] + 1} and {found[1][0] + 1}"
        raise bad("There are two tables of wells, and nothing says which counts.", where, "Give one of them.")
    if not found and single:
        raise bad(
            "The table has no target: it is one target's export, as LightCycler 480 and Rotor-Gene write it.",
            f"{name}, line {single}",
            "Put both exports into one table under one line of headings, with a column 'target': BCR::ABL1 "
            "beside the wells of one, ABL1, GUSB or BCR beside those of the other.",
        )
    if not found:
        raise bad(
            "No line of headings with a target and a ct or copies column was found.",
            f"{name}, line 1",
            "Head the columns sample, target, role, copies, ct; see kinscope qpcr --help.",
        )
    return found[0]


def _columns(line: str, delimiter: str, where: str) -> dict[str, int]:
    cells = next(csv.reader([line], delimiter=delimiter), []) if len(line) < 10_000 else []
    plain = [" ".join(cell.lower().split()) for cell in cells]
    plain = ["" if re.search(r"\blog", cell) else cell for cell in plain]
    fields = [
        next((f for f, names in WORDS["headings"].items() if re.fullmatch(names, cell)), "") for cell in plain
    ]
    twice = [field for field in ("target", "ct", "copies") if fields.count(field) > 1]
    if twice and "target" in fields and ("ct" in fields or "copies" in twice):
        raise bad(f"Two columns hold the {twice[0]}.", where)
    if "target" in fields and "concentration" in fields and not {"copies", "given"} & set(fields):
        what = "The copies are those of a volume or a mass, from which the depth of a well does not follow."
        raise bad(what, where, "Give the copies in each well (per reaction) as 'copies'.")
    return {field: fields.index(field) for field in fields if field}


def _rows(lines: list[str], heading: int, delimiter: str, columns: dict[str, int], name: str) -> list[_Row]:
    """The lines below the headings, to the next section."""
    rows: list[_Row] = []
    reader = csv.reader(lines[heading + 1 :], delimiter=delimiter)
    try:
        for cells in reader:
            if re.fullmatch(r"\[[^\]]*\][\s;,]*", delimiter.join(cells)):
                break
            row = [cell.replace("\u00a0", " ").strip() for cell in cells]
            rows.append(_Row(row, heading + 1 + reader.line_num, columns, name))
    except csv.Error:
        where = f"{name}, line {heading + 1 + reader.line_num}"
        raise bad("The table cannot be read from here.", where) from None
    return rows


def _omitted(row: _Row) -> bool:
    for field, out in (("omit", "true|yes|1|x"), ("include", "false|no|0")):
        said = row.text(field).lower()
        if not re.fullmatch("(?:true|yes|1|x|false|no|0)?", said):
            raise row.wrong(field, "is neither true nor false")
        if re.fullmatch(out, said):
            return True
    return False


def _well(row: _Row, *, comma: dict[str, bool], end: float | None) -> Well | None:
    """A well; None for one that nothing was put into. A cycle of ``end`` without copies is no signal."""
    sample = row.text("sample")
    if len(sample) > 80 or not sample.isprintable():
        raise bad("The sample's name is too long or holds control characters.", row.where)
    ct, copies, given = (_number(row, field, comma=comma) for field in ("ct", "copies", "given"))
    if not row.text("target") and ct is None and copies is None:
        return None
    target, assay = _target(row)
    role = _role(row, counted=bool(given or copies), given=bool(given))
    copies = (given or copies) if role == "standard" else copies
    ct = None if ct == end and (role == "standard" or not copies) else ct
    silent = role != "standard" and ct is None and row.text("ct") != ""
    without_ct = "ct" not in row.columns
    faults = {
        "The cycle is not possible; it lies between 0 and 60.": ct is not None and not 0 < ct <= 60,
        "The copies are not possible.": copies is not None and not 0 <= copies <= 1e12,
        "A standard without its copies.": role == "standard" and not copies,
        "A standard needs a ct column.": role == "standard" and without_ct,
        "The well has no cycle, but copies: one of the two is wrong.": silent and copies,
        "A well without the name of its sample.": role == "sample" and not sample,
        "A well with neither a cycle nor copies.": role == "sample" and copies is None and without_ct,
    }
    for fault, found in faults.items():
        if found:
            raise bad(fault, row.where)
    return Well(
        line=row.line,
        sample=sample,
        target=target,
        assay=assay,
        role=role,
        ct=ct,
        copies=0.0 if silent else copies,
        at=_time(row),
        plate=row.text("plate"),
    )


def _decimal_comma(rows: list[_Row], field: str, delimiter: str, name: str) -> bool:
    """Whether a column's numbers have a decimal comma: its own values decide, a cycle being at most 60.

    Raises BadInputError if two lines write them in two ways, or both ways fit and give different numbers.
    """
    no_point = no_comma = differing = None
    for row in rows:
        text = "".join(row.cells[row.columns.get(field, 999) :][:1])
        most = 60 if field == "ct" else 1e12
        point, with_comma = (_value(text, comma=comma, most=most) for comma in (False, True))
        if point == with_comma:
            continue  # the same either way, or no number at all: said with its place later
        no_point = no_point or (row if point is None else None)
        no_comma = no_comma or (row if with_comma is None else None)
        if point is not None and with_comma is not None:
            differing = differing or row
    if no_point and no_comma:
        raise bad(
            "Numbers are written with a decimal point in one place and a decimal comma in another.",
            f"{name}, lines {no_comma.line} and {no_point.line}",
            "Write all with a decimal point and without thousands separators.",
        )
    if differing and not no_point and not no_comma and delimiter != ",":
        raise differing.wrong(field, "could be thousands or decimals, and no other of its column decides it")
    return no_point is not None


def _value(text: str, *, comma: bool, most: float) -> float | None:
    """The number, read with a decimal comma or point; None if it is none so, or beyond ``most``."""
    tight = re.sub(r"[\u00a0\u202f\u2009]", " ", text.lower())
    if not (_COMMA if comma else _POINT).fullmatch(tight):
        return None
    plain = re.sub(r"[ '’]", "", tight).translate(str.maketrans(",", ".", ".") if comma else {ord(","): None})
    return float(plain) if float(plain) <= most else None


def _number(row: _Row, field: str, *, comma: dict[str, bool]) -> float | None:
    text = row.text(field)
    if re.fullmatch(WORDS["none"], text.lower()):
        return None
    value = _value(text, comma=comma[field], most=1e300)
    if value is None:
        raise row.wrong(field, "is not a number")
    return value


def _target(row: _Row) -> tuple[str, str]:
    """The fusion or the control gene, and which of several assays of the fusion it is."""
    lowered = re.sub(r"[\s_/:–-]", "", row.text("target").lower())
    if fusion := _FUSION.fullmatch(lowered):
        return FUSION, fusion.group(1)
    if lowered not in CONTROL_NAMES:
        remedy = "Targets are BCR::ABL1 and a control gene: ABL1, GUSB or BCR."
        raise row.wrong("target", "is none that is known", remedy)
    return CONTROL_NAMES[lowered], ""


def _role(row: _Row, *, counted: bool, given: bool) -> str:
    # CFX numbers them: Std-01, Unkn-29.
    said, sample = (re.sub(r"[-_ ]*[0-9]+$", "", row.text(field).lower()) for field in ("role", "sample"))
    role = next((role for role, names in WORDS["roles"].items() if re.fullmatch(names, said)), "")
    if not role:
        raise row.wrong("role", "is none that is known", "Known are standard, sample (unknown) and ntc.")
    if role == "sample" and re.fullmatch(WORDS["roles"]["no template"], sample):
        return "no template"
    named = counted and sample.startswith(("std", "standard"))
    return "standard" if not said and (named or given) else role


def _time(row: _Row) -> TimePoint | None:
    date, day = row.text("date"), row.text("day")
    if date:
        try:
            return TimePoint(date=dt.date.fromisoformat(date))
        except ValueError:
            raise row.wrong("date", "is not written as 2023-07-01") from None
    if day and not re.fullmatch("[+-]?[0-9]{1,4}", day):
        raise row.wrong("day", "is not a whole number")
    return TimePoint(day=int(day)) if day else None
