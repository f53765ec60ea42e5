"""``kinscope qpcr``: from cycles or copies to a BCR::ABL1 level that can be judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.options import AsJson

if TYPE_CHECKING:
    from kinscope.clinic.qpcr_model import Check, QpcrReport, QpcrResult, StandardCurve


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("qpcr", epilog="Example:  kinscope qpcr run.csv --transcript e1a2 --control GUSB")(show_qpcr)


def show_qpcr(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV or TSV with columns sample, target, role (standard, sample, ntc), copies, ct; or YAML.",
        ),
    ],
    transcript: Annotated[
        str, typer.Option("--transcript", help="Fusion transcript: e1a2, e13a2, e14a2, p190 ...")
    ] = "",
    control: Annotated[str, typer.Option("--control", help="Control gene: ABL1, GUSB or BCR.")] = "",
    conversion_factor: Annotated[
        float | None,
        typer.Option("--conversion-factor", help="The laboratory's factor to the international scale."),
    ] = None,
    rules: Annotated[
        str, typer.Option("--rules", help="Rules of acceptance: eac, euromrd, or a YAML file.")
    ] = "eac",
    as_json: AsJson = False,
) -> None:
    """Standard curves, normalised copy number with its interval, international scale, sensitivity."""
    from kinscope.clinic.qpcr import analyse_run, read_run

    run = read_run(file, transcript=transcript, control_gene=control, conversion_factor=conversion_factor)
    report = analyse_run(run, rules)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
        return
    _print(report)


def _print(report: QpcrReport) -> None:
    for curve in (report.fusion_curve, report.control_curve):
        if curve is not None:
            typer.echo(_curve_line(curve))
    for check in report.checks:
        typer.echo(_check_line(check))
    for result in report.results:
        typer.echo("")
        _print_result(result)
    typer.echo(f"\nRules: {report.rules}. {report.rules_citation}")


def _curve_line(curve: StandardCurve) -> str:
    return (
        f"{curve.target}: Ct = {curve.intercept:.3f} {curve.slope:+.3f} x log10(copies); {curve.wells} "
        f"wells, {curve.lowest_copies:,.0f} to {curve.highest_copies:,.0f} copies, "
        f"residual {curve.residual_sd_ct:.3f} cycles"
    )


def _check_line(check: Check) -> str:
    marks = {True: "met", False: "NOT MET" if check.decisive else "note", None: "not judged"}
    return f"  [{marks[check.passed]}] {check.name}: {check.text}"


def _print_result(result: QpcrResult) -> None:
    accepted = "" if result.accepted else "  NOT ACCEPTED by the rules"
    typer.echo(f"{result.name}{accepted}")
    typer.echo(f"  {result.statement}")
    fusion, control = result.fusion, result.control
    typer.echo(
        f"  BCR::ABL1 {fusion.total_copies:,.4g} copies in {fusion.detected_wells} of {fusion.wells} wells; "
        f"{control.target} {control.total_copies:,.0f} copies in {control.wells} wells"
    )
    typer.echo(f"  class: {result.molecular_class}; the sample reaches {result.depth or 'no MR4'}")
    for check in result.checks:
        if check.passed is not True:
            typer.echo(_check_line(check))
