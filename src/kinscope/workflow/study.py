"""A study from start to end: plan it, run it, lay its results out for people, make its dynamics longer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kinscope.core.errors import ComputationError, SettingsError
from kinscope.dynamics.machine.devices import Packing
from kinscope.dynamics.protocol import steps_within
from kinscope.dynamics.records import SPEED_FILE, SpeedRecord
from kinscope.dynamics.systems.shipped import expected_volume
from kinscope.interpretation.model import StudyResult
from kinscope.report.front import COLUMNS, front_page
from kinscope.structures.user.file import UserFile
from kinscope.targets import load_target
from kinscope.variants.model import Variant
from kinscope.workflow.answer import lay_out_answer
from kinscope.workflow.engine.cluster import Cluster, ClusterFile
from kinscope.workflow.engine.driver import Driver, Engine, Event, Outcome
from kinscope.workflow.engine.processes import Processes
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.engine.store import Store, default_cache
from kinscope.workflow.machine import find_gpus, packing_of, runner_of, speed_conditions
from kinscope.workflow.packs.native_results import shipped_store
from kinscope.workflow.planning.dynamics import replica_steps, speed
from kinscope.workflow.planning.plan import Plan, plan_study
from kinscope.workflow.planning.study import ONE_AT_ONCE, Pace, Study
from kinscope.workflow.planning.user_state import keep_structure, take_structure
from kinscope.workflow.publication import REPORT_FILE, RESULT_FILE, publish_results, read_result
from kinscope.workflow.rundir import (
    StudyFile,
    agreed,
    locked,
    new_study,
    note_pace,
    noted_pace,
    open_existing,
    open_or_create,
    write_study,
)
from kinscope.workflow.settings import Extension, Runner, StudySettings, with_changes

Listener = Callable[[Event], None]
Where = int | ClusterFile | None
"""Where steps run: on so many cores of this machine, on a cluster's, or on all that are here."""
_EARLY_SECONDS = 300.0


@dataclass(frozen=True, repr=False)
class Finished:
    """What a study left behind."""

    directory: Path
    outcome: Outcome
    plan: Plan

    @property
    def complete(self) -> bool:
        """Whether every step succeeded."""
        return not self.outcome.failed and not self.outcome.skipped

    @cached_property
    def result(self) -> StudyResult:
        """Everything measured and concluded, as in ``result.json``."""
        return read_result(self.directory)[0]

    @property
    def verdicts(self) -> Any:
        """A row a drug."""
        return self.table("verdicts")

    @property
    def evidence(self) -> Any:
        """A row an item of evidence."""
        return self.table("evidence")

    @property
    def docking(self) -> Any:
        """A row a docked drug."""
        return self.table("docking")

    def table(self, name: str) -> Any:
        """A table of the run's ``tables/``: a data frame where pandas is there, else a pyarrow table."""
        import pyarrow.parquet as parquet

        found = parquet.read_table(self.directory / "tables" / f"{name}.parquet")
        found = found.drop_columns(["run_variant", "run_sha256"])
        with suppress(ImportError):
            return found.to_pandas()
        return found

    def __repr__(self) -> str:
        """One line."""
        return f"{self.result!r} {self.directory / REPORT_FILE}"

    def _repr_html_(self) -> str:
        """The table of page one, for a notebook."""
        from markupsafe import Markup

        page = front_page(self.result, load_target(str(self.result.settings["target"])))
        cell = Markup("<td>{}</td>")
        head = Markup("").join(
            Markup("<th>{}</th>").format(name) for name in ("drug", "verdict", "", *COLUMNS)
        )
        rows = Markup("").join(
            Markup("<tr>{}</tr>").format(
                Markup("").join(map(cell.format, (line.name, line.verdict, line.sure, *line.cells)))
            )
            for line in page.drugs
        )
        return Markup("<table><caption>{}</caption><tr>{}</tr>{}</table>").format(page.title, head, rows)


def assess_variant(
    variant: Variant,
    settings: StudySettings,
    directory: Path,
    *,
    structure: Path | None = None,
    cores: Where = None,
    listener: Listener | None = None,
) -> Finished:
    """Run the study of a variant in a directory, going on with whatever is finished there.

    ``structure`` is a structure of the user's, which becomes the state ``user`` of the study, read as
    ``settings.structure`` says; the run directory keeps a copy of it. ``cores``: where its steps run.

    Raises RunDirectoryError if the directory is in use or holds something else; ComputationError if so much
    failed that there is no report; everything finished is kept.
    """
    return Run.begin(variant, settings, directory, structure=structure, cores=cores).finish(listener)


def resume_study(directory: Path, *, cores: Where = None, listener: Listener | None = None) -> Finished:
    """Go on with the study of a run directory, there or elsewhere.

    Raises RunDirectoryError if it is none, or is in use.
    """
    return Run(open_existing(directory), directory, cores=cores).finish(listener)


