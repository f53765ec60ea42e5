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
        center = poses.mean(axis=1, keepdims=True)
        parts = [gradient.sum(axis=1), np.cross(poses - center, gradient).sum(axis=1)]
        for torsion in self.torsions:
            axis = poses[:, torsion.second] - poses[:, torsion.first]
            axis /= np.linalg.norm(axis, axis=1, keepdims=True)
            arm = poses[:, torsion.moving] - poses[:, torsion.second][:, None]
            turn = np.cross(arm, gradient[:, torsion.moving]).sum(axis=1)
            parts.append((axis * turn).sum(axis=1, keepdims=True))
        return np.concatenate(parts, axis=1)

    def move(self, poses: Floats, step: Floats) -> Floats:
        """Poses after a step (n, degrees): torsions, rotation about the old centroid, translation."""
        center = poses.mean(axis=1, keepdims=True)
        moved = poses.copy()
        for column, torsion in enumerate(self.torsions):
            origin = moved[:, torsion.second][:, None]
            axis = moved[:, torsion.second] - moved[:, torsion.first]
            axis /= np.linalg.norm(axis, axis=1, keepdims=True)
            turned = rotate(moved[:, torsion.moving] - origin, axis * step[:, 6 + column, None])
            moved[:, torsion.moving] = turned + origin
        rigid: Floats = rotate(moved - center, step[:, 3:6]) + center + step[:, None, :3]
        return rigid


def rotate(points: Floats, vectors: Floats) -> Floats:
    """Points (n, m, 3) turned by rotation vectors (n, 3) in radians (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    axis = vectors[:, None, :] / np.where(angle < 1e-12, 1.0, angle)
    along = (points * axis).sum(axis=2, keepdims=True) * axis
    turned: Floats = points * np.cos(angle) + np.cross(axis, points) * np.sin(angle)
    turned += along * (1.0 - np.cos(angle))
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
        step = -np.einsum("nij,nj->ni", inverse[active], gradients[active])
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
    product = np.einsum("nij,nj->ni", inverse, change)
    quadratic = (change * product).sum(axis=1)
    outer_ss = step[:, :, None] * step[:, None, :]
    outer_sp = step[:, :, None] * product[:, None, :]
    update = outer_ss * (rho * (1.0 + rho * quadratic))[:, None, None]
    update -= (outer_sp + outer_sp.transpose(0, 2, 1)) * rho[:, None, None]
    updated: Floats = inverse + update
    return updated
