"""``kinscope dock``: every drug into every state, native beside mutant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinscope.cli.options import AsJson, Cores, Drugs, Expression, Mirror, Out, Preset, Quiet, States, Target
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
    from kinscope.cli.stages import StageRequest
    from kinscope.docking.table_records import DockingRow
    from kinscope.ligands.given import GivenLigands

TABLE_JSON, TABLE_CSV = "docking_table.json", "docking_table.csv"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dock", epilog="Example:  kinscope dock T315I --drug ponatinib --drug imatinib")(dock)


def dock(
    expression: Expression,
    drug: Drugs = None,
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
    preset: Preset = "quick",
    state: States = None,
    structure: Structure = None,
    chain: Chain = None,
    as_state_like: Like = None,
    max_gap: MaxGap = None,
    allow_truncation: Truncate = False,
    mirror: Mirror = None,
    download: Download = False,
    out: Out = None,
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
    from kinscope.cli.stages import StageRequest

    given = structure_path(structure, chain, as_state_like, max_gap, allow_truncation, mirror, download)
    own = _given(ligand or [], smiles or [], site, target)
    if own.bad and not own.good and not drug:
        raise own.bad[0]
    silent = quiet or as_json or as_csv
    request = StageRequest(expression, preset, state, out, target, cores, silent, given)
    table = _table(request, {"drugs": tuple(drug)} if drug else {}, own, mirror)
    _write(table)
    _show(table, as_json, as_csv)
    if own.bad or table.failed:
        raise typer.Exit(2 if own.bad else 1)


@dataclass(frozen=True)
class _Table:
    """What one run of the command made."""

    variant: str
    directory: Path
    rows: list[DockingRow]
    skipped: list[str]
    remarks: list[str]
    failed: list[str]
    own: GivenLigands

    def json(self) -> str:
        """For machines."""
        return json.dumps(
            {
                "variant": self.variant,
                "rows": [row.model_dump(mode="json") for row in self.rows],
                "not_docked": self.skipped,
                "notes": [*self.remarks, *self.own.notes],
                "failed": self.failed,
                "refused": [str(error) for error in self.own.bad],
            },
            indent=2,
        )


def _write(table: _Table) -> None:
    from kinscope.cli.docking_table import table_csv
    from kinscope.core.files import write_atomic

    write_atomic(table.directory / TABLE_JSON, table.json())
    write_atomic(table.directory / TABLE_CSV, table_csv(table.rows))


def _show(table: _Table, as_json: bool, as_csv: bool) -> None:
    from kinscope.cli.docking_table import table_csv, table_lines

    if as_json:
        typer.echo(table.json())
    elif as_csv:
        typer.echo(table_csv(table.rows), nl=False)
    else:
        typer.echo(
            "\n".join(
                table_lines(table.rows, table.variant, table.skipped, [*table.remarks, *table.own.notes])
            )
        )
        typer.echo(f"Poses and tables: {table.directory} ({TABLE_CSV}, {TABLE_JSON})")
    for message in table.failed:
        typer.echo(f"failed: {message}", err=True)
    for error in table.own.bad:
        typer.echo(f"refused: {error}", err=True)


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


def _table(request: StageRequest, changes: dict[str, Any], own: GivenLigands, mirror: Path | None) -> _Table:
    from kinscope.docking.relaxed_records import RelaxedSettings
    from kinscope.docking.table_records import DockingRow
    from kinscope.workflow.planning.docking import row_steps
    from kinscope.workflow.planning.study import Study
    from kinscope.workflow.stages.docking import ROWS
    from kinscope.workflow.stages.files import read_records

    skipped: list[str] = []
    remarks: list[str] = []

    def choose(study: Study) -> dict[Any, Any]:
        steps = row_steps(study, RelaxedSettings(), own.good)
        skipped[:] = list(dict.fromkeys(study.skipped))
        remarks[:] = study.remarks
        return steps

    done = request.run(changes, choose)
    rows = [row for folder in done.artefacts.values() for row in read_records(folder / ROWS, DockingRow)]
    if mirror is not None:
        rows = _beside_crystals(rows, done.artefacts, request.target, mirror)
    return _Table(done.variant.short, done.directory, rows, skipped, remarks, done.failed, own)


def _beside_crystals(
    rows: list[DockingRow], found: dict[Any, Path], target: str, mirror: Path
) -> list[DockingRow]:
    """The rows with the exact RMSD to the co-crystals that the mirror holds."""
    from kinscope.docking.crystal_rmsd import with_crystal_rmsd
    from kinscope.structures.source import PdbSource
    from kinscope.structures.user_records import USER_STATE
    from kinscope.targets import load_target, target_reference
    from kinscope.workflow.stages.docking import MUTANT_POSE, NATIVE_POSE

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
