"""What is here: the machine (``doctor``) and the target packs (``targets``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.console import echo, show_json
from kinscope.cli.options import AsJson, Target, command_of

if TYPE_CHECKING:
    from kinscope.workflow.machine import Finding

app = typer.Typer()
targets = typer.Typer(no_args_is_help=True, help="Target packs: list the shipped, write one, check one.")


@command_of(app, "doctor", epilog="Example:  kinscope doctor --seconds 10")
def doctor(
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds", min=0.0, max=600.0, help="Of stepping on each OpenMM platform; 0: do not measure."
        ),
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
        from kinscope.targets import load_target
        from kinscope.workflow.timing import time_findings

        if not as_json:
            echo(f"measuring the speed of dynamics, {seconds:g} s per platform ...", err=True)
        found = time_findings(load_target(target), seconds)
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
    from kinscope.targets import load_target, target_names

    packs = [(name, load_target(name)) for name in target_names()]
    if as_json:
        rows = [
            {
                "target": name,
                "gene": pack.gene,
                "name": pack.name,
                "protein": pack.transcript.protein_accession,
                "coding_sequence": pack.transcript.accession if pack.transcript.cds else "",
                "states": [state.id for state in pack.states],
                "drugs": [drug.id for drug in pack.drugs],
            }
            for name, pack in packs
        ]
        show_json(rows)
        return
    for name, pack in packs:
        reads = pack.transcript.accession if pack.transcript.cds else "no coding sequence: p. only"
        echo(f"{name}: {pack.gene}, {pack.name}")
        echo(f"    {pack.transcript.protein_accession} ({reads})")
        echo(f"    states: {', '.join(state.id for state in pack.states) or 'none'}")
        echo(f"    drugs: {', '.join(drug.id for drug in pack.drugs) or 'none'}")


@command_of(targets, "new", epilog="Example:  kinscope targets new EGFR --protein P00533.fasta --out egfr")
def new(
    gene: Annotated[str, typer.Argument(metavar="GENE", help="The gene symbol, e.g. EGFR.")],
    protein: Annotated[Path, typer.Option("--protein", help="FASTA file of the reference isoform.")],
    cds: Annotated[
        Path | None, typer.Option("--cds", help="FASTA file of the coding sequence, ATG to stop.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="New directory; default: the gene.")] = None,
) -> None:
    """Write a pack to fill in, its regions and landmarks found by alignment with ABL1."""
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
    """What a pack holds, what is sound and what is to do; exit 1 if anything of it is wrong."""
    from kinscope.targets import load_target
    from kinscope.workflow.packs.check import check_target

    findings = check_target(load_target(target))
    if as_json:
        show_json(findings)
    else:
        width = max(len(finding.part) for finding in findings)
        for finding in findings:
            echo(f"{finding.verdict:<6} {finding.part:<{width}}  {finding.text}")
    if any(finding.verdict == "fails" for finding in findings):
        raise typer.Exit(1)
