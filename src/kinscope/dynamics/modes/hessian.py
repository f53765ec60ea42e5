"""The second derivatives of an OpenMM system's energy, term by term, in vectorised numpy.

Every term of the force field touches two to four atoms, so its Hessian is a handful of 3 x 3 blocks. Pair
terms are differentiated on paper; of angles and torsions the gradient is, and its derivative is taken by
central differences of 1e-5 angstrom on all terms at once. This is exact to about 1e-8 relative and takes
seconds, where finite differences of the whole system's forces take thousands of force evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError
from kinscope.dynamics.modes.blocks import FloatArray, IntArray, PairBlocks

_KJ = 4.184
_COULOMB = 1389.35457644 / _KJ
"""kcal/mol angstrom/e^2 with OpenMM's constant (ONE_4PI_EPS0 = 138.935457644 kJ/mol nm/e^2)."""
_STEP = 1e-5
_CHUNK = 200_000


def system_hessian(system: Any, coord: FloatArray) -> Iterator[PairBlocks]:
    """Hessian of a system of harmonic bonds and angles, periodic torsions and a NonbondedForce.

    Parameters
    ----------
    system
        OpenMM System without constraints, non-periodic (NoCutoff or CutoffNonPeriodic).
    coord
        Shape (n_atoms, 3), angstrom.

    Yields
    ------
    The blocks of one kind of term, or of some 200,000 pairs, at a time: all at once would take a gigabyte.

    Raises ComputationError if the system has a force of another kind.
    """
    import openmm

    x = np.asarray(coord, dtype=np.float64)
    for force in system.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            yield _bonds(force, x)
        elif isinstance(force, openmm.HarmonicAngleForce):
            yield _angles(force, x)
        elif isinstance(force, openmm.PeriodicTorsionForce):
            yield _torsions(force, x)
        elif isinstance(force, openmm.NonbondedForce):
            yield from _nonbonded(force, x)
        elif not isinstance(force, openmm.CMMotionRemover):
            raise ComputationError(
                f"Second derivatives of {type(force).__name__} are not known.",
                where="normal modes",
                remedy="Build the system with kinscope.dynamics.modes.profile.mode_system.",
            )


def pair_hessian(
    coord: FloatArray, first: IntArray, second: IntArray, slope: FloatArray, curvature: FloatArray
) -> PairBlocks:
    """Hessian of pair energies u(r), from u'(r) (kcal/mol/angstrom) and u''(r), each of shape (n_pairs,)."""
    delta = coord[first] - coord[second]
    distance = np.linalg.norm(delta, axis=1)
    unit = delta / distance[:, None]
    over = slope / distance
    spring = (curvature - over)[:, None, None] * unit[:, :, None] * unit[:, None, :]
    spring += over[:, None, None] * np.eye(3)
    diagonal = np.zeros((len(coord), 9))
    flat = spring.reshape(-1, 9)
    for column in range(9):
        diagonal[:, column] += np.bincount(first, flat[:, column], len(coord))
        diagonal[:, column] += np.bincount(second, flat[:, column], len(coord))
    everyone = np.arange(len(coord))
    return PairBlocks(
        np.concatenate([first, everyone]),
        np.concatenate([second, everyone]),
        np.concatenate([-spring, diagonal.reshape(-1, 3, 3)]),
    )


def _bonds(force: Any, coord: FloatArray) -> PairBlocks:
    from openmm import unit

    terms = [force.getBondParameters(index) for index in range(force.getNumBonds())]
    first = np.array([term[0] for term in terms], dtype=np.intp)
    second = np.array([term[1] for term in terms], dtype=np.intp)
    rest = np.array([term[2].value_in_unit(unit.angstrom) for term in terms])
    constant = np.array(
        [term[3].value_in_unit(unit.kilocalorie_per_mole / unit.angstrom**2) for term in terms]
    )
    distance = np.linalg.norm(coord[first] - coord[second], axis=1)
    return pair_hessian(coord, first, second, constant * (distance - rest), constant)


def _angles(force: Any, coord: FloatArray) -> PairBlocks:
    from openmm import unit

    terms = [force.getAngleParameters(index) for index in range(force.getNumAngles())]
    atoms = np.array([term[:3] for term in terms], dtype=np.intp).reshape(-1, 3)
    rest = np.array([term[3].value_in_unit(unit.radian) for term in terms])
    constant = np.array([term[4].value_in_unit(unit.kilocalorie_per_mole / unit.radian**2) for term in terms])
    value, _ = _angle_gradient(coord[atoms])
    return _internal(coord, atoms, _angle_gradient, constant * (value - rest), constant)


