"""Chains and ligands of wwPDB entries (or of a user's file), in the numbering of the target.

Residue numbers are found by aligning the chain with the target's protein, never by adding an offset to
the author's numbers: ABL1 entries come in isoform 1a, isoform 1b and construct numbering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.core.errors import StructureError
from kinscope.core.quoting import plain_name
from kinscope.core.residues import ONE_TO_THREE
from kinscope.structures.model import AtomArray, heavy_atoms
from kinscope.structures.wwpdb.numbering import NumberedChain, letter_of, number_chain
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import TargetPack

AtomRow = tuple[str, str, Sequence[float] | NDArray[np.float64], int, str]
"""Name, element, position (3,) in angstrom, residue number and residue name."""
_PHOSPHORYLATED = {"PTR", "SEP", "TPO"}
_WATER_AND_IONS = {"HOH", "DOD", "WAT"}


@dataclass(frozen=True)
class CrystalChain:
    """One protein chain in the target's numbering."""

    label: str
    """E.g. ``2GQG:A``."""
    atoms: AtomArray
    """Heavy atoms, one conformation, chain ``A``, target numbering; crystal frame, angstrom."""
    author_numbers: dict[int, str]
    """Author's residue number (with insertion code) of every target residue."""
    dropped: tuple[str, ...]
    """Residues outside the protein: expression tags, with author numbers."""
    differences: tuple[str, ...]
    """Where the sequences differ: ``D363N`` is Asp in the target and Asn in the crystal."""
    modified: dict[int, str]
    """Modified residues by number and what became of them, e.g. ``PTR393 -> TYR``."""
    alternates: tuple[int, ...]
    """Residues where one of several conformations was chosen."""
    resolution_angstrom: float | None

    @property
    def residues(self) -> tuple[int, ...]:
        """Residue numbers present."""
        return tuple(sorted(self.author_numbers))


def read_chain(source: PdbSource, code: str, chain: str, pack: TargetPack) -> AtomArray:
    """Heavy atoms of one protein chain in the target's numbering; see :func:`read_crystal_chain`."""
    return read_crystal_chain(source, code, chain, pack).atoms


def read_crystal_chain(
    source: PdbSource, code: str, chain: str, pack: TargetPack, *, keep_phosphorylation: bool = False
) -> CrystalChain:
    """One protein chain of a wwPDB entry, numbered as the target's reference isoform.

    Alternate conformations: the one of highest mean occupancy in each residue, then the first letter.
    Selenomethionine becomes methionine. Phosphorylated residues become their parents unless kept. Raises
    StructureError if the entry or chain is absent, or the chain is not of this protein.
    """
    return chain_of_structure(
        source.read_entry(code),
        chain,
        pack,
        label=f"{code.upper()}:{chain}",
        keep_phosphorylation=keep_phosphorylation,
    )


def chain_of_structure(
    structure: Any, chain: str, pack: TargetPack, *, label: str, keep_phosphorylation: bool = False
) -> CrystalChain:
    """As :func:`read_crystal_chain`, from a ``gemmi.Structure`` that was read already."""
    residues = polymer(structure, chain, label)
    numbered = number_chain(residues, pack.transcript.protein, label)
    return numbered_chain(numbered, pack, label, structure.resolution, keep_phosphorylation)


def numbered_chain(
    numbered: NumberedChain,
    pack: TargetPack,
    label: str,
    resolution_angstrom: float,
    keep_phosphorylation: bool = False,
) -> CrystalChain:
    """The chain of residues whose numbers are known; a resolution of 0 is unknown."""
    rows: list[AtomRow] = []
    modified: dict[int, str] = {}
    alternates: list[int] = []
    for residue, number in zip(numbered.residues, numbered.numbers, strict=True):
        chosen, had_alternates = _one_conformation(residue)
        name, atoms, note = _standard_residue(residue.name, chosen, number, keep_phosphorylation, label)
        if note:
            modified[number] = note
        if had_alternates:
            alternates.append(number)
        rows += [(*atom, number, name) for atom in atoms]
    return CrystalChain(
        label=label,
        atoms=atom_array(rows),
        author_numbers={
            number: str(residue.seqid)
            for residue, number in zip(numbered.residues, numbered.numbers, strict=True)
        },
        dropped=numbered.dropped,
        differences=_differences(numbered, pack.transcript.protein),
        modified=modified,
        alternates=tuple(alternates),
        resolution_angstrom=resolution_angstrom or None,
    )


