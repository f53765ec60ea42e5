"""Net charge of a model counted by its hydrogens, beside the force field's own sum."""

from __future__ import annotations

import numpy as np

from kinscope.structures.model import AtomArray


def net_charge(atoms: AtomArray) -> int:
    """Net charge of a protonated model, from its hydrogens."""
    total = 0
    for number in np.unique(atoms.res_id):
        here = atoms.res_id == number
        name = str(atoms.res_name[here][0])
        names = set(atoms.atom_name[here])
        if name in ("LYS", "ARG"):
            total += 1
        elif (name == "ASP" and not {"HD1", "HD2"} & names) or (name == "GLU" and not {"HE1", "HE2"} & names):
            total -= 1
        elif name == "HIS" and {"HD1", "HE2"} <= names:
            total += 1
        elif name == "PTR":
            total -= 2
    return total
