"""Reference poses: each drug in the native model of the state it binds, from its co-crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from kinscope.core.errors import StructureError
from kinscope.core.files import read_text, write_atomic
from kinscope.docking.engine import BoundSystem, Box, Coordinates, Mol, ScoredPose
from kinscope.docking.known.crystal import CrystalStart, crystal_start
from kinscope.docking.output import read_poses, write_poses
from kinscope.docking.poses.interactions import interactions
from kinscope.docking.poses.rmsd import SymmetricRmsd
from kinscope.docking.poses.validity import close_pairs, pose_problems
from kinscope.docking.records import ReferencePoseRecord, ReferencePoseSet
from kinscope.docking.relaxed.compare import Complex, relaxed_pose, residues_near
from kinscope.docking.relaxed.mechanics import FileMechanics
from kinscope.docking.run import with_coordinates
from kinscope.docking.search.around_pose import short_walk
from kinscope.docking.vina.engine import VinaEngine
from kinscope.ligands.parameters.shipped import directory_for, load_parameters
from kinscope.results.docking import RelaxedSettings
from kinscope.results.notes import Note, note
from kinscope.structures.model import AtomArray
from kinscope.structures.reference.build import reference_model
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import DrugDefinition, TargetPack

POSES_DIRECTORY = "poses"
POSES_FILE = "poses.json"
KEPT_ANGSTROM = 1.5
"""A reference pose is the best minimum within this symmetry-corrected RMSD of the crystal's, where there is
one."""
ALIKE_KCAL_PER_MOL = 0.6
"""kT at 300 K: minima of Vina's function no further apart are not told apart by it, but by the crystal."""
HELD_ANGSTROM = 2.0
"""A pose further from the crystal's, or one that is not valid, is recorded but not shipped."""
SURROUNDINGS_ANGSTROM = 9.0
"""What counts as a pose's surroundings in its record: what enters the energy of relaxed complexes."""


def build_reference_pose(
    pack: TargetPack,
    drug: DrugDefinition,
    receptor: AtomArray,
    source: PdbSource,
    *,
    state: str | None = None,
) -> tuple[Mol, ReferencePoseRecord]:
    """The known pose of a drug, carried from its co-crystal into a native model and relaxed there.

    From where :func:`crystal_start` lays it, Vina's function is minimised over translation, rotation and
    torsions in the rigid model.

    ``pack``, ``drug``: the target, and one of its drugs (or a definition of the same kind). ``receptor``: the
    native model of the state (n_atoms). ``state``: for the record; the drug's own state if None.

    Raises StructureError if the entry or ligand is absent, or too little of the site is shared.
    """
    crystal = crystal_start(pack, drug, receptor, source)
    rest = _at_rest(pack, crystal, drug, receptor, state)
    pose = with_coordinates(rest.start, rest.best.coordinates)
    name_pose(pose, drug)
    rmsd = _rmsd_to_crystal(crystal, rest)
    problems = pose_problems(receptor, pose)
    places = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    record = ReferencePoseRecord(
        drug=drug.id, state=state or drug.state, site=drug.site,
        crystal=drug.reference_entry, analogue=bool(crystal.relative),
        superposition=crystal.words, superposition_atoms=crystal.transform.atoms,
        superposition_rmsd_angstrom=round(crystal.transform.rmsd_angstrom, 3),
        site_rmsd_angstrom=round(crystal.site_rmsd_angstrom, 3),
        crystal_pose_score_kcal_per_mol=round(rest.system.score(rest.laid[None])[0].score_kcal_per_mol, 3),
        crystal_pose_clashes=len(close_pairs(receptor, rest.start, rest.laid)),
        score_kcal_per_mol=round(rest.best.score_kcal_per_mol, 3), rmsd_to_crystal_angstrom=round(rmsd, 3),
        interactions=interactions(receptor, pose), valid=not problems,
        notes=(*_notes(pack, drug, crystal, state, rmsd), *problems),
        surroundings=tuple(residues_near(receptor, places, SURROUNDINGS_ANGSTROM)),
        surroundings_angstrom=SURROUNDINGS_ANGSTROM,
    )  # fmt: skip
    return pose, record


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
            away = record.rmsd_to_crystal_angstrom
            if held and away is not None and away <= HELD_ANGSTROM:
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

    Raises StructureError if it has not been built.
    """
    home = directory or pack.directory / POSES_DIRECTORY
    reason = ""
    file = pose_file(drug, state)
    for record in _records(home):
        if record.drug == drug.id and (state == record.state if state else "@" not in file):
            if (home / file).is_file():
                return read_poses(home / file)[0], record
            reason = " ".join(("", *(str(item.values.get("text", item.code)) for item in record.notes)))
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


@dataclass(frozen=True)
class _AtRest:
    """A drug that lay as its co-crystal has it, brought to rest in a native model."""

    system: BoundSystem
    start: Mol
    """Of the conformers laid on the crystal's ligand the one with the best minimum, as it was laid."""
    laid: Coordinates
    """Its coordinates (n_atoms, 3)."""
    best: ScoredPose


