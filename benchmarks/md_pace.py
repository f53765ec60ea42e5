"""MD of kinscope beside a bare OpenMM script, by turns in one process, and GROMACS where it is installed.

    [KINSCOPE_PLATFORM=CUDA] python benchmarks/md_pace.py [--state NAME] [--turns 30] [--block-steps 100]

Both step the same solvated kinase on the same platform, a block of steps each in turn, so that what else
the machine does falls on both alike. The bare script does nothing but step: no frames, energies, checkpoints
or deterministic forces. What kinscope does at the end of a segment (frames, checkpoint, a new context) is
timed by itself and shared among the segment's steps. Steps are of 1 fs, as the state has met no dynamics yet,
and cost what any do; ns/day are of the protocol's step. Processor time on a CPU, the clock on a GPU.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kinscope.dynamics.files import checkpoints
from kinscope.dynamics.files.checkpoints import Point
from kinscope.dynamics.files.system import load_system
from kinscope.dynamics.files.trajectory import Frame, append_at, encode_frames
from kinscope.dynamics.gromacs.program import find_gromacs
from kinscope.dynamics.machine.devices import choose_platform
from kinscope.dynamics.machine.speed import measure_speed
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.records import PROTEIN_FILE, TRAJECTORY_FILE, PlatformChoice
from kinscope.dynamics.segments import Engine, Output, Segment
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.systems.solvent import solvate_native
from kinscope.structures.io import read_model
from kinscope.structures.reference.build import reference_model
from kinscope.targets import load_target

SETTINGS = ProtocolSettings(equilibration_fraction=0.0)
TRIAL = SETTINGS.model_copy(update={"time_step_fs": 1.0})
NS_PER_DAY = SETTINGS.time_step_fs * 1e-6 * 86_400
ONE_NANOSECOND = 250_000
"""Steps of the run whose distances between checkpoints, frames and rows are taken."""


def bare(directory: Path, platform: PlatformChoice) -> Callable[[int], None]:
    """What a script does: a context, velocities, steps."""
    import openmm

    system, positions, box, _ = load_system(directory)
    integrator = openmm.LangevinMiddleIntegrator(TRIAL.temperature_k, TRIAL.friction_per_ps, 1e-3)
    integrator.setRandomNumberSeed(1)
    properties = {key: value for key, value in platform.properties.items() if key != "DeterministicForces"}
    chosen = openmm.Platform.getPlatformByName(platform.name)
    context = openmm.Context(system, integrator, chosen, properties)
    context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    context.setVelocitiesToTemperature(TRIAL.temperature_k, 1)

    def go(steps: int) -> None:
        integrator.step(steps)
        context.getState(velocities=True)  # waits until a GPU is done

    return go


class Runner:
    """Kinscope's engine, its context kept between turns, with the frames and rows that are due."""

    def __init__(self, directory: Path, platform: PlatformChoice) -> None:
        system, positions, box, _ = load_system(directory)
        heavy = np.asarray(read_model(directory / PROTEIN_FILE).element != "H")
        self.platform = platform
        self.plan = plan_steps(SETTINGS, ONE_NANOSECOND, gpu=platform.name not in ("CPU", "Reference"))
        kept = platform.model_copy(update={"deterministic": False})
        self.engine = Engine(system, positions, heavy, TRIAL, kept)
        self.point, self.step, self.output = Point(positions, None, box), 0, Output()

    def __call__(self, steps: int) -> None:
        """Go on by so many steps."""
        segment = Segment(self.plan, self.step, self.step + steps, attempt=0, seed=1, velocity_seed=1)
        self.point = self.engine.run(segment, self.point, self.output, lambda _step: None)
        self.step += steps

    def end_of_segment(self, clock: Callable[[], float], seconds_per_step: float) -> float:
        """Seconds to write, and to make a context anew where a segment begins with one."""
        solute, velocities = self.point.positions[: self.engine.solute_atoms], self.point.velocities
        assert velocities is not None
        count = max(1, self.plan.segment_steps // self.plan.frame_interval_steps)
        frames = [Frame(number, float(number), solute, self.point.box) for number in range(count)]
        with tempfile.TemporaryDirectory() as name:
            folder, began = Path(name), clock()
            append_at(folder / TRAJECTORY_FILE, 0, encode_frames(frames, folder))
            place = checkpoints.Position("", 0, 0, 0, 0, 0, 0, 0, 0.0, ())
            checkpoints.save(folder, place, self.point)
            seconds = clock() - began
        if self.platform.deterministic:
            self.engine.forget()
            began = clock()
            self(5)
            seconds += max(0.0, clock() - began - 5 * seconds_per_step)
        return seconds


def main() -> None:
    """Print ns/day of both, and the share with its middle half over turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", default="kinase-dfg-in")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--block-steps", type=int, default=100)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    platform = choose_platform()
    clock = time.process_time if platform.name in ("CPU", "Reference") else time.perf_counter
    pack = load_target("abl1")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name) / "system"
        settings = SolvationSettings(equilibration_ps=0.0)
        made = solvate_native(
            reference_model(pack, given.state)[0], settings, 1, directory, pack=pack, state=given.state
        )
        sides = {"bare": bare(directory, platform), "kinscope": (runner := Runner(directory, platform))}
        seconds: dict[str, list[float]] = {"bare": [], "kinscope": []}
        for turn in range(-1, given.turns):
            for side in sides if turn % 2 == 0 else reversed(sides):
                began = clock()
                sides[side](given.block_steps)
                if turn >= 0:
                    seconds[side].append(clock() - began)
        extra = runner.end_of_segment(clock, statistics.median(seconds["kinscope"]) / given.block_steps)
        per_block = extra * given.block_steps / runner.plan.segment_steps
        shares = sorted(b / (k + per_block) for b, k in zip(*seconds.values(), strict=True))
        rate = NS_PER_DAY * given.block_steps / statistics.median(seconds["bare"])
        quarter, share = len(shares) // 4, statistics.median(shares)
        print(f"{given.state}, {made.atoms:,} atoms, {platform.name}: bare {rate:.3g} ns/day, kinscope "
              f"{rate * share:.3g} ns/day = {100 * share:.1f} % (middle half of {len(shares)} turns "
              f"{100 * shares[quarter]:.1f} to {100 * shares[-1 - quarter]:.1f} %)")  # fmt: skip
        if (gromacs := find_gromacs()) is not None:
            found = measure_speed(directory, 10.0, ProtocolSettings(), gromacs)
            used = found.processor_seconds or found.seconds
            print(f"GROMACS {gromacs.properties['Version']}, one core: "
                  f"{found.ns_per_day * found.seconds / used:.3g} ns/day of processor time")  # fmt: skip


if __name__ == "__main__":
    main()
