"""The signs of sampling of one side of a system, in a form that a page can show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.convergence import convergence, rmsf_against_time
from kinscope.analysis.statistics import block_averages
from kinscope.analysis.superposition import FloatArray, IntArray, mean_structure
from kinscope.analysis.trajectory_results import SystemSampling

BLOCKS = 4
_FEWEST_FRAMES = 4


def system_sampling(
    replicas: Sequence[FloatArray], variant: str, *, length_ns: float, core: IntArray | None = None
) -> SystemSampling:
    """Independent frames, growth of RMSF with time, block means and overlap of one side's replicas.

    Parameters
    ----------
    replicas
        Arrays (n_frames, n_residues, 3), angstrom; evenly thinned frames will do.
    variant
        ``native`` or the variant's short name.
    length_ns
        Sampled time per replica.
    core
        Indices of the atoms that are fitted; None fits all.
    """
    found = convergence(replicas, length_ns=length_ns, core=core)
    curves = [rmsf_against_time(frames, core) for frames in replicas if len(frames) >= _FEWEST_FRAMES]
    blocks = [_block_means(frames, core) for frames in replicas if len(frames) >= _FEWEST_FRAMES]
    # Replicas that stopped early have fewer points; a common axis is drawn only where all have one.
    shared = min((len(share) for share, _ in curves), default=0)
    return SystemSampling(
        variant=variant,
        replicas=found.replicas,
        length_ns=length_ns,
        effective_frames=_rounded(found.effective_frames, 1),
        rmsf_growth=_rounded(found.rmsf_growth, 3),
        overlap=None if found.overlap is None else round(found.overlap, 3),
        block_means_angstrom=tuple(_rounded(row, 3) for row in blocks),
        time_fraction=_rounded(curves[0][0][-shared:], 4) if shared else (),
        mean_rmsf_angstrom=tuple(_rounded(values[-shared:], 4) for _, values in curves) if shared else (),
        sentence=found.sentence,
        reason=found.reason,
    )


def _block_means(frames: FloatArray, core: IntArray | None) -> FloatArray:
    """Deviation from the mean structure in consecutive quarters, (4,), angstrom."""
    moved, mean = mean_structure(np.asarray(frames, dtype=np.float64), core)
    return block_averages(np.sqrt(((moved - mean) ** 2).sum(axis=-1).mean(axis=-1)), BLOCKS)


def _rounded(values: Sequence[float] | FloatArray, digits: int) -> tuple[float, ...]:
    return tuple(np.round(np.asarray(values, dtype=np.float64), digits).tolist())
