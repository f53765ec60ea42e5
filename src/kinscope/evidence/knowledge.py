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
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

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
    """One entry of ``curated.yaml``: an observation, whose other fields are those of an item, on several."""

    model_config = ConfigDict(extra="allow")

    id: str
    protein_changes: tuple[str, ...] = Field(min_length=1)
    drugs: tuple[str, ...] = Field(min_length=1)
    source: str
    caveat: str = ""


class _CuratedFile(Record):
    sources: dict[str, _Source]
    items: tuple[_CuratedEntry, ...]


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
        items += [_item(cells, where) for cells, where in _rows(folder / name)]
    if (folder / "curated.yaml").exists():
        items += _read_curated(folder / "curated.yaml")
    options: tuple[TreatmentOption, ...] = _listed(folder, "options", TreatmentOption)
    guidelines: tuple[GuidelineLine, ...] = _listed(folder, "guidelines", GuidelineLine)
    approvals: tuple[Approval, ...] = _listed(folder, "approvals", Approval)
    searched = tuple(
        Search(source=one) if isinstance(one, str) else one
        for one in _listed(folder, "searched", str | Search)
    )
    sightings = tuple(_as(Sighting, *row) for row in _rows(folder / "sightings.csv"))
    track = tuple(_as(TrackRecord, *row) for row in _rows(folder / "track.csv"))
    fusions = tuple(item for item in items if TRANSCRIPT.match(item.protein_change))
    items = [item for item in items if not TRANSCRIPT.match(item.protein_change)]
    _check(items, protein, folder)
    named = [(change, line.id) for line in guidelines for change in line.protein_changes]
    named += [(one.only, "searched.yaml") for one in searched if one.only]
    named += [(one.protein_change, "sightings.csv") for one in sightings]
    for change, where in named:
        _check_changes(change, protein, f"{folder}, {where}")
    return EvidenceBase(
        items=tuple(items), options=options, searched=searched, fusions=fusions, guidelines=guidelines,
        approvals=approvals, sightings=sightings, track=track,
    )  # fmt: skip


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The rows of a CSV file, if there is one, each with its place; an empty value is none."""
    if path.exists():
        rows = csv.DictReader(io.StringIO(read_text(path)))
        for row in rows:
            cells = {name: cell for name, cell in row.items() if cell or name != "value"}
            yield cells, f"{path}, line {rows.line_num}"


def _listed(folder: Path, name: str, kind: Any) -> Any:
    """The one list of a YAML file, if there is one."""
    path = folder / f"{name}.yaml"
    if not path.exists():
        return ()
    content = _as(dict[str, tuple[kind, ...]], read_yaml(path), str(path))
    if set(content) != {name}:
        raise _damaged(f"The file holds something other than one list, {name!r}.", str(path))
    return content[name]


def _read_curated(path: Path) -> list[EvidenceItem]:
    content: _CuratedFile = _as(_CuratedFile, read_yaml(path), str(path))
    items = []
    for entry in content.items:
        where = f"{path}, item {entry.id}"
        if entry.source not in content.sources:
            raise _damaged(f"The source {entry.source!r} is not listed.", where)
        source = content.sources[entry.source]
        caveat = " ".join(filter(None, [entry.caveat, _NOT_REREAD if source.checked == "known" else ""]))
        for change in entry.protein_changes:
            for drug in entry.drugs:
                cells = {
                    **(entry.model_extra or {}),
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
    cells["dated"] = years[0] if years else ""
    cells["level"] = cells.get("level") or _level(
        str(cells.get("kind")), str(cells.get("strength", "moderate"))
    )
    item: EvidenceItem = _as(EvidenceItem, cells, where)
    return item


def _level(kind: str, strength: str) -> str:
    """CIViC's level where a source states none: by what was observed, and how many stand behind it."""
    if kind in ("clinical resistance", "clinical response", "statement"):
        return {"strong": "B", "moderate": "C"}.get(strength, "E")
    return {"case report": "C", "structure": "E", "mechanism": "E", "germline": "E"}.get(kind, "D")


def _as(kind: Any, content: Any, where: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()[:3]]
        raise _damaged(f"This does not follow the layout: {'; '.join(reasons)}.", where) from None


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
                f"{item.identifier!r} is neither PMID:... nor doi:... nor like Blood 2016;127:1870", where
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
