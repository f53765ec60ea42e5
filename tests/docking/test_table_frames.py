"""Docking into frames: a frame that is the model, frames that are turned, and what replicas say together."""

from __future__ import annotations

import numpy as np
import pytest

from factories.docking import PACK, model
from kinscope.docking.known.reference import reference_pose
from kinscope.docking.table.frames import FramePose, ReplicaPoses, compare_frames, poses_in_frames
from kinscope.interpretation.words.say import statement


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


def test_a_frame_that_repels_the_drug_does_not_hold_its_mode() -> None:
    """Thr315's surroundings pushed into the drug: wherever it settles, it is not bound there."""
    drug = PACK.drug("dasatinib")
    atoms = model(drug.state)
    known, _ = reference_pose(PACK, drug)
    middle = np.asarray(known.GetConformer().GetPositions()).mean(axis=0)
    crushed = atoms.coord.copy()
    near = (np.linalg.norm(crushed - middle, axis=1) < 9.0) & ~np.isin(atoms.atom_name, ("N", "CA", "C", "O"))
    crushed[near] = middle + 0.2 * (crushed[near] - middle)
    found = poses_in_frames(PACK, drug, atoms, [(0, crushed)], variant="M", replica=0)
    assert found.kept == 0
    assert found.frames == 1
    assert found.score_kcal_per_mol is None


def replica(
    variant: str, number: int, scores: list[float], *, gone: int = 0, failed: int = 0, ns: float = 20.0
) -> ReplicaPoses:
    """Poses that hold the mode by their scores, then so many that left it for a better place."""
    left = FramePose(frame=99, score_kcal_per_mol=-14.0, moved_angstrom=6.0, kept=False)
    held = replica_of(variant, number, scores, ns)
    return held.model_copy(update={"poses": (*held.poses, *[left] * gone), "failed": failed})


def replica_of(variant: str, number: int, scores: list[float], ns: float) -> ReplicaPoses:
    return ReplicaPoses(
        variant=variant,
        replica=number,
        length_ns=ns,
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


def test_frames_that_fail_or_leave_the_mode_count_against_the_mutant() -> None:
    """Half of the mutant's frames fail, and from others the drug leaves for a better score elsewhere."""
    native = [replica("native", n, [-12.0 + 0.1 * n] * 10) for n in range(3)]
    mutant = [replica("M", n, [-12.0 + 0.1 * n] * 2, gone=3, failed=5) for n in range(3)]
    found = compare_frames("imatinib", "kinase-dfg-out", native, mutant)
    assert found.mode.outcome == "lower"
    assert found.mode.value == pytest.approx(-80.0)
    # The scores elsewhere are none of the mode's.
    assert found.score.value == pytest.approx(0.0)


def test_a_mutant_that_never_holds_the_mode_has_a_share_and_no_score() -> None:
    native = [replica("native", n, [-12.0 - 0.1 * n] * 10) for n in range(3)]
    found = compare_frames("x", "s", native, [replica("M", n, [], gone=5, failed=5) for n in range(3)])
    assert (found.mode.outcome, found.score.outcome) == ("lower", "no-value")


def test_a_native_that_does_not_hold_the_mode_tells_nothing() -> None:
    native = [replica("native", n, [-9.0] * 3, gone=7) for n in range(3)]
    found = compare_frames("x", "s", native, [replica("M", n, [], failed=10) for n in range(3)])
    assert found.mode.outcome == found.score.outcome == "not-judged"
    assert "30 % of its frames" in statement(found.mode)


def test_picoseconds_tell_nothing() -> None:
    sides = [
        [replica(v, n, [s + 0.1 * n] * 10, ns=0.2) for n in range(3)] for v, s in (("n", -12), ("M", -8))
    ]
    found = compare_frames("x", "s", *sides)
    assert found.mode.outcome == found.score.outcome == "too-short"


def test_a_replica_without_any_frame_is_left_out() -> None:
    nothing = replica("M", 2, [])
    native = [replica("native", n, [-12.0 - 0.1 * n]) for n in range(3)]
    mutant = [replica("M", n, [-12.0 + 0.1 * n]) for n in range(2)]
    found = compare_frames("imatinib", "kinase-dfg-out", native, [*mutant, nothing])
    assert found.score.mutant_replicas == found.mode.mutant_replicas == 2