def extend_study(
    directory: Path,
    length_ns: float,
    *,
    engine: str | None = None,
    cores: Where = None,
    listener: Listener | None = None,
) -> StudyFile:
    """Continue every replica of a run directory to a length; a finished study gets a new report.

    The study's own choice of what steps replicas holds unless ``engine`` says another. Given the same length
    again it goes on where it was stopped.

    Raises RunDirectoryError if the directory holds no study, or is in use; SettingsError if the study has no
    dynamics, or is that long already; ComputationError if nothing could be finished.
    """
    with locked(directory):
        held = _extended(open_existing(directory), directory, length_ns, engine)
    if (directory / RESULT_FILE).exists():
        resume_study(directory, cores=cores, listener=listener)
    else:
        Run(held, directory, cores=cores).stage(replica_steps, listener)
    return held


def plan_of(directory: Path) -> tuple[StudyFile, list[Step], Store]:
    """The steps of a run directory's study and its store, for `kinscope status`."""
    run = Run(open_existing(directory), directory)
    return run.held, in_order([plan_study(run.likely()).report]), run.store


def study_of(held: StudyFile, pace: Pace | Callable[[Study], Pace] = ONE_AT_ONCE) -> Study:
    """A run directory's study, to be planned."""
    return Study(
        load_target(held.settings.target),
        held.variant,
        held.settings,
        structure=held.structure,
        pace=pace,
        created=held.created,
    )


def default_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


