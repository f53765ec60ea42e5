"""``kinscope benchmark``: kinscope's pieces against what is published, crystallised or known on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kinscope.cli.console import Console, echo
from kinscope.cli.options import AsJson, Cores, Mirror, Quiet, Target

Part = Literal["both", "crystals", "recovery"]
Reference = Annotated[
    Path | None, typer.Option("--reference", help="Folder with md_rmsf_reference_*.csv: others' dynamics.")
]
group = typer.Typer(
    no_args_is_help=True,
    help="Check kinscope's pieces against crystals (--pdb-mirror DIR), other programs and known answers.",
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="benchmark")


@group.command("states", epilog="Example:  kinscope benchmark states --pdb-mirror ../shared/structures")
def states(
    mirror: Mirror = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="Tab-separated index with a DFG_state column; default MIRROR/index.tsv."
        ),
    ] = None,
    target: Target = "abl1",
    as_json: AsJson = False,
) -> None:
    """Measure every chain of the target in the mirror, and compare with independent and published labels."""
    from kinscope.structures.wwpdb.source import PdbSource
    from kinscope.targets import load_target
    from kinscope.validation.states import INDEX, compare_states, in_words, read_labels

    place = _needed(mirror)
    index = labels if labels is not None else place / INDEX
    known = read_labels(index) if labels is not None or index.is_file() else ()
    found = compare_states(PdbSource(place), load_target(target), known)
    echo(found.model_dump_json(indent=1) if as_json else in_words(found))


@group.command("mutants", epilog="Example:  kinscope benchmark mutants --residues 10 --table recovery.csv")
def mutants(
    mirror: Mirror = None,
    residues: Annotated[
        int | None, typer.Option("--residues", min=1, help="Residues per crystal, at random; default: all.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
    table: Annotated[
        Path | None,
        typer.Option("--table", help="CSV of single residues; a run that stopped goes on from it."),
    ] = None,
    cores: Annotated[int, typer.Option("--cores", min=1, max=256, help="Processes for the repacking.")] = 1,
    only: Annotated[
        Part, typer.Option("--only", help="crystals: T315I, H396P; recovery: repacking.")
    ] = "both",
    target: Target = "abl1",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Build T315I and H396P beside their crystals; repack every side chain of two crystals."""
    from kinscope.structures.wwpdb.source import PdbSource
    from kinscope.targets import load_target
    from kinscope.validation.mutants import Repacking, in_words, run

    found = run(
        PdbSource(_needed(mirror)),
        load_target(target),
        seed,
        crystals=only != "recovery",
        repacking=Repacking(residues, table, cores) if only != "crystals" else None,
        progress=Console(quiet=quiet).teller(),
    )
    echo(found.model_dump_json(indent=2) if as_json else in_words(found))


