"""Several variants studied alike, as a file says: planned before anything starts, run, or for Snakemake."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import Field

from kinscope.core.errors import SettingsError
from kinscope.core.files import read_text, write_atomic
from kinscope.core.records import Record, Settings
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.targets import load_target, target_reference
from kinscope.targets.pack import TargetPack
from kinscope.variants import parse_variant
from kinscope.workflow.engine.processes import WORKER
from kinscope.workflow.engine.schedule import Schedule
from kinscope.workflow.engine.step import Step, in_order
from kinscope.workflow.engine.store import ARTEFACT_FILE, Store, default_cache
from kinscope.workflow.packs.native_results import shipped_store
from kinscope.workflow.planning.catalogue import REPLICA_STAGES
from kinscope.workflow.planning.plan import plan_study
from kinscope.workflow.rundir import note_pace
from kinscope.workflow.settings import StudySettings, checked_content, load_preset, merged, settings_mapping
from kinscope.workflow.study import Run, Where

_ATOMS_PER_RESIDUE = 16
_BYTES_PER_ATOM_AND_FRAME = 4.0
_BYTES_OF_A_BOX = 15e6
_BYTES_OF_ANOTHER = 5e5


class Campaign(Settings):
    """A study file: variants, the settings they share, and what differs for some."""

    include: tuple[str, ...] = Field(default=(), max_length=20)
    """Study files beside this one, taken first; what this one says holds."""
    variants: tuple[str, ...] = Field(min_length=1, max_length=2000)
    settings: StudySettings = StudySettings()
    """What differs from the preset they name, as `kinscope settings` prints them."""
    overrides: dict[str, StudySettings] = Field(default={}, max_length=2000)
    """Settings of single variants, by the name they have above; what they do not say is as above."""


class Outlook(Record):
    """What one stage of a campaign takes, before anything starts."""

    stage: str
    steps: int
    cached: int
    cpu_hours: float
    gpu_hours: float
    gigabytes: float
    """Of what is not there yet."""


def read_campaign(name: str) -> Campaign:
    """A study file, or one that ships (``paper``).

    Raises BadInputError if it cannot be read, is no YAML mapping, or holds something unknown or impossible.
    """
    shipped = resources.files("kinscope.workflow") / "studies" / f"{name}.yaml"
    path = Path(str(shipped)) if "/" not in name and shipped.is_file() else Path(name)
    given = _with_included(path, ())
    said, own = given.get("settings", {}), given.get("overrides", {})
    preset = said.get("preset", "quick") if isinstance(said, dict) else "quick"
    settings = merged(load_preset(str(preset)).model_dump(), said)
    if isinstance(own, dict) and isinstance(settings, dict):
        own = {name: merged(settings, changes) for name, changes in own.items()}
    campaign = checked_content(Campaign, given | {"settings": settings, "overrides": own}, str(path))
    for stray in campaign.overrides.keys() - set(campaign.variants):
        raise SettingsError(
            f"{stray[:40]!r} is overridden, but is none of the variants.", where=f"{path}: overrides"
        )
    return campaign


def _with_included(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in above:
        raise SettingsError("A study file includes itself.", where=str(path))
    given = settings_mapping(read_text(path, remedy="`kinscope plan paper` takes one that ships."), str(path))
    whole: dict[str, Any] = {}
    names = given.get("include", ())
    for name in names if isinstance(names, list) else ():
        whole = merged(whole, _with_included(path.parent / str(name), (*above, path.resolve())))
    found: dict[str, Any] = merged(whole, given)
    return found


def runs_of(campaign: Campaign, out: Path, cores: Where = None) -> Iterator[Run]:
    """The run of each variant, in a directory of its own below ``out``; nothing is written yet.

    Raises BadInputError if a variant or its settings cannot be used.
    """
    for text in campaign.variants:
        settings = campaign.overrides.get(text, campaign.settings)
        settings = settings.model_copy(update={"target": target_reference(settings.target)})
        variant = parse_variant(text, load_target(settings.target))
        yield Run.begin(variant, settings, out / f"kinscope-{variant.slug}", cores=cores)


def outlook(campaign: Campaign, out: Path, cores: Where = None) -> tuple[list[Outlook], float]:
    """What every stage takes that is not there yet, and the hours until all is done where it would run."""
    steps: dict[str, Step] = {}
    done: set[str] = set()
    capacity: Mapping[str, int] = {"cpu": 1}
    rows: dict[str, list[float]] = {}
    cache = Store(default_cache() / "artefacts")
    for run in runs_of(campaign, out, cores):
        study, capacity = run.likely(), run.capacity
        for step in in_order([plan_study(study).report]):
            if step.key in steps:
                continue
            steps[step.key] = step
            stores = (run.store, *((shipped_store(study.pack), cache) if step.cached else ()))
            row = rows.setdefault(step.name, [0.0] * 5)
            row[0] += 1
            if any(store.adopt(step, final=True) for store in stores):
                done.add(step.key)
                row[1] += 1
                continue
            row[3 if step.resource == "gpu" and study.pace.on == "gpu" else 2] += step.cost_seconds / 3600
            row[4] += _bytes(step, study.pack) / 1e9
    left = Schedule(list(steps.values()), done, capacity).seconds_left({}) / 3600
    found = [
        Outlook(stage=name, steps=int(n), cached=int(had), cpu_hours=cpu, gpu_hours=gpu, gigabytes=size)
        for name, (n, had, cpu, gpu, size) in rows.items()
    ]
    return found, left


def _bytes(step: Step, pack: TargetPack) -> float:
    """About what an artefact takes on the disk; of a replica by its frames."""
    steps = step.parameters.get("production_steps")
    if step.name not in REPLICA_STAGES or not steps:
        return _BYTES_OF_A_BOX if step.name.startswith("solvated") else _BYTES_OF_ANOTHER
    state = pack.state(step.parameters["state"])
    atoms = _ATOMS_PER_RESIDUE * (state.last_residue - state.first_residue + 1)
    frames = plan_steps(ProtocolSettings.model_validate(step.parameters["protocol"]), steps).frames
    return atoms * _BYTES_PER_ATOM_AND_FRAME * frames


def write_snakefile(campaign: Campaign, out: Path, cores: Where = None) -> Path:
    """A Snakefile below ``out`` whose outputs are the artefacts of every run, with a job for each step.

    What several runs need is made in the first. What it has run, `kinscope resume` adopts and lays out.

    Raises SettingsError if replicas are given minutes instead of a length.
    """
    rules, reports, made = [], [], dict[str, str]()
    for run in runs_of(campaign, out, cores):
        study = run.likely()
        if study.dynamics_states and study.share_seconds is not None and study.pace.steps is None:
            raise SettingsError(
                "A Snakefile needs replicas of a set length; these have a budget of minutes.",
                where="settings.dynamics.budget_minutes",
                remedy="Set it to null, and dynamics.length_ns to a length.",
            )
        run.settle_in()
        if study.dynamics_states:
            note_pace(run.directory, study.pace)
        report = plan_study(study).report
        driver = run.driver(None)
        for step, work in driver.prepare([report]):
            record, gpu = _record_of(driver.store, step), step.resource == "gpu" == study.pace.on
            needed = [_record_of(driver.store, source) for source in step.inputs.values()]
            words = [sys.executable, "-m", WORKER, str(work.resolve())]
            if (first := made.setdefault(step.key, record)) != record:
                needed, gpu = [first], False
                words = ["cp", "-R", f"{Path(first).parent}/.", str(Path(record).parent)]
            rules.append(
                f"rule {step.name.replace('-', '_')}_{run.held.variant.slug}_{step.key[:20]}:\n"
                f"    input: {', '.join(f'ancient({path!r})' for path in needed)}\n"
                f"    output: {record!r}\n"
                f"    resources: gpu={int(gpu)}\n"
                f"    message: {step.label!r}\n"
                f"    shell: {shlex.join(words)!r}\n"
            )
        reports.append(_record_of(driver.store, report))
    path = out / "Snakefile"
    write_atomic(path, "\n".join([f"rule all:\n    input: {reports!r}\n", *rules]))
    return path


def _record_of(store: Store, step: Step) -> str:
    return str((store.path(step) / ARTEFACT_FILE).resolve())
