"""HGVS names of what was seen, on the transcript of a target; what is known that is no acquired mutation.

den Dunnen JT et al. 2016, Hum Mutat 37:564, doi 10.1002/humu.22981.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kinscope.core.plain_yaml import read_record
from kinscope.core.records import Record
from kinscope.core.residues import CODONS, ONE_TO_THREE
from kinscope.sequencing.model import CallKind
from kinscope.targets import TargetPack


@dataclass(frozen=True)
class Named:
    """A change with its names."""

    hgvs_c: str
    hgvs_p: str
    kind: CallKind
    first_codon: int
    last_codon: int
    assess_expression: str


@dataclass(frozen=True)
class Replacement:
    """Bases ``first`` to ``last`` (c. numbers) become ``inserted``; ``last = first - 1``: an insertion."""

    first: int
    last: int
    inserted: str

    @property
    def shift(self) -> int:
        """Bases gained."""
        return len(self.inserted) - (self.last - self.first + 1)


def name_bases(changes: Mapping[int, str], pack: TargetPack) -> Named:
    """Names of bases replaced within one codon, on one molecule; ``changes`` is c. number to new base."""
    cds = pack.transcript.cds
    first, last = min(changes), max(changes)
    codon = (first - 1) // 3 + 1
    start = 3 * codon - 3
    triplet = "".join(changes.get(start + index + 1, cds[start + index]) for index in range(3))
    after = "".join(changes.get(number, cds[number - 1]) for number in range(first, last + 1))
    text = f"{first}{cds[first - 1]}>{after}" if first == last else f"{first}_{last}delins{after}"
    hgvs_c = f"{pack.transcript.accession}:c.{text}"
    before, now = CODONS[cds[start : start + 3]], CODONS[triplet]
    kind: CallKind = "synonymous" if now == before else "nonsense" if now == "*" else "substitution"
    protein = f"{_three(before)}{codon}{'=' if now == before else _three(now)}"
    modelled = kind == "substitution" and before != "*" and codon > 1
    return Named(
        hgvs_c=hgvs_c,
        hgvs_p=f"{pack.transcript.protein_accession}:p.{protein}",
        kind=kind,
        first_codon=codon,
        last_codon=codon,
        assess_expression=hgvs_c if modelled else "",
    )


def most_3prime(change: Replacement, cds: str) -> Replacement:
    """The same molecule, described as far towards the 3' end as possible, as HGVS demands."""
    first, last, inserted = change.first, change.last, change.inserted
    while inserted and last >= first and inserted[0] == cds[first - 1]:
        first, inserted = first + 1, inserted[1:]
    while inserted and last >= first and inserted[-1] == cds[last - 1]:
        last, inserted = last - 1, inserted[:-1]
    if not inserted:
        while last < len(cds) and cds[first - 1] == cds[last]:
            first, last = first + 1, last + 1
    elif last < first:
        while last < len(cds) and inserted[0] == cds[last]:
            inserted = inserted[1:] + inserted[0]
            first, last = first + 1, last + 1
    return Replacement(first, last, inserted)


def name_indel(change: Replacement, pack: TargetPack) -> Named:
    """Names of a change of length; ``N`` in the inserted bases gives a protein name of ``p.?``."""
    cds, accession = pack.transcript.cds, pack.transcript.accession
    change = most_3prime(change, cds)
    first, last, inserted = change.first, change.last, change.inserted
    span = f"{first}" if first == last else f"{first}_{last}"
    kind: CallKind
    if not inserted:
        kind, text = "deletion", f"{span}del"
    elif last >= first:
        kind, text = "delins", f"{span}delins{_bases(inserted)}"
    elif cds[last - len(inserted) : last] == inserted:
        begin = last - len(inserted) + 1
        kind, text = "insertion", f"{begin}dup" if begin == last else f"{begin}_{last}dup"
    else:
        kind, text = "insertion", f"{last}_{first}ins{_bases(inserted)}"
    low, high = min(first, last), max(first, last)
    return Named(
        hgvs_c=f"{accession}:c.{text}",
        hgvs_p=f"{pack.transcript.protein_accession}:p.{_protein(change, cds)}",
        kind=kind,
        first_codon=(low - 1) // 3 + 1,
        last_codon=(high - 1) // 3 + 1,
        assess_expression="",
    )


def _bases(inserted: str) -> str:
    return inserted if "N" not in inserted else f"N[{len(inserted)}]"


def _three(letter: str) -> str:
    return "Ter" if letter == "*" else ONE_TO_THREE[letter]


def _protein(change: Replacement, cds: str) -> str:
    """The protein change of a change of length, without ``p.``."""
    if "N" in change.inserted:
        return "?"
    native = [CODONS[cds[i : i + 3]] for i in range(0, len(cds) - 2, 3)]
    text = cds[: change.first - 1] + change.inserted + cds[change.last :]
    mutant = [CODONS[text[i : i + 3]] for i in range(0, len(text) - 2, 3)]
    mutant = mutant[: mutant.index("*") + 1] if "*" in mutant else mutant
    at = next((i for i, pair in enumerate(zip(native, mutant, strict=False)) if pair[0] != pair[1]), None)
    if at is None:
        return "=" if len(native) == len(mutant) else "?"
    if change.shift % 3:
        return _frameshift(native, mutant, at)
    return _in_frame(native, mutant, at)


