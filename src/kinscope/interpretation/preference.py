"""Which conformation a substitution disfavours, and what its residue touches in each.

All is looked up in tables of crystals that ship. What is said of a preference goes beside the record of its
controls, right and wrong; it is no energy and says nothing of a drug.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from kinscope.analysis.crystal_classes import Preference, preference, told_shares
from kinscope.core.records import Record
from kinscope.core.residues import three_letter
from kinscope.interpretation.crystals import CLASS_LABELS
from kinscope.interpretation.findings import finding, join, state_label
from kinscope.interpretation.model import MobilityFinding, MobilityQuestion
from kinscope.results.flexibility import ClassName
from kinscope.results.measured import ContactChange, Difference
from kinscope.results.preference import GAP_STEP_ANGSTROM, ContactPair, CrystalContacts
from kinscope.targets.loader import conformation_preference, crystal_contacts, published_motion
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant
from kinscope.variants.parse import parse_variant

KINASE_CLASSES: tuple[ClassName, ...] = ("active", "dfg-out-folded", "dfg-out-extended")
_NAMES = {
    "dfg-out-folded": "the folded, imatinib-bound loop",
    "dfg-out-extended": "DFG-out with its loop not folded",
}
_APART_ANGSTROM = 2.0
"""Between the ranges of distances in two conformations: more than the error of a side chain's end."""
_FEWEST_CHAINS = 3


class PreferenceReading(Record):
    """One conformation less the active one, in log p(mutant) - log p(native)."""

    conformation: ClassName
    difference: Difference
    """Mean of the sets of weights; ``resolved``: told."""
    by_set: tuple[Difference, ...]
    steady: tuple[int, int]
    """In how many of how many cases the outcome is the same with one entry left out."""


class ControlRow(Record):
    """A mutant of which an inactive conformation was measured, beside what the scores say of it."""

    variant: str
    population: Literal["more", "less", "unknown"]
    measured: str
    reading: PreferenceReading

    @property
    def right(self) -> bool:
        """Whether the sign is as measured."""
        return ((self.reading.difference.value or 0.0) > 0.0) == (self.population == "more")

    @property
    def label(self) -> str:
        """E.g. ``E292K (loop not folded)``."""
        folded = self.reading.conformation == "dfg-out-folded"
        return self.variant if folded else f"{self.variant} (loop not folded)"


class PreferenceFinding(Record):
    """What may be said of a variant's conformation, and what the same instrument said of its controls."""

    sentence: str
    record: str
    """Of the controls, in words; stands beside every sentence."""
    readings: tuple[PreferenceReading, ...]
    controls: tuple[ControlRow, ...]


def preference_of(pack: TargetPack, variant: Variant) -> PreferenceFinding | None:
    """Which conformation a variant disfavours; None if the pack has no table of it."""
    table = conformation_preference(pack)
    if table is None:
        return None
    found = preference(table)
    readings = tuple(reading(found, variant, name) for name in KINASE_CLASSES[1:])
    controls = controls_of(found, pack)
    told = join([_told(item) for item in readings if item.difference.resolved])
    silent = (
        f"Which conformation {variant.short} disfavours is not told: no difference is above 1 with an "
        "interval off zero."
    )
    return PreferenceFinding(
        sentence=f"{variant.short} {told}." if told else silent,
        record=_record(controls, told_shares(found.of("active"), found.of("dfg-out-folded"))[0]),
        readings=readings,
        controls=controls,
    )


def preference_question(pack: TargetPack, variant: Variant) -> MobilityQuestion | None:
    """:func:`preference_of` as a question: the readings, the controls, and their record in the answer."""
    found = preference_of(pack, variant)
    if found is None:
        return None
    rows = [
        (f"{variant.short}, {_NAMES[item.conformation]} less active", item, "") for item in found.readings
    ]
    rows += [(f"{row.label}, a control", row.reading, row.measured) for row in found.controls]
    return MobilityQuestion(
        id="preference",
        question=f"Which conformation does {variant.short} disfavour?",
        answer=f"{found.sentence} {found.record}",
        findings=tuple(
            finding("network", where, item.difference, result=f"measured: {measured}" if measured else "")
            for where, item, measured in rows
        ),
    )


def reading(found: Preference, variant: Variant, conformation: ClassName) -> PreferenceReading:
    """One conformation against the active one: all sets, each set, and one entry left out at a time."""
    changes = [(part.position, part.mutant) for part in variant.substitutions]
    whole = found.difference(changes, conformation)
    entries = [e.entry for e in found.table.entries if e.conformation in ("active", conformation)]
    left = [found.difference(changes, conformation, without=entry) for entry in entries]
    return PreferenceReading(
        conformation=conformation,
        difference=whole,
        by_set=tuple(
            found.difference(changes, conformation, sets=slice(place, place + 1))
            for place in range(len(found.table.sets))
        ),
        steady=(sum(item.outcome == whole.outcome for item in left), len(left)),
    )


