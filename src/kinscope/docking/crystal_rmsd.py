"""The RMSD of docked poses to the co-crystal itself, where an entry of the wwPDB is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kinscope.core.errors import KinscopeError
from kinscope.docking.crystal_ligand import crystal_coordinates
from kinscope.docking.crystal_start import superpose_site
from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.output import read_poses
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.docking.table_records import DockedSide, DockingRow
from kinscope.structures.entries import read_chain, read_ligand
from kinscope.structures.model import AtomArray
from kinscope.structures.reference import reference_model
from kinscope.structures.source import PdbSource
from kinscope.targets.pack import TargetPack


def with_crystal_rmsd(
    row: DockingRow, pack: TargetPack, source: PdbSource, native: Path, mutant: Path
) -> DockingRow:
    """A row with the exact RMSD of both sides' best poses to the co-crystal, by the site's CA atoms.

    An entry that is not at hand, or that shows a relative of the drug, leaves the row as it is, with a note.
    """
    drug = pack.drug(row.drug)
    if row.native is None or row.mutant is None or drug.reference_protein:
        return row
    try:
        receptor = reference_model(pack, row.state)[0]
        poses = [read_poses(path)[0] for path in (native, mutant)]
        shown = crystal_pose(poses[0], receptor, row.reference, pack, source)
    except KinscopeError as error:
        return row.model_copy(
            update={"notes": (*row.notes, f"RMSD to the co-crystal not measured: {error.what}")}
        )
    sides = [_beside(side, pose, shown) for side, pose in zip((row.native, row.mutant), poses, strict=True)]
    return row.model_copy(update={"native": sides[0], "mutant": sides[1]})


def crystal_pose(
    pose: Mol, receptor: AtomArray, entry: str, pack: TargetPack, source: PdbSource
) -> Coordinates:
    """The co-crystal's ligand in a model's frame: heavy atoms of the pose's molecule, shape (n_atoms, 3).

    Hydrogens stand where the pose has them.

    Raises
    ------
    KinscopeError
        If the entry is not at hand or shows another molecule.
    """
    code, chain, ligand = entry.split(":")
    crystal = read_chain(source, code, chain, pack)
    shown = read_ligand(source, code, chain, ligand)
    transform, _, _ = superpose_site(crystal, receptor, np.asarray(shown.coord), entry)
    heavy = crystal_coordinates(pose, transform.applied_to(shown), where=entry)
    placed = np.array(pose.GetConformer().GetPositions(), dtype=np.float64)
    placed[[atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]] = heavy
    return placed


def _beside(side: DockedSide, pose: Mol, shown: Coordinates) -> DockedSide:
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    return side.model_copy(update={"rmsd_to_crystal_angstrom": round(SymmetricRmsd(pose)(points, shown), 2)})
