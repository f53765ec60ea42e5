"""The interactions of one residue with those around it, and what a substitution does to them.

What an interaction is, is said in :mod:`kinscope.structures.interactions`, for models as for poses and
frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.results.measured import Contact, ContactChange
from kinscope.structures.atom_types import AtomTypes
from kinscope.structures.interactions import KINDS, Sighting, interactions_of, whole_residues_near
from kinscope.structures.model import AtomArray

_ORDER: tuple[str, ...] = KINDS


def neighbourhood(atoms: AtomArray, residue: int) -> list[Contact]:
    """Every interaction of a residue with the rest of a model.

    The model has all hydrogens. Strongest kinds come first, nearest first within a kind. Each hydrogen bond
    and salt bridge stands for itself (one per pair of residues for a salt bridge); of the other kinds there
    is one per partner, the nearest. Contacts that chain neighbours have only because they are bonded are left
    out.

    Raises StructureError if the residue is not in the model.
    """
    here = _of_residue(atoms, residue)
    near = atoms[whole_residues_near(atoms, atoms.coord[here]) & ~np.isin(atoms.res_name, ["ACE", "NME"])]
    own = np.asarray(near.res_id) == residue
    found: dict[tuple[int, str, str], Contact] = {}
    for seen in interactions_of(AtomTypes(near), np.flatnonzero(own), np.flatnonzero(~own), touching=True):
        contact = _contact(near, seen)
        key = (contact.partner, contact.kind, contact.atoms if contact.kind == "hydrogen bond" else "")
        if key not in found or contact.distance_angstrom < found[key].distance_angstrom:
            found[key] = contact
    return sorted(found.values(), key=lambda c: (_ORDER.index(c.kind), c.distance_angstrom, c.partner))


def compare_neighbourhoods(
    state: str, native_contacts: Sequence[Contact], mutants_contacts: Sequence[Sequence[Contact]]
) -> list[ContactChange]:
    """What a substitution keeps, loses and gains, over the mutant's alternative models.

    A contact is kept where some alternative has one of the same kind with the same partner; the residue
    itself has changed, so atoms are not compared. ``fraction_of_alternatives`` says in how many
    alternatives the change stands: a kept or gained contact is there, a lost one is missing.

    Lost first, then gained, then kept. A native contact that only some alternatives keep appears twice, kept
    in its share and lost in the rest.
    """
    native = _nearest_by_key(native_contacts)
    mutants = [_nearest_by_key(contacts) for contacts in mutants_contacts]
    if not mutants:
        return []
    changes = []
    for key in sorted({*native, *(key for mutant in mutants for key in mutant)}, key=_key_order):
        having = [mutant[key] for mutant in mutants if key in mutant]
        share = len(having) / len(mutants)
        if key not in native:
            changes.append(_change(state, having[0], "gained", share))
            continue
        if having:
            changes.append(_change(state, native[key], "kept", share))
        if share < 1.0:
            changes.append(_change(state, native[key], "lost", 1.0 - share))
    return sorted(changes, key=lambda change: ("lost", "gained", "kept").index(change.change))


def _change(state: str, contact: Contact, change: Any, share: float) -> ContactChange:
    return ContactChange(state=state, contact=contact, change=change, fraction_of_alternatives=share)


def _nearest_by_key(contacts: Sequence[Contact]) -> dict[tuple[str, int], Contact]:
    nearest: dict[tuple[str, int], Contact] = {}
    for contact in contacts:
        key = (contact.kind, contact.partner)
        if key not in nearest or contact.distance_angstrom < nearest[key].distance_angstrom:
            nearest[key] = contact
    return nearest


def _key_order(key: tuple[str, int]) -> tuple[int, int]:
    return (_ORDER.index(key[0]) if key[0] in _ORDER else len(_ORDER), key[1])


def _of_residue(atoms: AtomArray, residue: int) -> NDArray[np.bool_]:
    here: NDArray[np.bool_] = np.asarray(atoms.res_id) == residue
    if not here.any():
        raise StructureError(
            f"Residue {residue} is not in this model.",
            where=f"residue {residue}",
            remedy="Choose a state whose model holds the residue (kinscope models list).",
        )
    return here


def _contact(atoms: AtomArray, seen: Sighting) -> Contact:
    """The record of an interaction; its atoms read ``NZ - OD1``, those of a ring are joined by strokes."""
    ends = seen.own[0], seen.other[0]
    names = ["/".join(str(atoms.atom_name[place]) for place in side) for side in (seen.own, seen.other)]
    residue_name, partner_name = (str(atoms.res_name[place]).capitalize() for place in ends)
    return Contact(
        residue=int(atoms.res_id[ends[0]]),
        residue_name=residue_name,
        partner=int(atoms.res_id[ends[1]]),
        partner_name=partner_name,
        kind=seen.kind,
        distance_angstrom=round(float(seen.angstrom[0]), 2),
        atoms=" - ".join(names),
    )
