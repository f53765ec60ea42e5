"""Rotamers and ideal side chains: what a residue can look like on a given backbone.

Central chi values and their shares are those of Lovell et al. (Proteins 2000, 40, 389), kept in
``data/rotamers.yaml``; bond lengths and angles of a new side chain are the ideal ones of the wwPDB's Chemical
Component Dictionary, which biotite carries.

How often each rotamer occurs on a given backbone, and where its chi angles then stand, is derived from the
2010 smoothed backbone-dependent rotamer library of Shapovalov & Dunbrack (Structure 2011, 19, 844), which its
authors distribute under the Open Data Commons Attribution License (free to use, redistribute and modify, with
acknowledgement). Its bins are summed into the rotamers of Lovell et al. on its own grid of 10 degrees in phi
and psi; ``benchmarks/derive_rotamers.py`` makes the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.stereochemistry import dihedrals, turned, unit

Floats = NDArray[np.float64]

CHI_ATOMS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "ARG": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD"), ("CB", "CG", "CD", "NE"),
            ("CG", "CD", "NE", "CZ")),
    "ASN": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "OD1")),
    "ASP": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "OD1")),
    "CYS": (("N", "CA", "CB", "SG"),),
    "GLN": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD"), ("CB", "CG", "CD", "OE1")),
    "GLU": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD"), ("CB", "CG", "CD", "OE1")),
    "HIS": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "ND1")),
    "ILE": (("N", "CA", "CB", "CG1"), ("CA", "CB", "CG1", "CD1")),
    "LEU": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD1")),
    "LYS": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD"), ("CB", "CG", "CD", "CE"),
            ("CG", "CD", "CE", "NZ")),
    "MET": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "SD"), ("CB", "CG", "SD", "CE")),
    "PHE": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD1")),
    "PRO": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD")),
    "SER": (("N", "CA", "CB", "OG"),),
    "THR": (("N", "CA", "CB", "OG1"),),
    "TRP": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD1")),
    "TYR": (("N", "CA", "CB", "CG"), ("CA", "CB", "CG", "CD1")),
    "VAL": (("N", "CA", "CB", "CG1"),),
}  # fmt: skip
"""IUPAC chi angles by PDB atom names."""

PROTON_CHI: dict[str, tuple[tuple[str, str, str, str], tuple[float, ...]]] = {
    "SER": (("CA", "CB", "OG", "HG"), (60.0, 180.0, -60.0)),
    "THR": (("CA", "CB", "OG1", "HG1"), (60.0, 180.0, -60.0)),
    "CYS": (("CA", "CB", "SG", "HG"), (60.0, 180.0, -60.0)),
    "TYR": (("CE1", "CZ", "OH", "HH"), (0.0, 180.0)),
}
"""Torsions that only turn a hydroxyl or thiol proton, with their minima."""

SYMMETRIC_LAST_CHI = frozenset({"ASP", "GLU", "PHE", "TYR"})
"""Residues whose last chi is the same after half a turn."""

_LEAVING = frozenset({"OXT", "HXT", "H2", "H3"})
_LEFT_OUT = {"ASP": {"HD2"}, "GLU": {"HE2"}, "PRO": {"H"}}


@dataclass(frozen=True)
class Rotamer:
    """One rotamer of a residue."""

    name: str
    share_percent: float
    chi_degrees: tuple[float, ...]


@dataclass(frozen=True)
class Template:
    """A residue within a chain, with ideal geometry and all hydrogens."""

    atom_names: tuple[str, ...]
    coord: Floats
    """Shape (n_atoms, 3), angstrom."""

    def index(self, atom: str) -> int:
        """Place of an atom in the arrays."""
        return self.atom_names.index(atom)


@lru_cache(maxsize=1)
def _library() -> dict[str, tuple[Rotamer, ...]]:
    import yaml

    text = resources.files("kinscope.structures").joinpath("data/rotamers.yaml").read_text()
    return {
        name: tuple(Rotamer(str(row[0]), float(row[1]), tuple(map(float, row[2:]))) for row in rows)
        for name, rows in yaml.safe_load(text).items()
    }


def rotamers_of(name: str) -> tuple[Rotamer, ...]:
    """Rotamers of a residue kind (``LYS``), empty for glycine and alanine."""
    return _library().get(name, ())


@lru_cache(maxsize=64)
def template(name: str, tautomer: str = "") -> Template:
    """Ideal residue of a kind at pH 7; a histidine's ``tautomer`` is ``HID``, ``HIE`` or ``HIP``."""
    import biotite.structure.info as info

    residue = info.residue(name)
    left_out = _LEAVING | _LEFT_OUT.get(name, set())
    if name == "HIS":
        left_out = left_out | {"HID": {"HE2"}, "HIE": {"HD1"}, "HIP": set()}[tautomer or "HIE"]
    kept = residue[~np.isin(residue.atom_name, list(left_out))]
    return Template(tuple(kept.atom_name.tolist()), np.asarray(kept.coord, dtype=np.float64))


