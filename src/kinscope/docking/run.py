"""Docking one drug into one receptor: sample, cluster, measure, record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import LigandError
from kinscope.core.seeds import derive_seed
from kinscope.docking.engine import BoundSystem, Box, Coordinates, Mol, ScoredPose
from kinscope.docking.poses.interactions import interactions
from kinscope.docking.poses.rmsd import SymmetricRmsd, buried_atoms
from kinscope.docking.poses.validity import pose_problems
from kinscope.docking.records import DockedPose, DockingRun, DockingSettings
from kinscope.docking.search.around_pose import distinct, sample_known_pose
from kinscope.docking.vina.engine import VinaEngine
from kinscope.results.notes import Note, note
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition

Progress = Callable[[float], None]
"""Called with the share of the work done, 0 to 1."""
Search = tuple[int, list[ScoredPose]]
"""A seed and the poses found with it, best first."""
CONFIRM_TOLERANCE_KCAL_PER_MOL = 0.05


@dataclass(frozen=True)
class DockingTask:
    """What is docked into what, from which known pose, and how."""

    receptor: AtomArray
    """A complete, protonated model (n_atoms), in the frame of the known pose."""
    drug: DrugDefinition
    ligand: Mol
    """The drug at pH 7.4 with hydrogens; its conformer starts the global search."""
    reference_pose: Mol | None
    """The same molecule in its known binding mode: the local search starts from it, with its bond lengths and
    angles, and every RMSD is to it. None: nothing is known, and RMSDs are to the best pose."""
    state: str
    variant: str
    settings: DockingSettings
    seed: int
    """Root seed; each search derives its own."""
    alternative: int = 0
    site: Box | None = None
    """What a global search searches; None: a cube about the reference pose."""

    @property
    def local(self) -> bool:
        """Whether only the neighbourhood of the known pose is searched."""
        return self.settings.mode == "from known pose"

    @cached_property
    def known(self) -> Mol:
        """The known pose, atom for atom the ligand's own molecule; the free ligand where none is known."""
        if self.reference_pose is None:
            return self.ligand
        return aligned_reference(self.ligand, self.reference_pose)

    @cached_property
    def coordinates(self) -> Coordinates:
        """Of the known pose (n_atoms, 3), angstrom."""
        return np.asarray(self.known.GetConformer().GetPositions(), dtype=np.float64)

    @cached_property
    def rmsd(self) -> SymmetricRmsd:
        """Between poses of the ligand."""
        return SymmetricRmsd(self.known)

    @property
    def box(self) -> Box:
        """What is searched."""
        if self.local:
            return Box.around(self.coordinates, self.settings.box_padding_angstrom)
        return self.site or Box.cube(self.coordinates, self.settings.box_size_angstrom)

    @property
    def seeds(self) -> tuple[int, ...]:
        """One for each search."""
        mode = self.settings.mode
        numbers = range(self.settings.seeds)
        return tuple(derive_seed(self.seed, "docking", self.drug.id, mode, number) for number in numbers)


def dock(task: DockingTask, progress: Progress | None = None) -> tuple[DockingRun, list[Mol]]:
    """Dock a drug into one receptor with AutoDock Vina's function, on one thread.

    Returns the record, and the poses as molecules with properties, best first.

    Raises LigandError if ligand and reference pose are not one molecule, or Vina has no types for it;
    ComputationError if no pose is found.
    """
    started = time.monotonic()
    found = _searched(task, VinaEngine(), progress)
    best = found.ranked[0][0].coordinates
    target = best if task.reference_pose is None else task.coordinates
    core = buried_atoms(task.receptor, task.known, target)
    documented = [
        _documented(task, *pose, rank, (target, core)) for rank, pose in enumerate(found.ranked, start=1)
    ]
    run = _run_record(task, found, tuple(record for record, _ in documented), target, started)
    return run, [molecule for _, molecule in documented]


