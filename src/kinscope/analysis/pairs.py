"""Which pairs of atoms can come near in a chunk of frames: found once per chunk, exact for every frame.

Between two atoms no frame is shorter than the distance of their mean positions less the farthest that each
strays from its own. In superposed frames atoms stray little, so that few pairs are left to measure.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kinscope.analysis.superposition import IntArray

Array = np.ndarray[Any, Any]


def reachable_pairs(first: Array, second: Array, cutoff: float) -> tuple[IntArray, IntArray]:
    """Pairs that may lie within a cutoff in any frame; no pair that does is missed.

    ``first``, ``second``: superposed frames, shapes (n_frames, n, 3) and (n_frames, m, 3), angstrom.
    ``cutoff``: angstrom.

    Returns indices into ``first`` and ``second``, both (n_pairs,), sorted by the first.
    """
    centres, strays = zip(*(_mean_and_stray(part) for part in (first, second)), strict=True)
    squared = (
        (centres[0] ** 2).sum(axis=1)[:, None]
        + (centres[1] ** 2).sum(axis=1)[None]
        - 2.0 * centres[0] @ centres[1].T
    )
    # The hundredth of an angstrom covers the rounding of this way to reckon distances.
    bound = cutoff + strays[0][:, None] + strays[1][None] + 0.01
    rows, columns = np.nonzero(squared <= bound**2)
    return rows, columns


def pair_distances(first: Array, second: Array, pairs: tuple[IntArray, IntArray]) -> Array:
    """Distances of chosen pairs in every frame, shape (n_frames, n_pairs), angstrom."""
    gap = first[:, pairs[0]] - second[:, pairs[1]]
    return np.asarray(np.sqrt(np.einsum("fpi,fpi->fp", gap, gap)))


def _mean_and_stray(frames: Array) -> tuple[Array, Array]:
    mean = frames.mean(axis=0)
    gap = frames - mean
    return mean, np.sqrt(np.einsum("fai,fai->fa", gap, gap).max(axis=0))
