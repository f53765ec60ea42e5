"""Reference poses: each drug in the native model of the state it binds, from its co-crystal."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from kinscope.core.errors import ComputationError, StructureError
from kinscope.core.files import write_atomic
from kinscope.docking.crystal_ligand import crystal_coordinates, heavy_molecule, lay_on, lay_part_on
from kinscope.docking.engine import BoundSystem, Box, Coordinates, Mol, ScoredPose
from kinscope.docking.interactions import interactions
from kinscope.docking.output import read_poses, write_poses
from kinscope.docking.records import DockingSettings, ReferencePoseRecord, ReferencePoseSet
from kinscope.docking.rmsd import SymmetricRmsd
from kinscope.docking.run import with_coordinates
from kinscope.docking.sampling import sample_known_pose
from kinscope.docking.validity import close_pairs, pose_problems
from kinscope.docking.vina_engine import VinaEngine
from kinscope.ligands.library import load_ligand
from kinscope.structures.entries import read_chain, read_ligand
from kinscope.structures.homologues import read_homologous_chain
from kinscope.structures.model import AtomArray
from kinscope.structures.reference import reference_model
from kinscope.structures.source import PdbSource
from kinscope.structures.superposition import RigidTransform, common_atoms, kabsch
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.targets.yaml_reader import read_text

POSES_DIRECTORY = "poses"
POSES_FILE = "poses.json"
SITE_ANGSTROM = 8.0
"""CA atoms of residues with a heavy atom this near the crystal's ligand carry the superposition."""
NEAR_ANGSTROM = 6.0
KEPT_ANGSTROM = 1.5
"""A reference pose is the best minimum within this symmetry-corrected RMSD of the crystal's, where there is
one."""
ALIKE_KCAL_PER_MOL = 0.6
"""kT at 300 K: minima of Vina's function no further apart are not told apart by it, but by the crystal."""
HELD_ANGSTROM = 2.0
"""A pose further from the crystal's, or one that is not valid, is recorded but not shipped."""
NEARLY_ITSELF = 0.9
"""Where a crystal's ligand has this share of a drug's heavy atoms (ATP-gamma-S has all of ATP's but one
oxygen), the pose is held to the crystal's as the drug's own would be."""
OUTLIER_ANGSTROM = 1.5
"""Pairs further apart than this after a first fit (a loop that moved) leave the second."""
SURROUNDINGS_ANGSTROM = 9.0
"""What counts as a pose's surroundings in its record: what enters the energy of relaxed complexes."""
_ANALOGUE_TRIALS = 10
_SETTLING_SEED = 1


