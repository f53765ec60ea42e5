"""Trajectory analysis by itself: of a run directory's replicas, or of a user's own files."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinscope import __version__
from kinscope.analysis.trajectory_compare import compare_contacts, compare_measures, lengths_differ
from kinscope.core.errors import BadInputError, RunDirectoryError
from kinscope.core.files import named_faults, sha256_of_file, write_atomic
from kinscope.core.progress import Progress, silent
from kinscope.core.records import Record, VersionedRecord
from kinscope.core.residues import one_letter
from kinscope.dynamics.files.trajectory import Frame, append_at, encode_frames
from kinscope.dynamics.protocol import plan_steps
from kinscope.dynamics.records import REPLICA_RECORD_FILE
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.interpretation.words.statistics import power_of
from kinscope.report.tables import write_tables
from kinscope.results.notes import Note, note
from kinscope.results.trajectories import (
    MeasureComparison,
    OccupancyComparison,
    PrincipalMotion,
    ReplicaAnalysis,
)
from kinscope.structures.io import write_model
from kinscope.structures.reference.build import reference_model
from kinscope.targets.pack import TargetPack
from kinscope.trajectories.passes import PassSettings, analyse_group
from kinscope.trajectories.sources import Source, replica_source, user_files, user_source
from kinscope.trajectories.summary import principal_motion, replica_analysis
from kinscope.trajectories.system import subject_of
from kinscope.trajectories.topology import Topology, read_topology
from kinscope.variants.model import Variant
from kinscope.workflow.engine.driver import told_of, work_of
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import Store, list_files, read_record
from kinscope.workflow.planning.catalogue import REPLICA_STAGES
from kinscope.workflow.study import plan_of

ANALYSIS_FILE = "analysis.json"
_EXAMPLE_FRAMES = 60
_HASHED_BYTES = 2_000_000_000
"""Larger trajectories are named by size alone: their checksum would take longer than their analysis."""


class AnalysisResult(VersionedRecord):
    """What `kinscope analyse` writes of one system."""

    kinscope_version: str
    created: str
    """ISO date, UTC."""
    settings: PassSettings
    inputs: dict[str, str]
    """SHA-256 (or size) of every file that was read, by its path as given."""
    replicas: tuple[ReplicaAnalysis, ...]
    principal: PrincipalMotion | None
    measures: tuple[MeasureComparison, ...] = ()
    contacts: tuple[OccupancyComparison, ...] = ()
    """Mutant against native, where both are there."""
    failed: tuple[str, ...] = ()
    """Trajectories that could not be read, and why."""


@dataclass(frozen=True)
class Analysed:
    """One system's result and where it lies."""

    title: str
    directory: Path
    result: AnalysisResult


def analyse_files(
    topology: Path,
    trajectories: Sequence[Path],
    pack: TargetPack,
    output: Path,
    *,
    variant: Variant | None = None,
    chain: str = "",
    settings: PassSettings | None = None,
    progress: Progress | None = None,
) -> Analysed:
    """Analyse a user's trajectories, each a replica of the same system, and write tables below ``output``.

    The topology has every atom of the frames, in their order; its first chain of the target is taken unless
    one is named. The interactions of the variant's residues are followed; the topology tells whether it is
    the mutant or the native.

    Raises StructureError if a file is missing, damaged, of other atoms or given twice; BadInputError if a
    residue asked for is not in the topology.
    """
    found = read_topology(topology, pack, chain=chain)
    who, notes = _which(found, variant, pack, topology)
    sources = [
        user_source(found, [file], variant=who, replica=number, notes=notes)
        for number, file in enumerate(user_files(found, trajectories))
    ]
    positions = () if variant is None else variant.positions
    return _analyse(
        sources, pack, positions, output, topology.name, [topology, *trajectories], settings, progress
    )


