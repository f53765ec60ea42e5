"""Docking one drug into one receptor: sample, cluster, measure, record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from kinscope.core.errors import LigandError
from kinscope.core.seeds import derive_seed
from kinscope.docking.engine import BoundSystem, Box, Coordinates, DockingEngine, Mol, ScoredPose
from kinscope.docking.interactions import interactions
from kinscope.docking.records import DockedPose, DockingRun, DockingSettings
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.docking.sampling import distinct, sample_known_pose
from kinscope.docking.validity import pose_problems
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import DrugDefinition

Progress = Callable[[float], None]
"""Called with the share of the work done, 0 to 1."""
Search = tuple[int, list[ScoredPose]]
"""A seed and the poses found with it, best first."""
CONFIRM_TOLERANCE_KCAL_PER_MOL = 0.05
RIGID_RECEPTOR_NOTE = "The receptor is rigid: only the ligand moves."


def dock(
    receptor: AtomArray,
    drug: DrugDefinition,
    ligand: Mol,
    reference_pose: Mol,
    *,
    state: str,
    variant: str,
    settings: DockingSettings,
    seed: int,
    alternative: int = 0,
    progress: Progress | None = None,
    engine: DockingEngine | None = None,
) -> tuple[DockingRun, list[Mol]]:
    """Dock a drug into one receptor, with one thread.

    Parameters
    ----------
    receptor
        A complete, protonated model (n_atoms), in the frame of the reference pose.
    ligand
        The drug at pH 7.4 with hydrogens (``kinscope.ligands.library.load_ligand``); its conformer starts the
        global search.
    reference_pose
        The same molecule in its known binding mode; the local search starts from it, with its bond lengths
        and angles, and every RMSD is to it.
    drug
        Its definition.
    state, variant, alternative
        Only for the record.
    settings
        Mode, sampling, number of seeds.
    seed
        Root seed; each search derives its own.
    progress
        Called with the share done.
    engine
        AutoDock Vina if None.

    Returns
    -------
    The record, and the poses as molecules with properties, best first.

    Raises
    ------
    LigandError
        If ligand and reference pose are not one molecule, or Vina has no types for it.
    ComputationError
        If no pose is found.
    """
    started = time.monotonic()
    chosen = engine or _default_engine()
    reference = aligned_reference(ligand, reference_pose)
    coordinates = np.asarray(reference.GetConformer().GetPositions(), dtype=np.float64)
    local = settings.mode == "from known pose"
    box = (
        Box.around(coordinates, settings.box_padding_angstrom)
        if local
        else Box.cube(coordinates, settings.box_size_angstrom)
    )
    system = chosen.bind(receptor, reference if local else ligand, box)
    seeds = tuple(
        derive_seed(seed, "docking", drug.id, settings.mode, number) for number in range(settings.seeds)
    )
    searches = _searches(system, coordinates, box, settings, seeds, progress)
    rmsd = SymmetricRmsd(reference)
    elsewhere, kept = None, True
    if local:
        searches, elsewhere, kept = _known_mode(searches, rmsd, coordinates, settings.pose_radius_angstrom)
    pooled = sorted(
        ((pose, which) for which, search in searches for pose in search),
        key=lambda pair: pair[0].score_kcal_per_mol,
    )
    places = distinct([pose for pose, _ in pooled], rmsd, settings.pose_separation_angstrom, settings.n_poses)
    best = [search[0].score_kcal_per_mol for _, search in searches]
    poses = []
    molecules = []
    for rank, place in enumerate(places, start=1):
        pose, which = pooled[place]
        molecule = with_coordinates(reference, pose.coordinates)
        record = _pose_record(receptor, molecule, pose, rank, rank <= settings.analyse_poses).model_copy(
            update={
                "drug": drug.id, "state": state, "variant": variant, "alternative": alternative,
                "mode": settings.mode, "seed": which,
                "rmsd_to_reference_angstrom": round(rmsd(pose.coordinates, coordinates), 3),
            }
        )  # fmt: skip
        poses.append(record)
        molecules.append(label(molecule, record))
    notes = [RIGID_RECEPTOR_NOTE, *_mode_notes(min(best), elsewhere, kept, settings)]
    notes += [*_confirmation(system, pooled[places[0]][0], settings)]
    run = DockingRun(
        drug=drug.id, site=drug.site, state=state, variant=variant, alternative=alternative,
        engine=chosen.name, engine_version=chosen.version, settings=settings, seed=seed, seeds=seeds,
        seed_scores_kcal_per_mol=tuple(round(value, 3) for value in best),
        score_kcal_per_mol=round(min(best), 3),
        spread_kcal_per_mol=round(float(np.std(best, ddof=1)), 3) if len(best) > 1 else 0.0,
        reference_score_kcal_per_mol=round(system.score(coordinates[None])[0].score_kcal_per_mol, 3),
        reference_minimised_kcal_per_mol=round(system.minimise(coordinates[None])[0].score_kcal_per_mol, 3),
        best_elsewhere_kcal_per_mol=elsewhere, known_mode_kept=kept,
        poses=tuple(poses), receptor_preparation=system.receptor_preparation,
        seconds=round(time.monotonic() - started, 2), notes=tuple(notes),
    )  # fmt: skip
    return run, molecules


def aligned_reference(ligand: Mol, reference_pose: Mol) -> Mol:
    """The reference pose as the ligand's own molecule, atom for atom, hydrogens included.

    Raises
    ------
    LigandError
        If the two are not one molecule in one protonation.
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
        text = "; ".join(value) if isinstance(value, list) else "" if value is None else str(value)
        molecule.SetProp(f"kinscope_{field}", text)
    return molecule


