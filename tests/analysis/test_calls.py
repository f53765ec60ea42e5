"""The rule that turns measurements into kept, lost or unresolved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kinscope.analysis.calls import LOST_KCAL_PER_MOL, call, together
from kinscope.interpretation.words.say import say
from kinscope.results.docking import Call, ComplexSide, RelaxedComparison, RelaxedSettings
from kinscope.results.measured import Difference

ORDER = {"kept": 0, "unresolved": 1, "lost": 2}


def difference(value: float, half: float) -> Difference:
    low, high = value - half, value + half
    resolved = (low > 0 or high < 0) and abs(value) >= 1.0
    return Difference(
        value=value,
        low=low,
        high=high,
        native_replicas=3,
        mutant_replicas=3,
        resolved=resolved,
        outcome=("higher" if value > 0 else "lower") if resolved else "unresolved",
    )


def relaxed(value: float, half: float) -> RelaxedComparison:
    side = ComplexSide(
        members=(), interaction_kcal_per_mol=0.0, spread_kcal_per_mol=0.0, vina_kcal_per_mol=0.0,
        vina_spread_kcal_per_mol=0.0,
    )  # fmt: skip
    return RelaxedComparison(
        drug="x", state="s", variant="v", settings=RelaxedSettings(), force_field="", atoms=1,
        moving_residues=(1,), native=side, mutant=side, difference_kcal_per_mol=difference(value, half),
        vina_difference_kcal_per_mol=difference(0.0, 1.0), cpu_seconds=0.0,
    )  # fmt: skip


def judged(
    rigid: Difference | None,
    second: RelaxedComparison | None,
    *,
    kept: bool | None = True,
    away: float | None = 3.0,
    to_crystal: float | None = 0.4,
) -> Call:
    return call(
        rigid, second, mode_kept=kept, distance_angstrom=away, reach_angstrom=9.0,
        known_to_crystal_angstrom=to_crystal,
    )  # fmt: skip


@given(st.floats(-20, 20), st.floats(0, 10))
def test_a_loss_is_only_called_where_the_whole_interval_lies_on_its_side(value: float, half: float) -> None:
    word = judged(None, relaxed(value, half)).word
    assert (word == "lost") == (value >= LOST_KCAL_PER_MOL and value - half > 0)


@given(st.floats(-20, 20), st.floats(0, 10))
def test_kept_excludes_a_loss(value: float, half: float) -> None:
    word = judged(None, relaxed(value, half)).word
    assert (word == "kept") == (value + half < LOST_KCAL_PER_MOL)


def test_a_best_estimate_near_zero_whose_interval_reaches_a_tenfold_loss_is_not_kept() -> None:
    assert judged(None, relaxed(0.5, 2.1)).word == "unresolved"
    assert judged(None, relaxed(0.5, 0.8)).word == "kept"


@given(st.floats(-20, 20), st.floats(0, 5), st.floats(0, 5))
def test_a_weaker_drug_is_never_called_better_kept(value: float, more: float, half: float) -> None:
    first, second = judged(None, relaxed(value, half)).word, judged(None, relaxed(value + more, half)).word
    assert ORDER[first] <= ORDER[second]


@given(st.floats(-20, 20), st.floats(0, 5), st.floats(0, 5))
def test_a_wider_interval_never_makes_a_call_firmer(value: float, half: float, more: float) -> None:
    narrow, wide = judged(None, relaxed(value, half)).word, judged(None, relaxed(value, half + more)).word
    assert wide == narrow or wide == "unresolved"


def test_the_relaxed_complexes_decide_and_a_contradiction_is_said() -> None:
    found = judged(difference(5.0, 1.0), relaxed(-0.3, 1.5))
    assert found.word == "kept"
    assert found.measured_by == "relaxed complexes"
    assert found.disagreement is not None
    assert found.disagreement.code == "rigid-docking-disagrees"
    assert found.disagreement.values["word"] == "lost"
    assert found.disagreement.values["value_kcal_per_mol"] == 5.0
    assert judged(difference(0.2, 1.0), relaxed(-0.3, 1.5)).disagreement is None


def test_what_lies_beyond_the_surroundings_is_not_called_kept() -> None:
    found = judged(difference(0.0, 0.3), None, away=21.0)
    assert found.word == "not reached"
    assert found.measured_by == "distance"
    # Unless docking resolves something all the same, or the mode is gone.
    assert judged(difference(4.0, 1.0), None, away=21.0).word == "lost"
    assert judged(difference(0.0, 0.3), None, away=21.0, kept=False).word == "lost"


def test_without_parameters_rigid_docking_stands_in() -> None:
    assert judged(difference(4.0, 1.0), None).word == "lost"
    assert judged(difference(0.1, 0.5), None).word == "kept"
    assert judged(difference(1.3, 3.0), None).word == "unresolved"
    assert judged(None, None).word == "unresolved"


def test_a_model_that_does_not_hold_the_crystals_pose_decides_nothing() -> None:
    found = judged(None, relaxed(6.0, 1.0), to_crystal=1.2)
    assert found.word == "unresolved"
    assert found.reason.values["away_angstrom"] == 1.2


def test_what_was_not_measured_decides_nothing() -> None:
    blind = judged(difference(6.0, 1.0), relaxed(6.0, 1.0), to_crystal=None)
    assert blind.word == "unresolved"
    assert "never measured" in say(blind.reason)
    # A distance that is not known is not a distance beyond reach.
    assert judged(difference(0.0, 0.3), None, away=None).word == "kept"
    # Without rigid docking nothing is known of the mode, and so nothing disagrees.
    assert judged(None, relaxed(6.0, 1.0), kept=None).disagreement is None
    assert judged(None, relaxed(0.0, 1.0), kept=False).disagreement is not None


def test_states_that_hold_a_drug_come_to_one_word_or_contradict_each_other() -> None:
    assert together(["unresolved", "kept", "not reached", "kept"]) == ("kept",)
    assert together(["lost", "kept"]) == ("lost", "kept")
    assert together(["not reached", "unresolved"]) == ("unresolved",)
    assert together(["not reached"]) == ("not reached",)
