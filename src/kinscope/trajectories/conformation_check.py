"""Which conformations a trajectory of a user's visits: shares of every class, and a row per frame if asked.

Any topology that holds a chain of the target (PDB, mmCIF) with XTC or DCD frames of the same atoms. A chunk
of frames is in memory at a time.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.core.files import beside, named_faults
from kinscope.core.records import Record
from kinscope.results.measured import StateGeometry
from kinscope.results.notes import Note
from kinscope.structures.conformation.atoms import Floats, Labels
from kinscope.structures.conformation.classify import landmarks_of
from kinscope.targets.pack import TargetPack
from kinscope.trajectories.frames import Chunk, Fit
from kinscope.trajectories.measures.kinase_states import MEASURES, KinaseStates
from kinscope.trajectories.sources import user_files, user_source
from kinscope.trajectories.topology import read_topology

CLASSES = {
    "dfg": "DFG",
    "dfg_cluster": "DFG cluster",
    "helix_c": "helix C",
    "salt_bridge": "salt bridge",
    "activation_loop": "activation loop",
    "spine": "regulatory spine",
    "p_loop": "P-loop",
    "activity": "activity",
    "sh2_position": "SH2",
    "sh3_linker": "SH3 and linker",
}
"""Classes whose shares are counted, and how they are printed."""
DISTANCES = {
    "dfg_d1_angstrom": "D1, angstrom",
    "dfg_d2_angstrom": "D2, angstrom",
    "salt_bridge_271_286_angstrom": "salt bridge, angstrom",
    "helix_c_rotation_degrees": "helix C about its axis, degrees",
    "loop_n_terminal_angstrom": "start of the activation loop, angstrom",
}
"""Measurements whose mean and spread are kept, and how they are printed."""
COLUMNS = (
    *(name for name in StateGeometry.model_fields if name in MEASURES or name in CLASSES),
    *(name for name in MEASURES if name not in StateGeometry.model_fields),
)
"""Of the table, after the frame and its time."""


class ClassShare(Record):
    """How much of a trajectory is of one class. Frames are correlated, so no interval is given."""

    aspect: str
    label: str
    frames: int
    percent: float


class MeasuredSpread(Record):
    """Mean and standard deviation of a measurement over the frames."""

    name: str
    frames: int
    mean: float
    standard_deviation: float


class TrajectoryStates(Record):
    """The conformations of a trajectory."""

    name: str
    chain: str
    frames: int
    shares: tuple[ClassShare, ...]
    spreads: tuple[MeasuredSpread, ...]
    dfg_changes: int
    """How often the DFG class differs from the frame before."""
    notes: tuple[Note, ...] = ()


def check_trajectory(
    topology: Path,
    trajectories: Sequence[Path],
    pack: TargetPack,
    *,
    chain: str = "",
    table: Path | None = None,
) -> TrajectoryStates:
    """Classify the frames of trajectories one after the other.

    ``topology``: PDB or mmCIF with every atom of the frames, in their order. ``trajectories``: XTC or DCD
    files, in order of time. ``chain``: which chain of the topology; the first of the target if empty.
    ``table``: CSV that receives :data:`COLUMNS` of every frame, if asked.

    Raises StructureError if the topology holds no such chain, or a trajectory is missing, damaged, empty, of
    other atoms or in another unit; BadInputError if the pack names no landmarks, or the table cannot be
    written.
    """
    landmarks = landmarks_of(pack)
    read = read_topology(topology, pack, chain=chain)
    if not read.numbered:
        raise StructureError(
            f"No chain {chain + ' ' if chain else ''}of this structure is of {pack.gene}.",
            where=str(topology),
            remedy=f"Name a chain of {pack.gene} with --chain, or leave it out.",
        )
    source = user_source(read, user_files(read, trajectories), variant="")
    alphas = source.layout.backbone.ca
    fit = Fit(alphas, np.arange(len(alphas)), source.layout.coord[alphas], "all CA atoms of the topology")
    states = KinaseStates(source.layout, landmarks)
    with _table(table) as write:
        for chunk in source.chunks(fit):
            measures, classes = states.measure(chunk)
            states.take(measures, classes)
            write(chunk, {**measures, **classes})
    counts = sorted(states.counts.items(), key=lambda item: (list(CLASSES).index(item[0][0]), -item[1]))
    moments, columns = states.moments, {name: MEASURES.index(name) for name in DISTANCES}
    return TrajectoryStates(
        name=source.name,
        chain=read.chain,
        frames=source.frames,
        shares=tuple(
            ClassShare(aspect=aspect, label=label, frames=count, percent=100.0 * count / source.frames)
            for (aspect, label), count in counts
        ),
        spreads=tuple(
            MeasuredSpread(
                name=name,
                frames=moments.count,
                mean=float(moments.mean[column]),
                standard_deviation=float(np.sqrt(moments.squares[column] / max(1, moments.count - 1))),
            )
            for name, column in columns.items()
            if np.isfinite(moments.mean[column])  # its atoms are in the topology
        ),
        dfg_changes=states.dfg_changes,
        notes=source.notes,
    )


@contextmanager
def _table(path: Path | None) -> Iterator[Callable[[Chunk, dict[str, Floats | Labels]], None]]:
    """What writes a CSV row per frame of a chunk; the file is there once the last one is written."""
    if path is None:
        yield lambda chunk, found: None
        return
    with named_faults("The table", path), beside(path) as partial, partial.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["frame", "time_ps", *COLUMNS])

        def write(chunk: Chunk, found: dict[str, Floats | Labels]) -> None:
            for row, time in enumerate(chunk.times_ps):
                at = "" if np.isnan(time) else float(time)
                writer.writerow([chunk.first + row, at, *(_cell(found[name][row]) for name in COLUMNS)])

        yield write


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else "" if np.isnan(value) else f"{value:.3f}"
