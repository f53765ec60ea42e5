"""Accumulators of the plain quantities: deviation, fluctuation, size, distances, and a thinned trajectory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray, superpose
from kinscope.trajectories.frames import Chunk


@dataclass
class Moments:
    """Mean and sum of squared deviations of vectors, updated by chunks (Chan, Golub & LeVeque 1979)."""

    count: int = 0
    mean: Any = 0.0
    squares: Any = 0.0

    def add(self, values: FloatArray) -> None:
        """Take up values (n, ...)."""
        mean = values.mean(axis=0)
        count, total = len(values), self.count + len(values)
        step = mean - self.mean
        squares = ((values - mean) ** 2).sum(axis=0)
        self.squares = self.squares + squares + step**2 * (self.count * count / total)
        self.mean = self.mean + step * (count / total)
        self.count = total


BLOCKS = 4096
"""Most values that a series keeps: enough for a figure and for the correlation time."""


class Series(ABC):
    """Numbers per frame, kept as the means of blocks of frames: at most ``limit`` of them.

    Short trajectories keep every frame. Whenever the limit is passed, neighbouring blocks are joined, so that
    memory stands still; the mean over all frames stays exact.
    """

    names: tuple[str, ...] = ()
    """What its columns are, each with its unit; ``percent`` is kept as a share."""

    def __init__(self, limit: int = BLOCKS) -> None:
        self._limit = max(2, limit)
        self._blocks: list[FloatArray] = []
        self._loose: FloatArray | None = None
        self.block_frames = 1
        self._kept = 0
        self.moments = Moments()
        """Count, mean and squared deviations over all frames."""

    @abstractmethod
    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""

    def add(self, values: FloatArray) -> None:
        """Take up values of the next frames, shape (n_frames, ...)."""
        x = np.asarray(values, dtype=np.float64)
        self.moments.add(x)
        if self._loose is not None:
            x = np.concatenate([self._loose, x])
        whole = len(x) // self.block_frames
        cut = whole * self.block_frames
        self._loose = x[cut:].copy() if cut < len(x) else None
        if whole:
            self._blocks.append(x[:cut].reshape(whole, self.block_frames, *x.shape[1:]).mean(axis=1))
            self._kept += whole
        while self._kept > self._limit:
            self._halve()

    def _halve(self) -> None:
        every = np.concatenate(self._blocks)
        pairs = len(every) // 2
        joined = every[: 2 * pairs].reshape(pairs, 2, *every.shape[1:]).mean(axis=1)
        if len(every) % 2:
            odd = np.repeat(every[-1:], self.block_frames, axis=0)
            self._loose = odd if self._loose is None else np.concatenate([odd, self._loose])
        self._blocks, self._kept, self.block_frames = [joined], pairs, 2 * self.block_frames

    def result(self) -> FloatArray:
        """Means of the blocks, shape (n_blocks, ...): every frame's value if ``block_frames`` is 1."""
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        if self._blocks:
            return self._blocks[0]
        return np.empty(0) if self._loose is None else self._loose.mean(axis=0, keepdims=True)


class Times(Series):
    """Time of every frame, ps."""

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        self.add(chunk.times_ps)


class Deviation(Series):
    """RMSD of the CA atoms from a structure, after superposition on the core, angstrom.

    ``start``: CA atoms of that structure, shape (n_residues, 3), angstrom.
    """

    names = ("rmsd_angstrom",)

    def __init__(self, start: FloatArray) -> None:
        super().__init__()
        self._start = np.asarray(start, dtype=np.float64)

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        moved = superpose(chunk.raw_alphas, self._start, chunk.fit.core)
        self.add(np.sqrt(((moved - self._start) ** 2).sum(axis=-1).mean(axis=-1)))


class Gyration(Series):
    """Radius of gyration, angstrom.

    ``atoms``: places of the atoms in a frame, shape (n,). ``masses``: shape (n,), dalton.
    """

    names = ("radius_of_gyration_angstrom",)

    def __init__(self, atoms: IntArray, masses: FloatArray) -> None:
        super().__init__()
        self._atoms = np.asarray(atoms, dtype=np.intp)
        weights = np.asarray(masses, dtype=np.float64)
        self._weights = (weights / weights.sum()).astype(np.float32)

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        x = chunk.coordinates
        if len(self._atoms) != x.shape[1]:
            x = x[:, self._atoms]
        # Near the origin single precision is enough: the molecule's own size bounds the rounding.
        x = x - x[:, :1]
        centre = self._weights @ x
        square = np.einsum("fai,fai->fa", x, x) @ self._weights
        self.add(np.sqrt(np.clip(square - (centre**2).sum(axis=-1), 0.0, None)))


class Fluctuation:
    """RMSF of every CA atom about the trajectory's mean, frames laid on the reference by the core."""

    def __init__(self) -> None:
        self._moments = Moments()

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        self._moments.add(chunk.alphas)

    def result(self) -> FloatArray:
        """Shape (n_residues,), angstrom."""
        return np.asarray(np.sqrt(self._moments.squares.sum(axis=-1) / self._moments.count))


class Thinned:
    """At most ``limit`` evenly spaced frames of the CA atoms, laid on the reference.

    Every second kept frame is dropped whenever the limit is passed, and from then on twice as many are
    skipped: constant memory, the whole length covered, nothing left to chance.
    """

    def __init__(self, limit: int = 1000) -> None:
        self._limit = max(2, limit)
        self._step = 1
        self._seen = 0
        self._frames: list[FloatArray] = []

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        offset = -self._seen % self._step
        self._frames.extend(chunk.alphas[offset :: self._step].copy())
        self._seen += len(chunk)
        while len(self._frames) > self._limit:
            self._frames = self._frames[::2]
            self._step *= 2

    def result(self) -> FloatArray:
        """Kept frames, shape (n_kept, n_residues, 3), angstrom."""
        return np.asarray(self._frames)
