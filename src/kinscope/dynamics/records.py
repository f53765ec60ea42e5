"""What the dynamics leaves behind: typed records, each a JSON file beside the data it describes."""

from __future__ import annotations

from typing import Literal

from kinscope.core.records import Record, VersionedRecord
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.results.notes import Note, note

SYSTEM_FILE = "system.xml.gz"
"""OpenMM System (forces, masses, constraints), readable by any OpenMM of the same major version."""
STATE_FILE = "state.npz"
"""``positions_nm`` (n_atoms, 3) and ``box_nm`` (3, 3), float64."""
PROTEIN_FILE = "protein.cif"
"""The solute, in the atom order of the system and of every trajectory."""
SOLVATED_FILE = "solvated.cif.gz"
"""Everything in the box, for viewers."""
SYSTEM_RECORD_FILE = "system.json"

TRAJECTORY_FILE = "trajectory.xtc"
TOPOLOGY_FILE = "topology.cif"
ENERGIES_FILE = "energies.csv"
REPLICA_RECORD_FILE = "replica.json"
SPEED_FILE = "speed.json"
END_FILE = "end.npz"
"""Where a finished replica stood at its last step, at full precision: from there it can be continued."""


class DensityPoint(Record):
    """The box at one time of its equilibration."""

    time_ps: float
    volume_cubic_nm: float
    density_g_per_ml: float
    potential_kcal_per_mol: float


class Equilibration(Record):
    """How the solvent was equilibrated around the fixed solute."""

    length_ps: float
    time_step_fs: float
    temperature_k: float
    pressure_bar: float
    seed: int
    platform: str
    machine: str
    openmm: str
    wall_seconds: float
    density: tuple[DensityPoint, ...]


class BoundLigand(Record):
    """A ligand in a system; its atoms follow the protein's in every state, trajectory and topology."""

    name: str
    """Drug id, or the name of its parameters."""
    residue_name: str
    residue: int
    """Residue number, in chain ``L``."""
    first_atom: int
    atoms: int
    net_charge_e: int
    forcefield_sha256: str
    pose: str = ""
    """Where the pose comes from and how it was relaxed, in words."""


class SolvatedSystem(VersionedRecord):
    """A model in its box, ready to run."""

    variant: str
    """``native`` or the name given."""
    model_sha256: str
    """Of the solute (:func:`kinscope.dynamics.box.model_sha256`)."""
    seed: int
    settings: SolvationSettings
    atoms: int
    solute_atoms: int
    waters: int
    positive_ions: int
    negative_ions: int
    solute_charge_e: int
    box_nm: tuple[tuple[float, float, float], ...]
    volume_cubic_nm: float
    origin: str
    """Where the solvent comes from, in words with numbers."""
    equilibration: Equilibration | None
    waters_removed: int = 0
    """Waters of the native's box that clashed with the mutant's side chain."""
    waters_exchanged: int = 0
    """Bulk waters that became ions to keep the box neutral."""
    least_image_distance_nm: float
    """Shortest distance between a solute atom and a periodic image of the solute, as built."""
    potential_kcal_per_mol: float
    """Of the stored state, solvent settled around the fixed solute."""
    system_sha256: str
    state_sha256: str
    wall_seconds: float
    ligands: tuple[BoundLigand, ...] = ()
    """What is bound; empty for an apo system."""


class PlatformChoice(Record):
    """What steps a run, always named: a platform of OpenMM's, or GROMACS."""

    name: str
    properties: dict[str, str]
    deterministic: bool
    """True where equal input gives equal bits: the CPU platform, one thread, deterministic forces."""
    reason: Note = note("set-up")

    @property
    def label(self) -> str:
        """Its name, and the version of what is not OpenMM's."""
        return " ".join((self.name, *self.properties.get("Version", "").split("-")[:1])).strip()


class SpeedRecord(Record):
    """How fast a system runs here."""

    platform: PlatformChoice
    atoms: int
    time_step_fs: float
    steps: int
    seconds: float
    ns_per_day: float
    steps_per_second: float
    setup_seconds: float
    """Loading the system, creating a context and the first step."""
    processor_seconds: float | None = None
    """Processor time of those steps, of all threads; on a busy machine less than ``seconds``."""


class StepPlan(Record):
    """The numbers of steps of one replica; everything that follows depends on them, not on the clock."""

    thermalise_steps: int
    release_steps: int
    production_steps: int
    frame_interval_steps: int
    frames: int
    report_interval_steps: int
    segment_steps: int
    """Steps between checkpoints."""

    @property
    def total_steps(self) -> int:
        """All stages together."""
        return self.thermalise_steps + self.release_steps + self.production_steps


class ReplicaRecord(VersionedRecord):
    """One replica, finished or failed."""

    replica: int
    seed: int
    status: Literal["finished", "failed"]
    note: str = ""
    platform: PlatformChoice
    openmm: str
    settings: ProtocolSettings
    plan: StepPlan
    system_sha256: str
    state_sha256: str
    atoms: int
    solute_atoms: int
    attempt: int
    """0 unless an earlier attempt blew up."""
    time_step_fs: float
    """Of the attempt that finished."""
    length_ns: float
    frames: int
    frame_interval_ps: float
    temperature_mean_k: float | None
    temperature_standard_deviation_k: float | None
    potential_mean_kcal_per_mol: float | None
    segments: int
    resumes: int
    """How often a process took the replica up again."""
    wall_seconds: float
    trajectory_sha256: str
    continued: tuple[str, ...] = ()
    """Of which shorter runs it is the continuation, in words, the first first."""
