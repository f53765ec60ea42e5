"""One drug docked into a model and its alternatives."""

from __future__ import annotations

from kinscope.docking.output import write_poses
from kinscope.docking.records import DockingSettings
from kinscope.docking.reference import reference_pose
from kinscope.docking.run import dock
from kinscope.ligands.library import load_ligand
from kinscope.targets import load_target
from kinscope.workflow.context import StepContext
from kinscope.workflow.stages.files import RUNS, read_models, write_records


def dock_drug(context: StepContext) -> None:
    """Dock into every alternative of the model artefact."""
    pack = load_target(context.parameters["target"])
    drug = pack.drug(context.parameters["drug"])
    settings = DockingSettings.model_validate(context.parameters["settings"])
    ligand = load_ligand(drug)
    # A user's structure has poses of its own, made before.
    pose, _ = reference_pose(pack, drug, context.inputs.get("pose"))
    models = read_models(context.input("model"))
    runs = []
    for number, (atoms, _) in enumerate(models):

        def tell(fraction: float, text: str = "", number: int = number) -> None:
            context.progress((number + fraction) / len(models), text)

        run, poses = dock(
            atoms,
            drug,
            ligand,
            pose,
            state=context.parameters["state"],
            variant=context.parameters["variant"],
            alternative=number,
            settings=settings,
            seed=context.parameters["seed"],
            progress=tell,
        )
        runs.append(run)
        write_poses(context.output / f"poses_{number}.sdf", poses)
    write_records(context.output / RUNS, runs)
