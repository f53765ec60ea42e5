"""``kinscope models``: the reference models of a target pack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.options import AsJson, Mirror, Quiet, States, Target
from kinscope.cli.structure_options import Chain, Download, Like, MaxGap, Truncate

if TYPE_CHECKING:
    from kinscope.targets import TargetPack

group = typer.Typer(no_args_is_help=True, help="The reference models of a target pack: list, check, rebuild.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="models")


@group.command("list", epilog="Example:  kinscope models list")
def list_models(target: Target = "abl1", as_json: AsJson = False) -> None:
    """The states that the target pack models, and where each comes from."""
    import json

    from kinscope.targets import load_target

    pack = load_target(target)
    if as_json:
        typer.echo(json.dumps([state.model_dump() for state in pack.states], indent=2))
        return
    for state in pack.states:
        typer.echo(f"{state.id}: {state.label}, residues {state.first_residue}-{state.last_residue}")
        typer.echo(f"    {' '.join(state.description.split())}")


@group.command(
    "check",
    epilog="Examples:  kinscope models check --state kinase-dfg-in\n\n"
    "kinscope models check mine.cif\n\n"
    "kinscope models check topology.cif --trajectory frames.xtc --table states.csv",
)
def check(
    structures: Annotated[
        list[Path] | None, typer.Argument(help="Structures to check instead of the shipped models.")
    ] = None,
    state: States = None,
    mirror: Mirror = None,
    trajectory: Annotated[
        list[Path] | None,
        typer.Option("--trajectory", help="XTC or DCD frames of the structure's atoms; may be repeated."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="CSV of the conformation in every frame.")
    ] = None,
    chain: Annotated[
        str,
        typer.Option("--chain", help="Chain of the trajectory's structure; default: the first that fits."),
    ] = "",
    target: Target = "abl1",
    as_json: AsJson = False,
) -> None:
    """Check shipped models, or structures of your own: geometry, completeness, conformation, with bounds.

    Exit 1 if one fails. With --trajectory: the share of frames in every conformation.
    """
    from kinscope.structures.model_checks import check_shipped, check_structures
    from kinscope.targets import load_target

    pack = load_target(target)
    if trajectory or table or chain:
        _check_trajectory(structures, trajectory, pack, chain, table, as_json)
        return
    checks = check_structures(structures, pack) if structures else check_shipped(pack, state, mirror)
    if as_json:
        typer.echo("[" + ",\n".join(item.model_dump_json() for item in checks) + "]")
    else:
        for item in checks:
            typer.echo(item.in_words())
    if not all(item.passed for item in checks):
        raise typer.Exit(1)


def _check_trajectory(
    structures: list[Path] | None,
    trajectory: list[Path] | None,
    pack: TargetPack,
    chain: str,
    table: Path | None,
    as_json: bool,
) -> None:
    from kinscope.core.errors import BadInputError
    from kinscope.structures.conformation_frames import check_trajectory

    if not trajectory or structures is None or len(structures) != 1:
        raise BadInputError(
            "Frames need one structure that names their atoms, and at least one trajectory.",
            where="--trajectory",
            remedy="kinscope models check topology.cif --trajectory frames.xtc",
        )
    found = check_trajectory(structures[0], trajectory, pack, chain=chain, table=table)
    typer.echo(found.model_dump_json(indent=1) if as_json else found.in_words())


@group.command(
    "build", epilog="Example:  kinscope models build --pdb-mirror ../shared/structures --out rebuilt"
)
def build(
    state: States = None,
    out: Annotated[Path, typer.Option("--out", help="Where the models are written.")] = Path(
        "kinscope-models"
    ),
    mirror: Mirror = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch missing wwPDB entries from the network.")
    ] = False,
    solvent: Annotated[
        bool, typer.Option("--solvent", help="Equilibrate the shipped water boxes too.")
    ] = False,
    native: Annotated[bool, typer.Option("--native", help="Compute the shipped native results too.")] = False,
    target: Target = "abl1",
    quiet: Quiet = False,
) -> None:
    """Rebuild the shipped models, reference poses and, if asked, water boxes from wwPDB entries."""
    from kinscope.workflow.packs.build import build_pack

    said: set[str] = set()

    def tell(fraction: float, text: str) -> None:
        if not quiet and text not in said:
            said.add(text)
            typer.echo(f"[{fraction:4.0%}] {text}", err=True)

    for line in build_pack(
        target, state, out, mirror, download=download, solvent=solvent, native=native, progress=tell
    ):
        typer.echo(line)


@group.command(
    "prepare",
    epilog="Examples:  kinscope models prepare my.cif --dry-run\n\n"
    "kinscope models prepare my.cif --chain B --out mine",
)
def prepare(
    structure: Annotated[
        str, typer.Argument(metavar="FILE", help="PDB or mmCIF (gzip allowed), or a wwPDB code at hand.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory for the model; default: kinscope-NAME.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what was found, compute nothing.")] = False,
    chain: Chain = None,
    as_state_like: Like = None,
    max_gap: MaxGap = None,
    allow_truncation: Truncate = False,
    mirror: Mirror = None,
    download: Download = False,
    target: Target = "abl1",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a model of a structure of your own: what is in it, what is done to it, and how good it is.

    `kinscope assess VARIANT --structure FILE` does the same as part of a study.
    """
    from kinscope.cli.structure_preparation import prepare_structure

    options = (chain, as_state_like, max_gap, allow_truncation, mirror, download)
    prepare_structure(structure, options, out, target, dry_run=dry_run, as_json=as_json, quiet=quiet)
