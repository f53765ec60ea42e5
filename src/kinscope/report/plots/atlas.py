"""The atlas of affinity as a page that opens offline, and as SVG: residue by substitution, a map a drug."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinscope.affinity.atlas import Predicted
from kinscope.core.pages import content_security_policy, environment
from kinscope.report.style import marked_segments
from kinscope.targets.pack import TargetPack

LETTERS = "GAVLIMPFWYSTNQCDEKRH"
BINS = ((-0.5, "#4575b4"), (0.3, "#eeeeee"), (0.7, "#fdd9a8"),
        (1.36, "#f79a55"), (2.0, "#d7301f"), (99.0, "#7f0000"))  # fmt: skip
"""Upper ends, kcal/mol, and colours: the fifth begins where a tenfold loss does."""
_TEMPLATES = Path(__file__).parents[1] / "templates"


def page_of(rows: Sequence[Predicted], pack: TargetPack) -> str:
    """A self-contained page of some rows of the atlas."""
    from markupsafe import Markup

    script, maps = (_TEMPLATES / "atlas.js").read_text(), _maps(rows, pack)
    first, last = maps[0]["first"], maps[0]["last"]
    cells: dict[str, dict[str, list[int]]] = {item["id"]: {} for item in maps}
    for row in rows:
        numbers = row.ddg_kcal_per_mol, row.upper_95, row.p_lost
        cells[row.drug][row.change] = [round(100 * number) for number in numbers]
    data = {
        "first": first,
        "letters": LETTERS,
        "protein": pack.transcript.protein[first - 1 : last],
        "cells": cells,
    }
    return environment(_TEMPLATES).get_template("atlas.html.j2").render(
        gene=pack.gene, maps=maps, bins=BINS, letters=LETTERS, script=Markup(script),
        regions=[r for r in marked_segments(pack.regions) if first <= r.start <= last],
        policy=content_security_policy([script]), data=Markup(json.dumps(data).replace("<", "\\u003c")),
    )  # fmt: skip


def svg_of(rows: Sequence[Predicted], pack: TargetPack) -> str:
    """Every drug's map, one above another, as one SVG for a manuscript."""
    template = environment(_TEMPLATES).get_template("atlas.svg.j2")
    return template.render(maps=_maps(rows, pack), letters=LETTERS)


def _maps(rows: Sequence[Predicted], pack: TargetPack) -> list[dict[str, Any]]:
    """What a map is drawn from: cells and strip by colour, as (residue, row of the map)."""
    names, found = {drug.id: drug.name for drug in pack.drugs}, []
    for drug in dict.fromkeys(row.drug for row in rows):
        its = [row for row in rows if row.drug == drug]
        cells: dict[str, list[tuple[int, int]]] = {colour: [] for _, colour in BINS}
        worst: dict[int, float] = {}
        for row in its:
            cells[_colour(row.ddg_kcal_per_mol)].append((row.residue, LETTERS.index(row.change[-1])))
            if row.codons:
                worst[row.residue] = max(worst.get(row.residue, -9.0), row.ddg_kcal_per_mol)
        for residue, value in worst.items():
            cells[_colour(value)].append((residue, len(LETTERS) + 1))
        found.append({
            "id": drug, "name": names.get(drug, drug), "rows": its, "cells": cells, "first": its[0].residue,
            "last": its[-1].residue, "measured": sorted({row.residue for row in its if row.left_out}),
            "lost": sum(row.lost for row in its), "kept": sum(row.kept for row in its),
            "calibrated": its[0].trained_on_site,
        })  # fmt: skip
    return found


def _colour(value: float) -> str:
    return next(colour for end, colour in BINS if value < end)
