"""From molecules to the four channels that an instrument writes.

Each terminated product is one base longer than the last and arrives later; its dye gives a peak whose height
depends on the bases before it (the polymerase takes some terminators more readily in some contexts: Parker LT
et al. 1995, BioTechniques 19:116), whose place depends on the dye and on what the end of the product folds
into, and whose width grows with time. On top come unspecific products, shadows one place off, spectral
overlap, blobs of free dye, drift and noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from kinscope.core.seeds import derive_seed
from kinscope.sequencing.model import BASES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factories.chromatograph.quality import Quality
    from factories.chromatograph.templates import Molecule
    from kinscope.sequencing.model import Floats, Integers, Strand

SCANS_PER_BASE: Final = 12.4
FIRST_SCAN: Final = 40
SHAPE_EXPONENT: Final = 2.3
"""Peaks of processed traces fall faster than a Gaussian (exponent 2)."""
BLOBS: Final = ((68, "T", 1.0), (74, "C", 0.7), (124, "C", 0.5))
"""Where free dye arrives (in bases), in which colour, and how much of it."""
CONTEXT_BASES: Final = 6


@dataclass(frozen=True)
class SimulatedRead:
    """What the simulated instrument and its basecaller would write."""

    channels: Integers
    """Processed signal, shape (4, scans), in the order ``ACGT``."""
    raw: Integers
    positions: Integers
    bases: str
    qualities: Integers
    spacing: float


@dataclass(frozen=True)
class _Chemistry:
    """What sequence does to heights and places: the same for every run with the same reagents."""

    seed: int
    one: Floats
    """Log height by preceding base and base, shape (4, 4)."""
    three: Floats
    """Log height by three preceding bases and base, shape (256,)."""
    long: Floats
    """Log height by six bases, shape (4096,)."""
    place: Floats
    """Shift of arrival by six bases, shape (4096,), unit variance."""
    background: Floats
    """Unspecific products by six bases and base, shape (4096, 4), mean 1: the same in every run."""

    @staticmethod
    def of(seed: int) -> _Chemistry:
        """The tables of one kit."""
        rng = np.random.default_rng(derive_seed(seed, "chemistry"))
        size = 4**CONTEXT_BASES
        return _Chemistry(
            seed,
            rng.normal(size=(4, 4)),
            rng.normal(size=256),
            rng.normal(size=size),
            rng.normal(size=size),
            rng.exponential(size=(size, 4)),
        )


def simulate_read(
    molecules: Sequence[Molecule], strand: Strand, quality: Quality, *, seed: int, chemistry: int = 1
) -> SimulatedRead:
    """One run over a mixture, by the primer of a strand.

    ``seed`` is of this run (noise, unspecific products), ``chemistry`` of the reagents (context effects, the
    same on every run that shares them).
    """
    rng = np.random.default_rng(derive_seed(seed, strand))
    tables = _Chemistry.of(chemistry)
    sequences = [(_codes(item.read(strand)), item.share) for item in molecules if item.share > 0]
    count = min(max(len(codes) for codes, _ in sequences), round(1.12 * quality.readable_bases))
    ladder = _ladder(count, rng)
    scans = int(ladder[-1] + 6 * SCANS_PER_BASE)
    shifts = rng.normal(0, quality.dye_shift_spacings, 4) * SCANS_PER_BASE
    gains = np.exp(rng.normal(0, 0.12, 4))
    signal = np.zeros((4, scans))
    fade = _fade(count, quality)
    for codes, share in sequences:
        heights, places = _products(codes[:count], share, quality, tables, rng)
        used = len(heights)
        times = ladder[:used] + places * SCANS_PER_BASE
        lanes = codes[:used]
        amplitude = heights * fade[:used] * gains[lanes] * quality.signal_counts
        widths = _widths(used, quality) * SCANS_PER_BASE
        _add_peaks(signal, lanes, times + shifts[lanes], widths, amplitude)
        stutter = np.abs(rng.normal(1, 0.4, used)) * quality.stutter_share * amplitude
        _add_peaks(signal, lanes[:-1], ladder[1:used] + shifts[lanes[:-1]], widths[:-1], stutter[:-1])
        _add_peaks(signal, lanes[1:], ladder[: used - 1] + shifts[lanes[1:]], widths[1:], 0.5 * stutter[1:])
    fixed = tables.background[_words(sequences[0][0][:count], CONTEXT_BASES)]
    _unspecific(signal, ladder[: len(fixed)], shifts, fade[: len(fixed)], fixed, quality, rng)
    _blobs(signal, ladder, quality, rng)
    signal = _overlap(quality, rng) @ signal
    signal += _drift(scans, quality, rng) + _electronic(scans, quality, rng)
    processed = np.rint(np.clip(signal, 0, 30_000)).astype(np.int64)
    positions, bases, qualities = _basecaller(processed, ladder, fade, quality, rng)
    return SimulatedRead(processed, _raw(signal, rng), positions, bases, qualities, SCANS_PER_BASE)


def _codes(sequence: str) -> Integers:
    return np.array([BASES.index(base) for base in sequence], dtype=np.int64)


def _ladder(count: int, rng: np.random.Generator) -> Floats:
    """Arrival of the products of each length, scans: spacing changes slowly along a run."""
    x = np.linspace(0, 1, count)
    curve = 1 + rng.normal(0, 0.03) * (x - 0.5) + rng.normal(0, 0.02) * np.sin(2 * np.pi * (x + rng.random()))
    return np.asarray(FIRST_SCAN + np.cumsum(SCANS_PER_BASE * curve), dtype=np.float64)


def _words(codes: Integers, length: int) -> Integers:
    """Number of the word of ``length`` bases that ends at each place; padded with A at the start."""
    padded = np.concatenate([np.zeros(length - 1, dtype=np.int64), codes])
    weights = 4 ** np.arange(length - 1, -1, -1)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, length) @ weights, dtype=np.int64)


def _products(
    codes: Integers, share: float, quality: Quality, tables: _Chemistry, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Relative heights and shifts (spacings) of the products of one molecule, shape (bases,)."""
    two, four, six = _words(codes, 2), _words(codes, 4), _words(codes, CONTEXT_BASES)
    mixed = 0.75 * tables.one.ravel()[two] + 0.52 * tables.three[four] + 0.41 * tables.long[six]
    log_height = quality.context_sd * mixed + rng.normal(0, quality.repeat_sd, len(codes))
    wave = 0.12 * np.sin(2 * np.pi * (np.arange(len(codes)) / 310 + rng.random()))
    place = quality.mobility_spacings * 0.8 * tables.place[six]
    place = place + quality.mobility_spacings * 0.3 * rng.normal(size=len(codes))
    return share * np.exp(log_height + wave - 0.5 * quality.context_sd**2), place


