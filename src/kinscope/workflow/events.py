"""What an engine tells whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kinscope.core.errors import ComputationError


@dataclass(frozen=True)
class Running:
    """A step that runs now."""

    label: str
    fraction: float
    text: str
    elapsed_seconds: float


@dataclass(frozen=True)
class Snapshot:
    """Where a plan stands."""

    settled: int
    total: int
    running: tuple[Running, ...]
    seconds_left: float


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    kind: Literal["started", "finished", "failed", "skipped", "progress"]
    label: str = ""
    seconds: float = 0.0
    error: ComputationError | None = None
    snapshot: Snapshot | None = None
