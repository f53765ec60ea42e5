"""How far the trajectories are sampled: RMSF against sampling time, and block averages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Axes, Figure, new_figure
from kinscope.report.plots.trajectories import DASHES, sides_legend, title_of, wrapped
from kinscope.report.style import GRID, MUTANT, NATIVE
from kinscope.report.text import Names
from kinscope.results.trajectories import SystemSampling, TrajectoryComparison


def draw_sampling(systems: Sequence[TrajectoryComparison], files: ReportFiles) -> Figure | None:
    """A row per system: mean RMSF of growing first parts, and deviation in quarters, a line per replica."""
    shown = [system for system in systems if any(side.mean_rmsf_angstrom for side in system.sides)]
    if not shown:
        return None
    names = Names(files)
    figure = new_figure(9.2, 0.7 + 1.9 * len(shown))
    grid = figure.subplots(len(shown), 2, squeeze=False)
    for (growth, blocks), system in zip(grid, shown, strict=True):
        for side in system.sides:
            colour = NATIVE if side.variant == "native" else MUTANT
            _growth(growth, side, colour)
            _blocks(blocks, side, colour)
        growth.set_title("mean RMSF of the first part of the run (Å)", fontsize=8, weight="normal")
        growth.set_xlabel("share of the run (%)", fontsize=7.5)
        growth.set_xlim(0, 103)
        blocks.set_title("deviation from the mean structure by quarter (Å)", fontsize=8, weight="normal")
        blocks.set_xlabel("quarter of the run", fontsize=7.5)
        blocks.set_xticks(range(1, 5))
        for axes in (growth, blocks):
            axes.grid(axis="y", color=GRID)
            axes.tick_params(labelsize=7.5)
            axes.set_ylim(0, 1.12 * axes.get_ylim()[1])
        growth.set_ylabel(wrapped(title_of(system, names)), fontsize=8)
    sides_legend(figure, shown[0])
    return figure


def _growth(axes: Axes, side: SystemSampling, colour: str) -> None:
    at = 100.0 * np.asarray(side.time_fraction)
    for index, values in enumerate(side.mean_rmsf_angstrom):
        axes.plot(at, values, color=colour, linewidth=1.0, linestyle=DASHES[index % len(DASHES)])


def _blocks(axes: Axes, side: SystemSampling, colour: str) -> None:
    for index, values in enumerate(side.block_means_angstrom):
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            color=colour,
            linewidth=1.0,
            linestyle=DASHES[index % len(DASHES)],
            marker="o",
            markersize=3,
        )
