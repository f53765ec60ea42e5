"""A second relaxation, with more freedom, of a mutant that the first one left strained.

The first relaxation holds the backbone near the crystal's, so that alternatives compare. Where that leaves a
twisted peptide, an overlap, or phi and psi that crystals do not visit, the residue does not fit the native
backbone, and holding it there models nothing. It is then steered (a proline's phi to a proline's range, the
peptides about it planar), relaxed with a wider shell and a freer backbone, and kept if less is left strained
(docs/decisions/0135).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from kinscope.core.records import Settings
from kinscope.structures.model import AtomArray
from kinscope.structures.mutant_record import PROLINE_PHI, phi_of
from kinscope.structures.mutant_strain import strain_amount, turned_peptides
from kinscope.structures.packing_sites import residues_of
from kinscope.structures.relaxation import Relaxer
from kinscope.structures.steering import steer
from kinscope.structures.stereochemistry import inverted_centres


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


ATTEMPTS = 3
"""Steered dynamics with other velocities, until nothing is left strained."""


@dataclass(frozen=True)
class Relief:
    """A mutant relaxed a second time."""

    atoms: AtomArray
    moved_ca_angstrom: float
    """How far the CA that went furthest is from its native place."""
    steered: tuple[int, ...]
    """Prolines whose phi was steered."""

    @property
    def in_words(self) -> str:
        """For the model's record."""
        turned = (
            f"phi of {', '.join(f'Pro{number}' for number in self.steered)} steered to a proline's range, "
            if self.steered
            else ""
        )
        return (
            "Relaxed a second time, for the native backbone does not suit the substitution: "
            f"{turned}peptides about it held planar in 6 ps of dynamics without solvent, then a wider shell "
            f"minimised with a freer backbone; a CA went as far as {self.moved_ca_angstrom:.1f} A. Such a "
            "move is a guess at one way out."
        )


def relieve(
    native: AtomArray, first: AtomArray, relaxer: Relaxer, wanted: dict[int, str], seed: int
) -> Relief | None:
    """Steer and relax a strained mutant.

    Parameters
    ----------
    native
        The model it was made from.
    first
        The mutant after its first relaxation.
    relaxer
        With the wider shell and the freer backbone.
    wanted
        Substituted residues, three-letter names.
    seed
        Of the dynamics.

    Returns
    -------
    Relief or None
        None where no attempt left less strained without turning over a peptide or a centre.
    """
    numbers = list(wanted)
    residues = residues_of(first)
    phis = {number: phi_of(residues, number) for number, name in wanted.items() if name == "PRO"}
    off = [n for n, phi in phis.items() if phi is not None and not PROLINE_PHI[0] <= phi <= PROLINE_PHI[1]]
    least, best = strain_amount(native, first, numbers), None
    for attempt in range(ATTEMPTS):
        atoms = first.copy()
        atoms.coord = relaxer.relax(steer(relaxer, first, off, numbers, seed + attempt)).coord
        if turned_peptides(native, atoms) or inverted_centres(atoms) != inverted_centres(first):
            continue
        left = strain_amount(native, atoms, numbers)
        if left < least:
            least, best = left, Relief(atoms, _furthest_ca(native, atoms), tuple(off))
        if left == 0.0:
            break
    return best


def _furthest_ca(native: AtomArray, atoms: AtomArray) -> float:
    one, two = (np.asarray(a.coord)[np.asarray(a.atom_name) == "CA"] for a in (native, atoms))
    return float(np.linalg.norm(one - two, axis=1).max())


def changed_settings(relief: ReliefSettings, shell_radius_angstrom: float) -> dict[str, float | int]:
    """What differs from the first relaxation's settings."""
    return {
        "shell_radius_angstrom": shell_radius_angstrom + relief.extra_shell_angstrom,
        "backbone_freedom_angstrom": relief.backbone_freedom_angstrom,
        "final_iterations": relief.final_iterations,
        "backbone_restraint_kcal_per_mol_angstrom2": relief.backbone_restraint_kcal_per_mol_angstrom2,
        "side_chain_restraint_kcal_per_mol_angstrom2": relief.side_chain_restraint_kcal_per_mol_angstrom2,
    }
