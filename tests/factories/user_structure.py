"""Files as users might bring them, made from the models that ship."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from kinscope.results.user_structure import UserStructureOptions
from kinscope.structures.reference.build import reference_model
from kinscope.structures.user.file import UserFile
from kinscope.structures.user.prepare import Examined, examine
from kinscope.targets import load_target

PACK = load_target("abl1")
PROTEIN = PACK.transcript.protein


@cache
def shipped(state: str):
    """Heavy atoms of a shipped model without its caps."""
    atoms, _ = reference_model(PACK, state)
    return atoms[(atoms.element != "H") & ~np.isin(atoms.res_name, ("ACE", "NME"))]


def moved(atoms, seed: int = 1):
    """The atoms turned and shifted at random."""
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    copy = atoms.copy()
    copy.coord = (atoms.coord @ rotation.T + random.uniform(-60, 60, 3)).astype(np.float32)
    return copy


def structure_of(
    *chains,
    number: Callable[[int], int] = int,
    insertion: Callable[[int], str] = lambda _: " ",
    waters: int = 0,
    b_factor: float = 20.0,
):
    """A ``gemmi.Structure`` of (name, atoms) pairs."""
    import gemmi

    structure = gemmi.Structure()
    model = gemmi.Model(1)
    for name, atoms in chains:
        chain = gemmi.Chain(name)
        last = None
        for row in range(len(atoms)):
            key = int(atoms.res_id[row])
            if key != last:
                residue = gemmi.Residue()
                residue.name = str(atoms.res_name[row])
                residue.seqid = gemmi.SeqId(number(key), insertion(key))
                residue = chain.add_residue(residue)
                last = key
            atom = gemmi.Atom()
            atom.name = str(atoms.atom_name[row])
            atom.element = gemmi.Element(str(atoms.element[row]).capitalize())
            atom.pos = gemmi.Position(*map(float, atoms.coord[row]))
            atom.b_iso = b_factor
            chain[-1].add_atom(atom)
        model.add_chain(chain)
    if waters:
        chain = gemmi.Chain("W")
        for place in range(waters):
            residue = gemmi.Residue()
            residue.name, residue.het_flag = "HOH", "H"
            residue.seqid = gemmi.SeqId(place + 1, " ")
            atom = gemmi.Atom()
            atom.name, atom.element = "O", gemmi.Element("O")
            atom.pos = gemmi.Position(200.0 + 3 * place, 0, 0)
            residue.add_atom(atom)
            chain.add_residue(residue)
        model.add_chain(chain)
    structure.add_model(model)
    return structure


def pdb(structure) -> bytes:
    """The structure as a PDB file."""
    return structure.make_pdb_string().encode()


def cif(structure) -> bytes:
    """The structure as an mmCIF file."""
    return structure.make_mmcif_document().as_string().encode()


def without(atoms, *stretches: tuple[int, int]):
    """The atoms without some residues, both ends included."""
    kept = np.ones(len(atoms), dtype=bool)
    for first, last in stretches:
        kept &= (atoms.res_id < first) | (atoms.res_id > last)
    return atoms[kept]


def as_alanine(atoms, residues):
    """Some residues (not glycine) cut back to alanine."""
    kept = ~(np.isin(atoms.res_id, residues) & ~np.isin(atoms.atom_name, ("N", "CA", "C", "O", "CB")))
    copy = atoms[kept]
    copy.res_name[np.isin(copy.res_id, residues)] = "ALA"
    return copy


def examined(body: bytes, name: str = "my.pdb", **options) -> Examined:
    """What kinscope finds in a file."""
    return examine(UserFile(name=name, body=body), PACK, UserStructureOptions(**options))


def backbone_deviation(found: Examined, original, residues=None) -> float:
    """Backbone RMSD (angstrom) of some residues after laying all of the found chain on the original."""
    from kinscope.structures.superposition import common_atoms, superpose

    transform = superpose(found.atoms, original)
    first, second = common_atoms(found.atoms, original, residues)
    gap = transform.apply(found.atoms.coord[first]) - original.coord[second]
    return float(np.sqrt((gap**2).sum(axis=1).mean()))


def write(path: Path, body: bytes) -> Path:
    """The file, written."""
    path.write_bytes(body)
    return path
