"""One replica: equilibration and production in segments, each a pure function of the checkpoint before it.

The files of a replica: who may write them, what a failed write means, handing them over.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError, KinscopeError, RunDirectoryError
from kinscope.core.files import sha256_of_file, write_atomic
from kinscope.core.progress import Progress, leave_if_asked, silent
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.files import checkpoints
from kinscope.dynamics.files.checkpoints import Point, Position
from kinscope.dynamics.files.system import load_system
from kinscope.dynamics.files.trajectory import append_at, encode_frames
from kinscope.dynamics.machine.devices import choose_platform
from kinscope.dynamics.platforms import GPU_PLATFORMS, GROMACS
from kinscope.dynamics.protocol import plan_steps, scaled, segment_end
from kinscope.dynamics.records import (
    END_FILE,
    ENERGIES_FILE,
    PROTEIN_FILE,
    REPLICA_RECORD_FILE,
    TOPOLOGY_FILE,
    TRAJECTORY_FILE,
    PlatformChoice,
    ReplicaRecord,
    StepPlan,
)
from kinscope.dynamics.replicas.extension import Before, read_before
from kinscope.dynamics.segments import BlowUpError, Engine, Output, Segment, SegmentEngine
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.structures.io import read_model, write_model

_RESULTS = (TRAJECTORY_FILE, ENERGIES_FILE, TOPOLOGY_FILE, END_FILE, REPLICA_RECORD_FILE)
"""The record last: it says that the rest is whole."""


def hand_over(scratch: Path, output: Path) -> None:
    """Put the results into ``output``, by link where the file system allows, the record last."""
    output.mkdir(parents=True, exist_ok=True)
    for name in _RESULTS:
        target = output / name
        target.unlink(missing_ok=True)
        if not (scratch / name).is_file():  # a replica that failed has no end
            continue
        try:
            os.link(scratch / name, target)
        except OSError:
            shutil.copyfile(scratch / name, target)


def other_replica(scratch: Path) -> RunDirectoryError:
    """The error of a folder that another replica lives in."""
    return RunDirectoryError(
        "This folder holds a replica of another system, seed, length or protocol.",
        where=str(scratch),
        remedy="Give each replica a folder of its own, or remove this one.",
    )


@dataclass(frozen=True)
class ReplicaTask:
    """What one replica is; with its system and platform, this decides every number."""

    settings: ProtocolSettings
    replica: int
    """Its number; with the seed of the system's replicas it decides velocities and noise."""
    seed: int
    production_steps: int
    """Of the first attempt; see :func:`kinscope.dynamics.protocol.steps_within`."""
    before: Path | None = None
    """The same replica, finished but shorter: it is continued from its last point in phase space, and its
    frames and energies begin the new files (:mod:`kinscope.dynamics.replicas.extension`)."""


@contextmanager
def disk_errors(scratch: Path) -> Iterator[None]:
    """Tell of a failed write what it is and what to do."""
    try:
        yield
    except KinscopeError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise ComputationError(
            "The disk is full." if full else f"A file of the replica could not be written ({error}).",
            where=str(error.filename or scratch),
            remedy="Free some space and run the same again; it goes on from the last checkpoint."
            if full
            else "Mend that and run the same again; it goes on from the last checkpoint.",
        ) from error


def production_rows(path: Path) -> tuple[FloatArray, FloatArray]:
    """Temperatures and potentials (n,) of production from the table of energies."""
    rows = [line.split(",") for line in path.read_text().splitlines() if line.startswith("production,")]
    return np.array([float(row[4]) for row in rows]), np.array([float(row[3]) for row in rows])


_HEADER = b"stage,step,time_ps,potential_kcal_per_mol,temperature_k,volume_cubic_nm\n"


