"""How long computations say how far they are."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Takes the fraction done, 0 to 1, and what runs now."""


def silent(fraction: float, text: str) -> None:
    """Report to nobody."""
