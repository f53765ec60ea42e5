"""The volume and shape of a pocket whose lining residues are known.

Volume: the inclusion region is the convex hull of the lining residues' heavy atoms in the native model (the
idea of POVME: Durrant, de Oliveira & McCammon, J. Mol. Graph. Model. 2011, 29, 773), and both sides are
measured in that same region. Of its grid points those count that a solvent probe covers without touching any
heavy atom of the protein: Lee-Richards probe centres, dilated by the probe radius. Radii are Bondi's
(J. Phys. Chem. 1964, 68, 441).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kinscope.analysis.statistics import weighted_difference
from kinscope.analysis.superposition import FloatArray, IntArray, kabsch
from kinscope.core.errors import BadInputError
from kinscope.results.measured import PocketComparison

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
Atoms = Any
"""A ``biotite.structure.AtomArray`` (biotite ships no types for mypy --strict)."""
PROBE_ANGSTROM = 1.4
RADII_ANGSTROM = {"C": 1.70, "N": 1.55, "O": 1.52, "S": 1.80, "P": 1.80}
"""Bondi radii; other elements count as carbon."""
SPACING_ANGSTROM = 0.5
SMALLEST_MEANINGFUL_CUBIC_ANGSTROM = 20.0
"""About the volume of one heavy atom; smaller changes of volume are not called one."""
MODEL_NOISE_CUBIC_ANGSTROM = 5.0
"""Above the root mean square of differences between two models built alike (2.0, the largest of one residue
4.4: `kinscope benchmark null`)."""
_SURROUNDINGS_ANGSTROM = 20.0
_FEWEST_RESIDUES = 4
_BACKBONE = ("N", "CA", "C", "O")

_MARGIN_ANGSTROM = 7.5
"""Around the grid: an atom a reach (3.3) outside of it may mark points another reach further on."""
_FARTHEST = 3.3
"""Greatest radius and probe together, angstrom."""
_HALF_DIAGONAL = 0.8661
"""Of a cell, in cells: no point is farther from the nearest grid point (sqrt(3) / 2)."""


class InclusionRegion:
    """Grid in which a pocket is measured: the convex hull of its lining atoms (n_atoms, 3), angstrom.

    It is padded by a margin, and there addressed by one running number.

    Raises BadInputError if fewer than four atoms are given or they lie in a plane.
    """

    def __init__(self, lining: FloatArray) -> None:
        from scipy.ndimage import distance_transform_edt
        from scipy.spatial import ConvexHull, QhullError

        margin = PROBE_ANGSTROM + SPACING_ANGSTROM
        low, high = lining.min(axis=0) - margin, lining.max(axis=0) + margin
        axes = [np.arange(a, b + SPACING_ANGSTROM, SPACING_ANGSTROM) for a, b in zip(low, high, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        try:
            faces = ConvexHull(lining).equations
        except (QhullError, ValueError):
            raise BadInputError(
                "The lining residues do not enclose a volume.",
                where="pocket",
                remedy="Name at least four residues around the pocket.",
            ) from None
        inside = np.ones(points.shape[:3], dtype=bool)
        for face in faces:  # one face at a time: all at once would hold points x faces in memory
            inside &= points @ face[:3] + face[3] <= 1e-9
        pad = int(np.ceil(_MARGIN_ANGSTROM / SPACING_ANGSTROM)) + 1
        whole = np.pad(inside, pad)
        self.sides = whole.shape
        self.origin = low - pad * SPACING_ANGSTROM
        self.hull: BoolArray = whole.ravel()
        """Points within the hull."""
        away = distance_transform_edt(~whole, sampling=SPACING_ANGSTROM)
        self._away = away.ravel().astype(np.float32)
        self.far: BoolArray = np.asarray(away.ravel() > PROBE_ANGSTROM + SPACING_ANGSTROM)
        """Points from which no probe reaches into the hull."""
        near = np.argwhere(~self.far.reshape(self.sides))
        self.low = self.origin + near.min(axis=0) * SPACING_ANGSTROM - _FARTHEST
        self.high = self.origin + near.max(axis=0) * SPACING_ANGSTROM + _FARTHEST
        """Corners of the box in which atoms can take such a point, angstrom."""

    def flat(self, steps: IntArray) -> IntArray:
        """Steps (n, 3) as differences of running numbers (n,)."""
        return np.asarray((steps[:, 0] * self.sides[1] + steps[:, 1]) * self.sides[2] + steps[:, 2])

    def mark(self, taken: BoolArray, centres: FloatArray, reach: float) -> None:
        """Mark the grid points nearer than ``reach`` (angstrom) to any of the centres (n, 3)."""
        scaled = (centres - self.origin) / SPACING_ANGSTROM
        nearest = np.rint(scaled).astype(np.intp)
        home = self.flat(nearest)
        # Atoms that reach no point from which a probe reaches into the hull need not be drawn.
        near = self._away[home] <= PROBE_ANGSTROM + SPACING_ANGSTROM * (1.0 + _HALF_DIAGONAL) + reach
        scaled, nearest, home = scaled[near], nearest[near], home[near]
        steps = ball_steps(reach + _HALF_DIAGONAL * SPACING_ANGSTROM)
        size = np.sqrt((steps**2).sum(axis=1)) * SPACING_ANGSTROM
        surely = size <= reach - _HALF_DIAGONAL * SPACING_ANGSTROM
        taken[(home[:, None] + self.flat(steps[surely])).ravel()] = True
        shell = steps[~surely]
        cells = home[:, None] + self.flat(shell)
        offset = ((nearest - scaled) * SPACING_ANGSTROM).astype(np.float32)
        shell32, size32 = shell.astype(np.float32), size[~surely].astype(np.float32)
        squared = np.float32(2.0 * SPACING_ANGSTROM) * (offset @ shell32.T)
        squared += (offset**2).sum(axis=1)[:, None]
        squared += (size32**2)[None]
        taken[cells[squared <= reach**2]] = True


def ball_steps(radius: float) -> IntArray:
    """Steps on a grid that lead no farther than a radius, shape (n, 3)."""
    most = int(radius / SPACING_ANGSTROM + 1e-9)
    side = np.arange(-most, most + 1)
    steps = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(steps[(steps**2).sum(axis=1) * SPACING_ANGSTROM**2 <= radius**2 + 1e-9])


def pocket_volume(coord: FloatArray, elements: Sequence[str], region: InclusionRegion) -> float:
    """Volume of the region that a probe can cover, in cubic angstrom.

    ``coord``: heavy atoms of the whole protein, in the frame of the region, shape (n_atoms, 3), angstrom.
    """
    near = np.all((coord > region.low) & (coord < region.high), axis=1)
    radii = np.array([RADII_ANGSTROM.get(symbol.upper(), 1.70) for symbol in elements])[near]
    centres = np.asarray(coord, dtype=np.float64)[near]
    # Only probes that reach into the hull count, so that only grid points near it are asked.
    taken = region.far.copy()
    for radius in np.unique(radii):
        region.mark(taken, centres[radii == radius], float(radius) + PROBE_ANGSTROM)
    # A free grid point stands for its cell, which reaches a quarter of the spacing further on average.
    ball = region.flat(ball_steps(PROBE_ANGSTROM + 0.25 * SPACING_ANGSTROM))
    covered = np.zeros(len(taken), dtype=bool)
    covered[(np.flatnonzero(~taken)[:, None] + ball).ravel()] = True
    return float((covered & region.hull).sum()) * SPACING_ANGSTROM**3


class PocketPlace:
    """Where a pocket is measured: the hull of its lining in a reference structure, and what is laid on it.

    ``residues``: lining residues; those that the reference lacks are left out. ``heavy``: residue numbers
    (n,) and coordinates (n, 3) of the reference's heavy atoms, angstrom; ``alphas``: of its CA atoms.

    Raises BadInputError if fewer than four lining residues are there, or they enclose nothing.
    """

    def __init__(
        self,
        pocket: str,
        residues: Iterable[int],
        heavy: tuple[IntArray, FloatArray],
        alphas: tuple[IntArray, FloatArray],
    ) -> None:
        self.residues = tuple(np.intersect1d(np.asarray(list(residues), dtype=np.intp), heavy[0]).tolist())
        if len(self.residues) < _FEWEST_RESIDUES:
            raise BadInputError(
                f"Only {len(self.residues)} residues of the {pocket} are there.",
                where=f"pocket {pocket}",
                remedy="Give models or a trajectory of a state that holds it.",
            )
        lining = heavy[1][np.isin(heavy[0], self.residues)]
        self.region = InclusionRegion(lining)
        away = np.linalg.norm(alphas[1] - lining.mean(axis=0), axis=1)
        around = (away < _SURROUNDINGS_ANGSTROM) & ~np.isin(alphas[0], self.residues)
        self._every = dict(zip(alphas[0].tolist(), alphas[1], strict=True))
        self._around = {number: self._every[number] for number in alphas[0][around].tolist()}

    def laid_by(self, residues: IntArray, places: IntArray) -> tuple[IntArray, FloatArray]:
        """Which CA atoms of a structure lay it on the reference, and where they go, (n, 3), angstrom.

        Those within 20 angstrom of the pocket that do not line it; all, where fewer than three are shared.

        ``residues``, ``places``: number and place of each of the structure's CA atoms.
        """
        held = dict(zip(residues.tolist(), places.tolist(), strict=True))
        near = sorted(held.keys() & self._around.keys())
        shared = near if len(near) >= 3 else sorted(held.keys() & self._every.keys())
        if len(shared) < 3:
            raise BadInputError(
                "The surroundings of the pocket are not there.",
                where="pocket",
                remedy="Give models or a trajectory of the same domain.",
            )
        return np.array([held[n] for n in shared]), np.array([self._every[n] for n in shared])


def compare_pocket(
    pocket: str,
    state: str,
    residues: Iterable[int],
    native: tuple[Sequence[Atoms], FloatArray],
    mutant: tuple[Sequence[Atoms], FloatArray],
) -> PocketComparison:
    """A pocket in native and mutant models of one state.

    ``residues``: lining residues; those that the models lack are left out. ``native``, ``mutant``: close
    alternative models of each side, lowest in energy first, and their shares. All are laid on the first
    native model by the CA atoms within 20 angstrom of the pocket that do not line it.

    Raises BadInputError if a side has no model or fewer than four lining residues are in all models.
    """
    models = [[_heavy(atoms) for atoms in side] for side, _ in (native, mutant)]
    reference = models[0][0]
    shared = set(residues).intersection(*(model.res_id.tolist() for side in models for model in side))
    alphas, coord = reference.atom_name == "CA", np.asarray(reference.coord, dtype=np.float64)
    place = PocketPlace(
        pocket, sorted(shared), (reference.res_id, coord), (reference.res_id[alphas], coord[alphas])
    )
    laid = [[_laid(model, place) for model in side] for side in models]
    before, after = (
        [
            pocket_volume(coord, model.element.tolist(), place.region)
            for coord, model in zip(*side, strict=True)
        ]
        for side in zip(laid, models, strict=True)
    )
    lining = place.residues
    backbone, side_chain = _deviations((models[0][0], laid[0][0]), (models[1][0], laid[1][0]), lining)
    return PocketComparison(
        pocket=pocket,
        state=state,
        residues=lining,
        native_volume_cubic_angstrom=float(np.average(before, weights=native[1])),
        mutant_volume_cubic_angstrom=float(np.average(after, weights=mutant[1])),
        volume_difference_cubic_angstrom=weighted_difference(
            (before, native[1]),
            (after, mutant[1]),
            unit="Å³",
            noise=MODEL_NOISE_CUBIC_ANGSTROM,
            smallest_meaningful=SMALLEST_MEANINGFUL_CUBIC_ANGSTROM,
            sampling=f"{len(before)} native and {len(after)} mutant models",
        ),
        backbone_rmsd_angstrom=backbone,
        side_chain_rmsd_angstrom=side_chain,
    )


def _heavy(atoms: Atoms) -> Atoms:
    return atoms[np.char.upper(np.asarray(atoms.element, dtype=str)) != "H"]


def _laid(mobile: Atoms, place: PocketPlace) -> FloatArray:
    """Coordinates (n_atoms, 3) in the place's frame, angstrom."""
    alphas = np.flatnonzero(mobile.atom_name == "CA")
    chosen, target = place.laid_by(mobile.res_id[alphas], alphas)
    coord = np.asarray(mobile.coord, dtype=np.float64)
    rotation, translation = kabsch(coord[chosen], target)
    return np.asarray(coord @ rotation + translation)


def _deviations(
    native: tuple[Atoms, FloatArray], mutant: tuple[Atoms, FloatArray], lining: tuple[int, ...]
) -> tuple[float, float]:
    """RMSD in angstrom of the lining's backbone and of the side chains that both have, as they lie."""
    before, after = (_places(atoms, lining) for atoms, _ in (native, mutant))

    def apart(backbone: bool) -> float:
        # In the order of the atoms: a set's order changes from process to process, and with it the last bit.
        shared = [key for key in before if key in after and (key[2] in _BACKBONE) == backbone]
        shift = native[1][[before[key] for key in shared]] - mutant[1][[after[key] for key in shared]]
        return float(np.sqrt((shift**2).sum(axis=1).mean())) if shared else 0.0

    return apart(True), apart(False)


def _places(atoms: Atoms, lining: tuple[int, ...]) -> dict[tuple[int, str, str], int]:
    """Indices of the lining's atoms by residue number, residue name and atom name."""
    return {
        (int(atoms.res_id[i]), str(atoms.res_name[i]), str(atoms.atom_name[i])): int(i)
        for i in np.flatnonzero(np.isin(atoms.res_id, lining))
    }
