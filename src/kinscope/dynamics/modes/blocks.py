"""Rigid blocks, the Hessian projected on them, and the fluctuations it gives.

Rotation-translation of blocks (RTB): Durand, Trinquier & Sanejouand, Biopolymers 1994, 34, 759; Tama, Gadea,
Marques & Sanejouand, Proteins 2000, 41, 1. Every group of atoms moves as one rigid body, so 13,000 Cartesian
coordinates become a few thousand, while the force constants stay those of the all-atom energy.

In the classical limit the covariance of the coordinates, kT K^+, does not depend on the masses: they only set
the time scale. The fluctuations therefore come from one Cholesky factor of K instead of an eigenproblem.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinscope.core.errors import ComputationError

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.intp]]

BOLTZMANN_KCAL_PER_MOL_K = 0.0019872043
_CHUNK = 200_000


@dataclass(frozen=True)
class PairBlocks:
    """3 x 3 blocks of a Hessian, H[i, j] and its transpose at [j, i], kcal/mol/angstrom^2.

    ``first`` and ``second`` have shape (n,), ``blocks`` (n, 3, 3). A diagonal block (i == j) counts once.
    """

    first: IntArray
    second: IntArray
    blocks: FloatArray


@dataclass(frozen=True)
class BlockBasis:
    """Rigid motions of every block, orthonormal within the block."""

    block_of_atom: IntArray
    """Shape (n_atoms,)."""
    columns: FloatArray
    """Shape (n_atoms, 3, 6); columns that a block of one atom or of a line cannot have are zero."""
    kept: IntArray
    """Indices of the columns that are not zero, in the flat (n_blocks * 6) order, shape (n_dof,)."""

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return int(self.block_of_atom.max()) + 1


def block_basis(coord: FloatArray, block_of_atom: IntArray) -> BlockBasis:
    """Translations and rotations of every block.

    ``coord``: shape (n_atoms, 3), angstrom. ``block_of_atom``: block number of each atom, 0 to n_blocks - 1
    without gaps, shape (n_atoms,).
    """
    columns = np.zeros((len(coord), 3, 6))
    kept: list[int] = []
    for block in range(int(block_of_atom.max()) + 1):
        members = np.flatnonzero(block_of_atom == block)
        motions = rigid_motions(coord[members] - coord[members].mean(axis=0))
        left, size, _ = np.linalg.svd(motions, full_matrices=False)
        rank = int((size > 1e-6 * size[0]).sum())
        columns[members, :, :rank] = left[:, :rank].reshape(len(members), 3, rank)
        kept.extend(range(6 * block, 6 * block + rank))
    return BlockBasis(np.asarray(block_of_atom), columns, np.asarray(kept))


def rigid_motions(coord: FloatArray) -> FloatArray:
    """The six infinitesimal rigid motions of a set of points (n, 3), shape (3 n, 6), not normalised."""
    n = len(coord)
    motions = np.zeros((n, 3, 6))
    motions[:, [0, 1, 2], [0, 1, 2]] = 1.0
    x, y, z = np.asarray(coord, dtype=np.float64).T
    motions[:, 1, 3], motions[:, 2, 3] = -z, y
    motions[:, 0, 4], motions[:, 2, 4] = z, -x
    motions[:, 0, 5], motions[:, 1, 5] = -y, x
    return motions.reshape(3 * n, 6)


def project(parts: Iterable[PairBlocks], basis: BlockBasis) -> FloatArray:
    """K = P^T H P, shape (n_dof, n_dof), kcal/mol/angstrom^2, from the pair blocks of H."""
    n = basis.blocks
    stiffness = np.zeros((n * n, 36))
    for part in parts:
        for start in range(0, len(part.first), _CHUNK):
            chosen = slice(start, start + _CHUNK)
            i, j = part.first[chosen], part.second[chosen]
            left = np.swapaxes(basis.columns[i], 1, 2)
            local = (left @ part.blocks[chosen] @ basis.columns[j]).reshape(-1, 36)
            local[i == j] *= 0.5
            place = basis.block_of_atom[i] * n + basis.block_of_atom[j]
            order = np.argsort(place, kind="stable")
            unique, begin = np.unique(place[order], return_index=True)
            stiffness[unique] += np.add.reduceat(local[order], begin, axis=0)
    full = stiffness.reshape(n, n, 6, 6).transpose(0, 2, 1, 3).reshape(6 * n, 6 * n)
    full = full + full.T
    return full[np.ix_(basis.kept, basis.kept)]


def fluctuations(
    stiffness: FloatArray,
    basis: BlockBasis,
    coord: FloatArray,
    atoms: IntArray,
    temperature_k: float = 300.0,
) -> FloatArray:
    """RMSF of chosen atoms at a temperature, after superposition on them, shape (n,), angstrom.

    ``stiffness``: shape (n_dof, n_dof), from :func:`project`, at a minimum of the energy. ``coord``: shape
    (n_atoms, 3), angstrom. ``atoms``: their indices, shape (n,).

    Raises ComputationError if the structure is not at a minimum (K has a negative eigenvalue beyond the rigid
    motions).
    """
    from scipy.linalg import LinAlgError, cholesky, solve_triangular

    rigid = _rigid_in_basis(basis, coord)
    scale = float(np.median(np.diag(stiffness)))
    try:
        factor = cholesky(stiffness + scale * rigid @ rigid.T, lower=True, check_finite=False)
    except LinAlgError:
        raise ComputationError(
            "The model is not at a minimum of its energy: a normal mode has a negative force constant.",
            where="normal modes",
            remedy="Minimise for longer (minimisation_steps) or to a smaller force.",
        ) from None
    seen = _fitted_rows(basis, coord, atoms)
    half = solve_triangular(factor, seen.T, lower=True, check_finite=False)
    variance = (half**2).sum(axis=0).reshape(-1, 3).sum(axis=1)
    rmsf: FloatArray = np.sqrt(BOLTZMANN_KCAL_PER_MOL_K * temperature_k * variance)
    return rmsf


def _rigid_in_basis(basis: BlockBasis, coord: FloatArray) -> FloatArray:
    """Rigid motions of the whole in block coordinates, orthonormal, shape (n_dof, 6)."""
    motions = rigid_motions(coord - coord.mean(axis=0)).reshape(-1, 3, 6)
    flat = np.zeros((basis.blocks, 6, 6))
    np.add.at(flat, basis.block_of_atom, np.swapaxes(basis.columns, 1, 2) @ motions)
    orthonormal, _ = np.linalg.qr(flat.reshape(-1, 6)[basis.kept])
    return orthonormal


def _fitted_rows(basis: BlockBasis, coord: FloatArray, atoms: IntArray) -> FloatArray:
    """Rows that turn block coordinates into displacements of atoms after superposition, (3 n, n_dof)."""
    n = len(atoms)
    rows = np.zeros((n, 3, basis.blocks, 6))
    rows[np.arange(n), :, basis.block_of_atom[atoms], :] = basis.columns[atoms]
    flat = rows.reshape(3 * n, -1)[:, basis.kept]
    motions = rigid_motions(coord[atoms] - coord[atoms].mean(axis=0))
    moved = np.linalg.lstsq(motions, flat, rcond=None)[0]
    result: FloatArray = flat - motions @ moved
    return result
