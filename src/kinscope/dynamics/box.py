"""Water and ions around a solute, as arrays: filling, clashes, ions, periodic geometry.

Lengths are nanometres throughout this module, OpenMM's unit; boxes are lower-triangular (3, 3) arrays
of row vectors, as OpenMM reduces them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray

FloatArray = NDArray[np.float64]

_WATER_TO_HEAVY_NM = 0.24
"""A water oxygen nearer than this to a heavy atom is left out: a little under the shortest hydrogen bonds,
because filling leaves gaps that the density has to close, and damped steps mend a tight contact sooner."""
_WATER_TO_HYDROGEN_NM = 0.16
_WATER_TO_WATER_NM = 0.21
_WATERS_PER_MOLAR = 55.4
"""Mol of water in a litre, as OpenMM's Modeller counts ions."""
_ION_TO_SOLUTE_NM = 0.5
_ION_TO_ION_NM = 0.5


@dataclass(frozen=True)
class SolventBox:
    """Everything in the box but the solute, nm."""

    box: FloatArray
    """(3, 3) row vectors."""
    waters: FloatArray
    """(n, 3, 3): molecule, atom (O, H1, H2), coordinate."""
    positive: FloatArray
    """(n, 3), Na+."""
    negative: FloatArray
    """(n, 3), Cl-."""

    @property
    def atoms(self) -> int:
        """Number of atoms, water and ions."""
        return 3 * len(self.waters) + len(self.positive) + len(self.negative)

    def positions(self) -> FloatArray:
        """(n_atoms, 3) in the order of the system: Na+, Cl-, water."""
        return np.concatenate([self.positive, self.negative, self.waters.reshape(-1, 3)])

    @classmethod
    def from_positions(
        cls, positions: FloatArray, box: FloatArray, positive: int, negative: int, centre: FloatArray
    ) -> SolventBox:
        """Split positions as :meth:`positions` orders them, every molecule brought around ``centre``."""
        ions = positions[: positive + negative]
        waters = positions[positive + negative :].reshape(-1, 3, 3)
        shift = wrap(waters[:, 0], box, centre) - waters[:, 0]
        ions = wrap(ions, box, centre)
        return cls(box, waters + shift[:, None, :], ions[:positive], ions[positive:])


def model_sha256(atoms: AtomArray) -> str:
    """SHA-256 of what dynamics sees of a model: residues, atom names, coordinates to 0.001 angstrom."""
    coordinates = np.round(np.asarray(atoms.coord, dtype=np.float64) * 1000).astype(np.int64)
    digest = hashlib.sha256()
    for number, name, atom in zip(atoms.res_id, atoms.res_name, atoms.atom_name, strict=True):
        digest.update(f"{number} {name} {atom}\n".encode())
    digest.update(coordinates.astype("<i8").tobytes())
    return digest.hexdigest()


def dodecahedron(width: float) -> FloatArray:
    """Box vectors (3, 3) of a rhombic dodecahedron with images ``width`` apart (its square-faced cell)."""
    return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, np.sqrt(0.5)]]) * width


def wrap(points: FloatArray, box: FloatArray, centre: FloatArray) -> FloatArray:
    """Bring points (n, 3) into the brick-shaped cell around ``centre``, shape (3,) or one for each (n, 3).

    That is the image nearest to the centre, exactly within half the box's least height: of an atom near where
    it was, or near another atom of its molecule.
    """
    inside = points - centre
    for axis in (2, 1, 0):
        inside = inside - np.round(inside[:, axis] / box[axis, axis])[:, None] * box[axis]
    return inside + centre


_SHIFTS = np.array(list(product((-1.0, 0.0, 1.0), repeat=3)))
"""To a cell and all that touch it, in box vectors."""
_AWAY = _SHIFTS[_SHIFTS.any(axis=1)]


def nearest(points: FloatArray, reference: FloatArray, box: FloatArray) -> FloatArray:
    """Distance (n_points,) of each point to the nearest of ``reference`` (m, 3) or of its periodic images."""
    from scipy.spatial import cKDTree

    if not len(reference) or not len(points):
        return np.full(len(points), np.inf)
    centre = reference.mean(axis=0)
    # The images cover one cell around the centre: a solute lies in it, scattered ions are moved in.
    gathered = reference if np.ptp(reference, axis=0).max() < box[0, 0] else wrap(reference, box, centre)
    images = (gathered[None] + (_SHIFTS @ box)[:, None]).reshape(-1, 3)
    distances, _ = cKDTree(images).query(wrap(points, box, centre))
    return np.asarray(distances, dtype=float)


def least_image_distance(solute: FloatArray, box: FloatArray) -> float:
    """Shortest distance between the solute (n, 3) and its own periodic images, nm."""
    from scipy.spatial import cKDTree

    tree = cKDTree(solute)
    return min(float(tree.query(solute + shift)[0].min()) for shift in _AWAY @ box)


def fill(solute: FloatArray, hydrogen: NDArray[np.bool_], padding: float, cutoff: float = 0.0) -> SolventBox:
    """Fill a dodecahedron around the solute with equilibrated TIP3P water, no ions yet.

    ``solute``: (n, 3). ``hydrogen``: (n,) which atoms are hydrogens. ``padding``: least gap between the
    bounding spheres of periodic images. ``cutoff``: the box is made wide enough for the minimum-image rule
    with this cutoff.
    """
    centre = (solute.max(axis=0) + solute.min(axis=0)) / 2
    radius = float(np.linalg.norm(solute - centre, axis=1).max())
    # The lowest height of the cell is 1/sqrt(2) of its width; a tenth is left for the box to shrink.
    box = dodecahedron(max(2 * radius + padding, 2 * cutoff * np.sqrt(2) * 1.1))
    none = np.zeros((0, 3))
    filled = SolventBox(box, _tile(box) + (centre - np.diag(box) / 2), none, none)
    waters = filled.waters[~clashing_waters(filled, solute, hydrogen)]
    waters = waters[~_seam_clashes(waters[:, 0], box)]
    return replace(filled, waters=waters)


