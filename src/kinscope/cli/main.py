"""The ``kinscope`` command: a thin face on the public API.

Commands import what they need inside, so that ``kinscope --help`` answers at once.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings

import typer

from kinscope import __version__
from kinscope.core.errors import KinscopeError

app = typer.Typer(
    name="kinscope",
    help="From a kinase variant to models, docked inhibitors, dynamics, evidence and a reasoned report.\n\n"
    'Start with:  kinscope assess "NM_005157.6(ABL1):c.1210A>G"\n\n'
    "Research use only: kinscope supports research; it does not prescribe.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"kinscope {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and end."
    ),
) -> None:
    if debug:
        os.environ["KINSCOPE_DEBUG"] = "1"


def run() -> None:
    """Entry point: every foreseen failure becomes one clear block on stderr and an exit code."""
    from kinscope.cli import commands

    commands.register(app)
    if "KINSCOPE_DEBUG" not in os.environ:
        warnings.filterwarnings("ignore")
        logging.disable(logging.WARNING)
    try:
        app()
    except KinscopeError as error:
        if os.environ.get("KINSCOPE_DEBUG"):
            raise
        typer.echo(f"kinscope: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if os.environ.get("KINSCOPE_DEBUG"):
            raise
        typer.echo(
            f"kinscope: something unforeseen went wrong ({type(error).__name__}).\n"
            "  to do: a defect of kinscope; `kinscope --debug ...` shows where. What was computed is kept.",
            err=True,
        )
        sys.exit(1)
