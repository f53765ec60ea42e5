"""What the relaxation of drug and protein together is asked for and what it answers.

One line of the docking table: a drug in a state, native beside mutant.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from kinscope.core.records import Record, Settings, VersionedRecord
from kinscope.results.measured import Difference, MeasuredAngstrom, StateFit
from kinscope.results.notes import Note


class Reach(Record):
    """How far a drug in its known pose lies from the substituted residues, in the native model."""

    drug: str
    state: str
    distance_angstrom: float
    """Shortest, between heavy atoms."""

    @property
    def near(self) -> bool:
        """Whether docking could see the substitution at all."""
        return self.distance_angstrom <= REACH_ANGSTROM


REACH_ANGSTROM = 9.0
"""What lies further from a drug enters no energy of a relaxed complex."""


class HelixBend(Record):
    """A helix of a model."""

    first_residue: int
    last_residue: int
    """Modelled part."""
    form: str
    """``bent``, ``straight`` or ``too short``."""
    broken_at: tuple[int, ...] = ()
    """Residues whose CA stands further than 6.5 angstrom from the CA three on."""
    angle_degrees: float | None = None
    """Between the axes before and after the break; of a straight helix, of its two halves."""


class RelaxedSettings(Settings):
    """How a complex is relaxed in the force field, native and mutant alike."""

    near_angstrom: float = Field(default=5.0, ge=3.0, le=12.0)
    """Residues with an atom this near the drug move; so do the substituted ones and all that touch them."""
    surroundings_angstrom: float = Field(default=9.0, ge=6.0, le=30.0)
    """Residues further from the drug than this do not enter the energy."""
    touching_angstrom: float = Field(default=4.0, ge=2.0, le=10.0)
    """What counts as touching a substituted residue."""
    cutoff_nm: float = Field(default=1.4, ge=0.8, le=5.0)
    rotamers: int = Field(default=4, ge=1, le=40)
    """Rotamers of the substituted residues that are relaxed with the drug, those with least overlap first."""
    clash_iterations: int = Field(default=60, ge=10, le=5000)
    """Minimiser iterations without solvent and with halved charges."""
    first_iterations: int = Field(default=12, ge=1, le=5000)
    """Minimiser iterations in implicit solvent before starts are compared."""
    hopeless_kcal_per_mol: float = Field(default=15.0, gt=0.0, le=1000.0)
    """Starts further than this above the lowest after those are not relaxed further."""
    final_iterations: int = Field(default=100, ge=10, le=5000)
    """Minimiser iterations in implicit solvent for the others."""
    backbone_restraint_kcal_per_mol_angstrom2: float = Field(default=2.0, ge=0.0, le=1000.0)
    backbone_freedom_angstrom: float = Field(default=0.3, ge=0.0, le=2.0)
    """How far a backbone atom may go from its native place before the restraint pulls."""
    weight_kcal_per_mol: float = Field(default=2.0, gt=0.0, le=20.0)
    """Members count by exp(-E/this): as far as energies of minimised complexes can be told apart, not kT."""
    repeats: int = Field(default=6, ge=2, le=100)
    """Independent repeats of each side, each from other coordinates and velocities; the interval rests on
    their spread."""
    repeat_weight: float = Field(default=0.15, ge=0.0, le=1.0)
    """Members that count less than this after the first relaxation are not repeated."""
    scatter_angstrom: float = Field(default=0.1, ge=0.0, le=1.0)
    """Standard deviation by which each repeat's coordinates are scattered before it is relaxed at all."""
    shake_ps: float = Field(default=0.5, ge=0.01, le=1000.0)
    """Langevin dynamics that parts a repeat from the others before it is relaxed again."""
    shake_angstrom: float = Field(default=8.0, ge=2.0, le=100.0)
    """What lies further from the substituted residues than this is not shaken: it would only add its own
    noise to the difference."""
    shake_kelvin: float = Field(default=300.0, ge=10.0, le=1000.0)


class ComplexMember(Record):
    """One relaxed conformation of a complex."""

    rotamers: str
    """Of the residues that the variant substitutes, e.g. ``315 mt``."""
    overlap_angstrom2: float
    """Before relaxation: how deep the new side chain stood in drug and protein."""
    energy_kcal_per_mol: float
    """Of the whole relaxed complex, above the lowest member of its side."""
    weight: float
    """Its share of the side's average."""
    interaction_kcal_per_mol: float
    """Energy of the complex less that of protein and drug apart, each as it stands in the complex."""
    drug_moved_angstrom: float
    """Heavy atoms, symmetry-corrected, from the pose that it started from."""
    vina_kcal_per_mol: float
    """Vina's score of the relaxed drug in the relaxed protein, at the nearest minimum of Vina's function."""


class ComplexRepeat(Record):
    """One repeat of a side: the members that count, from coordinates and velocities of its own."""

    seed: int
    interaction_kcal_per_mol: float
    """Weighted average of the members by their energies in this repeat."""
    energy_kcal_per_mol: float
    """Of its lowest member, above the lowest member of the side before it was shaken."""
    rotamers: str
    """Of the member that counts most in it."""
    drug_moved_angstrom: float
    """Of that member: heavy atoms, symmetry-corrected, from the pose that the side started from."""