def _tile(box: FloatArray) -> FloatArray:
    """Water molecules (n, 3, 3) filling the brick of the box's diagonal, from OpenMM's equilibrated cube."""
    from pathlib import Path

    from openmm import app, unit

    source = app.PDBFile(str(Path(app.__file__).parent / "data" / "tip3p.pdb"))
    cube = np.array(source.topology.getUnitCellDimensions().value_in_unit(unit.nanometer))
    positions = np.asarray(source.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)
    molecules = positions.reshape(-1, 3, 3)
    brick = np.diag(box)
    counts = np.ceil(brick / cube).astype(int)
    offsets = np.array(np.meshgrid(*[np.arange(n) for n in counts])).reshape(3, -1).T * cube
    tiled = (molecules[None] + offsets[:, None, None, :]).reshape(-1, 3, 3)
    inside = np.all((tiled[:, 0] >= 0) & (tiled[:, 0] < brick), axis=1)
    return np.asarray(tiled[inside])


def _seam_clashes(oxygen: FloatArray, box: FloatArray) -> NDArray[np.bool_]:
    """Which waters (n,) clash with an earlier one across the faces of the box, where tiles do not meet."""
    from scipy.spatial import cKDTree

    tree = cKDTree(oxygen)
    doomed = np.zeros(len(oxygen), dtype=bool)
    for shift in _AWAY @ box:
        for first, partners in enumerate(cKDTree(oxygen + shift).query_ball_tree(tree, _WATER_TO_WATER_NM)):
            for second in partners:
                if first < second and not doomed[first]:
                    doomed[second] = True
    return doomed


def clashing_waters(box: SolventBox, atoms: FloatArray, hydrogen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which waters (n,) have their oxygen too near to given atoms (m, 3)."""
    oxygen = box.waters[:, 0]
    clash = nearest(oxygen, atoms[~hydrogen], box.box) < _WATER_TO_HEAVY_NM
    return clash | (nearest(oxygen, atoms[hydrogen], box.box) < _WATER_TO_HYDROGEN_NM)


def add_salt(
    box: SolventBox, solute: FloatArray, charge: int, molar: float, random: np.random.Generator
) -> SolventBox:
    """Exchange random bulk waters for the ions that neutralise the solute and for NaCl at ``molar`` mol/L."""
    pairs = int(np.floor((len(box.waters) - abs(charge)) * molar / _WATERS_PER_MOLAR + 0.5))
    return exchange(box, solute, pairs + max(0, -charge), pairs + max(0, charge), random)


def exchange(
    box: SolventBox, solute: FloatArray, positive: int, negative: int, random: np.random.Generator
) -> SolventBox:
    """Exchange bulk waters for so many ions, away from the solute and from one another where there is room.

    In a small box the distances asked for are lowered step by step until every ion finds a place.
    """
    oxygen = box.waters[:, 0]
    from_solute = nearest(oxygen, solute, box.box)
    from_ions = nearest(oxygen, np.concatenate([box.positive, box.negative]), box.box)
    order = random.permutation(len(oxygen))
    chosen: list[int] = []
    relaxation = 1.0
    while len(chosen) < positive + negative and relaxation > 0.05:
        for index in order:
            if len(chosen) == positive + negative:
                break
            if index in chosen or from_solute[index] < _ION_TO_SOLUTE_NM * relaxation:
                continue
            others = nearest(oxygen[index][None], oxygen[chosen], box.box)[0]
            if min(others, from_ions[index]) >= _ION_TO_ION_NM * relaxation:
                chosen.append(int(index))
        relaxation *= 0.7
    keep = np.ones(len(oxygen), dtype=bool)
    keep[chosen] = False
    return SolventBox(
        box.box,
        box.waters[keep],
        np.concatenate([box.positive, oxygen[chosen[:positive]]]),
        np.concatenate([box.negative, oxygen[chosen[positive:]]]),
    )


def solute_arrays(atoms: AtomArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Positions (n, 3) in nm and which atoms are hydrogens (n,), of a model in angstrom."""
    return np.asarray(atoms.coord, dtype=np.float64) / 10.0, np.asarray(atoms.element == "H")


def solvated_array(solute: AtomArray, box: SolventBox) -> Any:
    """One biotite AtomArray (angstrom, with its box) of solute, ions and water, for viewers."""
    import biotite.structure as struc

    solvent = struc.AtomArray(box.atoms)
    positive, negative, waters = len(box.positive), len(box.negative), len(box.waters)
    solvent.coord = (box.positions() * 10).astype(np.float32)
    ions = positive + negative
    solvent.chain_id[:] = np.repeat(np.array(["I", "W"]), [ions, 3 * waters])
    solvent.res_id[:] = np.concatenate([np.arange(1, ions + 1), np.repeat(np.arange(1, waters + 1), 3)])
    solvent.res_name[:] = np.repeat(np.array(["NA", "CL", "HOH"]), [positive, negative, 3 * waters])
    names = np.concatenate([["NA"] * positive, ["CL"] * negative, np.tile(["O", "H1", "H2"], waters)])
    elements = np.concatenate([["NA"] * positive, ["CL"] * negative, np.tile(["O", "H", "H"], waters)])
    solvent.atom_name[:], solvent.element[:] = names, elements
    solvent.hetero[:] = True
    bare = solute.copy()
    bare.bonds = None
    combined = bare + solvent
    combined.box = (box.box * 10).astype(np.float32)
    return combined
