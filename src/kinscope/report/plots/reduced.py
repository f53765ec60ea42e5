"""Models, frames and poses reduced to what pictures draw: no hydrogens, one chain, short lines."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from biotite.structure import AtomArray
from numpy.typing import NDArray

from kinscope.core.errors import LigandError
from kinscope.structures.io import read_model

if TYPE_CHECKING:
    from kinscope.trajectories.snapshots import Snapshots

Point = NDArray[np.float64]
"""Shape (3,), angstrom."""


def read_reduced_model(path: Path) -> AtomArray:
    """The heavy atoms of a model of kinscope.

    Raises StructureError if the file cannot be read.
    """
    atoms = read_model(path)
    return atoms[(np.char.upper(atoms.element) != "H") & np.isfinite(atoms.coord).all(axis=1)]


def carrier_of(atoms: AtomArray, residue: int, name: str) -> Point | None:
    """Where a named atom is or, of a hydrogen, what carries it; None if there is none.

    Hydrogens bear their carrier's name without its element, and a digit: HG23 on CG2, HZ3 on NZ.
    """
    own = atoms[atoms.res_id == residue]
    names = [name]
    if name.startswith("H"):
        stem = name[1:]
        stems = [stem[:length] for length in range(len(stem), -1, -1)]
        last = next(index for index, one in enumerate(stems) if not one or one.isalpha())
        names = [element + one for one in stems[: last + 1] for element in "NOSC"]
    for one in names:
        if (own.atom_name == one).any():
            return np.asarray(own.coord[own.atom_name == one][0], dtype=np.float64)
    return None


def closest(atoms: AtomArray, first: int, second: int) -> tuple[Point, Point] | None:
    """The closest pair of heavy atoms of two residues."""
    one, two = (np.asarray(atoms.coord[atoms.res_id == residue], float) for residue in (first, second))
    if not len(one) or not len(two):
        return None
    distances = np.linalg.norm(one[:, None] - two[None], axis=2)
    i, j = np.unravel_index(int(distances.argmin()), distances.shape)
    return one[i], two[j]


def neighbours(atoms: AtomArray, positions: Collection[int], cutoff_angstrom: float) -> list[int]:
    """Residues with a heavy atom within the cutoff of any heavy atom of the given residues."""
    near = np.zeros(len(atoms), dtype=bool)
    for point in atoms.coord[np.isin(atoms.res_id, list(positions))]:
        near |= np.linalg.norm(atoms.coord - point, axis=1) <= cutoff_angstrom
    return sorted({int(residue) for residue in atoms.res_id[near]} - set(positions))


def pdb_text(atoms: AtomArray) -> str:
    """PDB lines up to the coordinates, all in chain A."""
    lines = []
    rows = zip(atoms.res_id, atoms.res_name, atoms.atom_name, atoms.element, atoms.coord, strict=True)
    for serial, (residue, name3, name, element, (x, y, z)) in enumerate(rows, start=1):
        field = name[:4] if len(name) > 3 or len(element) > 1 else f" {name}"
        start = f"ATOM  {serial % 100000:5d} {field:<4s} {name3[:3]:>3s} A{residue:4d}    "
        lines.append(f"{start}{x:8.3f}{y:8.3f}{z:8.3f}")
    return "\n".join([*lines, "END"]) if lines else ""


def frame_text(found: Snapshots, frame: int, drawn: NDArray[np.intp]) -> str:
    """One frame as PDB lines of some of its atoms."""
    layout, atoms = found.layout, AtomArray(len(drawn))
    atoms.res_id, atoms.res_name = layout.res_id[drawn], layout.res_name[drawn]
    atoms.atom_name, atoms.element = layout.atom_name[drawn], layout.element[drawn]
    atoms.coord = found.coordinates[frame, drawn]
    return pdb_text(atoms)


def read_reduced_pose(path: Path) -> str:
    """The first molecule of an SDF file as a molfile block without hydrogens.

    Raises LigandError if the file is missing or holds no molecule with coordinates.
    """
    from rdkit import Chem, rdBase

    remedy = "Run the docking step again."
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise LigandError("The pose file cannot be read.", where=f"{path}: {error}", remedy=remedy) from error
    block = text.split("$$$$", 1)[0]
    with rdBase.BlockLogs():
        molecule = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    if molecule is None or molecule.GetNumAtoms() == 0 or molecule.GetNumConformers() == 0:
        raise LigandError("The pose file holds no molecule.", where=str(path), remedy=remedy)
    bare = Chem.RemoveHs(molecule, sanitize=False)
    bare.SetProp("_Name", "")
    return str(Chem.MolToMolBlock(bare, kekulize=False, includeStereo=False))
