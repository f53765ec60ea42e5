"""The answer as files: one page, JSON, tables, and electropherograms around every call."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from kinscope.core.files import write_atomic
from kinscope.core.pages import environment, inline_svg
from kinscope.core.records import Record
from kinscope.core.residues import COMPLEMENT
from kinscope.core.tables import harmless_cell
from kinscope.sequencing.calling.sample import SampleAnalysis
from kinscope.sequencing.model import BASES, Call, Floats
from kinscope.sequencing.signal.peaks import baseline
from kinscope.sequencing.signal.read_analysis import ReadAnalysis
from kinscope.targets import TargetPack

COLOURS: Final = {"A": "#009e73", "C": "#0072b2", "G": "#1d2733", "T": "#d55e00"}
"""Near the customary green, blue, black and red; colours of Okabe and Ito (Color Universal Design, 2008)."""
DASHES: Final = {"A": "-", "C": (0, (5, 1.2)), "G": "-", "T": (0, (1.6, 0.9))}
"""A second way to tell the bases, for print without colour."""
WIDTHS: Final = {"A": 1.0, "C": 1.3, "G": 1.7, "T": 1.3}
AROUND: Final = 9
"""Bases on each side."""


def call_figure(sample: SampleAnalysis, call: Call, cds: str, kind: str = "svg") -> bytes:
    """The traces around a call, coding strand from left to right, as ``svg`` or ``png``."""
    from matplotlib.figure import Figure

    centre = _coding(call)
    names = [item.read for item in sample.result.reads]
    shown = [
        (name, read)
        for name, read in zip(names, sample.reads, strict=True)
        if (np.abs(read.placement.coding - centre) <= 3).any()
    ]
    count = max(len(shown), 1)
    figure = Figure(figsize=(8.2, 0.6 + 1.75 * count), layout="constrained")
    axes = figure.subplots(count, 1, squeeze=False)[:, 0]
    for axis, (name, read) in zip(axes, shown, strict=False):
        _draw(axis, name, read, centre, call, cds)
    if shown:
        handles = axes[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return _saved(figure, kind)


def _saved(figure: Any, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": "kinscope"} if kind == "svg" else {"Software": "kinscope"}
    figure.savefig(buffer, format=kind, dpi=160, metadata=metadata)
    return buffer.getvalue()


def _coding(call: Call) -> int:
    found = re.search(r":c\.([0-9]+)", call.hgvs_c)
    return int(found[1]) if found else 3 * call.first_codon - 1


def _draw(axis: Any, name: str, read: ReadAnalysis, centre: int, call: Call, cds: str) -> None:
    """One read in coding orientation; x is the coding base."""
    coding, forward = read.placement.coding, read.placement.strand == "forward"
    rows = np.flatnonzero((np.abs(coding - centre) <= AROUND) & (coding > 0))
    order = rows if forward else rows[::-1]
    places, bases = read.peaks.centres[order], coding[order].astype(np.float64)
    low, high = sorted((places[0], places[-1]))
    spacing = read.peaks.spacing
    scans = np.arange(max(0, round(low - spacing)), min(read.trace.channels.shape[1], round(high + spacing)))
    x = _numbers(scans.astype(np.float64), places, bases, forward)
    flat = read.trace.channels - baseline(read.trace.channels, spacing)
    window = flat[:, scans]
    top = max(float(window.max()), 1.0)
    for lane, base in enumerate(BASES):
        shown = base if forward else base.translate(COMPLEMENT)
        axis.plot(
            x, 100 * window[lane] / top, color=COLOURS[shown], linestyle=DASHES[shown],
            linewidth=WIDTHS[shown], label=shown,
        )  # fmt: skip
    first, last = call.first_codon, call.last_codon
    axis.axvspan(centre - 0.5, centre + 0.5, color="#f3d9a4", alpha=0.7, linewidth=0)
    for number in range(centre - AROUND, centre + AROUND + 1):
        if 1 <= number <= len(cds):
            base = cds[number - 1]
            axis.text(number, 109, base, ha="center", fontsize=9, color=COLOURS[base], weight="bold")
    codons = range((centre - AROUND + 2) // 3, (centre + AROUND + 2) // 3 + 1)
    ticks = [3 * codon - 1 for codon in codons if abs(3 * codon - 1 - centre) <= AROUND]
    axis.set_xticks(ticks, [str((tick + 1) // 3) for tick in ticks], fontsize=8)
    axis.set_xlim(centre - AROUND - 0.6, centre + AROUND + 0.6)
    axis.set_ylim(-4, 122)
    axis.set_yticks([0, 50, 100])
    axis.tick_params(axis="y", labelsize=7)
    axis.set_ylabel(f"{name}\n{read.placement.strand}", fontsize=8)
    axis.set_xlabel("codon (reference bases on top)" if first == last else "codon", fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _numbers(scans: Floats, places: Floats, bases: Floats, forward: bool) -> Floats:
    """Coding number of every scan, continued by one spacing at both ends."""
    order = np.argsort(places)
    x, y = places[order], bases[order]
    step = 1.0 if forward else -1.0
    gap = float(np.median(np.diff(x))) if len(x) > 1 else 12.0
    x = np.concatenate([[x[0] - gap], x, [x[-1] + gap]])
    y = np.concatenate([[y[0] - step], y, [y[-1] + step]])
    return np.asarray(np.interp(scans, x, y), dtype=np.float64)


def coverage_figure(sample: SampleAnalysis) -> bytes:
    """Detection limit of every codon, both strands and each alone, as SVG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 2.6), layout="constrained")
    axis = figure.subplots()
    codons = [item.codon for item in sample.result.coverage]
    lines: Sequence[tuple[str, list[float | None], str, str]] = (
        ("forward alone", [i.forward_limit_percent for i in sample.result.coverage], "#0072b2", "--"),
        ("reverse alone", [i.reverse_limit_percent for i in sample.result.coverage], "#d55e00", ":"),
        ("all reads", [i.detection_limit_percent for i in sample.result.coverage], "#1d2733", "-"),
    )
    for label, values, colour, dash in lines:
        numbers = [np.nan if value is None else value for value in values]
        axis.plot(codons, numbers, color=colour, linestyle=dash, linewidth=1.1, label=label)
    for call in sample.result.calls:
        axis.axvline(call.first_codon, color="#c8501e", linewidth=0.8)
    axis.set_xlabel("codon")
    axis.set_ylabel("smallest share seen, %")
    axis.set_ylim(0, 100)
    axis.legend(frameon=False, fontsize=8, ncols=3)
    axis.spines[["top", "right"]].set_visible(False)
    return _saved(figure, "svg")


