"""Short steered dynamics that takes a residue across a backbone barrier which no minimisation crosses."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import ComputationError
from kinscope.structures.forcefield import cpu_platform
from kinscope.structures.model import AtomArray
from kinscope.structures.relaxation import Relaxer

PROLINE_PHI_DEGREES = -70.0
"""Mean phi of trans prolines (MacArthur & Thornton, J. Mol. Biol. 1991, 218, 397: -70 and -61 in the two
puckers' regions)."""
_PHI_KCAL_PER_MOL, _OMEGA_KCAL_PER_MOL = 50.0, 50.0
"""Half the height of the steering terms, k (1 - cos(angle - target)): several times the barrier of an alanine
dipeptide's phi, and of the force field's own omega."""
_PEPTIDES_EACH_SIDE = 3
_RAMPS, _COOLINGS, _STEPS_EACH = 20, 10, 200
_KELVIN = (400.0, 50.0)


def steer(
    relaxer: Relaxer, atoms: AtomArray, prolines: Sequence[int], about: Sequence[int], seed: int
) -> NDArray[np.float32]:
    """Turn prolines' phi to where prolines have it, keep the peptides about them planar, and cool.

    Langevin dynamics (1 fs) of the shell without solvent: phi is steered over 4 ps at 400 K with a force
    that grows, then the shell cools to 50 K in 2 ps. The peptides are held planar throughout.

    Parameters
    ----------
    relaxer
        Of this mutant; its restraints on neighbours' side chains stay on.
    atoms
        The mutant.
    prolines
        Residues whose phi is steered.
    about
        Residues whose peptides, and those of three residues on each side, are held planar.
    seed
        Of velocities and noise.

    Returns
    -------
    Coordinates (n_atoms, 3), angstrom; atoms outside the shell bit for bit as given.

    Raises
    ------
    ComputationError
        If the dynamics diverges.
    """
    from openmm import Context, LangevinMiddleIntegrator, unit

    system = deepcopy(relaxer.soft)
    system.addForce(_steering_terms(relaxer, atoms, prolines, about))
    shell = relaxer.region.shell[relaxer.kept]
    for index, mass in enumerate(relaxer.masses):
        system.setParticleMass(index, float(mass) if shell[index] else 0.0)
    integrator = LangevinMiddleIntegrator(_KELVIN[0], 5.0, 0.001)
    integrator.setRandomNumberSeed(seed % 2**31)
    platform, properties = cpu_platform(1)
    context = Context(system, integrator, platform, properties)
    points = np.asarray(atoms.coord, dtype=np.float64)
    context.setPositions(points[relaxer.kept] / 10.0)
    for scale in np.linspace(1.0 / _RAMPS, 1.0, _RAMPS):
        context.setParameter("steering", float(scale))
        integrator.step(_STEPS_EACH)
    for kelvin in np.linspace(*_KELVIN, _COOLINGS):
        integrator.setTemperature(float(kelvin))
        integrator.step(_STEPS_EACH)
    found = context.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.angstrom)
    if not np.isfinite(found).all():
        raise ComputationError(
            "The steered dynamics of the mutant diverged.",
            where="relaxation of the mutant",
            remedy="Check the native model for clashes near the residue (kinscope models check).",
        )
    result = np.array(atoms.coord, dtype=np.float32)
    result[relaxer.kept[shell]] = np.asarray(found)[shell]
    return result


def _steering_terms(relaxer: Relaxer, atoms: AtomArray, prolines: Sequence[int], about: Sequence[int]) -> Any:
    from openmm import CustomTorsionForce

    row = {
        (int(number), str(atom)): index
        for index, (number, atom) in enumerate(zip(atoms.res_id, atoms.atom_name, strict=True))
    }
    place = {int(old): new for new, old in enumerate(relaxer.kept)}
    force = CustomTorsionForce("(1-ramped+ramped*steering)*k*(1-cos(theta-target))")
    force.addGlobalParameter("steering", 0.0)
    force.addPerTorsionParameter("k")
    force.addPerTorsionParameter("target")
    force.addPerTorsionParameter("ramped")

    def add(names: Sequence[tuple[int, str]], half_height: float, degrees: float, ramped: bool) -> None:
        rows = [place.get(row.get(name, -1), -1) for name in names]
        if -1 not in rows:
            force.addTorsion(*rows, [half_height * 4.184, float(np.radians(degrees)), float(ramped)])

    for number in prolines:
        phi = [(number - 1, "C"), (number, "N"), (number, "CA"), (number, "C")]
        add(phi, _PHI_KCAL_PER_MOL, PROLINE_PHI_DEGREES, True)
    near = {n + step for n in about for step in range(-_PEPTIDES_EACH_SIDE, _PEPTIDES_EACH_SIDE)}
    for number in sorted(near):
        omega = [(number, "CA"), (number, "C"), (number + 1, "N"), (number + 1, "CA")]
        cis = _is_cis(atoms, [row.get(name) for name in omega])
        add(omega, _OMEGA_KCAL_PER_MOL, 0.0 if cis else 180.0, False)
    return force


def _is_cis(atoms: AtomArray, rows: Sequence[int | None]) -> bool:
    from kinscope.structures.rotamers import dihedral_degrees

    if None in rows:
        return False
    points = np.asarray(atoms.coord, dtype=np.float64)[[index for index in rows if index is not None]]
    return abs(float(dihedral_degrees(*points))) < 90.0
