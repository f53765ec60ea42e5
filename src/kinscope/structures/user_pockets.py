"""What stood in the pockets of a user's structure, kept beside its model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from kinscope.core.files import write_atomic
from kinscope.core.records import Record
from kinscope.structures.model import AtomArray
from kinscope.structures.user_ligands import occupant_array
from kinscope.structures.user_records import PocketLigand


class Occupant(Record):
    """A molecule of a pocket: heavy atoms in the model's frame."""

    ligand: PocketLigand
    elements: tuple[str, ...]
    coordinates_angstrom: tuple[tuple[float, float, float], ...]


_OCCUPANTS = TypeAdapter(list[Occupant])


def write_occupants(path: Path, ligands: tuple[PocketLigand, ...], occupants: tuple[AtomArray, ...]) -> None:
    """Write the molecules of the pockets as JSON."""
    rows = [
        Occupant(
            ligand=ligand,
            elements=tuple(str(element) for element in atoms.element),
            coordinates_angstrom=tuple(
                (round(float(x), 3), round(float(y), 3), round(float(z), 3)) for x, y, z in atoms.coord
            ),
        )
        for ligand, atoms in zip(ligands, occupants, strict=True)
    ]
    write_atomic(path, _OCCUPANTS.dump_json(rows, indent=1))


def read_occupants(path: Path) -> dict[str, AtomArray]:
    """The molecules that the file itself showed, by their Chemical Component codes; the first of each."""
    found: dict[str, AtomArray] = {}
    for row in _OCCUPANTS.validate_json(path.read_bytes()):
        if not row.ligand.stand_in and row.ligand.name not in found:
            coordinates = np.array(row.coordinates_angstrom, dtype=np.float64)
            found[row.ligand.name] = occupant_array(row.ligand.name, list(row.elements), coordinates)
    return found
