"""The grammar of one change: sign, copies, kind, chromosomes, bands, cells; read by a cursor with offsets."""

from __future__ import annotations

import re
from typing import Any, Literal

from kinscope.clinic.karyotype.model import CHROMOSOMES, Abnormality, Breakpoint, KaryotypeError

_SAME = str.maketrans(
    {chr(0xFEE0 + code): chr(code).lower() for code in range(0x21, 0x7F)}
    | {chr(code): chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}
    | dict.fromkeys("‐‑‒–—―−﹣", "-")
    | dict.fromkeys("∼˜〜", "~")
    | dict.fromkeys("∕⁄", "/")
    | dict.fromkeys("×✕", "x")
    | dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000\t\n\r", " ")
)
"""Capitals, and what word processors put in place of the ISCN's signs; one character each: offsets hold."""

OPENING = {"(": ")", "[": "]"}
MAX_DIGITS = 5


class PartError(Exception):
    """A part of a karyotype that is not understood; becomes an Unreadable."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


def normalised(text: str) -> str:
    """The text in small letters with typographic signs made plain, of the same length."""
    return text.translate(_SAME)


class _Scanner:
    """Reads patterns between two offsets of a normalised text; spaces before them carry no meaning."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self._end, self.at = text, end, start

    def ahead(self, pattern: str) -> str:
        """What matches the pattern here; empty if nothing does."""
        while self.at < self._end and self.text[self.at] == " ":
            self.at += 1
        found = re.compile(pattern).match(self.text, self.at, self._end)
        return found.group() if found else ""

    def take(self, pattern: str) -> str:
        """Step over what matches the pattern here, and return it."""
        found = self.ahead(pattern)
        self.at += len(found)
        return found

    def expect(self, pattern: str, what: str) -> None:
        """Step over what matches the pattern, or say what was expected."""
        if not self.take(pattern):
            raise PartError(f"{what} expected", self.at)

    def number(self) -> int | None:
        """A whole number, if one comes next."""
        digits = self.take("[0-9]+")
        if len(digits) > MAX_DIGITS:
            raise PartError("a number with too many digits", self.at - len(digits))
        return int(digits) if digits else None

    def range_of(self, what: str, most: int) -> tuple[int, int]:
        """``2`` or ``1~3``, from 1."""
        low = self.number()
        high = self.number() if self.take("[~-]") else low
        if low is None or high is None or not 1 <= low <= high <= most:
            raise PartError(f"{what} expected", self.at)
        return low, high

    def end(self) -> None:
        """Nothing but spaces may be left."""
        self.ahead("")
        if self.at < self._end:
            raise PartError("not understood from here", self.at)


def split_level(text: str, start: int, end: int, separator: str) -> list[tuple[int, int]]:
    """Offsets of the pieces between separators that stand outside every bracket.

    Raises KaryotypeError if brackets do not match.
    """
    pieces = []
    begin = start
    open_brackets: list[tuple[str, int]] = []
    for position in range(start, end):
        character = text[position]
        if character in OPENING:
            open_brackets.append((OPENING[character], position))
        elif character in OPENING.values():
            if not open_brackets or open_brackets[-1][0] != character:
                raise frame_error(f"A closing {character!r} has no opening bracket.", position)
            open_brackets.pop()
        elif character == separator and not open_brackets:
            pieces.append((begin, position))
            begin = position + 1
    if open_brackets:
        raise frame_error(f"A bracket is never closed by {open_brackets[-1][0]!r}.", open_brackets[-1][1])
    pieces.append((begin, end))
    return pieces


def frame_error(what: str, offset: int) -> KaryotypeError:
    """An error about the frame, with its offset counted from 1 as people count."""
    return KaryotypeError(
        what,
        where=f"karyotype, character {offset + 1}",
        remedy="Give it as the report writes it, e.g. '46,XX,t(9;22)(q34;q11.2)[18]/46,XX[2]'.",
    )


_END = r"(?!(?!x[0-9]|or\b)[a-z])"
"""No further letter follows a word, but for copies (``marx2``) or an alternative."""

_PREFIX = rf"psu|(?:dir|inv)(?= *(?:dup|ins|der|trp|qdp)){_END}"
_UNPLACED = rf"(?:mar|dmin|r|hsr|ace|neo|min|ph){_END}"
"""What can stand without a chromosome."""
_KIND = (
    r"(?:ider|idic|der|del|dup|dic|dmin|ins|inv|trc|trp|qdp|tas|fis|fra|hsr|rob|rec|rcp|add|mar|neo|inc|ace"
    rf"|min|ph|i|r|t){_END}"
)
_HETEROMORPHISM = r"(?:[0-9]{1,2}|[xy])(?:[pq]h|ps(?:s|tk)?|cenh)[+-]"
"""``9qh+``, ``21ps+``, ``Yqh-``: the size of heterochromatin and satellites."""
CARRIERS = ("der", "ider", "rec", "dic", "idic", "psu dic", "psu idic", "mar", "neo", "r", "rob")
"""Chromosomes that can be followed by the rearrangements they carry."""
_ORIGIN = rf"(?:d?mat|d?pat|d?inh|dn){_END}"


