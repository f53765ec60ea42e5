"""What dynamics in implicit solvent would cost beside explicit water, on one core, by turns.

    python benchmarks/implicit_solvent.py [--state kinase-dfg-out] [--turns 3] [--seconds 10]

The same model of the kinase, once alone with the OBC model of generalised Born (Onufriev, Bashford & Case,
Proteins 2004, 55, 383) as it relaxes our models, with all pairs and with a cutoff of 2 nm, and once in its
box of water with PME, on OpenMM and, where it is installed, on GROMACS. Processor time, because the machine
is shared; the step of all is that of the protocol, so that time per step is what compares them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kinscope.dynamics.gromacs_program import find_gromacs
from kinscope.dynamics.platforms import context_for, on_processor
from kinscope.dynamics.records import PlatformChoice
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.solvent import solvate_native
from kinscope.dynamics.speed import measure_speed
from kinscope.structures.forcefield import create_system
from kinscope.structures.io import to_openmm
from kinscope.structures.model import AtomArray
from kinscope.structures.reference import reference_model
from kinscope.targets import load_target

TRIAL_STEP_PS = 0.0005
"""Hydrogens keep their mass here; what a step costs does not depend on how long it is."""


def implicit(model: AtomArray, cutoff_nm: float | None) -> Callable[[float], float]:
    """What measures processor seconds per step of the model alone, for about so many seconds."""
    from openmm import LangevinMiddleIntegrator, LocalEnergyMinimizer

    topology, positions = to_openmm(model)
    system = create_system(topology, implicit_solvent=True, cutoff_nm=cutoff_nm, constrain_hydrogens=True)
    integrator = LangevinMiddleIntegrator(300.0, 1.0, TRIAL_STEP_PS)
    context = context_for(system, integrator, on_processor("CPU", 1, "compared"))
    context.setPositions(positions)
    LocalEnergyMinimizer.minimize(context, 10.0, 3)
    context.setVelocitiesToTemperature(300.0, 1)
    integrator.step(1)

    def measured(seconds: float) -> float:
        steps, began, used = 0, time.monotonic(), time.process_time()
        while time.monotonic() - began < seconds:
            integrator.step(3)
            context.getState(energy=True)
            steps += 3
        return (time.process_time() - used) / steps

    return measured


def explicit(directory: Path, platform: PlatformChoice) -> Callable[[float], float]:
    """The same of the model in its water."""

    def measured(seconds: float) -> float:
        speed = measure_speed(directory, seconds, platform=platform)
        steps_per_second = speed.ns_per_day / 86_400 / (ProtocolSettings().time_step_fs * 1e-6)
        return (speed.processor_seconds or speed.seconds) / speed.seconds / steps_per_second

    return measured


def main() -> None:
    """Measure by turns and print medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", default="kinase-dfg-out")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    pack = load_target("abl1")
    whole, _ = reference_model(pack, options.state)
    with tempfile.TemporaryDirectory(prefix="kinscope-implicit-") as folder:
        solvate_native(whole, SolvationSettings(), 1, Path(folder), pack=pack, state=options.state)
        ways = {
            "explicit water, OpenMM": explicit(Path(folder), on_processor("CPU", 1, "compared")),
            "implicit, all pairs": implicit(whole, None),
            "implicit, 2 nm": implicit(whole, 2.0),
        }
        found = find_gromacs()
        if found is not None:
            ways["explicit water, GROMACS"] = explicit(Path(folder), found)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.turns):
            for name, way in ways.items():
                taken[name].append(way(options.seconds))
    first = float(np.median(taken["explicit water, OpenMM"]))
    step_ns = ProtocolSettings().time_step_fs * 1e-6
    for name, seconds in taken.items():
        each = float(np.median(seconds))
        print(
            f"{name:<24} {1000 * each:7.0f} ms of a core per step, {86_400 / each * step_ns:6.2f} ns/day "
            f"at the protocol's step, {first / each:5.2f} times explicit water on OpenMM "
            f"({min(seconds) * 1000:.0f} to {max(seconds) * 1000:.0f} ms in {len(seconds)} turns)"
        )


if __name__ == "__main__":
    main()
