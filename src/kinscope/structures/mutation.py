"""Mutant models: substitute, search rotamers with the neighbours, relax, rank.

The substituted side chains and every side chain around them are packed together over discrete rotamers
(:mod:`kinscope.structures.packing`); the best distinct solutions are relaxed by stages with ff14SB and
implicit solvent (:mod:`kinscope.structures.relaxation`) and ranked on the relaxed energy. Atoms beyond the
shell do not move at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import Field

from kinscope.core.records import Settings
from kinscope.structures.model import AtomArray, ModelRecord

Progress = Callable[[float, str], None]
"""Called with the fraction done, 0 to 1, and what runs now."""


class MutationSettings(Settings):
    """How a substitution is packed and relaxed."""

    repack_radius_angstrom: float = Field(default=8.0, ge=0.0, le=15.0)
    """Side chains that a substituted residue could reach within this distance of its CB are repacked with it."""
    native_rotamer_bonus_kcal_per_mol: float = Field(default=3.0, ge=0.0, le=20.0)
    """By how much a neighbour's other rotamer must beat the native one: the reference is a crystal's."""
    candidates: int = Field(default=4, ge=1, le=20)
    """Distinct packings that are relaxed."""
    candidate_window_kcal_per_mol: float = Field(default=8.0, ge=0.0, le=100.0)
    """Packings further than this above the best are not relaxed."""
    alternatives: int = Field(default=3, ge=1, le=10)
    """At most so many relaxed models are kept."""
    alternative_window_kcal_per_mol: float = Field(default=3.0, ge=0.0, le=50.0)
    """Relaxed models further than this above the lowest are dropped."""
    shell_radius_angstrom: float = Field(default=6.0, ge=3.0, le=15.0)
    """Residues with an atom this near a substituted residue may move; all others are fixed."""
    surroundings_angstrom: float = Field(default=9.0, ge=6.0, le=30.0)
    """Fixed atoms further than this from every movable atom are left out of the energy."""
    cutoff_nm: float = Field(default=1.2, ge=0.8, le=3.0)
    backbone_restraint_kcal_per_mol_angstrom2: float = Field(default=2.0, ge=0.0, le=1000.0)
    """On the shell's backbone heavy atoms, at their native places, in the last stage."""
    clash_iterations: int = Field(default=150, ge=10, le=5000)
    """Minimiser iterations in each stage without solvent."""
    final_iterations: int = Field(default=150, ge=10, le=5000)
    """Minimiser iterations of the last stage, in implicit solvent."""
    threads: int = Field(default=1, ge=1, le=256)


@dataclass(frozen=True)
class MutantModel:
    """One relaxed alternative of a mutant."""

    atoms: AtomArray
    record: ModelRecord
    energy_kcal_per_mol: float
    """Relaxed energy of the movable part and its surroundings; comparable between alternatives only."""


def build_mutant(
    native: AtomArray,
    native_record: ModelRecord,
    substitutions: Sequence[tuple[int, str]],
    settings: MutationSettings,
    seed: int,
    progress: Progress | None = None,
) -> list[MutantModel]:
    """Build and relax the substitutions on a native model.

    Parameters
    ----------
    native
        Model in the conventions of :mod:`kinscope.structures.model`.
    native_record
        Its record.
    substitutions
        Residue number and one-letter code of the new residue, in cis.
    settings
        Search and relaxation.
    seed
        Same seed, same machine: same models.
    progress
        Told how far the work is.

    Returns
    -------
    list of MutantModel
        Sorted by energy, alternative 0 lowest.

    Raises
    ------
    StructureError
        If a residue is not in the model.
    VariantError
        If a letter is not one of the twenty, a residue is substituted by itself, or twice.
    """
    raise NotImplementedError
