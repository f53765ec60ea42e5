"""Trajectories as a stream: chunks of frames go through accumulators once, and memory does not grow.

A chunk is what a reader yields; an accumulator keeps a few numbers of all chunks that it has seen. What many
accumulators need, the superposition on the rigid core, a chunk works out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray, kabsch, mean_structure, rigid_core
from kinscope.core.errors import BadInputError

Float32Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Fit:
    """What every frame is laid on, found before the pass (:func:`find_core`)."""

    alphas: IntArray
    """Places of the CA atoms in a frame, shape (n_residues,)."""
    core: IntArray
    """Which of the CA atoms are fitted, indices into ``alphas``, shape (n_core,)."""
    reference: FloatArray
    """CA atoms of the reference, shape (n_residues, 3), angstrom."""
    words: str
    """How core and reference were found, for the record."""


class Chunk:
    """Consecutive frames of one trajectory.

    ``coordinates``: shape (n_frames, n_atoms, 3), angstrom, molecules whole. ``times_ps``: shape (n_frames,);
    NaN where the file tells no time. ``first``: place of the first frame in its trajectory, from 0. ``fit``:
    what to superpose on; None: what needs it cannot be asked for.
    """

    def __init__(
        self, coordinates: Float32Array, times_ps: FloatArray, first: int = 0, fit: Fit | None = None
    ) -> None:
        self.coordinates = coordinates
        self.times_ps = times_ps
        self.first = first
        self._fit = fit

    def __len__(self) -> int:
        return len(self.coordinates)

    @property
    def fit(self) -> Fit:
        """What the frames are laid on."""
        assert self._fit is not None, "these frames were given without a fit"
        return self._fit

    @cached_property
    def raw_alphas(self) -> FloatArray:
        """CA atoms as they lie, (n_frames, n_residues, 3), angstrom, double precision."""
        return self.coordinates[:, self.fit.alphas].astype(np.float64)

    @cached_property
    def placement(self) -> tuple[FloatArray, FloatArray]:
        """Rotation (n_frames, 3, 3) and translation (n_frames, 3): ``x @ rotation + translation``."""
        core = self.fit.core
        return kabsch(self.raw_alphas[:, core], self.fit.reference[core])

    @cached_property
    def alphas(self) -> FloatArray:
        """CA atoms laid on the reference by the core, (n_frames, n_residues, 3), angstrom."""
        rotation, translation = self.placement
        return np.asarray(self.raw_alphas @ rotation + translation[:, None, :])

    def placed(self, atoms: IntArray) -> Float32Array:
        """Any atoms laid on the reference by the core, (n_frames, n, 3), angstrom, single precision.

        Good to about 1e-5 angstrom, which is nothing beside the 0.01 of an XTC file.
        """
        rotation, translation = self.placement
        moved: Float32Array = self.coordinates[:, atoms] @ rotation.astype(np.float32)
        moved += translation.astype(np.float32)[:, None, :]
        return moved


class Accumulator(Protocol):
    """Something that sees every chunk once and keeps what it needs of them."""

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""


def stream(chunks: Iterable[Chunk], accumulators: Sequence[Accumulator]) -> int:
    """Lead every chunk past every accumulator; the number of frames seen."""
    total = 0
    for chunk in chunks:
        if len(chunk):
            for accumulator in accumulators:
                accumulator.update(chunk)
            total += len(chunk)
    return total


SAMPLE = 400
"""Frames that core and mean are found from, over all trajectories together."""
LIMIT_ANGSTROM = 0.6


def find_core(samples: Sequence[FloatArray], alphas: IntArray, *, frames: int) -> Fit:
    """Core and reference of trajectories that are to be compared, from evenly spaced frames of each.

    ``samples``: CA atoms of sampled frames, one array (n_sampled, n_residues, 3) per trajectory, angstrom.
    ``alphas``: places of the CA atoms in a frame, shape (n_residues,).

    Raises BadInputError if there are fewer than two sampled frames.
    """
    every = np.concatenate(samples)
    if len(every) < 2:
        raise BadInputError(
            "One frame has no rigid core.", where="superposition", remedy="Give two frames at least."
        )
    core = rigid_core(every, limit_angstrom=LIMIT_ANGSTROM)
    _, mean = mean_structure(every, core)
    words = (
        f"fitted on the {len(core)} of {len(alphas)} CA atoms that move least relative to one another (the "
        f"most mobile left out until none passes {LIMIT_ANGSTROM:g} Å or half remain), on their mean; both "
        f"found from {len(every)} evenly spaced frames of {frames} in {len(samples)} "
        f"{'trajectory' if len(samples) == 1 else 'trajectories'}"
    )
    return Fit(np.asarray(alphas, dtype=np.intp), core, mean, words)
