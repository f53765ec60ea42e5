"""Time series that tell what a trajectory does: deviation, size, shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.fluctuation import rmsd
from kinscope.analysis.statistics import effective_sample_size, standard_error
from kinscope.analysis.superposition import FloatArray, IntArray
from kinscope.core.records import Record


class SeriesSummary(Record):
    """A time series in five numbers."""

    name: str
    unit: str
    mean: float
    standard_error: float | None
    """Of the mean, with correlation allowed for; None below three frames."""
    final: float
    effective_frames: float


def radius_of_gyration(frames: FloatArray, masses: FloatArray | None = None) -> FloatArray:
    """Mass-weighted radius of gyration, shape (n_frames,), angstrom.

    Parameters
    ----------
    frames
        Shape (n_frames, n_atoms, 3), angstrom.
    masses
        Shape (n_atoms,), dalton; None weights all alike.
    """
    x = np.asarray(frames, dtype=np.float64)
    w = np.ones(x.shape[1]) if masses is None else np.asarray(masses, dtype=np.float64)
    w = w / w.sum()
    center = np.einsum("a,fai->fi", w, x)
    radius: FloatArray = np.sqrt(np.einsum("a,fai->f", w, (x - center[:, None]) ** 2))
    return radius


def distances(frames: FloatArray, pairs: Sequence[tuple[int, int]]) -> FloatArray:
    """Distances of atom pairs in every frame, shape (n_frames, n_pairs), angstrom."""
    x = np.asarray(frames, dtype=np.float64)
    chosen = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
    found: FloatArray = np.linalg.norm(x[:, chosen[:, 0]] - x[:, chosen[:, 1]], axis=-1)
    return found


def backbone_rmsd(frames: FloatArray, reference: FloatArray, core: IntArray | None = None) -> FloatArray:
    """RMSD of backbone atoms (or CA) from the starting model, shape (n_frames,), angstrom."""
    return rmsd(frames, reference, core)


def summarise(name: str, unit: str, series: FloatArray) -> SeriesSummary:
    """Mean with a standard error that allows for correlation, and the last value.

    Parameters
    ----------
    name, unit
        Go into the record.
    series
        Shape (n_frames,), one frame at least.
    """
    x = np.asarray(series, dtype=np.float64)
    error = standard_error(x)
    return SeriesSummary(
        name=name,
        unit=unit,
        mean=float(x.mean()),
        standard_error=error if np.isfinite(error) else None,
        final=float(x[-1]),
        effective_frames=effective_sample_size(x),
    )
