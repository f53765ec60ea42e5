"""``kinscope variant`` and ``kinscope evidence``: what a variant is, and what is published of it."""

from __future__ import annotations

import typer

from kinscope.cli.options import AsJson, Expression, Target


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("variant", epilog='Example:  kinscope variant "NM_005157.6:c.1210A>G"')(show_variant)
    app.command("evidence", epilog="Example:  kinscope evidence T315I")(show_evidence)


def show_variant(expression: Expression, target: Target = "abl1", as_json: AsJson = False) -> None:
    """Read a variant, check it against the transcript, and say what it is."""
    from kinscope.targets import load_target
    from kinscope.variants import describe, parse_variant

    pack = load_target(target)
    variant = parse_variant(expression, pack)
    if as_json:
        typer.echo(variant.model_dump_json(indent=2))
        return
    rows = describe(variant, pack)
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        typer.echo(f"{label:<{width}}  {value}")


def show_evidence(expression: Expression, target: Target = "abl1", as_json: AsJson = False) -> None:
    """What is published of a variant, exact matches apart from everything else."""
    from kinscope.evidence import lookup
    from kinscope.targets import load_target
    from kinscope.variants import parse_variant

    pack = load_target(target)
    variant = parse_variant(expression, pack)
    summary = lookup(variant, pack)
    if as_json:
        typer.echo(summary.model_dump_json(indent=2))
        return
    typer.echo(f"{variant.short} ({variant.hgvs_p})\n\n{summary.statement}\n")
    relation = ""
    for hit in summary.hits:
        if hit.relation != relation:
            relation = hit.relation
            typer.echo(f"{relation}:")
        item = hit.item
        value = f" {item.value:g} {item.unit}" if item.value is not None else ""
        typer.echo(
            f"  {item.protein_change:<12} {item.drug or '-':<14} {item.direction}{value} ({item.kind})"
        )
        typer.echo(f"    {item.summary}")
        typer.echo(
            f"    {item.citation} [{item.identifier}]" + (f"  Note: {item.caveat}" if item.caveat else "")
        )
    typer.echo("\nLooked through: " + "; ".join(summary.searched))
