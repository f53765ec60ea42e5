"""Hydrogen bonds of every drug in its co-crystal, and how far the shipped pose in the model keeps them.

    python benchmarks/crystal_hydrogen_bonds.py --pdb-mirror DIR [--out src/kinscope/targets/abl1/controls]
    python benchmarks/crystal_hydrogen_bonds.py --pdb-mirror DIR --settle

Crystals show no hydrogens: a bond is a donor and an acceptor (of the drug's form at pH 7.4, and of the
residue) within 3.5 angstrom. ``--settle`` prints what of them stands (3.5 angstrom, 130 degrees at the
hydrogen) in the shipped pose and model, and after settling with the side chains around it, as bound
dynamics begins; and the distances of each, with the angle at the drug's hydrogen where it is the donor. The
crystal's own angle (hydrogens built on it) may be below 130 degrees: imatinib's amide meets Glu286 at
119-128.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from kinscope.analysis.controls import CrystalBond, write_crystal_bonds
from kinscope.analysis.layout import Layout
from kinscope.docking.crystal_ligand import crystal_coordinates
from kinscope.docking.occupants import occupant_of
from kinscope.docking.reference import reference_pose
from kinscope.dynamics.holo import place, with_ligands
from kinscope.dynamics.holo_relax import relax_complex
from kinscope.dynamics.settings import SolvationSettings
from kinscope.ligands.library import load_ligand
from kinscope.ligands.parameters import directory_for, load_parameters
from kinscope.structures.entries import read_chain, read_ligand
from kinscope.structures.io import read_model
from kinscope.structures.source import PdbSource
from kinscope.targets import DrugDefinition, TargetPack, load_target
from kinscope.workflow.stages.bound import missing_bonds, start_bonds

FARTHEST_ANGSTROM = 3.5
DONORS = {
    "ARG": ("NE", "NH1", "NH2"), "LYS": ("NZ",), "TRP": ("NE1",), "ASN": ("ND2",), "GLN": ("NE2",),
    "SER": ("OG",), "THR": ("OG1",), "TYR": ("OH",), "HIS": ("ND1", "NE2"),
}  # fmt: skip
ACIDS = ("Glu", "Asp")
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


def settled(pack: TargetPack, drug: DrugDefinition, known: list[CrystalBond], source: PdbSource) -> str:
    """Which of the crystal's bonds stand in the shipped pose and model, and after settling."""
    model = read_model(pack.directory / "models" / drug.state / "model.cif.gz")
    pose, _ = reference_pose(pack, drug)
    forcefield = load_parameters(drug, directory_for(pack, drug))
    placed = place(forcefield, pose, "reference pose")
    relaxed = relax_complex(model, [placed], SolvationSettings())
    lines = [f"{drug.name}, {drug.reference_entry} in {drug.state}"]
    for words, solute in (
        ("shipped pose", with_ligands(model, [placed])),
        ("settled", with_ligands(relaxed.protein, relaxed.ligands)),
    ):
        layout = Layout(solute)
        held, missing = start_bonds(layout), missing_bonds(layout, known)
        lines.append(f"  {words}: {', '.join(held) or 'none'}; missing: {', '.join(missing) or 'none'}")
    entry, _, rest = drug.reference_entry.partition(":")
    chain, _, code = rest.partition(":")
    there = occupant_of(pack, drug, read_ligand(source, entry, chain, code)).coordinates
    protein = read_chain(source, entry, chain, pack)
    for bond in known:
        crystal = geometry(bond, pose, there, protein)
        here = geometry(bond, pose, np.asarray(pose.GetConformer().GetPositions()), model)
        lines.append(
            f"    {bond.residue} {bond.ligand_atom}-{bond.protein_atom}: crystal {crystal}; pose {here}"
        )
    return "\n".join(lines)


def geometry(bond: CrystalBond, ligand: Any, places: np.ndarray[Any, Any], protein: Any) -> str:
    """Distance of a bond's atoms (either oxygen of a carboxylate) and the angle at the drug's hydrogen.

    ``places``: (n_atoms, 3) of the drug, hydrogens included.
    """
    twins = {"OE1": "OE2", "OE2": "OE1", "OD1": "OD2", "OD2": "OD1"} if bond.residue[:3] in ACIDS else {}
    names = (bond.protein_atom, twins.get(bond.protein_atom, bond.protein_atom))
    number = int("".join(filter(str.isdigit, bond.residue)))
    own = protein.coord[(protein.res_id == number) & np.isin(protein.atom_name, names)].astype(np.float64)
    index = int("".join(filter(str.isdigit, bond.ligand_atom)))
    gaps = np.linalg.norm(own - places[index], axis=1)
    partner = own[int(gaps.argmin())]
    hydrogens = [
        places[atom.GetIdx()]
        for atom in ligand.GetAtomWithIdx(index).GetNeighbors()
        if atom.GetAtomicNum() == 1
    ]
    words = f"{gaps.min():.2f} angstrom"
    if hydrogens and bond.protein_atom != "N":
        nearest = min(hydrogens, key=lambda point: float(np.linalg.norm(point - partner)))
        one, two = places[index] - nearest, partner - nearest
        cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
        words += f", {np.degrees(np.arccos(cosine)):.0f} degrees"
    return words


def main() -> None:
    """Measure, and write or print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pdb-mirror", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--settle", action="store_true")
    given = parser.parse_args()
    pack, source = load_target("abl1"), PdbSource(given.pdb_mirror)
    drugs = [drug for drug in pack.drugs if drug.reference_entry and drug.state]
    found = {drug.id: in_crystal(pack, drug, source) for drug in drugs}
    if given.settle:
        for drug in drugs:
            if found[drug.id] and (pack.directory / "poses" / f"{drug.id}.sdf").is_file():
                print(settled(pack, drug, found[drug.id], source), flush=True)
        return
    write_crystal_bonds(
        given.out or pack.directory / "controls", [bond for rows in found.values() for bond in rows]
    )


if __name__ == "__main__":
    main()
