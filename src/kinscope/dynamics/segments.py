"""One segment of a replica on OpenMM: from a point in phase space to a later one, with what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kinscope.dynamics.box import FloatArray
from kinscope.dynamics.files.checkpoints import Point
from kinscope.dynamics.files.trajectory import Frame
from kinscope.dynamics.platforms import CONSTRAINT_TOLERANCE, context_for, langevin, place, plain, potential
from kinscope.dynamics.protocol import Conditions, conditions, next_stop
from kinscope.dynamics.records import PlatformChoice, StepPlan
from kinscope.dynamics.settings import ProtocolSettings

_GAS_CONSTANT = 8.31446261815324e-3  # kJ/mol/K, CODATA 2018
RUNAWAY = 3.0
"""A temperature this many times the thermostat's counts as a blow-up before coordinates are lost."""


class BlowUpError(ArithmeticError):
    """The dynamics became unstable: coordinates or energy not finite, or temperature running away."""


@dataclass(frozen=True)
class Row:
    """One row of the table of energies."""

    stage: str
    step: int
    time_ps: float
    potential_kcal_per_mol: float
    temperature_k: float
    volume_cubic_nm: float

    def csv(self) -> str:
        """The row as text with a line end."""
        return (
            f"{self.stage},{self.step},{self.time_ps:.6f},{self.potential_kcal_per_mol:.4f},"
            f"{self.temperature_k:.3f},{self.volume_cubic_nm:.5f}\n"
        )


@dataclass
class Output:
    """What a segment saw."""

    frames: list[Frame] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Segment:
    """Which steps of a replica are taken, in which attempt and by which noise."""

    plan: StepPlan
    first: int
    """Steps are counted over all stages."""
    last: int
    attempt: int
    seed: int
    velocity_seed: int
    """Velocities are drawn by it where the start has none."""


class SegmentEngine(Protocol):
    """What steps a replica from one point in phase space to another."""

    def run(self, segment: Segment, start: Point, output: Output, report: Callable[[int], None]) -> Point:
        """The segment's steps from a point on; frames and rows go to ``output``."""


