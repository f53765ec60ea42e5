"""Stacked rings, cations over rings and halogen bonds, frame by frame.

Definitions are ProLIF's (Bouysset & Fiorucci, J. Cheminform. 2021, 13, 72), so that a frame and a model read
alike: rings face to face with centroids up to 5.5 angstrom, planes within 35 degrees and one normal within 33
degrees of the line of centroids; edge to face up to 6.5 angstrom, planes 50 to 90 degrees, a normal within
30 degrees, and the line in which the planes meet within 1.5 angstrom of a centroid; a cation up to 4.5
angstrom from a centroid and within 30 degrees of its normal; a halogen up to 3.5 angstrom from N, O or S with
130 degrees or more at the halogen and 80 to 140 between it and some atom bonded to the acceptor. A ring's
normal is the mean over its atoms (ProLIF takes three of them): readings at the very edge of an angle may
differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kinscope.analysis.layout import Layout
from kinscope.analysis.pairs import pair_distances, reachable_pairs
from kinscope.analysis.superposition import IntArray

Array = np.ndarray[Any, Any]
Key = tuple[Any, int, int, str]

FACE_ANGSTROM, EDGE_ANGSTROM, CATION_ANGSTROM, HALOGEN_ANGSTROM = 5.5, 6.5, 4.5, 3.5
_FAR_ANGSTROM = EDGE_ANGSTROM + 2 * 1.6
"""Between an atom of each ring where the centroids meet: no atom is 1.6 angstrom from its own centroid."""
_FACE_PLANES, _FACE_NORMAL = 35.0, 33.0
_EDGE_PLANES, _EDGE_NORMAL = 50.0, 30.0
_INTERSECT_ANGSTROM = 1.5
_CATION_DEGREES = 30.0
_HALOGEN_DEGREES = 130.0
_ACCEPTOR_DEGREES = (80.0, 140.0)
_PROTEIN_RINGS = {
    "PHE": (("CG", "CD1", "CE1", "CZ", "CE2", "CD2"),),
    "TYR": (("CG", "CD1", "CE1", "CZ", "CE2", "CD2"),),
    "TRP": (("CG", "CD1", "NE1", "CE2", "CD2"), ("CD2", "CE2", "CZ2", "CH2", "CZ3", "CE3")),
    "HIS": (("CG", "ND1", "CE1", "NE2", "CD2"),),
}
_BONDED = 1.95
"""Heavier bonds of C, N, O than this there are none, angstrom; C-Cl and C-Br up to 2.2."""
_HALOGEN_BOND = 2.2
_HYDROGEN_BONDED = 1.4
"""No hydrogen of N, O or S is bonded at a greater distance, none that is hydrogen-bonded stands nearer."""
_FLAT = 0.1
"""Atoms of an aromatic ring lie this near their plane, angstrom, in the topology's structure."""


@dataclass(frozen=True)
class Rings:
    """Aromatic rings by their atoms, in order around each."""

    members: tuple[IntArray, ...]

    def of(self, chosen: IntArray) -> Rings:
        """Those that lie wholly among some atoms."""
        return Rings(tuple(ring for ring in self.members if np.isin(ring, chosen).all()))

    @property
    def first(self) -> IntArray:
        """An atom of each ring, shape (n_rings,)."""
        return np.array([ring[0] for ring in self.members], dtype=np.intp)

    def some(self, which: IntArray) -> Rings:
        """Those at some places in the list."""
        return Rings(tuple(self.members[place] for place in which.tolist()))

    def frames(self, coordinates: Array, place: IntArray) -> tuple[Array, Array]:
        """Centroids and unit normals, both (n_frames, n_rings, 3)."""
        centres, normals = [], []
        for ring in self.members:
            atoms = coordinates[:, place[ring]]
            centre = atoms.mean(axis=1)
            spokes = atoms - centre[:, None]
            normal = np.cross(spokes, np.roll(spokes, -1, axis=1)).sum(axis=1)
            centres.append(centre)
            normals.append(normal / np.linalg.norm(normal, axis=1)[:, None])
        return np.stack(centres, axis=1), np.stack(normals, axis=1)


def rings_of(layout: Layout) -> Rings:
    """Aromatic rings of protein and ligands."""
    found: list[IntArray] = []
    for name, patterns in _PROTEIN_RINGS.items():
        for pattern in patterns:
            own = np.flatnonzero((layout.res_name == name) & np.isin(layout.atom_name, pattern))
            for number in np.unique(layout.res_id[own]):
                atoms = {str(layout.atom_name[i]): int(i) for i in own[layout.res_id[own] == number]}
                if len(atoms) == len(pattern):
                    found.append(np.array([atoms[atom] for atom in pattern], dtype=np.intp))
    for _, places in layout.ligands:
        found += _ligand_rings(layout, places[layout.heavy[places]])
    return Rings(tuple(found))


