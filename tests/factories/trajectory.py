"""Trajectories with a known motion, and replica directories as dynamics leaves them; nothing is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from biotite.structure import AtomArray

from kinscope.core.files import write_atomic
from kinscope.dynamics.files.reading import read_blocks
from kinscope.dynamics.files.trajectory import finished_trajectory
from kinscope.dynamics.records import (
    REPLICA_RECORD_FILE,
    TOPOLOGY_FILE,
    TRAJECTORY_FILE,
    PlatformChoice,
    ReplicaRecord,
    StepPlan,
)
from kinscope.dynamics.settings import ProtocolSettings
from kinscope.structures.io import read_model, write_model
from kinscope.targets import load_target
from kinscope.trajectories.frames import Chunk, Fit

Floats = np.ndarray[Any, np.dtype[np.float64]]


def shipped_model(state: str = "kinase-dfg-in") -> AtomArray:
    return read_model(load_target("abl1").directory / "models" / state / "model.cif.gz")


def tumbling(frames: Floats, seed: int) -> Floats:
    """The same frames, each turned and shifted as a molecule in solution is."""
    from scipy.spatial.transform import Rotation

    random = np.random.default_rng(seed)
    turns = Rotation.random(len(frames), rng=random).as_matrix()
    return frames @ turns + random.normal(0.0, 15.0, (len(frames), 1, 3))


def moving(atoms: AtomArray, frames: int, seed: int, mobile: dict[int, float] | None = None) -> Floats:
    """Residues that jump rigidly about their place, 0.3 angstrom each way unless ``mobile`` says more.

    The RMSF of residue i is sqrt(3) times its number, because all its atoms move together.
    """
    random = np.random.default_rng(seed)
    numbers, place = np.unique(atoms.res_id, return_inverse=True)
    size = np.array([(mobile or {}).get(int(number), 0.3) for number in numbers])
    steps = random.normal(0.0, 1.0, (frames, len(numbers), 3)) * size[:, None]
    return np.asarray(atoms.coord, dtype=np.float64) + steps[:, place]


def write_xtc(path: Path, frames: Floats, *, step_ps: float = 10.0, box: float = 120.0) -> None:
    from biotraj import XTCTrajectoryFile

    count = len(frames)
    with XTCTrajectoryFile(str(path), "w") as handle:
        handle.write(
            np.asarray(frames / 10.0, dtype=np.float32),
            time=(np.arange(count) * step_ps).astype(np.float32),
            step=np.arange(count, dtype=np.int32),
            box=np.tile(np.eye(3, dtype=np.float32) * box / 10.0, (count, 1, 1)),
        )


def write_replica(
    directory: Path, atoms: AtomArray, frames: Floats, number: int, *, step_ps: float = 10.0
) -> Path:
    """A finished replica as :mod:`kinscope.dynamics.replicas.run` leaves it."""
    directory.mkdir(parents=True)
    write_model(directory / TOPOLOGY_FILE, atoms)
    write_xtc(directory / TRAJECTORY_FILE, frames, step_ps=step_ps)
    record = ReplicaRecord(
        replica=number,
        seed=number,
        status="finished",
        platform=PlatformChoice(name="none", properties={}, deterministic=True, reason="made for a test"),
        openmm="none",
        settings=ProtocolSettings(),
        plan=StepPlan(
            thermalise_steps=0,
            release_steps=0,
            production_steps=len(frames),
            frame_interval_steps=1,
            frames=len(frames),
            report_interval_steps=1,
            segment_steps=len(frames),
        ),
        system_sha256="",
        state_sha256="",
        atoms=len(atoms),
        solute_atoms=len(atoms),
        attempt=0,
        time_step_fs=4.0,
        length_ns=len(frames) * step_ps / 1000.0,
        frames=len(frames),
        frame_interval_ps=step_ps,
        temperature_mean_k=300.0,
        temperature_standard_deviation_k=2.0,
        potential_mean_kcal_per_mol=0.0,
        segments=1,
        resumes=0,
        wall_seconds=0.0,
        trajectory_sha256="",
    )
    write_atomic(directory / REPLICA_RECORD_FILE, record.model_dump_json())
    return directory


def read_protein_frames(directory: Path) -> tuple[AtomArray, np.ndarray[Any, np.dtype[np.float32]], Floats]:
    """Atoms, coordinates (n_frames, n_atoms, 3) in angstrom and times (n_frames,) in ps of a replica."""
    atoms = read_model(directory / TOPOLOGY_FILE)
    blocks = list(read_blocks(finished_trajectory(directory)[1]))
    return (
        atoms,
        np.concatenate([block.coordinates for block in blocks]),
        np.concatenate([block.times_ps for block in blocks]),
    )


def array_chunks(
    frames: np.ndarray[Any, Any], *, fit: Fit | None = None, times_ps: Floats | None = None, length: int = 50
) -> Iterator[Chunk]:
    """Chunks of frames that are in memory already, (n_frames, n_atoms, 3), angstrom."""
    times = np.full(len(frames), np.nan) if times_ps is None else times_ps
    for first in range(0, len(frames), length):
        part = np.asarray(frames[first : first + length], dtype=np.float32)
        yield Chunk(part, times[first : first + length], first, fit)
