"""Drugs docked into their own states and into others, and the rows of the docking table."""

from __future__ import annotations

from pathlib import Path

from kinscope.analysis.calls import CRYSTAL_ANGSTROM
from kinscope.core.residues import three_letter
from kinscope.docking.engine import Mol
from kinscope.docking.known.fit import fit_in_state, helix_bend
from kinscope.docking.known.reference import reference_pose, searched_record
from kinscope.docking.known.site import find_site, search_site, turned
from kinscope.docking.output import read_poses, write_poses
from kinscope.docking.records import DockingRun, DockingSettings, ReferencePoseRecord
from kinscope.docking.relaxed.compare import Complex, compare_relaxed, compare_sides
from kinscope.docking.relaxed.mechanics import mechanics_of
from kinscope.docking.run import DockingTask, dock, label
from kinscope.docking.table.differences import SCORED_ANGSTROM, Weighed, alike_around
from kinscope.docking.table.row import Docked, Subject, docked_row, misfit_row, unmodelled_row, with_search
from kinscope.ligands.library import load_ligand
from kinscope.results.docking import ComplexSide, DockingRow, RelaxedComparison, RelaxedSettings
from kinscope.results.measured import StateFit
from kinscope.results.notes import Note, note
from kinscope.structures.model import AtomArray
from kinscope.targets import load_target
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.planning.user_state import study_pack
from kinscope.workflow.stages.files import RUNS, read_models, read_records, write_records
from kinscope.workflow.stages.relaxed import SIDE

FITS = "state_fits.json"
ROWS = "rows.json"
KNOWN = "known.sdf"
SEARCH, FOUND_POSES = "search.json", "search.sdf"
"""Of a blind search: its run, and its distinct poses."""
NATIVE_POSE, MUTANT_POSE = "native_pose.sdf", "mutant_pose.sdf"


def dock_drug(context: StepContext) -> None:
    """Dock into every alternative of the model artefact."""
    pack = load_target(context.parameters["target"])
    drug = pack.drug(context.parameters["drug"])
    settings = DockingSettings.model_validate(context.parameters["settings"])
    ligand = load_ligand(drug)
    # A user's structure has poses of its own, made before.
    pose, _ = reference_pose(pack, drug, context.inputs.get("pose"))
    models = [atoms for atoms, _ in read_models(context.input("model"))]
    _dock_all(context, models, drug, ligand, pose, settings)


def _dock_all(
    context: StepContext, models: list[AtomArray], drug: DrugDefinition, ligand: Mol, start: Mol,
    settings: DockingSettings,
) -> None:  # fmt: skip
    """Dock into every alternative of a model and leave the runs and the poses.

    Where a model does not differ from the native one within reach of the drug in its known mode, the native's
    result is its own: the same search would find the same.
    """
    runs = []
    beside = "reference-model" in context.inputs
    native = read_models(context.input("reference-model"))[0][0] if beside else None
    for number, atoms in enumerate(models):

        def tell(fraction: float, text: str = "", number: int = number) -> None:
            context.progress((number + fraction) / len(models), text)

        state, variant, seed = (context.parameters[name] for name in ("state", "variant", "seed"))
        task = DockingTask(atoms, drug, ligand, start, state, variant, settings, seed, number)
        reach = SCORED_ANGSTROM + settings.pose_radius_angstrom
        if native is not None and alike_around(atoms, native, task.coordinates, reach):
            run, poses = _as_in_the_native(context, variant, number)
        else:
            run, poses = dock(task, tell)
        runs.append(run)
        write_poses(context.output / f"poses_{number}.sdf", poses)
    write_records(context.output / RUNS, runs)


def _as_in_the_native(context: StepContext, variant: str, number: int) -> tuple[DockingRun, list[Mol]]:
    """The native model's run and poses, as those of a model that is the same where the drug is."""
    about = {"variant": variant, "alternative": number}
    run = read_records(context.input("reference") / RUNS, DockingRun)[0]
    poses = tuple(pose.model_copy(update=about) for pose in run.poses)
    found = read_poses(context.input("reference", "poses_0.sdf"))
    molecules = [label(molecule, pose) for molecule, pose in zip(found, poses, strict=True)]
    return run.model_copy(update={**about, "poses": poses, "seconds": 0.0}), molecules


