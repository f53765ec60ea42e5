"""One root seed; every step derives its own."""

from __future__ import annotations

import hashlib


def derive_seed(root: int, *names: str | int) -> int:
    """A 31-bit seed that depends on the root seed and on what it is for.

    Thirty-one bits because OpenMM, Vina and RDKit take a signed C int, and never 0,
    which OpenMM reads as "choose one yourself".
    """
    text = "\x1f".join([str(root), *map(str, names)])
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**31 - 2) + 1
