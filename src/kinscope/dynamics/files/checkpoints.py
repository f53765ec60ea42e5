"""Checkpoints that are either whole or not there, and that any machine can read.

A checkpoint holds positions, velocities and box at full precision and how long the output files were.
It needs no state of the random number generator: a run is cut into segments of a fixed number of steps,
and each segment seeds its own generator from the replica's seed and its own number. So going on from a
checkpoint is what the uninterrupted run does, and the same on every platform.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from kinscope.core.files import write_atomic
from kinscope.dynamics.box import FloatArray

KEPT = 2
"""Checkpoints kept: the last, and the one before in case the last is damaged."""
_PATTERN = "checkpoint-*.npz"


@dataclass(frozen=True)
class Position:
    """How far a replica is, and how long its files were then."""

    key: str
    """Of the inputs; a checkpoint of other inputs is not this replica's."""
    step: int
    segment: int
    attempt: int
    frames: int
    trajectory_bytes: int
    energies_bytes: int
    resumes: int
    wall_seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """A point in phase space, nm and nm/ps; without velocities it is a start."""

    positions: FloatArray
    velocities: FloatArray | None
    box: FloatArray


def save(directory: Path, position: Position, point: Point) -> None:
    """Write a checkpoint, then remove all but the last two."""
    write(directory / f"checkpoint-{position.segment:06d}.npz", position, point)
    for old in sorted(directory.glob(_PATTERN))[:-KEPT]:
        old.unlink()


def write(path: Path, position: Position, point: Point) -> None:
    """Write one checkpoint to a file of its own."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        positions_nm=point.positions,
        velocities_nm_per_ps=np.empty((0, 3)) if point.velocities is None else point.velocities,
        box_nm=point.box,
        position=np.frombuffer(json.dumps(asdict(position)).encode(), dtype=np.uint8),
    )
    write_atomic(path, buffer.getvalue())


def load_latest(directory: Path) -> tuple[Position, Point] | None:
    """The newest checkpoint that is whole, or None."""
    found = (read(path) for path in sorted(directory.glob(_PATTERN), reverse=True))
    return next((checkpoint for checkpoint in found if checkpoint is not None), None)


def clear(directory: Path) -> None:
    """Remove every checkpoint of a directory."""
    for path in directory.glob(_PATTERN):
        path.unlink(missing_ok=True)


def read(path: Path) -> tuple[Position, Point] | None:
    """The checkpoint of a file; None if it is none, or is not whole."""
    try:
        with np.load(path, allow_pickle=False) as data:
            described = json.loads(data["position"].tobytes().decode())
            described["notes"] = tuple(described["notes"])
            known = {field.name for field in fields(Position)}
            position = Position(**{name: value for name, value in described.items() if name in known})
            velocities = data["velocities_nm_per_ps"]
            point = Point(data["positions_nm"], velocities if len(velocities) else None, data["box_nm"])
            return position, point
    except Exception:  # what a damaged archive raises has many names; its members' sums (CRC-32) are checked
        return None
