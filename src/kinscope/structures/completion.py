"""From the heavy atoms that a source shows to all atoms of a model: one way for every native model.

Side chains that lack atoms are built, amides and histidines turned to their hydrogen bonds, protonation is
chosen, ends are capped and hydrogens added. Nothing is relaxed here.
"""

from __future__ import annotations

from dataclasses import dataclass

from kinscope.core.progress import Progress
from kinscope.structures.hydrogen_bonds import flip_side_chains
from kinscope.structures.model import AtomArray
from kinscope.structures.preparation import cap_ends, complete_heavy_atoms
from kinscope.structures.protonation import Protonation, add_hydrogens, choose_protonation


@dataclass(frozen=True)
class CompleteModel:
    """All atoms of a model before it is relaxed, and what was done to have them."""

    atoms: AtomArray
    """Hydrogens and caps among them."""
    heavy: AtomArray
    """Before hydrogens and caps."""
    built: dict[int, tuple[str, ...]]
    """Names of the heavy atoms that were built, by residue."""
    turned: tuple[str, ...]
    """Side chains that were turned round."""
    protonation: Protonation

    @property
    def hydrogen_words(self) -> tuple[str, ...]:
        """How protonation was chosen and where hydrogens come from, for the model's record."""
        return (
            *self.protonation.method,
            "Hydrogens by OpenMM's Modeller on the CPU platform; ends capped with ACE and NME.",
        )

    def recorded_protonation(self) -> dict[str, str]:
        """Every histidine and every unusual state with its pKa, for the model's record."""
        return self.protonation.recorded(self.heavy)


def complete_model(
    heavy: AtomArray, ligands: tuple[AtomArray, ...], ph: float, progress: Progress
) -> CompleteModel:
    """Complete a model whose backbone is whole.

    Parameters
    ----------
    heavy
        Heavy atoms of standard residues (and PTR, SEP, TPO), each with a complete backbone.
    ligands
        Heavy atoms of what stands in the pockets: side chains turn to it, and PROPKA sees it.
    ph
        At which titratable residues are protonated.
    progress
        Told when the pKa values are predicted, which takes most of the time.

    Raises
    ------
    ComputationError
        If PROPKA cannot read the model.
    """
    completed = complete_heavy_atoms(heavy)
    turned_atoms, turned = flip_side_chains(completed.atoms, ligands)
    progress(0.05, "predicting protonation")
    protonation = choose_protonation(turned_atoms, ligands, ph=ph)
    atoms = add_hydrogens(cap_ends(turned_atoms), protonation.variants, ph=ph)
    return CompleteModel(atoms, turned_atoms, completed.built, turned, protonation)
