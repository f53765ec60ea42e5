"""The inner loops of docking, compiled: energies and gradients of one pose at a time.

Over arrays of poses NumPy spends most of its time on temporaries; the same sums as loops over one pose stay
in the processor's first cache. Numba compiles them at first use (about half a minute) and keeps the machine
code beside this file, or in the user's cache folder where that cannot be written. Import this module where it
is used: Numba takes half a second to load. Energies are kcal/mol, lengths angstrom.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kinscope.docking.fields.arrays import (
    BINS_PER_SQUARE_ANGSTROM,
    CUTOFF_ANGSTROM,
    ORDERS,
    WALL_KCAL_PER_MOL_ANGSTROM2,
    Floats,
    GridArrays,
    PairArrays,
    ReceptorArrays,
    ScoreArrays,
    TorsionArrays,
)


def evaluated(score: ScoreArrays, poses: Floats) -> tuple[Floats, Floats]:
    """Energies (n_poses,) and gradients of poses (n_poses, n_atoms, 3)."""
    poses = np.ascontiguousarray(poses, dtype=np.float64)
    energies, gradients = np.zeros(len(poses)), np.zeros_like(poses)
    score_many(score, poses, energies, gradients)
    return energies, gradients


_F = TypeVar("_F", bound=Callable[..., Any])
_SQUARE = CUTOFF_ANGSTROM**2
_EDGE = 1e-4


def compiled(function: _F, **how: Any) -> _F:
    """A function compiled at its first call; the machine code is kept where a folder can be written."""
    try:
        return cast(_F, njit(cache=True, nogil=True, **how)(function))
    except RuntimeError:  # no folder to keep it in
        return cast(_F, njit(nogil=True, **how)(function))


def vectorised(function: _F) -> _F:
    """The same for a loop over contiguous arrays, several at a time: sums are taken in another order."""
    return compiled(function, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})


@compiled
def grid_energy(grid: GridArrays, pose: Floats, gradient: Floats) -> float:
    """A receptor's maps at a pose (n_atoms, 3), trilinear, and the wall; adds to the gradient."""
    energy = 0.0
    place = np.empty(3)
    over = np.empty(3)
    cell = np.empty(3, dtype=np.int64)
    for atom in range(pose.shape[0]):
        for axis in range(3):
            scaled = (pose[atom, axis] - grid.origin[axis]) / grid.spacing
            inside = min(max(scaled, 0.0), grid.cells[axis] - _EDGE)
            over[axis] = (scaled - inside) * grid.spacing
            cell[axis] = int(inside)
            place[axis] = inside - cell[axis]
        row = grid.rows[atom] + (cell[0] * grid.cells[1] + cell[1]) * grid.cells[2] + cell[2]
        x, y, z = place[0], place[1], place[2]
        # Corners stand in the order 000, 001, 010, ... of x, y, z.
        z00, z01 = grid.corners[row, 1] - grid.corners[row, 0], grid.corners[row, 3] - grid.corners[row, 2]
        z10, z11 = grid.corners[row, 5] - grid.corners[row, 4], grid.corners[row, 7] - grid.corners[row, 6]
        c00, c01 = grid.corners[row, 0] + z00 * z, grid.corners[row, 2] + z01 * z
        c10, c11 = grid.corners[row, 4] + z10 * z, grid.corners[row, 6] + z11 * z
        y0, y1 = c01 - c00, c11 - c10
        low, high = c00 + y0 * y, c10 + y1 * y
        energy += low + (high - low) * x
        gradient[atom, 0] += (high - low) / grid.spacing
        gradient[atom, 1] += (y0 + (y1 - y0) * x) / grid.spacing
        along0, along1 = z00 + (z01 - z00) * y, z10 + (z11 - z10) * y
        gradient[atom, 2] += (along0 + (along1 - along0) * x) / grid.spacing
        for axis in range(3):
            energy += WALL_KCAL_PER_MOL_ANGSTROM2 * over[axis] * over[axis]
            gradient[atom, axis] += 2.0 * WALL_KCAL_PER_MOL_ANGSTROM2 * over[axis]
    return energy


