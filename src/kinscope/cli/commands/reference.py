"""``kinscope reference``: dynamics computed earlier, exported and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinscope.cli.options import AsJson, RunDirectory, Target

group = typer.Typer(help="Dynamics computed earlier: kept as tables, shown in reports.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="reference")


@group.command("export", epilog="Example:  kinscope reference export kinscope-K404E --tables tables")
def export(
    directory: RunDirectory,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder, or a target pack that is to ship it; default: this machine's own.",
        ),
    ] = None,
    tables: Annotated[Path | None, typer.Option("--tables", help="Write CSV tables here too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Analyse a run's finished dynamics and keep the tables, with all that they rest on."""
    import datetime
    import json

    from kinscope.dynamics.reference import FOLDER
    from kinscope.workflow.machine import own_references
    from kinscope.workflow.reference_export import export_reference

    folder = out or own_references()
    if (folder / "target.yaml").is_file():
        folder = folder / "artefacts" / FOLDER
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    reference, path = export_reference(directory, folder, created=today, tables=tables)
    if as_json:
        typer.echo(json.dumps({"file": str(path), "reference": reference.model_dump(mode="json")}, indent=1))
        return
    typer.echo(reference.in_words())
    typer.echo(reference.verdict())
    typer.echo(f"{path}")


@group.command("show", epilog="Example:  kinscope reference show")
def show(target: Target = "abl1", as_json: AsJson = False) -> None:
    """What references there are for a target: those that ship, and this machine's own."""
    import json

    from kinscope.dynamics.reference import reference_dynamics
    from kinscope.targets import load_target, target_reference
    from kinscope.workflow.machine import own_references

    pack = load_target(target_reference(target))
    found = reference_dynamics(pack, further=(own_references(),))
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=1))
        return
    if not found:
        typer.echo(
            f"No dynamics of {pack.gene} computed earlier are here. Long ones are kept with: "
            "kinscope reference export RUN_DIRECTORY"
        )
    for one in found:
        typer.echo(f"{one.variant}: {one.in_words()}")
        for system in one.systems:
            bound = f" with {system.ligand}" if system.ligand else ""
            typer.echo(f"  {one.label(system.state)}{bound}: {system.sampling}; {system.sentence}")
        typer.echo(f"  {one.verdict()}")
