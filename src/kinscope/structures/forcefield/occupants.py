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

from kinscope.structures.forcefield.system import add_occupants
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
    from openmm import (
        GBSAOBCForce,
        HarmonicAngleForce,
        HarmonicBondForce,
        NonbondedForce,
        PeriodicTorsionForce,
    )

    first = system.getNumParticles()
    for index in range(alone.getNumParticles()):
        system.addParticle(alone.getParticleMass(index))
    kinds = (
        (HarmonicBondForce, "Bond", 2),
        (HarmonicAngleForce, "Angle", 3),
        (PeriodicTorsionForce, "Torsion", 4),
    )
    for kind, what, count in kinds:
        target = _force(system, kind)
        for source in (force for force in alone.getForces() if isinstance(force, kind)):
            for index in range(getattr(source, f"getNum{what}s")()):
                parameters = getattr(source, f"get{what}Parameters")(index)
                particles = [first + particle for particle in parameters[:count]]
                getattr(target, f"add{what}")(*particles, *parameters[count:])
    source, target, solvent = (
        _force(alone, NonbondedForce),
        _force(system, NonbondedForce),
        _force(system, GBSAOBCForce),
    )
    for index in range(source.getNumParticles()):
        charge, sigma, epsilon = source.getParticleParameters(index)
        target.addParticle(charge * charge_scale, sigma, epsilon)
        if solvent is not None:
            solvent.addParticle(charge, *born[index])
    for index in range(source.getNumExceptions()):
        one, two, product, sigma, epsilon = source.getExceptionParameters(index)
        target.addException(first + one, first + two, product * charge_scale**2, sigma, epsilon)


def _force(system: Any, kind: Any) -> Any:
    return next((force for force in system.getForces() if isinstance(force, kind)), None)
