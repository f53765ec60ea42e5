"""How good a run is: the parameters of the simulated chromatograph, three sets of them.

``typical`` is set so that what can be measured on real traces (background peaks, scatter of heights and of
spacing, width of peaks) comes out as in runs of 3100 and 3730 instruments. ``clean`` is a purified product on
a new array, ``bad`` what a laboratory would repeat.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from kinscope.core.records import Settings

QualityName = Literal["clean", "typical", "bad"]


class Quality(Settings):
    """Parameters of one run. Shares are of the local height of full peaks."""

    name: QualityName
    readable_bases: int = Field(gt=100)
    """Bases until peaks merge and the signal fades."""
    signal_counts: float = Field(gt=0)
    """Mean height of full peaks at the start, detector counts."""
    electronic_counts: float = Field(ge=0)
    """Standard deviation of noise that knows nothing of the sequence, counts."""
    background_share: float = Field(ge=0)
    """Mean height of unspecific products at every place and base (exponentially distributed)."""
    stutter_share: float = Field(ge=0)
    """Mean height of the shadow of every peak one place later; half of it one place earlier."""
    pull_up_share: float = Field(ge=0)
    """Mean spectral overlap left after colour separation."""
    context_sd: float = Field(ge=0)
    """Standard deviation of the logarithm of heights over sequence contexts."""
    repeat_sd: float = Field(ge=0)
    """Standard deviation of the logarithm of heights over repeats of one run."""
    mobility_spacings: float = Field(ge=0)
    """Standard deviation of arrival times by sequence, spacings."""
    dye_shift_spacings: float = Field(ge=0)
    """Standard deviation of the shift between dyes left after correction, spacings."""
    width_start_spacings: float = Field(gt=0)
    width_end_spacings: float = Field(gt=0)
    """Standard deviation of a peak where the readable part begins and ends, spacings."""
    blob_share: float = Field(ge=0)
    """Height of the blobs of unincorporated dye."""
    drift_share: float = Field(ge=0)
    """Amplitude of the slow baseline."""


_SETS: Final = {
    "readable_bases": (900, 800, 560),
    "signal_counts": (1100, 900, 350),
    "electronic_counts": (4, 7, 12),
    "background_share": (0.0035, 0.006, 0.022),
    "stutter_share": (0.006, 0.009, 0.03),
    "pull_up_share": (0.006, 0.008, 0.025),
    "context_sd": (0.22, 0.26, 0.32),
    "repeat_sd": (0.05, 0.08, 0.14),
    "mobility_spacings": (0.04, 0.045, 0.08),
    "dye_shift_spacings": (0.03, 0.03, 0.07),
    "width_start_spacings": (0.20, 0.20, 0.25),
    "width_end_spacings": (0.34, 0.40, 0.50),
    "blob_share": (0.05, 0.25, 0.7),
    "drift_share": (0.006, 0.012, 0.03),
}
"""Each parameter of clean, typical and bad runs."""

QUALITIES: Final = {
    name: Quality.model_validate({"name": name, **{key: values[index] for key, values in _SETS.items()}})
    for index, name in enumerate(("clean", "typical", "bad"))
}
