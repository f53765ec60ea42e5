"""Read a target pack's evidence tables, every row checked.

``evidence/`` of a pack holds ``measured.csv`` and ``civic.csv`` (derived from published data files by
``benchmarks/curate_evidence.py``), ``curated.yaml`` and ``options.yaml`` (by hand), and ``searched.yaml``.
"""

from __future__ import annotations

import csv
import io
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.files import read_text
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record
from kinscope.evidence.changes import parse_changes
from kinscope.evidence.model import EvidenceBase, EvidenceItem, Search, TreatmentOption
from kinscope.targets.pack import TargetPack

DIRECTORY = "evidence"
TABLES = ("measured.csv", "civic.csv")
IDENTIFIER = re.compile(r"^(PMID:[1-9]\d{0,8}|doi:10\.\d{4,9}/\S+)$")
_DRUG = re.compile(r"^([a-z0-9][a-z0-9-]*)?$")
_NOT_REREAD = "The source was not read again for this table."


class _Source(Record):
    """A citation of ``curated.yaml``."""

    citation: str
    identifier: str
    checked: Literal["paper", "abstract", "known"]


class _CuratedEntry(Record):
    """One entry of ``curated.yaml``: the same observation for several changes and drugs."""

    id: str
    protein_changes: tuple[str, ...] = Field(min_length=1)
    drugs: tuple[str, ...] = Field(min_length=1)
    kind: str
    direction: str
    value: float | None = None
    unit: str = ""
    tier: str
    strength: str = "moderate"
    source: str
    summary: str
    caveat: str = ""


class _CuratedFile(Record):
    sources: dict[str, _Source]
    items: tuple[_CuratedEntry, ...]


class _OptionsFile(Record):
    options: tuple[TreatmentOption, ...]


class _SearchedFile(Record):
    searched: tuple[str | Search, ...]


def load_evidence(pack: TargetPack) -> EvidenceBase:
    """Everything published that a pack holds; an empty base if it holds no evidence tables.

    Raises BadInputError if a table is damaged, a row has no citation, or a wild-type residue contradicts the
    pack's protein.
    """
    return _load(pack.directory, pack.transcript.protein)


@lru_cache(maxsize=8)
def _load(directory: Path, protein: str) -> EvidenceBase:
    folder = directory / DIRECTORY
    if not folder.is_dir():
        return EvidenceBase(items=(), options=(), searched=())
    items: list[EvidenceItem] = []
    for name in TABLES:
        if (folder / name).exists():
            items += _read_table(folder / name)
    if (folder / "curated.yaml").exists():
        items += _read_curated(folder / "curated.yaml")
    options: tuple[TreatmentOption, ...] = ()
    searched: tuple[Search, ...] = ()
    if (folder / "options.yaml").exists():
        options = _validated(folder / "options.yaml", _OptionsFile).options
    if (folder / "searched.yaml").exists():
        entries = _validated(folder / "searched.yaml", _SearchedFile).searched
        searched = tuple(Search(source=one) if isinstance(one, str) else one for one in entries)
    _check(items, protein, folder)
    for one in searched:
        if one.only:
            _check_changes(one.only, protein, f"{folder}, searched.yaml")
    return EvidenceBase(items=tuple(items), options=options, searched=searched)


def _read_table(path: Path) -> list[EvidenceItem]:
    """A CSV file whose columns are the fields of an evidence item."""
    rows = csv.DictReader(io.StringIO(read_text(path)))
    items = []
    for row in rows:
        cells: dict[str, Any] = dict(row)
        cells["value"] = cells.get("value") or None
        items.append(_item(cells, f"{path}, line {rows.line_num}"))
    return items


def _read_curated(path: Path) -> list[EvidenceItem]:
    content: _CuratedFile = _validated(path, _CuratedFile)
    items = []
    for entry in content.items:
        where = f"{path}, item {entry.id}"
        if entry.source not in content.sources:
            raise _damaged(f"The source {entry.source!r} is not listed.", where)
        source = content.sources[entry.source]
        caveat = " ".join(filter(None, [entry.caveat, _NOT_REREAD if source.checked == "known" else ""]))
        shared = entry.model_dump(exclude={"id", "protein_changes", "drugs", "source", "caveat"})
        for change in entry.protein_changes:
            for drug in entry.drugs:
                cells = {
                    **shared,
                    "id": "-".join(filter(None, [entry.id, drug, change])),
                    "protein_change": change,
                    "drug": drug,
                    "citation": source.citation,
                    "identifier": source.identifier,
                    "caveat": caveat,
                }
                items.append(_item(cells, where))
    return items


def _item(cells: dict[str, Any], where: str) -> EvidenceItem:
    try:
        return EvidenceItem.model_validate(cells)
    except ValidationError as error:
        raise _damaged(f"The row is not an evidence item: {_reasons(error)}.", where) from None


def _validated(path: Path, kind: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_python(read_yaml(path))
    except ValidationError as error:
        raise _damaged(f"The file does not follow its layout: {_reasons(error)}.", str(path)) from None


def _reasons(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()[:3])


def _check(items: list[EvidenceItem], protein: str, folder: Path) -> None:
    """Refuse what would mislead in silence: a wrong residue, a missing citation, a repeated id."""
    seen: set[str] = set()
    for item in items:
        where = f"{folder}, item {item.id}"
        if item.id in seen:
            raise _damaged("The id is given twice.", where)
        seen.add(item.id)
        if not item.citation.strip() or not item.summary.strip():
            raise _damaged("An item needs a citation and a summary.", where)
        if not IDENTIFIER.match(item.identifier):
            raise _damaged(f"{item.identifier!r} is neither PMID:... nor doi:...", where)
        if not _DRUG.match(item.drug):
            raise _damaged(f"{item.drug!r} is not the id of a drug.", where)
        _check_changes(item.protein_change, protein, where)


def _check_changes(text: str, protein: str, where: str) -> None:
    try:
        changes = parse_changes(text).changes
    except ValueError as error:
        raise _damaged(f"{error}.", where) from None
    for change in changes:
        present = protein[change.position - 1] if change.position <= len(protein) else "nothing"
        if present != change.wild_type:
            raise _damaged(
                f"{text} says {change.wild_type} at {change.position}, "
                f"but the reference isoform has {present} there.",
                where,
            )


def _damaged(what: str, where: str) -> BadInputError:
    return BadInputError(what, where=where, remedy="Correct the evidence table of the target pack.")
