"""What a user gives: a structure made a model, with the known poses of drugs; a ligand bound in water."""

from __future__ import annotations

from kinscope.core.errors import ComputationError, RunDirectoryError
from kinscope.core.files import write_atomic
from kinscope.dynamics.settings import SolvationSettings
from kinscope.dynamics.systems.bound import PlacedLigand, place
from kinscope.ligands.parameters.shipped import read_parameters
from kinscope.results.user_structure import UserStructureOptions
from kinscope.structures.model import AtomArray
from kinscope.structures.user.file import UserFile
from kinscope.structures.user.ligands import read_occupants, write_occupants
from kinscope.structures.user.prepare import examine, prepare
from kinscope.targets import load_target
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.planning.own_ligands import NAME, check_in_place, definition_of, placed_as_given
from kinscope.workflow.planning.user_state import STRUCTURE_FILE, study_pack
from kinscope.workflow.settings import OwnLigand
from kinscope.workflow.stages.bound import write_bound_pose
from kinscope.workflow.stages.dynamics import into_water
from kinscope.workflow.stages.files import (
    GEOMETRIES,
    RUNS,
    read_models,
    read_records,
    write_models,
    write_records,
)
from kinscope.workflow.stages.models import model_geometry

FINDINGS = "structure.json"
OCCUPANTS = "occupants.json"


def missing_structure(context: StepContext) -> None:
    """The user's file cannot be computed: it was there when the study began.

    Raises
    ------
    ComputationError
        Always.
    """
    raise ComputationError(
        "The copy of your structure is gone from the run directory.",
        where=str(context.output),
        remedy="Give the same command with --structure FILE again.",
    )


def user_model(context: StepContext) -> None:
    """Prepare the user's structure as the native model of its state."""
    from kinscope.docking.relaxed.mechanics import parametriser

    pack = load_target(context.parameters["target"])
    file = UserFile(
        name=context.parameters["file"], body=context.input("structure", STRUCTURE_FILE).read_bytes()
    )
    options = UserStructureOptions.model_validate(context.parameters["options"])
    found = examine(file, pack, options)
    prepared = prepare(found, pack, progress=context.progress, parametrise=parametriser(pack))
    write_models(context.output, [(prepared.atoms, prepared.record)])
    geometry = model_geometry(prepared.atoms, prepared.record, pack.landmarks)
    write_records(context.output / GEOMETRIES, [geometry])
    write_atomic(context.output / FINDINGS, prepared.findings.model_dump_json(indent=1))
    write_occupants(context.output / OCCUPANTS, prepared.findings.ligands, found.occupants)


def carry_pose(context: StepContext) -> None:
    """Lay the known pose of a drug into the user's model."""
    from kinscope.docking.known.carried import carried_pose, write_carried

    pack = load_target(context.parameters["target"])
    drug = pack.drug(context.parameters["drug"])
    atoms, _ = read_models(context.input("model"))[0]
    own: AtomArray | None = read_occupants(context.input("model", OCCUPANTS)).get(drug.ccd)
    pose, record = carried_pose(pack, drug, atoms, own)
    write_carried(context.output, pack, pose, record)


def missing_ligand(context: StepContext) -> None:
    """Say that the user's files are not in the run directory any more.

    Raises
    ------
    RunDirectoryError
        Always: nothing can compute them.
    """
    raise RunDirectoryError(
        "The files of your ligand are missing from the run directory.",
        where=str(context.output),
        remedy="Give them again: the same kinscope simulate command with --ligand-file and --parameters.",
    )


def solvate_own(context: StepContext) -> None:
    """The complex settled, then put into water; the mutant takes over the bound native's."""
    from kinscope.dynamics.systems.bound_relax import relax_complex

    atoms, record = read_models(context.input("model"))[0]
    settings = SolvationSettings.model_validate(context.parameters["settings"])
    ligand = OwnLigand.model_validate(context.parameters["ligand"])
    placed = _placed(context, ligand)
    if ligand.pose == "given":
        check_in_place(atoms, placed, f"{ligand.name} in {record.variant}, {ligand.state}")
    relaxed = relax_complex(atoms, [placed], settings)
    pack = study_pack(context.parameters)
    into_water(context, relaxed.protein, pack, relaxed.ligands)
    who, given = context.parameters["variant"], context.input("ligand")
    write_bound_pose(context.output, pack, definition_of(ligand), who, given)


def _placed(context: StepContext, ligand: OwnLigand) -> PlacedLigand:
    from kinscope.docking.output import read_poses
    from kinscope.docking.records import DockingRun

    forcefield = read_parameters(context.input("ligand"), NAME)
    if ligand.pose == "given":
        return placed_as_given(forcefield, context.input("ligand", f"{NAME}.sdf"))
    runs = read_records(context.input("docking", RUNS), DockingRun)
    if not runs or not runs[0].poses:
        raise ComputationError(
            f"Docking found no pose of {ligand.name} that dynamics could start from.",
            where=f"{ligand.site} site of {ligand.state}",
            remedy="Choose another state or site, or give a pose with --in-place.",
        )
    best = runs[0].poses[0]
    words = f"docked blind, pose 1 of {len(runs[0].poses)}, {best.score_kcal_per_mol:.2f} kcal/mol"
    return place(forcefield, read_poses(context.input("docking", "poses_0.sdf"))[0], words)
