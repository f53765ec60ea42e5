"""Calls that another program or laboratory made: what a VCF line or a table row becomes.

Two changes of one codon make another residue still if one molecule carries both. They are one call where a
phase set says so, or where one of them is on nearly all molecules; otherwise a note leaves it open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from typing import Final

import numpy as np

from kinscope.core.errors import UnsupportedVariantError, VariantError
from kinscope.sequencing.calling import naming
from kinscope.sequencing.calling.naming import Named, Replacement, name_bases
from kinscope.sequencing.calling.phase import phases
from kinscope.sequencing.model import Call, CallStatus, Phase
from kinscope.targets import TargetPack
from kinscope.variants import parse_variant
from kinscope.variants.isoforms import resolve_accession

Z95: Final = 1.959964
KEPT_KINDS: Final = (
    "synonymous", "stop codon", "deletion", "insertion", "duplication", "frameshift", "indel",
    "lies in an intron", "untranslated", "extension", "initiator", "intronic",
)  # fmt: skip
"""What a description of this gene may be besides a substitution; anything else (another gene) is an error."""
NEARLY_ALL: Final = 0.95
"""A share from here on is one of nearly all molecules."""


def wilson(successes: float, trials: int) -> tuple[float, float]:
    """95 % interval of a proportion, percent (Wilson EB 1927, J Am Stat Assoc 22:209)."""
    share = successes / trials
    denominator = 1 + Z95**2 / trials
    middle = (share + Z95**2 / (2 * trials)) / denominator
    half = Z95 * np.sqrt(share * (1 - share) / trials + Z95**2 / (4 * trials**2)) / denominator
    return 100 * max(0.0, float(middle - half)), 100 * min(1.0, float(middle + half))


@dataclass(frozen=True)
class Share:
    """How much of a sample carries a variant, as its file states it."""

    value: float | None = None
    """0 to 1; None: not stated, or stated in ways that contradict each other."""
    depth: int | None = None
    """Reads."""
    note: str = ""
    contradicted: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """Its 95 % interval, percent; five points to each side without a depth."""
        if self.value is None:
            return 0.0, 100.0
        whole = 100 * self.value
        return wilson(self.value * self.depth, self.depth) if self.depth else (whole - 5, whole + 5)


def agreed(stated: float | None, alternative: int | None, depth: int | None, names: tuple[str, str]) -> Share:
    """The share from a stated fraction (0 to 1), from counted reads, or from both if they agree.

    ``names`` tells where the stated and the counted share stand, for the note on a contradiction.
    """
    if stated and depth is not None and stated * depth < 0.5:
        told = f"{100 * stated:.3g} % of {depth} reads is less than one read: they contradict each other."
        return Share(None, depth, told, contradicted=True)
    if alternative is None or not depth:
        return Share(stated, depth)
    counted = alternative / depth
    if stated is None:
        return Share(counted, depth)
    low, high = (end / 100 for end in wilson(alternative, depth))
    slack = 0.01 + 0.1 * max(stated, counted)
    if low - slack <= stated <= high + slack:
        return Share(counted, depth)
    note = f"{names[0]} states {100 * stated:.3g} %, {names[1]} count {100 * counted:.3g} %"
    return Share(None, depth, f"{note}: they contradict each other, and neither is taken.", contradicted=True)


@dataclass(frozen=True)
class Seen:
    """One change as its line states it, before those of one codon are put together."""

    named: Named
    share: Share = Share()
    changes: Mapping[int, str] = field(default_factory=dict)
    """c. number to new base, where bases of one codon are replaced; else empty."""
    molecule: tuple[str, ...] = ()
    """Phase set and haplotype; empty where it is not phased."""
    everywhere: bool = False
    """Whether the genotype has no other allele."""
    notes: tuple[str, ...] = ()
    doubtful: bool = False
    """Whether it is to be confirmed."""
    line: int = field(default=0, compare=False)

    @property
    def most(self) -> float | None:
        """Its share, 0 to 1; 1 for a genotype without another allele, if no share is stated."""
        return 1.0 if self.share.value is None and self.everywhere else self.share.value


def filtered(seen: Seen, filters: Sequence[str]) -> Seen:
    """The change, to be confirmed if the file's filters say something."""
    notes = (*seen.notes, *(f"The file's filter is {text[:60]}." for text in filters))
    return replace(seen, notes=notes, doubtful=bool(filters))


def seen_replacement(first: int, last: int, inserted: str, pack: TargetPack) -> Seen:
    """Coding bases ``first`` to ``last`` become ``inserted``, trimmed of what stays the same."""
    change = naming.most_3prime(Replacement(first, last, inserted), pack.transcript.cds)
    same_codon = (change.first - 1) // 3 == (change.last - 1) // 3
    if change.inserted and not change.shift and same_codon:
        changes = {change.first + index: base for index, base in enumerate(change.inserted)}
        return Seen(name_bases(changes, pack), changes=changes)
    return Seen(naming.name_indel(change, pack))


