"""The force field that relaxes models: Amber ff14SB, with pairwise-descreened implicit solvent where asked.

OpenMM's CustomGBForce models cost ten times the built-in GBSAOBCForce on a CPU, so the built-in one
(OBC II; Onufriev, Bashford & Case, Proteins 2004, 55, 383) is used, with mbondi-like radii
(Tsui & Case, Biopolymers 2001, 56, 275) and the usual screening factors.

Ligands stand in their pockets while a model is relaxed. Around uncharged spheres nothing pulls the partners
of a hydrogen bond in, and they leave for others; around a ligand's own charges they stay
(docs/why/structures.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.io import _DATA, know_phosphotyrosine
from kinscope.structures.model import AtomArray

PHOSPHOTYROSINE_XML = _DATA / "phosphotyrosine.xml"
"""Parameters of PTR for OpenMM's ForceField, beside ff14SB's."""

_SCALE = {"H": 0.85, "C": 0.72, "N": 0.79, "O": 0.85, "S": 0.96, "P": 0.86}
_RADIUS_NM = {"C": 0.17, "N": 0.155, "O": 0.15, "S": 0.18, "P": 0.185}
_HYDROGEN_ON_NITROGEN_NM = 0.13
_HYDROGEN_NM = 0.12


@lru_cache(maxsize=1)
def protein_forcefield() -> Any:
    """Amber ff14SB with dianionic phosphotyrosine (phosaa14SB; Raguette et al., JCTC 2024, 20, 7199)."""
    from openmm import app

    know_phosphotyrosine()
    return app.ForceField("amber14/protein.ff14SB.xml", str(PHOSPHOTYROSINE_XML))


def create_system(topology: Any, *, implicit_solvent: bool = True, cutoff_nm: float | None = 1.2) -> Any:
    """An OpenMM System of a model with ff14SB.

    The solvent is GBSAOBCForce with its surface-area term; a cutoff of None takes all pairs.
    """
    from openmm import GBSAOBCForce, app, unit

    system = protein_forcefield().createSystem(
        topology,
        nonbondedMethod=app.NoCutoff if cutoff_nm is None else app.CutoffNonPeriodic,
        nonbondedCutoff=(cutoff_nm or 1.0) * unit.nanometer,
        constraints=None,
        removeCMMotion=False,
    )
    nonbonded = force_of(system, "NonbondedForce")
    if implicit_solvent:
        born = GBSAOBCForce()
        if cutoff_nm is None:
            born.setNonbondedMethod(GBSAOBCForce.NoCutoff)
        else:
            nonbonded.setReactionFieldDielectric(1.0)
            born.setNonbondedMethod(GBSAOBCForce.CutoffNonPeriodic)
            born.setCutoffDistance(cutoff_nm * unit.nanometer)
        bonded_to_nitrogen = {
            hydrogen.index
            for one, other in topology.bonds()
            for hydrogen, heavy in ((one, other), (other, one))
            if hydrogen.element.symbol == "H" and heavy.element.symbol == "N"
        }
        for index, atom in enumerate(topology.atoms()):
            charge = nonbonded.getParticleParameters(index)[0]
            symbol = atom.element.symbol
            if symbol == "H":
                radius = _HYDROGEN_ON_NITROGEN_NM if index in bonded_to_nitrogen else _HYDROGEN_NM
            else:
                radius = _RADIUS_NM.get(symbol, 0.15)
            born.addParticle(charge, radius, _SCALE.get(symbol, 0.8))
        system.addForce(born)
    return system


_OCCUPANT_NM_KJ = {
    "C": (0.340, 0.36), "N": (0.265, 0.50), "O": (0.265, 0.60), "F": (0.305, 0.26), "S": (0.356, 1.05),
    "P": (0.374, 0.84), "Cl": (0.347, 1.11), "Br": (0.395, 1.34), "I": (0.419, 1.67),
}  # fmt: skip


def add_occupants(system: Any, elements: list[str]) -> None:
    """Add fixed, uncharged spheres: the heavy atoms of a ligand that holds its pocket open.

    They have no mass, so no minimiser moves them. Lennard-Jones radii are GAFF's (Wang et al., J. Comput.
    Chem. 2004, 25, 1157), except that N and O are given the 3.0 angstrom contact that a hydrogen bond would
    pull a charged pair into. In implicit solvent they displace water. Their positions come
    after the protein's.
    """
    first = system.getNumParticles()
    nonbonded, born = force_of(system, "NonbondedForce"), force_of(system, "GBSAOBCForce")
    for symbol in elements:
        sigma, epsilon = _OCCUPANT_NM_KJ.get(symbol.capitalize(), _OCCUPANT_NM_KJ["C"])
        system.addParticle(0.0)
        nonbonded.addParticle(0.0, sigma, epsilon)
        if born is not None:
            born.addParticle(0.0, _RADIUS_NM.get(symbol, 0.15), _SCALE.get(symbol, 0.8))
    for one in range(first, first + len(elements)):
        for other in range(one + 1, first + len(elements)):
            nonbonded.addException(one, other, 0.0, 0.1, 0.0)


_BONDED = {
    "HarmonicBondForce": ("Bond", 2),
    "HarmonicAngleForce": ("Angle", 3),
    "PeriodicTorsionForce": ("Torsion", 4),
}
"""What a term of each bonded force is called, and how many atoms it has."""


def force_of(system: Any, kind: str) -> Any:
    """The System's force of a class of OpenMM's; None if it has none."""
    return next((force for force in system.getForces() if type(force).__name__ == kind), None)


def is_bonded(force: Any) -> bool:
    """Whether :func:`copy_bonded` knows a force of OpenMM's."""
    return type(force).__name__ in _BONDED


