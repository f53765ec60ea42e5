"""Variants whose behaviour is published, read on the same instrument as the variant asked about.

A reading without a control says little: if the positive control is not seen either, the absence of an effect
is no evidence. The readings are computed by our own command (``python benchmarks/mobility_controls.py``) and
ship with a target pack as two small text files: ``controls/normal_modes.csv``, the mean RMSF of every region
in every replica, and ``controls/provenance.yaml``, what they are of and how they came about.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from pydantic import ValidationError

from kinscope.analysis.regions import region_means, region_rows, rmsf_difference
from kinscope.analysis.statistics import correct_family
from kinscope.core.errors import BadInputError
from kinscope.core.files import write_atomic
from kinscope.core.records import Record
from kinscope.core.residues import ranges
from kinscope.results.measured import FluctuationProfile, RegionComparison
from kinscope.results.notes import Note, note

READINGS_FILE = "normal_modes.csv"
PROVENANCE_FILE = "provenance.yaml"
CRYSTAL_BONDS_FILE = "crystal_hydrogen_bonds.csv"
_BOND_COLUMNS = ("drug", "crystal", "residue", "ligand_atom", "protein_atom", "distance_angstrom")
_COLUMNS = ("state", "variant", "region", "residues", "rmsf_angstrom")
_DECIMALS = 5
_MAX_BYTES = 2_000_000


class ControlVariant(Record):
    """A variant whose behaviour is known, and what is known of it."""

    variant: str
    positive: bool
    """Whether an effect is reported that an instrument should see; False: that there is none."""
    reported: str
    """What is published of it, in words that follow its name: ``is reported to ...``."""
    citation: str
    states: tuple[str, ...]
    """Where it is a control."""
    regions: tuple[str, ...]
    """Of what: names of the regions that the report is about."""


class ModesAgreement(Record):
    """How far native normal modes follow crystal B factors, as ``kinscope benchmark rmsf`` printed it."""

    state: str
    crystals: str
    """E.g. ``mean of 24 chains, kinase, DFG-out``."""
    residues: int
    pearson: float
    pearson_low: float
    pearson_high: float
    spearman: float
    among_crystals: str = ""
    """How far such crystals agree with one another, in words; empty: not measured."""


class ControlProvenance(Record):
    """How the readings came about, and of what."""

    kinscope_version: str
    created: str
    """ISO date, UTC."""
    command: str
    machine: str
    settings: dict[str, str | int | float | bool]
    """Of the normal modes; a run with others is not the same instrument."""
    models: dict[str, str]
    """SHA-256 of each state's native model."""
    controls: tuple[ControlVariant, ...]
    agreement: tuple[ModesAgreement, ...] = ()
    agreement_command: str = ""


class ControlReading(Record):
    """One control in one state, region by region, corrected for all regions of the state."""

    variant: str
    state: str
    regions: tuple[RegionComparison, ...]


class MobilityControls(Record):
    """The controls of a target, as a study shows them."""

    provenance: ControlProvenance
    readings: tuple[ControlReading, ...]
    notes: tuple[Note, ...] = ()
    """Why a reading is not shown, e.g. that its model has changed since."""

    def reading(self, variant: str, state: str) -> ControlReading | None:
        """The reading of a variant in a state; None if there is none."""
        return next((r for r in self.readings if (r.variant, r.state) == (variant, state)), None)


class RegionMeans(Record):
    """Mean RMSF of one region in every replica of one variant and state."""

    state: str
    variant: str
    region: str
    residues: tuple[int, ...]
    rmsf_angstrom: tuple[float, ...]


def means_of(profile: FluctuationProfile, regions: Mapping[str, Sequence[int]]) -> list[RegionMeans]:
    """The region means of a profile; residues that it lacks are left out, and regions without any."""
    held = set(profile.residues)
    found = []
    for name, members in regions.items():
        kept = tuple(number for number in members if number in held)
        if kept:
            rounded = tuple(round(float(value), _DECIMALS) for value in region_means(profile, kept))
            found.append(
                RegionMeans(
                    state=profile.state,
                    variant=profile.variant,
                    region=name,
                    residues=kept,
                    rmsf_angstrom=rounded,
                )
            )
    return found


