"""The second half of ``kinscope benchmark conformation``: what the scores of substitutions are worth.

``benchmarks/derive_preference.py`` makes their table. Mutants whose conformations were measured by NMR are
the controls, and halves of one conformation the null; the rule is in ``docs/why/analysis.md``.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.stats import spearmanr

from kinscope.analysis.crystal_classes import SURE, Preference, preference, told_shares
from kinscope.core.records import Record
from kinscope.interpretation.crystals import CLASS_LABELS
from kinscope.interpretation.preference import (
    KINASE_CLASSES,
    ControlRow,
    PreferenceReading,
    controls_of,
    reading,
)
from kinscope.results.flexibility import ClassName
from kinscope.results.measured import Difference
from kinscope.results.preference import ConformationPreference
from kinscope.targets.loader import published_motion
from kinscope.targets.pack import TargetPack
from kinscope.variants.parse import parse_variant

MOST_FALSE = 0.05
"""Of the substitutions between halves of one class: above it nothing ships."""
MUST_HOLD = "H396P"


class PreferenceCheck(Record):
    """What decides whether the table may ship."""

    controls: tuple[ControlRow, ...]
    null: dict[ClassName, tuple[float, float]]
    """By class: share of substitutions that the rule tells between its halves, and with p below 0.05."""
    agreement: tuple[float, ...]
    """Spearman between pairs of sets, over all substitutions, folded less active."""
    failures: tuple[str, ...]
    """Of the rule that stops it; empty: it may ship."""


def check(table: ConformationPreference, pack: TargetPack) -> PreferenceCheck:
    """The controls, the null, the sets beside one another, and what the stop rule makes of them."""
    found = preference(table)
    controls = controls_of(found, pack)
    null = {name: _null(found, name) for name in KINASE_CLASSES}
    failures = [
        f"{row.variant} is not told by {name}"
        for row in controls
        if row.label == MUST_HOLD
        for name, item in zip(table.sets, row.reading.by_set, strict=True)
        if item.outcome != "lower"
    ]
    failures += [
        f"{row.label} has the wrong sign"
        for row in controls
        if not row.right and _sure(row.reading.difference)
    ]
    failures += [
        f"the null of {CLASS_LABELS[name]} is {100 * null[name][0]:.1f} %"
        for name in KINASE_CLASSES
        if null[name][0] > MOST_FALSE
    ]
    return PreferenceCheck(
        controls=controls, null=null, agreement=_agreement(found), failures=tuple(failures)
    )


def _sure(item: Difference) -> bool:
    return item.p_value is not None and item.p_value < SURE


def _null(found: Preference, name: ClassName) -> tuple[float, float]:
    """Between halves of one class, over every substitution: share told, share with p below 0.05."""
    values = found.of(name)
    halves = [list(half) for half in combinations(range(len(values)), len(values) // 2)]
    shares = [told_shares(values[half], np.delete(values, half, axis=0)) for half in halves]
    told, low = np.mean(shares, axis=0).tolist()
    return told, low


def _agreement(found: Preference) -> tuple[float, ...]:
    active, folded = (found.of(name, mean=False).mean(axis=0) for name in KINASE_CLASSES[:2])
    apart = (folded - active).reshape(len(found.table.sets), -1)
    kept = apart[:, np.isfinite(apart).all(axis=0)]
    return tuple(float(spearmanr(one, two).statistic) for one, two in combinations(kept, 2))


def in_words(table: ConformationPreference, pack: TargetPack) -> str:
    """The controls and some variants beside them, the null, the sets, and whether it may ship."""
    found, checked = preference(table), check(table, pack)
    recovery, count = zip(table.sets, table.recovery, strict=True), len(table.weights)
    lines = [
        "Preference: log p(mutant) - log p(native), a DFG-out class less active: mean of the sets with its",
        "interval (95 %, Welch over wwPDB entries) and p; each set (* p < 0.05; after the bar: not in the",
        "mean); so with one entry left out",
        f"  native residues recovered: {', '.join(f'{name} {share:.2f}' for name, share in recovery)}",
    ]
    lines += [
        f"  {row.label}, {row.population} of it by NMR ({row.measured}): {_reading(row.reading, count)}, "
        f"{'right' if row.right else 'wrong'} sign"
        for row in checked.controls
    ]
    beside = [item.variant for item in published_motion(pack).controls if item.population == "unknown"]
    for variant in (parse_variant(name, pack) for name in beside):
        lines += [
            f"  {variant.short}, {CLASS_LABELS[name]}: {_reading(reading(found, variant, name), count)}"
            for name in KINASE_CLASSES[1:]
        ]
    lines += [
        f"Null, halves of {CLASS_LABELS[name]}: {told:.1%} of substitutions are told, {low:.1%} have p < 0.05"
        for name, (told, low) in checked.null.items()
    ]
    lines += [
        f"{CLASS_LABELS[name]} against active: {told:.1%} of substitutions are told, {low:.1%} have p < 0.05"
        for name in KINASE_CLASSES[1:]
        for told, low in [told_shares(found.of("active"), found.of(name))]
    ]
    between = ", ".join(f"{value:.2f}" for value in checked.agreement)
    lines.append(f"Spearman between the sets, over all substitutions: {between}")
    lines.append(f"Stop rule: {'; '.join(checked.failures) or 'holds'}")
    return "\n".join(lines)


def _reading(item: PreferenceReading, told: int) -> str:
    change = item.difference
    if change.low is None or change.p_value is None:
        return "no interval"
    each = [f"{one.value:+.1f}{'*' * _sure(one)}" for one in item.by_set]
    sets = " | ".join(" ".join(part) for part in (each[:told], each[told:]) if part)
    return (
        f"{change.value:+.2f} ({change.low:+.2f} to {change.high:+.2f}), p {change.p_value:.2g}; {sets}; "
        f"{item.steady[0]} of {item.steady[1]}{', told' * change.resolved}"
    )
