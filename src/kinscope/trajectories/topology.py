"""Which atoms of a user's topology are analysed, how they are numbered, and where they stand in a frame."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.results.notes import Note, note
from kinscope.structures.model import AtomArray
from kinscope.targets.pack import TargetPack
from kinscope.trajectories.layout import Layout

_FEWEST_LIGAND_ATOMS = 6
"""Heavy atoms; buffer molecules and ions have fewer."""
_BACKBONE = {"N", "CA", "C", "O"}


@dataclass(frozen=True)
class Topology:
    """The protein chain and the ligands of a topology."""

    layout: Layout
    """Of the chosen atoms, with their coordinates."""
    places: NDArray[np.intp]
    """Where each of them stands in a frame."""
    total: int
    """Atoms in a frame."""
    chain: str
    numbered: bool
    """Whether residues bear the target's numbers; else the file's own."""
    notes: tuple[Note, ...]


def read_topology(path: Path, pack: TargetPack, *, chain: str = "") -> Topology:
    """The chain of the target in a PDB or mmCIF file, with hydrogens, and every ligand beside it.

    A file without a chain of the target is taken in its own numbering: what every protein has is measured,
    and the notes say what is not.

    ``path``: PDB or mmCIF with every atom of the frames, in their order. ``chain``: which chain, or which
    segment of a PDB file without chains; the first of the target if empty.

    Raises StructureError if the file cannot be read, holds no protein, not that chain, or coordinates that
    are no protein's.
    """
    from kinscope.structures.wwpdb.entries import protein_chains
    from kinscope.structures.wwpdb.source import parse_structure, read_body

    body, segments = _counted(read_body(path))
    structure = parse_structure(body, str(path))
    if any(residue.seqid.num is None for part in structure[0] for residue in part):
        raise StructureError(
            "A residue has no number.", where=str(path), remedy="Number the residues (auth_seq_id)."
        )
    chain = segments.get(chain, chain)
    own = protein_chains(structure, pack)
    numbers: dict[tuple[str, str], int]
    notes: tuple[Note, ...] = ()
    if own and (not chain or chain in own):
        name = chain or own[0]
        numbers = _target_numbers(structure, name, pack, path)
    else:
        name = _longest_chain(structure, path, chain)
        numbers = {(str(r.seqid), r.name): r.seqid.num for r in structure[0][name] if _is_residue(r)}
        if len(set(numbers.values())) < len(numbers):  # insertion codes
            numbers = {key: place for place, key in enumerate(numbers, start=1)}
        notes = (note("other-protein", gene=pack.gene),)
    atoms, rows = _chosen(structure, name, numbers)
    layout = Layout(atoms)
    layout.check(layout.coord[None], str(path))
    total = structure[0].count_atom_sites()
    names = {label: segment for segment, label in segments.items()}
    return Topology(layout, rows, total, names.get(name, name), bool(own) and not notes, notes)


def _counted(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The file with its atoms numbered from 1 in its own order, and the chain made of each PDB segment.

    Frames hold atoms in the order of the file. Serial numbers repeat and wrap beyond 99,999; so do residue
    numbers beyond 9,999, and copies of a chain may bear one name: where a residue comes again, or a segment
    or molecule without chain name ends, another chain begins.
    """
    import gemmi

    text = body.decode("latin-1")
    if re.search(r"^\s*data_", text, re.MULTILINE) and "_atom_site" in text.lower():
        try:
            document = gemmi.cif.read_string(text)
        except (RuntimeError, ValueError):
            return body, {}
        for block in document:
            column = block.find_values("_atom_site.id")
            for place in range(len(column)):
                column[place] = str(place + 1)
        return document.as_string().encode("latin-1"), {}
    lines, names, count = [], _Chains(text), 0
    for line in text.splitlines():
        if line.startswith("MODEL"):
            count = 0
        elif line.startswith("TER"):
            names.end()
        elif line.startswith(("ATOM", "HETATM")):
            line = f"{line[:6]}{_hybrid_36(count + 1)}{line[11:21]}{names.of(line)}{line[22:]}"
            count += 1
        if not line.startswith("CONECT"):
            lines.append(line)
    return "\n".join(lines).encode("latin-1"), names.segments


