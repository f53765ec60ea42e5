"""Drugs docked into frames of dynamics, so that a substitution far from the site can act on a pose at all.

In static models a distant substitution moves nothing near the drug. Along a trajectory it may: each frame is
a receptor of its own, into which the known pose is laid by the CA atoms around it and minimised (Vina's
function, the receptor as the frame has it). A replica's answer is the mean over its frames; native and mutant
are compared over replicas, because frames of one trajectory are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np

from kinscope.analysis.statistics import difference
from kinscope.core.errors import KinscopeError
from kinscope.core.records import Record
from kinscope.docking.engine import Coordinates
from kinscope.docking.known.carried import settle_in
from kinscope.docking.known.reference import KEPT_ANGSTROM
from kinscope.docking.table.differences import SMALLEST_MEANINGFUL_KCAL_PER_MOL
from kinscope.results.measured import Difference
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition, TargetPack


class FramePose(Record):
    """A drug in one frame."""

    frame: int
    score_kcal_per_mol: float
    moved_angstrom: float
    """From where the pose was laid in to its minimum."""
    kept: bool
    """Whether the minimum is still the known binding mode."""


class ReplicaPoses(Record):
    """A drug in the frames of one replica."""

    variant: str
    replica: int
    poses: tuple[FramePose, ...]
    failed: int = 0
    """Frames in which the site could not be laid on, or no pose stayed near."""

    @property
    def score_kcal_per_mol(self) -> float | None:
        """Mean over the frames; None where none could be docked."""
        return fmean(pose.score_kcal_per_mol for pose in self.poses) if self.poses else None

    @property
    def kept(self) -> int:
        """Frames that still hold the known mode."""
        return sum(pose.kept for pose in self.poses)


class FrameDocking(Record):
    """A drug in the frames of native and mutant."""

    drug: str
    system: str
    """Folder name of the system whose frames they are: the state, and the drug that was bound if one was."""
    replicas: tuple[ReplicaPoses, ...]
    score: Difference
    """Mutant less native, mean Vina score of a replica."""


def poses_in_frames(
    pack: TargetPack,
    drug: DrugDefinition,
    protein: AtomArray,
    frames: Iterable[tuple[int, Coordinates]],
    *,
    variant: str,
    replica: int,
) -> ReplicaPoses:
    """The known pose in frames of one replica.

    ``protein``: topology (n_atoms) of the protein, with hydrogens. ``frames``: frame numbers and coordinates
    (n_atoms, 3) in angstrom.
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
                kept=moved <= KEPT_ANGSTROM,
            )
        )
    return ReplicaPoses(variant=variant, replica=replica, poses=tuple(poses), failed=failed)


def compare_frames(
    drug: str, system: str, native: Sequence[ReplicaPoses], mutant: Sequence[ReplicaPoses]
) -> FrameDocking:
    """Native against mutant over replicas, one entry each."""
    frames = sum(len(replica.poses) for replica in (*native, *mutant))
    sampling = f"{len(native)} native and {len(mutant)} mutant replicas, {frames} frames"
    # A failed replica has no score; the statistics leave out what is not a number.
    scores = [
        [math.nan if r.score_kcal_per_mol is None else r.score_kcal_per_mol for r in side]
        for side in (native, mutant)
    ]
    return FrameDocking(
        drug=drug,
        system=system,
        replicas=(*native, *mutant),
        score=difference(
            *scores, unit="kcal/mol", smallest_meaningful=SMALLEST_MEANINGFUL_KCAL_PER_MOL, sampling=sampling
        ),
    )
