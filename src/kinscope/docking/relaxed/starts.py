"""Side chains put into a complex: every rotamer of a residue, those that overlap least with all around first.

The drug is part of the surroundings: a rotamer that suits the empty pocket may be the one that it forbids.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from kinscope.docking.engine import Coordinates
from kinscope.structures.model import AtomArray
from kinscope.structures.side_chains.sites import (
    joined,
    new_side_chain,
    residue_atoms,
    residue_spans,
    residues_of,
    rotamers_at,
    substituted_residue,
)

TOUCH_ANGSTROM = 3.4
"""Heavy atoms nearer than this overlap; the sum of squares of the lack is what a start is ranked by."""
CROWDED_ANGSTROM = 2.5
"""Nearer than any hydrogen bond: the side chain stands where the drug is."""
_FRAME = ("N", "CA", "C", "O", "CB")


@dataclass(frozen=True)
class Start:
    """A protein with side chains in some rotamers."""

    atoms: AtomArray
    label: str
    overlap_angstrom2: float


def starts(protein: AtomArray, ligand: Coordinates, substitutions: dict[int, str], most: int) -> list[Start]:
    """A protein with residues replaced (three-letter names; its own name rebuilds a side chain).

    ``protein``: complete model (n_atoms). ``ligand``: heavy atoms of the drug, shape (n, 3), angstrom.
    ``substitutions``: new name by residue number. ``most``: so many are given, one per combination of
    rotamers, least overlap first.
    """
    options = {
        number: _options(protein, ligand, number, name, most) for number, name in substitutions.items()
    }
    numbers = list(options)
    found = []
    for choice in product(*options.values()):
        atoms = protein
        for part in choice:
            atoms = _with(atoms, part)
        label = ", ".join(f"{number} {part.label}" for number, part in zip(numbers, choice, strict=True))
        overlap = sum(_overlap(atoms[atoms.res_id == number], atoms, ligand, number) for number in numbers)
        found.append(Start(atoms, label, round(overlap, 2)))
    return sorted(found, key=lambda start: start.overlap_angstrom2)[:most]


def made_room(protein: AtomArray, ligand: Coordinates) -> tuple[AtomArray, tuple[int, ...]]:
    """A protein whose side chains stand out of a drug's way, and the residues that were turned for it.

    A side chain with a heavy atom within :data:`CROWDED_ANGSTROM` of a heavy atom of the drug (n, 3) takes
    the rotamer with least overlap; backbones stay.
    """
    side = (protein.element != "H") & ~np.isin(protein.atom_name, _FRAME)
    gaps = np.linalg.norm(protein.coord[:, None] - ligand[None], axis=2).min(axis=1)
    crowded = sorted({int(number) for number in protein.res_id[side & (gaps < CROWDED_ANGSTROM)]})
    for number in crowded:
        name = str(protein.res_name[protein.res_id == number][0])
        protein = starts(protein, ligand, {number: name}, 1)[0].atoms
    return protein, tuple(crowded)


@dataclass(frozen=True)
class _Option:
    number: int
    label: str
    residue: AtomArray


def _options(protein: AtomArray, ligand: Coordinates, number: int, name: str, most: int) -> list[_Option]:
    """The conformer with least overlap of each rotamer, best rotamers first."""
    old = residues_of(protein)
    span = next((start, stop) for found, start, stop in residue_spans(protein) if found == number)
    kept: dict[str, tuple[float, _Option]] = {}
    for tautomer in ("HIE", "HID") if name == "HIS" else ("",):
        residue = substituted_residue(old[number], old.get(number - 1), name, tautomer)
        place = new_side_chain(residue, tautomer, rotamers_at(old, number, name))
        for row, label in enumerate(place.labels):
            moved = dict(zip(place.atom_names[row], place.coord[row], strict=True))
            part = residue_atoms(protein[span[0] : span[1]], residue, moved)
            option = _Option(number, f"{label} {tautomer}".strip(), part)
            overlap = _overlap(part, protein, ligand, number)
            if option.label not in kept or overlap < kept[option.label][0]:
                kept[option.label] = (overlap, option)
    return [option for _, option in sorted(kept.values(), key=lambda pair: pair[0])][:most]


def _with(atoms: AtomArray, option: _Option) -> AtomArray:
    return joined(
        [
            option.residue if number == option.number else atoms[start:stop]
            for number, start, stop in residue_spans(atoms)
        ]
    )


def _overlap(part: AtomArray, protein: AtomArray, ligand: Coordinates, number: int) -> float:
    side = part[(part.element != "H") & ~np.isin(part.atom_name, _FRAME)]
    if not len(side):
        return 0.0
    others = protein.coord[(protein.res_id != number) & (protein.element != "H")]
    near = others[np.linalg.norm(others - side.coord.mean(axis=0), axis=1) < 12.0]
    around = np.concatenate([near, ligand])
    gaps = np.linalg.norm(side.coord[:, None] - around[None], axis=2)
    return float((np.clip(TOUCH_ANGSTROM - gaps, 0.0, None) ** 2).sum())
