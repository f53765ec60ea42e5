"""Amino-acid names and residue numbers.

The standard genetic code (NCBI translation table 1).
"""

from __future__ import annotations

from collections.abc import Iterable

from Bio.Data.CodonTable import unambiguous_dna_by_id

ONE_TO_THREE: dict[str, str] = {
    "A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys",
    "Q": "Gln", "E": "Glu", "G": "Gly", "H": "His", "I": "Ile",
    "L": "Leu", "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro",
    "S": "Ser", "T": "Thr", "W": "Trp", "Y": "Tyr", "V": "Val",
}  # fmt: skip
THREE_TO_ONE: dict[str, str] = {three: one for one, three in ONE_TO_THREE.items()}
"""Keys in HGVS case (``Lys``); use :func:`one_letter` for any case and for protonation variants."""

PROTONATION_VARIANTS: dict[str, str] = {
    "HID": "HIS", "HIE": "HIS", "HIP": "HIS", "ASH": "ASP", "GLH": "GLU",
    "LYN": "LYS", "CYX": "CYS", "CYM": "CYS",
}  # fmt: skip


def one_letter(name: str) -> str:
    """One-letter code of a residue name in any case, protonation variants included; ``X`` if unknown."""
    upper = name.strip().upper()
    upper = PROTONATION_VARIANTS.get(upper, upper)
    return THREE_TO_ONE.get(upper.capitalize(), "X")


def three_letter(code: str) -> str:
    """PDB residue name (upper case) of a one-letter code.

    Raises KeyError if the code is not one of the twenty amino acids.
    """
    return ONE_TO_THREE[code].upper()


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as inclusive ranges: ``1,2,3,7`` gives ``(1, 3), (7, 7)``."""
    result: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if result and number == result[-1][1] + 1:
            result[-1] = (result[-1][0], number)
        else:
            result.append((number, number))
    return result


CODONS: dict[str, str] = {
    **unambiguous_dna_by_id[1].forward_table,
    **dict.fromkeys(unambiguous_dna_by_id[1].stop_codons, "*"),
}
"""Codon to one-letter residue; ``*`` is a stop."""


def translate(cds: str) -> str:
    """Protein of a coding sequence of whole codons, ``*`` for a stop.

    Raises KeyError if a codon holds a letter other than A, C, G, T, or the length is no multiple of three.
    """
    return "".join(CODONS[cds[index : index + 3]] for index in range(0, len(cds), 3))


COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def reverse_complement(bases: str) -> str:
    """The other strand of DNA, read in its own direction."""
    return bases.translate(COMPLEMENT)[::-1]
