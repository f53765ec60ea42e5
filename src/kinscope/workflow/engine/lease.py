"""A lease on a folder of work: one process at a time, on any machine that shares the file system, by no lock.

The holder's folder is ``lease-N``. The first is made by mkdir, and a stale one is taken over by renaming it
to ``lease-(N + 1)``: the file system lets one of several do either. No number comes twice, so a holder that
was only asleep finds its paths gone: what lies in the folder (scratch, output) is written by one process.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from kinscope.core.files import discard, read_own

STALE_SECONDS = 90.0
"""Without a heartbeat, after which a lease is another's to take; a network's file attributes lag by 60 s."""
_OWNER_FILE = "owner.json"
_PR_SET_PDEATHSIG = 1


def take(root: Path) -> Path | None:
    """The folder of the lease on ``root`` if nobody else holds it, else None: ask again later."""
    held = _newest(root)
    mine = root / f"lease-{_number(held) + 1 if held is not None else 1}"
    try:
        if held is None:
            mine.mkdir()
            if _newest(root) != mine:  # another's was renamed while the folder was read
                mine.rmdir()
                return None
        elif _lives(held):
            return None
        else:
            held.rename(mine)
        discard(mine / _OWNER_FILE)
        (mine / _OWNER_FILE).write_text(json.dumps(_identity(os.getpid())))
    except (FileExistsError, FileNotFoundError):  # another was quicker
        return None
    return mine


def give_up(lease: Path) -> None:
    """Let the next one take a lease at once."""
    with suppress(OSError):
        (lease / _OWNER_FILE).unlink()


def beat(lease: Path) -> bool:
    """Say that the holder lives; False if another has taken the lease over."""
    try:
        os.utime(lease / _OWNER_FILE)
    except FileNotFoundError:
        return False
    except OSError:  # the file system is away: whoever waits, waits for it too
        pass
    return True


def is_held(root: Path) -> bool:
    """Whether a living process holds the lease on ``root``."""
    held = _newest(root)
    return held is not None and _lives(held)


def _lives(lease: Path) -> bool:
    """Whether the holder of a lease lives: by its process on this machine, and by its heartbeat."""
    path = lease / _OWNER_FILE
    try:
        beaten = path.stat().st_mtime
        with suppress(ValueError, KeyError, TypeError):  # written this moment
            owner = json.loads(read_own(path))
            here = _identity(int(owner["pid"]))
            if owner["machine"] == here["machine"] and owner != here:
                return False
        return _clock(lease.parent) - beaten < STALE_SECONDS
    except FileNotFoundError:
        return False


def end_with(parent: int, number: int = signal.SIGKILL) -> None:
    """Have this process sent a signal when its parent ends, whatever ends that: by the kernel or a thread."""
    told_by_kernel(number)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), number)

    threading.Thread(target=watch, daemon=True).start()


def told_by_kernel(number: int) -> None:
    """Have this process sent a signal when its parent ends, on Linux."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def held_by(root: Path, pid: int) -> Path | None:
    """The folder of the lease on ``root`` if a process of this machine holds it, or did when it ended."""
    held, who = _newest(root), _identity(pid)
    with suppress(OSError, ValueError, KeyError, TypeError):
        owner = json.loads(read_own(held / _OWNER_FILE)) if held is not None else {}
        if owner == who | {"started": who["started"] or owner["started"]}:
            return held
    return None


def _number(lease: Path) -> int:
    return int(lease.name.partition("-")[2])


def _newest(root: Path) -> Path | None:
    found = [path for path in root.glob("lease-*") if path.name.partition("-")[2].isdigit()]
    return max(found, key=_number, default=None)


def _identity(pid: int) -> dict[str, object]:
    """A process, told from those that had or will have its number, here and elsewhere."""
    machine, started = platform.node(), ""
    with suppress(OSError):
        machine += Path("/proc/sys/kernel/random/boot_id").read_text()
        machine += str(Path("/proc/self/ns/pid").readlink())
    with suppress(OSError, IndexError):
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        started = "" if state in "ZX" else rest[18]
    return {"machine": machine, "pid": pid, "started": started}


def _clock(folder: Path) -> float:
    """The time as the file system tells it, as its clock may not be this machine's; else this machine's."""
    probe = folder / f".clock-{os.getpid()}-{platform.node()}"
    with suppress(OSError):  # it is full, or another's to write on
        probe.write_bytes(b"")
        beaten = probe.stat().st_mtime
        probe.unlink(missing_ok=True)
        return beaten
    return time.time()
