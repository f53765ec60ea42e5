"""Hydrogen bonds of every drug in its co-crystal: the table that ships and that bound dynamics is held to.

    python benchmarks/crystal_hydrogen_bonds.py --pdb-mirror DIR [--out src/kinscope/targets/abl1/controls]

Crystals show no hydrogens: a bond is a donor and an acceptor (of the drug's form at pH 7.4, and of the
residue) within 3.5 angstrom.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.docking.poses.crystal_ligand import crystal_coordinates
from kinscope.ligands.library import load_ligand
from kinscope.structures.wwpdb.entries import read_chain, read_ligand
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets import DrugDefinition, TargetPack, load_target
from kinscope.workflow.stages.bound import CRYSTAL_BONDS_FILE, CrystalBond

FARTHEST_ANGSTROM = 3.5
DONORS = {
    "ARG": ("NE", "NH1", "NH2"), "LYS": ("NZ",), "TRP": ("NE1",), "ASN": ("ND2",), "GLN": ("NE2",),
    "SER": ("OG",), "THR": ("OG1",), "TYR": ("OH",), "HIS": ("ND1", "NE2"),
}  # fmt: skip
ACCEPTORS = {
    "ASP": ("OD1", "OD2"), "GLU": ("OE1", "OE2"), "ASN": ("OD1",), "GLN": ("OE1",), "SER": ("OG",),
    "THR": ("OG1",), "TYR": ("OH",), "HIS": ("ND1", "NE2"),
}  # fmt: skip


def bonds(
    protein: Any, places: np.ndarray[Any, Any], ligand: Any, drug: str, crystal: str
) -> list[CrystalBond]:
    """Donor-acceptor pairs within reach, the nearest of each residue; ``places``: (n_heavy, 3)."""
    heavy = [atom for atom in ligand.GetAtoms() if atom.GetAtomicNum() > 1]
    nearest: dict[int, CrystalBond] = {}
    for atom, at in zip(heavy, places, strict=True):
        if atom.GetSymbol() not in ("N", "O"):
            continue
        gives = atom.GetTotalNumHs(includeNeighbors=True) > 0
        takes = atom.GetFormalCharge() <= 0 and (atom.GetSymbol() == "O" or _lone(atom))
        gaps = np.linalg.norm(protein.coord - at, axis=1)
        for index in np.flatnonzero(gaps <= FARTHEST_ANGSTROM):
            residue, name = str(protein.res_name[index]), str(protein.atom_name[index])
            donor = name in DONORS.get(residue, ()) or (name == "N" and residue != "PRO")
            acceptor = name == "O" or name in ACCEPTORS.get(residue, ())
            number = int(protein.res_id[index])
            if ((gives and acceptor) or (takes and donor)) and (
                number not in nearest or gaps[index] < nearest[number].distance_angstrom
            ):
                nearest[number] = CrystalBond(
                    drug=drug,
                    crystal=crystal,
                    residue=f"{residue.capitalize()}{number}",
                    ligand_atom=f"{atom.GetSymbol()}{atom.GetIdx()}",
                    protein_atom=name,
                    distance_angstrom=round(float(gaps[index]), 2),
                )
    return [nearest[number] for number in sorted(nearest)]


def _lone(nitrogen: Any) -> bool:
    """Whether a nitrogen has a pair to give: aromatic without hydrogen, or a nitrile's."""
    bare = nitrogen.GetTotalNumHs(includeNeighbors=True) == 0
    return bool(bare and (nitrogen.GetIsAromatic() or nitrogen.GetDegree() == 1) and nitrogen.GetDegree() < 3)


def in_crystal(pack: TargetPack, drug: DrugDefinition, source: PdbSource) -> list[CrystalBond]:
    """Bonds in the drug's own co-crystal; none where the pack knows only an analogue's or a relative's."""
    entry, _, rest = drug.reference_entry.partition(":")
    chain, _, code = rest.partition(":")
    if code != drug.ccd or drug.reference_protein:
        return []
    ligand = load_ligand(drug)
    shown = read_ligand(source, entry, chain, code)
    places = crystal_coordinates(ligand, shown, where=drug.reference_entry)
    return bonds(read_chain(source, entry, chain, pack), places, ligand, drug.id, drug.reference_entry)


def main() -> None:
    """Measure, and write or print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pdb-mirror", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    pack, source = load_target("abl1"), PdbSource(given.pdb_mirror)
    drugs = [drug for drug in pack.drugs if drug.reference_entry and drug.state]
    found = {drug.id: in_crystal(pack, drug, source) for drug in drugs}
    folder = given.out or pack.directory / "controls"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CRYSTAL_BONDS_FILE).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(CrystalBond.model_fields), lineterminator="\n")
        writer.writeheader()
        writer.writerows(bond.model_dump() for rows in found.values() for bond in rows)


if __name__ == "__main__":
    main()
