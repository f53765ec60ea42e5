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
from kinscope.ligands.quiet import quiet

Floats = NDArray[np.float64]
EMBEDDED = 24
MOST = 10
WINDOW_KCAL_PER_MOL = 6.0
"""Above the best shape. The lowest conformer of a shape still holds the strain of its bonds as embedded, so
that the window is wider than what a ring may cost."""
DIELECTRIC = 80.0
"""Charges act as in water: in vacuum a charged drug folds on itself."""
_ROUGH_STEPS, _STEPS = 20, 150
_BIN_DEGREES = 60.0


def mmff_properties(molecule: Mol) -> Any:
    """MMFF94 parameters of a molecule with charges as in water; None where it has none."""
    from rdkit.Chem import rdForceFieldHelpers

    with quiet():
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
    if properties is not None:
        properties.SetMMFFDielectricConstant(DIELECTRIC)
    return properties


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
    from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

    work = Chem.Mol(ligand)
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed % 2**31
    parameters.numThreads = 1
    properties = mmff_properties(work)
    with quiet():
        embedded = list(rdDistGeom.EmbedMultipleConfs(work, EMBEDDED, parameters))
    if not embedded:
        return np.asarray(ligand.GetConformer().GetPositions(), dtype=np.float64)[None]

    def relaxed(number: int, steps: int) -> float:
        if properties is None:
            return 0.0
        field = rdForceFieldHelpers.MMFFGetMoleculeForceField(work, properties, confId=number)
        field.Minimize(maxIts=steps)
        return float(field.CalcEnergy())

    quartets = _fixed_quartets(ligand, rotatable)
    rough = {number: relaxed(number, _ROUGH_STEPS) for number in embedded}
    best: dict[tuple[int, ...], int] = {}
    for number in sorted(rough, key=lambda key: rough[key]):
        points = np.asarray(work.GetConformer(number).GetPositions(), dtype=np.float64)
        best.setdefault(_shape(points, quartets), number)
    energies = {number: relaxed(number, _STEPS) for number in list(best.values())[:MOST]}
    low = min(energies.values()) + WINDOW_KCAL_PER_MOL
    kept = sorted((number for number in energies if energies[number] <= low), key=lambda key: energies[key])
    return np.array([work.GetConformer(number).GetPositions() for number in kept], dtype=np.float64)


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
