"""What the trajectories show: quantities over time, differences, interactions, principal motions, drugs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Axes, Figure, new_figure
from kinscope.report.style import GRID, MUTANT, NATIVE
from kinscope.report.text import Names
from kinscope.report.views import worded
from kinscope.results.trajectories import (
    COSINE_BOUND,
    MeasureComparison,
    OccupancyComparison,
    ReplicaAnalysis,
    TrajectoryComparison,
)

_COLUMNS = (
    ("rmsd_angstrom", "RMSD from the start (Å)"),
    ("radius_of_gyration_angstrom", "radius of gyration (Å)"),
    ("dfg_d1_angstrom", "DFG D1 (Å)"),
    ("helix_c_beta_distance_angstrom", "helix C, CB–CB (Å)"),
)
_LIGAND_COLUMNS = (
    ("ligand_rmsd_angstrom", "RMSD of the drug (Å)"),
    ("ligand_contacts_kept_percent", "first contacts kept (%)"),
)
_VOLUME = "/volume_cubic_angstrom"
DASHES = ("-", (0, (5, 1.5)), (0, (2, 1.5)), (0, (5, 1.5, 1, 1.5)))
_MARKERS = "osD^v<>ph*"
_MOST_CONTACTS = 12
_MOST_OF_A_DRUG = 16
_PANELS = 3
"""Side by side, so that the names of residues stay readable."""
_EDGE = 3.0
"""Of the panel of differences, in smallest changes that count."""


def title_of(system: TrajectoryComparison, names: Names) -> str:
    """The system in words."""
    bound = names.bound(system.ligand)
    return f"{names.state(system.state)}{bound}"


def draw_series(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """Four quantities over time, a row per system, a line per replica."""
    return _over_time(systems, files, _COLUMNS)


def draw_ligands(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """How the bound drugs hold their place over time, a row per system."""
    return _over_time([system for system in systems if system.ligand], files, _LIGAND_COLUMNS)


def draw_pockets(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """The volumes of the pockets over time, a row per system."""
    every = [one for system in systems for one in (*system.native, *system.mutant)]
    found = dict.fromkeys(row.name for one in every for row in one.series if row.name.endswith(_VOLUME))
    if not found:
        return None
    names = Names(files)
    columns = [(name, f"{names.region(name.removesuffix(_VOLUME))}, volume (Å³)") for name in found]
    return _over_time(systems, files, columns)


def _over_time(
    systems: Sequence[TrajectoryComparison], files: ReportFiles, columns: Sequence[tuple[str, str]]
) -> Figure | None:
    if not systems:
        return None
    names = Names(files)
    figure = new_figure(9.2, 0.7 + 1.75 * len(systems))
    grid = figure.subplots(len(systems), len(columns), squeeze=False)
    for row, system in zip(grid, systems, strict=True):
        for axes, (name, label) in zip(row, columns, strict=True):
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
        row[0].set_ylabel(wrapped(title_of(system, names)), fontsize=8)
    sides_legend(figure, systems[0])
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


def sides_legend(figure: Figure, system: TrajectoryComparison) -> None:
    """Native and mutant by colour."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linewidth=1.6) for colour in (NATIVE, MUTANT)]
    figure.legend(handles, ["native", system.variant], loc="outside upper right", ncols=2, fontsize=8)