class ComplexSide(Record):
    """One side, native or mutant: its members, and how repeats of them came out."""

    members: tuple[ComplexMember, ...]
    """The first relaxation."""
    repeats: tuple[ComplexRepeat, ...] = ()
    interaction_kcal_per_mol: float
    """Mean over the repeats."""
    spread_kcal_per_mol: float
    """Standard deviation over the repeats."""
    vina_kcal_per_mol: float
    """Vina's score over the members of the first relaxation by their weights: docking into the ensemble."""
    vina_spread_kcal_per_mol: float
    """Weighted standard deviation over them."""
    force_field: str = ""
    atoms: int = 0
    """How many enter the energy."""
    moving_residues: tuple[int, ...] = ()
    cpu_seconds: float = 0.0
    notes: tuple[Note, ...] = ()


class RelaxedComparison(VersionedRecord):
    """A drug's interaction energy with the relaxed mutant against that with the relaxed native."""

    drug: str
    state: str
    variant: str
    settings: RelaxedSettings
    force_field: str
    atoms: int
    """How many enter the energy."""
    moving_residues: tuple[int, ...]
    native: ComplexSide
    mutant: ComplexSide
    difference_kcal_per_mol: Difference
    vina_difference_kcal_per_mol: Difference
    cpu_seconds: float
    notes: tuple[Note, ...] = ()
    reference: str = ""
    """The co-crystal that the known pose is from."""
    reference_to_crystal_angstrom: MeasuredAngstrom = None
    """How far the known pose in this state's model lies from it; None: not measured."""
    distance_to_variant_angstrom: float | None = None


CallWord = Literal["kept", "weakened", "lost", "unresolved", "not reached"]


class DockedSide(Record):
    """A drug docked into one side's models; pose, contacts and strain are of the first."""

    score_kcal_per_mol: float
    """Mean over searches, and over the side's models by their energies: what the difference is taken of."""
    spread_kcal_per_mol: float
    """Standard deviation over the models, by the same shares."""
    searches: int
    models: int = 1
    rmsd_to_known_angstrom: float | None
    """Symmetry-corrected, to the known pose that the search started from or is judged by; None: there is
    none."""
    rmsd_to_crystal_angstrom: float | None = None
    """To the co-crystal itself, where a mirror of the wwPDB was at hand."""
    strain_kcal_per_mol: float | None = None
    """MMFF94, see :mod:`kinscope.docking.poses.strain`; None without parameters."""
    contacts: tuple[str, ...]
    valid: bool
    problems: tuple[Note, ...] = ()
    known_mode_kept: bool = True
    best_elsewhere_kcal_per_mol: float | None = None


class FoundPose(Record):
    """One of the distinct poses that a blind search of the native's site found."""

    rank: int
    score_kcal_per_mol: float
    """Vina's."""
    ranking_kcal_per_mol: float
    """What the search orders poses by; comparable between the forms of a site, and no affinity."""
    rmsd_to_first_angstrom: float
    core_rmsd_to_first_angstrom: float | None
    """Over the atoms that the first pose buries: small where only a tail in the solvent lies elsewhere."""
    contacts: tuple[str, ...]
    problems: tuple[Note, ...] = ()
    """What fails of the validity checks, overlaps among it; empty for a valid pose."""


class Call(Record):
    """What the measurements of one drug in one state come to, by :mod:`kinscope.analysis.calls`."""

    word: CallWord
    reason: Note
    """The measurements that decide."""
    measured_by: Literal["relaxed complexes", "rigid docking", "distance"]
    disagreement: Annotated[Note | None, BeforeValidator(lambda told: told or None)] = None
    """Where the two scores point apart."""


class DockingRow(VersionedRecord):
    """A drug in a state."""

    drug: str
    name: str
    binding_type: str
    site: str
    state: str
    state_label: str
    own_state: str
    """The state that the drug's co-crystal shows."""
    variant: str
    outcome: Literal["docked", "does not fit", "not modelled"]
    """``does not fit``: the drug's binding mode does not exist in this state; nothing was forced."""
    native: DockedSide | None = None
    mutant: DockedSide | None = None
    difference_kcal_per_mol: Difference | None = None
    """Of Vina's scores into rigid receptors."""
    relaxed: RelaxedComparison | None = None
    """The second opinion; None where the substitution is too far from the drug, or no parameters exist."""
    contacts_lost: tuple[str, ...] = ()
    contacts_gained: tuple[str, ...] = ()
    distance_to_variant_angstrom: float | None = None
    reference: str = ""
    """The co-crystal that the known pose is from, e.g. ``2HYY:A:STI``."""
    reference_to_crystal_angstrom: MeasuredAngstrom = None
    """How far the shipped known pose lies from the crystal's; None: not measured."""
    native_fit: StateFit | None = None
    """How the known pose fares in this state, if it is not the drug's own."""
    mutant_fit: StateFit | None = None
    call: Call | None = None
    found: tuple[FoundPose, ...] = ()
    """Of a ligand without a known pose what the search found, best first; both sides start from the first."""
    turned_residues: tuple[int, ...] = ()
    """Residues whose side chains both sides turn out of that ligand's way."""
    native_helix: HelixBend | None = None
    """Helix I, for drugs of the myristate site."""
    mutant_helix: HelixBend | None = None
    cpu_seconds: float = 0.0
    notes: tuple[Note, ...] = ()
