"""The interactions of one residue with those around it, and what a substitution does to them.

What an interaction is, is said in :mod:`kinscope.structures.interactions`, for models as for poses and
frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.results.measured import Contact, ContactChange
from kinscope.structures.atom_types import AtomTypes
from kinscope.structures.interactions import KINDS, Sighting, interactions_of, whole_residues_near
from kinscope.structures.model import AtomArray

_ORDER: dict[str, int] = {kind: place for place, kind in enumerate(KINDS)}
_HALF = 0.5 - 1e-9
_TOUCH = "van der Waals"
Alternatives = tuple[Sequence[Sequence[Contact]], Sequence[float] | NDArray[np.float64]]
"""The contacts in each of a side's close alternative models, and the models' shares."""


def neighbourhood(atoms: AtomArray, residue: int) -> list[Contact]:
    """Every interaction of a residue with the rest of a model.

    The model has all hydrogens. Strongest kinds come first, nearest first within a kind. Each hydrogen bond
    and salt bridge stands for itself (one per pair of residues for a salt bridge); of the other kinds there
    is one per partner, the nearest. Contacts that chain neighbours have only because they are bonded are left
    out.

    Raises StructureError if the residue is not in the model.
    """
    here = np.asarray(atoms.res_id) == residue
    if not here.any():
        raise StructureError(
            f"Residue {residue} is not in this model.",
            where=f"residue {residue}",
            remedy="Choose a state whose model holds the residue (kinscope models list).",
        )
    near = atoms[whole_residues_near(atoms, atoms.coord[here]) & ~np.isin(atoms.res_name, ["ACE", "NME"])]
    own = np.asarray(near.res_id) == residue
    found: dict[tuple[int, str, str], Contact] = {}
    for seen in interactions_of(AtomTypes(near), np.flatnonzero(own), np.flatnonzero(~own), touching=True):
        contact = _contact(near, seen)
        key = (contact.partner, contact.kind, contact.atoms if contact.kind == "hydrogen bond" else "")
        if key not in found or contact.distance_angstrom < found[key].distance_angstrom:
            found[key] = contact
    return sorted(found.values(), key=lambda c: (_ORDER[c.kind], c.distance_angstrom, c.partner))


def compare_neighbourhoods(state: str, native: Alternatives, mutant: Alternatives) -> list[ContactChange]:
    """What a substitution keeps, loses and gains, over the close alternative models of either side.

    One of the same kind with the same partner is one contact: the residue itself has changed, so atoms are
    not compared. It is lost or gained where models of at least half of the weight part the sides; mere touch
    comes and goes with hundredths of an angstrom and is not compared. ``fraction_of_alternatives`` is the
    weight of the mutant's models in which the change stands: a kept or gained contact is there, a lost one is
    missing. Lost first, then gained, then kept.
    """
    before, after = _weighed(native), _weighed(mutant)
    changes = []
    for key in sorted({*before, *after}, key=lambda key: (_ORDER[key[0]], key[1])):
        contact, held = before.get(key, (None, 0.0))
        other, holds = after.get(key, (None, 0.0))
        named: Literal["lost", "gained", "kept"] = "kept"
        share = holds
        if held - holds >= _HALF:
            named, share = "lost", 1.0 - holds
        elif holds - held >= _HALF:
            named, contact = "gained", other
        elif max(held, holds) < _HALF:
            continue
        if (contact := contact or other) is not None:
            changes.append(
                ContactChange(state=state, contact=contact, change=named, fraction_of_alternatives=share)
            )
    return sorted(changes, key=lambda change: ("lost", "gained", "kept").index(change.change))


def _weighed(side: Alternatives) -> dict[tuple[str, int], tuple[Contact, float]]:
    """Each contact of a side, as its first model has it, and the weight of the models that do."""
    found: dict[tuple[str, int], tuple[Contact, float]] = {}
    for contacts, share in zip(*side, strict=True):
        nearest: dict[tuple[str, int], Contact] = {}
        for contact in sorted(contacts, key=lambda contact: contact.distance_angstrom):
            nearest.setdefault((contact.kind, contact.partner), contact)
        for key, contact in nearest.items():
            if contact.kind == _TOUCH:
                continue
            first, weight = found.get(key, (contact, 0.0))
            found[key] = (first, weight + float(share))
    return found


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