def controls_of(found: Preference, pack: TargetPack) -> tuple[ControlRow, ...]:
    """The mutants of known population, by the same scores."""
    return tuple(
        ControlRow(
            **item.model_dump(include={"variant", "population", "measured"}),
            reading=reading(found, parse_variant(item.variant, pack), item.conformation),
        )
        for item in published_motion(pack).controls
        if item.population != "unknown"
    )


def _told(item: PreferenceReading) -> str:
    change = item.difference
    verb, against = ("disfavours", "against") if change.outcome == "lower" else ("favours", "over")
    agree = sum(one.outcome == change.outcome for one in item.by_set)
    found = f"ln odds {change.value:+.1f} ({change.low:+.1f} to {change.high:+.1f}; {change.sampling}"
    return (
        f"{verb} {_NAMES[item.conformation]} {against} the active form: {found}; so by {agree} of "
        f"{len(item.by_set)} sets of weights, and in {item.steady[0]} of {item.steady[1]} cases with one "
        "entry left out)"
    )


def _record(controls: Sequence[ControlRow], share: float) -> str:
    told = [row for row in controls if row.reading.difference.resolved]
    right, wrong = (
        join([row.label for row in told if row.right is good]) or "none" for good in (True, False)
    )
    rest = join([row.label for row in controls if row not in told]) or "none"
    return (
        f"A prediction by ProteinMPNN over crystals. Of {len(controls)} populations measured by NMR it tells "
        f"{right} rightly and {wrong} wrongly; of {rest} it tells nothing. The bare sign is right in "
        f"{sum(row.right for row in controls)}. Of all substitutions it tells {100 * share:.0f} %."
    )


def crystal_contacts_of(
    pack: TargetPack, variant: Variant, changes: Sequence[ContactChange] = ()
) -> MobilityQuestion | None:
    """Side chains that meet the variant's residues in some crystal; None if the pack has no table.

    ``changes``: of this study's models, told beside. Chains substituted at the residue are left out.
    """
    table = crystal_contacts(pack)
    if table is None:
        return None
    names = join([f"{three_letter(s.wild_type).capitalize()}{s.position}" for s in variant.substitutions])
    found = [
        _contact(table, pair, number, changes, pack)
        for number in variant.positions
        for pair in table.pairs
        if number in (pair.first, pair.second)
    ]
    found.sort(key=lambda row: row.verdict == _ALIKE)
    telling = [f"{row.where}, {row.result}" for row in found if row.verdict != _ALIKE]
    return MobilityQuestion(
        id="contacts",
        question=f"What does {names} touch in the crystals of each conformation?",
        answer=f"Shortest distance of the side chains: {'. '.join(telling)}."
        if telling
        else f"No contact of {names} tells one conformation's crystals from the others'.",
        findings=tuple(found),
    )


_ALIKE = "alike in all conformations, or not apart"


def _contact(
    table: CrystalContacts, pair: ContactPair, number: int, changes: Sequence[ContactChange], pack: TargetPack
) -> MobilityFinding:
    other = pair.second if number == pair.first else pair.first
    gaps: dict[ClassName, list[float]] = {}
    for chain, gap in zip(table.chains, pair.gaps, strict=True):
        if gap is not None and number not in chain.substituted:
            gaps.setdefault(chain.conformation, []).append(gap * GAP_STEP_ANGSTROM)
    held = {name: gaps[name] for name in KINASE_CLASSES if name in gaps}
    near = [
        CLASS_LABELS[name]
        for name, own in held.items()
        if len(held) > 1
        and len(own) >= _FEWEST_CHAINS
        and all(min(gaps) - max(own) >= _APART_ANGSTROM for one, gaps in held.items() if one != name)
    ]
    letters = [pack.transcript.protein[place - 1] for place in (number, other)]
    named = [f"{three_letter(letter).capitalize()}" for letter in letters]
    charged = " (opposite charges)" if {*letters} & {*"KR"} and {*letters} & {*"DE"} else ""
    models = [
        f"{row.change} in the models of {state_label(pack, row.state)} ({row.contact.kind})"
        for row in changes
        if row.contact.residue == number and row.contact.partner == other
    ]
    ranges = [f"{min(own):.1f} to {max(own):.1f} Å in {CLASS_LABELS[name]}" for name, own in held.items()]
    return MobilityFinding(
        method="network",
        where=f"{named[0]}{number} and {named[1]}{other}{charged}",
        result="; ".join([*ranges, *models]),
        verdict=f"near in {near[0]} only" if near else _ALIKE,
        sampling=f"{sum(map(len, held.values()))} chains",
    )
