"""What electrostatics in the rank of blind docking are worth: the same poses ranked with several weights.

Each co-crystal's ligand is docked blind into its own crystal as ``kinscope benchmark redock`` does; the
finished poses are then ranked with electrostatics at other weights (the search itself used the shipped one).
Prints, for each weight, how many first poses lie within 2 and 1 angstrom of the crystal's, and the mean,
in which more than 4 counts as 4.

    python benchmarks/polar_weight.py --pdb-mirror DIR [--seed N ...] [--only 2GQG:A:1N1 ...]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from kinscope.core.errors import BadInputError
from kinscope.docking.benchmark_redock import BOX_ANGSTROM, Bench
from kinscope.docking.complexes import find_complexes
from kinscope.docking.engine import Box
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.docking.staged_search import POLAR_WEIGHT
from kinscope.docking.vina_engine import VinaEngine
from kinscope.structures.source import PdbSource
from kinscope.targets import load_target

WEIGHTS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)


def main() -> None:
    """Read the arguments, dock, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pdb-mirror", type=Path, required=True)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--only", nargs="*", default=[])
    chosen = parser.parse_args()
    bench = Bench(PdbSource(chosen.pdb_mirror), load_target("abl1"))
    first: list[list[float]] = []
    for seed in chosen.seed:
        for complex_ in find_complexes(bench.source, bench.pack):
            if chosen.only and complex_.site not in chosen.only:
                continue
            try:
                free, reference, target = bench.case(complex_)
            except BadInputError:
                continue
            started = time.process_time()
            receptor = bench.moved_receptor(complex_, complex_, target)
            system = VinaEngine().bind(receptor, free, Box.cube(target, BOX_ANGSTROM))
            poses = system.search(seed=seed, exhaustiveness=8, n_poses=9, torsion_weight=1.0)
            rmsd = SymmetricRmsd(reference)
            apart = np.array([rmsd(pose.coordinates, target) for pose in poses])
            ranks = np.array([pose.rank_by for pose in poses])
            polar = system.polar(np.array([pose.coordinates for pose in poses]))
            row = [float(apart[np.argmin(ranks + (w - POLAR_WEIGHT) * polar)]) for w in WEIGHTS]
            first.append(row)
            seconds = time.process_time() - started
            print(
                f"{complex_.site:12s} {seed:3d} " + " ".join(f"{r:5.2f}" for r in row) + f" {seconds:6.1f} s",
                flush=True,
            )
    table = np.array(first)
    print(f"{len(table)} searches\nweight  within 2 A  within 1 A  mean")
    for column, weight in enumerate(WEIGHTS):
        of = table[:, column]
        print(f"{weight:6.2f}  {(of < 2).sum():10d}  {(of < 1).sum():10d}  {np.minimum(of, 4).mean():4.2f}")


if __name__ == "__main__":
    main()