def example_files(pack: TargetPack, folder: Path) -> tuple[Path, list[Path]]:
    """Write a topology and two trajectories: waves through a shipped model, made up and not simulated."""
    atoms, _ = reference_model(pack, pack.states[0].id)
    topology, paths = folder / "model.cif", [folder / f"made-up-{number}.xtc" for number in (1, 2)]
    with named_faults("The directory of the example", folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_model(topology, atoms)
        for seed, path in enumerate(paths):
            random = np.random.default_rng(seed)
            waves, moves = random.normal(0, 0.06, (3, 4)), random.normal(0, 0.4, (4, 3))
            phases = np.cumsum(random.normal(0, 0.6, (_EXAMPLE_FRAMES, 4)), axis=0)
            moved = [(atoms.coord + np.sin(atoms.coord @ waves + phase) @ moves) / 10 for phase in phases]
            frames = [Frame(step, 10.0 * step, at, np.zeros((3, 3))) for step, at in enumerate(moved)]
            append_at(path, 0, encode_frames(frames, folder))
    return topology, paths


def analyse_run(
    directory: Path,
    pack: TargetPack,
    output: Path,
    *,
    variant: Variant | None = None,
    settings: PassSettings | None = None,
    progress: Progress | None = None,
) -> list[Analysed]:
    """Analyse the finished replicas of a run directory, system by system, or one replica's directory.

    Raises RunDirectoryError if it is no run directory, or a replica in it is damaged; BadInputError if it
    holds no finished replica.
    """
    if (directory / REPLICA_RECORD_FILE).is_file():
        if (record := read_record(directory)) and not set(record.files) <= set(list_files(directory)):
            raise _damaged(directory)
        source = replica_source(directory, state="", variant="as given")
        files = [directory / "trajectory.xtc"]
        near = () if variant is None else variant.positions
        return [_analyse([source], pack, near, output, directory.name, files, settings, progress)]
    study, steps, store = plan_of(directory)
    asked = (variant or study.variant).positions
    systems = finished_systems(steps, store)
    if not systems:
        raise BadInputError(
            "This run holds no finished replica.",
            where=str(directory),
            remedy=f"Run some first: kinscope resume {directory}"
            if any(step.name in REPLICA_STAGES for step in steps)
            else f"Its study has no dynamics; run some: kinscope simulate {study.variant.short} --out DIR",
        )
    done = []
    for index, ((state, ligand), sources) in enumerate(sorted(systems.items())):
        title = title_of(state, ligand)
        part = _part(progress, index, len(systems))
        files = [file.path for source in sources for file in source.files]
        done.append(_analyse(sources, pack, asked, output / title, title, files, settings, part))
    return done


def finished_systems(steps: Sequence[Step], store: Store) -> dict[tuple[str, str], list[Source]]:
    """The replicas of a study that are there, by state and bound ligand; raises as ``finished_replicas``."""
    systems: dict[tuple[str, str], list[Source]] = {}
    for step in finished_replicas(steps, store):
        state, ligand, who, _ = _trajectory(step)
        source = replica_source(store.path(step), state=state, variant=who)
        systems.setdefault((state, ligand), []).append(source)
    return systems


def finished_replicas(steps: Sequence[Step], store: Store) -> list[Step]:
    """The replicas of a study that are there, each at the greatest length it has reached.

    Raises RunDirectoryError if one is not what was computed.
    """
    found: dict[tuple[str, ...], Step] = {}
    for step in steps:
        if step.name in REPLICA_STAGES and store.find(step) is not None:
            found[_trajectory(step)] = step
        elif step.key in store.damaged:
            raise _damaged(store.path(step))
    return list(found.values())


def _trajectory(step: Step) -> tuple[str, ...]:
    """What a replica is of; in a plan, one that is longer stands after the one that it continues."""
    return tuple(str(step.parameters.get(part) or "") for part in ("state", "ligand", "variant", "replica"))


class Sampled(Record):
    """How far the replicas of one system are, both sides together."""

    system: str
    done_ns: float
    planned_ns: float
    """0: what a budget of minutes buys, which is not known yet."""
    missing_ns: float
    """From what is done to what is wanted."""
    wanted: str
    """What would find a change of motion, four times in five."""


def sampled(directory: Path, steps: Sequence[Step], store: Store) -> list[Sampled]:
    """Every simulated system of a run directory's plan, with the nanoseconds that a statement still lacks."""
    systems: dict[str, list[tuple[float, float]]] = {}
    for (state, ligand, *_), step in {_trajectory(s): s for s in steps if s.name in REPLICA_STAGES}.items():
        systems.setdefault(title_of(state, ligand), []).append(_nanoseconds(step, directory, store))
    found = []
    for system, replicas in systems.items():
        done, planned = map(sum, zip(*replicas, strict=True))
        power = power_of(0, planned / len(replicas))
        missing = max(0.0, power.missing_ns - done)
        found.append(
            Sampled(system=system, done_ns=done, planned_ns=planned, missing_ns=missing, wanted=power.wanted)
        )
    return found


def _nanoseconds(replica: Step, directory: Path, store: Store) -> tuple[float, float]:
    """Production that is finished, that its worker tells of or that it continues; and what is planned."""
    protocol = ProtocolSettings.model_validate(replica.parameters["protocol"])
    steps = replica.parameters["production_steps"] or 0
    planned = steps * protocol.time_step_fs * 1e-6
    if not steps or store.find(replica) is not None:
        return planned, planned
    with_start = plan_steps(protocol, steps).total_steps / steps
    done = planned * (1 - (1 - told_of(work_of(directory, replica))[0]) * with_start)
    earlier = replica.inputs.get("before")
    return max(done, _nanoseconds(earlier, directory, store)[0] if earlier else 0.0), planned


def _damaged(folder: Path) -> RunDirectoryError:
    return RunDirectoryError(
        "The files of a replica are not what was computed.",
        where=str(folder),
        remedy="Compute it again with: kinscope resume and the run directory, or remove the folder.",
    )


def _which(
    found: Topology, variant: Variant | None, pack: TargetPack, path: Path
) -> tuple[str, tuple[Note, ...]]:
    """Whether the topology holds the variant or the native residues, and what is to be said of it."""
    if variant is None:
        return "as given", ()
    names = {int(n): str(name) for n, name in zip(found.layout.res_id, found.layout.res_name, strict=True)}
    held = {}
    for position in variant.positions:
        if position not in names or not found.numbered:
            raise BadInputError(
                f"Residue {position} of {pack.gene} is not in the topology.",
                where=str(path),
                remedy=f"Give a topology with a chain of {pack.gene} that holds it, or leave --variant out.",
            )
        held[position] = one_letter(names[position])
    if all(held[part.position] == part.mutant for part in variant.substitutions):
        return variant.short, ()
    shown = ", ".join(f"{letter}{position}" for position, letter in held.items())
    if all(held[part.position] == part.wild_type for part in variant.substitutions):
        return "native", (note("native-topology", residues=shown),)
    return "as given", (note("other-topology", residues=shown, variant=variant.short),)


def title_of(state: str, ligand: str) -> str:
    """Folder name of a system."""
    return f"{state}+{ligand}" if ligand else state


def _part(progress: Progress | None, index: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda share, text: progress((index + share) / total, text)


def _analyse(
    sources: list[Source],
    pack: TargetPack,
    positions: tuple[int, ...],
    output: Path,
    title: str,
    files: Sequence[Path],
    settings: PassSettings | None,
    progress: Progress | None,
) -> Analysed:
    settings = settings or PassSettings()
    group = analyse_group(sources, subject_of(pack, positions), settings, progress or silent)
    if group.failed and not sources[0].state:
        raise group.failed[0][1]
    replicas = [replica_analysis(one) for one in group.passes]
    native = [one for one in replicas if one.variant == "native"]
    mutant = [one for one in replicas if one.variant != "native"]
    unequal = bool(native and mutant) and lengths_differ([one.length_ns for one in replicas])
    both = bool(native and mutant) and not unequal
    result = AnalysisResult(
        kinscope_version=__version__,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        settings=settings,
        inputs={str(path): _fingerprint(path) for path in files},
        replicas=tuple(replicas),
        principal=principal_motion(group, sources[0].state),
        measures=tuple(compare_measures(native, mutant)) if both else (),
        contacts=tuple(compare_contacts(native, mutant)) if both else (),
        failed=(
            *(f"{source.name}: {error.what}" for source, error in group.failed),
            *(["the comparison: native and mutant replicas are not as long"] if unequal else []),
        ),
    )
    provenance = {
        "kinscope_version": result.kinscope_version,
        "created": result.created,
        "superposition": result.replicas[0].superposition,
        **{f"input {path}": mark for path, mark in result.inputs.items()},
    }
    with named_faults("The directory of the tables", output):
        output.mkdir(parents=True, exist_ok=True)
        write_tables(output, result.replicas, result.principal, provenance)
        write_atomic(output / ANALYSIS_FILE, result.model_dump_json(indent=1) + "\n")
    return Analysed(title, output, result)


def _fingerprint(path: Path) -> str:
    size = path.stat().st_size
    return f"sha256 {sha256_of_file(path)}" if size <= _HASHED_BYTES else f"{size} bytes, no checksum taken"
