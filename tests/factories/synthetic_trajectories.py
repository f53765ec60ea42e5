"""Synthetic trajectories whose RMSF, mutant-minus-native difference and memory are known on paper.

A statistic is believed when it finds what was put in and keeps silent where nothing was. Each residue moves
by a Gaussian process with an exponential memory (Ornstein & Uhlenbeck, Phys. Rev. 1930, 36, 823), alike for
neighbours along the chain; loops also jump between two places (a telegraph process with a memory of its own,
the part of protein motion that short trajectories miss); regions of one replica may be stiffer or softer than
those of another, as in replicas caught in different basins; every frame is turned and shifted at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from kinscope.analysis.superposition import FloatArray, IntArray
from kinscope.core.records import Settings
from kinscope.core.seeds import derive_seed

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
_STEP_ANGSTROM = 3.8
"""CA to CA along a chain."""


class SyntheticSettings(Settings):
    """What moves, how far, and with which memory."""

    residues: int = Field(default=60, ge=12, le=1000)
    regions: int = Field(default=6, ge=2, le=50)
    """Equal consecutive stretches; every third one, from the second on, is a loop."""
    frames: int = Field(default=400, ge=4, le=1_000_000)
    length_ns: float = Field(default=20.0, gt=0.0)
    """Of each replica; frames are equally spaced."""
    replicas: int = Field(default=3, ge=1, le=1000)
    core_rmsf_angstrom: float = Field(default=0.5, gt=0.0)
    loop_rmsf_angstrom: float = Field(default=1.0, gt=0.0)
    """Of the Gaussian part."""
    memory_ns: float = Field(default=0.1, ge=0.0)
    """Correlation time of the Gaussian part."""
    jump_angstrom: float = Field(default=0.0, ge=0.0)
    """Distance between the two places of a loop, at its middle."""
    jump_memory_ns: float = Field(default=1.0, gt=0.0)
    """Correlation time of the jumps: one over the sum of the two rates."""
    jump_population: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Of the second place."""
    start_together: bool = False
    """Every replica starts in the first place, as replicas of one model do; else where chance puts it."""
    neighbours: float = Field(default=2.0, ge=0.0)
    """Width, in residues, of the Gaussian over which neighbours share their motion; 0: none."""
    replica_spread: float = Field(default=0.0, ge=0.0, le=1.0)
    """Standard deviation, over replicas, of the logarithm of a region's amplitude."""


