"""The volume of a pocket along a trajectory, in one region of space for all runs that are compared."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from kinscope.analysis.pockets import PocketPlace, pocket_volume
from kinscope.analysis.superposition import kabsch
from kinscope.trajectories.frames import Chunk
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.measures.motion import Series

MEASURED = 100
"""Frames in which a volume is measured, at most: a volume takes milliseconds, a frame of the rest less."""


def pocket_place(name: str, layout: Layout, residues: Iterable[int]) -> PocketPlace:
    """Where a pocket is measured, by the structure of a topology; raises as :class:`PocketPlace`."""
    held, alphas = np.flatnonzero(layout.protein & layout.heavy), layout.backbone.ca
    return PocketPlace(
        name,
        residues,
        (layout.res_id[held], layout.coord[held]),
        (layout.backbone.residues, layout.coord[alphas]),
    )


class PocketVolume(Series):
    """Volume of a pocket in every so many frames, cubic angstrom: what a probe covers."""

    names = ("volume_cubic_angstrom",)

    def __init__(self, layout: Layout, where: PocketPlace, stride: int = 1) -> None:
        super().__init__()
        self._region = where.region
        self._fitted, self._target = where.laid_by(layout.backbone.residues, layout.backbone.ca)
        self._atoms = np.flatnonzero(layout.protein & layout.heavy)
        self._elements = layout.element[self._atoms].tolist()
        self._stride = max(1, stride)

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        rows = np.arange(-chunk.first % self._stride, len(chunk), self._stride)
        if not len(rows):
            return
        frames = chunk.coordinates[rows].astype(np.float64)
        rotation, translation = kabsch(frames[:, self._fitted], self._target)
        placed = frames[:, self._atoms] @ rotation + translation[:, None, :]
        self.add(np.array([pocket_volume(frame, self._elements, self._region) for frame in placed]))
