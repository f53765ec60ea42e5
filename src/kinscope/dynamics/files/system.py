"""A solvated system as a directory: written with its record last, read with its checksums checked."""

from __future__ import annotations

import gzip
import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.core.errors import RunDirectoryError
from kinscope.core.files import sha256_of_file, write_atomic
from kinscope.dynamics import box as boxes
from kinscope.dynamics.box import FloatArray, SolventBox
from kinscope.dynamics.records import (
    PROTEIN_FILE,
    SOLVATED_FILE,
    STATE_FILE,
    SYSTEM_FILE,
    SYSTEM_RECORD_FILE,
    BoundLigand,
    Equilibration,
    SolvatedSystem,
)
from kinscope.dynamics.settings import SolvationSettings
from kinscope.structures.io import write_model
from kinscope.structures.model import AtomArray


@dataclass(frozen=True)
class Origin:
    """What :func:`store` must know of where a box came from."""

    variant: str
    seed: int
    text: str
    equilibration: Equilibration | None = None
    removed: int = 0
    exchanged: int = 0
    started: float = 0.0
    ligands: tuple[BoundLigand, ...] = ()


def store(
    directory: Path,
    solute: AtomArray,
    box: SolventBox,
    settings: SolvationSettings,
    origin: Origin,
    energy_kcal_per_mol: float,
) -> SolvatedSystem:
    """Write state, models and, last, the record that makes the directory complete."""
    positions, _ = boxes.solute_arrays(solute)
    write_state(directory / STATE_FILE, np.concatenate([positions, box.positions()]), box.box)
    write_model(directory / PROTEIN_FILE, solute)
    write_model(directory / SOLVATED_FILE, boxes.solvated_array(solute, box))
    record = SolvatedSystem(
        variant=origin.variant,
        model_sha256=boxes.model_sha256(solute),
        seed=origin.seed,
        settings=settings,
        atoms=len(positions) + box.atoms,
        solute_atoms=len(positions),
        waters=len(box.waters),
        positive_ions=len(box.positive),
        negative_ions=len(box.negative),
        solute_charge_e=len(box.negative) - len(box.positive),
        box_nm=tuple((float(a), float(b), float(c)) for a, b, c in box.box),
        volume_cubic_nm=float(np.linalg.det(box.box)),
        origin=origin.text,
        equilibration=origin.equilibration,
        waters_removed=origin.removed,
        waters_exchanged=origin.exchanged,
        least_image_distance_nm=boxes.least_image_distance(positions, box.box),
        potential_kcal_per_mol=energy_kcal_per_mol,
        system_sha256=sha256_of_file(directory / SYSTEM_FILE),
        state_sha256=sha256_of_file(directory / STATE_FILE),
        wall_seconds=time.monotonic() - origin.started,
        ligands=origin.ligands,
    )
    write_atomic(directory / SYSTEM_RECORD_FILE, record.model_dump_json(indent=1))
    return record


def write_system(directory: Path, system: Any) -> None:
    """Store a System as compressed XML, the same bytes for the same System."""
    from openmm import XmlSerializer

    text = XmlSerializer.serialize(system).encode()
    write_atomic(directory / SYSTEM_FILE, gzip.compress(text, compresslevel=1, mtime=0))


def write_state(path: Path, positions: FloatArray, box: FloatArray) -> None:
    """Store positions (n, 3) and box (3, 3), nm, at full precision."""
    buffer = io.BytesIO()
    np.savez(buffer, positions_nm=positions, box_nm=box)
    write_atomic(path, buffer.getvalue())


def load_record(directory: Path) -> SolvatedSystem:
    """The record of a solvated system.

    Raises RunDirectoryError if it is missing or unreadable.
    """
    path = directory / SYSTEM_RECORD_FILE
    try:
        return SolvatedSystem.model_validate_json(path.read_text())
    except (OSError, ValueError) as error:
        what = f"There is no complete solvated system here ({type(error).__name__})."
        raise _unusable(what, path) from error


def load_system(directory: Path) -> tuple[Any, FloatArray, FloatArray, SolvatedSystem]:
    """System, positions (n, 3) nm, box (3, 3) nm and record, checked against their checksums.

    Raises RunDirectoryError if a file is missing or is not the one the record describes.
    """
    from openmm import XmlSerializer

    record = load_record(directory)
    for name, expected in ((SYSTEM_FILE, record.system_sha256), (STATE_FILE, record.state_sha256)):
        path = directory / name
        if not path.is_file() or sha256_of_file(path) != expected:
            raise _unusable("A file of the solvated system is missing or damaged.", path)
    system = XmlSerializer.deserialize(gzip.decompress((directory / SYSTEM_FILE).read_bytes()).decode())
    with np.load(directory / STATE_FILE, allow_pickle=False) as data:
        return system, data["positions_nm"], data["box_nm"], record


def _unusable(what: str, path: Path) -> RunDirectoryError:
    return RunDirectoryError(what, where=str(path), remedy="Solvate the model again.")


def solvent_of(directory: Path) -> SolventBox:
    """The solvent of a stored system."""
    record = load_record(directory)
    with np.load(directory / STATE_FILE, allow_pickle=False) as data:
        positions, box = data["positions_nm"], data["box_nm"]
    solute = positions[: record.solute_atoms]
    return SolventBox.from_positions(
        positions[record.solute_atoms :], box, record.positive_ions, record.negative_ions, solute.mean(axis=0)
    )
