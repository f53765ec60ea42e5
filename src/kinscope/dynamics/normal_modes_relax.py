"""The energy that normal modes are taken on, and its minima near a model.

The same OpenMM system gives the forces of the minimisation and the parameters of the Hessian, so the modes
belong to the minimum that was found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kinscope.dynamics.normal_modes_blocks import FloatArray
from kinscope.structures.forcefield import add_position_restraints, cpu_platform, create_system


def mode_system(topology: Any, *, cutoff_angstrom: float, switch_angstrom: float, dielectric: float) -> Any:
    """ff14SB without constraints, charges in a uniform dielectric, Lennard-Jones switched off smoothly.

    Parameters
    ----------
    topology
        OpenMM topology, all hydrogens present.
    cutoff_angstrom, switch_angstrom
        Nonbonded cutoff (reaction field beyond) and where switching of Lennard-Jones begins.
    dielectric
        Divides every product of charges; it stands for the solvent and the electrons that are not there.
    """
    from openmm import NonbondedForce, unit

    system = create_system(topology, implicit_solvent=False, cutoff_nm=cutoff_angstrom / 10.0)
    force = next(item for item in system.getForces() if isinstance(item, NonbondedForce))
    force.setUseSwitchingFunction(True)
    force.setSwitchingDistance(switch_angstrom * unit.angstrom)
    force.setReactionFieldDielectric(78.5 / dielectric)
    for index in range(force.getNumParticles()):
        charge, sigma, well = force.getParticleParameters(index)
        force.setParticleParameters(index, charge / np.sqrt(dielectric), sigma, well)
    for index in range(force.getNumExceptions()):
        first, second, product, sigma, well = force.getExceptionParameters(index)
        force.setExceptionParameters(index, first, second, product / dielectric, sigma, well)
    return system


def minimise(
    system: Any, coord: FloatArray, *, steps: int, force_kcal_per_mol_angstrom: float
) -> tuple[FloatArray, float]:
    """L-BFGS until the root-mean-square force is small or the steps are spent.

    Parameters
    ----------
    system
        OpenMM System.
    coord
        Shape (n_atoms, 3), angstrom.
    steps
        Largest number of iterations.
    force_kcal_per_mol_angstrom
        Root-mean-square force component at which to stop.

    Returns
    -------
    coord, force
        Shape (n_atoms, 3), angstrom; the root-mean-square force component reached, kcal/mol/angstrom.
    """
    import openmm
    from openmm import unit

    platform, properties = cpu_platform()
    integrator = openmm.VerletIntegrator(0.001)
    context = openmm.Context(system, integrator, platform, properties)
    context.setPositions(np.asarray(coord) / 10.0)
    tolerance = force_kcal_per_mol_angstrom * 41.84
    openmm.LocalEnergyMinimizer.minimize(context, tolerance, steps)
    state = context.getState(getPositions=True, getForces=True)
    forces = state.getForces(asNumpy=True).value_in_unit(unit.kilocalorie_per_mole / unit.angstrom)
    found = state.getPositions(asNumpy=True).value_in_unit(unit.angstrom)
    return np.asarray(found, dtype=np.float64), float(np.sqrt(np.mean(np.asarray(forces) ** 2)))


def tethered(system: Any, reference: FloatArray, force_constants: FloatArray) -> Any:
    """A copy of a system whose atoms are tied to reference positions by harmonic springs.

    Parameters
    ----------
    system
        OpenMM System; it stays as it is.
    reference
        Shape (n_atoms, 3), angstrom.
    force_constants
        Shape (n_atoms,), kcal/mol/angstrom^2; 0 leaves an atom free.
    """
    from copy import deepcopy

    from openmm import unit

    copy = deepcopy(system)
    if np.any(force_constants > 0.0):
        add_position_restraints(copy, (reference / 10.0) * unit.nanometer, force_constants)
    return copy
