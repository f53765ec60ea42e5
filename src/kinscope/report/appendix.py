"""The appendix: every table of the result as rows of text, by what its records hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from kinscope.core.residues import ranges
from kinscope.interpretation.model import StudyResult
from kinscope.interpretation.motion import spoken
from kinscope.interpretation.words.say import say, statement
from kinscope.report.export import result_tables
from kinscope.report.files import ReportFiles
from kinscope.report.text import Names, significant
from kinscope.results.measured import Difference
from kinscope.results.notes import Note

_LEFT_OUT = {"origins", "schema_version", "seed", "reused", "native", "mutant", "settings", "key", "sides",
             "moving_residues", "principal", "bound", "rmsf_angstrom", "halves_percent"}  # fmt: skip
"""Fields that are tables of their own, or that the files in ``tables/`` hold better."""
_NO_TABLE = ("profiles", "trajectories")


@dataclass(frozen=True)
class AppendixTable:
    """One table in words."""

    id: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def appendix_tables(result: StudyResult, files: ReportFiles) -> list[AppendixTable]:
    """Every table that holds something; columns that are empty throughout are left out."""
    names = Names(files)
    result = result.model_copy(update={"measurements": spoken(result.measurements)})
    tables: list[tuple[str, Iterable[BaseModel]]] = [
        (name, rows) for name, _, rows in result_tables(result) if name not in _NO_TABLE
    ]
    tables += [("drugs_as_modelled", files.drugs), ("regions_and_their_sources", files.regions)]
    tables += [(f"motion_{q.id}".replace(" ", "_"), q.findings) for q in result.assessment.questions]
    made = [_table(name, list(rows), names) for name, rows in tables]
    searched = tuple((text,) for text in result.evidence.searched)
    versions = tuple(result.versions.items())
    made += [
        AppendixTable("searched", "Where was searched", ("source",), searched),
        AppendixTable("versions", "Versions", ("library", "version"), versions),
    ]
    return [table for table in made if table.rows]


def _table(name: str, rows: list[BaseModel], names: Names) -> AppendixTable:
    flat = [dict(_fields(row, names)) for row in rows]
    heads = [head for head in dict.fromkeys(head for row in flat for head in row)
             if any(row.get(head) for row in flat)]  # fmt: skip
    cells = tuple(tuple(row.get(head, "") for head in heads) for row in flat)
    title = name.replace("_", " ").capitalize()
    return AppendixTable(name, title, tuple(head.replace("_", " ") for head in heads), cells)


def _fields(row: BaseModel, names: Names) -> Iterator[tuple[str, str]]:
    for field in type(row).model_fields:
        value = getattr(row, field)
        if field in ("geometry", "contact", "item") and isinstance(value, BaseModel):
            yield from _fields(value, names)
        elif field == "origins":
            yield "where_from", _origins(value)
        elif field not in _LEFT_OUT:
            told = names.state(value) if field == "state" else names.drug(value) if field == "drug" else value
            yield field, _cell(told)


def _cell(value: object) -> str:
    """A value in words."""
    if value is None or value == () or value == {}:
        return ""
    if isinstance(value, Difference):
        return statement(value)
    if isinstance(value, Note):
        return say(value)
    if isinstance(value, BaseModel):
        return "; ".join(
            f"{n.replace('_', ' ')} {_cell(getattr(value, n))}" for n in type(value).model_fields
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return significant(value) if math.isfinite(value) else ""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(item)}" for key, item in value.items())
    if isinstance(value, tuple | list):
        if value and all(isinstance(item, int) for item in value):
            return range_text(value)
        return "; ".join(_cell(item) for item in value)
    return str(value)


def _origins(origins: Iterable[object]) -> str:
    """Where a model's residues come from, as ranges."""
    groups: dict[tuple[str, str], list[int]] = {}
    for one in origins:
        groups.setdefault((one.origin, one.entry), []).append(one.residue)  # type: ignore[attr-defined]
    return "; ".join(
        f"{origin}{f' {entry}' if entry else ''} {range_text(residues)}"
        for (origin, entry), residues in sorted(groups.items(), key=lambda pair: min(pair[1]))
    )


def range_text(residues: Iterable[int]) -> str:
    """``240–385, 403``."""
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in ranges(residues))


def settings_text(settings: object) -> str:
    """Nested settings as YAML, to be read."""
    import yaml

    return str(yaml.safe_dump(settings, sort_keys=False, width=100))
