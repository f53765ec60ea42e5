"""Water boxes, the speed of this machine, and replicas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kinscope.core.files import write_atomic
from kinscope.dynamics.records import SPEED_FILE, PlatformChoice
from kinscope.dynamics.settings import ProtocolSettings, SolvationSettings
from kinscope.dynamics.systems.bound import PlacedLigand
from kinscope.ligands.library import Mol
from kinscope.structures.model import AtomArray
from kinscope.targets import load_target
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.stages.files import read_models

_KEPT_ANGSTROM = 1.0
"""A docked pose this near the known one is the same pose, found by another function."""


def solvate(context: StepContext) -> None:
    """Put a model into water: the native's box is equilibrated once, the mutant takes it over."""
    into_water(context, read_models(context.input("model"))[0][0], load_target(context.parameters["target"]))


def solvate_bound(context: StepContext) -> None:
    """Put a model with a drug in its pocket into water; the mutant takes over the bound native's.

    The ligand and the side chains around it settle before the water comes, from the poses of
    :func:`bound_starts`: the first that is not strained there.
    """
    from kinscope.dynamics.systems.bound import place
    from kinscope.dynamics.systems.bound_relax import preferred_complex
    from kinscope.ligands.parameters.shipped import directory_for, load_parameters
    from kinscope.workflow.stages.bound import write_bound_pose

    atoms = read_models(context.input("model"))[0][0]
    settings = SolvationSettings.model_validate(context.parameters["settings"])
    pack = load_target(context.parameters["target"])
    drug = pack.drug(context.parameters["drug"])
    forcefield = load_parameters(drug, directory_for(pack, drug))
    poses = [place(forcefield, pose, words) for pose, words in bound_starts(context, pack, drug)]
    relaxed = preferred_complex(atoms, poses, settings)
    into_water(context, relaxed.protein, pack, relaxed.ligands)
    bound_there = drug.model_copy(update={"state": context.parameters["state"]})
    write_bound_pose(context.output, pack, bound_there, context.parameters["variant"])


def into_water(
    context: StepContext, protein: AtomArray, pack: TargetPack, ligands: Sequence[PlacedLigand] = ()
) -> None:
    """Leave a solute in its box: the native's of its own, the mutant's taken over from the native."""
    from kinscope.dynamics.systems.solvent import solvate_mutant, solvate_native

    settings = SolvationSettings.model_validate(context.parameters["settings"])
    seed, who, state = (context.parameters[name] for name in ("seed", "variant", "state"))
    if who == "native":
        solvate_native(protein, settings, seed, context.output, pack=pack, state=state, ligands=ligands)
    else:
        before = context.input("native")
        solvate_mutant(protein, before, settings, seed, context.output, variant=who, ligands=ligands)


def bound_starts(context: StepContext, pack: TargetPack, drug: DrugDefinition) -> list[tuple[Mol, str]]:
    """The poses that a bound system may start from, in order of preference, and what they are in words.

    Where docking keeps the known pose, that one as its co-crystal and model have it, then docking's; where
    docking moves it, docking's; where no docked pose lies within the known mode, the known one
    (docs/why/docking.md).
    """
    from kinscope.docking.known.reference import reference_pose
    from kinscope.docking.output import read_poses
    from kinscope.docking.records import DockingRun
    from kinscope.workflow.stages.files import RUNS, read_records

    docked = context.input("docking")
    run = read_records(docked / RUNS, DockingRun)[0]
    known, record = reference_pose(pack, drug, context.inputs.get("pose"))
    named = f"reference pose ({record.crystal})"
    for place, pose in enumerate(run.poses):
        away = pose.rmsd_to_reference_angstrom
        if away <= run.settings.pose_radius_angstrom:
            which = f"docked pose {pose.rank} of {len(run.poses)}, {pose.score_kcal_per_mol:.2f} kcal/mol"
            found = (
                read_poses(docked / "poses_0.sdf")[place],
                f"{which}, {away:.2f} angstrom from the {named}",
            )
            if away > _KEPT_ANGSTROM:
                return [found]
            return [(known, f"{named}; docking keeps it within {away:.2f} angstrom ({which})"), found]
    return [(known, f"{named}: no docked pose lies within the known binding mode")]


def speed(context: StepContext) -> dict[str, str]:
    """Measure how fast the system runs here."""
    from kinscope.dynamics.machine.speed import measure_speed

    protocol = ProtocolSettings.model_validate(context.parameters["protocol"])
    seconds = context.parameters["seconds"]
    record = measure_speed(context.input("system"), seconds, protocol, _platform(context))
    write_atomic(context.output / SPEED_FILE, record.model_dump_json(indent=1))
    return {"platform": record.platform.label}


def replica(context: StepContext) -> dict[str, str]:
    """Run one replica for so many steps."""
    return _run(context)


def extend_replica(context: StepContext) -> dict[str, str]:
    """Continue a finished replica to a greater length of production."""
    return _run(context, context.input("before"))


def _run(context: StepContext, before: Path | None = None) -> dict[str, str]:
    from kinscope.dynamics.replicas.run import ReplicaTask, run_replica

    protocol = ProtocolSettings.model_validate(context.parameters["protocol"])
    record = run_replica(
        context.input("system"),
        context.scratch,
        context.output,
        ReplicaTask(
            protocol,
            replica=context.parameters["replica"],
            seed=context.parameters["seed"],
            production_steps=context.parameters["production_steps"],
            before=before,
        ),
        progress=context.progress,
        platform=_platform(context),
    )
    return {"platform": record.platform.label}


def _platform(context: StepContext) -> PlatformChoice:
    """GROMACS where the study runs on it; else what this process was told."""
    from kinscope.dynamics.gromacs.program import gromacs_platform
    from kinscope.dynamics.machine.devices import choose_platform

    return gromacs_platform() if context.parameters.get("engine") == "gromacs" else choose_platform()
