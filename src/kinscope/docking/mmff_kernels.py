"""The sum of MMFF94's terms and its minimisation in a receptor's field, compiled."""

from __future__ import annotations

import math

import numpy as np

from kinscope.docking.kernels import compiled, cross, dihedral, dot, score_one
from kinscope.docking.mmff import MmffArrays
from kinscope.docking.tables import Floats, Integers, ScoreArrays

_DEGREES = 180.0 / math.pi
_STRETCH = 143.9325
"""kcal/mol per mdyn angstrom."""
_BEND = 0.043844
"""The same per square degree."""
_STRETCH_BEND = 2.51210
_CUBIC_STRETCH, _CUBIC_BEND = -2.0, -0.006981317
_BUFFER, _BUFFER_7, _BUFFER_CHARGE = 0.07, 0.12, 0.05
_MEMORY = 8
"""Pairs of steps and changes that L-BFGS remembers."""
_ARMIJO, _SHORTER, _TRIES = 1e-4, 0.35, 12
_LONGEST_STEP_ANGSTROM = 0.3
_FLAT = 1e-3
"""Largest force at which a minimum is reached, kcal/mol/angstrom."""


@compiled
def _bend(x: Floats, i: int, j: int, k: int, to_i: Floats, to_k: Floats) -> float:
    """The angle i-j-k in radians and its derivatives by the places of i and k."""
    a, b = np.empty(3), np.empty(3)
    for axis in range(3):
        a[axis] = x[i, axis] - x[j, axis]
        b[axis] = x[k, axis] - x[j, axis]
    la, lb = math.sqrt(dot(a, a)), math.sqrt(dot(b, b))
    cosine = min(1.0, max(-1.0, dot(a, b) / (la * lb)))
    sine = max(math.sqrt(1.0 - cosine * cosine), 1e-8)
    for axis in range(3):
        to_i[axis] = (cosine * a[axis] / la - b[axis] / lb) / (la * sine)
        to_k[axis] = (cosine * b[axis] / lb - a[axis] / la) / (lb * sine)
    return math.acos(cosine)


@compiled
def _stretch(x: Floats, i: int, j: int, along: Floats) -> float:
    """The distance of two atoms and the unit vector from the second to the first."""
    for axis in range(3):
        along[axis] = x[i, axis] - x[j, axis]
    length = math.sqrt(dot(along, along))
    for axis in range(3):
        along[axis] /= length
    return length


