"""The conformation in every frame of a trajectory, one block of frames in memory at a time.

Any topology that holds a chain of the target (PDB, mmCIF) with XTC or DCD frames of the same atoms. Which
atom of the frames is which is taken from the order of the topology file; the chain is found and numbered by
alignment, as for any structure.
"""

from __future__ import annotations

import csv
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from kinscope.analysis.results import StateGeometry
from kinscope.core.errors import BadInputError, StructureError
from kinscope.core.records import Record
from kinscope.structures.conformation_atoms import AtomTable
from kinscope.structures.conformation_trajectory import mapped_chain, positions, whole
from kinscope.structures.geometry import classify_table
from kinscope.targets.pack import TargetPack

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
_TABLE_SKIPS = ("notes", "dfg_dihedrals_degrees", "spine_distances_angstrom")


class Frame(Record):
    """The conformation in one frame."""

    frame: int
    """Its place in the trajectories, from 0."""
    time_ps: float | None
    """None in DCD files, whose time is not kept."""
    geometry: StateGeometry


class ClassShare(Record):
    """How much of a trajectory is of one class. Frames are correlated, so no interval is given."""

    aspect: str
    label: str
    frames: int
    percent: float


class MeasuredSpread(Record):
    """Mean and standard deviation of a measurement over the frames that have it."""

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

    def in_words(self) -> str:
        """A block of text for the command line."""
        lines = [
            f"{self.name}, chain {self.chain}: {self.frames} frames, DFG class changes {self.dfg_changes}"
        ]
        for aspect, title in CLASSES.items():
            shares = [share for share in self.shares if share.aspect == aspect]
            if [share.label for share in shares] != ["not modelled"]:
                listed = ", ".join(f"{share.label} {share.percent:.1f} %" for share in shares)
                lines.append(f"  {title}: {listed}")
        lines += [
            f"  {DISTANCES[spread.name]}: {spread.mean:.2f} +- {spread.standard_deviation:.2f}"
            for spread in self.spreads
        ]
        return "\n".join(lines)


def classify_frames(
    topology: Path, trajectories: Sequence[Path], pack: TargetPack, *, chain: str = ""
) -> tuple[str, Iterator[Frame]]:
    """Classify the frames of trajectories one after the other, in constant memory.

    Parameters
    ----------
    topology
        PDB or mmCIF with every atom of the frames, in their order.
    trajectories
        XTC or DCD files, in order of time.
    pack
        The target.
    chain
        Which chain of the topology; the first of the target if empty.

    Returns
    -------
    tuple
        The chain's name, and the frames.

    Raises
    ------
    StructureError
        If the topology holds no such chain, its atoms cannot be told apart, or (while the frames are read) a
        trajectory is missing, damaged or of other atoms.
    BadInputError
        If the pack names no landmarks.
    """
    landmarks = pack.landmarks
    if landmarks is None:
        raise BadInputError(
            f"The conformation of {pack.gene} cannot be classified: its target pack names no landmarks.",
            where=str(pack.directory / "target.yaml"),
            remedy="Add landmarks (see the target.yaml of the abl1 pack).",
        )
    name, atoms, rows, total = mapped_chain(topology, pack, chain)
    table = AtomTable(atoms)

    def frames() -> Iterator[Frame]:
        count = 0
        for path in trajectories:
            for coordinates, box, time in positions(path, rows, total):
                moved = table.moved(whole(coordinates, box))
                yield Frame(frame=count, time_ps=time, geometry=classify_table(moved, landmarks))
                count += 1

    return name, frames()


def check_trajectory(
    topology: Path,
    trajectories: Sequence[Path],
    pack: TargetPack,
    *,
    chain: str = "",
    table: Path | None = None,
) -> TrajectoryStates:
    """Shares of every class over the frames; the frames themselves as CSV if asked.

    Raises
    ------
    StructureError
        As :func:`classify_frames`, and if there is no frame.
    """
    name, frames = classify_frames(topology, trajectories, pack, chain=chain)
    counts: Counter[tuple[str, str]] = Counter()
    sums = {measurement: _Spread() for measurement in DISTANCES}
    total, changes, before = 0, 0, ""
    with _Table(table) if table is not None else nullcontext() as written:
        for frame in frames:
            shape = frame.geometry
            counts.update((aspect, getattr(shape, aspect)) for aspect in CLASSES)
            for measurement, spread in sums.items():
                spread.add(getattr(shape, measurement))
            changes += bool(total and shape.dfg != before)
            before, total = shape.dfg, total + 1
            if written is not None:
                written.write(frame)
        if not total:
            raise StructureError(
                "The trajectory holds no frame.",
                where=", ".join(map(str, trajectories)),
                remedy="Give a trajectory that was written to its end.",
            )
    return TrajectoryStates(
        name=" + ".join(path.name for path in trajectories),
        chain=name,
        frames=total,
        shares=tuple(
            ClassShare(aspect=aspect, label=label, frames=count, percent=100.0 * count / total)
            for (aspect, label), count in sorted(
                counts.items(), key=lambda item: (list(CLASSES).index(item[0][0]), -item[1])
            )
        ),
        spreads=tuple(spread.result(measurement) for measurement, spread in sums.items() if spread.count),
        dfg_changes=changes,
    )


class _Spread:
    """Running mean and variance (Welford, Technometrics 1962, 4, 419)."""

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, value: float | None) -> None:
        if value is None or math.isnan(value):
            return
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self._squares += step * (value - self.mean)

    def result(self, name: str) -> MeasuredSpread:
        variance = self._squares / (self.count - 1) if self.count > 1 else 0.0
        return MeasuredSpread(
            name=name, frames=self.count, mean=self.mean, standard_deviation=math.sqrt(variance)
        )


class _Table(AbstractContextManager["_Table"]):
    """One CSV row per frame, renamed into place when the last one is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._columns = [name for name in StateGeometry.model_fields if name not in _TABLE_SKIPS]

    def __enter__(self) -> _Table:
        try:
            self._handle = self._partial.open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise BadInputError(
                f"The table cannot be written ({error.strerror or error}).",
                where=str(self._path),
                remedy="Name a file in a folder that exists and can be written.",
            ) from None
        self._writer = csv.writer(self._handle, lineterminator="\n")
        self._writer.writerow(["frame", "time_ps", *self._columns])
        return self

    def write(self, frame: Frame) -> None:
        values = [getattr(frame.geometry, name) for name in self._columns]
        self._writer.writerow(
            [
                frame.frame,
                frame.time_ps,
                *(f"{value:.3f}" if isinstance(value, float) else value for value in values),
            ]
        )

    def __exit__(self, kind: object, *_: object) -> None:
        self._handle.close()
        if kind is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)
