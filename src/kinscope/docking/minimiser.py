"""Minimising poses over translation, rotation and torsions (BFGS)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.tables import Floats, ScoreArrays, TreeArrays


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
        from kinscope.docking.minimise_kernels import move_many

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
    from kinscope.docking.minimise_kernels import minimise_many

    moved = np.array(poses, dtype=np.float64, order="C")
    energies = np.zeros(len(moved))
    minimise_many(score, mobility.tree, moved, energies, iterations, tolerance)
    return moved, energies
