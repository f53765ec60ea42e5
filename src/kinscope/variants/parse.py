"""Variant text to a checked :class:`Variant`."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from kinscope.core.errors import UnsupportedVariantError, VariantError
from kinscope.core.quoting import quoted
from kinscope.core.residues import CODONS, ONE_TO_THREE
from kinscope.variants import coding, hgvs
from kinscope.variants.build import build_variant
from kinscope.variants.expression import Statement, read_statements
from kinscope.variants.isoforms import frames
from kinscope.variants.text import clean

if TYPE_CHECKING:
    from kinscope.targets import TargetPack
    from kinscope.variants.isoforms import Frame
    from kinscope.variants.model import Variant

Changes = dict[int, tuple[str, str]]
"""Residue number (reference isoform) to the new residue and, where the text names bases, the new codon."""
Reading = tuple[tuple[Statement, ...], Changes]


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
    statements, changes = _agreed([_readings(one, len(alternatives) > 1, pack) for one in alternatives])
    return build_variant(cleaned, changes, statements, cleaning, pack)


def _readings(statements: tuple[Statement, ...], others: bool, pack: TargetPack) -> list[Reading]:
    """The ways in which a description fits the transcript: two where bare letters may be residues or bases.

    Where ``others`` stand beside it, they decide; alone, a text that fits as bases is not believed.
    """
    bases = {one: _as_bases(one, pack) for one in statements if one.bare}
    fits = next(((one, meaning) for one, meaning in bases.items() if meaning), None)
    found: list[Reading] = []
    failure: VariantError | None = None
    try:
        found.append((statements, _changes_of(statements, pack)))
    except VariantError as error:
        failure = error
    if fits and not others:
        name, (as_bases, _, _) = quoted(fits[0].body.strip("()[]")), fits[1].partition(",")
        if failure:
            failure.remedy = f"As bases it fits: {fits[1]}. Write {as_bases} if that is meant."
            raise failure
        raise VariantError(
            f"{name} fits in two ways: as residues, p.{name}, and as bases, {fits[1]}.",
            where=name,
            remedy=f"Write p.{name} or {as_bases}, whichever is meant.",
        )
    if others and len(bases) == len(statements):
        coding_statements = tuple(one.as_bases() for one in statements)
        try:
            found.append((coding_statements, _changes_of_bases(coding_statements, pack)))
        except VariantError as error:
            failure = error
    if failure and not found:
        raise failure
    return found


def _as_bases(statement: Statement, pack: TargetPack) -> str:
    """What ``T932C`` means if it counts bases: ``c.932T>C, which is F311S``; empty where it does not fit."""
    as_bases = statement.as_bases()
    try:
        (change,) = hgvs.parse_base_changes("c", as_bases.body)
        codons = coding.apply([coding.to_reference_bases(change, statement.frame, pack)], pack)
    except VariantError:
        return ""
    protein = pack.transcript.protein + "*"
    ((number, codon),) = codons.items()
    return f"c.{as_bases.body}, which is {protein[number - 1]}{number}{CODONS[codon]}"


def _changes_of(statements: tuple[Statement, ...], pack: TargetPack) -> Changes:
    """The residue changes of one description, its parts in cis."""
    if all(statement.coordinate == "p" for statement in statements):
        changes: Changes = {}
        for statement in statements:
            for change in hgvs.parse_residue_changes(statement.body):
                new = _checked_residues(change, statement, pack)
                if twice := new.keys() & changes.keys():
                    raise VariantError(
                        f"Residue {min(twice)} is changed twice.",
                        where=f"p.{quoted(statement.body)}",
                        remedy="A residue can be one other residue only; give one change for each position.",
                    )
                changes |= new
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
        parsed = hgvs.parse_base_changes(statement.coordinate, statement.body)
        for change in parsed:
            if statement.coordinate == "g":
                bases.append(coding.from_genomic(change, statement.sequence, pack))
            else:
                bases.append(coding.to_reference_bases(change, statement.frame, pack))
    text = "/".join(f"{item.coordinate}.{item.body}" for item in statements)
    codons = coding.apply(bases, pack)
    changed = coding.changed_residues(codons, pack, quoted(text))
    return {number: (mutant, codons[number]) for number, mutant in changed.items()}


def _checked_residues(change: hgvs.ResidueChange, statement: Statement, pack: TargetPack) -> Changes:
    """Reference numbers and new residues of a protein change, its wild types checked."""
    frame = statement.frame
    text = f"p.{quoted(statement.body)}"
    protein = pack.transcript.protein
    first = change.first - frame.offset
    last = first + len(change.mutants) - 1
    if "*" in change.wild_types + change.mutants:
        raise hgvs.stop_error(text)
    if change.first < 1 or last > len(protein):
        raise VariantError(
            f"{change.short} is outside the protein: {frame.title} has "
            f"{len(protein) + frame.offset} residues.",
            where=text,
            remedy=_other_reading(change, frame, pack) or "Check the position.",
        )
    if first < frame.first_residue:
        raise UnsupportedVariantError(
            f"Residue {change.first} of isoform {frame.isoform} comes from its own first exon, "
            f"which isoform {pack.reference_isoform} does not have.",
            where=text,
            remedy=f"It knows isoform {frame.isoform} from residue {frame.first_residue + frame.offset} on.",
        )
    for there, told, number in zip(
        protein[first - 1 : last], change.wild_types, range(first, last + 1), strict=True
    ):
        if told not in {there, "?"}:
            position = number + frame.offset
            raise VariantError(
                f"Residue {position} of {frame.title}{f' ({frame.protein})' if frame.protein else ''} is "
                f"{ONE_TO_THREE[there]}, not {ONE_TO_THREE[told]}.",
                where=text,
                remedy=_other_reading(change, frame, pack)
                or f"Check the position and the residue, {there}{position} here.",
            )
    changes = {
        number: (mutant, "")
        for number, mutant in enumerate(change.mutants, start=first)
        if mutant != protein[number - 1]
    }
    if not changes:
        raise hgvs.synonymous_error(text)
    if 1 in changes:
        raise hgvs.initiator_error(text)
    return changes


def _other_reading(change: hgvs.ResidueChange, frame: Frame, pack: TargetPack) -> str:
    """What the change would be in the numbers of another isoform, where its first residue fits there."""
    base = frames(pack)[0]
    for other in frames(pack):
        if other != frame and other.residue_name(change.first, pack) == ONE_TO_THREE[change.wild_types[0]]:
            fits = replace(change, first=change.first - other.offset).short
            if other == base:
                return (
                    f"{change.short} fits isoform {base.isoform}: leave out the {frame.title} label "
                    f"if that is meant ({other.protein})."
                )
            return (
                f"Did you mean {other.title}? {change.short} in {other.isoform} is {fits} in "
                f"{base.isoform}: write {fits} or {other.isoform}:{change.short}."
            )
    return ""


def _agreed(readings: list[list[Reading]]) -> Reading:
    """The reading of all of the descriptions in which they give the same changes, with the codons named."""
    for chosen in product(*readings):
        merged = dict(chosen[0][1])
        for _, changes in chosen[1:]:
            for number, (mutant, codon) in changes.items():
                merged[number] = (mutant, merged.get(number, ("", ""))[1] or codon)
        if all(_mutants(changes) == _mutants(merged) for _, changes in chosen):
            return tuple(one for statements, _ in chosen for one in statements), merged
    last = [reading[-1] for reading in readings]
    told = [
        f"{statements[0].coordinate}.{quoted(statements[0].body, 40)} gives "
        + "/".join(f"{ONE_TO_THREE[mutant]} at {number}" for number, (mutant, _) in sorted(changes.items()))
        for statements, changes in last
    ]
    if len({statements[0].coordinate for statements, _ in last}) == 1:
        raise VariantError(
            f"The text lists different variants: {'; '.join(told)}.",
            where=f"{last[0][0][0].coordinate}. descriptions",
            remedy="Join changes of one molecule with a slash, E255K/T315I; assess others one by one.",
        )
    raise VariantError(
        f"The descriptions contradict each other: {'; '.join(told)}.",
        where="the coding and the protein description",
        remedy="Give one of them, or correct the wrong one.",
    )


def _mutants(changes: Changes) -> dict[int, str]:
    return {number: mutant for number, (mutant, _) in changes.items()}
