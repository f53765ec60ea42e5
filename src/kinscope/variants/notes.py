"""What a reader of a variant must know besides its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope.core.residues import ONE_TO_THREE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinscope.targets import TargetPack
    from kinscope.variants.expression import Statement
    from kinscope.variants.model import Substitution


def variant_notes(
    substitutions: tuple[Substitution, ...], statements: tuple[Statement, ...], pack: TargetPack
) -> tuple[str, ...]:
    """The notes, each once: reading first, then DNA, then where the residue is."""
    found = [
        *(note for statement in statements for note in statement.notes),
        *_numbering(substitutions, statements, pack),
        *_compound(substitutions),
        *(note for item in substitutions for note in _dna(item, pack)),
        *_place(substitutions, pack),
        *(
            look.note
            for look in pack.lookalikes
            if look.protein in {f"{item.wild_type}{item.position}{item.mutant}" for item in substitutions}
        ),
    ]
    return tuple(dict.fromkeys(found))


def _numbering(
    substitutions: tuple[Substitution, ...], statements: tuple[Statement, ...], pack: TargetPack
) -> Iterator[str]:
    others = dict.fromkeys(statement.frame for statement in statements if statement.frame.offset)
    for frame in others:
        names = ", ".join(
            f"{item.wild_type}{item.position + frame.offset}{item.mutant} is {item.short}"
            for item in substitutions
        )
        yield (
            f"Given in {'the numbers of ' if frame.protein else ''}{frame.title} and converted to isoform "
            f"{pack.reference_isoform}: {names}."
        )


def _compound(substitutions: tuple[Substitution, ...]) -> Iterator[str]:
    if len(substitutions) > 1:
        yield (
            "Taken as a compound in cis: all substitutions on one protein molecule. Sanger sequencing alone "
            "does not show that; cloning or long reads do."
        )


def _dna(item: Substitution, pack: TargetPack) -> Iterator[str]:
    wild = pack.transcript.cds[3 * item.position - 3 : 3 * item.position]
    if not wild:
        yield (
            f"The target pack of {pack.gene} holds no coding sequence: which base changes make {item.short}, "
            "and whether one is enough, is not said."
        )
        return
    single = [change for change in item.coding_changes if _distance(wild, change.codon_variant) == 1]
    given = [change for change in item.coding_changes if change.given]
    if not single:
        yield (
            f"No single base change makes {item.short}: codon {wild} ({ONE_TO_THREE[item.wild_type]}) needs "
            "two or three. It is not expected to arise in one step."
        )
    elif len(single) > 1 and not given:
        names = " and ".join(change.hgvs_c.partition(":")[2] for change in single)
        yield f"{len(single)} single-base changes make {item.short}: {names}. The protein is the same."
    for change in given or single:
        if _near_junction(wild, change.codon_variant, item.position, pack):
            yield (
                f"{change.hgvs_c.partition(':')[2]} is at the edge of an exon and may disturb splicing, "
                "which kinscope does not predict."
            )


def _near_junction(wild: str, codon: str, number: int, pack: TargetPack) -> bool:
    """Whether a changed base is the first or among the last two of an exon (the splice-site consensus)."""
    bases = {3 * number - 2 + index for index in range(3) if wild[index] != codon[index]}
    edges: set[int] = set()
    for before, after in zip(pack.transcript.exons, pack.transcript.exons[1:], strict=False):
        edges |= {before.last - 1, before.last, after.first}
    return bool(bases & edges)


def _place(substitutions: tuple[Substitution, ...], pack: TargetPack) -> Iterator[str]:
    for item in substitutions:
        if item.position < pack.fusion_first_residue and pack.fusion:
            yield (
                f"Residue {item.position} is not part of {pack.fusion}, which keeps {pack.gene} from residue "
                f"{pack.fusion_first_residue} on."
            )
    positions = [item.position for item in substitutions]
    if pack.states and not pack.states_covering(positions):
        first = min(state.first_residue for state in pack.states)
        last = max(state.last_residue for state in pack.states)
        yield (
            f"No model covers {'all of its residues' if len(positions) > 1 else f'residue {positions[0]}'} "
            f"(the models span residues {first}-{last} at most): kinscope can show the published evidence, "
            "no structure, docking or dynamics."
        )


def _distance(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))
