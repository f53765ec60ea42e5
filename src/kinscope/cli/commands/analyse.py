"""``kinscope analyse``: what a trajectory shows, ours or anyone's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.options import AsJson, Quiet, Target

if TYPE_CHECKING:
    from kinscope.analysis.trajectory_results import MeasureComparison, ReplicaAnalysis
    from kinscope.workflow.trajectory_run import Analysed

_SHOWN_CONTACTS = 8
_TRUSTED_ASPECTS = ("dfg", "helix_c", "salt_bridge", "activation_loop", "spine", "activity", "sh2_position")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "analyse",
        epilog="Examples:  kinscope analyse kinscope-K404E      kinscope analyse --topology system.pdb "
        "--trajectory run1.xtc --trajectory run2.xtc --variant K404E",
    )(analyse)


def analyse(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="A run directory of kinscope, or one replica's directory."),
    ] = None,
    topology: Annotated[
        Path | None,
        typer.Option("--topology", help="PDB or mmCIF with every atom of the frames, in their order."),
    ] = None,
    trajectory: Annotated[
        list[Path] | None,
        typer.Option("--trajectory", help="XTC or DCD; repeated: further replicas of the same system."),
    ] = None,
    variant: Annotated[
        str | None, typer.Option("--variant", help="Whose interactions to follow, e.g. K404E.")
    ] = None,
    chain: Annotated[str, typer.Option("--chain", help="Which chain of the topology.")] = "",
    target: Target = "abl1",
    pocket_frames: Annotated[
        int,
        typer.Option(
            "--pocket-frames", min=0, max=10_000, help="For pocket volumes, 20 of them by both ways."
        ),
    ] = 100,
    out: Annotated[
        Path, typer.Option("--out", help="Directory for the tables (CSV, Parquet and JSON).")
    ] = Path("kinscope-analysis"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure trajectories in one pass, in memory that does not grow with their length.

    RMSD and RMSF on a rigid core found from the data, size, secondary structure, DFG, helix C, spine and loop
    in every frame, interactions of the variant's residue, ligands, domains, pockets, principal motions.
    """
    from kinscope.dynamics.streaming import PassSettings
    from kinscope.targets import load_target, target_reference
    from kinscope.variants import parse_variant
    from kinscope.workflow.trajectory_run import analyse_files, analyse_run

    pack = load_target(target_reference(target))
    settings = PassSettings(pocket_frames=pocket_frames)
    files = _checked(directory, topology, trajectory)
    parsed = None if variant is None else parse_variant(variant, pack)
    with _Bar(quiet or as_json) as bar:
        if files is None:
            assert directory is not None
            found = analyse_run(directory, pack, out, variant=parsed, settings=settings, progress=bar)
        else:
            found = [
                analyse_files(*files, pack, out, variant=parsed, chain=chain, settings=settings, progress=bar)
            ]
    if as_json:
        import json

        typer.echo(json.dumps([one.result.model_dump(mode="json") for one in found], indent=1))
    else:
        for one in found:
            _print(one)


def _checked(
    directory: Path | None, topology: Path | None, trajectories: list[Path] | None
) -> tuple[Path, list[Path]] | None:
    """The files to read, None for a directory."""
    from kinscope.core.errors import BadInputError

    given = topology is not None or bool(trajectories)
    if (directory is None) != given:
        raise BadInputError(
            "Give a directory, or a topology with trajectories" + (", not both." if given else "."),
            where="analyse",
            remedy="kinscope analyse DIR, or kinscope analyse --topology FILE --trajectory FILE",
        )
    if directory is not None:
        return None
    if topology is None or not trajectories:
        raise BadInputError(
            f"There is no {'topology' if topology is None else 'trajectory'}.",
            where="analyse",
            remedy="Give --topology FILE and --trajectory FILE.",
        )
    return topology, trajectories


def _print(found: Analysed) -> None:
    result = found.result
    typer.echo(f"{found.title}: tables in {found.directory}")
    for line in result.failed:
        typer.echo(f"  left out: {line}", err=True)
    for one in result.replicas:
        _print_replica(one)
    if result.principal is not None:
        shares = ", ".join(f"{value:.0f} %" for value in result.principal.explained_percent[:3])
        drift = (
            "; half of the replicas or more only drift along the first" if result.principal.diffusive else ""
        )
        typer.echo(f"  principal motions, all replicas together: {shares} of the variance{drift}")
    for line in _differences(result.measures):
        typer.echo(f"  {line}")
    for contact in result.contacts:
        if contact.difference.resolved:
            partner = f"{contact.partner_name}{contact.partner}"
            typer.echo(f"  {contact.kind} with {partner}: {contact.difference.statement}")
    typer.echo(f"  {result.replicas[0].superposition}")


def _differences(measures: Sequence[MeasureComparison]) -> list[str]:
    """What each quantity shows, mutant against native; those of which the same is said share a line."""
    said: dict[str, list[str]] = {}
    for measure in measures:
        said.setdefault(measure.difference.statement, []).append(measure.label)
    return [
        f"{labels[0]}: {statement}" if len(labels) == 1 else f"{statement}, in all of: {'; '.join(labels)}"
        for statement, labels in said.items()
    ]


def _print_replica(one: ReplicaAnalysis) -> None:
    from kinscope.analysis.regions import time_words

    length = "no time in the file" if one.length_ns is None else time_words(one.length_ns)
    typer.echo(f"  {one.name} ({one.variant}): {one.frames} frames, {length}, {one.atoms} atoms")
    for series in one.series:
        of = series.name.rpartition("/")[0]
        error = "" if series.standard_error is None else f", mean good to {series.standard_error:.2g}"
        typer.echo(
            f"    {of + ': ' if of else ''}{series.label}: {series.mean:.2f} +- "
            f"{series.standard_deviation:.2f} {series.unit}{error}"
        )
    for aspect in _TRUSTED_ASPECTS:
        shares = [share for share in one.classes if share.aspect == aspect]
        if shares and shares[0].label not in ("not modelled", "unassigned"):
            listed = ", ".join(f"{share.label} {share.percent:.1f} %" for share in shares)
            typer.echo(f"    {aspect.replace('_', ' ')}: {listed}")
    for contact in one.contacts[:_SHOWN_CONTACTS]:
        typer.echo(
            f"    {contact.of}: {contact.kind} with {contact.partner_name}{contact.partner}, "
            f"{contact.percent:.0f} % of the frames"
        )
    if len(one.contacts) > _SHOWN_CONTACTS:
        typer.echo(f"    {len(one.contacts) - _SHOWN_CONTACTS} further interactions in contacts.csv")
    for stay in one.ligands:
        left = "there at the end" if stay.left_at_percent is None else f"left at {stay.left_at_percent:.0f} %"
        typer.echo(f"    {stay.ligand}: {len(stay.first_contacts)} residues in contact at the start; {left}")
    for note in one.notes:
        typer.echo(f"    note: {note}")


class _Bar:
    """A line of progress on a terminal."""

    def __init__(self, quiet: bool) -> None:
        import sys

        self._shown = not quiet and sys.stderr.isatty()

    def __enter__(self) -> _Bar:
        """Begin."""
        return self

    def __call__(self, share: float, text: str) -> None:
        """Redraw."""
        if self._shown:
            typer.echo(f"\r{100 * share:3.0f} %  {text[:60]:<60}", err=True, nl=False)

    def __exit__(self, *_: object) -> None:
        """Clear the line."""
        if self._shown:
            typer.echo("\r" + " " * 70 + "\r", err=True, nl=False)
