"""The dynamics of a run directory, analysed and kept as a reference that others can be shown."""

from __future__ import annotations

from pathlib import Path

from kinscope.core.errors import BadInputError
from kinscope.core.files import named_faults, write_atomic
from kinscope.dynamics.records import REPLICA_RECORD_FILE, ReplicaRecord
from kinscope.interpretation.model import Measurements
from kinscope.interpretation.words.say import say
from kinscope.report.tables import reference_tables
from kinscope.targets import load_target
from kinscope.trajectories.reference import (
    ReferenceDynamics,
    ReferenceReplica,
    ReferenceSystem,
    write_reference,
)
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import Store
from kinscope.workflow.machine import find_gpus, library_versions, machine_words
from kinscope.workflow.planning.catalogue import STAGES
from kinscope.workflow.planning.study import pack_digest
from kinscope.workflow.rundir import StudyFile
from kinscope.workflow.stages.files import MEASUREMENTS
from kinscope.workflow.study import Run, plan_of, study_of
from kinscope.workflow.trajectory_run import finished_replicas

_PARTS = ("native", "mutant")


def export_reference(
    directory: Path, folder: Path, *, created: str, tables: Path | None = None
) -> tuple[ReferenceDynamics, Path]:
    """Analyse the finished replicas of a run directory and write a reference of this ISO date into a folder.

    Nothing is simulated: what is not finished is left out. Ligands of the user's stay private. The folder
    ``tables`` gets the same as CSV files.

    Raises BadInputError if native and variant have no finished replica in a common system, or nothing can be
    written.
    """
    study, steps, store = plan_of(directory)
    replicas = _replicas(steps, store, study)
    chosen = _measuring(replicas, study)
    found, outcome = Run(study, directory, cores=1).stage(lambda _: {MEASUREMENTS: chosen})
    for error in outcome.failed.values():
        raise error
    measured = Measurements.model_validate_json((found[MEASUREMENTS] / MEASUREMENTS).read_bytes())
    reference = _reference(study, replicas, measured, store, created)
    with named_faults("The folder of the reference", folder):
        path = write_reference(reference, folder)
        for name, text in reference_tables(reference).items() if tables is not None else ():
            (tables or folder).mkdir(parents=True, exist_ok=True)
            write_atomic((tables or folder) / name, text)
    return reference, path


def _replicas(steps: list[Step], store: Store, study: StudyFile) -> dict[str, Step]:
    """The finished replicas by role, of systems that have them on both sides."""
    own = {ligand.id for ligand in study.settings.dynamics.own_ligands}
    by_system: dict[str, dict[str, Step]] = {}
    for step in finished_replicas(steps, store):
        ligand = str(step.parameters.get("ligand") or "")
        if ligand in own:
            continue
        record = ReplicaRecord.model_validate_json((store.path(step) / REPLICA_RECORD_FILE).read_bytes())
        if record.status != "finished" or record.frames < 2:
            continue
        side = "native" if step.parameters["variant"] == "native" else "mutant"
        stage, about = ("bound", ligand) if ligand else ("replica", str(step.parameters["state"]))
        role = f"{stage}/{side}/{about}/{step.parameters['replica']}"
        by_system.setdefault(f"{stage}/{about}", {})[role] = step
    whole = {
        role: step
        for roles in by_system.values()
        if {role.split("/")[1] for role in roles} == set(_PARTS)
        for role, step in roles.items()
    }
    if not whole:
        raise BadInputError(
            "This run holds no system with finished replicas of native and variant.",
            where=study.variant.short,
            remedy="Finish it with kinscope resume, or run kinscope simulate.",
        )
    return whole


def _measuring(replicas: dict[str, Step], study: StudyFile) -> Step:
    """The step that measures just these trajectories."""
    made = study_of(study)
    return Step(
        STAGES["measurements"],
        f"dynamics of {study.variant.short} and native, compared",
        made.parameters(variant=study.variant.model_dump(mode="json"), **made.user_state()),
        replicas,
        cost_seconds=30,
    )


def _reference(
    study: StudyFile, replicas: dict[str, Step], measured: Measurements, store: Store, created: str
) -> ReferenceDynamics:
    pack = load_target(study.settings.target)
    dynamics = study.settings.dynamics
    versions = library_versions()
    states = {profile.state for profile in measured.profiles} | {one.state for one in measured.trajectories}
    labels = {state.id: state.label for state in pack.states if state.id in states}
    return ReferenceDynamics(
        target=pack.gene,
        pack_sha256=pack_digest(pack),
        variant=study.variant.short,
        hgvs_p=study.variant.hgvs_p,
        preset=study.settings.preset,
        created=created,
        kinscope_version=versions["kinscope"],
        versions=versions,
        machine=machine_words(find_gpus()),
        solvation=dynamics.solvation,
        protocol=dynamics.protocol,
        seed=study.settings.seed,
        state_labels=labels,
        replicas=tuple(_replica(step, store) for _, step in sorted(replicas.items())),
        profiles=measured.profiles,
        regions=measured.regions,
        systems=tuple(
            ReferenceSystem.model_validate(one, from_attributes=True) for one in measured.trajectories
        ),
        state_mobility=measured.state_mobility,
        failed=tuple(
            f"{one.variant}, {one.state}, replica {one.replica + 1}: {one.note}"
            for one in measured.simulations
            if one.status == "failed"
        ),
    )


def _replica(step: Step, store: Store) -> ReferenceReplica:
    record = ReplicaRecord.model_validate_json((store.path(step) / REPLICA_RECORD_FILE).read_bytes())
    own = {name: getattr(record, name) for name in ReferenceReplica.model_fields if hasattr(record, name)}
    about = {name: str(step.parameters.get(name) or "") for name in ("state", "variant", "ligand")}
    platform = f"{record.platform.label} ({say(record.platform.reason)})"
    return ReferenceReplica.model_validate(own | about | {"platform": platform})
