"""Minimising many poses at once over translation, rotation and torsions (batched BFGS)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], tuple[Floats, Floats]]
"""Energies (n,) and gradients (n, n_atoms, 3) of poses (n, n_atoms, 3)."""

_ARMIJO = 1e-4
_MAX_STEP = 0.5
"""Longest step in any one degree of freedom: angstrom or radian."""


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

    def generalised(self, poses: Floats, gradient: Floats) -> Floats:
        """Gradient (n, degrees) of Cartesian ones: translation, rotation about the centroid, torsions."""
        torque = cross(poses, gradient)
        force = gradient.sum(axis=1)
        turning = torque.sum(axis=1) - cross(poses.mean(axis=1), force)
        if not self.torsions:
            return np.concatenate([force, turning], axis=1)
        # About a bond, the atoms beyond it feel their torques less that of their summed force at its end.
        members = self._members(poses.shape[1])
        origin = poses[:, self._ends[1]]
        axis = origin - poses[:, self._ends[0]]
        axis /= np.sqrt((axis * axis).sum(axis=2, keepdims=True))
        beyond = np.matmul(members, torque) - cross(origin, np.matmul(members, gradient))
        return np.concatenate([force, turning, (axis * beyond).sum(axis=2)], axis=1)

    def _members(self, n_atoms: int) -> Floats:
        """Which atoms turn with each bond, shape (n_torsions, n_atoms), as zeros and ones."""
        members = np.zeros((len(self.torsions), n_atoms))
        for row, torsion in enumerate(self.torsions):
            members[row, torsion.moving] = 1.0
        return members

    @property
    def _ends(self) -> tuple[list[int], list[int]]:
        return [t.first for t in self.torsions], [t.second for t in self.torsions]

    def move(self, poses: Floats, step: Floats) -> Floats:
        """Poses after a step (n, degrees): torsions, rotation about the old centroid, translation."""
        center = poses.mean(axis=1, keepdims=True)
        moved = poses.copy()
        for column, torsion in enumerate(self.torsions):
            origin = moved[:, torsion.second]
            axis = origin - moved[:, torsion.first]
            axis *= (step[:, 6 + column] / np.sqrt((axis * axis).sum(axis=1)))[:, None]
            turned = rotate(moved[:, torsion.moving] - origin[:, None], axis)
            moved[:, torsion.moving] = turned + origin[:, None]
        rigid: Floats = rotate(moved - center, step[:, 3:6]) + center + step[:, None, :3]
        return rigid


def cross(first: Floats, second: Floats) -> Floats:
    """Cross products over the last axis; ``numpy.cross`` spends most of its time on axes."""
    out = np.empty(np.broadcast_shapes(first.shape, second.shape))
    out[..., 0] = first[..., 1] * second[..., 2] - first[..., 2] * second[..., 1]
    out[..., 1] = first[..., 2] * second[..., 0] - first[..., 0] * second[..., 2]
    out[..., 2] = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    return out


def rotate(points: Floats, vectors: Floats) -> Floats:
    """Points (n, m, 3) turned by rotation vectors (n, 3) in radians (Rodrigues)."""
    angle = np.sqrt((vectors * vectors).sum(axis=1))
    x, y, z = (vectors / np.where(angle < 1e-12, 1.0, angle)[:, None]).T
    sine, cosine = np.sin(angle), np.cos(angle)
    rest = 1.0 - cosine
    # Rows act on row vectors from the right, so this is the transpose of the usual matrix.
    matrix = np.empty((len(vectors), 3, 3))
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 2, 2] = (cosine + rest * value * value for value in (x, y, z))
    matrix[:, 1, 0], matrix[:, 0, 1] = rest * x * y - sine * z, rest * x * y + sine * z
    matrix[:, 2, 0], matrix[:, 0, 2] = rest * x * z + sine * y, rest * x * z - sine * y
    matrix[:, 2, 1], matrix[:, 1, 2] = rest * y * z - sine * x, rest * y * z + sine * x
    turned: Floats = np.matmul(points, matrix)
    return turned


def minimise(
    function: Function, mobility: Mobility, poses: Floats, *, iterations: int = 60, tolerance: float = 1e-3
) -> tuple[Floats, Floats]:
    """Local minima near poses (n, n_atoms, 3): their coordinates and energies (n,).

    BFGS with backtracking (Nocedal & Wright, Numerical Optimization, 2006, ch. 3 and 6), every pose with
    its own inverse Hessian. A pose is done when an accepted step gains less than ``tolerance`` kcal/mol, or
    none does.
    """
    poses = poses.copy()
    energies, cartesian = function(poses)
    gradients = mobility.generalised(poses, cartesian)
    inverse = np.repeat(_first_metric(mobility.degrees)[None], len(poses), axis=0)
    active = np.arange(len(poses))
    for _ in range(iterations):
        if not len(active):
            break
        step = -np.matmul(inverse[active], gradients[active][:, :, None])[:, :, 0]
        downhill = (step * gradients[active]).sum(axis=1) < 0
        step[~downhill] = -gradients[active][~downhill] @ _first_metric(mobility.degrees)
        inverse[active[~downhill]] = _first_metric(mobility.degrees)
        step *= np.minimum(1.0, _MAX_STEP / np.maximum(np.abs(step).max(axis=1), 1e-12))[:, None]
        taken, new_poses, new_energies, new_gradients = _line_search(
            function, mobility, poses[active], energies[active], gradients[active], step
        )
        gain = energies[active] - new_energies
        change = new_gradients - gradients[active]
        inverse[active] = _updated(inverse[active], taken, change)
        poses[active], energies[active], gradients[active] = new_poses, new_energies, new_gradients
        active = active[gain > tolerance]
    return poses, energies


def _first_metric(degrees: int) -> Floats:
    """A first guess of the inverse Hessian; a rotation moves far atoms most, so it starts smaller."""
    scale = np.full(degrees, 0.02)
    scale[:3] = 0.05
    scale[3:6] = 0.003
    return np.diag(scale)


def _line_search(
    function: Function, mobility: Mobility, poses: Floats, energies: Floats, gradients: Floats, step: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Halve each pose's step until it gains enough; a pose that never does stays, with a step of zero."""
    length = np.ones(len(poses))
    slope = (step * gradients).sum(axis=1)
    taken = np.zeros_like(step)
    out_poses, out_energies, out_gradients = poses.copy(), energies.copy(), gradients.copy()
    trying = np.arange(len(poses))
    for _ in range(8):
        trial_step = step[trying] * length[trying, None]
        trial = mobility.move(poses[trying], trial_step)
        trial_energies, cartesian = function(trial)
        good = trial_energies <= energies[trying] + _ARMIJO * length[trying] * slope[trying]
        where = trying[good]
        if len(where):
            taken[where] = trial_step[good]
            out_poses[where], out_energies[where] = trial[good], trial_energies[good]
            out_gradients[where] = mobility.generalised(trial[good], cartesian[good])
        trying = trying[~good]
        if not len(trying):
            break
        length[trying] *= 0.4
    return taken, out_poses, out_energies, out_gradients


def _updated(inverse: Floats, step: Floats, change: Floats) -> Floats:
    """The BFGS update of inverse Hessians (n, d, d); left alone where curvature is not positive."""
    curvature = (step * change).sum(axis=1)
    usable = curvature > 1e-10
    rho = np.where(usable, 1.0 / np.where(usable, curvature, 1.0), 0.0)
    product = np.matmul(inverse, change[:, :, None])[:, :, 0]
    quadratic = (change * product).sum(axis=1)
    outer_ss = step[:, :, None] * step[:, None, :]
    outer_sp = step[:, :, None] * product[:, None, :]
    update = outer_ss * (rho * (1.0 + rho * quadratic))[:, None, None]
    update -= (outer_sp + outer_sp.transpose(0, 2, 1)) * rho[:, None, None]
    updated: Floats = inverse + update
    return updated
