"""Putting a state model's heavy atoms together from crystals.

The base chain gives the frame. Grafts are laid on it over the backbone of their flanks. Where a crystal's
protein is not the human one, the human side chain comes from a crystal that shows it (or, for the isosteric
pairs Asn/Asp and Gln/Glu, from the crystal's own atoms under their human names).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.core.residues import three_letter
from kinscope.structures.entries import CrystalChain, read_crystal_chain, read_ligand
from kinscope.structures.grafting import cut, graft, laid_ligand, place_domain
from kinscope.structures.model import AtomArray, ResidueOrigin
from kinscope.structures.preparation import in_template_order
from kinscope.structures.recipes import CrystalPart, SideChainDonor, StateRecipe
from kinscope.structures.source import PdbSource
from kinscope.structures.superposition import BACKBONE, superpose
from kinscope.targets.pack import TargetPack

_ISOSTERIC = {
    ("ASN", "ASP"): {"ND2": ("OD2", "O")},
    ("GLN", "GLU"): {"NE2": ("OE2", "O")},
    ("ASP", "ASN"): {"OD2": ("ND2", "N")},
    ("GLU", "GLN"): {"OE2": ("NE2", "N")},
}


_PHOSPHORYLATED = {"TYR": "PTR", "SER": "SEP", "THR": "TPO"}
_PARENT = {phosphorylated: parent for parent, phosphorylated in _PHOSPHORYLATED.items()}
_PHOSPHATE = ("P", "O1P", "O2P", "O3P")


@dataclass(frozen=True)
class Assembly:
    """Heavy atoms of a state model before hydrogens, in the base crystal's frame."""

    atoms: AtomArray
    origins: tuple[ResidueOrigin, ...]
    method: tuple[str, ...]
    ligands: tuple[AtomArray, ...]
    """Same frame, for the prediction of pKa values and for the relaxation."""


def assemble(
    pack: TargetPack, recipe: StateRecipe, source: PdbSource, *, keep_phosphorylation: bool = False
) -> Assembly:
    """Assemble the heavy atoms of a state from its recipe.

    Raises
    ------
    StructureError
        If an entry is not at hand, a part lacks residues, or a difference to human has no donor.
    """
    keep = keep_phosphorylation or bool(recipe.phosphorylated)

    def chain(entry: str, name: str) -> CrystalChain:
        return read_crystal_chain(source, entry, name, pack, keep_phosphorylation=keep)

    base = chain(recipe.base.entry, recipe.base.chain)
    first, last = recipe.base.first_residue, recipe.base.last_residue
    atoms = cut(base.atoms, first, last)
    origins = {
        number: ResidueOrigin(residue=number, origin="crystal", entry=base.label)
        for number in base.residues
        if first <= number <= last
    }
    method = [_describe(base, first, last)]
    for part in recipe.grafts:
        atoms, note = graft(atoms, chain(part.entry, part.chain), part)
        method.append(f"{note}: {part.reason}.")
        _note_origin(origins, part, note)
    for domain in recipe.placements:
        donor, frame = chain(domain.entry, domain.chain), chain(domain.frame_entry, domain.frame_chain)
        atoms, note = place_domain(atoms, donor, frame, domain)
        method.append(f"{note}: {domain.reason}.")
        _note_origin(origins, domain, note)
    atoms = _to_target_sequence(atoms, pack, recipe, source, origins, method, keep=keep_phosphorylation)
    for stretch in recipe.built:
        for number in range(stretch.first_residue, stretch.last_residue + 1):
            origins[number] = ResidueOrigin(residue=number, origin="built", note=stretch.reason)
    _require_complete(atoms, pack, recipe)
    ligands = [read_ligand(source, recipe.base.entry, recipe.base.chain, ccd) for ccd in recipe.ligands]
    for guest in recipe.guests:
        ligand, note = laid_ligand(atoms, chain(guest.entry, guest.chain), source, guest)
        ligands.append(ligand)
        method.append(note)
    return Assembly(
        atoms=in_template_order(atoms),
        origins=tuple(origins[number] for number in sorted(origins)),
        method=tuple(method),
        ligands=tuple(ligands),
    )


def _note_origin(origins: dict[int, ResidueOrigin], part: CrystalPart, note: str) -> None:
    for number in range(part.first_residue, part.last_residue + 1):
        origins[number] = ResidueOrigin(residue=number, origin="grafted", entry=part.label, note=note)


