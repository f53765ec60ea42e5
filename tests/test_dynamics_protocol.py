"""How often a replica saves, and what a kill can cost."""

from __future__ import annotations

import pytest

from kinscope.dynamics.protocol import plan_steps, scaled
from kinscope.dynamics.settings import ProtocolSettings


@pytest.mark.parametrize("length_ns", [0.01, 1.0, 20.0, 100.0, 1000.0])
def test_a_kill_costs_minutes_however_long_the_run(length_ns):
    settings = ProtocolSettings()
    production = round(length_ns * 1e6 / settings.time_step_fs)
    processor, gpu = plan_steps(settings, production), plan_steps(settings, production, gpu=True)
    # One core runs a kinase in water at 5 steps a second or more, a GPU at 500 or more (docs/statistics.md).
    assert processor.segment_steps / 5 <= 1000
    assert gpu.segment_steps / 500 <= 1000
    assert processor.segment_steps >= settings.checkpoint_interval_steps
    assert processor.model_dump(exclude={"segment_steps"}) == gpu.model_dump(exclude={"segment_steps"})


def test_a_setting_decides():
    often = ProtocolSettings(checkpoint_interval_steps=10, longest_segment_steps=70)
    assert plan_steps(often, 1_000_000).segment_steps == 70
    assert plan_steps(often, 100).segment_steps == 10
    assert scaled(plan_steps(often, 1_000_000), 1).segment_steps == 140


@pytest.mark.parametrize("gpu", [False, True])
def test_frames_held_in_memory_do_not_grow_with_their_number(gpu):
    for frames in (100, 1000, 100_000, 1_000_000):
        settings = ProtocolSettings(maximum_frames=frames)
        plan = plan_steps(settings, 25_000_000, gpu=gpu)
        assert plan.segment_steps / plan.frame_interval_steps <= 100
