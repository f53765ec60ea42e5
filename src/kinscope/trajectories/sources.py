"""Trajectories that can be streamed: a finished replica of ours, or a user's own files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.dynamics.files.reading import TrajectoryFile, inspect_trajectory, read_blocks
from kinscope.dynamics.records import TOPOLOGY_FILE, TRAJECTORY_FILE
from kinscope.results.notes import Note
from kinscope.structures.io import read_model
from kinscope.structures.model import AtomArray
from kinscope.trajectories.frames import Chunk, Fit
from kinscope.trajectories.layout import Layout


@dataclass(frozen=True)
class Source:
    """One trajectory, its frames still on disk."""

    name: str
    state: str
    variant: str
    replica: int
    layout: Layout
    """Of the atoms that are read, with the coordinates of the topology."""
    files: tuple[TrajectoryFile, ...]
    """In order of time."""
    places: NDArray[np.intp]
    """Where the atoms of ``layout`` stand in a frame of the files."""
    join: bool = False
    """Whether molecules may be cut by the periodic box."""
    length_ns: float | None = None
    """Known from a record; None: from the times in the file."""
    numbered: bool = True
    """Whether residue numbers are the target's."""
    notes: tuple[Note, ...] = ()

    @property
    def frames(self) -> int:
        """Frames of all files."""
        return sum(file.frames for file in self.files)

    def chunks(self, fit: Fit | None = None, *, stride: int = 1) -> Iterator[Chunk]:
        """The frames, molecules whole, a chunk at a time.

        Raises
        ------
        StructureError
            If a file cannot be decoded to its end.
        """
        first = 0
        for file in self.files:
            for block in read_blocks(file, self.places, stride=stride):
                coordinates = block.coordinates
                if self.join and block.boxes is not None:
                    coordinates = joined(coordinates, block.boxes, self.layout)
                yield Chunk(coordinates, block.times_ps, first, fit)
                first += len(coordinates)

    def sample(self, most: int) -> NDArray[np.float64]:
        """CA atoms of about ``most`` evenly spaced frames, (n, n_residues, 3), angstrom."""
        stride = max(1, -(-self.frames // max(1, most)))
        rows = self.layout.backbone.ca
        parts = [chunk.coordinates[:, rows] for chunk in self.chunks(stride=stride)]
        return np.concatenate(parts).astype(np.float64)


def replica_source(directory: Path, *, state: str, variant: str) -> Source:
    """A finished replica of ours.

    Raises
    ------
    RunDirectoryError
        If the replica is not there or has failed.
    StructureError
        If its trajectory is damaged or of another length than its record says.
    """
    from kinscope.dynamics.files.trajectory import finished_record

    record = finished_record(directory)
    found = inspect_trajectory(directory / TRAJECTORY_FILE)
    atoms = read_model(directory / TOPOLOGY_FILE)
    if found.frames != record.frames or found.atoms != len(atoms):
        raise StructureError(
            f"The trajectory holds {found.frames} frames of {found.atoms} atoms where {record.frames} of "
            f"{len(atoms)} were written.",
            where=str(found.path),
            remedy="Remove the replica's folder and run it again.",
        )
    return Source(
        name=f"{variant} {record.replica + 1}",
        state=state,
        variant=variant,
        replica=record.replica,
        layout=Layout(atoms),
        files=(found,),
        places=np.arange(len(atoms)),
        length_ns=record.length_ns,
    )


def user_source(
    atoms: AtomArray,
    places: NDArray[np.intp],
    total: int,
    trajectories: Sequence[Path],
    *,
    name: str,
    variant: str,
    numbered: bool,
    replica: int = 0,
    notes: tuple[Note, ...] = (),
) -> Source:
    """A trajectory from outside; see :func:`kinscope.trajectories.topology.read_topology`.

    Raises
    ------
    StructureError
        If a file is damaged, or its frames hold another number of atoms than the topology.
    """
    files = tuple(inspect_trajectory(path) for path in trajectories)
    for file in files:
        if file.atoms != total:
            raise StructureError(
                f"The frames hold {file.atoms} atoms, the topology {total}.",
                where=str(file.path),
                remedy="Give the topology that the trajectory was written with.",
            )
    return Source(
        name=name,
        state="",
        variant=variant,
        replica=replica,
        layout=Layout(atoms),
        files=files,
        places=places,
        join=True,
        numbered=numbered,
        notes=notes,
    )


def joined(
    coordinates: NDArray[np.float32], boxes: NDArray[np.float64], layout: Layout
) -> NDArray[np.float32]:
    """Molecules that the periodic box may have cut, made whole, ligands beside the protein.

    The protein's atoms each go to the image nearest to the one before, a ligand's too; the ligand then goes
    to the image nearest to the protein's centre.
    """
    usable = np.abs(np.linalg.det(boxes)) > 1e-6
    if not usable.all():
        return coordinates
    inverse = np.asarray(np.linalg.inv(boxes), dtype=np.float64)
    whole = coordinates.copy()
    protein = np.flatnonzero(layout.protein)
    whole[:, protein] = _chained(coordinates[:, protein], boxes, inverse)
    centre = whole[:, protein].mean(axis=1)
    for _, places in layout.ligands:
        ligand = _chained(coordinates[:, places], boxes, inverse)
        away = np.einsum("fi,fij->fj", ligand.mean(axis=1) - centre, inverse)
        shift = np.einsum("fi,fij->fj", np.rint(away), boxes)
        whole[:, places] = ligand - shift[:, None]
    return whole


def _chained(
    coordinates: NDArray[np.float32], boxes: NDArray[np.float64], inverse: NDArray[np.float64]
) -> NDArray[np.float32]:
    wraps = np.rint(np.diff(coordinates, axis=1) @ inverse.astype(np.float32))
    if not wraps.any():
        return coordinates
    moved = coordinates.copy()
    moved[:, 1:] -= np.cumsum(wraps, axis=1) @ boxes.astype(np.float32)
    return moved
