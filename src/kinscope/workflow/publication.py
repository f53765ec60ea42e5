"""Laying a finished study out for people: the report on top, everything else in folders."""

from __future__ import annotations

from pathlib import Path

import yaml

from kinscope.core.files import write_atomic
from kinscope.variants.model import Variant
from kinscope.workflow.again import SETTINGS_FILE
from kinscope.workflow.engine import Outcome
from kinscope.workflow.rundir import publish
from kinscope.workflow.step import Step
from kinscope.workflow.store import ArtefactRecord, Store

_REPORT_FILES = ("report.html", "result.json", "result.schema.json")
_PROVENANCE_FILE = "provenance.json"


def publish_results(directory: Path, report: Step, store: Store, outcome: Outcome, variant: Variant) -> None:
    """Link or copy the study's results to their places below the run directory."""
    write_atomic(directory / "variant.json", variant.model_dump_json(indent=1))
    settings = yaml.safe_dump(report.parameters["settings"], sort_keys=False)
    write_atomic(directory / SETTINGS_FILE, settings)
    source = store.path(report)
    for name in _REPORT_FILES:
        publish(source / name, directory / name)
    for folder in ("figures", "tables"):
        for path in sorted((source / folder).glob("*")):
            publish(path, directory / folder / path.name)
    for role, step in report.inputs.items():
        if step.key in outcome.done:
            _publish_input(directory, role, step, store.path(step), variant)
    records = [outcome.done[key] for key in sorted(outcome.done)]
    write_atomic(directory / _PROVENANCE_FILE, _provenance(records))


def _publish_input(directory: Path, role: str, step: Step, source: Path, variant: Variant) -> None:
    stage, *about = role.split("/")
    if stage in ("native", "mutant"):
        who = "native" if stage == "native" else variant.slug
        for path in sorted(source.glob("model_*.*")):
            number = path.stem.removeprefix("model_")
            name = who if number == "0" else f"{who}_alternative_{number}"
            publish(path, directory / "models" / about[0] / f"{name}{path.suffix}")
    elif stage == "docking":
        side, drug = about
        who = "native" if side == "native" else variant.slug
        for path in sorted(source.glob("poses_*.sdf")):
            number = path.stem.removeprefix("poses_")
            name = f"{drug}_{who}" if number == "0" else f"{drug}_{who}_alternative_{number}"
            publish(path, directory / "poses" / f"{name}.sdf")
    elif stage in ("replica", "bound"):
        side, _, number = about
        who = "native" if side == "native" else variant.slug
        system = "_".join(
            filter(None, (str(step.parameters["state"]), str(step.parameters.get("ligand", ""))))
        )
        for path in sorted(source.glob("*")):
            if path.is_file() and path.name != "artefact.json":
                publish(path, directory / "trajectories" / f"{system}_{who}_{int(number) + 1}" / path.name)


def _provenance(records: list[ArtefactRecord]) -> str:
    body = ",\n".join(record.model_dump_json() for record in records)
    return f"[{body}]\n"
