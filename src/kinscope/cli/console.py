"""How commands talk: JSON for machines, progress for people (a live table on a terminal, lines elsewhere)."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from kinscope.cli.options import AsJson, Quiet
from kinscope.core.quoting import printable

if TYPE_CHECKING:
    from kinscope.core.progress import Progress
    from kinscope.workflow.engine.driver import Event, Snapshot
    from kinscope.workflow.engine.schedule import Usage


_SILENT_SECONDS = 600.0


@dataclass(frozen=True)
class Console:
    """For whom a command prints, and whether it tells how far it is."""

    as_json: AsJson = False
    quiet: Quiet = False

    def watch(self) -> QuietWatcher:
        """The watcher of a plan that suits where stderr goes."""
        if self.quiet or self.as_json:
            return QuietWatcher()
        return LiveWatcher() if sys.stderr.isatty() else LineWatcher()

    def say(self, text: str) -> None:
        """A line of progress."""
        if not (self.quiet or self.as_json):
            echo(text, err=True)

    def show(self, content: Any, lines: Iterable[object]) -> None:
        """Print a result, as :func:`show`."""
        show(content, lines, self.as_json)

    def teller(self) -> Progress:
        """Progress as lines, each text once."""
        said: set[str] = set()

        def tell(fraction: float, text: str) -> None:
            if text not in said:
                said.add(text)
                self.say(f"[{fraction:4.0%}] {text}")

        return tell


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text in which nothing acts on the terminal, whose lines end at words; without ``nl`` as it is."""
    said = printable(str(text))
    stream = sys.stderr if err else sys.stdout
    if nl and stream is not None and stream.isatty():
        said = "\n".join(map(_fitted, said.split("\n")))
    typer.echo(said, err=err, nl=nl)


def _fitted(line: str) -> str:
    """A line broken at spaces, what follows below its second column; none that holds a command to copy."""
    columns = shutil.get_terminal_size().columns
    if len(line) <= columns or "kinscope " in line:
        return line
    first = re.match(r" *\S+(?: \S+)*  +| *", line)
    below = first.end() if first and first.end() < columns // 2 else 2
    return textwrap.fill(
        line, columns, subsequent_indent=" " * below, break_on_hyphens=False, break_long_words=False
    )


def show_json(content: Any) -> None:
    """Print a record, or plain data with records and paths in it."""
    echo(f"{json_of(content)}\n", nl=False)


def show(content: Any, lines: Iterable[object], as_json: bool) -> None:
    """Print a result: as JSON, or in lines for people, which a generator makes only then."""
    if as_json:
        show_json(content)
        return
    for line in lines:
        echo(line)


def json_of(content: Any) -> str:
    """What :func:`show_json` prints."""
    if hasattr(content, "model_dump_json"):
        return str(content.model_dump_json(indent=2))
    return json.dumps(content, indent=2, default=_plain)


def _plain(item: Any) -> Any:
    return item.model_dump(mode="json") if hasattr(item, "model_dump") else os.fspath(item)


def duration(seconds: float) -> str:
    """E.g. ``45 s``, ``3 min``, ``2 h 05 min``, ``12 days``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes >= 48 * 60:
        return f"{minutes / 1440:.0f} days"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def used(usage: Usage, *, moving: bool = True) -> str:
    """E.g. ``12 steps/min, 340 ns/day; 0.42 core hours, 17 GPU hours so far``; the pace if ``moving``."""
    pace = {"steps/min": usage.steps_per_minute, "ns/day": usage.ns_per_day} if moving else {}
    hours = {"core hours": usage.core_hours, "GPU hours": usage.gpu_hours}
    told = [{unit: n for unit, n in one.items() if n >= 0.01} for one in (pace, hours)]
    said = [", ".join(f"{_short(n)} {unit}" for unit, n in one.items()) for one in told]
    return "; ".join(filter(None, said)) + " so far" * bool(said[1])


def _short(number: float) -> str:
    return f"{number:.2g}" if number < 9.95 else f"{number:,.0f}"


class QuietWatcher:
    """Says nothing but failures, and what was damaged or done without."""

    def __enter__(self) -> QuietWatcher:
        """Begin."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End."""

    def __call__(self, event: Event) -> None:
        """Print it on stderr."""
        if event.kind == "failed":
            self._print(f"failed: {event.label}\n{event.error}")
        elif event.kind == "note":
            self._print(f"note: {event.label}")

    def _print(self, text: str) -> None:
        with suppress(OSError):  # nobody reads: the study goes on
            echo(text, err=True)


class LineWatcher(QuietWatcher):
    """One line per finished step, for logs and pipes, and one where none has come for ten minutes."""

    def __init__(self) -> None:
        self._ended: list[str] = []
        self._due = 0.0

    def __call__(self, event: Event) -> None:
        """Print what a log should hold: with the snapshot that counts it, what has ended."""
        super().__call__(event)
        if event.kind == "finished":
            self._ended.append(f"{event.label}: {duration(event.seconds)}")
        elif event.kind == "skipped":
            self._ended.append(f"{event.label}: skipped, what it needs has failed")
        elif event.snapshot is not None:
            now = event.snapshot
            if time.monotonic() > self._due and now.settled < now.total:
                self._ended.append(f"{len(now.running)} running")
            if self._ended:
                self._due = time.monotonic() + _SILENT_SECONDS
            for text in self._ended:
                left = ", ".join(filter(None, (f"about {duration(now.seconds_left)} left", used(now.usage))))
                self._print(f"[{now.settled}/{now.total}] {text}; {left}")
            self._ended.clear()


class LiveWatcher(QuietWatcher):
    """What runs, how far it is, and how long it still takes, redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=5, transient=True)
        self._started = time.monotonic()

    def __enter__(self) -> LiveWatcher:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        """Clear the drawing."""
        self._live.__exit__(None, None, None)

    def __call__(self, event: Event) -> None:
        """Redraw."""
        if event.snapshot is not None:
            self._live.update(self._draw(event.snapshot))
        elif event.kind == "finished":
            self._show("green", "done", event.label, duration(event.seconds))
        elif event.kind == "failed":
            self._show("red", "failed", event.label, f"\n{event.error}")
        elif event.kind == "skipped":
            self._show("yellow", "skipped", event.label, "what it needs has failed")
        elif event.kind == "note":
            self._show("yellow", "note", event.label)

    def _show(self, colour: str, word: str, *about: str) -> None:
        from rich.markup import escape

        self._console.print(f"  [{colour}]{word}[/]  {escape(printable('  '.join(about)))}")

    def _draw(self, snapshot: Snapshot) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        head, rows = Table.grid(padding=(0, 2)), Table.grid(padding=(0, 2))
        elapsed = time.monotonic() - self._started
        head.add_row(
            Text(f"{snapshot.settled} of {snapshot.total} steps", style="bold"),
            ProgressBar(total=max(elapsed + snapshot.seconds_left, 1e-3), completed=elapsed, width=20),
            Text(f"{duration(elapsed)} gone, about {duration(snapshot.seconds_left)} left", style="bold"),
        )
        for running in snapshot.running:
            bar = ProgressBar(total=1.0, completed=running.fraction, width=10)
            told = f"{printable(running.text)}  {duration(running.elapsed_seconds)}".strip()
            rows.add_row("", Text(printable(running.label)), bar, Text(told, "dim"))
        return Group(head, Text(used(snapshot.usage), "dim"), rows)
