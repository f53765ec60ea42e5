"""Bond lengths and angles, chirality, peptide planes, Ramachandran regions and overlaps of a model.

Arrays in, arrays out; what counts as good is decided in :mod:`kinscope.structures.checks.model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray

Floats = NDArray[np.float64]

_BONDS = {("N", "CA"): 1.459, ("CA", "C"): 1.525, ("C", "O"): 1.229, ("C", "N+"): 1.336}
_ANGLES = {
    ("N", "CA", "C"): 111.0,
    ("CA", "C", "O"): 120.1,
    ("CA", "C", "N+"): 117.2,
    ("O", "C", "N+"): 122.7,
    ("C", "N+", "CA+"): 121.7,
}
"""Backbone lengths (angstrom) and angles (degrees) of small molecules: Engh & Huber, International Tables
for Crystallography F (2001), 18.3. ``+`` marks the next residue. Proline and glycine differ by one or
two degrees."""

_RADII = {"C": 1.70, "N": 1.55, "O": 1.52, "S": 1.80, "P": 1.80}
"""Bondi, J. Phys. Chem. 1964, 68, 441; angstrom."""
_HYDROGEN_BOND_ALLOWANCE = 0.6
"""Two polar heavy atoms that share a hydrogen stand this much nearer than their radii."""
_EXCLUDED_BONDS = 4
CLASH_OVERLAP = 0.4
"""Overlap that counts as a clash (Word et al., J. Mol. Biol. 1999, 285, 1711)."""


@dataclass(frozen=True)
class BackboneTable:
    """Backbone atoms of consecutive residues, angstrom, NaN where missing."""

    residues: NDArray[np.int64]
    names: tuple[str, ...]
    positions: dict[str, Floats]
    """``N``, ``CA``, ``C``, ``O``, ``CB``: shape (n_residues, 3)."""


def backbone_table(atoms: AtomArray) -> BackboneTable:
    """Backbone atoms (and CB) of every residue that is not a cap, in order."""
    atoms = atoms[~np.isin(atoms.res_name, ("ACE", "NME"))]
    numbers, first, row = np.unique(atoms.res_id, return_index=True, return_inverse=True)
    positions = {name: np.full((len(numbers), 3), np.nan) for name in ("N", "CA", "C", "O", "CB")}
    for name, places in positions.items():
        here = atoms.atom_name == name
        places[row[here]] = atoms.coord[here]
    return BackboneTable(numbers, tuple(atoms.res_name[first].tolist()), positions)


def dihedrals(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Dihedral angles over the last axis (..., 3), degrees in (-180, 180], IUPAC sign."""
    axis = c - b
    first, second = np.cross(b - a, axis), np.cross(axis, d - c)
    sine = np.sum(np.cross(first, second) * axis, axis=-1) / np.linalg.norm(axis, axis=-1)
    return np.asarray(np.degrees(np.arctan2(sine, np.sum(first * second, axis=-1))))


def unit(vector: Floats) -> Floats:
    """Vectors (..., 3) of length 1."""
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))


def turned(points: Floats, origin: Floats, axis: Floats, degrees: Floats) -> Floats:
    """Points (n, m, 3) turned about axes of length 1 through origins, both (n, 3), by degrees (n,).

    Rodrigues' formula.
    """
    axis = np.broadcast_to(axis[:, None], points.shape)
    angle = np.radians(degrees)[:, None, None]
    arm = points - origin[:, None]
    along = (arm * axis).sum(axis=2, keepdims=True)
    moved = arm * np.cos(angle) + np.cross(axis, arm) * np.sin(angle) + axis * along * (1 - np.cos(angle))
    return np.asarray(origin[:, None] + moved)


def place(a: Floats, b: Floats, c: Floats, length: float, angle: float, dihedral: Floats | float) -> Floats:
    """Points bonded to ``c``: shape (..., 3), from points, a length, an angle b-c-x and dihedrals (...).

    Angles in degrees, lengths in angstrom (Parsons et al., J. Comput. Chem. 2005, 26, 1063).
    """
    bend, turn = np.radians(angle), np.radians(dihedral)[..., None]
    axis = unit(c - b)
    normal = unit(np.cross(b - a, axis))
    side = np.cross(normal, axis)
    return np.asarray(
        c
        + length
        * (-np.cos(bend) * axis + np.sin(bend) * np.cos(turn) * side + np.sin(bend) * np.sin(turn) * normal)
    )


