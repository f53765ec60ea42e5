"""How far trajectories are sampled, and so which sentence they allow.

A short trajectory is not wrong, it is silent on slow motion. Signs for the whole: RMSF that still grows with
time (the second half of the trajectory adds to what the first half showed), few independent frames, and
replicas that have not visited one another's conformations. A loop can be caught while the rest is sampled
well, so every region and residue is judged on its own as well, in :mod:`kinscope.analysis.sampling`.

The signs of sampling of one side of a system, in a form that a page can show.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.fluctuation import rmsf
from kinscope.analysis.sampling import SHORTEST_NS, Sentence
from kinscope.analysis.statistics import block_averages, effective_sample_size
from kinscope.analysis.superposition import FloatArray, IntArray, mean_structure
from kinscope.core.errors import BadInputError
from kinscope.core.records import Record
from kinscope.results.notes import Note, note
from kinscope.results.trajectories import SystemSampling

_STEADY_RATIO = 1.15
_GROWING_RATIO = 1.5
_INDEPENDENT_FRAMES = 20.0
_FEW_INDEPENDENT_FRAMES = 5.0
_OVERLAP = 0.3


class Convergence(Record):
    """Signs of sampling of one system's replicas, and what they allow."""

    replicas: int
    length_ns: float
    """Per replica."""
    effective_frames: tuple[float, ...]
    """Independent frames per replica, from the deviation to its mean structure."""
    rmsf_growth: tuple[float, ...]
    """Per replica: mean RMSF over the whole divided by that over the first half; 1 when converged."""
    overlap: float | None
    """Mean overlap (0 to 1) of the replicas' distributions on the shared principal axes; None for one."""
    sentence: Sentence
    reason: Note


def rmsf_against_time(
    frames: FloatArray, core: IntArray | None = None, *, points: int = 8
) -> tuple[FloatArray, FloatArray]:
    """Mean RMSF of growing first parts of a trajectory.

    ``frames``: shape (n_frames, n_atoms, 3), angstrom. ``core``: indices of the atoms that are fitted; None
    fits all.

    Returns
    -------
    fraction, mean_rmsf
        Share of the trajectory and mean over atoms of its RMSF in angstrom, both (n_parts,), n_parts at most
        ``points``.
    """
    x = np.asarray(frames, dtype=np.float64)
    lengths = np.unique(np.linspace(0, len(x), points + 1).astype(int)[1:])
    lengths = lengths[lengths >= 2]
    moved, _ = mean_structure(x, core)
    values = [float(rmsf(moved[:length]).mean()) for length in lengths]
    return lengths / len(x), np.asarray(values)


def replica_overlap(replicas: Sequence[FloatArray], core: IntArray | None = None, *, axes: int = 3) -> float:
    """Overlap of the replicas' distributions along the principal axes of all of them together.

    Histograms of the projections on each axis are compared pair by pair: the sum of the smaller shares is 1
    for equal and 0 for separate distributions. Hess, Phys. Rev. E 2002, 65, 031910 shows why a single
    trajectory cannot reveal this.

    ``replicas``: two or more arrays (n_frames, n_atoms, 3), angstrom, of the same atoms. ``core``: indices of
    the atoms that are fitted; None fits all.

    Returns
    -------
    Mean over axes and pairs, 0 to 1.
    """
    if len(replicas) < 2:
        raise BadInputError(
            "Overlap needs at least two replicas.", where="replica overlap", remedy="Run more replicas."
        )
    moved, mean = mean_structure(np.concatenate(list(replicas)), core)
    flat = (moved - mean).reshape(len(moved), -1)
    flat = flat - flat.mean(axis=0)
    projections = _principal(flat, axes)
    parts = np.split(projections, np.cumsum([len(frames) for frames in replicas])[:-1])
    bins = int(np.clip(np.sqrt(min(len(part) for part in parts)), 4, 20))
    shared = []
    for axis in range(projections.shape[1]):
        edges = np.linspace(projections[:, axis].min(), projections[:, axis].max() + 1e-9, bins + 1)
        shares = [np.histogram(part[:, axis], edges)[0] / len(part) for part in parts]
        shared += [
            float(np.minimum(first, second).sum())
            for index, first in enumerate(shares)
            for second in shares[index + 1 :]
        ]
    return float(np.mean(shared))


