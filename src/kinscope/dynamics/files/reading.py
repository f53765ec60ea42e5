"""XTC and DCD files as a stream of chunks, checked before they are decoded.

A trajectory from outside may be cut short, of other atoms, or no trajectory at all. The frames' headers are
walked first: each tells how long its frame is, so that the walk reads a few bytes per frame and finds where a
file breaks off before any decoder sees it. Frames before the break are used, and that is said.
"""

from __future__ import annotations

import math
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
from kinscope.dynamics.files.decoding import decoded
from kinscope.results.notes import Note, note

FRAMES_AT_ONCE = 50
"""Frames of one chunk: enough for array operations to pay, 2.6 MB for 4,400 atoms."""
MOST_ATOMS = 20_000_000
_MOST_TITLE_BYTES = 1_000_000
_LARGEST_CHUNK_BYTES = 64_000_000
_XTC_MAGIC = 1995
_XTC_OF_MANY_ATOMS = 2023
_XTC_HEADER = 52
"""Bytes from the magic number to the second atom count, which come in every frame."""
_FEW_ATOMS = 9
"""XTC does not compress frames of so few atoms."""
_SMALL_INDICES = range(9, 73)
"""Of XTC's table of sizes; the decoder does not check."""


@dataclass(frozen=True)
class TrajectoryFile:
    """What the headers of a trajectory tell."""

    path: Path
    kind: Literal["xtc", "dcd"]
    atoms: int
    frames: int
    boxed: bool
    """Whether the periodic box is told, in some frame at least."""
    ordered: bool = True
    """Whether each frame is later than the one before, where the file tells times."""
    notes: tuple[Note, ...] = ()


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

    Raises StructureError if there is no such file, it is no trajectory, it holds no whole frame, or its
    frames differ in their number of atoms; with the offset at which it breaks.
    """
    kind = path.suffix.lower()
    if kind not in (".xtc", ".dcd"):
        raise StructureError(
            "This is no trajectory that can be read.",
            where=str(path),
            remedy="Give an XTC or DCD file (`gmx trjconv` and `mdconvert` write them).",
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

    Raises StructureError if a frame cannot be decoded or holds coordinates that are not numbers.
    """
    if atoms is not None and np.array_equal(atoms, np.arange(found.atoms)):
        atoms = None
    wanted = found.atoms if atoms is None else len(atoms)
    length = max(1, min(frames_at_once, _LARGEST_CHUNK_BYTES // (12 * max(1, wanted))))
    first = 0
    for rows in decoded(found.path, found.atoms, atoms, range(0, found.frames, stride), length):
        scale = np.float32(10.0 if found.kind == "xtc" else 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            coordinates = np.multiply(rows["xyz"], scale, out=rows["xyz"])
        sound = np.isfinite(coordinates).all(axis=(1, 2))
        if not sound.all():
            raise StructureError(
                f"Frame {stride * (first + int(np.argmin(sound)))} holds coordinates that are not numbers.",
                where=str(found.path),
                remedy="Cut the trajectory before it; the run seems to have blown up there.",
            )
        told = rows["box"].astype(np.float64) * float(scale)
        boxes = told if found.kind == "xtc" else box_vectors(told[:, 0], told[:, 1])
        yield Block(coordinates, boxes if found.boxed else None, rows["time"], first)
        first += len(rows)


@np.errstate(invalid="ignore")
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

    Raises StructureError if the file is damaged or cut.
    """
    with path.open("rb", buffering=0) as handle:
        return [end for end, _, _ in _xtc_frames(handle, path, path.stat().st_size)]


class _CutError(StructureError):
    """The file ends within a frame."""


def _walk_xtc(handle: FileIO, path: Path, size: int) -> TrajectoryFile:
    frames, boxed, backwards, first = 0, 0, 0, -1
    notes: list[Note] = []
    times, before = set[float](), -math.inf
    atoms = int.from_bytes(os.pread(handle.fileno(), 8, 0)[4:], "big")
    try:
        for _, time, box in _xtc_frames(handle, path, size):
            if not time > before:
                backwards, first = backwards + 1, frames if first < 0 else first
            before = time
            if len(times) < 2:
                times.add(time)
            frames, boxed = frames + 1, boxed + box
    except _CutError:
        if not frames:
            raise
        notes.append(note("trajectory-cut", file=path.name, frames=frames))
    if not frames:
        raise _empty(path)
    if backwards and len(times) > 1:  # else the file tells no time
        notes.append(note("times-go-back", file=path.name, count=backwards, first=first))
    if 0 < boxed < frames:
        notes.append(note("box-in-some-frames", file=path.name, boxed=boxed, frames=frames))
    return TrajectoryFile(path, "xtc", atoms, frames, boxed > 0, not backwards, tuple(notes))


def _xtc_frames(handle: FileIO, path: Path, size: int) -> Iterator[tuple[int, float, bool]]:
    """Where each frame ends, its time (ps) and whether it tells a box."""
    offset, frames, atoms, longest = 0, 0, 0, math.inf
    while offset < size:
        head = os.pread(handle.fileno(), _XTC_HEADER + 40, offset)
        if len(head) < _XTC_HEADER + 4:
            raise _cut(path, frames, offset)
        magic, held, _, time, *box, again = struct.unpack(">iiif9fi", head[: _XTC_HEADER + 4])
        if magic == _XTC_OF_MANY_ATOMS:
            raise StructureError(
                f"This XTC file is of the kind for more than {MOST_ATOMS} atoms, which is not read.",
                where=str(path),
                remedy="Write the protein and its ligands alone (gmx trjconv).",
            )
        if magic != _XTC_MAGIC or held != again or not 0 < held <= MOST_ATOMS:
            raise _not_a_frame(path, frames, offset, "XTC")
        atoms = atoms or held
        if held != atoms:
            raise _damaged(path, f"frame {frames} at byte {offset} holds {held} atoms, those before {atoms}")
        length = _xtc_frame_length(head, held)
        if length is None or (offset + length > size and length <= 2 * longest):
            raise _cut(path, frames, offset)
        if not length or offset + length > size:
            raise _damaged(path, f"the header of frame {frames} at byte {offset} contradicts itself")
        longest = max(length, longest if frames else 0)
        offset, frames = offset + length, frames + 1
        yield offset, time, any(box)


def _xtc_frame_length(head: bytes, atoms: int) -> int | None:
    """Bytes of a frame, from its header; 0 if that is none, None if it is cut."""
    start = _XTC_HEADER + 4
    if atoms <= _FEW_ATOMS:
        return start + 12 * atoms
    if len(head) < start + 36:
        return None
    precision, *ends, small, data = struct.unpack(">f6iii", head[start : start + 36])
    ascending = all(low <= high for low, high in zip(ends[:3], ends[3:], strict=True))
    sound = 0 < precision < math.inf and ascending and small in _SMALL_INDICES and data > 0
    return start + 36 + (data + 3) // 4 * 4 if sound else 0


def _walk_dcd(handle: FileIO, path: Path, size: int) -> TrajectoryFile:
    """Records of either byte order and mark width, by CHARMM or X-PLOR.

    As VMD's reader has them (https://www.ks.uiuc.edu/Research/vmd/plugins/molfile/dcdplugin.html).
    """
    head = os.pread(handle.fileno(), 100, 0).ljust(100, b"\0")
    for form in ("<i", ">i", "<q", ">q"):
        mark = struct.calcsize(form)
        if struct.unpack_from(form + "4s", head) == (84, b"CORD"):
            break
    else:
        raise _not_a_frame(path, 0, 0, "DCD")

    def record(offset: int, most: int) -> bytes:
        """The body of the record at an offset, whole and of a length that can be."""
        (length,) = struct.unpack(form, os.pread(handle.fileno(), mark, offset).ljust(mark, b"\0"))
        whole = os.pread(handle.fileno(), min(max(0, length), most) + 2 * mark, offset)
        if not 0 < length <= most or whole[:mark] != whole[mark + length :]:
            raise _not_a_frame(path, 0, offset, "DCD")
        return whole[mark : mark + length]

    words = struct.unpack(f"{form[0]}20i", record(0, 84)[4:])
    told, fixed, cell, fourth, charmm = (words[place] for place in (0, 8, 10, 11, 19))
    start = 84 + 2 * mark
    start += len(record(start, _MOST_TITLE_BYTES)) + 2 * mark
    (atoms,) = struct.unpack(f"{form[0]}i", record(start, 4))
    if not 0 <= fixed < atoms <= MOST_ATOMS:
        raise _not_a_frame(path, 0, start, "DCD")
    start += 4 + 2 * mark + (4 * (atoms - fixed) + 2 * mark if fixed else 0)
    boxed, axes = bool(charmm and cell), 4 if charmm and fourth == 1 else 3
    lengths = [(48 + 2 * mark) * boxed + axes * (4 * held + 2 * mark) for held in (atoms, atoms - fixed)]
    frames, rest = divmod(size - start - lengths[0] + lengths[1], lengths[1])
    if size < start + lengths[0]:
        raise _cut(path, 0, start) if size > start else _empty(path)
    notes = []
    if rest:
        notes.append(note("trajectory-cut", file=path.name, frames=frames))
    if told not in (0, frames):
        notes.append(note("other-count", file=path.name, told=told, frames=frames))
    return TrajectoryFile(path, "dcd", atoms, frames, boxed, notes=tuple(notes))


def _cut(path: Path, frames: int, offset: int) -> _CutError:
    return _CutError(
        f"The trajectory breaks off within frame {frames} (from 0), at byte {offset}.",
        where=str(path),
        remedy="Copy it again, or give one that was written to its end.",
    )


def _not_a_frame(path: Path, frames: int, offset: int, kind: str) -> StructureError:
    after = f"There is no frame of {kind} after frame {frames - 1}."
    return StructureError(
        after if frames else f"This is no {kind} file.",
        where=f"{path}, byte {offset}",
        remedy="Give a trajectory, or copy it again if it is damaged.",
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