class Engine:
    """OpenMM behind the segments of one replica.

    On a deterministic platform every segment gets a fresh context, so that going on from a checkpoint
    meets the same neighbour lists, and with them the same order of summation, as going straight on.
    Elsewhere the context is kept, because there it costs much and would buy nothing.
    """

    def __init__(
        self,
        system: Any,
        reference: FloatArray,
        heavy: NDArray[np.bool_],
        settings: ProtocolSettings,
        platform: PlatformChoice,
    ) -> None:
        _add_restraints(system, reference, heavy, settings.restraint_kcal_per_mol_per_square_angstrom)
        self.system = system
        self.solute_atoms = len(heavy)
        self.settings = settings
        self.platform = platform
        self.degrees_of_freedom = _degrees_of_freedom(system)
        self._context: Any = None
        self._next: tuple[int, int] | None = None
        self._has_barostat = False

    def run(self, segment: Segment, start: Point, output: Output, report: Callable[[int], None]) -> Point:
        """The segment's steps from a point on; frames and rows go to ``output``.

        Raises BlowUpError if the dynamics becomes unstable.
        """
        from openmm import OpenMMException

        try:
            context = self._context_at(segment, start)
            step = segment.first
            while step < segment.last:
                now = conditions(self.settings, segment.plan, step, segment.attempt)
                _impose(context, now)
                stop = min(next_stop(self.settings, segment.plan, step), segment.last)
                context.getIntegrator().step(stop - step)
                self._look(context, segment.plan, now, stop - step, output)
                step = stop
                report(step)
            point = _point(context)
        except OpenMMException as error:
            if "NaN" in str(error) or "nan" in str(error):
                raise BlowUpError("particle coordinates are not numbers") from error
            raise
        self._next = (segment.attempt, segment.last)
        return point

    def begin(self, segment: Segment, start: Point) -> Point:
        """The start with constraints met, clashes minimised away where the protocol asks, and velocities.

        Raises BlowUpError if the start is no start.
        """
        return _point(self._context_at(segment, start))

    def forget(self) -> None:
        """Let the context go: the next segment begins with a fresh one."""
        self._context, self._next = None, None

    def _context_at(self, segment: Segment, start: Point) -> Any:
        from openmm import LocalEnergyMinimizer

        now = conditions(self.settings, segment.plan, segment.first, segment.attempt)
        barostat = self.settings.ensemble == "NPT" and now.stage == "production"
        kept = self._next == (segment.attempt, segment.first) and barostat == self._has_barostat
        self._next = None  # until the segment has ended well
        if kept and not self.platform.deterministic:
            return self._context
        self._set_barostat(barostat, segment.seed)
        step_ps = now.time_step_fs * 1e-3
        integrator = langevin(self.settings.temperature_k, now.friction_per_ps, step_ps, segment.seed)
        integrator.setConstraintTolerance(CONSTRAINT_TOLERANCE)
        self._context = None  # the old one's memory first
        context = context_for(self.system, integrator, self.platform)
        place(context, start.positions, start.box)
        _impose(context, now)
        if start.velocities is not None:
            context.setVelocities(start.velocities)
        else:
            context.applyConstraints(CONSTRAINT_TOLERANCE)
            settings = self.settings
            if iterations := settings.retry_iterations if segment.attempt else settings.minimise_iterations:
                LocalEnergyMinimizer.minimize(context, 10.0, iterations)
            context.setVelocitiesToTemperature(self.settings.temperature_k, segment.velocity_seed)
        self._context = context
        return context

    def _set_barostat(self, wanted: bool, seed: int) -> None:
        """Make the system's last force a barostat, or not, as the stage wants."""
        from openmm import MonteCarloBarostat

        if self._has_barostat:
            self.system.removeForce(self.system.getNumForces() - 1)
        self._has_barostat = wanted
        if not wanted:
            return
        barostat = MonteCarloBarostat(
            self.settings.pressure_bar, self.settings.temperature_k, self.settings.barostat_interval_steps
        )
        barostat.setRandomNumberSeed(seed)
        self.system.addForce(barostat)

    def _look(self, context: Any, plan: StepPlan, now: Conditions, steps: int, output: Output) -> None:
        """Write a row or a frame if one is due at this stop."""
        done = now.step_in_stage + steps
        row = done % plan.report_interval_steps == 0
        frame = now.stage == "production" and done % plan.frame_interval_steps == 0
        if not row and not frame:
            return
        state = context.getState(positions=frame, energy=row)
        box = plain(state.getPeriodicBoxVectors(asNumpy=True))
        time_ps = done * now.time_step_fs * 1e-3
        if row:
            energy = potential(state)
            temperature = 2 * state.getKineticEnergy()._value / (self.degrees_of_freedom * _GAS_CONSTANT)
            if not np.isfinite(energy) or not temperature < RUNAWAY * self.settings.temperature_k:
                raise BlowUpError(f"{energy:.3g} kcal/mol at {temperature:.3g} K in {now.stage}")
            volume = float(np.linalg.det(box))
            output.rows.append(Row(now.stage, done, time_ps, energy, temperature, volume))
        if frame:
            positions = plain(state.getPositions(asNumpy=True)[: self.solute_atoms])
            if not np.isfinite(positions).all():
                raise BlowUpError("particle coordinates are not numbers")
            output.frames.append(Frame(done, time_ps, positions, box))


def _impose(context: Any, now: Conditions) -> None:
    integrator = context.getIntegrator()
    integrator.setStepSize(now.time_step_fs * 1e-3)
    integrator.setFriction(now.friction_per_ps)
    context.setParameter("restraint_scale", now.restraint_scale)


def _point(context: Any) -> Point:
    state = context.getState(positions=True, velocities=True)
    positions, velocities = plain(state.getPositions(asNumpy=True)), plain(state.getVelocities(asNumpy=True))
    if not (np.isfinite(positions).all() and np.isfinite(velocities).all()):
        raise BlowUpError("particle coordinates are not numbers")
    return Point(positions, velocities, plain(state.getPeriodicBoxVectors(asNumpy=True)))


def _add_restraints(system: Any, reference: FloatArray, heavy: NDArray[np.bool_], strength: float) -> None:
    """Harmonic restraints of ``strength`` (kcal/mol/angstrom^2), scaled by the parameter ``restraint_scale``.

    The distance is periodic, because a GPU platform may move whole molecules by a box vector.
    """
    from openmm import CustomExternalForce

    force = CustomExternalForce("restraint_scale*restraint_k/2*periodicdistance(x,y,z,x0,y0,z0)^2")
    force.addGlobalParameter("restraint_scale", 1.0)
    force.addGlobalParameter("restraint_k", strength * 418.4)  # kcal/mol/A^2 to kJ/mol/nm^2
    for name in ("x0", "y0", "z0"):
        force.addPerParticleParameter(name)
    for index in np.flatnonzero(heavy):
        force.addParticle(int(index), [float(value) for value in reference[index]])
    system.addForce(force)


def _degrees_of_freedom(system: Any) -> int:
    from openmm import CMMotionRemover

    masses = [system.getParticleMass(index)._value for index in range(system.getNumParticles())]
    free: int = 3 * sum(mass > 0 for mass in masses) - system.getNumConstraints()
    removes = any(isinstance(force, CMMotionRemover) for force in system.getForces())
    return free - 3 * removes
