"""A table of calls from amplicon sequencing: CSV or TSV with a head line.

Columns are found by name, whatever their order: a description (``c``, ``hgvs_c``, ``coding`` or ``p``,
``hgvs_p``, ``protein``), and where there are any a share (``vaf``, ``af``, ``share``) and a depth (``depth``,
``dp``, ``reads``). A share is percent if its column or cell has a ``%`` or it is above 1, else a fraction.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from kinscope.core.errors import BadInputError
from kinscope.sequencing.reported.calls import call_of_text

if TYPE_CHECKING:
    from kinscope.sequencing.model import Call
    from kinscope.targets import TargetPack

NAMES: Final[dict[str, frozenset[str]]] = {
    "coding": frozenset({"c", "c.", "hgvs_c", "hgvsc", "coding", "cdna", "variant", "mutation"}),
    "protein": frozenset({"p", "p.", "hgvs_p", "hgvsp", "protein", "aa", "amino_acid"}),
    "share": frozenset(
        {"vaf", "af", "share", "vaf_percent", "share_percent", "allele_frequency", "frequency"}
    ),
    "depth": frozenset({"depth", "dp", "reads", "coverage"}),
}
REMEDY: Final = "Give a head line such as: hgvs_c,vaf,depth (or hgvs_p), comma, semicolon or tab between."


def read_table(lines: list[str], name: str, pack: TargetPack) -> tuple[Call, ...]:
    """Calls of a table.

    Parameters
    ----------
    lines
        Lines of the file, the first with the column names.
    name
        Its name, for errors.
    pack
        The target.

    Raises
    ------
    BadInputError
        If the head line names no description, or a row cannot be read; with the line.
    """
    kept = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    if not kept:
        raise BadInputError("The table is empty.", where=name, remedy=REMEDY)
    head = kept[0][1]
    separator = max(("\t", ";", ","), key=head.count)
    columns = _columns(next(csv.reader([head], delimiter=separator)), f"{name}, line {kept[0][0]}")
    calls = []
    for number, line in kept[1:]:
        where = f"{name}, line {number}"
        row = next(csv.reader([line], delimiter=separator), [])
        calls.append(_call(row, columns, where, pack))
    return tuple(sorted(calls, key=lambda call: call.first_codon))


def _columns(head: list[str], where: str) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    for index, title in enumerate(head):
        plain = re.sub(r"[^a-z0-9_.%]", "", title.strip().lower().replace(" ", "_"))
        percent = "%" in title or "percent" in plain
        for meaning, names in NAMES.items():
            if plain.rstrip("%_") in names and meaning not in found:
                found[meaning] = (index, "percent" if percent else "")
    if not {"coding", "protein"} & set(found):
        raise BadInputError(
            f"No column describes the variant; the columns are: {', '.join(head)[:200]}.",
            where=where,
            remedy=REMEDY,
        )
    return found


def _call(row: list[str], columns: dict[str, tuple[int, str]], where: str, pack: TargetPack) -> Call:
    def value(meaning: str) -> str:
        index = columns.get(meaning, (len(row), ""))[0]
        return row[index].strip() if index < len(row) else ""

    coding, protein = value("coding"), value("protein")
    text = coding or protein
    if not text:
        raise BadInputError("The row describes no variant.", where=where, remedy=REMEDY)
    if coding and re.match(r"\d", coding):
        text = f"c.{coding}"
    share = _share(value("share"), columns.get("share", (0, ""))[1] == "percent", where)
    depth = value("depth").replace(",", "")
    if depth and (not depth.isdigit() or not 0 < len(depth) < 10):
        raise BadInputError(f"{depth[:30]!r} is no depth.", where=where, remedy=REMEDY)
    return call_of_text(text, share, int(depth) if depth else None, where, pack)


def _share(text: str, percent: bool, where: str) -> float | None:
    """A share, 0 to 1, from a fraction or a percentage; None if the cell is empty."""
    if not text:
        return None
    plain = text.replace("%", "").replace(",", ".").strip()
    try:
        number = float(plain)
    except ValueError:
        number = -1.0
    if percent or "%" in text or number > 1:
        number /= 100
    if not 0 <= number <= 1:
        raise BadInputError(f"{text[:30]!r} is no share.", where=where, remedy=REMEDY)
    return number
