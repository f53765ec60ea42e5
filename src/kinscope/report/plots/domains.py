"""The protein as a bar: domains, segments, and where the variant lies."""

from __future__ import annotations

from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Axes, Figure, free_row, new_figure, segments_between
from kinscope.report.style import MUTANT, region_colours, short_label
from kinscope.targets.pack import Region
from kinscope.variants.model import Variant

_SOFT = "#6b7480"
_LETTER = 0.0092
"""Share of the figure's width that one letter takes."""


def draw_domains(variant: Variant, files: ReportFiles) -> Figure | None:
    """Bar of the whole protein above an enlarged view of the variant's domain; None without regions."""
    regions = files.regions
    if not regions:
        return None
    domains = [region for region in regions if region.kind == "domain"]
    home = _home(domains, variant.positions)
    inside = segments_between(regions, home.start, home.end) if home else []
    figure = new_figure(9.2, 3.2 if inside else 1.5)
    colours = region_colours(regions)
    if home is None or not inside:
        _whole(figure.subplots(), variant, files, domains, colours)
        return figure
    upper, lower = figure.subplots(2, 1, height_ratios=[1, 1.3])
    _whole(upper, variant, files, domains, colours)
    _enlarged(lower, variant, home, inside, colours)
    return figure


def _home(domains: list[Region], positions: tuple[int, ...]) -> Region | None:
    holding = [domain for domain in domains if any(position in domain for position in positions)]
    return holding[0] if holding else None


def _whole(
    axes: Axes, variant: Variant, files: ReportFiles, domains: list[Region], colours: dict[str, str]
) -> None:
    length = files.protein_length or max(region.end for region in files.regions)
    axes.plot([1, length], [0, 0], color="#aeb6bf", linewidth=3, zorder=1, solid_capstyle="round")
    for domain in domains:
        width = domain.end - domain.start
        axes.add_patch(_box(domain.start, -0.5, width, 1.0, colours[domain.name]))
        label = domain.label
        if width < length * _LETTER * len(label):
            label = label.removesuffix(" domain")
        middle = (domain.start + domain.end) / 2
        axes.text(middle, 0, label, ha="center", va="center", fontsize=8.5)
        extent = f"{domain.start}–{domain.end}"
        axes.text(middle, -0.62, extent, ha="center", va="top", fontsize=7, color=_SOFT)
    _pins(axes, variant, 0.5, 1.25, length * 0.06)
    axes.set_xlim(-length * 0.01, length * 1.01)
    axes.set_ylim(-1.3, 1.95)
    axes.axis("off")
    axes.set_title(f"{variant.gene}, {length} residues", fontsize=9)


def _enlarged(
    axes: Axes, variant: Variant, home: Region, inside: list[Region], colours: dict[str, str]
) -> None:
    span = home.end - home.start + 1
    axes.add_patch(_box(home.start, -0.5, span, 1.0, colours[home.name]))
    rows: list[float] = []
    for segment in inside:
        start, end = max(segment.start, home.start), min(segment.end, home.end)
        axes.add_patch(_box(start, -0.5, end - start + 1, 1.0, colours[segment.name]))
        middle = (start + end + 1) / 2
        name = short_label(segment)
        half = (len(name) + 1) * span * _LETTER / 2
        y = -0.72 - 0.52 * free_row(rows, middle - half, middle + half)
        axes.plot([middle, middle], [-0.5, y], color=colours[segment.name], linewidth=0.7)
        axes.text(middle, y, name, ha="center", va="top", fontsize=7.5, color=colours[segment.name])
    _pins(axes, variant, 0.5, 1.15, span * 0.06)
    axes.set_xlim(home.start - span * 0.02, home.end + span * 0.02)
    axes.set_ylim(-0.8 - 0.52 * len(rows), 1.9)
    axes.axis("off")
    axes.set_title(f"{home.label}, residues {home.start}–{home.end}", fontsize=9)


def _pins(axes: Axes, variant: Variant, base: float, top: float, room: float) -> None:
    """A pin per substitution, labels pushed apart where two are close."""
    last = float("-inf")
    for substitution in variant.substitutions:
        x = substitution.position
        shown = max(x, last + room)
        last = shown
        axes.plot([x, x, shown], [base, base + 0.12, top], color=MUTANT, linewidth=1.4, zorder=4)
        axes.plot([shown], [top], "o", color=MUTANT, markersize=6, zorder=5)
        label = {"ha": "center", "va": "bottom", "color": MUTANT, "weight": "bold", "fontsize": 9}
        axes.text(shown, top + 0.18, substitution.short, **label)


def _box(x: float, y: float, width: float, height: float, colour: str) -> object:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=colour, edgecolor="white", linewidth=0.8, zorder=2)