@dataclass(frozen=True)
class SyntheticSystem:
    """A chain with known motion."""

    settings: SyntheticSettings
    reference: FloatArray
    """(n_residues, 3), angstrom."""
    scale: FloatArray
    """(n_residues,): factor on every amplitude, 1 in the native."""

    @property
    def numbers(self) -> IntArray:
        """Residue numbers from 1, (n_residues,)."""
        return np.arange(1, self.settings.residues + 1)

    @property
    def region_index(self) -> IntArray:
        """Region of each residue, (n_residues,)."""
        return np.arange(self.settings.residues) * self.settings.regions // self.settings.residues

    @property
    def regions(self) -> dict[str, tuple[int, ...]]:
        """Residue numbers of each region by name."""
        index = self.region_index
        return {
            f"{'loop' if _is_loop(region) else 'core'} {region + 1}": tuple(
                int(number) for number in self.numbers[index == region]
            )
            for region in range(self.settings.regions)
        }

    @property
    def loops(self) -> BoolArray:
        """Whether a residue is in a loop, (n_residues,)."""
        return np.asarray(_is_loop(self.region_index), dtype=np.bool_)

    @property
    def core(self) -> IntArray:
        """Indices of the residues that trajectories are fitted on."""
        return np.flatnonzero(~self.loops)

    @property
    def jump(self) -> FloatArray:
        """Distance between the two places of each residue, (n_residues,), angstrom, native amplitude."""
        along = np.arange(self.settings.residues) * self.settings.regions / self.settings.residues % 1.0
        profile: FloatArray = np.where(self.loops, np.sin(np.pi * (along + 1e-9)), 0.0)
        return self.settings.jump_angstrom * profile

    @property
    def gaussian(self) -> FloatArray:
        """RMSF of the Gaussian part before superposition, (n_residues,), angstrom, native amplitude."""
        chosen = self.settings
        return np.where(self.loops, chosen.loop_rmsf_angstrom, chosen.core_rmsf_angstrom)

    @property
    def true_rmsf_angstrom(self) -> FloatArray:
        """RMSF of endless sampling, fitted on the core, averaged over replicas, (n_residues,).

        Fitting takes from a small displacement its least-squares rigid motion, a linear map A, so the
        Gaussian part's covariance C becomes A C A^T. Jumps are independent of it and not in the core: their
        variance, p (1 - p) times the squared distance, adds. The mean of a log-normal amplitude is
        exp(s^2 / 2).
        """
        chosen = self.settings
        amplitude = self.scale * self.gaussian / np.sqrt(3.0)
        kernel = _kernel(chosen.residues, chosen.neighbours)
        covariance = np.kron(np.outer(amplitude, amplitude) * (kernel @ kernel.T), np.eye(3))
        left = _without_rigid_motion(self.reference, self.core)
        gaussian = np.einsum("ij,jk,ik->i", left, covariance, left, optimize=True).reshape(-1, 3).sum(axis=1)
        population = chosen.jump_population
        jumps = population * (1 - population) * (self.scale * self.jump) ** 2
        rmsf: FloatArray = np.sqrt(gaussian + jumps) * np.exp(chosen.replica_spread**2 / 2)
        return rmsf

    def true_region_rmsf_angstrom(self) -> dict[str, float]:
        """Mean of the true RMSF over each region's residues."""
        values = self.true_rmsf_angstrom
        return {
            name: float(np.mean([values[number - 1] for number in members]))
            for name, members in self.regions.items()
        }


def synthetic_system(settings: SyntheticSettings, *, seed: int = 1) -> SyntheticSystem:
    """A native system; the chain is a random walk held within a sphere of protein-like density."""
    random = np.random.default_rng(derive_seed(seed, "synthetic chain"))
    radius = 2.6 * settings.residues ** (1 / 3) * 1.3
    points = [np.zeros(3)]
    while len(points) < settings.residues:
        direction = random.normal(size=3)
        candidate = points[-1] + _STEP_ANGSTROM * direction / np.linalg.norm(direction)
        near = min(float(np.linalg.norm(candidate - point)) for point in points[:-1] or [candidate + 9.0])
        if float(np.linalg.norm(candidate)) < radius and (near > 3.0 or random.random() < 0.02):
            points.append(candidate)
    reference = np.asarray(points)
    return SyntheticSystem(settings, reference - reference.mean(axis=0), np.ones(settings.residues))


def mutant_of(native: SyntheticSystem, region: str, factor: float) -> SyntheticSystem:
    """The same system with every amplitude of one region multiplied by ``factor``."""
    scale = native.scale.copy()
    scale[np.asarray(native.regions[region]) - 1] *= factor
    return SyntheticSystem(native.settings, native.reference, scale)


def trajectories(system: SyntheticSystem, seed: int) -> list[FloatArray]:
    """Replicas of a system, each (n_frames, n_residues, 3), angstrom."""
    return [
        _trajectory(system, derive_seed(seed, "replica", index)) for index in range(system.settings.replicas)
    ]


def correlated_gaussian(random: np.random.Generator, frames: int, memory: float, width: int) -> FloatArray:
    """Independent stationary Gaussian series of unit variance and exponential memory.

    Parameters
    ----------
    random
        Source of noise.
    frames, width
        Length and number of series.
    memory
        Correlation time in frames; 0 for white noise.

    Returns
    -------
    Shape (frames, width).
    """
    from scipy.signal import lfilter

    noise: FloatArray = random.normal(size=(frames, width))
    if memory <= 0.0:
        return noise
    kept = float(np.exp(-1.0 / memory))
    noise[1:] *= np.sqrt(1.0 - kept**2)
    series: FloatArray = lfilter([1.0], [1.0, -kept], noise, axis=0)
    return series


