"""``kinscope simulate``: dynamics alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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

Out = Annotated[Path | None, typer.Option("--out", help="Run directory; default: kinscope-VARIANT.")]
Preset = Annotated[str, typer.Option("--preset", help="quick, standard or paper.")]
States = Annotated[list[str] | None, typer.Option("--state", help="Only this state; may be repeated.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", epilog="Example:  kinscope simulate K404E --ligand imatinib --md-minutes 10")(
        simulate
    )


def simulate(
    expression: Expression,
    md_minutes: Annotated[
        float | None, typer.Option("--md-minutes", min=0.1, help="Minutes for all dynamics together.")
    ] = None,
    length_ns: Annotated[
        float | None,
        typer.Option(
            "--length-ns", min=1e-5, max=100_000.0, help="Length of each replica, in place of minutes."
        ),
    ] = None,
    preset: Preset = "quick",
    state: States = None,
    ligand: Annotated[
        list[str] | None,
        typer.Option(
            "--ligand", help="Simulate this drug bound too, in the state it binds; may be repeated."
        ),
    ] = None,
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
    quiet: Quiet = False,
) -> None:
    """Run the replicas of native and mutant, apo and with drugs bound, and say how long they became."""
    import json

    from kinscope.dynamics.records import REPLICA_RECORD_FILE, ReplicaRecord

    dynamics: dict[str, Any] = {} if md_minutes is None else {"budget_minutes": md_minutes}
    if length_ns is not None:
        if md_minutes is not None:
            raise typer.BadParameter("give either --md-minutes or --length-ns, not both")
        dynamics = {"budget_minutes": None, "length_ns": length_ns}
    if ligand:
        dynamics["ligands"] = tuple(ligand)
        bound = _states_bound(ligand, target)
        # The apo kinase beside the bound one, in the same state.
        dynamics["states"] = tuple(dict.fromkeys([*(state or ()), *bound]))
        state = list(dynamics["states"])
    changes: dict[str, Any] = {"dynamics": dynamics} if dynamics else {}
    given = structure_path(structure, chain, as_state_like, max_gap, allow_truncation, mirror, download)
    quiet = quiet or as_json
    found = _run(expression, preset, state, changes, out, target, cores, quiet, "replica_steps", given)
    rows = []
    for (side, where, _), directory in sorted(found.items()):
        record = ReplicaRecord.model_validate_json((directory / REPLICA_RECORD_FILE).read_bytes())
        rows.append((side, where, record, directory))
    if as_json:
        typer.echo(json.dumps([row[2].model_dump(mode="json") for row in rows], indent=2))
        return
    for side, where, record, directory in rows:
        typer.echo(
            f"{side:<8}{where:<26}replica {record.replica + 1}  {record.status}  "
            f"{record.length_ns * 1000:.2f} ps  {record.frames} frames  {directory}"
        )


def _states_bound(ligands: list[str], target: str) -> list[str]:
    """The state that each drug binds.

    Raises
    ------
    LigandError
        If a drug has no force-field parameters.
    """
    from kinscope.ligands.parameters import directory_for, load_parameters
    from kinscope.targets import load_target, target_reference

    pack = load_target(target_reference(target))
    drugs = [pack.drug(identifier) for identifier in ligands]
    for drug in drugs:
        load_parameters(drug, directory_for(pack, drug))
    return [drug.state for drug in drugs]


def _run(
    expression: str,
    preset: str,
    state: list[str] | None,
    changes: dict[str, Any],
    out: Path | None,
    target: str,
    cores: int | None,
    quiet: bool,
    stage: str,
    given: tuple[Path | None, dict[str, Any] | None],
) -> dict[Any, Path]:
    from kinscope.cli.console import watcher
    from kinscope.targets import load_target, target_reference
    from kinscope.variants import parse_variant
    from kinscope.workflow.settings import load_preset, with_changes
    from kinscope.workflow.study import run_stage

    reference = target_reference(target)
    variant = parse_variant(expression, load_target(reference))
    if given[1] is not None:
        changes["structure"] = given[1]
    if state:
        changes["states"] = tuple(state)
    settings = with_changes(load_preset(preset), target=reference, **changes)
    with watcher(quiet) as watch:
        found, outcome = run_stage(
            variant,
            settings,
            out or Path(f"kinscope-{variant.slug}"),
            lambda planner: getattr(planner, stage)(),
            structure=given[0],
            cores=cores,
            listener=watch,
        )
    for error in outcome.failed.values():
        typer.echo(f"failed: {error}", err=True)
    return found
