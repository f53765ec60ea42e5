"""The rigid core and the mean structure that a whole pass is laid on, found from a sample of the frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.frames import Fit
from kinscope.analysis.superposition import FloatArray, IntArray, mean_structure, rigid_core
from kinscope.core.errors import BadInputError

SAMPLE = 400
"""Frames that core and mean are found from, over all trajectories together."""
LIMIT_ANGSTROM = 0.6


def find_core(samples: Sequence[FloatArray], alphas: IntArray, *, frames: int) -> Fit:
    """Core and reference of trajectories that are to be compared, from evenly spaced frames of each.

    Parameters
    ----------
    samples
        CA atoms of sampled frames, one array (n_sampled, n_residues, 3) per trajectory, angstrom.
    alphas
        Places of the CA atoms in a frame, shape (n_residues,).
    frames
        How many frames the trajectories hold, for the record.

    Raises
    ------
    BadInputError
        If there are fewer than two sampled frames or three residues.
    """
    every = np.concatenate(list(samples)) if samples else np.empty((0, 0, 3))
    if len(every) < 2 or every.shape[1] < 3:
        raise BadInputError(
            f"{len(every)} frames of {every.shape[1]} CA atoms have no rigid core.",
            where="superposition",
            remedy="Give two frames and three residues at least.",
        )
    core = rigid_core(every, limit_angstrom=LIMIT_ANGSTROM)
    _, mean = mean_structure(every, core)
    count = every.shape[1]
    words = (
        f"fitted on the {len(core)} of {count} CA atoms that move least relative to one another (the most "
        f"mobile left out until none passes {LIMIT_ANGSTROM:g} Å or half remain), on their mean; both found "
        f"from {len(every)} evenly spaced frames of {frames} in {len(samples)} "
        f"{'trajectory' if len(samples) == 1 else 'trajectories'}"
    )
    return Fit(np.asarray(alphas, dtype=np.intp), core, mean, words)
