"""A drug as the packing energy of side chains sees it: radii, depths, donors and acceptors.

Lennard-Jones parameters are GAFF's (Wang et al., J. Comput. Chem. 2004, 25, 1157), by element; the drug has
no charges here and displaces no solvent: a side chain feels contact and, apart from that, hydrogen bonds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Mol
from kinscope.structures.side_chains.energy import Array, AtomTypes

_GAFF = {
    "C": (1.908, 0.086), "N": (1.824, 0.170), "O": (1.661, 0.210), "F": (1.750, 0.061), "S": (2.000, 0.250),
    "P": (2.100, 0.200), "Cl": (1.948, 0.265), "Br": (2.220, 0.320), "I": (2.350, 0.400), "H": (1.460, 0.015),
    "polar H": (0.600, 0.0157),
}  # fmt: skip


@dataclass(frozen=True)
class BoundDrug:
    """A drug in its place."""

    coord: Array
    """All atoms (n_atoms, 3), angstrom."""
    heavy: NDArray[np.bool_]
    contact: AtomTypes
    """Types that meet in van der Waals contact only."""
    bonding: AtomTypes
    """The same, with donors and acceptors of hydrogen bonds."""


def bound_drug(pose: Mol) -> BoundDrug:
    """The atoms of a pose with all hydrogens."""
    donor, acceptor, sizes = [], [], []
    for atom in pose.GetAtoms():
        symbol, first = atom.GetSymbol(), atom.GetNeighbors()[0]
        polar = symbol == "H" and first.GetSymbol() in "NOS"
        sizes.append(_GAFF.get("polar H" if polar else symbol, _GAFF["C"]))
        donor.append(first.GetIdx() if polar else -1)
        # of nitrogens those of a pyridine or nitrile: two neighbours at most, no hydrogen, no charge
        bare = atom.GetDegree() <= 2 and atom.GetTotalNumHs(True) == 0 and atom.GetFormalCharge() == 0
        acceptor.append(symbol == "O" or (symbol == "N" and bare))
    radius, depth = np.array(sizes, dtype=np.float32).T
    nothing, heavy = np.zeros_like(radius), np.array([a.GetAtomicNum() > 1 for a in pose.GetAtoms()])
    bonding = AtomTypes(
        charge=nothing, radius=radius, root_depth=np.sqrt(depth), donor=np.array(donor, dtype=np.int64),
        acceptor=np.array(acceptor), volume=nothing, solvation=nothing, length=nothing + np.float32(3.5),
        solvation_radius=nothing + np.float32(2.0), heavy=heavy,
    )  # fmt: skip
    contact = replace(bonding, donor=np.full(len(donor), -1), acceptor=np.zeros(len(donor), dtype=bool))
    return BoundDrug(
        np.asarray(pose.GetConformer().GetPositions(), dtype=np.float32), heavy, contact, bonding
    )
