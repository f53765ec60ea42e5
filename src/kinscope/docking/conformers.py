"""Conformers that a search begins from: one for each shape that turning bonds cannot reach.

A search turns the rotatable bonds; rings, amides and the two faces of a protonated amine stay as embedded.
What stays is told apart by the dihedral angles about every other bond, and of each such shape the conformer
of lowest MMFF94 energy is kept, if it is not far above the best: a search that ignored them took imatinib's
piperazine from a conformer 12 kcal/mol too high (docs/decisions/0044).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.docking.engine import Coordinates, Mol
from kinscope.docking.ligand_relaxation import relaxed_shapes
from kinscope.docking.mmff import mmff_arrays
from kinscope.docking.tables import Floats
from kinscope.ligands.embedding import add_conformers
from kinscope.ligands.quiet import quiet

EMBEDDED = 24
MOST = 10
WINDOW_KCAL_PER_MOL = 6.0
"""Above the best shape. The lowest conformer of a shape still holds the strain of its bonds as embedded, so
that the window is wider than what a ring may cost."""
_ROUGH_STEPS, _STEPS = 20, 150
_BIN_DEGREES = 60.0


def rigid_shapes(ligand: Mol, rotatable: set[frozenset[int]], seed: int) -> Floats:
    """A conformer of each low shape, shape (n_conformers, n_atoms, 3), angstrom, lowest first.

    Parameters
    ----------
    ligand
        With hydrogens and one conformer, which is returned alone where nothing can be embedded.
    rotatable
        Bonds that the search turns, as pairs of atoms.
    seed
        Of the embedding.
    """
    from rdkit import Chem

    work = Chem.Mol(ligand)
    with quiet():
        embedded = add_conformers(work, EMBEDDED, seed % 2**31)
    if not embedded:
        return np.asarray(ligand.GetConformer().GetPositions(), dtype=np.float64)[None]
    shapes = np.array([work.GetConformer(number).GetPositions() for number in embedded], dtype=np.float64)
    mmff = mmff_arrays(ligand)
    quartets = _fixed_quartets(ligand, rotatable)
    if mmff is None:
        return shapes[list(_first_of_each(shapes, np.arange(len(shapes)), quartets))[:MOST]]
    rough, energies = relaxed_shapes(mmff, shapes, _ROUGH_STEPS)
    best = _first_of_each(rough, np.argsort(energies, kind="stable"), quartets)[:MOST]
    done, energies = relaxed_shapes(mmff, rough[best], _STEPS)
    order = np.argsort(energies, kind="stable")
    kept: Floats = done[order[energies[order] <= energies.min() + WINDOW_KCAL_PER_MOL]]
    return kept


def _first_of_each(shapes: Floats, order: NDArray[np.intp], quartets: NDArray[np.intp]) -> list[int]:
    """Rows of the first conformer of each shape, in an order."""
    best: dict[tuple[int, ...], int] = {}
    for row in order:
        best.setdefault(_shape(shapes[row], quartets), int(row))
    return list(best.values())


def _fixed_quartets(ligand: Mol, rotatable: set[frozenset[int]]) -> NDArray[np.intp]:
    """Chains of four heavy atoms about bonds that are not turned and may take several angles."""
    rows = []
    for bond in ligand.GetBonds():
        first, second = bond.GetBeginAtom(), bond.GetEndAtom()
        if frozenset((first.GetIdx(), second.GetIdx())) in rotatable or bond.GetIsAromatic():
            continue
        for before in _others(first, second):
            for after in _others(second, first):
                if before != after:
                    rows.append((before, first.GetIdx(), second.GetIdx(), after))
    return np.array(rows, dtype=np.intp).reshape(-1, 4)


def _others(atom: Any, but: Any) -> list[int]:
    return [n.GetIdx() for n in atom.GetNeighbors() if n.GetAtomicNum() > 1 and n.GetIdx() != but.GetIdx()]


def _shape(points: Coordinates, quartets: NDArray[np.intp]) -> tuple[int, ...]:
    """Dihedral angles in bins of sixty degrees centred on 0, 60, ... degrees."""
    from kinscope.structures.rotamers import dihedral_degrees

    return tuple(
        round(float(dihedral_degrees(*points[list(quartet)])) / _BIN_DEGREES) % 6 for quartet in quartets
    )
