"""A time series in five numbers."""

from __future__ import annotations

import numpy as np

from kinscope.analysis.statistics import effective_sample_size, standard_error
from kinscope.analysis.superposition import FloatArray
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
