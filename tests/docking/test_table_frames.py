"""Docking into frames: a frame that is the model, frames that are turned, and what replicas say together."""

from __future__ import annotations

import numpy as np
import pytest

from factories.docking import PACK, model
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.table.frames import FramePose, ReplicaPoses, compare_frames, poses_in_frames


def test_a_frame_that_is_the_model_holds_the_known_pose_however_it_is_turned() -> None:
    drug = PACK.drug("dasatinib")
    atoms = model(drug.state)
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    frames = [(0, atoms.coord), (7, atoms.coord @ turn + 40.0)]
    found = poses_in_frames(PACK, drug, atoms, frames, variant="native", replica=0)
    assert [pose.frame for pose in found.poses] == [0, 7]
    assert found.kept == 2
    _, record = reference_pose(PACK, drug)
    for pose in found.poses:
        # The shipped pose is a minimum of the same function, found by a walk of the same kind.
        assert pose.score_kcal_per_mol == pytest.approx(record.score_kcal_per_mol, abs=0.4)


def test_a_frame_whose_site_has_gone_is_counted_and_costs_nothing_else() -> None:
    drug = PACK.drug("dasatinib")
    atoms = model(drug.state)
    away = atoms[atoms.res_id > 450]
    found = poses_in_frames(PACK, drug, away, [(0, away.coord)], variant="native", replica=0)
    assert found.failed == 1
    assert found.score_kcal_per_mol is None


def replica(variant: str, number: int, scores: list[float]) -> ReplicaPoses:
    return ReplicaPoses(
        variant=variant,
        replica=number,
        poses=tuple(
            FramePose(frame=place, score_kcal_per_mol=score, moved_angstrom=0.5, kept=True)
            for place, score in enumerate(scores)
        ),
    )


def test_replicas_carry_the_comparison_not_frames() -> None:
    """A hundred frames in one replica a side resolve nothing; Welch's interval needs two."""
    alone = compare_frames(
        "imatinib", "kinase-dfg-out", [replica("native", 0, [-12.0] * 100)], [replica("M", 0, [-8.0] * 100)]
    )
    assert alone.score.value == pytest.approx(4.0)
    assert not alone.score.resolved
    native = [replica("native", n, [-12.0 + d, -12.2 + d]) for n, d in enumerate((0.0, 0.2, -0.1))]
    mutant = [replica("M", n, [-8.0 + d, -8.1 + d]) for n, d in enumerate((0.1, 0.0, -0.2))]
    three = compare_frames("imatinib", "kinase-dfg-out", native, mutant)
    assert three.score.resolved
    assert three.score.low is not None
    assert three.score.low > 3.0


def test_a_replica_without_a_docked_frame_is_left_out() -> None:
    failed = ReplicaPoses(variant="M", replica=2, poses=(), failed=10)
    native = [replica("native", n, [-12.0 - 0.1 * n]) for n in range(3)]
    mutant = [replica("M", n, [-12.0 + 0.1 * n]) for n in range(2)]
    found = compare_frames("imatinib", "kinase-dfg-out", native, [*mutant, failed])
    assert found.score.mutant_replicas == 2
