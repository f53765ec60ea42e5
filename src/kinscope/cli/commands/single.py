"""``kinscope simulate``: dynamics alone."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinscope.cli.options import (
    AsJson,
    Cores,
    EngineOfDynamics,
    Expression,
    Mirror,
    Out,
    Preset,
    Quiet,
    States,
    Target,
)
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
    from kinscope.cli.stages import StageDone
    from kinscope.workflow.planning.own_ligands import LigandFiles
    from kinscope.workflow.settings import OwnLigand


MdMinutes = Annotated[
    float | None, typer.Option("--md-minutes", min=0.1, help="Minutes for all dynamics together.")
]
LengthNs = Annotated[
    float | None,
    typer.Option("--length-ns", min=1e-5, max=100_000.0, help="Length of each replica, in place of minutes."),
]
Replicas = Annotated[int | None, typer.Option("--replicas", min=1, max=100, help="Of each system. [3]")]
Ligands = Annotated[
    list[str] | None,
    typer.Option("--ligand", help="Simulate this drug bound too, in the state it binds; may be repeated."),
]
LigandFile = Annotated[
    Path | None,
    typer.Option(
        "--ligand-file",
        help="A ligand of yours, simulated bound in one --state: SDF or MOL. Needs --parameters.",
    ),
]
Parameters = Annotated[
    Path | None,
    typer.Option("--parameters", help="Its force field, as `kinscope parameters --ligand FILE` made it."),
]
InPlace = Annotated[
    bool,
    typer.Option(
        "--in-place", help="The file's coordinates are its pose in the state's model; else it is docked."
    ),
]
Site = Annotated[str, typer.Option("--site", help="Where yours is docked: atp or myristate.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", epilog="Example:  kinscope simulate K404E --ligand imatinib --md-minutes 10")(
        simulate
    )


def simulate(
    expression: Expression,
    md_minutes: MdMinutes = None,
    length_ns: LengthNs = None,
    replicas: Replicas = None,
    preset: Preset = "quick",
    engine: EngineOfDynamics = None,
    state: States = None,
    ligand: Ligands = None,
    ligand_file: LigandFile = None,
    parameters: Parameters = None,
    in_place: InPlace = False,
    site: Site = "atp",
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
    from kinscope.cli.stages import StageRequest
    from kinscope.structures.user_records import USER_STATE
    from kinscope.workflow.planning.dynamics import replica_steps
    from kinscope.workflow.planning.own_ligands import keep_ligand

    dynamics = _length(md_minutes, length_ns) | ({"engine": engine} if engine else {})
    if replicas is not None:
        dynamics["replicas"] = replicas
    if ligand:
        # The apo kinase beside the bound one, in the same state.
        state = list(dict.fromkeys([*(state or ()), *_states_bound(ligand, target)]))
        dynamics |= {"ligands": tuple(ligand), "states": tuple(state)}
    keep = None
    if ligand_file is not None:
        own, files = _own(ligand_file, parameters, site, state, target, in_place, structure)
        dynamics |= {"own_ligands": (own.model_dump(),), "states": (own.state,)}
        dynamics.setdefault("ligands", ())  # beside yours, only drugs that you name
        state = None if own.state == USER_STATE else [own.state]
        keep = partial(keep_ligand, ligand=own, files=files)
    elif parameters is not None or in_place:
        raise typer.BadParameter(
            "--parameters and --in-place are about a ligand of yours: give --ligand-file"
        )
    given = structure_path(structure, chain, as_state_like, max_gap, allow_truncation, mirror, download)
    request = StageRequest(expression, preset, state, out, target, cores, quiet or as_json, given)
    done = request.run({"dynamics": dynamics} if dynamics else {}, replica_steps, keep)
    _conclude(done, as_json)


def _conclude(done: StageDone, as_json: bool) -> None:
    """Print what ran, what to do next and what failed.

    Raises
    ------
    typer.Exit
        With 1 if a replica failed.
    """
    _show(done.artefacts, as_json)
    if done.artefacts and not as_json:
        typer.echo(f"\nNative beside {done.variant.short}:  kinscope analyse {done.directory}")
        typer.echo(f"The whole report, these replicas in it:  kinscope resume {done.directory}")
    for message in done.failed:
        typer.echo(f"failed: {message}", err=True)
    if done.failed:
        raise typer.Exit(1)


def _length(md_minutes: float | None, length_ns: float | None) -> dict[str, Any]:
    """How long, as settings of dynamics."""
    if length_ns is None:
        return {} if md_minutes is None else {"budget_minutes": md_minutes}
    if md_minutes is not None:
        raise typer.BadParameter("give either --md-minutes or --length-ns, not both")
    return {"budget_minutes": None, "length_ns": length_ns}


def _show(found: dict[Any, Path], as_json: bool) -> None:
    from kinscope.dynamics.records import REPLICA_RECORD_FILE, ReplicaRecord

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


def _own(
    file: Path,
    parameters: Path | None,
    site: str,
    states: list[str] | None,
    target: str,
    in_place: bool,
    structure: str | None,
) -> tuple[OwnLigand, LigandFiles]:
    """The user's ligand, checked as far as that is possible before anything runs.

    Raises
    ------
    BadInputError
        If the ligand, its parameters, its pose, the site or the state cannot be used.
    """
    from kinscope.core.errors import LigandError
    from kinscope.docking.site_center import check_site
    from kinscope.structures.reference import reference_model
    from kinscope.structures.user_records import USER_STATE
    from kinscope.targets import load_target, target_reference
    from kinscope.workflow.planning.own_ligands import check_in_place, placed_as_given, take_ligand

    pack = load_target(target_reference(target))
    check_site(pack, site)
    chosen = list(dict.fromkeys(states or ([USER_STATE] if structure else [])))
    if len(chosen) != 1:
        raise LigandError(
            "A ligand of yours is bound in one state, and "
            + (f"{len(chosen)} were named." if chosen else "none was named."),
            where=f"--ligand-file {file}",
            remedy=f"Give one --state of: {', '.join(one.id for one in pack.states)}.",
        )
    own, files = take_ligand(file, parameters, pack, state=chosen[0], site=site, in_place=in_place)
    if chosen[0] != USER_STATE:
        pack.state(chosen[0])
        if in_place:
            placed = placed_as_given(files.parameters, file)
            check_in_place(reference_model(pack, chosen[0])[0], placed, f"{file}, --in-place")
    return own, files


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
