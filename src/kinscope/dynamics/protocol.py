"""The protocol of a replica as numbers of steps: stages, what holds in each, where to stop and look."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from kinscope.core.errors import SettingsError
from kinscope.dynamics.records import SpeedRecord, StepPlan
from kinscope.dynamics.settings import ProtocolSettings

Stage = Literal["thermalise", "release", "production"]

_CHECKPOINTS_OF_A_LONG_RUN = 50
_FRAMES_HELD = 100
"""A segment's frames are held in memory until it ends: ten megabytes of a kinase domain, however many frames
a run writes."""
_REPORT_INTERVAL = 25
"""Steps between rows of energies in a short run; a very short one still gets four."""
_LEAST_PRODUCTION_STEPS = 24
"""Two frames at the default interval: under that nothing can be said to have run."""


@dataclass(frozen=True)
class Conditions:
    """What holds at one step."""

    stage: Stage
    step_in_stage: int
    time_step_fs: float
    friction_per_ps: float
    restraint_scale: float
    """Of the restraint's force constant: 1 in thermalise, falling in release, 0 in production."""


def plan_steps(settings: ProtocolSettings, production_steps: int, *, gpu: bool = False) -> StepPlan:
    """Stages, frames and checkpoints of a replica of so many production steps.

    ``production_steps``: of the first attempt. ``gpu``: whether a GPU runs it: only the distance of the
    checkpoints depends on that.

    Raises SettingsError if there is no production to speak of.
    """
    if production_steps < 1:
        raise SettingsError(
            f"A replica cannot have {production_steps} production steps.",
            where="production_steps",
            remedy="Give it more time (--md-minutes) or run fewer replicas.",
        )
    share = int(settings.equilibration_fraction * production_steps / 2)
    thermalise = min(round(settings.thermalise_ps * 1000 / (settings.time_step_fs / 2)), share)
    release = min(round(settings.release_ps * 1000 / settings.time_step_fs), share)
    frame_interval = max(settings.frame_interval_steps, ceil(production_steps / settings.maximum_frames))
    total = thermalise + release + production_steps
    longest = settings.longest_segment_steps_gpu if gpu else settings.longest_segment_steps
    least = min(_REPORT_INTERVAL, max(1, production_steps // 4))
    return StepPlan(
        thermalise_steps=thermalise,
        release_steps=release,
        production_steps=production_steps,
        frame_interval_steps=frame_interval,
        frames=production_steps // frame_interval,
        report_interval_steps=max(least, ceil(production_steps / settings.reports)),
        segment_steps=max(
            settings.checkpoint_interval_steps,
            min(longest, ceil(total / _CHECKPOINTS_OF_A_LONG_RUN), _FRAMES_HELD * frame_interval),
        ),
    )


def steps_within(speed: SpeedRecord, seconds: float, settings: ProtocolSettings) -> int:
    """Production steps that fit, equilibration and set-up included, into ``seconds`` of wall time.

    Ask once, store the number, and never look at the clock again: results must not depend on it.
    Never less than two frames, so that a budget too small is overrun rather than wasted.
    """
    total = max(0.0, seconds - speed.setup_seconds) * speed.steps_per_second
    production = int(total / (1 + settings.equilibration_fraction))
    equilibration = (settings.thermalise_ps * 2000 + settings.release_ps * 1000) / settings.time_step_fs
    return max(production, int(total - equilibration), _LEAST_PRODUCTION_STEPS)


def scaled(plan: StepPlan, attempt: int) -> StepPlan:
    """The plan of a later attempt: half the time step each time, so twice the steps for the same length."""
    steps = {name: value * 2**attempt for name, value in plan if name != "frames"}
    return plan.model_copy(update=steps)


def conditions(settings: ProtocolSettings, plan: StepPlan, step: int, attempt: int) -> Conditions:
    """What holds from a step (counted over all stages) on."""
    full = settings.time_step_fs / 2**attempt
    if step < plan.thermalise_steps:
        return Conditions("thermalise", step, full / 2, settings.equilibration_friction_per_ps, 1.0)
    step -= plan.thermalise_steps
    if step < plan.release_steps:
        stage = step * settings.release_stages // plan.release_steps
        left = (settings.release_stages - 1 - stage) / settings.release_stages
        return Conditions("release", step, full, settings.equilibration_friction_per_ps, left)
    return Conditions("production", step - plan.release_steps, full, settings.friction_per_ps, 0.0)


def next_stop(settings: ProtocolSettings, plan: StepPlan, step: int) -> int:
    """The next step at which conditions change, something is written, or a segment ends."""
    before = plan.thermalise_steps + plan.release_steps
    start = max(first for first in (0, plan.thermalise_steps, before) if first <= step)
    intervals = (plan.report_interval_steps, plan.frame_interval_steps)[: 2 if step >= before else 1]
    due = (start + ((step - start) // interval + 1) * interval for interval in intervals)
    return min(next_change(settings, plan, step), segment_end(settings, plan, step), *due)


def next_change(settings: ProtocolSettings, plan: StepPlan, step: int) -> int:
    """The next step at which conditions change, or the last of all."""
    first, stages = plan.thermalise_steps, settings.release_stages
    changes = (first + ceil(level * plan.release_steps / stages) for level in range(stages + 1))
    return min(stop for stop in (*changes, plan.total_steps) if stop > step)


def segment_end(settings: ProtocolSettings, plan: StepPlan, step: int) -> int:
    """Where the segment of ``step`` ends: at a multiple of its length, or where a barostat comes in."""
    end = min((step // plan.segment_steps + 1) * plan.segment_steps, plan.total_steps)
    before = plan.thermalise_steps + plan.release_steps
    return before if settings.ensemble == "NPT" and step < before < end else end
