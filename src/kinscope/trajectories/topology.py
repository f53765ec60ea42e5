"""Which atoms of a user's topology are analysed, how they are numbered, and where they stand in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.results.notes import Note, note
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import TargetPack

_WATER = {"HOH", "WAT", "SOL", "TIP3", "TIP4", "DOD"}
_FEWEST_LIGAND_ATOMS = 6
"""Heavy atoms; buffer molecules and ions have fewer."""
_BACKBONE = {"N", "CA", "C", "O"}


@dataclass(frozen=True)
class Topology:
    """The protein chain and the ligands of a topology."""

    atoms: AtomArray
    places: NDArray[np.intp]
    """Where each of ``atoms`` stands in a frame."""
    total: int
    """Atoms in a frame."""
    chain: str
    numbered: bool
    """Whether residues bear the target's numbers; else the file's own."""
    notes: tuple[Note, ...]


def read_topology(path: Path, pack: TargetPack, *, chain: str = "") -> Topology:
    """The chain of the target in a PDB or mmCIF file, with hydrogens, and every ligand beside it.

    A file without a chain of the target is taken in its own numbering: what every protein has is measured,
    and the notes say what is not.

    ``path``: PDB or mmCIF with every atom of the frames, in their order. ``chain``: which chain; the first of
    the target if empty.

    Raises
    ------
    StructureError
        If the file cannot be read, holds no protein, not that chain, or atoms that share a number.
    """
    from kinscope.structures.wwpdb.entries import protein_chains
    from kinscope.structures.wwpdb.source import read_structure_file

    structure = read_structure_file(path)
    order = _order(structure, path)
    own = protein_chains(structure, pack)
    numbers: dict[tuple[str, str], int]
    notes: tuple[Note, ...] = ()
    if own and (not chain or chain in own):
        name = chain or own[0]
        numbers = _target_numbers(structure, name, pack, path)
    else:
        name = _longest_chain(structure, path, chain)
        numbers = {
            (str(residue.seqid), residue.name): index + 1
            for index, residue in enumerate(r for r in structure[0][name] if _is_residue(r))
        }
        plain = {(str(r.seqid), r.name): r.seqid.num for r in structure[0][name] if _is_residue(r)}
        if len(set(plain.values())) == len(plain):
            numbers = plain
        notes = (note("other-protein", gene=pack.gene),)
    atoms, rows = _chosen(structure, name, numbers, order)
    return Topology(atoms, rows, len(order), name, bool(own) and not notes, notes)


def _order(structure: Any, path: Path) -> dict[int, int]:
    """Place in a frame by the atoms' serial numbers."""
    serials = [site.atom.serial for site in structure[0].all()]
    if len(set(serials)) < len(serials):
        raise StructureError(
            "Atoms of the topology share a number, so it cannot be told which of a frame they are.",
            where=str(path),
            remedy="Write the topology as mmCIF, or number its atoms from 1 on.",
        )
    return {serial: place for place, serial in enumerate(sorted(serials))}


def _target_numbers(structure: Any, name: str, pack: TargetPack, path: Path) -> dict[tuple[str, str], int]:
    """The target's number of each residue of a chain that stands for one, by the file's number and name."""
    from kinscope.structures.wwpdb.entries import chain_of_structure

    found = chain_of_structure(structure, name, pack, label=f"{path.name}:{name}")
    numbers = {label: number for number, label in found.author_numbers.items()}
    kept: dict[str, tuple[str, str]] = {}
    for residue in structure[0][name]:
        kept.setdefault(str(residue.seqid), (str(residue.seqid), residue.name))
    return {key: numbers[label] for label, key in kept.items() if label in numbers}


def _is_residue(residue: Any) -> bool:
    return {atom.name for atom in residue} >= _BACKBONE


def _longest_chain(structure: Any, path: Path, wanted: str) -> str:
    sizes = {chain.name: sum(map(_is_residue, chain)) for chain in structure[0]}
    if wanted and wanted not in sizes:
        raise StructureError(
            f"There is no chain {wanted} in the topology.",
            where=str(path),
            remedy=f"Its chains: {', '.join(sizes) or 'none'}.",
        )
    best = wanted or max(sizes, key=lambda name: sizes[name], default="")
    if not best or sizes[best] < 3:
        raise StructureError(
            "The topology holds no protein chain.",
            where=str(path),
            remedy="Give a PDB or mmCIF file with the atoms of the trajectory, the protein among them.",
        )
    return best


def _chosen(
    structure: Any, name: str, numbers: dict[tuple[str, str], int], order: dict[int, int]
) -> tuple[AtomArray, NDArray[np.intp]]:
    """Atoms of the chain's numbered residues, then of the ligands, and their places in a frame."""
    from biotite.structure import AtomArray as Array

    rows: list[tuple[int, int, str, str, str, bool, Any]] = []
    ligands = 0
    for chain in structure[0]:
        for residue in chain:
            number = numbers.get((str(residue.seqid), residue.name)) if chain.name == name else None
            ligand = number is None and _is_ligand(residue)
            if number is None and not ligand:
                continue
            ligands += ligand
            own = number if number is not None else 9000 + ligands
            residue_name = "MET" if residue.name == "MSE" else residue.name
            for atom in residue:
                rows.append(
                    (order[atom.serial], own, residue_name, *_named(residue.name, atom), ligand, atom.pos)
                )
    # The protein first, so that no ligand stands within its chain.
    rows.sort(key=lambda row: (row[5], row[1], row[0]))
    atoms = Array(len(rows))
    atoms.res_id = np.array([row[1] for row in rows])
    atoms.res_name = np.array([row[2] for row in rows])
    atoms.atom_name = np.array([row[3] for row in rows])
    atoms.element = np.array([row[4] for row in rows])
    atoms.hetero = np.array([row[5] for row in rows])
    atoms.chain_id = np.array(["L" if row[5] else name[:4] for row in rows])
    atoms.coord = np.array([[row[6].x, row[6].y, row[6].z] for row in rows], dtype=np.float32)
    return atoms, np.array([row[0] for row in rows], dtype=np.intp)


def _named(residue: str, atom: Any) -> tuple[str, str]:
    """Atom name and element, with the selenium of MSE as the sulphur that it stands for."""
    if (residue, atom.name) == ("MSE", "SE"):
        return "SD", "S"
    return atom.name, atom.element.name.upper()


def _is_ligand(residue: Any) -> bool:
    """Whether a residue is a small molecule worth following: no water, no ion, no part of a protein."""
    names = {atom.name for atom in residue}
    heavy = sum(atom.element.name not in ("H", "D") for atom in residue)
    carbon = any(atom.element.name == "C" for atom in residue)
    polymer = {"N", "CA", "C"} <= names or residue.name in ("ACE", "NME", "NMA")
    return carbon and heavy >= _FEWEST_LIGAND_ATOMS and not polymer and residue.name not in _WATER
