"""How bound drugs hold their place along the trajectories."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Axes, Figure, new_figure
from kinscope.report.style import GRID, MUTANT, NATIVE
from kinscope.report.text import Names
from kinscope.results.trajectories import ReplicaAnalysis, TrajectoryComparison

_LIGAND_COLUMNS = (
    ("ligand_rmsd_angstrom", "RMSD of the drug (Å)"),
    ("ligand_contacts_kept_percent", "first contacts kept (%)"),
)
DASHES = ("-", (0, (5, 1.5)), (0, (2, 1.5)), (0, (5, 1.5, 1, 1.5)))


def draw_ligands(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """How the bound drugs hold their place over time, a row per system."""
    systems = [system for system in systems if system.ligand]
    if not systems:
        return None
    names = Names(files)
    figure = new_figure(9.2, 0.7 + 1.75 * len(systems))
    grid = figure.subplots(len(systems), len(_LIGAND_COLUMNS), squeeze=False)
    for row, system in zip(grid, systems, strict=True):
        for axes, (name, label) in zip(row, _LIGAND_COLUMNS, strict=True):
            drawn = [
                _replica_line(axes, one, name, colour, index)
                for side, colour in ((system.native, NATIVE), (system.mutant, MUTANT))
                for index, one in enumerate(side)
            ]
            axes.set_title(label, fontsize=8, weight="normal")
            axes.grid(axis="y", color=GRID)
            axes.tick_params(labelsize=7.5)
            axes.set_xlabel(_time_label(system), fontsize=7.5)
            if name.endswith("_percent"):
                axes.set_ylim(0, 104)  # small losses are not to look like large ones
            if not any(drawn):
                axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", fontsize=8)
        title = f"{names.state(system.state)}{names.bound(system.ligand)}"
        row[0].set_ylabel("\n".join(textwrap.wrap(title, 22)[:3]), fontsize=8)
    _legend(figure, systems[0])
    return figure


def _replica_line(axes: Axes, one: ReplicaAnalysis, name: str, colour: str, index: int) -> bool:
    found = [series for series in one.series if name in (series.name, series.name.rpartition("/")[2])]
    for series in found[:1]:
        values = np.asarray(series.values)
        at = (np.arange(len(values)) + 0.5) / max(1, len(values)) * _length(one)
        axes.plot(at, values, color=colour, linewidth=0.9, linestyle=DASHES[index % len(DASHES)], alpha=0.85)
    return bool(found)


def _length(one: ReplicaAnalysis) -> float:
    if one.length_ns is None:
        return float(one.frames)
    return one.length_ns * (1000.0 if one.length_ns < 0.1 else 1.0)


def _time_label(system: TrajectoryComparison) -> str:
    length = system.native[0].length_ns
    return "frame" if length is None else ("time (ps)" if length < 0.1 else "time (ns)")


def _legend(figure: Figure, system: TrajectoryComparison) -> None:
    """Native and mutant by colour."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linewidth=1.6) for colour in (NATIVE, MUTANT)]
    figure.legend(handles, ["native", system.variant], loc="outside upper right", ncols=2, fontsize=8)
