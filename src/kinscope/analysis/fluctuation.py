"""Fluctuation of atoms and residues.

Few or correlated frames bias RMSF low, for the mean is taken from the same frames, and motions slower than
the trajectory are not in it at all: `sampling` looks for both.
"""

from __future__ import annotations

import numpy as np

from kinscope.analysis.superposition import FloatArray
from kinscope.results.measured import FluctuationProfile


def rmsf(frames: FloatArray) -> FloatArray:
    """Root-mean-square fluctuation (n_atoms,) of every atom about its mean, in superposed frames.

    ``frames``: shape (n_frames, n_atoms, 3), angstrom.
    """
    x = np.asarray(frames, dtype=np.float64)
    fluctuation: FloatArray = np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0))
    return fluctuation


def profile_array(profile: FluctuationProfile) -> FloatArray:
    """The fluctuations of a profile as an array of shape (n_replicas, n_residues), angstrom."""
    return np.asarray(profile.rmsf_angstrom, dtype=np.float64).reshape(-1, len(profile.residues))


def b_factor_rmsf(b_factors: FloatArray) -> FloatArray:
    """RMSF in angstrom of isotropic B factors in square angstrom: B = 8 pi^2/3 <dr^2>; any shape."""
    b = np.clip(np.asarray(b_factors, dtype=np.float64), 0.0, None)
    fluctuation: FloatArray = np.sqrt(3.0 * b / (8.0 * np.pi**2))
    return fluctuation
