"""Shares of frames, mutant against native: the floor of their resolution, and what split R allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinscope.analysis.statistics import share_resolution
from kinscope.analysis.trajectory_compare import compare_contacts, scalar_split_r, share_split_r
from kinscope.results.measured import Difference
from kinscope.results.trajectories import ContactOccupancy, ReplicaAnalysis, ResidueStructure

Halves = tuple[float, float]


def replica(
    number: int, halves: Halves | None, *, name: str, stretches: int = 1, length_ns: float = 20.0
) -> ReplicaAnalysis:
    """A replica whose residue 315 is hydrogen-bonded to 286 in so many percent of each half."""
    bond = ContactOccupancy(
        of="315", kind="hydrogen bond", partner=286, partner_name="Glu",
        percent=0.0 if halves is None else sum(halves) / 2, halves_percent=halves, stretches=stretches,
        mean_stay_ps=None, longest_stay_ps=None,
    )  # fmt: skip
    return ReplicaAnalysis(
        name=f"{name} {number}", state="s", variant=name, replica=number, frames=2000, length_ns=length_ns,
        atoms=1, superposition="", residues=(), rmsf_angstrom=(),
        structure=ResidueStructure(residues=(), helix_percent=(), strand_percent=()), series=(),
        contacts=() if halves is None else (bond,),
    )  # fmt: skip


def compared(native: list[Halves | None], mutant: list[Halves | None], **of: float) -> Difference:
    sides = [
        [replica(n, halves, name=name, **of) for n, halves in enumerate(side)]  # type: ignore[arg-type]
        for name, side in (("native", native), ("T315S", mutant))
    ]
    (row,) = compare_contacts(*sides)
    return row.difference


ALWAYS: Halves = (100.0, 100.0)


def test_always_against_never_is_resolved_and_one_frame_of_a_thousand_changes_nothing() -> None:
    whole = compared([ALWAYS] * 3, [None] * 3)
    nearly = compared([ALWAYS, ALWAYS, (99.9, 99.9)], [None] * 3)
    for found in (whole, nearly):
        assert found.outcome == "lower"
        assert found.low is not None
        assert found.high is not None
    assert nearly.low == pytest.approx(whole.low, abs=0.2)
    assert nearly.high == pytest.approx(whole.high, abs=0.2)


def test_always_on_both_sides_is_no_change_and_not_copies() -> None:
    assert compared([ALWAYS] * 3, [ALWAYS] * 3).outcome == "no-change"


def test_one_nanosecond_says_less_than_twenty() -> None:
    short, long = (compared([ALWAYS] * 3, [None] * 3, length_ns=ns) for ns in (2.0, 20.0))
    assert short.high - short.low > 3 * (long.high - long.low)  # type: ignore[operator]


def test_a_replica_that_never_left_where_the_others_never_were_decides_nothing() -> None:
    """Means of 67 and 0 per cent, and no half in which the bond was both made and broken."""
    found = compared([ALWAYS, ALWAYS, (0.0, 0.0)], [None] * 3)
    assert found.outcome in ("unresolved", "parts-differ")
    drifting = compared([(100.0, 0.0)] * 3, [(0.0, 0.0)] * 3)
    assert drifting.outcome == "parts-differ"


def test_records_without_halves_are_not_judged() -> None:
    sides = [[replica(n, h, name=name) for n in range(3)] for name, h in (("native", ALWAYS), ("M", None))]
    old = [
        one.model_copy(update={"contacts": (one.contacts[0].model_copy(update={"halves_percent": None}),)})
        for one in sides[0]
    ]
    (row,) = compare_contacts(old, sides[1])
    assert row.difference.outcome == "not-judged"


@given(st.lists(st.lists(st.booleans(), min_size=8, max_size=40), min_size=1, max_size=4))
def test_split_r_of_shares_is_that_of_the_frames(frames: list[list[bool]]) -> None:
    """Halves of equal length: there both are one formula."""
    even = [np.array(one[: len(one) // 2 * 2], dtype=float) for one in frames]
    even = [one[: min(map(len, even))] for one in even]
    even = [one[: len(one) // 2 * 2] for one in even]
    halves = [tuple(100.0 * half.mean() for half in np.array_split(one, 2)) for one in even]
    assert share_split_r(halves) == pytest.approx(scalar_split_r([one.tolist() for one in even]))  # type: ignore[arg-type]


@given(st.floats(0, 100), st.integers(1, 500), st.integers(2, 6))
def test_the_floor_falls_with_what_was_looked_at_and_is_never_nothing(p: float, n: int, count: int) -> None:
    few, many = (share_resolution([p] * count, [looks] * count) for looks in (n, 4 * n))
    assert 0.0 < many < few
    exact = 100.0 * np.sqrt(p / 100.0 * (1.0 - p / 100.0) / (4000 * n))
    assert share_resolution([p] * count, [4000 * n] * count) == pytest.approx(exact, abs=0.6)


def test_two_sides_of_one_process_are_hardly_ever_told_apart() -> None:
    """A bond made and broken at random, correlated over 0.5 ns; three replicas of 20 ns a side."""
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(300):
        sides = []
        for name in ("native", "M"):
            side = []
            for number in range(3):
                there = np.logical_xor.accumulate(random.random(2000) < 0.01)  # 10 ps a frame
                there ^= random.random() < 0.5
                halves = tuple(100.0 * half.mean() for half in np.array_split(there, 2))
                runs = int(np.sum(np.diff(there.astype(int)) == 1) + there[0])
                side.append(replica(number, halves, name=name, stretches=runs))  # type: ignore[arg-type]
            sides.append(side)
        alarms += any(row.difference.resolved for row in compare_contacts(*sides))
    assert alarms <= 0.05 * 300
