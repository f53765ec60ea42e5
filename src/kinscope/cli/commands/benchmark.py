"""``kinscope benchmark``: kinscope's pieces against what is published and crystallised."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinscope.cli.options import Mirror, Target

group = typer.Typer(
    no_args_is_help=True,
    help="Check kinscope's pieces against crystals. Needs wwPDB entries: --pdb-mirror DIR.",
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="benchmark")


@group.command("states", epilog="Example:  kinscope benchmark states --pdb-mirror ../shared/structures")
def states(mirror: Mirror = None, target: Target = "abl1") -> None:
    """Classify every chain of the target in the mirror by DFG, helix C and activation loop."""
    from kinscope.structures.geometry import classify_entries
    from kinscope.structures.source import PdbSource
    from kinscope.targets import load_target

    for entry in classify_entries(PdbSource(_needed(mirror)), load_target(target)):
        typer.echo(entry.in_words())


@group.command("mutants", epilog="Example:  kinscope benchmark mutants --residues 10")
def mutants(
    mirror: Mirror = None,
    residues: Annotated[int, typer.Option("--residues", min=1, help="Residues repacked per crystal.")] = 30,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
) -> None:
    """Repack side chains of crystals, and build T315I beside its crystals."""
    from kinscope.structures.benchmark_mutants import run, table

    recoveries, comparisons = run(_needed(mirror), residues_per_entry=residues, seed=seed)
    typer.echo(table(recoveries, comparisons))


def _needed(mirror: Path | None) -> Path:
    from kinscope.core.errors import BadInputError

    if mirror is None:
        raise BadInputError(
            "This benchmark compares with crystals, and no mirror of wwPDB entries was given.",
            where="--pdb-mirror",
            remedy="Give --pdb-mirror DIR or set KINSCOPE_PDB_MIRROR.",
        )
    return mirror
