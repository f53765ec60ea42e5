"""The comparison on synthetic trajectories of known truth: what is stated holds, and silence is kept.

`PYTHONPATH=tests python -m factories.synthetic_studies 200` makes the same with hundreds of studies
per row (docs/why/analysis.md).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from factories.fluctuation import fluctuation_profile
from factories.synthetic_studies import CHANGED, Condition, Rate, conditions, in_words, run_condition
from factories.synthetic_trajectories import (
    SyntheticSettings,
    correlated_gaussian,
    mutant_of,
    synthetic_system,
    telegraph,
    trajectories,
)
from kinscope.analysis.regions import profile_array
from kinscope.analysis.sampling import LARGE_EFFECT_ANGSTROM, allowed, region_sampling, worse
from kinscope.analysis.statistics import difference, hedges_g
from kinscope.interpretation.words.say import statement
from kinscope.results.measured import Difference

LONG = SyntheticSettings(residues=30, frames=4000, length_ns=400.0, memory_ns=0.2, replicas=3)


@pytest.mark.parametrize("jump", [0.0, 2.0])
def test_the_generator_moves_as_it_says(jump):
    """The truth is worked out from the covariance and the fit, never from the frames."""
    system = synthetic_system(LONG.model_copy(update={"jump_angstrom": jump}))
    frames = trajectories(system, 3)
    profile = fluctuation_profile(
        frames, system.numbers, state="s", variant="v", length_ns=400.0, core=system.core
    )
    found = profile_array(profile).mean(axis=0)
    assert np.allclose(found, system.true_rmsf_angstrom, rtol=0.04)
    changed = mutant_of(system, CHANGED, 1.5)
    names = system.true_region_rmsf_angstrom()
    assert changed.true_region_rmsf_angstrom()[CHANGED] == pytest.approx(1.5 * names[CHANGED], rel=0.05)


def test_memory_and_population_are_as_asked():
    random = np.random.default_rng(1)
    series = correlated_gaussian(random, 200_000, 20.0, 2)
    states = telegraph(random, 200_000, 20.0, 0.2, 2)
    for values, variance in ((series, 1.0), (states, 0.16)):
        centred = values - values.mean(axis=0)
        assert centred.var() == pytest.approx(variance, rel=0.08)
        after = (centred[20:] * centred[:-20]).mean() / centred.var()
        assert after == pytest.approx(np.exp(-1), abs=0.04)
    assert telegraph(random, 10, 5.0, 0.9, 100, from_zero=True)[0].max() == 0.0


def _row(name: str) -> Condition:
    return next(row for row in conditions() if row.name == name)


def _at_most(rate: Rate, stated: float) -> bool:
    """Whether a rate is no more than stated, as far as so many studies can tell (one in a thousand)."""
    return rate.count <= stats.binom.ppf(0.999, rate.of, stated)


def _at_least(rate: Rate, stated: float) -> bool:
    return rate.count >= stats.binom.ppf(0.001, rate.of, stated)


@pytest.mark.parametrize(
    "name", ["no slow motion", pytest.param("replicas differ by 10 %", marks=pytest.mark.slow)]
)
def test_rates_hold_where_sampling_suffices(name):
    found = run_condition(_row(name), 20, 5)
    assert _at_least(found.null_coverage, 0.95)
    assert _at_least(found.coverage, 0.95)
    assert _at_most(found.residue_alarms, 0.05 + 0.02)  # residues of one study are not independent
    assert _at_most(found.region_family_alarms, 0.05)
    assert _at_most(found.residue_family_alarms, 0.05)
    assert found.silent.count == 0


def test_a_true_effect_is_found_when_runs_are_long():
    found = run_condition(_row("no slow motion"), 6, 6)
    assert found.found.count >= 5
    assert found.wrong_sign.count == 0
    assert "truth" in in_words(found)


def test_runs_shorter_than_the_motion_say_nothing():
    """The intervals alone would miss the truth here; that is what the rule is for."""
    found = run_condition(_row("jumps, run 0.3 times their time"), 12, 7)
    assert found.coverage.value < 0.85
    assert found.silent.value > 0.8
    assert found.bias < -0.1
    assert found.said_falsely.count <= 1


def test_below_a_nanosecond_nothing_is_said_however_clear_it_looks():
    found = run_condition(_row("shorter than 1 ns"), 5, 8)
    assert found.silent.count == 5
    assert found.found.count == 0
    assert found.said_falsely.count == 0


def test_equal_seeds_give_equal_rates():
    row = _row("no slow motion")
    assert run_condition(row, 2, 1) == run_condition(row, 2, 1)
    assert run_condition(row, 2, 1) != run_condition(row, 2, 2)


def test_split_r_is_what_theory_says_for_independent_frames():
    random = np.random.default_rng(2)
    reference = synthetic_system(SyntheticSettings(residues=40)).reference
    for frames in (8, 40):
        replicas = [reference + 0.01 * random.normal(size=(frames, 40, 3)) for _ in range(3)]
        n, halves = frames / 2, 6
        expected = (1 - 1 / (halves * n)) / (1 - 1 / n)
        one_by_one = {str(number): (number,) for number in range(40)}
        judged = region_sampling(replicas, range(40), one_by_one, length_ns=20.0)
        assert np.mean([item.split_r**2 for item in judged.values()]) == pytest.approx(expected, rel=0.06)


def test_one_trapped_loop_silences_that_loop_only():
    system = synthetic_system(SyntheticSettings(frames=200, memory_ns=0.1))
    replicas = trajectories(system, 1)
    members = np.asarray(system.regions["loop 5"]) - 1
    core = system.core
    from kinscope.analysis.superposition import superpose

    replicas = [superpose(frames, system.reference, core) for frames in replicas]
    replicas[1][:, members] += np.array([3.0, 0.0, 0.0])
    regions = region_sampling(replicas, system.numbers, system.regions, length_ns=20.0, core=core)
    one_by_one = {str(number): (int(number),) for number in system.numbers}
    residues = region_sampling(replicas, system.numbers, one_by_one, length_ns=20.0, core=core)
    assert regions["loop 5"].sentence == "nothing on mobility"
    assert regions["loop 2"].sentence == "supports a comparison"
    assert {int(n) for n, item in residues.items() if item.sentence == "nothing on mobility"} == set(
        system.regions["loop 5"]
    )
    assert regions["loop 5"].independent_frames < 5 < regions["loop 2"].independent_frames
    assert worse(regions["loop 2"], regions["loop 5"]) == regions["loop 5"]


def _sampling(sentence: str):
    system = synthetic_system(SyntheticSettings(frames=100))
    found = region_sampling(
        trajectories(system, 1), system.numbers, system.regions, length_ns=20.0, core=system.core
    )
    return found[CHANGED].model_copy(update={"sentence": sentence})


def test_the_rule_takes_back_what_sampling_does_not_bear():
    clear = difference([1.0, 1.01, 0.99], [1.2, 1.21, 1.19], unit="Å", smallest_meaningful=0.05)
    large = difference([1.0, 1.01, 0.99], [1.5, 1.51, 1.49], unit="Å", smallest_meaningful=0.05)

    def told(item: Difference, sentence: str) -> bool:
        return allowed(item, _sampling(sentence)).resolved

    assert clear.resolved
    assert told(clear, "supports a comparison")
    assert not told(clear, "only large effects")
    assert told(large, "only large effects")
    assert not told(large, "nothing on mobility")
    assert allowed(clear, _sampling("only large effects")).smallest_meaningful == LARGE_EFFECT_ANGSTROM
    assert statement(allowed(large, _sampling("nothing on mobility"))).startswith("not resolved: 3 x 20 ns")


def test_one_replica_and_short_ones_say_nothing():
    system = synthetic_system(SyntheticSettings(frames=100))
    frames = trajectories(system, 1)
    for replicas in (frames[:1], [part[:3] for part in frames]):
        found = region_sampling(replicas, system.numbers, system.regions, length_ns=20.0)
        assert {item.sentence for item in found.values()} == {"nothing on mobility"}


def test_hedges_g_is_unbiased_and_its_interval_holds_its_rate():
    random = np.random.default_rng(4)
    trials = 400
    found = [
        hedges_g(random.normal(0.0, 1.0, 3).tolist(), random.normal(2.0, 1.0, 3).tolist())
        for _ in range(trials)
    ]
    values = np.array([value for value, _, _ in found])
    assert values.mean() == pytest.approx(2.0, abs=4 * values.std() / np.sqrt(trials))
    covered = sum(low <= 2.0 <= high for _, low, high in found)
    assert stats.binom.ppf(0.001, trials, 0.95) <= covered <= stats.binom.ppf(0.999, trials, 0.95)


def test_hedges_g_worked_by_hand():
    # Means 1 and 3, both spreads 1, so d = 2; J(4) = G(2) / (sqrt(2) G(1.5)) = 0.79788.
    value, _, _ = hedges_g([0.0, 1.0, 2.0], [2.0, 3.0, 4.0])
    assert value == pytest.approx(2 * 0.797885, abs=1e-5)
    assert hedges_g([1.0], [2.0, 3.0])[0] is None
    assert hedges_g([1.0, 1.0], [2.0, 2.0])[0] is None
    assert difference([0.0, 1.0, 2.0], [2.0, 3.0, 4.0], unit="Å").effect_size == value


@pytest.mark.slow
@pytest.mark.parametrize("row", conditions(), ids=lambda row: row.name)
def test_rates_hold_in_every_row(row):
    found = run_condition(row, 60, 11)
    assert _at_most(found.region_family_alarms, 0.05)
    assert _at_most(found.residue_family_alarms, 0.05)
    assert _at_most(found.said_falsely, 0.10)  # regions and residues are two families
    assert _at_least(found.null_coverage, 0.95)


def _moderated_p(native: np.ndarray, mutant: np.ndarray) -> np.ndarray:
    """P values (n_regions,) with variances shrunk over the family (Smyth, Stat. Appl. Genet. 2004, 3, 3)."""
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    freedom = native.shape[0] + mutant.shape[0] - 2
    square = ((native.var(axis=0, ddof=1) + mutant.var(axis=0, ddof=1)) / 2).clip(1e-12)
    z = np.log(square) - digamma(freedom / 2) + np.log(freedom / 2)
    excess = z.var(ddof=1) - polygamma(1, freedom / 2)
    if excess <= 1e-4:
        prior, centre = 1e4, np.exp(z.mean())
    else:
        prior = 2 * brentq(lambda x: polygamma(1, x) - excess, 1e-3, 1e5)
        centre = np.exp(z.mean() + digamma(prior / 2) - np.log(prior / 2))
    shrunk = (prior * centre + freedom * square) / (prior + freedom)
    t = (mutant.mean(axis=0) - native.mean(axis=0)) / np.sqrt(2 * shrunk / native.shape[0])
    return 2 * stats.t.sf(np.abs(t), prior + freedom)


def test_borrowing_variances_from_other_regions_would_cry_wolf_in_the_loops():
    """Why every region stands on its own replicas: loops scatter more than the core that would lend."""
    random = np.random.default_rng(5)
    spread = np.array([0.03] * 16 + [0.20] * 2)  # of log RMSF over replicas: core, and two loops
    borrowed = own = 0
    trials = 400
    for _ in range(trials):
        native, mutant = random.normal(size=(2, 3, 18)) * spread
        borrowed += int((_moderated_p(native, mutant)[16:] < 0.05).sum())
        own += sum(
            difference(native[:, place].tolist(), mutant[:, place].tolist(), unit="").p_value < 0.05
            for place in (16, 17)
        )
    print(f"\nfalse alarms in loops: borrowed {borrowed / (2 * trials):.3f}, own {own / (2 * trials):.3f}")
    assert own / (2 * trials) < 0.06
    assert borrowed / (2 * trials) > 0.08
