"""Interactions of a pose with the protein, as :mod:`kinscope.structures.interactions` defines them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from kinscope.docking.engine import Mol
from kinscope.structures.atom_types import AtomTypes
from kinscope.structures.interactions import interactions_of, whole_residues_near
from kinscope.structures.model import AtomArray


def interactions(receptor: AtomArray, pose: Mol) -> tuple[str, ...]:
    """Interactions of a pose (with hydrogens) in a protonated model, e.g. ``Met318 hydrogen bond``.

    Sorted by residue number; every kind once per residue.
    """
    ligand = as_atoms(pose)
    near = receptor[whole_residues_near(receptor, ligand.coord)]
    around = near + ligand
    places = np.arange(around.array_length())
    own = places >= near.array_length()
    rows = set()
    for seen in interactions_of(AtomTypes(around), places[own], places[~own]):
        number, name = int(around.res_id[seen.other[0]]), str(around.res_name[seen.other[0]])
        rows.add((number, f"{name.capitalize()}{number} {seen.kind}"))
    return tuple(text for _, text in sorted(rows))


def changed_contacts(before: Sequence[str], after: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Contacts lost and gained, each as its own side names it; ``Thr315 hydrogen bond`` as above.

    A contact is one residue number and one kind, as in neighbourhoods and along trajectories: a substituted
    residue that makes the bond of the one it replaced has kept it.
    """
    held = [{_number_and_kind(text) for text in side} for side in (before, after)]
    lost = tuple(text for text in before if _number_and_kind(text) not in held[1])
    return lost, tuple(text for text in after if _number_and_kind(text) not in held[0])


def _number_and_kind(contact: str) -> tuple[str, ...]:
    residue, _, kind = contact.partition(" ")
    return (*re.findall(r"\d+$", residue), kind)


def as_atoms(pose: Mol) -> AtomArray:
    """A pose as one residue LIG, number 0."""
    import biotite.structure as struc

    atoms = struc.AtomArray(pose.GetNumAtoms())
    atoms.coord = np.asarray(pose.GetConformer().GetPositions(), dtype=np.float32)
    atoms.element = [atom.GetSymbol().upper() for atom in pose.GetAtoms()]
    atoms.atom_name = [f"{atom.GetSymbol()}{atom.GetIdx()}" for atom in pose.GetAtoms()]
    atoms.res_name[:], atoms.res_id[:] = "LIG", 0
    return atoms
