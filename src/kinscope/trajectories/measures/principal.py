"""Principal motions of the CA atoms over all runs together, and whether they are more than diffusion.

The covariance is summed up chunk by chunk, so that it holds every frame; single frames are projected from a
thinned trajectory. A first component that follows a half cosine is what free diffusion looks like in a run
too short for it (Hess, Phys. Rev. E 2000, 62, 8438; 2002, 65, 031910).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinscope.analysis.superposition import FloatArray
from kinscope.trajectories.frames import Chunk


@dataclass(frozen=True)
class PrincipalMotions:
    """Axes of the largest variance."""

    mean: FloatArray
    """Shape (n_residues, 3), angstrom."""
    axes: FloatArray
    """Shape (n_axes, n_residues, 3), each of unit length."""
    variances: FloatArray
    """Along each axis, shape (n_axes,), square angstrom."""
    total_variance: float
    """Over all axes, square angstrom."""

    def project(self, frames: FloatArray) -> FloatArray:
        """Frames (n, n_residues, 3) along the axes, shape (n, n_axes), angstrom."""
        flat = (np.asarray(frames) - self.mean).reshape(len(frames), -1)
        return np.asarray(flat @ self.axes.reshape(len(self.axes), -1).T)


class Covariance:
    """Covariance of the superposed CA atoms; 3n x 3n numbers whatever the length of the runs."""

    def __init__(self, axes: int = 5) -> None:
        self._axes = axes
        self._count = 0
        self._mean: FloatArray = np.empty(0)
        self._scatter: FloatArray = np.empty((0, 0))

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        flat = chunk.alphas.reshape(len(chunk), -1)
        mean = flat.mean(axis=0)
        # Deviations are small numbers: single precision loses nothing that counts and halves the time.
        small = (flat - mean).astype(np.float32)
        self._combine(len(flat), mean, small.T @ small)

    def merge(self, other: Covariance) -> None:
        """Take up another trajectory of the same atoms on the same reference."""
        if other._count:
            self._combine(other._count, other._mean, other._scatter)

    def _combine(self, count: int, mean: FloatArray, scatter: FloatArray) -> None:
        if not self._count:
            self._count, self._mean = count, mean.copy()
            self._scatter = scatter.astype(np.float64)
            return
        total = self._count + count
        step = mean - self._mean
        self._scatter += scatter
        self._scatter += np.outer(step * (self._count * count / total), step)
        self._mean += step * (count / total)
        self._count = total

    def result(self) -> PrincipalMotions | None:
        """The largest principal motions; None below two frames."""
        if self._count < 2:
            return None
        from scipy.linalg import eigh

        size = len(self._mean)
        kept = min(self._axes, size)
        covariance = self._scatter / (self._count - 1)
        values, vectors = eigh(covariance, subset_by_index=(size - kept, size - 1))
        order = np.argsort(values)[::-1]
        axes = vectors[:, order].T
        # The sign of an axis is arbitrary: its largest entry is made positive, so that figures repeat.
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        axes = axes * np.sign(largest)
        return PrincipalMotions(
            mean=self._mean.reshape(-1, 3),
            axes=axes.reshape(kept, -1, 3),
            variances=np.clip(values[order], 0.0, None),
            total_variance=float(np.trace(covariance)),
        )


def cosine_content(projection: FloatArray) -> float:
    """How much of a projection is a half cosine, 0 to 1; near 1: diffusion, not a sampled motion.

    ``projection``: of one trajectory on one axis, evenly spaced in time, shape (n_frames,); NaN below three
    frames.
    """
    p = np.asarray(projection, dtype=np.float64)
    if len(p) < 3:
        return float("nan")
    p = p - p.mean()
    power = float(p @ p)
    if power == 0.0:
        return 0.0
    wave = np.cos(np.pi * (np.arange(len(p)) + 0.5) / len(p))
    return float(2.0 / len(p) * (wave @ p) ** 2 / power)
