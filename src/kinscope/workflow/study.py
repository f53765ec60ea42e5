"""A study from start to end: plan it, run it, lay its results out for people."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinscope.core.errors import ComputationError
from kinscope.core.files import write_atomic
from kinscope.dynamics.devices import Device, Packing
from kinscope.dynamics.shipped import expected_volume
from kinscope.targets import load_target
from kinscope.variants.model import Variant
from kinscope.workflow.engine import LocalEngine, Outcome
from kinscope.workflow.events import Event
from kinscope.workflow.machine import find_gpus, gpu_count, packing_of, runner_of
from kinscope.workflow.native_results import shipped_store
from kinscope.workflow.plan import Plan, Planner
from kinscope.workflow.publication import publish_results
from kinscope.workflow.rundir import StudyFile, locked, open_existing, open_or_create
from kinscope.workflow.settings import Runner, StudySettings
from kinscope.workflow.stages import REPLICA_STAGES
from kinscope.workflow.step import Step, in_order
from kinscope.workflow.store import Store, default_cache
from kinscope.workflow.user_state import keep_structure, take_structure

_WORKERS_FILE = "workers.txt"


@dataclass(frozen=True)
class Finished:
    """What a study left behind."""

    directory: Path
    outcome: Outcome
    plan: Plan

    @property
    def complete(self) -> bool:
        """Whether every step succeeded."""
        return not self.outcome.failed and not self.outcome.skipped


def assess_variant(
    variant: Variant,
    settings: StudySettings,
    directory: Path,
    *,
    structure: Path | None = None,
    cores: int | None = None,
    listener: Callable[[Event], None] | None = None,
) -> Finished:
    """Run the study of a variant in a directory, going on with whatever is finished there.

    ``structure`` is a structure of the user's, which becomes the state ``user`` of the study, read as
    ``settings.structure`` says; the run directory keeps a copy of it.

    Raises
    ------
    RunDirectoryError
        If the directory is in use or holds something else.
    ComputationError
        If so much failed that there is no report; everything finished is kept.
    """
    study = _begin(variant, settings, directory, structure, lambda planner: planner.plan())
    return _run(study, directory, cores, listener)


def resume_study(
    directory: Path, *, cores: int | None = None, listener: Callable[[Event], None] | None = None
) -> Finished:
    """Go on with the study of a run directory.

    Raises
    ------
    RunDirectoryError
        If it is none, or is in use.
    """
    return _run(open_existing(directory), directory, cores, listener)


def plan_of(directory: Path) -> tuple[StudyFile, list[Step], Store]:
    """The steps of a run directory's study and its store, for `kinscope status`."""
    study = open_existing(directory)
    noted = _workers_noted(directory)
    if noted is None:
        on = runner_of(study.settings.dynamics)
        noted = (float(gpu_count() if on == "gpu" else default_cores()), on)
    plan = _planner(study, *noted).plan()
    return study, in_order([plan.report]), Store(directory / "artefacts")


def default_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


def _planner(study: StudyFile, workers: float, on: Runner = "cpu") -> Planner:
    pack = load_target(study.settings.target)
    return Planner(
        pack,
        study.variant,
        study.settings,
        structure=study.structure,
        workers=workers,
        on=on,
        created=study.created,
    )


def _begin(
    variant: Variant,
    settings: StudySettings,
    directory: Path,
    structure: Path | None,
    choose: Callable[[Planner], Any],
) -> StudyFile:
    """The study of a run directory, made if it is new.

    Planning needs no directory: what cannot be modelled leaves none behind.
    """
    file, state = None, None
    if structure is not None:
        file, settings, state = take_structure(structure, settings, load_target(settings.target), variant)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    study = StudyFile(kinscope_version="", created=today, variant=variant, settings=settings, structure=state)
    choose(_planner(study, 1))
    study = open_or_create(directory, variant, settings, today, state)
    if file is not None:
        keep_structure(Store(directory / "artefacts"), study.settings, file)
    return study


def _run(
    study: StudyFile, directory: Path, cores: int | None, listener: Callable[[Event], None] | None
) -> Finished:
    with locked(directory):
        planner, engine = _prepare(study, directory, cores, listener, lambda planner: [planner.plan().report])
        plan = planner.plan()
        outcome = engine.run([plan.report])
        if plan.report.key not in outcome.done:
            raise _failure(outcome, directory)
        publish_results(directory, plan.report, engine.store, outcome, study.variant)
    return Finished(directory, outcome, plan)


