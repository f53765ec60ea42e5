"""Derive ``data/backbone_rotamers.npz`` from the 2010 backbone-dependent rotamer library.

``python benchmarks/derive_rotamers.py LIBRARY OUT.npz``, where ``LIBRARY`` is the library in the
binary form that FASPR carries (``dun2010bbdep.bin``; also in the pyfaspr package). The library is Shapovalov
and Dunbrack's (Structure 2011, 19, 844), under the Open Data Commons Attribution License.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import BadInputError
from kinscope.structures.side_chains.rotamers import (
    CHI_ATOMS,
    GRID_POINTS,
    SHARE_STEP,
    SYMMETRIC_LAST_CHI,
    rotamers_of,
)

_BLOCKS = (
    ("ARG", 75), ("ASN", 36), ("ASP", 18), ("CYS", 3), ("GLN", 108), ("GLU", 54), ("HIS", 36), ("ILE", 9),
    ("LEU", 9), ("LYS", 73), ("MET", 27), ("PHE", 18), ("PRO", 2), ("SER", 3), ("THR", 3), ("TRP", 36),
    ("TYR", 18), ("VAL", 3),
)  # fmt: skip
"""Residue kinds of the file in order, each with its bins per grid point."""
_ROW = np.dtype([("share", "<f4"), ("chi", "<i2", 4), ("sigma", "<i2", 4)])
_LEAST_SHARE = 3e-6


def derive(library: Path) -> dict[str, NDArray[np.uint8] | NDArray[np.int8]]:
    """Arrays ``KIND.share`` and ``KIND.shift`` of the derived table (shapes: :class:`RotamerTable`).

    Raises
    ------
    BadInputError
        If the file is not the library.
    """
    points = GRID_POINTS * GRID_POINTS
    expected = points * sum(count for _, count in _BLOCKS) * _ROW.itemsize
    if not library.is_file() or library.stat().st_size != expected:
        raise BadInputError(
            f"This is not the 2010 backbone-dependent library in FASPR's form ({expected} bytes).",
            where=str(library),
            remedy="Give dun2010bbdep.bin of FASPR or of the pyfaspr package.",
        )
    rows = np.fromfile(library, dtype=_ROW)
    found: dict[str, NDArray[np.uint8] | NDArray[np.int8]] = {}
    start = 0
    for name, count in _BLOCKS:
        block = rows[start : start + points * count].reshape(GRID_POINTS, GRID_POINTS, count)
        start += points * count
        share, shift = _summed(name, block["share"].astype(float), block["chi"] / 10.0)
        found[f"{name}.share"] = np.round(-np.log(share) / SHARE_STEP).clip(0, 255).astype(np.uint8)
        found[f"{name}.shift"] = np.round(shift).clip(-90, 90).astype(np.int8)
    return found


def _summed(
    name: str, share: NDArray[np.float64], chi: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bins summed into the nearest of our rotamers.

    Parameters
    ----------
    name
        Residue kind.
    share
        Shape (36, 36, n_bins).
    chi
        Shape (36, 36, n_bins, 4), degrees.

    Returns
    -------
    tuple of numpy.ndarray
        Share (36, 36, n_rotamers), and mean shift of chi from the centre (36, 36, n_rotamers, n_chi).
    """
    centres = np.array([rotamer.chi_degrees for rotamer in rotamers_of(name)])
    chis = centres.shape[1]
    period = np.full(chis, 360.0)
    if name in SYMMETRIC_LAST_CHI and chis == len(CHI_ATOMS[name]):
        period[-1] = 180.0
    apart = chi[..., None, :chis] - centres
    apart -= period * np.round(apart / period)
    nearest = np.sum(apart**2, axis=-1).argmin(axis=-1)
    total = np.zeros((*share.shape[:2], len(centres)))
    moved = np.zeros((*total.shape, chis))
    for index in range(len(centres)):
        mine = np.where(nearest == index, share, 0.0)
        total[..., index] = mine.sum(axis=-1)
        moved[..., index, :] = np.einsum("pqb,pqbc->pqc", mine, apart[:, :, :, index])
    moved /= np.maximum(total, _LEAST_SHARE)[..., None]
    return np.maximum(total, _LEAST_SHARE), moved


def main(arguments: Sequence[str]) -> int:
    """Write the table; two arguments, library and output."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    np.savez_compressed(Path(arguments[1]), allow_pickle=False, **derive(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