def bond_deviations(table: BackboneTable) -> Floats:
    """Backbone bond lengths minus ideal ones, angstrom; NaN where an atom is missing."""
    lengths = []
    for names, ideal in _BONDS.items():
        one, two = _pick(table, names)
        lengths.append(np.linalg.norm(one - two, axis=1) - ideal)
    return np.concatenate(lengths)


def angle_deviations(table: BackboneTable) -> Floats:
    """Backbone angles minus ideal ones, degrees; NaN where an atom is missing."""
    return np.concatenate([_angles(table, *names) - ideal for names, ideal in _ANGLES.items()])


def omega(table: BackboneTable) -> Floats:
    """Omega of the peptide bond after each residue but the last, degrees, shape (n_residues - 1,)."""
    place = table.positions
    return dihedrals(place["CA"][:-1], place["C"][:-1], place["N"][1:], place["CA"][1:])


def phi_psi(table: BackboneTable) -> tuple[Floats, Floats]:
    """Phi and psi of the inner residues, degrees, shape (n_residues - 2,) each."""
    place = table.positions
    phi = dihedrals(place["C"][:-2], place["N"][1:-1], place["CA"][1:-1], place["C"][1:-1])
    psi = dihedrals(place["N"][1:-1], place["CA"][1:-1], place["C"][1:-1], place["N"][2:])
    return phi, psi


def inverted_centres(atoms: AtomArray) -> tuple[int, ...]:
    """Residues whose CA is D, or whose CB (Ile, Thr) is inverted."""
    table = backbone_table(atoms)
    place = table.positions
    first, second, third = (place[name] - place["CA"] for name in ("N", "C", "CB"))
    wrong = set(table.residues[(np.cross(first, second) * third).sum(axis=-1) < 0].tolist())
    substituents = {"ILE": ("CA", "CG1", "CG2"), "THR": ("CA", "OG1", "CG2")}
    for number in np.unique(atoms.res_id[np.isin(atoms.res_name, tuple(substituents))]):
        rows = atoms[atoms.res_id == number]
        at = dict(zip(rows.atom_name.tolist(), rows.coord.astype(np.float64), strict=True))
        names = substituents[str(rows.res_name[0])]
        if {"CB", *names} <= at.keys():
            one, two, three = (at[name] - at["CB"] for name in names)
            # L-Ile is (2S,3S) and L-Thr (2S,3R): with these orders of atoms both volumes are positive.
            if np.cross(one, two) @ three < 0:
                wrong.add(int(number))
    return tuple(sorted(wrong))


def ramachandran_outliers(table: BackboneTable) -> tuple[tuple[int, ...], float]:
    """Residues in regions that well-refined crystals do not visit, and the favoured fraction.

    The reference is the map of MDAnalysis (Mull & Beckstein 2018), counted over the 500 structures of Lovell
    et al., Proteins 2003, 50, 437: bins with no count are outliers, bins of 17 counts and more hold 90 %
    (favoured). Glycine has no side chain, so it is judged on the better of (phi, psi) and (-phi, -psi).
    """
    reference = _ramachandran_map()
    phi, psi = phi_psi(table)
    level = _map_value(reference, phi, psi)
    glycine = np.array([name == "GLY" for name in table.names[1:-1]])
    level = np.where(glycine, np.fmax(level, _map_value(reference, -phi, -psi)), level)
    known = np.isfinite(level)
    outliers = table.residues[1:-1][known & (level < 1)]
    favoured = float((level[known] >= 2).mean()) if known.any() else float("nan")
    return tuple(int(number) for number in outliers), favoured


