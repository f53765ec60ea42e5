"""The volume of a pocket along a trajectory, in one region of space for all runs that are compared."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from kinscope.analysis.pockets import PROBE_ANGSTROM, InclusionRegion, inclusion_region, pocket_volume
from kinscope.analysis.superposition import FloatArray, IntArray, fit_frames
from kinscope.core.errors import BadInputError
from kinscope.trajectories.frames import Chunk
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.motion import Series

MEASURED = 100
"""Frames in which a volume is measured, at most: a volume takes milliseconds, a frame of the rest less."""
_SURROUNDINGS_ANGSTROM = 20.0
_FEWEST_RESIDUES = 4
_FARTHEST_ATOM = 12.0
"""No heavy atom of a residue is farther from its CA (arginine: 7.5), with room for motion, angstrom."""
_BEYOND_ANGSTROM = PROBE_ANGSTROM + 2.0
"""Atoms so far beyond the region count."""


class PocketPlace:
    """Where a pocket is measured: the hull of its lining in a reference structure, and what is laid on it.

    ``layout``: of the reference, with its coordinates. ``residues``: lining residues; those it lacks are left
    out.

    Raises BadInputError if fewer than four of them are there, or they enclose nothing.
    """

    def __init__(self, layout: Layout, residues: Iterable[int]) -> None:
        wanted = np.asarray(sorted(set(residues)))
        held = layout.protein & layout.heavy
        self.residues = tuple(int(number) for number in np.intersect1d(wanted, layout.backbone.residues))
        if len(self.residues) < _FEWEST_RESIDUES:
            raise BadInputError(
                f"Only {len(self.residues)} of the pocket's {len(wanted)} residues are in the topology.",
                where="pocket",
                remedy="Give a trajectory that holds the pocket.",
            )
        lining = layout.coord[np.isin(layout.res_id, self.residues) & held]
        self.region: InclusionRegion = inclusion_region(lining)
        centre = lining.mean(axis=0)
        backbone = layout.backbone
        away = np.linalg.norm(layout.coord[backbone.ca] - centre, axis=1)
        around = (away < _SURROUNDINGS_ANGSTROM) & ~np.isin(backbone.residues, self.residues)
        self.laid_on = {
            int(number): layout.coord[place]
            for number, place in zip(backbone.residues[around], backbone.ca[around], strict=True)
        }
        self.centre = centre
        self.extent = float(np.linalg.norm(self.region.points - centre, axis=1).max())
        """From the centre to the region's farthest point, angstrom."""

    def chosen(self, layout: Layout) -> tuple[IntArray, FloatArray]:
        """Places of the CA atoms that a topology's frames are laid by, and where they go."""
        backbone = layout.backbone
        place = dict(zip(backbone.residues.tolist(), backbone.ca.tolist(), strict=True))
        shared = [number for number in self.laid_on if number in place]
        if len(shared) < 3:
            raise BadInputError(
                "The surroundings of the pocket are not in the topology.",
                where="pocket",
                remedy="Give a trajectory of the same domain.",
            )
        return np.array([place[number] for number in shared]), np.array([self.laid_on[n] for n in shared])


class PocketVolume(Series):
    """Volume of a pocket in every so many frames, cubic angstrom: what a probe covers."""

    names = ("volume_cubic_angstrom",)

    def __init__(self, layout: Layout, where: PocketPlace, stride: int = 1) -> None:
        super().__init__()
        self._where = where
        self._reach = where.extent + _BEYOND_ANGSTROM
        self._fitted, self._target = where.chosen(layout)
        near = np.linalg.norm(layout.coord[self._fitted].mean(axis=0) - layout.coord, axis=1)
        spread = float(np.linalg.norm(self._target - self._target.mean(axis=0), axis=1).max())
        held = layout.protein & layout.heavy & (near <= self._reach + spread + _FARTHEST_ATOM)
        self._atoms = np.flatnonzero(held)
        self._elements = layout.element[self._atoms]
        self._stride = max(1, stride)

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        rows = np.arange(-chunk.first % self._stride, len(chunk), self._stride)
        if not len(rows):
            return
        frames = chunk.coordinates[rows].astype(np.float64)
        rotation, translation, _ = fit_frames(frames[:, self._fitted], self._target)
        placed = frames[:, self._atoms] @ rotation + translation[:, None, :]
        self.add(np.array([self._volume(frame) for frame in placed]))

    def _volume(self, frame: FloatArray) -> float:
        near = np.linalg.norm(frame - self._where.centre, axis=1) <= self._reach
        return pocket_volume(frame[near], self._elements[near].tolist(), self._where.region)
