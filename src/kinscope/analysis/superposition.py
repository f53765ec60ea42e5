"""Rigid superposition of whole trajectories, mean structures, and the rigid core that they are laid on.

RMSF depends on what was superposed and on which reference (mdtraj issue 1210), so both are found by a stated
rule and recorded: the core is what remains after the most mobile atoms have been excluded one group after the
other (the sieve of Gerstein & Altman, J. Mol. Biol. 1995, 251, 161), the reference is the converged mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kinscope.core.errors import BadInputError

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.intp]]


def kabsch(mobile: FloatArray, reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rotation and translation that lay ``mobile`` on ``reference`` with the least squared distance.

    Kabsch, Acta Cryst. A 1976, 32, 922, by singular value decomposition, reflections excluded.

    ``mobile``: shape (n_atoms, 3) or (n_frames, n_atoms, 3), angstrom. ``reference``: shape (n_atoms, 3),
    angstrom.

    Returns ``rotation``, ``translation``: shapes (..., 3, 3) and (..., 3); ``mobile @ rotation +
    translation`` is the superposed copy.

    Raises BadInputError if the shapes do not fit, there are fewer than three atoms, or a coordinate is not a
    number.
    """
    x = np.asarray(mobile, dtype=np.float64)
    y = np.asarray(reference, dtype=np.float64)
    if y.ndim != 2 or y.shape[1:] != (3,) or x.shape[-2:] != y.shape or y.shape[0] < 3:
        raise BadInputError(
            f"Coordinates of shape {x.shape} cannot be laid on {y.shape}.",
            where="superposition",
            remedy="Give the same three or more atoms on both sides.",
        )
    x_center, y_center = x.mean(axis=-2), y.mean(axis=0)
    covariance = np.swapaxes(x - x_center[..., None, :], -1, -2) @ (y - y_center)
    if not np.isfinite(covariance).all():
        raise BadInputError(
            "A frame holds coordinates that are not numbers.",
            where="superposition",
            remedy="The run blew up, or the file is damaged: leave these frames out.",
        )
    left, _, right = np.linalg.svd(covariance)
    left[..., :, 2] *= np.sign(np.linalg.det(left @ right))[..., None]
    rotation = left @ right
    return rotation, y_center - np.einsum("...i,...ij->...j", x_center, rotation)


def superpose(frames: FloatArray, reference: FloatArray, core: IntArray | None = None) -> FloatArray:
    """Lay every frame on a reference by its core atoms.

    ``frames``: shape (n_frames, n_atoms, 3) or (n_atoms, 3), angstrom. ``reference``: shape (n_atoms, 3),
    angstrom, the same atoms. ``core``: indices of the atoms that are fitted; None fits all.

    Returns the superposed copy, shape of ``frames``, angstrom, double precision.
    """
    x = np.asarray(frames, dtype=np.float64)
    y = np.asarray(reference, dtype=np.float64)
    chosen = np.arange(y.shape[0]) if core is None else np.asarray(core, dtype=np.intp)
    rotation, translation = kabsch(x[..., chosen, :], y[chosen])
    return np.asarray(x @ rotation + translation[..., None, :])


def mean_structure(
    frames: FloatArray,
    core: IntArray | None = None,
    *,
    tolerance_angstrom: float = 1e-4,
    maximum_rounds: int = 50,
) -> tuple[FloatArray, FloatArray]:
    """Superpose frames on their own mean until the mean stands still.

    ``frames``: shape (n_frames, n_atoms, 3), angstrom. ``core``: indices of the atoms that are fitted; None
    fits all. ``tolerance_angstrom``: largest shift of an atom of the mean between rounds at which it counts
    as converged. ``maximum_rounds``: rounds after which the mean is taken as it is (each round changes it
    less).

    Returns ``superposed``, ``mean``: shapes (n_frames, n_atoms, 3) and (n_atoms, 3), angstrom; the mean lies
    on the first frame.
    """
    x = np.asarray(frames, dtype=np.float64)
    mean = x[0]
    moved = x
    for _ in range(maximum_rounds):
        moved = superpose(x, mean, core)
        # The mean is free to drift as a rigid body; laying it on the old one leaves only its change of shape.
        updated = superpose(moved.mean(axis=0), mean, core)
        shift = float(np.abs(updated - mean).max())
        mean = updated
        if shift < tolerance_angstrom:
            break
    return moved, mean


def rmsf(frames: FloatArray) -> FloatArray:
    """Root-mean-square fluctuation (n_atoms,) of every atom about its mean, in superposed frames.

    Few or correlated frames bias it low, for the mean is taken from the same frames.

    ``frames``: shape (n_frames, n_atoms, 3), angstrom.
    """
    return np.asarray(np.sqrt(((frames - frames.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)))


def rigid_core(
    frames: FloatArray, *, limit_angstrom: float = 0.6, smallest_fraction: float = 0.5
) -> IntArray:
    """Indices of the atoms that move least relative to one another, found by exclusion.

    All frames are laid on their mean by the current core; the most mobile twentieth of the core (one atom at
    least) is excluded; this repeats until no core atom fluctuates by more than ``limit_angstrom`` or the core
    has shrunk to ``smallest_fraction`` of the atoms. Give one atom per residue (CA), all replicas and both
    variants concatenated, so that native and mutant are judged in one frame of reference.

    ``frames``: shape (n_frames, n_atoms, 3), angstrom, two frames at least. ``limit_angstrom``: RMSF (all
    three directions) at which an atom still counts as rigid. ``smallest_fraction``: the core never falls
    below this share of the atoms, so that hinge motion cannot empty it.

    Returns sorted indices, shape (n_core,).
    """
    x = start = np.asarray(frames, dtype=np.float64)
    smallest = max(3, int(np.ceil(smallest_fraction * x.shape[1])))
    core = np.arange(x.shape[1])
    while True:
        moved, reference = mean_structure(start, core, maximum_rounds=5)
        mobility = rmsf(moved[:, core])
        excess = int((mobility > limit_angstrom).sum())
        drop = min(max(1, int(0.05 * core.size)), excess, core.size - smallest)
        if drop <= 0:
            return core
        core = np.sort(core[np.argsort(mobility, kind="stable")[: core.size - drop]])
        start = superpose(x, reference, core)


def b_factor_rmsf(b_factors: FloatArray) -> FloatArray:
    """RMSF in angstrom of isotropic B factors in square angstrom: B = 8 pi^2/3 <dr^2>; any shape."""
    b = np.clip(np.asarray(b_factors, dtype=np.float64), 0.0, None)
    return np.asarray(np.sqrt(3.0 * b / (8.0 * np.pi**2)))


Array = np.ndarray[Any, Any]


def reachable_pairs(first: Array, second: Array, cutoff: float) -> tuple[IntArray, IntArray]:
    """Pairs that may lie within a cutoff in any frame; no pair that does is missed.

    Between two atoms no frame is shorter than the distance of their mean positions less the farthest that
    each strays from its own: in superposed frames few pairs are left to measure.

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
