"""XTC and DCD files as a stream of chunks, checked before they are decoded.

A trajectory from outside may be cut short, of other atoms, or no trajectory at all. The frames' headers are
walked first: each tells how long its frame is, so that the walk reads a few bytes per frame and finds where a
file breaks off before any decoder sees it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError

FRAMES_AT_ONCE = 50
"""Frames of one chunk: enough for array operations to pay, 2.6 MB for 4,400 atoms."""
MOST_ATOMS = 20_000_000
_LARGEST_CHUNK_BYTES = 64_000_000
_NANOMETRE = np.float32(10.0)
_XTC_MAGIC = 1995
_XTC_HEADER = 52
"""Bytes from the magic number to the second atom count, which come in every frame."""
_FEW_ATOMS = 9
"""XTC does not compress frames of so few atoms."""


@dataclass(frozen=True)
class TrajectoryFile:
    """What the headers of a trajectory tell."""

    path: Path
    kind: Literal["xtc", "dcd"]
    atoms: int
    frames: int


@dataclass(frozen=True)
class Block:
    """Some consecutive frames as they stand in the file."""

    coordinates: NDArray[np.float32]
    """Shape (n_frames, n_atoms, 3), angstrom."""
    boxes: NDArray[np.float64] | None
    """Shape (n_frames, 3, 3), angstrom; None where the file holds none."""
    times_ps: NDArray[np.float64]
    """Shape (n_frames,); NaN where the file tells no time."""
    first: int


def inspect_trajectory(path: Path) -> TrajectoryFile:
    """Walk the headers of an XTC or DCD file.

    Raises
    ------
    StructureError
        If there is no such file, it is no trajectory, it is empty, it breaks off within a frame, or its
        frames differ in their number of atoms; with the offset at which it breaks.
    """
    kind = path.suffix.lower()
    if kind not in (".xtc", ".dcd"):
        raise StructureError(
            "This is no trajectory that can be read.", where=str(path), remedy="Give an XTC or DCD file."
        )
    try:
        size = path.stat().st_size
        with path.open("rb", buffering=0) as handle:
            if not path.is_file():
                raise IsADirectoryError(path)
            return _walk_xtc(handle, path, size) if kind == ".xtc" else _walk_dcd(handle, path, size)
    except OSError as error:
        raise StructureError(
            f"The trajectory cannot be read ({error.strerror or type(error).__name__}).",
            where=str(path),
            remedy="Check the path and its permissions.",
        ) from None


def read_blocks(
    found: TrajectoryFile,
    atoms: NDArray[np.intp] | None = None,
    *,
    stride: int = 1,
    frames_at_once: int = FRAMES_AT_ONCE,
) -> Iterator[Block]:
    """Frames of an inspected trajectory, a block at a time.

    ``atoms``: places of the wanted atoms in a frame; None: all. ``frames_at_once``: most frames in a block;
    fewer where they are large.

    Raises
    ------
    StructureError
        If a frame cannot be decoded or holds coordinates that are not numbers.
    """
    import biotraj  # type: ignore[import-untyped]

    opener = biotraj.XTCTrajectoryFile if found.kind == "xtc" else biotraj.DCDTrajectoryFile
    wanted = found.atoms if atoms is None else len(atoms)
    if atoms is not None and wanted == found.atoms and np.array_equal(atoms, np.arange(wanted)):
        atoms = None
    length = max(1, min(frames_at_once, _LARGEST_CHUNK_BYTES // (12 * max(1, wanted))))
    expected, seen = -(-found.frames // stride), 0
    try:
        with opener(str(found.path), "r") as handle:
            while seen < expected:
                block = _next_block(handle, found, atoms, min(length, expected - seen), stride, seen)
                if not len(block.coordinates):
                    break
                seen += len(block.coordinates)
                yield block
    except StructureError:
        raise
    except (OSError, RuntimeError, ValueError, TypeError, IndexError, EOFError) as error:
        why = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise _damaged(found.path, f"frame {seen * stride}: {why}") from None
    if seen != expected:
        raise _damaged(found.path, f"{seen * stride} of {found.frames} frames could be decoded")


def _next_block(
    handle: Any,
    found: TrajectoryFile,
    atoms: NDArray[np.intp] | None,
    length: int,
    stride: int,
    seen: int,
) -> Block:
    # The readers count their limit in frames of the file.
    step = None if stride == 1 else stride
    many = length if stride == 1 else min(length * stride, found.frames - seen * stride)
    if found.kind == "xtc":
        coordinates, times, _, boxes = handle.read(many, stride=step, atom_indices=atoms)
        coordinates = np.multiply(coordinates, _NANOMETRE, out=coordinates)
        cells: NDArray[np.float64] | None = np.asarray(boxes, dtype=np.float64) * 10.0
        at = np.asarray(times, dtype=np.float64)
    else:
        coordinates, lengths, angles = handle.read(many, stride=step, atom_indices=atoms)
        cells = None if lengths is None else box_vectors(np.asarray(lengths), np.asarray(angles))
        at = np.full(len(coordinates), np.nan)
    if not np.isfinite(coordinates).all():
        bad = int(np.flatnonzero(~np.isfinite(coordinates).all(axis=(1, 2)))[0])
        raise StructureError(
            f"Frame {(seen + bad) * stride} holds coordinates that are not numbers.",
            where=str(found.path),
            remedy="Cut the trajectory before it; the run seems to have blown up there.",
        )
    return Block(np.asarray(coordinates, dtype=np.float32), cells, at, seen)


def box_vectors(lengths: NDArray[Any], angles: NDArray[Any]) -> NDArray[np.float64]:
    """Box vectors as rows, (n, 3, 3), of lengths (angstrom) and angles (degrees), both (n, 3)."""
    a, b, c = np.asarray(lengths, dtype=np.float64).T
    cosines = np.cos(np.radians(np.asarray(angles, dtype=np.float64))).T
    sine = np.sqrt(np.clip(1.0 - cosines[2] ** 2, 1e-12, None))
    x, y = cosines[1], (cosines[0] - cosines[1] * cosines[2]) / sine
    boxes = np.zeros((len(a), 3, 3))
    boxes[:, 0, 0] = a
    boxes[:, 1, 0], boxes[:, 1, 1] = b * cosines[2], b * sine
    boxes[:, 2, 0], boxes[:, 2, 1] = c * x, c * y
    boxes[:, 2, 2] = c * np.sqrt(np.clip(1.0 - x * x - y * y, 0.0, None))
    return boxes


def xtc_frame_ends(path: Path) -> list[int]:
    """Offset of the byte after each frame of an XTC file.

    Raises
    ------
    StructureError
        If the file is damaged.
    """
    ends: list[int] = []
    with path.open("rb", buffering=0) as handle:
        _walk_xtc(handle, path, path.stat().st_size, ends)
    return ends


def _walk_xtc(handle: FileIO, path: Path, size: int, ends: list[int] | None = None) -> TrajectoryFile:
    offset, frames, atoms = 0, 0, 0
    while offset < size:
        head = os.pread(handle.fileno(), _XTC_HEADER + 40, offset)
        if len(head) < _XTC_HEADER + 4:
            raise _cut(path, frames, offset)
        magic, held = struct.unpack(">ii", head[:8])
        (again,) = struct.unpack(">i", head[_XTC_HEADER : _XTC_HEADER + 4])
        if magic != _XTC_MAGIC or held != again or not 0 < held <= MOST_ATOMS:
            raise _not_a_frame(path, frames, offset, "XTC")
        atoms = atoms or held
        if held != atoms:
            raise _damaged(path, f"frame {frames} at byte {offset} holds {held} atoms, those before {atoms}")
        length = _xtc_frame_length(head, held)
        if length is None or offset + length > size:
            raise _cut(path, frames, offset)
        offset, frames = offset + length, frames + 1
        if ends is not None:
            ends.append(offset)
    if not frames:
        raise _empty(path)
    return TrajectoryFile(path, "xtc", atoms, frames)


def _xtc_frame_length(head: bytes, atoms: int) -> int | None:
    """Bytes of a frame, from its header; None if the header is cut."""
    start = _XTC_HEADER + 4
    if atoms <= _FEW_ATOMS:
        return start + 12 * atoms
    # Precision, least and greatest integers and the index of the small ones, then the length of the data.
    if len(head) < start + 36:
        return None
    (data,) = struct.unpack(">i", head[start + 32 : start + 36])
    return start + 36 + (data + 3) // 4 * 4 if data > 0 else None


def _walk_dcd(handle: FileIO, path: Path, size: int) -> TrajectoryFile:
    head = handle.read(92)
    for order in ("<", ">"):
        if len(head) == 92 and struct.unpack(f"{order}i4s", head[:8]) == (84, b"CORD"):
            break
    else:
        raise _not_a_frame(path, 0, 0, "DCD (with 32-bit record marks)")
    cell = bool(struct.unpack(f"{order}i", head[48:52])[0])
    fixed = struct.unpack(f"{order}i", head[40:44])[0]
    if fixed:
        raise StructureError(
            "The DCD file keeps fixed atoms only once, which is not supported.",
            where=str(path),
            remedy="Write all atoms in every frame.",
        )
    (title,) = struct.unpack(f"{order}i", handle.read(4).ljust(4, b"\0"))
    if not 0 <= title <= 1_000_000:
        raise _not_a_frame(path, 0, 92, "DCD")
    handle.seek(92 + 4 + title + 4)
    body = handle.read(12)
    if len(body) < 12:
        raise _cut(path, 0, 92)
    mark, atoms, _ = struct.unpack(f"{order}iii", body)
    if mark != 4 or not 0 < atoms <= MOST_ATOMS:
        raise _not_a_frame(path, 0, 92 + title + 8, "DCD")
    start = 92 + title + 8 + 12
    frame = (56 if cell else 0) + 3 * (4 * atoms + 8)
    frames, rest = divmod(size - start, frame)
    if rest:
        raise _cut(path, frames, start + frames * frame)
    if not frames:
        raise _empty(path)
    return TrajectoryFile(path, "dcd", atoms, frames)


def _cut(path: Path, frames: int, offset: int) -> StructureError:
    return StructureError(
        f"The trajectory breaks off within frame {frames} (from 0), at byte {offset}.",
        where=str(path),
        remedy=f"Copy it again, or cut it: `head -c {offset}` keeps the {frames} whole frames before.",
    )


def _not_a_frame(path: Path, frames: int, offset: int, kind: str) -> StructureError:
    what = (
        f"This is no {kind} file." if not frames else f"There is no frame of {kind} after frame {frames - 1}."
    )
    return StructureError(
        what, where=f"{path}, byte {offset}", remedy="Give a trajectory, or copy it again if it is damaged."
    )


def _empty(path: Path) -> StructureError:
    return StructureError(
        "The trajectory holds no frame.", where=str(path), remedy="Give one that was written to its end."
    )


def _damaged(path: Path, why: str) -> StructureError:
    return StructureError(
        f"The trajectory is damaged ({why}).",
        where=str(path),
        remedy="Write it again, or cut it before the damage.",
    )
