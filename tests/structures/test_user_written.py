"""A structure in the forms that other programs write: the same atoms, whatever they are called."""

from __future__ import annotations

import numpy as np
import pytest

from factories.user_structure import PACK, backbone_deviation, examined, pdb, shipped, structure_of, write
from kinscope.core.errors import StructureError
from kinscope.structures.wwpdb.entries import chain_of_structure
from kinscope.structures.wwpdb.source import parse_structure


def pdb_lines() -> list[str]:
    """A DFG-out kinase domain with hydrogens, every column of a PDB file."""
    from kinscope.structures.reference.build import reference_model

    atoms, _ = reference_model(PACK, "kinase-dfg-out")
    atoms = atoms[~np.isin(atoms.res_name, ("ACE", "NME"))]
    lines = pdb(structure_of(("A", atoms))).decode().split("\n")
    return [line for line in lines if line.startswith("ATOM")]


def called(line: str, **names: str) -> str:
    """A line with its residue called otherwise, in up to four columns."""
    return line[:17] + names.get(line[17:20], line[17:20]).ljust(4) + line[21:]


def further(line: str, angstrom: float) -> str:
    return f"{line[:30]}{float(line[30:38]) + angstrom:8.3f}{line[38:]}"


def shifted(line: str) -> str:
    return line[:12] + line[12:16].strip().ljust(4) + line[16:66]


def turned(line: str) -> str:
    name = line[12:16].strip()
    return line[:12] + (name[-1] + name[:-1]).ljust(4) + line[16:66] if len(name) == 4 else line[:66]


def phosphorylated(line: str, name: str) -> list[str]:
    if line[22:26] != " 393" or line[12:16] != " OH ":
        return [called(line, TYR=name) if line[22:26] == " 393" else line]
    x, rest = float(line[30:38]), line[38:76]
    ends = [f"{line[:12]} {end:3}{line[16:30]}{x + 1.4:8.3f}{rest} {end[0]}" for end in ("P", "O1P")]
    return [called(text, TYR=name) for text in (line, *ends)]


GROMACS = {"HIS": "HISE", "LYS": "LYSH", "ARG": "ARGN", "CYS": "CYS2", "ASP": "ASPH", "GLU": "GLUH"}
BY_PROGRAM = {
    "CHARMM": lambda lines: [
        called(x, HIS="HSD").replace(" CD1 ILE", " CD  ILE").replace(" H  ", " HN ", 1) for x in lines
    ],
    "GROMACS": lambda lines: [called(x[:21] + " " + x[22:], **GROMACS) for x in lines],
    "Amber's ends": lambda lines: [
        called(x, VAL="NVAL", GLU="CGLU") if x[22:26] in (" 229", " 500") else x for x in lines
    ],
    "Amber": lambda lines: [called(x[:21] + " " + x[22:66], HIS="HIE", CYS="CYX", ASP="ASH") for x in lines],
    "old hydrogens": lambda lines: [turned(x) for x in lines],
    "names to the left": lambda lines: [shifted(x) for x in lines],
    "docking types": lambda lines: [x[:66] + "    +0.000 " + x[77].replace("C", "A") for x in lines],
    "small letters": lambda lines: [called(x, PRO="pro", HIS="his") for x in lines],
    "CHARMM's phosphate": lambda lines: [y for x in lines for y in phosphorylated(x, "TYR")],
    "Amber's phosphate": lambda lines: [y for x in lines for y in phosphorylated(x, "Y1P")],
    "one letter for two": lambda lines: [*lines, "TER", *(further(x, 90.0) for x in lines)],
}  # fmt: skip


@pytest.mark.parametrize("program", sorted(BY_PROGRAM))
def test_a_structure_is_the_same_whichever_program_wrote_it(program, tmp_path):
    from kinscope.structures.checks.model import check_structures

    body = "\n".join([*BY_PROGRAM[program](pdb_lines()), "END", ""]).encode()
    found = examined(body)
    original = shipped("kinase-dfg-out")
    whole = original if program != "one letter for two" else original[original.res_id < 500]
    assert list(found.atoms.res_id) == list(whole.res_id)
    assert sorted(
        zip(found.atoms.res_name, found.atoms.atom_name, found.atoms.element, strict=True)
    ) == sorted(zip(whole.res_name, whole.atom_name, whole.element, strict=True))
    assert backbone_deviation(found, original) < 0.005
    (check,) = check_structures([write(tmp_path / "x.pdb", body)], PACK)
    assert check.passed


@pytest.mark.parametrize(("plain", "kept"), [(0.7, 0.0), (0.3, 1.5), (0.5, 0.0)])
def test_a_copy_without_a_letter_is_a_copy_like_the_other(plain, kept):
    lines = []
    for line in pdb_lines():
        if line[22:26] == " 315":
            other = further(line[:16] + "B" + line[17:], 1.5)
            lines += [f"{line[:54]}{plain:6.2f}{line[60:]}", f"{other[:54]}{1 - plain:6.2f}{line[60:]}"]
        else:
            lines.append(line)
    structure = parse_structure("\n".join(lines).encode(), "here")
    atoms = chain_of_structure(structure, "A", PACK, label="here").atoms
    original = shipped("kinase-dfg-out")
    here, there = (item.coord[item.res_id == 315] for item in (atoms, original))
    assert np.allclose(np.sort(here[:, 0] - there[:, 0]), kept, atol=0.01)


def test_a_residue_of_unknown_kind_within_the_chain_is_named_by_its_place():
    lines = [called(line, GLY="UNK") if line[22:26] == " 250" else line for line in pdb_lines()]
    with pytest.raises(StructureError, match="UNK is no amino acid"):
        examined("\n".join(lines).encode())
