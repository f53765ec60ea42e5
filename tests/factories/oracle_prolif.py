"""Interactions by ProLIF (Bouysset & Fiorucci, J. Cheminform. 2021, 13, 72), beside which ours are held."""

from __future__ import annotations

import io

import numpy as np

KINDS = {
    "HBDonor": "hydrogen bond",
    "HBAcceptor": "hydrogen bond",
    "Cationic": "salt bridge",
    "Anionic": "salt bridge",
    "XBDonor": "halogen bond",
    "PiStacking": "pi stacking",
    "CationPi": "cation-pi",
    "PiCation": "cation-pi",
}
"""ProLIF's hydrophobic atoms leave out methyl groups, so that kind is not compared."""
_CHARGED = {("ASP", "OD2", "HD2"): -1, ("GLU", "OE2", "HE2"): -1, ("CYS", "SG", "HG"): -1}
"""Residue, atom, and the hydrogen without which the atom carries the charge."""
_NEAR_ANGSTROM = 7.5


def interactions_by_prolif(receptor, pose) -> set[str]:
    """``Met318 hydrogen bond`` for everything but hydrophobic contacts of a pose."""
    import prolif

    points = pose.GetConformer().GetPositions()
    protein = molecule(receptor[near(receptor, points)])
    found = fingerprint().generate(prolif.Molecule.from_rdkit(pose), protein, metadata=True)
    return {
        f"{residue.name.capitalize()}{residue.number} {KINDS[kind]}"
        for (_, residue), kinds in found.items()
        for kind in kinds
    }


def contacts_by_prolif(atoms, residue: int) -> set[tuple[int, str]]:
    """Partner and kind of everything but hydrophobic contacts of a residue."""
    gaps = np.linalg.norm(atoms.coord[:, None] - atoms.coord[atoms.res_id == residue][None], axis=2).min(
        axis=1
    )
    near = np.isin(atoms.res_id, atoms.res_id[gaps < _NEAR_ANGSTROM]) & ~np.isin(
        atoms.res_name, ["ACE", "NME"]
    )
    parts = {part.resid.number: part for part in molecule(atoms[near]).residues.values()}
    own = parts.pop(residue)
    search = fingerprint()
    return {
        (int(number), KINDS[kind]) for number, part in parts.items() for kind in search.metadata(own, part)
    }


def near(atoms, points):
    """Whole residues with an atom near any of some points."""
    gaps = np.linalg.norm(atoms.coord[:, None] - points[None], axis=2).min(axis=1)
    return np.isin(atoms.res_id, atoms.res_id[gaps < _NEAR_ANGSTROM])


def fingerprint():
    """ProLIF with our limit for salt bridges."""
    import prolif

    limits = {kind: {"distance": 4.0} for kind in ("Cationic", "Anionic")}
    return prolif.Fingerprint(list(KINDS), parameters=limits)


def molecule(atoms):
    """Whole residues as ProLIF takes them, with bond orders and formal charges."""
    import prolif
    from biotite.structure.io.pdb import PDBFile
    from rdkit import Chem

    file, buffer = PDBFile(), io.StringIO()
    file.set_structure(atoms)
    file.write(buffer)
    found = Chem.MolFromPDBBlock(buffer.getvalue(), removeHs=False, sanitize=False, proximityBonding=True)
    _set_charges(found)
    Chem.SanitizeMol(found)
    return prolif.Molecule.from_rdkit(found)


def _set_charges(found) -> None:
    """Carboxylates and thiolates by their missing hydrogen; cations come from their valence."""
    names: dict[int, set[str]] = {}
    for atom in found.GetAtoms():
        info = atom.GetPDBResidueInfo()
        names.setdefault(info.GetResidueNumber(), set()).add(info.GetName().strip())
    for atom in found.GetAtoms():
        info = atom.GetPDBResidueInfo()
        for (residue, name, hydrogen), charge in _CHARGED.items():
            here = (info.GetResidueName(), info.GetName().strip()) == (residue, name)
            if here and hydrogen not in names[info.GetResidueNumber()]:
                atom.SetFormalCharge(charge)
        order = sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds())
        if atom.GetSymbol() == "N" and atom.GetFormalCharge() == 0 and order > 3.4:
            atom.SetFormalCharge(1)
