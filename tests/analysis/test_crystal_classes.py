"""Conformations over crystals: entries are the unit, regions a corrected family."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t, ttest_ind

from kinscope.analysis.crystal_classes import class_mean, compare_classes
from kinscope.results.flexibility import CrystalClass, EntryFlexibility


def crystals(name, table, first=1):
    entries = tuple(
        EntryFlexibility(entry=f"{place}ABC", chains=("A",), substitutions=(), values=tuple(row))
        for place, row in enumerate(table, start=1)
    )
    return CrystalClass(name=name, residues=tuple(range(first, first + len(table[0]))), entries=entries)


ACTIVE = crystals("active", [[1.0, 1.2], [1.1, 1.3], [0.9, 1.1]])
FOLDED = crystals("dfg-out-folded", [[1.5, 1.7], [1.6, 1.8], [1.45, 1.65], [1.52, 1.7]])


def test_a_region_is_compared_by_welch_over_entries():
    (row,) = compare_classes(ACTIVE, FOLDED, {"loop": (1, 2)})
    one, two = [1.1, 1.2, 1.0], [1.6, 1.7, 1.55, 1.61]
    assert row.difference.value == pytest.approx(np.mean(two) - np.mean(one))
    assert row.difference.p_value == pytest.approx(ttest_ind(two, one, equal_var=False).pvalue)
    assert (row.difference.native_replicas, row.difference.mutant_replicas) == (3, 4)
    assert row.difference.outcome == "higher"


def test_regions_are_one_family():
    alone = compare_classes(ACTIVE, FOLDED, {"loop": (1, 2)})[0].difference
    among = compare_classes(ACTIVE, FOLDED, {"loop": (1, 2), "one": (1,), "two": (2,)})[0].difference
    assert alone.adjusted_p_value == pytest.approx(alone.p_value)
    assert among.adjusted_p_value > alone.p_value


def test_a_region_of_which_less_than_half_is_shared_is_left_out():
    assert compare_classes(ACTIVE, FOLDED, {"far": (2, 3, 4, 5), "gone": (9,)}) == []


def test_an_entry_that_does_not_resolve_the_residues_does_not_count():
    gap = crystals("active", [[1.0, None, None], [1.1, 1.2, 1.3], [0.9, 1.0, 1.1]])
    assert class_mean(gap, (2, 3)).entries == 2
    assert class_mean(gap, (1,)).entries == 3
    assert class_mean(gap, (7,)) is None


def test_the_interval_of_a_mean_is_students():
    found = class_mean(ACTIVE, (1, 2))
    half = t.ppf(0.975, 2) * 0.1 / np.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((1.1, 1.1 - half, 1.1 + half))


def test_one_entry_has_no_interval_and_resolves_nothing():
    single = crystals("open", [[3.0, 3.0]])
    assert class_mean(single, (1, 2)).low is None
    assert compare_classes(ACTIVE, single, {"loop": (1, 2)})[0].difference.outcome == "too-few-replicas"


def test_a_damaged_table_is_refused():
    with pytest.raises(ValueError, match="another number of values"):
        crystals("active", [[1.0, 1.2], [1.1]])
