"""``kinscope karyotype``: what an ISCN string says, and what of it could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kinscope.cli.options import AsJson

if TYPE_CHECKING:
    from kinscope.clinic.karyotype_model import Clone, Karyotype
    from kinscope.clinic.karyotype_reading import KaryotypeReading


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("karyotype", epilog="Example:  kinscope karyotype '46,XX,t(9;22)(q34;q11.2)[18]/46,XX[2]'")(
        show_karyotype
    )


def show_karyotype(
    iscn: Annotated[str, typer.Argument(metavar="ISCN", help="The karyotype as the report writes it.")],
    transcript: Annotated[
        str, typer.Option("--transcript", help="Also say what this fusion transcript encodes, e.g. e1a2.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Clones and their sizes, the Philadelphia chromosome, additional changes, complexity."""
    from kinscope.clinic.karyotype import parse_karyotype
    from kinscope.clinic.karyotype_reading import read_karyotype
    from kinscope.clinic.measurements_fusion import protein_of

    karyotype = parse_karyotype(iscn)
    reading = read_karyotype(karyotype)
    fusion = protein_of(transcript) if transcript else None
    if as_json:
        import json

        parts = {"karyotype": karyotype.model_dump(mode="json"), "reading": reading.model_dump(mode="json")}
        if fusion is not None:
            parts["fusion"] = fusion.model_dump(mode="json")
        typer.echo(json.dumps(parts, indent=2, ensure_ascii=False))
        return
    _print(karyotype, reading)
    if fusion is not None:
        name = fusion.name or transcript
        typer.echo(
            f"fusion transcript       {name}: {fusion.protein}, {fusion.breakpoint_region}; {fusion.note}"
        )


def _print(karyotype: Karyotype, reading: KaryotypeReading) -> None:
    from kinscope.clinic.karyotype_reading import high_risk_changes

    for number, clone in enumerate(karyotype.clones, start=1):
        typer.echo(f"{f'clone {number}':<24}{_clone_line(clone)}")
    for fish in karyotype.fish:
        cells = f", {fish.positive_cells} of {fish.scored_cells} cells" if fish.positive_cells else ""
        fused = {True: "BCR::ABL1 fusion", False: "no BCR::ABL1 fusion", None: "BCR::ABL1 not probed"}
        typer.echo(f"{'FISH':<24}{fused[fish.bcr_abl1_fusion]}{cells}: {fish.text}")
    rows = [("Philadelphia chromosome", _philadelphia(reading)), ("complexity", _complexity(reading))]
    rows += [("additional changes", ", ".join(_named(reading)) or "none")]
    rows += [("high risk in CML", ", ".join(high_risk_changes(reading)) or "none")]
    for label, value in rows:
        typer.echo(f"{label:<24}{value}")
    for note in reading.notes:
        typer.echo(f"{'note':<24}{note}")


def _named(reading: KaryotypeReading) -> list[str]:
    """Additional changes with their cells; those below ISCN's number of cells are called not clonal."""
    named = []
    for change in reading.changes:
        if change.philadelphia:
            continue
        cells = "" if change.cells is None else f" in {change.cells} cells"
        standing = ", not clonal" if change.clonal is False else ""
        named.append(f"{change.name} ({change.group}{cells}{standing})")
    return named


def _clone_line(clone: Clone) -> str:
    number = str(clone.low) if clone.low == clone.high else f"{clone.low} to {clone.high}"
    cells = "number of cells not given" if clone.cells is None else f"{clone.cells} cells"
    parts = [f"{number} chromosomes, {clone.sex}", cells]
    if clone.composite:
        parts.append("composite")
    if clone.reference:
        parts.append(f"as {clone.reference} with {len(clone.inherited)} changes")
    if clone.donor:
        parts.append("donor")
    if clone.normal:
        parts.append("normal")
    changes = ", ".join(change.name for change in clone.abnormalities)
    return "; ".join(parts) + (f": {changes}" if changes else "")


def _philadelphia(reading: KaryotypeReading) -> str:
    if reading.philadelphia == "not seen":
        return "not seen"
    cells = ""
    if reading.philadelphia_cells is not None and reading.cells is not None:
        cells = f", in {reading.philadelphia_cells} of {reading.cells} cells"
    doubt = "" if reading.philadelphia_certain else " (in doubt)"
    return f"{reading.philadelphia_text}{doubt}{cells}"


def _complexity(reading: KaryotypeReading) -> str:
    if reading.philadelphia == "not seen":
        return reading.complexity
    return f"{reading.complexity}; the Philadelphia translocation is counted"