def protein_chains(structure: Any, pack: TargetPack) -> tuple[str, ...]:
    """Names of the chains of a structure that align with the target's protein."""
    found = []
    for chain in structure[0]:
        try:
            number_chain(polymer(structure, chain.name, chain.name), pack.transcript.protein, chain.name)
        except StructureError:
            continue
        found.append(chain.name)
    return tuple(found)


def read_ligand(source: PdbSource, code: str, chain: str, ccd: str) -> AtomArray:
    """Heavy atoms of one ligand of an entry, in the same (crystal) frame as :func:`read_chain`.

    ``chain`` is the author chain that carries it, ``ccd`` its Chemical Component Dictionary code, e.g.
    ``STI``. Atom names are as in the dictionary; ``hetero`` is set; the number is the author's. Raises
    StructureError if the entry, the chain or the ligand is absent.
    """
    structure = source.read_entry(code)
    wanted = ccd.strip().upper()
    every = [(part.name, residue) for part in structure[0] for residue in part]
    found = [residue for name, residue in every if (name, residue.name) == (chain, wanted)]
    if not found:
        others = {(name, one.name) for name, one in every if one.het_flag == "H"}
        at_hand = sorted(f"{name}:{kind}" for name, kind in others if kind not in _WATER_AND_IONS)
        raise StructureError(
            f"Chain {chain} of {code.upper()} carries no ligand {wanted}.",
            where=f"{code.upper()}:{chain}:{wanted}",
            remedy=f"The entry holds: {', '.join(at_hand) or 'no ligand'}.",
        )
    chosen, _ = _one_conformation(found[0])
    number = found[0].seqid.num
    atoms = atom_array([(*_row(atom), number, wanted) for atom in chosen])
    atoms.hetero[:] = True
    return atoms


def polymer(structure: Any, chain: str, label: str) -> list[Any]:
    """The ``gemmi.Residue`` of a chain that have a backbone, in order.

    Raises StructureError if there is no such chain, or it holds none.
    """
    chains = {part.name: part for part in structure[0]}
    if chain not in chains:
        raise StructureError(
            f"There is no chain {chain!r}.",
            where=label,
            remedy=f"The structure holds the chains {', '.join(sorted(chains))}.",
        )
    residues = [
        residue
        for residue in chains[chain].first_conformer()
        if has_backbone(residue) and residue.name not in _WATER_AND_IONS
    ]
    if not residues:
        raise StructureError(
            "The chain holds no amino acid with its backbone.", where=label, remedy="Name a protein chain."
        )
    return residues


def _one_conformation(residue: Any) -> tuple[list[Any], bool]:
    """Heavy atoms of the conformation with the highest mean occupancy, and whether there was a choice."""
    several = {atom.name for atom in residue if atom.altloc != "\0"}
    occupancies: dict[str, list[float]] = {}
    for atom in residue:
        if atom.name in several:  # a copy without a letter beside one that has it is a copy too
            occupancies.setdefault(atom.altloc, []).append(atom.occ)
    heavy = [atom for atom in residue if not atom.is_hydrogen()]
    if not occupancies:
        return heavy, False
    best = min(occupancies, key=lambda letter: (-float(np.mean(occupancies[letter])), letter))
    chosen: dict[str, Any] = {}
    for atom in sorted(heavy, key=lambda atom: atom.altloc != best):
        chosen.setdefault(atom.name, atom)
    return list(chosen.values()), True


def _standard_residue(
    name: str, atoms: list[Any], number: int, keep_phosphorylation: bool, label: str
) -> tuple[str, list[tuple[str, str, list[float]]], str]:
    """Residue name, (atom name, element, position) and a note, modified residues brought back to parents."""
    rows = list(map(_row, atoms))
    if name == "MSE":
        rows = [("SD", "S", p) if atom == "SE" else (atom, element, p) for atom, element, p in rows]
    kept = name if keep_phosphorylation and name in _PHOSPHORYLATED else ""
    parent = kept or ONE_TO_THREE.get(letter_of(name), "").upper()
    if not parent:
        raise StructureError(
            f"The residue {plain_name(name, 8)} is no amino acid that kinscope knows.",
            where=f"{label}, residue {number}",
            remedy="Replace it by its parent amino acid first.",
        )
    if kept:
        return name, [row for row in rows if row[0] != "OXT"], f"{name}{number} kept"
    own = [row for row in rows if row[0] in heavy_atoms(parent)]
    if parent != name:
        return parent, own, f"{name}{number} -> {parent}"
    beyond = any(row[0] != "OXT" for row in rows if row not in own)
    return name, own, f"{name}{number}, without what is bound to it" if beyond else ""