def _at_rest(
    pack: TargetPack, crystal: CrystalStart, drug: DrugDefinition, receptor: AtomArray, state: str | None
) -> _AtRest:
    box = Box.around(crystal.shown, 6.0)
    system = VinaEngine().bind(receptor, crystal.starts[0], box)
    placed = np.stack([np.asarray(start.GetConformer().GetPositions()) for start in crystal.starts])
    minima = system.minimise(placed)
    number = min(range(len(minima)), key=lambda place: minima[place].score_kcal_per_mol)
    start, laid = crystal.starts[number], placed[number]
    if state in drug.further_states:
        mechanics = FileMechanics(load_parameters(drug, directory_for(pack, drug)))
        best = _relaxed(mechanics, receptor, start, system)
    else:
        best = _settled(system, minima[number], box, laid, SymmetricRmsd(start), held=crystal.held)
    return _AtRest(system, start, laid, best)


def _settled(
    system: BoundSystem, start: ScoredPose, box: Box, crystal: Coordinates, rmsd: SymmetricRmsd, *, held: bool
) -> ScoredPose:
    """The best minimum of a short walk; near the crystal's pose where there is one.

    Of minima that score alike the nearest to the crystal's is taken.
    """
    found = short_walk(system, start, box)
    away = [rmsd(pose.coordinates, crystal) for pose in found]
    near = [place for place in range(len(found)) if held and away[place] <= KEPT_ANGSTROM]
    if not near:
        return min(found, key=lambda pose: pose.score_kcal_per_mol)
    best = min(found[place].score_kcal_per_mol for place in near)
    alike = [place for place in near if found[place].score_kcal_per_mol <= best + ALIKE_KCAL_PER_MOL]
    return found[min(alike, key=lambda place: away[place])]


def _relaxed(mechanics: FileMechanics, receptor: AtomArray, start: Mol, system: BoundSystem) -> ScoredPose:
    """The crystal's pose relaxed by the force field together with a pocket that is another drug's."""
    whole = Complex(receptor, start, mechanics, RelaxedSettings())
    pose = relaxed_pose(whole)
    points = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float64)
    return system.score(points[None])[0]


def _rmsd_to_crystal(crystal: CrystalStart, rest: _AtRest) -> float:
    """Symmetry-corrected; where the crystal shows a part of the drug only, of that part, atom by atom."""
    if not crystal.held:
        part = list(crystal.shared)
        return float(np.sqrt(((rest.best.coordinates[part] - rest.laid[part]) ** 2).sum(axis=1).mean()))
    shown = np.array(rest.laid)
    if crystal.heavy is not None:
        shown[[atom.GetIdx() for atom in rest.start.GetAtoms() if atom.GetAtomicNum() > 1]] = crystal.heavy
    return SymmetricRmsd(rest.start)(rest.best.coordinates, shown)


def _notes(
    pack: TargetPack, drug: DrugDefinition, crystal: CrystalStart, state: str | None, rmsd: float
) -> list[Note]:
    """What to know of a pose before it is used."""
    notes = []
    if crystal.relative:
        notes.append(note("laid-on-relative", relative=crystal.relative))
    if drug.reference_protein:
        notes.append(note("carried-from-relative", protein=drug.reference_protein, gene=pack.gene))
    if state in drug.further_states:
        notes.append(note("relaxed-with-pocket"))
    if rmsd > KEPT_ANGSTROM:
        notes.append(note("crystal-pose-not-held", away_angstrom=rmsd))
    return notes


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


SEARCHED = "blind search"
"""Stands for the co-crystal where there is none."""


def check_site(pack: TargetPack, site: str) -> None:
    """Refuse a site that no drug of the pack has.

    Raises StructureError naming those there are.
    """
    sites = sorted({drug.site for drug in pack.drugs})
    if site not in sites:
        raise StructureError(
            f"There is no site {site[:40]!r} in the target pack of {pack.gene}.",
            where="--site",
            remedy=f"Choose from: {', '.join(sites)}.",
        )


def searched_record(drug: DrugDefinition, state: str) -> ReferencePoseRecord:
    """Stands in for the record of a known pose where a blind search gave the pose."""
    return ReferencePoseRecord(
        drug=drug.id, state=state, site=drug.site, crystal=SEARCHED,
        superposition="none", superposition_atoms=0, interactions=(), valid=True,
        notes=(note("found-by-blind-search", crystal=drug.reference_entry),),
    )  # fmt: skip