def bonded_terms(force: Any) -> Iterator[list[Any]]:
    """Atoms and parameters of every term of a bonded force; nothing of None."""
    if force is not None:
        what, _ = _BONDED[type(force).__name__]
        get = getattr(force, f"get{what}Parameters")
        yield from map(get, range(getattr(force, f"getNum{what}s")()))


def copy_bonded(source: Any, target: Any, place: Mapping[int, int]) -> None:
    """Add to a bonded force the terms of another of its class whose atoms all have a ``place`` there."""
    what, count = _BONDED[type(source).__name__]
    add = getattr(target, f"add{what}")
    for parameters in bonded_terms(source):
        if all(atom in place for atom in parameters[:count]):
            add(*(place[atom] for atom in parameters[:count]), *parameters[count:])


def copy_nonbonded(source: Any, target: Any, place: Mapping[int, int], charge_scale: float) -> None:
    """Add to a NonbondedForce the particles of another that have a ``place`` there, and their exceptions."""
    for index in place:
        charge, sigma, epsilon = source.getParticleParameters(index)
        target.addParticle(charge * charge_scale, sigma, epsilon)
    for index in range(source.getNumExceptions()):
        one, two, product, sigma, epsilon = source.getExceptionParameters(index)
        if one in place and two in place:
            target.addException(place[one], place[two], product * charge_scale**2, sigma, epsilon)


def scale_charges(force: Any, factor: float) -> None:
    """Multiply every charge of a NonbondedForce."""
    for index in range(force.getNumParticles()):
        charge, sigma, epsilon = force.getParticleParameters(index)
        force.setParticleParameters(index, charge * factor, sigma, epsilon)
    for index in range(force.getNumExceptions()):
        one, other, product, sigma, epsilon = force.getExceptionParameters(index)
        force.setExceptionParameters(index, one, other, product * factor**2, sigma, epsilon)


def add_position_restraints(
    system: Any,
    positions: Any,
    force_constants: np.ndarray[Any, Any],
    *,
    group: int = 0,
    freedom_angstrom: float | None = None,
) -> Any:
    """Hold atoms at ``positions`` with harmonic restraints and return the force.

    Positions are an OpenMM quantity of length n_atoms; force constants (n_atoms,) are in kcal/mol/angstrom^2,
    and atoms at 0 are free. With a freedom they pull only beyond that distance, harmonic in what is beyond.
    """
    from openmm import CustomExternalForce, unit

    away = "(x-x0)^2+(y-y0)^2+(z-z0)^2"
    if freedom_angstrom is None:
        force = CustomExternalForce(f"0.5*k*({away})")
    else:
        force = CustomExternalForce(f"0.5*k*max(0, sqrt({away}+1e-12)-free)^2")
        force.addGlobalParameter("free", freedom_angstrom / 10.0)
    for name in ("k", "x0", "y0", "z0"):
        force.addPerParticleParameter(name)
    points = positions.value_in_unit(unit.nanometer)
    for index in np.flatnonzero(force_constants):
        strength = float(force_constants[index]) * 418.4  # kcal/mol/A^2 to kJ/mol/nm^2
        force.addParticle(int(index), [strength, *map(float, points[int(index)])])
    force.setForceGroup(group)
    system.addForce(force)
    return force


def cpu_platform(threads: int = 1) -> tuple[Any, dict[str, str]]:
    """The CPU platform, named everywhere: OpenMM left to choose may take a broken OpenCL driver.

    One thread and deterministic forces give the same answer on the same machine every time.
    """
    from openmm import Platform

    return Platform.getPlatformByName("CPU"), {"Threads": str(threads), "DeterministicForces": "true"}


def static_context(system: Any, threads: int = 1) -> Any:
    """A context of an OpenMM System on the named CPU platform for energies and minimisations alone.

    OpenMM wants an integrator in every context; this one's is never stepped.
    """
    from openmm import Context, VerletIntegrator

    platform, properties = cpu_platform(threads)
    return Context(system, VerletIntegrator(0.001), platform, properties)


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
