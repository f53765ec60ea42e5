"""Putting a state model's heavy atoms together from crystals.

The base chain gives the frame. Grafts are laid on it by residues on either side where both crystals have the
same backbone; how well they agree, and the peptide bonds at the joints, go into the record. Where a crystal's
protein is not the human one, the human side chain comes from a crystal that shows it (or, for the isosteric
pairs Asn/Asp and Gln/Glu, from the crystal's own atoms under their human names).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.core.residues import three_letter
from kinscope.results.models import ResidueOrigin
from kinscope.results.notes import Note, note
from kinscope.structures.completion.heavy_atoms import in_template_order, renamed_isostere
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.recipes import (
    BuiltStretch,
    CrystalPart,
    Graft,
    Guest,
    Placement,
    SideChainDonor,
    StateRecipe,
)
from kinscope.structures.stereochemistry import backbone_table, omega
from kinscope.structures.superposition import BACKBONE, superpose
from kinscope.structures.wwpdb.entries import CrystalChain, read_crystal_chain, read_ligand
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import TargetPack

Floats = NDArray[np.float64]

_REACH_ANGSTROM = 3.4
_SIDE_CHAIN_WEIGHT = 0.2
"""Side chains give way, so that their overlaps count less than the backbone's when a domain settles."""
_ONE_ANGSTROM_COST, _TEN_DEGREES_COST = 1.0, 1.0
"""What leaving the frame's place costs, in square angstrom of overlap."""


def cut(atoms: AtomArray, first: int, last: int) -> AtomArray:
    """The atoms of some residues, both ends included."""
    return atoms[(atoms.res_id >= first) & (atoms.res_id <= last)]


def graft(atoms: AtomArray, donor: CrystalChain, part: Graft) -> tuple[AtomArray, Note]:
    """Replace a stretch by another crystal's, superposed on its flanks; what was done.

    Raises StructureError if the donor lacks residues of the stretch.
    """
    transform = superpose(donor.atoms, atoms, _numbers(part.fit))
    piece = transform.applied_to(_whole(donor, part))
    joined = _without(atoms, part) + piece
    return joined, note(
        "grafted",
        first=part.first_residue,
        last=part.last_residue,
        entry=part.label,
        fit=_ranges(part.fit),
        rmsd_angstrom=transform.rmsd_angstrom,
        joints_angstrom=tuple(length for _, length, _ in joints_of(joined, part)),
        reason=part.reason,
    )


def place_domain(
    atoms: AtomArray, donor: CrystalChain, frame: CrystalChain, part: Placement
) -> tuple[AtomArray, Note]:
    """Add a domain where another crystal has it, and settle it there; what was done.

    Raises StructureError if the donor lacks residues of the domain.
    """
    to_base = superpose(frame.atoms, atoms, _numbers(part.frame_fit))
    framed = to_base.applied_to(frame.atoms)
    to_frame = superpose(donor.atoms, framed, _numbers(part.fit))
    piece = to_frame.applied_to(_whole(donor, part))
    outside = _without(atoms, part)
    piece, shift, angle, before, after = settle(piece, outside)
    return outside + piece, note(
        "domain-placed",
        first=part.first_residue,
        last=part.last_residue,
        entry=part.label,
        fit=_ranges(part.fit),
        frame=part.frame_label,
        rmsd_angstrom=to_frame.rmsd_angstrom,
        frame_fit=_ranges(part.frame_fit),
        frame_rmsd_angstrom=to_base.rmsd_angstrom,
        shift_angstrom=shift,
        turn_degrees=angle,
        overlap_before_angstrom2=before,
        overlap_after_angstrom2=after,
        reason=part.reason,
    )


