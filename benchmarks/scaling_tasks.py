"""What `scaling.py` runs, in a module that loads at once: a step, and the same without kinscope."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinscope.workflow.engine.context import StepContext


def tiny_step(context: StepContext) -> None:
    """A step that leaves a file."""
    (context.output / "done").write_text("well")


def tiny_task(_folder: str, _number: int) -> int:
    """Nothing: what the bare engine takes to hand it out."""
    return 0


def file_task(folder: str, number: int) -> int:
    """A file that a power cut leaves whole: the least that any engine does whose results last."""
    _write(Path(folder, f"file-{number}"), "well")
    return 0


def kept_task(folder: str, number: int) -> int:
    """The same with what a step's worker does besides: a process, a lease, an artefact renamed in."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    work, place = Path(folder, f"work-{number}"), Path(folder, f"artefact-{number}")
    lease, output = work / "lease", work / "lease" / "out"
    output.mkdir(parents=True)
    (lease / "scratch").mkdir()
    _write(work / "job.json", json.dumps({"number": number, "text": "x" * 500}))
    (lease / "owner.json").write_text(json.dumps({"pid": os.getpid()}))
    (output / "done").write_text("well")
    digest = hashlib.sha256((output / "done").read_bytes()).hexdigest()
    _write(output / "artefact.json", json.dumps({"files": [digest], "text": "x" * 500}))
    output.rename(place)
    shutil.rmtree(work)
    os._exit(0)


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    partial.rename(path)


def replica_task(system: str, folder: str, steps: str, number: str) -> None:
    """A replica as its step computes it."""
    from kinscope.dynamics.replicas.run import ReplicaTask, run_replica
    from kinscope.dynamics.settings import ProtocolSettings

    task = ReplicaTask(ProtocolSettings(), replica=int(number), seed=7, production_steps=int(steps))
    run_replica(Path(system), Path(folder, number), Path(folder, number), task)