@group.command("sanger", epilog="Example:  kinscope benchmark sanger --traces 1000")
def sanger(
    traces: Annotated[int, typer.Option("--traces", min=2, max=100_000, help="Simulated traces.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
    tracy: Annotated[
        str, typer.Option("--tracy", help="Path of tracy; default: where PATH finds it; 'no': leave it out.")
    ] = "",
    tracy_samples: Annotated[
        int, typer.Option("--tracy-samples", min=0, help="Samples that tracy sees; it is the slower part.")
    ] = 100,
    target: Target = "abl1",
) -> None:
    """Sensitivity and false calls of `kinscope sanger` on simulated traces, tracy beside where installed."""
    import sys

    from kinscope.targets import load_target
    from kinscope.validation.sanger import find_tracy, report, run

    beside = None if tracy == "no" else tracy or find_tracy()

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty() or done % 50 == 0:
            typer.echo(f"\r{done} of {total} samples", err=True, nl=not sys.stderr.isatty())

    pack, wanted = load_target(target), {"traces": traces, "seed": seed, "tracy_samples": tracy_samples}
    echo(report(run(pack, **wanted, tracy=beside, progress=show)))


@group.command(
    "redock", epilog="Example:  kinscope benchmark redock --engine kinscope --engine vina-8 --entry 2HZI"
)
def redock(
    mirror: Mirror = None,
    engine: Annotated[
        list[str] | None,
        typer.Option("--engine", help="kinscope, vina-8 or vina-32; may be repeated. Default: all."),
    ] = None,
    entry: Annotated[
        list[str] | None,
        typer.Option("--entry", help="Only this entry, of any kinase; may be repeated."),
    ] = None,
    models: Annotated[
        bool, typer.Option("--models", help="Ligands that the pack does not know, into its models instead.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this ligand, as 2HYY:A:STI; may be repeated.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="CSV of rows; a run that stopped goes on from it.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 1,
    target: Target = "abl1",
) -> None:
    """Dock every co-crystal's ligand blind, into its own crystal or our models, beside plain Vina."""
    from kinscope.structures.wwpdb.source import PdbSource
    from kinscope.targets import load_target
    from kinscope.validation.redock import RedockPlan, run, summary

    rows = run(
        PdbSource(_needed(mirror)),
        load_target(target),
        RedockPlan(_engines(engine), models, tuple(entry or ()), tuple(only or ()), seed),
        table,
        say=typer.echo,
    )
    if rows:
        echo("\n" + summary(rows))


@group.command("null", epilog="Example:  kinscope benchmark null --residue 315 --drug imatinib --work nulls")
def null(
    residues: Annotated[
        list[int] | None, typer.Option("--residue", help="Of the target; default: eight of ABL1.")
    ] = None,
    drugs: Annotated[list[str] | None, typer.Option("--drug", help="Default: the preset's.")] = None,
    work: Annotated[
        Path, typer.Option("--work", help="Where the studies lie; a run that stopped goes on from it.")
    ] = Path("kinscope-null"),
    table: Annotated[
        Path | None, typer.Option("--table", help="CSV of every difference; others of one protocol stay.")
    ] = None,
    cores: Cores = None,
    target: Target = "abl1",
) -> None:
    """Set native against native by every step of `assess`: what is read where nothing changed."""
    from kinscope.targets import load_target
    from kinscope.validation.null import RESIDUES, in_words, protocol, run_null, write_rows

    pack = load_target(target)
    rows = run_null(
        pack, residues or list(RESIDUES), work, target=target, drugs=tuple(drugs or ()),
        cores=cores, say=typer.echo,
    )  # fmt: skip
    if table is not None:
        write_rows(table, rows, protocol(pack))
    echo("\n" + in_words(rows))


@group.command("calls", epilog="Example:  kinscope benchmark calls V299L --drug dasatinib --work calls")
def calls(
    variants: Annotated[list[str] | None, typer.Argument(help="Default: six named in advance.")] = None,
    drugs: Annotated[list[str] | None, typer.Option("--drug", help="Default: the preset's.")] = None,
    work: Annotated[
        Path, typer.Option("--work", help="Where the studies lie; a run that stopped goes on from it.")
    ] = Path("kinscope-calls"),
    cores: Cores = None,
    target: Target = "abl1",
) -> None:
    """Set the calls of relaxed complexes beside published fold changes."""
    from kinscope.targets import load_target
    from kinscope.validation.null import CONTROLS, calls_in_words, run_calls

    rows = run_calls(
        load_target(target), variants or CONTROLS, work, target=target, drugs=tuple(drugs or ()), cores=cores
    )
    echo(calls_in_words(rows))


def _engines(asked: list[str] | None) -> tuple[str, ...]:
    """The docking engines asked for, or all.

    Raises BadInputError if one is unknown.
    """
    from kinscope.core.errors import BadInputError
    from kinscope.validation.redock import ENGINES

    chosen = tuple(asked or ENGINES)
    for name in chosen:
        if name not in ENGINES:
            raise BadInputError(
                f"There is no engine {name[:20]!r}.",
                where="--engine",
                remedy=f"Choose from: {', '.join(ENGINES)}.",
            )
    return chosen


@group.command(
    "conformation", epilog="Example:  kinscope benchmark conformation --reference ../shared/benchmarks"
)
def conformation(
    mirror: Mirror = None,
    reference: Reference = None,
    run: Annotated[
        list[Path] | None,
        typer.Option("--run", help="A run directory whose finished dynamics are compared; may be repeated."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the table into the target pack, for reports to read.")
    ] = False,
    target: Target = "abl1",
    as_json: AsJson = False,
) -> None:
    """Flexibility of every region by conformation, over the crystals of a mirror."""
    from kinscope.structures.wwpdb.source import PdbSource
    from kinscope.targets import load_target
    from kinscope.validation.conformation import conformations, in_words, write_flexibility

    pack = load_target(target)
    found = conformations(PdbSource(_needed(mirror)), pack, reference, tuple(run or ()))
    echo(found.model_dump_json(indent=1) if as_json else in_words(found, pack))
    if write:
        echo(f"\nwritten: {write_flexibility(pack, found)}")


def _needed(mirror: Path | None) -> Path:
    from kinscope.core.errors import BadInputError

    if mirror is None:
        raise BadInputError(
            "This benchmark compares with crystals, and no mirror of wwPDB entries was given.",
            where="--pdb-mirror",
            remedy="Give --pdb-mirror DIR or set KINSCOPE_PDB_MIRROR.",
        )
    return mirror