Reported = tuple[tuple[Call, ...], tuple[Phase, ...], tuple[str, ...], tuple[str, ...]]
"""Calls, what is known of their phase, the names of the samples where a file has several, and notes."""


def reported(
    found: Mapping[str, Sequence[Seen]], notes: Mapping[str, Sequence[int]], pack: TargetPack
) -> Reported:
    """What a reader hands over: the calls of what was ``found`` by sample (unnamed if it is the only one).

    ``notes`` has what was left out or is open, and on which lines; without lines it is of the whole file.
    """
    told = {what: list(numbers) for what, numbers in notes.items()}
    calls: list[Call] = []
    phased: list[Phase] = []
    for name, seen in found.items():
        unique: list[Seen] = []
        for variant in dict.fromkeys(map(_name, seen)):
            same = [item for item in seen if _name(item) == variant]
            differ = any(item != same[0] for item in same)
            unique += same if differ else same[:1]
            if len(same) > 1:
                what = "the same variant, " + (
                    "stated differently: each is listed" if differ else "listed once"
                )
                told.setdefault(what, []).extend(item.line for item in same)
        joined = _joined(unique, pack)
        calls += (own := [_call(item, pack).model_copy(update={"sample": name}) for item in joined])
        certain = {"share_percent": 100.0, "share_low_percent": 100.0, "share_high_percent": 100.0}
        shared = [
            call.model_copy(update=certain) if call.share_percent is None and item.everywhere else call
            for call, item in zip(own, joined, strict=True)
        ]
        told_apart = phases(shared, [item.molecule for item in joined])
        phased += [phase.model_copy(update={"sample": name}) for phase in told_apart]
    lines = (f"{lines_of(numbers)}{what}." for what, numbers in told.items())
    samples = tuple(filter(None, found))
    return tuple(calls), tuple(phased), samples, tuple(line[:1].upper() + line[1:] for line in lines)


def _name(item: Seen) -> str:
    return item.named.hgvs_c or item.named.hgvs_p


def lines_of(numbers: Sequence[int]) -> str:
    """``Line 5: ``, ``Lines 5, 7: ``, ``Lines 5, 6, 7, 8, 9 and 40 more: ``; empty for no lines."""
    if not numbers:
        return ""
    shown = ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
    return f"Line{'s' * (len(numbers) > 1)} {shown}: "


def _joined(seen: Sequence[Seen], pack: TargetPack) -> tuple[Seen, ...]:
    """The changes of one sample by position, those of one codon on one molecule as one."""
    ordered = sorted(seen, key=lambda item: item.named.first_codon)
    return tuple(
        item
        for codon, group in groupby(ordered, key=lambda item: item.named.first_codon)
        for item in _codon(list(group), codon, pack)
    )


def _codon(group: list[Seen], codon: int, pack: TargetPack) -> list[Seen]:
    """The changes of one codon, those on one molecule put together, the others with a note."""
    bases = [item for item in group if item.changes]
    common = [item for item in bases if (item.most or 0) >= NEARLY_ALL]
    sets: dict[tuple[str, ...], list[Seen]] = {}
    for index, item in enumerate(bases):
        if item not in common:
            sets.setdefault(item.molecule or (str(index),), []).append(item)
    made: list[Seen] = []
    used: list[Seen] = []
    for members in sets.values() or [[]]:
        cis = [*members, *(item for item in common if all(_on_all(item, other) for other in members))]
        changes = {number: base for item in cis for number, base in item.changes.items()}
        if len(cis) > 1 and len(changes) == sum(len(item.changes) for item in cis):
            made.append(_on_one_molecule(cis, changes, phased=len(members) > 1, pack=pack))
            used += [item for item in cis if not _also_alone(item, cis)]
    left = [item for item in group if item not in used]
    return [*made, *(_open(item, [*made, *left], codon, pack) for item in left)]


def _on_all(common: Seen, other: Seen) -> bool:
    """Whether molecules with ``other`` carry ``common`` too: more than half must (Fréchet's bound)."""
    if common.most is None or other.most is None:
        return common.everywhere
    return common.most + other.most - 1 > other.most / 2


def _also_alone(item: Seen, cis: Sequence[Seen]) -> bool:
    """Whether its share is above that of another, so that some molecules carry it without the other."""
    return any(item.share.ends[0] > other.share.ends[1] for other in cis)


def _on_one_molecule(cis: list[Seen], changes: Mapping[int, str], *, phased: bool, pack: TargetPack) -> Seen:
    rarest = min(cis, key=lambda item: 2.0 if item.share.value is None else item.share.value)
    why = "the file's phase says so" if phased else "one is on nearly all molecules"
    parts = " and ".join(item.named.hgvs_c.partition(":")[2] for item in cis)
    notes = [f"{parts} are on one molecule: {why}."]
    if any(_also_alone(item, cis) for item in cis):
        notes.append("Their shares differ: what is more than this one's share is listed apart.")
    return replace(
        rarest,
        named=name_bases(changes, pack),
        changes=changes,
        notes=tuple(dict.fromkeys([*notes, *(note for item in cis for note in item.notes)])),
        doubtful=any(item.doubtful for item in cis),
    )