def heavy_atom_overlaps(atoms: AtomArray) -> tuple[tuple[str, str, float], ...]:
    """Pairs of heavy atoms that overlap by more than :data:`CLASH_OVERLAP`, worst first.

    Atoms within four bonds of each other are left out, for the backbone's own torsions bring them together;
    polar pairs may share a hydrogen bond. Each is ``("Lys271 NZ", "Asp381 OD1", overlap_angstrom)``.
    """
    from scipy.spatial import cKDTree

    heavy = atoms[atoms.element != "H"]
    coord = np.asarray(heavy.coord, dtype=np.float64)
    one, two = cKDTree(coord).query_pairs(2 * 1.8 - CLASH_OVERLAP, output_type="ndarray").T
    radii = np.array([_RADII.get(str(element).upper(), 1.7) for element in heavy.element])
    polar = np.isin(heavy.element, ("N", "O", "S"))
    allowance = np.where(polar[one] & polar[two], _HYDROGEN_BOND_ALLOWANCE, 0.0)
    overlap = radii[one] + radii[two] - allowance - np.linalg.norm(coord[one] - coord[two], axis=1)
    rows = np.flatnonzero((overlap > CLASH_OVERLAP) & ~_bonded_nearby(heavy, coord)[one, two])
    found = [(_name(heavy, one[row]), _name(heavy, two[row]), round(float(overlap[row]), 2)) for row in rows]
    return tuple(sorted(found, key=lambda item: -item[2]))


def _name(atoms: AtomArray, row: int) -> str:
    return f"{str(atoms.res_name[row]).capitalize()}{int(atoms.res_id[row])} {atoms.atom_name[row]}"


def _bonded_nearby(heavy: AtomArray, coord: Floats) -> NDArray[np.bool_]:
    """Which pairs of atoms are at most :data:`_EXCLUDED_BONDS` apart, shape (n_atoms, n_atoms)."""
    from scipy.sparse import coo_array
    from scipy.spatial import cKDTree

    one, two = cKDTree(coord).query_pairs(2.2, output_type="ndarray").T
    names, numbers = heavy.atom_name, heavy.res_id
    short = np.linalg.norm(coord[one] - coord[two], axis=1) < 2.0
    within = (numbers[one] == numbers[two]) & short
    ends = {("C", "N"), ("N", "C")}
    peptide = np.array([pair in ends for pair in zip(names[one], names[two], strict=True)], dtype=bool)
    peptide &= np.abs(numbers[one] - numbers[two]) == 1
    bonded = within | peptide | ((names[one] == "SG") & (names[two] == "SG"))
    ones = np.ones(2 * int(bonded.sum()))
    sides = np.concatenate([one[bonded], two[bonded]]), np.concatenate([two[bonded], one[bonded]])
    graph = coo_array((ones, sides), shape=(len(heavy), len(heavy))).tocsr()
    reached = graph
    for _ in range(_EXCLUDED_BONDS - 1):
        reached = reached @ graph + reached
    return np.asarray(reached.toarray() > 0.0)


def _angles(table: BackboneTable, one: str, two: str, three: str) -> Floats:
    first, middle, last = _pick(table, (one, two, three))
    u, v = first - middle, last - middle
    cosine = (u * v).sum(axis=1) / (np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _pick(table: BackboneTable, names: tuple[str, ...]) -> list[Floats]:
    across = any(name.endswith("+") for name in names)
    chosen = []
    for name in names:
        rows = table.positions[name.rstrip("+")]
        if across:
            # A gap in the numbers is no peptide bond.
            joined = (np.diff(table.residues) == 1)[:, None]
            rows = np.where(joined, rows[1:] if name.endswith("+") else rows[:-1], np.nan)
        chosen.append(rows)
    return chosen


@lru_cache(maxsize=1)
def _ramachandran_map() -> Floats:
    """0 where no residue of the reference is, 1 allowed, 2 favoured."""
    path = resources.files("kinscope.structures").joinpath("data/ramachandran.npz")
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as table:
        return np.asarray(table["levels"], dtype=np.float64)


def _map_value(reference: Floats, phi: Floats, psi: Floats) -> Floats:
    """Value of the map (rows psi, columns phi, from -180 in equal steps) at angles in degrees."""
    step = 360.0 / len(reference)
    known = np.isfinite(phi) & np.isfinite(psi)
    column = np.where(known, np.rint((np.nan_to_num(phi) + 180.0) / step), 0).astype(int) % len(reference)
    row = np.where(known, np.rint((np.nan_to_num(psi) + 180.0) / step), 0).astype(int) % len(reference)
    return np.asarray(np.where(known, reference[row, column], np.nan))
