"""Karyotypes in ISCN notation as reports write them.

The frame (brackets, clones, numbers, sex chromosomes) must hold or an error says where it does not; a change
that is not understood is kept with its place and takes part in nothing. Notation: ISCN 2020 and 2024
(Cytogenet Genome Res 2020;160:341-503, 2024;164 Suppl 1).
"""

from __future__ import annotations

import re

from kinscope.clinic.karyotype.changes import likely_ploidy, steps, written_out
from kinscope.clinic.karyotype.fish import read_technique, technique_parts
from kinscope.clinic.karyotype.grammar import (
    PartError,
    cells_in_brackets,
    frame_error,
    normalised,
    read_change,
    split_level,
)
from kinscope.clinic.karyotype.model import (
    MAX_LETTERS,
    Abnormality,
    Clone,
    FishResult,
    Karyotype,
    KaryotypeError,
    Unreadable,
)

MAX_CLONES = 60
MAX_CHANGES = 200
_NEXT_CLONE = re.compile(r"\][ .,;]*(?=[0-9]{2}[0-9]?(?:<[^>]*>)?[ ~-]*[0-9]* *,)")
"""Cells, and at once the number of another clone: the stroke between them is missing."""
_CELLS = re.compile(r"\[[^\[\]]*\]([^\[\],/]*)$")
"""The cells that end a clone, and any words behind them."""
_NUMBER = re.compile(
    r" *(?:(?:mos|chi) *)?(?P<low>[0-9]{1,5}) *(?:[~-] *(?P<high>[0-9]{1,5}) *)?"
    r"(?:< *(?P<ploidy>[1-8]) *n *[+±-]* *> *)?"
)
"""``46``, ``47~48``, ``69<3n>``."""


def parse_karyotype(text: str) -> Karyotype:
    """Read a karyotype.

    Raises KaryotypeError if the text is empty, too long, holds control characters, or its frame cannot be
    read; the message gives the character, counted from 1.
    """
    _check_text(text)
    plain = normalised(text)
    banded_end, techniques = technique_parts(plain)
    banded = plain[:banded_end].strip(" ;")
    donor = banded.endswith("//")
    results = [result for part in techniques for result in read_technique(plain, text, part, donor=donor)]
    fish = tuple(result for result in results if isinstance(result, FishResult))
    unreadable = tuple(result for result in results if isinstance(result, Unreadable))
    clones = _clones(plain, text, banded_end) if banded.strip(" ./") or not techniques else []
    if not clones and not fish:
        raise frame_error("There is no karyotype here.", 0)
    return Karyotype(text=text, clones=tuple(clones), fish=fish, unreadable=unreadable)


def _check_text(text: str) -> None:
    if not text.strip():
        raise frame_error("The karyotype is empty.", 0)
    if len(text) > MAX_LETTERS:
        raise KaryotypeError(
            f"The karyotype has {len(text):,} characters; at most {MAX_LETTERS:,} are read.",
            where="karyotype",
            remedy="Give one karyotype at a time.",
        )
    for position, character in enumerate(normalised(text)):
        if not character.isprintable():
            raise frame_error("A control character stands in the karyotype.", position)


def _clones(plain: str, text: str, end: int) -> list[Clone]:
    start = len(plain) - len(plain.lstrip(" .;"))
    end = max(start, len(plain[:end].rstrip(" .;,")))
    missing = _NEXT_CLONE.search(plain, start, end)
    if missing:
        raise frame_error("A clone begins without '/' before it.", missing.end())
    pieces = split_level(plain, start, end, "/")
    # '//' leaves an empty piece between its strokes, and another one where one side of it is empty.
    chimera = plain.find("//", start, end)
    empty = [chimera + 1] + [start] * (chimera == start) + [end] * (chimera + 2 == end)
    kept: list[tuple[int, int]] = []
    for begin, stop in pieces:
        if plain[begin:stop].strip():
            kept.append((begin, stop))
        elif chimera < 0 or begin not in empty:
            raise frame_error("A '/' has no clone on one side.", max(0, min(begin, end - 1)))
    if not 0 < len(kept) <= MAX_CLONES:
        raise frame_error(f"More than {MAX_CLONES} clones." if kept else "There is no clone here.", 0)
    clones: list[Clone] = []
    for donor in (False, True):
        side = enumerate(piece for piece in kept if (0 <= chimera < piece[0]) is donor)
        read = [_clone(plain, text, begin, stop, number, donor=donor) for number, (begin, stop) in side]
        clones += _related(written_out(read))
    return clones


def _clone(plain: str, text: str, start: int, stop: int, before: int, *, donor: bool) -> Clone:
    unreadable: list[Unreadable] = []
    cells = scored = None
    composite = False
    if brackets := _CELLS.search(plain, start, stop):
        words = brackets.start(1)
        if brackets.group(1).strip(" .;"):
            unreadable.append(_left(text, words, stop, PartError("words after the cells", words)))
        try:
            cells, scored, composite = cells_in_brackets(plain, brackets.start(), words)
        except PartError as error:
            unreadable.append(_left(text, brackets.start(), words, error))
        stop = brackets.start()
        if cells == 0 and scored is None:
            raise frame_error("A clone of no cells.", stop + 1)
    fields = split_level(plain, start, stop, ",")
    if len(fields) > MAX_CHANGES:
        raise frame_error(f"More than {MAX_CHANGES} changes in one clone.", start)
    low, high, ploidy = _count(plain, *fields[0])
    if len(fields) < 2:
        raise frame_error("Sex chromosomes expected after the chromosome number.", fields[0][1])
    head = _head(plain, *fields[1], before)
    changes: list[Abnormality] = []
    incomplete = False
    for begin, end in fields[2:] if head else fields[1:]:
        if plain[begin:end].strip() == "inc":
            incomplete = True
            continue
        try:
            change = read_change(plain, begin, end)
            changes.append(change.model_copy(update={"text": text[begin:end].strip()}))
        except PartError as error:
            unreadable.append(_left(text, begin, end, error))
    if not head and not (changes and {"X", "Y"} & set(changes[0].chromosomes)):
        raise frame_error("Sex chromosomes (X, Y) or idem, sl, sdl expected here.", fields[1][0])
    reference = head if head[:1] in ("i", "s") else ""
    return Clone(
        text=text[start:stop].strip(),
        start=start,
        end=stop,
        low=low,
        high=high,
        ploidy=ploidy,
        sex="" if reference else head.removesuffix("c").upper(),
        sex_constitutional=not reference and head.endswith("c"),
        reference=reference,
        abnormalities=_replacing(changes),
        unreadable=tuple(unreadable),
        cells=cells,
        scored=scored,
        composite=composite,
        incomplete=incomplete,
        donor=donor,
    )