def _torsions(force: Any, coord: FloatArray) -> PairBlocks:
    from openmm import unit

    terms = [force.getTorsionParameters(index) for index in range(force.getNumTorsions())]
    atoms = np.array([term[:4] for term in terms], dtype=np.intp).reshape(-1, 4)
    fold = np.array([float(term[4]) for term in terms])
    phase = np.array([term[5].value_in_unit(unit.radian) for term in terms])
    barrier = np.array([term[6].value_in_unit(unit.kilocalorie_per_mole) for term in terms])
    value, _ = _torsion_gradient(coord[atoms])
    slope = -barrier * fold * np.sin(fold * value - phase)
    curvature = -barrier * fold**2 * np.cos(fold * value - phase)
    return _internal(coord, atoms, _torsion_gradient, slope, curvature)


def _internal(
    coord: FloatArray,
    atoms: IntArray,
    gradient: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    slope: FloatArray,
    curvature: FloatArray,
) -> PairBlocks:
    """Hessian of energies E(q) of an internal coordinate: E'' grad q grad q^T + E' grad grad q."""
    count, members = atoms.shape
    points = coord[atoms]
    _, grad = gradient(points)
    flat = grad.reshape(count, -1)
    second = np.empty((count, 3 * members, 3 * members))
    for column in range(3 * members):
        atom, axis = divmod(column, 3)
        moved = points.copy()
        moved[:, atom, axis] += _STEP
        up = gradient(moved)[1]
        moved[:, atom, axis] -= 2 * _STEP
        second[:, column] = ((up - gradient(moved)[1]) / (2 * _STEP)).reshape(count, -1)
    second = 0.5 * (second + np.swapaxes(second, 1, 2))
    local = curvature[:, None, None] * flat[:, :, None] * flat[:, None, :] + slope[:, None, None] * second
    blocks = local.reshape(count, members, 3, members, 3).transpose(0, 1, 3, 2, 4)
    upper = [(a, b) for a in range(members) for b in range(a, members)]
    return PairBlocks(
        np.concatenate([atoms[:, a] for a, _ in upper]),
        np.concatenate([atoms[:, b] for _, b in upper]),
        np.concatenate([blocks[:, a, b] for a, b in upper]),
    )