def convergence(
    replicas: Sequence[FloatArray], *, length_ns: float, core: IntArray | None = None
) -> Convergence:
    """Read the signs of sampling and choose the sentence that they allow.

    ``replicas``: arrays (n_frames, n_atoms, 3), angstrom, one per replica, at least four frames each.
    ``core``: indices of the atoms that are fitted; None fits all.
    """
    if not replicas or any(len(frames) < 4 for frames in replicas):
        return Convergence(
            replicas=len(replicas),
            length_ns=length_ns,
            effective_frames=(),
            rmsf_growth=(),
            overlap=None,
            sentence="nothing on mobility",
            reason=note("few-frames", replicas=len(replicas), length_ns=length_ns),
        )
    placed = [mean_structure(np.asarray(frames, dtype=np.float64), core) for frames in replicas]
    independent = tuple(effective_sample_size(_deviation(*each)) for each in placed)
    growth = tuple(_growth(moved) for moved, _ in placed)
    overlap = replica_overlap(replicas, core) if len(replicas) > 1 else None
    sentence, reason = _judge(length_ns, min(independent), max(growth), overlap, len(replicas))
    return Convergence(
        replicas=len(replicas),
        length_ns=length_ns,
        effective_frames=independent,
        rmsf_growth=growth,
        overlap=overlap,
        sentence=sentence,
        reason=reason,
    )


def _judge(
    length_ns: float, independent: float, growth: float, overlap: float | None, replicas: int
) -> tuple[Sentence, Note]:
    had: dict[str, float] = {"replicas": replicas, "length_ns": length_ns}
    grown = 100 * (growth - 1)
    if replicas < 2 or overlap is None:
        return "nothing on mobility", note("one-replica", **had)
    if length_ns < SHORTEST_NS:
        return "nothing on mobility", note("too-short", **had)
    if independent < _FEW_INDEPENDENT_FRAMES:
        return "nothing on mobility", note("few-independent-frames", independent_frames=independent, **had)
    if growth > _GROWING_RATIO:
        return "nothing on mobility", note("rmsf-grows", growth_percent=grown, **had)
    signs = {"independent_frames": independent, "overlap": overlap, **had}
    if growth > _STEADY_RATIO or independent < _INDEPENDENT_FRAMES or overlap < _OVERLAP:
        return "only large effects", note("rmsf-nearly-steady", growth_percent=grown, **signs)
    return "supports a comparison", note("rmsf-steady", **signs)


def _principal(flat: FloatArray, axes: int) -> FloatArray:
    """Projections (n_frames, axes) of centred rows on their principal axes, by the smaller matrix."""
    frames, coordinates = flat.shape
    if frames > coordinates:
        _, vectors = np.linalg.eigh(flat.T @ flat)
        along: FloatArray = flat @ vectors[:, ::-1][:, :axes]
        return along
    values, vectors = np.linalg.eigh(flat @ flat.T)
    projections: FloatArray = vectors[:, ::-1][:, :axes] * np.sqrt(np.clip(values[::-1][:axes], 0.0, None))
    return projections


def _deviation(moved: FloatArray, mean: FloatArray) -> FloatArray:
    """Deviation of every superposed frame from the mean structure, (n_frames,), angstrom."""
    deviation: FloatArray = np.sqrt(((moved - mean) ** 2).sum(axis=-1).mean(axis=-1))
    return deviation


def _growth(moved: FloatArray) -> float:
    first = float(rmsf(moved[: max(2, len(moved) // 2)]).mean())
    return float(rmsf(moved).mean()) / first if first > 0 else 1.0


BLOCKS = 4
_FEWEST_FRAMES = 4


def system_sampling(
    replicas: Sequence[FloatArray], variant: str, *, length_ns: float, core: IntArray | None = None
) -> SystemSampling:
    """Independent frames, growth of RMSF with time, block means and overlap of one side's replicas.

    ``replicas``: arrays (n_frames, n_residues, 3), angstrom; evenly thinned frames will do. ``core``: indices
    of the atoms that are fitted; None fits all.
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
        effective_frames=rounded(found.effective_frames, 1),
        rmsf_growth=rounded(found.rmsf_growth, 3),
        overlap=None if found.overlap is None else round(found.overlap, 3),
        block_means_angstrom=tuple(rounded(row, 3) for row in blocks),
        time_fraction=rounded(curves[0][0][-shared:], 4) if shared else (),
        mean_rmsf_angstrom=tuple(rounded(values[-shared:], 4) for _, values in curves) if shared else (),
        sentence=found.sentence,
        reason=found.reason,
    )


def _block_means(frames: FloatArray, core: IntArray | None) -> FloatArray:
    """Deviation from the mean structure in consecutive quarters, (4,), angstrom."""
    return block_averages(_deviation(*mean_structure(np.asarray(frames, dtype=np.float64), core)), BLOCKS)


def rounded(values: Sequence[float] | FloatArray, digits: int) -> tuple[float, ...]:
    """Numbers for a record, rounded to so many decimals."""
    return tuple(np.round(np.asarray(values, dtype=np.float64), digits).tolist())
