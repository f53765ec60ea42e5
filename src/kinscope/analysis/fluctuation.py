"""Deviation and fluctuation of atoms and residues, and the profile record made of them.

Few or correlated frames bias RMSF low: the mean is taken from the same frames, so the expected variance is
(1 - g/n) of the true one for n frames of statistical inefficiency g, and motions slower than the trajectory
are not in it at all. The first is corrected on request, the second is what `sampling` looks for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray, mean_structure
from kinscope.core.errors import BadInputError
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


def per_residue(
    rmsf_angstrom: FloatArray, residue_ids: Sequence[int] | IntArray, weights: FloatArray | None = None
) -> tuple[IntArray, FloatArray]:
    """Residue fluctuation from its atoms': the root of the (weighted) mean square.

    ``rmsf_angstrom``: shape (n_atoms,). ``residue_ids``: residue number of each atom, shape (n_atoms,).
    ``weights``: e.g. masses, shape (n_atoms,); None weights all alike.

    Returns ``residues``, ``rmsf``: sorted residue numbers and their fluctuation in angstrom, both
    (n_residues,).
    """
    ids = np.asarray(residue_ids)
    w = np.ones(ids.size) if weights is None else np.asarray(weights, dtype=np.float64)
    residues, place = np.unique(ids, return_inverse=True)
    square = np.bincount(place, w * np.asarray(rmsf_angstrom) ** 2) / np.bincount(place, w)
    return residues, np.sqrt(square)


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
    residue number of each atom, shape (n_atoms,). ``core``: indices of the atoms that are fitted (see
    :func:`kinscope.analysis.superposition.rigid_core`).

    Raises BadInputError if there is no replica or the shapes do not fit.
    """
    count = len(residue_ids)
    if not replicas or any(r.ndim != 3 or r.shape[1:] != (count, 3) for r in replicas):
        raise BadInputError(
            f"Replicas do not have the shape (n_frames, {count}, 3).",
            where=f"fluctuation of {state} {variant}",
            remedy="Give at least one trajectory with one residue number per atom.",
        )
    rows = []
    for frames in replicas:
        residues, values = per_residue(rmsf(mean_structure(frames, core)[0]), residue_ids)
        rows.append(tuple(float(value) for value in values))
    fitted = count if core is None else len(core)
    return FluctuationProfile(
        method="md",
        state=state,
        variant=variant,
        residues=tuple(int(number) for number in residues),
        rmsf_angstrom=tuple(rows),
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
