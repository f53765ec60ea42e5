"""A ligand of the user's put into its pocket and into water."""

from __future__ import annotations

from kinscope.core.errors import ComputationError, RunDirectoryError
from kinscope.dynamics.holo import PlacedLigand, place
from kinscope.dynamics.settings import SolvationSettings
from kinscope.ligands.parameters import read_parameters
from kinscope.workflow.context import StepContext
from kinscope.workflow.own_ligands import NAME, check_in_place, placed_as_given
from kinscope.workflow.settings import OwnLigand
from kinscope.workflow.stages.files import RUNS, read_models, read_records
from kinscope.workflow.user_state import study_pack


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
    from kinscope.dynamics.holo_relax import relax_complex
    from kinscope.dynamics.solvent import solvate_mutant, solvate_native

    atoms, record = read_models(context.input("model"))[0]
    settings = SolvationSettings.model_validate(context.parameters["settings"])
    ligand = OwnLigand.model_validate(context.parameters["ligand"])
    placed = _placed(context, ligand)
    if ligand.pose == "given":
        check_in_place(atoms, placed, f"{ligand.name} in {record.variant}, {ligand.state}")
    relaxed = relax_complex(atoms, [placed], settings)
    seed = context.parameters["seed"]
    if record.variant == "native":
        pack = study_pack(context.parameters)
        solvate_native(
            relaxed.protein, settings, seed, context.output, pack=pack, state=ligand.state,
            ligands=relaxed.ligands,
        )  # fmt: skip
    else:
        solvate_mutant(
            relaxed.protein, context.input("native"), settings, seed, context.output,
            variant=record.variant, ligands=relaxed.ligands,
        )  # fmt: skip


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
