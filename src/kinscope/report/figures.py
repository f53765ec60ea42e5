"""The figures of a study, SVG and PNG, the same bytes for the same result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kinscope.core.files import write_atomic
from kinscope.interpretation.model import StudyResult
from kinscope.report.files import ReportFiles
from kinscope.report.plots.canvas import Figure, drawing, to_png, to_svg
from kinscope.report.plots.contacts import draw_contacts
from kinscope.report.plots.docking import draw_docking
from kinscope.report.plots.domains import draw_domains
from kinscope.report.plots.mobility import draw_difference, draw_rmsf
from kinscope.report.plots.sampling import draw_sampling
from kinscope.report.plots.trajectories import (
    draw_fingerprints,
    draw_ligands,
    draw_measures,
    draw_occupancies,
    draw_pockets,
    draw_principal,
    draw_series,
)


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
    measured, variant = result.measurements, result.variant
    plans: list[tuple[str, str, Callable[[], Figure | None]]] = [
        ("domains", _DOMAINS, lambda: draw_domains(variant, files)),
        ("docking", _DOCKING, lambda: draw_docking(measured.docking, variant.short, files)),
        ("contacts", _CONTACTS, lambda: draw_contacts(measured.contact_changes, variant, files)),
    ]
    plans += [
        ("rmsf_md", _RMSF, lambda: draw_rmsf(measured.profiles, variant, files)),
        ("rmsf_difference_md", _DIFFERENCE, lambda: draw_difference(measured.profiles, variant, files)),
    ]
    systems = measured.trajectories
    plans += [
        ("trajectory_sampling", _SAMPLING, lambda: draw_sampling(systems, files)),
        ("trajectory_series", _SERIES, lambda: draw_series(systems, files)),
        ("trajectory_ligands", _LIGANDS, lambda: draw_ligands(systems, files)),
        ("trajectory_fingerprints", _FINGERPRINTS, lambda: draw_fingerprints(systems, files)),
        ("trajectory_pockets", _POCKETS, lambda: draw_pockets(systems, files)),
        ("trajectory_measures", _MEASURES, lambda: draw_measures(systems, files)),
        ("trajectory_contacts", _OCCUPANCIES, lambda: draw_occupancies(systems, files)),
        ("trajectory_principal", _PRINCIPAL, lambda: draw_principal(systems, files)),
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
_DOCKING = (
    "Computed docking scores. Left: mean score of each side over searches and models, with the spread "
    "over models. Right: mutant minus native, the difference of these "
    "means, with its interval; a filled square is resolved from zero, an open one is not."
)
_CONTACTS = (
    "Contacts of the substituted residue in each state. Grey: kept; red, dashed: lost; green, long dashes: "
    "gained. At most twelve partners are drawn; the table below has all."
)
_RMSF = (
    "Root-mean-square fluctuation per residue by molecular dynamics. Line: mean of the replicas; band: "
    "lowest to highest; n: replicas. Dashed vertical line: the variant. Shaded: named regions."
)
_DIFFERENCE = (
    "Mutant minus native, by molecular dynamics. Grey band: the interval where analysis gives one, otherwise "
    "the full span between single replicas; a band that leaves its panel goes on beyond it. Orange: the "
    "mutant moves more; blue: less; star: resolved after correction."
)
_SAMPLING = (
    "Left: mean RMSF over all CA atoms of the first part of each run; a curve that still rises has more "
    "motion to show. Right: deviation from the run's mean structure, quarter by quarter. A line per replica."
)
_SERIES = (
    "Quantities along every trajectory, a line per replica (means of blocks of frames). RMSD rests on the "
    "rigid core that was found; D1 is the distance of the DFG phenylalanine from helix C."
)
_LIGANDS = (
    "How the bound drugs hold their place: RMSD of the drug's heavy atoms from the start after superposition "
    "of the protein, and the share of the residues in contact at the start that still are."
)
_FINGERPRINTS = (
    "Interaction fingerprint of the bound drugs: bar, mean share of the frames; dot, one replica. At most "
    "sixteen, hydrophobic ones last; the table further down has all that stand in a tenth of the frames."
)
_POCKETS = "Volumes of the pockets, what is bound in them taken out, a line per replica."
_MEASURES = (
    "Mutant minus native of every quantity, a mean per replica, with the 95 % interval, in units of the "
    "smallest change that counts (grey band: less than that). Filled: resolved; open: not resolved; arrow "
    "head: beyond the panel."
)
_OCCUPANCIES = (
    "Interactions of the substituted residue along the trajectories: bar, mean share of the frames; dot, one "
    "replica."
)
_PRINCIPAL = (
    "Every replica along the first two principal motions of the CA atoms of all replicas, native and mutant "
    "together; a symbol per replica. A replica only drifts where its path along the first motion is a half "
    "cosine (cosine content above 0.7): it is then too short for that motion."
)