def _describe(chain: CrystalChain, first: int, last: int) -> str:
    resolution = (
        f" ({chain.resolution_angstrom:.2f} angstrom)" if chain.resolution_angstrom is not None else ""
    )
    parts = [f"Residues {first}-{last} from {chain.label}{resolution}"]
    modified = [note for number, note in chain.modified.items() if first <= number <= last]
    if modified:
        parts.append("modified residues: " + ", ".join(modified))
    alternates = [str(number) for number in chain.alternates if first <= number <= last]
    if alternates:
        parts.append("of alternate conformations the most occupied, then A: " + ", ".join(alternates))
    return "; ".join(parts) + "."


def _to_target_sequence(
    atoms: AtomArray,
    pack: TargetPack,
    recipe: StateRecipe,
    source: PdbSource,
    origins: dict[int, ResidueOrigin],
    method: list[str],
    *,
    keep: bool,
) -> AtomArray:
    protein = pack.transcript.protein
    donors = {donor.residue: donor for donor in recipe.side_chains}
    for number in sorted({int(value) for value in atoms.res_id}):
        here = str(atoms.res_name[atoms.res_id == number][0])
        wanted = three_letter(protein[number - 1])
        phosphate = number in recipe.phosphorylated or (keep and here in _PARENT)
        if phosphate:
            wanted = _PHOSPHORYLATED[wanted]
        if here in _PARENT and not phosphate:
            atoms, here = _dephosphorylated(atoms, number, here)
        if here == wanted and number not in donors:
            continue
        if number in donors:
            atoms, note = _donated(atoms, donors[number], wanted, pack, source)
        elif (here, wanted) in _ISOSTERIC:
            atoms = _renamed(atoms, number, here, wanted)
            note = f"{here}{number} of the crystal set back to {wanted} (isosteric)"
        else:
            raise StructureError(
                f"The crystal has {here} where the target has {wanted}, and no donor is named.",
                where=f"{recipe.base.label}, residue {number}",
                remedy="Name a donor under side_chains in the recipe.",
            )
        method.append(note + ".")
        origins[number] = ResidueOrigin(
            residue=number, origin="substituted", entry=origins[number].entry, note=note
        )
    return atoms


def _dephosphorylated(atoms: AtomArray, number: int, here: str) -> tuple[AtomArray, str]:
    """The parent of a phosphorylated residue that the state has not."""
    atoms = atoms[(atoms.res_id != number) | ~np.isin(atoms.atom_name, _PHOSPHATE)]
    atoms.res_name[atoms.res_id == number] = _PARENT[here]
    return atoms, _PARENT[here]


def _renamed(atoms: AtomArray, number: int, here: str, wanted: str) -> AtomArray:
    atoms = atoms.copy()
    rows = np.flatnonzero(atoms.res_id == number)
    for row in rows:
        atoms.res_name[row] = wanted
        renaming = _ISOSTERIC[(here, wanted)].get(str(atoms.atom_name[row]))
        if renaming is not None:
            atoms.atom_name[row], atoms.element[row] = renaming
    return atoms


def _donated(
    atoms: AtomArray, donor: SideChainDonor, wanted: str, pack: TargetPack, source: PdbSource
) -> tuple[AtomArray, str]:
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
    note = (
        f"side chain of {wanted}{number} from {chain.label}, laid on the backbone of "
        f"{number - 2}-{number + 2} with RMSD {transform.rmsd_angstrom:.2f} angstrom ({donor.reason})"
    )
    return kept + side_chain, note


def _require_complete(atoms: AtomArray, pack: TargetPack, recipe: StateRecipe) -> None:
    present = {int(number) for number in atoms.res_id}
    for stretch in recipe.built:
        present |= set(range(stretch.first_residue, stretch.last_residue + 1))
    state = pack.state(recipe.state)
    lacking = [n for n in range(state.first_residue, state.last_residue + 1) if n not in present]
    if lacking:
        raise StructureError(
            "The recipe leaves residues without a crystal.",
            where=f"state {recipe.state}, residues {', '.join(map(str, lacking))}",
            remedy="Add a graft, a placement or a built stretch for them to the recipe.",
        )
