"""Pocket volumes by our two definitions, and by a published cavity finder, on crystals and models.

    pip install pyKVFinder     # optional, GPL-3.0: no dependency of kinscope, imported here alone
    python benchmarks/pocket_volumes.py --pdb-mirror DIR [--out volumes.csv]

Every ABL1 chain of the mirror in which the pocket's lining is whole, and every shipped model, laid on one
reference model. Probe: points of the reference's hull of the lining that a 1.4 angstrom probe covers. Alpha
spheres: what pocketeer's leave free in the same hull. pyKVFinder (Guerra et al., BMC Bioinformatics 2021, 22,
607): its own grid, probes and cavities over the same box; of its cavity points those in the same hull count.
It leaves out what a large probe reaches from outside, which the others keep, so those are larger at an open
site; what counts is whether all order the pockets alike.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.spatial import Delaunay
from scipy.stats import pearsonr, spearmanr

from kinscope.analysis.alpha_spheres import alpha_sphere_volume
from kinscope.analysis.pockets import RADII_ANGSTROM, inclusion_region, pocket_volume
from kinscope.analysis.superposition import FloatArray, kabsch
from kinscope.core.errors import KinscopeError
from kinscope.structures.entries import read_chain
from kinscope.structures.model import AtomArray
from kinscope.structures.reference import reference_model
from kinscope.structures.source import PdbSource
from kinscope.targets import TargetPack, load_target

STEP_ANGSTROM, PROBE_IN, PROBE_OUT, REMOVAL = 0.6, 1.4, 8.0, 0.6
"""The finder's grid, its small and its large probe, and how far it trims cavities at their mouths."""
SURROUNDINGS_ANGSTROM = 20.0
POCKETS = {"atp_site": "kinase-dfg-out", "myristate_pocket": "closed-dfg-out"}
"""With the model whose lining gives the hull."""
LAST_RESIDUE = 500
"""Few crystals show what follows of helix I."""


def ways() -> tuple[str, ...]:
    """What measures, in the order of every row."""
    return ("probe", "alpha spheres", *(("pyKVFinder",) if find_spec("pyKVFinder") else ()))


def finder_volume(coord: FloatArray, elements: list[str], lining: FloatArray, corners: FloatArray) -> float:
    """Volume of pyKVFinder's cavities within the hull of the lining, cubic angstrom.

    Parameters
    ----------
    coord, elements
        Heavy atoms, (n, 3) angstrom.
    lining
        (m, 3), whose hull is measured.
    corners
        (2, 3), lowest and highest corner of the box that is searched.
    """
    import pyKVFinder

    low, high = corners
    rows = [
        [
            "1",
            "A",
            "RES",
            symbol,
            *(f"{value:.3f}" for value in point),
            f"{RADII_ANGSTROM.get(symbol, 1.7):.2f}",
        ]
        for point, symbol in zip(coord, elements, strict=True)
    ]
    vertices = np.array(
        [low, [high[0], low[1], low[2]], [low[0], high[1], low[2]], [low[0], low[1], high[2]]]
    )
    _, cavities = pyKVFinder.detect(
        np.array(rows), vertices, step=STEP_ANGSTROM, probe_in=PROBE_IN, probe_out=PROBE_OUT,
        removal_distance=REMOVAL, volume_cutoff=1.0, nthreads=1,
    )  # fmt: skip
    points = low + STEP_ANGSTROM * np.argwhere(np.asarray(cavities) > 1)
    return float((Delaunay(lining).find_simplex(points) >= 0).sum()) * STEP_ANGSTROM**3


def chains(mirror: Path, pack: TargetPack) -> Iterator[tuple[str, AtomArray]]:
    """Crystal chains, then shipped models, each with its name."""
    source = PdbSource(mirror)
    for path in sorted((mirror / "pdb").glob("*.gz")):
        code = path.name[:4]
        for chain in "ABCD":
            try:
                yield f"{code.upper()}:{chain}", read_chain(source, code, chain, pack)
            except KinscopeError:
                continue
    for state in pack.states:
        yield state.id, reference_model(pack, state.id)[0]


def measure(pack: TargetPack, pocket: str, mirror: Path) -> list[tuple[str, list[float]]]:
    """Name and volumes (:func:`ways`) of every structure that has the whole lining."""
    lining = [residue for residue in pack.region(pocket).members() if residue <= LAST_RESIDUE]
    base = reference_model(pack, POCKETS[pocket])[0]
    base = base[base.element != "H"]
    hull = base.coord[np.isin(base.res_id, lining)].astype(np.float64)
    region = inclusion_region(hull)
    corners = np.array([hull.min(axis=0) - 10.0, hull.max(axis=0) + 10.0])
    near = np.linalg.norm(base.coord - hull.mean(axis=0), axis=1) < SURROUNDINGS_ANGSTROM
    alpha = base[(base.atom_name == "CA") & near & ~np.isin(base.res_id, lining)]
    found = []
    for name, atoms in chains(mirror, pack):
        heavy = atoms[(atoms.element != "H") & (atoms.res_id < 9000)]
        own = heavy[heavy.atom_name == "CA"]
        if not set(lining) <= set(own.res_id.tolist()):
            continue
        _, mine, theirs = np.intersect1d(own.res_id, alpha.res_id, return_indices=True)
        rotation, translation = kabsch(own.coord[mine].astype(float), alpha.coord[theirs].astype(float))
        coord = heavy.coord.astype(np.float64) @ rotation + translation
        elements = [symbol.upper() for symbol in heavy.element.tolist()]
        volumes = [pocket_volume(coord, elements, region), alpha_sphere_volume(coord, region)]
        if "pyKVFinder" in ways():
            volumes.append(finder_volume(coord, elements, hull, corners))
        found.append((name, volumes))
        print(f"{pocket:<18} {name:<28}", *(f"{value:7.0f}" for value in volumes), flush=True)
    return found


def main() -> None:
    """Measure both pockets and print how far the two agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pdb-mirror", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    pack = load_target("abl1")
    rows: list[tuple[str, str, *tuple[float, ...]]] = []
    for pocket in POCKETS:
        found = measure(pack, pocket, options.pdb_mirror)
        table = np.array([volumes for _, volumes in found])
        said = (
            f"{name} {column.mean():.0f} +- {column.std():.0f}"
            for name, column in zip(ways(), table.T, strict=True)
        )
        print(f"{pocket}: {len(found)} structures; {', '.join(said)} cubic angstrom")
        for one, other in combinations(range(table.shape[1]), 2):
            print(
                f"  {ways()[one]} and {ways()[other]}: Pearson "
                f"{pearsonr(table[:, one], table[:, other])[0]:.2f}, "
                f"Spearman {spearmanr(table[:, one], table[:, other])[0]:.2f}"
            )
        rows += [(pocket, name, *volumes) for name, volumes in found]
    if options.out:
        with options.out.open("w", newline="") as handle:
            csv.writer(handle).writerows([("pocket", "structure", *ways()), *rows])


if __name__ == "__main__":
    main()
