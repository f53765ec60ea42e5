"""How long computations say how far they are, and where they may be asked to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from kinscope.core.errors import Stopped

Progress = Callable[[float, str], None]
"""Takes the fraction done, 0 to 1, and what runs now."""

stop_asked = threading.Event()
"""Whether this process was asked to end."""


def silent(fraction: float, text: str) -> None:
    """Report to nobody."""


def leave_if_asked() -> None:
    """Called where all that was done is saved: raises Stopped if this process was asked to end."""
    if stop_asked.is_set():
        raise Stopped(signal.SIGTERM)
