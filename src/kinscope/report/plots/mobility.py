"""RMSF along the sequence, native against mutant, and the difference; how bound drugs hold their place."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.report.files import DifferenceTrack, ReportFiles
from kinscope.report.plots.canvas import (
    Axes,
    Figure,
    mark_regions,
    mark_variant,
    new_figure,
    region_strip,
    segments_between,
)
from kinscope.report.style import GRID, MUTANT, NATIVE, region_colours
from kinscope.report.text import Names
from kinscope.results.measured import FluctuationProfile
from kinscope.results.trajectories import ReplicaAnalysis, TrajectoryComparison
from kinscope.variants.model import Variant


@dataclass(frozen=True)
class Replicas:
    """The replicas of one system: residues (n,) and RMSF (n_replicas, n), angstrom."""

    residues: NDArray[np.int64]
    rmsf: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over the replicas, shape (n,), drawn as the line."""
        return np.asarray(self.rmsf.mean(axis=0), dtype=np.float64)


def replicas(profiles: Sequence[FluctuationProfile], state: str, variants: Sequence[str]) -> Replicas | None:
    """All replicas of one system; profiles on other residues than the first one's are left out."""
    found = [p for p in profiles if p.state == state and p.variant in variants]
    found = [p for p in found if p.residues == found[0].residues and p.rmsf_angstrom and p.residues]
    if not found:
        return None
    rows = [row for profile in found for row in profile.rmsf_angstrom]
    return Replicas(np.asarray(found[0].residues, dtype=np.int64), np.asarray(rows, dtype=np.float64))


def states_of(profiles: Sequence[FluctuationProfile], names: Names) -> list[str]:
    """States with a profile, in the pack's order."""
    return sorted({p.state for p in profiles}, key=names.state_order)


def draw_rmsf(profiles: Sequence[FluctuationProfile], variant: Variant, files: ReportFiles) -> Figure | None:
    """One panel per state: native and mutant lines, band from the lowest to the highest replica."""
    own = (variant.short, variant.slug)
    pairs = [
        (state, replicas(profiles, state, ("native",)), replicas(profiles, state, own))
        for state in states_of(profiles, Names(files))
    ]
    pairs = [pair for pair in pairs if pair[1] or pair[2]]
    if not pairs:
        return None
    held = [data for pair in pairs for data in pair[1:] if data is not None]
    figure, panels = _panels([pair[0] for pair in pairs], [data.residues for data in held], files, "RMSF (Å)")
    # One scale for every state, so that states can be compared by eye.
    tops = [float(np.nanmax(data.rmsf)) for data in held if np.isfinite(data.rmsf).any()]
    for axes, (_, native, mutant) in zip(panels, pairs, strict=True):
        for data, colour, label in ((native, NATIVE, "native"), (mutant, MUTANT, variant.short)):
            if data is not None:
                # Native lies under the mutant and shows on both sides of it where the two agree.
                _line(axes, data, colour, label, width=2.6 if data is native else 1.0)
        axes.set_ylim(0, 1.12 * max([*tops, 0.1]))
        mark_variant(axes, variant.positions)
    panels[0].legend(loc="upper right", ncols=3, fontsize=8)
    return _titled(figure, "Fluctuation by molecular dynamics")


def draw_difference(
    profiles: Sequence[FluctuationProfile], variant: Variant, files: ReportFiles
) -> Figure | None:
    """One panel per state: mutant minus native, by the track that analysis made."""
    tracks: list[DifferenceTrack] = []
    for state in states_of(profiles, Names(files)):
        tracks += [t for t in files.difference_tracks if t.state == state and t.residues][:1]
    if not tracks:
        return None
    states, residues = [track.state for track in tracks], [track.residues for track in tracks]
    figure, panels = _panels(states, residues, files, "Δ RMSF (Å)", height_inch=1.55)
    # One scale for every state here too, or noise in a quiet state looks like motion in a loud one.
    reach = max(_reach(track) for track in tracks)
    for axes, track in zip(panels, tracks, strict=True):
        _difference(axes, track)
        axes.set_ylim(-reach, reach)
        mark_variant(axes, variant.positions)
    return _titled(figure, f"{variant.short} minus native, molecular dynamics")


