"""Deviation and fluctuation of atoms and residues, and the profile record made of them.

Few or correlated frames bias RMSF low: the mean is taken from the same frames, so the expected variance is
(1 - g/n) of the true one for n frames of statistical inefficiency g, and motions slower than the trajectory
are not in it at all. The first is corrected on request, the second is what `convergence` looks for.
"""

from __future__ import annotations

import numpy as np

from kinscope.analysis.superposition import FloatArray
from kinscope.results.measured import FluctuationProfile


def rmsf(frames: FloatArray, *, inefficiency: float = 0.0) -> FloatArray:
    """Root-mean-square fluctuation of every atom about its mean, in frames that are superposed already.

    ``frames``: shape (n_frames, n_atoms, 3), angstrom. ``inefficiency``: statistical inefficiency g in
    frames; the variance is divided by 1 - g/n to correct the bias of a mean taken from the same frames. 0
    leaves the plain value; at g >= n nothing can be corrected and the result is nan.

    Returns shape (n_atoms,), angstrom.
    """
    x = np.asarray(frames, dtype=np.float64)
    variance = ((x - x.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)
    left = 1.0 - inefficiency / x.shape[0]
    if left <= 0.0:
        return np.full(x.shape[1], np.nan)
    fluctuation: FloatArray = np.sqrt(variance / left)
    return fluctuation


def profile_array(profile: FluctuationProfile) -> FloatArray:
    """The fluctuations of a profile as an array of shape (n_replicas, n_residues), angstrom."""
    return np.asarray(profile.rmsf_angstrom, dtype=np.float64).reshape(-1, len(profile.residues))


def b_factor_rmsf(b_factors: FloatArray) -> FloatArray:
    """RMSF in angstrom of isotropic B factors in square angstrom: B = 8 pi^2/3 <dr^2>; any shape."""
    b = np.clip(np.asarray(b_factors, dtype=np.float64), 0.0, None)
    fluctuation: FloatArray = np.sqrt(3.0 * b / (8.0 * np.pi**2))
    return fluctuation
