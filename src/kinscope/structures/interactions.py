"""What an interaction is: one table of kinds and limits, for models, poses and frames alike.

=============== ================================================================== ==========================
kind            limits                                                             source
=============== ================================================================== ==========================
hydrogen bond   donor to acceptor 3.5 angstrom, 130 degrees or more at the         Bouysset & Fiorucci, J.
                hydrogen                                                           Cheminform. 2021, 13, 72
salt bridge     4.0 angstrom between charged N and O                               Barlow & Thornton, J. Mol.
                                                                                   Biol. 1983, 168, 867
pi stacking     face to face: centroids 5.5 angstrom, planes within 35 degrees, a  Bouysset & Fiorucci
                normal within 33 of the line of centroids; edge to face: 6.5
                angstrom, planes 50 to 90 degrees, a normal within 30, the line
                in which the planes meet within 1.5 angstrom of a centroid
cation-pi       4.5 angstrom from the centroid, within 30 degrees of the normal    Bouysset & Fiorucci
halogen bond    Cl, Br or I to N, O or S 3.5 angstrom; 130 degrees or more at the  Auffinger et al., PNAS
                halogen, 80 to 140 between it and an atom bonded to the acceptor   2004, 101, 16789
hydrophobic     4.5 angstrom between carbons without a polar neighbour (and the    Bouysset & Fiorucci
                sulphur of Met)
van der Waals   within the sum of radii, hydrogens included; not counted in poses  Mantina et al., J. Phys.
                and frames                                                         Chem. A 2009, 113, 5806
=============== ================================================================== ==========================

What an atom can do is said in :mod:`kinscope.structures.atom_types`. A ring's normal is the mean over its
atoms. Nothing interacts with its own residue; residues next in the chain have no hydrophobic and no van der
Waals contact. Functions are over arrays of frames; a model is one frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from kinscope.analysis.superposition import IntArray, pair_distances, reachable_pairs
from kinscope.structures.atom_types import Atoms, AtomTypes, BoolArray

Array = np.ndarray[Any, Any]
Kind = Literal[
    "hydrogen bond", "salt bridge", "pi stacking", "cation-pi", "halogen bond", "hydrophobic", "van der Waals"
]
KINDS: tuple[Kind, ...] = (
    "hydrogen bond", "salt bridge", "pi stacking", "cation-pi", "halogen bond", "hydrophobic",
    "van der Waals",
)  # fmt: skip
"""Strongest first."""
HYDROGEN_BOND_ANGSTROM, HYDROGEN_BOND_DEGREES = 3.5, 130.0
SALT_BRIDGE_ANGSTROM = 4.0
HYDROPHOBIC_ANGSTROM = 4.5
FACE_ANGSTROM, EDGE_ANGSTROM, CATION_ANGSTROM, HALOGEN_ANGSTROM = 5.5, 6.5, 4.5, 3.5
_FACE_PLANES, _FACE_NORMAL = 35.0, 33.0
_EDGE_PLANES, _EDGE_NORMAL = 50.0, 30.0
_INTERSECT_ANGSTROM = 1.5
_CATION_DEGREES = 30.0
_HALOGEN_DEGREES = 130.0
_ACCEPTOR_DEGREES = (80.0, 140.0)
RADII_ANGSTROM = {
    "H": 1.10, "C": 1.70, "N": 1.55, "O": 1.52, "F": 1.47, "P": 1.80, "S": 1.80, "CL": 1.75, "BR": 1.83,
    "I": 1.98,
}  # fmt: skip
REACH_ANGSTROM = 7.5
"""Beyond every limit between two atoms, or between a ring's centroid and an atom of another ring."""
_FAR_ANGSTROM = EDGE_ANGSTROM + 2 * 1.6
"""Between an atom of each ring where the centroids meet: no atom is 1.6 angstrom from its own centroid."""


@dataclass(frozen=True)
class Sighting:
    """An interaction of two groups of atoms, and in which frames it stands."""

    kind: Kind
    own: tuple[int, ...]
    """Of the atoms asked about: one, or those of a ring."""
    other: tuple[int, ...]
    there: BoolArray
    """Shape (n_frames,)."""
    angstrom: Array
    """Between atoms, or from a ring's centroid; shape (n_frames,)."""


class Search(Protocol):
    """Atoms that may interact in one way."""

    def atoms(self) -> tuple[IntArray, ...]:
        """Every atom that has to be placed."""

    def found(self, types: AtomTypes, coordinates: Array, place: IntArray) -> Iterator[Sighting]:
        """What interacts in any frame (n_frames, n_placed, 3); ``place`` says where each atom stands."""


