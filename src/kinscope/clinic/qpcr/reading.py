"""Reading qPCR runs: instrument tables (CSV, TSV) and YAML.

A table has one well a line, under headings that instruments use: sample, target (or detector, gene), ct
(cq, cp), copies (or quantity), role (or task). Of several tables in one export (sample setup, results) that
with cycles is read; what stands above and below it is passed over. Layouts: QuantStudio and ViiA 7 text
exports, SDS 2 results, CFX Maestro, LightCycler 96, as public repositories hold them. Files are hostile:
bounded, plain text, every error with its line and column, and never with what stands there.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from kinscope.clinic.measurements import TimePoint
from kinscope.clinic.qpcr.model import (
    FUSION,
    MAX_WELLS,
    ControlName,
    QpcrRun,
    QpcrSample,
    StandardLevel,
    Wells,
)
from kinscope.core.errors import BadInputError
from kinscope.core.files import MAX_TEXT_BYTES, decoded, read_bounded
from kinscope.core.plain_yaml import line_of, parse_yaml, path_text
from kinscope.core.quoting import quoted
from kinscope.core.records import Record

HEADINGS = {
    "sample": r"sample(?:[ _]?name|[ _]id)?|name",
    "target": r"(?:target|gene|detector|assay)(?:[ _]?name)?",
    "role": r"task|content|(?:sample |well )?type|role",
    "ct": r"c[tqpт](?: ?\(.*\))?|c\(t\)|crossing point",
    "copies": r"copies|quantity|qty|copy number|(?:starting quantity|sq)(?: \(sq\))?|calc(?:ulated)? conc.*|concentration.*",
    "given": r"standard|given conc.*",
    "omit": r"omit(?:ted)?|excluded?",
    "include": r"included?",
    "date": r"(?:sampl(?:e|ing) )?date",
    "day": r"day",
}
"""Instruments write Ct with a Cyrillic т; it is the same heading. ``given`` holds the copies of standards."""

NEGATIVE = re.compile(
    r"-*|nd|n\.d\.|n/a|na|nan|no ?c[tq]|neg(ative)?|und(et)?\.?|undetermined|undetected|not detected|none"
)
ROLES = {
    "standard": r"standard|std|s|std curve",
    "sample": r"|sample|unknown|unkn?|u",
    "no template": r"ntc|nac|nrt|no rt|blank|no template|(?:no template|negative|ntc) control|neg(?:ative)? ?ctrl",
    "positive control": r"pos(?:itive)? ?(?:ctrl|control)|ipc",
}
CONTROL_NAMES: dict[str, ControlName] = {
    "abl1": "ABL1",
    "abl": "ABL1",
    "gusb": "GUSB",
    "gus": "GUSB",
    "bcr": "BCR",
}
_FUSION = re.compile(r"(?:bcrabl1?|fusion|(?=p190|p210|p230|e[0-9]+a[0-9]))(.*)")
_POINT = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|[1-9][0-9]{0,2}(?:[, '’][0-9]{3})+(?:\.[0-9]+)?)"
)
_COMMA = re.compile(
    r"[+-]?(?:[0-9]+(?:,[0-9]*)?(?:e[+-]?[0-9]+)?|[1-9][0-9]{0,2}(?:[. '’][0-9]{3})+(?:,[0-9]+)?)"
)
"""Numbers with a decimal point or comma, and thousands set apart by what the other does not use."""
_REMEDY = "See docs/how-to/qpcr.md for an example."
_OTHER_FILES = {
    b"\x1f\x8b": "compressed by gzip",
    b"PK": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"%PDF": "a PDF",
}


class Well(Record):
    """One line of a table; ``no_signal`` where it says so rather than leaving the cycle empty."""

    line: int
    sample: str
    target: str
    assay: str = ""
    role: str
    ct: float | None = None
    has_ct: bool = False
    no_signal: bool = False
    copies: float | None = None
    at: TimePoint | None = None


class Cell(Record):
    """The text of a cell and where it stands, counted from 1."""

    text: str
    line: int
    column: int


def read_run(
    path: Path | str,
    *,
    transcript: str = "",
    control_gene: str = "",
    conversion_factor: float | None = None,
) -> QpcrRun:
    """Read a run from a table or a YAML file.

    Parameters
    ----------
    path
        ``.yaml`` or ``.yml`` is read as YAML, everything else as a table.
    transcript, control_gene, conversion_factor
        Stand in for what the file does not say, and overrule what it says.

    Raises
    ------
    BadInputError
        With the line, for anything that cannot be used as it is.
    """
    file = Path(path)
    data = read_bounded(file, MAX_TEXT_BYTES, remedy="Give the export of one run.")
    for start, what in _OTHER_FILES.items():
        if data.startswith(start):
            raise BadInputError(
                f"The file is {what}.", where=str(path), remedy="Export the table as CSV or text."
            )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError:
            raise BadInputError("The file is neither UTF-8 nor UTF-16 text.", where=str(path)) from None
    else:
        text = decoded(data, file)
    if file.suffix.lower() in (".yaml", ".yml"):
        return yaml_run(text, file.name, transcript, control_gene, conversion_factor)
    return table_run(text, file.name, transcript, control_gene, conversion_factor)


def yaml_run(text: str, name: str, transcript: str, control_gene: str, factor: float | None) -> QpcrRun:
    """A run from YAML with the fields of :class:`QpcrRun`; ``name`` stands in the messages."""
    content, places = parse_yaml(text, name)
    if not isinstance(content, dict):
        raise BadInputError(
            "The file holds no run: fields such as control_gene and samples are expected.",
            where=f"{name}, line 1",
            remedy=_REMEDY,
        )
    given = {"transcript": transcript, "control_gene": control_gene, "conversion_factor": factor}
    content = {**content, **{key: value for key, value in given.items() if value not in ("", None)}}
    try:
        return QpcrRun.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        path, what = first["loc"], first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            path = path[:-1]
            what = f"a field that is not known; known are {', '.join(_fields_at(path))}"
        place = path_text(path) if path else "the run"
        raise BadInputError(
            f"{place}: {what[:1].lower()}{what[1:200]}.",
            where=f"{name}, line {line_of(places, first['loc'])[0]}",
            remedy=_REMEDY,
        ) from None


def _fields_at(path: Sequence[str | int]) -> list[str]:
    """The fields known at a place in a run."""
    records: dict[str, type[BaseModel]] = {
        "samples": QpcrSample,
        "at": TimePoint,
        "fusion": Wells,
        "control": Wells,
    }
    records |= {"fusion_standards": StandardLevel, "control_standards": StandardLevel}
    names = [part for part in path if isinstance(part, str)]
    return list(records.get(names[-1] if names else "", QpcrRun).model_fields)


def table_run(
    text: str, name: str, transcript: str = "", control_gene: str = "", factor: float | None = None
) -> QpcrRun:
    """A run from the text of a table; ``name`` stands in the messages."""
    if factor is not None and not 0 < factor <= 100:
        raise BadInputError(
            f"A conversion factor of {factor:g} is not possible.",
            where="conversion factor",
            remedy="It is 0.1 % over the laboratory's own value of a major molecular response.",
        )
    table = _Table(text, name)
    wells, notes = table.wells()
    gene = _control_gene(wells, control_gene, name)
    standards = [well for well in wells if well.role == "standard"]
    return QpcrRun(
        transcript=transcript,
        control_gene=gene,
        conversion_factor=factor,
        fusion_standards=_levels([w for w in standards if w.target == FUSION], name),
        control_standards=_levels([w for w in standards if w.target == gene], name),
        no_template=tuple(w.ct for w in wells if w.role == "no template" and w.target == FUSION),
        samples=_samples(
            [w for w in wells if w.role == "sample"], gene, {well.target for well in standards}, name
        ),
        notes=tuple(notes),
    )


class _Table:
    """The table of wells in a text: its headings, its rows, and how it writes numbers."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.lines = text.lstrip("\ufeff").splitlines()
        self.heading, self.delimiter, self.columns = self._find()
        self.comma = self._decimal_comma()

    def _find(self) -> tuple[int, str, dict[str, int]]:
        """The line of the headings, the delimiter, and which column holds what."""
        found: list[tuple[int, str, dict[str, int]]] = []
        single = None
        for index, line in enumerate(self.lines):
            for delimiter in ("\t", ";", ","):
                columns = _columns(_split(line, delimiter), index + 1, self.name)
                if "target" in columns and ("ct" in columns or "copies" in columns):
                    found.append((index, delimiter, columns))
                    break
                if {"sample", "ct"} <= set(columns):
                    single = index + 1
        best = [place for place in found if "ct" in place[2]] or found
        results = [place for place in best if self._section(place[0]) == "[results]"]
        best = results or best
        if len(best) > 1:
            where = " and ".join(str(place[0] + 1) for place in best[:2])
            raise BadInputError(
                "There are two tables of wells, and nothing says which one counts.",
                where=f"{self.name}, lines {where}",
                remedy="Give the table of results alone.",
            )
        if best:
            self._check_units(*best[0])
            return best[0]
        if single:
            raise BadInputError(
                "The table has no column for the target: it is an export of one target, as LightCycler 480 and "
                "Rotor-Gene write.",
                where=f"{self.name}, line {single}",
                remedy="Put both exports into one table under one line of headings, with a column 'target': "
                "BCR::ABL1 beside the wells of one, ABL1, GUSB or BCR beside those of the other.",
            )
        raise BadInputError(
            "No line of headings with a target and a ct or copies column was found.",
            where=f"{self.name}, line 1",
            remedy="Head the columns sample, target, role, copies, ct; kinscope qpcr --help shows an example.",
        )

    def _check_units(self, index: int, delimiter: str, columns: dict[str, int]) -> None:
        """Refuse concentrations in another unit than copies."""
        headings = _split(self.lines[index], delimiter)
        for column in (columns[field] for field in ("copies", "given") if field in columns):
            if re.search(r"conc.*\((?!.*cop)", headings[column].lower()):
                where = f"{self.name}, line {index + 1}, column {column + 1}"
                raise BadInputError(
                    "The heading names another unit than copies.", where=where, remedy=_REMEDY
                )

    def _section(self, index: int) -> str:
        above = [line.strip(' "\t,;') for line in self.lines[:index] if line.strip(' "\t,;')]
        return above[-1].lower() if above else ""

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Rows below the headings with their lines, to the next section; None is a blank line."""
        rows = csv.reader(self.lines[self.heading + 1 :], delimiter=self.delimiter)
        try:
            for row in rows:
                line = self.heading + 1 + rows.line_num
                if (
                    row
                    and re.fullmatch(r"\[[^\]]*\]", row[0].strip())
                    and not any(c.strip() for c in row[1:])
                ):
                    return
                yield line, [cell.strip() for cell in row]
        except csv.Error as error:
            line = self.heading + 1 + rows.line_num
            raise _bad(f"The table cannot be read: {error}.", line, self.name) from None

    def wells(self) -> tuple[list[Well], list[str]]:
        """All wells that count, and what is said about the others."""
        wells: list[Well] = []
        left: dict[str, list[int]] = {}
        below = False
        for line, row in self._rows():
            if not any(row):
                below = True
                continue
            if below and not "".join(row[self.columns["target"] : self.columns["target"] + 1]):
                left.setdefault("lines below the table that hold no well", []).append(line)
                continue
            if self._omitted(row, line):
                left.setdefault("wells that the file omits", []).append(line)
                continue
            well = self._well(row, line)
            if well is None:
                continue
            if well.role == "positive control":
                left.setdefault("positive controls", []).append(line)
                continue
            wells.append(well)
            if len(wells) > MAX_WELLS:
                raise _bad(f"More than {MAX_WELLS:,} wells.", line, self.name)
        if not wells:
            raise _bad("There is no well below the headings.", self.heading + 1, self.name)
        return wells, [f"left out: {what} ({_lines(numbers)})" for what, numbers in left.items()]

    def _cell(self, row: list[str], field: str, line: int) -> Cell:
        index = self.columns.get(field)
        if index is None:
            return Cell(text="", line=line, column=0)
        if index >= len(row):
            what = f"The line has {len(row)} cells; the {field} column is number {index + 1}."
            raise _bad(what, line, self.name)
        return Cell(text=row[index], line=line, column=index + 1)

    def _omitted(self, row: list[str], line: int) -> bool:
        for field, left in (("omit", ("true", "yes", "1", "x")), ("include", ("false", "no", "0"))):
            cell = self._cell(row, field, line)
            if cell.text.lower() in left:
                return True
            if cell.text.lower() not in ("", "true", "false", "yes", "no", "0", "1", "x"):
                raise self._wrong(cell, "is neither true nor false")
        return False

    def _well(self, row: list[str], line: int) -> Well | None:
        """A well; None for one that nothing was put into."""
        cells = {field: self._cell(row, field, line) for field in HEADINGS}
        sample = cells["sample"].text
        if len(sample) > 80 or not sample.isprintable():
            raise _bad("The sample's name is too long or holds control characters.", line, self.name)
        ct, copies, given = (self._number(cells[field]) for field in ("ct", "copies", "given"))
        if not cells["target"].text and ct is None and copies is None:
            return None
        if ct is not None and not 0 < ct <= 60:
            raise _bad(f"A cycle of {ct:g} is not possible.", line, self.name)
        for amount in (copies, given):
            if amount is not None and not 0 <= amount <= 1e12:
                raise _bad(f"{amount:g} copies are not possible.", line, self.name)
        target, assay = self._target(cells["target"])
        role = self._role(cells["role"], sample, has_copies=bool(given or copies), given=bool(given))
        no_signal = ct is None and cells["ct"].text != ""
        if role == "standard":
            copies = given or copies
            if not copies:
                raise _bad("A standard without its copies.", line, self.name)
        elif no_signal and copies:
            raise _bad("The well has no cycle, but copies: one of the two is wrong.", line, self.name)
        if role == "sample" and not sample:
            raise _bad("A well without the name of its sample.", line, self.name)
        return Well(
            line=line,
            sample=sample,
            target=target,
            assay=assay,
            role=role,
            ct=ct,
            has_ct="ct" in self.columns,
            no_signal=no_signal,
            copies=copies,
            at=self._time(cells["date"], cells["day"]),
        )

    def _decimal_comma(self) -> bool:
        """Whether the numbers have a decimal comma: decided for the table as a whole.

        Raises
        ------
        BadInputError
            If two lines write them in two ways, or both ways fit and give different numbers.
        """
        fields = [field for field in ("ct", "copies", "given") if field in self.columns]
        unlike: dict[bool, Cell] = {}
        differing: Cell | None = None
        for line, row in self._rows():
            for field in fields:
                if self.columns[field] >= len(row) or NEGATIVE.fullmatch(row[self.columns[field]].lower()):
                    continue
                cell = self._cell(row, field, line)
                values = [
                    _value(cell.text, comma=comma, most=60 if field == "ct" else 1e12)
                    for comma in (False, True)
                ]
                if values[0] is None and values[1] is None:
                    continue  # no number at all: said with its place when the well is read
                if values[0] != values[1]:
                    differing = differing or cell
                for comma in (False, True):
                    if values[comma] is None:
                        unlike.setdefault(comma, cell)
        if len(unlike) == 2:
            raise BadInputError(
                "Numbers are written with a decimal point in one place and a decimal comma in another.",
                where=f"{self.name}, lines {unlike[True].line} and {unlike[False].line}",
                remedy="Write all with a decimal point and without thousands separators.",
            )
        if not unlike and differing and self.delimiter != ",":
            raise self._wrong(differing, "could be thousands or decimals, and no other number decides it")
        return False in unlike

    def _number(self, cell: Cell) -> float | None:
        if NEGATIVE.fullmatch(cell.text.lower()):
            return None
        value = _value(cell.text, comma=self.comma, most=float("inf"))
        if value is None:
            raise self._wrong(cell, "is not a number")
        return value

    def _wrong(self, cell: Cell, what: str, remedy: str = "Correct the line and run again.") -> BadInputError:
        where = f"{self.name}, line {cell.line}, column {cell.column}"
        return BadInputError(f"What stands in column {cell.column} {what}.", where=where, remedy=remedy)

    def _target(self, cell: Cell) -> tuple[str, str]:
        lowered = re.sub(r"[\s_/:–-]", "", cell.text.lower())
        if fusion := _FUSION.fullmatch(lowered):
            return FUSION, fusion.group(1)
        if lowered in CONTROL_NAMES:
            return CONTROL_NAMES[lowered], ""
        raise self._wrong(
            cell, "is no target that is known", "Targets are BCR::ABL1 and a control gene: ABL1, GUSB or BCR."
        )

    def _role(self, cell: Cell, sample: str, *, has_copies: bool, given: bool) -> str:
        lowered = re.sub(r"[-_ ]*[0-9]+$", "", cell.text.lower())  # CFX numbers them: Std-01, Unkn-29
        role = next((role for role, names in ROLES.items() if re.fullmatch(names, lowered)), "")
        if not role:
            known = "standard, sample (unknown), ntc or positive control"
            raise self._wrong(cell, f"is no role that is known: {known}")
        if role == "sample" and re.fullmatch(ROLES["no template"], sample.lower()):
            return "no template"
        named = has_copies and sample.lower().startswith(("std", "standard"))
        return "standard" if not lowered and (named or given) else role

    def _time(self, date: Cell, day: Cell) -> TimePoint | None:
        if date.text:
            try:
                return TimePoint(date=dt.date.fromisoformat(date.text))
            except ValueError:
                raise self._wrong(date, "is no date written as 2023-07-01") from None
        if day.text:
            if not re.fullmatch("[+-]?[0-9]{1,5}", day.text):
                raise self._wrong(day, "is no day as a whole number")
            return TimePoint(day=int(day.text))
        return None


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _columns(cells: list[str], line: int, name: str) -> dict[str, int]:
    columns: dict[str, int] = {}
    twice = ""
    for index, cell in enumerate(cells):
        plain = " ".join(cell.lower().split())
        for field, names in HEADINGS.items():
            if not re.fullmatch(names, plain):
                continue
            if field in columns and field in ("target", "ct", "copies"):
                twice = field
            columns.setdefault(field, index)
    if twice and {"target", "ct"} <= set(columns):
        raise _bad(f"Two columns hold the {twice}.", line, name)
    return columns


def _value(text: str, *, comma: bool, most: float) -> float | None:
    """The number, read with a decimal comma or point; None if it is none so, or beyond ``most``."""
    tight = re.sub(r"[\u00a0\u202f\u2009]", " ", text.lower())
    if not (_COMMA if comma else _POINT).fullmatch(tight):
        return None
    plain = re.sub(r"[ '’]", "", tight)
    plain = plain.replace(".", "").replace(",", ".") if comma else plain.replace(",", "")
    return float(plain) if float(plain) <= most else None


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    return ("line " if len(numbers) == 1 else "lines ") + shown + (" ..." if len(numbers) > 5 else "")


def _control_gene(wells: list[Well], asked: str, name: str) -> ControlName:
    fusion = {well.assay: well.line for well in wells if well.target == FUSION and well.assay}
    if len(fusion) > 1:
        first, second = sorted(fusion.values())[:2]
        raise BadInputError(
            "There are several assays of the fusion, whose levels must not be pooled.",
            where=f"{name}, lines {first} and {second}",
            remedy="Give each one's wells as a table of its own, with the wells of the control gene.",
        )
    present = sorted({well.target for well in wells} - {FUSION})
    if asked and asked.lower() not in CONTROL_NAMES:
        raise BadInputError(
            f"{quoted(asked, 30)!r} is not a control gene that is known.",
            where="control gene",
            remedy="Choose ABL1, GUSB or BCR.",
        )
    if asked and CONTROL_NAMES[asked.lower()] not in present:
        raise _bad(f"There is no well of the control gene {CONTROL_NAMES[asked.lower()]}.", 1, name)
    if not present:
        raise _bad("There is no control gene in the table (ABL1, GUSB or BCR).", 1, name)
    if len(present) > 1 and not asked:
        raise BadInputError(
            f"There are several control genes: {', '.join(present)}.",
            where=f"{name}, target column",
            remedy="Say which one to use with --control.",
        )
    return CONTROL_NAMES[asked.lower() or present[0].lower()]


def _levels(wells: list[Well], name: str) -> tuple[StandardLevel, ...]:
    by_copies: dict[float, list[float | None]] = {}
    for well in wells:
        if not well.has_ct:
            raise _bad("A standard needs a ct column.", well.line, name)
        by_copies.setdefault(well.copies or 0.0, []).append(well.ct)
    return tuple(StandardLevel(copies=copies, ct=tuple(ct)) for copies, ct in sorted(by_copies.items()))


def _samples(wells: list[Well], gene: str, with_standards: set[str], name: str) -> tuple[QpcrSample, ...]:
    if not wells:
        raise _bad("There is no sample in the table, only standards.", 1, name)
    by_sample: dict[str, list[Well]] = {}
    for well in wells:
        by_sample.setdefault(well.sample, []).append(well)
    return tuple(_sample(sample, own, gene, with_standards, name) for sample, own in by_sample.items())


def _sample(sample: str, wells: list[Well], gene: str, with_standards: set[str], name: str) -> QpcrSample:
    line = wells[0].line
    fusion = [well for well in wells if well.target == FUSION]
    control = [well for well in wells if well.target == gene]
    for target, own in ((FUSION, fusion), (gene, control)):
        if not own:
            raise _bad(f"A sample has no well of {target}.", line, name)
    times = {well.at.model_dump_json(): well.at for well in wells if well.at is not None}
    if len(times) > 1:
        raise _bad("A sample has two dates.", line, name)
    return QpcrSample(
        name=sample,
        fusion=_replicates(fusion, FUSION in with_standards, name),
        control=_replicates(control, gene in with_standards, name),
        at=next(iter(times.values()), None),
    )


def _replicates(wells: list[Well], has_standards: bool, name: str) -> Wells:
    """Cycles where the table holds standards to read them by; else the instrument's copies, 0 for no signal."""
    cycles = any(well.ct is not None for well in wells)
    copies = [0.0 if well.no_signal and well.copies is None else well.copies for well in wells]
    if not any(well.has_ct for well in wells) and all(amount is None for amount in copies):
        raise _bad("A well with neither a cycle nor copies.", wells[0].line, name)
    quantified = any(well.copies is not None for well in wells)
    if (has_standards and (cycles or not quantified)) or (not quantified and (cycles or None in copies)):
        return Wells(ct=tuple(well.ct for well in wells))
    if None in copies:
        missing = wells[copies.index(None)].line
        raise _bad("Copies are given for some wells of a sample only; write 0 for none.", missing, name)
    return Wells(copies=tuple(amount for amount in copies if amount is not None))


def _bad(what: str, line: int, name: str) -> BadInputError:
    return BadInputError(what, where=f"{name}, line {line}", remedy="Correct the line and run again.")
