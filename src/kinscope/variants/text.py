"""What a user typed or pasted, made plain before it is read."""

from __future__ import annotations

import re
import unicodedata

from kinscope.core.errors import UnsupportedVariantError, VariantError
from kinscope.core.quoting import quoted

MAX_CHARACTERS = 300
"""The longest sensible expression (two accessions, a compound of five changes twice) is below this."""

_LOOKALIKE_CHARACTERS = {
    **dict.fromkeys("→⟶➝➔⇒＞›", ">"),
    **dict.fromkeys("‐‑‒–—−﹣－", "-"),
    **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", " "),
    **dict.fromkeys("：∶", ":"),
    **dict.fromkeys("；", ";"),
    **dict.fromkeys("＊∗", "*"),
    **dict.fromkeys("＝", "="),
}
"""Typographic forms that word processors put in place of the ASCII characters of HGVS."""

_ALLOWED = re.compile(r"[A-Za-z0-9 :.,;_>=()\[\]+*?/&-]")


def unreadable(text: str, what: str, remedy: str) -> VariantError:
    """The error for a text that cannot be read: ``what`` goes on where the text ends."""
    return VariantError(f"{quoted(text)} {what}", where=quoted(text), remedy=remedy)


def unsupported(text: str, what: str, remedy: str) -> UnsupportedVariantError:
    """The same for a text that is understood and cannot be modelled."""
    return UnsupportedVariantError(f"{quoted(text)} {what}", where=quoted(text), remedy=remedy)


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """The expression in plain ASCII, one space between words, and notes on what was replaced.

    Raises VariantError if it is empty, too long, or holds a character that no variant expression has.
    """
    if len(text) > MAX_CHARACTERS:
        raise VariantError(
            f"The variant expression is too long: {len(text):,} characters.",
            where=f"it begins {quoted(text)!r}",
            remedy=f"Give one variant, at most {MAX_CHARACTERS} characters.",
        )
    plain = text.replace("&gt;", ">").strip(" \t\r\n").strip("\"'“”‘’")
    plain = plain.rstrip(".")
    plain = "".join(_LOOKALIKE_CHARACTERS.get(char, char) for char in plain)
    notes = (
        ()
        if plain == text.strip(" \t\r\n\"'").rstrip(".")
        else ("Typographic characters were read as plain ones.",)
    )
    for index, char in enumerate(plain, start=1):
        if not _ALLOWED.fullmatch(char):
            raise VariantError(
                f"A variant expression cannot hold {_name_of(char)}.",
                where=f"character {index}",
                remedy="Type the variant anew in plain characters, e.g. K404E or NM_005157.6:c.1210A>G.",
            )
    plain = " ".join(plain.split())
    if not plain:
        raise VariantError(
            "The variant expression is empty.",
            remedy="Name a variant, e.g. K404E, p.Lys404Glu or NM_005157.6:c.1210A>G.",
        )
    return plain, notes


def _name_of(char: str) -> str:
    """What a reader can call a character, without printing one that could harm a terminal."""
    if "!" <= char <= "~":
        return f"the character {char}"
    name = unicodedata.name(char, "a control character").lower()
    return f"U+{ord(char):04X} ({name})"