def _replacing(changes: list[Abnormality]) -> tuple[Abnormality, ...]:
    """The changes with ``-22,+der(22)t(9;22)``, as older reports write it, as der(22)t(9;22)."""
    kept = list(changes)
    for change in changes:
        whole = [
            c for c in kept if (c.sign, c.kind, c.chromosomes) == ("-", "chromosome", change.chromosomes)
        ]
        if whole and change.sign == "+" and change.kind in ("der", "ider"):
            kept.remove(whole[0])
            kept[kept.index(change)] = change.model_copy(update={"sign": ""})
    return tuple(kept)


def _left(text: str, begin: int, end: int, error: PartError) -> Unreadable:
    shown = text[begin:end].strip()
    reason = error.reason if shown else "nothing between two commas"
    return Unreadable(text=shown, start=begin, end=end, reason=f"{reason} (character {error.offset + 1})")


def _count(plain: str, start: int, stop: int) -> tuple[int, int, int]:
    """The chromosome number, lowest and highest, and the ploidy, 0 where it is not stated."""
    found = _NUMBER.match(plain, start, stop)
    if not found:
        raise frame_error("A clone must begin with its chromosome number.", start)
    if found.end() < stop:
        ploidy = plain[found.end()] == "<"
        what = "A ploidy from <1n> to <8n>" if ploidy else "A comma"
        raise frame_error(f"{what} expected after the chromosome number.", found.end() + ploidy)
    low, high = int(found["low"]), int(found["high"] or found["low"])
    if not 10 <= low <= high <= 400:
        what = "A chromosome number between 10 and 400 (or a range like 47~48) expected."
        raise frame_error(what, found.start("low"))
    return low, high, int(found["ploidy"] or 0)


def _head(plain: str, start: int, stop: int, before: int) -> str:
    """The second field of a clone, tight: sex chromosomes, or the clone it refers to; else empty."""
    field = plain[start:stop].replace(" ", "")
    if not re.match("idem|sl|sdl", field):
        return field if re.fullmatch(r"[xyu?]{1,9}c?", field) else ""
    if not re.fullmatch(r"(?:idem|sl|sdl[0-9]{0,3})(?:x[1-4])?", field):
        raise frame_error("The reference to another clone cannot be read.", start)
    if before <= _referred(field):
        raise frame_error("The clone that this one refers to is not there before it.", start)
    return field


def _referred(reference: str) -> int:
    """The index of the clone that is meant: idem and sl are the first, sdl1 the second (ISCN 2024, 6.3)."""
    return int(re.sub(r"^[a-z]*|x.*$", "", reference) or 1) if reference.startswith("sdl") else 0


def _related(clones: list[Clone]) -> list[Clone]:
    """The clones with what each takes over from the one it refers to, and with their ploidy."""
    done: list[Clone] = []
    for clone in clones:
        if clone.reference:
            clone = _inheriting(clone, done[_referred(clone.reference)])
        done.append(clone.model_copy(update={"ploidy": clone.ploidy or likely_ploidy(clone)}))
    return done


def _inheriting(clone: Clone, source: Clone) -> Clone:
    times = int(clone.reference.partition("x")[2] or 1)
    base = source.low * times if source.low == source.high and not source.composite else None
    inherited = [_copies(c, c.copies_low * times, c.copies_high * times) for c in source.changes]
    own: list[Abnormality] = []
    for change in clone.abnormalities:
        lost = next((kept for kept in inherited if _takes_back(change, kept)), None)
        if lost is None:
            own.append(change)
            continue
        base = None if base is None else base + steps(change)[0]
        inherited.remove(lost)
        if lost.copies_low > change.copies_low:
            left = lost.copies_low - change.copies_low
            inherited.append(_copies(lost, left, max(left, lost.copies_high - change.copies_low)))
    return clone.model_copy(
        update={
            "sex": source.sex,
            "sex_constitutional": source.sex_constitutional,
            "base": base,
            "inherited": tuple(inherited),
            "abnormalities": tuple(own),
        }
    )


def _copies(change: Abnormality, low: int, high: int) -> Abnormality:
    return change.model_copy(update={"copies_low": low, "copies_high": high, "cells": None})


def _takes_back(change: Abnormality, kept: Abnormality) -> bool:
    """Whether a change undoes one of the clone referred to: ``-mar1`` or ``-8`` a gain, ``+Y`` a loss."""
    if change.constitutional != kept.constitutional or change.key[1:] != kept.key[1:]:
        return False
    return {change.sign, kept.sign} == {"+", "-"} if change.kind == "chromosome" else change.sign == "-"