CALL_COLUMNS = (
    "hgvs_c", "hgvs_p", "kind", "status", "name", "share_percent", "share_low_percent", "share_high_percent",
    "depth", "first_codon", "last_codon", "assess_expression",
)  # fmt: skip
COVERAGE_COLUMNS = (
    "codon", "strands", "detection_limit_percent", "forward_limit_percent", "reverse_limit_percent",
)  # fmt: skip


def write_sample(sample: SampleAnalysis, pack: TargetPack, directory: Path) -> tuple[Path, ...]:
    """Write report.html, result.json, calls.tsv, coverage.tsv and figures/ into a directory.

    Returns
    -------
    The files, the page first.
    """
    (directory / "figures").mkdir(parents=True, exist_ok=True)
    result, cds = sample.result, pack.transcript.cds
    drawn = [call_figure(sample, call, cds, "svg") for call in result.calls]
    files: dict[str, bytes | str] = {
        "report.html": sanger_page(sample, drawn),
        "result.json": result.model_dump_json(indent=2) + "\n",
        "calls.tsv": tab_separated(CALL_COLUMNS, result.calls),
        "coverage.tsv": tab_separated(COVERAGE_COLUMNS, result.coverage),
    }
    for call, svg in zip(result.calls, drawn, strict=True):
        stem = re.sub(r"[^A-Za-z0-9]+", "_", call.hgvs_c.partition(":c.")[2]).strip("_")
        files[f"figures/c_{stem}.svg"] = svg
        files[f"figures/c_{stem}.png"] = call_figure(sample, call, cds, "png")
    for name, data in files.items():
        write_atomic(directory / name, data)
    return tuple(directory / name for name in files)


def sanger_page(sample: SampleAnalysis, drawn: Sequence[bytes]) -> str:
    """The self-contained page; ``drawn`` are the SVG figures of the calls."""
    calls = [
        {"call": call, "svg": inline_svg(svg, f"f{index}")}
        for index, (call, svg) in enumerate(zip(sample.result.calls, drawn, strict=True))
    ]
    coverage = inline_svg(coverage_figure(sample), "cov")
    page = environment(Path(__file__).parent / "templates").get_template("sanger.html.j2")
    return page.render(result=sample.result, calls=calls, coverage_svg=coverage)


def tab_separated(columns: Sequence[str], rows: Sequence[Record]) -> str:
    """Fields of records as text with a head line."""
    lines = [columns, *([_cell(getattr(row, name)) for name in columns] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return re.sub(r"\s+", " ", str(harmless_cell(str(value))))
