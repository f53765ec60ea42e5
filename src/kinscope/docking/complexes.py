"""The co-crystals of a target with drug-like ligands that lie in a source of wwPDB entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinscope.core.errors import KinscopeError, LigandError
from kinscope.core.records import Record
from kinscope.docking.engine import Mol
from kinscope.ligands.quiet import quiet
from kinscope.structures.entries import protein_chains, read_chain
from kinscope.structures.geometry import classify_state
from kinscope.structures.model import AtomArray
from kinscope.structures.source import PdbSource
from kinscope.targets.pack import TargetPack

FEWEST_HEAVY_ATOMS = 14
"""Buffers, glycerol and detergents' heads are smaller."""
CONTACT_ANGSTROM = 4.5
_NUCLEOTIDES = frozenset({"ATP", "ADP", "AMP", "ANP", "ACP", "AGS", "GTP", "GDP", "112"})
"""With their chains of phosphates and their magnesium they are not drug-like; 112 joins ATP to a peptide."""
_PROTEIN_LIKE = frozenset({"PTR", "SEP", "TPO", "MSE", "CSO", "HOH", "DOD"})
_ALIPHATIC_AMINE = "[NX3;+0;!$(N-[!#6;!#1]);!$(N-C=[O,N,S]);!$(N-a);!$(N-C#*);!$(N-C=C)]"


class Complex(Record):
    """One ligand in one chain of one entry."""

    entry: str
    chain: str
    """Of the protein and of the ligand, as the author named it."""
    ccd: str
    heavy_atoms: int
    dfg: str
    """Class of the chain by D1 and D2."""
    state: str = ""
    """What cross-docking calls one state: DFG class, dihedral cluster and activation loop."""

    @property
    def site(self) -> str:
        """``2HYY:A:STI``."""
        return f"{self.entry}:{self.chain}:{self.ccd}"


def find_complexes(source: PdbSource, pack: TargetPack) -> tuple[Complex, ...]:
    """Every drug-like ligand in contact with a chain of the target, one chain an entry.

    A ligand is drug-like if it has :data:`FEWEST_HEAVY_ATOMS` heavy atoms or more and is neither a nucleotide
    nor a part of the protein; it must be complete but for one atom (the fatty acid of an amide lacks one).
    """
    found: list[Complex] = []
    for code in source.codes():
        structure = source.read_entry(code)
        seen: set[str] = set()
        for chain in protein_chains(structure, pack):
            atoms = read_chain(source, code, chain, pack)
            shape = classify_state(atoms, pack.landmarks) if pack.landmarks is not None else None
            for residue in next(part for part in structure[0] if part.name == chain):
                if residue.name in seen or not _drug_like(residue) or not _touches(residue, atoms):
                    continue
                seen.add(residue.name)
                found.append(
                    Complex(
                        entry=code.upper(), chain=chain, ccd=residue.name,
                        heavy_atoms=_heavy(residue), dfg=shape.dfg if shape else "",
                        state=f"{shape.dfg}/{shape.dfg_cluster}/{shape.activation_loop}" if shape else "",
                    )
                )  # fmt: skip
    return tuple(found)


def _heavy(residue: Any) -> int:
    return len({atom.name for atom in residue if atom.element.name not in ("H", "D")})


def _drug_like(residue: Any) -> bool:
    return (
        residue.het_flag == "H"
        and residue.name not in _NUCLEOTIDES | _PROTEIN_LIKE
        and _heavy(residue) >= FEWEST_HEAVY_ATOMS
    )


def _touches(residue: Any, atoms: AtomArray) -> bool:
    points = np.array([atom.pos.tolist() for atom in residue])
    gaps = np.linalg.norm(atoms.coord[:, None] - points[None], axis=2)
    return bool((gaps.min(axis=0) < CONTACT_ANGSTROM).sum() >= len(points) // 2)


def ligand_of_complex(complex_: Complex, pack: TargetPack) -> Mol:
    """The ligand with hydrogens and a conformer of its own, never the crystal's.

    A drug of the library comes as the library has it at pH 7.4. Any other is taken from the Chemical
    Component Dictionary (as biotite ships it), acids deprotonated and the most basic kind of amine (an
    aliphatic one away from anything that draws its electrons) protonated: one in each ring system.

    Raises
    ------
    LigandError
        If the dictionary does not know it.
    """
    from kinscope.ligands.library import embed, load_ligand

    for drug in pack.drugs:
        if drug.ccd == complex_.ccd:
            return load_ligand(drug)
    molecule = embed(_charged(_from_dictionary(complex_.ccd)), where=complex_.site)
    molecule.SetProp("_Name", complex_.ccd)
    return molecule


def _from_dictionary(ccd: str) -> Mol:
    from biotite.interface import rdkit as bridge
    from biotite.structure import info
    from rdkit import Chem

    try:
        with quiet():
            molecule = bridge.to_mol(info.residue(ccd), kekulize=False, explicit_hydrogen=True)
            Chem.SanitizeMol(molecule)
            Chem.AssignStereochemistryFrom3D(molecule)
            return Chem.RemoveHs(molecule)
    except (KeyError, ValueError, KinscopeError) as error:
        raise LigandError(
            f"The Chemical Component Dictionary has no usable {ccd} ({error}).",
            where=ccd,
            remedy="Give the ligand as SMILES or SDF.",
        ) from error


def _charged(molecule: Mol) -> Mol:
    from rdkit import Chem

    work = Chem.RWMol(molecule)
    for match in work.GetSubstructMatches(Chem.MolFromSmarts("[CX3](=O)[OX2H1]")):
        oxygen = work.GetAtomWithIdx(match[2])
        oxygen.SetFormalCharge(-1)
        oxygen.SetNumExplicitHs(0)
    rings = [set(ring) for ring in work.GetRingInfo().AtomRings()]
    taken: list[set[int]] = []
    for (index,) in work.GetSubstructMatches(Chem.MolFromSmarts(_ALIPHATIC_AMINE)):
        around = {index}.union(*(ring for ring in rings if index in ring))
        if any(around & other for other in taken):
            continue
        taken.append(around)
        nitrogen = work.GetAtomWithIdx(index)
        nitrogen.SetFormalCharge(1)
        nitrogen.SetNumExplicitHs(nitrogen.GetTotalNumHs() + 1)
        nitrogen.SetNoImplicit(True)
    Chem.SanitizeMol(work)
    return work.GetMol()