def halogens_of(layout: Layout) -> tuple[IntArray, IntArray]:
    """Chlorine, bromine and iodine of ligands, and what each is bonded to."""
    heavy = np.concatenate([p[layout.heavy[p]] for _, p in layout.ligands] or [np.empty(0, dtype=np.intp)])
    found, parents = [], []
    for atom in heavy:
        if layout.element[atom] in ("CL", "BR", "I"):
            gaps = np.linalg.norm(layout.coord[heavy] - layout.coord[atom], axis=1)
            gaps[heavy == atom] = np.inf
            if gaps.min() < _HALOGEN_BOND:
                found.append(int(atom))
                parents.append(int(heavy[int(gaps.argmin())]))
    return np.asarray(found, dtype=np.intp), np.asarray(parents, dtype=np.intp)


def _rooted(layout: Layout, acceptors: IntArray) -> tuple[IntArray, IntArray]:
    """Each acceptor with each atom that is bonded to it, both shape (n_bonds,)."""
    from scipy.spatial import cKDTree

    near = cKDTree(layout.coord).query_ball_point(layout.coord[acceptors], _BONDED)
    rows = [(int(atom), other) for atom, around in zip(acceptors, near, strict=True) for other in around]
    first, second = np.array(rows, dtype=np.intp).reshape(-1, 2).T
    gaps = np.linalg.norm(layout.coord[first] - layout.coord[second], axis=1)
    kept = (first != second) & (layout.heavy[second] | (gaps < _HYDROGEN_BONDED))
    return first[kept], second[kept]


@dataclass(frozen=True)
class RingSet:
    """Rings of one side and rings or cations of the other."""

    kind: Literal["pi stacking", "cation-pi"]
    rings: Rings
    other: Rings
    """Empty for cations."""
    cations: IntArray
    rings_chosen: bool = True
    """Whether ``rings`` are of the atoms asked about."""

    def atoms(self) -> tuple[IntArray, ...]:
        """Every atom that has to be placed."""
        return (*self.rings.members, *self.other.members, self.cations)

    def found(self, layout: Layout, coordinates: Array, place: IntArray) -> Iterator[tuple[Key, Array]]:
        """Each pair of residues that interacts in any frame, and in which."""
        ours, theirs = self.rings.first, self.cations if self.kind == "cation-pi" else self.other.first
        near = reachable_pairs(coordinates[:, place[ours]], coordinates[:, place[theirs]], _FAR_ANGSTROM)
        if not len(near[0]):
            return
        kept, partners = (np.unique(side) for side in near)
        ours, theirs = ours[kept], theirs[partners]
        centres, normals = self.rings.some(kept).frames(coordinates, place)
        if self.kind == "cation-pi":
            pairs, there = _over(centres, normals, coordinates[:, place[theirs]])
        else:
            pairs, there = _stacked(centres, normals, *self.other.some(partners).frames(coordinates, place))
        for column in np.flatnonzero(there.any(axis=0)):
            own, other = int(ours[pairs[0][column]]), int(theirs[pairs[1][column]])
            if not self.rings_chosen:
                own, other = other, own
            same = (
                layout.protein[own] and layout.protein[other] and layout.res_id[own] == layout.res_id[other]
            )
            if not same:
                residue = int(layout.res_id[own]) if layout.protein[own] else 0
                partner = int(layout.res_id[other])
                yield (self.kind, residue, partner, str(layout.res_name[other])), there[:, column]


@dataclass(frozen=True)
class HalogenSet:
    """Halogens of a ligand and the atoms that may hold them."""

    halogens: IntArray
    parents: IntArray
    acceptors: IntArray
    roots: IntArray
    """An atom bonded to each acceptor, which stands there once for each bond."""

    def atoms(self) -> tuple[IntArray, ...]:
        """Every atom that has to be placed."""
        return (self.halogens, self.parents, self.acceptors, self.roots)

    def found(self, layout: Layout, coordinates: Array, place: IntArray) -> Iterator[tuple[Key, Array]]:
        """Each residue that holds a halogen in any frame, and in which."""
        if not len(self.halogens) or not len(self.acceptors):
            return
        one, two = coordinates[:, place[self.halogens]], coordinates[:, place[self.acceptors]]
        pairs = reachable_pairs(one, two, HALOGEN_ANGSTROM)
        there = pair_distances(one, two, pairs) <= HALOGEN_ANGSTROM
        back = coordinates[:, place[self.parents]][:, pairs[0]] - one[:, pairs[0]]
        forth = two[:, pairs[1]] - one[:, pairs[0]]
        there &= _cosine(back, forth) <= np.cos(np.radians(_HALOGEN_DEGREES))
        rooted = coordinates[:, place[self.roots]][:, pairs[1]] - two[:, pairs[1]]
        widest, narrowest = np.cos(np.radians(_ACCEPTOR_DEGREES))
        at_acceptor = _cosine(-forth, rooted)
        there &= (at_acceptor <= widest) & (at_acceptor >= narrowest)
        for column in np.flatnonzero(there.any(axis=0)):
            other = int(self.acceptors[pairs[1][column]])
            key = ("halogen bond", 0, int(layout.res_id[other]), str(layout.res_name[other]))
            yield key, there[:, column]


