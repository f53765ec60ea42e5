"""Dynamics: run (``simulate``), lengthened (``extend``), measured (``analyse``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinscope.cli.console import Console, echo, show_json
from kinscope.cli.options import (
    Cores,
    EngineOfDynamics,
    Expression,
    Preset,
    Quiet,
    RunDirectory,
    RunOptions,
    States,
    StructureOptions,
    Target,
    command_of,
    given,
    pack_of,
)

if TYPE_CHECKING:
    from kinscope.results.trajectories import MeasureComparison, ReplicaAnalysis
    from kinscope.targets.pack import TargetPack
    from kinscope.workflow.single_runs import LigandAsked, Simulated
    from kinscope.workflow.trajectory_run import Analysed

_SHOWN_CONTACTS = 8
_USUAL_MINUTES = 6.0
_FRAMES_GIVEN = ([True, False, False, False], [False, True, True, False], [False, False, False, True])
"""Of directory, topology, trajectories and example, which may come together."""
_TRUSTED_ASPECTS = ("dfg", "helix_c", "salt_bridge", "activation_loop", "spine", "activity", "sh2_position")

app = typer.Typer()


@dataclass(frozen=True)
class DynamicsOptions:
    """How long, how often, with what and in which states dynamics is run."""

    md_minutes: Annotated[float | None, typer.Option(min=0.1, help="Minutes for all dynamics.")] = None
    length_ns: Annotated[
        float | None,
        typer.Option(min=1e-5, max=100_000.0, help="Length of each replica, in place of minutes."),
    ] = None
    replicas: Annotated[int | None, typer.Option(min=1, max=100, help="Of each system. [3]")] = None
    preset: Preset = "quick"
    engine: EngineOfDynamics = None
    state: States = None

    def settings(self) -> dict[str, Any]:
        """What is said, as settings of dynamics."""
        if self.md_minutes is not None and self.length_ns is not None:
            raise typer.BadParameter("give either --md-minutes or --length-ns, not both")
        engine = self.engine or None
        changes = given(
            budget_minutes=self.md_minutes, length_ns=self.length_ns, replicas=self.replicas, engine=engine
        )
        if self.length_ns is not None:
            return {**changes, "budget_minutes": None}
        # A quick study runs none unless asked, and here it is what was asked for.
        return changes if self.preset != "quick" else {"budget_minutes": _USUAL_MINUTES, **changes}


@dataclass(frozen=True)
class BoundOptions:
    """What is simulated bound, beside the apo kinase."""

    ligand: Annotated[
        list[str] | None,
        typer.Option(help="Simulate this drug bound too, in the state it binds; may be repeated."),
    ] = None
    ligand_file: Annotated[
        Path | None,
        typer.Option(help="A ligand of yours, bound in one --state: SDF or MOL. Needs --parameters."),
    ] = None
    parameters: Annotated[
        Path | None, typer.Option(help="Its force field, as `kinscope parameters --ligand FILE` made it.")
    ] = None
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place", help="The file's coordinates are its pose in the state's model; else it is docked."
        ),
    ] = False
    site: Annotated[str, typer.Option(help="Where yours is docked: atp or myristate.")] = "atp"

    def own(self) -> LigandAsked | None:
        """The user's ligand, if there is one."""
        from kinscope.workflow.single_runs import LigandAsked

        if self.ligand_file is not None:
            return LigandAsked(self.ligand_file, self.parameters, self.site, self.in_place)
        if self.parameters is not None or self.in_place:
            raise typer.BadParameter("--parameters and --in-place need --ligand-file")
        return None


@command_of(app, "simulate", epilog="Example:  kinscope simulate K404E --ligand imatinib --md-minutes 10")
def simulate(
    expression: Expression,
    dynamics: DynamicsOptions,
    bound: BoundOptions,
    structure: StructureOptions,
    run: RunOptions,
    console: Console,
) -> None:
    """Run molecular dynamics of a variant. Replicas of native and mutant, without and with drugs."""
    from kinscope.workflow.single_runs import StageRequest, simulate_alone

    settings, own, file = dynamics.settings(), bound.own(), structure.given()
    states = tuple(dynamics.state or ())
    with console.watch() as watch:
        request = StageRequest(
            expression, run.target, dynamics.preset, states, file, run.out, run.cores, listener=watch
        )
        done, replicas = simulate_alone(request, settings, bound.ligand or (), own)
    lines = list(map(_simulated, replicas))
    if replicas:
        lines.append(f"\nNative beside {done.variant.short}:  kinscope analyse {done.directory}")
        lines.append(f"The whole report, these replicas in it:  kinscope resume {done.directory}")
    console.show([one.record for one in replicas], lines)
    for message in done.failed:
        echo(f"failed: {message}", err=True)
    if done.failed:
        raise typer.Exit(1)