def bonds_within(name: str, atom_names: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """Bonds of a residue kind among the atoms that are there."""
    import biotite.structure.info as info

    there = set(atom_names)
    return frozenset(pair for pair in info.bonds_in_residue(name) if pair[0] in there and pair[1] in there)


def chi_angles(name: str, atom_names: tuple[str, ...], coord: Floats) -> tuple[float, ...]:
    """Chi angles of a residue, degrees; stops at the first whose atoms are missing."""
    found = []
    for quartet in CHI_ATOMS.get(name, ()):
        if not set(quartet) <= set(atom_names):
            break
        points = [coord[atom_names.index(atom)] for atom in quartet]
        found.append(float(dihedrals(*points)))
    return tuple(found)


def chi_difference_degrees(
    name: str, first: tuple[float, ...], second: tuple[float, ...]
) -> tuple[float, ...]:
    """Absolute differences of chi angles, the last one modulo 180 where the residue is symmetric."""
    differences = []
    for place, (x, y) in enumerate(zip(first, second, strict=False)):
        last = place == len(CHI_ATOMS[name]) - 1
        period = 180.0 if last and name in SYMMETRIC_LAST_CHI else 360.0
        turn = (x - y) % period
        differences.append(min(turn, period - turn))
    return tuple(differences)


def downstream(bonds: frozenset[tuple[str, str]], near: str, far: str) -> set[str]:
    """Atoms that turn with ``far`` about the bond near-far (a proline's ring is cut at N-CD)."""
    graph: dict[str, set[str]] = {}
    for first, second in bonds:
        if {first, second} != {"N", "CD"}:
            graph.setdefault(first, set()).add(second)
            graph.setdefault(second, set()).add(first)
    seen, queue = {near, far}, [far]
    while queue:
        for atom in graph.get(queue.pop(), set()) - seen:
            seen.add(atom)
            queue.append(atom)
    return seen - {near, far}


def set_dihedrals(
    coord: Floats,
    atom_names: tuple[str, ...],
    bonds: frozenset[tuple[str, str]],
    quartet: tuple[str, str, str, str],
    degrees: Floats,
) -> Floats:
    """Turn one torsion of every conformer to its value.

    Coordinates are (n_conformers, n_atoms, 3), angles (n_conformers,). Returns a new array.
    """
    a, b, c, d = (coord[:, atom_names.index(atom)] for atom in quartet)
    moved = [atom_names.index(atom) for atom in sorted(downstream(bonds, quartet[1], quartet[2]))]
    result = coord.copy()
    turn = degrees - dihedrals(a, b, c, d)
    result[:, moved] = turned(coord[:, moved], b, unit(c - b), turn)
    return result


def superposition(mobile: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Rotation (3, 3) and shift (3,) that lay ``mobile`` (n, 3) on ``target``: ``x @ rotation + shift``."""
    centre, aim = mobile.mean(axis=0), target.mean(axis=0)
    u, _, vt = np.linalg.svd((mobile - centre).T @ (target - aim))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    return rotation, aim - centre @ rotation


def conformer_angles(
    rotamers: Sequence[Rotamer], spread_degrees: float = 0.0
) -> list[tuple[Rotamer, tuple[float, ...]]]:
    """Chi angles to try: every rotamer and, where ``spread_degrees`` > 0, steps of it about chi1 and chi2.

    Chi1 keeps within one step of the centre, chi2, whose wells are wider, within two.
    """
    found: list[tuple[Rotamer, tuple[float, ...]]] = []
    turns = (0, 1, -1), (0, 1, -1, 2, -2)
    for rotamer in rotamers:
        shifts = [
            [turn * spread_degrees for turn in turns[k]]
            if k < 2 and spread_degrees and not rotamer.name.startswith("Cg-")
            else [0.0]
            for k in range(len(rotamer.chi_degrees))
        ]
        for shift in product(*shifts):
            found.append((rotamer, tuple(x + y for x, y in zip(rotamer.chi_degrees, shift, strict=True))))
    return found


def build_conformers(
    name: str, atom_names: tuple[str, ...], coord: Floats, angles: list[tuple[float, ...]]
) -> Floats:
    """A residue in every set of chi angles, backbone unmoved.

    Returns shape (n_conformers, n_atoms, 3).
    """
    bonds = bonds_within(name, atom_names)
    result = np.repeat(coord[None], len(angles), axis=0)
    values = np.asarray(angles, dtype=np.float64).reshape(len(angles), -1)
    for column, quartet in enumerate(CHI_ATOMS.get(name, ())[: values.shape[1]]):
        result = set_dihedrals(result, atom_names, bonds, quartet, values[:, column])
    return result


def place_template(kind: Template, backbone: dict[str, Any]) -> Floats:
    """Ideal residue laid on a backbone.

    The backbone holds coordinates (3,) of N, CA, C and, where the native residue has it, CB. Returns shape
    (n_atoms, 3); backbone atoms still ideal ones, to be overwritten with the native ones.
    """
    common = [atom for atom in ("N", "CA", "C", "CB") if atom in backbone and atom in kind.atom_names]
    rotation, shift = superposition(
        kind.coord[[kind.index(atom) for atom in common]], np.array([backbone[atom] for atom in common])
    )
    return np.asarray(kind.coord @ rotation + shift)


GRID_DEGREES = 10.0
GRID_POINTS = 36
SHARE_STEP = 0.05
"""Stored shares are exp(-SHARE_STEP * byte): 5 per cent apart, down to 3e-6."""


@dataclass(frozen=True)
class RotamerTable:
    """One residue kind over the Ramachandran map; rotamers in the order of ``rotamers_of``."""

    log_share: NDArray[np.uint8]
    """Shape (36, 36, n_rotamers): -ln(share) / SHARE_STEP; axes phi and psi from -180 degrees on."""
    shift_degrees: NDArray[np.int8]
    """Shape (36, 36, n_rotamers, n_chi): mean chi less the rotamer's central chi."""


@lru_cache(maxsize=1)
def _tables() -> dict[str, RotamerTable]:
    path = resources.files("kinscope.structures").joinpath("data/backbone_rotamers.npz")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {
            key.removesuffix(".share"): RotamerTable(stored[key], stored[key.replace(".share", ".shift")])
            for key in stored.files
            if key.endswith(".share")
        }


def rotamers_on(name: str, phi_degrees: float | None, psi_degrees: float | None) -> tuple[Rotamer, ...]:
    """Rotamers of a residue kind with shares and mean chi angles on a backbone.

    Where phi or psi is None the backbone-independent library answers. In the library's order; shares in per
    cent, interpolated bilinearly between the points of the grid.
    """
    library = rotamers_of(name)
    table = _tables().get(name)
    if table is None or phi_degrees is None or psi_degrees is None:
        return library
    share = np.zeros(len(library))
    shift = np.zeros((len(library), table.shift_degrees.shape[-1]))
    for i, j, weight in _corners(phi_degrees, psi_degrees):
        here = weight * np.exp(-SHARE_STEP * table.log_share[i, j])
        share += here
        shift += here[:, None] * table.shift_degrees[i, j]
    shift /= share[:, None]
    share /= share.sum()
    return tuple(
        Rotamer(r.name, 100.0 * float(p), tuple(float(c + d) for c, d in zip(r.chi_degrees, s, strict=True)))
        for r, p, s in zip(library, share, shift, strict=True)
    )


def _corners(phi: float, psi: float) -> list[tuple[int, int, float]]:
    """The four grid points about a backbone and their bilinear weights."""
    x, y = ((angle + 180.0) % 360.0 / GRID_DEGREES for angle in (phi, psi))
    i, j = int(x) % GRID_POINTS, int(y) % GRID_POINTS
    u, v = x - int(x), y - int(y)
    k, m = (i + 1) % GRID_POINTS, (j + 1) % GRID_POINTS
    return [(i, j, (1 - u) * (1 - v)), (k, j, u * (1 - v)), (i, m, (1 - u) * v), (k, m, u * v)]
