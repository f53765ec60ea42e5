"""Vina's scoring function over many poses at once, exact (no grid), with gradients.

AutoDock Vina's Python interface reads the receptor and builds its pair tables anew for every ligand pose it
is given (0.3 to 0.5 s each), which makes sampling around a known pose slow for no reason of physics. The
function is short and published (Trott & Olson, J Comput Chem 2010, 31, 455, with the weights of that
paper), so it stands here over arrays. Every run checks its best pose against Vina itself (see
``VinaSystem.confirm``).

Only heavy atoms count. Energies are kcal/mol, lengths angstrom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

CUTOFF_ANGSTROM = 8.0
WEIGHT_GAUSS_1 = -0.035579
WEIGHT_GAUSS_2 = -0.005156
WEIGHT_REPULSION = 0.840245
WEIGHT_HYDROPHOBIC = -0.035069
WEIGHT_HYDROGEN_BOND = -0.587439
WEIGHT_ROTOR = 0.05846

RADIUS_ANGSTROM = {
    "C": 1.9, "N": 1.8, "O": 1.7, "S": 2.0, "P": 2.1, "F": 1.5, "Cl": 1.8, "Br": 2.0, "I": 2.2,
}  # fmt: skip
"""Vina's own radii, not those of van der Waals tables."""

BINS_PER_SQUARE_ANGSTROM = 64
_N_BINS = int(CUTOFF_ANGSTROM**2 * BINS_PER_SQUARE_ANGSTROM)


@dataclass(frozen=True, order=True)
class AtomKind:
    """What Vina knows of an atom."""

    element: str
    hydrophobic: bool
    """A halogen, or a carbon bonded only to carbon and hydrogen."""
    donor: bool
    """A nitrogen or oxygen that carries a hydrogen."""
    acceptor: bool
    """An oxygen, or a nitrogen with a free lone pair (AutoDock types OA and NA)."""


def atom_kind(element: str, autodock_type: str, neighbours: list[str]) -> AtomKind:
    """The kind of an atom from its element, its AutoDock type and the elements bonded to it."""
    hydrophobic = element in ("F", "Cl", "Br", "I")
    if element == "C":
        hydrophobic = not set(neighbours) - {"C", "H"}
    polar = element in ("N", "O")
    return AtomKind(element, hydrophobic, polar and "H" in neighbours, autodock_type in ("NA", "OA"))


def pair_energy(first: AtomKind, second: AtomKind, distance: Floats) -> Floats:
    """Energy of two atoms at distances (n,), weights applied."""
    surface = distance - RADIUS_ANGSTROM[first.element] - RADIUS_ANGSTROM[second.element]
    energy = WEIGHT_GAUSS_1 * np.exp(-((surface / 0.5) ** 2))
    energy += WEIGHT_GAUSS_2 * np.exp(-(((surface - 3.0) / 2.0) ** 2))
    energy += WEIGHT_REPULSION * np.where(surface < 0, surface, 0.0) ** 2
    if first.hydrophobic and second.hydrophobic:
        energy += WEIGHT_HYDROPHOBIC * np.clip(1.5 - surface, 0.0, 1.0)
    if (first.donor and second.acceptor) or (first.acceptor and second.donor):
        energy += WEIGHT_HYDROGEN_BOND * np.clip(-surface / 0.7, 0.0, 1.0)
    return np.where(distance < CUTOFF_ANGSTROM, energy, 0.0)


class PairTable:
    """Pair energies tabulated over the squared distance, linear between the points."""

    def __init__(self, first: list[AtomKind], second: list[AtomKind]) -> None:
        kinds_first, kinds_second = sorted(set(first)), sorted(set(second))
        squared = np.arange(_N_BINS + 2) / BINS_PER_SQUARE_ANGSTROM
        distance = np.sqrt(squared)
        self._width = _N_BINS + 2
        rows = [pair_energy(a, b, distance) for a in kinds_first for b in kinds_second]
        energies = np.array(rows)
        energies[:, -2:] = 0.0
        self.energy = energies.ravel()
        self.slope = np.diff(energies, axis=1, append=0.0).ravel()
        self._first = np.array([kinds_first.index(kind) for kind in first], dtype=np.intp)
        self._second = np.array([kinds_second.index(kind) for kind in second], dtype=np.intp)
        self._columns = len(kinds_second)

    def offsets(self, first: Integers, second: Integers) -> Integers:
        """Where the rows of atom pairs start; broadcasts."""
        return (self._first[first] * self._columns + self._second[second]) * self._width

    def look_up(self, offsets: Integers, squared: Floats) -> tuple[Floats, Floats]:
        """Energies and their derivatives by the squared distance, of the shape of ``squared``."""
        scaled = np.clip(squared, 0.0, CUTOFF_ANGSTROM**2) * BINS_PER_SQUARE_ANGSTROM
        whole = scaled.astype(np.intp)
        index = offsets + whole
        slope = self.slope[index]
        return self.energy[index] + (scaled - whole) * slope, slope * BINS_PER_SQUARE_ANGSTROM


