"""Minimising poses over translation, rotation and torsions (BFGS), compiled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.fields.arrays import Floats, ScoreArrays, TreeArrays
from kinscope.docking.fields.kernels import compiled, score_one

_ARMIJO = 1e-4
_MAX_STEP = 0.5
"""Longest step in any one degree of freedom: angstrom or radian."""
_SHORTER, _TRIES = 0.4, 8
_FIRST_PLACE, _FIRST_TURN, _FIRST_TORSION = 0.05, 0.003, 0.02
"""First guess of the inverse Hessian's diagonal; a rotation moves far atoms most, so it starts smaller."""


@compiled
def _rotation(x: float, y: float, z: float, matrix: Floats) -> None:
    """The matrix of a rotation vector in radians, written (Rodrigues)."""
    angle = math.sqrt(x * x + y * y + z * z)
    if angle > 1e-12:
        x, y, z = x / angle, y / angle, z / angle
    sine, cosine = math.sin(angle), math.cos(angle)
    rest = 1.0 - cosine
    matrix[0, 0], matrix[1, 1] = cosine + rest * x * x, cosine + rest * y * y
    matrix[2, 2] = cosine + rest * z * z
    matrix[0, 1], matrix[1, 0] = rest * x * y - sine * z, rest * x * y + sine * z
    matrix[0, 2], matrix[2, 0] = rest * x * z + sine * y, rest * x * z - sine * y
    matrix[1, 2], matrix[2, 1] = rest * y * z - sine * x, rest * y * z + sine * x


@compiled
def _turn(pose: Floats, atom: int, matrix: Floats, ox: float, oy: float, oz: float) -> None:
    """Turn an atom of a pose about a point."""
    x, y, z = pose[atom, 0] - ox, pose[atom, 1] - oy, pose[atom, 2] - oz
    pose[atom, 0] = ox + matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z
    pose[atom, 1] = oy + matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z
    pose[atom, 2] = oz + matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z


@compiled
def _centroid(pose: Floats, out: Floats) -> None:
    out[:] = 0.0
    for atom in range(pose.shape[0]):
        for axis in range(3):
            out[axis] += pose[atom, axis] / pose.shape[0]


@compiled
def move_one(tree: TreeArrays, pose: Floats, step: Floats, moved: Floats) -> None:
    """A pose (n_atoms, 3) after a step (degrees,): torsions, rotation about the old centroid, translation."""
    moved[:, :] = pose
    center, matrix = np.empty(3), np.empty((3, 3))
    _centroid(pose, center)
    for bond in range(tree.first.shape[0]):
        if step[6 + bond] == 0.0:
            continue
        i, j = tree.first[bond], tree.second[bond]
        ox, oy, oz = moved[j, 0], moved[j, 1], moved[j, 2]
        ax, ay, az = ox - moved[i, 0], oy - moved[i, 1], oz - moved[i, 2]
        scale = step[6 + bond] / math.sqrt(ax * ax + ay * ay + az * az)
        _rotation(scale * ax, scale * ay, scale * az, matrix)
        for place in range(tree.begin[bond], tree.begin[bond + 1]):
            _turn(moved, tree.moving[place], matrix, ox, oy, oz)
    _rotation(step[3], step[4], step[5], matrix)
    for atom in range(pose.shape[0]):
        _turn(moved, atom, matrix, center[0], center[1], center[2])
        for k in range(3):
            moved[atom, k] += step[k]


@compiled
def move_many(tree: TreeArrays, poses: Floats, steps: Floats, moved: Floats) -> None:
    """Each pose (n_poses, n_atoms, 3) after its step (n_poses, degrees), written."""
    for row in range(poses.shape[0]):
        move_one(tree, poses[row], steps[row], moved[row])


@compiled
def generalised(tree: TreeArrays, pose: Floats, gradient: Floats, out: Floats) -> None:
    """Gradient (degrees,) of a Cartesian one (n_atoms, 3): translation, turning, torsions."""
    center = np.empty(3)
    _centroid(pose, center)
    out[:] = 0.0
    for atom in range(pose.shape[0]):
        x, y, z = pose[atom, 0] - center[0], pose[atom, 1] - center[1], pose[atom, 2] - center[2]
        gx, gy, gz = gradient[atom, 0], gradient[atom, 1], gradient[atom, 2]
        out[0] += gx
        out[1] += gy
        out[2] += gz
        out[3] += y * gz - z * gy
        out[4] += z * gx - x * gz
        out[5] += x * gy - y * gx
    for bond in range(tree.first.shape[0]):
        i, j = tree.first[bond], tree.second[bond]
        ax, ay, az = pose[j, 0] - pose[i, 0], pose[j, 1] - pose[i, 1], pose[j, 2] - pose[i, 2]
        length = math.sqrt(ax * ax + ay * ay + az * az)
        torque = 0.0
        for place in range(tree.begin[bond], tree.begin[bond + 1]):
            atom = tree.moving[place]
            x, y, z = pose[atom, 0] - pose[j, 0], pose[atom, 1] - pose[j, 1], pose[atom, 2] - pose[j, 2]
            gx, gy, gz = gradient[atom, 0], gradient[atom, 1], gradient[atom, 2]
            torque += ax * (y * gz - z * gy) + ay * (z * gx - x * gz) + az * (x * gy - y * gx)
        out[6 + bond] = torque / length


@compiled
def _reset(inverse: Floats) -> None:
    inverse[:, :] = 0.0
    for row in range(inverse.shape[0]):
        inverse[row, row] = _FIRST_PLACE if row < 3 else _FIRST_TURN if row < 6 else _FIRST_TORSION


