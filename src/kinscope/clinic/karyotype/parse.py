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
    Scanner,
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

__all__ = ["Abnormality", "Clone", "Karyotype", "KaryotypeError", "parse_karyotype"]

MAX_CLONES = 60
MAX_CHANGES = 200
_NEXT_CLONE = re.compile(r"\][ .,;]*(?=[0-9]{2}[0-9]?(?:<[^>]*>)?[ ~-]*[0-9]* *,)")
"""Cells, and at once the number of another clone: the stroke between them is missing."""
_AFTER_CELLS = re.compile(r"\] *([^\[\],/]*)$")


def parse_karyotype(text: str) -> Karyotype:
    """Read a karyotype.

    Raises
    ------
    KaryotypeError
        If the text is empty, too long, holds control characters, or its frame cannot be read; the message
        gives the character, counted from 1.
    """
    _check_text(text)
    plain = normalised(text)
    banded_end, techniques = technique_parts(plain)
    banded = plain[:banded_end].strip(" ;")
    fish: list[FishResult] = []
    unreadable: list[Unreadable] = []
    for part in techniques:
        for result in read_technique(plain, text, part, donor=banded.endswith("//")):
            (fish if isinstance(result, FishResult) else unreadable).append(result)  # type: ignore[arg-type]
    clones = _clones(plain, text, banded_end) if banded.strip(" ./") or not techniques else []
    if not clones and not fish:
        raise frame_error("There is no karyotype here.", 0)
    return Karyotype(text=text, clones=tuple(clones), fish=tuple(fish), unreadable=tuple(unreadable))


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
    while end > start and plain[end - 1] in " .;":
        end -= 1
    missing = _NEXT_CLONE.search(plain, start, end)
    if missing:
        raise frame_error("A clone begins without '/' before it.", missing.end())
    pieces = split_level(plain, start, end, "/")
    # '//' leaves an empty piece between its strokes, and another one where one side of it is empty.
    chimera = plain.find("//", start, end)
    kept: list[tuple[int, int]] = []
    for begin, stop in pieces:
        if plain[begin:stop].strip():
            kept.append((begin, stop))
        elif chimera < 0 or not (
            begin == chimera + 1 or start == chimera == begin or begin == end == chimera + 2
        ):
            raise frame_error("A '/' has no clone on one side.", max(0, min(begin, end - 1)))
    clones = [
        _clone(plain, text, begin, stop, number, donor=0 <= chimera < begin)
        for number, (begin, stop) in enumerate(kept)
    ]
    if len(clones) > MAX_CLONES:
        raise frame_error(f"More than {MAX_CLONES} clones.", 0)
    if not clones:
        raise frame_error("There is no clone here.", 0)
    return _related(written_out(clones))


def _clone(plain: str, text: str, start: int, stop: int, before: int, *, donor: bool) -> Clone:
    unreadable: list[Unreadable] = []
    after = _AFTER_CELLS.search(plain, start, stop)
    if after:
        if after.group(1).strip(" .;"):
            unreadable.append(
                _left(text, after.start(1), stop, PartError("words after the cells", after.start(1)))
            )
        stop = after.start() + 1
    stop, cells, scored, composite, trouble = _cells(plain, text, start, stop)
    unreadable += [trouble] if trouble else []
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
        raise frame_error("Sex chromosomes (X, Y) or idem, sl, sdl expected here.", _first(plain, *fields[1]))
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
        abnormalities=tuple(changes),
        unreadable=tuple(unreadable),
        cells=cells,
        scored=scored,
        composite=composite,
        incomplete=incomplete,
        donor=donor,
    )


def _left(text: str, begin: int, end: int, error: PartError) -> Unreadable:
    shown = text[begin:end].strip()
    reason = error.reason if shown else "nothing between two commas"
    return Unreadable(text=shown, start=begin, end=end, reason=f"{reason} (character {error.offset + 1})")