@compiled
def tabulated(energy: NDArray[np.float32], row: int, square: float) -> tuple[float, float]:
    """A pair's energy at a squared distance, linear between bins, and its slope by bins."""
    scaled = square * BINS_PER_SQUARE_ANGSTROM
    whole = int(scaled)
    slope = energy[row + whole + 1] - energy[row + whole]
    return energy[row + whole] + (scaled - whole) * slope, slope


@compiled
def pair_sum(own: PairArrays, pose: Floats, gradient: Floats) -> float:
    """The tabulated energy of pairs of a pose's own atoms; adds to the gradient."""
    energy = 0.0
    for pair in range(own.first.shape[0]):
        i, j = own.first[pair], own.second[pair]
        x, y, z = pose[i, 0] - pose[j, 0], pose[i, 1] - pose[j, 1], pose[i, 2] - pose[j, 2]
        square = x * x + y * y + z * z
        if square < _SQUARE:
            value, slope = tabulated(own.energy, own.offset[pair], square)
            energy += value
            force = 2.0 * BINS_PER_SQUARE_ANGSTROM * slope
            gradient[i, 0] += force * x
            gradient[i, 1] += force * y
            gradient[i, 2] += force * z
            gradient[j, 0] -= force * x
            gradient[j, 1] -= force * y
            gradient[j, 2] -= force * z
    return energy


@compiled
def _window(receptor: ReceptorArrays, x: float, y: float, z: float) -> tuple[int, int, bool]:
    """The rows of ``near`` that list what a point may feel; outside the cells, every atom of the receptor."""
    i = math.floor((x - receptor.origin[0]) / receptor.edge)
    j = math.floor((y - receptor.origin[1]) / receptor.edge)
    k = math.floor((z - receptor.origin[2]) / receptor.edge)
    if 0 <= i < receptor.cells[0] and 0 <= j < receptor.cells[1] and 0 <= k < receptor.cells[2]:
        cell = (i * receptor.cells[1] + j) * receptor.cells[2] + k
        return receptor.begin[cell], receptor.begin[cell + 1], True
    return 0, receptor.points.shape[0], False


@compiled
def receptor_energy(receptor: ReceptorArrays, pose: Floats, gradient: Floats) -> float:
    """The exact sum over receptor atoms within the cut-off; adds to the gradient.

    Each atom looks through the receptor atoms listed for its cell, or, outside the cells, through all.
    """
    energy = 0.0
    for atom in range(pose.shape[0]):
        px, py, pz = pose[atom, 0], pose[atom, 1], pose[atom, 2]
        begin, end, listed = _window(receptor, px, py, pz)
        kind = receptor.ligand_kinds[atom]
        gx, gy, gz = 0.0, 0.0, 0.0
        for place in range(begin, end):
            other = receptor.near[place] if listed else place
            x = px - receptor.points[other, 0]
            y = py - receptor.points[other, 1]
            z = pz - receptor.points[other, 2]
            square = x * x + y * y + z * z
            if square < _SQUARE:
                value, slope = tabulated(receptor.energy, kind + receptor.kinds[other], square)
                energy += value
                gx += slope * x
                gy += slope * y
                gz += slope * z
        gradient[atom, 0] += 2.0 * BINS_PER_SQUARE_ANGSTROM * gx
        gradient[atom, 1] += 2.0 * BINS_PER_SQUARE_ANGSTROM * gy
        gradient[atom, 2] += 2.0 * BINS_PER_SQUARE_ANGSTROM * gz
    return energy