def read_change(text: str, start: int, end: int) -> Abnormality:
    """Read one change of a normalised text.

    Raises PartError if any of it is not understood.
    """
    scanner = _Scanner(text, start, end)
    first = _change(scanner)
    alternatives = []
    while scanner.take(r"or(?![a-qs-z])"):
        alternatives.append(_change(scanner))
    cells = _cells(scanner)[0] if scanner.ahead(r"\[") else None
    scanner.end()
    return first.model_copy(
        update={
            "text": text[start:end].strip(),
            "start": start,
            "end": end,
            "cells": cells,
            "uncertain": first.uncertain or bool(alternatives),
            "alternatives": tuple(alternatives),
        }
    )


def cells_in_brackets(text: str, start: int, end: int) -> tuple[int, int | None, bool]:
    """Cells, of how many, and whether composite: ``[20]``, ``[3/20]``, ``[cp4]``, ``[20cp]``.

    Raises PartError if it is anything else; KaryotypeError if it is more cells than were looked at.
    """
    scanner = _Scanner(text, start, end)
    found = _cells(scanner)
    scanner.end()
    return found


def _cells(scanner: _Scanner) -> tuple[int, int | None, bool]:
    at = scanner.at
    scanner.expect(r"\[", "'['")
    composite = scanner.take("cp")
    cells = scanner.number()
    if cells is None:
        raise PartError("a number of cells expected", scanner.at)
    scored = scanner.number() if scanner.take("/(?! *cp)") else None
    composite = scanner.take("/? *cp") or composite
    if scored is not None and cells > scored:
        raise frame_error(f"More cells than were looked at: {cells} of {scored}.", at)
    scanner.expect(r"\]", "']' after the number of cells")
    return cells, scored, bool(composite)


def _change(scanner: _Scanner) -> Abnormality:
    begin = scanner.at
    uncertain = bool(scanner.take(r"\?"))
    written = scanner.take("[+-]")
    sign: Literal["", "+", "-"] = "+" if written == "+" else "-" if written else ""
    uncertain = bool(scanner.take(r"\?")) or uncertain
    fields = _body(scanner, sign)
    fields["uncertain"] = uncertain or bool(fields.get("uncertain"))
    while suffix := scanner.take(rf"\??c{_END}|{_ORIGIN}|x(?= *[0-9])"):
        if suffix == "x":
            fields["copies_low"], fields["copies_high"] = scanner.range_of("a number of copies", 100)
        elif suffix == "?c":
            fields["uncertain"] = True
        else:  # what is inherited, or arose de novo, is in every cell of the person
            fields["constitutional"] = True
    text = scanner.text[begin : scanner.at].strip()
    return Abnormality(text=text, start=begin, end=scanner.at, sign=sign, **fields)


def _body(scanner: _Scanner, sign: str) -> dict[str, Any]:
    several = scanner.ahead(rf"[<>~]? *[0-9]+ *(?:[~-] *[0-9]+ *)?(?={_UNPLACED})")
    if several:
        bound = scanner.take("[<>~]")
        low, high = scanner.range_of("a range of copies like 1~3", 1000)
        return {**_unplaced(scanner), "copies_low": low, "copies_high": high, "uncertain": bool(bound)}
    if not sign and scanner.ahead(_HETEROMORPHISM):  # of no consequence and inherited (ISCN 2020, 7.1)
        chromosome = _chromosome(scanner)
        return {"kind": scanner.take("[^+-]*[+-]"), "chromosomes": (chromosome,), "constitutional": True}
    if scanner.ahead("[0-9xy]"):
        return _whole(scanner, sign)
    if scanner.ahead(_UNPLACED) and not scanner.ahead(rf"{_UNPLACED} *\("):
        return _unplaced(scanner)
    kind = _kind(scanner)
    fields = _placed(scanner, kind)
    components = _components(scanner) if kind in CARRIERS else ()
    doubted = fields["uncertain"] or any(component.uncertain for component in components)
    return {**fields, "components": components, "uncertain": doubted}


def _whole(scanner: _Scanner, sign: str) -> dict[str, Any]:
    chromosome = _chromosome(scanner)
    if not sign:
        raise PartError(f"chromosome {chromosome} without + or -", scanner.at)
    return {"kind": "chromosome", "chromosomes": (chromosome,)}


