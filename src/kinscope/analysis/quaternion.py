"""Superposition of many frames at once by unit quaternions.

The rotation that lays one set of points on another is the eigenvector of the largest eigenvalue of a
symmetric 4 x 4 matrix of their correlations (Horn, J. Opt. Soc. Am. A 1987, 4, 629; Theobald, Acta Cryst. A
2005, 61, 478). The matrices of all frames are made by one product and solved by one call. The largest
eigenvalue belongs to a proper rotation always, so that reflections need no care.
"""

from __future__ import annotations

import numpy as np

from kinscope.analysis.superposition import FloatArray
from kinscope.core.errors import BadInputError


def fit_frames(frames: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rotations and translations that lay every frame on a reference with the least squared distance.

    Parameters
    ----------
    frames
        Shape (n_frames, n_atoms, 3), angstrom.
    reference
        Shape (n_atoms, 3), angstrom, three atoms at least.

    Returns
    -------
    rotation, translation, rmsd
        Shapes (n_frames, 3, 3), (n_frames, 3) and (n_frames,); ``frame @ rotation + translation`` is the
        superposed frame, the last its root-mean-square deviation in angstrom.

    Raises
    ------
    BadInputError
        If the shapes do not fit, there are fewer than three atoms, or a coordinate is not a number.
    """
    x = np.asarray(frames, dtype=np.float64)
    y = np.asarray(reference, dtype=np.float64)
    if y.ndim != 2 or x.ndim != 3 or x.shape[1:] != y.shape or y.shape[1] != 3 or len(y) < 3:
        raise BadInputError(
            f"Frames of shape {x.shape} cannot be laid on atoms of shape {y.shape}.",
            where="superposition",
            remedy="Give the same three or more atoms on both sides.",
        )
    centres, centre = x.mean(axis=1), y.mean(axis=0)
    target = y - centre
    # A constant shift of x drops out, because the reference is centred.
    correlation = np.swapaxes(x, 1, 2) @ target
    if not np.isfinite(correlation).all():
        raise BadInputError(
            "A frame holds coordinates that are not numbers.",
            where="superposition",
            remedy="The run blew up, or the file is damaged: leave these frames out.",
        )
    values, vectors = np.linalg.eigh(_key_matrices(correlation))
    rotation = np.swapaxes(_rotations(vectors[:, :, -1]), 1, 2)
    translation = centre - np.einsum("fi,fij->fj", centres, rotation)
    size = np.einsum("fai,fai->f", x, x) - len(y) * np.einsum("fi,fi->f", centres, centres)
    squared = np.clip(size + float((target**2).sum()) - 2.0 * values[:, -1], 0.0, None) / len(y)
    return rotation, translation, np.sqrt(squared)


def _key_matrices(m: FloatArray) -> FloatArray:
    """Horn's symmetric matrix of each correlation matrix (n, 3, 3), shape (n, 4, 4)."""
    key = np.empty((len(m), 4, 4))
    xx, xy, xz, yx, yy, yz, zx, zy, zz = (m[:, i, j] for i in range(3) for j in range(3))
    key[:, 0, 0] = xx + yy + zz
    key[:, 1, 1] = xx - yy - zz
    key[:, 2, 2] = yy - xx - zz
    key[:, 3, 3] = zz - xx - yy
    for row, column, value in (
        (0, 1, yz - zy),
        (0, 2, zx - xz),
        (0, 3, xy - yx),
        (1, 2, xy + yx),
        (1, 3, zx + xz),
        (2, 3, yz + zy),
    ):
        key[:, row, column] = key[:, column, row] = value
    return key


def _rotations(q: FloatArray) -> FloatArray:
    """Rotation matrices (n, 3, 3), acting on columns, of unit quaternions (n, 4)."""
    w, x, y, z = q.T
    rows = [
        [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ]
    return np.asarray(rows).transpose(2, 0, 1)
