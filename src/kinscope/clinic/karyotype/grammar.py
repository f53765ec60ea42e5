"""The grammar of one change: sign, copies, kind, chromosomes, bands, cells; read by a cursor with offsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from kinscope.clinic.karyotype.model import AUTOSOMES, CHROMOSOMES, Abnormality, Breakpoint, KaryotypeError

_SAME = str.maketrans("−–—∼˜×\u00a0\t\n\r", "---~~x    ")
"""Signs that word processors put in place of the ISCN's own; each is one character, so offsets hold."""

OPENING = {"(": ")", "[": "]", "<": ">"}
MAX_DIGITS = 5


class PartError(Exception):
    """A part of a karyotype that is not understood; becomes an Unreadable."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


def normalised(text: str) -> str:
    """The text with typographic signs made plain, of the same length."""
    return text.translate(_SAME)


class Scanner:
    """Reads characters between two offsets; spaces carry no meaning and are skipped."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._end = end
        self.at = start

    def _skip(self) -> None:
        while self.at < self._end and self._text[self.at] == " ":
            self.at += 1

    @property
    def done(self) -> bool:
        """Whether only spaces are left."""
        self._skip()
        return self.at >= self._end

    def peek(self) -> str:
        """The next character; empty at the end."""
        self._skip()
        return self._text[self.at] if self.at < self._end else ""

    def take(self, literal: str) -> bool:
        """Step over a literal if it comes next."""
        self._skip()
        if self._text.startswith(literal, self.at, self._end):
            self.at += len(literal)
            return True
        return False

    def take_word(self, word: str) -> bool:
        """Step over a word of letters, if it comes next and no further letter follows it.

        ``x2`` may follow at once: ``marx2`` is two copies of ``mar``.
        """
        self._skip()
        after = self.at + len(word)
        if not self._text.startswith(word, self.at, self._end):
            return False
        following = self._text[after : min(after + 2, self._end)]
        copies = following[:1] == "x" and following[1:].isdigit()
        if following[:1].isalpha() and not copies:
            return False
        self.at = after
        return True

    def any_word(self, words: Sequence[str]) -> str:
        """The first of the words that comes next, stepped over; empty if none does."""
        return next((word for word in words if self.take_word(word)), "")

    def number(self) -> int | None:
        """A whole number, if one comes next.

        Raises
        ------
        PartError
            If it has more digits than any number of a karyotype.
        """
        self._skip()
        begin = self.at
        while self.at < self._end and self._text[self.at] in "0123456789":
            self.at += 1
        if self.at == begin:
            return None
        if self.at - begin > MAX_DIGITS:
            raise PartError("a number with too many digits", begin)
        return int(self._text[begin : self.at])

    def expect(self, literal: str, what: str) -> None:
        """Step over a literal.

        Raises
        ------
        PartError
            If something else comes next.
        """
        if not self.take(literal):
            raise PartError(f"{what} expected", self.at)


