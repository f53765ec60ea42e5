"""What a ligand pays to take the shape it is docked in.

The strain of a pose is its MMFF94 energy (Halgren, J Comput Chem 1996, 17, 490), relaxed with every heavy
atom within 0.3 angstrom of its place, minus the lowest of many relaxed conformers of the same molecule.
Charges act through a dielectric of 80: without it a charged ligand folds on itself in vacuum, and every bound
pose looks strained. The allowance of 0.3 angstrom is what bond lengths and angles of a docked pose, which are
not its force field's, are given. Crystal poses measured so lie between 2 and 12 kcal/mol.
"""

from __future__ import annotations

import functools
from typing import Any

from kinscope.docking.engine import Mol
from kinscope.docking.fields.mmff import mmff_properties
from kinscope.ligands.chemistry import add_conformers, quiet

_FREEDOM_ANGSTROM = 0.3
_FORCE_KCAL_PER_MOL_ANGSTROM2 = 100.0
_CONFORMERS = 40
_RELAXED_CONFORMERS = 10
_ROUGH_STEPS = 15
_SEED = 20250614


def pose_strain(pose: Mol) -> float | None:
    """Strain of a pose (all hydrogens, one conformer) in kcal/mol, never below nothing.

    Returns None where MMFF94 has no parameters for the molecule, or no conformer could be made.
    """
    from rdkit import Chem

    with quiet():
        work = Chem.Mol(pose)
        properties = mmff_properties(work)
        if properties is None:
            return None
        held = _relaxed(work, properties, held=True)
        free = _relaxed(work, properties, held=False)
        lowest = _lowest(Chem.MolToSmiles(pose))
    if held is None or free is None or lowest is None:
        return None
    return round(max(0.0, held - min(lowest, free)), 2)


def _relaxed(
    molecule: Any, properties: Any, conformer: int = -1, *, held: bool, steps: int = 500
) -> float | None:
    """Energy of a relaxed copy of a conformer; the restraints of a held one are not counted."""
    from rdkit import Chem
    from rdkit.Chem import rdForceFieldHelpers

    work = Chem.Mol(molecule, confId=conformer)
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(work, properties)
    if field is None:
        return None
    field.Initialize()
    if held:
        for atom in work.GetAtoms():
            if atom.GetAtomicNum() > 1:
                field.MMFFAddPositionConstraint(
                    atom.GetIdx(), _FREEDOM_ANGSTROM, _FORCE_KCAL_PER_MOL_ANGSTROM2
                )
    field.Minimize(maxIts=steps)
    plain = rdForceFieldHelpers.MMFFGetMoleculeForceField(work, properties)
    plain.Initialize()
    return float(plain.CalcEnergy())


@functools.lru_cache(maxsize=64)
def _lowest(smiles: str) -> float | None:
    """Lowest energy over relaxed conformers of a molecule: the best few after a rough relaxation, in full."""
    from rdkit import Chem

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    properties = mmff_properties(molecule)
    if properties is None:
        return None
    found = add_conformers(molecule, _CONFORMERS, _SEED)
    rough = {
        number: energy
        for number in found
        if (energy := _relaxed(molecule, properties, number, held=False, steps=_ROUGH_STEPS)) is not None
    }
    best = sorted(rough, key=lambda number: rough[number])[:_RELAXED_CONFORMERS]
    energies = [_relaxed(molecule, properties, number, held=False) for number in best]
    return min((energy for energy in energies if energy is not None), default=None)
