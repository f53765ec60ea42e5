"""Evidence, verdicts, and the report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from kinscope.core.files import write_atomic
from kinscope.interpretation.model import Measurements, StepProvenance
from kinscope.interpretation.motion import spoken
from kinscope.report.export import export_tables, result_schema, result_text, write_claims
from kinscope.report.figures import write_figures
from kinscope.report.files import DifferenceTrack, ModelFile, MovingFiles, PoseFile, ReportFiles
from kinscope.report.page import render_report
from kinscope.report.plots.scenes import write_scenes
from kinscope.targets import TargetPack
from kinscope.variants.model import Variant
from kinscope.workflow.answer import interpreted
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.store import read_record
from kinscope.workflow.machine import library_versions
from kinscope.workflow.planning.user_state import study_pack
from kinscope.workflow.publication import commands_again
from kinscope.workflow.settings import StudySettings
from kinscope.workflow.stages.files import MEASUREMENTS, TRACKS, model_file, read_records


def write_report(context: StepContext) -> None:
    """Interpret the measurements beside the evidence and write everything a person opens."""
    pack = study_pack(context.parameters)
    variant = Variant.model_validate(context.parameters["variant"])
    settings = StudySettings.model_validate(context.parameters["settings"])
    measurements = Measurements.model_validate_json(context.input("measurements", MEASUREMENTS).read_bytes())
    result = interpreted(
        variant, settings, pack, measurements, skipped=tuple(context.parameters["skipped"])
    ).model_copy(
        update={
            "kinscope_version": context.parameters["kinscope_version"],
            "created": context.parameters["created"],
            "versions": library_versions(),
            "provenance": tuple(_provenance(context)),
        }
    )
    context.progress(0.3, "figures")
    files = _report_files(context, pack, variant, settings)
    moving = tuple(_moving_files(context, files.models, variant, measurements))
    files = files.model_copy(update={"moving": moving})
    text = result_text(result)
    write_atomic(context.output / "result.json", text)
    write_atomic(context.output / "result.schema.json", json.dumps(result_schema(), indent=1) + "\n")
    write_claims(result, context.output)
    export_tables([(result, text)], context.output / "tables")
    write_figures(result, files, context.output / "figures")
    context.progress(0.5, "pictures")
    files = files.model_copy(update={"pictures": write_scenes(variant, files, context.output / "figures")})
    context.progress(0.9, "page")
    render_report(result, files, pack, context.output / "report.html")


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


def _report_files(
    context: StepContext, pack: TargetPack, variant: Variant, settings: StudySettings
) -> ReportFiles:
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
    docked = {pose.drug for pose in poses}
    states = {model.state for model in models}
    poses += [
        PoseFile(drug=drug.id, state=drug.state, role="reference", path=path)
        for drug in pack.drugs
        if drug.id not in docked and drug.state in states and drug.binding_type != "natural ligand"
        if (path := pack.directory / "poses" / f"{drug.id}.sdf").is_file()
    ]
    return ReportFiles.of(
        pack,
        models=models,
        poses=poses,
        difference_tracks=read_records(context.input("measurements", TRACKS), DifferenceTrack),
        commands=commands_again(variant, settings),
    )


def _moving_files(
    context: StepContext, models: Sequence[ModelFile], variant: Variant, measurements: Measurements
) -> Iterator[MovingFiles]:
    """The replicas that may be shown: of one system a state, the apo one where there is one."""
    native = {one.state: one.path for one in models if one.variant == "native" and one.alternative == 0}
    told = sorted(spoken(measurements).trajectories, key=lambda system: bool(system.ligand))
    for state, system in {one.state: one for one in reversed(told)}.items():
        for side, who in (("native", "native"), ("mutant", variant.short)):
            role = f"bound/{side}/{system.ligand}/" if system.ligand else f"replica/{side}/{state}/"
            replicas = tuple(path for name, path in sorted(context.inputs.items()) if name.startswith(role))
            if replicas and state in native:
                yield MovingFiles(state=state, variant=who, replicas=replicas, model=native[state])


def _pose_files(pack: TargetPack, side: str, drug: str, directory: Path, home: Path) -> list[PoseFile]:
    state = pack.drug(drug).state
    role: Literal["native", "mutant"] = "native" if side == "native" else "mutant"
    found = [PoseFile(drug=drug, state=state, role=role, path=directory / "poses_0.sdf")]
    if side == "native":
        found.append(PoseFile(drug=drug, state=state, role="reference", path=home / f"{drug}.sdf"))
    return found