@compiled
def _bonds(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    energy = 0.0
    along = np.empty(3)
    for row in range(mmff.bonds.shape[0]):
        i, j = mmff.bonds[row, 0], mmff.bonds[row, 1]
        away = _stretch(x, i, j, along) - mmff.bond[row, 1]
        half = 0.5 * _STRETCH * mmff.bond[row, 0]
        cubic, quartic = _CUBIC_STRETCH, 7.0 / 12.0 * _CUBIC_STRETCH**2
        energy += half * away**2 * (1.0 + cubic * away + quartic * away**2)
        slope = half * away * (2.0 + 3.0 * cubic * away + 4.0 * quartic * away**2)
        for axis in range(3):
            g[i, axis] += slope * along[axis]
            g[j, axis] -= slope * along[axis]
    return energy


@compiled
def _angles(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    energy = 0.0
    to_i, to_k = np.empty(3), np.empty(3)
    for row in range(mmff.angles.shape[0]):
        i, j, k = mmff.angles[row, 0], mmff.angles[row, 1], mmff.angles[row, 2]
        angle = _bend(x, i, j, k, to_i, to_k)
        constant = mmff.angle[row, 0]
        if mmff.angle[row, 2] > 0.5:
            energy += _STRETCH * constant * (1.0 + math.cos(angle))
            slope = -_STRETCH * constant * math.sin(angle)
        else:
            away = angle * _DEGREES - mmff.angle[row, 1]
            energy += 0.5 * _BEND * constant * away**2 * (1.0 + _CUBIC_BEND * away)
            slope = 0.5 * _BEND * constant * away * (2.0 + 3.0 * _CUBIC_BEND * away) * _DEGREES
        for axis in range(3):
            g[i, axis] += slope * to_i[axis]
            g[k, axis] += slope * to_k[axis]
            g[j, axis] -= slope * (to_i[axis] + to_k[axis])
    return energy


@compiled
def _stretch_bends(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    energy = 0.0
    to_i, to_k, along_i, along_k = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    for row in range(mmff.stretch_bends.shape[0]):
        i, j, k = mmff.stretch_bends[row, 0], mmff.stretch_bends[row, 1], mmff.stretch_bends[row, 2]
        p = mmff.stretch_bend[row]
        away = _bend(x, i, j, k, to_i, to_k) * _DEGREES - p[4]
        longer_i = _stretch(x, i, j, along_i) - p[2]
        longer_k = _stretch(x, k, j, along_k) - p[3]
        both = _STRETCH_BEND * (p[0] * longer_i + p[1] * longer_k)
        energy += both * away
        slope = both * _DEGREES
        for axis in range(3):
            on_i = slope * to_i[axis] + _STRETCH_BEND * away * p[0] * along_i[axis]
            on_k = slope * to_k[axis] + _STRETCH_BEND * away * p[1] * along_k[axis]
            g[i, axis] += on_i
            g[k, axis] += on_k
            g[j, axis] -= on_i + on_k
    return energy


@compiled
def _planes(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    """Wilson angles: how far an atom stands out of the plane of its centre and the two others."""
    energy = 0.0
    a, b, c = np.empty(3), np.empty(3), np.empty(3)
    n, bc, ca, bn, na = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    for row in range(mmff.planes.shape[0]):
        i, j = mmff.planes[row, 0], mmff.planes[row, 1]
        k, m = mmff.planes[row, 2], mmff.planes[row, 3]
        for axis in range(3):
            a[axis] = x[i, axis] - x[j, axis]
            b[axis] = x[k, axis] - x[j, axis]
            c[axis] = x[m, axis] - x[j, axis]
        cross(a, b, n)
        square, length = max(dot(n, n), 1e-12), math.sqrt(dot(c, c))
        both = math.sqrt(square) * length
        sine = min(1.0, max(-1.0, dot(n, c) / both))
        angle = math.asin(sine) * _DEGREES
        energy += 0.5 * _BEND * mmff.plane[row, 0] * angle**2
        cosine = max(math.sqrt(1.0 - sine * sine), 1e-6)
        slope = _BEND * mmff.plane[row, 0] * angle * _DEGREES / cosine
        cross(b, c, bc)
        cross(c, a, ca)
        cross(b, n, bn)
        cross(n, a, na)
        for axis in range(3):
            on_i = slope * (bc[axis] / both - sine * bn[axis] / square)
            on_k = slope * (ca[axis] / both - sine * na[axis] / square)
            on_m = slope * (n[axis] / both - sine * c[axis] / length**2)
            g[i, axis] += on_i
            g[k, axis] += on_k
            g[m, axis] += on_m
            g[j, axis] -= on_i + on_k + on_m
    return energy


@compiled
def _torsions(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    energy = 0.0
    derivative = np.empty((4, 3))
    for row in range(mmff.torsions.shape[0]):
        quartet = mmff.torsions[row]
        angle = dihedral(x, quartet, derivative)
        v1, v2, v3 = mmff.torsion[row, 0], mmff.torsion[row, 1], mmff.torsion[row, 2]
        energy += 0.5 * v1 * (1.0 + math.cos(angle)) + 0.5 * v2 * (1.0 - math.cos(2.0 * angle))
        energy += 0.5 * v3 * (1.0 + math.cos(3.0 * angle))
        slope = -0.5 * v1 * math.sin(angle) + v2 * math.sin(2.0 * angle) - 1.5 * v3 * math.sin(3.0 * angle)
        for place in range(4):
            for axis in range(3):
                g[quartet[place], axis] += slope * derivative[place, axis]
    return energy


@compiled
def _pairs(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    """Buffered 14-7 and buffered charges."""
    energy = 0.0
    along = np.empty(3)
    for row in range(mmff.pairs.shape[0]):
        i, j = mmff.pairs[row, 0], mmff.pairs[row, 1]
        for axis in range(3):
            along[axis] = x[i, axis] - x[j, axis]
        distance = max(math.sqrt(dot(along, along)), 1e-3)
        depth, charge = mmff.pair[row, 1], mmff.pair[row, 2]
        q = distance / mmff.pair[row, 0]
        q2 = q * q
        q6 = q2 * q2 * q2
        q7 = q6 * q
        near = (1.0 + _BUFFER) / (q + _BUFFER)
        near2 = near * near
        near7 = near2 * near2 * near2 * near
        far = (1.0 + _BUFFER_7) / (q7 + _BUFFER_7)
        energy += depth * near7 * (far - 2.0) + charge / (distance + _BUFFER_CHARGE)
        slope = -7.0 * near7 * (far - 2.0) / (q + _BUFFER) - near7 * far * 7.0 * q6 / (q7 + _BUFFER_7)
        slope *= depth / mmff.pair[row, 0]
        slope -= charge / (distance + _BUFFER_CHARGE) ** 2
        for axis in range(3):
            g[i, axis] += slope * along[axis] / distance
            g[j, axis] -= slope * along[axis] / distance
    return energy


@compiled
def mmff_energy(mmff: MmffArrays, x: Floats, g: Floats) -> float:
    """MMFF94 of all atoms (n_atoms, 3); writes its gradient."""
    g[:, :] = 0.0
    energy = _bonds(mmff, x, g) + _angles(mmff, x, g) + _stretch_bends(mmff, x, g)
    return energy + _planes(mmff, x, g) + _torsions(mmff, x, g) + _pairs(mmff, x, g)


@compiled
def _both(
    mmff: MmffArrays, weight: float, score: ScoreArrays, heavy: Integers, x: Floats, g: Floats,
    pose: Floats, pull: Floats,
) -> float:  # fmt: skip
    """Weighted MMFF94 of all atoms and a score of the heavy ones; writes the gradient."""
    energy = weight * mmff_energy(mmff, x, g)
    for atom in range(x.shape[0]):
        for axis in range(3):
            g[atom, axis] *= weight
    if heavy.shape[0] > 0:
        for place in range(heavy.shape[0]):
            for axis in range(3):
                pose[place, axis] = x[heavy[place], axis]
        energy += score_one(score, pose, pull)
        for place in range(heavy.shape[0]):
            for axis in range(3):
                g[heavy[place], axis] += pull[place, axis]
    return energy


@compiled
def _lbfgs_step(
    g: Floats, steps: Floats, changes: Floats, rho: Floats, stored: int, newest: int, out: Floats
) -> None:
    """The two-loop recursion over flat arrays (Nocedal & Wright 2006, algorithm 7.4)."""
    size = g.shape[0]
    alpha = np.empty(_MEMORY)
    out[:] = -g
    for back in range(stored):
        row = (newest - back) % _MEMORY
        alpha[row] = 0.0
        for n in range(size):
            alpha[row] += steps[row, n] * out[n]
        alpha[row] *= rho[row]
        for n in range(size):
            out[n] -= alpha[row] * changes[row, n]
    scale = 1e-3
    if stored > 0:
        square = 0.0
        for n in range(size):
            square += changes[newest, n] ** 2
        scale = 1.0 / (rho[newest] * square)
    for n in range(size):
        out[n] *= scale
    for back in range(stored - 1, -1, -1):
        row = (newest - back) % _MEMORY
        beta = 0.0
        for n in range(size):
            beta += changes[row, n] * out[n]
        beta *= rho[row]
        for n in range(size):
            out[n] += (alpha[row] - beta) * steps[row, n]


@compiled
def _shortened(step: Floats, g: Floats) -> float:
    """Keeps a step short, turns it down the gradient where it points up; returns its slope."""
    slope, longest = 0.0, 0.0
    for n in range(step.shape[0]):
        slope += step[n] * g[n]
    if slope >= 0.0:
        slope = 0.0
        for n in range(step.shape[0]):
            step[n] = -1e-3 * g[n]
            slope += step[n] * g[n]
    for n in range(step.shape[0]):
        longest = max(longest, abs(step[n]))
    if longest > _LONGEST_STEP_ANGSTROM:
        for n in range(step.shape[0]):
            step[n] *= _LONGEST_STEP_ANGSTROM / longest
        slope *= _LONGEST_STEP_ANGSTROM / longest
    return slope


@compiled
def relax_one(
    mmff: MmffArrays, weight: float, score: ScoreArrays, heavy: Integers, x: Floats, iterations: int
) -> float:
    """Move all atoms (n_atoms, 3), in place, towards the minimum of the sum, which is returned (L-BFGS)."""
    size = x.size
    g, trial, trial_g = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    pose, pull = np.empty((heavy.shape[0], 3)), np.empty((heavy.shape[0], 3))
    steps, changes, rho = np.zeros((_MEMORY, size)), np.zeros((_MEMORY, size)), np.zeros(_MEMORY)
    step = np.empty(size)
    stored, newest = 0, -1
    energy = _both(mmff, weight, score, heavy, x, g, pose, pull)
    for _ in range(iterations):
        if np.abs(g).max() < _FLAT:
            break
        _lbfgs_step(g.reshape(size), steps, changes, rho, stored, newest, step)
        slope = _shortened(step, g.reshape(size))
        length, found = 1.0, False
        for _try in range(_TRIES):
            for atom in range(x.shape[0]):
                for axis in range(3):
                    trial[atom, axis] = x[atom, axis] + length * step[3 * atom + axis]
            trial_energy = _both(mmff, weight, score, heavy, trial, trial_g, pose, pull)
            if trial_energy <= energy + _ARMIJO * length * slope:
                found = True
                break
            length *= _SHORTER
        if not found:
            if stored == 0:
                break
            stored, newest = 0, -1
            continue
        place = (newest + 1) % _MEMORY
        product = 0.0
        for atom in range(x.shape[0]):
            for axis in range(3):
                n = 3 * atom + axis
                steps[place, n] = trial[atom, axis] - x[atom, axis]
                changes[place, n] = trial_g[atom, axis] - g[atom, axis]
                product += steps[place, n] * changes[place, n]
        if product > 1e-10:
            rho[place] = 1.0 / product
            newest, stored = place, min(stored + 1, _MEMORY)
        x[:, :] = trial
        g[:, :] = trial_g
        energy = trial_energy
    return energy


@compiled
def relax_many(
    mmff: MmffArrays, weight: float, score: ScoreArrays, heavy: Integers, poses: Floats, iterations: int,
    strains: Floats,
) -> None:  # fmt: skip
    """Relax poses (n_poses, n_atoms, 3) in place and write their unweighted MMFF94 energies (n_poses,)."""
    g = np.empty_like(poses[0])
    for row in range(poses.shape[0]):
        relax_one(mmff, weight, score, heavy, poses[row], iterations)
        strains[row] = mmff_energy(mmff, poses[row], g)
