"""Rigid-body geometry of poses, and which atom of a model is which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray

Points = NDArray[np.float64]


def rotation_about(axis: Points, angle_radians: float) -> Points:
    """Matrix (3, 3) that turns row vectors about an axis (3,) by an angle, right-handed (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix = np.eye(3) + np.sin(angle_radians) * cross + (1 - np.cos(angle_radians)) * cross @ cross
    return np.asarray(matrix.T, dtype=np.float64)


def turn_torsion(
    points: Points, first: int, second: int, moving: NDArray[np.intp], angle_radians: float
) -> Points:
    """Points (n, 3) with ``moving`` turned about the bond from ``first`` to ``second``."""
    turned = points.copy()
    origin = points[second]
    matrix = rotation_about(points[second] - points[first], angle_radians)
    turned[moving] = (points[moving] - origin) @ matrix + origin
    return turned


def rows_by_name(atoms: AtomArray) -> dict[tuple[int, str], int]:
    """The row of every atom, by residue number and name."""
    named = zip(atoms.res_id, atoms.atom_name, strict=True)
    return {(int(number), str(name)): row for row, (number, name) in enumerate(named)}
