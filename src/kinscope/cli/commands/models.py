"""``kinscope models``: the reference models of a target pack, and a model of a structure of the user's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.console import Console, echo, show
from kinscope.cli.options import AsJson, Mirror, Quiet, ReadingOptions, States, Target, command_of, pack_of

if TYPE_CHECKING:
    from kinscope.targets import TargetPack
    from kinscope.trajectories.conformation_check import TrajectoryStates

group = typer.Typer(no_args_is_help=True, help="The reference models of a target pack: list, check, rebuild.")


@command_of(group, "list", epilog="Example:  kinscope models list")
def list_models(target: Target = "abl1", as_json: AsJson = False) -> None:
    """The states that are modelled, and where each comes from."""
    states = pack_of(target).states
    lines = (
        f"{state.id}: {state.label}, residues {state.first_residue}-{state.last_residue}\n"
        f"    {' '.join(state.description.split())}"
        for state in states
    )
    show(states, lines, as_json)


@dataclass(frozen=True)
class ModelsOptions:
    """Whose models are checked."""

    structures: Annotated[
        list[Path] | None, typer.Argument(help="Structures to check instead of the shipped models.")
    ] = None
    state: States = None
    mirror: Mirror = None


@dataclass(frozen=True)
class FramesOptions:
    """The frames whose conformations are counted."""

    trajectory: Annotated[
        list[Path] | None,
        typer.Option("--trajectory", help="XTC or DCD frames of the structure's atoms; may be repeated."),
    ] = None
    table: Annotated[Path | None, typer.Option(help="CSV of the conformation in every frame.")] = None
    chain: Annotated[
        str, typer.Option(help="Chain of the trajectory's structure; default: the first that fits.")
    ] = ""


@command_of(
    group,
    "check",
    epilog="Examples:  kinscope models check --state kinase-dfg-in\n\n"
    "kinscope models check mine.cif\n\n"
    "kinscope models check topology.cif --trajectory frames.xtc --table states.csv",
)
def check(
    models: ModelsOptions,
    frames: FramesOptions,
    target: Annotated[
        str | None, typer.Option(help="abl1, src or a directory; default: read from the file, else abl1.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check structures: geometry, completeness, conformation. The shipped models, or yours.

    Exit 1 if one fails. A structure without hydrogens is judged as a crystal: what it may lack is noted. With
    --trajectory: the share of frames in every conformation.
    """
    from kinscope.core.errors import BadInputError
    from kinscope.interpretation.words.structures import check_text
    from kinscope.structures.checks.model import check_shipped, check_structures

    if models.structures and models.state:
        raise BadInputError("--state names shipped models, not what yours is held to.", where="--state")
    if frames.trajectory or frames.table or frames.chain:
        _check_frames(models.structures, frames, pack_of(target or "abl1"), as_json)
        return
    if models.structures:
        checks = check_structures(models.structures, pack_of(target) if target else None)
    else:
        checks = check_shipped(pack_of(target or "abl1"), models.state, models.mirror)
    show(checks, map(check_text, checks), as_json)
    if not all(item.passed for item in checks):
        raise typer.Exit(1)


def _check_frames(
    structures: list[Path] | None, frames: FramesOptions, pack: TargetPack, as_json: bool
) -> None:
    from kinscope.core.errors import BadInputError
    from kinscope.trajectories.conformation_check import check_trajectory

    if not frames.trajectory or structures is None or len(structures) != 1:
        raise BadInputError(
            "Frames need one structure that names their atoms, and at least one trajectory.",
            where="--trajectory",
            remedy="kinscope models check topology.cif --trajectory frames.xtc",
        )
    found = check_trajectory(structures[0], frames.trajectory, pack, chain=frames.chain, table=frames.table)
    show(found, _states(found), as_json)


def _states(found: TrajectoryStates) -> Iterator[str]:
    """Shares of each class, and the measurements' means."""
    from kinscope.interpretation.words.say import say_all
    from kinscope.trajectories.conformation_check import CLASSES, DISTANCES

    yield f"{found.name}, chain {found.chain}: {found.frames} frames, DFG class changes {found.dfg_changes}"
    for aspect, title in CLASSES.items():
        shares = [share for share in found.shares if share.aspect == aspect]
        if [share.label for share in shares] != ["not modelled"]:
            listed = ", ".join(f"{share.label} {share.percent:.1f} %" for share in shares)
            yield f"  {title}: {listed}"
    for spread in found.spreads:
        yield f"  {DISTANCES[spread.name]}: {spread.mean:.2f} +- {spread.standard_deviation:.2f}"
    for told in say_all(found.notes):
        yield f"  note: {told}"


