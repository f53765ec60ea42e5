"""Laying a finished study out for people: the report on top, the rest in folders, and how to repeat it.

What lies there are copies: changing one changes no artefact.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Mapping
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
REPORT_FILES = (
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
    for name in REPORT_FILES:
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
    who = "native" if "native" in (stage, *about[:1]) else variant.slug
    if stage in ("native", "mutant"):
        _publish_each(source, "model_*.*", directory, ("models", about[0]), who)
    elif stage == "docking":
        _publish_each(source, "poses_*.sdf", directory, ("poses",), f"{about[1]}_{who}")
    elif stage in ("replica", "bound"):
        number = about[2]
        system = "_".join(
            filter(None, (str(step.parameters["state"]), str(step.parameters.get("ligand", ""))))
        )
        for path in sorted(source.glob("*")):
            if path.is_file() and path.name != "artefact.json":
                _publish(path, directory, "trajectories", f"{system}_{who}_{int(number) + 1}", path.name)


def _publish_each(source: Path, files: str, directory: Path, folders: tuple[str, ...], name: str) -> None:
    """Copy an artefact's numbered files; the first is called as asked, others are alternatives to it."""
    for path in sorted(source.glob(files)):
        number = path.stem.partition("_")[2]
        called = name if number == "0" else f"{name}_alternative_{number}"
        _publish(path, directory, *folders, f"{called}{path.suffix}")


def commands_again(variant: Variant, settings: StudySettings) -> tuple[str, ...]:
    """What to type for the same study in the default directory.

    A study whose settings are a preset's is named by the preset, any other by the file of its settings. A
    ligand of the user's is given again, with its parameters, before the study goes on.
    """
    directory = f"kinscope-{variant.slug}"
    expression = f'"{variant.hgvs_p}"'
    said = _structure_options(settings.structure)
    target = "" if settings.target == StudySettings().target else settings.target
    patient = {"--disease": settings.disease, "--transcript": settings.transcript}
    common = [*_words({"--target": target}), *said, *_words(patient)]
    if settings.dynamics.own_ligands:
        first = [
            " ".join(["kinscope simulate", expression, *_length_options(settings), *_own(one), *common])
            for one in settings.dynamics.own_ligands
        ]
        return (*first, f"kinscope resume {directory}")
    if _is_preset(settings):
        first = [" ".join(["kinscope assess", expression, *_words(_preset(settings)), *common])]
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


def _words(options: Mapping[str, str | bool | None]) -> list[str]:
    """Options as they are typed: those that have a value, and flags that are set."""
    words: list[str] = []
    for name, value in options.items():
        words += [name] * bool(value)
        words += [shlex.quote(value)] if value and isinstance(value, str) else []
    return words


def _preset(settings: StudySettings) -> dict[str, str]:
    return {} if settings.preset == StudySettings().preset else {"--preset": settings.preset}


def _structure_options(named: StructureSettings | None) -> list[str]:
    """What gives the user's structure, the file first."""
    if named is None:
        return []
    return _words({
        "--structure": named.file, "--chain": named.chain, "--as-state-like": named.like,
        "--max-gap": "" if named.max_gap == StructureSettings().max_gap else str(named.max_gap),
        "--allow-truncation": named.allow_truncation,
    })  # fmt: skip


def _length_options(settings: StudySettings) -> list[str]:
    dynamics, usual = settings.dynamics, load_preset(settings.preset).dynamics
    said = _preset(settings)
    if dynamics.budget_minutes is None:
        said["--length-ns"] = f"{dynamics.length_ns:g}"
    elif dynamics.budget_minutes != usual.budget_minutes:
        said["--md-minutes"] = f"{dynamics.budget_minutes:g}"
    if dynamics.replicas != usual.replicas:
        said["--replicas"] = str(dynamics.replicas)
    return _words(said)


def _own(ligand: OwnLigand) -> list[str]:
    """What gives a ligand of the user's, by the names that its files had."""
    return _words({
        "--ligand-file": f"{ligand.name}.sdf", "--parameters": f"{ligand.name}.xml",
        "--state": "" if ligand.state == "user" else ligand.state, "--in-place": ligand.pose == "given",
        "--site": "" if ligand.site == OwnLigand.model_fields["site"].default else ligand.site,
    })  # fmt: skip
