"""A finished replica made longer: from its last point in phase space, with its frames before the new ones.

The longer replica is what the shorter one would have become had it been told to stop later, but for where its
segments end: thermalise and release are the shorter one's, time goes on without a gap, and frames stay evenly
spaced. Where the longer one writes frames more rarely, every so many of the old ones are kept.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from kinscope.core.errors import RunDirectoryError, SettingsError
from kinscope.core.files import sha256_of_file
from kinscope.dynamics.files import checkpoints
from kinscope.dynamics.files.checkpoints import Point, Position
from kinscope.dynamics.files.reading import xtc_frame_ends
from kinscope.dynamics.files.trajectory import append_at, finished_record
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.records import (
    END_FILE,
    ENERGIES_FILE,
    TRAJECTORY_FILE,
    ReplicaRecord,
    SolvatedSystem,
    StepPlan,
)
from kinscope.dynamics.settings import ProtocolSettings

_REMEDY = "Run the replica again at the length wanted."


@dataclass(frozen=True)
class Before:
    """The shorter replica."""

    directory: Path
    record: ReplicaRecord
    position: Position
    point: Point

    def longer_plan(self, production_steps: int, *, gpu: bool) -> StepPlan:
        """The plan of so many production steps (of the first attempt) that begins as the shorter one did.

        Raises SettingsError if it is not longer.
        """
        short = self.record.plan
        if production_steps <= short.production_steps:
            raise SettingsError(
                f"A replica of {short.production_steps} steps cannot be made longer to {production_steps}.",
                where=str(self.directory),
                remedy="Ask for a greater length.",
            )
        settings = self.record.settings
        plan = plan_steps(settings, production_steps, gpu=gpu)
        every = max(1, ceil(plan.frame_interval_steps / short.frame_interval_steps))
        interval = every * short.frame_interval_steps
        frames = {"frame_interval_steps": interval, "frames": production_steps // interval}
        before = {name: getattr(short, name) for name in ("thermalise_steps", "release_steps")}
        return plan.model_copy(update=before | frames)

    def check_system(self, system: SolvatedSystem) -> None:
        """Refuse a replica of another system.

        Raises RunDirectoryError if it is.
        """
        own = self.record
        if (system.system_sha256, system.state_sha256) != (own.system_sha256, own.state_sha256):
            raise RunDirectoryError(
                "The replica that is to be continued is of another system.",
                where=str(self.directory),
                remedy=_REMEDY,
            )

    def key_of(self, key: str) -> str:
        """The identity of the longer replica, which rests on every frame of the shorter one."""
        return hashlib.sha256(json.dumps([key, self.record.trajectory_sha256]).encode()).hexdigest()

    def begin(self, fresh: Position, plan: StepPlan, scratch: Path) -> Position:
        """Put the shorter replica's frames and energies into place; where an attempt goes on from there."""
        every = plan.frame_interval_steps // self.record.plan.frame_interval_steps
        kept = _thinned(self.directory / TRAJECTORY_FILE, every)
        energies = (self.directory / ENERGIES_FILE).read_bytes()
        return replace(
            fresh,
            step=self.record.plan.total_steps * 2**fresh.attempt,
            segment=self.position.segment,
            frames=self.record.frames // every,
            trajectory_bytes=append_at(scratch / TRAJECTORY_FILE, 0, kept),
            energies_bytes=append_at(scratch / ENERGIES_FILE, 0, energies),
            resumes=self.record.resumes,
            wall_seconds=self.record.wall_seconds,
            notes=self.position.notes,
        )

    def history(self) -> tuple[str, ...]:
        """In words, what is continued."""
        record = self.record
        run = f"{record.length_ns:g} ns on {record.platform.label}"
        return (*record.continued, f"{run}, OpenMM {record.openmm}, {record.wall_seconds:.0f} s")


def read_before(directory: Path, settings: ProtocolSettings, replica: int, seed: int) -> Before:
    """A finished replica that can be continued.

    Raises RunDirectoryError if there is none, it failed, it is another replica, or its end was not kept.
    """
    record = finished_record(directory)
    if (record.settings, record.replica, record.seed) != (settings, replica, seed):
        raise RunDirectoryError(
            "The replica that is to be continued has another protocol, number or seed.",
            where=str(directory),
            remedy=_REMEDY,
        )
    end = checkpoints.read(directory / END_FILE)
    if end is None or sha256_of_file(directory / TRAJECTORY_FILE) != record.trajectory_sha256:
        raise RunDirectoryError(
            "This replica cannot be continued: "
            + ("where it ended was not kept." if end is None else "its trajectory is damaged."),
            where=str(directory),
            remedy=_REMEDY,
        )
    return Before(directory, record, *end)


def _thinned(path: Path, every: int) -> bytes:
    """Frames ``every``, 2 ``every`` ... of an XTC file, as they stand there."""
    data = path.read_bytes()
    if every == 1 or not data:
        return data
    ends = [0, *xtc_frame_ends(path)]
    return b"".join(data[ends[i - 1] : ends[i]] for i in range(every, len(ends), every))
