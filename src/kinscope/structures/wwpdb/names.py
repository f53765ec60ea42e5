"""What other programs call residues, atoms and elements, made ordinary.

CHARMM, GROMACS and Amber name protonation states, ends and phosphates in ways of their own; old programs and
docking tools leave elements out, or shift the names that would tell them.
"""

from __future__ import annotations

import re
from typing import Any

from kinscope.core.residues import PROTONATION_VARIANTS, one_letter

_OF_OTHERS = {
    "HSD": "HIS", "HSE": "HIS", "HSP": "HIS", "HISD": "HIS", "HISE": "HIS", "HISH": "HIS", "HIN": "HIS",
    "CYS2": "CYS", "CSS": "CYS", "LYP": "LYS", "LSN": "LYS", "LYSH": "LYS", "ASPH": "ASP", "ASPP": "ASP",
    "GLUH": "GLU", "GLUP": "GLU", "ARN": "ARG", "ARGN": "ARG", "TYM": "TYR", "Y1P": "PTR",
    "TIP3": "HOH", "TIP4": "HOH",
}  # fmt: skip
"""Names of CHARMM, GROMACS, Amber and others which :data:`PROTONATION_VARIANTS` does not cover."""
_ATOMS_OF_OTHERS = {("ILE", "CD"): "CD1", ("*", "OT1"): "O", ("*", "OT2"): "OXT"}
"""Atom names of CHARMM; likewise OC1 and OC2 of GROMACS below."""
_ENDS = {"OC1": "O", "OC2": "OXT"}
_OF_PROTEINS = {"H", "D", "C", "N", "O", "S", "Se", "P"}
_FOUR = re.compile(r"^((?:ATOM  |HETATM).{11})([A-Za-z0-9]{4})", re.MULTILINE)


def standard_name(name: str) -> str:
    """The wwPDB's name of a residue that others call ``HSD`` or ``NALA``, say; else the name."""
    upper = name.strip().upper()
    known = PROTONATION_VARIANTS.get(upper) or _OF_OTHERS.get(upper, upper)
    if len(known) == 4 and known[0] in "NC" and one_letter(standard_name(known[1:])) != "X":
        return standard_name(known[1:])
    return known if known != upper or one_letter(upper) != "X" else name


def with_short_names(text: str) -> str:
    """A PDB file's text with known names of four letters, which reach into the chain's columns, shortened.

    Where other residues have a letter there too, it is the chain's, which has two.
    """
    standard = {name: standard_name(name) for name in {found[1] for found in _FOUR.findall(text)}}
    if any(one_letter(name[:3]) != "X" and len(short) == 4 for name, short in standard.items()):
        return text
    return _FOUR.sub(lambda found: found[1] + standard[found[2]].ljust(4), text)


def make_ordinary(residue: Any) -> None:
    """Standard names and elements for a ``gemmi.Residue``, in place; no atom comes or goes."""
    import gemmi

    residue.name = standard_name(residue.name)
    protein = one_letter(residue.name) != "X"
    names = {atom.name for atom in residue}
    for atom in residue:
        if atom.element.name == "X" or (protein and atom.element.name not in _OF_PROTEINS):
            atom.element = gemmi.Element(_element(atom.name, residue.name))
        new = _ATOMS_OF_OTHERS.get((residue.name, atom.name)) or _ATOMS_OF_OTHERS.get(("*", atom.name))
        if new is None and {"OC1", "OC2"} <= names:
            new = _ENDS.get(atom.name)
        if new is not None and new not in names:
            atom.name = new


def _element(name: str, residue: str) -> str:
    """The element of an atom whose file does not say it, by its name and the residue's."""
    import gemmi

    letters = re.sub(r"[^A-Z]", "", name.upper())
    known = gemmi.find_tabulated_residue(residue)
    polymer = known.is_amino_acid() or known.is_nucleic_acid()
    alone = letters and re.sub(r"[^A-Z]", "", residue.upper()) == letters
    two = letters[:2] == "SE" if polymer else alone or letters[:2] in ("CL", "BR", "SE", "SI")
    return letters[: 2 if two else 1] or "X"
