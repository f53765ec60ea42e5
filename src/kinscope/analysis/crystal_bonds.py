"""Hydrogen bonds that co-crystals show: a small table that ships with a target pack."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.files import write_atomic
from kinscope.core.records import Record

CRYSTAL_BONDS_FILE = "crystal_hydrogen_bonds.csv"
_BOND_COLUMNS = ("drug", "crystal", "residue", "ligand_atom", "protein_atom", "distance_angstrom")
_MAX_BYTES = 2_000_000


class CrystalBond(Record):
    """A hydrogen bond of a drug with the protein in its co-crystal, by the distance of the heavy atoms."""

    drug: str
    crystal: str
    """Entry, chain and component, e.g. ``2HYY:A:STI``."""
    residue: str
    """Of the target's numbering, e.g. ``Met318``."""
    ligand_atom: str
    protein_atom: str
    distance_angstrom: float


def read_crystal_bonds(directory: Path) -> dict[str, tuple[CrystalBond, ...]]:
    """Hydrogen bonds that the co-crystals show, by drug; empty where the pack has no such table.

    Made by ``python benchmarks/crystal_hydrogen_bonds.py --pdb-mirror DIR``.

    Raises BadInputError if the table is damaged.
    """
    path = directory / CRYSTAL_BONDS_FILE
    if not path.is_file():
        return {}
    found: dict[str, list[CrystalBond]] = {}
    try:
        for row in csv.DictReader(io.StringIO(_text(path))):
            bond = CrystalBond.model_validate(row, strict=False)
            found.setdefault(bond.drug, []).append(bond)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise BadInputError(
            f"The table of crystals' hydrogen bonds cannot be read ({_reason(error)}).",
            where=str(path),
            remedy="Install kinscope again, or make it anew with benchmarks/crystal_hydrogen_bonds.py.",
        ) from error
    return {drug: tuple(rows) for drug, rows in found.items()}


def write_crystal_bonds(directory: Path, bonds: Iterable[CrystalBond]) -> None:
    """Write the table that :func:`read_crystal_bonds` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_BOND_COLUMNS)
    for bond in bonds:
        writer.writerow([getattr(bond, name) for name in _BOND_COLUMNS])
    directory.mkdir(parents=True, exist_ok=True)
    write_atomic(directory / CRYSTAL_BONDS_FILE, text.getvalue())


def _text(path: Path) -> str:
    with path.open("rb") as handle:
        raw = handle.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise ValueError(f"{path.name} is larger than {_MAX_BYTES:,} bytes")
    return raw.decode("utf-8")


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return (str(error).splitlines() or [type(error).__name__])[0]
