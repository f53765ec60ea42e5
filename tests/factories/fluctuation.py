"""A profile of fluctuation from trajectories in memory, as a study has it from files."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.analysis.superposition import FloatArray, IntArray, mean_structure, rmsf
from kinscope.results.measured import FluctuationProfile


def fluctuation_profile(
    replicas: Sequence[FloatArray],
    residues: Sequence[int] | IntArray,
    *,
    state: str,
    variant: str,
    length_ns: float,
    core: IntArray | None = None,
) -> FluctuationProfile:
    """RMSF of each replica (n_frames, n_residues, 3), one CA a residue, about its own mean structure."""
    return FluctuationProfile(
        method="md",
        state=state,
        variant=variant,
        residues=tuple(int(number) for number in residues),
        rmsf_angstrom=tuple(tuple(rmsf(mean_structure(one, core)[0]).tolist()) for one in replicas),
        length_ns=length_ns,
        superposition="CA, on the mean of each trajectory",
    )