def ring_sets(layout: Layout, chosen: IntArray, others: IntArray) -> Iterator[RingSet | HalogenSet]:
    """What may stack, lie over a ring or hold a halogen between chosen atoms and the rest."""
    rings = rings_of(layout)
    ours, theirs = rings.of(chosen), rings.of(others)
    none, no_rings = np.empty(0, dtype=np.intp), Rings(())
    facing, inside = (layout.cations[np.isin(layout.cations, side)] for side in (others, chosen))
    halogens, parents = halogens_of(layout)
    kept = np.isin(halogens, chosen)
    accepting = others[np.isin(layout.element[others], ("O", "N", "S"))]
    # Sets with an empty side would only have their atoms placed in every frame.
    if ours.members and theirs.members:
        yield RingSet("pi stacking", ours, theirs, none)
    if ours.members and len(facing):
        yield RingSet("cation-pi", ours, no_rings, facing)
    if theirs.members and len(inside):
        yield RingSet("cation-pi", theirs, no_rings, inside, rings_chosen=False)
    if kept.any():
        yield HalogenSet(halogens[kept], parents[kept], *_rooted(layout, accepting))


def _stacked(
    centres: Array, normals: Array, ends: Array, other_normals: Array
) -> tuple[tuple[IntArray, IntArray], Array]:
    """Pairs of rings that may meet, and in which frames (n_frames, n_pairs) they are stacked."""
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
    return pairs, face | (edge & (nearest <= _INTERSECT_ANGSTROM))


def _over(centres: Array, normals: Array, cations: Array) -> tuple[tuple[IntArray, IntArray], Array]:
    """Pairs of ring and cation that may meet, and in which frames the cation lies over the ring."""
    pairs = reachable_pairs(centres, cations, CATION_ANGSTROM)
    line = cations[:, pairs[1]] - centres[:, pairs[0]]
    near = np.linalg.norm(line, axis=2) <= CATION_ANGSTROM
    return pairs, near & (_acute(_cosine(normals[:, pairs[0]], line)) <= _CATION_DEGREES)


def _cosine(one: Array, two: Array) -> Array:
    size = np.sqrt(np.einsum("fpi,fpi->fp", one, one) * np.einsum("fpi,fpi->fp", two, two))
    return np.asarray(np.einsum("fpi,fpi->fp", one, two) / np.maximum(size, 1e-9))


def _acute(cosine: Array) -> Array:
    """Degrees between two lines, 0 to 90."""
    return np.asarray(np.degrees(np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))))


def _ligand_rings(layout: Layout, heavy: IntArray) -> list[IntArray]:
    """Flat rings of five or six atoms of a ligand, none of them with four neighbours."""
    points = layout.coord[heavy]
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    bonded = (gaps < _BONDED) & (gaps > 0)
    neighbours = [np.flatnonzero(row) for row in bonded]
    whole = np.linalg.norm(layout.coord[None] - points[:, None], axis=2)
    reach = np.where(layout.heavy, _BONDED, 1.25)[None]
    crowded = ((whole < reach) & (whole > 0)).sum(axis=1) > 3
    rings: dict[frozenset[int], IntArray] = {}
    for start in range(len(heavy)):
        for path in _cycles(start, neighbours):
            if not crowded[list(path)].any() and _is_flat(points[list(path)]):
                rings.setdefault(frozenset(path), heavy[list(path)])
    return list(rings.values())


def _cycles(start: int, neighbours: list[IntArray]) -> Iterator[tuple[int, ...]]:
    """Cycles of five and six atoms through an atom, as paths."""
    stack: list[tuple[int, ...]] = [(start,)]
    while stack:
        path = stack.pop()
        for following in neighbours[path[-1]].tolist():
            if following == start and len(path) in (5, 6):
                yield path
            elif following > start and following not in path and len(path) < 6:
                stack.append((*path, following))


def _is_flat(points: Array) -> bool:
    spokes = points - points.mean(axis=0)
    normal = np.linalg.svd(spokes)[2][2]
    return bool(np.abs(spokes @ normal).max() <= _FLAT)