def run_stage(
    variant: Variant,
    settings: StudySettings,
    directory: Path,
    choose: Callable[[Planner], dict[Any, Step]],
    *,
    structure: Path | None = None,
    keep: Callable[[Store], None] | None = None,
    cores: int | None = None,
    listener: Callable[[Event], None] | None = None,
) -> tuple[dict[Any, Path], Outcome]:
    """One stage alone, with what it needs: its artefacts' directories by the stage's own names.

    The same run directory may later become a whole study with `kinscope resume`. ``structure`` as in
    :func:`assess_variant`. ``keep`` puts files of the user's into the run's store before anything starts.

    Raises
    ------
    RunDirectoryError
        If the directory is in use or holds something else.
    """
    study = _begin(variant, settings, directory, structure, choose)
    if keep is not None:
        keep(Store(directory / "artefacts"))
    return go_on_with(study, directory, choose, cores=cores, listener=listener)


def go_on_with(
    study: StudyFile,
    directory: Path,
    choose: Callable[[Planner], dict[Any, Step]],
    *,
    cores: int | None = None,
    listener: Callable[[Event], None] | None = None,
) -> tuple[dict[Any, Path], Outcome]:
    """Some steps of the study of a run directory, as :func:`run_stage` gives them."""
    with locked(directory):
        planner, engine = _prepare(
            study, directory, cores, listener, lambda planner: list(choose(planner).values())
        )
        steps = choose(planner)
        outcome = engine.run(list(steps.values()))
    if steps and not outcome.done:
        raise _failure(outcome, directory)
    return {
        name: engine.store.path(step) for name, step in steps.items() if step.key in outcome.done
    }, outcome


def _prepare(
    study: StudyFile,
    directory: Path,
    cores: int | None,
    listener: Callable[[Event], None] | None,
    wanted: Callable[[Planner], list[Step]],
) -> tuple[Planner, LocalEngine]:
    """The planner and the engine of a study, for this machine's cores and devices."""
    cores = cores or default_cores()
    devices = find_gpus()
    pack = load_target(study.settings.target)
    packing = _packing(study, devices, wanted)
    engine = LocalEngine(
        directory,
        Store(default_cache() / "artefacts"),
        shipped=shipped_store(pack),
        cores=cores,
        devices=devices,
        per_device=packing.replicas_per_device,
        listener=listener,
    )
    on = runner_of(study.settings.dynamics) if _simulates(study, wanted) else "cpu"
    at_once = len(devices) * packing.gain if on == "gpu" else float(cores)
    return _planner(study, *_workers_at_start(directory, at_once, on)), engine


def _simulates(study: StudyFile, wanted: Callable[[Planner], list[Step]]) -> bool:
    """Whether any replica is to be run."""
    return any(step.name in REPLICA_STAGES for step in in_order(wanted(_planner(study, 1.0))))


def _packing(
    study: StudyFile, devices: tuple[Device, ...], wanted: Callable[[Planner], list[Step]]
) -> Packing:
    """How many replicas share a device, measured at the size of the study's systems if it has replicas."""
    planner = _planner(study, 1.0, "gpu" if devices else "cpu")
    replicas = sum(step.name in REPLICA_STAGES for step in in_order(wanted(planner))) if devices else 0
    states = planner.dynamics_states() if replicas else ()
    return packing_of(
        devices if replicas else (),
        study.settings.dynamics.replicas_per_gpu,
        expected_volume(planner.pack, states),
        replicas=replicas,
    )


def _failure(outcome: Outcome, directory: Path) -> ComputationError:
    first = next(iter(outcome.failed.values()), None)
    return ComputationError(
        "The study could not be finished: " + (first.what if first else "nothing could be run."),
        where=first.where if first else str(directory),
        remedy=(f"{first.remedy} " if first and first.remedy else "")
        + f"Everything finished is kept; go on with: kinscope resume {directory}",
    )


def _workers_at_start(directory: Path, workers: float, on: Runner) -> tuple[float, Runner]:
    """How many replicas' work was done at once when the study began, and what stepped them.

    Its numbers of steps rest on that, and what it computed on a CPU stays its own when it goes on elsewhere.
    """
    noted = _workers_noted(directory)
    if noted is None:
        write_atomic(directory / _WORKERS_FILE, f"{workers:g}{'' if on == 'cpu' else f' {on}'}\n")
    return noted or (workers, on)


def _workers_noted(directory: Path) -> tuple[float, Runner] | None:
    runners: dict[str, Runner] = {"gpu": "gpu", "gromacs": "gromacs"}
    try:
        number, *on = (directory / _WORKERS_FILE).read_text().split()
        return max(1.0, float(number)), runners.get(" ".join(on), "cpu")
    except (OSError, ValueError):
        return None
