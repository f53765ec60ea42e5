"""Marks on a grid: which points atoms take, which points probes cover. Exact, without a search per point."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
PROBE_ANGSTROM = 1.4
_MARGIN_ANGSTROM = 7.5
"""Around the grid: an atom a reach (3.3) outside of it may mark points another reach further on."""
_FARTHEST = 3.3
"""Greatest radius and probe together, angstrom."""
_HALF_DIAGONAL = 0.8661
"""Of a cell, in cells: no point is farther from the nearest grid point (sqrt(3) / 2)."""


class PaddedGrid:
    """A box of grid points with a margin, addressed by one running number.

    Parameters
    ----------
    origin
        The first grid point, shape (3,), angstrom.
    shape
        Points along each side.
    inside
        Which of them lie in the hull that is measured, shape (nx * ny * nz,).
    cell
        Distance between neighbours, angstrom.
    """

    def __init__(
        self, origin: FloatArray, shape: tuple[int, int, int], inside: BoolArray, cell: float
    ) -> None:
        from scipy.ndimage import distance_transform_edt

        pad = int(np.ceil(_MARGIN_ANGSTROM / cell)) + 1
        self.cell = cell
        self.shape = tuple(side + 2 * pad for side in shape)
        self._origin = np.asarray(origin, dtype=np.float64) - pad * cell
        whole = np.pad(inside.reshape(shape), pad)
        self.inside: BoolArray = whole.ravel()
        away = distance_transform_edt(~whole, sampling=cell)
        self._away = away.ravel().astype(np.float32)
        self.far: BoolArray = np.asarray(away.ravel() > PROBE_ANGSTROM + cell)
        """Points from which no probe reaches into the hull."""
        near = np.argwhere(~self.far.reshape(self.shape))
        self.low = self._origin + near.min(axis=0) * cell - _FARTHEST
        self.high = self._origin + near.max(axis=0) * cell + _FARTHEST
        """Corners of the box in which atoms can take such a point, angstrom."""

    def flat(self, steps: IntArray) -> IntArray:
        """Steps (n, 3) as differences of running numbers (n,)."""
        return np.asarray((steps[:, 0] * self.shape[1] + steps[:, 1]) * self.shape[2] + steps[:, 2])

    def mark(self, taken: BoolArray, centres: FloatArray, reach: float) -> None:
        """Mark the grid points nearer than ``reach`` (angstrom) to any of the centres (n, 3)."""
        scaled = (centres - self._origin) / self.cell
        nearest = np.rint(scaled).astype(np.intp)
        home = self.flat(nearest)
        # Atoms that reach no point from which a probe reaches into the hull need not be drawn.
        near = self._away[home] <= PROBE_ANGSTROM + self.cell * (1.0 + _HALF_DIAGONAL) + reach
        scaled, nearest, home = scaled[near], nearest[near], home[near]
        steps = ball_steps(reach + _HALF_DIAGONAL * self.cell, self.cell)
        size = np.sqrt((steps**2).sum(axis=1)) * self.cell
        surely = size <= reach - _HALF_DIAGONAL * self.cell
        taken[(home[:, None] + self.flat(steps[surely])).ravel()] = True
        shell = steps[~surely]
        cells = home[:, None] + self.flat(shell)
        offset = ((nearest - scaled) * self.cell).astype(np.float32)
        shell32, size32 = shell.astype(np.float32), size[~surely].astype(np.float32)
        squared = np.float32(2.0 * self.cell) * (offset @ shell32.T)
        squared += (offset**2).sum(axis=1)[:, None]
        squared += (size32**2)[None]
        taken[cells[squared <= reach**2]] = True


def ball_steps(radius: float, cell: float) -> IntArray:
    """Steps on a grid that lead no farther than a radius, shape (n, 3)."""
    most = int(radius / cell + 1e-9)
    side = np.arange(-most, most + 1)
    steps = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(steps[(steps**2).sum(axis=1) * cell**2 <= radius**2 + 1e-9])