def searches(types: AtomTypes, chosen: IntArray, others: IntArray) -> tuple[Search, ...]:
    """Whatever may interact between chosen atoms and the rest, van der Waals contacts left out."""
    chosen, others = np.asarray(chosen), np.asarray(others)
    return (*_pair_searches(types, chosen, others), *_ring_searches(types, chosen, others))


def interactions_of(
    types: AtomTypes, chosen: IntArray, others: IntArray, *, touching: bool = False
) -> list[Sighting]:
    """Interactions between chosen atoms and the rest in one structure.

    ``chosen`` and ``others`` are places of atoms; ``touching`` adds van der Waals contacts.
    """
    wanted: Sequence[Search] = searches(types, chosen, others)
    if touching:
        wanted = (*wanted, _PairSearch("van der Waals", np.asarray(chosen), np.asarray(others), 0.0))
    place = np.arange(len(types.coord), dtype=np.intp)
    return [found for part in wanted for found in part.found(types, types.coord[None], place)]


def whole_residues_near(atoms: Atoms, points: Array) -> BoolArray:
    """Atoms (n_atoms,) of residues that have one near any point (n, 3)."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(points).query(atoms.coord, distance_upper_bound=REACH_ANGSTROM)
    numbers = np.asarray(atoms.res_id)
    return np.isin(numbers, numbers[np.isfinite(distance)])


@dataclass(frozen=True)
class _PairSearch:
    """Single atoms: the first of the chosen ones, the second of the others, or the other way round."""

    kind: Kind
    first: IntArray
    second: IntArray
    cutoff: float
    """Angstrom; of van der Waals contacts the sum of radii counts instead."""
    hydrogens: IntArray | None = None
    """Of ``first``, where the angle counts; as long as that side."""
    chosen_first: bool = True

    def atoms(self) -> tuple[IntArray, ...]:
        return (self.first, self.second, *((self.hydrogens,) if self.hydrogens is not None else ()))

    def found(self, types: AtomTypes, coordinates: Array, place: IntArray) -> Iterator[Sighting]:
        if not len(self.first) or not len(self.second):
            return
        one, two = coordinates[:, place[self.first]], coordinates[:, place[self.second]]
        limits = self._limits(types)
        farthest = self.cutoff if limits is None else float(limits[0].max() + limits[1].max())
        pairs = reachable_pairs(one, two, farthest)
        keep = self._sensible(types, pairs)
        pairs = pairs[0][keep], pairs[1][keep]
        gaps = pair_distances(one, two, pairs)
        there = gaps <= (self.cutoff if limits is None else limits[0][pairs[0]] + limits[1][pairs[1]])
        some = there.any(axis=0)
        pairs, there, gaps = (pairs[0][some], pairs[1][some]), there[:, some], gaps[:, some]
        if self.hydrogens is not None and len(pairs[0]):
            there &= _straight(coordinates[:, place[self.hydrogens[pairs[0]]]], one, two, pairs)
        for column in np.flatnonzero(there.any(axis=0)):
            ends = int(self.first[pairs[0][column]]), int(self.second[pairs[1][column]])
            own, other = ends if self.chosen_first else ends[::-1]
            yield Sighting(self.kind, (own,), (other,), there[:, column], gaps[:, column])

    def _limits(self, types: AtomTypes) -> tuple[Array, Array] | None:
        if self.kind != "van der Waals":
            return None
        one, two = (
            np.array([RADII_ANGSTROM.get(symbol, 1.7) for symbol in types.element[side].tolist()])
            for side in (self.first, self.second)
        )
        return one, two

    def _sensible(self, types: AtomTypes, pairs: tuple[IntArray, IntArray]) -> BoolArray:
        """Not within a residue, and no weak contact of chain neighbours."""
        ends = self.first[pairs[0]], self.second[pairs[1]]
        apart = np.abs(types.res_id[ends[0]] - types.res_id[ends[1]])
        both = types.protein[ends[0]] & types.protein[ends[1]]
        fewest = 2 if self.kind in ("hydrophobic", "van der Waals") else 1
        return np.asarray(~both | (apart >= fewest))


def _pair_searches(types: AtomTypes, chosen: IntArray, others: IntArray) -> Iterator[_PairSearch]:
    bonds = types.bonds
    for ours, theirs, chosen_first in ((chosen, others, True), (others, chosen, False)):
        giving = np.isin(bonds.donors, ours)
        yield _PairSearch(
            "hydrogen bond",
            bonds.donors[giving],
            bonds.acceptors[np.isin(bonds.acceptors, theirs)],
            HYDROGEN_BOND_ANGSTROM,
            bonds.hydrogens[giving] if bonds.has_hydrogens else None,
            chosen_first,
        )
        yield _PairSearch(
            "salt bridge",
            types.cations[np.isin(types.cations, ours)],
            types.anions[np.isin(types.anions, theirs)],
            SALT_BRIDGE_ANGSTROM,
            chosen_first=chosen_first,
        )
    apolar = types.apolar
    ours, theirs = (apolar[np.isin(apolar, side)] for side in (chosen, others))
    yield _PairSearch("hydrophobic", ours, theirs, HYDROPHOBIC_ANGSTROM)


def _straight(hydrogens: Array, one: Array, two: Array, pairs: tuple[IntArray, IntArray]) -> BoolArray:
    """Whether donor, hydrogen and acceptor are nearly in line, (n_frames, n_pairs)."""
    back, forth = one[:, pairs[0]] - hydrogens, two[:, pairs[1]] - hydrogens
    product = np.einsum("fpi,fpi->fp", back, forth)
    size = np.sqrt(np.einsum("fpi,fpi->fp", back, back) * np.einsum("fpi,fpi->fp", forth, forth))
    return np.asarray(product <= np.cos(np.radians(HYDROGEN_BOND_DEGREES)) * size)


@dataclass(frozen=True)
class _RingSearch:
    """Rings of one side and rings or cations (as rings of one atom) of the other."""

    kind: Literal["pi stacking", "cation-pi"]
    rings: tuple[IntArray, ...]
    other: tuple[IntArray, ...]
    rings_chosen: bool = True

    def atoms(self) -> tuple[IntArray, ...]:
        return (*self.rings, *self.other)

    def found(self, types: AtomTypes, coordinates: Array, place: IntArray) -> Iterator[Sighting]:
        one, two = (coordinates[:, place[[ring[0] for ring in side]]] for side in (self.rings, self.other))
        near = reachable_pairs(one, two, _FAR_ANGSTROM)
        if not len(near[0]):
            return
        ours, theirs = (
            [side[number] for number in np.unique(kept).tolist()]
            for side, kept in zip((self.rings, self.other), near, strict=True)
        )
        centres, normals = _planes(ours, coordinates, place)
        if self.kind == "cation-pi":
            cations = coordinates[:, place[[cation[0] for cation in theirs]]]
            pairs, there, gaps = _over(centres, normals, cations)
        else:
            pairs, there, gaps = _stacked(centres, normals, *_planes(theirs, coordinates, place))
        for column in np.flatnonzero(there.any(axis=0)):
            own, other = ours[pairs[0][column]].tolist(), theirs[pairs[1][column]].tolist()
            if types.protein[[own[0], other[0]]].all() and types.res_id[own[0]] == types.res_id[other[0]]:
                continue
            if not self.rings_chosen:
                own, other = other, own
            yield Sighting(self.kind, tuple(own), tuple(other), there[:, column], gaps[:, column])


@dataclass(frozen=True)
class _HalogenSearch:
    """Halogens of a ligand and the atoms that may hold them."""

    halogens: IntArray
    parents: IntArray
    acceptors: IntArray
    roots: IntArray
    """An atom bonded to each acceptor, which stands there once for each bond."""

    def atoms(self) -> tuple[IntArray, ...]:
        return (self.halogens, self.parents, self.acceptors, self.roots)

    def found(self, types: AtomTypes, coordinates: Array, place: IntArray) -> Iterator[Sighting]:
        if not len(self.acceptors):
            return
        one, two = coordinates[:, place[self.halogens]], coordinates[:, place[self.acceptors]]
        pairs = reachable_pairs(one, two, HALOGEN_ANGSTROM)
        gaps = pair_distances(one, two, pairs)
        back = coordinates[:, place[self.parents]][:, pairs[0]] - one[:, pairs[0]]
        forth = two[:, pairs[1]] - one[:, pairs[0]]
        there = (gaps <= HALOGEN_ANGSTROM) & (_cosine(back, forth) <= np.cos(np.radians(_HALOGEN_DEGREES)))
        rooted = coordinates[:, place[self.roots]][:, pairs[1]] - two[:, pairs[1]]
        widest, narrowest = np.cos(np.radians(_ACCEPTOR_DEGREES))
        at_acceptor = _cosine(-forth, rooted)
        there &= (at_acceptor <= widest) & (at_acceptor >= narrowest)
        for column in np.flatnonzero(there.any(axis=0)):
            own, other = int(self.halogens[pairs[0][column]]), int(self.acceptors[pairs[1][column]])
            yield Sighting("halogen bond", (own,), (other,), there[:, column], gaps[:, column])


def _ring_searches(
    types: AtomTypes, chosen: IntArray, others: IntArray
) -> Iterator[_RingSearch | _HalogenSearch]:
    ours, theirs = (
        tuple(ring for ring in types.rings if np.isin(ring, side).all()) for side in (chosen, others)
    )
    inside, facing = (tuple(types.cations[np.isin(types.cations, side), None]) for side in (chosen, others))
    halogens, parents = types.halogens
    kept = np.isin(halogens, chosen)
    accepting = others[np.isin(types.element[others], ("O", "N", "S"))]
    # Searches with an empty side would only have their atoms placed in every frame.
    if ours and theirs:
        yield _RingSearch("pi stacking", ours, theirs)
    if ours and facing:
        yield _RingSearch("cation-pi", ours, facing)
    if theirs and inside:
        yield _RingSearch("cation-pi", theirs, inside, rings_chosen=False)
    if kept.any():
        yield _HalogenSearch(halogens[kept], parents[kept], *types.rooted(accepting))


def _planes(rings: Sequence[IntArray], coordinates: Array, place: IntArray) -> tuple[Array, Array]:
    """Centroids and unit normals, both (n_frames, n_rings, 3)."""
    centres, normals = [], []
    for ring in rings:
        atoms = coordinates[:, place[ring]]
        centre = atoms.mean(axis=1)
        spokes = atoms - centre[:, None]
        normal = np.cross(spokes, np.roll(spokes, -1, axis=1)).sum(axis=1)
        centres.append(centre)
        normals.append(normal / np.linalg.norm(normal, axis=1)[:, None])
    return np.stack(centres, axis=1), np.stack(normals, axis=1)


def _stacked(
    centres: Array, normals: Array, ends: Array, other_normals: Array
) -> tuple[tuple[IntArray, IntArray], Array, Array]:
    """Pairs of rings that may meet, and (n_frames, n_pairs) whether they are stacked and how far apart."""
    pairs = reachable_pairs(centres, ends, EDGE_ANGSTROM)
    one, two = centres[:, pairs[0]], ends[:, pairs[1]]
    first, second = normals[:, pairs[0]], other_normals[:, pairs[1]]
    line = two - one
    gap = np.linalg.norm(line, axis=2)
    along = np.einsum("fpi,fpi->fp", first, second)
    planes = _acute(along)
    tilt = np.minimum(_acute(_cosine(first, line)), _acute(_cosine(second, line)))
    face = (gap <= FACE_ANGSTROM) & (planes <= _FACE_PLANES) & (tilt <= _FACE_NORMAL)
    edge = (gap <= EDGE_ANGSTROM) & (planes >= _EDGE_PLANES) & (tilt <= _EDGE_NORMAL)
    # From the first centroid within its plane to the line in which the planes meet.
    within = second - along[..., None] * first
    steps = np.einsum("fpi,fpi->fp", second, line) / np.maximum(1.0 - along**2, 1e-9)
    meet = one + steps[..., None] * within
    nearest = np.minimum(np.linalg.norm(meet - one, axis=2), np.linalg.norm(meet - two, axis=2))
    return pairs, face | (edge & (nearest <= _INTERSECT_ANGSTROM)), gap


def _over(centres: Array, normals: Array, cations: Array) -> tuple[tuple[IntArray, IntArray], Array, Array]:
    """Pairs of ring and cation that may meet, in which frames the cation lies over the ring, and how far."""
    pairs = reachable_pairs(centres, cations, CATION_ANGSTROM)
    line = cations[:, pairs[1]] - centres[:, pairs[0]]
    gap = np.linalg.norm(line, axis=2)
    return (
        pairs,
        (gap <= CATION_ANGSTROM) & (_acute(_cosine(normals[:, pairs[0]], line)) <= _CATION_DEGREES),
        gap,
    )


def _cosine(one: Array, two: Array) -> Array:
    size = np.sqrt(np.einsum("fpi,fpi->fp", one, one) * np.einsum("fpi,fpi->fp", two, two))
    return np.asarray(np.einsum("fpi,fpi->fp", one, two) / np.maximum(size, 1e-9))


def _acute(cosine: Array) -> Array:
    """Degrees between two lines, 0 to 90."""
    return np.asarray(np.degrees(np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))))
