"""Equilibrated water boxes that ship with a target pack: positions only, the system is rebuilt by code."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.core.files import sha256_of_file, write_atomic
from kinscope.core.records import VersionedRecord
from kinscope.dynamics.box import SolventBox
from kinscope.dynamics.files.system import solvent_of
from kinscope.dynamics.records import Equilibration, SolvatedSystem
from kinscope.dynamics.settings import SolvationSettings
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import TargetPack

BOX_FILE = "box.npz"
BOX_RECORD_FILE = "box.json"
_TYPICAL_VOLUME_CUBIC_NM = 380.0
"""A kinase domain's box."""
_BOND_NM = 0.0957
"""O-H bond of TIP3P (Jorgensen et al., J. Chem. Phys. 1983, 79, 926)."""
_RUNNING = {"cutoff_nm", "ewald_tolerance", "hydrogen_mass_amu", "settle_steps", "equilibration_ps"}
"""Settings that decide how a box runs; the others what is in it."""


class BoxRecord(VersionedRecord):
    """Provenance of a shipped box."""

    state: str
    model_sha256: str
    """Of the model it was equilibrated around (:func:`kinscope.dynamics.box.model_sha256`)."""
    settings: SolvationSettings
    seed: int
    waters: int
    positive_ions: int
    negative_ions: int
    equilibration: Equilibration
    box_sha256: str


@dataclass(frozen=True)
class ShippedBox:
    """A box with its provenance and the CA atoms it lies around."""

    record: BoxRecord
    box: SolventBox
    ca_residues: NDArray[np.int_]
    ca_angstrom: NDArray[np.float32]

    def describe(self, model_sha256: str) -> str:
        """In words, for the record of a system made from it."""
        same = model_sha256 == self.record.model_sha256
        around = "this model" if same else f"an earlier model ({self.record.model_sha256[:12]})"
        run = self.record.equilibration
        return (
            f"box shipped with the target pack, {run.length_ps:g} ps at {run.pressure_bar:g} bar and "
            f"{run.temperature_k:g} K around {around}"
        )


def directory_of(pack: TargetPack, state: str) -> Path:
    """Where a pack keeps the box of a state."""
    return pack.directory / "solvent" / state


def read_box(pack: TargetPack, state: str, settings: SolvationSettings) -> ShippedBox | None:
    """The shipped box of a state if there is one, whole, and made by settings that would make the same."""
    directory = directory_of(pack, state)
    try:
        record = BoxRecord.model_validate_json((directory / BOX_RECORD_FILE).read_text())
        if sha256_of_file(directory / BOX_FILE) != record.box_sha256:
            return None
        data = dict(np.load(directory / BOX_FILE, allow_pickle=False))
    except (OSError, ValueError):
        return None
    if record.settings.model_dump(exclude=_RUNNING) != settings.model_dump(exclude=_RUNNING):
        return None
    oxygen = data["oxygen"] * data["unit_nm"] + data["centre_nm"]
    bonds = data["bonds"] * (_BOND_NM / 127)
    waters = np.concatenate([oxygen[:, None], oxygen[:, None] + bonds], axis=1)
    ions = data["ions"].astype(np.float64)
    box = SolventBox(data["box_nm"], waters, ions[: record.positive_ions], ions[record.positive_ions :])
    return ShippedBox(record, box, data["ca_residues"], data["ca_angstrom"])


def shipped_boxes(pack: TargetPack, state: str, settings: SolvationSettings) -> Iterator[ShippedBox]:
    """The usable boxes of a pack, that of the state first."""
    names = (state, *(other.id for other in pack.states if other.id != state))
    yield from filter(None, (read_box(pack, name, settings) for name in names))


def write_box(
    directory: Path, state: str, system_directory: Path, system: SolvatedSystem, model: AtomArray
) -> Path:
    """Write the box of an equilibrated system: oxygens to 0.0002 nm, O-H bonds to 0.0008 nm; about 150 kB."""
    assert system.equilibration is not None
    box = solvent_of(system_directory)
    centre = box.waters[:, 0].mean(axis=0)
    oxygen = box.waters[:, 0] - centre
    unit = float(np.abs(oxygen).max() / 32_000)
    quantised = np.round(oxygen / unit).astype(np.int16)
    bonds = np.round((box.waters[:, 1:] - box.waters[:, :1]) / (_BOND_NM / 127)).astype(np.int8)
    alpha = model[model.atom_name == "CA"]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        box_nm=box.box,
        centre_nm=centre,
        unit_nm=np.float64(unit),
        oxygen=quantised,
        bonds=bonds,
        ions=np.concatenate([box.positive, box.negative]).astype(np.float32),
        ca_residues=np.asarray(alpha.res_id, dtype=np.int32),
        ca_angstrom=np.asarray(alpha.coord, dtype=np.float32),
    )
    directory.mkdir(parents=True, exist_ok=True)
    write_atomic(directory / BOX_FILE, buffer.getvalue())
    record = BoxRecord(
        state=state,
        model_sha256=system.model_sha256,
        settings=system.settings,
        seed=system.seed,
        waters=system.waters,
        positive_ions=system.positive_ions,
        negative_ions=system.negative_ions,
        equilibration=system.equilibration,
        box_sha256=sha256_of_file(directory / BOX_FILE),
    )
    write_atomic(directory / BOX_RECORD_FILE, record.model_dump_json(indent=1) + "\n")
    return directory / BOX_FILE


def expected_volume(pack: TargetPack) -> float:
    """Volume, cubic nm, of the first box that ships with a pack, or of a kinase domain's."""
    for path in sorted((pack.directory / "solvent").glob(f"*/{BOX_RECORD_FILE}")):
        with suppress(OSError, ValueError, IndexError):
            record = BoxRecord.model_validate_json(path.read_bytes())
            return record.equilibration.density[-1].volume_cubic_nm
    return _TYPICAL_VOLUME_CUBIC_NM
