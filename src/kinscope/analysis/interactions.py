"""Interactions of some atoms with all around them, frame by frame: how often each stands, and how long.

Definitions are those by which single models are read (structures.neighbourhood, after ProLIF: Bouysset &
Fiorucci, J. Cheminform. 2021, 13, 72): hydrogen bonds by donor-acceptor distance up to 3.5 angstrom and an
angle at the hydrogen of 130 degrees or more, salt bridges up to 4.0 angstrom between charged N and O (Barlow
& Thornton, J. Mol. Biol. 1983, 168, 867), hydrophobic contacts up to 4.5 angstrom between apolar carbons.
Rings and halogens: :mod:`kinscope.analysis.rings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinscope.analysis.frames import Chunk, Float32Array
from kinscope.analysis.layout import Layout
from kinscope.analysis.pairs import pair_distances, reachable_pairs
from kinscope.analysis.rings import ring_sets
from kinscope.analysis.secondary_structure import BoolArray
from kinscope.analysis.superposition import IntArray

Kind = Literal["hydrogen bond", "salt bridge", "pi stacking", "cation-pi", "halogen bond", "hydrophobic"]
KINDS: tuple[Kind, ...] = (
    "hydrogen bond", "salt bridge", "pi stacking", "cation-pi", "halogen bond", "hydrophobic",
)  # fmt: skip
HYDROGEN_BOND_ANGSTROM = 3.5
HYDROGEN_BOND_DEGREES = 130.0
SALT_BRIDGE_ANGSTROM = 4.0
HYDROPHOBIC_ANGSTROM = 4.5


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
    total: int
    """All frames seen."""

    @property
    def share(self) -> float:
        """Share of all frames, 0 to 1."""
        return self.frames / self.total if self.total else 0.0


class Interactions:
    """Interactions between chosen atoms and the rest, counted by pair of residues and kind.

    Parameters
    ----------
    layout
        Of the whole frame.
    chosen
        Places of the atoms asked about (the variant's residues, or a ligand), shape (n,).
    others
        Places of possible partners; residues next in the chain are left out of hydrophobic contacts, and
        nothing interacts with its own residue.
    """

    def __init__(self, layout: Layout, chosen: IntArray, others: IntArray) -> None:
        self._layout = layout
        ends = np.asarray(chosen), np.asarray(others)
        self._sets = (*_sets(layout, *ends), *ring_sets(layout, *ends))
        self._total = 0
        self._frames: dict[tuple[Kind, int, int, str], int] = {}
        self._stretches: dict[tuple[Kind, int, int, str], int] = {}
        self._longest: dict[tuple[Kind, int, int, str], int] = {}
        self._open: dict[tuple[Kind, int, int, str], int] = {}

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        present: dict[tuple[Kind, int, int, str], BoolArray] = {}
        used = np.unique(np.concatenate([atoms for part in self._sets for atoms in part.atoms()]))
        place = np.full(chunk.coordinates.shape[1], -1, dtype=np.intp)
        place[used] = np.arange(len(used))
        coordinates = chunk.placed(used)
        for part in self._sets:
            for key, there in part.found(self._layout, coordinates, place):
                present[key] = present[key] | there if key in present else there
        self._count(present, len(chunk))

    def _count(self, present: dict[tuple[Kind, int, int, str], BoolArray], length: int) -> None:
        for key in self._open.keys() - present.keys():
            del self._open[key]
        for key, there in present.items():
            self._frames[key] = self._frames.get(key, 0) + int(there.sum())
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

    def merge(self, other: Interactions) -> None:
        """Take up another trajectory; a stretch never goes on from one to the next."""
        self._open.clear()
        for key, count in other._frames.items():
            self._frames[key] = self._frames.get(key, 0) + count
            self._stretches[key] = self._stretches.get(key, 0) + other._stretches[key]
            self._longest[key] = max(self._longest.get(key, 0), other._longest[key])
        self._total += other._total

    def result(self) -> list[Occupancy]:
        """Every interaction that stood in any frame, most frequent first."""
        found = [
            Occupancy(*key, frames, self._stretches[key], self._longest[key], self._total)
            for key, frames in self._frames.items()
        ]
        return sorted(found, key=lambda row: (-row.frames, KINDS.index(row.kind), row.residue, row.partner))


@dataclass(frozen=True)
class _Set:
    """Atoms of one kind of interaction: the first of the chosen ones, the second of the others, or both."""

    kind: Kind
    first: IntArray
    second: IntArray
    cutoff: float
    hydrogens: IntArray | None = None
    """Of the donors, where the angle counts; as long as the donors' side."""
    donors_first: bool = True
    chosen_first: bool = True

    def atoms(self) -> tuple[IntArray, ...]:
        """Every atom that has to be placed."""
        return (self.first, self.second, *((self.hydrogens,) if self.hydrogens is not None else ()))

    def found(
        self, layout: Layout, coordinates: Float32Array, place: IntArray
    ) -> Iterator[tuple[tuple[Kind, int, int, str], BoolArray]]:
        """Each pair of residues that interacts in any frame, and in which."""
        if not len(self.first) or not len(self.second):
            return
        one, two = coordinates[:, place[self.first]], coordinates[:, place[self.second]]
        pairs = reachable_pairs(one, two, self.cutoff)
        keep = self._sensible(layout, pairs)
        pairs = pairs[0][keep], pairs[1][keep]
        there = pair_distances(one, two, pairs) <= self.cutoff
        some = there.any(axis=0)
        pairs, there = (pairs[0][some], pairs[1][some]), there[:, some]
        if self.hydrogens is not None and len(pairs[0]):
            there &= self._straight(coordinates, place, one, two, pairs)
        for column in np.flatnonzero(there.any(axis=0)):
            ends = int(self.first[pairs[0][column]]), int(self.second[pairs[1][column]])
            own, other = ends if self.chosen_first else ends[::-1]
            name = str(layout.res_name[other])
            residue = int(layout.res_id[own]) if layout.protein[own] else 0
            yield (self.kind, residue, int(layout.res_id[other]), name), there[:, column]

    def _sensible(self, layout: Layout, pairs: tuple[IntArray, IntArray]) -> BoolArray:
        """Not within a residue, and no hydrophobic contact of chain neighbours."""
        ends = self.first[pairs[0]], self.second[pairs[1]]
        apart = np.abs(layout.res_id[ends[0]] - layout.res_id[ends[1]])
        both = layout.protein[ends[0]] & layout.protein[ends[1]]
        fewest = 2 if self.kind == "hydrophobic" else 1
        return np.asarray(~both | (apart >= fewest))

    def _straight(
        self,
        coordinates: Float32Array,
        place: IntArray,
        one: Float32Array,
        two: Float32Array,
        pairs: tuple[IntArray, IntArray],
    ) -> BoolArray:
        """Whether donor, hydrogen and acceptor are nearly in line."""
        assert self.hydrogens is not None
        side = 0 if self.donors_first else 1
        middle = coordinates[:, place[self.hydrogens[pairs[side]]]]
        back, forth = one[:, pairs[0]] - middle, two[:, pairs[1]] - middle
        product = np.einsum("fpi,fpi->fp", back, forth)
        size = np.sqrt(np.einsum("fpi,fpi->fp", back, back) * np.einsum("fpi,fpi->fp", forth, forth))
        return np.asarray(product <= np.cos(np.radians(HYDROGEN_BOND_DEGREES)) * size)


def _sets(layout: Layout, chosen: IntArray, others: IntArray) -> Iterator[_Set]:
    bonds = layout.bonds
    for ours, theirs, chosen_first in ((chosen, others, True), (others, chosen, False)):
        giving = np.isin(bonds.donors, ours)
        yield _Set(
            "hydrogen bond",
            bonds.donors[giving],
            bonds.acceptors[np.isin(bonds.acceptors, theirs)],
            HYDROGEN_BOND_ANGSTROM,
            bonds.hydrogens[giving] if bonds.has_hydrogens else None,
            chosen_first=chosen_first,
        )
        yield _Set(
            "salt bridge",
            layout.cations[np.isin(layout.cations, ours)],
            layout.anions[np.isin(layout.anions, theirs)],
            SALT_BRIDGE_ANGSTROM,
            chosen_first=chosen_first,
        )
    apolar = layout.apolar
    yield _Set(
        "hydrophobic",
        apolar[np.isin(apolar, chosen)],
        apolar[np.isin(apolar, others)],
        HYDROPHOBIC_ANGSTROM,
    )
