"""Conformations compared over crystals: an entry is one observation, its chains are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kinscope.analysis.regions import RegionDifference, in_rows
from kinscope.analysis.statistics import FloatArray, correct_family, difference, mean_interval
from kinscope.core.records import Record
from kinscope.results.flexibility import ClassName, CrystalClass
from kinscope.results.measured import Difference
from kinscope.results.preference import AMINO_ACIDS, SCORE_STEP, ConformationPreference

SMALLEST_MEANINGFUL = 0.1
"""A tenth of the kinase domain's mean, as 0.05 angstrom is of the RMSF of a kinase core."""
_UNIT = "of the domain's mean"


class ClassMean(Record):
    """Flexibility of some residues in one conformation, with its interval at 95 % over entries."""

    mean: float
    low: float | None
    high: float | None
    """None with fewer than two entries."""
    entries: int


def class_mean(item: CrystalClass, residues: Sequence[int]) -> ClassMean | None:
    """Mean over residues; None where no entry resolves any of them."""
    found = _by_entry(item, residues)
    if not found.size:
        return None
    low, high = mean_interval(found)
    return ClassMean(mean=float(found.mean()), low=low, high=high, entries=found.size)


def compare_classes(
    first: CrystalClass, second: CrystalClass, regions: Mapping[str, Sequence[int]]
) -> list[RegionDifference]:
    """Each region that both classes hold, second minus first (Welch over entries, Holm over the regions).

    A region of which less than half is in both is left out.
    """
    shared = set(first.residues) & set(second.residues)
    kept = {name: tuple(number for number in own if number in shared) for name, own in regions.items()}
    members = {name: own for name, own in kept.items() if own and 2 * len(own) >= len(regions[name])}
    sides = {name: (_by_entry(first, kept), _by_entry(second, kept)) for name, kept in members.items()}
    raw = [
        difference(
            one.tolist(),
            two.tolist(),
            unit=_UNIT,
            smallest_meaningful=SMALLEST_MEANINGFUL,
            sampling=f"{len(one)} and {len(two)} wwPDB entries",
        )
        for one, two in sides.values()
    ]
    return in_rows(members, sides.values(), correct_family(raw))


def _by_entry(item: CrystalClass, residues: Sequence[int]) -> FloatArray:
    """Mean over residues in each entry (n_entries,); entries that resolve fewer than half are left out."""
    places = [item.residues.index(number) for number in residues if number in item.residues]
    table = np.array([entry.values for entry in item.entries], dtype=np.float64)[:, places]
    kept = table[np.isfinite(table).sum(axis=1) * 2 > len(places)] if places else table[:0]
    return np.asarray(np.nanmean(kept, axis=1) if kept.size else np.zeros(0))


SURE = 0.05
LEAST_PREFERENCE = 1.0
"""Natural logarithms: a smaller difference of preference is not told, however sure."""
Change = tuple[int, str]
"""Residue number and the amino acid put there."""


class Preference(NamedTuple):
    """log p of every amino acid less that of the native one, from a table that ships."""

    odds: FloatArray
    """(entries, sets of weights, residues, 20); NaN where a residue is not resolved, or where the entry is
    itself substituted: a backbone remembers what it was built with."""
    table: ConformationPreference

    def of(self, conformation: ClassName, *, mean: bool = True) -> FloatArray:
        """Of the entries of a conformation; with ``mean`` the average of the sets that are told."""
        kept = self.odds[[item.conformation == conformation for item in self.table.entries]]
        return np.asarray(kept[:, self.told].mean(axis=1) if mean else kept)

    @property
    def told(self) -> slice:
        """The sets whose mean is told."""
        return slice(len(self.table.weights))

    def difference(
        self,
        changes: Sequence[Change],
        conformation: ClassName,
        *,
        sets: slice | None = None,
        without: str = "",
    ) -> Difference:
        """One conformation less the active one (Welch over entries).

        The changes are summed, the sets averaged; None: those that are told. ``without``: an entry to leave
        out.
        """
        places = [self.table.residues.index(n) if n in self.table.residues else -1 for n, _ in changes]
        columns = [AMINO_ACIDS.index(acid) for _, acid in changes]
        values = self.odds[:, sets or self.told][:, :, places, columns].mean(axis=1).sum(axis=1)
        if -1 in places:
            values = np.full(len(values), np.nan)
        names = [item.conformation if item.entry != without else "" for item in self.table.entries]
        sides = [values[[own == name for own in names]] for name in ("active", conformation)]
        entries = " and ".join(str(np.isfinite(side).sum()) for side in sides)
        return difference(
            *(side.tolist() for side in sides),
            unit="",
            smallest_meaningful=LEAST_PREFERENCE,
            sampling=f"{entries} wwPDB entries",
        )


def preference(table: ConformationPreference) -> Preference:
    """The table as odds."""
    shape = (len(table.entries), len(table.sets), len(table.residues), len(AMINO_ACIDS))
    log_p = np.reshape(np.array([item.log_p for item in table.entries], dtype=np.float64), shape)
    native = np.array([AMINO_ACIDS.index(letter) for letter in table.sequence])[None, None, :, None]
    odds = SCORE_STEP * (log_p - np.take_along_axis(log_p, native, axis=-1))
    for item, own in zip(table.entries, odds, strict=True):
        own[:, [number in item.substituted for number in table.residues]] = np.nan
    return Preference(odds, table)


def told_shares(one: FloatArray, two: FloatArray) -> tuple[float, float]:
    """Of substitutions between two sets of entries (entries, residues, 20): told, and with p below 0.05."""
    from scipy.special import stdtr

    errors = [side.var(axis=0, ddof=1) / len(side) for side in (one, two)]
    apart = np.abs(two.mean(axis=0) - one.mean(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        degrees = sum(errors) ** 2 / (errors[0] ** 2 / (len(one) - 1) + errors[1] ** 2 / (len(two) - 1))
        p_value = 2.0 * stdtr(degrees, -apart / np.sqrt(sum(errors)))
    sure, tested = p_value < SURE, max(int(np.isfinite(p_value).sum()), 1)
    return float((sure & (apart >= LEAST_PREFERENCE)).sum() / tested), float(sure.sum() / tested)
