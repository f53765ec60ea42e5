"""A related protein's crystal in the target's numbers, where the target has no co-crystal with a ligand.

The chain is aligned with the target's sequence (Smith-Waterman, BLOSUM62, gaps 10 and 1 as in BLAST);
residues opposite a gap are left out. Only what is superposed on the target's model may be taken from it: its
side chains are another protein's.
"""

from __future__ import annotations

from kinscope.core.errors import StructureError
from kinscope.structures.model import AtomArray
from kinscope.structures.wwpdb.entries import atom_array, polymer
from kinscope.structures.wwpdb.numbering import letter_of
from kinscope.structures.wwpdb.source import PdbSource
from kinscope.targets.pack import TargetPack

MIN_IDENTITY = 0.30
"""Above this, over a domain's length, alignments of homologues are mostly right (Rost, Protein Eng 1999, 12,
85)."""
MIN_ALIGNED = 100
_GAP = (-10, -1)


def read_homologous_chain(source: PdbSource, code: str, chain: str, pack: TargetPack) -> AtomArray:
    """Heavy atoms of a related protein's chain, numbered by its alignment with the target.

    Residues aligned with one of the target have its numbers and the crystal's residue names; crystal frame,
    angstrom. Raises StructureError if the entry or chain is absent, or the chain is not related to the
    target.
    """
    label = f"{code.upper()}:{chain}"
    residues = polymer(source.read_entry(code), chain, label)
    letters = "".join(letter_of(residue.name) for residue in residues)
    pairs = aligned_pairs(letters, pack.transcript.protein, label)
    return atom_array(
        [
            (atom.name, atom.element.name.upper(), atom.pos.tolist(), number, residues[index].name)
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