def _fade(count: int, quality: Quality) -> Floats:
    """Height of full peaks along the read: slow decay, then the end; the first bases are poor."""
    x = np.arange(count)
    decay = np.exp(-x / (2.2 * quality.readable_bases))
    tail = 1 / (1 + np.exp((x - quality.readable_bases) / 25))
    head = 1 / (1 + np.exp(-(x - 12) / 4))
    return np.asarray(decay * (0.12 + 0.88 * tail) * (0.3 + 0.7 * head), dtype=np.float64)


def _widths(count: int, quality: Quality) -> Floats:
    x = np.arange(count) / quality.readable_bases
    grown = quality.width_start_spacings + (quality.width_end_spacings - quality.width_start_spacings) * x
    start = 0.12 * np.exp(-np.arange(count) / 10)
    return np.asarray(grown + start + 0.35 * np.clip(x - 1, 0, None), dtype=np.float64)


def _add_peaks(signal: Floats, lanes: Integers, times: Floats, widths: Floats, heights: Floats) -> None:
    """Add peaks to the channels; a slightly longer tail behind than before."""
    if not len(times):
        return
    reach = int(np.ceil(3.2 * widths.max())) + 1
    grid = np.rint(times).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)[None, :]
    away = (grid - times[:, None]) / widths[:, None]
    skewed = np.where(away > 0, away / 1.06, away / 0.97)
    peak = heights[:, None] * np.exp(-((np.abs(skewed) / np.sqrt(2)) ** SHAPE_EXPONENT))
    inside = (grid >= 0) & (grid < signal.shape[1])
    flat = (lanes[:, None] * signal.shape[1] + np.clip(grid, 0, signal.shape[1] - 1))[inside]
    signal += np.bincount(flat, weights=peak[inside], minlength=signal.size).reshape(signal.shape)


def _unspecific(
    signal: Floats,
    ladder: Floats,
    shifts: Floats,
    fade: Floats,
    fixed: Floats,
    quality: Quality,
    rng: np.random.Generator,
) -> None:
    """Products of mispriming and of damaged templates: any base anywhere, few of them high.

    Half of them (``fixed``) come with the template and are there in every run.
    """
    count = len(fixed)
    end = 1 + 5 / (1 + np.exp(-(np.arange(count) - quality.readable_bases) / 20))
    begin = 1 + 6 * np.exp(-np.arange(count) / 14)
    for lane in range(4):
        mean = 0.5 * rng.exponential(1.0, count) + 0.5 * fixed[:, lane]
        share = quality.background_share * mean * rng.lognormal(-0.1, 0.45, count)
        heights = share * quality.signal_counts * np.maximum(fade, 0.3) * end * begin
        times = ladder + shifts[lane] + rng.normal(0, 0.25 * SCANS_PER_BASE, count)
        lanes = np.full(count, lane)
        _add_peaks(signal, lanes, times, _widths(count, quality) * SCANS_PER_BASE * 1.15, heights)


