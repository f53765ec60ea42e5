"""A few frames of a system's replicas laid on its model, for pictures and for the 3D view of a report."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray, kabsch, rigid_core
from kinscope.core.errors import KinscopeError
from kinscope.structures.io import read_model
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.sources import Source, replica_source

MOST_FRAMES = 24
"""Over all replicas of one side together."""
NEAR_ANGSTROM = 9.0
"""CA to CA: residues this near a substituted one are its surroundings."""
_CONFORMATIONS = 3


@dataclass(frozen=True)
class Snapshots:
    """Frames of one side, evenly spaced in each replica, replica after replica."""

    layout: Layout
    coordinates: FloatArray
    """(n_frames, n_atoms, 3), angstrom, laid on the model by the CA atoms that move least."""
    labels: tuple[str, ...]
    """``replica 2, 34.0 ns``, a frame each."""
    near: IntArray
    """Residue numbers around the substituted ones, and these."""
    typical: tuple[int, ...]
    """Three frames: of each third, with three replicas of each replica, the nearest to its mean around the
    substituted residues."""

    @property
    def drawn(self) -> IntArray:
        """Places of what a light view needs: backbone, side chains near the variant, ligands; heavy atoms."""
        kept = np.isin(self.layout.atom_name, ("N", "CA", "C", "O")) | np.isin(self.layout.res_id, self.near)
        kept &= self.layout.protein
        for _, places in self.layout.ligands:
            kept[places] = True
        return np.flatnonzero(kept & self.layout.heavy)


@lru_cache(maxsize=16)
def snapshots(replicas: tuple[Path, ...], model: Path, positions: tuple[int, ...]) -> Snapshots | None:
    """Frames of the finished replicas of one side; None where none can be read or the model is another chain.

    ``model``: mmCIF that the frames are laid on, the native's for both sides. ``positions``: substituted
    residues.
    """
    sources: list[Source] = []
    for directory in replicas:
        with suppress(KinscopeError):
            sources.append(replica_source(directory, state="", variant=""))
    found = [_sample(source, max(1, MOST_FRAMES // len(sources))) for source in sources]
    if not found or len({len(source.layout.coord) for source in sources}) > 1:
        return None
    layout, fixed = sources[0].layout, Layout(read_model(model))
    numbers = layout.backbone.residues
    _, ours, theirs = np.intersect1d(numbers, fixed.backbone.residues, return_indices=True)
    frames = np.concatenate([coordinates for coordinates, _ in found])
    alphas = layout.backbone.ca[ours]
    if len(alphas) < 3 or len(frames) < 2:
        return None
    core = rigid_core(frames[:, alphas])
    rotation, translation = kabsch(frames[:, alphas[core]], fixed.coord[fixed.backbone.ca[theirs]][core])
    laid = frames @ rotation + translation[:, None]
    own = layout.backbone.ca[np.isin(numbers, positions)]
    places = layout.coord[layout.backbone.ca]
    distance = np.linalg.norm(places[:, None] - layout.coord[own], axis=2).min(axis=1, initial=np.inf)
    close = distance <= NEAR_ANGSTROM
    return Snapshots(
        layout,
        laid,
        tuple(label for _, labels in found for label in labels),
        numbers[close],
        _typical(laid[:, layout.backbone.ca[close] if close.any() else layout.backbone.ca]),
    )


def _sample(source: Source, most: int) -> tuple[FloatArray, list[str]]:
    stride = max(1, -(-source.frames // most))
    chunks = list(source.chunks(stride=stride))
    times = np.concatenate([chunk.times_ps for chunk in chunks]) / 1000.0
    frames = np.concatenate([chunk.coordinates for chunk in chunks]).astype(np.float64)
    return frames, [f"replica {source.replica + 1}, {time:.1f} ns" for time in times]


def _typical(places: FloatArray) -> tuple[int, ...]:
    """One frame of each third: the nearest to the third's mean; (n_frames, n, 3), angstrom."""
    return tuple(
        int(part[np.square(places[part] - places[part].mean(axis=0)).sum(axis=(1, 2)).argmin()])
        for part in np.array_split(np.arange(len(places)), _CONFORMATIONS)
        if len(part)
    )
