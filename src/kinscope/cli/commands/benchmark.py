"""``kinscope benchmark``: kinscope's pieces against what is published and crystallised."""

from __future__ import annotations

from pathlib import Path

import typer

group = typer.Typer(no_args_is_help=True, help="Check kinscope's pieces against published truth.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="benchmark")


def _source(mirror: Path | None) -> object:
    from kinscope.structures.source import PdbSource

    return PdbSource(mirror=mirror)