def _cells(
    plain: str, text: str, start: int, stop: int
) -> tuple[int, int | None, int | None, bool, Unreadable | None]:
    """The ``[20]``, ``[3/20]`` or ``[cp4]`` that ends a clone: where the rest ends, and what it says."""
    end = start + len(plain[start:stop].rstrip(" .;"))
    if end == start or plain[end - 1] != "]":
        return end, None, None, False, None
    begin = plain.rfind("[", start, end)
    if begin < 0:
        raise frame_error("A closing ']' has no opening bracket.", end - 1)
    try:
        cells, scored, composite = cells_in_brackets(scanner := Scanner(plain, begin + 1, end))
        if not scanner.done:
            raise PartError("a number of cells expected", scanner.at)
    except PartError as error:
        return begin, None, None, False, _left(text, begin, end, error)
    if not cells and scored is None:
        raise frame_error("A clone of no cells.", begin + 1)
    return begin, cells, scored, composite, None


def _count(plain: str, start: int, stop: int) -> tuple[int, int, int]:
    """``46``, ``47~48``, ``69<3n>``, the ploidy 0 where it is not stated; ``mos`` may stand before."""
    scanner = Scanner(plain, start, stop)
    scanner.take("(?:mos|chi)(?![a-z])")
    scanner.ahead("")
    at = scanner.at
    try:
        low = scanner.number()
        if low is None:
            raise frame_error("A clone must begin with its chromosome number.", min(at, stop - 1))
        high = scanner.number() if scanner.take("[~-]") else low
        ploidy = 0
        if scanner.take("<"):
            ploidy = scanner.number() or 0
            if not 1 <= ploidy <= 8:
                raise PartError("a ploidy between 1n and 8n expected", at + len(str(low)) + 1)
            scanner.expect("n *[+±-]* *>", "'n>' as in <3n>")
    except PartError as error:
        raise frame_error(f"The chromosome number cannot be read: {error.reason}.", error.offset) from None
    if not scanner.done:
        raise frame_error("A comma expected after the chromosome number.", scanner.at)
    if high is None or not 10 <= low <= high <= 400:
        raise frame_error("A chromosome number between 10 and 400 (or a range like 47~48) expected.", at)
    return low, high, ploidy


def _first(plain: str, at: int, stop: int) -> int:
    return min(at + len(plain[at:stop]) - len(plain[at:stop].lstrip(" ")), stop - 1)


def _head(plain: str, start: int, stop: int, before: int) -> str:
    """The second field of a clone, tight: sex chromosomes, or the clone it refers to; else empty."""
    field = plain[start:stop].replace(" ", "")
    if re.fullmatch(r"[xyu?]{1,9}c?", field):
        return field
    reference = re.fullmatch(r"(idem|sl|sdl)([0-9]{0,3})(?:x([0-9]+))?", field)
    if not reference:
        if re.match("idem|sl|sdl", field):
            raise frame_error("The reference to another clone cannot be read.", _first(plain, start, stop))
        return ""
    word, number, times = reference.groups()
    if (number and word != "sdl") or times not in (None, "1", "2", "3", "4"):
        raise frame_error("The reference to another clone cannot be read.", _first(plain, start, stop))
    if before <= _referred(field):
        raise frame_error(
            f"'{word}' refers to a clone that is not there before it.", _first(plain, start, stop)
        )
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
    inherited = [
        change.model_copy(
            update={
                "copies_low": change.copies_low * times,
                "copies_high": change.copies_high * times,
                "cells": None,
            }
        )
        for change in source.changes
    ]
    own: list[Abnormality] = []
    for change in clone.abnormalities:
        lost = next((kept for kept in inherited if _takes_back(change, kept)), None)
        if lost is None:
            own.append(change)
            continue
        base = None if base is None else base + steps(change)[0]
        inherited.remove(lost)
        if lost.copies_low > change.copies_low:
            left = {
                "copies_low": lost.copies_low - change.copies_low,
                "copies_high": lost.copies_high - change.copies_low,
            }
            inherited.append(lost.model_copy(update=left))
    return clone.model_copy(
        update={
            "sex": source.sex,
            "sex_constitutional": source.sex_constitutional,
            "base": base,
            "inherited": tuple(inherited),
            "abnormalities": tuple(own),
        }
    )


def _takes_back(change: Abnormality, kept: Abnormality) -> bool:
    """Whether a change undoes one of the clone referred to: ``-mar1`` or ``-8`` a gain, ``+Y`` a loss."""
    if change.constitutional != kept.constitutional or change.about != kept.about:
        return False
    if change.kind == "chromosome":
        return {change.sign, kept.sign} == {"+", "-"}
    return change.sign == "-" and kept.sign != "-" and (change.bands == kept.bands or not change.bands)
