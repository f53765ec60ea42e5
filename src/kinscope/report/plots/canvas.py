"""Matplotlib set up once: no screen, the same bytes for the same figure, no formulas in names."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kinscope.report.style import GRID, INK, MUTANT, marked_segments, short_label
from kinscope.targets.pack import Region

Figure = Any
"""A ``matplotlib.figure.Figure`` (matplotlib is not followed by mypy here)."""
Axes = Any

_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": "#9aa3ad",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.grid": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": "#4c5661",
    "ytick.color": "#4c5661",
    "svg.hashsalt": "kinscope",
    "svg.fonttype": "none",
    # A variant or drug name with a dollar sign is text, not a formula.
    "text.parse_math": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw with kinscope's style, without a display and without touching the caller's settings."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(width_inch: float, height_inch: float) -> Figure:
    """A figure bound to no window system."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    figure = MatplotlibFigure(figsize=(width_inch, height_inch), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def to_svg(figure: Figure) -> str:
    """SVG text without date or creator, so that equal figures are equal bytes."""
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", metadata=nothing)
    return buffer.getvalue()


def to_png(figure: Figure) -> bytes:
    """PNG at 150 dots per inch, without software tag."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()


def segments_between(regions: tuple[Region, ...], first: int, last: int) -> list[Region]:
    """Marked segments that overlap a window, by start."""
    return [r for r in marked_segments(regions) if r.start <= last and r.end >= first]


def mark_regions(axes: Axes, regions: list[Region], colours: dict[str, str]) -> None:
    """Pale vertical bands behind a residue axis."""
    for region in regions:
        axes.axvspan(
            region.start - 0.5,
            region.end + 0.5,
            color=colours[region.name],
            alpha=0.13,
            linewidth=0,
            zorder=0,
        )


def region_strip(axes: Axes, regions: list[Region], colours: dict[str, str], window: tuple[int, int]) -> None:
    """Name the bands in a strip above the plots of a residue window, in as many rows as the names need."""
    first, last = window
    # Residues that one letter of 7.5 points covers on a figure 9.2 inches wide.
    letter = (last - first + 1) * 0.0078
    rows: list[float] = []
    for region in regions:
        start, end = max(region.start, first), min(region.end, last)
        name = short_label(region)
        middle = (start + end) / 2
        half = max(len(name) * letter, end - start + 1) / 2 + letter
        row = free_row(rows, middle - half, middle + half)
        colour = colours[region.name]
        axes.plot([start - 0.5, end + 0.5], [row, row], color=colour, linewidth=4, solid_capstyle="butt")
        axes.text(middle, row + 0.22, name, ha="center", va="bottom", fontsize=7.5, color=colour)
    axes.set_ylim(-0.4, max(len(rows), 1))
    axes.axis("off")


def free_row(rows: list[float], start: float, end: float) -> int:
    """The first row whose last entry ends before ``start``; notes the new end, adding a row if need be."""
    row = next((index for index, taken in enumerate(rows) if start > taken), len(rows))
    if row == len(rows):
        rows.append(end)
    rows[row] = end
    return row


def mark_variant(axes: Axes, positions: tuple[int, ...]) -> None:
    """A thin line at each substituted residue."""
    for position in positions:
        axes.axvline(position, color=MUTANT, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
