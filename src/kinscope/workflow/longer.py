"""Finished dynamics made longer, whenever there is more time or a better machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kinscope.core.errors import SettingsError
from kinscope.core.files import write_atomic
from kinscope.workflow.events import Event
from kinscope.workflow.machine import runner_of
from kinscope.workflow.rundir import STUDY_FILE, StudyFile, locked, open_existing
from kinscope.workflow.settings import Extension, with_changes
from kinscope.workflow.study import go_on_with, resume_study


def extend_study(
    directory: Path,
    length_ns: float,
    *,
    engine: str | None = None,
    cores: int | None = None,
    listener: Callable[[Event], None] | None = None,
) -> StudyFile:
    """Continue every replica of a run directory to a length; a finished study gets a new report.

    The study's own choice of what steps replicas holds unless ``engine`` says another. Given the same length
    again it goes on where it was stopped.

    Raises
    ------
    RunDirectoryError
        If the directory holds no study, or is in use.
    SettingsError
        If the study has no dynamics, or is that long already.
    ComputationError
        If nothing could be finished.
    """
    with locked(directory):
        study = _noted(open_existing(directory), directory, length_ns, engine)
    if (directory / "result.json").exists():
        resume_study(directory, cores=cores, listener=listener)
    else:
        go_on_with(study, directory, lambda planner: planner.replica_steps(), cores=cores, listener=listener)
    return study


def _noted(study: StudyFile, directory: Path, length_ns: float, engine: str | None) -> StudyFile:
    """The study with the length among its extensions, written down."""
    dynamics = study.settings.dynamics
    if dynamics.budget_minutes == 0:
        raise SettingsError(
            "This study has no dynamics to make longer.",
            where=str(directory),
            remedy="Run one with dynamics: kinscope simulate, or kinscope assess with --md-minutes.",
        )
    lengths = [extension.length_ns for extension in dynamics.extensions]
    if dynamics.budget_minutes is None:
        lengths.insert(0, dynamics.length_ns)
    if dynamics.extensions and lengths[-1] == length_ns:
        return study
    if lengths and length_ns <= lengths[-1]:
        raise SettingsError(
            f"The replicas of this study are {lengths[-1]:g} ns long already, or will be.",
            where=f"--length-ns {length_ns:g}",
            remedy=f"Give a greater length, or finish it with: kinscope resume {directory}",
        )
    wanted = with_changes(study.settings, dynamics={"engine": engine}) if engine else study.settings
    on = runner_of(wanted.dynamics)
    extension = Extension(length_ns=length_ns, gpu=on == "gpu", gromacs=on == "gromacs")
    longer = dynamics.model_copy(update={"extensions": (*dynamics.extensions, extension)})
    settings = study.settings.model_copy(update={"dynamics": longer})
    study = study.model_copy(update={"settings": settings})
    write_atomic(directory / STUDY_FILE, study.model_dump_json(indent=1))
    return study
