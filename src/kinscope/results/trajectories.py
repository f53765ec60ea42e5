"""The typed results of the streaming analysis: per trajectory, and mutant against native.

A replica is the unit: what is compared is one mean per replica, never frames.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from kinscope.core.records import Record, VersionedRecord
from kinscope.results.measured import Difference
from kinscope.results.notes import Note


class MeasuredSeries(Record):
    """A quantity along one trajectory."""

    name: str
    """With its unit, e.g. ``rmsd_angstrom``; what it is of stands before a slash where there are several."""
    label: str
    """For people, e.g. ``RMSD of the CA atoms from the start``."""
    unit: str
    mean: float
    standard_deviation: float
    standard_error: float | None
    """Of the mean, with correlation allowed for; None below three values."""
    effective_frames: float
    """Independent values."""
    values: tuple[float, ...]
    """Means of consecutive blocks of frames, at most 200, evenly spaced over the trajectory."""


class ResidueStructure(Record):
    """Secondary structure of each residue, DSSP, percent of the frames."""

    residues: tuple[int, ...]
    helix_percent: tuple[float, ...]
    strand_percent: tuple[float, ...]


class ClassPercent(Record):
    """How much of a trajectory is of one conformational class."""

    aspect: str
    """E.g. ``dfg`` or ``helix_c``, a field of :class:`kinscope.results.measured.StateGeometry`."""
    label: str
    percent: float


class ContactOccupancy(Record):
    """One interaction along a trajectory."""

    of: str
    """The residue or ligand asked about, e.g. ``404`` or ``STI``."""
    kind: str
    """One of :data:`kinscope.structures.interactions.KINDS`."""
    partner: int
    partner_name: str
    percent: float
    """Of the frames."""
    halves_percent: tuple[float, float] | None = None
    """Of the first and of the second half of the frames; None in earlier records and of a single frame."""
    stretches: int
    mean_stay_ps: float | None
    """Mean length of a stretch in which it stood; None where the file tells no time."""
    longest_stay_ps: float | None


class LigandStay(Record):
    """How a ligand held its place in one trajectory."""

    ligand: str
    first_contacts: tuple[int, ...]
    """Residues within 4.5 angstrom at the start."""
    left_at_percent: float | None
    """When the last of its stay in the pocket ended, percent of the trajectory; None: there at the end."""


class ReplicaAnalysis(VersionedRecord):
    """Everything measured of one trajectory in one pass."""

    name: str
    state: str
    variant: str
    replica: int
    frames: int
    length_ns: float | None
    """From the first to the last frame; None where the file tells no time."""
    atoms: int
    superposition: str
    residues: tuple[int, ...]
    """Of ``rmsf_angstrom``."""
    rmsf_angstrom: tuple[float, ...]
    structure: ResidueStructure
    series: tuple[MeasuredSeries, ...]
    classes: tuple[ClassPercent, ...] = ()
    """Empty where the kinase's landmarks are not known."""
    dfg_changes: int | None = None
    """How often the DFG class differs from the frame before."""
    contacts: tuple[ContactOccupancy, ...] = ()
    ligands: tuple[LigandStay, ...] = ()
    notes: tuple[Note, ...] = ()
    """What was not measured, and why."""

    def measured(self, name: str) -> MeasuredSeries | None:
        """The series of a name; None if it was not measured."""
        return next((series for series in self.series if series.name == name), None)


class PrincipalProjection(Record):
    """One replica along the shared principal axes."""

    variant: str
    replica: int
    first_angstrom: tuple[float, ...]
    second_angstrom: tuple[float, ...]
    """At most 200 evenly spaced frames."""
    cosine_content: float
    """Of the first axis, 0 to 1; near 1 the replica has only drifted along it."""


class PrincipalMotion(Record):
    """The principal motions of all replicas of one state, native and mutant together."""

    state: str
    residues: tuple[int, ...]
    explained_percent: tuple[float, ...]
    """Of the variance of the CA atoms, by axis."""
    first_axis_angstrom: tuple[float, ...]
    """How far each residue moves along the first axis, one standard deviation."""
    projections: tuple[PrincipalProjection, ...]
    superposition: str

    @property
    def diffusive(self) -> bool:
        """Whether half of the replicas or more have only drifted along the first axis."""
        high = [row for row in self.projections if row.cosine_content > COSINE_BOUND]
        return 2 * len(high) >= len(self.projections)


COSINE_BOUND = 0.7
"""Above it a projection counts as a drift (Hess 2002 shows 0.5 to 0.9 for runs that have not converged)."""


class MeasureComparison(Record):
    """One quantity, mutant against native, a mean per replica."""

    state: str
    name: str
    label: str
    unit: str
    native_means: tuple[float, ...]
    mutant_means: tuple[float, ...]
    difference: Difference


class OccupancyComparison(Record):
    """One interaction around the variant, mutant against native, percent of the frames per replica."""

    state: str
    of: str
    kind: str
    partner: int
    partner_name: str
    native_percent: tuple[float, ...]
    mutant_percent: tuple[float, ...]
    difference: Difference


class BoundPose(Record):
    """What was put into the pocket of a simulated system, and with which parameters."""

    ligand: str
    """Drug id."""
    state: str
    variant: str
    pose: str
    """Where the pose comes from, and how it settled, in words."""
    reference: str = ""
    """The co-crystal that the reference pose comes from."""
    reference_to_crystal_rmsd_angstrom: float | None = None
    """How far the shipped, relaxed reference pose lies from the crystal's; None where that is not known."""
    net_charge_e: int = 0
    charges: str = ""
    """How the partial charges were made, in words."""
    terms: str = ""
    """Which force field gives bonds, angles, torsions and Lennard-Jones terms."""
    warnings: tuple[str, ...] = ()
    """Of the parameters and of the pose."""
    hydrogen_bonds: tuple[str, ...] = ()
    """Residues that it is hydrogen-bonded to at the start, e.g. ``Met318``."""
    crystal_hydrogen_bonds: tuple[str, ...] = ()
    """The same in the co-crystal, by distance (:mod:`kinscope.workflow.stages.bound`); empty: not known."""
    missing_bonds: tuple[str, ...] = ()
    """What the co-crystal shows and the start lacks, with the distance there: ``Glu286 (3.7 Å)``."""


class TrajectoryComparison(Record):
    """What the trajectories of one state show, mutant against native; unknown keys are passed over."""

    model_config = ConfigDict(extra="ignore")

    state: str
    variant: str
    native: tuple[ReplicaAnalysis, ...]
    mutant: tuple[ReplicaAnalysis, ...]
    measures: tuple[MeasureComparison, ...]
    contacts: tuple[OccupancyComparison, ...]
    principal: PrincipalMotion | None
    sampling: str
    """How much was sampled, in words."""
    ligand: str = ""
    """Drug id of what is bound; empty: apo."""
    bound: tuple[BoundPose, ...] = ()
    """What is bound on each side, native first; empty: apo."""


class StateMobility(Record):
    """How much the kinase moves in one state and in another, by one method, same variant."""

    method: Literal["md"] = "md"
    variant: str
    first_state: str
    second_state: str
    residues: int
    """Shared by both; the mean RMSF over these is compared."""
    first_rmsf_angstrom: float
    second_rmsf_angstrom: float
    difference: Difference
    """Second minus first: what it calls native is the first state, what it calls mutant the second."""
    region: str = ""
    """Name of the region that is compared; empty: all shared residues."""
