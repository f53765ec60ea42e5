"""How far the parts of a model stand from the crystals they come from."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from kinscope.core.records import Record
from kinscope.structures.model import AtomArray, ModelRecord
from kinscope.structures.source import PdbSource
from kinscope.structures.superposition import common_atoms, superpose
from kinscope.targets.pack import TargetPack


class CrystalDeviation(Record):
    """How far the part of a model that comes from one crystal stands from it."""

    entry: str
    residues: int
    backbone_rmsd_angstrom: float
    """N, CA, C, O, superposed on the same atoms."""
    heavy_rmsd_angstrom: float
    """Every heavy atom both have, after the backbone's superposition."""


def crystal_deviations(
    atoms: AtomArray, record: ModelRecord, source: PdbSource, pack: TargetPack
) -> tuple[CrystalDeviation, ...]:
    """Each crystal's part of a model laid on that crystal by its backbone."""
    from kinscope.structures.entries import read_chain

    members: dict[str, list[int]] = defaultdict(list)
    for origin in record.origins:
        if origin.entry:
            members[origin.entry].append(origin.residue)
    found = []
    for label, residues in members.items():
        code, _, chain = label.partition(":")
        crystal = read_chain(source, code, chain, pack)
        transform = superpose(crystal, atoms, residues)
        first, second = common_atoms(crystal, atoms, residues, None)
        gap = transform.apply(crystal.coord[first]) - atoms.coord[second]
        found.append(
            CrystalDeviation(
                entry=label,
                residues=len(residues),
                backbone_rmsd_angstrom=transform.rmsd_angstrom,
                heavy_rmsd_angstrom=float(np.sqrt((gap**2).sum(axis=1).mean())),
            )
        )
    return tuple(found)
