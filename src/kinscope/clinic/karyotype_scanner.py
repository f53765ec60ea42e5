"""A cursor over the text of a karyotype that knows where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from kinscope.clinic.karyotype_model import KaryotypeError

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