def _simulated(one: Simulated) -> str:
    record = one.record
    return (
        f"{one.side:<8}{one.system:<26}replica {record.replica + 1}  {record.status}  "
        f"{record.length_ns * 1000:.2f} ps  {record.frames} frames  {one.directory}"
    )


@command_of(app, "extend", epilog="Example:  kinscope extend kinscope-K404E --length-ns 20")
def extend(
    directory: RunDirectory,
    length_ns: Annotated[
        float, typer.Option(min=1e-5, max=100_000.0, help="Production of each replica in all.")
    ],
    engine: EngineOfDynamics = None,
    cores: Cores = None,
    quiet: Quiet = False,
) -> None:
    """Make the dynamics of a study longer. What was computed stays part of it."""
    from kinscope.workflow.study import extend_study

    with Console(quiet=quiet).watch() as watch:
        study = extend_study(directory, length_ns, engine=engine, cores=cores, listener=watch)
    echo(f"{study.variant.short}: replicas of {length_ns:g} ns in {directory}")
    report = directory / "report.html"
    further = f"Next: kinscope analyse {directory}, or the whole study: kinscope resume {directory}"
    echo(f"Report: {report}" if report.exists() else further)


@dataclass(frozen=True)
class FramesOptions:
    """Whose frames are measured."""

    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="A run directory of kinscope, or one replica's directory."),
    ] = None
    topology: Annotated[
        Path | None,
        typer.Option("--topology", help="PDB or mmCIF with every atom of the frames, in their order."),
    ] = None
    trajectory: Annotated[
        list[Path] | None, typer.Option(help="XTC or DCD; repeated: further replicas of the same system.")
    ] = None
    variant: Annotated[str | None, typer.Option(help="Whose interactions to follow, e.g. K404E.")] = None
    chain: Annotated[str, typer.Option(help="Which chain of the topology.")] = ""

    example: Annotated[
        bool, typer.Option("--example", help="A shipped model in made-up motion, written below --out.")
    ] = False

    def named(self, pack: TargetPack, out: Path) -> Path | tuple[Path, list[Path]]:
        """The directory, or the topology and its trajectories.

        Raises BadInputError if it is neither, or several.
        """
        from kinscope.core.errors import BadInputError
        from kinscope.workflow.trajectory_run import example_files

        named = (self.directory, self.topology, self.trajectory or None, self.example or None)
        if [one is not None for one in named] not in _FRAMES_GIVEN:
            raise BadInputError(
                "Give a directory, or a topology with trajectories, or --example.",
                where="analyse",
                remedy="kinscope analyse DIR, or kinscope analyse --topology FILE --trajectory FILE",
            )
        if self.example:
            return example_files(pack, out / "example")
        if self.topology is not None and self.trajectory:
            return self.topology, self.trajectory
        assert self.directory is not None
        return self.directory


