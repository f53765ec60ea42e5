"""Predicted against measured ddG with intervals, calibration, and a panel a drug.

python benchmarks/affinity_plots.py docs/images/affinity.svg
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from kinscope.targets import load_target
from kinscope.validation.ddg import Benchmark, run


def write_plots(found: Benchmark, path: Path) -> None:
    """Write the plots as one SVG (or what else the suffix says)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    measured = found.measured
    ends = np.array([(i.low_90, i.ddg_kcal_per_mol, i.high_90, i.p_lost) for i in found.intervals])
    drugs = sorted({example.drug for example in found.own})
    figure, axes = pyplot.subplots(2, 5, figsize=(17, 7), layout="constrained")
    panels = [("all drugs", np.ones(len(measured), dtype=bool))]
    panels += [(drug, np.array([example.drug == drug for example in found.own])) for drug in drugs]
    for axis, (name, mask) in zip(axes.flat[:9], panels, strict=True):
        low, value, high, _ = ends[mask].T
        axis.vlines(measured[mask], low, high, color="#b9c8d8", linewidth=1.0)
        axis.plot(measured[mask], value, "o", color="#44617b", markersize=3)
        axis.plot([-1.5, 5.5], [-1.5, 5.5], color="#8a8f98", linewidth=0.8)
        axis.axvline(1.36, color="#c8501e", linewidth=0.8, linestyle=":")
        axis.axhline(1.36, color="#c8501e", linewidth=0.8, linestyle=":")
        axis.set(title=name, xlabel="measured, kcal/mol", ylabel="predicted (90 %)")
    axis, edges = axes.flat[9], np.array([0.0, 0.05, 0.15, 0.3, 0.6, 1.01])
    for low, high in pairwise(edges):
        mask = (ends[:, 3] >= low) & (ends[:, 3] < high)
        if mask.any():
            axis.plot(
                ends[mask, 3].mean(), (measured[mask] > 1.36).mean(), "o", color="#44617b", markersize=5
            )
    axis.plot([0, 1], [0, 1], color="#8a8f98", linewidth=0.8)
    axis.set(title="P(lost tenfold)", xlabel="predicted", ylabel="share lost")
    figure.savefig(path)
    pyplot.close(figure)


if __name__ == "__main__":
    write_plots(run(load_target()), Path(sys.argv[1]))
