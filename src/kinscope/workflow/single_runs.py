"""One stage of a study by itself: what `kinscope dock` and `kinscope simulate` run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from kinscope.core.errors import LigandError
from kinscope.core.files import copy_atomic
from kinscope.docking.known.crystal import with_crystal_rmsd
from kinscope.docking.known.reference import check_site
from kinscope.docking.table.row import with_best_forms
from kinscope.dynamics.records import REPLICA_RECORD_FILE, ReplicaRecord
from kinscope.interpretation.words.say import say
from kinscope.ligands.parameters.shipped import directory_for, load_parameters
from kinscope.ligands.user import GivenLigands, read_given
from kinscope.results.docking import DockingRow, RelaxedSettings
from kinscope.results.user_structure import USER_STATE
from kinscope.structures.reference.build import reference_model
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import TargetPack, load_target, target_reference
from kinscope.variants import Variant, parse_variant
from kinscope.workflow.engine.driver import Event
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import Store
from kinscope.workflow.planning.docking import row_steps
from kinscope.workflow.planning.dynamics import replica_steps
from kinscope.workflow.planning.own_ligands import (
    LigandFiles,
    check_in_place,
    keep_ligand,
    placed_as_given,
    take_ligand,
)
from kinscope.workflow.planning.study import Study
from kinscope.workflow.settings import OwnLigand, load_preset, with_changes
from kinscope.workflow.stages.docking import FOUND_POSES, MUTANT_POSE, NATIVE_POSE, ROWS
from kinscope.workflow.stages.files import read_records
from kinscope.workflow.study import Run


@dataclass(frozen=True)
class StageRequest:
    """Of which variant, how, where and with whom watching a stage is run."""

    expression: str
    target: str
    preset: str
    states: tuple[str, ...] = ()
    """Those of the preset if empty."""
    structure: tuple[Path | None, dict[str, Any] | None] = (None, None)
    """A structure of the user's, and what is said about it as settings."""
    directory: Path | None = None
    """Of the run; ``kinscope-VARIANT`` if None."""
    cores: int | None = None
    listener: Callable[[Event], None] | None = None

    def run(
        self,
        changes: dict[str, Any],
        choose: Callable[[Study], dict[Any, Step]],
        keep: Callable[[Store], None] | None = None,
    ) -> StageDone:
        """Run the steps that ``choose`` gives by the stage's own names, in the run directory.

        ``changes`` are to the preset's settings, beyond the states and the structure. ``keep`` puts files of
        the user's into the run's store before anything starts.

        Raises BadInputError if target, variant or settings cannot be used; RunDirectoryError if the directory
        is in use or holds something else.
        """
        reference = target_reference(self.target)
        variant = parse_variant(self.expression, load_target(reference))
        file, said = self.structure
        if said is not None:
            changes = {**changes, "structure": said}
        if self.states:
            changes = {**changes, "states": self.states}
        settings = with_changes(load_preset(self.preset), target=reference, **changes)
        directory = self.directory or Path(f"kinscope-{variant.slug}")
        run = Run.begin(variant, settings, directory, structure=file, cores=self.cores)
        found, outcome = run.stage(choose, self.listener, keep=keep)
        failed = list(dict.fromkeys(str(error) for error in outcome.failed.values()))
        return StageDone(variant, directory, found, failed)


@dataclass(frozen=True)
class StageDone:
    """A stage that was run."""

    variant: Variant
    directory: Path
    """Of the run."""
    artefacts: dict[Any, Path]
    """Directories of what succeeded, by the stage's own names."""
    failed: list[str]
    """What went wrong, each once."""


@dataclass(frozen=True)
class DockingTable:
    """Every drug in every state, native beside mutant."""

    done: StageDone
    rows: list[DockingRow]
    skipped: list[str]
    """What was not docked, and why."""
    notes: list[str]


def given_ligands(files: Sequence[Path], smiles: Sequence[str], *, site: str, target: str) -> GivenLigands:
    """The user's ligands to dock; what is wrong with one costs no other.

    Raises BadInputError if the target has no such site.
    """
    pack = load_target(target)
    check_site(pack, site)
    return read_given(files, smiles, site=site, state="", taken=[drug.id for drug in pack.drugs])


def dock_alone(
    request: StageRequest, drugs: Sequence[str], own: GivenLigands, mirror: Path | None = None
) -> DockingTable:
    """Dock drugs (the preset's if there are none) and ligands of the user's into every state.

    With a ``mirror`` of wwPDB entries, poses are also measured against the co-crystals themselves.

    Raises BadInputError, RunDirectoryError as :meth:`StageRequest.run`.
    """
    skipped: list[str] = []
    remarks: list[str] = []

    steps: dict[Any, Step] = {}

    def choose(study: Study) -> dict[Any, Step]:
        steps.update(row_steps(study, RelaxedSettings(), own.good))
        skipped[:] = list(dict.fromkeys(study.skipped))
        remarks[:] = study.remarks
        return steps

    done = request.run({"drugs": tuple(drugs)} if drugs else {}, choose)
    rows = [row for folder in done.artefacts.values() for row in read_records(folder / ROWS, DockingRow)]
    if mirror is not None:
        pack, source = load_target(request.target), PdbSource(mirror)
        rows = [_beside_crystal(row, done.artefacts[row.drug, row.state], pack, source) for row in rows]
    for name, folder in done.artefacts.items():
        _lay_out_poses(done, "_".join(name), folder, steps[name])
    about: dict[str, list[str]] = {}
    for ligand, told in own.notes:
        about.setdefault(say(told), []).append(ligand)
    notes = [*remarks, *(f"{', '.join(ligands)}: {said}" for said, ligands in about.items())]
    return DockingTable(done, with_best_forms(rows), skipped, notes)