def write_controls(directory: Path, means: Iterable[RegionMeans], provenance: ControlProvenance) -> None:
    """Write both files of a target's controls."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in sorted(means, key=lambda item: (item.state, item.variant != "native", item.variant)):
        values = " ".join(f"{value:.{_DECIMALS}f}" for value in row.rmsf_angstrom)
        writer.writerow([row.state, row.variant, row.region, _ranges(row.residues), values])
    directory.mkdir(parents=True, exist_ok=True)
    write_atomic(directory / READINGS_FILE, text.getvalue())
    content = yaml.safe_dump(
        provenance.model_dump(mode="json"), sort_keys=False, width=110, allow_unicode=True
    )
    write_atomic(directory / PROVENANCE_FILE, content)


def read_controls(directory: Path) -> MobilityControls | None:
    """The controls in a directory, compared with native as any variant is; None if there are none.

    Raises BadInputError if a file is damaged.
    """
    table, about = directory / READINGS_FILE, directory / PROVENANCE_FILE
    if not table.is_file() or not about.is_file():
        return None
    try:
        provenance = ControlProvenance.model_validate(yaml.safe_load(_text(about)))
        means = [_row(row) for row in csv.DictReader(io.StringIO(_text(table)))]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise BadInputError(
            f"The controls of the target cannot be read ({_reason(error)}).",
            where=str(directory),
            remedy="Install kinscope again, or make them anew with benchmarks/mobility_controls.py.",
        ) from error
    pairs = dict.fromkeys((row.variant, row.state) for row in means if row.variant != "native")
    return MobilityControls(
        provenance=provenance,
        readings=tuple(_reading(variant, state, means) for variant, state in pairs),
    )


def same_instrument(
    controls: MobilityControls, settings: Mapping[str, object], models: Mapping[str, str]
) -> MobilityControls:
    """The controls that were read with these settings on these models, with a note on those that were not.

    ``models``: SHA-256 of the native models of this installation, by state.
    """
    if dict(settings) != dict(controls.provenance.settings):
        return controls.model_copy(update={"readings": (), "notes": (note("controls-other-settings"),)})
    held = [r for r in controls.readings if controls.provenance.models.get(r.state) == models.get(r.state)]
    gone = dict.fromkeys(r.state for r in controls.readings if r not in held)
    notes = tuple(note("controls-other-model", state=state) for state in gone)
    return controls.model_copy(update={"readings": tuple(held), "notes": notes})


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


def _reading(variant: str, state: str, means: Sequence[RegionMeans]) -> ControlReading:
    of_state = [row for row in means if row.state == state]
    native = {row.region: row for row in of_state if row.variant == "native"}
    mutant = [row for row in of_state if row.variant == variant and row.region in native]
    sides = {
        row.region: (np.asarray(native[row.region].rmsf_angstrom), np.asarray(row.rmsf_angstrom))
        for row in mutant
    }
    words = "{} native and {} mutant independently relaxed models"
    raw = [
        rmsf_difference(first, second, words.format(len(first), len(second)))
        for first, second in sides.values()
    ]
    members = {row.region: row.residues for row in mutant}
    rows = region_rows("normal_modes", state, members, sides, correct_family(raw))
    return ControlReading(variant=variant, state=state, regions=tuple(rows))


def _row(row: Mapping[str, str]) -> RegionMeans:
    return RegionMeans(
        state=row["state"],
        variant=row["variant"],
        region=row["region"],
        residues=_numbers(row["residues"]),
        rmsf_angstrom=tuple(float(value) for value in row["rmsf_angstrom"].split()),
    )


def _ranges(numbers: Sequence[int]) -> str:
    """``240-252 255``: inclusive ranges."""
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges(numbers))


def _numbers(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


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
