"""Parts of crystals laid on one another: stretches grafted between two anchors, domains put in their place.

The anchors of a graft are residues where both crystals have the same backbone; how well they agree, and the
peptide bonds at the joints, are said in the record.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.structures.entries import CrystalChain, read_ligand
from kinscope.structures.model import AtomArray
from kinscope.structures.recipes import BuiltStretch, CrystalPart, Graft, Guest, Placement
from kinscope.structures.source import PdbSource
from kinscope.structures.stereochemistry import backbone_table, omega
from kinscope.structures.superposition import BACKBONE, superpose

Floats = NDArray[np.float64]

_REACH_ANGSTROM = 3.4
_SIDE_CHAIN_WEIGHT = 0.2
"""Side chains give way, so that their overlaps count less than the backbone's when a domain settles."""
_ONE_ANGSTROM_COST, _TEN_DEGREES_COST = 1.0, 1.0
"""What leaving the frame's place costs, in square angstrom of overlap."""


def cut(atoms: AtomArray, first: int, last: int) -> AtomArray:
    """The atoms of some residues, both ends included."""
    return atoms[(atoms.res_id >= first) & (atoms.res_id <= last)]


def graft(atoms: AtomArray, donor: CrystalChain, part: Graft) -> tuple[AtomArray, str]:
    """Replace a stretch by another crystal's, superposed on its flanks; what was done, in words.

    Raises
    ------
    StructureError
        If the donor lacks residues of the stretch.
    """
    transform = superpose(donor.atoms, atoms, _numbers(part.fit))
    piece = transform.applied_to(_whole(donor, part))
    outside = atoms[(atoms.res_id < part.first_residue) | (atoms.res_id > part.last_residue)]
    joined = outside + piece
    joints = [length for _, length, _ in joints_of(joined, part)]
    note = (
        f"residues {part.first_residue}-{part.last_residue} from {part.label}, laid on the backbone of "
        + _ranges(part.fit)
        + f" with RMSD {transform.rmsd_angstrom:.2f} angstrom; peptide bonds at the joints before relaxation "
        + ", ".join(f"{joint:.2f}" for joint in joints)
        + " angstrom"
    )
    return joined, note


def place_domain(
    atoms: AtomArray, donor: CrystalChain, frame: CrystalChain, part: Placement
) -> tuple[AtomArray, str]:
    """Add a domain where another crystal has it, and settle it there; what was done, in words.

    Raises
    ------
    StructureError
        If the donor lacks residues of the domain.
    """
    to_base = superpose(frame.atoms, atoms, _numbers(part.frame_fit))
    framed = to_base.applied_to(frame.atoms)
    to_frame = superpose(donor.atoms, framed, _numbers(part.fit))
    piece = to_frame.applied_to(_whole(donor, part))
    outside = atoms[(atoms.res_id < part.first_residue) | (atoms.res_id > part.last_residue)]
    piece, shift, angle, before, after = settle(piece, outside)
    note = (
        f"residues {part.first_residue}-{part.last_residue} from {part.label}, laid on the backbone of "
        f"{_ranges(part.fit)} of {part.frame_label} with RMSD {to_frame.rmsd_angstrom:.2f} angstrom, after "
        f"that crystal was laid on the model over {_ranges(part.frame_fit)} with RMSD "
        f"{to_base.rmsd_angstrom:.2f} angstrom; then moved as a whole by {shift:.1f} angstrom and turned by "
        f"{angle:.0f} degrees, which takes the overlap with the rest from {before:.1f} to {after:.1f} "
        "square angstrom"
    )
    return outside + piece, note


def laid_ligand(
    atoms: AtomArray, donor: CrystalChain, source: PdbSource, guest: Guest
) -> tuple[AtomArray, str]:
    """A ligand of another crystal in the model's frame; what was done, in words."""
    transform = superpose(donor.atoms, atoms, _numbers(guest.fit))
    ligand = read_ligand(source, guest.entry, guest.ligand_chain or guest.chain, guest.ccd)
    note = (
        f"{guest.ccd} of {donor.label} laid into the model over {_ranges(guest.fit)} with RMSD "
        f"{transform.rmsd_angstrom:.2f} angstrom."
    )
    return transform.applied_to(ligand), note


