"""Ends and cysteines of a model: what a force field would take for another molecule if it were wrong."""

from __future__ import annotations

import numpy as np

from kinscope.structures.model import AtomArray

DISULPHIDE_ANGSTROM = 2.5
"""Sulphurs of a disulphide stand 2.05 angstrom apart; two thiols do not come nearer than 3.3."""


def sulphur_pairs(atoms: AtomArray) -> tuple[tuple[int, int, float, bool], ...]:
    """Cysteines within bonding distance: their numbers, the distance, whether a thiol hydrogen is left.

    Parameters
    ----------
    atoms
        A model or crystal chain, angstrom.
    """
    rows = np.flatnonzero((atoms.res_name == "CYS") & (atoms.atom_name == "SG"))
    thiols = {int(n) for n in atoms.res_id[(atoms.res_name == "CYS") & (atoms.atom_name == "HG")]}
    found = []
    for place, one in enumerate(rows):
        for other in rows[place + 1 :]:
            apart = float(np.linalg.norm(atoms.coord[one] - atoms.coord[other]))
            if apart < DISULPHIDE_ANGSTROM:
                pair = int(atoms.res_id[one]), int(atoms.res_id[other])
                found.append((*pair, apart, bool(thiols & set(pair))))
    return tuple(found)


def nearest_sulphurs_angstrom(atoms: AtomArray) -> float | None:
    """The shortest distance of two cysteines' sulphurs; None with fewer than two."""
    points = atoms.coord[(atoms.res_name == "CYS") & (atoms.atom_name == "SG")]
    if len(points) < 2:
        return None
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(gaps[np.triu_indices(len(points), 1)].min())


def uncapped_ends(atoms: AtomArray) -> tuple[str, ...]:
    """Which ends carry no cap: ``N-terminus``, ``C-terminus``."""
    names = set(map(str, atoms.res_name))
    ends = (("ACE", "N-terminus"), ("NME", "C-terminus"))
    return tuple(end for cap, end in ends if cap not in names)
