"""The known pose of a drug in a structure that a user brought.

Either the structure holds the drug itself, and its own pose is taken, or the reference pose that ships with
the target pack is laid in by superposing the residues of the site of its state's model on the structure's.
Either way Vina's function is minimised in the rigid model, and the best minimum near the start is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinscope.core.errors import ComputationError, StructureError
from kinscope.core.files import write_atomic
from kinscope.docking.engine import BoundSystem, Box, Coordinates, Mol, ScoredPose
from kinscope.docking.known.reference import KEPT_ANGSTROM, POSES_FILE, name_pose, reference_pose
from kinscope.docking.output import write_poses
from kinscope.docking.poses.crystal_ligand import crystal_coordinates, lay_on
from kinscope.docking.poses.interactions import interactions
from kinscope.docking.poses.rmsd import SymmetricRmsd
from kinscope.docking.poses.validity import close_pairs, pose_problems
from kinscope.docking.records import ReferencePoseRecord, ReferencePoseSet
from kinscope.docking.run import with_coordinates
from kinscope.docking.search.around_pose import short_walk
from kinscope.docking.vina.engine import VinaEngine
from kinscope.ligands.library import load_ligand
from kinscope.results.notes import note
from kinscope.results.user_structure import USER_STATE
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import reference_model
from kinscope.structures.superposition import fit_site
from kinscope.targets.pack import DrugDefinition, TargetPack

OWN = f"{USER_STATE}:own"
"""Stands for entry and chain where the pose is the one that the user's file shows."""


def carried_pose(
    pack: TargetPack, drug: DrugDefinition, receptor: AtomArray, own: AtomArray | None = None
) -> tuple[Mol, ReferencePoseRecord]:
    """The known pose of a drug in a model of a user's structure.

    ``receptor``: the user's model (n_atoms). ``own``: the drug as the structure shows it: heavy atoms in the
    model's frame. None: it does not.

    Raises StructureError if the pack has no reference pose of the drug, or the structure too little of its
    site.
    """
    start = _own_start(drug, own) or _laid_start(pack, drug, receptor)
    placed = start.coordinates
    system = VinaEngine().bind(receptor, start.molecule, start.box)
    measure = SymmetricRmsd(start.molecule)
    best = _settled(system, start, measure)
    pose = with_coordinates(start.molecule, best.coordinates)
    name_pose(pose, drug.model_copy(update={"state": USER_STATE}))
    moved = measure(best.coordinates, placed)
    problems = pose_problems(receptor, pose)
    notes = []
    if moved > KEPT_ANGSTROM:
        notes.append(note("pose-not-held-here", away_angstrom=moved))
    return pose, ReferencePoseRecord(
        drug=drug.id, state=USER_STATE, site=drug.site, crystal=start.origin,
        analogue=start.origin.rpartition(":")[2] != drug.ccd,
        superposition=start.words, superposition_atoms=start.atoms,
        superposition_rmsd_angstrom=start.rmsd_angstrom, site_rmsd_angstrom=start.site_rmsd_angstrom,
        crystal_pose_score_kcal_per_mol=round(system.score(placed[None])[0].score_kcal_per_mol, 3),
        crystal_pose_clashes=len(close_pairs(receptor, start.molecule, placed)),
        score_kcal_per_mol=round(best.score_kcal_per_mol, 3), rmsd_to_crystal_angstrom=round(moved, 3),
        interactions=interactions(receptor, pose), valid=not problems, notes=(*notes, *problems),
    )  # fmt: skip


def settle_in(pack: TargetPack, drug: DrugDefinition, receptor: AtomArray) -> tuple[ScoredPose, float]:
    """The shipped pose of a drug laid into a receptor (n_atoms) and minimised; how far it moved (angstrom).

    Raises StructureError if the pack has no reference pose of the drug, or the receptor too little of its
    site.
    """
    start = _laid_start(pack, drug, receptor)
    measure = SymmetricRmsd(start.molecule)
    best = _settled(VinaEngine().bind(receptor, start.molecule, start.box), start, measure)
    return best, measure(best.coordinates, start.coordinates)


def write_carried(directory: Path, pack: TargetPack, pose: Mol, record: ReferencePoseRecord) -> None:
    """Write a pose so that :func:`~kinscope.docking.known.reference.reference_pose` reads it from there."""
    write_poses(directory / f"{record.drug}.sdf", [pose])
    poses = ReferencePoseSet(target=pack.gene, poses=(record,))
    write_atomic(directory / POSES_FILE, poses.model_dump_json(indent=1))


@dataclass(frozen=True)
class _Start:
    """A drug where it lies in a user's model before it settles."""

    molecule: Mol
    origin: str
    """The co-crystal that the pose is from, or :data:`OWN` and the drug's code."""
    words: str
    """What the superposition rests on."""
    atoms: int = 0
    rmsd_angstrom: float | None = None
    """Of the atoms it was fitted on; None, here and below, where nothing was."""
    site_rmsd_angstrom: float | None = None
    """Of the CA atoms near the drug."""

    @property
    def coordinates(self) -> Coordinates:
        """All atoms (n_atoms, 3), angstrom."""
        return np.asarray(self.molecule.GetConformer().GetPositions(), dtype=np.float64)

    @property
    def box(self) -> Box:
        """Where the drug may settle."""
        heavy = [atom.GetIdx() for atom in self.molecule.GetAtoms() if atom.GetAtomicNum() > 1]
        return Box.around(self.coordinates[heavy], 6.0)


def _own_start(drug: DrugDefinition, own: AtomArray | None) -> _Start | None:
    """The drug as the file shows it; None if it is not there whole."""
    if own is None:
        return None
    ligand = load_ligand(drug)
    try:
        heavy = crystal_coordinates(ligand, own, where=f"{OWN}:{drug.ccd}")
    except (StructureError, ComputationError):
        return None
    return _Start(lay_on(ligand, heavy), f"{OWN}:{drug.ccd}", "none: the structure holds the drug itself")


def _laid_start(pack: TargetPack, drug: DrugDefinition, receptor: AtomArray) -> _Start:
    shipped, _ = reference_pose(pack, drug)
    home, _ = reference_model(pack, drug.state)
    positions = np.asarray(shipped.GetConformer().GetPositions(), dtype=np.float64)
    heavy = [atom.GetIdx() for atom in shipped.GetAtoms() if atom.GetAtomicNum() > 1]
    fit = fit_site(home, receptor, positions[heavy])
    if fit is None:
        raise StructureError(
            f"The structure shows too little of the site of {drug.name}.",
            where=drug.id,
            remedy="Choose another structure for this drug, or leave it out with --drug.",
        )
    start = with_coordinates(shipped, fit.transform.apply(positions))
    words = f"{fit.in_words()}, the model of {drug.state} on yours"
    how_well = (fit.transform.atoms, round(fit.transform.rmsd_angstrom, 3), round(fit.near_rmsd_angstrom, 3))
    return _Start(start, drug.reference_entry, words, *how_well)


def _settled(system: BoundSystem, start: _Start, measure: SymmetricRmsd) -> ScoredPose:
    """The best minimum of a short walk near the start; the best of all where none is near."""
    placed = start.coordinates
    found = short_walk(system, system.minimise(placed[None])[0], start.box)
    near = [pose for pose in found if measure(pose.coordinates, placed) <= KEPT_ANGSTROM]
    return min(near or found, key=lambda pose: pose.score_kcal_per_mol)