def _row(atom: Any) -> tuple[str, str, list[float]]:
    """Name, element and position of a ``gemmi.Atom``."""
    return atom.name, atom.element.name.upper(), atom.pos.tolist()


def has_backbone(residue: Any) -> bool:
    """Whether a ``gemmi.Residue`` has N, CA and C."""
    return {"N", "CA", "C"} <= {atom.name for atom in residue}


def atom_array(rows: Sequence[AtomRow]) -> AtomArray:
    """A biotite AtomArray (n_rows), chain ``A``."""
    import biotite.structure as struc

    atoms = struc.AtomArray(len(rows))
    atoms.chain_id[:] = "A"
    atoms.atom_name[:] = [row[0] for row in rows]
    atoms.element[:] = [row[1] for row in rows]
    atoms.coord = np.asarray([row[2] for row in rows], dtype=np.float32).reshape(-1, 3)
    atoms.res_id[:] = [row[3] for row in rows]
    atoms.res_name[:] = [row[4] for row in rows]
    return atoms


def _differences(numbered: NumberedChain, protein: str) -> tuple[str, ...]:
    return tuple(
        f"{protein[number - 1]}{number}{letter}"
        for number, letter in zip(numbered.numbers, numbered.letters, strict=True)
        if protein[number - 1] != letter
    )


MIN_IDENTITY = 0.30
"""Above this, over a domain's length, alignments of homologues are mostly right (Rost, Protein Eng 1999, 12,
85)."""
MIN_ALIGNED = 100
_GAP = (-10, -1)


def read_homologous_chain(source: PdbSource, code: str, chain: str, pack: TargetPack) -> AtomArray:
    """Heavy atoms of a related protein's chain, numbered by its alignment with the target.

    Smith-Waterman, BLOSUM62, gaps 10 and 1 as in BLAST; residues opposite a gap are left out. Only what is
    superposed on the target's model may be taken from it: its side chains are another protein's. Residues
    aligned with one of the target have its numbers and the crystal's residue names; crystal frame, angstrom.

    Raises StructureError if the entry or chain is absent, or the chain is not related to the target.
    """
    label = f"{code.upper()}:{chain}"
    residues = polymer(source.read_entry(code), chain, label)
    letters = "".join(letter_of(residue.name) for residue in residues)
    pairs = aligned_pairs(letters, pack.transcript.protein, label)
    return atom_array(
        [
            (*_row(atom), number, residues[index].name)
            for index, number in pairs
            for atom in residues[index]
            if not atom.is_hydrogen()
        ]
    )


def aligned_pairs(letters: str, protein: str, label: str) -> list[tuple[int, int]]:
    """Index in ``letters`` and residue number of ``protein`` of every aligned pair.

    Raises StructureError if fewer than 100 residues are aligned, or fewer than 30 % of them are identical.
    """
    pairs = local_pairs(letters, protein, _GAP)
    identical = sum(letters[index] == protein[number - 1] for index, number in pairs)
    if len(pairs) < MIN_ALIGNED or identical < MIN_IDENTITY * len(pairs):
        raise StructureError(
            f"The chain is not related closely enough to the target: {identical} of {len(pairs)} aligned "
            "residues are identical.",
            where=label,
            remedy=f"Name a crystal with at least {MIN_ALIGNED} aligned residues, "
            f"{100 * MIN_IDENTITY:.0f} % of them identical.",
        )
    return pairs


def local_pairs(letters: str, protein: str, gap_penalty: tuple[int, int]) -> list[tuple[int, int]]:
    """Index and residue number of every pair of the best local alignment by BLOSUM62; empty if none."""
    from biotite.sequence import ProteinSequence
    from biotite.sequence.align import SubstitutionMatrix, align_optimal

    found = align_optimal(
        ProteinSequence(letters),
        ProteinSequence(protein),
        SubstitutionMatrix.std_protein_matrix(),
        gap_penalty=gap_penalty,
        local=True,
        max_number=1,
    )
    trace = found[0].trace if found else ()
    return [(int(one), int(other) + 1) for one, other in trace if one >= 0 and other >= 0]
