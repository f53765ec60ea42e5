"""CIViC (CC0) as rows of an evidence table, and what a newer release changes in one.

Read with care: significance counts together with direction; rows on drugs given together do not say which
of them failed; level C is single patients and small groups, which decide nothing alone.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kinscope.core.errors import BadInputError
from kinscope.core.files import read_text
from kinscope.core.plain_yaml import read_yaml
from kinscope.core.records import Record
from kinscope.core.tables import csv_text
from kinscope.evidence.changes import parse_changes
from kinscope.targets.pack import TargetPack

Row = dict[str, str]
COLUMNS = (
    "id", "protein_change", "drug", "kind", "direction", "value", "unit", "bound", "summary",
    "citation", "identifier", "tier", "strength", "level", "caveat",
)  # fmt: skip

# Classes of fold IC50 after Redaelli et al. 2009 (PMID 19075254): up to 2 sensitive, up to 4 moderately
# resistant, above resistant. Two laboratories differ by 0.4-0.5 kcal/mol on one mutant, a factor of 2.0-2.3.
SENSITIVE_BELOW, NO_EFFECT_UP_TO, REDUCED_UP_TO = 0.5, 2.0, 4.0
_RULES: dict[str, Any] = read_yaml(Path(__file__).parent / "civic.yaml")


def direction_of_fold(fold: float) -> str:
    """The class of a fold change, mutant over native."""
    if fold < SENSITIVE_BELOW:
        return "sensitive"
    if fold <= NO_EFFECT_UP_TO:
        return "no effect"
    return "reduced sensitivity" if fold <= REDUCED_UP_TO else "resistant"


def fold_text(fold: float) -> str:
    """``0.85``, ``4.6``, ``21`` or ``5,000``; never an exponent."""
    return f"{fold:,.0f}" if fold >= 9.95 else f"{fold:.2g}"


def read_release(path: Path, gene: str = "ABL1") -> list[Row]:
    """The rows of a CIViC release on one gene, by tab or comma, with the column names of 2021.

    Raises BadInputError if the file is not a table of CIViC's evidence.
    """
    text = read_text(path)
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t" if "\t" in text[:2000] else ","))
    needed = {"evidence_id", "evidence_direction", "evidence_level", "evidence_type", "citation_id"}
    if not rows or not needed <= set(rows[0]):
        raise BadInputError(
            "The file is not a CIViC table of clinical evidence.",
            where=str(path),
            remedy="Download AcceptedClinicalEvidenceSummaries.tsv from civicdb.org/releases.",
        )
    found = []
    for raw in rows:
        row = {name: value or "" for name, value in raw.items() if isinstance(name, str)}
        named = row.get("gene") or row.get("molecular_profile") or row.get("feature_name", "")
        if gene not in named:
            continue
        profile = row.get("variant") or row.get("molecular_profile", "")
        changes = re.findall(r"\b[ACDEFGHIKLMNPQRSTVWY][1-9]\d{0,3}[ACDEFGHIKLMNPQRSTVWY]\b", profile)
        single = "" if re.search(r"\b(OR|NOT)\b", profile) else ";".join(dict.fromkeys(changes))
        row.setdefault("mutation", single)
        row.setdefault("drugs", row.get("therapies", ""))
        row.setdefault("drug_interaction_type", row.get("therapy_interaction_type", ""))
        row.setdefault("clinical_significance", row.get("significance", ""))
        found.append(row)
    return found


def civic_rows(rows: Iterable[Row], measured: frozenset[tuple[str, str, str]]) -> Iterator[Row]:
    """The usable rows; ``measured``: change, drug and identifier of what another table holds already."""
    seen: set[tuple[str, ...]] = set()
    for row in sorted(rows, key=lambda row: int(row["evidence_id"])):
        said = _RULES["statements"].get(f"{row['evidence_direction']} {row['clinical_significance']}")
        usable = row["evidence_type"] == "Predictive" and row["evidence_status"] == "accepted"
        if not (usable and row["mutation"] and said) or row["drug_interaction_type"] == "Combination":
            continue
        if row["citation_id"] in _RULES["elsewhere"]:
            continue
        as_written = (row["mutation"].replace(";", "/"), "")
        change, note = _RULES["corrections"].get(row["mutation"], as_written)
        for name in row["drugs"].split(","):
            drug = name.replace("Mesylate", "").strip().lower()
            item = _item(row, change, drug, said, note)
            key = tuple(item[k] for k in ("protein_change", "drug", "kind", "direction", "identifier"))
            if key not in seen and (change, drug, item["identifier"]) not in measured:
                seen.add(key)
                yield item


def _item(row: Row, change: str, drug: str, said: Row, note: str) -> Row:
    level, direction = row["evidence_level"], said["direction"]
    clinical = level in "ABC"
    strength = "strong" if level in "AB" else "weak" if level in "CE" else "moderate"
    caveats = [note] if note else []
    if clinical and drug == "imatinib" and row["citation_id"] in _RULES["second_line"]:
        strength = "weak"
        caveats.append(
            "Seen in patients who had already failed imatinib: an association, not a test of cause."
        )
    kind, tier = "in vitro screen", "published"
    if clinical:
        kind = "clinical response" if direction in ("sensitive", "no effect") else "clinical resistance"
    fold, bound, numbers = _value(row, drug)
    if fold and not clinical:
        kind, tier = "cell IC50 fold", "measured"
        by_fold = direction_of_fold(fold)
        if (by_fold == "resistant") != (direction == "resistant"):
            strength = "weak"
            caveats.append("Statement and numbers disagree; the numbers are followed.")
        direction = by_fold
    author, _, rest = row["citation"].partition(",")
    year, _, journal = (part.strip() for part in rest.partition(","))
    return {
        "id": f"civic-EID{row['evidence_id']}-{drug}", "protein_change": change, "drug": drug, "kind": kind,
        "direction": direction, "value": f"{fold:.3g}" if fold else "", "unit": "fold" if fold else "",
        "bound": bound,
        "summary": f"{_RULES['basis'].get(level, 'Laboratory study')} (CIViC level {level}): {change} "
                   f"{said['words']} {drug}{numbers}.",
        "citation": f"{', '.join(filter(None, [author.strip(), journal, year]))} "
                    f"(CIViC EID{row['evidence_id']})",
        "identifier": f"PMID:{row['citation_id']}", "tier": tier, "strength": strength, "level": level,
        "caveat": " ".join(caveats),
    }  # fmt: skip


def _value(row: Row, drug: str) -> tuple[float | None, str, str]:
    """CIViC's own numbers, where they are this drug's: fold, bound, and words for them."""
    mutant, native, stated = (row.get(k, "") for k in ("mut_IC50_nM", "wt_IC50_nM", "fold_stated"))
    if _RULES["value_of"].get(row["citation_id"], row["drugs"].lower()) != drug or not (
        stated or (mutant and native)
    ):
        return None, "", ""
    bound = ">" if ">" in mutant + stated else ""
    fold = float(stated.strip(">")) if stated else float(mutant.strip(">")) / float(native)
    ic50 = f"; IC50 {mutant} nM against {native} nM" if mutant else ""
    more = "more than " if bound else ""
    return fold, bound, f"{ic50}, {more}{fold_text(fold)}-fold"


class Update(Record):
    """What a release changes in the table at hand."""

    came: tuple[str, ...]
    changed: tuple[str, ...]
    """Ids with the columns that differ."""
    went: tuple[str, ...]
    """Ids of the table that the release no longer has; they are kept, with a caveat."""
    rows: tuple[Row, ...]
    """The table after the update."""


_OF_VALUE = ("value", "unit", "bound", "kind", "tier", "direction", "strength", "summary", "caveat")
_COMPARED = ("protein_change", "kind", "direction", "level", "identifier")


def update_table(old: Sequence[Row], new: Iterable[Row], release: str) -> Update:
    """Compare by id. An item that went stays with a caveat, so that no update loses evidence in silence."""
    before: Mapping[str, Row] = {row["id"]: row for row in old}
    after = {row["id"]: row for row in new}
    changed = []
    for key in before.keys() & after.keys():
        if before[key].get("value") and not after[key]["value"]:  # read from the paper: no release has it
            after[key].update({name: before[key].get(name, "") for name in _OF_VALUE})
        columns = [name for name in _COMPARED if before[key].get(name, "") != after[key][name]]
        if columns:
            changed.append(f"{key} ({', '.join(columns)})")
    went = sorted(before.keys() - after.keys())
    kept = []
    for key in went:
        caveat = f"Not in {release}."
        old_caveat = before[key].get("caveat", "")
        joined = old_caveat if caveat in old_caveat else f"{old_caveat} {caveat}".strip()
        kept.append({**before[key], "caveat": joined})
    return Update(
        came=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(changed)),
        went=tuple(went),
        rows=tuple(sorted([*after.values(), *kept], key=table_order)),
    )


def update_of(pack: TargetPack, release: Path) -> Update:
    """What a release, a file at hand, changes in a pack's table; nothing is fetched or written.

    Raises BadInputError if the file is not CIViC's.
    """
    folder = pack.directory / "evidence"
    tables = [folder / name for name in ("civic.csv", "measured.csv")]
    old, measured = (
        list(csv.DictReader(io.StringIO(read_text(path)))) if path.exists() else [] for path in tables
    )
    held = frozenset((row["protein_change"], row["drug"], row["identifier"]) for row in measured)
    new = [
        row
        for row in civic_rows(read_release(release, pack.gene), held)
        if all(
            pack.transcript.protein[change.position - 1 : change.position] == change.wild_type
            for change in parse_changes(row["protein_change"]).changes
        )
    ]
    return update_table(old, new, release.name)


def table_order(row: Mapping[str, Any]) -> tuple[int, str, str]:
    """By residue, change and id."""
    first = re.search(r"\d+", row["protein_change"])
    return int(first.group() if first else 0), row["protein_change"], row["id"]


def table_text(rows: Iterable[Row]) -> str:
    """Rows as the CSV that ships."""
    ordered = sorted(rows, key=table_order)
    return csv_text(COLUMNS, [[row.get(name, "") for name in COLUMNS] for row in ordered])
