"""``kinscope extend``: finished dynamics made longer."""

from __future__ import annotations

from typing import Annotated

import typer

from kinscope.cli.options import Cores, EngineOfDynamics, Quiet, RunDirectory


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("extend", epilog="Example:  kinscope extend kinscope-K404E --length-ns 20")(extend)


def extend(
    directory: RunDirectory,
    length_ns: Annotated[
        float,
        typer.Option("--length-ns", min=1e-5, max=100_000.0, help="Production of each replica in all."),
    ],
    engine: EngineOfDynamics = None,
    cores: Cores = None,
    quiet: Quiet = False,
) -> None:
    """Continue every replica of a study from where it ended; what was computed stays part of it."""
    from kinscope.cli.console import watcher
    from kinscope.workflow.study import extend_study

    with watcher(quiet) as watch:
        study = extend_study(directory, length_ns, engine=engine, cores=cores, listener=watch)
    typer.echo(f"{study.variant.short}: replicas of {length_ns:g} ns in {directory}")
    report = directory / "report.html"
    if report.exists():
        typer.echo(f"Report: {report}")
    else:
        typer.echo(f"Next: kinscope analyse {directory}, or the whole study: kinscope resume {directory}")
