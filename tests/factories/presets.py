"""Settings for tests of plans."""

from __future__ import annotations

from kinscope.workflow.settings import StudySettings, load_preset, with_changes


def whole_quick() -> StudySettings:
    """The quick preset with all that may be asked of it: every drug docked, six minutes of dynamics."""
    return with_changes(load_preset("quick"), docked="all", dynamics={"budget_minutes": 6.0})