def _angle_gradient(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Angles (n,) in radian at the middle of three points (n, 3, 3), and their gradients (n, 3, 3)."""
    u = points[:, 0] - points[:, 1]
    v = points[:, 2] - points[:, 1]
    u_length = np.linalg.norm(u, axis=1, keepdims=True)
    v_length = np.linalg.norm(v, axis=1, keepdims=True)
    u, v = u / u_length, v / v_length
    cosine = np.clip((u * v).sum(axis=1, keepdims=True), -1.0, 1.0)
    sine = np.maximum(np.sqrt(1.0 - cosine**2), 1e-8)
    first = (cosine * u - v) / (u_length * sine)
    last = (cosine * v - u) / (v_length * sine)
    return np.arccos(cosine[:, 0]), np.stack([first, -first - last, last], axis=1)


def _torsion_gradient(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Dihedral angles (n,) in radian of four points (n, 4, 3), and their gradients (n, 4, 3).

    Blondel & Karplus, J. Comput. Chem. 1996, 17, 1132, eq. 27.
    """
    f = points[:, 0] - points[:, 1]
    g = points[:, 1] - points[:, 2]
    h = points[:, 3] - points[:, 2]
    a, b = np.cross(f, g), np.cross(h, g)
    length = np.linalg.norm(g, axis=1, keepdims=True)
    a2 = (a * a).sum(axis=1, keepdims=True)
    b2 = (b * b).sum(axis=1, keepdims=True)
    sine = (np.cross(b, a) * g).sum(axis=1) / length[:, 0]
    value = np.arctan2(sine, (a * b).sum(axis=1))
    first = -length / a2 * a
    last = length / b2 * b
    tilt = (f * g).sum(axis=1, keepdims=True) / (a2 * length) * a
    turn = (h * g).sum(axis=1, keepdims=True) / (b2 * length) * b
    return value, np.stack([first, -first + tilt - turn, -tilt + turn - last, last], axis=1)


def _nonbonded(force: Any, coord: FloatArray) -> Iterator[PairBlocks]:
    """All pairs within the cutoff but the exceptions, and the exceptions by their own parameters."""
    import openmm
    from openmm import unit
    from scipy.spatial import cKDTree

    count = force.getNumParticles()
    rows = [force.getParticleParameters(index) for index in range(count)]
    charge = np.array([row[0].value_in_unit(unit.elementary_charge) for row in rows])
    sigma = np.array([row[1].value_in_unit(unit.angstrom) for row in rows])
    well = np.array([row[2].value_in_unit(unit.kilocalorie_per_mole) for row in rows])
    limited = force.getNonbondedMethod() != openmm.NonbondedForce.NoCutoff
    cutoff = force.getCutoffDistance().value_in_unit(unit.angstrom) if limited else np.inf
    if limited:
        pairs = cKDTree(coord).query_pairs(cutoff, output_type="ndarray").astype(np.intp)
    else:
        pairs = np.stack(np.triu_indices(count, 1), axis=1)
    special = _exceptions(force)
    codes = np.minimum(special[0], special[1]) * count + np.maximum(special[0], special[1])
    pairs = pairs[~np.isin(pairs[:, 0] * count + pairs[:, 1], codes)]
    first, second = pairs.T
    distance = np.linalg.norm(coord[first] - coord[second], axis=1)
    mixed = 0.5 * (sigma[first] + sigma[second]), np.sqrt(well[first] * well[second])
    switch = (
        force.getSwitchingDistance().value_in_unit(unit.angstrom) if force.getUseSwitchingFunction() else None
    )
    dielectric = force.getReactionFieldDielectric()
    field = (dielectric - 1) / (2 * dielectric + 1) / cutoff**3 if limited else 0.0
    slope, curvature = _lennard_jones(distance, *mixed, switch, cutoff)
    product = _COULOMB * charge[first] * charge[second]
    slope += product * (2 * field * distance - distance**-2)
    curvature += product * (2 * field + 2 * distance**-3)
    for start in range(0, len(first), _CHUNK):
        part = slice(start, start + _CHUNK)
        yield pair_hessian(coord, first[part], second[part], slope[part], curvature[part])
    yield _exception_hessian(special, coord)


def _exceptions(force: Any) -> tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]:
    from openmm import unit

    rows = [force.getExceptionParameters(index) for index in range(force.getNumExceptions())]
    return (
        np.array([row[0] for row in rows], dtype=np.intp),
        np.array([row[1] for row in rows], dtype=np.intp),
        np.array([row[2].value_in_unit(unit.elementary_charge**2) for row in rows]),
        np.array([row[3].value_in_unit(unit.angstrom) for row in rows]),
        np.array([row[4].value_in_unit(unit.kilocalorie_per_mole) for row in rows]),
    )


def _exception_hessian(
    special: tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray], coord: FloatArray
) -> PairBlocks:
    first, second, product, sigma, well = special
    distance = np.linalg.norm(coord[first] - coord[second], axis=1)
    slope, curvature = _lennard_jones(distance, sigma, well, None, np.inf)
    slope += -_COULOMB * product * distance**-2
    curvature += 2 * _COULOMB * product * distance**-3
    return pair_hessian(coord, first, second, slope, curvature)


def _lennard_jones(
    distance: FloatArray, sigma: FloatArray, well: FloatArray, switch: float | None, cutoff: float
) -> tuple[FloatArray, FloatArray]:
    """First and second derivative of 4 eps ((s/r)^12 - (s/r)^6), with OpenMM's quintic switch where given."""
    sixth = (sigma / distance) ** 6
    energy = 4 * well * (sixth**2 - sixth)
    slope = 4 * well * (-12 * sixth**2 + 6 * sixth) / distance
    curvature = 4 * well * (156 * sixth**2 - 42 * sixth) / distance**2
    if switch is None:
        return slope, curvature
    width = cutoff - switch
    x = np.clip((distance - switch) / width, 0.0, 1.0)
    value = 1 - 10 * x**3 + 15 * x**4 - 6 * x**5
    first = (-30 * x**2 + 60 * x**3 - 30 * x**4) / width
    second = (-60 * x + 180 * x**2 - 120 * x**3) / width**2
    return (
        first * energy + value * slope,
        second * energy + 2 * first * slope + value * curvature,
    )
