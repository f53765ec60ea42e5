"""Frames decoded in a process of their own: a damaged one may kill the decoder, and nothing else.

The decoders are native code that trusts what it reads. They run in a child that streams frames through a pipe
and serves one file after another. It ends with its parent, and by itself where one frame takes minutes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError

PATIENCE_SECONDS = 120
"""Longest time for one frame."""
_END_SECONDS = 10
_PIPE_BYTES = 2**20
_DONE = b"."
_REFUSED = 3
"""Exit status of the child where the decoder says itself that it cannot go on."""
_START = "import sys; sys.path[:] = sys.argv[1:]; from kinscope.dynamics.files.decoding import serve; serve()"
_idle: list[subprocess.Popen[bytes]] = []
os.register_at_fork(after_in_child=_idle.clear)


def decoded(
    path: Path, total: int, places: NDArray[np.intp] | None, frames: range, length: int
) -> Iterator[NDArray[np.void]]:
    """Frames of an XTC or DCD file, ``length`` at a time, as they stand there.

    Fields: ``time`` (ps, NaN in DCD); ``box`` (3, 3), the vectors in XTC, lengths, angles and zeros in DCD;
    ``xyz`` (n, 3). ``total``: atoms in a frame. ``places``: those that are wanted; None: all.

    Raises StructureError if a frame cannot be decoded; with its number, and how the decoder ended.
    """
    wanted = total if places is None else len(places)
    reused = bool(_idle)
    child = _idle.pop() if reused else _started()
    assert child.stdin is not None
    assert child.stdout is not None
    served = False
    try:
        with contextlib.suppress(BrokenPipeError):
            pickle.dump((str(path.absolute()), total, places, frames, PATIENCE_SECONDS), child.stdin)
            child.stdin.flush()
        for first in range(0, len(frames), length):
            block = np.empty(min(length, len(frames) - first), dtype=_frame_type(wanted))
            got: int = child.stdout.readinto(block.view(np.uint8).data)  # type: ignore[attr-defined]
            whole = got // block.itemsize
            last = first + whole == len(frames)
            if whole < len(block) or (last and child.stdout.read(1) != _DONE):
                status = _end_of(child)
                if reused and status != -signal.SIGALRM:  # an earlier file may have harmed it
                    yield from islice(decoded(path, total, places, frames, length), first // length, None)
                    return
                raise _failed(path, frames[min(first + whole, len(frames) - 1)], status)
            served = last
            yield block
    finally:
        if served:
            _idle.append(child)
        else:
            child.kill()
            child.communicate()


def serve() -> None:
    """The child: take a file from standard input, write its frames to standard output, and again."""
    import biotraj  # type: ignore[import-untyped]

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent decides, and its end is ours
        signal.signal(number, signal.SIG_IGN)
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # decoders print
    while True:
        try:
            path, *job, patience = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            of_xtc = path.lower().endswith(".xtc")
            opener = biotraj.XTCTrajectoryFile if of_xtc else biotraj.DCDTrajectoryFile
            signal.alarm(patience)
            with opener(path, "r") as handle:
                _write_frames(output.write, handle, patience, *job)
            output.write(_DONE)
            output.flush()
        except BrokenPipeError:
            os._exit(0)
        except Exception:
            os._exit(_REFUSED)


def _write_frames(
    write: Callable[[Any], object],
    handle: Any,
    patience: int,
    total: int,
    places: NDArray[np.intp] | None,
    frames: range,
) -> None:
    for at, frame in enumerate(frames):
        signal.alarm(patience)
        if frame != at:
            handle.seek(frame)
        xyz, *told = handle.read(1)
        signal.alarm(0)
        if xyz.shape != (1, total, 3):
            raise ValueError(frame)
        head = np.zeros((), dtype=_frame_type(0))
        if len(told) == 3:
            head["time"], head["box"] = told[0][0], 0.0 if told[2] is None else told[2][0]
        else:
            head["time"] = np.nan
            head["box"][:2] = 0.0 if told[0] is None else (told[0][0], told[1][0])
        write(head.tobytes())
        write(xyz if places is None else xyz[:, places])


def _frame_type(atoms: int) -> np.dtype[np.void]:
    return np.dtype([("time", "f8"), ("box", "f4", (3, 3)), ("xyz", "f4", (atoms, 3))])


def _started() -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", _START, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    if child.stdout is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return child


def _end_of(child: subprocess.Popen[bytes]) -> int:
    """Its exit status; as if it refused where it wrote something else than frames and lives."""
    try:
        return child.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        return _REFUSED


def _failed(path: Path, frame: int, status: int) -> StructureError:
    what = f"Frame {frame} of the trajectory (from 0) is damaged and cannot be decoded."
    if status == -signal.SIGALRM:
        what = f"Frame {frame} of the trajectory (from 0) was not decoded within {PATIENCE_SECONDS} s."
    elif status < 0:
        how = signal.Signals(-status).name
        what = f"The decoder died at frame {frame} (from 0; {how}): that frame or one before it is damaged."
    return StructureError(what, where=str(path), remedy="Write the file again, or cut it before the damage.")
