"""Replicas read for analysis: CA atoms of every trajectory, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.analysis.fluctuation import rmsd
from kinscope.analysis.results import SimulationSummary
from kinscope.core.errors import KinscopeError
from kinscope.dynamics.records import REPLICA_RECORD_FILE, ReplicaRecord
from kinscope.dynamics.trajectory import read_protein_frames

Array = np.ndarray[Any, Any]


@dataclass
class Replicas:
    """The replicas of one system."""

    variant: str = ""
    residues: Array = field(default_factory=lambda: np.empty(0, dtype=int))
    """Residue number of each CA, shape (n_residues,)."""
    frames: list[Array] = field(default_factory=list)
    """CA coordinates of each finished replica, shape (n_frames, n_residues, 3), angstrom."""
    summaries: list[SimulationSummary] = field(default_factory=list)
    length_ns: float = 0.0

    def chosen(self, residues: Array) -> list[Array]:
        """Coordinates of the CA atoms of some residues, in their order."""
        place = {int(number): column for column, number in enumerate(self.residues)}
        columns = [place[int(number)] for number in residues]
        return [frames[:, columns] for frames in self.frames]


def read_replicas(directories: Sequence[Path], state: str, variant: str) -> Replicas:
    """Read replicas of one system; one that failed or cannot be read is reported and left out."""
    system = Replicas(variant=variant)
    for directory in directories:
        record = ReplicaRecord.model_validate_json((directory / REPLICA_RECORD_FILE).read_bytes())
        if record.status == "failed" or record.frames < 2:
            note = record.note or "too short for two frames"
            system.summaries.append(_summary(record, state, variant, float("nan"), "failed", note))
            continue
        try:
            atoms, coordinates, _ = read_protein_frames(directory)
        except KinscopeError as error:
            system.summaries.append(_summary(record, state, variant, float("nan"), "failed", error.what))
            continue
        is_ca = np.asarray((atoms.atom_name == "CA") & (atoms.element == "C"))
        frames = np.asarray(coordinates[:, is_ca], dtype=np.float64)
        system.residues = np.asarray(atoms.res_id[is_ca])
        system.frames.append(frames)
        system.length_ns = record.length_ns
        final = float(rmsd(frames[-1:], np.asarray(atoms.coord[is_ca], dtype=np.float64))[0])
        system.summaries.append(_summary(record, state, variant, final, "finished", record.note))
    return system


def _summary(
    record: ReplicaRecord, state: str, variant: str, final: float, status: Any, note: str
) -> SimulationSummary:
    return SimulationSummary(
        state=state,
        variant=variant,
        replica=record.replica,
        seed=record.seed,
        platform=record.platform.name,
        atoms=record.atoms,
        length_ns=record.length_ns,
        timestep_fs=record.time_step_fs,
        temperature_mean_k=record.temperature_mean_k or float("nan"),
        backbone_rmsd_final_angstrom=final,
        status=status,
        note=note,
    )