def _blobs(signal: Floats, ladder: Floats, quality: Quality, rng: np.random.Generator) -> None:
    """Free dye: broad, early, in its own colour."""
    for place, base, part in BLOBS:
        where = place + rng.normal(0, 4)
        if where >= len(ladder):
            continue
        width = rng.uniform(1.6, 3.2) * SCANS_PER_BASE
        height = part * quality.blob_share * rng.gamma(2.0, 0.5) * quality.signal_counts
        scan = np.arange(signal.shape[1])
        centre = np.interp(where, np.arange(len(ladder)), ladder)
        signal[BASES.index(base)] += height * np.exp(-0.5 * ((scan - centre) / width) ** 2)


def _overlap(quality: Quality, rng: np.random.Generator) -> Floats:
    """Spectral overlap left over, shape (4, 4); a few entries slightly over-corrected."""
    matrix = rng.normal(0.7, 0.7, (4, 4)) * quality.pull_up_share
    np.fill_diagonal(matrix, 1.0)
    return np.asarray(matrix, dtype=np.float64)


def _drift(scans: int, quality: Quality, rng: np.random.Generator) -> Floats:
    x = np.linspace(0, 1, scans)
    waves = [
        rng.normal(size=(4, 1)) * np.sin(2 * np.pi * (turns * x[None, :] + rng.random((4, 1))))
        for turns in (0.7, 2.3, 6.1)
    ]
    slow = np.sum(waves, axis=0) / np.sqrt(3)
    return np.asarray(quality.drift_share * quality.signal_counts * (1 + slow), dtype=np.float64)


def _electronic(scans: int, quality: Quality, rng: np.random.Generator) -> Floats:
    """Noise of the detector after the smoothing of the instrument's software."""
    white = rng.normal(size=(4, scans + 8))
    kernel = np.hanning(9)
    kernel /= np.sqrt((kernel**2).sum())
    smooth = np.stack([np.convolve(row, kernel, mode="valid") for row in white])
    fine = rng.normal(size=(4, scans))
    return np.asarray(quality.electronic_counts * (0.85 * smooth + 0.5 * fine), dtype=np.float64)


def _raw(signal: Floats, rng: np.random.Generator) -> Integers:
    """Signal before colour separation and baseline correction."""
    mixing = np.array(
        [[1.0, 0.35, 0.08, 0.02], [0.45, 1.0, 0.3, 0.08], [0.12, 0.5, 1.0, 0.35], [0.03, 0.15, 0.5, 1.0]]
    )
    floor = rng.uniform(120, 400, (4, 1))
    return np.asarray(np.rint(np.clip(floor + 0.6 * (mixing @ signal), 0, 30_000)), dtype=np.int64)


def _basecaller(
    processed: Integers, ladder: Floats, fade: Floats, quality: Quality, rng: np.random.Generator
) -> tuple[Integers, str, Integers]:
    """Positions, bases and qualities as a basecaller would give them: the highest colour near each slot.

    At the ends, where it would lose count, it does: slots are skipped or counted twice.
    """
    places: list[int] = []
    half = round(0.38 * SCANS_PER_BASE)
    end = quality.readable_bases
    for index, time in enumerate(ladder):
        trouble = 0.02 if index > end else 0.0
        copies = 1 if rng.random() >= trouble else int(rng.choice([0, 2]))
        for copy in range(copies):
            middle = round(time) + copy * half
            places.append(_apex(processed, middle, half))
    positions = np.unique(np.array(places, dtype=np.int64))
    heights = np.sort(processed[:, positions], axis=0)
    ratio = (heights[2] + 1) / (heights[3] + 1)
    local = np.convolve(ratio, np.full(7, 1 / 7), mode="same")
    worst = np.maximum(ratio, local)
    crowd = np.interp(positions, ladder, fade / fade.max())
    quality_values = np.clip(62 * (1 - worst) ** 2 * np.clip(crowd * 2.2, 0, 1), 2, 62)
    lanes = processed[:, positions].argmax(axis=0)
    bases = "".join(
        "N" if value < 4 else BASES[lane] for lane, value in zip(lanes, quality_values, strict=True)
    )
    return positions, bases, np.rint(quality_values).astype(np.int64)


def _apex(processed: Integers, middle: int, half: int) -> int:
    """The local maximum of the highest colour nearest to a slot; the slot itself where there is none."""
    scans = processed.shape[1]
    middle = min(max(middle, 1), scans - 2)
    lane = int(processed[:, middle - 1 : middle + 2].max(axis=1).argmax())
    low, high = max(1, middle - half), min(scans - 1, middle + half + 1)
    signal = processed[lane]
    inner = signal[low:high]
    tops = low + np.flatnonzero((inner >= signal[low - 1 : high - 1]) & (inner > signal[low + 1 : high + 1]))
    return int(tops[np.abs(tops - middle).argmin()]) if len(tops) else middle
