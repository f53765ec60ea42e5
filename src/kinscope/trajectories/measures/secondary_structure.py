"""Secondary structure per residue and frame, by hydrogen bonds: DSSP over whole chunks of frames.

Kabsch & Sander, Biopolymers 1983, 22, 2577: a backbone hydrogen bond is an electrostatic energy below
-0.5 kcal/mol, helices are repeated turns, strands are bridges. Each N-H bonds to its two best partners,
bridges that bulges connect make one strand, and a 4-turn helix goes before a strand, that before the other
helices (as in the DSSP program from version 2 on). Reported are three classes: helix (H, G, I), strand (E, B)
and the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray, pair_distances, reachable_pairs
from kinscope.trajectories.frames import Chunk
from kinscope.trajectories.layout import Backbone, BoolArray
from kinscope.trajectories.measures.motion import Series

COIL, HELIX, STRAND = 0, 1, 2
CLASSES = ("coil", "helix", "strand")

BitArray = np.ndarray[Any, np.dtype[np.uint8]]
CodeArray = np.ndarray[Any, np.dtype[np.int8]]

_COUPLING = 0.42 * 0.20 * 332.0
"""Charges of C=O and N-H (e) times the electrostatic constant (kcal/mol angstrom)."""
_BOND = -0.5
"""kcal/mol."""
_FARTHEST_N_O = 5.3
"""Beyond 5.2 angstrom not even a straight pair reaches the energy of a bond (Kabsch & Sander)."""
_NEAREST = 0.5
"""Distances below count as this, as in DSSP."""
_LEAST_ENERGY = -9.9


def assign(chunk: Chunk, backbone: Backbone) -> CodeArray:
    """Class of every residue in every frame, shape (n_frames, n_residues), of ``CLASSES``."""
    bonds = _hydrogen_bonds(chunk, backbone)
    joined = backbone.joined
    strand = _strands(bonds, joined)
    helix = _helices(_turns(bonds, 4, joined), 4)
    taken = strand | helix
    for length in (3, 5):
        # These helices yield: they stand only where all of their residues are free or of their own kind.
        found = _helices(_turns(bonds, length, joined), length, blocked=taken)
        helix = helix | found
        taken = taken | found
    codes = np.zeros((len(chunk), len(joined)), dtype=np.int8)
    codes[_unpacked(strand, len(chunk))] = STRAND
    codes[_unpacked(helix, len(chunk))] = HELIX
    return codes


def _unpacked(bits: BitArray, frames: int) -> BoolArray:
    """Rows of packed frames, (n, n_bytes), as truth values (n_frames, n)."""
    return np.unpackbits(bits, axis=1, count=frames).T.astype(bool)


class SecondaryStructure(Series):
    """Shares of the residues in helix and in strand, and of the frames that every residue spends as each."""

    names = ("helix_percent", "strand_percent")

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self._backbone = backbone
        self._counts = np.zeros((len(CLASSES), len(backbone.residues)), dtype=np.int64)

    def update(self, chunk: Chunk) -> None:
        """Take up the next frames."""
        codes = assign(chunk, self._backbone)
        for code in range(len(CLASSES)):
            self._counts[code] += (codes == code).sum(axis=0)
        self.add(np.stack([(codes == code).mean(axis=1) for code in (HELIX, STRAND)], axis=1))

    def per_residue(self) -> FloatArray:
        """Shares of coil, helix and strand per residue, shape (3, n_residues)."""
        return np.asarray(self._counts / max(1, int(self._counts[:, :1].sum())))


@dataclass(frozen=True)
class _Bonds:
    """Hydrogen bonds; the frames of a chunk are bits, so that one operation on a byte does eight of them."""

    donors: IntArray
    acceptors: IntArray
    present: BitArray
    """Whether a pair is bonded, shape (n_pairs + 1, n_bytes); the last row is never bonded."""
    row: IntArray
    """Row of (acceptor, donor), shape (n + 1, n + 1)."""

    def of(self, acceptor: IntArray, donor: IntArray) -> BitArray:
        """Bonds of C=O of some residues to N-H of others; out of the chain: none."""
        edge = len(self.row) - 1
        outside = (acceptor < 0) | (donor < 0) | (acceptor >= edge) | (donor >= edge)
        return self.present[self.row[np.where(outside, edge, acceptor), np.where(outside, edge, donor)]]


def _hydrogen_bonds(chunk: Chunk, backbone: Backbone) -> _Bonds:
    """Bonds by energy, the two best of each N-H."""
    count = len(backbone.residues)
    n, c, o = (chunk.placed(atoms) for atoms in (backbone.n, backbone.c, backbone.o))
    donors, acceptors = reachable_pairs(n, o, _FARTHEST_N_O)
    # Residue i never bonds to itself or to the one before it (its own C=O carries the amide).
    kept = (donors != acceptors) & (donors != acceptors + 1)
    kept &= ~backbone.proline[donors] & backbone.joined[donors]
    donors, acceptors = donors[kept], acceptors[kept]
    back = c[:, :-1] - o[:, :-1]
    hydrogen = n.copy()
    hydrogen[:, 1:] += back / np.linalg.norm(back, axis=-1, keepdims=True)
    near_n = _gap(n, o, (donors, acceptors))
    close = near_n <= _FARTHEST_N_O
    some = close.any(axis=0)
    donors, acceptors, near_n = donors[some], acceptors[some], near_n[:, some]
    pairs = donors, acceptors
    energy = 1.0 / near_n + 1.0 / _gap(hydrogen, c, pairs)
    energy -= 1.0 / _gap(hydrogen, o, pairs) + 1.0 / _gap(n, c, pairs)
    # DSSP rounds to thousandths, which decides ties and energies at the bound.
    energy = np.maximum(np.round(_COUPLING * 1000.0 * energy) / 1000.0, _LEAST_ENERGY)
    present = energy < _BOND
    some = present.any(axis=0)
    donors, acceptors, present, energy = donors[some], acceptors[some], present[:, some], energy[:, some]
    present = _two_best(energy, present, donors)
    row = np.full((count + 1, count + 1), len(donors), dtype=np.intp)
    row[acceptors, donors] = np.arange(len(donors))
    bits = np.packbits(np.pad(present, ((0, 0), (0, 1))).T, axis=1)
    return _Bonds(donors, acceptors, bits, row)


def _gap(first: Any, second: Any, pairs: tuple[IntArray, IntArray]) -> Any:
    return np.maximum(pair_distances(first, second, pairs), _NEAREST)


def _two_best(energy: Any, present: BoolArray, owners: IntArray) -> BoolArray:
    """Of the bonds of each owner keep the two of lowest energy in each frame."""
    kept = present.copy()
    order = np.argsort(owners, kind="stable")
    _, begins, sizes = np.unique(owners[order], return_index=True, return_counts=True)
    for begin, size in zip(begins[sizes > 2], sizes[sizes > 2], strict=True):
        own = order[begin : begin + size]
        crowded = np.flatnonzero(present[:, own].sum(axis=1) > 2)
        if len(crowded):
            rows = np.where(present[np.ix_(crowded, own)], energy[np.ix_(crowded, own)], np.inf)
            rank = rows.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
            kept[np.ix_(crowded, own)] &= rank < 2
    return kept


def _turns(bonds: _Bonds, length: int, joined: BoolArray) -> BitArray:
    """Whether an n-turn starts at a residue: its C=O bonds to the N-H ``length`` further on, no break."""
    first = np.arange(len(joined))
    starts = bonds.of(first, first + length)
    broken = np.cumsum(~joined)
    starts[: len(joined) - length][broken[length:] != broken[:-length]] = 0
    return starts


def _helices(starts: BitArray, length: int, blocked: BitArray | None = None) -> BitArray:
    """Residues i to i + length - 1 wherever turns start at i - 1 and at i."""
    begins = np.zeros_like(starts)
    begins[1:] = starts[1:] & starts[:-1]
    count = len(begins)
    if blocked is not None:
        for step in range(length):
            begins[: count - step] &= ~blocked[step:]
    inside = np.zeros_like(begins)
    for step in range(length):
        inside[step:] |= begins[: count - step]
    return inside


def _strands(bonds: _Bonds, joined: BoolArray) -> BitArray:
    """Residues in bridges, and those of the bulges between two bridges of one strand."""
    strand = np.zeros((len(joined), bonds.present.shape[1]), dtype=np.uint8)
    for parallel in (True, False):
        for first, last, there in _spans(
            *_bridges(bonds, joined, parallel=parallel), joined, parallel=parallel
        ):
            strand[first : last + 1] |= there
    return strand


def _bridges(bonds: _Bonds, joined: BoolArray, *, parallel: bool) -> tuple[IntArray, IntArray, BitArray]:
    """Pairs i < j - 2 that make a bridge in any frame, and in which."""
    around = np.stack([bonds.acceptors, bonds.donors])
    shifts = ((1, 0), (0, 1), (0, -1), (-1, 0), (1, -1), (-1, 1), (0, 0))
    pairs = np.concatenate([around + np.array([[a], [b]]) for a, b in shifts], axis=1)
    pairs = np.sort(pairs, axis=0)
    edge = len(joined)
    # A bridge needs the neighbours of both residues, without a break.
    whole = np.zeros(edge, dtype=bool)
    whole[1:-1] = joined[1:-1] & joined[2:]
    fits = (pairs[0] >= 1) & (pairs[1] < edge - 1) & (pairs[1] - pairs[0] >= 3)
    pairs = pairs[:, fits]
    pairs = pairs[:, whole[pairs[0]] & whole[pairs[1]]]
    i, j = np.divmod(np.unique(pairs[0] * edge + pairs[1]), edge)
    if parallel:
        present = (bonds.of(i - 1, j) & bonds.of(j, i + 1)) | (bonds.of(j - 1, i) & bonds.of(i, j + 1))
    else:
        present = (bonds.of(i, j) & bonds.of(j, i)) | (bonds.of(i - 1, j + 1) & bonds.of(j - 1, i + 1))
    some = present.any(axis=1)
    return i[some], j[some], present[some]


def _spans(
    i: IntArray, j: IntArray, present: BitArray, joined: BoolArray, *, parallel: bool
) -> Iterator[tuple[int, int, BitArray]]:
    """First and last residue of what a bridge, or two bridges around a bulge, make a strand, and when.

    A bulge has at most one residue more on one side and at most four on the other.
    """
    broken = np.cumsum(~joined)
    for row in range(len(i)):
        yield int(i[row]), int(i[row]), present[row]
        yield int(j[row]), int(j[row]), present[row]
        along = i - i[row]
        across = (j - j[row]) if parallel else (j[row] - j)
        linked = (along >= 1) & (along < 6) & (across >= 1) & (across < 6) & ((along < 3) | (across < 3))
        linked &= (along > 1) | (across > 1)
        linked &= (broken[i] == broken[i[row]]) & (broken[j] == broken[j[row]])
        for other in np.flatnonzero(linked):
            both = present[row] & present[other]
            if both.any():
                yield int(i[row]), int(i[other]), both
                yield int(min(j[row], j[other])), int(max(j[row], j[other])), both