class _Chains:
    """One-letter names of a PDB file's chains, one for each copy."""

    def __init__(self, text: str) -> None:
        taken = set(re.findall(r"^(?:ATOM  |HETATM).{15}(.)", text, re.MULTILINE))
        self._free = iter(sorted(set(string.ascii_letters + string.digits) - taken))
        self._now, self._name, self._residue = ("", ""), "", ""
        self._seen: set[str] = set()
        self.segments: dict[str, str] = {}

    def end(self) -> None:
        """A molecule ends."""
        if self._now[0] == " ":
            self._now = ("", "")

    def of(self, line: str) -> str:
        """The chain of an atom's line."""
        own, segment = line[21:22], line[72:76].strip()
        now, residue = (own, segment if own == " " else ""), line[17:20] + line[22:27]
        again = residue != self._residue and residue in self._seen and line[16:17] == " "
        if now != self._now or again:
            self._now, self._seen, self._name = now, set(), own
            if own == " " or again:
                self._name = next(self._free, own)
                self.segments.setdefault(segment or self._name, self._name)
        self._residue = residue
        self._seen.add(residue)
        return self._name


def _hybrid_36(number: int) -> str:
    """A serial number in five columns (https://cci.lbl.gov/hybrid_36/)."""
    return f"{number:5d}" if number < 100_000 else np.base_repr(number - 100_000 + 10 * 36**4, 36)


def _target_numbers(structure: Any, name: str, pack: TargetPack, path: Path) -> dict[tuple[str, str], int]:
    """The target's number of each residue of a chain that stands for one, by the file's number and name."""
    from kinscope.structures.wwpdb.entries import chain_of_structure

    found = chain_of_structure(structure, name, pack, label=f"{path.name}:{name}")
    kept: dict[str, str] = {}
    for residue in structure[0][name]:
        kept.setdefault(str(residue.seqid), residue.name)
    return {(at, kept[at]): number for number, at in found.author_numbers.items() if at in kept}


def _is_residue(residue: Any) -> bool:
    return {atom.name for atom in residue} >= _BACKBONE


def _longest_chain(structure: Any, path: Path, wanted: str) -> str:
    sizes = {chain.name: sum(map(_is_residue, chain)) for chain in structure[0]}
    if wanted and wanted not in sizes:
        raise StructureError(
            f"There is no chain {wanted} in the topology.",
            where=str(path),
            remedy=f"Its chains: {', '.join(sizes)}.",
        )
    best = wanted or max(sizes, key=lambda name: sizes[name])
    if sizes[best] < 3:
        raise StructureError(
            "The topology holds no protein chain.",
            where=str(path),
            remedy="Give a PDB or mmCIF file with the atoms of the trajectory, the protein among them.",
        )
    return best


def _chosen(
    structure: Any, name: str, numbers: dict[tuple[str, str], int]
) -> tuple[AtomArray, NDArray[np.intp]]:
    """Atoms of the chain's numbered residues, then of the ligands, and their places in a frame."""
    from kinscope.structures.wwpdb.entries import atom_array

    rows: list[tuple[bool, int, int, str, str, str, list[float]]] = []
    ligands = 0
    for chain in structure[0]:
        for residue in chain:
            number = numbers.get((str(residue.seqid), residue.name)) if chain.name == name else None
            ligand = number is None and _is_ligand(residue)
            if number is None and not ligand:
                continue
            ligands += ligand
            own = number if number is not None else 9000 + ligands
            residue_name = "MET" if residue.name == "MSE" else residue.name
            for atom in residue.first_conformer():
                place = atom.serial - 1
                rows.append(
                    (ligand, own, place, *_named(residue.name, atom), residue_name, atom.pos.tolist())
                )
    # The protein first, so that no ligand stands within its chain.
    rows.sort(key=lambda row: row[:3])
    atoms = atom_array([(name, element, pos, own, kind) for _, own, _, name, element, kind, pos in rows])
    atoms.hetero = np.array([row[0] for row in rows])
    atoms.chain_id = np.array(["L" if row[0] else name[:4] for row in rows])
    return atoms, np.array([row[2] for row in rows], dtype=np.intp)


def _named(residue: str, atom: Any) -> tuple[str, str]:
    """Atom name and element, with the selenium of MSE as the sulphur that it stands for."""
    if (residue, atom.name) == ("MSE", "SE"):
        return "SD", "S"
    return atom.name, atom.element.name.upper()


def _is_ligand(residue: Any) -> bool:
    """Whether a residue is a small molecule worth following: no ion, no solvent, no part of a protein."""
    from kinscope.structures.wwpdb.entries import has_backbone

    elements = [atom.element.name for atom in residue if atom.element.name not in ("H", "D")]
    if has_backbone(residue) or residue.name in ("ACE", "NME", "NMA"):
        return False
    return "C" in elements and len(elements) >= _FEWEST_LIGAND_ATOMS
