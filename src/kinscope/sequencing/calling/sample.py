"""From the traces of one sample to its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Final

import numpy as np

from kinscope import __version__
from kinscope.core.errors import BadInputError
from kinscope.sequencing.calling.detection import (
    Detection,
    codon_coverage,
    detect,
    detection_limits,
    ranges,
    statement,
)
from kinscope.sequencing.calling.events import event_calls, seen_shift
from kinscope.sequencing.calling.naming import Knowledge, Named, knowledge_of, name_bases
from kinscope.sequencing.calling.phase import PROVEN_PERCENT, phases
from kinscope.sequencing.model import BASES, Call, Floats, ReadSummary, SangerResult, StrandEvidence, Trace
from kinscope.sequencing.signal.columns import ReadTable, Share, against_control, read_table, share_of
from kinscope.sequencing.signal.read_analysis import ReadAnalysis, analyse
from kinscope.targets import TargetPack

MAX_READS = 50
"""Reads of one sample; an amplicon takes two to six."""


@dataclass(frozen=True)
class SampleAnalysis:
    """The answer and what it was drawn from (for figures)."""

    result: SangerResult
    reads: tuple[ReadAnalysis, ...]
    """In the order of ``result.reads``."""


def call_variants(
    traces: Sequence[Trace],
    pack: TargetPack,
    *,
    controls: Sequence[Trace] = (),
    codons: tuple[int, int] | None = None,
    names: Sequence[str] = (),
) -> SampleAnalysis:
    """Call the variants of one sample from all its traces.

    ``traces`` are its reads, any strand, any number; ``controls`` those of a wild-type sample by the same
    primers, taken off strand by strand. ``codons`` are the first and last of the report (default: amplicon);
    ``names`` of the reads are given only if they may be shown beside the pseudonyms ``S1`` and so on.

    A trace that is another one again is left out and said. Raises BadInputError if there is no read, none of
    the reads is usable, or a control is a trace of the sample or carries a variant.
    """
    if not 0 < len(traces) <= MAX_READS:
        remedy = f"Give the 1 to {MAX_READS} reads of one sample."
        raise BadInputError(f"{len(traces)} traces were given for one sample.", where="traces", remedy=remedy)
    cds, knowledge = pack.transcript.cds, knowledge_of(pack.gene)
    amplicon = knowledge.amplicon
    usual = (amplicon.first_codon, amplicon.last_codon) if amplicon else (1, len(pack.transcript.protein))
    region = codons or usual
    pseudonyms = [f"S{number}" for number in range(1, len(traces) + 1)]
    copies = _copies(traces)
    if any(_same(trace, control) for trace in traces for control in controls):
        what = "A control is a trace of the sample itself."
        raise BadInputError(what, where="controls", remedy="Give traces of a wild-type sample.")
    single = [number for number in range(len(traces)) if number not in copies]
    tables, failed = _analysed([traces[i] for i in single], [pseudonyms[i] for i in single], cds)
    if not tables:
        raise failed[0][1]
    known = [read_table("control", analyse(trace, cds), len(cds)) for trace in controls]
    _wild_type(known, knowledge, pack)
    beside = [against_control(table, known) for table in tables]
    alone = [new.name for old, new in zip(tables, beside, strict=True) if new is old and controls]
    tables = beside
    detections = [item for item in detect(tables) if region[0] <= (item.coding + 2) // 3 <= region[1]]
    calls = _calls(detections, tables, knowledge, pack)
    coverage = codon_coverage(tables, cds, *region)
    result = SangerResult(
        sample="S",
        target=pack.gene,
        reference=pack.transcript.accession,
        reads=tuple(
            _summary(table, names[pseudonyms.index(table.name)] if names else "") for table in tables
        ),
        control_used=len(alone) < len(tables) and bool(controls),
        calls=calls,
        phases=phases(calls),
        coverage=coverage,
        first_codon=region[0],
        last_codon=region[1],
        statement=statement(calls, coverage),
        notes=(
            *(f"{name} was left out: {error.what}" for name, error in failed),
            *(
                f"{pseudonyms[copy]} is the same trace as {pseudonyms[first]}: no evidence, left out."
                for copy, first in copies.items()
            ),
            *(f"{name} has no control of its strand and stretch: nothing was taken off." for name in alone),
            *(_contradiction(item, pack) for item in detections if item.contradicted),
        ),
        version=__version__,
    )
    return SampleAnalysis(result, tuple(table.read for table in tables))


def _wild_type(controls: Sequence[ReadTable], knowledge: Knowledge, pack: TargetPack) -> None:
    """Refuse controls whose protein carries a variant, as it would be taken off the sample.

    What one strand alone shows, below half of the molecules, may be the background they are given for.
    """
    for item in detect(controls) if controls else ():
        named = name_bases({item.coding: BASES[item.base]}, pack)
        shown = len({table.strand for table in item.reads}) == 2 or item.share.value > 0.5
        harmless = named.kind == "synonymous" or knowledge.polymorphism(named.hgvs_c)
        if shown and not item.contradicted and not harmless:
            share = f"{named.hgvs_c.partition(':')[2]} in {100 * item.share.value:.0f} %"
            what = f"The control is not wild type: it shows {share}, which would be taken off the sample."
            raise BadInputError(what, where="controls", remedy="Give traces of a wild-type sample.")


SAME_TRACE: Final = 0.005
"""Traces of one run agree to this part of their highest peak, whatever format each was saved in."""


def _same(one: Trace, other: Trace) -> bool:
    if one.channels.shape != other.channels.shape:
        return False
    first, second = (
        trace.channels / max(float(np.abs(trace.channels).max()), 1e-9) for trace in (one, other)
    )
    return bool(np.allclose(first, second, rtol=0, atol=SAME_TRACE))


def _copies(traces: Sequence[Trace]) -> dict[int, int]:
    """Index of each trace that is an earlier one again, and of that one."""
    found: dict[int, int] = {}
    for number, trace in enumerate(traces):
        first = next((i for i in range(number) if i not in found and _same(traces[i], trace)), None)
        if first is not None:
            found[number] = first
    return found


def _calls(
    detections: Sequence[Detection], tables: Sequence[ReadTable], knowledge: Knowledge, pack: TargetPack
) -> tuple[Call, ...]:
    shifts = [seen_shift(table.name, table.read, pack.transcript.cds) for table in tables]
    limits = [100 * detection_limits([table]) for table in tables] if detections else []
    certain = (item for item in detections if not item.contradicted)
    single = [
        call
        for _, group in groupby(certain, key=lambda item: (item.coding + 2) // 3)
        for call in _codon_calls(list(group), tables, limits, knowledge, pack)
    ]
    events = event_calls([item for item in shifts if item is not None], len(tables), knowledge, pack)
    return tuple(sorted([*single, *events], key=lambda call: call.first_codon))


def _analysed(
    traces: Sequence[Trace], pseudonyms: Sequence[str], cds: str
) -> tuple[list[ReadTable], list[tuple[str, BadInputError]]]:
    reads, failed = [], []
    for name, trace in zip(pseudonyms, traces, strict=True):
        try:
            reads.append(read_table(name, analyse(trace, cds), len(cds)))
        except BadInputError as error:
            what, where = error.what, f"{name}: {error.where}"
            failed.append((name, BadInputError(what, where=where, remedy=error.remedy)))
    return reads, failed


def _codon_calls(
    group: list[Detection],
    tables: Sequence[ReadTable],
    limits: Sequence[Floats],
    knowledge: Knowledge,
    pack: TargetPack,
) -> list[Call]:
    """Calls of one codon: one call where its bases must be on the same molecules, else one each."""
    evidence = [_evidence(item, tables, limits) for item in group]
    if len(group) == 2 and group[0].coding != group[1].coding:
        together = 100 * (group[0].share.low + group[1].share.low - 1)
        if together > PROVEN_PERCENT:
            named = name_bases({item.coding: BASES[item.base] for item in group}, pack)
            smaller = min(group, key=lambda item: item.share.value)
            strands = tuple(part for parts in evidence for part in parts)
            return [_call(named, smaller.share, strands, smaller.reads, knowledge)]
    return [
        _call(name_bases({item.coding: BASES[item.base]}, pack), item.share, parts, item.reads, knowledge)
        for item, parts in zip(group, evidence, strict=True)
    ]


def _evidence(
    item: Detection, tables: Sequence[ReadTable], limits: Sequence[Floats]
) -> tuple[StrandEvidence, ...]:
    found = []
    for table, limit in zip(tables, limits, strict=True):
        if not table.callable[item.coding, item.base]:
            continue
        share = share_of([table.observation(item.coding, item.base)])
        excess, spread = table.excess[item.coding, item.base], table.excess_sd[item.coding, item.base]
        found.append(
            StrandEvidence(
                read=table.name,
                strand=table.strand,
                scan=round(float(table.read.peaks.centres[table.position[item.coding]])),
                share_percent=100 * share.value,
                share_low_percent=100 * share.low,
                share_high_percent=100 * share.high,
                z=float(excess / spread),
                detection_limit_percent=float(limit[item.coding, item.base]),
            )
        )
    return tuple(found)


def _call(
    named: Named,
    share: Share,
    strands: tuple[StrandEvidence, ...],
    judging: tuple[ReadTable, ...],
    knowledge: Knowledge,
) -> Call:
    known = knowledge.polymorphism(named.hgvs_c, named.hgvs_p)
    one_strand = len({table.strand for table in judging}) == 1
    notes = [known.note] if known else []
    if one_strand:
        notes.append("Covered by one strand only: confirm it on the other.")
    return Call(
        **asdict(named),
        share_percent=100 * share.value,
        share_low_percent=100 * share.low,
        share_high_percent=100 * share.high,
        status="known polymorphism" if known else ("to be confirmed" if one_strand else "variant"),
        name=known.name if known else "",
        strands=strands,
        notes=tuple(notes),
        citations=known.citations if known else (),
    )


def _contradiction(item: Detection, pack: TargetPack) -> str:
    named = name_bases({item.coding: BASES[item.base]}, pack)
    return (
        f"{named.hgvs_c.partition(':')[2]} shows on one read and not, or not alike, on another that would "
        "have shown it: not called. Look at the traces there."
    )


def _summary(table: ReadTable, shown: str) -> ReadSummary:
    read = table.read
    coding = read.placement.coding[read.callable.any(axis=1)]
    notes = []
    if len(read.blobs):
        at = read.placement.coding[read.blobs]
        notes.append(
            f"Free dye (blob) over c.{ranges(int(c) for c in at if c)}: that colour is not judged there."
        )
    if read.own_qualities and len(read.trace.qualities):
        notes.append("The file's base qualities tell nothing: they were measured from the signal.")
    if read.superposition is not None:
        junction = int(read.placement.coding[read.superposition.start])
        notes.append(f"Two sequences overlap from c.{junction} on, in the direction of reading.")
    return ReadSummary(
        read=table.name,
        name=shown,
        info=read.trace.info,
        strand=read.placement.strand,
        bases_called=len(read.peaks.centres),
        kept_first=read.kept[0] + 1,
        kept_last=read.kept[1],
        coding_first=int(coding.min()) if len(coding) else 0,
        coding_last=int(coding.max()) if len(coding) else 0,
        identity_percent=100 * read.placement.identity,
        signal_to_noise=read.signal_to_noise,
        positions_redone=read.positions_redone,
        notes=tuple(notes),
    )