@dataclass(frozen=True)
class BuildOptions:
    """What is rebuilt, from which entries, and where."""

    state: States = None
    out: Annotated[Path, typer.Option(help="Where the models are written.")] = Path("kinscope-models")
    mirror: Mirror = None
    download: Annotated[
        bool, typer.Option("--download", help="Fetch missing wwPDB entries from the network.")
    ] = False
    solvent: Annotated[bool, typer.Option("--solvent", help="Equilibrate the water boxes too.")] = False
    native: Annotated[bool, typer.Option("--native", help="Compute the shipped native results too.")] = False


@command_of(
    group, "build", epilog="Example:  kinscope models build --pdb-mirror ../shared/structures --out rebuilt"
)
def build(options: BuildOptions, target: Target = "abl1", quiet: Quiet = False) -> None:
    """Rebuild models and reference poses from wwPDB entries. Water boxes too, if asked."""
    from kinscope.workflow.packs.build import build_pack

    for line in build_pack(
        target,
        options.state,
        options.out,
        options.mirror,
        download=options.download,
        solvent=options.solvent,
        native=options.native,
        progress=Console(quiet=quiet).teller(),
    ):
        echo(line)


@command_of(
    group,
    "prepare",
    epilog="Examples:  kinscope models prepare my.cif --dry-run\n\n"
    "kinscope models prepare my.cif --chain B --out mine",
)
def prepare(
    structure: Annotated[
        str, typer.Argument(metavar="FILE", help="PDB or mmCIF (gzip allowed), or a wwPDB code at hand.")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory for the model; default: kinscope-NAME.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what was found, compute nothing.")] = False,
    reading: ReadingOptions,
    target: Target = "abl1",
    console: Console,
) -> None:
    """Make a model of a structure of your own, and say how good it is.

    `kinscope assess VARIANT --structure FILE` does the same as part of a study.
    """
    from kinscope.interpretation.words.say import say
    from kinscope.interpretation.words.structures import check_text, findings_lines
    from kinscope.results.user_structure import UserStructureOptions
    from kinscope.structures.user import prepare
    from kinscope.structures.user.file import read_user_file

    said = UserStructureOptions(**reading.settings())
    pack, file = pack_of(target), read_user_file(reading.find(structure))
    found = prepare.examine(file, pack, said)
    directory = out or Path(f"kinscope-{file.name.split('.')[0] or 'structure'}")
    if not dry_run:
        _refuse_other_content(directory)
    drugs = f"  inhibitors that can be docked into it: {', '.join(found.drugs) or 'none'}"
    others = [f"    not {say(note)}" for note in found.not_docked]
    if dry_run or not console.as_json:
        console.show(found.findings, [*findings_lines(found.findings), drugs, *others])
    if dry_run:
        return
    made = prepare.prepare(found, pack, progress=console.teller())
    prepare.write_prepared(made, directory)
    content = {"findings": made.findings, "check": made.check, "drugs": found.drugs}
    lines = [*(f"  {say(note)}" for note in made.record.method[1:]), check_text(made.check)]
    lines.append(f"\nModel: {directory / 'model.cif'}; what was found and done: model.json, structure.json")
    console.show({"directory": directory, **content}, lines)


def _refuse_other_content(directory: Path) -> None:
    from kinscope.core.errors import BadInputError
    from kinscope.structures.model import MODEL_FILE, RECORD_FILE
    from kinscope.structures.user.prepare import FINDINGS_FILE

    ours = {MODEL_FILE, RECORD_FILE, FINDINGS_FILE}
    if not directory.is_dir():
        what = "There is a file where the model's directory would be." if directory.exists() else ""
    else:
        others = any(path.name not in ours for path in directory.iterdir())
        what = "The directory holds something else." if others else ""
    if what:
        raise BadInputError(what, where=str(directory), remedy="Give another --out.")
