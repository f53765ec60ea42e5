"""Settings of the mutant builder and of the relief of strain."""

from __future__ import annotations

from pydantic import Field

from kinscope.core.records import Settings
from kinscope.structures.forcefield.relaxation import RelaxationSettings


class ReliefSettings(Settings):
    """How much more a strained mutant may move."""

    extra_shell_angstrom: float = Field(default=2.0, ge=0.0, le=12.0)
    """Added to the radius of the shell that moves."""
    backbone_freedom_angstrom: float = Field(default=2.0, ge=0.0, le=5.0)
    """How far a backbone atom may go before its restraint pulls: as far as a loop differs between crystals
    of one state."""
    backbone_restraint_kcal_per_mol_angstrom2: float = Field(default=0.5, ge=0.0, le=1000.0)
    side_chain_restraint_kcal_per_mol_angstrom2: float = Field(default=0.1, ge=0.0, le=1000.0)
    final_iterations: int = Field(default=500, ge=10, le=5000)


class MutationSettings(RelaxationSettings):
    """How a substitution is packed and relaxed."""

    repack_radius_angstrom: float = Field(default=5.0, ge=0.0, le=15.0)
    """Side chains this near the old or any rotamer of the new side chain are repacked with it."""
    native_rotamer_bonus_kcal_per_mol: float = Field(default=3.0, ge=0.0, le=20.0)
    """By how much a neighbour's other rotamer must beat the native one: the reference is a crystal's."""
    backrub_degrees: tuple[float, ...] = (8.0, 15.0)
    """Backrubs, either way, of each substituted residue; each backbone is packed anew. Empty: native only."""
    neighbour_backrub_degrees: tuple[float, ...] = ()
    """The same of the residues before and after it."""
    moved_backbone_cost_kcal_per_mol: float = Field(default=20.0, ge=0.0, le=50.0)
    """By how much a moved backbone must pack better than the native one for a rotamer to be built on it
    (docs/why/structures.md)."""
    candidates: int = Field(default=4, ge=1, le=20)
    candidate_window_kcal_per_mol: float = Field(default=20.0, ge=0.0, le=100.0)
    """Packings further than this above the best, the cost of a moved backbone not counted, are not relaxed.
    Wide, for discrete rotamers are strained."""
    packing_weight: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of the packing energy of the relaxed model in the score; the rest is the force field's."""
    alternatives: int = Field(default=3, ge=1, le=10)
    alternative_window_kcal_per_mol: float = Field(default=5.0, ge=0.0, le=50.0)
    """Relaxed models further than this above the lowest are dropped. As wide as the score was found to err on
    crystals of T315I (docs/why/structures.md)."""
    scatter_angstrom: float = Field(default=0.1, ge=0.0, le=1.0)
    """Standard deviation by which moving side chains are scattered before they are relaxed, by the seed."""
    relief: ReliefSettings = ReliefSettings()
    """How a model is relaxed again that is left strained."""

    @property
    def moves_backbone(self) -> bool:
        """Whether other backbones than the native one are packed."""
        return bool(self.backrub_degrees or self.neighbour_backrub_degrees)
