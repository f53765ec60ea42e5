"""Docking into the frames of a run directory's finished replicas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kinscope.core.errors import BadInputError
from kinscope.core.files import write_atomic
from kinscope.core.progress import Progress
from kinscope.core.records import VersionedRecord
from kinscope.docking.engine import Coordinates
from kinscope.docking.table.frames import FrameDocking, ReplicaPoses, compare_frames, poses_in_frames
from kinscope.dynamics.records import TOPOLOGY_FILE
from kinscope.structures.io import read_model
from kinscope.targets.pack import DrugDefinition, TargetPack
from kinscope.trajectories.sources import Source
from kinscope.workflow.study import plan_of
from kinscope.workflow.trajectory_run import finished_systems, title_of

FRAME_DOCKING_FILE = "docking-frames.json"
NATIVE = "native"


class FrameDockingResult(VersionedRecord):
    """What `kinscope dock-frames` writes."""

    variant: str
    frames_per_replica: int
    rows: tuple[FrameDocking, ...]


def dock_frames(
    directory: Path,
    pack: TargetPack,
    *,
    drugs: Sequence[str] = (),
    frames: int = 10,
    progress: Progress | None = None,
) -> FrameDockingResult:
    """Dock drugs into frames of every finished replica of a run directory, and write the result there.

    The drugs are those named, else the study's, else all with a known pose; each is docked into the systems
    of its state. The frames are evenly spaced in each replica, the first half left out as settling.

    Raises RunDirectoryError if it is no run directory; BadInputError if it holds no finished replica of a
    state that one of the drugs binds, native and mutant.
    """
    study, steps, store = plan_of(directory)
    posed = [drug.id for drug in pack.drugs if (pack.directory / "poses" / f"{drug.id}.sdf").is_file()]
    wanted = [pack.drug(name) for name in (drugs or study.settings.drugs or posed)]
    jobs = [
        (drug, title_of(state, bound), sources)
        for (state, bound), sources in sorted(finished_systems(steps, store).items())
        for drug in wanted
        if drug.state == state and bound in ("", drug.id) and len({s.variant for s in sources}) > 1
    ]
    if not jobs:
        raise BadInputError(
            "No finished replicas, native and mutant, of a state that one of these drugs binds.",
            where=str(directory),
            remedy="Run dynamics of that state (kinscope simulate), or give --drug.",
        )
    rows, done, total = [], 0, sum(len(sources) for _, _, sources in jobs)
    for drug, title, sources in jobs:
        sides: dict[bool, list[ReplicaPoses]] = {True: [], False: []}
        for source in sources:
            if progress is not None:
                progress(done / total, f"{drug.id} in {title}, {source.name}")
            sides[source.variant == NATIVE].append(_replica(pack, drug, source, frames))
            done += 1
        rows.append(compare_frames(drug.id, title, sides[True], sides[False]))
    result = FrameDockingResult(variant=study.variant.short, frames_per_replica=frames, rows=tuple(rows))
    write_atomic(directory / FRAME_DOCKING_FILE, result.model_dump_json(indent=1))
    return result


def _replica(pack: TargetPack, drug: DrugDefinition, source: Source, frames: int) -> ReplicaPoses:
    atoms = read_model(source.files[0].path.with_name(TOPOLOGY_FILE))
    protein = source.layout.protein
    return poses_in_frames(
        pack,
        drug,
        atoms[protein],
        ((number, coordinates[protein]) for number, coordinates in _spaced(source, frames)),
        variant=source.variant,
        replica=source.replica,
        length_ns=source.length_ns,
    )


def _spaced(source: Source, most: int) -> Iterator[tuple[int, Coordinates]]:
    """About ``most`` evenly spaced frames of the second half."""
    begin = source.frames // 2
    wanted = range(begin, source.frames, max(1, (source.frames - begin) // max(1, most)))[:most]
    frames = (coordinates for chunk in source.chunks() for coordinates in chunk.coordinates)
    return ((number, coordinates) for number, coordinates in enumerate(frames) if number in wanted)
