"""Ligands that stand in their pockets while a model is relaxed, with their own force field if they have one.

Around uncharged spheres nothing pulls the partners of a hydrogen bond in, and they leave for others; around
the ligand's own charges they stay (docs/decisions/0024).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.forcefield.system import (
    add_occupants,
    copy_bonded,
    copy_nonbonded,
    force_of,
    is_bonded,
)
from kinscope.structures.model import AtomArray


@dataclass(frozen=True)
class Occupant:
    """A ligand with the parameters of every atom; what is fixed stays where it stands, the rest relaxes."""

    name: str
    """As its crystal calls it (CCD code)."""
    coordinates: NDArray[np.float64]
    """Shape (n_atoms, 3), angstrom, in the model's frame; hydrogens included."""
    fixed: NDArray[np.bool_]
    """Shape (n_atoms,): the heavy atoms, which a crystal shows."""
    system: Any
    """``openmm.System`` of the ligand alone, without a cutoff, in this order of atoms."""
    born: tuple[tuple[float, float], ...]
    """Radius (nm) and screening factor of every atom in the implicit solvent."""
    description: str
    """Where the parameters come from, in words."""


Parametrise = Callable[[AtomArray], "Occupant | None"]
"""Gives a crystal's ligand (heavy atoms) its parameters; None where there are none."""


def place_occupants(
    system: Any, occupants: Sequence[AtomArray | Occupant]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Add ligands to the System of a protein: charged where they carry parameters, else as spheres.

    Occupants stand in the model's frame; an ``AtomArray`` holds heavy atoms and becomes fixed uncharged
    spheres. Returns the coordinates of what was added, shape (n, 3), angstrom, and which of it may move,
    shape (n,).
    """
    points, movable = [np.zeros((0, 3))], [np.zeros(0, dtype=bool)]
    for occupant in occupants:
        if isinstance(occupant, Occupant):
            first = system.getNumParticles()
            append_molecule(system, occupant.system, occupant.born)
            for index in np.flatnonzero(occupant.fixed):
                system.setParticleMass(first + int(index), 0.0)  # OpenMM never moves mass 0
            points.append(occupant.coordinates)
            movable.append(~occupant.fixed)
        else:
            add_occupants(system, [str(symbol).capitalize() for symbol in occupant.element])
            points.append(np.asarray(occupant.coord, dtype=np.float64))
            movable.append(np.zeros(len(occupant), dtype=bool))
    return np.concatenate(points), np.concatenate(movable)


def append_molecule(
    system: Any, alone: Any, born: Sequence[tuple[float, float]], charge_scale: float = 1.0
) -> None:
    """Append a molecule's particles and terms to a System that has the same kinds of forces.

    The cutoffs of ``system`` count. ``alone`` has bonds, angles, torsions and a NonbondedForce; ``born`` is
    the radius (nm) and screening factor of each atom, for a GBSAOBCForce where ``system`` has one. The charge
    scale is not that of the implicit solvent.
    """
    first = system.getNumParticles()
    place = {index: first + index for index in range(alone.getNumParticles())}
    for index in place:
        system.addParticle(alone.getParticleMass(index))
    for source in filter(is_bonded, alone.getForces()):
        copy_bonded(source, force_of(system, type(source).__name__), place)
    source, solvent = force_of(alone, "NonbondedForce"), force_of(system, "GBSAOBCForce")
    copy_nonbonded(source, force_of(system, "NonbondedForce"), place, charge_scale)
    if solvent is not None:
        for index in place:
            solvent.addParticle(source.getParticleParameters(index)[0], *born[index])
