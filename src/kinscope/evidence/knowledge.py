"""Read a target pack's evidence tables, every row checked.

``evidence/`` of a pack holds ``measured.csv`` and ``civic.csv`` (derived from published data files by
``benchmarks/curate_evidence.py``), and by hand ``curated.yaml``, ``options.yaml``, ``guidelines.yaml``,
``approvals.yaml`` and ``searched.yaml``. ``sightings.csv`` (derived) says how often a change was seen,
``track.csv`` how often verdicts were right (made by ``kinscope benchmark verdict --write``).
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
from kinscope.evidence.model import (
    Approval,
    EvidenceBase,
    EvidenceItem,
    GuidelineLine,
    Search,
    Sighting,
    TrackRecord,
    TreatmentOption,
)
from kinscope.targets.pack import TargetPack

DIRECTORY = "evidence"
TABLES = ("measured.csv", "civic.csv")
IDENTIFIER = re.compile(
    r"^(PMID:[1-9]\d{0,8}|doi:10\.\d{4,9}/\S+|[A-Z][A-Za-z ]+ (19|20)\d\d;\d+:[A-Z]?\d+)$"
)
"""``PMID:...``, ``doi:...``, or journal, year, volume and page where no other was at hand to check."""
TRANSCRIPT = re.compile(r"^e\d{1,2}a\d{1,2}$")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
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
    level: str = ""
    bound: str = ""
    source: str
    summary: str
    caveat: str = ""


class _CuratedFile(Record):
    sources: dict[str, _Source]
    items: tuple[_CuratedEntry, ...]


class _GuidelinesFile(Record):
    guidelines: tuple[GuidelineLine, ...]


class _ApprovalsFile(Record):
    approvals: tuple[Approval, ...]


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
    guidelines: tuple[GuidelineLine, ...] = ()
    approvals: tuple[Approval, ...] = ()
    sightings: tuple[Sighting, ...] = ()
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
    if (folder / "guidelines.yaml").exists():
        guidelines = _validated(folder / "guidelines.yaml", _GuidelinesFile).guidelines
    if (folder / "approvals.yaml").exists():
        approvals = _validated(folder / "approvals.yaml", _ApprovalsFile).approvals
    if (folder / "sightings.csv").exists():
        rows = list(csv.DictReader(io.StringIO(read_text(folder / "sightings.csv"))))
        sightings = _as(tuple[Sighting, ...], rows, str(folder / "sightings.csv"))
    fusions = tuple(item for item in items if TRANSCRIPT.match(item.protein_change))
    items = [item for item in items if not TRANSCRIPT.match(item.protein_change)]
    _check(items, protein, folder)
    named = [(change, line.id) for line in guidelines for change in line.protein_changes]
    named += [(one.only, "searched.yaml") for one in searched if one.only]
    named += [(one.protein_change, "sightings.csv") for one in sightings]
    for change, where in named:
        _check_changes(change, protein, f"{folder}, {where}")
    track: tuple[TrackRecord, ...] = ()
    if (folder / "track.csv").exists():
        rows = list(csv.DictReader(io.StringIO(read_text(folder / "track.csv"))))
        track = _as(tuple[TrackRecord, ...], rows, str(folder / "track.csv"))
    return EvidenceBase( track=track,
        items=tuple(items), options=options, searched=searched, fusions=fusions, guidelines=guidelines,
        approvals=approvals, sightings=sightings,
    )  # fmt: skip


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
    years = _YEAR.findall(str(cells.get("citation", "")))
    cells["dated"] = cells.get("dated") or (years[-1] if years else "")
    cells["level"] = cells.get("level") or _level(str(cells.get("kind")), str(cells.get("strength")))
    try:
        return EvidenceItem.model_validate(cells)
    except ValidationError as error:
        raise _damaged(f"The row is not an evidence item: {_reasons(error)}.", where) from None


def _level(kind: str, strength: str) -> str:
    """CIViC's level where a source states none: by what was observed, and how many stand behind it."""
    if kind in ("clinical resistance", "clinical response", "statement"):
        return {"strong": "B", "moderate": "C"}.get(strength, "E")
    return {"case report": "C", "structure": "E", "mechanism": "E"}.get(kind, "D")


def _validated(path: Path, kind: Any) -> Any:
    return _as(kind, read_yaml(path), str(path))


def _as(kind: Any, content: Any, where: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        raise _damaged(f"The file does not follow its layout: {_reasons(error)}.", where) from None


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
            raise _damaged(
                f"{item.identifier!r} is neither PMID:... nor doi:... nor like Blood 2016;127:1870",
                where,
            )
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
