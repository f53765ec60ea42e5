"""Counting changes, and whether a clone's chromosome number agrees with the changes it lists."""

from __future__ import annotations

from kinscope.clinic.karyotype_model import Abnormality, Clone
from kinscope.core.records import Record

FUSED = ("dic", "psu dic", "rob", "tas")
"""Two chromosomes become one without a minus sign being written (ISCN)."""


class Distinct(Record):
    """One change with the clones that carry it; ``times`` is 2 where a clone lists it twice (+21,+21)."""

    carriers: tuple[tuple[Clone, Abnormality], ...]
    times: int

    @property
    def change(self) -> Abnormality:
        """The change as first written."""
        return self.carriers[0][1]


def distinct_changes(clones: list[Clone]) -> list[Distinct]:
    """Acquired changes, each with the clones that carry it, in the order of the report."""
    found: dict[tuple[str, ...], list[list[tuple[Clone, Abnormality]]]] = {}
    for clone in clones:
        here: dict[tuple[str, ...], list[tuple[Clone, Abnormality]]] = {}
        for change in clone.changes:
            if not change.constitutional:
                here.setdefault(change.key, []).append((clone, change))
        for key, occurrences in here.items():
            found.setdefault(key, []).append(occurrences)
    return [
        Distinct(carriers=tuple(o[0] for o in by_clone), times=max(len(o) for o in by_clone))
        for by_clone in found.values()
    ]


def weight(change: Abnormality, others: list[Abnormality]) -> tuple[int, int]:
    """How many abnormalities a change counts for, lowest and highest.

    ISCN 2024, section 6.5 and table 7: a gained or lost chromosome, a balanced rearrangement and each marker
    count one; a derivative of two or more chromosomes counts two, but one where the rearrangement it
    comes from is itself listed (a second der(22)t(9;22) beside t(9;22) is one gained chromosome).
    """
    if change.kind in ("mar", "r", "dmin") or change.copies_high > change.copies_low:
        return change.copies_low, change.copies_high
    if change.kind in ("der", "ider"):
        involved = set(change.chromosomes) | {n for c in change.components for n in c.chromosomes}
        translocated = [set(other.chromosomes) for other in others if other.kind in ("t", "ins")]
        listed = any(set(c.chromosomes) in translocated for c in change.components)
        if len(involved) > 1 and not listed:
            return 2, 2
    return 1, 1


def expected_count(clone: Clone) -> tuple[int, int] | None:
    """Chromosome number that the listed changes give, lowest and highest; None where it cannot be said."""
    if clone.incomplete or clone.unreadable or clone.composite or clone.low != clone.high:
        return None
    if "?" in clone.sex or "U" in clone.sex or "x" in clone.reference:
        return None
    low = high = 22 * clone.ploidy + _sex_chromosomes(clone)
    for change in clone.changes:
        step_low, step_high = _steps(change)
        low, high = low + step_low, high + step_high
    return low, high


def _sex_chromosomes(clone: Clone) -> int:
    """Sex chromosomes including structurally changed ones, which the sex field leaves out."""
    written = len(clone.sex)
    if written >= clone.ploidy:
        return written
    changed = sum(
        1
        for change in clone.changes
        if not change.sign and change.kind != "chromosome" and {"X", "Y"} & set(change.chromosomes)
    )
    return min(clone.ploidy, written + changed)


def _steps(change: Abnormality) -> tuple[int, int]:
    if change.kind == "chromosome":
        if change.sign == "-" and change.chromosomes[0] in ("X", "Y"):
            return 0, 0  # the sex field shows the loss already
        step = 1 if change.sign == "+" else -1
        return step * change.copies_low, step * change.copies_high
    if change.kind in ("dmin", "hsr", "ace"):
        return 0, 0
    if change.sign == "+":
        return change.copies_low, change.copies_high
    if change.sign == "-":
        return -change.copies_high, -change.copies_low
    fused = len(change.chromosomes) - 1
    if change.kind in FUSED or (change.kind == "der" and fused and not change.components):
        return -fused, -fused
    extra = change.copies_low - 1  # x2 of a changed chromosome replaces both homologues: no step
    return (0, 0) if extra >= 0 else (extra, extra)


def agreement(clone: Clone) -> list[str]:
    """A note where the chromosome number contradicts the listed changes."""
    expected = expected_count(clone)
    if expected is None or expected[0] <= clone.low <= expected[1]:
        return []
    given = str(expected[0]) if expected[0] == expected[1] else f"{expected[0]} to {expected[1]}"
    return [
        f"{clone.text!r}: the number {clone.low} does not agree with the changes listed, which give {given}"
    ]