def _frameshift(native: list[str], mutant: list[str], at: int) -> str:
    if mutant[at] == "*":
        return f"{_three(native[at])}{at + 1}Ter"
    length = str(mutant.index("*") - at + 1) if "*" in mutant else "?"
    return f"{_three(native[at])}{at + 1}{_three(mutant[at])}fsTer{length}"


def _in_frame(native: list[str], mutant: list[str], at: int) -> str:
    """Deletion, insertion, duplication or both of whole residues."""
    if mutant[-1] == "*" and len(mutant) - 1 <= at:
        return f"{_three(native[at])}{at + 1}Ter"
    end = 0
    longest = min(len(native), len(mutant)) - at
    while end < longest and native[-1 - end] == mutant[-1 - end]:
        end += 1
    lost, gained = native[at : len(native) - end], mutant[at : len(mutant) - end]
    names = "".join(_three(letter) for letter in gained)
    if not lost:
        begin = at - len(gained)
        if begin >= 0 and native[begin:at] == gained:
            return f"{_span(native, begin, at - 1)}dup"
        return f"{_three(native[at - 1])}{at}_{_three(native[at])}{at + 1}ins{names}"
    span = _span(native, at, at + len(lost) - 1)
    return f"{span}delins{names}" if gained else f"{span}del"


def _span(native: list[str], first: int, last: int) -> str:
    one = f"{_three(native[first])}{first + 1}"
    return one if first == last else f"{one}_{_three(native[last])}{last + 1}"


class Amplicon(Record):
    """The codons that a report is about unless others are asked for."""

    first_codon: int
    last_codon: int
    reason: str


class Polymorphism(Record):
    """An inherited variant."""

    hgvs_c: str
    hgvs_p: str
    name: str
    note: str
    citations: tuple[str, ...]


class SpliceEvent(Record):
    """A splice variant that has been described."""

    hgvs_c: str
    first: int
    """First lost coding base; for an insertion the base after it."""
    last: int
    """Last lost coding base; for an insertion the base before it."""
    inserted_bases: int
    hgvs_p: str
    name: str
    other_names: tuple[str, ...] = ()
    """Lower case, letters and digits only."""
    note: str
    citations: tuple[str, ...]

    @property
    def shift(self) -> int:
        """Bases gained."""
        return self.inserted_bases - (self.last - self.first + 1)

    def is_at(self, first: int, shift: int) -> bool:
        """Whether a change of so many bases there is this one; two readings differ a little on the place."""
        return self.shift == shift and abs(self.first - first) <= TOLERANCE


class Knowledge(Record):
    """Everything of one gene."""

    amplicon: Amplicon | None = None
    polymorphisms: tuple[Polymorphism, ...] = ()
    splice_events: tuple[SpliceEvent, ...] = ()

    def polymorphism(self, hgvs_c: str, hgvs_p: str = "") -> Polymorphism | None:
        """The polymorphism of a coding change, or of a protein change alone (with or without accession)."""
        short = (hgvs_c or hgvs_p).rpartition(":")[2]
        return next((item for item in self.polymorphisms if short in (item.hgvs_c, item.hgvs_p)), None)

    def splice_event(self, text: str, offset: int = 0) -> SpliceEvent | None:
        """The splice event of a name in words, or of a coding change that begins ``offset`` codons later."""
        words = re.sub("[^a-z0-9]|(?<=fs)(?:ter|x)", "", text.lower().replace("δ", "delta"))
        words = re.sub("^(?:bcr)?abl1?", "", words)
        named = next((item for item in self.splice_events if words in item.other_names), None)
        found = _LENGTH_CHANGE.search(text)
        if named is not None or found is None:
            return named
        first, last = int(found[1]) - 3 * offset, int(found[2]) - 3 * offset
        gained = int(found[5] or 0) or len(found[4] or "")
        first, shift = (last, gained) if found[3] == "ins" else (first, gained - (last - first + 1))
        if found[3] == "del":
            shift = first - last - 1
        return next((item for item in self.splice_events if item.is_at(first, shift)), None)


_LENGTH_CHANGE = re.compile(r"c\.(\d+)_(\d+)(delins|del|ins)(?:N?\[?(?=\d)|([ACGTN]+))?(\d{1,4})?")
TOLERANCE = 12
"""Coding bases by which two reads, or a read and a known event, may differ on the place."""


@lru_cache(maxsize=8)
def knowledge_of(gene: str) -> Knowledge:
    """What the package knows of a gene; empty if it has no file for it.

    Raises BadInputError if the file of the package is damaged.
    """
    path = Path(__file__).parents[1] / "knowledge" / f"{gene.lower()}.yaml"
    if not path.is_file():
        return Knowledge()
    return read_record(path, Knowledge, "The file is not as expected")