def _lay_out_poses(done: StageDone, name: str, row: Path, step: Step) -> None:
    """The best pose of either side, and all that a blind search found, where people look for them."""
    search = step.inputs.get("docking/native", step).inputs.get("reference", step)
    for source, called in (
        (row / NATIVE_POSE, "native"),
        (row / MUTANT_POSE, done.variant.slug),
        (row.parents[1] / search.folder / FOUND_POSES, "search"),
    ):
        if source.is_file():
            copy_atomic(source, done.directory / "poses" / f"{name}_{called}.sdf")


def _beside_crystal(row: DockingRow, found: Path, pack: TargetPack, source: PdbSource) -> DockingRow:
    """The row with the exact RMSD to its co-crystal, if the mirror holds it."""
    if row.outcome != "docked" or row.state == USER_STATE or row.reference.count(":") != 2:
        return row
    return with_crystal_rmsd(row, pack, source, found / NATIVE_POSE, found / MUTANT_POSE)


@dataclass(frozen=True)
class LigandAsked:
    """A ligand of the user's that is to be simulated bound."""

    file: Path
    parameters: Path | None
    """What ``kinscope parameters`` made of it."""
    site: str
    in_place: bool
    """Whether the file's coordinates are its pose."""


class Simulated(NamedTuple):
    """A replica that is finished."""

    side: str
    system: str
    """State, and what is bound in it."""
    record: ReplicaRecord
    directory: Path


def simulate_alone(
    request: StageRequest, dynamics: dict[str, Any], drugs: Sequence[str], own: LigandAsked | None
) -> tuple[StageDone, list[Simulated]]:
    """Run the replicas of native and mutant, apo and with ligands bound.

    ``dynamics`` changes the preset's settings. Each of the ``drugs`` is simulated bound, beside the apo
    kinase, in its state, which is added to the request's; the user's ``own`` in the one that is asked for.

    Raises BadInputError, RunDirectoryError as :meth:`StageRequest.run`, or if a ligand cannot be simulated.
    """
    pack = load_target(request.target)
    states, keep = request.states, None
    if drugs:
        states = tuple(dict.fromkeys([*states, *_states_bound(drugs, pack)]))
        dynamics = dynamics | {"ligands": tuple(drugs), "states": states}
    if own is not None:
        # Beside the user's own, only drugs that are named.
        ligand, files = _taken(own, states, pack, has_structure=request.structure[0] is not None)
        bound = {"own_ligands": (ligand.model_dump(),), "states": (ligand.state,)}
        dynamics = {"ligands": (), **dynamics, **bound}
        states = () if ligand.state == USER_STATE else (ligand.state,)
        keep = partial(keep_ligand, ligand=ligand, files=files)
    changes = {"dynamics": dynamics} if dynamics else {}
    done = replace(request, states=states).run(changes, replica_steps, keep)
    replicas = [
        Simulated(side, system, _record(folder), folder)
        for (side, system, _), folder in sorted(done.artefacts.items())
    ]
    return done, replicas


def _record(folder: Path) -> ReplicaRecord:
    return ReplicaRecord.model_validate_json((folder / REPLICA_RECORD_FILE).read_bytes())


def _states_bound(drugs: Sequence[str], pack: TargetPack) -> list[str]:
    """The state that each drug binds.

    Raises LigandError if a drug has no force-field parameters.
    """
    found = [pack.drug(identifier) for identifier in drugs]
    for drug in found:
        load_parameters(drug, directory_for(pack, drug))
    return [drug.state for drug in found]


def _taken(
    own: LigandAsked, states: Sequence[str], pack: TargetPack, *, has_structure: bool
) -> tuple[OwnLigand, LigandFiles]:
    """The user's ligand, checked as far as that is possible before anything runs.

    Raises BadInputError if the ligand, its parameters, its pose, the site or the state cannot be used.
    """
    check_site(pack, own.site)
    chosen = list(dict.fromkeys(states or ([USER_STATE] if has_structure else [])))
    if len(chosen) != 1:
        raise LigandError(
            "A ligand of yours is bound in one state, and "
            + (f"{len(chosen)} were named." if chosen else "none was named."),
            where=f"--ligand-file {own.file}",
            remedy=f"Give one --state of: {', '.join(one.id for one in pack.states)}.",
        )
    state = chosen[0]
    ligand, files = take_ligand(
        own.file, own.parameters, pack, state=state, site=own.site, in_place=own.in_place
    )
    if state != USER_STATE:
        pack.state(state)
        if own.in_place:
            placed = placed_as_given(files.parameters, own.file)
            check_in_place(reference_model(pack, state)[0], placed, f"{own.file}, --in-place")
    return ligand, files