def _unplaced(scanner: _Scanner) -> dict[str, Any]:
    kind = scanner.take(_UNPLACED).replace("ph", "Ph")
    label = scanner.number()
    chromosomes = ("22",) if kind == "Ph" else ()
    return {"kind": kind, "label": "" if label is None else str(label), "chromosomes": chromosomes}


def _kind(scanner: _Scanner) -> str:
    prefix = scanner.take(_PREFIX)
    kind = scanner.take(_KIND)
    if not kind:
        raise PartError("no ISCN term is known that begins like this", scanner.at)
    plain = {"ph": "Ph", "rcp": "t"}.get(kind, kind)
    return f"psu {plain}" if prefix == "psu" else plain


def _placed(scanner: _Scanner, kind: str) -> dict[str, Any]:
    """Kind, chromosomes and breakpoints of ``t(9;22)(q34;q11.2)``, ``del(7q)``, ``add(5)(q13 or q15)``."""
    scanner.expect(r"\(", f"'(' after {kind}")
    chromosomes: list[str] = []
    found: list[Breakpoint] = []
    doubted = False
    while not chromosomes or scanner.take(";"):
        doubted = bool(scanner.take(r"\?(?= *[0-9xy])")) or doubted
        chromosomes.append(scanner.take(r"\?") or _chromosome(scanner))
        if arm := scanner.take("[pq]"):
            found.append(Breakpoint(chromosome=chromosomes[-1], band=arm))
    scanner.expect(r"\)", "';' or ')'")
    if not found and scanner.take(r"\("):
        found = _bands(scanner, chromosomes)
    return {
        "kind": kind,
        "chromosomes": tuple(chromosomes),
        "breakpoints": tuple(found),
        "uncertain": doubted or "?" in chromosomes or any(b.uncertain for b in found),
    }


def _chromosome(scanner: _Scanner) -> str:
    number = scanner.number()
    name = scanner.take("[xy]").upper() if number is None else str(number)
    if not name:
        raise PartError("a chromosome (1-22, X, Y) expected", scanner.at)
    if name not in CHROMOSOMES:
        raise PartError(f"there is no chromosome {name}", scanner.at)
    return name


def _bands(scanner: _Scanner, chromosomes: list[str]) -> list[Breakpoint]:
    found: list[Breakpoint] = []
    for index, chromosome in enumerate(chromosomes):
        if index and not scanner.take(";"):
            what = f"{len(chromosomes)} chromosomes, but breakpoints for {index} of them only"
            raise PartError(what, scanner.at)
        found.append(_band(scanner, chromosome))
        while scanner.ahead(rf"[pq?]|cen|{_OR_BAND}"):
            found.append(_band(scanner, chromosome))
    if scanner.take(";"):
        raise PartError(f"more breakpoints than the {len(chromosomes)} chromosomes", scanner.at)
    scanner.expect(r"\)", "')' after the breakpoints")
    return found


_OR_BAND = r"or(?= *[pq?])"


def _band(scanner: _Scanner, chromosome: str) -> Breakpoint:
    """One band: ``q34``, ``q11.2``, ``p?13``, ``q1?2``, ``q21~22``, ``q11-12``, ``cen``, ``qter``, ``?``."""
    doubted = scanner.take(_OR_BAND)
    at = scanner.at
    written = scanner.take(r"\?? *(?:cen|[pq]ter|[pq](?:[0-9?.]|[~-] *[pq]?(?=[0-9?]))*)|\?")
    band = written.replace("?", "").replace(" ", "").replace("-", "~") or "?"
    if not written or len(band) > 16:
        raise PartError("a band such as q34 expected", at)
    if band.endswith((".", "~")) or ".." in band:
        raise PartError("a band that ends in the middle", scanner.at)
    return Breakpoint(
        chromosome=chromosome, band=band, uncertain=bool(doubted) or bool({"?", "~"} & {*written, *band})
    )


def _components(scanner: _Scanner) -> tuple[Abnormality, ...]:
    """The rearrangements written behind a derivative: t(9;22)(q34;q11.2) in der(22)t(9;22)(q34;q11.2)."""
    components: list[Abnormality] = []
    while scanner.ahead(r"\??[a-z]") and not scanner.ahead(rf"x *[0-9]|or\b|\??c{_END}|{_ORIGIN}"):
        begin = scanner.at
        doubted = bool(scanner.take(r"\?"))
        kind = _kind(scanner)
        alone = kind in ("hsr", "neo", "mar", "r") and not scanner.ahead(r"\(")
        fields: dict[str, Any] = {"kind": kind, "uncertain": False} if alone else _placed(scanner, kind)
        fields["uncertain"] |= doubted
        text = scanner.text[begin : scanner.at]
        components.append(Abnormality(text=text, start=begin, end=scanner.at, **fields))
    return tuple(components)