def joints_of(atoms: AtomArray, part: CrystalPart | BuiltStretch) -> list[tuple[int, float, float]]:
    """Residue before each joint of a part, the length (angstrom) and omega (degrees) of the bond there."""
    found = []
    chain = atoms[~np.isin(atoms.res_name, ("ACE", "NME"))]
    for left in (part.first_residue - 1, part.last_residue):
        pair = chain[np.isin(chain.res_id, (left, left + 1))]
        if len(np.unique(pair.res_id)) == 2:
            table = backbone_table(pair)
            gap = table.positions["C"][0] - table.positions["N"][1]
            found.append((left, float(np.linalg.norm(gap)), float(omega(table)[0])))
    return found


def settle(piece: AtomArray, others: AtomArray) -> tuple[AtomArray, float, float, float, float]:
    """Move a rigid domain a little, to where it overlaps its surroundings least.

    Returns
    -------
    tuple
        The moved domain; the shift of its centre (angstrom) and its rotation (degrees); the weighted sum of
        squared overlaps before and after (square angstrom).
    """
    from scipy.optimize import minimize
    from scipy.spatial import cKDTree
    from scipy.spatial.transform import Rotation

    coord = np.asarray(piece.coord, dtype=np.float64)
    around = np.asarray(others.coord, dtype=np.float64)
    near = cKDTree(coord).query(around)[0] < _REACH_ANGSTROM + 6.0
    around, weight_around = around[near], _weights(others)[near]
    centre, weight = coord.mean(axis=0), _weights(piece)
    tree = cKDTree(around)

    def moved(move: Floats) -> Floats:
        turned = Rotation.from_rotvec(np.radians(10.0) * move[3:]).apply(coord - centre)
        return np.asarray(turned + centre + move[:3])

    def overlap(points: Floats) -> float:
        pairs = cKDTree(points).sparse_distance_matrix(tree, _REACH_ANGSTROM, output_type="ndarray")
        depth = (_REACH_ANGSTROM - pairs["v"]) ** 2
        return float((depth * np.minimum(weight[pairs["i"]], weight_around[pairs["j"]])).sum())

    def cost(move: Floats) -> float:
        home = _ONE_ANGSTROM_COST * (move[:3] ** 2).sum() + _TEN_DEGREES_COST * (move[3:] ** 2).sum()
        return overlap(moved(move)) + float(home)

    best = minimize(cost, np.zeros(6), method="Powell", options={"maxfev": 4000, "xtol": 1e-3, "ftol": 1e-4})
    place = moved(best.x)
    settled = piece.copy()
    settled.coord = place.astype(np.float32)
    angle = float(10.0 * np.linalg.norm(best.x[3:]))
    return settled, float(np.linalg.norm(best.x[:3])), angle, overlap(coord), overlap(place)


def _weights(atoms: AtomArray) -> Floats:
    return np.where(np.isin(atoms.atom_name, (*BACKBONE, "CB")), 1.0, _SIDE_CHAIN_WEIGHT)


def _whole(donor: CrystalChain, part: CrystalPart) -> AtomArray:
    present = set(donor.residues)
    lacking = [n for n in range(part.first_residue, part.last_residue + 1) if n not in present]
    if lacking:
        raise StructureError(
            "A grafted part is not complete in its crystal.",
            where=f"{part.label}, residues {lacking[0]}-{lacking[-1]}",
            remedy="Name another entry in the recipe.",
        )
    return cut(donor.atoms, part.first_residue, part.last_residue)


def _numbers(stretches: Iterable[tuple[int, int]]) -> list[int]:
    return [number for first, last in stretches for number in range(first, last + 1)]


def _ranges(stretches: Iterable[tuple[int, int]]) -> str:
    return " and ".join(f"{first}-{last}" for first, last in stretches)
