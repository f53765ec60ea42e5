"""The figures of a study, SVG and PNG, the same bytes for the same result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kinscope.core.files import write_atomic
from kinscope.interpretation.model import StudyResult
from kinscope.interpretation.motion import spoken
from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Figure, drawing, to_png, to_svg
from kinscope.report.plots.domains import draw_domains
from kinscope.report.plots.mobility import draw_difference, draw_ligands, draw_rmsf


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as text and bytes, with the words that go with it."""

    name: str
    """File name without extension."""
    caption: str
    svg: str
    png: bytes | None = None


def draw_figures(result: StudyResult, files: ReportFiles, *, png: bool = False) -> list[DrawnFigure]:
    """Draw every figure the result supports, in the order of the report."""
    measured, variant = spoken(result.measurements), result.variant
    plans: list[tuple[str, str, Callable[[], Figure | None]]] = [
        ("domains", _DOMAINS, lambda: draw_domains(variant, files)),
        ("rmsf_md", _RMSF, lambda: draw_rmsf(measured.profiles, variant, files)),
        ("rmsf_difference_md", _DIFFERENCE, lambda: draw_difference(measured.profiles, variant, files)),
        ("trajectory_ligands", _LIGANDS, lambda: draw_ligands(measured.trajectories, files)),
    ]
    drawn = []
    with drawing():
        for name, caption, draw in plans:
            figure = draw()
            if figure is not None:
                drawn.append(DrawnFigure(name, caption, to_svg(figure), to_png(figure) if png else None))
    return drawn


def write_figures(result: StudyResult, files: ReportFiles, directory: Path) -> list[Path]:
    """Write every figure the result supports as SVG and PNG.

    ``directory``: made if missing. ``files``: regions and labels; model and pose files are not read.

    Returns what was written; a figure whose data the result does not hold is left out.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for figure in draw_figures(result, files, png=True):
        for suffix, payload in (("svg", figure.svg), ("png", figure.png)):
            if payload is not None:
                path = directory / f"{figure.name}.{suffix}"
                write_atomic(path, payload)
                paths.append(path)
    return paths


_DOMAINS = "Domains and named regions of the protein; the pin marks the variant."
_RMSF = (
    "Root-mean-square fluctuation per residue by molecular dynamics. Line: mean of the replicas; band: "
    "lowest to highest; n: replicas. Dashed vertical line: the variant."
)
_DIFFERENCE = (
    "Mutant minus native. Grey band: the interval where analysis gives one, otherwise the full span between "
    "single replicas. Orange: the mutant moves more; blue: less; star: resolved after correction."
)
_LIGANDS = (
    "How the bound drugs hold their place: RMSD of the drug's heavy atoms from the start, and the share of "
    "the residues in contact at the start that still are. A line per replica."
)