def run_replica(
    system_directory: Path,
    scratch: Path,
    output: Path,
    task: ReplicaTask,
    *,
    progress: Progress = silent,
    platform: PlatformChoice | None = None,
) -> ReplicaRecord:
    """Run one replica to its end, going on from the last whole checkpoint if there is one.

    On a deterministic platform the result does not depend on how often the process was killed. Its status is
    ``failed`` if every attempt blew up: other replicas can go on.

    ``scratch``: the replica's own directory, kept between calls: files as they grow, checkpoints, the record.
    One process at a time (:mod:`kinscope.workflow.engine.worker` sees to that).
    ``output``: gets trajectory, topology, energies and, last, the record; it may be ``scratch`` itself.
    ``progress``: hears of every stop.
    ``platform``: None chooses, with one CPU thread.

    Raises RunDirectoryError if the system is damaged, or ``scratch`` belongs to another replica;
    ComputationError if files cannot be written (full disk); nothing saved is lost.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with disk_errors(scratch):
        run = _Replica(system_directory, scratch, task, platform or choose_platform(), progress)
        record = run.to_the_end()
        if output.resolve() != scratch.resolve():
            hand_over(scratch, output)
        return record


class _Replica:
    """The state of one call of :func:`run_replica`."""

    def __init__(
        self,
        system_directory: Path,
        scratch: Path,
        task: ReplicaTask,
        platform: PlatformChoice,
        progress: Progress,
    ) -> None:
        self.scratch = scratch
        self.task = task
        self.settings = task.settings
        self.seed = derive_seed(task.seed, "replica", task.replica)
        self.platform = platform
        self.progress = progress
        gpu = platform.name in GPU_PLATFORMS
        self.before: Before | None = None
        if task.before is None:
            self.plan = plan_steps(task.settings, task.production_steps, gpu=gpu)
        else:
            self.before = read_before(task.before, task.settings, task.replica, task.seed)
            self.plan = self.before.longer_plan(task.production_steps, gpu=gpu)
        system, positions, box, self.record = load_system(system_directory)
        self.key = self._key()
        if self.before is not None:
            self.before.check_system(self.record)
            self.key = self.before.key_of(self.key)
        self.atoms = read_model(system_directory / PROTEIN_FILE)
        heavy = np.asarray(self.atoms.element != "H")
        self.start = Point(positions, None, box) if self.before is None else self.before.point
        self.engine: SegmentEngine
        if platform.name == GROMACS:
            from kinscope.dynamics.gromacs.engine import GromacsEngine

            self.engine = GromacsEngine(system, positions, heavy, self.settings, platform, scratch)
        else:
            self.engine = Engine(system, positions, heavy, self.settings, platform)

    def _key(self) -> str:
        parts = (
            self.record.system_sha256,
            self.record.state_sha256,
            self.settings.model_dump_json(),
            self.task.replica,
            self.task.seed,
            self.task.production_steps,
            self.platform.deterministic,
            *([self.platform.name] if self.platform.name == GROMACS else []),
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def to_the_end(self) -> ReplicaRecord:
        """Run whatever is left."""
        done = self._finished()
        if done is not None:
            return done
        position, point = self._resume()
        while position.attempt <= self.settings.retries:
            plan = scaled(self.plan, position.attempt)
            try:
                while position.step < plan.total_steps:
                    position, point = self._segment(plan, position, point)
            except BlowUpError as error:
                position, point = self._retry(position, str(error))
            else:
                return self._conclude(plan, position, point)
        return self._conclude(self.plan, replace(position, attempt=self.settings.retries), None)

    def _begin(self, attempt: int) -> Position:
        """Where an attempt begins: at the first step, or where the shorter replica ended."""
        fresh = Position(self.key, 0, 0, attempt, 0, 0, 0, 0, 0.0, ())
        return fresh if self.before is None else self.before.begin(fresh, self.plan, self.scratch)

    def _segment(self, plan: StepPlan, position: Position, point: Point) -> tuple[Position, Point]:
        """Run to the segment's end, append what it gave, and save a checkpoint."""
        began = time.monotonic()
        seed = derive_seed(self.seed, "segment", position.attempt, position.segment)
        velocities = derive_seed(self.seed, "velocities", position.attempt)
        end = segment_end(self.settings, plan, position.step)
        segment = Segment(plan, position.step, end, position.attempt, seed, velocities)
        output = Output()
        total = plan.total_steps
        point = self.engine.run(
            segment, point, output, lambda step: self.progress(step / total, f"{step} of {total} steps")
        )
        trajectory = encode_frames(output.frames, self.scratch)
        rows = b"" if position.energies_bytes else _HEADER
        rows += "".join(row.csv() for row in output.rows).encode()
        position = replace(
            position,
            step=end,
            segment=position.segment + 1,
            frames=position.frames + len(output.frames),
            trajectory_bytes=append_at(self.scratch / TRAJECTORY_FILE, position.trajectory_bytes, trajectory),
            energies_bytes=append_at(self.scratch / ENERGIES_FILE, position.energies_bytes, rows),
            wall_seconds=position.wall_seconds + time.monotonic() - began,
        )
        checkpoints.save(self.scratch, position, point)
        leave_if_asked()
        return position, point

    def _resume(self) -> tuple[Position, Point]:
        """Where to go on: the last whole checkpoint, or the start of the first attempt."""
        found = checkpoints.load_latest(self.scratch)
        if found is None:
            return self._begin(0 if self.before is None else self.before.record.attempt), self.start
        position, point = found
        if position.key != self.key:
            raise other_replica(self.scratch)
        for name, length in (
            (TRAJECTORY_FILE, position.trajectory_bytes),
            (ENERGIES_FILE, position.energies_bytes),
        ):
            path = self.scratch / name
            if length and (not path.is_file() or path.stat().st_size < length):
                raise RunDirectoryError(
                    "A file of this replica is shorter than its checkpoint says.",
                    where=str(path),
                    remedy="Remove the replica's folder and run it again.",
                )
        return replace(position, resumes=position.resumes + 1), point

    def _retry(self, position: Position, why: str) -> tuple[Position, Point]:
        """Note a blow-up and start again from the stored system (rule: ProtocolSettings.retries)."""
        half = self.settings.time_step_fs / 2 ** (position.attempt + 1)
        note = (
            f"attempt {position.attempt} blew up in segment {position.segment} ({why}); "
            f"rule: minimise, new velocities, {half:g} fs"
        )
        checkpoints.clear(self.scratch)
        begun = replace(
            self._begin(position.attempt + 1),
            resumes=position.resumes,
            wall_seconds=position.wall_seconds,
            notes=(*position.notes, note),
        )
        start = replace(self.start, velocities=None)
        checkpoints.save(self.scratch, begun, start)
        return begun, start

    def _identity(self) -> dict[str, Any]:
        """What the record of this replica, and of no other, says of itself."""
        return {
            "replica": self.task.replica,
            "seed": self.task.seed,
            "settings": self.settings,
            "plan": self.plan,
            "system_sha256": self.record.system_sha256,
            "state_sha256": self.record.state_sha256,
        }

    def _finished(self) -> ReplicaRecord | None:
        path = self.scratch / REPLICA_RECORD_FILE
        if not path.is_file():
            return None
        try:
            record = ReplicaRecord.model_validate_json(path.read_text())
        except ValueError:
            return None
        if any(getattr(record, name) != value for name, value in self._identity().items()):
            raise other_replica(self.scratch)
        return record

    def _conclude(self, plan: StepPlan, position: Position, end: Point | None) -> ReplicaRecord:
        """Cut the files to what counts, write topology, end (if it finished) and record, drop checkpoints."""
        import openmm

        trajectory, energies = self.scratch / TRAJECTORY_FILE, self.scratch / ENERGIES_FILE
        append_at(trajectory, position.trajectory_bytes, b"")
        append_at(energies, position.energies_bytes, b"")
        write_model(self.scratch / TOPOLOGY_FILE, self.atoms)
        if end is not None:
            checkpoints.write(self.scratch / END_FILE, position, end)
        time_step = self.settings.time_step_fs / 2**position.attempt
        finished = end is not None
        temperatures, potentials = production_rows(energies) if finished else (np.zeros(0), np.zeros(0))
        record = ReplicaRecord(
            **self._identity(),
            status="finished" if finished else "failed",
            note="; ".join(position.notes),
            platform=self.platform,
            openmm=openmm.version.version,
            atoms=self.record.atoms,
            solute_atoms=self.record.solute_atoms,
            attempt=position.attempt,
            time_step_fs=time_step,
            length_ns=plan.production_steps * time_step * 1e-6 if finished else 0.0,
            frames=position.frames,
            frame_interval_ps=plan.frame_interval_steps * time_step * 1e-3,
            temperature_mean_k=float(temperatures.mean()) if len(temperatures) else None,
            temperature_standard_deviation_k=float(temperatures.std()) if len(temperatures) else None,
            potential_mean_kcal_per_mol=float(potentials.mean()) if len(potentials) else None,
            segments=position.segment,
            resumes=position.resumes,
            wall_seconds=position.wall_seconds,
            trajectory_sha256=sha256_of_file(trajectory),
            continued=() if self.before is None else self.before.history(),
        )
        write_atomic(self.scratch / REPLICA_RECORD_FILE, record.model_dump_json(indent=1))
        checkpoints.clear(self.scratch)
        return record