def laid_ligand(
    atoms: AtomArray, donor: CrystalChain, source: PdbSource, guest: Guest
) -> tuple[AtomArray, Note]:
    """A ligand of another crystal in the model's frame; what was done."""
    transform = superpose(donor.atoms, atoms, _numbers(guest.fit))
    ligand = read_ligand(source, guest.entry, guest.ligand_chain or guest.chain, guest.ccd)
    done = note(
        "ligand-laid",
        ligand=guest.ccd,
        entry=donor.label,
        fit=_ranges(guest.fit),
        rmsd_angstrom=transform.rmsd_angstrom,
    )
    return transform.applied_to(ligand), done


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

    Returns the moved domain; the shift of its centre (angstrom) and its rotation (degrees); the weighted sum
    of squared overlaps before and after (square angstrom).
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


def _without(atoms: AtomArray, part: CrystalPart) -> AtomArray:
    return atoms[(atoms.res_id < part.first_residue) | (atoms.res_id > part.last_residue)]


def _whole(donor: CrystalChain, part: CrystalPart) -> AtomArray:
    lacking = sorted({*range(part.first_residue, part.last_residue + 1)} - set(donor.residues))
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


_PHOSPHORYLATED = {"TYR": "PTR", "SER": "SEP", "THR": "TPO"}
_PARENT = {phosphorylated: parent for parent, phosphorylated in _PHOSPHORYLATED.items()}
_PHOSPHATE = ("P", "O1P", "O2P", "O3P")


@dataclass(frozen=True)
class Assembly:
    """Heavy atoms of a state model before hydrogens, in the base crystal's frame."""

    atoms: AtomArray
    origins: tuple[ResidueOrigin, ...]
    method: tuple[Note, ...]
    ligands: tuple[AtomArray, ...]
    """Same frame, for the prediction of pKa values and for the relaxation."""


def assemble(pack: TargetPack, recipe: StateRecipe, source: PdbSource) -> Assembly:
    """Assemble the heavy atoms of a state from its recipe.

    Raises StructureError if an entry is not at hand, a part lacks residues, or a difference to human has no
    donor.
    """

    def chain(entry: str, name: str) -> CrystalChain:
        keep = bool(recipe.phosphorylated)
        return read_crystal_chain(source, entry, name, pack, keep_phosphorylation=keep)

    base = chain(recipe.base.entry, recipe.base.chain)
    first, last = recipe.base.first_residue, recipe.base.last_residue
    atoms = cut(base.atoms, first, last)
    origins = {
        number: ResidueOrigin(residue=number, origin="crystal", entry=base.label)
        for number in base.residues
        if first <= number <= last
    }
    method = [
        note(
            "from-crystal",
            first=first,
            last=last,
            entry=base.label,
            resolution_angstrom=base.resolution_angstrom,
            modified=tuple(text for number, text in base.modified.items() if first <= number <= last),
            alternates=tuple(int(number) for number in base.alternates if first <= number <= last),
        )
    ]
    for part in recipe.grafts:
        atoms, done = graft(atoms, chain(part.entry, part.chain), part)
        method.append(done)
        _note_origin(origins, part, done)
    for domain in recipe.placements:
        donor, frame = chain(domain.entry, domain.chain), chain(domain.frame_entry, domain.frame_chain)
        atoms, done = place_domain(atoms, donor, frame, domain)
        method.append(done)
        _note_origin(origins, domain, done)
    atoms = _to_target_sequence(atoms, pack, recipe, source, origins, method)
    for stretch in recipe.built:
        for number in range(stretch.first_residue, stretch.last_residue + 1):
            origins[number] = ResidueOrigin(residue=number, origin="built", note=stretch.reason)
    _require_complete(atoms, pack, recipe)
    ligands = [read_ligand(source, recipe.base.entry, recipe.base.chain, ccd) for ccd in recipe.ligands]
    for guest in recipe.guests:
        ligand, done = laid_ligand(atoms, chain(guest.entry, guest.chain), source, guest)
        ligands.append(ligand)
        method.append(done)
    return Assembly(
        atoms=in_template_order(atoms),
        origins=tuple(origins[number] for number in sorted(origins)),
        method=tuple(method),
        ligands=tuple(ligands),
    )


