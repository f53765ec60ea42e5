"""From the heavy atoms of an assembly to a complete, capped heavy-atom model.

Missing side-chain atoms are added by PDBFixer; truncated ends are capped.
"""

from __future__ import annotations

import io
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.model import AtomArray, heavy_atoms, position
from kinscope.structures.stereochemistry import place, unit
from kinscope.structures.wwpdb.entries import atom_array

_CARBON_NITROGEN = 1.335
_CARBON_CARBON = 1.52
_NITROGEN_METHYL = 1.45
"""Bond lengths in angstrom; Engh & Huber, Acta Cryst. A 1991, 47, 392."""
_ISOSTERIC = {
    ("ASN", "ASP"): {"ND2": ("OD2", "O")},
    ("GLN", "GLU"): {"NE2": ("OE2", "O")},
    ("ASP", "ASN"): {"OD2": ("ND2", "N")},
    ("GLU", "GLN"): {"OE2": ("NE2", "N")},
}


def complete_heavy_atoms(atoms: AtomArray) -> tuple[AtomArray, dict[int, tuple[str, ...]]]:
    """Add side-chain atoms the crystal does not show; whole residues are never built here.

    Residues are standard ones (and PTR, SEP, TPO), each with a complete backbone. Returns the heavy atoms,
    and the names of those that were built by residue.
    """
    lacking = missing_atoms(atoms)
    if not lacking:
        return atoms, {}
    from openmm import Platform
    from pdbfixer import PDBFixer

    fixer = PDBFixer(pdbfile=io.StringIO(pdb_text(atoms)), platform=Platform.getPlatformByName("CPU"))
    fixer.missingResidues = {}
    fixer.findMissingAtoms()
    fixer.missingTerminals = {}
    fixer.addMissingAtoms(seed=1)
    from kinscope.structures.io import from_openmm

    fixed = from_openmm(fixer.topology, fixer.positions)
    fixed = fixed[fixed.element != "H"]
    labels = zip(fixed.res_id.tolist(), fixed.atom_name.tolist(), strict=True)
    wanted = np.array([name in lacking.get(number, ()) for number, name in labels])
    return in_template_order(atoms + fixed[wanted]), lacking


def missing_atoms(atoms: AtomArray) -> dict[int, tuple[str, ...]]:
    """Heavy atoms a standard residue should have and has not, by residue number."""
    found = {}
    for number in np.unique(atoms.res_id):
        here = atoms[atoms.res_id == number]
        expected = heavy_atoms(str(here.res_name[0]))
        if lacking := tuple(name for name in expected if name not in here.atom_name):
            found[int(number)] = lacking
    return found


def in_template_order(atoms: AtomArray) -> AtomArray:
    """Atoms sorted by residue number, then in the order of the residue's template."""

    def rank(row: int) -> tuple[int, int]:
        names = heavy_atoms(str(atoms.res_name[row]))
        name = str(atoms.atom_name[row])
        return int(atoms.res_id[row]), names.index(name) if name in names else len(names)

    return atoms[np.array(sorted(range(len(atoms)), key=rank), dtype=np.intp)]


def renamed_isostere(atoms: AtomArray, number: int, here: str, wanted: str) -> AtomArray | None:
    """A copy with Asn and Asp, or Gln and Glu, set to the other by name; None of any other pair."""
    renaming = _ISOSTERIC.get((here, wanted))
    if renaming is None:
        return None
    atoms = atoms.copy()
    for row in np.flatnonzero(atoms.res_id == number):
        atoms.res_name[row] = wanted
        if str(atoms.atom_name[row]) in renaming:
            atoms.atom_name[row], atoms.element[row] = renaming[str(atoms.atom_name[row])]
    return atoms


def cap_ends(atoms: AtomArray) -> AtomArray:
    """Cap a chain with ACE (number first-1) and NME (number last+1), heavy atoms only.

    The caps continue the chain along the backbone's own direction: ideal bond lengths and angles, trans
    peptide bonds, phi and psi of an extended strand.
    """
    first, last = int(atoms.res_id.min()), int(atoms.res_id.max())

    nitrogen, alpha, carbon = (position(atoms, first, name) for name in ("N", "CA", "C"))
    acetyl = place(carbon, alpha, nitrogen, _CARBON_NITROGEN, 121.7, -120.0)
    oxygen = place(alpha, nitrogen, acetyl, 1.23, 123.0, 0.0)
    methyl = place(alpha, nitrogen, acetyl, _CARBON_CARBON, 116.2, 180.0)
    end_alpha, end_carbon, end_oxygen = (position(atoms, last, name) for name in ("CA", "C", "O"))
    amide = _opposite(end_alpha, end_carbon, end_oxygen)
    end_methyl = place(end_alpha, end_carbon, amide, _NITROGEN_METHYL, 121.7, 180.0)
    acetyls = (("CH3", "C", methyl), ("C", "C", acetyl), ("O", "O", oxygen))
    amides = (("N", "N", amide), ("C", "C", end_methyl))
    head = atom_array([(*atom, first - 1, "ACE") for atom in acetyls])
    return head + atoms + atom_array([(*atom, last + 1, "NME") for atom in amides])


def pdb_text(atoms: AtomArray, ligands: tuple[AtomArray, ...] = ()) -> str:
    """PDB text of a protein, and of ligands as HETATM of chain L, for programs that read nothing else."""
    lines, serials = [], count(1)
    for array, record, chain in [(atoms, "ATOM", "A"), *((ligand, "HETATM", "L") for ligand in ligands)]:
        for row in range(len(array)):
            name, element = str(array.atom_name[row]), str(array.element[row]).upper()
            padded = name if len(name) == 4 or len(element) == 2 else f" {name}"
            x, y, z = array.coord[row].tolist()
            lines.append(
                f"{record:<6}{next(serials):>5} {padded:<4} {array.res_name[row]!s:>3} {chain}"
                f"{int(array.res_id[row]):>4}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element:>2}"
            )
        lines.append("TER")
    return "\n".join([*lines, "END", ""])


def _opposite(alpha: NDArray[Any], carbon: NDArray[Any], oxygen: NDArray[Any]) -> NDArray[np.float64]:
    """The amide nitrogen in the plane of CA, C and O, opposite to both."""
    direction = unit(-(unit(alpha - carbon) + unit(oxygen - carbon)))
    return np.asarray(carbon + _CARBON_NITROGEN * direction)
