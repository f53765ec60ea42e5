"""A protein model on disk: one mmCIF file and one record beside it.

Conventions of every model of kinscope
---------------------------------------
- one chain, ``A``; residue numbers are isoform 1a (``auth_seq_id`` and ``label_seq_id`` alike are written
  from biotite's ``res_id``);
- all hydrogens present, wwPDB (version 3) atom names, so that both biotite and OpenMM's Amber templates
  read the file as it stands; protonation states show in the hydrogens (HIS with HD1/HE2, ASP with HD2);
- residue names stay the standard three letters (``HIS``, never ``HIE``; ``PTR`` for phosphotyrosine);
- truncated ends are capped: ``ACE`` at number first-1, ``NME`` at number last+1;
- coordinates in angstrom; no water, no ion, no ligand in a protein model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

AtomArray = Any
"""A ``biotite.structure.AtomArray`` (biotite ships no types for mypy --strict)."""

MODEL_FILE = "model.cif"
RECORD_FILE = "model.json"

_BACKBONE = ("N", "CA", "C", "O")

_SIDE_CHAIN: dict[str, tuple[str, ...]] = {
    "ALA": ("CB",),
    "ARG": ("CB", "CG", "CD", "NE", "CZ", "NH1", "NH2"),
    "ASN": ("CB", "CG", "OD1", "ND2"),
    "ASP": ("CB", "CG", "OD1", "OD2"),
    "CYS": ("CB", "SG"),
    "GLN": ("CB", "CG", "CD", "OE1", "NE2"),
    "GLU": ("CB", "CG", "CD", "OE1", "OE2"),
    "GLY": (),
    "HIS": ("CB", "CG", "ND1", "CD2", "CE1", "NE2"),
    "ILE": ("CB", "CG1", "CG2", "CD1"),
    "LEU": ("CB", "CG", "CD1", "CD2"),
    "LYS": ("CB", "CG", "CD", "CE", "NZ"),
    "MET": ("CB", "CG", "SD", "CE"),
    "PHE": ("CB", "CG", "CD1", "CD2", "CE1", "CE2", "CZ"),
    "PRO": ("CB", "CG", "CD"),
    "PTR": ("CB", "CG", "CD1", "CD2", "CE1", "CE2", "CZ", "OH", "P", "O1P", "O2P", "O3P"),
    "SER": ("CB", "OG"),
    "THR": ("CB", "OG1", "CG2"),
    "TRP": ("CB", "CG", "CD1", "CD2", "NE1", "CE2", "CE3", "CZ2", "CZ3", "CH2"),
    "TYR": ("CB", "CG", "CD1", "CD2", "CE1", "CE2", "CZ", "OH"),
    "VAL": ("CB", "CG1", "CG2"),
}


def heavy_atoms(residue_name: str) -> tuple[str, ...]:
    """Heavy-atom names of a standard amino acid inside a chain, backbone first; empty for anything else."""
    if residue_name not in _SIDE_CHAIN:
        return ()
    return _BACKBONE + _SIDE_CHAIN[residue_name]


def position(atoms: AtomArray, number: int, name: str) -> NDArray[np.float64]:
    """Where an atom of a residue stands, (3,), angstrom; the model holds it."""
    return np.asarray(atoms.coord[(atoms.res_id == number) & (atoms.atom_name == name)][0], dtype=np.float64)


def side_chain_atoms(residue_name: str) -> tuple[str, ...]:
    """Heavy-atom names of a side chain, from CB outwards."""
    return _SIDE_CHAIN.get(residue_name, ())
