"""Docking results on disk: poses as SDF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from kinscope.core.errors import StructureError
from kinscope.core.files import write_atomic
from kinscope.docking.engine import Mol
from kinscope.ligands.chemistry import quiet


def write_poses(path: Path, molecules: Sequence[Mol]) -> None:
    """Write molecules, each with one conformer, and their properties as one SDF."""
    from rdkit import Chem

    buffer = io.StringIO()
    writer = Chem.SDWriter(buffer)
    for molecule in molecules:
        writer.write(molecule)
    writer.close()
    write_atomic(path, buffer.getvalue())


def read_poses(path: Path) -> list[Mol]:
    """Read the molecules of an SDF that kinscope wrote, hydrogens kept.

    Raises StructureError if the file is missing or holds a record that is not a molecule.
    """
    from rdkit import Chem

    molecules: list[Mol] = []
    if path.is_file():
        with quiet():
            molecules = list(Chem.SDMolSupplier(str(path), removeHs=False))
    if not molecules or any(molecule is None for molecule in molecules):
        raise StructureError(
            "This is not an SDF of poses.", where=str(path), remedy="Give a file of `kinscope dock`."
        )
    for molecule in molecules:
        _forget_phosphates(molecule)
    return molecules


def _forget_phosphates(molecule: Mol) -> None:
    """No handedness at phosphorus: a phosphate's oxygens differ only in how the charge was drawn."""
    from rdkit import Chem

    for atom in molecule.GetAtoms():
        if atom.GetSymbol() == "P":
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
            atom.ClearProp("_CIPCode")
