"""Drugs docked into frames of dynamics, so that a substitution far from the site can act on a pose at all.

In static models a distant substitution moves nothing near the drug. Along a trajectory it may: each frame is
a receptor of its own, into which the known pose is laid by the CA atoms around it and minimised (Vina's
function, the receptor as the frame has it). A replica's answers are the share of its frames in which the
known mode holds, and the mean score over these: a frame that repels the drug, or that the drug leaves, counts
against the mode and has no score in it. Native and mutant are compared over replicas, because frames of one
trajectory are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np

from kinscope.analysis.sampling import SHORTEST_NS
from kinscope.analysis.statistics import difference, limited, share_resolution
from kinscope.analysis.trajectory_compare import SMALLEST, by_length
from kinscope.core.errors import KinscopeError
from kinscope.core.records import Record
from kinscope.docking.engine import Coordinates
from kinscope.docking.known.carried import settle_in
from kinscope.docking.known.reference import KEPT_ANGSTROM
from kinscope.docking.table.differences import SMALLEST_MEANINGFUL_KCAL_PER_MOL
from kinscope.results.measured import Difference
from kinscope.results.notes import note
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition, TargetPack

_NATIVE_HOLDS_PERCENT = 50.0
"""A native that holds the mode in fewer of its frames does not tell what a mutant loses."""


class FramePose(Record):
    """A drug in one frame."""

    frame: int
    score_kcal_per_mol: float
    moved_angstrom: float
    """From where the pose was laid in to its minimum."""
    kept: bool
    """Whether the minimum is the known binding mode, and one that binds: near, and its score below zero."""


class ReplicaPoses(Record):
    """A drug in the frames of one replica."""

    variant: str
    replica: int
    poses: tuple[FramePose, ...]
    failed: int = 0
    """Frames in which the drug could not be docked at all."""
    length_ns: float | None = None
    """Of the replica; None where that is not known."""

    @property
    def frames(self) -> int:
        """All that were tried."""
        return len(self.poses) + self.failed

    @property
    def score_kcal_per_mol(self) -> float | None:
        """Mean over the frames that hold the known mode; None where none does."""
        held = [pose.score_kcal_per_mol for pose in self.poses if pose.kept]
        return fmean(held) if held else None

    @property
    def kept(self) -> int:
        """Frames that hold the known mode."""
        return sum(pose.kept for pose in self.poses)

    @property
    def kept_percent(self) -> float | None:
        """The same, of all that were tried; None where none was."""
        return 100.0 * self.kept / self.frames if self.frames else None


class FrameDocking(Record):
    """A drug in the frames of native and mutant."""

    drug: str
    system: str
    """Folder name of the system whose frames they are: the state, and the drug that was bound if one was."""
    replicas: tuple[ReplicaPoses, ...]
    mode: Difference
    """Mutant less native, percent of a replica's frames in which the known mode holds."""
    score: Difference
    """Mutant less native, mean Vina score of a replica within the known mode."""


def poses_in_frames(
    pack: TargetPack,
    drug: DrugDefinition,
    protein: AtomArray,
    frames: Iterable[tuple[int, Coordinates]],
    *,
    variant: str,
    replica: int,
    length_ns: float | None = None,
) -> ReplicaPoses:
    """The known pose in frames of one replica.

    ``protein``: topology (n_atoms) of the protein, with hydrogens. ``frames``: frame numbers and coordinates
    (n_atoms, 3) in angstrom. ``length_ns``: of the replica.
    """
    poses, failed = [], 0
    for number, coordinates in frames:
        receptor = protein.copy()
        receptor.coord = np.asarray(coordinates, dtype=np.float32)
        try:
            best, moved = settle_in(pack, drug, receptor)
        except KinscopeError:
            failed += 1
            continue
        poses.append(
            FramePose(
                frame=number,
                score_kcal_per_mol=round(best.score_kcal_per_mol, 3),
                moved_angstrom=round(moved, 2),
                kept=moved <= KEPT_ANGSTROM and best.score_kcal_per_mol < 0.0,
            )
        )
    return ReplicaPoses(
        variant=variant, replica=replica, poses=tuple(poses), failed=failed, length_ns=length_ns
    )


def compare_frames(
    drug: str, system: str, native: Sequence[ReplicaPoses], mutant: Sequence[ReplicaPoses]
) -> FrameDocking:
    """Native against mutant over replicas, one entry each.

    Where the native itself holds the mode in less than half of its frames nothing is said of either.
    """
    sides = (native, mutant)
    frames = sum(replica.frames for replica in (*native, *mutant))
    sampling = f"{len(native)} native and {len(mutant)} mutant replicas, {frames} frames"
    tried = [[replica for replica in side if replica.kept_percent is not None] for side in sides]
    shares = [[replica.kept_percent or 0.0 for replica in side] for side in tried]
    resolution = [
        share_resolution(share, [_looks(replica) for replica in side]) if share else 0.0
        for share, side in zip(shares, tried, strict=True)
    ]
    mode = difference(
        *shares,
        unit="%",
        smallest_meaningful=SMALLEST["%"][0],
        sampling=sampling,
        least_spread=(resolution[0], resolution[1]),
    )
    # A replica that never holds the mode has no score; the statistics leave out what is not a number.
    scores = [
        [math.nan if r.score_kcal_per_mol is None else r.score_kcal_per_mol for r in side] for side in sides
    ]
    score = difference(
        *scores, unit="kcal/mol", smallest_meaningful=SMALLEST_MEANINGFUL_KCAL_PER_MOL, sampling=sampling
    )
    lengths = [replica.length_ns for replica in (*native, *mutant)]
    mode, score = (by_length(item, lengths) for item in (mode, score))
    if shares[0] and fmean(shares[0]) < _NATIVE_HOLDS_PERCENT:
        why = note("mode-not-in-native", percent=fmean(shares[0]), sampling=sampling)
        mode, score = (limited(item, "not-judged", why) for item in (mode, score))
    return FrameDocking(drug=drug, system=system, replicas=(*native, *mutant), mode=mode, score=score)


def _looks(replica: ReplicaPoses) -> float:
    """Independent frames: the second half of a replica is looked at once a nanosecond at most."""
    return max(1.0, min(float(replica.frames), (replica.length_ns or 0.0) / 2.0 / SHORTEST_NS))
