"""A sketch of the variant's neighbourhood: who touches it, what is kept, lost and gained."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Axes, Figure, new_figure
from kinscope.report.style import CHANGE_COLOURS, CHANGE_SYMBOLS, MUTANT
from kinscope.report.text import Names
from kinscope.results.measured import ContactChange
from kinscope.variants.model import Substitution, Variant

_LINES = {"kept": "-", "lost": (0, (3, 2)), "gained": (0, (6, 1.5))}
_STRENGTH = ("salt bridge", "hydrogen bond", "cation-pi", "pi stacking", "hydrophobic", "van der Waals")
_MOST_PARTNERS = 12


def draw_contacts(changes: Sequence[ContactChange], variant: Variant, files: ReportFiles) -> Figure | None:
    """One wheel per state and substituted residue; the strongest kind of each partner is named."""
    names = Names(files)
    states = sorted({change.state for change in changes}, key=names.state_order)
    wheels = [
        (state, substitution, own)
        for state in states
        for substitution in variant.substitutions
        if (own := [c for c in changes if c.state == state and c.contact.residue == substitution.position])
    ]
    if not wheels:
        return None
    columns = min(len(wheels), 3)
    rows = math.ceil(len(wheels) / columns)
    figure = new_figure(3.4 * columns + (0.2 if columns > 1 else 1.4), 3.5 * rows + 0.35)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (state, substitution, own) in zip(grid, wheels, strict=False):
        _wheel(axes, substitution, own)
        axes.set_title(names.state(state), fontsize=9, loc="center")
    _legend(figure, per_row=5 if columns > 1 else 3)
    return figure


def _wheel(axes: Axes, substitution: Substitution, changes: list[ContactChange]) -> None:
    partners: dict[tuple[int, str], list[ContactChange]] = {}
    for change in changes:
        partners.setdefault((change.contact.partner, change.contact.partner_name), []).append(change)
    ranked = sorted(partners, key=lambda key: _rank(partners[key]))[:_MOST_PARTNERS]
    for index, key in enumerate(sorted(ranked)):
        angle = math.pi / 2 - 2 * math.pi * index / len(ranked)
        x, y = math.cos(angle), math.sin(angle)
        _spokes(axes, angle, partners[key])
        text = f"{key[1].capitalize()}{key[0]}"
        axes.text(
            1.22 * x, 1.14 * y, text, ha="center", va="center", fontsize=8,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": "#f2f4f6", "edgecolor": "#c4cbd3", "lw": 0.7},
        )  # fmt: skip
    axes.text(
        0, 0, substitution.short, ha="center", va="center", fontsize=9.5, weight="bold", color="white",
        bbox={"boxstyle": "circle,pad=0.35", "facecolor": MUTANT, "edgecolor": "none"},
    )  # fmt: skip
    axes.set_xlim(-1.62, 1.62)
    axes.set_ylim(-1.4, 1.4)
    axes.set_aspect("equal")


def _spokes(axes: Axes, angle: float, changes: list[ContactChange]) -> None:
    """One line per change of state (kept, lost, gained) to a partner, side by side; strong kinds named."""
    present = [name for name in ("kept", "lost", "gained") if any(c.change == name for c in changes)]
    for index, name in enumerate(present):
        own = [c for c in changes if c.change == name]
        best = min(own, key=lambda c: strength(c.contact.kind))
        shift = (index - (len(present) - 1) / 2) * 0.1
        dx, dy = -math.sin(angle) * shift, math.cos(angle) * shift
        x, y = math.cos(angle), math.sin(angle)
        strong = strength(best.contact.kind) < 2
        axes.plot(
            [0.32 * x + dx, 0.94 * x + dx], [0.32 * y + dy, 0.94 * y + dy],
            color=CHANGE_COLOURS[name], linewidth=2.4 if strong else 1.1, linestyle=_LINES[name],
        )  # fmt: skip
        if name != "kept" and strong:
            axes.text(
                0.57 * x + 1.8 * dx, 0.64 * y + 1.8 * dy + 0.09,
                f"{CHANGE_SYMBOLS[name]} {best.contact.kind}",
                fontsize=6.5, color=CHANGE_COLOURS[name], ha="center", va="center",
                bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            )  # fmt: skip


def strength(kind: str) -> int:
    """Rank of a kind of contact, 0 the strongest."""
    return _STRENGTH.index(kind) if kind in _STRENGTH else len(_STRENGTH)


def _rank(changes: list[ContactChange]) -> tuple[bool, int, float]:
    """Changed before kept, strong before weak, near before far."""
    return (
        all(c.change == "kept" for c in changes),
        min(strength(c.contact.kind) for c in changes),
        min(c.contact.distance_angstrom for c in changes),
    )


def _legend(figure: Figure, per_row: int) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=CHANGE_COLOURS[name], linestyle=_LINES[name], linewidth=2,
               label=f"{CHANGE_SYMBOLS[name]} {name}")
        for name in ("kept", "lost", "gained")
    ]  # fmt: skip
    handles.append(Line2D([], [], color="#6b7480", linewidth=2.4, label="salt bridge, hydrogen bond"))
    handles.append(Line2D([], [], color="#6b7480", linewidth=1.1, label="other contact"))
    figure.legend(handles=handles, loc="outside lower center", ncols=per_row, fontsize=8, handlelength=3)
