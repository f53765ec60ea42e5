"""Laying a finished study out for people: the report on top, the rest in folders, and how to repeat it.

What lies there are copies: changing one changes no artefact.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from kinscope import __version__
from kinscope.core.errors import RunDirectoryError
from kinscope.core.files import copy_atomic, read_own, write_atomic
from kinscope.interpretation.model import StudyResult
from kinscope.variants.model import Variant
from kinscope.workflow.engine.driver import Outcome
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import ArtefactRecord, Store, list_files
from kinscope.workflow.settings import OwnLigand, StructureSettings, StudySettings, load_preset

SETTINGS_FILE = "settings.yaml"
"""Of a finished study, in its run directory."""
RESULT_FILE = "result.json"
REPORT_FILE = "report.html"
_REPORT_FILES = (
    REPORT_FILE, "appendix.html", RESULT_FILE, "result.schema.json", "claims.va-spec.json",
    "claims.fhir.json",
)  # fmt: skip
_PROVENANCE_FILE = "provenance.json"
_RECORDS = TypeAdapter(tuple[ArtefactRecord, ...])


def publish_results(directory: Path, report: Step, store: Store, outcome: Outcome, variant: Variant) -> None:
    """Copy the study's results to their places below the run directory."""
    write_atomic(directory / "variant.json", variant.model_dump_json(indent=1))
    settings = yaml.safe_dump(report.parameters["settings"], sort_keys=False)
    write_atomic(directory / SETTINGS_FILE, settings)
    source = store.path(report)
    for name in _REPORT_FILES:
        _publish(source / name, directory, name)
    for folder in ("figures", "tables"):
        for path in sorted((source / folder).glob("*")):
            _publish(path, directory, folder, path.name)
    for role, step in report.inputs.items():
        if step.key in outcome.done:
            _publish_input(directory, role, step, store.path(step), variant)
    records = tuple(outcome.done[key] for key in sorted(outcome.done))
    write_atomic(directory / _PROVENANCE_FILE, _RECORDS.dump_json(records) + b"\n")


def publish_answer(directory: Path, folder: Path) -> None:
    """Copy a first answer, written into a folder of the run directory, to where the results will stand.

    Its record is laid out with it, so that it is read like any result.
    """
    record = ArtefactRecord(
        key="", step="answer", label="first answer", parameters={}, inputs={}, seed=None, wall_seconds=0.0,
        platform="CPU", kinscope_version=__version__, files=list_files(folder),
    )  # fmt: skip
    for file in record.files:
        _publish(folder / file.name, directory, file.name)
    write_atomic(directory / _PROVENANCE_FILE, _RECORDS.dump_json((record,)) + b"\n")
    shutil.rmtree(folder)


def read_result(directory: Path) -> tuple[StudyResult, str]:
    """A finished study's result as it was laid out, and its text.

    Raises RunDirectoryError if there is none, or the file is not what was laid out.
    """
    try:
        data = read_own(directory / RESULT_FILE)
    except FileNotFoundError:
        raise RunDirectoryError(
            "This study is not finished.",
            where=str(directory),
            remedy=f"Go on with: kinscope resume {directory}",
        ) from None
    except OSError:
        data = b""
    try:
        records = _RECORDS.validate_json(read_own(directory / _PROVENANCE_FILE))
        laid_out = {file.sha256 for one in records for file in one.files if file.name == RESULT_FILE}
        if hashlib.sha256(data).hexdigest() in laid_out:
            return StudyResult.model_validate_json(data), data.decode()
    except (OSError, ValueError):
        pass
    raise RunDirectoryError(
        "The result is damaged or was changed, or another version of kinscope made it.",
        where=str(directory / RESULT_FILE),
        remedy=f"Lay it out anew with: kinscope resume {directory}",
    )


def _publish(source: Path, directory: Path, *parts: str) -> None:
    if any("/" in part or part in ("", ".", "..") for part in parts):  # from a study.json of another's making
        raise RunDirectoryError("The study names something that is no file name.", where=str(directory))
    copy_atomic(source, directory.joinpath(*parts))


