"""A drug as a co-crystal shows it, laid into a native model: where its reference pose starts from.

The RMSD of docked poses to the co-crystal itself, where an entry of the wwPDB is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinscope.core.errors import KinscopeError, StructureError
from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.output import read_poses
from kinscope.docking.poses.crystal_ligand import crystal_coordinates, heavy_molecule, lay_on, lay_part_on
from kinscope.docking.poses.rmsd import SymmetricRmsd
from kinscope.ligands.library import load_ligand
from kinscope.results.docking import DockedSide, DockingRow
from kinscope.results.notes import note
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import reference_model
from kinscope.structures.superposition import (
    NEAR_ANGSTROM,
    SITE_ANGSTROM,
    RigidTransform,
    common_atoms,
    fit_residues,
)
from kinscope.structures.wwpdb.entries import read_chain, read_homologous_chain, read_ligand
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import DrugDefinition, TargetPack

NEARLY_ITSELF = 0.9
"""Where a crystal's ligand has this share of a drug's heavy atoms (ATP-gamma-S has all of ATP's but one
oxygen), the pose is held to the crystal's as the drug's own would be."""
_ANALOGUE_TRIALS = 10


@dataclass(frozen=True)
class CrystalStart:
    """A drug laid on the ligand of its co-crystal, in the frame of a native model."""

    shown: Coordinates
    """The crystal's ligand: heavy atoms (n_shown, 3), angstrom."""
    starts: list[Mol]
    """The drug on it; many conformers of what a relative does not show."""
    heavy: Coordinates | None
    """The drug's heavy atoms in its own order (n_heavy, 3); None where the crystal shows a relative."""
    shared: tuple[int, ...]
    """The drug's heavy atoms that the crystal shows."""
    relative: str
    """Chemical Component Dictionary code of the crystal's ligand where it is not the drug; else empty."""
    transform: RigidTransform
    """The crystal onto the model."""
    words: str
    """What carried it."""
    site_rmsd_angstrom: float
    """Of the CA atoms near the ligand."""

    @property
    def held(self) -> bool:
        """Whether the crystal shows enough of the drug for its pose to be held to the crystal's."""
        return bool(len(self.shared) >= NEARLY_ITSELF * self.starts[0].GetNumHeavyAtoms())


def crystal_start(
    pack: TargetPack, drug: DrugDefinition, receptor: AtomArray, source: PdbSource
) -> CrystalStart:
    """Lay a drug into a native model by its co-crystal.

    The crystal's chain is superposed on the model over the CA atoms around the ligand; bond orders, hydrogens
    and sound geometry come from the drug's definition (MMFF94, heavy atoms held).

    Raises StructureError if the drug names no entry, the entry or its ligand is absent, or too little of the
    site is shared.
    """
    if not drug.reference_entry:
        raise StructureError(
            f"The target pack names no co-crystal of {drug.name}, so its pose is not known.",
            where=f"drug {drug.id}",
            remedy="Name one as reference_entry, if need be of a related kinase with reference_protein.",
        )
    entry, chain, code = drug.reference_entry.split(":")
    read = read_homologous_chain if drug.reference_protein else read_chain
    crystal = read(source, entry, chain, pack)
    ligand = read_ligand(source, entry, chain, code)
    transform, words, site_rmsd = superpose_site(
        crystal, receptor, np.asarray(ligand.coord), drug.reference_entry
    )
    carried = transform.applied_to(ligand)
    own = load_ligand(drug)
    heavy: Coordinates | None = None
    if code == drug.ccd:
        heavy = crystal_coordinates(own, carried, where=drug.reference_entry)
        starts = [lay_on(own, heavy)]
        shared = tuple(atom.GetIdx() for atom in own.GetAtoms() if atom.GetAtomicNum() > 1)
    else:
        starts, shared = _on_relative(own, carried)
    shown = np.asarray(carried.coord, dtype=np.float64)
    relative = "" if code == drug.ccd else code
    return CrystalStart(shown, starts, heavy, shared, relative, transform, words, site_rmsd)


def superpose_site(
    crystal: AtomArray, receptor: AtomArray, ligand: Coordinates, where: str
) -> tuple[RigidTransform, str, float]:
    """The transform of the crystal onto the model over the site, in words, and the near residues' CA RMSD.

    The site is that of all atoms given, hydrogens too.
    """
    distance = np.linalg.norm(crystal.coord[:, None] - ligand[None], axis=2).min(axis=1)
    site = {int(number) for number in crystal.res_id[distance < SITE_ANGSTROM]}
    near = {int(number) for number in crystal.res_id[distance < NEAR_ANGSTROM]}
    fit = fit_residues(crystal, receptor, site, near)
    if fit is None:
        shared, _ = common_atoms(crystal, receptor, site, ("CA",))
        raise StructureError(
            f"Crystal and model share only {len(shared)} residues of the site.",
            where=where,
            remedy="Choose a state whose model covers the site.",
        )
    return fit.transform, fit.in_words(), fit.near_rmsd_angstrom


def _on_relative(ligand: Mol, carried: AtomArray) -> tuple[list[Mol], tuple[int, ...]]:
    """The drug on the atoms it shares with the crystal's ligand, and these; the rest in many conformers."""
    from rdkit import Chem
    from rdkit.Chem import rdFMCS

    relative = heavy_molecule(carried)
    bare = Chem.RemoveHs(ligand)
    common = rdFMCS.FindMCS(
        [bare, relative], bondCompare=rdFMCS.BondCompare.CompareAny, ringMatchesRingOnly=True,
        completeRingsOnly=True, timeout=20,
    )  # fmt: skip
    mine = ligand.GetSubstructMatch(common.queryMol)
    its = relative.GetSubstructMatch(common.queryMol)
    positions = np.asarray(relative.GetConformer().GetPositions(), dtype=np.float64)[list(its)]
    starts = lay_part_on(ligand, np.array(mine, dtype=np.intp), positions, trials=_ANALOGUE_TRIALS)
    return starts, tuple(mine)


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
        why = note("crystal-rmsd-not-measured", why=error.what)
        return row.model_copy(update={"notes": (*row.notes, why)})
    sides = [_beside(side, pose, shown) for side, pose in zip((row.native, row.mutant), poses, strict=True)]
    return row.model_copy(update={"native": sides[0], "mutant": sides[1]})


def crystal_pose(
    pose: Mol, receptor: AtomArray, entry: str, pack: TargetPack, source: PdbSource
) -> Coordinates:
    """The co-crystal's ligand in a model's frame: heavy atoms of the pose's molecule, shape (n_atoms, 3).

    Hydrogens stand where the pose has them.

    Raises KinscopeError if the entry is not at hand or shows another molecule.
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
