"""Trajectories of the protein: XTC frames written so that a full disk is noticed."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinscope.core.errors import RunDirectoryError, StructureError
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.files.reading import TrajectoryFile, inspect_trajectory
from kinscope.dynamics.records import REPLICA_RECORD_FILE, TRAJECTORY_FILE, ReplicaRecord


@dataclass(frozen=True)
class Frame:
    """One frame of the solute."""

    step: int
    """Of production."""
    time_ps: float
    positions_nm: FloatArray
    box_nm: FloatArray


def encode_frames(frames: Sequence[Frame], scratch: Path) -> bytes:
    """XTC bytes of some frames, 0.001 nm precision.

    XTC writers (OpenMM's, and the one used here) report no failed write, so frames are written aside,
    counted, and the bytes appended by :func:`append_at`, where every failure is seen. XTC frames follow
    one another without a header, so bytes of frames are a trajectory and can be cut between any two.

    Raises OSError if fewer frames than given could be read back, as on a full disk.
    """
    from biotraj import XTCTrajectoryFile  # type: ignore[import-untyped]

    if not frames:
        return b""
    with tempfile.TemporaryDirectory(dir=scratch, prefix="frames-") as aside:
        path = Path(aside) / "frames.xtc"
        with XTCTrajectoryFile(str(path), "w") as handle:
            handle.write(
                np.array([frame.positions_nm for frame in frames], dtype=np.float32),
                time=np.array([frame.time_ps for frame in frames], dtype=np.float32),
                step=np.array([frame.step for frame in frames], dtype=np.int32),
                box=np.array([frame.box_nm for frame in frames], dtype=np.float32),
            )
        try:
            written = inspect_trajectory(path).frames
        except StructureError:
            written = 0
        if written != len(frames):
            raise OSError(errno.ENOSPC, f"{written} of {len(frames)} frames could be written", str(scratch))
        return path.read_bytes()


def append_at(path: Path, offset: int, data: bytes) -> int:
    """Cut a file to ``offset`` bytes, append ``data``, flush it to disk; the new length.

    Raises OSError as the system reports it, a full disk among them.
    """
    with path.open("r+b" if path.exists() else "w+b") as handle:
        handle.truncate(offset)
        handle.seek(offset)
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    return offset + len(data)


def finished_trajectory(directory: Path) -> tuple[ReplicaRecord, TrajectoryFile]:
    """Record and trajectory of a finished replica, as long as its record says.

    Raises RunDirectoryError if the replica is not there, not finished, or its trajectory is of another
    length; StructureError if its trajectory is damaged.
    """
    record, found = finished_record(directory), inspect_trajectory(directory / TRAJECTORY_FILE)
    if found.frames != record.frames:
        raise RunDirectoryError(
            f"The trajectory is damaged ({found.frames} frames where {record.frames} were written).",
            where=str(found.path),
            remedy="Remove the replica's folder and run it again.",
        )
    return record, found


def finished_record(directory: Path) -> ReplicaRecord:
    """The record of a replica that finished.

    Raises RunDirectoryError if there is none, or the replica failed.
    """
    path = directory / REPLICA_RECORD_FILE
    try:
        record = ReplicaRecord.model_validate_json(path.read_text())
    except (OSError, ValueError) as error:
        raise RunDirectoryError(
            f"There is no finished replica here ({type(error).__name__}).",
            where=str(path),
            remedy="Run it to its end (kinscope resume).",
        ) from error
    if record.status != "finished":
        raise RunDirectoryError(
            f"This replica failed: {record.note}", where=str(path), remedy="Use the replicas that finished."
        )
    return record
