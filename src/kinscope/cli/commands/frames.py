"""``kinscope dock-frames``: drugs docked into frames of a study's dynamics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.options import AsJson, Quiet

if TYPE_CHECKING:
    from kinscope.docking.frames import FrameDocking


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "dock-frames", epilog="Example:  kinscope dock-frames kinscope-K404E --drug imatinib --frames 20"
    )(dock_frames)


def dock_frames(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A run directory with finished replicas, native and mutant.")
    ],
    drug: Annotated[
        list[str] | None,
        typer.Option("--drug", help="A drug; may be repeated. Default: the study's own."),
    ] = None,
    frames: Annotated[
        int, typer.Option("--frames", min=1, max=10_000, help="Of each replica's second half, evenly spaced.")
    ] = 10,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Dock drugs into frames of the dynamics, native and mutant, so that a distant substitution can act.

    The known pose is laid into every frame and minimised; replicas, not frames, carry the comparison.
    """
    from kinscope.targets import load_target
    from kinscope.workflow.frame_docking import FRAME_DOCKING_FILE, dock_frames
    from kinscope.workflow.study import plan_of

    study, _, _ = plan_of(directory)

    def say(_: float, text: str) -> None:
        if not (quiet or as_json):
            typer.echo(f"  {text}", err=True)

    found = dock_frames(
        directory, load_target(study.settings.target), drugs=tuple(drug or ()), frames=frames, progress=say
    )
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    typer.echo(f"{found.variant}: drugs in frames of dynamics, known pose laid in and minimised (Vina)")
    for row in found.rows:
        _print(row)
    typer.echo(f"Every frame: {directory / FRAME_DOCKING_FILE}")


def _print(row: FrameDocking) -> None:
    typer.echo(f"\n{row.drug} in {row.system}")
    for replica in row.replicas:
        score = replica.score_kcal_per_mol
        shown = "no frame could be docked" if score is None else f"mean {score:.2f} kcal/mol"
        frames = len(replica.poses) + replica.failed
        held = f"known mode held in {replica.kept} of {frames} frames"
        typer.echo(f"  {replica.variant} {replica.replica + 1}: {shown}, {held}")
    typer.echo(f"  score, mutant less native: {row.score.statement}")