def build_reference_pose(
    pack: TargetPack,
    drug: DrugDefinition,
    receptor: AtomArray,
    source: PdbSource,
    *,
    state: str | None = None,
) -> tuple[Mol, ReferencePoseRecord]:
    """The known pose of a drug, carried from its co-crystal into a native model and relaxed there.

    The crystal's chain is superposed on the model over the CA atoms around the ligand; bond orders, hydrogens
    and sound geometry come from the drug's definition (MMFF94, heavy atoms held); then Vina's function is
    minimised over translation, rotation and torsions in the rigid model.

    Parameters
    ----------
    pack, drug
        The target, and one of its drugs (or a definition of the same kind).
    receptor
        The native model of the state (n_atoms).
    source
        Where the co-crystal comes from.
    state
        For the record; the drug's own state if None.

    Raises
    ------
    StructureError
        If the entry or ligand is absent, or too little of the site is shared.
    """
    if not drug.reference_entry:
        raise StructureError(
            f"The target pack names no co-crystal of {drug.name}, so its pose is not known.",
            where=f"drug {drug.id}",
            remedy="Name one as reference_entry, if need be of a related kinase with reference_protein.",
        )
    entry, chain, code = drug.reference_entry.split(":")
    related = bool(drug.reference_protein)
    read = read_homologous_chain if related else read_chain
    crystal = read(source, entry, chain, pack)
    shown = read_ligand(source, entry, chain, code)
    transform, words, site_rmsd = superpose_site(
        crystal, receptor, np.asarray(shown.coord), drug.reference_entry
    )
    carried = transform.applied_to(shown)
    ligand = load_ligand(drug)
    analogue = code != drug.ccd
    starts, crystal_heavy, shared = (
        _on_relative(ligand, carried) if analogue else _on_itself(ligand, carried, drug.reference_entry)
    )
    nearly = analogue and shared >= NEARLY_ITSELF
    box = Box.around(np.asarray(carried.coord, dtype=np.float64), 6.0)
    system = VinaEngine().bind(receptor, starts[0], box)
    placed = np.stack([np.asarray(start.GetConformer().GetPositions()) for start in starts])
    number, best = _best_start(system, placed)
    if state in drug.further_states:
        best = _relaxed(drug, receptor, starts[number], system)
    else:
        rmsd_to = SymmetricRmsd(starts[number])
        best = _settled(system, best, box, placed[number], rmsd_to, held=not analogue or nearly)
    pose = with_coordinates(starts[number], best.coordinates)
    name_pose(pose, drug)
    heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    untouched = with_coordinates(starts[number], placed[number])
    shown_heavy = placed[number][heavy] if nearly else crystal_heavy
    rmsd = _rmsd_to_crystal(pose, best.coordinates, shown_heavy, heavy)
    notes = [f"Laid on the atoms shared with {code}: not a co-crystal of this drug."] if analogue else []
    if related:
        notes.append(
            f"Carried over from the co-crystal with {drug.reference_protein} by alignment: not a co-crystal "
            f"of {pack.gene}."
        )
    if state in drug.further_states:
        notes.append(
            "Relaxed by the force field together with the pocket; the rigid model scores it as it is."
        )
    if rmsd > KEPT_ANGSTROM:
        notes.append(
            f"The native model does not hold the crystal's pose: the nearest minimum is {rmsd:.1f} A away, "
            "so docking from it says little of this drug."
        )
    record = ReferencePoseRecord(
        drug=drug.id, state=state or drug.state, site=drug.site,
        crystal=drug.reference_entry, analogue=analogue,
        superposition=words, superposition_atoms=transform.atoms,
        superposition_rmsd_angstrom=round(transform.rmsd_angstrom, 3), site_rmsd_angstrom=round(site_rmsd, 3),
        crystal_pose_score_kcal_per_mol=round(system.score(placed[number][None])[0].score_kcal_per_mol, 3),
        crystal_pose_clashes=len(close_pairs(receptor, untouched, placed[number])),
        score_kcal_per_mol=round(best.score_kcal_per_mol, 3), rmsd_to_crystal_angstrom=round(rmsd, 3),
        interactions=interactions(receptor, pose), valid=not (problems := pose_problems(receptor, pose)),
        notes=(*notes, *problems),
        surroundings=surroundings_of(receptor, pose), surroundings_angstrom=SURROUNDINGS_ANGSTROM,
    )  # fmt: skip
    return pose, record


def surroundings_of(receptor: AtomArray, pose: Mol) -> tuple[int, ...]:
    """Residues with an atom within :data:`SURROUNDINGS_ANGSTROM` of any atom of a pose."""
    from scipy.spatial import cKDTree

    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    gaps, _ = cKDTree(points).query(receptor.coord, distance_upper_bound=SURROUNDINGS_ANGSTROM)
    return tuple(sorted({int(number) for number in receptor.res_id[np.isfinite(gaps)]}))


