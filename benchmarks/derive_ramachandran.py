"""Derive the table of Ramachandran regions that ships from the reference map of MDAnalysis (extra ``test``).

python benchmarks/derive_ramachandran.py src/kinscope/structures/data/ramachandran.npz
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

FAVOURED_COUNT = 17
"""Bins of 17 counts and more hold 90 % of the reference's residues."""


def main(target: Path) -> None:
    """Write the levels (rows psi, columns phi): 0 not visited, 1 allowed, 2 favoured."""
    spec = find_spec("MDAnalysis")
    if spec is None or spec.origin is None:
        sys.exit("MDAnalysis is not installed: pip install '.[test]'")
    counts = np.load(Path(spec.origin).parent / "analysis" / "data" / "rama_ref_data.npy", allow_pickle=False)
    levels = np.where(counts >= FAVOURED_COUNT, 2, np.where(counts >= 1, 1, 0)).astype(np.uint8)
    np.savez_compressed(target, levels=levels)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