@compiled
def buried_energies(
    receptor: ReceptorArrays, poses: Floats, few: float, many: float, out: Floats, burial: Floats
) -> None:
    """Sums over receptor atoms as in :func:`receptor_energy`, each ligand atom's weighted by its burial.

    The weight rises linearly from 0 where ``few`` receptor heavy atoms lie within the cut-off to 1 where
    ``many`` do. Energies (n_poses,) and weights (n_poses, n_atoms) are written; there is no gradient.
    """
    for pose in range(poses.shape[0]):
        out[pose] = 0.0
        for atom in range(poses.shape[1]):
            px, py, pz = poses[pose, atom, 0], poses[pose, atom, 1], poses[pose, atom, 2]
            begin, end, listed = _window(receptor, px, py, pz)
            energy, around = 0.0, 0
            for place in range(begin, end):
                other = receptor.near[place] if listed else place
                x = px - receptor.points[other, 0]
                y = py - receptor.points[other, 1]
                z = pz - receptor.points[other, 2]
                square = x * x + y * y + z * z
                if square < _SQUARE:
                    row = receptor.ligand_kinds[atom] + receptor.kinds[other]
                    energy += tabulated(receptor.energy, row, square)[0]
                    around += 1
            burial[pose, atom] = min(1.0, max(0.0, (around - few) / (many - few)))
            out[pose] += energy * burial[pose, atom]


@vectorised
def dihedral(pose: Floats, quartet: NDArray[np.int64], derivative: Floats) -> tuple[float, float]:
    """Cosine and sine of a dihedral angle; its derivatives (4, 3) by the atoms' places are written.

    Blondel & Karplus, J Comput Chem 1996, 17, 1132, equation 27. In scalars: arrays of three would be made
    anew at every call.
    """
    i, j, k, m = quartet[0], quartet[1], quartet[2], quartet[3]
    fx, fy, fz = pose[i, 0] - pose[j, 0], pose[i, 1] - pose[j, 1], pose[i, 2] - pose[j, 2]
    gx, gy, gz = pose[j, 0] - pose[k, 0], pose[j, 1] - pose[k, 1], pose[j, 2] - pose[k, 2]
    hx, hy, hz = pose[m, 0] - pose[k, 0], pose[m, 1] - pose[k, 1], pose[m, 2] - pose[k, 2]
    ax, ay, az = fy * gz - fz * gy, fz * gx - fx * gz, fx * gy - fy * gx
    bx, by, bz = hy * gz - hz * gy, hz * gx - hx * gz, hx * gy - hy * gx
    a2 = max(ax * ax + ay * ay + az * az, 1e-6)
    b2 = max(bx * bx + by * by + bz * bz, 1e-6)
    length = math.sqrt(gx * gx + gy * gy + gz * gz)
    fg, hg = fx * gx + fy * gy + fz * gz, hx * gx + hy * gy + hz * gz
    first, last = -length / a2, length / b2
    over_a, over_b = fg / (a2 * length), hg / (b2 * length)
    derivative[0, 0], derivative[0, 1], derivative[0, 2] = first * ax, first * ay, first * az
    derivative[3, 0], derivative[3, 1], derivative[3, 2] = last * bx, last * by, last * bz
    bent_x, bent_y, bent_z = over_a * ax - over_b * bx, over_a * ay - over_b * by, over_a * az - over_b * bz
    derivative[1, 0], derivative[2, 0] = bent_x - first * ax, -bent_x - last * bx
    derivative[1, 1], derivative[2, 1] = bent_y - first * ay, -bent_y - last * by
    derivative[1, 2], derivative[2, 2] = bent_z - first * az, -bent_z - last * bz
    scale = 1.0 / math.sqrt(a2 * b2)
    turned = (by * az - bz * ay) * gx + (bz * ax - bx * az) * gy + (bx * ay - by * ax) * gz
    return (ax * bx + ay * by + az * bz) * scale, turned / length * scale


