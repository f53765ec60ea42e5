"""What of a karyotype field is ISCN, for the redacted export."""

from __future__ import annotations

import re

_WORDS = frozenset(
    [
        "t",
        "del",
        "add",
        "der",
        "inv",
        "dup",
        "ins",
        "i",
        "idic",
        "iso",
        "mar",
        "cp",
        "X",
        "Y",
        "p",
        "q",
        "r",
        "c",
        "sl",
        "sdl",
        "idem",
        "ish",
        "nuc",
        "con",
        "hsr",
        "dmin",
        "dic",
        "psu",
        "inc",
        "dim",
        "trc",
        "tas",
        "rob",
        "mat",
        "pat",
        "dn",
        "fra",
        "qh",
        "ph",
        "or",
        "trp",
        "min",
        "max",
        "n",
        "D",
        "x",
        "amp",
        "enh",
        "dinh",
        "pst",
        "mos",
        "chi",
    ]
)
_LETTERS = re.compile(r"[A-Za-z]+")
_SIGNS = re.compile(r"[A-Za-z0-9~,;:()\[\]/+\-?*.<> ×]*")


def only_iscn(text: str) -> str:
    """A karyotype with every word that ISCN does not know taken out.

    A report's karyotype field can carry a name or a number; for a redacted export what is not ISCN goes.
    """
    kept = "".join(sign if _SIGNS.fullmatch(sign) else "" for sign in text)
    return re.sub(_LETTERS, lambda match: match.group() if _known(match.group()) else "", kept)


def _known(word: str) -> bool:
    if word in _WORDS or set(word) <= {"X", "Y"}:
        return True
    for length in range(len(word) - 1, 0, -1):  # joined words such as "pter", "derX" or "dert"
        if word[:length] in _WORDS | {"ter", "cen"} and _known(word[length:]):
            return True
    return word in ("ter", "cen")
