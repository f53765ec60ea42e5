"""Interactions of a pose with the protein, by ProLIF's geometric definitions.

Bouysset & Fiorucci, J Cheminform 2021, 13, 72. Hydrogens of model and ligand are explicit, as it needs.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from kinscope.docking.engine import Mol
from kinscope.ligands.quiet import quiet
from kinscope.structures.model import AtomArray

POCKET_ANGSTROM = 6.5
"""Residues with an atom this near the ligand are looked at; ProLIF's longest criterion is 6.5 (ring
centroids)."""
KINDS = {
    "HBDonor": "hydrogen bond",
    "HBAcceptor": "hydrogen bond",
    "Cationic": "salt bridge",
    "Anionic": "salt bridge",
    "XBDonor": "halogen bond",
    "XBAcceptor": "halogen bond",
    "PiStacking": "pi stacking",
    "CationPi": "cation-pi",
    "PiCation": "cation-pi",
    "Hydrophobic": "hydrophobic",
}
_CHARGED = {
    ("ASP", "OD2", "HD2"): -1, ("GLU", "OE2", "HE2"): -1, ("CYS", "SG", "HG"): -1,
}  # fmt: skip
"""Residue, atom, and the hydrogen without which the atom carries the charge."""


def interactions(receptor: AtomArray, pose: Mol) -> tuple[str, ...]:
    """Interactions of a pose (with hydrogens) in a protonated model, e.g. ``Met318 hydrogen bond``.

    Sorted by residue number; every kind of :data:`KINDS` once per residue.
    """
    with quiet():
        import prolif

        protein = prolif.Molecule.from_rdkit(pocket_molecule(receptor, pose))
        ligand = prolif.Molecule.from_rdkit(pose)
        found = prolif.Fingerprint(list(KINDS)).generate(ligand, protein, metadata=True)
    rows = set()
    for (_, residue), kinds in found.items():
        for kind in kinds:
            rows.add((int(residue.number), f"{str(residue.name).capitalize()}{residue.number} {KINDS[kind]}"))
    return tuple(text for _, text in sorted(rows))


def pocket_molecule(receptor: AtomArray, pose: Mol) -> Any:
    """RDKit molecule of the whole residues around a pose, with bond orders and formal charges."""
    from biotite.structure.io.pdb import PDBFile
    from rdkit import Chem

    points = pose.GetConformer().GetPositions()
    pocket = receptor[np.isin(receptor.res_id, pocket_residues(receptor, points))]
    file = PDBFile()
    file.set_structure(pocket)
    buffer = io.StringIO()
    file.write(buffer)
    molecule = Chem.MolFromPDBBlock(buffer.getvalue(), removeHs=False, sanitize=False, proximityBonding=True)
    _set_charges(molecule)
    Chem.SanitizeMol(molecule)
    return molecule


def pocket_residues(
    receptor: AtomArray, points: np.ndarray[Any, Any], cutoff: float = POCKET_ANGSTROM
) -> list[int]:
    """Numbers of the residues with an atom within ``cutoff`` angstrom of any point (n, 3)."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(points).query(receptor.coord, distance_upper_bound=cutoff)
    return sorted({int(number) for number in receptor.res_id[np.isfinite(distance)]})


def _set_charges(molecule: Any) -> None:
    """Carboxylates and thiolates by their missing hydrogen; cations come from their valence."""
    names: dict[int, set[str]] = {}
    for atom in molecule.GetAtoms():
        info = atom.GetPDBResidueInfo()
        names.setdefault(info.GetResidueNumber(), set()).add(info.GetName().strip())
    for atom in molecule.GetAtoms():
        info = atom.GetPDBResidueInfo()
        for (residue, name, hydrogen), charge in _CHARGED.items():
            here = (info.GetResidueName(), info.GetName().strip()) == (residue, name)
            if here and hydrogen not in names[info.GetResidueNumber()]:
                atom.SetFormalCharge(charge)
        if atom.GetSymbol() == "N" and atom.GetFormalCharge() == 0:
            order = sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds())
            if order > 3.4:
                atom.SetFormalCharge(1)
