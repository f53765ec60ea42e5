"""GROMACS as a second engine on processors: the same System, the same protocol, the same segments.

Where a machine has no GPU but has GROMACS, it steps a kinase in water several times as fast as OpenMM. A
segment is one or more runs of ``gmx mdrun``, one per stretch of equal conditions, each from a point in phase
space to a later one. One thread, ``-reprod`` and a seed per run: a replica killed and resumed ends in the
same bytes.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import SettingsError
from kinscope.core.seeds import derive_seed
from kinscope.dynamics.box import FloatArray, wrap
from kinscope.dynamics.files.checkpoints import Point
from kinscope.dynamics.files.trajectory import Frame
from kinscope.dynamics.gromacs.files import (
    NEIGHBOUR_LIST_STEPS,
    Stretch,
    read_energies,
    read_frames,
    read_g96,
    run_settings,
    write_g96,
    write_groups,
)
from kinscope.dynamics.gromacs.program import failure, processor_seconds, run_gmx
from kinscope.dynamics.gromacs.topology import first_atoms, nonbonded_of, topology_of
from kinscope.dynamics.platforms import KCAL_PER_KJ, on_processor
from kinscope.dynamics.protocol import Conditions, conditions, next_change, plan_steps
from kinscope.dynamics.records import PlatformChoice, StepPlan
from kinscope.dynamics.segments import RUNAWAY, BlowUpError, Engine, Output, Row, Segment
from kinscope.dynamics.settings import ProtocolSettings

_KJ_PER_NM2 = 418.4
"""One kcal/mol/angstrom^2."""
_FOLDER = "gromacs-"
_GROMPP = (
    *("-f", "run.mdp", "-c", "start.g96", "-p", "topology.top", "-n", "groups.ndx"),
    *("-o", "run.tpr", "-po", "whole.mdp"),
)
_RESTRAINED = ("-r", "reference.g96")
_MDRUN = (
    *("-s", "run.tpr", "-e", "run.edr", "-g", "run.log", "-o", "run.trr"),
    *("-x", "frames.xtc", "-c", "end.g96", "-cpt", "1e6"),  # without checkpoints it writes no end
    *("-ntmpi", "1", "-ntomp", "1", "-nb", "cpu", "-pin", "off", "-reprod", "-notunepme"),
    *("-nstlist", str(NEIGHBOUR_LIST_STEPS)),
)
_ENERGY = ("-f", "run.edr", "-o", "energies.xvg", "-xvg", "none", "-dp")


@dataclass(frozen=True)
class Timed:
    """What some steps took."""

    seconds: float
    """By GROMACS's own clock."""
    processor_seconds: float
    around_seconds: float
    """Preparing the run and reading what came of it."""


