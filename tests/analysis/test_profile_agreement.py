"""Correlations of profiles: right values, intervals that allow for neighbours, disjoint regions."""

from __future__ import annotations

import numpy as np

from kinscope.validation.rmsf import agreement, disjoint

REGIONS = {f"r{start}": tuple(range(start, start + 8)) for start in range(1, 200, 20)}


def smooth(random, count, width):
    kernel = np.exp(-0.5 * (np.arange(-30, 31) / width) ** 2)
    series = np.convolve(random.normal(size=count + 60), kernel, mode="valid")
    return series / series.std()


def profile(values):
    return dict(enumerate(values.tolist(), start=1))


def test_equal_profiles_correlate_fully_and_scale_shows_in_the_ratio():
    values = 1.0 + np.random.default_rng(1).random(200)
    found = agreement(profile(values), profile(3 * values), REGIONS, names=("a", "b"))
    assert found.pearson.value > 0.9999
    assert found.region_spearman.value > 0.9999
    assert abs(found.ratio - 1 / 3) < 1e-9
    assert found.regions == 10


def test_ranks_see_what_is_monotonous():
    values = 1.0 + np.random.default_rng(1).random(200)
    found = agreement(profile(values), profile(np.exp(8 * values)), REGIONS, names=("a", "b"))
    assert found.spearman.value > 0.9999
    assert found.pearson.value < 0.95


def test_intervals_hold_zero_for_unrelated_profiles_of_correlated_neighbours():
    """Counted as independent, 200 residues would put zero outside far too often."""
    random = np.random.default_rng(3)
    trials, block, naive = 60, 0, 0
    for _ in range(trials):
        pair = [5.0 + smooth(random, 200, 3.0) for _ in range(2)]
        found = agreement(profile(pair[0]), profile(pair[1]), REGIONS, names=("a", "b"))
        block += found.pearson.low <= 0.0 <= found.pearson.high
        naive += abs(np.arctanh(found.pearson.value)) * np.sqrt(197) < 1.96
    assert naive / trials < 0.75
    assert block / trials > 0.83


def test_profiles_that_share_little_are_not_compared():
    values = profile(np.ones(20))
    assert agreement(values, values, REGIONS, names=("a", "b")) is None


def test_disjoint_regions_share_no_residue():
    kept = disjoint(
        {"a": range(1, 10), "b": range(5, 8), "c": range(8, 14), "d": range(1, 90), "e": range(20, 26)}
    )
    members = [number for region in kept.values() for number in region]
    assert len(members) == len(set(members))
    assert set(kept) == {"c", "e"}