def dock_elsewhere(context: StepContext) -> None:
    """Lay the known pose into another state; dock from there if the binding mode exists.

    Leaves the fit (none if the model does not hold the site), and the runs and poses if it was docked.
    """
    pack = study_pack(context.parameters)
    drug = pack.drug(context.parameters["drug"])
    state = context.parameters["state"]
    settings = DockingSettings.model_validate(context.parameters["settings"])
    models = [atoms for atoms, _ in read_models(context.input("model"))]
    if state in drug.further_states:
        start: Mol | None = reference_pose(pack, drug, state=state)[0]
    else:
        pose, _ = reference_pose(pack, drug, context.inputs.get("pose"))
        home = read_models(context.input("home"))[0][0]
        found = fit_in_state(drug, pose, home, models[0], state)
        write_records(context.output / FITS, [] if found is None else [found[0]])
        start = _start(context, found[1] if found is not None and found[0].fits else None)
    if start is None:
        write_records(context.output / RUNS, [])
        return
    write_poses(context.output / KNOWN, [start])
    _dock_all(context, models, drug, load_ligand(drug), start, settings)


def dock_given(context: StepContext) -> None:
    """A ligand of the user's: searched for blind in the native's site, then docked from what was found.

    The native model's search gives the pose that both sides start from, and the side chains that both turn
    out of its way, so that the two are one question.
    """
    pack = study_pack(context.parameters)
    ligand = _drug(context, pack)
    settings = DockingSettings.model_validate(context.parameters["settings"])
    molecule = load_ligand(ligand)
    models = [atoms for atoms, _ in read_models(context.input("model"))]
    if "reference" in context.inputs:
        start = _start(context, None)
    else:
        start = _searched(context, pack, (ligand, molecule, None), models[0], settings)
    if start is None:
        write_records(context.output / RUNS, [])
        return
    found = context.input("reference") if "reference" in context.inputs else context.output
    searched = read_records(found / SEARCH, DockingRun)
    write_poses(context.output / KNOWN, [start])
    write_records(context.output / SEARCH, searched)
    models = [turned(atoms, start, searched[0].turned_residues) for atoms in models]
    near = settings.model_copy(update={"mode": "from known pose"})
    _dock_all(context, models, ligand, molecule, start, near)


def _searched(
    context: StepContext, pack: TargetPack, ligand: tuple[DrugDefinition, Mol, None], model: AtomArray,
    settings: DockingSettings,
) -> Mol | None:  # fmt: skip
    """The first pose of a blind search, which leaves its run and all its poses; None without the site."""
    site = find_site(pack, ligand[0].site, model, settings.box_size_angstrom)
    if site is None:
        return None
    context.progress(0.05, "searching the site")
    state, seed = context.parameters["state"], context.parameters["seed"]
    run, poses = search_site(site, ligand, state, settings, seed, lambda part: context.progress(0.7 * part))
    write_poses(context.output / FOUND_POSES, poses)
    write_records(context.output / SEARCH, [run])
    return poses[0]


def _drug(context: StepContext, pack: TargetPack) -> DrugDefinition:
    given = context.parameters.get("ligand")
    return DrugDefinition.model_validate(given) if given else pack.drug(context.parameters["drug"])


def _start(context: StepContext, settled: Mol | None) -> Mol | None:
    """Both sides start where the native model's pose stands, so that the two are one question."""
    if "reference" not in context.inputs:
        return settled
    path = context.input("reference", KNOWN)
    return read_poses(path)[0] if path.is_file() else None


def compare_drug(context: StepContext) -> None:
    """One row of the table, with the best pose of either side."""
    pack = study_pack(context.parameters)
    drug = _drug(context, pack)
    state = context.parameters["state"]
    subject = Subject(
        drug, state, pack.state(state).label, context.parameters["variant"],
        {int(number): three_letter(letter) for number, letter in context.parameters["substitutions"]},
    )  # fmt: skip
    fits = [_fit(context, side) for side in ("native", "mutant")]
    runs = [
        read_records(context.input(f"docking/{side}") / RUNS, DockingRun) for side in ("native", "mutant")
    ]
    if all(runs):
        row = _docked(context, pack, subject, runs[0], runs[1])
        row = row.model_copy(update={"native_fit": fits[0], "mutant_fit": fits[1]})
        if "ligand" in context.parameters:
            row = with_search(row, read_records(context.input("docking/native") / SEARCH, DockingRun)[0])
    elif fits[0] is not None:
        row = misfit_row(subject, fits[0], fits[1])
    else:
        row = unmodelled_row(subject)
    if drug.site == "myristate":
        bends = [helix_bend(pack, read_models(context.input(side))[0][0]) for side in ("native", "mutant")]
        row = row.model_copy(update={"native_helix": bends[0], "mutant_helix": bends[1]})
    write_records(context.output / ROWS, [row])


