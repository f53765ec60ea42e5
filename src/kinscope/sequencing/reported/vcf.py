"""VCF with calls of one sample, on GRCh38 or on the transcript.

After "The Variant Call Format Specification", versions 4.1 to 4.4 (samtools/hts-specs). Only what is needed
is read: place, bases, filter, share and depth; the reference bases are checked against the transcript.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kinscope.core.errors import BadInputError
from kinscope.sequencing.reported.calls import call_of, named_replacement

if TYPE_CHECKING:
    from kinscope.sequencing.model import Call
    from kinscope.targets import TargetPack

REMEDY: Final = "Give a VCF 4 with tab-separated columns on GRCh38, or on the transcript with --cds-start."
_BASES: Final = re.compile(r"[ACGT]{1,1000}")
_COMPLEMENT: Final = str.maketrans("ACGT", "TGCA")
_GRCH37_CHR9: Final = "141213431"
"""Length of chromosome 9 in GRCh37 (138394717 in GRCh38)."""


@dataclass(frozen=True)
class _Line:
    where: str
    """File and line, for errors."""
    number: int
    chromosome: str
    position: int
    reference: str
    alternatives: tuple[str, ...]
    filters: str
    info: dict[str, str]
    sample: dict[str, str]


def is_vcf(lines: list[str]) -> bool:
    """Whether a text says that it is a VCF."""
    return bool(lines) and lines[0].startswith("##fileformat=VCF")


def read_vcf(
    lines: list[str], name: str, pack: TargetPack, cds_start: int = 1
) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    """Calls of the target and notes on what was left out.

    Parameters
    ----------
    lines
        Lines of the file.
    name
        Its name, for errors.
    pack
        The target.
    cds_start
        For lines on the transcript: the position of the A of the start codon on it.

    Raises
    ------
    BadInputError
        If a line is malformed or contradicts the reference; with the line.
    """
    calls: list[Call] = []
    notes: list[str] = []
    columns = 0
    for number, text in enumerate(lines, start=1):
        where = f"{name}, line {number}"
        if text.startswith("##"):
            _check_header(text, where, pack)
        elif text.startswith("#"):
            columns = len(text.split("\t"))
        elif text.strip():
            line = _parsed(text, columns, where, number)
            _add(line, pack, cds_start, calls, notes)
    if not columns:
        raise BadInputError("The line with the column names (#CHROM) is missing.", where=name, remedy=REMEDY)
    return tuple(sorted(calls, key=lambda call: call.first_codon)), tuple(notes)


def _check_header(text: str, where: str, pack: TargetPack) -> None:
    other = "GRCh37" in text or "hg19" in text.lower() or f"length={_GRCH37_CHR9}" in text
    if other and text.startswith(("##reference", "##contig", "##assembly")):
        raise BadInputError(
            f"The file is on GRCh37; kinscope's positions are on {pack.transcript.assembly}.",
            where=where,
            remedy="Lift the calls over, or give a table of c. descriptions.",
        )


def _parsed(text: str, columns: int, where: str, number: int) -> _Line:
    fields = text.split("\t")
    if columns < 8 or len(fields) != columns:
        raise BadInputError(
            f"The line has {len(fields)} columns; the head line has {columns}.", where=where, remedy=REMEDY
        )
    chromosome, position, _, reference, alternatives, _, filters, info = fields[:8]
    if not position.isdigit() or len(position) > 10 or int(position) < 1:
        raise BadInputError(f"{position[:30]!r} is no position.", where=where, remedy=REMEDY)
    if not _BASES.fullmatch(reference.upper()):
        raise BadInputError(f"{reference[:30]!r} are no reference bases.", where=where, remedy=REMEDY)
    sample = dict(zip(fields[8].split(":"), fields[9].split(":"), strict=False)) if len(fields) > 9 else {}
    return _Line(
        where=where,
        number=number,
        chromosome=chromosome,
        position=int(position),
        reference=reference.upper(),
        alternatives=tuple(alternatives.upper().split(",")),
        filters=filters,
        info=dict(part.partition("=")[::2] for part in info.split(";")),
        sample=sample,
    )


def _add(line: _Line, pack: TargetPack, cds_start: int, calls: list[Call], notes: list[str]) -> None:
    place = _coding(line, pack, cds_start)
    if isinstance(place, str):
        notes.append(f"Line {line.number}: left out, {place}.")
        return
    first, last = place
    for index, alternative in enumerate(line.alternatives):
        if not _BASES.fullmatch(alternative):
            notes.append(f"Line {line.number}: left out, {alternative[:30]!r} is not a plain sequence.")
            continue
        share, depth = _share(line, index)
        if share == 0:
            continue
        inserted = alternative if pack.transcript.strand == "+" else alternative.translate(_COMPLEMENT)[::-1]
        call = call_of(named_replacement(first, last, inserted, pack), share, depth, pack)
        if line.filters not in {"PASS", "."}:
            note = f"The file's filter is {line.filters[:60]}."
            call = call.model_copy(update={"notes": (*call.notes, note), "status": "to be confirmed"})
        calls.append(call)


def _coding(line: _Line, pack: TargetPack, cds_start: int) -> tuple[int, int] | str:
    """First and last coding base of the reference allele, or why the line is none of ours."""
    transcript = pack.transcript
    length = len(line.reference)
    number = transcript.chromosome.removeprefix("chr")
    if line.chromosome in {transcript.chromosome, number, transcript.genomic_accession}:
        index = {position: base for base, position in enumerate(transcript.genomic_positions, start=1)}
        bases = [index.get(line.position + offset, 0) for offset in range(length)]
        if not all(bases) or max(bases) - min(bases) != length - 1:
            return f"{line.chromosome}:{line.position} is outside the coding exons of {pack.gene}"
        first, last = min(bases), max(bases)
    elif line.chromosome in {transcript.accession, *transcript.equivalents}:
        first = line.position - cds_start + 1
        last = first + length - 1
        if first < 1 or last > len(transcript.cds):
            return f"position {line.position} is outside the coding sequence"
    else:
        return f"{line.chromosome[:40]} holds no base of {pack.gene}"
    there = transcript.cds[first - 1 : last]
    shown = there if transcript.strand == "+" else there.translate(_COMPLEMENT)[::-1]
    if shown != line.reference:
        raise BadInputError(
            f"The reference has {shown[:30]} there, not {line.reference[:30]}.",
            where=f"{line.where} ({line.chromosome}:{line.position})",
            remedy="Check the assembly (GRCh38), and --cds-start for positions on the transcript.",
        )
    return first, last


def _share(line: _Line, index: int) -> tuple[float | None, int | None]:
    """Share (0 to 1) and depth of an alternative, from AD, AF and DP of the sample or of INFO."""
    for source in (line.sample, line.info):
        counts = source.get("AD", "").split(",")
        if len(counts) == len(line.alternatives) + 1 and all(count.isdigit() for count in counts):
            depth = sum(int(count) for count in counts)
            if depth:
                return int(counts[index + 1]) / depth, depth
    depth_text = line.sample.get("DP") or line.info.get("DP") or ""
    depth_value = int(depth_text) if depth_text.isdigit() and len(depth_text) < 10 else None
    shares = (line.sample.get("AF") or line.sample.get("VAF") or line.info.get("AF") or "").split(",")
    if index < len(shares) and shares[index]:
        try:
            share = float(shares[index])
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise BadInputError(
                f"{shares[index][:30]!r} is no share between 0 and 1.", where=line.where, remedy=REMEDY
            )
        return share, depth_value
    return None, depth_value
