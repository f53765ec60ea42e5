"""The replica runner beside a bare OpenMM script, and its memory against the length of the trajectory.

Both sides step the same stored system on the same platform in the same process, in short turns, so that what
else the machine does falls on both alike. The bare script does nothing but step: no frames, no energies, no
checkpoints. What the runner does at the end of a segment is timed on its own and shared among the segment's
steps. Processor time counts where the platform is the CPU, time by the clock on a GPU.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kinscope.core.errors import ComputationError
from kinscope.core.progress import Progress
from kinscope.core.records import Record
from kinscope.dynamics import checkpoints
from kinscope.dynamics.benchmark_system import residue_in_vacuum
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.records import PROTEIN_FILE, TRAJECTORY_FILE, PlatformChoice, StepPlan
from kinscope.dynamics.replica import run_replica
from kinscope.dynamics.segments import Engine, Output, Point, Segment
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.dynamics.storage import load_record, load_system
from kinscope.dynamics.trajectory import Frame, append_at, encode_frames
from kinscope.structures.io import read_model

_SECONDS_PER_DAY = 86_400
_KIBIBYTES_PER_MEBIBYTE = 1024.0
"""ru_maxrss counts KiB on Linux."""
_TRIAL_STEP_FS = 1.0
_AFTER_CONTEXT_STEPS = 5
_STEPS_PER_FRAME = 10


class Pace(Record):
    """One system, stepped by both."""

    system: str
    atoms: int
    platform: str
    clock: str
    """``processor time`` or ``time by the clock``."""
    block_steps: int
    """Of each turn."""
    segment_steps: int
    """Between checkpoints, for which the share is given."""
    bare_seconds: tuple[float, ...]
    """Of each turn."""
    runner_seconds: tuple[float, ...]
    segment_seconds: float
    """Frames encoded and appended, checkpoint saved, and a new context where there is one."""
    time_step_fs: float

    @property
    def shares(self) -> tuple[float, ...]:
        """The runner's speed over the bare script's, turn by turn."""
        extra = self.segment_seconds * self.block_steps / self.segment_steps
        pairs = zip(self.bare_seconds, self.runner_seconds, strict=True)
        return tuple(bare / (mine + extra) for bare, mine in pairs)

    @property
    def share(self) -> float:
        """Their median."""
        return statistics.median(self.shares)

    @property
    def bare_ns_per_day(self) -> float:
        """Median over turns."""
        rate = self.block_steps / statistics.median(self.bare_seconds)
        return rate * self.time_step_fs * 1e-6 * _SECONDS_PER_DAY

    def words(self) -> str:
        """Two lines."""
        found = sorted(self.shares)
        low, high = found[len(found) // 4], found[-1 - len(found) // 4]
        return (
            f"{self.system}, {self.atoms:,} atoms, {self.platform}: bare {self.bare_ns_per_day:.3g} ns/day, "
            f"runner {self.bare_ns_per_day * self.share:.3g} ns/day = {100 * self.share:.1f} %\n"
            f"  (middle half of {len(found)} turns of {self.block_steps} steps {100 * low:.1f} to "
            f"{100 * high:.1f} %; {self.clock}; a segment of {self.segment_steps:,} steps ends in "
            f"{self.segment_seconds:.2f} s)"
        )


class Footprint(Record):
    """Memory of one replica of so many frames, in a process of its own."""

    frames: int
    peak_mebibyte: float
    trajectory_bytes: int


def pace(
    directory: Path,
    name: str,
    platform: PlatformChoice,
    *,
    turns: int = 30,
    block_steps: int = 100,
    production_steps: int = 250_000,
    settings: ProtocolSettings | None = None,
    progress: Progress | None = None,
) -> Pace:
    """Step a stored system by the bare script and by the runner, in turns.

    Both take steps of 1 fs, because the stored state has met no dynamics yet; how long a step is does not
    change its cost, and ns/day are given for the protocol's step.

    Parameters
    ----------
    directory, name
        A solvated system, and its name for people.
    platform
        Where it runs.
    turns, block_steps, progress
        Of each side, steps of each, and who hears of them; the sides take the first place by turns.
    production_steps, settings
        Of the run whose distances between checkpoints, frames and rows are taken: 1 ns by default; and its
        protocol.
    """
    protocol = settings or ProtocolSettings()
    on_processor = platform.name in ("CPU", "Reference")
    produced = protocol.model_copy(update={"equilibration_fraction": 0.0})
    plan = plan_steps(produced, production_steps, gpu=not on_processor)
    clock = time.process_time if on_processor else time.perf_counter
    bare = _bare(directory, protocol, platform)
    runner = _Runner(directory, protocol, plan, platform)
    for side in (bare, runner):
        side(block_steps)
    bare_seconds: list[float] = []
    runner_seconds: list[float] = []
    for turn in range(turns):
        for side in (bare, runner) if turn % 2 == 0 else (runner, bare):
            began = clock()
            side(block_steps)
            (bare_seconds if side is bare else runner_seconds).append(clock() - began)
        if progress is not None:
            progress((turn + 1) / turns, f"{name}, turn {turn + 1} of {turns}")
    per_step = statistics.median(runner_seconds) / block_steps
    return Pace(
        system=name,
        atoms=load_record(directory).atoms,
        platform=platform.name,
        clock="processor time" if on_processor else "time by the clock",
        block_steps=block_steps,
        segment_steps=plan.segment_steps,
        bare_seconds=tuple(bare_seconds),
        runner_seconds=tuple(runner_seconds),
        segment_seconds=runner.end_of_segment(clock, per_step),
        time_step_fs=protocol.time_step_fs,
    )


def _bare(directory: Path, settings: ProtocolSettings, platform: PlatformChoice) -> Callable[[int], None]:
    """What a script does: a context, velocities, steps."""
    import openmm

    system, positions, box, _ = load_system(directory)
    integrator = openmm.LangevinMiddleIntegrator(
        settings.temperature_k, settings.friction_per_ps, _TRIAL_STEP_FS * 1e-3
    )
    integrator.setRandomNumberSeed(1)
    properties = {key: value for key, value in platform.properties.items() if key != "DeterministicForces"}
    chosen = openmm.Platform.getPlatformByName(platform.name)
    context = openmm.Context(system, integrator, chosen, properties)
    context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    context.setVelocitiesToTemperature(settings.temperature_k, 1)

    def go(steps: int) -> None:
        context.getIntegrator().step(steps)
        context.getState(velocities=True)  # waits until a GPU is done

    return go


class _Runner:
    """The runner's engine, its context kept between turns as on a GPU."""

    def __init__(
        self, directory: Path, settings: ProtocolSettings, plan: StepPlan, platform: PlatformChoice
    ) -> None:
        system, positions, box, _ = load_system(directory)
        atoms = read_model(directory / PROTEIN_FILE)
        heavy = np.asarray(atoms.element != "H")
        trial = settings.model_copy(update={"time_step_fs": _TRIAL_STEP_FS, "equilibration_fraction": 0.0})
        self.platform = platform
        self.plan = plan
        self.engine = Engine(
            system, positions, heavy, trial, platform.model_copy(update={"deterministic": False})
        )
        self.point = Point(positions, None, box)
        self.step = 0
        self.output = Output()

    def __call__(self, steps: int) -> None:
        """Go on by so many steps, with the frames and rows that are due in them."""
        end = self.step + steps
        segment = Segment(self.plan, self.step, end, attempt=0, seed=1, velocity_seed=1)
        self.point = self.engine.run(segment, self.point, self.output, lambda _step: None)
        self.step = end

    def end_of_segment(self, clock: Callable[[], float], seconds_per_step: float) -> float:
        """Seconds that the end of a segment takes: writing, and a context anew where one is made."""
        state = self.point.positions[: self.engine.solute_atoms]
        frames = [
            Frame(number, float(number), state, self.point.box)
            for number in range(max(1, self.plan.segment_steps // self.plan.frame_interval_steps))
        ]
        with tempfile.TemporaryDirectory(prefix="kinscope-pace-") as folder:
            began = clock()
            append_at(Path(folder) / TRAJECTORY_FILE, 0, encode_frames(frames, Path(folder)))
            position = checkpoints.Position("", 0, 0, 0, 0, 0, 0, 0, 0.0, ())
            assert self.point.velocities is not None
            checkpoints.save(
                Path(folder),
                checkpoints.Checkpoint(position, self.point.positions, self.point.velocities, self.point.box),
            )
            written = clock() - began
        if not self.platform.deterministic:
            return written
        began = clock()
        self.engine.forget()
        self(_AFTER_CONTEXT_STEPS)
        return written + max(0.0, clock() - began - _AFTER_CONTEXT_STEPS * seconds_per_step)


def footprints(frames: Sequence[int], progress: Progress | None = None) -> tuple[Footprint, ...]:
    """Peak memory of replicas of growing length, each in a process of its own: a residue in a vacuum.

    Parameters
    ----------
    frames
        Of each replica, ten steps apart.
    progress
        Hears of each.
    """
    found = []
    with tempfile.TemporaryDirectory(prefix="kinscope-memory-") as folder:
        system = Path(folder) / "system"
        residue_in_vacuum(system)
        for place, count in enumerate(frames):
            run = Path(folder) / f"run-{count}"
            done = subprocess.run(
                [sys.executable, "-m", __name__, str(system), str(run), str(count)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise ComputationError(
                    f"The replica whose memory was measured failed: {done.stderr.strip()[-300:]}",
                    where=f"{count} frames",
                )
            found.append(Footprint.model_validate_json(done.stdout))
            if progress is not None:
                progress((place + 1) / len(frames), f"{count} frames: {found[-1].peak_mebibyte:.0f} MiB")
    return tuple(found)


def _measured(system: Path, run: Path, frames: int) -> Footprint:
    """Run one replica and read the greatest memory that this process had."""
    settings = ProtocolSettings(
        frame_interval_steps=_STEPS_PER_FRAME,
        maximum_frames=max(1000, frames),
        equilibration_fraction=0.0,
        minimise_iterations=100,
    )
    platform = PlatformChoice(
        name="CPU",
        properties={"Threads": "1", "DeterministicForces": "true"},
        deterministic=True,
        reason="measured",
    )
    run_replica(
        system,
        run,
        run,
        settings,
        replica=0,
        seed=1,
        production_steps=frames * _STEPS_PER_FRAME,
        platform=platform,
    )
    return Footprint(
        frames=frames,
        peak_mebibyte=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIBIBYTES_PER_MEBIBYTE,
        trajectory_bytes=(run / TRAJECTORY_FILE).stat().st_size,
    )


if __name__ == "__main__":
    print(_measured(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])).model_dump_json())
