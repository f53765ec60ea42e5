"""The atlas: what every substitution costs every drug, as it ships; reading it starts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record

if TYPE_CHECKING:
    from kinscope.targets.pack import TargetPack
    from kinscope.variants.model import Variant

ATLAS_FILE = "atlas.parquet"
PROVENANCE_FILE = "atlas.json"


class Predicted(Record):
    """What the atlas says of one substitution and one drug. Energies in kcal/mol, positive where lost."""

    change: str
    """``K404E``."""
    residue: int
    drug: str
    tier: int
    """1: ensembles of rotamers; no relaxed complexes."""
    ddg_kcal_per_mol: float
    low_80: float
    high_80: float
    low_90: float
    high_90: float
    upper_95: float
    """One-sided bound."""
    p_lost: float
    """Probability of a tenfold loss."""
    left_out: bool
    """Whether measurements of this residue were left out of the model for this row."""
    reach_angstrom: float
    """From the native residue's heavy atoms to the drug's."""
    spoken_for: bool
    """Whether a measured residue lies within 8 angstrom (CA); if not, the interval is that of whole regions
    left out."""
    nearest_measured: int
    nearest_angstrom: float
    trained_on_site: bool
    """False for drugs of a site of which no pair was measured: the terms are carried over from another."""
    drivers: dict[str, float]
    """What each term adds to the prediction, kcal/mol."""
    fold_rule: str
    """``catalytic``: a residue that kinases do not do without; ``packing``: packs worse without any drug than
    95 % of single-base substitutions; empty: neither."""
    packing_excess: float
    """kcal/mol of packing beyond what the residue kinds cost elsewhere in the domain."""
    codons: str
    """Single-base changes that make it, ``c.1210A>G``; empty: none does."""
    mutability: str
    """Of the likeliest of them: ``CpG transition``, ``transition`` or ``transversion``."""

    @property
    def kept(self) -> bool:
        """Whether a tenfold loss is excluded at 95 per cent."""
        return self.upper_95 < 1.36

    @property
    def lost(self) -> bool:
        """Whether a tenfold loss is the better guess."""
        return self.ddg_kcal_per_mol > 1.36


def atlas_path(pack: TargetPack) -> Path:
    """Where the atlas of a pack lies."""
    return pack.directory / "affinity" / ATLAS_FILE


def rows_of(pack: TargetPack, changes: Iterable[str]) -> list[Predicted]:
    """The rows of some substitutions (``K404E``), every drug.

    Raises BadInputError if the pack has no atlas.
    """
    wanted = set(changes)
    return [row for row in _read(pack, {int(change[1:-1]) for change in wanted}) if row.change in wanted]


def all_rows(pack: TargetPack) -> list[Predicted]:
    """The whole atlas.

    Raises BadInputError if the pack has none.
    """
    return _read(pack, None)


def predicted(pack: TargetPack, variant: Variant) -> dict[str, list[Predicted]]:
    """What the atlas says of a variant, one row for each of its substitutions, by drug.

    Empty where the pack has no atlas; a substitution that it does not hold has no row.
    """
    if not atlas_path(pack).is_file():
        return {}
    changes = [f"{item.wild_type}{item.position}{item.mutant}" for item in variant.substitutions]
    found: dict[str, list[Predicted]] = {}
    for row in rows_of(pack, changes):
        found.setdefault(row.drug, []).append(row)
    return found


def provenance(pack: TargetPack) -> dict[str, object]:
    """How the atlas was made; empty if the pack has none."""
    path = pack.directory / "affinity" / PROVENANCE_FILE
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def _read(pack: TargetPack, residues: set[int] | None) -> list[Predicted]:
    import pyarrow.parquet as pq

    path = atlas_path(pack)
    if not path.is_file():
        raise BadInputError(
            f"The target pack of {pack.gene} has no atlas of affinity.",
            where=str(path),
            remedy="Make it with: kinscope scan --region kinase-domain --write",
        )
    table = pq.ParquetFile(path).read()
    if residues is not None:
        numbers = table.column("residue").to_pylist()
        table = table.take([place for place, number in enumerate(numbers) if number in residues])
    rows = table.to_pylist()
    for row in rows:
        row["drivers"] = json.loads(row["drivers"])
    return [Predicted.model_construct(**row) for row in rows]