def _docked(
    context: StepContext, pack: TargetPack, subject: Subject, native: list[DockingRun],
    mutant: list[DockingRun],
) -> DockingRow:  # fmt: skip
    known, reference = _known(context, pack, subject.drug, subject.state)
    settings = RelaxedSettings.model_validate(context.parameters["relaxed"])
    sides = []
    for side, runs, name in (("native", native, NATIVE_POSE), ("mutant", mutant, MUTANT_POSE)):
        best = read_poses(context.input(f"docking/{side}", "poses_0.sdf"))[0]
        write_poses(context.output / name, [best])
        models = read_models(context.input(side))
        above = [record.relative_energy_kcal_per_mol for _, record in models]
        sides.append(Docked([atoms for atoms, _ in models], Weighed(runs, above), best))
    context.progress(0.3, "relaxing complexes")
    relaxed, why_not = _second_opinion(context, subject, known, reference, settings)
    return docked_row(
        subject, sides[0], sides[1], known, reference, relaxed=relaxed, no_relaxed=why_not,
        reach_angstrom=settings.surroundings_angstrom,
    )  # fmt: skip


def _second_opinion(
    context: StepContext, subject: Subject, known: Mol, reference: ReferencePoseRecord,
    settings: RelaxedSettings,
) -> tuple[RelaxedComparison | None, Note | None]:  # fmt: skip
    """Drug and surroundings relaxed together, and why not if not.

    Steps of their own relax a drug's shipped poses; a pose that docking found in this run is relaxed here.
    """
    pack = study_pack(context.parameters)
    mechanics, why_not = mechanics_of(pack, subject.drug)
    if mechanics is None:
        return None, why_not
    about = (subject.drug.id, subject.state, subject.variant)
    shipped = "ligand" not in context.parameters and subject.state in (
        subject.drug.state, *subject.drug.further_states
    )  # fmt: skip
    paths = [context.inputs.get(f"relaxed/{side}") for side in ("native", "mutant")]
    found = None
    if not shipped:
        native = read_models(context.input("reference"))[0][0]
        whole = Complex(native, known, mechanics, settings)
        found = compare_relaxed(*about, whole, subject.substitutions)
    elif all(halves := [read_records(path / SIDE, ComplexSide) for path in paths if path is not None]):
        found = compare_sides(*about, halves[0][0], halves[1][0], settings) if halves else None
    if found is not None:
        return found, None
    if (reference.rmsd_to_crystal_angstrom or 0.0) > CRYSTAL_ANGSTROM:
        return None, note("not-relaxed-far-from-crystal")
    return None, note("nothing-substituted-near", within_angstrom=settings.surroundings_angstrom)


def _known(
    context: StepContext, pack: TargetPack, drug: DrugDefinition, state: str
) -> tuple[Mol, ReferencePoseRecord]:
    """The known pose in this state's native model."""
    if "ligand" in context.parameters:
        start = read_poses(context.input("docking/native", KNOWN))[0]
        return start, searched_record(drug, state)
    if state in drug.further_states:
        return reference_pose(pack, drug, state=state)
    pose, reference = reference_pose(pack, drug, context.inputs.get("pose"))
    path = context.input("docking/native", KNOWN)
    if path.is_file():
        laid = note("laid-in-from-state", state=reference.state)
        return read_poses(path)[0], reference.model_copy(update={"notes": (*reference.notes, laid)})
    return pose, reference


def _fit(context: StepContext, side: str) -> StateFit | None:
    path: Path = context.input(f"docking/{side}", FITS)
    found = read_records(path, StateFit) if path.is_file() else []
    return found[0] if found else None