def _searches(
    system: BoundSystem, reference: Coordinates, box: Box, settings: DockingSettings,
    seeds: Sequence[int], progress: Progress | None,
) -> list[Search]:  # fmt: skip
    searches = []
    for number, seed in enumerate(seeds):
        if settings.mode == "from known pose":
            poses = sample_known_pose(system, reference, box, settings, seed)
        else:
            most = max(9, settings.n_poses)
            poses = system.search(
                seed=seed,
                exhaustiveness=settings.exhaustiveness,
                n_poses=most,
                torsion_weight=settings.torsion_weight,
                own=settings.search == "vina",
            )
        searches.append((seed, poses))
        if progress is not None:
            progress((number + 1) / len(seeds))
    return searches


def _known_mode(
    searches: list[Search], rmsd: SymmetricRmsd, reference: Coordinates, radius: float
) -> tuple[list[Search], float | None, bool]:
    """The known binding mode's minima by seed; the best score elsewhere; whether the mode was found.

    A seed that met no minimum of the mode gives no score, so that no score mixes two binding modes; if no
    seed met one, the mode is lost and the searches come back as they are.
    """
    inside: list[Search] = []
    elsewhere: float | None = None
    for seed, search in searches:
        near = []
        for pose in search:
            if rmsd(pose.coordinates, reference) <= radius:
                near.append(pose)
            elif elsewhere is None or pose.score_kcal_per_mol < elsewhere:
                elsewhere = round(pose.score_kcal_per_mol, 3)
        if near:
            inside.append((seed, near))
    return (inside, elsewhere, True) if inside else (searches, elsewhere, False)


def _mode_notes(best: float, elsewhere: float | None, kept: bool, settings: DockingSettings) -> list[str]:
    if not kept:
        return [
            f"No minimum lies within {settings.pose_radius_angstrom:g} A of the known pose: the binding mode "
            "is lost, and the score is that of another pose."
        ]
    if elsewhere is not None and elsewhere < best:
        return [
            f"Another pose, more than {settings.pose_radius_angstrom:g} A away, scores {elsewhere:.2f} "
            f"kcal/mol, {best - elsewhere:.2f} better than the known binding mode."
        ]
    return []


def _pose_record(
    receptor: AtomArray, molecule: Mol, pose: ScoredPose, rank: int, analyse: bool
) -> DockedPose:
    problems = pose_problems(receptor, molecule) if analyse else ()
    return DockedPose(
        drug="", state="", variant="", mode="global", rank=rank, seed=0,
        score_kcal_per_mol=round(pose.score_kcal_per_mol, 3),
        intermolecular_kcal_per_mol=round(pose.intermolecular_kcal_per_mol, 3),
        intramolecular_kcal_per_mol=round(pose.intramolecular_kcal_per_mol, 3),
        rmsd_to_reference_angstrom=0.0, analysed=analyse,
        interactions=interactions(receptor, molecule) if analyse else (),
        valid=analyse and not problems, problems=problems,
    )  # fmt: skip


def _confirmation(system: BoundSystem, best: ScoredPose, settings: DockingSettings) -> list[str]:
    """The engine's own word on the best pose; a note where the two differ."""
    if not settings.confirm:
        return []
    own = system.confirm(best.coordinates).score_kcal_per_mol
    gap = best.score_kcal_per_mol - own
    if abs(gap) > CONFIRM_TOLERANCE_KCAL_PER_MOL:
        return [f"The engine's own program scores the best pose {own:.3f} kcal/mol, {gap:+.3f} apart."]
    return [f"Best pose confirmed by the engine's own program: {own:.3f} kcal/mol."]


def _default_engine() -> DockingEngine:
    from kinscope.docking.vina_engine import VinaEngine

    return VinaEngine()
