"""``kinscope benchmark``: kinscope's pieces against what is published, crystallised or known on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.console import Console, echo, show
from kinscope.cli.options import AsJson, Cores, Mirror, Quiet, Target, pack_of

if TYPE_CHECKING:
    from kinscope.structures.wwpdb.source import PdbSource

Reference = Annotated[
    Path | None, typer.Option("--reference", help="Folder with md_rmsf_reference_*.csv: others' dynamics.")
]
PresetDrugs = Annotated[list[str] | None, typer.Option("--drug", help="Default: the preset's.")]
Studies = Annotated[
    Path, typer.Option("--work", help="Where the studies lie; a run that stopped goes on from it.")
]
group = typer.Typer(no_args_is_help=True, help="Check kinscope against crystals and known answers.")


@group.command(
    "redock", epilog="Example:  kinscope benchmark redock --engine kinscope --engine vina-8 --entry 2HZI"
)
def redock(
    mirror: Mirror = None,
    engine: Annotated[
        list[str] | None, typer.Option(help="kinscope, vina-8 or vina-32; may be repeated. Default: all.")
    ] = None,
    entry: Annotated[
        list[str] | None, typer.Option(help="Only this entry, of any kinase; may be repeated.")
    ] = None,
    models: Annotated[
        bool, typer.Option("--models", help="Ligands that the pack does not know, into its models instead.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this ligand, as 2HYY:A:STI; may be repeated.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="CSV of rows; a run that stopped goes on from it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    target: Target = "abl1",
) -> None:
    """Dock co-crystals' ligands blind, beside Vina. Into their crystals, or our models."""
    from kinscope.validation.redock import RedockPlan, run, summary

    rows = run(
        _crystals(mirror),
        pack_of(target),
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
    drugs: PresetDrugs = None,
    work: Studies = Path("kinscope-null"),
    table: Annotated[
        Path | None, typer.Option(help="CSV of every difference; others of one protocol stay.")
    ] = None,
    cores: Cores = None,
    target: Target = "abl1",
) -> None:
    """What every step of `assess` reads where nothing changed."""
    from kinscope.validation.null import RESIDUES, in_words, protocol, run_null, write_rows

    pack = pack_of(target)
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
    drugs: PresetDrugs = None,
    work: Studies = Path("kinscope-calls"),
    cores: Cores = None,
    target: Target = "abl1",
) -> None:
    """Calls of relaxed complexes beside published folds."""
    from kinscope.validation.null import CONTROLS, calls_in_words, run_calls

    rows = run_calls(
        pack_of(target), variants or CONTROLS, work, target=target, drugs=tuple(drugs or ()), cores=cores
    )
    echo(calls_in_words(rows))


@group.command(
    "ddg", epilog="Example:  kinscope benchmark ddg --predictions abl_tki_144_with_predictions.csv"
)
def ddg(
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", help="CSV with tki, mutation and columns of published predictions."),
    ] = None,
    target: Target = "abl1",
) -> None:
    """Predicted losses of affinity beside measured ones. Whole residues, drugs, regions, kinases left out."""
    from kinscope.validation.ddg import in_words, run

    pack = pack_of(target)
    echo(in_words(run(pack, predictions), pack))


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
    write: Annotated[
        bool, typer.Option("--write", help="Write the table into the target pack, for reports to read.")
    ] = False,
    target: Target = "abl1",
    as_json: AsJson = False,
) -> None:
    """Flexibility and preference of conformations, over crystals."""
    from kinscope.targets.loader import conformation_preference
    from kinscope.validation import preference
    from kinscope.validation.conformation import conformations, in_words, write_flexibility

    pack = pack_of(target)
    found = conformations(_crystals(mirror), pack, reference)
    show(found, [in_words(found, pack)], as_json)
    if (scored := conformation_preference(pack)) and not as_json:
        echo(f"\n{preference.in_words(scored, pack)}")
    if write:
        echo(f"\nwritten: {write_flexibility(pack, found)}")


@group.command("verdict", epilog="Example:  kinscope benchmark verdict")
def verdict(
    write: Annotated[
        bool, typer.Option("--write", help="Write the track records into the target pack.")
    ] = False,
    target: Target = "abl1",
    quiet: Quiet = False,
) -> None:
    """Judge every measured pair with its evidence hidden. The pair, its variant, its residue or its study."""
    from kinscope.core.files import write_atomic
    from kinscope.validation.verdict import in_words, judge_all, track_records, track_text

    pack = pack_of(target)
    rows = judge_all(pack, Console(quiet=quiet).teller())
    records = track_records(rows, pack)
    echo(in_words(rows, records))
    if write:
        write_atomic(pack.directory / "evidence" / "track.csv", track_text(records))


def _crystals(mirror: Path | None) -> PdbSource:
    from kinscope.core.errors import BadInputError
    from kinscope.structures.wwpdb.source import PdbSource

    if mirror is None:
        raise BadInputError(
            "This benchmark compares with crystals, and no mirror of wwPDB entries was given.",
            where="--pdb-mirror",
            remedy="Give --pdb-mirror DIR or set KINSCOPE_PDB_MIRROR.",
        )
    return PdbSource(mirror)
