"""Reading qPCR runs: instrument tables (CSV, TSV) and YAML.

A table has one well a line, under headings that instruments use: sample, target (or detector, gene), ct
(cq, cp), copies (or quantity), role (or task). Lines before the headings are passed over. Wells without
amplification are empty or say so (``Undetermined``). Files are hostile: bounded, plain text, every error with
its line.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

from pydantic import ValidationError

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
from kinscope.core.files import read_text
from kinscope.core.plain_yaml import line_of, parse_yaml, path_text
from kinscope.core.records import Record

HEADINGS = {
    "sample": ("sample", "sample name", "sample id", "name", "samplename"),
    "target": ("target", "target name", "gene", "detector", "detector name", "assay"),
    "role": ("role", "task", "type", "content", "well type"),
    "ct": ("ct", "cq", "cp", "cт", "crossing point"),
    "copies": ("copies", "quantity", "qty", "copy number", "starting quantity", "sq"),
    "date": ("date", "sample date", "sampling date"),
    "day": ("day",),
}
"""Instruments write Ct with a Cyrillic т; it is the same heading."""

NEGATIVE = ("", "-", "nd", "n/a", "na", "nan", "no ct", "neg", "negative", "und", "undet", "undetermined")
NEGATIVE_TOO = ("not detected", "n.d.", "undetected", "none", "no cq")
STANDARD = ("standard", "std", "s", "std curve")
SAMPLE = ("", "sample", "unknown", "unkn", "u")
NO_TEMPLATE = ("ntc", "nac", "blank", "no template", "no template control", "negative control", "ntc control")
CONTROL_NAMES: dict[str, ControlName] = {
    "abl1": "ABL1",
    "abl": "ABL1",
    "gusb": "GUSB",
    "gus": "GUSB",
    "bcr": "BCR",
}
FUSION_NAMES = (
    "bcr::abl1", "bcr-abl1", "bcr-abl", "bcr/abl", "bcr/abl1", "bcrabl", "bcrabl1", "bcr::abl", "fusion",
)  # fmt: skip
MAX_PREAMBLE = 80


class Well(Record):
    """One line of a table."""

    line: int
    sample: str
    target: str
    role: str
    ct: float | None = None
    has_ct: bool = False
    copies: float | None = None
    at: TimePoint | None = None


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
    text = read_text(file)
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
            remedy="See docs/how-to/qpcr.md for an example.",
        )
    given = {"transcript": transcript, "control_gene": control_gene, "conversion_factor": factor}
    content = {**content, **{key: value for key, value in given.items() if value not in ("", None)}}
    try:
        return QpcrRun.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        what = first["msg"].removeprefix("Value error, ")
        place = path_text(first["loc"]) if first["loc"] else "the run"
        raise BadInputError(
            f"{place}: {what[:1].lower()}{what[1:200]}.",
            where=f"{name}, line {line_of(places, first['loc'])[0]}",
            remedy="See docs/how-to/qpcr.md for an example.",
        ) from None


def table_run(
    text: str, name: str, transcript: str = "", control_gene: str = "", factor: float | None = None
) -> QpcrRun:
    """A run from the text of a table; ``name`` stands in the messages."""
    wells = _wells(text, name)
    gene = _control_gene(wells, control_gene, name)
    _refuse_two_controls(wells, gene, name)
    standards = [well for well in wells if well.role == "standard"]
    return QpcrRun(
        transcript=transcript,
        control_gene=gene,
        conversion_factor=_factor(factor),
        fusion_standards=_levels([w for w in standards if w.target == FUSION], name),
        control_standards=_levels([w for w in standards if w.target == gene], name),
        no_template=tuple(w.ct for w in wells if w.role == "no template" and w.target == FUSION),
        samples=_samples(
            [w for w in wells if w.role == "sample"], gene, {well.target for well in standards}, name
        ),
    )


def _factor(factor: float | None) -> float | None:
    if factor is not None and not 0 < factor <= 100:
        raise BadInputError(
            f"A conversion factor of {factor:g} is not possible.",
            where="conversion factor",
            remedy="It is 0.1 % over the laboratory's own value of a major molecular response.",
        )
    return factor


def _wells(text: str, name: str) -> list[Well]:
    lines = text.lstrip("\ufeff").splitlines()
    start, delimiter, columns = _heading(lines, name)
    rows = csv.reader(io.StringIO("\n".join(lines[start + 1 :])), delimiter=delimiter)
    wells: list[Well] = []
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            line = start + 1 + rows.line_num
            wells.append(_well(row, columns, line, name, decimal_comma=delimiter == ";"))
            if len(wells) > MAX_WELLS:
                raise _bad(f"More than {MAX_WELLS:,} wells.", line, name)
    except csv.Error as error:
        raise _bad(f"The table cannot be read: {error}.", start + 1 + rows.line_num, name) from None
    if not wells:
        raise _bad("There is no well below the headings.", start + 1, name)
    return wells


def _heading(lines: list[str], name: str) -> tuple[int, str, dict[str, int]]:
    """The line of the headings, the delimiter, and which column holds what."""
    for index, line in enumerate(lines[:MAX_PREAMBLE]):
        for delimiter in ("\t", ";", ","):
            cells = [cell.strip().strip('"').lower() for cell in line.split(delimiter)]
            columns = _columns(cells, index + 1, name)
            if "target" in columns and ("ct" in columns or "copies" in columns):
                return index, delimiter, columns
    raise BadInputError(
        "No line of headings with a target and a ct or copies column was found.",
        where=f"{name}, line 1",
        remedy="Head the columns sample, target, role, copies, ct; kinscope qpcr --help shows an example.",
    )


def _columns(cells: list[str], line: int, name: str) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, cell in enumerate(cells):
        for field, names in HEADINGS.items():
            if cell not in names:
                continue
            if field in columns and {"target", "ct"} <= set(columns):
                raise _bad(f"Two columns hold the {field}.", line, name)
            columns.setdefault(field, index)
    return columns


def _well(row: list[str], columns: dict[str, int], line: int, name: str, *, decimal_comma: bool) -> Well:
    def cell(field: str) -> str:
        index = columns.get(field)
        if index is None:
            return ""
        if index >= len(row):
            raise _bad(
                f"The line has {len(row)} cells; the {field} column is number {index + 1}.", line, name
            )
        return row[index].strip()

    sample = cell("sample")
    if len(sample) > 80 or not sample.isprintable():
        raise _bad("The sample's name is too long or holds control characters.", line, name)
    ct = _number(cell("ct"), "ct", line, name, decimal_comma) if "ct" in columns else None
    copies = _number(cell("copies"), "copies", line, name, decimal_comma) if "copies" in columns else None
    if ct is not None and not 0 < ct <= 60:
        raise _bad(f"A cycle of {ct:g} is not possible.", line, name)
    if copies is not None and not 0 <= copies <= 1e12:
        raise _bad(f"{copies:g} copies are not possible.", line, name)
    well = Well(
        line=line,
        sample=sample,
        target=_target(cell("target"), line, name),
        role=_role(cell("role"), sample, copies is not None, line, name),
        ct=ct,
        has_ct="ct" in columns,
        copies=copies,
        at=_time(cell("date"), cell("day"), line, name),
    )
    if well.role == "standard" and not well.copies:
        raise _bad("A standard without its copies.", line, name)
    if well.role == "sample" and not sample:
        raise _bad("A well without the name of its sample.", line, name)
    return well


def _number(text: str, field: str, line: int, name: str, decimal_comma: bool) -> float | None:
    lowered = text.lower()
    if lowered in NEGATIVE or lowered in NEGATIVE_TOO:
        return None
    plain = text.replace("\u00a0", "").replace(" ", "")
    if decimal_comma:
        plain = plain.replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        value = float("nan")
    if "_" in plain or value != value or value in (float("inf"), float("-inf")):
        raise _bad(f"The {field} {text[:30]!r} is not a number.", line, name)
    return value


def _target(text: str, line: int, name: str) -> str:
    lowered = text.lower().replace(" ", "")
    if any(lowered.startswith(fusion) for fusion in FUSION_NAMES):
        return FUSION
    if lowered in CONTROL_NAMES:
        return CONTROL_NAMES[lowered]
    raise BadInputError(
        f"The target {text[:40]!r} is not known.",
        where=f"{name}, line {line}",
        remedy="Targets are BCR::ABL1 and a control gene: ABL1, GUSB or BCR.",
    )


def _role(text: str, sample: str, has_copies: bool, line: int, name: str) -> str:
    lowered = text.lower()
    if lowered in NO_TEMPLATE or (lowered in SAMPLE and sample.lower() in NO_TEMPLATE):
        return "no template"
    if lowered in STANDARD:
        return "standard"
    if not lowered and has_copies and sample.lower().startswith(("std", "standard")):
        return "standard"
    if lowered in SAMPLE:
        return "sample"
    raise _bad(f"The role {text[:30]!r} is not known: standard, sample or ntc.", line, name)


def _time(date: str, day: str, line: int, name: str) -> TimePoint | None:
    if date:
        try:
            return TimePoint(date=dt.date.fromisoformat(date))
        except ValueError:
            raise _bad(f"The date {date[:20]!r} is not written as 2023-07-01.", line, name) from None
    if day:
        try:
            return TimePoint(day=int(day))
        except ValueError:
            raise _bad(f"The day {day[:20]!r} is not a whole number.", line, name) from None
    return None


def _control_gene(wells: list[Well], asked: str, name: str) -> ControlName:
    present = {well.target for well in wells if well.target != FUSION}
    if asked:
        gene = CONTROL_NAMES.get(asked.lower())
        if gene is None:
            raise BadInputError(
                f"{asked[:30]!r} is not a control gene that is known.",
                where="control gene",
                remedy="Choose ABL1, GUSB or BCR.",
            )
        return gene
    if not present:
        raise _bad("There is no control gene in the table (ABL1, GUSB or BCR).", 1, name)
    if len(present) > 1:
        raise BadInputError(
            f"There are several control genes: {', '.join(sorted(present))}.",
            where=f"{name}, target column",
            remedy="Say which one to use with --control.",
        )
    return CONTROL_NAMES[present.pop().lower()]


def _refuse_two_controls(wells: list[Well], gene: str, name: str) -> None:
    if not any(well.target == gene for well in wells):
        raise _bad(f"There is no well of the control gene {gene}.", 1, name)


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
    """Cycles where the table holds standards to read them by; else the instrument's copies."""
    given = [well.copies for well in wells]
    cycles = any(well.ct is not None for well in wells)
    if cycles and (has_standards or all(copies is None for copies in given)):
        return Wells(ct=tuple(well.ct for well in wells))
    if any(copies is not None for copies in given):
        if any(copies is None for copies in given):
            missing = next(well.line for well in wells if well.copies is None)
            raise _bad("Copies are given for some wells of a sample only; write 0 for none.", missing, name)
        return Wells(copies=tuple(copies for copies in given if copies is not None))
    if not wells[0].has_ct:
        raise _bad("A well with neither a cycle nor copies.", wells[0].line, name)
    return Wells(ct=tuple(None for _ in wells))


def _bad(what: str, line: int, name: str) -> BadInputError:
    return BadInputError(what, where=f"{name}, line {line}", remedy="Correct the line and run again.")
