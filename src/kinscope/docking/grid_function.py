"""Vina's function on a grid: what a global search minimises over thousands of poses.

The receptor's field on each kind of ligand atom is computed once per receptor and box, and read by trilinear
interpolation; within the ligand the function is exact. Minima found here are minimised again with the exact
function (:mod:`kinscope.docking.vina_function`) before anything is said of them, so the grid decides where is
searched, never what is reported.

Energies are kcal/mol, lengths angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Box
from kinscope.docking.vina_function import (
    BINS_PER_SQUARE_ANGSTROM,
    CUTOFF_ANGSTROM,
    AtomKind,
    PairTable,
    incidence,
    pair_energy,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

SPACING_ANGSTROM = 0.375
"""Interpolation errs by spacing^2/8 times the curvature: 0.03 kcal/mol for an atom in hard contact."""
WALL_KCAL_PER_MOL_ANGSTROM2 = 10.0
"""Pulls atoms that leave the box back into it."""
MOST_KCAL_PER_MOL = 20.0
"""The field of one atom is cut off here: a pose can be pulled out of a clash, and the steps stay finite."""


@dataclass(frozen=True)
class Maps:
    """The field of a receptor in a box.

    ``corners`` has shape (n_kinds, n_cells, 8): the energies at the corners of every cell, side by side, so
    that one look-up touches one stretch of memory.
    """

    origin_angstrom: Floats
    cells: tuple[int, int, int]
    kinds: tuple[AtomKind, ...]
    corners: NDArray[np.float32]


def compute_maps(
    points: Floats, kinds: list[AtomKind], wanted: list[AtomKind], box: Box, spacing: float = SPACING_ANGSTROM
) -> Maps:
    """The field of receptor heavy atoms on each wanted kind of ligand atom.

    Parameters
    ----------
    points, kinds
        Receptor heavy atoms, shape (n_receptor, 3), and what they are.
    wanted
        Kinds of ligand atoms.
    box
        Where the ligand may be.
    spacing
        Of the grid, angstrom.
    """
    size = np.array(box.size_angstrom)
    cells = np.maximum(1, np.ceil(size / spacing)).astype(int)
    origin = np.array(box.center_angstrom) - cells * spacing / 2
    shape = cells + 1
    targets, sources = sorted(set(wanted)), sorted(set(kinds))
    distance = np.sqrt(
        np.arange(int(CUTOFF_ANGSTROM**2 * BINS_PER_SQUARE_ANGSTROM) + 2) / BINS_PER_SQUARE_ANGSTROM
    )
    tables = {
        source: np.array([pair_energy(kind, source, distance) for kind in targets], dtype=np.float32)
        for source in sources
    }
    field = np.zeros((len(targets), int(np.prod(shape))), dtype=np.float32)
    axes = [origin[k] + np.arange(shape[k]) * spacing for k in range(3)]
    for point, kind in zip(points, kinds, strict=True):
        index, squared = _reached(point, axes, shape)
        if len(index):
            bins = (squared * BINS_PER_SQUARE_ANGSTROM).astype(np.intp)
            field[:, index] += tables[kind][:, bins]
    np.minimum(field, MOST_KCAL_PER_MOL, out=field)
    return Maps(origin, (int(cells[0]), int(cells[1]), int(cells[2])), tuple(targets), _corners(field, shape))


def _reached(point: Floats, axes: list[Floats], shape: NDArray[np.int_]) -> tuple[Integers, Floats]:
    """Flat indices of the grid points within the cut-off of an atom, and their squared distances."""
    spans, squares = [], []
    for axis, value in zip(axes, point, strict=True):
        inside = np.flatnonzero(np.abs(axis - value) < CUTOFF_ANGSTROM)
        spans.append(inside)
        squares.append((axis[inside] - value) ** 2)
    if not all(map(len, spans)):
        return np.empty(0, dtype=np.intp), np.empty(0)
    squared = squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :]
    flat = (spans[0][:, None, None] * shape[1] + spans[1][None, :, None]) * shape[2] + spans[2][None, None, :]
    near = squared < CUTOFF_ANGSTROM**2
    return flat[near], squared[near]


def _corners(field: NDArray[np.float32], shape: NDArray[np.int_]) -> NDArray[np.float32]:
    cube = field.reshape(len(field), *shape)
    parts = [
        cube[:, i : shape[0] - 1 + i, j : shape[1] - 1 + j, k : shape[2] - 1 + k]
        for i in (0, 1)
        for j in (0, 1)
        for k in (0, 1)
    ]
    return np.ascontiguousarray(np.stack(parts, axis=-1).reshape(len(field), -1, 8))


class GridFunction:
    """Energies and gradients of poses (n_poses, n_atoms, 3), heavy atoms only.

    Parameters
    ----------
    maps
        The receptor's field.
    ligand_kinds
        Of the ligand's heavy atoms.
    internal_pairs
        As :class:`kinscope.docking.vina_function.VinaFunction` takes them.
    """

    def __init__(
        self,
        maps: Maps,
        ligand_kinds: list[AtomKind],
        internal_pairs: Integers,
        spacing: float = SPACING_ANGSTROM,
    ) -> None:
        self._maps = maps
        self._spacing = spacing
        self._cells = np.array(maps.cells)
        self._limit = (self._cells - 1e-4).astype(np.float32)
        n_cells = maps.corners.shape[1]
        rows = np.array([maps.kinds.index(kind) for kind in ligand_kinds], dtype=np.intp)
        self._rows = (rows * n_cells).astype(np.int32)
        self._flat = maps.corners.reshape(-1, 8)
        self._own = PairTable(ligand_kinds, ligand_kinds)
        self._energy = self._own.energy.astype(np.float32)
        self._slope = self._own.slope.astype(np.float32)
        self._pairs = internal_pairs
        self._own_offsets = self._own.offsets(internal_pairs[:, 0], internal_pairs[:, 1]).astype(np.int32)
        self._incidence = incidence(internal_pairs, len(ligand_kinds)).astype(np.float32)
        self._top = np.float32(CUTOFF_ANGSTROM**2 * BINS_PER_SQUARE_ANGSTROM)

    def __call__(self, poses: Floats) -> tuple[Floats, Floats]:
        """Energies (n_poses,) and gradients of the poses' shape: field, wall, and the ligand's own."""
        energy, gradient = self.field(poses)
        own, own_gradient = self.internal(poses)
        return energy + own, gradient + own_gradient

    def field(self, poses: Floats) -> tuple[Floats, Floats]:
        """The receptor's part, with the wall of the box."""
        scaled = ((poses - self._maps.origin_angstrom) / self._spacing).astype(np.float32)
        inside = np.clip(scaled, 0.0, self._limit)
        over = (scaled - inside) * np.float32(self._spacing)
        cell = inside.astype(np.int32)
        fraction = inside - cell
        _, n_y, n_z = self._maps.cells
        index = (cell[..., 0] * n_y + cell[..., 1]) * n_z + cell[..., 2] + self._rows
        c = self._flat[index]
        x, y, z = fraction[..., 0], fraction[..., 1], fraction[..., 2]
        low, high = c[..., 0::2], c[..., 1::2]
        along_z = high - low
        planes = low + along_z * z[..., None]
        line0, line1 = planes[..., 0::2], planes[..., 1::2]
        along_y = line1 - line0
        ends = line0 + along_y * y[..., None]
        gradient = np.empty(poses.shape, dtype=np.float32)
        gradient[..., 0] = ends[..., 1] - ends[..., 0]
        energy = ends[..., 0] + gradient[..., 0] * x
        gradient[..., 1] = along_y[..., 0] + (along_y[..., 1] - along_y[..., 0]) * x
        slope = along_z[..., 0::2] * (1.0 - y[..., None]) + along_z[..., 1::2] * y[..., None]
        gradient[..., 2] = slope[..., 0] + (slope[..., 1] - slope[..., 0]) * x
        gradient /= np.float32(self._spacing)
        gradient += np.float32(2.0 * WALL_KCAL_PER_MOL_ANGSTROM2) * over
        total = energy.sum(axis=1) + np.float32(WALL_KCAL_PER_MOL_ANGSTROM2) * (over**2).sum(axis=(1, 2))
        return total.astype(np.float64), gradient.astype(np.float64)

    def internal(self, poses: Floats) -> tuple[Floats, Floats]:
        """The ligand's own part."""
        if not len(self._pairs):
            return np.zeros(len(poses)), np.zeros_like(poses)
        first, second = self._pairs[:, 0], self._pairs[:, 1]
        # One array per axis: sums over a last axis of three are slow.
        apart = [(axis[:, first] - axis[:, second]) for axis in np.moveaxis(poses, 2, 0).astype(np.float32)]
        scaled = apart[0] * apart[0]
        scaled += apart[1] * apart[1]
        scaled += apart[2] * apart[2]
        scaled *= np.float32(BINS_PER_SQUARE_ANGSTROM)
        np.minimum(scaled, self._top, out=scaled)
        whole = scaled.astype(np.int32)
        index = self._own_offsets + whole
        slope = self._slope.take(index)
        scaled -= whole
        scaled *= slope
        energy = self._energy.take(index).sum(axis=1) + scaled.sum(axis=1)
        slope *= np.float32(2.0 * BINS_PER_SQUARE_ANGSTROM)
        gradient = np.stack([(slope * axis) @ self._incidence for axis in apart], axis=2)
        return energy.astype(np.float64), gradient.astype(np.float64)
