"""``kinscope doctor``: what this machine can do."""

from __future__ import annotations

import json

import typer

from kinscope.cli.options import AsJson


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog="Example:  kinscope doctor")(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Platforms, cores, disk, versions, and what is missing."""
    from kinscope.workflow.machine import examine

    findings = examine()
    if as_json:
        typer.echo(json.dumps([finding.model_dump() for finding in findings], indent=2))
        return
    for finding in findings:
        typer.echo(f"{'ok ' if finding.fine else '!! '} {finding.name:<22} {finding.value}")
        if finding.remedy:
            typer.echo(f"      to do: {finding.remedy}")
