"""A :class:`Variant` from checked residue changes: names, notes, identifier.

The identifier is that of the GA4GH Variation Representation Specification 2.0 (Hart RK, Prlic A 2020, PLoS
One 15:e0239883, doi 10.1371/journal.pone.0239883; vrs.ga4gh.org).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping

from kinscope.core.errors import VariantError
from kinscope.core.residues import ONE_TO_THREE, ranges
from kinscope.targets import TargetPack
from kinscope.variants import coding
from kinscope.variants.isoforms import Statement
from kinscope.variants.model import Substitution, Variant


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
    others = {one.frame.name: one.frame for one in statements if one.frame.offset}
    for frame in others.values():
        names = ", ".join(
            f"{item.wild_type}{item.position + frame.offset}{item.mutant} is {item.short}"
            for item in substitutions
        )
        given = f"Given in {'the numbers of ' if frame.protein_accession else ''}{frame.title}"
        yield f"{given} and converted to isoform {pack.reference_isoform}: {names}."


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
    single = [
        change
        for change in item.coding_changes
        if sum(old != new for old, new in zip(wild, change.codon_variant, strict=True)) == 1
    ]
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


def sha512t24u(data: bytes) -> str:
    """The specification's digest: the SHA-512 cut to 24 bytes, in the URL-safe alphabet (32 characters)."""
    return base64.urlsafe_b64encode(hashlib.sha512(data).digest()[:24]).decode("ascii")


def refget_accession(sequence: str) -> str:
    """The refget accession of a sequence, e.g. ``SQ.`` and 32 characters."""
    return f"SQ.{sha512t24u(sequence.encode('ascii'))}"


def allele_id(refget: str, start: int, end: int, sequence: str) -> str:
    """The identifier of the allele that has ``sequence`` in place of residues ``start`` to ``end``.

    ``refget`` is the accession of the reference sequence, see :func:`refget_accession`; the coordinates are
    interbase ones, counted from 0.
    """
    location = {
        "end": end,
        "sequenceReference": {"refgetAccession": refget, "type": "SequenceReference"},
        "start": start,
        "type": "SequenceLocation",
    }
    allele = {
        "location": _digest(location),
        "state": {"sequence": sequence, "type": "LiteralSequenceExpression"},
        "type": "Allele",
    }
    return f"ga4gh:VA.{_digest(allele)}"


def _digest(thing: Mapping[str, object]) -> str:
    return sha512t24u(json.dumps(thing, sort_keys=True, separators=(",", ":")).encode("utf-8"))


def variant_from_changes(changes: Mapping[int, str], pack: TargetPack) -> Variant:
    """The variant of known residue changes, without any text: for scans over many substitutions.

    They are given as residue number (reference isoform) to the new one-letter residue, several in cis.

    Raises VariantError if a number is outside the protein (the first methionine included), or a residue is
    not one of the twenty or stays as it is.
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
    """The record of changes that have been checked, and of the text and the statements they come from.

    ``changes`` hold, by residue number (reference isoform), the new residue and, where the text names bases,
    the codon. ``notes`` on the reading of the text are put first.
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
    """HGVS: neighbours are one delins, others stand in brackets (hgvs-nomenclature.org, protein)."""
    shift = substitutions[0].position_1b - substitutions[0].position if other else 0
    parts = []
    for first, last in ranges(item.position for item in substitutions):
        group = [item for item in substitutions if first <= item.position <= last]
        names = [f"{ONE_TO_THREE[item.wild_type]}{item.position + shift}" for item in group]
        word = "" if first == last else f"_{names[-1]}delins"
        parts.append(names[0] + word + "".join(ONE_TO_THREE[item.mutant] for item in group))
    return parts[0] if len(parts) == 1 else f"[{';'.join(parts)}]"


def _other_isoform(substitutions: tuple[Substitution, ...], pack: TargetPack) -> str:
    if not pack.isoforms or not all(item.position_1b for item in substitutions):
        return ""
    accession = pack.isoforms[0].protein_accession
    return f"{accession}{':' if accession else ''}p.{_protein(substitutions, other=True)}"


def _vrs(substitution: Substitution, pack: TargetPack) -> str:
    refget = refget_accession(pack.transcript.protein)
    return allele_id(refget, substitution.position - 1, substitution.position, substitution.mutant)
