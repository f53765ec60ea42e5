"""Karyotypes in ISCN notation as reports write them, and FISH beside them for BCR and ABL1.

The frame (brackets, clones, numbers, sex chromosomes) must hold or an error says where it does not; a change
that is not understood is kept with its place and takes part in nothing. Notation: ISCN 2020 and 2024
(Cytogenet Genome Res 2020;160:341-503, 2024;164 Suppl 1).
"""

from __future__ import annotations

from kinscope.clinic.karyotype.grammar import (
    OPENING,
    PartError,
    Scanner,
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
from kinscope.core.records import Record

FISH_TECHNIQUES = ("nuc ish", "ish")
OTHER_TECHNIQUES = ("arr", "ogm", "sseq", "seq", "rsa", "mlpa")
_NAMES = {"arr": "microarray", "ogm": "optical mapping", "mlpa": "MLPA", "rsa": "region-specific assay"}

Part = tuple[str, int, int]


def technique_parts(plain: str) -> tuple[int, list[Part]]:
    """Where the banded karyotype ends, and the parts by other techniques as (technique, start, end)."""
    starts: list[tuple[str, int]] = []
    depth = 0
    skip_to = 0
    for position, character in enumerate(plain):
        if character in OPENING:
            depth += 1
        elif character in OPENING.values():
            depth = max(0, depth - 1)
        if depth or position < skip_to:
            continue
        technique = _technique_at(plain, position)
        if technique:
            starts.append((technique, position))
            skip_to = position + len(technique)
    ends = [start for _, start in starts[1:]] + [len(plain)] * bool(starts)
    parts = [(name, start, end) for (name, start), end in zip(starts, ends, strict=True)]
    return (starts[0][1] if starts else len(plain)), parts


def _technique_at(plain: str, position: int) -> str:
    if position and plain[position - 1].isalnum():
        return ""
    for name in (*FISH_TECHNIQUES, *OTHER_TECHNIQUES):
        after = position + len(name)
        if plain.startswith(name, position) and not plain[after : after + 1].isalnum():
            return name
    return ""


def read_fish(plain: str, text: str, technique: str, start: int, end: int) -> FishResult | Unreadable:
    """A FISH part, or an Unreadable that names the technique it comes from."""
    while end > start and plain[end - 1] in " .;":
        end -= 1
    shown = text[start:end]
    if technique not in FISH_TECHNIQUES:
        name = _NAMES.get(technique, "sequencing")
        return Unreadable(text=shown, start=start, end=end, reason=f"a {name} result, which is not read")
    positive, scored = _signal_cells(plain, start, end)
    return FishResult(
        text=shown,
        start=start,
        end=end,
        method=technique,
        bcr_abl1_fusion=_fusion(plain[start:end]),
        positive_cells=positive,
        scored_cells=scored,
    )


def _fusion(part: str) -> bool | None:
    """Whether BCR and ABL1 signals lie together (``ABL1 con BCR``); None where they were not probed."""
    words = part.replace("(", " ").replace(")", " ").replace(",", " ").replace(";", " ").split()
    probes = [word.split("x")[0].upper() for word in words]
    if not ({"ABL1", "ABL"} & set(probes)) or "BCR" not in probes:
        return None
    for index in range(1, len(probes) - 1):
        if probes[index] == "CON":
            pair = {probes[index - 1], probes[index + 1]}
            if "BCR" in pair and pair & {"ABL1", "ABL"}:
                return not words[index + 1].endswith("x0")
    return False


def _signal_cells(plain: str, start: int, end: int) -> tuple[int | None, int | None]:
    """``[180/200]``: cells with the signal pattern and cells scored; ``[200]`` is cells scored."""
    begin = plain.rfind("[", start, end)
    if begin < 0:
        return None, None
    scanner = Scanner(plain, begin + 1, end)
    try:
        first = scanner.number()
        second = scanner.number() if scanner.take("/") else None
    except PartError:
        return None, None
    if second is None:
        return None, first
    if first is None or first > second:
        return None, None
    return first, second


__all__ = ["Abnormality", "Clone", "Karyotype", "KaryotypeError", "parse_karyotype"]


class _Head(Record):
    """The second field of a clone: its sex chromosomes, or the clone it refers to."""

    sex: str
    sex_constitutional: bool = False
    reference: str = ""
    inherited: tuple[Abnormality, ...] = ()


MAX_CLONES = 60
MAX_CHANGES = 200
SEX_LETTERS = "XYU?"


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
    fish: list[FishResult] = []
    unreadable: list[Unreadable] = []
    for part in techniques:
        result = read_fish(plain, text, *part)
        (fish if isinstance(result, FishResult) else unreadable).append(result)  # type: ignore[arg-type]
    clones = _clones(plain, text, banded_end) if plain[:banded_end].strip() else []
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
    for position, character in enumerate(text):
        if not character.isprintable() and character not in "\t\n\r\u00a0":
            raise frame_error("A control character stands in the karyotype.", position)


def _clones(plain: str, text: str, end: int) -> list[Clone]:
    while end and plain[end - 1] in " .;":
        end -= 1
    pieces = split_level(plain, 0, end, "/")
    clones: list[Clone] = []
    donor = False
    for index, (start, stop) in enumerate(pieces):
        if plain[start:stop].strip():
            clones.append(_clone(plain, text, start, stop, clones, donor))
            continue
        if donor or len(pieces) < 2 or (index in (0, len(pieces) - 1) and not _doubled(plain, start)):
            raise frame_error("A '/' has no clone on one side.", max(0, min(start, end - 1)))
        donor = True
    if len(clones) > MAX_CLONES:
        raise frame_error(f"More than {MAX_CLONES} clones.", 0)
    if not clones:
        raise frame_error("There is no clone here.", 0)
    return clones


def _doubled(plain: str, start: int) -> bool:
    """Whether the '/' beside this empty piece is one of a '//'."""
    return plain[start : start + 2] == "//" or plain[max(0, start - 2) : start] == "//"


def _clone(plain: str, text: str, start: int, stop: int, before: list[Clone], donor: bool) -> Clone:
    stop, cells, composite, cell_trouble = _cells(plain, text, start, stop)
    fields = split_level(plain, start, stop, ",")
    if len(fields) > MAX_CHANGES:
        raise frame_error(f"More than {MAX_CHANGES} changes in one clone.", start)
    low, high, ploidy = _count(plain, *fields[0])
    if len(fields) < 2:
        raise frame_error("Sex chromosomes expected after the chromosome number.", fields[0][1])
    head = _sex_or_reference(plain, *fields[1], before)
    changes: list[Abnormality] = []
    unreadable: list[Unreadable] = [cell_trouble] if cell_trouble else []
    incomplete = False
    for begin, end in fields[2:]:
        scanner = Scanner(plain, begin, end)
        if scanner.take_word("inc") and scanner.done:
            incomplete = True
            continue
        try:
            change = read_change(plain, begin, end)
            changes.append(change.model_copy(update={"text": text[begin:end].strip()}))
        except PartError as error:
            unreadable.append(_left(text, begin, end, error))
    inherited = _without_lost(head.inherited, changes)
    return Clone(
        text=text[start:stop].strip(),
        start=start,
        end=stop,
        low=low,
        high=high,
        ploidy=ploidy,
        sex=head.sex,
        sex_constitutional=head.sex_constitutional,
        reference=head.reference,
        abnormalities=tuple(change for change in changes if not _cancels(change, head.inherited)),
        inherited=inherited,
        unreadable=tuple(unreadable),
        cells=cells,
        composite=composite,
        incomplete=incomplete,
        donor=donor,
    )


def _left(text: str, begin: int, end: int, error: PartError) -> Unreadable:
    shown = text[begin:end].strip()
    reason = error.reason if shown else "nothing between two commas"
    return Unreadable(text=shown, start=begin, end=end, reason=f"{reason} (character {error.offset + 1})")


def _cells(plain: str, text: str, start: int, stop: int) -> tuple[int, int | None, bool, Unreadable | None]:
    """The ``[20]`` or ``[cp4]`` that ends a clone: where the rest ends, cells, composite."""
    end = stop
    while end > start and plain[end - 1] in " .;":
        end -= 1
    if end == start or plain[end - 1] != "]":
        return end, None, False, None
    begin = plain.rfind("[", start, end)
    if begin < 0:
        raise frame_error("A closing ']' has no opening bracket.", end - 1)
    scanner = Scanner(plain, begin + 1, end - 1)
    composite = scanner.take_word("cp") or scanner.take("cp")
    try:
        number = scanner.number()
        if number is None or not scanner.done:
            raise PartError("a number of cells expected", scanner.at)
    except PartError as error:
        return begin, None, composite, _left(text, begin, end, error)
    if number < 1:
        raise frame_error("A clone of no cells.", begin + 1)
    return begin, number, composite, None


def _count(plain: str, start: int, stop: int) -> tuple[int, int, int]:
    """``46``, ``47~48``, ``69<3n>``; a word such as ``mos`` may stand before it."""
    scanner = Scanner(plain, start, stop)
    scanner.any_word(("mos", "chi"))
    at = scanner.at
    try:
        low = scanner.number()
        if low is None:
            raise frame_error("A clone must begin with its chromosome number.", _first(plain, at, stop))
        high: int | None = low
        if scanner.take("~") or scanner.take("-"):
            high = scanner.number()
        ploidy = _ploidy(scanner) if scanner.take("<") else 2
    except PartError as error:
        raise frame_error(f"The chromosome number cannot be read: {error.reason}.", error.offset) from None
    if not scanner.done:
        raise frame_error("A comma expected after the chromosome number.", scanner.at)
    if high is None or not 10 <= low <= high <= 400:
        raise frame_error("A chromosome number between 10 and 400 (or a range like 47~48) expected.", at)
    return low, high, ploidy


def _first(plain: str, at: int, stop: int) -> int:
    while at < stop - 1 and plain[at] == " ":
        at += 1
    return at


def _ploidy(scanner: Scanner) -> int:
    at = scanner.at
    ploidy = scanner.number()
    scanner.expect("n", "'n' as in <3n>")
    if not scanner.take("+"):
        scanner.take("-")
    scanner.expect(">", "'>'")
    if ploidy is None or not 1 <= ploidy <= 8:
        raise PartError("a ploidy between 1n and 8n expected", at)
    return ploidy


def _sex_or_reference(plain: str, start: int, stop: int, before: list[Clone]) -> _Head:
    scanner = Scanner(plain, start, stop)
    begin = _first(plain, start, stop)
    word = scanner.any_word(("idem", "sl")) or ("sdl" if scanner.take("sdl") else "")
    try:
        if word:
            return _reference(scanner, word, before, begin)
        letters = ""
        while scanner.peek() and scanner.peek() in SEX_LETTERS and len(letters) < 9:
            letters += scanner.peek()
            scanner.take(scanner.peek())
        constitutional = scanner.take_word("c")
        if not letters or not scanner.done:
            raise frame_error("Sex chromosomes (X, Y) or idem, sl, sdl expected here.", begin)
    except PartError as error:
        raise frame_error(f"This field cannot be read: {error.reason}.", error.offset) from None
    return _Head(sex=letters, sex_constitutional=constitutional)


def _reference(scanner: Scanner, word: str, before: list[Clone], begin: int) -> _Head:
    number = scanner.number() if word == "sdl" else None
    doubled = 1
    if scanner.take("x"):
        doubled = scanner.number() or 0
    if not scanner.done or doubled not in (1, 2, 3, 4):
        raise frame_error("The reference to another clone cannot be read.", begin)
    index = (number or 1) if word == "sdl" else 0
    if index >= len(before):
        raise frame_error(f"'{word}' refers to a clone that is not there before it.", begin)
    source = before[index]
    inherited = tuple(
        change.model_copy(
            update={
                "copies_low": change.copies_low * doubled,
                "copies_high": change.copies_high * doubled,
                "cells": None,
            }
        )
        for change in source.changes
    )
    return _Head(
        sex=source.sex,
        sex_constitutional=source.sex_constitutional,
        reference=word + ("" if number is None else str(number)) + ("" if doubled == 1 else f"x{doubled}"),
        inherited=inherited,
    )


def _cancels(change: Abnormality, inherited: tuple[Abnormality, ...]) -> bool:
    """Whether a change such as ``-mar1`` says that an inherited one is absent from this clone."""
    if change.sign != "-" or change.kind == "chromosome":
        return False
    return any(change.name[1:] == kept.name.lstrip("+") for kept in inherited)


def _without_lost(inherited: tuple[Abnormality, ...], changes: list[Abnormality]) -> tuple[Abnormality, ...]:
    lost = {change.name[1:] for change in changes if _cancels(change, inherited)}
    return tuple(kept for kept in inherited if kept.name.lstrip("+") not in lost)