def telegraph(
    random: np.random.Generator,
    frames: int,
    memory: float,
    population: float,
    width: int,
    *,
    from_zero: bool = False,
) -> FloatArray:
    """Independent two-state series (0 or 1) with autocorrelation exp(-t / memory).

    At each frame the state is drawn anew with probability 1 - exp(-1 / memory), else it is kept. Stationary
    unless ``from_zero`` puts all of them into the first state at the start.

    Returns
    -------
    Shape (frames, width).
    """
    anew = random.random((frames, width)) < 1.0 - np.exp(-1.0 / memory)
    anew[0] = True
    drawn = random.random((frames, width)) < population
    if from_zero:
        drawn[0] = False
    last = np.maximum.accumulate(np.where(anew, np.arange(frames)[:, None], 0), axis=0)
    states: FloatArray = np.take_along_axis(drawn, last, axis=0).astype(np.float64)
    return states


def _trajectory(system: SyntheticSystem, seed: int) -> FloatArray:
    chosen = system.settings
    random = np.random.default_rng(seed)
    interval = chosen.length_ns / chosen.frames
    moves = correlated_gaussian(random, chosen.frames, chosen.memory_ns / interval, 3 * chosen.residues)
    kernel = _kernel(chosen.residues, chosen.neighbours) * (system.gaussian / np.sqrt(3.0))[:, None]
    moves = np.einsum("ij,fjk->fik", kernel, moves.reshape(chosen.frames, -1, 3), optimize=True)
    index = system.region_index
    if chosen.jump_angstrom > 0.0:
        places = telegraph(
            random,
            chosen.frames,
            chosen.jump_memory_ns / interval,
            chosen.jump_population,
            chosen.regions,
            from_zero=chosen.start_together,
        )
        directions = _directions(chosen.regions)
        moves = moves + places[:, index, None] * system.jump[None, :, None] * directions[index][None]
    softness = np.exp(random.normal(scale=chosen.replica_spread, size=chosen.regions))
    moves = moves * (system.scale * softness[index])[None, :, None]
    return _tumbled(system.reference + moves, random)


def _kernel(residues: int, width: float) -> FloatArray:
    """How neighbours share their motion, each residue's variance 1, (n_residues, n_residues)."""
    if width <= 0.0:
        return np.eye(residues)
    places = np.arange(residues)
    kernel: FloatArray = np.exp(-0.5 * ((places[:, None] - places[None]) / width) ** 2)
    kernel /= np.sqrt((kernel**2).sum(axis=1, keepdims=True))
    return kernel


def _without_rigid_motion(reference: FloatArray, core: IntArray) -> FloatArray:
    """The linear map that fitting on the core is for small displacements, (3 n_residues, 3 n_residues)."""
    x, y, z = reference.T
    none = np.zeros_like(x)
    turns = np.stack([np.stack([none, -z, y], 1), np.stack([z, none, -x], 1), np.stack([-y, x, none], 1)], 2)
    shifts = np.broadcast_to(np.eye(3), (len(reference), 3, 3))
    rigid = np.concatenate([shifts, turns], axis=2).reshape(-1, 6)
    rows = (3 * core[:, None] + np.arange(3)).ravel()
    fitted = np.zeros((6, len(rigid)))
    fitted[:, rows] = np.linalg.pinv(rigid[rows])
    left: FloatArray = np.eye(len(rigid)) - rigid @ fitted
    return left


def _directions(count: int) -> FloatArray:
    """Unit vectors (count, 3), always the same: a loop's places belong to the protein, not a replica."""
    drawn = np.random.default_rng(derive_seed(count, "synthetic directions")).normal(size=(count, 3))
    directions: FloatArray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return directions


def _tumbled(frames: FloatArray, random: np.random.Generator) -> FloatArray:
    """Every frame turned and shifted at random."""
    quaternion = random.normal(size=(len(frames), 4))
    w, x, y, z = (quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)).T
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    ).transpose(2, 0, 1)
    shift = random.normal(scale=20.0, size=(len(frames), 1, 3))
    turned: FloatArray = frames @ rotation + shift
    return turned


def _is_loop(region: Any) -> Any:
    return region % 3 == 1
