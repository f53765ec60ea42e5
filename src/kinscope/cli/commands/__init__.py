"""The commands, one module per subject; each imports what it needs when it is called."""

import typer


def register(app: typer.Typer) -> None:
    """Add every command to the application."""
    from kinscope.cli.commands import (
        affinity,
        benchmark,
        campaign,
        clinic,
        docking,
        dynamics,
        installation,
        ligands,
        models,
        sequencing,
        study,
    )

    for subject in (study, campaign, affinity, docking, dynamics, ligands, sequencing, clinic, installation):
        app.add_typer(subject.app)
    app.add_typer(models.group, name="models")
    app.add_typer(campaign.store, name="store")
    app.add_typer(installation.targets, name="targets")
    app.add_typer(benchmark.group, name="benchmark")
