"""The protocol every docking engine keeps: ligand coordinates in, ligand coordinates and scores out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Mol = Any
"""An ``rdkit.Chem.Mol`` with one conformer and all hydrogens."""
Coordinates = NDArray[np.float64]
"""Shape (n_atoms, 3), angstrom, in the atom order of the ligand's RDKit molecule."""


@dataclass(frozen=True)
class Box:
    """An axis-aligned search box."""

    center_angstrom: tuple[float, float, float]
    size_angstrom: tuple[float, float, float]

    @classmethod
    def around(cls, coordinates: Coordinates, padding_angstrom: float, least_angstrom: float = 0.0) -> Box:
        """The extent of coordinates (n, 3) with padding on every side; no edge is shorter than the least."""
        low, high = coordinates.min(axis=0), coordinates.max(axis=0)
        center = (low + high) / 2
        size = np.maximum(high - low + 2 * padding_angstrom, least_angstrom)
        return cls(_triple(center), _triple(size))

    @classmethod
    def cube(cls, coordinates: Coordinates, edge_angstrom: float) -> Box:
        """A cube about the middle of the extent of coordinates, never smaller than they are."""
        low, high = coordinates.min(axis=0), coordinates.max(axis=0)
        size = np.maximum(edge_angstrom, high - low + 4.0)
        return cls(_triple((low + high) / 2), _triple(size))

    def holds(self, coordinates: Coordinates) -> bool:
        """Whether all coordinates (..., 3) lie inside."""
        away = np.abs(coordinates - np.array(self.center_angstrom))
        return bool((away <= np.array(self.size_angstrom) / 2).all())


@dataclass(frozen=True)
class ScoredPose:
    """A pose with the engine's score; lower is better."""

    coordinates: Coordinates
    score_kcal_per_mol: float
    intermolecular_kcal_per_mol: float
    intramolecular_kcal_per_mol: float
    torsional_kcal_per_mol: float | None = None
    """What the ligand's bonds pay for the pose, above each one's minimum; None where it was not asked."""
    ranking_kcal_per_mol: float | None = None
    """What a search ranks its poses by, if it is not the score."""

    @property
    def rank_by(self) -> float:
        """What orders poses, best first."""
        return self.score_kcal_per_mol if self.ranking_kcal_per_mol is None else self.ranking_kcal_per_mol


class BoundSystem(Protocol):
    """One receptor and one ligand, ready to be asked."""

    receptor_preparation: str

    @property
    def torsions(self) -> tuple[tuple[int, int, NDArray[np.intp]], ...]:
        """Of each rotatable bond: its two atoms, and the atoms that turn with the second."""

    def score(self, poses: Coordinates) -> list[ScoredPose]:
        """Score poses (n_poses, n_atoms, 3) as they stand."""

    def minimise(self, poses: Coordinates) -> list[ScoredPose]:
        """The local minimum near each pose (n_poses, n_atoms, 3) over translation, rotation and torsions."""

    def confirm(self, coordinates: Coordinates) -> ScoredPose:
        """One pose (n_atoms, 3) scored by the engine's own program, by another route than :meth:`score`."""

    def search(
        self, *, seed: int, exhaustiveness: int, n_poses: int, torsion_weight: float, own: bool = False
    ) -> list[ScoredPose]:
        """A global search of the box, best first; ``own``: by the engine's own program."""


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
