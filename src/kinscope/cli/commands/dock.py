"""``kinscope dock``: every drug into every state, native beside mutant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinscope.cli.options import AsJson, Cores, Expression, Mirror, Quiet, Target
from kinscope.cli.structure_options import (
    Chain,
    Download,
    Like,
    MaxGap,
    Structure,
    Truncate,
    structure_path,
)

if TYPE_CHECKING:
    from kinscope.docking.table_records import DockingRow
    from kinscope.ligands.given import GivenLigands
    from kinscope.targets.pack import DrugDefinition

TABLE_JSON, TABLE_CSV = "docking_table.json", "docking_table.csv"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dock", epilog="Example:  kinscope dock T315I --drug ponatinib --drug imatinib")(dock)


def dock(
    expression: Expression,
    drug: Annotated[list[str] | None, typer.Option("--drug", help="Only this drug; may be repeated.")] = None,
    ligand: Annotated[
        list[Path] | None,
        typer.Option(
            "--ligand", help="A ligand of yours: SDF or MOL, or a list of SMILES (.smi); may be repeated."
        ),
    ] = None,
    smiles: Annotated[
        list[str] | None, typer.Option("--smiles", help="The same as NAME=SMILES; may be repeated.")
    ] = None,
    site: Annotated[str, typer.Option("--site", help="Where your ligands bind: atp or myristate.")] = "atp",
    preset: Annotated[str, typer.Option("--preset", help="quick, standard or paper.")] = "quick",
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only this state; may be repeated.")
    ] = None,
    structure: Structure = None,
    chain: Chain = None,
    as_state_like: Like = None,
    max_gap: MaxGap = None,
    allow_truncation: Truncate = False,
    mirror: Mirror = None,
    download: Download = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Run directory; default: kinscope-VARIANT.")
    ] = None,
    target: Target = "abl1",
    cores: Cores = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for machines.")] = False,
    quiet: Quiet = False,
) -> None:
    """Dock the drugs into native and mutant, every state, and print the table.

    Scores with their spread, differences with intervals, poses beside the co-crystal, contacts, validity,
    strain, a second opinion by relaxed complexes, and a call. A drug is not forced into a state that does not
    hold its binding mode: what it would run into is measured.
    """
    import json

    from kinscope.cli.docking_table import table_csv, table_lines
    from kinscope.core.files import write_atomic

    changes: dict[str, Any] = {"drugs": tuple(drug)} if drug else {}
    given = structure_path(structure, chain, as_state_like, max_gap, allow_truncation, mirror, download)
    quiet = quiet or as_json or as_csv
    own = _given(ligand or [], smiles or [], site, target)
    if own.bad and not own.good and not drug:
        raise own.bad[0]
    rows, skipped, directory, short, failed = _run(
        expression, preset, state, changes, out, target, cores, quiet, given, mirror, own.good
    )
    text = json.dumps(
        {
            "variant": short,
            "rows": [row.model_dump(mode="json") for row in rows],
            "not_docked": skipped,
            "notes": own.notes,
            "failed": failed,
            "refused": [str(error) for error in own.bad],
        },
        indent=2,
    )
    write_atomic(directory / TABLE_JSON, text)
    write_atomic(directory / TABLE_CSV, table_csv(rows))
    if as_json:
        typer.echo(text)
    elif as_csv:
        typer.echo(table_csv(rows), nl=False)
    else:
        typer.echo("\n".join(table_lines(rows, short, skipped, own.notes)))
        typer.echo(f"Poses and tables: {directory} ({TABLE_CSV}, {TABLE_JSON})")
    for message in failed:
        typer.echo(f"failed: {message}", err=True)
    for error in own.bad:
        typer.echo(f"refused: {error}", err=True)
    if own.bad or failed:
        raise typer.Exit(2 if own.bad else 1)


def _given(files: list[Path], smiles: list[str], site: str, target: str) -> GivenLigands:
    """The user's ligands; what is wrong with one costs no other."""
    from kinscope.docking.site_center import check_site
    from kinscope.ligands.given import GivenLigands, read_given
    from kinscope.targets import load_target, target_reference

    if not files and not smiles:
        return GivenLigands()
    pack = load_target(target_reference(target))
    check_site(pack, site)
    names = [drug.id for drug in pack.drugs]
    return read_given(files, smiles, site=site, state="", taken=names)


def _run(
    expression: str, preset: str, state: list[str] | None, changes: dict[str, Any], out: Path | None,
    target: str, cores: int | None, quiet: bool, given: tuple[Path | None, dict[str, Any] | None],
    mirror: Path | None, own: list[DrugDefinition],
) -> tuple[list[DockingRow], list[str], Path, str, list[str]]:  # fmt: skip
    from kinscope.cli.console import watcher
    from kinscope.docking.relaxed_records import RelaxedSettings
    from kinscope.docking.table_records import DockingRow
    from kinscope.targets import load_target, target_reference
    from kinscope.variants import parse_variant
    from kinscope.workflow.dock_plan import row_steps
    from kinscope.workflow.plan import Planner
    from kinscope.workflow.settings import load_preset, with_changes
    from kinscope.workflow.stages.dock_table import ROWS
    from kinscope.workflow.stages.files import read_records
    from kinscope.workflow.study import run_stage

    reference = target_reference(target)
    pack = load_target(reference)
    variant = parse_variant(expression, pack)
    if given[1] is not None:
        changes["structure"] = given[1]
    if state:
        changes["states"] = tuple(state)
    settings = with_changes(load_preset(preset), target=reference, **changes)
    directory = out or Path(f"kinscope-{variant.slug}")
    skipped: list[str] = []

    def choose(planner: Planner) -> dict[Any, Any]:
        steps = row_steps(planner, RelaxedSettings(), own)
        skipped[:] = list(dict.fromkeys(planner.skipped))
        return steps

    with watcher(quiet) as watch:
        found, outcome = run_stage(
            variant, settings, directory, choose, structure=given[0], cores=cores, listener=watch
        )
    rows = [row for folder in found.values() for row in read_records(folder / ROWS, DockingRow)]
    if mirror is not None:
        rows = _beside_crystals(rows, found, target, mirror)
    failed = list(dict.fromkeys(f"{error}" for error in outcome.failed.values()))
    return rows, skipped, directory, variant.short, failed


def _beside_crystals(
    rows: list[DockingRow], found: dict[Any, Path], target: str, mirror: Path
) -> list[DockingRow]:
    """The rows with the exact RMSD to the co-crystals that the mirror holds."""
    from kinscope.docking.crystal_rmsd import with_crystal_rmsd
    from kinscope.structures.source import PdbSource
    from kinscope.structures.user_records import USER_STATE
    from kinscope.targets import load_target, target_reference
    from kinscope.workflow.stages.dock_table import MUTANT_POSE, NATIVE_POSE

    pack, source = load_target(target_reference(target)), PdbSource(mirror)
    return [
        with_crystal_rmsd(
            row,
            pack,
            source,
            found[row.drug, row.state] / NATIVE_POSE,
            found[row.drug, row.state] / MUTANT_POSE,
        )
        if row.outcome == "docked" and row.state != USER_STATE and row.reference.count(":") == 2
        else row
        for row in rows
    ]
