"""The variant beside variants with published behaviour: the same regions by normal modes."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.analysis.controls import MobilityControls
from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Axes, Figure, new_figure
from kinscope.report.plots.trajectories import wrapped
from kinscope.report.style import GRID, MUTANT
from kinscope.report.text import Names
from kinscope.results.measured import Difference, RegionComparison

REGIONS = (
    "sh3", "sh2", "sh2_kinase_linker", "n_lobe", "p_loop", "helix_c", "hinge", "catalytic_loop",
    "activation_loop", "paper_window", "p_plus_1_loop", "helix_i", "atp_site", "myristate_pocket",
    "regulatory_spine", "kinase_domain",
)  # fmt: skip
"""Those of them that a target names are drawn, in this order."""
_COLOURS = ("#1b7f79", "#7a4fa3", "#b07d12", "#5b6b7a")
_EDGE = 2.2
"""Of a panel, in smallest changes that count."""
_MARKERS = ("s", "D", "^", "v")


def draw_controls(
    regions: Sequence[RegionComparison],
    controls: MobilityControls | None,
    variant: str,
    files: ReportFiles,
) -> Figure | None:
    """A panel per state, a row per region, a symbol with its interval per variant."""
    if controls is None or not controls.readings:
        return None
    names = Names(files)
    states = sorted({reading.state for reading in controls.readings}, key=names.state_order)
    readings = {state: _readings(state, regions, controls, variant) for state in states}
    held = {row for found in readings.values() for rows in found.values() for row in rows}
    shown = [name for name in REGIONS if name in held]
    if not shown:
        return None
    who = list(dict.fromkeys(name for found in readings.values() for name in found))
    figure = new_figure(9.2, 1.2 + 0.3 * len(shown))
    panels = figure.subplots(1, len(states), sharey=True, sharex=True, squeeze=False)[0]
    for axes, state in zip(panels, states, strict=True):
        _panel(axes, readings[state], who, shown, variant)
        axes.set_title(_two_lines(names.state(state)), fontsize=8)
    panels[0].set_yticks(range(len(shown)), [wrapped(names.region(name), 32) for name in shown], fontsize=7.5)
    panels[0].set_ylim(len(shown) - 0.5, -0.5)
    figure.supxlabel("mutant minus native, RMSF by normal modes (Å)", fontsize=8)
    _legend(figure, who, variant)
    return figure


def _readings(
    state: str, regions: Sequence[RegionComparison], controls: MobilityControls, variant: str
) -> dict[str, dict[str, Difference]]:
    """By variant and region; the run's own readings before shipped ones of the same variant."""
    found: dict[str, dict[str, Difference]] = {}
    own = [row for row in regions if row.method == "normal_modes" and row.state == state]
    if own:
        found[variant] = {row.region: row.difference_angstrom for row in own}
    for reading in controls.readings:
        if reading.state == state and reading.variant not in found:
            found[reading.variant] = {row.region: row.difference_angstrom for row in reading.regions}
    return found


def _panel(
    axes: Axes,
    found: dict[str, dict[str, Difference]],
    who: Sequence[str],
    shown: Sequence[str],
    variant: str,
) -> None:
    bound = next((item.smallest_meaningful for rows in found.values() for item in rows.values()), 0.05)
    axes.axvspan(-bound, bound, color="#9aa3ad", alpha=0.2, linewidth=0)
    axes.axvline(0, color="#6b7480", linewidth=0.8)
    step = 0.7 / max(1, len(who))
    for place, name in enumerate(who):
        colour, marker = _look(name, who, variant)
        for height, region in enumerate(shown):
            item = found.get(name, {}).get(region)
            if item is None or item.value is None:
                continue
            at = height + (place - (len(who) - 1) / 2) * step
            if item.low is not None and item.high is not None:
                axes.plot([item.low, item.high], [at, at], color=colour, linewidth=1.0)
            face = colour if item.resolved else "white"
            beyond = abs(item.value) > _EDGE * bound
            # What lies beyond the panel is shown at its edge by an arrow head.
            symbol = (">" if item.value > 0 else "<") if beyond else marker
            place_at = max(-_EDGE * bound, min(_EDGE * bound, item.value)) * (0.97 if beyond else 1.0)
            axes.plot(place_at, at, symbol, color=colour, markerfacecolor=face, markersize=5 if beyond else 4)
    axes.set_xlim(-_EDGE * bound, _EDGE * bound)
    axes.grid(axis="y", color=GRID)
    axes.tick_params(labelsize=7.5)


def _look(name: str, who: Sequence[str], variant: str) -> tuple[str, str]:
    if name == variant:
        return MUTANT, "o"
    others = [other for other in who if other != variant]
    place = others.index(name) % len(_COLOURS)
    return _COLOURS[place], _MARKERS[place]


def _legend(figure: Figure, who: Sequence[str], variant: str) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, marker=marker, linewidth=1.0, markersize=4)
        for colour, marker in (_look(name, who, variant) for name in who)
    ]
    figure.legend(handles, list(who), loc="outside upper right", ncols=len(who), fontsize=8)


def _two_lines(text: str) -> str:
    head, comma, rest = text.partition(", ")
    return f"{head},\n{rest}" if comma else text
