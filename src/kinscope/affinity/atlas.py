"""The atlas: what every substitution costs every drug, as it ships; reading it starts nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kinscope.core.errors import BadInputError
from kinscope.core.records import Record

if TYPE_CHECKING:
    from kinscope.targets.pack import TargetPack
    from kinscope.variants.model import Substitution, Variant

LOST_KCAL_PER_MOL = 1.36
"""Tenfold at 298 K."""
FAR_ANGSTROM = 10.0
"""Beyond this distance from the drug no measured pair lost tenfold, and the terms see nothing."""
Call = Literal["kept", "lost", "loss suspected", "open", "out of reach", "not calibrated"]


class Interval(Record):
    """A predicted ddG with what is known of its error, kcal/mol; positive where affinity is lost."""

    ddg_kcal_per_mol: float
    low_80: float
    high_80: float
    low_90: float
    high_90: float
    upper_95: float
    """One-sided bound: in 19 of 20 the loss is smaller."""
    p_lost: float
    """Probability of a tenfold loss."""
    suspect_above: float = LOST_KCAL_PER_MOL
    """Predictions are shrunken: as many exceed this as measurements exceed a tenfold loss."""

    @property
    def kept(self) -> bool:
        """Whether a tenfold loss is excluded at 95 per cent."""
        return self.upper_95 < LOST_KCAL_PER_MOL

    @property
    def lost(self) -> bool:
        """Whether a tenfold loss is the better guess."""
        return self.ddg_kcal_per_mol > LOST_KCAL_PER_MOL


class Predicted(Interval):
    """What the atlas says of one substitution and one drug."""

    change: str
    """``K404E``."""
    residue: int
    drug: str
    tier: int
    """1: ensembles of rotamers; 2: relaxed complexes stand beside them."""
    left_out: bool
    """Whether measurements of this residue were left out of the model for this row."""
    measured_kcal_per_mol: float | None
    """What was measured of this very pair, and left out; none: it was not."""
    measured_source: str
    relaxed_kcal_per_mol: float | None
    """Tier 2: the difference of interaction energies in relaxed complexes, with its 95 % interval."""
    relaxed_low: float | None
    relaxed_high: float | None
    reach_angstrom: float
    """From the native residue's heavy atoms to the drug's."""
    spoken_for: bool
    """Whether a measured residue lies within 8 angstrom (CA); else the interval is of regions left out."""
    nearest_measured: int
    nearest_angstrom: float
    trained_on_site: bool
    """False for drugs of a site of which no pair was measured: the terms are carried over from another."""
    drivers: dict[str, float]
    """What each term adds to the prediction, kcal/mol."""
    fold_rule: str
    """``catalytic``: a residue that kinases do not do without; ``packing``: packs worse without any drug than
    95 % of single-base substitutions; empty: neither; ``not computed``: the packing is not known yet."""
    packing_excess: float
    """kcal/mol of packing beyond what the residue kinds cost elsewhere in the domain."""
    codons: str
    """Single-base changes that make it, ``c.1210A>G``; empty: none does."""
    mutability: str
    """Of the likeliest of them: ``CpG transition``, ``transition`` or ``transversion``."""
    relative_rate: float
    """How often its changes arise beside the mean of the domain's single-base substitutions; 0: none."""

    @property
    def call(self) -> Call:
        """What the interval allows to be said of a tenfold loss."""
        if not self.trained_on_site:
            return "not calibrated"
        if self.lost:
            return "lost"
        if self.reach_angstrom > FAR_ANGSTROM:
            return "out of reach"
        if self.kept:
            return "kept"
        return "loss suspected" if self.ddg_kcal_per_mol > self.suspect_above else "open"


class RelaxedRow(Record):
    """One substitution and one drug relaxed together: tier 2, beside the prediction and no part of it."""

    change: str
    residue: int
    drug: str
    kcal_per_mol: float | None
    """Interaction energy, mutant less native, with its 95 % interval; larger than a free energy."""
    low: float | None
    high: float | None
    key: str
    """Of the two steps that made it: other source or settings have another."""
    cpu_seconds: float


def atlas_path(pack: TargetPack) -> Path:
    """Where the atlas of a pack lies."""
    return pack.directory / "affinity" / "atlas.parquet"


def provenance(pack: TargetPack) -> dict[str, Any]:
    """How the atlas was made; empty if the pack has none."""
    path = atlas_path(pack).with_suffix(".json")
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def all_rows(pack: TargetPack, residues: Sequence[int] = ()) -> list[Predicted]:
    """The atlas, or its rows of some residues.

    Raises BadInputError if the pack has none.
    """
    import pyarrow.parquet as pq

    path = atlas_path(pack)
    if not path.is_file():
        remedy = f"Make it with: kinscope scan --region kinase-domain --write --target {pack.directory}"
        raise BadInputError(
            f"The pack of {pack.gene} has no atlas of affinity.", where=str(path), remedy=remedy
        )
    table = pq.ParquetFile(path).read()
    numbers = table.column("residue").to_pylist()  # in order: a residue's rows stand together
    wanted = [number for number in dict.fromkeys(residues) if number in numbers]
    parts = [table.slice(numbers.index(n), numbers.count(n)) for n in wanted] if residues else [table]
    rows = [row for part in parts for row in part.to_pylist()]
    return [Predicted.model_construct(**{**row, "drivers": json.loads(row["drivers"])}) for row in rows]


def predicted(pack: TargetPack, variant: Variant) -> dict[str, list[Predicted]]:
    """What the atlas says of a variant, one row for each of its substitutions, by drug.

    Empty where the pack has no atlas; a substitution that it does not hold has no row.
    """
    changes = {_change(item): item.position for item in variant.substitutions}
    found: dict[str, list[Predicted]] = {}
    for row in all_rows(pack, list(changes.values())) if atlas_path(pack).is_file() else ():
        if row.change in changes:
            found.setdefault(row.drug, []).append(row)
    return found


def rows_of_variant(pack: TargetPack, variant: Variant, drugs: Sequence[str] = ()) -> list[Predicted]:
    """The rows of a variant, of some drugs or all.

    Raises BadInputError if there is no atlas, or none of one of its substitutions for a drug.
    """
    found = predicted(pack, variant) or {"": all_rows(pack, [1])}
    rows = [row for name in drugs or found for row in found.get(name, ())]
    for change in map(_change, variant.substitutions):
        if change not in {row.change for row in rows}:
            remedy = (
                "It holds what one base makes of the kinase domain, for the ATP site's drugs and asciminib."
            )
            raise BadInputError(
                f"The atlas of {pack.gene} has no row of {change}.", where=change, remedy=remedy
            )
    return rows


def _change(item: Substitution) -> str:
    return f"{item.wild_type}{item.position}{item.mutant}"
