"""A protein model to what Vina knows of a receptor: atom types, and the PDBQT that its program reads.

The residues of a model are known by name, so their bonds are, and AutoDock's types follow by rule. Meeko
gives the same types atom by atom (``tests/docking/test_fields_vina.py``), takes seconds where this takes a
tenth of one, and left to itself guesses bonds by distance, which is how it fails on freshly built side
chains ("unable to build rdkit mol", "bond_excess": two hydrogens of different residues stood within a
bond's length), and fetches templates of residues it does not know from a network. So the rules it is.
"""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.docking.fields.polar import PolarReceptor, receptor_atoms
from kinscope.docking.fields.vina import AtomKind, atom_kind
from kinscope.structures.model import AtomArray

_PEPTIDE_BOND_MAX_ANGSTROM = 2.0
_DISULPHIDE_MAX_ANGSTROM = 2.5
_AROMATIC = {
    "PHE": {"CG", "CD1", "CD2", "CE1", "CE2", "CZ"},
    "TYR": {"CG", "CD1", "CD2", "CE1", "CE2", "CZ"},
    "PTR": {"CG", "CD1", "CD2", "CE1", "CE2", "CZ"},
    "TRP": {"CG", "CD1", "CD2", "CE2", "CE3", "CZ2", "CZ3", "CH2"},
    "HIS": {"CG", "CD2", "CE1"},
}  # fmt: skip


@dataclass(frozen=True)
class PreparedReceptor:
    """A receptor as Vina reads it."""

    pdbqt: str
    method: str
    """What prepared it, for the record."""
    heavy_points: NDArray[np.float64]
    """Shape (n_heavy, 3), angstrom."""
    heavy_kinds: tuple[AtomKind, ...]
    atoms: AtomArray
    """The model, hydrogens included."""

    @functools.cached_property
    def polar(self) -> PolarReceptor:
        """Charges and Born radii; computed when a search first ranks poses in this receptor."""
        return PolarReceptor(self.atoms.coord, receptor_atoms(self.atoms))


def prepare_receptor(atoms: AtomArray) -> PreparedReceptor:
    """Types and PDBQT of a complete, protonated model (n_atoms), kept for its next ligand.

    Raises StructureError if the model has no hydrogens, or an atom that is bonded to nothing.
    """
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(atoms.coord).tobytes())
    digest.update("|".join(map(str, [*atoms.atom_name, *atoms.res_name, *atoms.res_id])).encode())
    return _prepare(digest.hexdigest(), _Hidden(atoms))


class _Hidden:
    """Carries the model past the cache key: two calls with one digest are one call."""

    def __init__(self, atoms: AtomArray) -> None:
        self.atoms = atoms

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden)


@functools.lru_cache(maxsize=8)
def _prepare(digest: str, hidden: _Hidden) -> PreparedReceptor:
    atoms = hidden.atoms
    if not np.any(atoms.element == "H"):
        raise StructureError(
            "The receptor has no hydrogen atoms.",
            where="receptor",
            remedy="Dock into a model of `kinscope models` or `kinscope assess`, which is protonated.",
        )
    bonds = model_bonds(atoms)
    points, kinds = _heavy_kinds(atoms, bonds)
    return PreparedReceptor(
        write_pdbqt_by_rules(atoms, bonds), "AutoDock types by residue rules", points, kinds, atoms
    )


def _heavy_kinds(
    atoms: AtomArray, bonds: NDArray[np.intp]
) -> tuple[NDArray[np.float64], tuple[AtomKind, ...]]:
    neighbours = _neighbours(bonds)
    heavy = np.flatnonzero(atoms.element != "H")
    kinds = []
    for index in heavy:
        around = [str(atoms.element[other]).capitalize() for other in neighbours[int(index)]]
        kind = _autodock_type(atoms, int(index), neighbours[int(index)]) or ""
        kinds.append(atom_kind(str(atoms.element[index]).capitalize(), kind, around))
    return np.asarray(atoms.coord[heavy], dtype=np.float64), tuple(kinds)


def _neighbours(bonds: NDArray[np.intp]) -> dict[int, list[int]]:
    neighbours: dict[int, list[int]] = defaultdict(list)
    for i, j in bonds:
        neighbours[int(i)].append(int(j))
        neighbours[int(j)].append(int(i))
    return neighbours


