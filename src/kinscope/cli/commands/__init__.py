"""The commands, one module per group; each imports what it needs when it is called."""

import typer


def register(app: typer.Typer) -> None:
    """Add every command to the application."""
    from kinscope.cli.commands import (
        analyse,
        assess,
        benchmark,
        case,
        dock,
        doctor,
        extend,
        frames,
        karyotype,
        models,
        parameters,
        qpcr,
        reference,
        sanger,
        single,
        targets,
        variant,
    )

    variant.register(app)
    assess.register(app)
    dock.register(app)
    frames.register(app)
    single.register(app)
    extend.register(app)
    reference.register(app)
    analyse.register(app)
    models.register(app)
    parameters.register(app)
    targets.register(app)
    sanger.register(app)
    qpcr.register(app)
    karyotype.register(app)
    case.register(app)
    benchmark.register(app)
    doctor.register(app)
