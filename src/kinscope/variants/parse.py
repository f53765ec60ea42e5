"""Variant text to a checked :class:`Variant`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope.core.errors import UnsupportedVariantError, VariantError
from kinscope.core.quoting import quoted
from kinscope.core.residues import ONE_TO_THREE
from kinscope.variants import coding, hgvs
from kinscope.variants.build import build_variant
from kinscope.variants.expression import Statement, read_statements
from kinscope.variants.isoforms import frames
from kinscope.variants.text import clean, unsupported

if TYPE_CHECKING:
    from kinscope.targets import TargetPack
    from kinscope.variants.isoforms import Frame
    from kinscope.variants.model import Variant

Changes = dict[int, tuple[str, str]]
"""Residue number (reference isoform) to the new residue and, where the text names bases, the new codon."""


def parse_variant(text: str, pack: TargetPack) -> Variant:
    """Read a variant in any usual spelling and check it against the target's transcript.

    HGVS ``c.``, ``g.`` (GRCh38) and ``p.`` descriptions with or without accession, short forms such as
    ``K404E``, isoform labels (``1b:K423E``), gene names, and compounds in cis are read; if a coding and a
    protein description are given, they must agree.

    Parameters
    ----------
    text
        What the user wrote.
    pack
        The target.

    Raises
    ------
    VariantError
        If the text cannot be read or contradicts the transcript.
    UnsupportedVariantError
        If it is understood but is no substitution of this target.
    """
    cleaned, cleaning = clean(text)
    alternatives = read_statements(cleaned, pack)
    readings = [_changes_of(statements, pack) for statements in alternatives]
    merged = _agreed(alternatives, readings)
    statements = tuple(statement for alternative in alternatives for statement in alternative)
    return build_variant(cleaned, merged, statements, cleaning, pack)


def _changes_of(statements: tuple[Statement, ...], pack: TargetPack) -> Changes:
    """The residue changes of one description, its parts in cis."""
    if all(statement.coordinate == "p" for statement in statements):
        changes: Changes = {}
        for statement in statements:
            for change in hgvs.parse_residue_changes(pack.transcript.protein_accession, statement.body):
                number, mutant = _checked_residue(change, statement, pack)
                if number in changes:
                    raise VariantError(
                        f"Residue {number} is changed twice.",
                        where=f"p.{quoted(statement.body)}",
                        remedy="A residue can be one other residue only; give one change for each position.",
                    )
                changes[number] = (mutant, "")
        return changes
    if any(statement.coordinate == "p" for statement in statements):
        raise VariantError(
            "A compound mixes coding and protein descriptions.",
            where="/".join(f"{item.coordinate}.{quoted(item.body, 30)}" for item in statements),
            remedy="Write all of its changes as c. or all as p.",
        )
    return _changes_of_bases(statements, pack)


def _changes_of_bases(statements: tuple[Statement, ...], pack: TargetPack) -> Changes:
    bases: list[hgvs.BaseChange] = []
    for statement in statements:
        parsed = hgvs.parse_base_changes(pack.transcript.accession, statement.coordinate, statement.body)
        for change in parsed:
            if statement.coordinate == "g":
                bases.append(coding.from_genomic(change, pack))
            else:
                bases.append(coding.to_reference_bases(change, statement.frame, pack))
    text = "/".join(f"{item.coordinate}.{item.body}" for item in statements)
    codons = coding.apply(bases, pack)
    changed = coding.changed_residues(codons, pack, quoted(text))
    if len(bases) == 1 and len(changed) > 1:
        names = ";".join(
            f"{ONE_TO_THREE[pack.transcript.protein[n - 1]]}{n}{ONE_TO_THREE[r]}" for n, r in changed.items()
        )
        raise unsupported(
            text,
            f"changes {len(changed)} residues by one event.",
            f"To model it as substitutions in cis write p.[{names}].",
        )
    return {number: (mutant, codons[number]) for number, mutant in changed.items()}


def _checked_residue(change: hgvs.ResidueChange, statement: Statement, pack: TargetPack) -> tuple[int, str]:
    """Reference number and new residue of a protein change, its wild type checked."""
    frame = statement.frame
    text = f"p.{quoted(statement.body)}"
    protein = pack.transcript.protein
    number = change.position - frame.offset
    if change.wild_type == "*" or change.mutant == "*":
        raise hgvs.stop_error(text)
    if change.position < 1 or number > len(protein):
        raise VariantError(
            f"{change.wild_type}{change.position}{change.mutant} is outside the protein: "
            f"{frame.title} has {len(protein) + frame.offset} residues.",
            where=text,
            remedy=_other_reading(change, frame, pack) or "Check the position.",
        )
    if number < frame.first_residue:
        raise UnsupportedVariantError(
            f"Residue {change.position} of isoform {frame.isoform} comes from its own first exon, "
            f"which isoform {pack.reference_isoform} does not have.",
            where=text,
            remedy=f"It knows isoform {frame.isoform} from residue {frame.first_residue + frame.offset} on.",
        )
    there = protein[number - 1]
    if there != change.wild_type:
        raise VariantError(
            f"Residue {change.position} of {frame.title}{f' ({frame.protein})' if frame.protein else ''} is "
            f"{ONE_TO_THREE[there]}, not {ONE_TO_THREE[change.wild_type]}.",
            where=text,
            remedy=_other_reading(change, frame, pack)
            or f"Check the position and the residue; write {there}{change.position}{change.mutant} "
            "if only the wild-type letter is wrong.",
        )
    if change.mutant == change.wild_type:
        raise hgvs.synonymous_error(text)
    if number == 1:
        raise hgvs.initiator_error(text)
    return number, change.mutant


def _other_reading(change: hgvs.ResidueChange, frame: Frame, pack: TargetPack) -> str:
    """What the change would be in the numbers of another isoform, where its wild-type residue fits there."""
    base = frames(pack)[0]
    for other in frames(pack):
        if other != frame and other.residue_name(change.position, pack) == ONE_TO_THREE[change.wild_type]:
            number = change.position - other.offset
            name = f"{change.wild_type}{change.position}{change.mutant}"
            fits = f"{change.wild_type}{number}{change.mutant}"
            if other == base:
                return (
                    f"{name} fits isoform {base.isoform}: leave out the {frame.title} label "
                    f"if that is meant ({other.protein})."
                )
            return (
                f"Did you mean {other.title}? {name} in {other.isoform} is {fits} in "
                f"{base.isoform}: write {fits} or {other.isoform}:{name}."
            )
    return ""


def _agreed(alternatives: tuple[tuple[Statement, ...], ...], readings: list[Changes]) -> Changes:
    """The one set of changes that all of the descriptions give, with the codons of the one that has them."""
    plain = [{number: mutant for number, (mutant, _) in reading.items()} for reading in readings]
    if any(other != plain[0] for other in plain[1:]):
        told = [
            f"{alternative[0].coordinate}.{quoted(alternative[0].body, 40)} gives "
            + "/".join(f"{ONE_TO_THREE[mutant]} at {number}" for number, mutant in sorted(found.items()))
            for alternative, found in zip(alternatives, plain, strict=True)
        ]
        if len({alternative[0].coordinate for alternative in alternatives}) == 1:
            raise VariantError(
                f"The text lists different variants: {'; '.join(told)}.",
                where=f"{alternatives[0][0].coordinate}. descriptions",
                remedy="Join changes of one molecule with a slash, E255K/T315I; assess others one by one.",
            )
        raise VariantError(
            f"The descriptions contradict each other: {'; '.join(told)}.",
            where="the coding and the protein description",
            remedy="Give one of them, or correct the wrong one.",
        )
    merged = dict(readings[0])
    for reading in readings[1:]:
        for number, (mutant, codon) in reading.items():
            merged[number] = (mutant, merged[number][1] or codon)
    return merged
