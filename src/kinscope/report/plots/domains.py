"""The protein as a bar: domains, segments, and where the variant lies."""

from __future__ import annotations

from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Axes, Figure, new_figure
from kinscope.report.style import MUTANT, region_colours
from kinscope.targets.pack import Region
from kinscope.variants.model import Variant


def draw_domains(variant: Variant, files: ReportFiles) -> Figure | None:
    """Domain bar of the whole protein above an enlarged view of the variant's domain; None without regions."""
    regions = files.regions
    if not regions:
        return None
    domains = [region for region in regions if region.kind == "domain"]
    segments = [region for region in regions if region.kind == "segment"]
    home = _home(domains, variant.positions)
    figure = new_figure(9.2, 3.1 if home and segments else 1.5)
    colours = region_colours(regions)
    if home is None or not segments:
        _whole(figure.subplots(), variant, files, domains, colours)
        return figure
    upper, lower = figure.subplots(2, 1, height_ratios=[1, 1.5])
    _whole(upper, variant, files, domains, colours)
    _enlarged(lower, variant, home, segments, colours)
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
        roomy = width > length * 0.0105 * len(domain.label)
        y, size, align = (0, 9, "center") if roomy else (-0.62, 8, "top")
        axes.text((domain.start + domain.end) / 2, y, domain.label, ha="center", va=align, fontsize=size)
        axes.text(
            domain.start, 0.56, str(domain.start), ha="center", va="bottom", fontsize=6.5, color="#6b7480"
        )
        axes.text(domain.end, 0.56, str(domain.end), ha="center", va="bottom", fontsize=6.5, color="#6b7480")
    axes.text(length, 0.18, str(length), ha="right", va="bottom", fontsize=6.5, color="#6b7480")
    _pins(axes, variant, 0.5, 1.35, length * 0.06)
    axes.set_xlim(-length * 0.01, length * 1.01)
    axes.set_ylim(-1.15, 2.1)
    axes.axis("off")
    axes.set_title(f"{variant.gene}, isoform numbering of the reference transcript", fontsize=9)


def _enlarged(
    axes: Axes, variant: Variant, home: Region, segments: list[Region], colours: dict[str, str]
) -> None:
    span = home.end - home.start + 1
    axes.add_patch(_box(home.start, -0.5, span, 1.0, colours[home.name]))
    inside = sorted(
        (s for s in segments if s.end >= home.start and s.start <= home.end), key=lambda s: s.start
    )
    rows: list[float] = []
    for segment in inside:
        axes.add_patch(_box(segment.start, -0.5, segment.end - segment.start + 1, 1.0, colours[segment.name]))
        middle = (segment.start + segment.end + 1) / 2
        half = len(segment.label) * span * 0.0052
        row = next((i for i, end in enumerate(rows) if middle - half > end), len(rows))
        if row == len(rows):
            rows.append(0.0)
        rows[row] = middle + half
        y = -0.72 - 0.52 * row
        axes.plot([middle, middle], [-0.5, y], color=colours[segment.name], linewidth=0.7)
        label = f"{segment.label}"
        axes.text(middle, y, label, ha="center", va="top", fontsize=7.5, color=colours[segment.name])
    _pins(axes, variant, 0.5, 1.25, span * 0.06)
    axes.set_xlim(home.start - span * 0.02, home.end + span * 0.02)
    axes.set_ylim(-1.2 - 0.52 * len(rows), 2.0)
    axes.axis("off")
    axes.set_title(f"{home.label}, residues {home.start} to {home.end}", fontsize=9)


def _pins(axes: Axes, variant: Variant, base: float, top: float, room: float) -> None:
    """A pin per substitution, labels pushed apart where two are close."""
    last = float("-inf")
    for substitution in variant.substitutions:
        x = substitution.position
        shown = max(x, last + room)
        last = shown
        axes.plot([x, x, shown], [base - 1.0, base, top], color=MUTANT, linewidth=1.4, zorder=4)
        axes.plot([shown], [top], "o", color=MUTANT, markersize=6, zorder=5)
        axes.text(
            shown,
            top + 0.2,
            substitution.short,
            ha="center",
            va="bottom",
            color=MUTANT,
            weight="bold",
            fontsize=9,
        )


def _box(x: float, y: float, width: float, height: float, colour: str) -> object:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=colour, edgecolor="white", linewidth=0.8, zorder=2)
