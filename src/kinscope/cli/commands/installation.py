"""What is here: the machine (``doctor``) and the target packs (``targets``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinscope.cli.console import echo, show, show_json
from kinscope.cli.options import AsJson, Target, command_of, pack_of

if TYPE_CHECKING:
    from kinscope.targets import TargetPack
    from kinscope.workflow.machine import Finding

app = typer.Typer()
targets = typer.Typer(no_args_is_help=True, help="Target packs: list the shipped, write one, check one.")


@command_of(app, "doctor", epilog="Example:  kinscope doctor --seconds 10")
def doctor(
    seconds: Annotated[
        float,
        typer.Option(min=0.0, max=600.0, help="Of stepping on each OpenMM platform; 0: do not measure."),
    ] = 3.0,
    target: Target = "abl1",
    as_json: AsJson = False,
) -> None:
    """Check this machine. Devices, versions, what is missing, how long each preset takes."""
    from kinscope.workflow.machine import examine

    findings = examine()
    if not as_json:
        _show(findings)
    if seconds > 0:
        from kinscope.workflow.timing import time_findings

        if not as_json:
            echo(f"measuring the speed of dynamics, {seconds:g} s per platform ...", err=True)
        found = time_findings(pack_of(target), seconds)
        if not as_json:
            _show(found)
        findings += found
    if as_json:
        show_json(findings)


def _show(findings: Sequence[Finding]) -> None:
    for finding in findings:
        echo(f"{'ok ' if finding.fine else '!! '} {finding.name:<22} {finding.value}")
        if finding.remedy:
            echo(f"      to do: {finding.remedy}")


@command_of(targets, "list", epilog="Example:  kinscope targets list")
def list_targets(as_json: AsJson = False) -> None:
    """The kinases that ship with kinscope."""
    from kinscope.targets import target_names

    rows = [_held(name, pack_of(name)) for name in target_names()]
    lines = (
        f"{row['target']}: {row['gene']}, {row['name']}\n"
        f"    {row['protein']} ({row['coding_sequence'] or 'no coding sequence: p. only'})\n"
        f"    states: {', '.join(row['states']) or 'none'}\n"
        f"    drugs: {', '.join(row['drugs']) or 'none'}"
        for row in rows
    )
    show(rows, lines, as_json)


def _held(name: str, pack: TargetPack) -> dict[str, Any]:
    return {
        "target": name,
        "gene": pack.gene,
        "name": pack.name,
        "protein": pack.transcript.protein_accession,
        "coding_sequence": pack.transcript.accession if pack.transcript.cds else "",
        "states": [state.id for state in pack.states],
        "drugs": [drug.id for drug in pack.drugs],
    }


@command_of(targets, "new", epilog="Example:  kinscope targets new EGFR --protein P00533.fasta --out egfr")
def new(
    gene: Annotated[str, typer.Argument(metavar="GENE", help="The gene symbol, e.g. EGFR.")],
    protein: Annotated[Path, typer.Option("--protein", help="FASTA file of the reference isoform.")],
    cds: Annotated[Path | None, typer.Option(help="FASTA file of the coding sequence, ATG to stop.")] = None,
    out: Annotated[Path | None, typer.Option(help="New directory; default: the gene.")] = None,
) -> None:
    """Write a pack to fill in, its landmarks found by alignment."""
    from kinscope.workflow.packs.new import write_new_pack

    directory = out or Path(gene.lower())
    for line in write_new_pack(gene, protein, directory, cds_file=cds):
        echo(line)
    echo(f"Written: {directory}. Fill in what says FILL IN, then: kinscope targets check {directory}")


@command_of(targets, "check", epilog="Example:  kinscope targets check ./egfr")
def check(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A shipped name, or a directory.")],
    as_json: AsJson = False,
) -> None:
    """What a pack holds, and what is to do. Exit 1 if any of it is wrong."""
    from kinscope.workflow.packs.check import check_target

    findings = check_target(pack_of(target))
    width = max(len(finding.part) for finding in findings)
    show(findings, (f"{one.verdict:<6} {one.part:<{width}}  {one.text}" for one in findings), as_json)
    if any(finding.verdict == "fails" for finding in findings):
        raise typer.Exit(1)
