"""A user's structure: made a model, and given the known poses of the drugs that fit it."""

from __future__ import annotations

from kinscope.core.errors import ComputationError
from kinscope.core.files import write_atomic
from kinscope.structures.model import AtomArray
from kinscope.structures.user import examine, prepare
from kinscope.structures.user_file import UserFile
from kinscope.structures.user_pockets import read_occupants, write_occupants
from kinscope.structures.user_records import UserStructureOptions
from kinscope.targets import load_target
from kinscope.workflow.context import StepContext
from kinscope.workflow.stages.files import GEOMETRIES, read_models, write_models, write_records
from kinscope.workflow.stages.models import model_geometry
from kinscope.workflow.user_state import STRUCTURE_FILE

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
    from kinscope.docking.occupants import parametriser

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
    from kinscope.docking.carried import carried_pose, write_carried

    pack = load_target(context.parameters["target"])
    drug = pack.drug(context.parameters["drug"])
    atoms, _ = read_models(context.input("model"))[0]
    own: AtomArray | None = read_occupants(context.input("model", OCCUPANTS)).get(drug.ccd)
    pose, record = carried_pose(pack, drug, atoms, own)
    write_carried(context.output, pack, pose, record)
