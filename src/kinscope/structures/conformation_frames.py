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
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kinscope.analysis.results import StateGeometry
from kinscope.core.errors import BadInputError, StructureError
from kinscope.core.records import Record
from kinscope.structures.conformation_atoms import AtomTable
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
_FRAMES_AT_ONCE = 20
_NANOMETRE = 10.0


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


class _Reader(Protocol):
    def read(self, n_frames: int, *, atom_indices: NDArray[np.intp]) -> tuple[Any, ...]:
        """The next frames."""


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
    name, atoms, rows, total = _mapped_chain(topology, pack, chain)
    table = AtomTable(atoms)

    def frames() -> Iterator[Frame]:
        count = 0
        for path in trajectories:
            for coordinates, box, time in _positions(path, rows, total):
                moved = table.moved(_whole(coordinates, box))
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


def _mapped_chain(topology: Path, pack: TargetPack, chain: str) -> tuple[str, Any, NDArray[np.intp], int]:
    """The chain's name and atoms, the place of each in the file, and how many atoms the file holds."""
    from kinscope.structures.entries import chain_of_structure, protein_chains
    from kinscope.structures.source import read_structure_file

    structure = read_structure_file(topology)
    names = protein_chains(structure, pack)
    if not names or (chain and chain not in names):
        raise StructureError(
            f"No chain {chain + ' ' if chain else ''}of this structure is of {pack.gene}.",
            where=str(topology),
            remedy=f"Its chains of {pack.gene}: {', '.join(names) or 'none'}.",
        )
    name = chain or names[0]
    found = chain_of_structure(structure, name, pack, label=f"{topology.name}:{name}")
    serials = sorted(site.atom.serial for site in structure[0].all())
    if len(set(serials)) < len(serials):
        raise StructureError(
            "Atoms of the topology share a number, so it cannot be told which of a frame they are.",
            where=str(topology),
            remedy="Write the topology as mmCIF, or number its atoms from 1 on.",
        )
    order = {serial: place for place, serial in enumerate(serials)}
    author = {label: number for number, label in found.author_numbers.items()}
    places: dict[tuple[int, str], int] = {}
    for residue in structure[0][name]:
        number = author.get(str(residue.seqid))
        if number is not None:
            for atom in residue:
                atom_name = "SD" if (residue.name, atom.name) == ("MSE", "SE") else atom.name
                places.setdefault((number, atom_name), order[atom.serial])
    rows = [
        places[int(number), str(label)]
        for number, label in zip(found.atoms.res_id, found.atoms.atom_name, strict=True)
    ]
    return name, found.atoms, np.array(rows, dtype=np.intp), len(serials)


def _positions(
    path: Path, rows: NDArray[np.intp], total: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None, float | None]]:
    """Coordinates (n, 3), box (3, 3) in angstrom and time of every frame."""
    kind = path.suffix.lower()
    if kind not in (".xtc", ".dcd"):
        raise StructureError(
            "This is no trajectory that can be read.", where=str(path), remedy="Give an XTC or DCD file."
        )
    if not path.is_file():
        raise StructureError("There is no such trajectory.", where=str(path), remedy="Check the path.")
    import biotraj  # type: ignore[import-untyped]

    opener = biotraj.XTCTrajectoryFile if kind == ".xtc" else biotraj.DCDTrajectoryFile
    try:
        with opener(str(path), "r") as handle:
            _check_size(handle, path, total)
        with opener(str(path), "r") as handle:
            while True:
                block = _next_block(handle, rows, kind)
                if not block:
                    return
                yield from block
    except StructureError:
        raise
    except (OSError, RuntimeError, ValueError, TypeError, IndexError) as error:
        why = str(error).splitlines()[0][:160] if str(error) else "it cannot be read"
        raise StructureError(
            f"The trajectory is damaged ({why}).",
            where=str(path),
            remedy="Write it again, or cut it before the damage.",
        ) from None


def _check_size(handle: Any, path: Path, total: int) -> None:
    first = handle.read(1)[0]
    if len(first) and first.shape[1] != total:
        raise StructureError(
            f"The frames hold {first.shape[1]} atoms, the topology {total}.",
            where=str(path),
            remedy="Give the topology that the trajectory was written with.",
        )


def _next_block(
    handle: _Reader, rows: NDArray[np.intp], kind: str
) -> list[tuple[NDArray[np.float64], NDArray[np.float64] | None, float | None]]:
    if kind == ".xtc":
        coordinates, times, _, boxes = handle.read(_FRAMES_AT_ONCE, atom_indices=rows)
        scale = _NANOMETRE
    else:
        coordinates, lengths, angles = handle.read(_FRAMES_AT_ONCE, atom_indices=rows)
        times = [None] * len(coordinates)
        boxes = None if lengths is None else [_box(*sides) for sides in zip(lengths, angles, strict=True)]
        scale = 1.0
    return [
        (
            np.asarray(xyz, dtype=np.float64) * scale,
            None if boxes is None else np.asarray(boxes[place], dtype=np.float64) * scale,
            None if times[place] is None else float(times[place]),
        )
        for place, xyz in enumerate(coordinates)
    ]


def _box(lengths: NDArray[Any], angles: NDArray[Any]) -> NDArray[np.float64]:
    """Box vectors as rows, from lengths and angles (degrees)."""
    a, b, c = (float(value) for value in lengths)
    alpha, beta, gamma = (math.radians(float(value)) for value in angles)
    if min(a, b, c) <= 0 or math.sin(gamma) == 0:
        return np.zeros((3, 3))
    x, y = math.cos(beta), (math.cos(alpha) - math.cos(beta) * math.cos(gamma)) / math.sin(gamma)
    z = math.sqrt(max(0.0, 1.0 - x * x - y * y))
    return np.array([[a, 0.0, 0.0], [b * math.cos(gamma), b * math.sin(gamma), 0.0], [c * x, c * y, c * z]])


def _whole(coordinates: NDArray[np.float64], box: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """A chain that the periodic box may have cut, joined: each atom nearest to the one before it."""
    if box is None or abs(np.linalg.det(box)) < 1e-6:
        return coordinates
    steps = np.diff(coordinates, axis=0)
    wraps = np.rint(steps @ np.linalg.inv(box))
    if not wraps.any():
        return coordinates
    joined = coordinates.copy()
    joined[1:] -= np.cumsum(wraps, axis=0) @ box
    return joined
