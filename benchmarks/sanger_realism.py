"""Do simulated traces look like real ones? Measured properties of both, side by side.

    python benchmarks/sanger_realism.py DIR [--runs 20]

DIR holds chromatograms of instruments (.ab1, .scf). Every property is measured by the same code on both: the
ratio of the second highest to the highest base at a position (median, 90 %, 99 %), the scatter of the log
of heights (less the slow trend), the scatter of spacing, and the width of peaks. Files with fewer than
300 bases, or whose median ratio exceeds 0.1, are listed and left out of the comparison.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from kinscope.core.errors import BadInputError
from kinscope.sequencing.peaks import measure
from kinscope.sequencing.reading import read_trace
from kinscope.sequencing.simulation import QUALITIES, amplicon_of, molecules_of, simulate_read
from kinscope.targets import load_target

STRETCHES = ((40, 120), (120, 300), (300, 500), (500, 700))
NAMES = ("ratio 50%", "ratio 90%", "ratio 99%", "height sd", "spacing sd", "width")


def properties(channels: np.ndarray, positions: np.ndarray, first: int, last: int) -> list[float]:
    """The properties of one stretch of a trace."""
    peaks = measure(channels, positions)
    heights = np.sort(peaks.heights[first:last], axis=1)
    ratio = heights[:, 2] / np.maximum(heights[:, 3], 1)
    log = np.log(np.maximum(heights[:, 3], 1))
    trend = np.convolve(np.pad(log, 15, mode="edge"), np.full(31, 1 / 31), mode="valid")
    steps = np.diff(peaks.centres[first:last]) / peaks.spacing
    quantiles = np.percentile(ratio, [50, 90, 99])
    return [
        *quantiles,
        float((log - trend).std()),
        float(steps.std()),
        float(np.median(peaks.widths[first:last])) / peaks.spacing,
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    print(f"{'trace':28} {'bases':>9} " + " ".join(f"{name:>10}" for name in NAMES))
    for path in sorted([*options.directory.glob("*.ab1"), *options.directory.glob("*.scf")]):
        try:
            trace = read_trace(path)
        except BadInputError as error:
            print(f"{path.name:28} not read: {error.what}")
            continue
        if len(trace.positions) < 300:
            print(f"{path.name:28} left out: {len(trace.positions)} bases")
            continue
        for first, last in STRETCHES:
            if last <= len(trace.positions):
                row = properties(trace.channels, trace.positions, first, last)
                if row[0] > 0.1:
                    print(f"{path.name:28} {first:4}-{last:4} left out: median ratio {row[0]:.2f}")
                else:
                    _print(path.name, first, last, row)
    pack = load_target()
    native = molecules_of([("WT", 1.0)], pack, amplicon_of(pack))
    for name, quality in QUALITIES.items():
        reads = [
            simulate_read(native, "forward" if seed % 2 else "reverse", quality, seed=seed, chemistry=seed)
            for seed in range(options.runs)
        ]
        for first, last in STRETCHES:
            rows = [
                properties(read.channels.astype(float), read.positions, first, last)
                for read in reads
                if last <= len(read.positions)
            ]
            if rows:
                _print(f"simulated, {name}", first, last, list(np.median(rows, axis=0)))


def _print(name: str, first: int, last: int, row: list[float]) -> None:
    print(f"{name:28} {first:4}-{last:4} " + " ".join(f"{value:10.3f}" for value in row))


if __name__ == "__main__":
    main()