def split_level(text: str, start: int, end: int, separator: str) -> list[tuple[int, int]]:
    """Offsets of the pieces between separators that stand outside every bracket.

    Raises
    ------
    KaryotypeError
        If brackets do not match.
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


PREFIXES = ("psu", "inv", "dir")
KINDS = (
    "ider", "idic", "der", "del", "dup", "dic", "dmin", "ins", "inv", "trc", "trp", "qdp", "tas", "fis",
    "fra", "hsr", "rob", "rec", "add", "mar", "neo", "inc", "ace", "min", "Ph", "ph", "i", "r", "t",
)  # fmt: skip
"""Terms that can begin a change, longest spellings first."""

WITHOUT_CHROMOSOME = ("mar", "dmin", "r", "hsr", "ace", "neo", "min", "Ph")
CARRIERS = ("der", "ider", "rec", "dic", "idic", "psu dic", "mar", "neo", "r")
"""Chromosomes that can be followed by the rearrangements they carry."""

MAX_CHROMOSOMES = 8
MAX_COMPONENTS = 12


def read_change(text: str, start: int, end: int) -> Abnormality:
    """Read one change.

    Raises
    ------
    PartError
        If any of it is not understood.
    """
    scanner = Scanner(text, start, end)
    first = _change(scanner, text)
    alternatives = []
    while scanner.take_word("or"):
        begin = scanner.at
        other = _change(scanner, text)
        alternatives.append(text[begin : scanner.at].strip() or other.text)
    cells = _cells(scanner)
    if not scanner.done:
        raise PartError("not understood from here", scanner.at)
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


def _change(scanner: Scanner, text: str) -> Abnormality:
    begin = scanner.at
    uncertain = scanner.take("?")
    sign: Literal["", "+", "-"] = "+" if scanner.take("+") else "-" if scanner.take("-") else ""
    uncertain = scanner.take("?") or uncertain
    fields = _body(scanner, text, sign)
    fields["uncertain"] = uncertain or bool(fields.get("uncertain"))
    fields["constitutional"] = scanner.take_word("c")
    for word in ("mat", "pat", "dn"):
        scanner.take_word(word)
    low, high = _copies(scanner)
    if low is not None:
        fields["copies_low"], fields["copies_high"] = low, high
    return Abnormality(
        text=text[begin : scanner.at].strip(), start=begin, end=scanner.at, sign=sign, **fields
    )


def _body(scanner: Scanner, text: str, sign: str) -> dict[str, Any]:
    number = scanner.number()
    if number is not None:
        return _numbered(scanner, number, sign)
    if scanner.peek() in ("X", "Y"):
        chromosome = scanner.peek()
        scanner.take(chromosome)
        return _whole(chromosome, sign, scanner)
    kind = _kind(scanner)
    if kind == "inc":
        raise PartError("'inc' stands last, without more", scanner.at)
    if kind in WITHOUT_CHROMOSOME and scanner.peek() != "(":
        return _unplaced(scanner, kind)
    chromosomes, breakpoints = _placed(scanner, kind)
    components = _components(scanner, text) if kind in CARRIERS else ()
    return {
        "kind": kind,
        "chromosomes": chromosomes,
        "breakpoints": breakpoints,
        "components": components,
        "uncertain": "?" in chromosomes or any(b.uncertain for b in breakpoints),
    }


def _numbered(scanner: Scanner, number: int, sign: str) -> dict[str, Any]:
    """A whole chromosome (``+8``) or several unplaced ones (``+2mar``, ``+1~3mar``)."""
    high = number
    if scanner.take("~"):
        upper = scanner.number()
        if upper is None or upper < number:
            raise PartError("a range like 1~3 expected", scanner.at)
        high = upper
    kind = scanner.any_word(WITHOUT_CHROMOSOME)
    if kind:
        if not 1 <= number <= high <= 100:
            raise PartError("copies between 1 and 100 expected", scanner.at)
        return {**_unplaced(scanner, kind), "copies_low": number, "copies_high": high}
    if high != number:
        raise PartError("a range of copies must be followed by mar, r or dmin", scanner.at)
    return _whole(str(number), sign, scanner)


def _whole(chromosome: str, sign: str, scanner: Scanner) -> dict[str, Any]:
    if chromosome not in CHROMOSOMES:
        raise PartError(f"there is no chromosome {chromosome}", scanner.at)
    if not sign:
        raise PartError(f"chromosome {chromosome} without + or -", scanner.at)
    return {"kind": "chromosome", "chromosomes": (chromosome,)}


def _unplaced(scanner: Scanner, kind: str) -> dict[str, Any]:
    label = scanner.number()
    chromosomes = ("22",) if kind == "Ph" else ()
    return {"kind": kind, "label": "" if label is None else str(label), "chromosomes": chromosomes}


def _kind(scanner: Scanner) -> str:
    prefix = ""
    start = scanner.at
    for word in PREFIXES:
        if scanner.take_word(word):
            prefix = word
            break
    if prefix == "inv" and scanner.peek() == "(":
        return "inv"
    for kind in KINDS:
        # mar1 and r1 carry a number at once; the others stand before a bracket or alone.
        if scanner.take_word(kind):
            kind = "Ph" if kind == "ph" else kind
            if prefix == "psu":
                return f"psu {kind}"
            return kind
    raise PartError("no ISCN term is known that begins like this", start)


def _placed(scanner: Scanner, kind: str) -> tuple[tuple[str, ...], tuple[Breakpoint, ...]]:
    scanner.expect("(", f"'(' after {kind}")
    chromosomes: list[str] = []
    arms: list[Breakpoint] = []
    while True:
        chromosome = _chromosome(scanner)
        chromosomes.append(chromosome)
        arm = next((a for a in ("p", "q") if scanner.take(a)), "")
        if arm:
            arms.append(Breakpoint(chromosome=chromosome, band=arm))
        if len(chromosomes) > MAX_CHROMOSOMES:
            raise PartError("too many chromosomes in one change", scanner.at)
        if not scanner.take(";"):
            break
    scanner.expect(")", "';' or ')'")
    if scanner.peek() != "(" or arms:
        return tuple(chromosomes), tuple(arms)
    return tuple(chromosomes), _bands(scanner, chromosomes)


def _chromosome(scanner: Scanner) -> str:
    if scanner.take("?"):
        following = scanner.peek()
        if following in (";", ")"):
            return "?"
    number = scanner.number()
    if number is not None:
        if str(number) not in AUTOSOMES:
            raise PartError(f"there is no chromosome {number}", scanner.at)
        return str(number)
    for sex in ("X", "Y"):
        if scanner.take(sex):
            return sex
    raise PartError("a chromosome (1-22, X, Y) expected", scanner.at)


def _bands(scanner: Scanner, chromosomes: list[str]) -> tuple[Breakpoint, ...]:
    scanner.expect("(", "'('")
    found: list[Breakpoint] = []
    for index, chromosome in enumerate(chromosomes):
        if index and not scanner.take(";"):
            raise PartError(
                f"{len(chromosomes)} chromosomes, but breakpoints for {index} of them only", scanner.at
            )
        found += _bands_of_one(scanner, chromosome)
    if scanner.take(";"):
        raise PartError(f"more breakpoints than the {len(chromosomes)} chromosomes", scanner.at)
    scanner.expect(")", "')' after the breakpoints")
    return tuple(found)


def _bands_of_one(scanner: Scanner, chromosome: str) -> list[Breakpoint]:
    """One or more bands such as ``q34``, ``q11.2``, ``p?13``, ``q21~22``, ``q13q33``; or ``?``."""
    bands: list[Breakpoint] = []
    while scanner.peek() in ("p", "q", "?", "c"):
        bands.append(_band(scanner, chromosome))
        if len(bands) > MAX_COMPONENTS:
            raise PartError("too many bands", scanner.at)
    if not bands:
        raise PartError("a band such as q34 expected", scanner.at)
    return bands


def _band(scanner: Scanner, chromosome: str) -> Breakpoint:
    uncertain = scanner.take("?")
    if scanner.take("cen"):
        return Breakpoint(chromosome=chromosome, band="cen", uncertain=uncertain)
    arm = next((a for a in ("p", "q") if scanner.take(a)), "")
    if not arm:
        if uncertain:
            return Breakpoint(chromosome=chromosome, band="?", uncertain=True)
        raise PartError("the arm p or q expected", scanner.at)
    if scanner.take("ter"):
        return Breakpoint(chromosome=chromosome, band=f"{arm}ter", uncertain=uncertain)
    band = arm
    while True:
        if scanner.take("?"):
            uncertain = True
        elif scanner.peek() == "~":
            scanner.take("~")
            uncertain = True
            arm_again = next((a for a in ("p", "q") if scanner.take(a)), "")
            band += "~" + arm_again
        elif scanner.peek() in tuple("0123456789"):
            digit = scanner.peek()
            scanner.take(digit)
            band += digit
        elif scanner.peek() == ".":
            scanner.take(".")
            band += "."
        else:
            break
        if len(band) > 16:
            raise PartError("a band with too many characters", scanner.at)
    if band.endswith((".", "~")) or ".." in band:
        raise PartError("a band that ends in the middle", scanner.at)
    return Breakpoint(chromosome=chromosome, band=band, uncertain=uncertain)


def _components(scanner: Scanner, text: str) -> tuple[Abnormality, ...]:
    """The rearrangements written behind a derivative: t(9;22)(q34;q11.2) in der(22)t(9;22)(q34;q11.2)."""
    components: list[Abnormality] = []
    while scanner.peek().isalpha() and not _is_suffix(scanner, text):
        begin = scanner.at
        kind = _kind(scanner)
        if kind in WITHOUT_CHROMOSOME and scanner.peek() != "(":
            chromosomes: tuple[str, ...] = ()
            breakpoints: tuple[Breakpoint, ...] = ()
        else:
            chromosomes, breakpoints = _placed(scanner, kind)
        components.append(
            Abnormality(
                text=text[begin : scanner.at],
                start=begin,
                end=scanner.at,
                kind=kind,
                chromosomes=chromosomes,
                breakpoints=breakpoints,
            )
        )
        if len(components) > MAX_COMPONENTS:
            raise PartError("too many rearrangements in one chromosome", scanner.at)
    return tuple(components)


def _is_suffix(scanner: Scanner, text: str) -> bool:
    """Whether ``c``, ``x2``, ``or``, ``mat`` ... come next rather than a rearrangement."""
    rest = text[scanner.at : scanner.at + 4].lstrip()
    if rest.startswith("x"):
        return True
    word = ""
    for character in rest:
        if not character.isalpha():
            break
        word += character
    return word in ("c", "or", "mat", "pat", "dn")


def _copies(scanner: Scanner) -> tuple[int | None, int | None]:
    if not scanner.take("x"):
        return None, None
    low = scanner.number()
    if low is None or not 1 <= low <= 100:
        raise PartError("a number of copies after x expected", scanner.at)
    high: int | None = low
    if scanner.take("~"):
        high = scanner.number()
        if high is None or not low <= high <= 100:
            raise PartError("a range of copies like x2~3 expected", scanner.at)
    return low, high


def _cells(scanner: Scanner) -> int | None:
    """``[3]`` behind a change of a composite karyotype."""
    if not scanner.take("["):
        return None
    scanner.take_word("cp")
    number = scanner.number()
    if number is None or number < 1:
        raise PartError("a number of cells expected", scanner.at)
    scanner.expect("]", "']' after the number of cells")
    return number
