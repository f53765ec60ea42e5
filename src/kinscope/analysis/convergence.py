"""How far trajectories are sampled, and so which sentence they allow.

A short trajectory is not wrong, it is silent on slow motion. Signs for the whole: RMSF that still grows with
time (the second half of the trajectory adds to what the first half showed), few independent frames, and
replicas that have not visited one another's conformations. A loop can be caught while the rest is sampled
well, so every region and residue is judged on its own as well, in :mod:`kinscope.analysis.sampling`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.fluctuation import rmsf
from kinscope.analysis.sampling import SHORTEST_NS, Sentence
from kinscope.analysis.statistics import block_averages, effective_sample_size
from kinscope.analysis.superposition import FloatArray, IntArray, mean_structure
from kinscope.core.errors import BadInputError
from kinscope.results.notes import Note, note
from kinscope.results.trajectories import SystemSampling

_STEADY_RATIO = 1.15
_GROWING_RATIO = 1.5
_INDEPENDENT_FRAMES = 20.0
_FEW_INDEPENDENT_FRAMES = 5.0
_OVERLAP = 0.3
_PARTS = 8
_AXES = 3
BLOCKS = 4
_FEWEST_FRAMES = 4
_NOTHING: Sentence = "nothing on mobility"


def rmsf_against_time(moved: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shares of a superposed trajectory (n_frames, n_atoms, 3) and the mean RMSF of each such first part.

    Both (n_parts,), eight parts at most, in angstrom.
    """
    lengths = np.unique(np.linspace(0, len(moved), _PARTS + 1).astype(int)[1:])
    lengths = lengths[lengths >= 2]
    values = [float(rmsf(moved[:length]).mean()) for length in lengths]
    return lengths / len(moved), np.asarray(values)


def replica_overlap(replicas: Sequence[FloatArray], core: IntArray | None = None) -> float:
    """Overlap of the replicas' distributions along the principal axes of all of them together.

    Histograms of the projections on each axis are compared pair by pair: the sum of the smaller shares is 1
    for equal and 0 for separate distributions; the mean over axes and pairs is given. Hess, Phys.
    Rev. E 2002, 65, 031910 shows why a single trajectory cannot reveal this.

    ``replicas``: two or more arrays (n_frames, n_atoms, 3), angstrom, of the same atoms. ``core``: indices of
    the atoms that are fitted; None fits all.
    """
    if len(replicas) < 2:
        raise BadInputError(
            "Overlap needs at least two replicas.", where="replica overlap", remedy="Run more replicas."
        )
    moved, mean = mean_structure(np.concatenate(list(replicas)), core)
    flat = (moved - mean).reshape(len(moved), -1)
    flat = flat - flat.mean(axis=0)
    projections = _principal(flat, _AXES)
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


def _judge(
    length_ns: float, independent: float, growth: float, overlap: float | None, replicas: int
) -> tuple[Sentence, Note]:
    had: dict[str, float] = {"replicas": replicas, "length_ns": length_ns}
    grown = 100 * (growth - 1)
    if replicas < 2 or overlap is None:
        return _NOTHING, note("one-replica", **had)
    if length_ns < SHORTEST_NS:
        return _NOTHING, note("too-short", **had)
    if independent < _FEW_INDEPENDENT_FRAMES:
        return _NOTHING, note("few-independent-frames", independent_frames=independent, **had)
    if growth > _GROWING_RATIO:
        return _NOTHING, note("rmsf-grows", growth_percent=grown, **had)
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


def system_sampling(
    replicas: Sequence[FloatArray], variant: str, *, length_ns: float, core: IntArray | None = None
) -> SystemSampling:
    """Read the signs of sampling of one side's replicas and choose the sentence that they allow.

    ``replicas``: arrays (n_frames, n_residues, 3), angstrom; evenly thinned frames will do. ``core``: indices
    of the atoms that are fitted; None fits all.
    """
    count = len(replicas)
    placed = [
        mean_structure(np.asarray(frames, dtype=np.float64), core)
        for frames in replicas
        if len(frames) >= _FEWEST_FRAMES
    ]
    deviations = [_deviation(*each) for each in placed]
    independent: tuple[float, ...] = ()
    growth: tuple[float, ...] = ()
    overlap, sentence = None, _NOTHING
    reason = note("few-frames", replicas=count, length_ns=length_ns)
    if placed and len(placed) == count:
        independent = tuple(effective_sample_size(each) for each in deviations)
        growth = tuple(_growth(moved) for moved, _ in placed)
        overlap = replica_overlap(replicas, core) if count > 1 else None
        sentence, reason = _judge(length_ns, min(independent), max(growth), overlap, count)
    curves = [rmsf_against_time(moved) for moved, _ in placed]
    # Replicas that stopped early have fewer points; a common axis is drawn only where all have one.
    shared = min((len(share) for share, _ in curves), default=0)
    return SystemSampling(
        variant=variant,
        replicas=count,
        length_ns=length_ns,
        effective_frames=rounded(independent, 1),
        rmsf_growth=rounded(growth, 3),
        overlap=None if overlap is None else round(overlap, 3),
        block_means_angstrom=tuple(rounded(block_averages(each, BLOCKS), 3) for each in deviations),
        time_fraction=rounded(curves[0][0][-shared:], 4) if shared else (),
        mean_rmsf_angstrom=tuple(rounded(values[-shared:], 4) for _, values in curves) if shared else (),
        sentence=sentence,
        reason=reason,
    )


def rounded(values: Sequence[float] | FloatArray, digits: int) -> tuple[float, ...]:
    """Numbers for a record, rounded to so many decimals."""
    return tuple(np.round(np.asarray(values, dtype=np.float64), digits).tolist())
