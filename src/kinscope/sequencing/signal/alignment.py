"""Where on the coding sequence a read lies.

Biopython's ``PairwiseAligner`` (C, affine gaps, local; Cock PJA et al. 2009, Bioinformatics 25:1422) aligns;
the strand is settled before by counting words of twelve bases, so that one alignment is enough.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np

from kinscope.core.errors import BadInputError
from kinscope.core.residues import COMPLEMENT, reverse_complement
from kinscope.sequencing.model import BASES, Floats, Integers, Strand

WORD: Final = 12
FEWEST_WORDS: Final = 15
"""Words that must be found; a random read of 900 bases shares fewer than one with 4 kb."""
AROUND: Final = 200
"""Bases of the reference on each side of the shared words that are aligned."""
FEWEST_ALIGNED: Final = 50


@dataclass(frozen=True)
class Gap:
    """Where read and reference part."""

    after: int
    """Read position before the gap, in the order of the trace."""
    read_bases: int
    """Bases that only the read has (an insertion)."""


@dataclass(frozen=True)
class Placement:
    """A read on the coding sequence; arrays in the order of the trace."""

    strand: Strand
    coding: Integers
    """Coding base (c. number) of every position, shape (positions,); 0 where there is none."""
    native: Integers
    """Index in ``ACGT`` of the reference base as this strand reads it; -1 where there is none."""
    first: int
    """First position of the alignment itself; what lies outside was continued without gaps."""
    last: int
    gaps: tuple[Gap, ...]
    identity: float
    """Share of aligned positions that agree."""


def place(primary: Integers, signal: Floats, cds: str, kept: tuple[int, int]) -> Placement:
    """Align a read to the coding sequence, on whichever strand fits.

    ``primary`` and ``signal`` are index and height of the strongest base of every position; weak positions
    count as N. Only positions ``kept`` by quality (first, and one past the last) are aligned.

    Raises BadInputError if the read is not of this sequence.
    """
    weak = signal < 0.05 * np.median(signal)
    letters = "".join("N" if low else BASES[base] for base, low in zip(primary, weak, strict=True))
    read = letters[kept[0] : kept[1]]
    strand, low, high = _whereabouts(read, cds)
    reference = cds if strand == "forward" else reverse_complement(cds)
    blocks = [((first + low, last + low), span) for (first, last), span in _blocks(reference[low:high], read)]
    coding = np.zeros(len(letters), dtype=np.int64)
    for (ref_first, ref_last), (read_first, read_last) in blocks:
        coding[kept[0] + read_first : kept[0] + read_last] = np.arange(ref_first + 1, ref_last + 1)
    first, last = kept[0] + blocks[0][1][0], kept[0] + blocks[-1][1][1] - 1
    _extend(coding, first, last, len(reference))
    gaps = tuple(
        Gap(after=kept[0] + one[1][1] - 1, read_bases=other[1][0] - one[1][1])
        for one, other in pairwise(blocks)
    )
    native = np.array([BASES.find(reference[c - 1]) if c else -1 for c in coding], dtype=np.int64)
    inside = np.arange(first, last + 1)
    inside = inside[native[inside] >= 0]
    identity = float(np.mean(primary[inside] == native[inside])) if len(inside) else 0.0
    if len(inside) < FEWEST_ALIGNED or identity < 0.8:
        raise _foreign(len(inside))
    numbers = coding if strand == "forward" else np.where(coding > 0, len(reference) + 1 - coding, 0)
    return Placement(strand, numbers, native, first, last, gaps, identity)


def continued(placement: Placement, cds: str) -> Placement:
    """The same read numbered without gaps from the first stretch of its alignment to its end.

    Molecules with and without an indel agree up to it; from there on this is the numbering of those without.
    The placement itself if it has no gaps.
    """
    if not placement.gaps:
        return placement
    forward = placement.strand == "forward"
    coding = placement.coding.copy()
    after = placement.gaps[0].after
    steps = np.arange(1, len(coding) - after)
    numbers = coding[after] + (steps if forward else -steps)
    coding[after + 1 :] = np.where((numbers >= 1) & (numbers <= len(cds)), numbers, 0)
    text = cds if forward else cds.translate(COMPLEMENT)
    native = np.array([BASES.find(text[c - 1]) if c else -1 for c in coding], dtype=np.int64)
    return replace(placement, coding=coding, native=native, gaps=())


def _whereabouts(read: str, cds: str) -> tuple[Strand, int, int]:
    """The strand that shares more words with the read, and the stretch of it (half open) where they lie."""
    words = {read[i : i + WORD] for i in range(len(read) - WORD + 1)}
    found: dict[Strand, list[int]] = {}
    strands: tuple[tuple[Strand, str], ...] = (("forward", cds), ("reverse", reverse_complement(cds)))
    for strand, text in strands:
        places = _words(text)
        found[strand] = sorted(places[word] for word in words if word in places)
    best: Strand = "forward" if len(found["forward"]) >= len(found["reverse"]) else "reverse"
    at = found[best]
    if len(at) < FEWEST_WORDS:
        raise _foreign(0)
    edge = len(at) // 50
    return best, max(0, at[edge] - AROUND), min(len(cds), at[-1 - edge] + WORD + AROUND)


@lru_cache(maxsize=8)
def _words(text: str) -> dict[str, int]:
    """Place of every word that occurs once or more; the first."""
    places: dict[str, int] = {}
    for index in range(len(text) - WORD + 1):
        places.setdefault(text[index : index + WORD], index)
    return places


def _foreign(aligned: int) -> BadInputError:
    return BadInputError(
        f"The read is not of the reference: {aligned} bases could be aligned to it."
        if aligned
        else "The read is not of the reference: hardly a stretch of it occurs there.",
        where="the bases that were kept after trimming",
        remedy="Check that the trace is of this amplicon and good enough to read.",
    )


@lru_cache(maxsize=1)
def _aligner() -> Any:
    from Bio.Align import PairwiseAligner

    aligner = PairwiseAligner()  # type: ignore[no-untyped-call]
    aligner.mode = "local"
    aligner.match_score, aligner.mismatch_score = 2.0, -3.0
    aligner.open_gap_score, aligner.extend_gap_score = -14.0, -0.25
    aligner.wildcard = "N"
    return aligner


def _blocks(reference: str, read: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Ungapped stretches of the best alignment, as half-open ranges of reference and read.

    Opening a gap costs as much as seven matches, so that a basecaller's slip makes one gap and noise makes
    none; extending costs little, since a skipped exon is as likely as a lost base.
    """
    alignment = _aligner().align(reference, read)[0]
    return [
        ((int(a), int(b)), (int(c), int(d)))
        for (a, b), (c, d) in zip(alignment.aligned[0], alignment.aligned[1], strict=True)
    ]


def _extend(coding: Integers, first: int, last: int, length: int) -> None:
    """Continue the numbering without gaps from the ends of the alignment to the ends of the read."""
    before = coding[first] - np.arange(first, 0, -1)
    coding[:first] = np.where(before >= 1, before, 0)
    after = coding[last] + np.arange(1, len(coding) - last)
    coding[last + 1 :] = np.where(after <= length, after, 0)