@command_of(
    app,
    "analyse",
    epilog="Examples:  kinscope analyse --example      kinscope analyse kinscope-K404E\n\n"
    "kinscope analyse --topology system.pdb --trajectory run1.xtc --trajectory run2.xtc --variant K404E",
)
def analyse(
    frames: FramesOptions,
    *,
    target: Target = "abl1",
    pocket_frames: Annotated[
        int, typer.Option(min=0, max=10_000, help="Frames in which pocket volumes are measured; 0: none.")
    ] = 100,
    out: Annotated[Path, typer.Option(help="Directory for the tables (CSV, Parquet and JSON).")] = Path(
        "kinscope-analysis"
    ),
    console: Console,
) -> None:
    """Measure trajectories, a study's or your own.

    RMSD and RMSF on a rigid core found from the data, size, secondary structure, DFG, helix C, spine and loop
    in every frame, interactions of the variant's residue, ligands, domains, pockets, principal motions.
    """
    from kinscope.trajectories.passes import PassSettings
    from kinscope.variants import parse_variant
    from kinscope.workflow.trajectory_run import analyse_files, analyse_run

    pack = pack_of(target)
    named = frames.named(pack, out)
    variant = None if frames.variant is None else parse_variant(frames.variant, pack)
    settings = PassSettings(pocket_frames=pocket_frames)
    tell = console.teller()
    if isinstance(named, Path):
        found = analyse_run(named, pack, out, variant=variant, settings=settings, progress=tell)
    else:
        chain = frames.chain
        found = [
            analyse_files(*named, pack, out, variant=variant, chain=chain, settings=settings, progress=tell)
        ]
    if console.as_json:
        show_json([one.result for one in found])
        return
    for one in found:
        _print_analysed(one)


def _print_analysed(found: Analysed) -> None:
    from kinscope.interpretation.words.say import statement

    result = found.result
    echo(f"{found.title}: tables in {found.directory}")
    for line in result.failed:
        echo(f"  left out: {line}", err=True)
    for one in result.replicas:
        _print_replica(one)
    if result.principal is not None:
        shares = ", ".join(f"{value:.0f} %" for value in result.principal.explained_percent[:3])
        drift = "; half the replicas or more only drift along the first" if result.principal.diffusive else ""
        echo(f"  principal motions, all replicas together: {shares} of the variance{drift}")
    for line in _differences(result.measures):
        echo(f"  {line}")
    for contact in result.contacts:
        if contact.difference.resolved:
            partner = f"{contact.partner_name}{contact.partner}"
            echo(f"  {contact.kind} with {partner}: {statement(contact.difference)}")
    echo(f"  {result.replicas[0].superposition}")


def _differences(measures: Sequence[MeasureComparison]) -> list[str]:
    """What each quantity shows, mutant against native; those of which the same is said share a line."""
    from kinscope.interpretation.words.say import statement

    said: dict[str, list[str]] = {}
    for measure in measures:
        said.setdefault(statement(measure.difference), []).append(measure.label)
    return [
        f"{labels[0]}: {words}" if len(labels) == 1 else f"{words}, in all of: {'; '.join(labels)}"
        for words, labels in said.items()
    ]


def _print_replica(one: ReplicaAnalysis) -> None:
    from kinscope.analysis.regions import time_words
    from kinscope.interpretation.words.say import say_all

    length = "no time in the file" if one.length_ns is None else time_words(one.length_ns)
    echo(f"  {one.name} ({one.variant}): {one.frames} frames, {length}, {one.atoms} atoms")
    for series in one.series:
        of = series.name.rpartition("/")[0]
        error = f", mean good to {good:.2g}" if (good := series.standard_error or 0.0) > 1e-9 else ""
        echo(
            f"    {of + ': ' if of else ''}{series.label}: {series.mean:.2f} +- "
            f"{series.standard_deviation:.2f} {series.unit}{error}"
        )
    for aspect in _TRUSTED_ASPECTS:
        shares = [share for share in one.classes if share.aspect == aspect]
        if shares and shares[0].label not in ("not modelled", "unassigned"):
            listed = ", ".join(f"{share.label} {share.percent:.1f} %" for share in shares)
            echo(f"    {aspect.replace('_', ' ')}: {listed}")
    for contact in one.contacts[:_SHOWN_CONTACTS]:
        echo(
            f"    {contact.of}: {contact.kind} with {contact.partner_name}{contact.partner}, "
            f"{contact.percent:.0f} % of the frames"
        )
    if len(one.contacts) > _SHOWN_CONTACTS:
        echo(f"    {len(one.contacts) - _SHOWN_CONTACTS} further interactions in contacts.csv")
    for stay in one.ligands:
        left = "there at the end" if stay.left_at_percent is None else f"left at {stay.left_at_percent:.0f} %"
        echo(f"    {stay.ligand}: {len(stay.first_contacts)} residues in contact at the start; {left}")
    for told in say_all(one.notes):
        echo(f"    note: {told}")