class Run:
    """A study in its directory, on this machine's cores and devices or on a cluster; planned once.

    ``held`` is the study as the directory holds it or will: that is made when something starts, and the
    user's structure ``file`` kept in it.
    """

    def __init__(
        self, held: StudyFile, directory: Path, *, file: UserFile | None = None, cores: Where = None
    ) -> None:
        self.held = held
        self.directory = directory
        self.file = file
        self.store = Store(directory / "artefacts")
        self.cluster = Cluster(cores, directory) if isinstance(cores, ClusterFile) else None
        self.cores = default_cores() if cores is None or isinstance(cores, ClusterFile) else cores
        self.devices = find_gpus() if self.cluster is None else ()
        self.study = study_of(held, self._pace)
        self._packing = Packing()
        self._asked: Pace | None = None

    @classmethod
    def begin(
        cls,
        variant: Variant,
        settings: StudySettings,
        directory: Path,
        *,
        structure: Path | None = None,
        cores: Where = None,
    ) -> Run:
        """The run of a variant in a directory, as in :func:`assess_variant`.

        Nothing is written yet: what cannot be modelled leaves no directory behind.
        """
        file, state = None, None
        if structure is not None:
            file, settings, state = take_structure(structure, settings, load_target(settings.target), variant)
        return cls(agreed(directory, new_study(variant, settings, state)), directory, file=file, cores=cores)

    def finish(self, listener: Listener | None = None, first: StudyResult | None = None) -> Finished:
        """The whole study, with its report, which is replaced as results come; raises as ``assess_variant``.

        ``first``: a first answer, laid out before anything is computed where there is no result yet.
        """
        plan_study(self.study)
        self.settle_in()
        with locked(self.directory), self._at_work():
            if first is not None:
                lay_out_answer(self.directory, first, self.held.settings, self.study.pack)
            early = plan_study(self.study, early=True)
            if self._takes_long(early):
                self._report(early, listener)
            self._buy_steps(listener)
            plan = plan_study(self.study)
            outcome = self._report(plan, listener)
            if plan.report.key not in outcome.done:
                raise _failure(outcome, self.directory)
        return Finished(self.directory, outcome, plan)

    def _report(self, plan: Plan, listener: Listener | None) -> Outcome:
        outcome = self._bring_about([plan.report], listener)
        if plan.report.key in outcome.done:
            publish_results(self.directory, plan.report, self.store, outcome, self.study.variant)
        return outcome

    def _takes_long(self, early: Plan) -> bool:
        """Whether what comes after an early report is worth one: minutes that are still to be spent."""
        known = {step.key for step in in_order([early.report])}
        rest = [step for step in in_order([plan_study(self.study).report]) if step.key not in known]
        wait = sum(step.cost_seconds for step in rest if self.store.find(step) is None) / max(
            self.capacity.values()
        )
        return wait > _EARLY_SECONDS

    def stage(
        self,
        choose: Callable[[Study], dict[Any, Step]],
        listener: Listener | None = None,
        *,
        keep: Callable[[Store], None] | None = None,
    ) -> tuple[dict[Any, Path], Outcome]:
        """Some steps alone, with what they need: their artefacts' directories by the names chosen.

        The same directory may later become a whole study with `kinscope resume`. ``keep`` puts files of the
        user's into the run's store before anything starts.

        Raises RunDirectoryError if the directory is in use or cannot be made; ComputationError if nothing
        could be finished.
        """
        steps = choose(self.study)
        self.settle_in()
        if keep is not None:
            keep(self.store)
        with locked(self.directory), self._at_work():
            if self._buy_steps(listener):
                steps = choose(self.study)
            outcome = self._bring_about(list(steps.values()), listener)
            if steps and not outcome.done:
                raise _failure(outcome, self.directory)
        done = {name: self.store.path(step) for name, step in steps.items() if step.key in outcome.done}
        return done, outcome

    def settle_in(self) -> None:
        """Make the directory, with the study and the user's structure in it."""
        open_or_create(self.directory, self.held)
        if self.file is not None:
            keep_structure(self.store, self.held.settings, self.file)

    def _buy_steps(self, listener: Listener | None) -> bool:
        """Turn a budget of time into a number of steps, once: both sides are as long, and stay so.

        Nothing to do where no replica is planned, its length is set, or it was done before; where the speed
        cannot be measured, what failed is told by the plan's own steps. Whether the study is another now.
        """
        pace, share = self._asked, self._asked and self.study.share_seconds
        if pace is None or share is None or pace.steps is not None:
            return False
        step = speed(self.study)
        if step.key not in self._bring_about([step], listener).done:
            return False
        found = SpeedRecord.model_validate_json((self.store.path(step) / SPEED_FILE).read_bytes())
        bought = steps_within(found, share, self.study.settings.dynamics.protocol)
        note_pace(self.directory, pace._replace(steps=bought))
        self.study = study_of(self.held, self._pace)
        return True

    def _bring_about(self, targets: list[Step], listener: Listener | None) -> Outcome:
        if self._asked is not None:
            note_pace(self.directory, self._asked)
        return self.driver(listener).run(targets)

    def driver(self, listener: Listener | None) -> Driver:
        """What runs steps in the directory."""
        return Driver(
            self.directory,
            Store(default_cache() / "artefacts"),
            self._engine(),
            shipped=shipped_store(self.study.pack),
            listener=listener,
        )

    def likely(self) -> Study:
        """The study as it would run, to be looked at: nothing is measured for it."""
        if self.cluster is not None:
            return study_of(self.held, self._pace)
        return study_of(self.held, lambda _: noted_pace(self.directory) or _likely_pace(self.held))

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Jobs of a cluster are kept from step to step, and given back at the end."""
        try:
            yield
        finally:
            if self.cluster is not None:
                self.cluster.cancel()

    @property
    def capacity(self) -> Mapping[str, int]:
        """How many steps run at once by resource."""
        return self._engine().capacity

    def _engine(self) -> Engine:
        return self.cluster or Processes(self.cores, self.devices, self._packing.replicas_per_device)

    def _pace(self, study: Study) -> Pace:
        """As the study was begun, else as this machine or cluster does best."""
        dynamics = study.settings.dynamics
        if self.cluster is not None:
            gromacs = dynamics.engine == "gromacs"
            on: Runner = "gromacs" if gromacs else "gpu" if self.cluster.file.gpus else "cpu"
            at_once = float(self.capacity.get("gpu") or self.capacity["cpu"])
        else:
            volume, replicas = expected_volume(study.pack), study.trajectories
            self._packing = packing_of(self.devices, dynamics.replicas_per_gpu, volume, replicas=replicas)
            on = runner_of(dynamics)
            at_once = len(self.devices) * self._packing.gain if on == "gpu" else float(self.cores)
        pace = noted_pace(self.directory) or Pace(float(f"{at_once:g}"), on)
        machine = self.cluster.file.words() if self.cluster is not None else speed_conditions(pace.on)
        self._asked = pace._replace(machine=machine)
        return self._asked


def _likely_pace(held: StudyFile) -> Pace:
    """How replicas would be run here, without measuring how many share a device."""
    on = runner_of(held.settings.dynamics)
    workers = float(len(find_gpus()) if on == "gpu" else default_cores())
    return Pace(workers, on, machine=speed_conditions(on))


def _extended(held: StudyFile, directory: Path, length_ns: float, engine: str | None) -> StudyFile:
    """The study with the length among its extensions, written down."""
    dynamics = held.settings.dynamics
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
        return held
    if lengths and length_ns <= lengths[-1]:
        raise SettingsError(
            f"The replicas of this study are {lengths[-1]:g} ns long already, or will be.",
            where=f"--length-ns {length_ns:g}",
            remedy=f"Give a greater length, or finish it with: kinscope resume {directory}",
        )
    wanted = with_changes(held.settings, dynamics={"engine": engine}) if engine else held.settings
    on = runner_of(wanted.dynamics)
    extension = Extension(length_ns=length_ns, gpu=on == "gpu", gromacs=on == "gromacs")
    longer = dynamics.model_copy(update={"extensions": (*dynamics.extensions, extension)})
    held = held.model_copy(update={"settings": held.settings.model_copy(update={"dynamics": longer})})
    write_study(directory, held)
    return held


def _failure(outcome: Outcome, directory: Path) -> ComputationError:
    first = next(iter(outcome.failed.values()), None)
    return ComputationError(
        "The study could not be finished: " + (first.what if first else "nothing could be run."),
        where=first.where if first else str(directory),
        remedy=first.remedy if first else "",
    )
