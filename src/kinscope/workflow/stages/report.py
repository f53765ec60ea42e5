"""Evidence, verdicts, and the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from kinscope.core.errors import ComputationError
from kinscope.core.files import write_atomic
from kinscope.evidence import lookup
from kinscope.interpretation import assess
from kinscope.interpretation.findings import left_out
from kinscope.interpretation.model import Measurements, StepProvenance, StudyResult
from kinscope.report import (
    DifferenceTrack,
    ModelFile,
    PoseFile,
    ReportFiles,
    export_tables,
    render_report,
    result_schema,
    write_figures,
    write_result_json,
)
from kinscope.targets import TargetPack
from kinscope.targets.loader import crystal_flexibility
from kinscope.trajectories.reference import ReferenceDynamics, reference_dynamics
from kinscope.variants.model import Variant
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.store import read_record
from kinscope.workflow.machine import library_versions, own_references
from kinscope.workflow.planning.user_state import study_pack
from kinscope.workflow.publication import commands_again
from kinscope.workflow.settings import StudySettings
from kinscope.workflow.stages.files import MEASUREMENTS, TRACKS, model_file, read_records


def write_report(context: StepContext) -> None:
    """Interpret the measurements beside the evidence and write everything a person opens."""
    pack = study_pack(context.parameters)
    variant = Variant.model_validate(context.parameters["variant"])
    measurements = Measurements.model_validate_json(context.input("measurements", MEASUREMENTS).read_bytes())
    evidence = lookup(variant, pack)
    settings = context.parameters["settings"]
    assessment = assess(variant, measurements, evidence, pack, crystal_flexibility(pack))
    skipped = [left_out(text, pack) for text in context.parameters["skipped"]]
    result = StudyResult(
        kinscope_version=context.parameters["kinscope_version"],
        created=context.parameters["created"],
        target=pack.gene,
        variant=variant,
        preset=settings["preset"],
        settings=settings,
        measurements=measurements,
        evidence=evidence,
        assessment=assessment.model_copy(update={"limits": (*skipped, *assessment.limits)}),
        versions=library_versions(),
        provenance=tuple(_provenance(context)),
    )
    context.progress(0.3, "figures")
    files = _report_files(context, pack, variant)
    write_result_json(result, context.output / "result.json")
    write_atomic(context.output / "result.schema.json", json.dumps(result_schema(), indent=1) + "\n")
    export_tables(result, context.output / "tables")
    write_figures(result, files, context.output / "figures")
    context.progress(0.7, "page")
    render_report(result, files, context.output / "report.html")


def _provenance(context: StepContext) -> list[StepProvenance]:
    steps = []
    for role in sorted(context.inputs):
        record = read_record(context.inputs[role])
        if record is not None:
            steps.append(
                StepProvenance(
                    step=record.step,
                    label=record.label,
                    key=record.key,
                    reused=role in context.reused,
                    seed=record.seed,
                    wall_seconds=record.wall_seconds,
                    platform=record.platform,
                )
            )
    return steps


def _report_files(context: StepContext, pack: TargetPack, variant: Variant) -> ReportFiles:
    models, poses = [], []
    for role, directory in sorted(context.inputs.items()):
        stage, *about = role.split("/")
        if stage in ("native", "mutant"):
            who = "native" if stage == "native" else variant.short
            number = 0
            while (path := model_file(directory, number)).exists():
                models.append(ModelFile(state=about[0], variant=who, alternative=number, path=path))
                number += 1
        elif stage == "docking":
            home = context.inputs.get(f"pose/{about[1]}", pack.directory / "poses")
            poses.extend(_pose_files(pack, about[0], about[1], directory, home))
    tracks = read_records(context.input("measurements", TRACKS), DifferenceTrack)
    return ReportFiles(
        regions=pack.regions,
        states=pack.states,
        drugs=pack.drugs,
        protein_length=len(pack.transcript.protein),
        other_numbering=pack.isoforms[0].title if pack.isoforms else "",
        assembly=pack.transcript.assembly,
        coding_sequence=bool(pack.transcript.cds),
        models=tuple(models),
        poses=tuple(poses),
        difference_tracks=tuple(tracks),
        reference=_references(pack, variant),
        commands=commands_again(variant, StudySettings.model_validate(context.parameters["settings"])),
    )


def _references(pack: TargetPack, variant: Variant) -> tuple[ReferenceDynamics, ...]:
    """Dynamics of the variant computed earlier; one that cannot be read costs the report nothing else."""
    try:
        return reference_dynamics(pack, variant.hgvs_p, (own_references(),))
    except ComputationError:
        return ()


def _pose_files(pack: TargetPack, side: str, drug: str, directory: Path, home: Path) -> list[PoseFile]:
    state = pack.drug(drug).state
    role: Literal["native", "mutant"] = "native" if side == "native" else "mutant"
    found = [PoseFile(drug=drug, state=state, role=role, path=directory / "poses_0.sdf")]
    if side == "native":
        found.append(PoseFile(drug=drug, state=state, role="reference", path=home / f"{drug}.sdf"))
    return found
