"""How often each interaction of some atoms with all around them stands along a trajectory, and how long.

What an interaction is, is said in :mod:`kinscope.structures.interactions`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kinscope.analysis.superposition import IntArray
from kinscope.structures.atom_types import BoolArray
from kinscope.structures.interactions import KINDS, Kind, Sighting, searches
from kinscope.trajectories.frames import Chunk
from kinscope.trajectories.layout import Layout

Key = tuple[Kind, int, int, str]
"""Kind, residue asked about (0 for a ligand's), partner and the partner's name."""


@dataclass
class Occupancy:
    """How often one interaction stood in the frames seen so far."""

    kind: Kind
    residue: int
    """Of the atoms asked about; 0 for a ligand's."""
    partner: int
    partner_name: str
    frames: int = 0
    """In which it stood."""
    stretches: int = 0
    """Uninterrupted stretches of frames that these make."""
    longest: int = 0
    early: int = 0
    """In which it stood, of the first half of the frames."""
    total: int = 0
    running: int = 0
    """Frames of the stretch that the last frame seen belongs to."""

    def add(self, there: BoolArray, early: int) -> None:
        """Take up whether it stood in each of the next frames, so many of which are of the first half."""
        self.frames += int(there.sum())
        self.early += int(there[:early].sum())
        edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
        runs = (edges[1::2] - edges[::2]).tolist()
        self.stretches += len(runs)
        if there[0] and self.running:
            runs[0] += self.running
            self.stretches -= 1
        self.longest = max(self.longest, *runs)
        self.running = runs[-1] if there[-1] else 0

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
        self._searches = searches(layout, chosen, others)
        self._half = (frames + 1) // 2
        self._total = 0
        self._rows: dict[Key, Occupancy] = {}

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
                present[key] = present.get(key, False) | seen.there
        self._count(present, len(chunk))

    def _count(self, present: dict[Key, BoolArray], length: int) -> None:
        for key, row in self._rows.items():
            if key not in present:
                row.running = 0
        early = max(0, self._half - self._total)
        for key, there in present.items():
            self._rows.setdefault(key, Occupancy(*key)).add(there, early)
        self._total += length

    def _key(self, seen: Sighting) -> Key:
        layout, own, other = self._layout, seen.own[0], seen.other[0]
        residue = int(layout.res_id[own]) if layout.protein[own] else 0
        return seen.kind, residue, int(layout.res_id[other]), str(layout.res_name[other])

    def result(self) -> list[Occupancy]:
        """Every interaction that stood in any frame, most frequent first."""
        found = [replace(row, total=self._total) for row in self._rows.values()]
        return sorted(found, key=lambda row: (-row.frames, KINDS.index(row.kind), row.residue, row.partner))
