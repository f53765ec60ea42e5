"""Shifted sequences of several reads as one deletion, insertion or splice event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kinscope.core.residues import reverse_complement
from kinscope.sequencing.calling.naming import (
    TOLERANCE,
    Knowledge,
    Replacement,
    SpliceEvent,
    most_3prime,
    name_indel,
)
from kinscope.sequencing.model import BASES, Call, StrandEvidence
from kinscope.sequencing.signal.read_analysis import ReadAnalysis
from kinscope.sequencing.signal.two_sequences import SMALLEST_SHARE
from kinscope.targets import TargetPack

SYSTEMATIC: Final = 0.12
"""Relative uncertainty of the share of a shifted sequence beyond its scatter; see the benchmark."""
READABLE_SHARE: Final = 0.15
"""Inserted bases are read out from this share on; below it, they are counted only."""


@dataclass(frozen=True)
class SeenShift:
    """One read's view of a change of length."""

    name: str
    read: ReadAnalysis
    change: Replacement
    """With ``N`` for inserted bases that were not read."""


def seen_shift(name: str, read: ReadAnalysis, cds: str) -> SeenShift | None:
    """The change of length that a read shows, in coding numbers; None if it shows none."""
    found = read.superposition
    if found is None or found.share < SMALLEST_SHARE:
        return None
    coding = read.placement.coding
    forward = read.placement.strand == "forward"
    start, size = found.start, abs(found.shift)
    if found.shift > 0:
        ends = sorted((int(coding[start]), int(coding[start]) + (size - 1 if forward else 1 - size)))
        if ends[0] < 1 or ends[1] > len(cds):
            return None
        return SeenShift(name, read, most_3prime(Replacement(ends[0], ends[1], ""), cds))
    inserted, begin = _inserted(read, start, size)
    edge = int(coding[begin])
    if edge < 2:
        return None
    first = edge if forward else edge + 1
    return SeenShift(name, read, most_3prime(Replacement(first, first - 1, inserted), cds))


def _inserted(read: ReadAnalysis, start: int, size: int) -> tuple[str, int]:
    """Inserted bases on the coding strand and the read position before which they come.

    A copy of the preceding bases shows the shift at once. Other bases come first and fit neither sequence:
    they stand in the ``size`` positions before the shift is seen.
    """
    native, found = read.placement.native, read.superposition
    forward = read.placement.strand == "forward"
    copied = native[max(0, start - size) : start]
    excess = read.background.excess
    before = np.arange(max(0, start - size), start)
    other = np.where(np.arange(4)[None, :] == native[before][:, None], -1.0, excess[before])
    foreign = other.max(axis=1) > 0.5 * (found.share if found else 1.0)
    begin, bases = start, "".join(BASES[base] if base >= 0 else "N" for base in copied)
    if foreign.mean() > 0.4:
        begin = max(0, start - size)
        share = found.share if found else 0.0
        shown = np.where(foreign, other.argmax(axis=1), native[before])
        bases = "".join(BASES[base] for base in shown) if share >= READABLE_SHARE else "N" * size
    bases = bases.rjust(size, "N")
    return (bases if forward else reverse_complement(bases)), begin


def event_calls(seen: Sequence[SeenShift], reads: int, knowledge: Knowledge, pack: TargetPack) -> list[Call]:
    """The changes of length of a sample by position, put together from what each of its ``reads`` shows."""
    groups: list[list[SeenShift]] = []
    for item in sorted(seen, key=lambda one: one.change.first):
        fitting = next((group for group in groups if _same(group[0].change, item.change)), None)
        if fitting is None:
            groups.append(fitting := [])
        fitting.append(item)
    return [_call(group, reads, knowledge, pack) for group in groups]


def _same(one: Replacement, other: Replacement) -> bool:
    return one.shift == other.shift and abs(one.first - other.first) <= TOLERANCE


def _call(group: list[SeenShift], reads: int, knowledge: Knowledge, pack: TargetPack) -> Call:
    best = max(group, key=lambda item: item.read.superposition.t if item.read.superposition else 0.0)
    change = best.change
    known = next((e for e in knowledge.splice_events if e.is_at(change.first, change.shift)), None)
    if known is not None:
        change = Replacement(known.first, known.last, change.inserted if known.inserted_bases else "")
    named = name_indel(change, pack)
    strands = tuple(_evidence(item) for item in group)
    share, low, high = _combined(strands)
    notes = list(_notes(change, known, pack))
    one_strand = len({item.strand for item in strands}) == 1
    if one_strand:
        notes.append(
            "Seen on one strand only"
            + (" of several reads." if reads > 1 else ": there is no read of the other.")
        )
    accession = pack.transcript.protein_accession
    status = "splice artefact" if known else ("to be confirmed" if one_strand else "variant")
    return Call(
        hgvs_c=f"{pack.transcript.accession}:{known.hgvs_c}" if known else named.hgvs_c,
        hgvs_p=f"{accession}:{known.hgvs_p}" if known else named.hgvs_p,
        kind="splice" if known else named.kind,
        first_codon=named.first_codon,
        last_codon=named.last_codon,
        share_percent=share,
        share_low_percent=low,
        share_high_percent=high,
        status=status,
        name=known.name if known else "",
        strands=strands,
        notes=tuple(notes),
        citations=known.citations if known else (),
    )


def _notes(change: Replacement, known: SpliceEvent | None, pack: TargetPack) -> list[str]:
    notes = [known.note] if known else []
    if not known and change.shift <= -20:
        near = [
            number
            for number, exon in enumerate(pack.transcript.exons, 1)
            if abs(exon.first - change.first) <= TOLERANCE and abs(exon.last - change.last) <= TOLERANCE
        ]
        if near:
            notes.append(f"The lost bases are coding exon {near[0]}: a splice variant is likely.")
    if change.inserted and "N" not in change.inserted:
        notes.append(f"Inserted bases as read: {change.inserted}.")
    notes.append(
        "Beyond the junction both sequences overlap: small shares of substitutions are seen less well there."
    )
    return notes


def _evidence(item: SeenShift) -> StrandEvidence:
    found = item.read.superposition
    assert found is not None
    error = 1.96 * float(np.hypot(found.share_sd, SYSTEMATIC * found.share * (1 - 0.8 * found.share)))
    return StrandEvidence(
        read=item.name,
        strand=item.read.placement.strand,
        scan=round(float(item.read.peaks.centres[found.start])),
        share_percent=100 * found.share,
        share_low_percent=100 * max(0.0, found.share - error),
        share_high_percent=100 * min(1.0, found.share + error),
        z=found.t,
        detection_limit_percent=100 * SMALLEST_SHARE,
    )


def _combined(strands: tuple[StrandEvidence, ...]) -> tuple[float, float, float]:
    """Share and 95 % interval over reads, percent, widened where reads disagree.

    Reads of one strand weigh as one together.
    """
    values = np.array([item.share_percent for item in strands])
    names = [item.strand for item in strands]
    errors = np.array([(item.share_high_percent - item.share_low_percent) / 3.92 for item in strands])
    weights = 1 / np.maximum(errors, 0.5) ** 2 / np.array([names.count(name) for name in names])
    mean = float((weights * values).sum() / weights.sum())
    error = float(1 / np.sqrt(weights.sum()))
    if len(values) > 1:
        chi = float((weights * (values - mean) ** 2).sum() / (len(values) - 1))
        error *= max(1.0, chi) ** 0.5
    return mean, max(0.0, mean - 1.96 * error), min(100.0, mean + 1.96 * error)