def aligned_reference(ligand: Mol, reference_pose: Mol) -> Mol:
    """The reference pose as the ligand's own molecule, atom for atom, hydrogens included.

    Raises LigandError if the two are not one molecule in one protonation.
    """
    from rdkit import Chem

    if Chem.MolToSmiles(Chem.RemoveHs(ligand)) != Chem.MolToSmiles(Chem.RemoveHs(reference_pose)):
        raise LigandError(
            "The reference pose is another molecule, or another protonation, than the ligand.",
            where=f"reference pose {Chem.MolToSmiles(Chem.RemoveHs(reference_pose))}",
            remedy="Rebuild the reference poses with `kinscope models build`.",
        )
    match = reference_pose.GetSubstructMatch(ligand)
    if not match:
        raise LigandError(
            "The atoms of reference pose and ligand do not correspond.",
            where="reference pose",
            remedy="Give both with all hydrogens.",
        )
    return with_coordinates(ligand, np.asarray(reference_pose.GetConformer().GetPositions())[list(match)])


def with_coordinates(molecule: Mol, coordinates: Coordinates) -> Mol:
    """A copy of a molecule with these coordinates (n_atoms, 3) as its only conformer."""
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    copy = Chem.Mol(molecule)
    copy.RemoveAllConformers()
    conformer = Chem.Conformer(copy.GetNumAtoms())
    for index, point in enumerate(coordinates):
        conformer.SetAtomPosition(index, Point3D(*map(float, point)))
    copy.AddConformer(conformer, assignId=True)
    return copy


def label(molecule: Mol, record: DockedPose) -> Mol:
    """Write what the record says into the molecule's properties, for the SDF."""
    molecule.SetProp("_Name", f"{record.drug} {record.state} {record.variant} pose {record.rank}")
    for field, value in record.model_dump(mode="json").items():
        if isinstance(value, list):  # problems by their codes
            value = "; ".join(part if isinstance(part, str) else part["code"] for part in value)
        molecule.SetProp(f"kinscope_{field}", "" if value is None else str(value))
    return molecule


@dataclass(frozen=True)
class _Found:
    """What the searches of a task left."""

    engine: VinaEngine
    system: BoundSystem
    scores: list[float]
    """Of each search that met the first pose's binding mode, kcal/mol: of the pose it ranks first there."""
    ranked: list[tuple[ScoredPose, int]]
    """Distinct poses of all searches that count, best first by the search's own order, each with its seed."""
    elsewhere: float | None
    """The best score outside the known binding mode, kcal/mol; None in a global search."""
    kept: bool
    """Whether any search met the known binding mode, or a global one ranks a pose of it first."""


def _searched(task: DockingTask, engine: VinaEngine, progress: Progress | None) -> _Found:
    system = engine.bind(task.receptor, task.known if task.local else task.ligand, task.box)
    searches = _searches(task, system, progress)
    elsewhere, kept = None, True
    if task.local:
        searches, elsewhere, kept = _known_mode(task, searches)
    pooled = sorted(
        ((pose, which) for which, search in searches for pose in search), key=lambda pair: pair[0].rank_by
    )
    settings = task.settings
    poses = [pose for pose, _ in pooled]
    places = distinct(poses, task.rmsd, settings.pose_separation_angstrom, settings.n_poses)
    if not task.local and task.reference_pose is not None:
        kept = task.rmsd(poses[0].coordinates, task.coordinates) <= settings.pose_radius_angstrom
    if not (task.local and kept):  # searches that ended in another binding mode are no replicas of this one
        first, radius = poses[0].coordinates, settings.pose_radius_angstrom
        searches = [each for each in searches if task.rmsd(each[1][0].coordinates, first) <= radius]
    scores = [search[0].score_kcal_per_mol for _, search in searches]
    return _Found(engine, system, scores, [pooled[place] for place in places], elsewhere, kept)


def _searches(task: DockingTask, system: BoundSystem, progress: Progress | None) -> list[Search]:
    settings, seeds = task.settings, task.seeds
    searches = []
    for number, seed in enumerate(seeds):
        if task.local:
            poses = sample_known_pose(system, task.coordinates, task.box, settings, seed)
        else:
            poses = system.search(
                seed=seed, exhaustiveness=settings.exhaustiveness, n_poses=max(9, settings.n_poses),
                torsion_weight=settings.torsion_weight, own=settings.search == "vina",
            )  # fmt: skip
        searches.append((seed, poses))
        if progress is not None:
            progress((number + 1) / len(seeds))
    return searches


