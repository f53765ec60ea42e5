"""Normal modes of a model."""

from __future__ import annotations

from kinscope.core.files import write_atomic
from kinscope.dynamics.normal_modes import NormalModeSettings, normal_mode_profile
from kinscope.workflow.context import StepContext
from kinscope.workflow.stages.files import PROFILE, read_models


def normal_modes(context: StepContext) -> None:
    """Fluctuation of every residue; close alternatives of a model share the replicas among them."""
    profile = normal_mode_profile(
        [atoms for atoms, _ in read_models(context.input("model"))],
        context.parameters["state"],
        context.parameters["variant"],
        NormalModeSettings.model_validate(context.parameters["settings"]),
        context.parameters["seed"],
        context.progress,
        context.scratch,
    )
    write_atomic(context.output / PROFILE, profile.model_dump_json())
