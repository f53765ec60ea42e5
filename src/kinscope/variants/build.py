"""A :class:`Variant` from checked residue changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope.core.errors import VariantError
from kinscope.core.residues import ONE_TO_THREE
from kinscope.variants import coding
from kinscope.variants.model import Substitution, Variant
from kinscope.variants.notes import variant_notes
from kinscope.variants.vrs import allele_id, refget_accession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinscope.targets import TargetPack
    from kinscope.variants.expression import Statement


def variant_from_changes(changes: Mapping[int, str], pack: TargetPack) -> Variant:
    """The variant of known residue changes, without any text: for scans over many substitutions.

    Parameters
    ----------
    changes
        Residue number (reference isoform) to the new one-letter residue; several are in cis.
    pack
        The target.

    Raises
    ------
    VariantError
        If a number is outside the protein (the first methionine included), or a residue is not one of
        the twenty or stays as it is.
    """
    protein = pack.transcript.protein
    for number, mutant in changes.items():
        if not 2 <= number <= len(protein) or mutant not in ONE_TO_THREE or protein[number - 1] == mutant:
            raise VariantError(
                f"Residue {number} cannot be replaced by {mutant!r}.",
                where=f"residue {number}",
                remedy=f"Choose a residue from 2 to {len(protein)} and another of the twenty amino acids.",
            )
    if not changes:
        raise VariantError("A variant needs at least one change.", where="changes")
    text = "/".join(f"{protein[number - 1]}{number}{changes[number]}" for number in sorted(changes))
    return build_variant(text, {number: (mutant, "") for number, mutant in changes.items()}, (), (), pack)


def build_variant(
    text: str,
    changes: Mapping[int, tuple[str, str]],
    statements: tuple[Statement, ...],
    notes: tuple[str, ...],
    pack: TargetPack,
) -> Variant:
    """The record of changes that have been checked.

    Parameters
    ----------
    text
        The text they come from.
    changes
        Residue number (reference isoform) to the new residue and, where the text names bases, the codon.
    statements
        What was read, for the notes on numbering.
    notes
        Notes on the reading of the text, put first.
    pack
        The target.
    """
    substitutions = tuple(
        _substitution(number, mutant, codon, pack) for number, (mutant, codon) in sorted(changes.items())
    )
    return Variant(
        text=text,
        gene=pack.gene,
        substitutions=substitutions,
        hgvs_p=f"{pack.transcript.protein_accession}:p.{_protein(substitutions, other=False)}",
        hgvs_p_1b=_other_isoform(substitutions, pack),
        vrs_id=_vrs(substitutions[0], pack) if len(substitutions) == 1 else "",
        notes=(*notes, *variant_notes(substitutions, statements, pack)),
    )


def _substitution(number: int, mutant: str, codon: str, pack: TargetPack) -> Substitution:
    regions = pack.regions_of(number)
    isoform = next((item for item in pack.isoforms if number >= item.valid_from), None)
    return Substitution(
        wild_type=pack.transcript.protein[number - 1],
        position=number,
        mutant=mutant,
        position_1b=number + isoform.offset if isoform else 0,
        coding_changes=coding.coding_changes(number, mutant, codon, pack),
        domain=next((region.name for region in regions if region.kind == "domain"), ""),
        regions=tuple(region.name for region in regions),
    )


def _protein(substitutions: tuple[Substitution, ...], *, other: bool) -> str:
    names = [
        ONE_TO_THREE[item.wild_type]
        + str(item.position_1b if other else item.position)
        + ONE_TO_THREE[item.mutant]
        for item in substitutions
    ]
    return names[0] if len(names) == 1 else f"[{';'.join(names)}]"


def _other_isoform(substitutions: tuple[Substitution, ...], pack: TargetPack) -> str:
    if not pack.isoforms or not all(item.position_1b for item in substitutions):
        return ""
    accession = pack.isoforms[0].protein_accession
    return f"{accession}{':' if accession else ''}p.{_protein(substitutions, other=True)}"


def _vrs(substitution: Substitution, pack: TargetPack) -> str:
    refget = refget_accession(pack.transcript.protein)
    return allele_id(refget, substitution.position - 1, substitution.position, substitution.mutant)
