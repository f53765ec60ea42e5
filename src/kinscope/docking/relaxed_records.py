"""What the relaxation of drug and protein together is asked for and what it answers."""

from __future__ import annotations

from pydantic import Field

from kinscope.analysis.results import Difference
from kinscope.core.records import Record, Settings, VersionedRecord


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


class ComplexSide(Record):
    """The members of one side."""

    members: tuple[ComplexMember, ...]
    interaction_kcal_per_mol: float
    """Weighted average of the members."""
    spread_kcal_per_mol: float
    """Weighted standard deviation over the members."""
    error_kcal_per_mol: float = 0.0
    """Of the average: the spread over the root of the effective number of members (1 / sum of squared
    weights)."""
    vina_kcal_per_mol: float
    """Vina's score, averaged with the same weights: docking into the ensemble, every member at its cost."""
    vina_spread_kcal_per_mol: float


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
    notes: tuple[str, ...] = ()
