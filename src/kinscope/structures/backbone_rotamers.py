"""How often each rotamer occurs on a given backbone, and where its chi angles then stand.

The table is derived from the 2010 smoothed backbone-dependent rotamer library of Shapovalov & Dunbrack
(Structure 2011, 19, 844), which its authors distribute under the Open Data Commons Attribution License (free
to use, redistribute and modify, with acknowledgement). Its bins are summed into the rotamers of Lovell et al.
that :mod:`kinscope.structures.rotamers` names, on its own grid of 10 degrees in phi and psi.
``benchmarks/derive_rotamers.py`` makes the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.rotamers import Rotamer, rotamers_of

GRID_DEGREES = 10.0
GRID_POINTS = 36
SHARE_STEP = 0.05
"""Stored shares are exp(-SHARE_STEP * byte): 5 per cent apart, down to 3e-6."""


@dataclass(frozen=True)
class RotamerTable:
    """One residue kind over the Ramachandran map; rotamers in the order of ``rotamers_of``."""

    log_share: NDArray[np.uint8]
    """Shape (36, 36, n_rotamers): -ln(share) / SHARE_STEP; axes phi and psi from -180 degrees on."""
    shift_degrees: NDArray[np.int8]
    """Shape (36, 36, n_rotamers, n_chi): mean chi less the rotamer's central chi."""


@lru_cache(maxsize=1)
def _tables() -> dict[str, RotamerTable]:
    path = resources.files("kinscope.structures").joinpath("data/backbone_rotamers.npz")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {
            key.removesuffix(".share"): RotamerTable(stored[key], stored[key.replace(".share", ".shift")])
            for key in stored.files
            if key.endswith(".share")
        }


def rotamers_on(name: str, phi_degrees: float | None, psi_degrees: float | None) -> tuple[Rotamer, ...]:
    """Rotamers of a residue kind with shares and mean chi angles on a backbone.

    Parameters
    ----------
    name
        Residue kind (``LYS``).
    phi_degrees, psi_degrees
        Of the residue. Where one is not defined the backbone-independent library answers.

    Returns
    -------
    tuple of Rotamer
        In the library's order; shares in per cent, interpolated bilinearly between the points of the grid.
    """
    library = rotamers_of(name)
    table = _tables().get(name)
    if table is None or phi_degrees is None or psi_degrees is None:
        return library
    share = np.zeros(len(library))
    shift = np.zeros((len(library), table.shift_degrees.shape[-1]))
    for i, j, weight in _corners(phi_degrees, psi_degrees):
        here = weight * np.exp(-SHARE_STEP * table.log_share[i, j])
        share += here
        shift += here[:, None] * table.shift_degrees[i, j]
    shift /= share[:, None]
    share /= share.sum()
    return tuple(
        Rotamer(r.name, 100.0 * float(p), tuple(float(c + d) for c, d in zip(r.chi_degrees, s, strict=True)))
        for r, p, s in zip(library, share, shift, strict=True)
    )


def _corners(phi: float, psi: float) -> list[tuple[int, int, float]]:
    """The four grid points about a backbone and their bilinear weights."""
    x, y = ((angle + 180.0) % 360.0 / GRID_DEGREES for angle in (phi, psi))
    i, j = int(x) % GRID_POINTS, int(y) % GRID_POINTS
    u, v = x - int(x), y - int(y)
    k, m = (i + 1) % GRID_POINTS, (j + 1) % GRID_POINTS
    return [(i, j, (1 - u) * (1 - v)), (k, j, u * (1 - v)), (i, m, (1 - u) * v), (k, m, u * v)]
