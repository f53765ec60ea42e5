"""Laying a finished study out for people: the report on top, the rest in folders, and how to repeat it.

What lies there are copies: changing one changes no artefact.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import quote, unquote

import yaml
from pydantic import TypeAdapter

from kinscope.core.errors import RunDirectoryError
from kinscope.core.files import copy_atomic, read_own, sha256_of_file, write_atomic
from kinscope.interpretation.model import StudyResult
from kinscope.variants.model import Variant
from kinscope.workflow.engine.driver import Outcome
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import ARTEFACT_FILE, ArtefactRecord, Store
from kinscope.workflow.rundir import STUDY_FILE, open_existing
from kinscope.workflow.settings import OwnLigand, StructureSettings, StudySettings, load_preset

SETTINGS_FILE = "settings.yaml"
"""Of a finished study, in its run directory."""
RESULT_FILE = "result.json"
REPORT_FILE = "report.html"
CRATE_FILE = "ro-crate-metadata.json"
_PROVENANCE_FILE = "provenance.json"
_VARIANT_FILE = "variant.json"
_RO = "https://w3id.org/ro"
_PROFILE = f"{_RO}/wfrun/process/0.5"
_MEDIA = {
    ".cif": "chemical/x-cif", ".sdf": "chemical/x-mdl-sdfile", ".yaml": "application/yaml",
    ".parquet": "application/vnd.apache.parquet",
}  # fmt: skip
"""What the system's table of media types may lack."""
_Json = dict[str, object]
_Place = tuple[Path, tuple[str, ...]]
"""A file, and the folders and name that it is laid out by."""
_RECORDS = TypeAdapter(tuple[ArtefactRecord, ...])


def publish_results(directory: Path, report: Step, store: Store, outcome: Outcome, variant: Variant) -> None:
    """Copy the study's results to their places below the run directory, and describe them."""
    records = tuple(outcome.done[key] for key in sorted(outcome.done))
    write_atomic(directory / _VARIANT_FILE, variant.model_dump_json(indent=1))
    write_atomic(directory / _PROVENANCE_FILE, _RECORDS.dump_json(records) + b"\n")
    places = list(_whole(store.path(report)))
    for role, step in report.inputs.items():
        if step.key in outcome.done:
            places += _places(role, step, store.path(step), variant)
    made = ["/".join(_publish(path, directory, *parts)) for path, parts in places]
    settings = StudySettings.model_validate(report.parameters["settings"])
    describe(directory, [_VARIANT_FILE, _PROVENANCE_FILE, *made], variant, settings)


def describe(directory: Path, made: list[str], variant: Variant, settings: StudySettings) -> None:
    """Make a run directory a Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process/0.5).

    ``made``: the files that were laid out. The crate holds these, the study and its settings, and no more:
    files of the user's own are named, with their hashes.
    """
    write_atomic(directory / SETTINGS_FILE, yaml.safe_dump(settings.told(), sort_keys=False))
    outputs = [_file(name, directory) for name in made]
    inputs = [_file(name, directory) for name in (STUDY_FILE, SETTINGS_FILE)]
    own = {f"{one.name}.sdf": one.structure_sha256 for one in settings.dynamics.own_ligands}
    own |= {f"{one.name}.xml": one.parameters_sha256 for one in settings.dynamics.own_ligands}
    if settings.structure is not None:
        own[settings.structure.file] = settings.structure.sha256
    named = [_entity(f"#{quote(name)}", "CreativeWork", name, sha256=hashed) for name, hashed in own.items()]
    versions = json.loads(read_own(directory / RESULT_FILE))["versions"].items()
    tools = [_entity(f"#{name}", "SoftwareApplication", name, softwareVersion=one) for name, one in versions]
    begun = datetime.fromtimestamp((directory / STUDY_FILE).stat().st_mtime, UTC)
    ended, about = datetime.now(UTC), f"{variant.gene} {variant.short}"
    run = _entity(
        "#run", "CreateAction", f"kinscope on {about}", instrument=_links(tools),
        description="\n".join(commands_again(variant, settings)),
        startTime=begun.isoformat(timespec="seconds"), endTime=ended.isoformat(timespec="seconds"),
        object=_links(inputs + named), result=_links(outputs),
    )  # fmt: skip
    root = _entity(
        "./", "Dataset", f"A run of kinscope on {about}", conformsTo={"@id": _PROFILE},
        description=f"Which drugs still act on {about}: begin with {REPORT_FILE}.",
        datePublished=ended.date().isoformat(), license="Whoever ran it decides.",
        mentions={"@id": "#run"}, hasPart=_links(inputs + outputs),
    )  # fmt: skip
    standard = {"about": {"@id": "./"}, "conformsTo": {"@id": f"{_RO}/crate/1.1"}}
    described = _entity(CRATE_FILE, "CreativeWork", "This file", **standard)
    profile = _entity(_PROFILE, "CreativeWork", "Process Run Crate", version="0.5")
    context = [f"{_RO}/crate/1.1/context", f"{_RO}/terms/workflow-run/context"]
    graph = [described, root, profile, run, *tools, *inputs, *named, *outputs]
    write_atomic(directory / CRATE_FILE, json.dumps({"@context": context, "@graph": graph}, indent=1) + "\n")


