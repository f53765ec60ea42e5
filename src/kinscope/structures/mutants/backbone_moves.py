"""Small backbone moves that make room for a new side chain: backrubs.

Side chains of crystals at high resolution change rotamer together with a rotation of their residue about the
line through the neighbouring CA atoms; the two peptides turn back about their own CA-CA lines, so that their
carbonyl oxygens stay nearly where they were (Davis et al., Structure 2006, 14, 265). Nothing beyond the two
neighbouring CA atoms moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray
from kinscope.structures.side_chains.rotamers import Floats
from kinscope.structures.side_chains.sites import rows_of
from kinscope.structures.stereochemistry import backbone_table, omega, ramachandran_outliers, turned, unit

_OF_PREVIOUS = ("C", "O")
_OF_NEXT = ("N", "H")
_PLAUSIBLE_TAU_DEGREES = (100.0, 124.0)
"""N-CA-C that relaxation can still mend; crystals have 111 with a standard deviation of 2.7 (Engh & Huber,
Acta Cryst. A 1991, 47, 392)."""
_RELAXED_TAU_DEGREES = (102.0, 120.0)
_PLANAR_WITHIN_DEGREES = 25.0
_NEAREST_ANGSTROM = 2.6
"""Backbone heavy atoms of residues apart come no nearer than a short hydrogen bond."""


@dataclass(frozen=True)
class BackboneMove:
    """A backrub of one residue; 0 degrees is the native backbone."""

    residue: int
    degrees: float

    @property
    def is_native(self) -> bool:
        """Whether nothing moves."""
        return self.degrees == 0.0


def moves_about(
    targets: Sequence[int], own_degrees: Sequence[float], neighbour_degrees: Sequence[float]
) -> list[BackboneMove]:
    """Native first, then backrubs either way of each target and of the residues beside it."""
    wanted = [BackboneMove(targets[0], 0.0)]
    steps = ((0, own_degrees), (-1, neighbour_degrees), (1, neighbour_degrees))
    for target in targets:
        turns = [(target + step, angle) for step, angles in steps for angle in angles]
        wanted += [BackboneMove(number, sign * angle) for number, angle in turns for sign in (1.0, -1.0)]
    return list(dict.fromkeys(wanted))


def backrub(atoms: AtomArray, move: BackboneMove) -> AtomArray | None:
    """A model after one backrub.

    The angle is right-handed about the line from the CA before to the CA after. A copy of the model with all
    hydrogens, or None where the residue has no CA on both sides or a proline's ring would be torn.
    """
    centre, rows = move.residue, rows_of(atoms)
    if move.is_native:
        return atoms.copy()
    first, here, last = (rows.get((centre + step, "CA")) for step in (-1, 0, 1))
    if first is None or here is None or last is None:
        return None
    if "PRO" in atoms.res_name[np.isin(atoms.res_id, (centre, centre + 1))]:
        return None
    result = atoms.copy()
    coord = np.asarray(atoms.coord, dtype=np.float64)
    before, after = (
        [
            rows[key]
            for key in (*((left, atom) for atom in _OF_PREVIOUS), *((left + 1, atom) for atom in _OF_NEXT))
            if key in rows
        ]
        for left in (centre - 1, centre)
    )
    moved = sorted({*before, *after, *np.flatnonzero(atoms.res_id == centre).tolist()})
    places = coord.copy()
    places[moved] = rotated(coord[moved], coord[first], coord[last] - coord[first], move.degrees)
    for peptide, oxygen, start, stop in (
        (before, rows.get((centre - 1, "O")), first, here),
        (after, rows.get((centre, "O")), here, last),
    ):
        if oxygen is not None:
            axis = places[stop] - places[start]
            back = _angle_towards(places[oxygen], coord[oxygen], places[start], axis)
            places[peptide] = rotated(places[peptide], places[start], axis, back)
    result.coord = np.asarray(places, dtype=np.float32)
    return result


def is_sound(native: AtomArray, moved: AtomArray, move: BackboneMove) -> bool:
    """Whether a moved backbone can be relaxed to a good one.

    N-CA-C of the three residues must be plausible, and no backbone heavy atom that moved may newly come
    within a short hydrogen bond's length of the backbone of a residue that is not its neighbour.
    """
    if move.is_native:
        return True
    place = rows_of(moved)
    coord = np.asarray(moved.coord, dtype=np.float64)
    least, most = _PLAUSIBLE_TAU_DEGREES
    for number in (move.residue - 1, move.residue, move.residue + 1):
        points = [coord[place[number, atom]] for atom in ("N", "CA", "C") if (number, atom) in place]
        if len(points) == 3 and not least <= angle_at(*points) <= most:
            return False
    numbers = np.asarray(moved.res_id)
    frame = np.isin(moved.atom_name, ("N", "CA", "C", "O"))
    mine = frame & (np.abs(numbers - move.residue) <= 1)
    others = frame & (np.abs(numbers - move.residue) > 2)
    now = _gaps(coord[mine], coord[others])
    before = _gaps(*(np.asarray(native.coord[mask], dtype=np.float64) for mask in (mine, others)))
    return not bool(((now < _NEAREST_ANGSTROM) & (now < before - 0.05)).any())


def backbone_kept(native: AtomArray, mutant: AtomArray, move: BackboneMove) -> bool:
    """Whether a relaxed mutant's backbone about a move is as good as the native's.

    No new Ramachandran outlier, no peptide further from planar and no N-CA-C further from ideal than crystals
    have, unless the native has it too.
    """
    if move.is_native:
        return True
    near = range(move.residue - 2, move.residue + 3)
    before, after = _faults(native, near), _faults(mutant, near)
    return after <= before


def _faults(atoms: AtomArray, numbers: Sequence[int]) -> set[tuple[str, int]]:
    table = backbone_table(atoms)
    outliers, _ = ramachandran_outliers(table)
    found = {("phi/psi", number) for number in outliers if number in numbers}
    twist = np.abs(omega(table))
    bent = np.minimum(twist, 180.0 - twist) > _PLANAR_WITHIN_DEGREES
    found |= {("omega", int(n)) for n in table.residues[:-1][bent] if n in numbers}
    place = table.positions
    for row, number in enumerate(table.residues):
        if number in numbers:
            tau = angle_at(place["N"][row], place["CA"][row], place["C"][row])
            if not _RELAXED_TAU_DEGREES[0] <= tau <= _RELAXED_TAU_DEGREES[1]:
                found.add(("N-CA-C", int(number)))
    return found


def rotated(points: Floats, origin: Floats, axis: Floats, degrees: float) -> Floats:
    """Points (n, 3) turned about an axis through ``origin``."""
    return np.asarray(turned(points[None], origin[None], unit(axis)[None], np.array([degrees]))[0])


def _angle_towards(point: Floats, aim: Floats, origin: Floats, axis: Floats) -> float:
    """The turn, degrees, about an axis that brings a point nearest to its aim."""
    along, a, b = unit(axis), point - origin, aim - origin
    a, b = a - along * (a @ along), b - along * (b @ along)
    return float(np.degrees(np.arctan2(np.cross(a, b) @ along, a @ b)))


def angle_at(first: Floats, middle: Floats, last: Floats) -> float:
    """Angle (degrees) at the middle one of three points (3,)."""
    u, v = first - middle, last - middle
    return float(np.degrees(np.arccos(np.clip(u @ v / np.linalg.norm(u) / np.linalg.norm(v), -1, 1))))


def _gaps(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(first[:, None] - second[None], axis=-1))
