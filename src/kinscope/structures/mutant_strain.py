"""What a substitution leaves strained after relaxation, said in its record rather than passed over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.structures.model import AtomArray
from kinscope.structures.stereochemistry import (
    CLASH_OVERLAP,
    backbone_table,
    heavy_atom_overlaps,
    omega,
    ramachandran_outliers,
)

TWISTED_DEGREES = 30.0
"""A peptide bond further from planar is an outlier (as in `kinscope models check`)."""
_NEAR_ANGSTROM = 15.0


def strain_left(native: AtomArray, mutant: AtomArray, numbers: Sequence[int]) -> list[str]:
    """What the mutant has about the substituted residues that the native has not.

    Parameters
    ----------
    native, mutant
        Models of the same residues.
    numbers
        Substituted residues.

    Returns
    -------
    list of str
        Twisted peptide bonds, phi and psi that crystals do not visit, overlaps of heavy atoms above 0.4
        angstrom; empty where there are none.
    """
    return [
        *(
            f"the peptide bond {number}/{number + 1} is {twist:.0f} degrees from planar"
            for number, twist in _twisted(native, mutant)
        ),
        *(
            f"phi and psi of residue {number} are not seen in crystals"
            for number in _unvisited(native, mutant)
        ),
        *(
            f"{one} and {two} overlap by {size:.1f} A"
            for one, two, size in _overlaps(native, mutant, numbers)
        ),
    ]


def strain_amount(native: AtomArray, mutant: AtomArray, numbers: Sequence[int]) -> float:
    """One number for what :func:`strain_left` lists, to compare two relaxations of one mutant.

    Degrees beyond planar / 10, overlap beyond 0.4 angstrom x 10, and 1 for each residue outside the
    Ramachandran regions: ten degrees, a tenth of an angstrom and one outlier weigh alike.
    """
    twists = sum((twist - TWISTED_DEGREES) / 10.0 for _, twist in _twisted(native, mutant))
    overlaps = sum((size - CLASH_OVERLAP) * 10.0 for _, _, size in _overlaps(native, mutant, numbers))
    return float(twists + overlaps + len(_unvisited(native, mutant)))


def turned_peptides(native: AtomArray, mutant: AtomArray) -> list[int]:
    """Residues before a peptide that is cis in one model and trans in the other."""
    table = backbone_table(mutant)
    was, now = (np.abs(omega(backbone_table(atoms))) < 90.0 for atoms in (native, mutant))
    return [int(number) for number in table.residues[:-1][was != now]]


def _twisted(native: AtomArray, mutant: AtomArray) -> list[tuple[int, float]]:
    table = backbone_table(mutant)
    before, after = (np.abs(omega(backbone_table(atoms))) for atoms in (native, mutant))
    was, now = np.minimum(before, 180.0 - before), np.minimum(after, 180.0 - after)
    return [
        (int(number), float(twist))
        for number, twist, old in zip(table.residues[:-1].tolist(), now, was, strict=True)
        if twist > TWISTED_DEGREES >= old
    ]


def _unvisited(native: AtomArray, mutant: AtomArray) -> list[int]:
    before, after = (ramachandran_outliers(backbone_table(atoms)) for atoms in (native, mutant))
    return sorted(set(after[0]) - set(before[0]))


def _overlaps(native: AtomArray, mutant: AtomArray, numbers: Sequence[int]) -> list[tuple[str, str, float]]:
    known = {row[:2] for row in heavy_atom_overlaps(_about(native, numbers))}
    return [
        (one, two, size)
        for one, two, size in heavy_atom_overlaps(_about(mutant, numbers))
        if (one, two) not in known
    ]


def _about(atoms: AtomArray, numbers: Sequence[int]) -> AtomArray:
    """Whole residues near some residues."""
    residues = np.asarray(atoms.res_id)
    centres = np.asarray(atoms.coord)[np.isin(residues, numbers) & (np.asarray(atoms.atom_name) == "CA")]
    gaps = np.linalg.norm(np.asarray(atoms.coord)[:, None] - centres[None], axis=-1).min(axis=1)
    return atoms[np.isin(residues, residues[gaps < _NEAR_ANGSTROM])]
