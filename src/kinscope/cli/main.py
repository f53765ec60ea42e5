"""The ``kinscope`` command: a thin face on the public API.

Commands import what they need inside, so that ``kinscope --help`` answers at once.
"""

from __future__ import annotations

import logging
import os
import select
import shlex
import signal
import sys
import threading
import warnings
from contextlib import suppress
from itertools import chain, pairwise
from pathlib import Path

import typer

from kinscope import __version__
from kinscope.cli.console import echo
from kinscope.core.errors import KinscopeError, Stopped
from kinscope.core.files import named_faults

_GRACE_SECONDS = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

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
    """Entry point: every foreseen end becomes one clear block on stderr and an exit code."""
    _heed_signals()
    try:
        from kinscope.cli import commands

        commands.register(app)
        if "KINSCOPE_DEBUG" not in os.environ:
            warnings.filterwarnings("ignore")
            logging.disable(logging.WARNING)
        with named_faults("A file"):
            app()
    except (Exception, Stopped) as error:
        if os.environ.get("KINSCOPE_DEBUG") and not isinstance(error, Stopped):
            raise
        code, words = _told(error)
        with suppress(OSError):
            echo(words, err=True, nl=bool(words))
        _leave(code)


def _heed_signals() -> None:
    """The first signal ends the command with a word; a second, or ten seconds, end it without."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def stop(number: int, _frame: object) -> None:
        for one in _SIGNALS:
            signal.signal(one, lambda *_: None)
        raise Stopped(number)

    def insist() -> None:
        number = os.read(reader, 1)[0]  # arrives while the main thread is in compiled code, too
        select.select([reader], [], [], _GRACE_SECONDS)
        os._exit(128 + number)  # the kernel ends the steps with their driver

    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as of nohup, or in the background of a script
            signal.signal(number, stop)
    threading.Thread(target=insist, daemon=True).start()


def _told(error: BaseException) -> tuple[int, str]:
    """The exit code for the end of a command, and what is said of it."""
    kept = getattr(error, "kept", None)
    again = f"  kept: everything finished, in {kept}\n  go on: {_command(kept)}" if kept else ""
    if isinstance(error, Stopped):
        again = again or f"  kept: what was written is whole\n  again: {_command()}"
        again = "".join(f"  begun anew: {text}\n" for text in error.lost) + again
        return 128 + error.number, f"kinscope: stopped by {signal.Signals(error.number).name}.\n{again}"
    if isinstance(error, KinscopeError):
        return error.exit_code, f"kinscope: {error}" + f"\n{again}" * (bool(again) and error.exit_code == 1)
    if isinstance(error, BrokenPipeError):  # the reader of our output has gone, as in `| head`
        return 0, ""
    if isinstance(error, MemoryError):
        return 1, "kinscope: The machine has not enough memory for this."
    return 1, (
        f"kinscope: something unforeseen went wrong ({type(error).__name__}).\n"
        "  to do: a defect of kinscope; `kinscope --debug ...` shows where. What was computed is kept."
    )


def _command(kept: Path | None = None) -> str:
    """What goes on with the study in a directory, or does the same again: it, too, goes on."""
    words = sys.argv[1:]
    command = next((word for word in words if not word.startswith("-")), "")
    if kept is not None and command in ("assess", "resume"):
        where = (pair for pair in pairwise(words) if pair[0] in ("--cluster", "--cores"))
        words = ["resume", str(kept), *chain(*where)]
    return shlex.join(["kinscope", *words])


def _leave(code: int) -> None:
    """Exit, whatever became of the pipes and files that stdout and stderr lead to."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