def _titled(figure: Figure, title: str) -> Figure:
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, weight="bold")
    return figure


def _difference(axes: Axes, track: DifferenceTrack) -> None:
    residues = np.asarray(track.residues, dtype=np.int64)
    values = np.asarray(track.difference_angstrom, dtype=np.float64)
    axes.axhline(0, color="#6b7480", linewidth=0.8)
    if len(track.low_angstrom) == len(residues) == len(track.high_angstrom):
        x, low = _gapped(residues, np.asarray(track.low_angstrom))
        _, high = _gapped(residues, np.asarray(track.high_angstrom))
        axes.fill_between(x, low, high, color="#9aa3ad", alpha=0.35, linewidth=0)
    x, y = _gapped(residues, values)
    axes.fill_between(x, 0, y, where=y > 0, color=MUTANT, alpha=0.55, linewidth=0, interpolate=True)
    axes.fill_between(x, 0, y, where=y < 0, color=NATIVE, alpha=0.55, linewidth=0, interpolate=True)
    axes.plot(x, y, color="#333b45", linewidth=0.8)
    stars = np.asarray(track.resolved, dtype=bool)
    if len(stars) == len(residues) and stars.any():
        axes.plot(residues[stars], values[stars], "*", color="#111", markersize=4)


def _reach(track: DifferenceTrack) -> float:
    """How far a panel goes: all of the line, and nearly all of the band if that does not dwarf the line."""
    values = np.abs(np.asarray(track.difference_angstrom, dtype=np.float64))
    peak = max(float(np.nanmax(values)), 0.05) if np.isfinite(values).any() else 1.0
    band = np.abs(np.asarray([*track.low_angstrom, *track.high_angstrom], dtype=np.float64))
    band = band[np.isfinite(band)]
    wide = 1.05 * float(np.percentile(band, 99)) if len(band) else 0.0
    return max(1.6 * peak, min(wide, 4.0 * peak))


def _line(axes: Axes, data: Replicas, colour: str, label: str, *, width: float) -> None:
    x, mean = _gapped(data.residues, data.mean)
    if len(data.rmsf) > 1:
        _, low = _gapped(data.residues, data.rmsf.min(axis=0))
        _, high = _gapped(data.residues, data.rmsf.max(axis=0))
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(x, mean, color=colour, linewidth=width, label=f"{label} (n = {len(data.rmsf)})")


def _gapped(
    residues: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Insert NaN where residues are missing, so that no line bridges a gap."""
    breaks = np.flatnonzero(np.diff(residues) > 1) + 1
    x = np.insert(residues.astype(np.float64), breaks, np.nan)
    return x, np.insert(np.asarray(values, dtype=np.float64), breaks, np.nan)


def _panels(
    states: Sequence[str],
    residues: Sequence[Sequence[int] | NDArray[np.int64]],
    files: ReportFiles,
    label: str,
    height_inch: float = 1.85,
) -> tuple[Figure, list[Axes]]:
    """A strip with the region names above a panel for each state; they share the residue axis."""
    names, every = Names(files), np.concatenate(residues)
    first, last = int(every.min()), int(every.max())
    regions = segments_between(files.regions, first, last)
    colours = region_colours(files.regions)
    figure = new_figure(9.2, 0.75 + (0.55 if regions else 0) + height_inch * len(states))
    ratios = [0.5 / height_inch * 1.6 if regions else 0.01, *[1.0] * len(states)]
    strip, *panels = figure.subplots(len(states) + 1, 1, sharex=True, height_ratios=ratios)
    region_strip(strip, regions, colours, (first, last))
    for axes, state in zip(panels, states, strict=True):
        mark_regions(axes, regions, colours)
        axes.grid(axis="y")
        axes.set_xlim(first - 1, last + 1)
        axes.tick_params(labelbottom=axes is panels[-1])
        axes.set_title(names.state(state))
        axes.set_ylabel(label)
    panels[-1].set_xlabel("residue")
    return figure, panels


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