def _publish_input(directory: Path, role: str, step: Step, source: Path, variant: Variant) -> None:
    stage, *about = role.split("/")
    if stage in ("native", "mutant"):
        who = "native" if stage == "native" else variant.slug
        for path in sorted(source.glob("model_*.*")):
            number = path.stem.removeprefix("model_")
            name = who if number == "0" else f"{who}_alternative_{number}"
            _publish(path, directory, "models", about[0], f"{name}{path.suffix}")
    elif stage == "docking":
        side, drug = about
        who = "native" if side == "native" else variant.slug
        for path in sorted(source.glob("poses_*.sdf")):
            number = path.stem.removeprefix("poses_")
            name = f"{drug}_{who}" if number == "0" else f"{drug}_{who}_alternative_{number}"
            _publish(path, directory, "poses", f"{name}.sdf")
    elif stage in ("replica", "bound"):
        side, _, number = about
        who = "native" if side == "native" else variant.slug
        system = "_".join(
            filter(None, (str(step.parameters["state"]), str(step.parameters.get("ligand", ""))))
        )
        for path in sorted(source.glob("*")):
            if path.is_file() and path.name != "artefact.json":
                _publish(path, directory, "trajectories", f"{system}_{who}_{int(number) + 1}", path.name)


def commands_again(variant: Variant, settings: StudySettings) -> tuple[str, ...]:
    """What to type for the same study in the default directory.

    A study whose settings are a preset's is named by the preset, any other by the file of its settings. A
    ligand of the user's is given again, with its parameters, before the study goes on.
    """
    directory = f"kinscope-{variant.slug}"
    expression = f'"{variant.hgvs_p}"'
    said = _structure_options(settings.structure)
    patient = {"--disease": settings.disease, "--transcript": settings.transcript}
    common = [*_target_options(settings.target), *said]
    common += [word for name, value in patient.items() if value for word in (name, value)]
    if settings.dynamics.own_ligands:
        first = [
            " ".join(["kinscope simulate", expression, *_length_options(settings), *_own(one), *common])
            for one in settings.dynamics.own_ligands
        ]
        return (*first, f"kinscope resume {directory}")
    if _is_preset(settings):
        named = [] if settings.preset == StudySettings().preset else ["--preset", settings.preset]
        first = [" ".join(["kinscope assess", expression, *named, *common])]
    else:
        # What is said of the structure stands in the file; the structure itself does not.
        first = [
            " ".join(["kinscope assess", expression, f"--settings {directory}/{SETTINGS_FILE}", *said[:2]])
        ]
    return (*first, f"kinscope resume {directory}")


def _is_preset(settings: StudySettings) -> bool:
    plain = load_preset(settings.preset).model_copy(
        update={"target": settings.target, "structure": settings.structure}
    )
    return plain.content() == settings.content()


def _target_options(target: str) -> list[str]:
    """What names the target; nothing for the default one."""
    return [] if target == StudySettings().target else ["--target", shlex.quote(target)]


def _structure_options(named: StructureSettings | None) -> list[str]:
    """What gives the user's structure, the file first."""
    if named is None:
        return []
    words = ["--structure", shlex.quote(named.file)]
    words += ["--chain", shlex.quote(named.chain)] if named.chain else []
    words += ["--as-state-like", shlex.quote(named.like)] if named.like else []
    words += ["--max-gap", str(named.max_gap)] if named.max_gap != StructureSettings().max_gap else []
    return [*words, *(["--allow-truncation"] if named.allow_truncation else [])]


def _length_options(settings: StudySettings) -> list[str]:
    dynamics, usual = settings.dynamics, load_preset(settings.preset).dynamics
    words = [] if settings.preset == StudySettings().preset else ["--preset", settings.preset]
    if dynamics.budget_minutes is None:
        words += ["--length-ns", f"{dynamics.length_ns:g}"]
    elif dynamics.budget_minutes != usual.budget_minutes:
        words += ["--md-minutes", f"{dynamics.budget_minutes:g}"]
    return [*words, *(["--replicas", str(dynamics.replicas)] if dynamics.replicas != usual.replicas else [])]


def _own(ligand: OwnLigand) -> list[str]:
    """What gives a ligand of the user's, by the names that its files had."""
    words = ["--ligand-file", shlex.quote(f"{ligand.name}.sdf")]
    words += ["--parameters", shlex.quote(f"{ligand.name}.xml")]
    words += ["--state", ligand.state] if ligand.state != "user" else []
    words += ["--in-place"] if ligand.pose == "given" else []
    return [
        *words,
        *(["--site", ligand.site] if ligand.site != OwnLigand.model_fields["site"].default else []),
    ]
