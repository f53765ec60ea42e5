"""Intervals hold what they promise, corrections too, and correlated series are not counted twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kinscope.analysis.statistics import (
    benjamini_hochberg,
    correct_family,
    difference,
    effective_sample_size,
    holm,
    power,
    replicas_needed,
    standard_error,
    statistical_inefficiency,
)
from kinscope.interpretation.words.say import statement


def test_welch_agrees_with_scipy():
    random = np.random.default_rng(1)
    native, mutant = random.normal(1.0, 0.1, 4), random.normal(1.3, 0.4, 6)
    found = difference(native.tolist(), mutant.tolist(), unit="Å")
    expected = stats.ttest_ind(mutant, native, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.low == pytest.approx(interval.low)
    assert found.high == pytest.approx(interval.high)


@pytest.mark.parametrize(("replicas", "spread"), [((3, 3), (1, 1)), ((5, 5), (1, 3)), ((4, 8), (2, 1))])
def test_intervals_cover_and_false_alarms_stay_at_their_rate(replicas, spread):
    random = np.random.default_rng(7)
    trials = 2000
    covered = alarms = 0
    for _ in range(trials):
        native = random.normal(0.0, spread[0], replicas[0]).tolist()
        mutant = random.normal(0.0, spread[1], replicas[1]).tolist()
        found = difference(native, mutant, unit="Å")
        covered += found.low <= 0.0 <= found.high
        alarms += found.resolved
    # Welch is slightly conservative at three replicas; it must not cover less than it says.
    low = stats.binom.ppf(0.0005, trials, 0.95)
    assert low <= covered <= stats.binom.ppf(0.9995, trials, 0.985)
    assert alarms == trials - covered


def test_a_family_of_true_nulls_raises_a_false_alarm_in_at_most_five_of_a_hundred_studies():
    random = np.random.default_rng(3)
    studies = 300
    wrong = 0
    for _ in range(studies):
        rows = [
            difference(random.normal(size=4).tolist(), random.normal(size=4).tolist(), unit="Å")
            for _ in range(10)
        ]
        wrong += any(row.resolved for row in correct_family(rows))
    assert wrong <= stats.binom.ppf(0.999, studies, 0.05)


def test_adjusted_p_values_worked_by_hand():
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_corrections_never_help_a_p_value(p):
    assert np.all(holm(p) >= np.asarray(p) - 1e-15)
    assert np.all(benjamini_hochberg(p) >= np.asarray(p) - 1e-15)
    assert np.all(holm(p) >= benjamini_hochberg(p) - 1e-15)


def test_too_few_replicas_give_a_value_without_a_claim():
    found = difference([1.0], [2.0], unit="Å", sampling="1 x 0.2 ns")
    assert (found.value, found.low, found.resolved) == (1.0, None, False)
    assert statement(found).startswith("not resolved by 1 x 0.2 ns")


def test_a_side_without_values_gives_no_difference():
    found = difference([], [float("nan")], unit="Å")
    assert found.value is None
    assert (found.native_replicas, found.mutant_replicas) == (0, 0)


def test_copies_of_one_replica_are_no_evidence():
    assert not difference([1.0, 1.0, 1.0], [2.0, 2.0, 2.0], unit="Å").resolved
    assert difference([1.0, 1.0], [1.0, 1.0], unit="Å").p_value == 1.0


def test_the_sentence_tells_an_effect_a_bound_and_ignorance_apart():
    effect = difference([1.0, 1.1, 0.9], [1.5, 1.6, 1.4], unit="Å", smallest_meaningful=0.1)
    bound = difference([1.0, 1.01, 0.99], [1.0, 1.02, 1.01], unit="Å", smallest_meaningful=0.1)
    ignorance = difference([1.0, 1.4, 0.6], [1.1, 1.6, 0.5], unit="Å", smallest_meaningful=0.1)
    small = difference([1.0, 1.001, 0.999], [1.05, 1.051, 1.049], unit="Å", smallest_meaningful=0.1)
    assert statement(effect).startswith("higher in the mutant")
    assert statement(bound).startswith("no change of 0.1 Å or more")
    assert statement(ignorance).startswith("not resolved by 3 native and 3 mutant replicas")
    assert statement(small).startswith(("below the smallest change", "no change of"))
    assert [row.resolved for row in (effect, bound, ignorance, small)] == [True, False, False, False]


def test_correction_can_take_a_claim_back_and_says_so():
    borderline = difference([1.0, 1.1, 0.9], [1.25, 1.35, 1.2], unit="Å")
    nothing = difference([1.0, 1.1, 0.9], [1.0, 1.1, 0.95], unit="Å")
    assert borderline.resolved
    corrected = correct_family([borderline, *[nothing] * 9])
    assert not corrected[0].resolved
    assert "corrected" in statement(corrected[0])


def _autoregressive(random, n, memory):
    noise = random.normal(size=n)
    series = np.empty(n)
    series[0] = noise[0] / np.sqrt(1 - memory**2)
    for index in range(1, n):
        series[index] = memory * series[index - 1] + noise[index]
    return series


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_inefficiency_of_an_autoregressive_series_is_the_analytic_one(memory):
    random = np.random.default_rng(5)
    found = np.mean([statistical_inefficiency(_autoregressive(random, 10_000, memory)) for _ in range(10)])
    assert found == pytest.approx((1 + memory) / (1 - memory), rel=0.12)


def test_standard_error_of_a_correlated_mean_is_the_analytic_one():
    random = np.random.default_rng(9)
    stated = np.mean([standard_error(_autoregressive(random, 2000, 0.8)) for _ in range(40)])
    assert stated == pytest.approx(np.sqrt(1 / (1 - 0.8**2) * (1 + 0.8) / (1 - 0.8) / 2000), rel=0.1)


def test_a_constant_series_is_one_observation():
    assert effective_sample_size(np.ones(100)) == 1.0


def test_power_is_what_simulated_studies_find():
    """Welch's test on drawn replicas finds a true change as often as is said."""
    from scipy.stats import ttest_ind

    random = np.random.default_rng(7)
    for change, replicas in ((0.3, 3), (0.5, 3), (0.2, 5), (0.3, 13)):
        native = 1.0 + 0.22 * random.normal(size=(20_000, replicas))
        mutant = (1.0 + change) * (1.0 + 0.22 * random.normal(size=(20_000, replicas)))
        found = np.mean(ttest_ind(native, mutant, axis=1, equal_var=False).pvalue < 0.05)
        assert power(change, replicas) == pytest.approx(found, abs=0.012)


def test_a_triplicate_finds_a_third_more_motion_one_time_in_seven_and_thirteen_would_do():
    assert [round(power(change, 3), 2) for change in (0.2, 0.3, 0.5)] == [0.09, 0.15, 0.31]
    assert [round(power(change, 5), 2) for change in (0.2, 0.3, 0.5)] == [0.19, 0.35, 0.66]
    assert [replicas_needed(change) for change in (0.2, 0.3, 0.5)] == [25, 13, 7]
    assert replicas_needed(0.3, spread=0.115) == 5
    assert power(0.3, 1) == 0.0
    assert power(0.0, 5) == pytest.approx(0.05, abs=0.01)
