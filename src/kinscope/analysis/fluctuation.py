"""Fluctuation of atoms, and the profile record made of it.

Few or correlated frames bias RMSF low: the mean is taken from the same frames, so the expected variance is
(1 - g/n) of the true one for n frames of statistical inefficiency g, and motions slower than the trajectory
are not in it at all. What that leaves to be said is judged in `sampling`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray, mean_structure
from kinscope.core.errors import BadInputError
from kinscope.results.measured import FluctuationProfile


def rmsf(frames: FloatArray) -> FloatArray:
    """Root-mean-square fluctuation of every atom about its mean, in frames that are superposed already.

    ``frames``: shape (n_frames, n_atoms, 3), angstrom.

    Returns shape (n_atoms,), angstrom.
    """
    x = np.asarray(frames, dtype=np.float64)
    fluctuation: FloatArray = np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0))
    return fluctuation


def fluctuation_profile(
    replicas: Sequence[FloatArray],
    residue_ids: Sequence[int] | IntArray,
    *,
    state: str,
    variant: str,
    length_ns: float,
    core: IntArray | None = None,
) -> FluctuationProfile:
    """Per-residue RMSF of each replica about its own mean structure, one CA atom per residue.

    ``replicas``: one array (n_frames, n_atoms, 3) in angstrom per trajectory, equal n_atoms. ``residue_ids``:
    residue number of each atom, shape (n_atoms,), none twice. ``core``: indices of the atoms that are fitted
    (see :func:`kinscope.analysis.superposition.rigid_core`).

    Raises BadInputError if there is no replica or the shapes do not fit.
    """
    count = len(residue_ids)
    if not replicas or any(r.ndim != 3 or r.shape[1:] != (count, 3) for r in replicas):
        raise BadInputError(
            f"Replicas do not have the shape (n_frames, {count}, 3).",
            where=f"fluctuation of {state} {variant}",
            remedy="Give at least one trajectory with one residue number per atom.",
        )
    order = np.argsort(residue_ids)
    rows = [rmsf(mean_structure(frames, core)[0])[order] for frames in replicas]
    fitted = count if core is None else len(core)
    return FluctuationProfile(
        method="md",
        state=state,
        variant=variant,
        residues=tuple(np.asarray(residue_ids)[order].tolist()),
        rmsf_angstrom=tuple(tuple(row.tolist()) for row in rows),
        length_ns=length_ns,
        superposition=f"CA; fitted on {fitted} of {count} atoms, on the mean of each trajectory",
    )


def profile_array(profile: FluctuationProfile) -> FloatArray:
    """The fluctuations of a profile as an array of shape (n_replicas, n_residues), angstrom."""
    return np.asarray(profile.rmsf_angstrom, dtype=np.float64).reshape(-1, len(profile.residues))


def b_factor_rmsf(b_factors: FloatArray) -> FloatArray:
    """RMSF in angstrom of isotropic B factors in square angstrom: B = 8 pi^2/3 <dr^2>; any shape."""
    b = np.clip(np.asarray(b_factors, dtype=np.float64), 0.0, None)
    fluctuation: FloatArray = np.sqrt(3.0 * b / (8.0 * np.pi**2))
    return fluctuation
