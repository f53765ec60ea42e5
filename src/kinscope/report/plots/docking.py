"""Docking scores, native against mutant, and their difference with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Axes, Figure, new_figure
from kinscope.report.style import MUTANT, NATIVE
from kinscope.report.text import Names
from kinscope.results.measured import DockingComparison


def draw_docking(rows: Sequence[DockingComparison], variant: str, files: ReportFiles) -> Figure | None:
    """Left: scores with spread; right: difference with interval; one line per drug and state."""
    rows = [
        row for row in rows if math.isfinite(row.native_score_kcal_per_mol + row.mutant_score_kcal_per_mol)
    ]
    if not rows:
        return None
    names = Names(files)
    figure = new_figure(9.2, 1.15 + 0.42 * len(rows))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.35, 1])
    labels = []
    for y, row in enumerate(reversed(rows)):
        _scores(left, y, row, variant if y == 0 else None)
        _difference(right, y, row)
        labels.append(
            f"{names.drug(row.drug)}\n{names.state(row.state)}{', global' if row.mode == 'global' else ''}"
        )
    left.set_yticks(range(len(labels)), labels, fontsize=8)
    left.set_ylim(-0.6, len(rows) - 0.4)
    left.set_xlabel("docking score (kcal/mol), lower is better")
    right.set_xlabel("mutant − native (kcal/mol)")
    right.axvline(0, color="#6b7480", linewidth=0.9, zorder=1)
    low, high = right.get_xlim()
    right.set_xlim(min(low, -0.5), max(high, 0.5))
    for axes in (left, right):
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
    left.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=8)
    return figure


def _scores(axes: Axes, y: int, row: DockingComparison, variant: str | None) -> None:
    for shift, colour, marker, score, spread, label in (
        (0.13, NATIVE, "o", row.native_score_kcal_per_mol, row.native_spread_kcal_per_mol, "native"),
        (-0.13, MUTANT, "D", row.mutant_score_kcal_per_mol, row.mutant_spread_kcal_per_mol, variant),
    ):
        axes.errorbar(
            score,
            y + shift,
            xerr=spread if math.isfinite(spread) else None,
            fmt=marker,
            color=colour,
            markersize=5,
            capsize=2.5,
            elinewidth=1.1,
            label=label if variant else None,
        )


def _difference(axes: Axes, y: int, row: DockingComparison) -> None:
    difference = row.difference_kcal_per_mol
    if difference.value is None or not math.isfinite(difference.value):
        axes.text(0, y, "not computed", ha="center", va="center", fontsize=8, color="#6b7480")
        return
    if difference.low is not None and difference.high is not None:
        axes.plot([difference.low, difference.high], [y, y], color="#333b45", linewidth=1.4)
    face = "#333b45" if difference.resolved else "white"
    axes.plot([difference.value], [y], "s", color="#333b45", markerfacecolor=face, markersize=5.5, zorder=3)