def build_reference_poses(
    pack: TargetPack,
    source: PdbSource,
    out_dir: Path,
    *,
    drugs: Sequence[str] = (),
    models: Path | None = None,
    states: Sequence[str] = (),
) -> list[ReferencePoseRecord]:
    """Build and write the poses of the pack's drugs (or those named) into ``out_dir``.

    ``<drug>.sdf`` each, and ``poses.json``, which keeps the records of drugs not rebuilt. Only poses in
    ``states`` where some are named.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    chosen = [pack.drug(name) for name in drugs] or list(pack.drugs)
    chosen = [drug for drug in chosen if drug.reference_entry]
    records = {(record.drug, record.state): record for record in _records(out_dir)}
    receptors: dict[str, AtomArray] = {}
    built = []
    for drug in chosen:
        for state in (drug.state, *drug.further_states):
            if states and state not in states:
                continue
            if state not in receptors:
                receptors[state] = reference_model(pack, state, models)[0]
            pose, record = build_reference_pose(pack, drug, receptors[state], source, state=state)
            path = out_dir / pose_file(drug, state)
            held = record.valid or state in drug.further_states  # a rigid pocket may overlap a relaxed pose
            if held and record.rmsd_to_crystal_angstrom <= HELD_ANGSTROM:
                write_poses(path, [pose])
            else:  # no pose is better than one that is not the drug's: the record says why
                path.unlink(missing_ok=True)
            records[drug.id, state] = record
            built.append(record)
    places = [(drug.id, state) for drug in pack.drugs for state in (drug.state, *drug.further_states)]
    ordered = tuple(records[place] for place in places if place in records)
    write_atomic(
        out_dir / POSES_FILE, ReferencePoseSet(target=pack.gene, poses=ordered).model_dump_json(indent=1)
    )
    return built


def pose_file(drug: DrugDefinition, state: str) -> str:
    """Name of the file of a drug's known pose in its own state or in a further one."""
    return f"{drug.id}@{state}.sdf" if state in drug.further_states else f"{drug.id}.sdf"


def reference_pose(
    pack: TargetPack, drug: DrugDefinition, directory: Path | None = None, *, state: str = ""
) -> tuple[Mol, ReferencePoseRecord]:
    """The pose of a drug that ships with the pack (or lies in ``directory``), with its record.

    ``state`` names one of the drug's further states; by default the pose is that in its own.

    Raises
    ------
    StructureError
        If it has not been built.
    """
    home = directory or pack.directory / POSES_DIRECTORY
    reason = ""
    file = pose_file(drug, state)
    for record in _records(home):
        if record.drug == drug.id and (state == record.state if state else "@" not in file):
            if (home / file).is_file():
                return read_poses(home / file)[0], record
            reason = " ".join(("", *record.notes))
    raise StructureError(
        f"There is no reference pose of {drug.name} in this target pack.{reason}",
        where=str(home),
        remedy="Build it with: kinscope models build --pdb-mirror DIR",
    )


def pose_records(pack: TargetPack) -> tuple[ReferencePoseRecord, ...]:
    """What is known of every pose of a pack, those that do not ship among them."""
    return tuple(_records(pack.directory / POSES_DIRECTORY))


def name_pose(pose: Mol, drug: DrugDefinition) -> None:
    """Say in the molecule's properties what it is."""
    pose.SetProp("_Name", drug.id)
    pose.SetProp("kinscope_crystal", drug.reference_entry)
    pose.SetProp("kinscope_state", drug.state)


def superpose_site(
    crystal: AtomArray, receptor: AtomArray, ligand: Coordinates, where: str
) -> tuple[RigidTransform, str, float]:
    """The transform of the crystal onto the model over the site, in words, and the near residues' CA RMSD."""
    heavy = np.linalg.norm(crystal.coord[:, None] - ligand[None], axis=2).min(axis=1)
    site = {int(number) for number in crystal.res_id[heavy < SITE_ANGSTROM]}
    near = {int(number) for number in crystal.res_id[heavy < NEAR_ANGSTROM]}
    first, second = common_atoms(crystal, receptor, site, ("CA",))
    if len(first) < 8:
        raise StructureError(
            f"Crystal and model share only {len(first)} residues of the site.",
            where=where,
            remedy="Choose a state whose model covers the site.",
        )
    whole = kabsch(crystal.coord[first], receptor.coord[second])
    gap = np.linalg.norm(whole.apply(crystal.coord[first]) - receptor.coord[second], axis=1)
    kept = gap < OUTLIER_ANGSTROM
    transform = kabsch(crystal.coord[first[kept]], receptor.coord[second[kept]]) if kept.sum() >= 8 else whole
    left_out = sorted(int(n) for n in crystal.res_id[first[~kept]]) if kept.sum() >= 8 else []
    words = f"CA atoms of residues within {SITE_ANGSTROM:g} A of the ligand"
    if left_out:
        words += f", without {', '.join(map(str, left_out))} (more than {OUTLIER_ANGSTROM:g} A apart)"
    one, two = common_atoms(crystal, receptor, near, ("CA",))
    distances = np.linalg.norm(transform.apply(crystal.coord[one]) - receptor.coord[two], axis=1)
    return transform, words, float(np.sqrt((distances**2).mean()))


