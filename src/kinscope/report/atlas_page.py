"""The atlas of affinity as a page that opens offline, and as SVG: residue by substitution, a map a drug."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kinscope.affinity.atlas import Predicted
from kinscope.core.pages import content_security_policy, environment
from kinscope.report.style import marked_segments
from kinscope.targets.pack import TargetPack

LETTERS = "GAVLIMPFWYSTNQCDEKRH"
BINS = (
    (-0.5, "#4575b4"),
    (0.3, "#eeeeee"),
    (0.7, "#fdd9a8"),
    (1.36, "#f79a55"),
    (2.0, "#d7301f"),
    (99.0, "#7f0000"),
)
"""Upper ends, kcal/mol, and colours: the fifth begins where a tenfold loss does."""
_CELL, _LEFT, _STRIP = 4, 70, 10
_TEMPLATES = Path(__file__).parent / "templates"


def page_of(rows: Sequence[Predicted], pack: TargetPack) -> str:
    """A self-contained page of some rows of the atlas."""
    from markupsafe import Markup

    script = (_TEMPLATES / "atlas.js").read_text()
    first, last = min(row.residue for row in rows), max(row.residue for row in rows)
    drugs = list(dict.fromkeys(row.drug for row in rows))
    names = {drug.id: drug.name for drug in pack.drugs}
    maps = []
    for drug in drugs:
        its = [row for row in rows if row.drug == drug]
        cells = {row.change: [round(100 * x) for x in _shown(row)] for row in its}
        maps.append({
            "id": drug, "name": names.get(drug, drug), "cells": cells,
            "svg": Markup(_document(_map(its, first, last), last - first + 1)),
            "lost": sum(row.lost for row in its), "kept": sum(row.kept for row in its), "all": len(its),
        })  # fmt: skip
    data = {
        "first": first, "last": last, "letters": LETTERS, "cell": _CELL, "left": _LEFT, "strip": _STRIP,
        "protein": pack.transcript.protein[first - 1 : last],
        "cells": {item["id"]: item["cells"] for item in maps},
        "regions": [[r.label, r.start, r.end] for r in marked_segments(pack.regions) if r.start >= first],
    }  # fmt: skip
    return environment(_TEMPLATES).get_template("atlas.html.j2").render(
        gene=pack.gene, maps=maps, bins=BINS, regions=data["regions"], script=Markup(script),
        policy=content_security_policy([script]), data=Markup(json.dumps(data).replace("<", "\\u003c")),
    )  # fmt: skip


def svg_of(rows: Sequence[Predicted], pack: TargetPack) -> str:
    """Every drug's map, one above another, as one SVG for a manuscript."""
    first, last = min(row.residue for row in rows), max(row.residue for row in rows)
    names, parts, height = {drug.id: drug.name for drug in pack.drugs}, [], _height() + 16
    for place, drug in enumerate(dict.fromkeys(row.drug for row in rows)):
        inner = _map([row for row in rows if row.drug == drug], first, last)
        title = f'<text x="{_LEFT}" y="10" font-size="10" font-weight="bold">{names.get(drug, drug)}</text>'
        parts.append(
            f'<g transform="translate(0 {place * height})">{title}'
            f'<g transform="translate(0 14)">{inner}</g></g>'
        )
    return _document("".join(parts), last - first + 1, len(parts) * height)


def _shown(row: Predicted) -> tuple[float, float, float]:
    return row.ddg_kcal_per_mol, row.upper_95, row.p_lost


def _height() -> int:
    return len(LETTERS) * _CELL + _STRIP + 18


def _document(inner: str, residues: int, height: int = 0) -> str:
    width = _LEFT + residues * _CELL + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height or _height()}" '
        f'font-family="sans-serif" font-size="4">{inner}</svg>'
    )


def _map(rows: Sequence[Predicted], first: int, last: int) -> str:
    """Cells by colour, a strip of the residues' greatest losses, ticks at measured residues, numbers."""
    paths: dict[str, list[str]] = {colour: [] for _, colour in BINS}
    worst: dict[int, float] = {}
    for row in rows:
        x, y = _LEFT + (row.residue - first) * _CELL, LETTERS.index(row.change[-1]) * _CELL
        paths[_colour(row.ddg_kcal_per_mol)].append(f"M{x} {y}h{_CELL}v{_CELL}h-{_CELL}z")
        if row.codons:
            worst[row.residue] = max(worst.get(row.residue, -9.0), row.ddg_kcal_per_mol)
    bottom = len(LETTERS) * _CELL + 2
    for residue, value in worst.items():
        x = _LEFT + (residue - first) * _CELL
        paths[_colour(value)].append(f"M{x} {bottom}h{_CELL}v{_STRIP - 3}h-{_CELL}z")
    drawn = [f'<path d="{"".join(cells)}" fill="{colour}"/>' for colour, cells in paths.items() if cells]
    for place, letter in enumerate(LETTERS):
        drawn.append(f'<text x="{_LEFT - 4}" y="{(place + 1) * _CELL - 0.5}">{letter}</text>')
    drawn.append(f'<text x="2" y="{bottom + 5}">greatest by one base</text>')
    for residue in sorted({row.residue for row in rows if row.left_out}):
        x = _LEFT + (residue - first) * _CELL + _CELL / 2
        drawn.append(f'<path d="M{x} {bottom + _STRIP - 2}v3" stroke="#1d2733" stroke-width=".8"/>')
    for residue in range(-(-first // 10) * 10, last + 1, 10):
        x = _LEFT + (residue - first) * _CELL
        drawn.append(f'<text x="{x}" y="{bottom + _STRIP + 7}">{residue}</text>')
    return "".join(drawn)


def _colour(value: float) -> str:
    return next(colour for end, colour in BINS if value < end)
