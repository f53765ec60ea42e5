"""Correlations of profiles: right values, intervals that allow for neighbours."""

from __future__ import annotations

import numpy as np

from kinscope.validation.rmsf import agreement


def smooth(random, count, width):
    kernel = np.exp(-0.5 * (np.arange(-30, 31) / width) ** 2)
    series = np.convolve(random.normal(size=count + 60), kernel, mode="valid")
    return series / series.std()


def profile(values):
    return dict(enumerate(values.tolist(), start=1))


def test_profiles_of_another_scale_correlate_fully():
    values = 1.0 + np.random.default_rng(1).random(200)
    found = agreement(profile(values), profile(3 * values), names=("a", "b"))
    assert found.pearson.value > 0.9999
    assert found.spearman.value > 0.9999


def test_ranks_see_what_is_monotonous():
    values = 1.0 + np.random.default_rng(1).random(200)
    found = agreement(profile(values), profile(np.exp(8 * values)), names=("a", "b"))
    assert found.spearman.value > 0.9999
    assert found.pearson.value < 0.95


def test_intervals_hold_zero_for_unrelated_profiles_of_correlated_neighbours():
    """Counted as independent, 200 residues would put zero outside far too often."""
    random = np.random.default_rng(3)
    trials, block, naive = 60, 0, 0
    for _ in range(trials):
        pair = [5.0 + smooth(random, 200, 3.0) for _ in range(2)]
        found = agreement(profile(pair[0]), profile(pair[1]), names=("a", "b"))
        block += found.pearson.low <= 0.0 <= found.pearson.high
        naive += abs(np.arctanh(found.pearson.value)) * np.sqrt(197) < 1.96
    assert naive / trials < 0.75
    assert block / trials > 0.83


def test_profiles_that_share_little_are_not_compared():
    values = profile(np.ones(20))
    assert agreement(values, values, names=("a", "b")) is None