def incidence(pairs: Integers, n_atoms: int) -> Floats:
    """Of pairs (n_pairs, 2): +1 at the first atom and -1 at the second, shape (n_pairs, n_atoms).

    A force along each pair times this is the force on each atom.
    """
    matrix = np.zeros((len(pairs), n_atoms))
    rows = np.arange(len(pairs))
    matrix[rows, pairs[:, 0]] = 1.0
    matrix[rows, pairs[:, 1]] = -1.0
    return matrix


class VinaFunction:
    """Intermolecular and intramolecular energy of one ligand in one rigid receptor.

    Parameters
    ----------
    receptor_points, receptor_kinds
        Heavy atoms of the receptor, shape (n_receptor, 3).
    ligand_kinds
        Of the ligand's heavy atoms.
    internal_pairs
        Shape (n_pairs, 2): ligand heavy atoms more than three bonds apart whose distance a torsion can
        change.
    """

    def __init__(
        self,
        receptor_points: Floats,
        receptor_kinds: list[AtomKind],
        ligand_kinds: list[AtomKind],
        internal_pairs: Integers,
    ) -> None:
        # Single precision and one pose at a time keep the work in the processor's cache: five times faster,
        # and
        # with the origin in the middle the energy is right to 1e-4 kcal/mol.
        self._origin = receptor_points.mean(axis=0) if len(receptor_points) else np.zeros(3)
        self._points = (receptor_points - self._origin).astype(np.float32)
        self._square = (self._points**2).sum(axis=1)
        table = PairTable(ligand_kinds, receptor_kinds)
        n_ligand, n_receptor = len(ligand_kinds), len(receptor_kinds)
        self._offsets = table.offsets(np.arange(n_ligand)[:, None], np.arange(n_receptor)[None, :]).astype(
            np.int32
        )
        self._energy = table.energy.astype(np.float32)
        self._slope = table.slope.astype(np.float32)
        self._own = PairTable(ligand_kinds, ligand_kinds)
        self._pairs = internal_pairs
        self._own_offsets = self._own.offsets(internal_pairs[:, 0], internal_pairs[:, 1])
        self._incidence = incidence(internal_pairs, len(ligand_kinds))

    def intermolecular(self, poses: Floats) -> tuple[Floats, Floats]:
        """Energies (n_poses,) and gradients (n_poses, n_atoms, 3) of heavy-atom coordinates of that shape."""
        energies = np.empty(len(poses))
        gradients = np.empty_like(poses)
        for row, pose in enumerate(poses):
            energies[row], gradients[row] = self._one(pose)
        return energies, gradients

    def _one(self, pose: Floats) -> tuple[float, Floats]:
        own = (pose - self._origin).astype(np.float32)
        scaled = (own**2).sum(axis=1)[:, None] + self._square
        scaled -= 2.0 * (own @ self._points.T)
        scaled *= BINS_PER_SQUARE_ANGSTROM
        np.clip(scaled, 0.0, _N_BINS, out=scaled)
        whole = scaled.astype(np.int32)
        index = self._offsets + whole
        slope = self._slope.take(index)
        scaled -= whole
        scaled *= slope
        energy = float(self._energy.take(index).sum() + scaled.sum())
        gradient = own * slope.sum(axis=1)[:, None] - slope @ self._points
        return energy, 2.0 * BINS_PER_SQUARE_ANGSTROM * gradient.astype(np.float64)

    def intramolecular(self, poses: Floats) -> tuple[Floats, Floats]:
        """The same within the ligand."""
        if not len(self._pairs):
            return np.zeros(len(poses)), np.zeros_like(poses)
        first, second = self._pairs[:, 0], self._pairs[:, 1]
        # One array per axis: sums over a last axis of three are slow.
        apart = [axis[:, first] - axis[:, second] for axis in np.moveaxis(poses, 2, 0)]
        energy, slope = self._own.look_up(self._own_offsets, apart[0] ** 2 + apart[1] ** 2 + apart[2] ** 2)
        slope *= 2.0
        gradient = np.stack([(slope * axis) @ self._incidence for axis in apart], axis=2)
        return energy.sum(axis=1), gradient

    def __call__(self, poses: Floats) -> tuple[Floats, Floats]:
        """What a search minimises: the sum of both."""
        inter, inter_gradient = self.intermolecular(poses)
        intra, intra_gradient = self.intramolecular(poses)
        return inter + intra, inter_gradient + intra_gradient
