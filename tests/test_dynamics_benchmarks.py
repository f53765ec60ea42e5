"""The measures of `kinscope benchmark md` see what they are there to see, on a residue without water."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kinscope.dynamics import benchmark_ensemble
from kinscope.dynamics.benchmark_energy import GAS_CONSTANT, energy_drift, warm_up
from kinscope.dynamics.benchmark_ensemble import gamma_p_value, kinetic_check
from kinscope.dynamics.benchmark_md import MdBenchmark, in_words
from kinscope.dynamics.benchmark_speed import Pace, footprints, pace
from kinscope.dynamics.benchmark_system import residue_in_vacuum
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.settings import ProtocolSettings

PROCESSOR = PlatformChoice(
    name="CPU",
    properties={"Threads": "1", "DeterministicForces": "true"},
    deterministic=True,
    reason="a test",
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("residue")
    residue_in_vacuum(folder)
    return folder


@pytest.fixture(scope="module")
def warm(directory):
    return warm_up(directory, PROCESSOR)


def test_the_gamma_test_accepts_the_canonical_distribution_and_refuses_three_percent():
    random = np.random.default_rng(1)
    thermal = GAS_CONSTANT * 300.0
    canonical = random.gamma(1000.0, thermal, 400)
    assert gamma_p_value(canonical, 2000.0, 300.0) > 0.01
    assert gamma_p_value(1.03 * canonical, 2000.0, 300.0) < 1e-6  # too warm
    squeezed = canonical.mean() + 0.7 * (canonical - canonical.mean())
    assert gamma_p_value(squeezed, 2000.0, 300.0) < 0.01  # right mean, too narrow: a weak-coupling thermostat


def test_energy_fluctuates_with_the_square_of_the_step_and_does_not_drift(warm):
    slow, fast = (energy_drift(warm, f"{step}", step, 16.0) for step in (1.0, 2.0))
    assert slow.stable
    assert fast.stable
    ratio = fast.fluctuation_kt_per_freedom / slow.fluctuation_kt_per_freedom
    assert 2.5 < ratio < 6.0  # 4 is due
    assert abs(slow.drift_kt_per_ns_per_freedom) < 5 * slow.drift_error + 0.05
    assert slow.hydrogen_mass_amu == pytest.approx(3.024)


def test_a_step_too_long_is_seen(warm):
    found = energy_drift(warm, "20 fs", 20.0, 8.0)
    assert not found.stable or abs(found.drift_kt_per_ns_per_freedom) > 1.0


def test_the_thermostat_is_canonical_at_the_protocols_step(warm):
    settings = ProtocolSettings(friction_per_ps=10.0)
    found = kinetic_check(warm, settings, 60.0)
    part = found.parts[0]
    assert [item.part for item in found.parts] == ["everything", "solute"]
    assert part.degrees_of_freedom == 3 * 22 - 12  # twelve bonds to hydrogen are rigid
    assert part.ks_p_value > stats.norm.sf(3.5)
    assert part.mean_temperature_k == pytest.approx(300.0, abs=5 * part.temperature_error_k)
    assert part.spread_ratio == pytest.approx(1.0, abs=0.15)
    assert "300 K" in in_words(MdBenchmark(platform=PROCESSOR, kinetic=(found,)))
    names = [item.name for item in found.configurations]
    assert names == [
        "potential energy",
        "bending energy of the solute",
        "torsional energy of the solute",
    ]
    # Equipartition: 36 angles bend in about 28 directions that nothing else holds, half a kT each.
    assert 8 < found.configurations[1].mean < 25
    # What a step leaves on rigid bonds: a quarter of (1 - exp(-2 g h)) of their share, here 2 % of a quarter.
    extra = found.unconstrained_temperature_k / part.mean_temperature_k - 1
    expected = 0.25 * (1 - np.exp(-2 * 10.0 * 0.004)) * 12 / part.degrees_of_freedom
    assert extra == pytest.approx(expected, rel=0.5)
    words = in_words(MdBenchmark(platform=PROCESSOR, kinetic=(found, found)))
    assert "difference +0.0000" in words


def test_neighbours_of_a_lattice_are_counted_across_the_box():
    """A simple cubic lattice has six neighbours at its spacing and none nearer."""
    axis = 0.3 * np.arange(4)
    points = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    assert benchmark_ensemble._neighbours(points, np.eye(3) * 1.2) == 6.0
    assert benchmark_ensemble._neighbours(points * 2, np.eye(3) * 2.4) == 0.0


def test_the_scatter_of_blocks_is_that_of_their_means():
    random = np.random.default_rng(2)
    size = round(benchmark_ensemble.BLOCK_PS * 1000 / benchmark_ensemble.SAMPLE_FS)
    white = random.normal(300.0, 8.0, 200 * size)
    assert benchmark_ensemble._block_spread(white) == pytest.approx(8.0 / np.sqrt(size), rel=0.15)
    assert benchmark_ensemble._block_spread(white[: 2 * size]) is None


def test_turns_are_made_and_the_end_of_a_segment_is_shared_among_its_steps(directory):
    found = pace(directory, "residue", PROCESSOR, turns=4, block_steps=200)
    assert len(found.bare_seconds) == len(found.runner_seconds) == 4
    assert found.segment_seconds > 0
    assert "residue" in found.words()
    known = Pace(
        system="s",
        atoms=1,
        platform="CPU",
        clock="processor time",
        block_steps=100,
        segment_steps=1000,
        bare_seconds=(1.0, 1.0, 1.0),
        runner_seconds=(1.0, 1.0, 1.0),
        segment_seconds=1.0,
        time_step_fs=4.0,
    )
    assert known.share == pytest.approx(1 / 1.1)
    assert known.bare_ns_per_day == pytest.approx(100 * 4e-6 * 86_400)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_trajectory():
    short, long = footprints((500, 8000))
    assert long.trajectory_bytes > 10 * short.trajectory_bytes
    assert long.peak_mebibyte - short.peak_mebibyte < 2.0