@compiled
def _direction(inverse: Floats, slopes: Floats, step: Floats) -> float:
    """The quasi-Newton step, none longer than allowed; returns its slope, which is negative."""
    for _ in range(2):
        slope = 0.0
        for row in range(step.shape[0]):
            step[row] = 0.0
            for column in range(step.shape[0]):
                step[row] -= inverse[row, column] * slopes[column]
            slope += step[row] * slopes[row]
        if slope < 0.0:
            break
        _reset(inverse)
    longest = 1e-12
    for row in range(step.shape[0]):
        longest = max(longest, abs(step[row]))
    scale = min(1.0, _MAX_STEP / longest)
    for row in range(step.shape[0]):
        step[row] *= scale
    return slope * scale


@compiled
def _update(inverse: Floats, step: Floats, change: Floats, product: Floats) -> None:
    """The BFGS update of an inverse Hessian; none where curvature is not positive."""
    size = step.shape[0]
    curvature, quadratic = 0.0, 0.0
    for row in range(size):
        curvature += step[row] * change[row]
        product[row] = 0.0
        for column in range(size):
            product[row] += inverse[row, column] * change[column]
        quadratic += change[row] * product[row]
    if curvature <= 1e-10:
        return
    rho = 1.0 / curvature
    for row in range(size):
        for column in range(size):
            inverse[row, column] += rho * (
                (1.0 + rho * quadratic) * step[row] * step[column]
                - step[row] * product[column]
                - product[row] * step[column]
            )


@compiled
def minimise_one(
    score: ScoreArrays, tree: TreeArrays, pose: Floats, iterations: int, tolerance: float
) -> float:
    """Move a pose (n_atoms, 3), in place, to the local minimum near it; returns its energy."""
    degrees = 6 + tree.first.shape[0]
    gradient, trial = np.empty_like(pose), np.empty_like(pose)
    slopes, new_slopes, step = np.empty(degrees), np.empty(degrees), np.empty(degrees)
    taken, product = np.empty(degrees), np.empty(degrees)
    inverse = np.empty((degrees, degrees))
    _reset(inverse)
    energy = score_one(score, pose, gradient)
    generalised(tree, pose, gradient, slopes)
    for _ in range(iterations):
        slope = _direction(inverse, slopes, step)
        length, found = 1.0, False
        for _try in range(_TRIES):
            for row in range(degrees):
                taken[row] = length * step[row]
            move_one(tree, pose, taken, trial)
            trial_energy = score_one(score, trial, gradient)
            if trial_energy <= energy + _ARMIJO * length * slope:
                found = True
                break
            length *= _SHORTER
        if not found:
            break
        generalised(tree, trial, gradient, new_slopes)
        gain = energy - trial_energy
        pose[:, :] = trial
        energy = trial_energy
        for row in range(degrees):
            slopes[row] = new_slopes[row] - slopes[row]
        _update(inverse, taken, slopes, product)
        slopes[:] = new_slopes
        if gain <= tolerance:
            break
    return energy


@compiled
def minimise_many(
    score: ScoreArrays, tree: TreeArrays, poses: Floats, energies: Floats, iterations: int, tolerance: float
) -> None:
    """Minimise poses (n_poses, n_atoms, 3) in place and write their energies (n_poses,)."""
    for row in range(poses.shape[0]):
        energies[row] = minimise_one(score, tree, poses[row], iterations, tolerance)


@dataclass(frozen=True)
class Torsion:
    """A rotatable bond over the indices of the poses that are minimised."""

    first: int
    second: int
    moving: NDArray[np.intp]


@dataclass(frozen=True)
class Mobility:
    """How a ligand may move: as a whole, and about its rotatable bonds, deepest first.

    Deepest first, because a bond's turning moves only what lies beyond it: every other axis stays where the
    gradient saw it.
    """

    torsions: tuple[Torsion, ...]

    @property
    def degrees(self) -> int:
        """Number of degrees of freedom."""
        return 6 + len(self.torsions)

    @cached_property
    def tree(self) -> TreeArrays:
        """The same as arrays."""
        moving = [np.asarray(torsion.moving, dtype=np.int64) for torsion in self.torsions]
        return TreeArrays(
            np.array([torsion.first for torsion in self.torsions], dtype=np.int64),
            np.array([torsion.second for torsion in self.torsions], dtype=np.int64),
            np.concatenate([np.zeros(0, dtype=np.int64), *moving]),
            np.cumsum([0, *map(len, moving)], dtype=np.int64),
        )

    def move(self, poses: Floats, step: Floats) -> Floats:
        """Poses (n, n_atoms, 3) after a step (n, degrees): torsions, turning about its centroid, shift."""
        moved = np.empty(poses.shape)
        move_many(self.tree, np.ascontiguousarray(poses, dtype=np.float64), step, moved)
        return moved


def minimise(
    score: ScoreArrays, mobility: Mobility, poses: Floats, *, iterations: int = 60, tolerance: float = 1e-3
) -> tuple[Floats, Floats]:
    """Local minima near poses (n, n_atoms, 3): their coordinates and energies (n,).

    BFGS with backtracking (Nocedal & Wright, Numerical Optimization, 2006, ch. 3 and 6), every pose with
    its own inverse Hessian. A pose is done when an accepted step gains less than ``tolerance`` kcal/mol, or
    none does.
    """
    moved = np.array(poses, dtype=np.float64, order="C")
    energies = np.zeros(len(moved))
    minimise_many(score, mobility.tree, moved, energies, iterations, tolerance)
    return moved, energies
