"""How often each interaction of some atoms with all around them stands along a trajectory, and how long.

What an interaction is, is said in :mod:`kinscope.structures.interactions`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinscope.analysis.superposition import IntArray
from kinscope.structures.atom_types import BoolArray
from kinscope.structures.interactions import KINDS, Kind, Sighting, searches
from kinscope.trajectories.frames import Chunk
from kinscope.trajectories.layout import Layout

Key = tuple[Kind, int, int, str]
"""Kind, residue asked about (0 for a ligand's), partner and the partner's name."""


@dataclass(frozen=True)
class Occupancy:
    """How often one interaction stood."""

    kind: Kind
    residue: int
    """Of the atoms asked about; 0 for a ligand's."""
    partner: int
    partner_name: str
    frames: int
    """In which it stood."""
    stretches: int
    """Uninterrupted stretches of frames that these make."""
    longest: int
    """Frames of the longest."""
    early: int
    """In which it stood, of the first half of the frames."""
    total: int
    """All frames seen."""

    @property
    def halves(self) -> tuple[float, float] | None:
        """Shares of the first and of the second half of the frames; the first is the longer one."""
        if self.total < 2:
            return None
        first = (self.total + 1) // 2
        return self.early / first, (self.frames - self.early) / (self.total - first)

    @property
    def share(self) -> float:
        """Share of all frames, 0 to 1."""
        return self.frames / self.total if self.total else 0.0


class Interactions:
    """Interactions between chosen atoms and the rest, counted by pair of residues and kind.

    ``chosen``: places of the atoms asked about (the variant's residues, or a ligand), shape (n,). ``others``:
    places of possible partners; residues next in the chain are left out of hydrophobic contacts, and nothing
    interacts with its own residue. ``frames``: how many there will be.
    """

    def __init__(self, layout: Layout, chosen: IntArray, others: IntArray, frames: int = 1) -> None:
        self._layout = layout
        self._half = (frames + 1) // 2
        self._early: dict[Key, int] = {}
        self._searches = searches(layout, chosen, others)
        self._total = 0
        self._frames: dict[Key, int] = {}
        self._stretches: dict[Key, int] = {}
        self._longest: dict[Key, int] = {}
        self._open: dict[Key, int] = {}

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        present: dict[Key, BoolArray] = {}
        used = np.unique(np.concatenate([atoms for part in self._searches for atoms in part.atoms()]))
        place = np.full(chunk.coordinates.shape[1], -1, dtype=np.intp)
        place[used] = np.arange(len(used))
        coordinates = chunk.placed(used)
        for part in self._searches:
            for seen in part.found(self._layout, coordinates, place):
                key = self._key(seen)
                present[key] = present[key] | seen.there if key in present else seen.there
        self._count(present, len(chunk))

    def _key(self, seen: Sighting) -> Key:
        layout, own, other = self._layout, seen.own[0], seen.other[0]
        residue = int(layout.res_id[own]) if layout.protein[own] else 0
        return seen.kind, residue, int(layout.res_id[other]), str(layout.res_name[other])

    def _count(self, present: dict[Key, BoolArray], length: int) -> None:
        for key in self._open.keys() - present.keys():
            del self._open[key]
        for key, there in present.items():
            self._frames[key] = self._frames.get(key, 0) + int(there.sum())
            early = there[: max(0, self._half - self._total)]
            self._early[key] = self._early.get(key, 0) + int(early.sum())
            before = self._open.get(key, 0)
            edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
            runs = (edges[1::2] - edges[::2]).tolist()
            if there[0]:
                runs[0] += before
            self._stretches[key] = self._stretches.get(key, 0) + len(runs) - bool(there[0] and before)
            self._longest[key] = max(self._longest.get(key, 0), *runs)
            if there[-1]:
                self._open[key] = runs[-1]
            else:
                self._open.pop(key, None)
        self._total += length

    def result(self) -> list[Occupancy]:
        """Every interaction that stood in any frame, most frequent first."""
        found = [
            Occupancy(*key, frames, self._stretches[key], self._longest[key], self._early[key], self._total)
            for key, frames in self._frames.items()
        ]
        return sorted(found, key=lambda row: (-row.frames, KINDS.index(row.kind), row.residue, row.partner))