def model_bonds(atoms: AtomArray) -> NDArray[np.intp]:
    """Every covalent bond of a model by residue and atom names, shape (n_bonds, 2).

    Within residues from the Chemical Component Dictionary that ships with biotite; a hydrogen whose name the
    dictionary lacks is bonded to the nearest heavy atom of its residue; between residues the peptide bonds of
    neighbours and disulphides.
    """
    import biotite.structure as struc

    table = struc.connect_via_residue_names(atoms, inter_residue=False)
    pairs = [(int(i), int(j)) for i, j, _ in table.as_array()]
    bonded = np.zeros(len(atoms), dtype=bool)
    for i, j in pairs:
        bonded[i] = bonded[j] = True
    pairs += [_to_nearest_heavy(atoms, int(index)) for index in np.flatnonzero(~bonded)]
    pairs += _between_residues(atoms)
    return np.array(sorted({(min(p), max(p)) for p in pairs}), dtype=int)


def _to_nearest_heavy(atoms: AtomArray, index: int) -> tuple[int, int]:
    same = (atoms.res_id == atoms.res_id[index]) & (atoms.chain_id == atoms.chain_id[index])
    same &= atoms.element != "H"
    same[index] = False
    candidates = np.flatnonzero(same)
    if len(candidates):
        distances = np.linalg.norm(atoms.coord[candidates] - atoms.coord[index], axis=1)
        if distances.min() < 2.0:
            return index, int(candidates[distances.argmin()])
    raise StructureError(
        f"Atom {atoms.atom_name[index]} is bonded to nothing.",
        where=f"receptor, {atoms.res_name[index]} {atoms.res_id[index]}",
        remedy="Remove ions and stray atoms from the receptor, or complete the residue.",
    )


def _between_residues(atoms: AtomArray) -> list[tuple[int, int]]:
    carbons = {int(atoms.res_id[i]): int(i) for i in np.flatnonzero(atoms.atom_name == "C")}
    pairs = []
    for nitrogen in np.flatnonzero(atoms.atom_name == "N"):
        # The cap NME names its methyl carbon C; its own N is still joined to the residue before it.
        carbon = carbons.get(int(atoms.res_id[nitrogen]) - 1)
        if carbon is not None:
            gap = np.linalg.norm(atoms.coord[carbon] - atoms.coord[nitrogen])
            if gap < _PEPTIDE_BOND_MAX_ANGSTROM:
                pairs.append((carbon, int(nitrogen)))
    sulphurs = np.flatnonzero((atoms.atom_name == "SG") & (atoms.res_name == "CYS"))
    for first, i in enumerate(sulphurs):
        for j in sulphurs[first + 1 :]:
            if np.linalg.norm(atoms.coord[i] - atoms.coord[j]) < _DISULPHIDE_MAX_ANGSTROM:
                pairs.append((int(i), int(j)))
    return pairs


def write_pdbqt_by_rules(atoms: AtomArray, bonds: NDArray[np.intp]) -> str:
    """PDBQT with AutoDock atom types from element, bonds and residue; charges 0, which Vina ignores.

    Types after Morris et al., J Comput Chem 2009, 30, 2785: C and aromatic A; N, and NA for a ring nitrogen
    without hydrogen; OA; SA; HD on N, O, S; hydrogens on carbon are merged.
    """
    neighbours = _neighbours(bonds)
    lines: list[str] = []
    for index in range(len(atoms)):
        kind = _autodock_type(atoms, index, neighbours[index])
        if kind is None:
            continue
        x, y, z = (float(value) for value in atoms.coord[index])
        name = str(atoms.atom_name[index])
        lines.append(
            f"ATOM  {(len(lines) + 1) % 100000:>5} {name if len(name) > 3 else ' ' + name:<4} "
            f"{atoms.res_name[index]:>3} A{int(atoms.res_id[index]) % 10000:>4}    "
            f"{x:>8.3f}{y:>8.3f}{z:>8.3f}  1.00  0.00     0.000 {kind:<2}"
        )
    return "\n".join([*lines, "TER", ""])


def _autodock_type(atoms: AtomArray, index: int, neighbours: list[int]) -> str | None:
    element = str(atoms.element[index]).upper()
    around = [str(atoms.element[other]).upper() for other in neighbours]
    if element == "H":
        return "HD" if set(around) & {"N", "O", "S"} else None
    if element == "C":
        return "A" if atoms.atom_name[index] in _AROMATIC.get(str(atoms.res_name[index]), ()) else "C"
    if element == "N":
        bare = (
            atoms.res_name[index] == "HIS" and atoms.atom_name[index] in ("ND1", "NE2") and "H" not in around
        )
        return "NA" if bare else "N"
    simple = {"O": "OA", "S": "SA", "P": "P", "F": "F", "CL": "Cl", "BR": "Br", "I": "I"}
    if element in simple:
        return simple[element]
    raise StructureError(
        f"The element {element} is not one Vina types in a receptor.",
        where=f"receptor, {atoms.res_name[index]} {atoms.res_id[index]}",
        remedy="Remove metals and ligands from the receptor.",
    )