class GromacsEngine:
    """GROMACS behind the segments of one replica: :class:`~kinscope.dynamics.segments.SegmentEngine`.

    ``system``: an OpenMM System, as stored. It gets restraints added, as every engine does to its own.
    ``reference``: positions (n, 3) nm that the restraints hold. ``heavy``: (n_solute,) which atoms of the
    solute they hold. ``scratch``: the replica's folder; what GROMACS writes lives in a folder of it that goes
    when its run ends.
    """

    def __init__(
        self,
        system: Any,
        reference: FloatArray,
        heavy: NDArray[np.bool_],
        settings: ProtocolSettings,
        platform: PlatformChoice,
        scratch: Path,
    ) -> None:
        if settings.ensemble != "NVT":
            raise SettingsError(
                "GROMACS runs replicas at constant volume here.",
                where="dynamics.protocol.ensemble",
                remedy="Take NVT, or OpenMM (--engine openmm).",
            )
        self.settings = settings
        self.platform = platform
        self.scratch = scratch
        self.solute_atoms = len(heavy)
        self.nonbonded = nonbonded_of(system)
        self.topology = topology_of(system, self.solute_atoms, [int(i) for i in np.flatnonzero(heavy)])
        self.anchors = first_atoms(system, self.solute_atoms)
        self.reference = reference
        # OpenMM makes the start: constraints met, clashes minimised away, velocities drawn.
        self._openmm = Engine(system, reference, heavy, settings, on_processor())
        for left in scratch.glob(f"{_FOLDER}*"):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed

    def run(self, segment: Segment, start: Point, output: Output, report: Callable[[int], None]) -> Point:
        """As :meth:`kinscope.dynamics.segments.Engine.run`.

        Raises BlowUpError if the dynamics becomes unstable; ComputationError if GROMACS fails otherwise;
        OSError if the disk is full.
        """
        point = start
        if start.velocities is None:
            point = self._openmm.begin(segment, start)
            self._openmm.forget()
        step, plan = segment.first, segment.plan
        while step < segment.last:
            now = conditions(self.settings, plan, step, segment.attempt)
            stop = min(next_change(self.settings, plan, step), segment.last)
            seed = derive_seed(segment.seed, "stretch", step)
            point = self._stretch(plan, now, stop - step, point, seed, output)
            step = stop
            report(step)
        return point

    def begin(self, start: Point, seed: int) -> Point:
        """A start of production with velocities, whatever the protocol's first stages."""
        plan = plan_steps(self.settings.model_copy(update={"equilibration_fraction": 0.0}), 1)
        point = self._openmm.begin(Segment(plan, 0, 1, 0, seed, seed), start)
        self._openmm.forget()
        return point

    def pace(self, point: Point, steps: int, time_step_fs: float) -> Timed:
        """What so many steps of production take."""
        now = Conditions("production", 0, time_step_fs, self.settings.equilibration_friction_per_ps, 0.0)
        began, used = time.monotonic(), processor_seconds()
        with self._folder() as folder:
            self._write(folder, Stretch(now, steps, 1, 0, steps), point)
            run_gmx(self.platform, folder, "grompp", *_GROMPP)
            setup_used = processor_seconds() - used
            run_gmx(self.platform, folder, "mdrun", *_MDRUN)
            timed = re.search(r"^\s*Time:\s+\S+\s+(\S+)", (folder / "run.log").read_text(), re.MULTILINE)
        whole_call = time.monotonic() - began
        seconds = float(timed.group(1)) if timed else whole_call
        return Timed(seconds, processor_seconds() - used - setup_used, whole_call - seconds)

    def _stretch(
        self, plan: StepPlan, now: Conditions, steps: int, start: Point, seed: int, output: Output
    ) -> Point:
        produces = now.stage == "production"
        frames_every = plan.frame_interval_steps if produces else 0
        stretch = Stretch(now, steps, seed, frames_every, plan.report_interval_steps)
        with self._folder() as folder:
            self._write(folder, stretch, start)
            held = _RESTRAINED if self._strength(now) > 0 else ()
            run_gmx(self.platform, folder, "grompp", *_GROMPP, *held)
            run_gmx(self.platform, folder, "mdrun", *_MDRUN)
            self._collect_rows(folder, plan, now, start.box, output)
            if produces:
                self._collect_frames(folder, plan, now, start, output)
            try:
                positions, velocities, box = read_g96(folder / "end.g96")
            except (OSError, ValueError) as error:
                raise failure("mdrun", f"no readable end ({error})") from error
        if not (np.isfinite(positions).all() and np.isfinite(velocities).all()):
            raise BlowUpError("particle coordinates are not numbers")
        last = output.frames[-1:] if produces else []
        before = last[0].positions_nm if last else start.positions[: self.solute_atoms]
        positions = wrap(positions, box, positions[self.anchors])
        positions[: self.solute_atoms] = wrap(positions[: self.solute_atoms], box, before)
        return Point(positions, velocities, box)

    def _strength(self, now: Conditions) -> float:
        """Of the restraints, kJ/mol/nm^2."""
        return now.restraint_scale * self.settings.restraint_kcal_per_mol_per_square_angstrom * _KJ_PER_NM2

    def _write(self, folder: Path, stretch: Stretch, start: Point) -> None:
        strength = self._strength(stretch.now)
        settings = run_settings(self.nonbonded, stretch, self.settings.temperature_k, strength)
        (folder / "run.mdp").write_text(settings)
        (folder / "topology.top").write_text(self.topology)
        write_groups(folder / "groups.ndx", len(self.anchors), self.solute_atoms)
        write_g96(folder / "start.g96", start.positions, start.box, start.velocities)
        if strength > 0:
            write_g96(folder / "reference.g96", self.reference, start.box)

    def _collect_rows(
        self, folder: Path, plan: StepPlan, now: Conditions, box: FloatArray, output: Output
    ) -> None:
        run_gmx(self.platform, folder, "energy", *_ENERGY, said="Potential\nTemperature\n\n")
        volume = float(np.linalg.det(box))
        time_step_ps = now.time_step_fs * 1e-3
        for time_ps, potential, temperature in read_energies((folder / "energies.xvg").read_text()):
            step = round(time_ps / time_step_ps)
            if step <= now.step_in_stage or step % plan.report_interval_steps:
                continue
            if not np.isfinite(potential) or not temperature < RUNAWAY * self.settings.temperature_k:
                raise BlowUpError(
                    f"{potential * KCAL_PER_KJ:.3g} kcal/mol at {temperature:.3g} K in {now.stage}"
                )
            output.rows.append(
                Row(now.stage, step, step * time_step_ps, potential * KCAL_PER_KJ, temperature, volume)
            )

    def _collect_frames(
        self, folder: Path, plan: StepPlan, now: Conditions, start: Point, output: Output
    ) -> None:
        steps, positions = read_frames(folder / "frames.xtc")
        before = start.positions[: self.solute_atoms]
        for step, points in zip(steps.tolist(), positions, strict=True):
            if step <= now.step_in_stage or step % plan.frame_interval_steps:
                continue
            if not np.isfinite(points).all():
                raise BlowUpError("particle coordinates are not numbers")
            before = wrap(points, start.box, before)
            output.frames.append(Frame(step, step * now.time_step_fs * 1e-3, before, start.box))

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A folder of the replica's, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix=_FOLDER, dir=self.scratch) as folder:
            yield Path(folder)
