"""Progress for people: a live table on a terminal, a line per event elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

from kinscope.workflow.engine.local import Event, Snapshot


class Watcher(Protocol):
    """Something that is told how a plan goes on."""

    def __call__(self, event: Event) -> None:
        """Take one event."""

    def __enter__(self) -> Any:
        """Begin."""

    def __exit__(self, *exception: object) -> None:
        """End."""


def duration(seconds: float) -> str:
    """E.g. ``45 s``, ``3 min``, ``2 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


class QuietWatcher:
    """Says nothing but failures."""

    def __enter__(self) -> QuietWatcher:
        """Begin."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End."""

    def __call__(self, event: Event) -> None:
        """Print a failure on stderr."""
        if event.kind == "failed":
            print(f"failed: {event.label}\n{event.error}", file=sys.stderr)


class LineWatcher(QuietWatcher):
    """One line per finished step, for logs and pipes."""

    def __init__(self) -> None:
        self._left = ""
        self._counted = ""

    def __call__(self, event: Event) -> None:
        """Print what a log should hold."""
        super().__call__(event)
        if event.snapshot is not None:
            self._left = f"about {duration(event.snapshot.seconds_left)} left"
            self._counted = f"{event.snapshot.settled}/{event.snapshot.total}"
        elif event.kind == "finished":
            print(
                f"[{self._counted}] {event.label}: {duration(event.seconds)}; {self._left}",
                file=sys.stderr,
                flush=True,
            )
        elif event.kind == "skipped":
            print(
                f"[{self._counted}] {event.label}: skipped, what it needs has failed",
                file=sys.stderr,
                flush=True,
            )


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
        from rich.markup import escape

        if event.snapshot is not None:
            self._live.update(self._draw(event.snapshot))
        elif event.kind == "finished":
            self._console.print(f"  [green]done[/]  {escape(event.label)}  [dim]{duration(event.seconds)}[/]")
        elif event.kind == "failed":
            self._console.print(f"  [red]failed[/]  {escape(event.label)}\n{escape(str(event.error))}")
        elif event.kind == "skipped":
            self._console.print(f"  [yellow]skipped[/]  {escape(event.label)}: what it needs has failed")

    def _draw(self, snapshot: Snapshot) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        elapsed = time.monotonic() - self._started
        table.add_row(
            Text(f"{snapshot.settled} of {snapshot.total} steps", style="bold"),
            ProgressBar(total=max(elapsed + snapshot.seconds_left, 1e-3), completed=elapsed, width=30),
            Text(f"{duration(elapsed)} gone, about {duration(snapshot.seconds_left)} left", style="bold"),
        )
        for running in snapshot.running:
            bar = ProgressBar(total=1.0, completed=running.fraction, width=30)
            table.add_row(
                Text(running.label), bar, Text(f"{running.text}  {duration(running.elapsed_seconds)}", "dim")
            )
        return table


def watcher(quiet: bool) -> Watcher:
    """The watcher that suits where stderr goes."""
    if quiet:
        return QuietWatcher()
    return LiveWatcher() if sys.stderr.isatty() else LineWatcher()
