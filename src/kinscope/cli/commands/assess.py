"""``kinscope assess`` and what belongs to a run directory: resume, status, report; and the settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from kinscope.cli.options import (
    AsJson,
    Cores,
    Drugs,
    EngineOfDynamics,
    Expression,
    Mirror,
    Out,
    Preset,
    PresetOrSettings,
    Quiet,
    RunDirectory,
    States,
    TargetOrSettings,
)
from kinscope.cli.structure_options import (
    Chain,
    Download,
    Like,
    MaxGap,
    Structure,
    Truncate,
    structure_path,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("assess", epilog='Example:  kinscope assess "NM_005157.6(ABL1):c.1210A>G"')(assess)
    app.command("resume", epilog="Example:  kinscope resume kinscope-K404E")(resume)
    app.command("status", epilog="Example:  kinscope status kinscope-K404E")(status)
    app.command("report", epilog="Example:  kinscope report kinscope-K404E --csv")(report)
    app.command("settings", epilog="Example:  kinscope settings --preset quick > my.yaml")(show_settings)


def assess(
    expression: Expression,
    preset: PresetOrSettings = None,
    drug: Drugs = None,
    state: States = None,
    out: Out = None,
    md_minutes: Annotated[
        float | None,
        typer.Option("--md-minutes", min=0, help="Minutes for all dynamics together; 0: none. [quick: 6]"),
    ] = None,
    engine: EngineOfDynamics = None,
    structure: Structure = None,
    chain: Chain = None,
    as_state_like: Like = None,
    max_gap: MaxGap = None,
    allow_truncation: Truncate = False,
    mirror: Mirror = None,
    download: Download = False,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Root seed.")] = None,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="YAML file of settings; see `kinscope settings`.")
    ] = None,
    target: TargetOrSettings = None,
    cores: Cores = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Answer for a variant: models, docking, dynamics, evidence, verdicts, report."""
    from kinscope.targets import load_target, target_reference
    from kinscope.variants import parse_variant
    from kinscope.workflow.settings import load_preset, load_settings, with_changes
    from kinscope.workflow.study import assess_variant

    settings = load_settings(settings_file) if settings_file else load_preset(preset or "quick")
    reference = target_reference(target or settings.target)
    variant = parse_variant(expression, load_target(reference))
    path, said = structure_path(structure, chain, as_state_like, max_gap, allow_truncation, mirror, download)
    if settings_file and preset and settings.preset != preset:
        raise typer.BadParameter(
            "give either --preset or a settings file that names another preset, not both"
        )
    changes: dict[str, Any] = {"target": reference}
    if drug:
        changes["drugs"] = tuple(drug)
    if state:
        changes["states"] = tuple(state)
    if said is not None:
        changes["structure"] = said
    if seed is not None:
        changes["seed"] = seed
    dynamics = {"budget_minutes": md_minutes, "engine": engine}
    changes["dynamics"] = {name: value for name, value in dynamics.items() if value is not None}
    settings = with_changes(settings, **changes)
    directory = out or Path(f"kinscope-{variant.slug}")
    from kinscope.cli.console import watcher

    with watcher(quiet or as_json) as watch:
        finished = assess_variant(variant, settings, directory, structure=path, cores=cores, listener=watch)
    _conclude(finished, as_json)


def resume(
    directory: RunDirectory, cores: Cores = None, as_json: AsJson = False, quiet: Quiet = False
) -> None:
    """Go on with a study that was stopped; finished steps are not run again."""
    from kinscope.cli.console import watcher
    from kinscope.workflow.study import resume_study

    with watcher(quiet or as_json) as watch:
        finished = resume_study(directory, cores=cores, listener=watch)
    _conclude(finished, as_json)