def _open(item: Seen, others: Sequence[Seen], codon: int, pack: TargetPack) -> Seen:
    """The change with a note for each other one of its codon that may be on the same molecule."""
    notes = []
    for other in others:
        apart = item.molecule and item.molecule[:-1] == other.molecule[:-1]
        kinds = {item.named.kind, other.named.kind} <= {"substitution", "synonymous", "nonsense"}
        if other == item or apart or not kinds or set(item.changes) & set(other.changes):
            continue
        partner = _name(other).partition(":")[2]
        note = f"{partner} changes codon {codon} too. Whether one molecule carries both is open"
        if item.changes and other.changes:
            both = name_bases({**item.changes, **other.changes}, pack)
            change, protein = (name.partition(":")[2] for name in (both.hgvs_c, both.hgvs_p))
            note += f"; if so, it is {protein} ({change})"
        notes.append(f"{note}.")
    return replace(item, notes=(*item.notes, *notes))


def _call(item: Seen, pack: TargetPack) -> Call:
    knowledge, name = naming.knowledge_of(pack.gene), item.named.hgvs_c
    known, protein = knowledge.polymorphism(name, item.named.hgvs_p), item.named.hgvs_p.rpartition(":")[2]
    event = knowledge.splice_event(name or protein, _offset(name, pack))
    told = event or known
    value, depth = item.share.value, item.share.depth
    low, high = item.share.ends if value is not None and depth else (None, None)
    notes = [told.note] if told else []
    notes += ["No depth was given: the share has no interval."] if value is not None and not depth else []
    notes += [item.share.note] if item.share.note else []
    doubtful = item.doubtful or item.share.contradicted
    status: CallStatus = "to be confirmed" if doubtful else "known polymorphism" if known else "variant"
    return Call(
        **asdict(_spliced(event, pack) if event else item.named),
        share_percent=None if value is None else 100 * value,
        share_low_percent=low,
        share_high_percent=high,
        status="splice artefact" if event else status,
        name=told.name if told else "",
        depth=depth,
        notes=(*notes, *item.notes),
        citations=told.citations if told else (),
    )


def seen_of_text(text: str, pack: TargetPack) -> Seen:
    """A change from a c. or p. description.

    Raises VariantError if the description cannot be read or contradicts the transcript.
    """
    if ":" not in text and (event := naming.knowledge_of(pack.gene).splice_event(text)):
        return Seen(_spliced(event, pack))
    try:
        variant = parse_variant(text, pack)
    except UnsupportedVariantError as error:
        if not any(kind in error.what for kind in KEPT_KINDS):
            raise
        return _unmodelled(text, error, pack)
    given = [c for item in variant.substitutions for c in item.coding_changes if c.given]
    one = given[0] if len(given) == 1 else None
    named = Named(
        hgvs_c=one.hgvs_c if one else "",
        hgvs_p=variant.hgvs_p,
        kind="substitution",
        first_codon=min(variant.positions),
        last_codon=max(variant.positions),
        assess_expression=one.hgvs_c if one else variant.hgvs_p,
    )
    codons = zip(one.codon_reference, one.codon_variant, strict=True) if one else ()
    start = 3 * named.first_codon - 2
    changes = {start + index: after for index, (before, after) in enumerate(codons) if before != after}
    return Seen(named, changes=changes)


def _spliced(event: naming.SpliceEvent, pack: TargetPack) -> Named:
    """A known splice event with its names on the transcript of the pack."""
    accession, protein = pack.transcript.accession, pack.transcript.protein_accession
    first, last = sorted(((event.first + 2) // 3, (event.last + 2) // 3))
    return Named(f"{accession}:{event.hgvs_c}", f"{protein}:{event.hgvs_p}", "splice", first, last, "")


def _offset(text: str, pack: TargetPack) -> int:
    """By how many residues the isoform that a description counts on begins before the reference."""
    name = text.rpartition(":")[0]
    with suppress(VariantError):
        named = next((one for one in pack.isoforms if one.name == name), None)
        return (named or resolve_accession(name, pack).frame).offset if name else 0
    return 0


def _unmodelled(text: str, error: UnsupportedVariantError, pack: TargetPack) -> Seen:
    """A variant that was understood but is no substitution of a residue: kept, with the reason."""
    place = re.search(r"([cp])\.[^0-9]{0,9}([0-9]{1,6})", text)
    base, number = (place[1] == "c", int(place[2])) if place else (False, 1)
    codon = max(1, ((number + 2) // 3 if base else number) - _offset(text, pack))
    what = error.what.lower()
    kind = "synonymous" if "synonymous" in what else "nonsense" if "stop codon" in what else "delins"
    named = Named(text if base else "", "" if base else text, kind, codon, codon, "")  # type: ignore[arg-type]
    return Seen(named, notes=(error.what,))
