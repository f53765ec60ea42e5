"""Trajectories that can be streamed: a finished replica of ours, or a user's own files."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.dynamics.files.reading import TrajectoryFile, inspect_trajectory, read_blocks
from kinscope.dynamics.records import TOPOLOGY_FILE
from kinscope.results.notes import Note, note
from kinscope.structures.io import read_model
from kinscope.trajectories.frames import Chunk, Fit
from kinscope.trajectories.layout import Layout
from kinscope.trajectories.topology import Topology

_LEAST_BOX_CUBIC_ANGSTROM = 1000.0
"""A smaller one, 1 x 1 x 1 above all, stands for none."""


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

        Raises StructureError if a file cannot be decoded to its end, or a frame cannot be one of these atoms
        in angstrom.
        """
        first = 0
        for file in self.files:
            for block in read_blocks(file, self.places, stride=stride):
                coordinates = block.coordinates
                if self.join and block.boxes is not None:
                    coordinates = joined(coordinates, block.boxes, self.layout)
                numbers = range(0, file.frames, stride)[block.first :]
                self.layout.check(coordinates, str(file.path), numbers)
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

    Raises RunDirectoryError if the replica is not there, has failed, or its trajectory is of another length
    than its record says; StructureError if its trajectory is damaged.
    """
    from kinscope.dynamics.files.trajectory import finished_trajectory

    record, found = finished_trajectory(directory)
    atoms = read_model(directory / TOPOLOGY_FILE)
    if found.atoms != len(atoms):
        raise StructureError(
            f"The trajectory holds {found.atoms} atoms, its topology {len(atoms)}.",
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


def user_files(topology: Topology, trajectories: Sequence[Path]) -> tuple[TrajectoryFile, ...]:
    """Trajectories from outside, each held against the topology and the others.

    Raises StructureError if a file is damaged, its frames hold another number of atoms than the topology, or
    two are the same.
    """
    files = [inspect_trajectory(path) for path in trajectories]
    for place, file in enumerate(files):
        if file.atoms != topology.total:
            raise StructureError(
                f"The frames hold {file.atoms} atoms, the topology {topology.total}.",
                where=str(file.path),
                remedy="Give the topology that the trajectory was written with.",
            )
        for earlier in files[:place]:
            if filecmp.cmp(earlier.path, file.path, shallow=False):
                raise StructureError(
                    "Two trajectories are the same, byte by byte; counted twice, they would seem to agree.",
                    where=f"{earlier.path} and {file.path}",
                    remedy="Give each trajectory once.",
                )
    bare = [file.path.name for file in files if not file.boxed]
    if 0 < len(bare) < len(files):
        said = note("box-in-some-files", without=tuple(bare))
        files = [replace(file, notes=(*file.notes, said)) for file in files]
    return tuple(files)


def user_source(
    topology: Topology,
    files: Sequence[TrajectoryFile],
    *,
    variant: str,
    replica: int = 0,
    notes: tuple[Note, ...] = (),
) -> Source:
    """A trajectory from outside, of one file or of several in order of time."""
    return Source(
        name=" + ".join(file.path.name for file in files),
        state="",
        variant=variant,
        replica=replica,
        layout=topology.layout,
        files=tuple(files),
        places=topology.places,
        join=True,
        numbered=topology.numbered,
        notes=(*topology.notes, *notes, *(said for file in files for said in file.notes)),
    )


@np.errstate(invalid="ignore", over="ignore")
def joined(
    coordinates: NDArray[np.float32], boxes: NDArray[np.float64], layout: Layout
) -> NDArray[np.float32]:
    """Molecules that the periodic box may have cut, made whole, ligands beside the protein.

    The protein's atoms each go to the image nearest to the one before, a ligand's too; the ligand then goes
    to the image nearest to the protein's centre. A frame without a box stays as it is.
    """
    usable = np.abs(np.linalg.det(boxes)) > _LEAST_BOX_CUBIC_ANGSTROM
    if not usable.any():
        return coordinates
    inverse = np.zeros_like(boxes)
    inverse[usable] = np.linalg.inv(boxes[usable])
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