def _note_origin(origins: dict[int, ResidueOrigin], part: CrystalPart, done: Note) -> None:
    rmsd = f"RMSD {done.values['rmsd_angstrom']:.2f} angstrom"
    for number in range(part.first_residue, part.last_residue + 1):
        origins[number] = ResidueOrigin(residue=number, origin="grafted", entry=part.label, note=rmsd)


def _to_target_sequence(
    atoms: AtomArray,
    pack: TargetPack,
    recipe: StateRecipe,
    source: PdbSource,
    origins: dict[int, ResidueOrigin],
    method: list[Note],
) -> AtomArray:
    protein = pack.transcript.protein
    donors = {donor.residue: donor for donor in recipe.side_chains}
    for number in sorted({int(value) for value in atoms.res_id}):
        here = str(atoms.res_name[atoms.res_id == number][0])
        wanted = three_letter(protein[number - 1])
        phosphate = number in recipe.phosphorylated
        if phosphate:
            wanted = _PHOSPHORYLATED[wanted]
        if here in _PARENT and not phosphate:
            here = _PARENT[here]
            atoms = atoms[(atoms.res_id != number) | ~np.isin(atoms.atom_name, _PHOSPHATE)]
            atoms.res_name[atoms.res_id == number] = here
        if here == wanted and number not in donors:
            continue
        if number in donors:
            atoms, done = _donated(atoms, donors[number], wanted, pack, source)
            origin = f"side chain of {donors[number].entry}"
        elif (renamed := renamed_isostere(atoms, number, here, wanted)) is not None:
            atoms = renamed
            done = note("isosteric", here=here, residue=number, source="crystal", wanted=wanted)
            origin = f"{here}{number}, isosteric"
        else:
            raise StructureError(
                f"The crystal has {here} where the target has {wanted}, and no donor is named.",
                where=f"{recipe.base.label}, residue {number}",
                remedy="Name a donor under side_chains in the recipe.",
            )
        method.append(done)
        origins[number] = ResidueOrigin(
            residue=number, origin="substituted", entry=origins[number].entry, note=origin
        )
    return atoms


def _donated(
    atoms: AtomArray, donor: SideChainDonor, wanted: str, pack: TargetPack, source: PdbSource
) -> tuple[AtomArray, Note]:
    keep = wanted in _PARENT
    chain = read_crystal_chain(source, donor.entry, donor.chain, pack, keep_phosphorylation=keep)
    number = donor.residue
    found = chain.atoms[chain.atoms.res_id == number]
    if len(found) == 0 or str(found.res_name[0]) != wanted:
        raise StructureError(
            f"The donor of a side chain does not show {wanted}{number}.",
            where=chain.label,
            remedy="Name another donor in the recipe.",
        )
    transform = superpose(chain.atoms, atoms, range(number - 2, number + 3))
    moved = transform.applied_to(found)
    side_chain = moved[~np.isin(moved.atom_name, BACKBONE)]
    kept = atoms[(atoms.res_id != number) | np.isin(atoms.atom_name, BACKBONE)]
    kept.res_name[kept.res_id == number] = wanted
    return kept + side_chain, note(
        "side-chain-donated",
        name=wanted,
        residue=number,
        entry=chain.label,
        first=number - 2,
        last=number + 2,
        rmsd_angstrom=transform.rmsd_angstrom,
        reason=donor.reason,
    )


def _require_complete(atoms: AtomArray, pack: TargetPack, recipe: StateRecipe) -> None:
    built = (range(stretch.first_residue, stretch.last_residue + 1) for stretch in recipe.built)
    state = pack.state(recipe.state)
    wanted = {*range(state.first_residue, state.last_residue + 1)}
    if lacking := sorted(wanted.difference(atoms.res_id.tolist(), *built)):
        raise StructureError(
            "The recipe leaves residues without a crystal.",
            where=f"state {recipe.state}, residues {', '.join(map(str, lacking))}",
            remedy="Add a graft, a placement or a built stretch for them to the recipe.",
        )