@compiled
def torsion_energy(torsions: TorsionArrays, pose: Floats, gradient: Floats) -> float:
    """The saturating torsional energy of a pose; adds to the gradient."""
    energy = 0.0
    derivative = np.empty((4, 3))
    for row in range(torsions.quartets.shape[0]):
        cosine, sine = dihedral(pose, torsions.quartets[row], derivative)
        paid, slope = torsions.constant[row], 0.0
        cos_n, sin_n = cosine, sine
        for order in range(1, ORDERS + 1):
            height = torsions.cosine[row, order - 1]
            paid += height * cos_n
            slope -= order * height * sin_n
            cos_n, sin_n = cos_n * cosine - sin_n * sine, sin_n * cosine + cos_n * sine
        left = math.exp(-paid / torsions.saturation)
        energy += torsions.saturation * (1.0 - left)
        pull = torsions.weight * slope * left
        for place in range(4):
            for axis in range(3):
                gradient[torsions.quartets[row, place], axis] += pull * derivative[place, axis]
    return torsions.weight * energy


@compiled
def score_one(score: ScoreArrays, pose: Floats, gradient: Floats) -> float:
    """The energy of a pose (n_atoms, 3); writes its gradient."""
    gradient[:, :] = 0.0
    energy = 0.0
    if score.grid.rows.shape[0] > 0:
        energy += grid_energy(score.grid, pose, gradient)
    if score.receptor.points.shape[0] > 0:
        energy += receptor_energy(score.receptor, pose, gradient)
    if score.own.first.shape[0] > 0:
        energy += pair_sum(score.own, pose, gradient)
    if score.torsions.weight != 0.0 and score.torsions.quartets.shape[0] > 0:
        energy += torsion_energy(score.torsions, pose, gradient)
    return energy


@compiled
def score_many(score: ScoreArrays, poses: Floats, energies: Floats, gradients: Floats) -> None:
    """Energies (n_poses,) and gradients (n_poses, n_atoms, 3) of poses of that shape, written."""
    for row in range(poses.shape[0]):
        energies[row] = score_one(score, poses[row], gradients[row])


@compiled
def add_field(
    field: NDArray[np.float32], origin: Floats, spacing: float, points: Floats, kinds: NDArray[np.int64],
    tables: NDArray[np.float32],
) -> None:  # fmt: skip
    """Add the field of atoms to grids.

    ``field``: shape (n_kinds, nx, ny, nz), kcal/mol. ``points``, ``kinds``: atoms (n_atoms, 3) and the row of
    each in ``tables``. ``tables``: energies by bins of squared distance, shape (n_sources, n_kinds, n_bins).
    """
    for atom in range(points.shape[0]):
        table = tables[kinds[atom]]
        low = np.empty(3, dtype=np.int64)
        high = np.empty(3, dtype=np.int64)
        for axis in range(3):
            middle = (points[atom, axis] - origin[axis]) / spacing
            reach = CUTOFF_ANGSTROM / spacing
            low[axis] = max(0, math.ceil(middle - reach))
            high[axis] = min(field.shape[axis + 1] - 1, math.floor(middle + reach))
        for i in range(low[0], high[0] + 1):
            x = (origin[0] + i * spacing - points[atom, 0]) ** 2
            for j in range(low[1], high[1] + 1):
                y = x + (origin[1] + j * spacing - points[atom, 1]) ** 2
                for k in range(low[2], high[2] + 1):
                    square = y + (origin[2] + k * spacing - points[atom, 2]) ** 2
                    if square < _SQUARE:
                        row = int(square * BINS_PER_SQUARE_ANGSTROM)
                        for kind in range(field.shape[0]):
                            field[kind, i, j, k] += table[kind, row]


@compiled
def kept_rows(poses: Floats, order: NDArray[np.int64], limit: float, most: int) -> NDArray[np.int64]:
    """Rows of poses (n, n_values), in an order, whose square distance from all taken is ``limit`` or more."""
    kept = np.empty(most, dtype=np.int64)
    count = 0
    for row in order:
        apart = True
        for place in range(count):
            square = 0.0
            for value in range(poses.shape[1]):
                square += (poses[row, value] - poses[kept[place], value]) ** 2
                if square >= limit:
                    break
            if square < limit:
                apart = False
                break
        if apart:
            kept[count] = row
            count += 1
            if count == most:
                break
    return kept[:count]