def _entity(identity: str, kind: str, name: str, **more: object) -> _Json:
    return {"@id": identity, "@type": kind, "name": name, **more}


def _file(name: str, directory: Path) -> _Json:
    path = directory / name
    media = _MEDIA.get(path.suffix) or guess_type(name)[0] or "application/octet-stream"
    size, hashed = str(path.stat().st_size), sha256_of_file(path)
    return _entity(quote(name), "File", name, encodingFormat=media, contentSize=size, sha256=hashed)


def _links(entities: list[_Json]) -> list[_Json]:
    return [{"@id": one["@id"]} for one in entities]


def changed_files(directory: Path) -> Iterator[tuple[Path, str]]:
    """Files of a run directory that are not (any more) what was laid out."""
    try:
        known = _laid_out(directory)
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        known = {CRATE_FILE: ""}
    for name, hashed in known.items():
        path = directory / name
        if not path.is_file() or sha256_of_file(path) != hashed:
            yield path, "not what was laid out"


def _laid_out(directory: Path) -> dict[str, str]:
    """SHA-256 of every file of the crate by name; raises OSError or ValueError if it cannot be read."""
    try:
        graph = json.loads(read_own(directory / CRATE_FILE))["@graph"]
        return {unquote(one["@id"]): one["sha256"] for one in graph if one["@type"] == "File"}
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError from error


def read_result(directory: Path) -> tuple[StudyResult, str]:
    """A finished study's result as it was laid out, and its text.

    Raises RunDirectoryError if there is none, or the file is not what was laid out.
    """
    try:
        data = read_own(directory / RESULT_FILE)
        if _laid_out(directory).get(RESULT_FILE) == sha256(data).hexdigest():
            return StudyResult.model_validate_json(data), data.decode()
    except (OSError, ValueError):
        if not (directory / RESULT_FILE).exists():
            open_existing(directory)
            raise RunDirectoryError(
                "This study is not finished.",
                where=str(directory),
                remedy=f"Go on with: kinscope resume {directory}",
            ) from None
    raise RunDirectoryError(
        "The result is damaged or was changed, or another version of kinscope made it.",
        where=str(directory / RESULT_FILE),
        remedy=f"Lay it out anew with: kinscope resume {directory}",
    )


def _publish(source: Path, directory: Path, *parts: str) -> tuple[str, ...]:
    if any("/" in part or part in ("", ".", "..") for part in parts):  # from a study.json of another's making
        raise RunDirectoryError("The study names something that is no file name.", where=str(directory))
    copy_atomic(source, directory.joinpath(*parts))
    return parts


def _places(role: str, step: Step, source: Path, variant: Variant) -> Iterator[_Place]:
    """The files of an input of the report, and where each is laid out."""
    stage, *about = role.split("/")
    who = "native" if "native" in (stage, *about[:1]) else variant.slug
    if stage in ("native", "mutant"):
        yield from _numbered(source, "model_*.*", ("models", about[0]), who)
    elif stage == "docking":
        yield from _numbered(source, "poses_*.sdf", ("poses",), f"{about[1]}_{who}")
    elif stage in ("replica", "bound"):
        state, ligand = str(step.parameters["state"]), str(step.parameters.get("ligand", ""))
        folder = f"{'_'.join(filter(None, (state, ligand)))}_{who}_{int(about[2]) + 1}"
        yield from _whole(source, "trajectories", folder)


def _whole(source: Path, *folders: str) -> Iterator[_Place]:
    """Everything that an artefact holds."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name != ARTEFACT_FILE:
            yield path, (*folders, *path.relative_to(source).parts)


def _numbered(source: Path, files: str, folders: tuple[str, ...], name: str) -> Iterator[_Place]:
    """An artefact's numbered files; the first is called as asked, others are alternatives to it."""
    for path in sorted(source.glob(files)):
        number = path.stem.partition("_")[2]
        called = name if number == "0" else f"{name}_alternative_{number}"
        yield path, (*folders, f"{called}{path.suffix}")


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
    if own := settings.dynamics.own_ligands:
        length = _length_options(settings)
        typed = [["kinscope simulate", expression, *length, *_own(one), *common] for one in own]
    elif _is_preset(settings):
        typed = [["kinscope assess", expression, *_words(_preset(settings)), *common]]
    else:  # what is said of the structure stands in the file; the structure itself does not
        typed = [["kinscope assess", expression, f"--settings {directory}/{SETTINGS_FILE}", *said[:2]]]
    return (*map(" ".join, typed), f"kinscope resume {directory}")


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
