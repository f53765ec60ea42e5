"""Docking by itself: every drug into every state (``dock``), or into frames of dynamics (``dock-frames``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.console import Console, echo, json_of
from kinscope.cli.options import (
    AsJson,
    Drugs,
    Expression,
    Preset,
    Quiet,
    RunOptions,
    States,
    StructureOptions,
    command_of,
    pack_of,
)

if TYPE_CHECKING:
    from kinscope.ligands.user import GivenLigands
    from kinscope.workflow.frame_docking import FrameDockingResult
    from kinscope.workflow.single_runs import DockingTable

TABLE_JSON, TABLE_CSV = "docking_table.json", "docking_table.csv"

app = typer.Typer()


@dataclass(frozen=True)
class DockOptions:
    """What is docked, and into which states."""

    drug: Drugs = None
    ligand: Annotated[
        list[Path] | None,
        typer.Option(help="A ligand of yours: SDF or MOL, or a list of SMILES (.smi); may be repeated."),
    ] = None
    smiles: Annotated[
        list[str] | None, typer.Option(help='The same as "SMILES" or "SMILES NAME"; may be repeated.')
    ] = None
    example: Annotated[
        bool, typer.Option("--example", help="Dock rebastinib, which ships as a list of SMILES, as yours.")
    ] = False
    site: Annotated[str, typer.Option(help="Where your ligands bind: atp or myristate.")] = "atp"
    preset: Preset = "quick"
    state: States = None


@dataclass(frozen=True)
class TableOptions:
    """How the table is printed."""

    as_json: AsJson = False
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for machines.")] = False
    quiet: Quiet = False


@command_of(app, "dock", epilog="Example:  kinscope dock T315I --drug ponatinib --drug imatinib")
def dock(
    expression: Expression,
    docked: DockOptions,
    structure: StructureOptions,
    run: RunOptions,
    table: TableOptions,
) -> None:
    """Dock drugs into native and mutant models.

    Scores with their spread, differences with intervals, poses beside the co-crystal, contacts, validity,
    strain, a second opinion by relaxed complexes, and a call. A drug is not forced into a state that does not
    hold its binding mode: what it would run into is measured.
    """
    from kinscope.ligands.user import EXAMPLE_LIST
    from kinscope.workflow.single_runs import StageRequest, dock_alone, given_ligands

    given = structure.given()
    files = [*(docked.ligand or []), *[EXAMPLE_LIST] * docked.example]
    own = given_ligands(files, docked.smiles or [], site=docked.site, target=run.target)
    if own.bad and not own.good and not docked.drug:
        raise own.bad[0]
    states = tuple(docked.state or ())
    with Console(table.as_json or table.as_csv, table.quiet).watch() as watch:
        request = StageRequest(
            expression, run.target, docked.preset, states, given, run.out, run.cores, listener=watch
        )
        found = dock_alone(request, docked.drug or (), own, structure.reading.mirror)
    _write_and_show(found, own, table)
    if own.bad or found.done.failed:
        raise typer.Exit(2 if own.bad else 1)


def _write_and_show(found: DockingTable, own: GivenLigands, table: TableOptions) -> None:
    from kinscope.cli.docking_table import table_csv, table_lines
    from kinscope.core.files import write_atomic

    done, csv = found.done, table_csv(found.rows)
    content = json_of(
        {
            "variant": done.variant.short,
            "rows": found.rows,
            "not_docked": found.skipped,
            "notes": found.notes,
            "failed": done.failed,
            "refused": [str(error) for error in own.bad],
        }
    )
    write_atomic(done.directory / TABLE_JSON, content)
    write_atomic(done.directory / TABLE_CSV, csv)
    if table.as_json:
        echo(content)
    elif table.as_csv:
        echo(csv, nl=False)
    else:
        echo("\n".join(table_lines(found.rows, done.variant.short, found.skipped, found.notes)))
        echo(f"Poses and tables: {done.directory} ({TABLE_CSV}, {TABLE_JSON})")
    for message in done.failed:
        echo(f"failed: {message}", err=True)
    for error in own.bad:
        echo(f"refused: {error}", err=True)


@command_of(
    app, "dock-frames", epilog="Example:  kinscope dock-frames kinscope-K404E --drug imatinib --frames 20"
)
def dock_frames(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A run directory with finished replicas, native and mutant.")
    ],
    *,
    drug: Drugs = None,
    frames: Annotated[
        int, typer.Option("--frames", min=1, max=10_000, help="Of each replica's second half, evenly spaced.")
    ] = 10,
    console: Console,
) -> None:
    """Dock drugs into frames of the dynamics.

    The known pose is laid into every frame and minimised; replicas, not frames, carry the comparison. A frame
    that the drug fails in or leaves counts against the mode, and has no score in it.
    """
    from kinscope.workflow.frame_docking import FRAME_DOCKING_FILE, dock_frames
    from kinscope.workflow.rundir import open_existing

    found = dock_frames(
        directory,
        pack_of(open_existing(directory).settings.target),
        drugs=tuple(drug or ()),
        frames=frames,
        progress=lambda _, text: console.say(f"  {text}"),
    )
    console.show(found, [*_frames_lines(found), f"Every frame: {directory / FRAME_DOCKING_FILE}"])


def _frames_lines(found: FrameDockingResult) -> Iterator[str]:
    from kinscope.interpretation.words.say import statement

    yield f"{found.variant}: drugs in frames of dynamics, known pose laid in and minimised (Vina)"
    for row in found.rows:
        yield f"\n{row.drug} in {row.system}"
        for replica in row.replicas:
            score = replica.score_kcal_per_mol
            shown = "" if score is None else f", mean of these {score:.2f} kcal/mol"
            held = f"known mode held in {replica.kept} of {replica.frames} frames"
            yield f"  {replica.variant} {replica.replica + 1}: {held}{shown}"
        yield f"  frames that hold the mode, mutant less native: {statement(row.mode)}"
        yield f"  score within the mode, mutant less native: {statement(row.score)}"
