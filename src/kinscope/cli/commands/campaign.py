"""Study files: several variants planned, run, or for Snakemake; and the stores that keep their results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinscope.cli.console import Console, duration, echo, show, show_json
from kinscope.cli.options import AsJson, WhereOptions, command_of

app = typer.Typer()
store = typer.Typer(no_args_is_help=True, help="What runs and this machine keep: verify, free.")

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="A study file (YAML), or `paper`, which ships.")
]
Below = Annotated[Path, typer.Option("--out", help="Where the run directories lie, one a variant.")]
Directories = Annotated[list[Path] | None, typer.Argument(metavar="DIR", help="Run directories.")]


@command_of(app, "plan", epilog="Example:  kinscope plan paper --cluster gpu.yaml")
def plan(
    study: StudyArgument = "paper",
    out: Below = Path(),
    *,
    place: WhereOptions,
    snakemake: Annotated[
        bool, typer.Option("--snakemake", help="Write a Snakefile that runs every step.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of study files.")] = False,
    as_json: AsJson = False,
) -> None:
    """What a study file takes: steps, hours, disk. Starts nothing."""
    from kinscope.workflow.campaign import Campaign, outlook, read_campaign, write_snakefile

    if schema:
        show_json(Campaign.model_json_schema())
        return
    campaign, where = read_campaign(study), place.where()
    rows, hours = outlook(campaign, out, where)
    lines = [
        f"{'stage':<18}{'steps':>7}{'cached':>8}{'CPU hours':>11}{'GPU hours':>11}{'disk, GB':>10}",
        *(
            f"{row.stage:<18}{row.steps:>7}{row.cached:>8}{row.cpu_hours:>11.1f}{row.gpu_hours:>11.1f}"
            f"{row.gigabytes:>10.2f}"
            for row in rows
        ),
        f"{', '.join(campaign.variants)}: {sum(row.steps for row in rows)} steps, "
        f"{sum(row.cached for row in rows)} of them there; about {duration(3600 * hours)} "
        f"{f'on {place.cluster}' if place.cluster else 'here'}",
    ]
    show({"stages": rows, "hours_left": hours}, lines, as_json)
    if snakemake:
        echo(f"written: {write_snakefile(campaign, out, where)}", err=True)


@command_of(app, "run", epilog="Example:  kinscope run paper --cluster gpu.yaml --out paper")
def run(study: StudyArgument, console: Console, out: Below = Path(), *, place: WhereOptions) -> None:
    """Run a study file, or go on with it. OUT/results holds all results."""
    from kinscope.core.errors import ComputationError
    from kinscope.report.export import export_tables
    from kinscope.workflow.campaign import read_campaign, runs_of
    from kinscope.workflow.publication import RESULT_FILE, read_result

    failed = 0
    runs = list(runs_of(read_campaign(study), out, place.where()))
    for one in runs:
        try:
            with console.watch() as watch:
                complete = one.finish(watch).complete
        except ComputationError as error:
            complete = False
            echo(f"{one.held.variant.short}: {error}", err=True)
        failed += not complete
        echo(f"{one.held.variant.short}: {one.directory / 'report.html'}{'' if complete else ', not whole'}")
    known = [one.directory for one in runs if (one.directory / RESULT_FILE).exists()]
    export_tables(map(read_result, known), out / "results")
    if failed:
        echo(f"{failed} of {len(runs)} are not whole; the same command goes on with them.", err=True)
        raise typer.Exit(1)


@command_of(store, "verify", epilog="Example:  kinscope store verify kinscope-K404E")
def verify(directories: Directories = None, as_json: AsJson = False) -> None:
    """Find damaged files of runs, or of this machine's cache."""
    from kinscope.workflow.engine.store import stores_of
    from kinscope.workflow.publication import changed_files
    from kinscope.workflow.rundir import open_existing

    for one in directories or ():
        open_existing(one)
    damaged = [fault for one in stores_of(directories) for fault in one.faults()]
    damaged += [fault for one in directories or () for fault in changed_files(one)]
    rows = [{"artefact": path, "what": what} for path, what in damaged]
    show(rows, [f"{path}: {what}" for path, what in damaged] or ["No file is damaged."], as_json)
    if damaged:
        echo(f"{len(damaged)} damaged; `kinscope resume DIR` computes again what its study needs.", err=True)
        raise typer.Exit(1)


@command_of(store, "gc", epilog="Example:  kinscope store gc kinscope-K404E --cache --remove")
def gc(
    directories: Directories = None,
    cache: Annotated[
        bool, typer.Option("--cache", help="This machine's cache too: what none of these runs needs.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it; else it is only named.")] = False,
) -> None:
    """Name, or remove, what the studies of these runs do not need."""
    from kinscope.core.files import discard
    from kinscope.workflow.engine.store import stores_of
    from kinscope.workflow.study import plan_of

    plans = {directory: plan_of(directory)[1] for directory in directories or ()}
    stores = list(zip(stores_of(plans), plans.values(), strict=False))  # without runs, none
    if cache:
        stores.append((stores_of(None)[0], [step for steps in plans.values() for step in steps]))
    freed = 0
    for one, steps in stores:
        for path, size in one.unneeded(steps):
            freed += size
            echo(f"{path}  {size / 1e6:.1f} MB")
            if remove:
                discard(path)
    echo(f"{freed / 1e6:.1f} MB {'freed' if remove else 'can be freed (--remove)'}")
