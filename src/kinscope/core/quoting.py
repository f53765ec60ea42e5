"""Text from outside as it may be repeated on a terminal, in a page, in a table: as text and nothing else.

A message names the place and the kind of what is wrong. Only what the user typed on the command line is
repeated at all, by :func:`quoted`; the content of a patient's file never is.
"""

from __future__ import annotations

import re


def printable(text: str) -> str:
    """The text with each control character, escape, direction mark or lone surrogate as ``?``.

    These are Unicode's categories Cc, Cf, Cs, Co, Cn, Zl, Zp and Zs (``str.isprintable``). Newlines, tabs and
    spaces without a break stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t\u00a0\u202f\u2009" else "?" for char in text)


def quoted(text: str, most: int = 60) -> str:
    """What a user typed, as a message may repeat it: printable ASCII, at most ``most`` characters."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text[: most + 1])
    return plain if len(plain) <= most else plain[: most - 3] + "..."


def plain_name(text: str, most: int = 60) -> str:
    """Letters, digits and ``._+-`` of a name from outside; everything else becomes ``_``."""
    plain = re.sub(r"[^A-Za-z0-9._+-]", "_", text.strip())
    return plain if len(plain) <= most else plain[: most - 3] + "..."