def _on_itself(ligand: Mol, carried: AtomArray, where: str) -> tuple[list[Mol], Coordinates | None, float]:
    heavy = crystal_coordinates(ligand, carried, where=where)
    return [lay_on(ligand, heavy)], heavy, 1.0


def _on_relative(ligand: Mol, carried: AtomArray) -> tuple[list[Mol], Coordinates | None, float]:
    """The drug on the atoms it shares with the crystal's ligand; the rest in many conformers.

    With them the share of the drug's heavy atoms that the crystal shows.
    """
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
    return starts, None, len(mine) / bare.GetNumAtoms()


def _best_start(system: BoundSystem, placed: Coordinates) -> tuple[int, ScoredPose]:
    minima = system.minimise(placed)
    number = min(range(len(minima)), key=lambda place: minima[place].score_kcal_per_mol)
    return number, minima[number]


def _settled(
    system: BoundSystem, start: ScoredPose, box: Box, crystal: Coordinates, rmsd: SymmetricRmsd, *, held: bool
) -> ScoredPose:
    """The best minimum of a short walk; near the crystal's pose where there is one.

    Of minima that score alike the nearest to the crystal's is taken.
    """
    settings = DockingSettings(starts=6, steps=6, kick_translation_angstrom=0.4, kick_rotation_degrees=8.0)
    found = [start]
    with contextlib.suppress(ComputationError):  # all left the box: the start stands
        found += sample_known_pose(system, start.coordinates, box, settings, seed=_SETTLING_SEED)
    away = [rmsd(pose.coordinates, crystal) for pose in found]
    near = [place for place in range(len(found)) if held and away[place] <= KEPT_ANGSTROM]
    if not near:
        return min(found, key=lambda pose: pose.score_kcal_per_mol)
    best = min(found[place].score_kcal_per_mol for place in near)
    alike = [place for place in near if found[place].score_kcal_per_mol <= best + ALIKE_KCAL_PER_MOL]
    return found[min(alike, key=lambda place: away[place])]


def _relaxed(drug: DrugDefinition, receptor: AtomArray, start: Mol, system: BoundSystem) -> ScoredPose:
    """The crystal's pose relaxed by the force field together with a pocket that is another drug's."""
    from kinscope.docking.ligand_mechanics import FileMechanics
    from kinscope.docking.relaxed_pose import relaxed_pose
    from kinscope.docking.relaxed_records import RelaxedSettings
    from kinscope.ligands.parameters import load_parameters

    pose, _ = relaxed_pose(receptor, start, FileMechanics(load_parameters(drug)), RelaxedSettings())
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    return system.score(points[None])[0]


def _rmsd_to_crystal(
    pose: Mol, coordinates: Coordinates, crystal: Coordinates | None, heavy: list[int]
) -> float:
    """Symmetry-corrected; 0 for an analogue that shares too little to be compared."""
    if crystal is None:
        return 0.0
    own = np.array(coordinates)
    own[heavy] = crystal
    return SymmetricRmsd(pose)(coordinates, own)


def _records(directory: Path) -> list[ReferencePoseRecord]:
    path = directory / POSES_FILE
    if not path.is_file():
        return []
    try:
        return list(ReferencePoseSet.model_validate_json(read_text(path)).poses)
    except ValidationError as error:
        raise StructureError(
            f"The records of the reference poses cannot be read: {error.errors()[0]['msg']}.",
            where=str(path),
            remedy="Build them anew with: kinscope models build",
        ) from None
