"""Protein changes as the evidence tables write them, and how two of them relate.

The rule behind this module: what is published of one allele never becomes evidence of the position. T315A is
not T315I, and a statement on residue 299 is not a statement on V299L.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from kinscope.evidence.model import Relation
from kinscope.variants.model import Variant

_ONE = re.compile(
    r"^(?P<wild>[ACDEFGHIKLMNPQRSTVWY])(?P<position>[1-9]\d{0,4})(?P<mutant>[ACDEFGHIKLMNPQRSTVWY]?)$"
)


@dataclass(frozen=True)
class Change:
    """One residue, with the amino acid that replaces it where the source names one."""

    wild_type: str
    position: int
    mutant: str
    """Empty where the source names the position alone."""


@dataclass(frozen=True)
class ChangeSet:
    """What one evidence item speaks of."""

    changes: frozenset[Change]
    and_others: bool
    """True for ``T315I/*``: these changes together with any further one in cis."""

    @property
    def positions(self) -> frozenset[int]:
        """Residue numbers named."""
        return frozenset(change.position for change in self.changes)

    @property
    def names_amino_acids(self) -> bool:
        """False if any part is a bare position."""
        return all(change.mutant for change in self.changes)


@lru_cache(maxsize=4096)
def parse_changes(text: str) -> ChangeSet:
    """Read ``T315I``, ``E255K/T315I``, ``V299`` or ``T315I/*``.

    Raises ValueError if the text is none of these, repeats a residue, or leaves a residue unchanged.
    """
    parts = text.split("/")
    and_others = len(parts) > 1 and parts[-1] == "*"
    found = []
    for part in parts[:-1] if and_others else parts:
        match = _ONE.match(part)
        if match is None:
            raise ValueError(f"{text!r} is not a protein change such as T315I, E255K/T315I, V299 or T315I/*")
        found.append(Change(match["wild"], int(match["position"]), match["mutant"]))
    if len({change.position for change in found}) < len(found):
        raise ValueError(f"{text!r} names a residue twice")
    if any(change.wild_type == change.mutant for change in found):
        raise ValueError(f"{text!r} leaves a residue unchanged")
    return ChangeSet(frozenset(found), and_others)


def changes_of(variant: Variant) -> frozenset[Change]:
    """The substitutions of a variant."""
    return frozenset(Change(sub.wild_type, sub.position, sub.mutant) for sub in variant.substitutions)


def relate(item: ChangeSet, variant: Variant) -> Relation | None:
    """How an item relates to a variant by residue and amino acid; None if they share no residue."""
    asked = changes_of(variant)
    if item.names_amino_acids:
        if item.and_others:
            if item.changes < asked:
                return "part of the compound variant"
            if item.changes == asked:
                return "compound with more"
        elif item.changes == asked:
            return "exact"
        elif item.changes < asked:
            return "part of the compound variant"
        elif item.changes > asked:
            return "compound with more"
    return "same residue" if item.positions & set(variant.positions) else None
