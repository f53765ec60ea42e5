"""What a replica costs beside a bare OpenMM loop on the same system, in the same run.

    python benchmarks/md_speed.py [--states kinase-dfg-in kinase-dfg-out] [--steps 100] [--paddings 0.8 1.0]

For each state and padding: atoms, seconds to solvate the native and to move a mutant into its solvent,
seconds to set up a context, ns/day of the bare loop and of a replica with its frames, energies and
checkpoints, and what a replica costs beyond its steps. One CPU thread (processor time, so that other
work on the machine matters little), or the best GPU that works (wall time).
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from kinscope.dynamics.platforms import choose_platform, context_for
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.replica import run_replica
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.solvent import solvate_mutant, solvate_native
from kinscope.dynamics.storage import load_system
from kinscope.structures.reference import reference_model
from kinscope.targets import load_target

NS_PER_DAY = 4e-6 * 86_400


def bare_loop(
    directory: Path, steps: int, choice: PlatformChoice, clock: Callable[[], float]
) -> tuple[float, float]:
    """Seconds to load and set up, and seconds per step, of plain OpenMM on a stored system."""
    from openmm import LangevinMiddleIntegrator

    began = clock()
    system, positions, box, _ = load_system(directory)
    integrator = LangevinMiddleIntegrator(300.0, 10.0, 0.002)
    integrator.setRandomNumberSeed(1)
    context = context_for(system, integrator, choice)
    context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    context.applyConstraints(1e-6)
    context.setVelocitiesToTemperature(300.0, 1)
    integrator.step(1)
    setup = clock() - began
    began = clock()
    integrator.step(steps)
    context.getState(positions=True)
    return setup, (clock() - began) / steps


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--states", nargs="+", default=["kinase-dfg-in", "kinase-dfg-out"])
    parser.add_argument("--paddings", nargs="+", type=float, default=[0.8])
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    pack, choice = load_target("abl1"), choose_platform()
    # On a shared machine the processor time of one thread is the figure; a GPU has only the clock.
    clock = time.process_time if choice.name == "CPU" else time.perf_counter
    print(f"platform {choice.name} {choice.properties} ({choice.reason}), {arguments.steps} steps")
    print(f"{'state':<16}{'padding':>8}{'atoms':>8}{'image':>7}{'native':>8}{'moved':>7}{'setup':>7}", end="")
    print(f"{'bare':>9}{'replica':>9}{'overhead':>10}")
    print(f"{'':<16}{'nm':>8}{'':>8}{'nm':>7}{'s':>8}{'s':>7}{'s':>7}{'ns/day':>9}{'ns/day':>9}{'s':>10}")
    for state in arguments.states:
        model, _ = reference_model(pack, state)
        for padding in arguments.paddings:
            settings = SolvationSettings(padding_nm=padding, equilibration_ps=0.0)
            with tempfile.TemporaryDirectory() as folder:
                native, moved, run = (Path(folder) / name for name in ("native", "moved", "run"))
                times = [clock()]
                made = solvate_native(model, settings, 1, native, pack=pack, state=state)
                times.append(clock())
                solvate_mutant(model, native, settings, 1, moved)
                times = [times[1] - times[0], clock() - times[1]]
                setup, per_step = bare_loop(native, arguments.steps, choice, clock)
                protocol = ProtocolSettings(equilibration_fraction=0.2)
                stops: list[tuple[int, float]] = []

                def note(_: float, text: str, to: list[tuple[int, float]] = stops) -> None:
                    to.append((int(text.split()[0]), clock()))

                began = clock()
                record = run_replica(
                    native,
                    run,
                    run,
                    protocol,
                    replica=0,
                    seed=1,
                    production_steps=arguments.steps,
                    platform=choice,
                    progress=note,
                )
                spent = clock() - began
                (first, at_first), (last, at_last) = stops[0], stops[-1]
                stepping = (last - first) / (at_last - at_first)
                overhead = spent - record.plan.total_steps * per_step
                print(
                    f"{state:<16}{padding:>8.1f}{made.atoms:>8}{made.least_image_distance_nm:>7.2f}"
                    f"{times[0]:>8.1f}{times[1]:>7.1f}{setup:>7.1f}"
                    f"{NS_PER_DAY / per_step:>9.2f}{NS_PER_DAY * stepping:>9.2f}{overhead:>10.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
