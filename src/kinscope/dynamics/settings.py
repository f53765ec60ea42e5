"""Settings of the explicit-solvent dynamics, with units in the names and bounds on the values."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kinscope.core.records import Settings


class SolvationSettings(Settings):
    """How a model is put into water, and with which force field.

    The defaults are Amber ff14SB (Maier et al., J. Chem. Theory Comput. 2015, 11, 3696) with the water it
    was made for, TIP3P, and the ions of Joung & Cheatham (J. Phys. Chem. B 2008, 112, 9020): the force
    field that relaxes the models too. OPC with ff19SB would cost a third more particles.
    """

    force_field: tuple[str, ...] = ("amber14/protein.ff14SB.xml", "amber14/tip3p.xml")
    water_model: Literal["tip3p"] = "tip3p"
    padding_nm: float = Field(default=0.8, ge=0.5, le=3.0)
    """Least gap between the bounding spheres of the solute and of its periodic image, nm, so that it holds
    however the solute turns. As built, a kinase domain is 2.2 nm from its nearest image at 0.8."""
    ionic_strength_molar: float = Field(default=0.15, ge=0.0, le=1.0)
    """NaCl beyond the ions that neutralise, mol/L."""
    cutoff_nm: float = Field(default=0.9, ge=0.8, le=1.4)
    """Direct-space cutoff of PME and of the Lennard-Jones forces (with the long-range correction), nm."""
    ewald_tolerance: float = Field(default=5e-4, ge=1e-6, le=1e-3)
    hydrogen_mass_amu: float = Field(default=3.024, ge=1.0, le=4.0)
    """Mass of the solute's hydrogens, taken from their heavy atoms, for the 4 fs step
    (Hopkins et al., J. Chem. Theory Comput. 2015, 11, 1864)."""
    temperature_k: float = Field(default=300.0, ge=250.0, le=400.0)
    pressure_bar: float = Field(default=1.0, ge=0.5, le=10.0)
    settle_steps: int = Field(default=60, ge=0, le=100_000)
    """Steps of strongly damped dynamics (0.5, then 2 fs) of the solvent around the fixed solute."""
    equilibration_ps: float = Field(default=2.0, ge=0.0, le=10_000.0)
    """At constant pressure, where no box ships with the target pack."""


class ProtocolSettings(Settings):
    """How one replica runs.

    Stages: ``thermalise`` (heavy atoms of the solute restrained, strong friction, half the time step),
    ``release`` (the restraint falls to zero in steps), ``production``. A short production shortens
    the first two to a declared fraction of itself, so that a small budget still reaches production.
    """

    temperature_k: float = Field(default=300.0, ge=250.0, le=400.0)
    time_step_fs: float = Field(default=4.0, gt=0.0, le=5.0)
    friction_per_ps: float = Field(default=1.0, gt=0.0, le=20.0)
    """Of production; LangevinMiddle (Zhang et al., J. Phys. Chem. A 2019, 123, 6056), on GROMACS ``sd``."""
    equilibration_friction_per_ps: float = Field(default=10.0, gt=0.0, le=100.0)
    ensemble: Literal["NVT", "NPT"] = "NVT"
    """Of production. The volume comes from the equilibrated box; NPT adds a Monte Carlo barostat, whose
    adaptive step no checkpoint holds, so that a resumed NPT run is sound but not equal bit by bit."""
    pressure_bar: float = Field(default=1.0, ge=0.5, le=10.0)
    barostat_interval_steps: int = Field(default=100, ge=1)
    thermalise_ps: float = Field(default=50.0, ge=0.0)
    release_ps: float = Field(default=50.0, ge=0.0)
    equilibration_fraction: float = Field(default=0.5, ge=0.0, le=10.0)
    """Thermalise and release together take at most this fraction of the production steps, halves each."""
    restraint_kcal_per_mol_per_square_angstrom: float = Field(default=2.0, ge=0.0, le=100.0)
    release_stages: int = Field(default=4, ge=1, le=20)
    minimise_iterations: int = Field(default=0, ge=0, le=10_000)
    """Before a first attempt (the stored solvent is settled already); a retry takes ``retry_iterations``."""
    retry_iterations: int = Field(default=200, ge=0, le=10_000)
    retries: int = Field(default=2, ge=0, le=5)
    """New attempts after a blow-up: whole replica again, new velocities, half the time step each time."""
    frame_interval_steps: int = Field(default=12, ge=1)
    """Least number of steps between frames."""
    maximum_frames: int = Field(default=1000, ge=1)
    """A long production writes frames more rarely, so as not to exceed this number."""
    reports: int = Field(default=200, ge=1)
    """Most rows of energy, temperature and volume per replica."""
    checkpoint_interval_steps: int = Field(default=500, ge=1)
    """Least steps between checkpoints; a longer run saves fifty times in all, or more often where the two
    settings below say so. Counted in steps, never by the clock, because where a segment ends shapes the
    random numbers of the next."""
    longest_segment_steps: int = Field(default=5_000, ge=1)
    """Most steps between checkpoints on a processor: what a kill can cost is a quarter of an hour of a kinase
    domain in water on one core."""
    longest_segment_steps_gpu: int = Field(default=250_000, ge=1)
    """Most steps between checkpoints on a GPU: a few minutes there."""