def _known_mode(task: DockingTask, searches: list[Search]) -> tuple[list[Search], float | None, bool]:
    """The known binding mode's minima by seed; the best score elsewhere; whether the mode was found.

    A seed that met no minimum of the mode gives no score, so that no score mixes two binding modes; if no
    seed met one, the mode is lost and the searches come back as they are.
    """
    inside: list[Search] = []
    elsewhere: float | None = None
    for seed, search in searches:
        near = []
        for pose in search:
            if task.rmsd(pose.coordinates, task.coordinates) <= task.settings.pose_radius_angstrom:
                near.append(pose)
            elif elsewhere is None or pose.score_kcal_per_mol < elsewhere:
                elsewhere = round(pose.score_kcal_per_mol, 3)
        if near:
            inside.append((seed, near))
    return (inside, elsewhere, True) if inside else (searches, elsewhere, False)


def _documented(
    task: DockingTask, pose: ScoredPose, seed: int, rank: int,
    beside: tuple[Coordinates, NDArray[np.intp]],
) -> tuple[DockedPose, Mol]:  # fmt: skip
    """The record of a pose, and the pose as a molecule that carries it.

    ``beside``: the pose (n_atoms, 3) that RMSDs are to, and which of its heavy atoms are buried.
    """
    target, core = beside
    molecule = with_coordinates(task.known, pose.coordinates)
    analyse = rank <= task.settings.analyse_poses
    problems = pose_problems(task.receptor, molecule) if analyse else ()
    record = DockedPose(
        drug=task.drug.id, state=task.state, variant=task.variant, alternative=task.alternative,
        mode=task.settings.mode, rank=rank, seed=seed,
        score_kcal_per_mol=round(pose.score_kcal_per_mol, 3),
        intermolecular_kcal_per_mol=round(pose.intermolecular_kcal_per_mol, 3),
        intramolecular_kcal_per_mol=round(pose.intramolecular_kcal_per_mol, 3),
        ranking_kcal_per_mol=round(pose.rank_by, 3),
        rmsd_to_reference_angstrom=round(task.rmsd(pose.coordinates, target), 3),
        core_rmsd_angstrom=round(task.rmsd(pose.coordinates, target, core), 3), core_atoms=len(core),
        analysed=analyse, interactions=interactions(task.receptor, molecule) if analyse else (),
        valid=analyse and not problems, problems=problems,
    )  # fmt: skip
    return record, label(molecule, record)


def _run_record(
    task: DockingTask, found: _Found, poses: tuple[DockedPose, ...], target: Coordinates, started: float
) -> DockingRun:
    system, scores, known = found.system, found.scores, target[None]
    return DockingRun(
        drug=task.drug.id, site=task.drug.site, state=task.state, variant=task.variant,
        alternative=task.alternative, engine=found.engine.name, engine_version=found.engine.version,
        settings=task.settings, seed=task.seed, seeds=task.seeds,
        seed_scores_kcal_per_mol=tuple(round(value, 3) for value in scores),
        seeds_elsewhere=len(task.seeds) - len(scores),
        score_kcal_per_mol=poses[0].score_kcal_per_mol,
        spread_kcal_per_mol=round(float(np.std(scores, ddof=1)), 3) if len(scores) > 1 else 0.0,
        reference_score_kcal_per_mol=round(system.score(known)[0].score_kcal_per_mol, 3),
        reference_minimised_kcal_per_mol=round(system.minimise(known)[0].score_kcal_per_mol, 3),
        best_elsewhere_kcal_per_mol=found.elsewhere, known_mode_kept=found.kept,
        poses=poses, receptor_preparation=system.receptor_preparation,
        seconds=round(time.monotonic() - started, 2),
        notes=_confirmation(system, found.ranked[0][0], task.settings),
    )  # fmt: skip


def _confirmation(system: BoundSystem, best: ScoredPose, settings: DockingSettings) -> tuple[Note, ...]:
    """The engine's own word on the best pose."""
    if not settings.confirm:
        return ()
    own = system.confirm(best.coordinates).score_kcal_per_mol
    gap = best.score_kcal_per_mol - own
    if abs(gap) > CONFIRM_TOLERANCE_KCAL_PER_MOL:
        return (note("program-differs", score_kcal_per_mol=round(own, 3), apart_kcal_per_mol=round(gap, 3)),)
    return (note("program-confirms", score_kcal_per_mol=round(own, 3)),)