def draw_measures(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """Differences with their intervals, in units of the smallest change that counts, a panel per system."""
    shown = [system for system in systems if system.measures]
    if not shown:
        return None
    names = Names(files)
    named = [{worded(row, names, system.ligand): row for row in system.measures} for system in shown]
    rows = list(dict.fromkeys(label for found in named for label in found))
    figure = new_figure(9.2, 0.9 + 0.235 * len(rows))
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, system, found in zip(panels, shown, named, strict=True):
        _forest(axes, found, rows)
        axes.set_title(wrapped(title_of(system, names), 24), fontsize=8.5)
    panels[0].set_yticks(range(len(rows)), rows, fontsize=7.5)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    what = f"{shown[0].variant} minus native, in units of the smallest change that counts"
    figure.supxlabel(what, fontsize=8)
    return figure


def _forest(axes: Axes, found: dict[str, MeasureComparison], rows: Sequence[str]) -> None:
    axes.axvspan(-1, 1, color="#9aa3ad", alpha=0.2, linewidth=0)
    axes.axvline(0, color="#6b7480", linewidth=0.8)
    for height, label in enumerate(rows):
        item = found[label].difference if label in found else None
        if item is None or item.value is None or not item.smallest_meaningful:
            continue
        scale = 1.0 / item.smallest_meaningful
        if item.low is not None and item.high is not None:
            axes.plot([item.low * scale, item.high * scale], [height, height], color="#333b45", linewidth=1.1)
        face = MUTANT if item.resolved else "white"
        value = item.value * scale
        beyond = abs(value) > _EDGE
        # What lies beyond the panel is shown at its edge by an arrow head.
        marker = (">" if value > 0 else "<") if beyond else "s"
        at = float(np.clip(value, -_EDGE * 0.97, _EDGE * 0.97))
        axes.plot(at, height, marker, color="#333b45", markerfacecolor=face, markersize=4.5)
    axes.set_xlim(-_EDGE, _EDGE)
    axes.grid(axis="y", color=GRID)
    axes.tick_params(labelsize=7.5)


def draw_occupancies(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """How often each interaction of the variant's residue stands, a dot per replica, a panel per system."""
    shown = [
        (system, [row for row in system.contacts if row.of.isdigit()][:_MOST_CONTACTS])
        for system in systems
        if not system.ligand
    ]
    return _occupancies(shown, Names(files))


def draw_fingerprints(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """How often each interaction of the bound drug stands, a dot per replica, a panel per system."""
    shown = []
    for system in (one for one in systems if one.ligand):
        rows = [row for row in system.contacts if not row.of.isdigit()]
        # Every pocket is greasy; what tells drugs apart comes first.
        rows.sort(key=lambda row: row.kind == "hydrophobic")
        shown.append((system, rows[:_MOST_OF_A_DRUG]))
    return _occupancies(shown, Names(files))


def _occupancies(
    found: Sequence[tuple[TrajectoryComparison, Sequence[OccupancyComparison]]], names: Names
) -> Figure | None:
    shown = [pair for pair in found if pair[1]]
    if not shown:
        return None
    most = max(len(rows) for _, rows in shown)
    columns = min(_PANELS, len(shown))
    lines = -(-len(shown) // columns)
    figure = new_figure(9.2, 0.4 + (0.6 + 0.27 * most) * lines)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in panels[len(shown) :]:
        axes.axis("off")
    for axes, (system, rows) in zip(panels, shown, strict=False):
        for height, row in enumerate(rows):
            for values, colour, shift in (
                (row.native_percent, NATIVE, -0.17),
                (row.mutant_percent, MUTANT, 0.17),
            ):
                axes.barh(height + shift, np.mean(values), height=0.3, color=colour, alpha=0.35)
                axes.plot(values, [height + shift] * len(values), "o", color=colour, markersize=3)
        labels = [f"{row.kind}, {row.partner_name}{row.partner}" for row in rows]
        axes.set_yticks(range(len(rows)), labels, fontsize=7.5)
        axes.set_ylim(most - 0.5, -0.5)
        axes.set_xlim(0, 103)
        axes.set_xlabel("frames (%)", fontsize=7.5)
        axes.set_title(wrapped(title_of(system, names), 30), fontsize=8.5)
        axes.tick_params(labelsize=7.5)
    sides_legend(figure, shown[0][0])
    return figure


def draw_principal(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """Every replica along the first two principal motions of all replicas, a panel per system."""
    shown = [system for system in systems if system.principal is not None]
    if not shown:
        return None
    names = Names(files)
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(9.2, 0.4 + 3.0 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(shown) :]:
        axes.axis("off")
    for axes, system in zip(grid, shown, strict=False):
        motion = system.principal
        assert motion is not None
        for row in motion.projections:
            colour = NATIVE if row.variant == "native" else MUTANT
            axes.scatter(
                row.first_angstrom,
                row.second_angstrom,
                # Few frames would vanish as dots.
                s=7 if len(row.first_angstrom) > 20 else 28,
                marker=_MARKERS[row.replica % len(_MARKERS)],
                color=colour,
                alpha=0.55,
                linewidths=0,
            )
        first, second = motion.explained_percent[:2]
        axes.set_xlabel(f"first motion (Å), {first:.0f} % of the variance", fontsize=7.5)
        axes.set_ylabel(f"second motion (Å), {second:.0f} %", fontsize=7.5)
        drift = sum(row.cosine_content > COSINE_BOUND for row in motion.projections)
        note = f"\n{drift} of {len(motion.projections)} replicas only drift" if drift else ""
        axes.set_title(wrapped(title_of(system, names), 34) + note, fontsize=8.5)
        axes.grid(color=GRID)
        axes.tick_params(labelsize=7.5)
    sides_legend(figure, shown[0])
    return figure


def wrapped(text: str, width: int = 22) -> str:
    """At most three lines."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width)[:3])