def status(directory: RunDirectory, as_json: AsJson = False) -> None:
    """How far a study is."""
    from kinscope.workflow.study import plan_of

    study, steps, store = plan_of(directory)
    done = [step for step in steps if store.find(step) is not None]
    if as_json:
        names = {step.label for step in done}
        content = {
            "variant": study.variant.short,
            "steps": [{"label": step.label, "done": step.label in names} for step in steps],
        }
        typer.echo(json.dumps(content, indent=2))
        return
    typer.echo(
        f"{study.variant.short}, preset {study.settings.preset}: {len(done)} of {len(steps)} steps finished"
    )
    finished = {step.key for step in done}
    for step in steps:
        typer.echo(f"  {'done   ' if step.key in finished else 'to do  '} {step.label}")
    if len(done) < len(steps):
        typer.echo(f"Go on with:  kinscope resume {directory}")


def report(
    directory: RunDirectory,
    csv: Annotated[bool, typer.Option("--csv", help="Write the tables as CSV too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a finished study's answer and where its report lies."""
    from kinscope.core.errors import RunDirectoryError
    from kinscope.interpretation.model import StudyResult
    from kinscope.workflow.rundir import open_existing

    open_existing(directory)
    path = directory / "result.json"
    if not path.exists():
        raise RunDirectoryError(
            "This study is not finished.",
            where=str(directory),
            remedy=f"Go on with: kinscope resume {directory}; replicas that are there already are read by: "
            f"kinscope analyse {directory}",
        )
    result = StudyResult.model_validate_json(path.read_bytes())
    if csv:
        from kinscope.report import export_tables

        export_tables(result, directory / "tables", csv=True)
    if as_json:
        typer.echo(path.read_text())
        return
    _print_answer(result)
    typer.echo(f"\nReport: {directory / 'report.html'}")


def show_settings(preset: Preset = "quick") -> None:
    """Print every setting of a preset as YAML, to be changed and given to `assess --settings`."""
    import yaml

    from kinscope.workflow.settings import load_preset

    typer.echo(yaml.safe_dump(load_preset(preset).model_dump(mode="json"), sort_keys=False), nl=False)


def _conclude(finished: Any, as_json: bool) -> None:
    """Print the answer, what failed, and where things lie; exit code 1 if something failed."""
    from kinscope.interpretation.model import StudyResult
    from kinscope.interpretation.prose import left_out
    from kinscope.targets import load_target

    path = finished.directory / "result.json"
    result = StudyResult.model_validate_json(path.read_bytes())
    if as_json:
        content = {
            "directory": str(finished.directory),
            "report": str(finished.directory / "report.html"),
            "complete": finished.complete,
            "failed": [str(error) for error in finished.outcome.failed.values()],
            "answer": result.assessment.answer.model_dump(mode="json"),
            "verdicts": [verdict.model_dump(mode="json") for verdict in result.assessment.verdicts],
        }
        typer.echo(json.dumps(content, indent=2))
    else:
        _print_answer(result)
        _print_structure(finished.directory)
        pack = load_target(str(result.settings["target"]))
        for text in finished.plan.skipped:
            typer.echo(left_out(text, pack))
        typer.echo(f"\nReport: {finished.directory / 'report.html'}")
    if not finished.complete:
        typer.echo(
            f"{len(finished.outcome.failed)} step(s) failed; the report says what is missing. "
            f"Try them again with: kinscope resume {finished.directory}",
            err=True,
        )
        raise typer.Exit(1)


def _print_structure(directory: Path) -> None:
    """What the study's own structure is, if it has one."""
    from kinscope.workflow.rundir import open_existing

    given = open_existing(directory).structure
    if given is not None:
        typer.echo("")
        for line in given.findings.in_words():
            typer.echo(line)


def _print_answer(result: Any) -> None:
    answer = result.assessment.answer
    typer.echo(f"\n{result.variant.short}  ({result.variant.hgvs_p})\n")
    for sentence in answer.sentences:
        typer.echo(sentence)
    typer.echo(f"Confidence: {answer.confidence} ({answer.confidence_reason})\n")
    from kinscope.targets import load_target

    names = {drug.id: drug.name for drug in load_target(str(result.settings["target"])).drugs}
    for verdict in result.assessment.verdicts:
        name = names.get(verdict.drug, verdict.drug)
        typer.echo(f"  {name:<16} {verdict.verdict:<28} confidence {verdict.confidence}")
