"""A user's structure set back to the target's sequence.

Asn and Asp, Gln and Glu have the same heavy atoms and are renamed. Every other difference is substituted by
the program's own mutant builder, on the relaxed model, a few neighbours at a time.
"""

from __future__ import annotations

import numpy as np

from kinscope.core.errors import StructureError
from kinscope.core.residues import one_letter, three_letter
from kinscope.structures.model import AtomArray, ModelRecord, ResidueOrigin
from kinscope.structures.mutation import MutationSettings, build_mutant

_ISOSTERIC = {
    ("ASN", "ASP"): {"ND2": ("OD2", "O")},
    ("GLN", "GLU"): {"NE2": ("OE2", "O")},
    ("ASP", "ASN"): {"OD2": ("ND2", "N")},
    ("GLU", "GLN"): {"OE2": ("NE2", "N")},
}
AT_ONCE = 3
"""Substitutions that are packed together; more, and far apart, gain nothing from one search."""
_SEED = 1210
_OVERLAP_ANGSTROM = 3.0
"""A heavy atom this near to a molecule of the pocket stands in its place."""


def differences(atoms: AtomArray, protein: str) -> dict[int, tuple[str, str]]:
    """Residue name in the structure and in the target, by number, where they differ."""
    names = {int(number): str(name) for number, name in zip(atoms.res_id, atoms.res_name, strict=True)}
    return {
        number: (name, three_letter(protein[number - 1]))
        for number, name in sorted(names.items())
        if name not in ("ACE", "NME") and one_letter(name) != protein[number - 1]
    }


def renamed_isosteres(atoms: AtomArray, protein: str) -> tuple[AtomArray, list[str]]:
    """Heavy atoms with Asn/Asp and Gln/Glu differences set back by name, and what was done, in words."""
    atoms = atoms.copy()
    words = []
    for number, (here, wanted) in differences(atoms, protein).items():
        renaming = _ISOSTERIC.get((here, wanted))
        if renaming is None:
            continue
        for row in np.flatnonzero(atoms.res_id == number):
            atoms.res_name[row] = wanted
            if str(atoms.atom_name[row]) in renaming:
                atoms.atom_name[row], atoms.element[row] = renaming[str(atoms.atom_name[row])]
        words.append(f"{here}{number} of the file set back to {wanted} (isosteric)")
    return atoms, words


def reverted(
    atoms: AtomArray, record: ModelRecord, occupants: tuple[AtomArray, ...], protein: str
) -> tuple[AtomArray, ModelRecord]:
    """The relaxed model with every difference substituted by the target's residue.

    Of the builder's close alternatives the one that stands least in the way of the pocket's molecules is
    taken, then the lowest in energy.

    Raises
    ------
    StructureError
        If a difference remains.
    """
    pending = differences(atoms, protein)
    origins = {origin.residue: origin for origin in record.origins}
    method = list(record.method)
    while pending:
        batch = dict(list(pending.items())[:AT_ONCE])
        wanted = [(number, one_letter(target)) for number, (_, target) in batch.items()]
        built = build_mutant(
            atoms, record.model_copy(update={"method": ()}), wanted, MutationSettings(), _SEED
        )
        best = min(
            built, key=lambda model: (_in_the_way(model.atoms, batch, occupants), model.record.alternative)
        )
        atoms = best.atoms
        record = record.model_copy(update={"protonation": best.record.protonation})
        for number, (here, target) in batch.items():
            note = f"{here}{number} of the file set back to {target} by the mutant builder"
            origins[number] = ResidueOrigin(
                residue=number, origin="substituted", entry=origins[number].entry, note=note
            )
            method.append(note + ".")
        method += [
            f"  {text}" for text in best.record.method if not text.startswith(("Substituted", "Net charge"))
        ]
        left = differences(atoms, protein)
        if len(left) >= len(pending):
            raise StructureError(
                "The structure could not be set back to the target's sequence.",
                where=", ".join(f"{here}{number}" for number, (here, _) in left.items()),
            )
        pending = left
    return atoms, record.model_copy(
        update={"method": tuple(method), "origins": tuple(origins[number] for number in sorted(origins))}
    )


def _in_the_way(atoms: AtomArray, batch: dict[int, tuple[str, str]], occupants: tuple[AtomArray, ...]) -> int:
    """Heavy atoms of the new side chains that stand where a molecule of the pocket stands."""
    if not occupants:
        return 0
    from scipy.spatial import cKDTree

    new = atoms[np.isin(atoms.res_id, list(batch)) & (atoms.element != "H")]
    tree = cKDTree(np.concatenate([occupant.coord for occupant in occupants]))
    return int((tree.query(new.coord)[0] < _OVERLAP_ANGSTROM).sum())
