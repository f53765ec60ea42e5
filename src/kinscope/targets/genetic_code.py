"""The standard genetic code (NCBI translation table 1)."""

from __future__ import annotations

from itertools import product

_ORDER = "TCAG"
_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
"""In NCBI's order: first base slowest, T C A G."""

CODONS: dict[str, str] = {
    "".join(codon): residue for codon, residue in zip(product(_ORDER, repeat=3), _AMINO_ACIDS, strict=True)
}
"""Codon to one-letter residue; ``*`` is a stop."""


def translate(cds: str) -> str:
    """Protein of a coding sequence of whole codons, ``*`` for a stop.

    Raises
    ------
    KeyError
        If a codon holds a letter other than A, C, G, T, or the length is no multiple of three.
    """
    return "".join(CODONS[cds[index : index + 3]] for index in range(0, len(cds), 3))
