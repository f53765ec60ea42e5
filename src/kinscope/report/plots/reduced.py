"""Models, frames and poses reduced to what pictures draw: no hydrogens, one chain, short lines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import LigandError
from kinscope.structures.io import read_model

if TYPE_CHECKING:
    from kinscope.trajectories.snapshots import Snapshots


@dataclass(frozen=True)
class ReducedModel:
    """The atoms of a model that the view draws.

    Attributes
    ----------
    residues
        Shape (n_atoms,), isoform-1a numbers.
    residue_names, atom_names, elements
        Shape (n_atoms,).
    coordinates
        Shape (n_atoms, 3), angstrom.
    """

    residues: NDArray[np.int64]
    residue_names: NDArray[np.str_]
    atom_names: NDArray[np.str_]
    elements: NDArray[np.str_]
    coordinates: NDArray[np.float64]

    def atom(self, residue: int, name: str) -> NDArray[np.float64] | None:
        """Position (3,) of a named atom, angstrom; None if there is none."""
        found = np.flatnonzero((self.residues == residue) & (self.atom_names == name))
        return self.coordinates[found[0]] if len(found) else None

    def heavy_atom(self, residue: int, name: str) -> NDArray[np.float64] | None:
        """Position (3,) of a named atom or, of a hydrogen, of what carries it; angstrom.

        Hydrogens bear their carrier's name without its element, and a digit: HG23 on CG2, HZ3 on NZ.
        """
        if not name.startswith("H"):
            return self.atom(residue, name)
        stem = name[1:]
        for length in range(len(stem), -1, -1):
            for element in ("N", "O", "S", "C"):
                if (found := self.atom(residue, element + stem[:length])) is not None:
                    return found
            if stem[:length].isalpha():
                break
        return None

    def closest(self, first: int, second: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """The closest pair of heavy atoms of two residues, positions (3,) each, angstrom."""
        one, two = (self.coordinates[self.residues == residue] for residue in (first, second))
        if not len(one) or not len(two):
            return None
        distances = np.linalg.norm(one[:, None] - two[None], axis=2)
        i, j = np.unravel_index(int(distances.argmin()), distances.shape)
        return one[i], two[j]

    def neighbours(self, positions: Collection[int], cutoff_angstrom: float) -> list[int]:
        """Residues with a heavy atom within the cutoff of any heavy atom of the given residues."""
        centre = self.coordinates[np.isin(self.residues, list(positions))]
        near = np.zeros(len(self.residues), dtype=bool)
        for point in centre:
            near |= np.linalg.norm(self.coordinates - point, axis=1) <= cutoff_angstrom
        return sorted({int(r) for r in self.residues[near]} - set(positions))

    def pdb_text(self) -> str:
        """PDB lines up to the coordinates, all in chain A."""
        lines, names = [], zip(self.residue_names, self.atom_names, self.elements, strict=True)
        rows = zip(self.residues, names, self.coordinates, strict=True)
        for serial, (residue, (name3, name, element), (x, y, z)) in enumerate(rows, start=1):
            field = str(name)[:4] if len(str(name)) > 3 or len(str(element)) > 1 else f" {name}"
            lines.append(
                f"ATOM  {serial % 100000:5d} {field:<4s} {str(name3)[:3]:>3s} A{int(residue):4d}    "
                f"{x:8.3f}{y:8.3f}{z:8.3f}"
            )
        return "\n".join([*lines, "END"]) if lines else ""


def read_reduced_model(path: Path) -> ReducedModel:
    """Read a model of kinscope and keep its heavy atoms.

    Raises StructureError if the file cannot be read.
    """
    atoms = read_model(path)
    elements = np.char.upper(np.asarray(atoms.element, dtype=np.str_))
    coordinates = np.asarray(atoms.coord, dtype=np.float64)
    residues = np.asarray(atoms.res_id, dtype=np.int64)
    keep = (elements != "H") & np.isfinite(coordinates).all(axis=1)
    return ReducedModel(
        residues=residues[keep],
        residue_names=np.asarray(atoms.res_name, dtype=np.str_)[keep],
        atom_names=np.asarray(atoms.atom_name, dtype=np.str_)[keep],
        elements=elements[keep],
        coordinates=coordinates[keep],
    )


def reduced_frame(found: Snapshots, frame: int, drawn: NDArray[np.intp]) -> ReducedModel:
    """One frame as a model of some of its atoms."""
    layout = found.layout
    return ReducedModel(
        residues=layout.res_id[drawn],
        residue_names=layout.res_name[drawn],
        atom_names=layout.atom_name[drawn],
        elements=layout.element[drawn],
        coordinates=found.coordinates[frame, drawn],
    )


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
