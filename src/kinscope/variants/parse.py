"""Variant text to a checked :class:`Variant`."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from kinscope.core.errors import VariantError
from kinscope.core.quoting import quoted
from kinscope.core.residues import CODONS, ONE_TO_THREE
from kinscope.targets import TargetPack
from kinscope.targets.pack import Isoform
from kinscope.variants import coding, hgvs
from kinscope.variants.build import build_variant
from kinscope.variants.expression import as_bases, read_statements
from kinscope.variants.isoforms import Statement, isoforms
from kinscope.variants.model import Variant
from kinscope.variants.text import clean, unreadable, unsupported

Changes = dict[int, tuple[str, str]]
"""Residue number (reference isoform) to the new residue and, where the text names bases, the new codon."""
Reading = tuple[tuple[Statement, ...], Changes]


def parse_variant(text: str, pack: TargetPack) -> Variant:
    """Read a variant in any usual spelling and check it against the target's transcript.

    HGVS ``c.``, ``g.`` (GRCh38) and ``p.`` descriptions with or without accession, short forms such as
    ``K404E``, isoform labels (``1b:K423E``), gene names, and compounds in cis are read; if a coding and a
    protein description are given, they must agree.

    Raises VariantError if the text cannot be read or contradicts the transcript; UnsupportedVariantError if
    it is understood but is no substitution of this target.
    """
    cleaned, cleaning = clean(text)
    alternatives = read_statements(cleaned, pack)
    statements, changes = _agreed([_readings(one, len(alternatives) > 1, pack) for one in alternatives])
    return build_variant(cleaned, changes, statements, cleaning, pack)


def _readings(statements: tuple[Statement, ...], others: bool, pack: TargetPack) -> list[Reading]:
    """The ways in which a description fits the transcript: two where bare letters may be residues or bases.

    Where ``others`` stand beside it, they decide; alone, a text that fits as bases is not believed.
    """
    bare = [(one, _meaning_as_bases(one, pack)) for one in statements if one.bare]
    fits = next(((one, meaning) for one, meaning in bare if meaning), None)
    attempts = [statements]
    if others and len(bare) == len(statements):
        attempts.append(tuple(as_bases(one) for one in statements))
    found: list[Reading] = []
    for attempt in attempts:
        try:
            found.append((attempt, _changes_of(attempt, pack)))
        except VariantError as error:
            failure = error
    if fits and not others:
        name, (bases, _, _) = quoted(fits[0].body.strip("()[]")), fits[1].partition(",")
        if found:
            failure = VariantError(
                f"{name} fits in two ways: as residues, p.{name}, and as bases, {fits[1]}."
            )
            failure.remedy = f"Write p.{name} or {bases}, whichever is meant."
        else:
            failure.remedy = f"As bases it fits: {fits[1]}. Write {bases} if that is meant."
        raise failure
    if not found:
        raise failure
    return found


def _meaning_as_bases(statement: Statement, pack: TargetPack) -> str:
    """What ``T932C`` means if it counts bases: ``c.932T>C, which is F311S``; empty where it does not fit."""
    body = as_bases(statement).body
    try:
        (change,) = hgvs.parse_base_changes("c", body)
        codons = coding.apply([coding.to_reference_bases(change, statement.frame, pack)], pack)
    except VariantError:
        return ""
    protein = pack.transcript.protein + "*"
    ((number, codon),) = codons.items()
    return f"c.{body}, which is {protein[number - 1]}{number}{CODONS[codon]}"


def _changes_of(statements: tuple[Statement, ...], pack: TargetPack) -> Changes:
    """The residue changes of one description, its parts in cis."""
    coordinates = {statement.coordinate for statement in statements}
    if coordinates > {"p"}:
        text = "/".join(f"{item.coordinate}.{item.body}" for item in statements)
        raise unreadable(
            text, "mixes coding and protein descriptions.", "Write all changes as c. or all as p."
        )
    changes: Changes = {}
    bases: list[hgvs.BaseChange] = []
    for statement in statements:
        if statement.coordinate == "p":
            for residues in hgvs.parse_residue_changes(statement.body):
                new = _checked_residues(residues, statement, pack)
                if twice := new.keys() & changes.keys():
                    raise unreadable(
                        f"Residue {min(twice)}", "is changed twice.", "Give one change for each position."
                    )
                changes |= new
            continue
        for change in hgvs.parse_base_changes(statement.coordinate, statement.body):
            if statement.coordinate == "g":
                bases.append(coding.from_genomic(change, statement.sequence, pack))
            else:
                bases.append(coding.to_reference_bases(change, statement.frame, pack))
    if changes:
        return changes
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
        raise unreadable(
            change.short,
            f"is outside the protein: {frame.title} has {len(protein) + frame.offset} residues.",
            _other_reading(change, frame, pack) or "Check the position.",
        )
    if first < frame.valid_from:
        raise unsupported(
            text,
            f"lies in the first exon of isoform {frame.name}, which {pack.reference_isoform} does not have.",
            f"kinscope knows isoform {frame.name} from residue {frame.valid_from + frame.offset} on.",
        )
    accession = f" ({frame.protein_accession})" if frame.protein_accession else ""
    for position, told in enumerate(change.wild_types, start=change.first):
        there = protein[position - frame.offset - 1]
        if told not in {there, "?"}:
            raise VariantError(
                f"Residue {position} of {frame.title}{accession} is {ONE_TO_THREE[there]}, "
                f"not {ONE_TO_THREE[told]}.",
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


def _other_reading(change: hgvs.ResidueChange, frame: Isoform, pack: TargetPack) -> str:
    """What the change would be in the numbers of another isoform, where its wild type fits there."""
    base, *others = isoforms(pack)
    for other in (base, *others):
        first = change.first - other.offset
        there = pack.transcript.protein[max(first, 1) - 1 : first - 1 + len(change.mutants)]
        if other == frame or first < other.valid_from or len(there) < len(change.mutants):
            continue
        if any(told not in {residue, "?"} for told, residue in zip(change.wild_types, there, strict=True)):
            continue
        if other == base:
            return (
                f"{change.short} fits isoform {base.name}: leave out the {frame.title} label "
                f"if that is meant ({other.protein_accession})."
            )
        fits = replace(change, first=first).short
        return (
            f"Did you mean {other.title}? {change.short} in {other.name} is {fits} in "
            f"{base.name}: write {fits} or {other.name}:{change.short}."
        )
    return ""


def _agreed(readings: list[list[Reading]]) -> Reading:
    """The reading of all of the descriptions in which they give the same changes, with the codons named."""
    agreeing: list[Reading] = []
    for chosen in product(*readings):
        merged = _merged([changes for _, changes in chosen])
        if merged:
            agreeing.append((tuple(one for statements, _ in chosen for one in statements), merged))
    if len(agreeing) == 1:
        return agreeing[0]
    last = [readings[0][0], readings[0][-1]] if agreeing else [reading[-1] for reading in readings]
    told = [
        f"{statements[0].coordinate}.{quoted(statements[0].body, 40)} gives "
        + "/".join(
            f"{ONE_TO_THREE[mutant]} at {number}{codon and f' ({codon})'}"
            for number, (mutant, codon) in sorted(changes.items())
        )
        for statements, changes in last
    ]
    if len({statements[0].coordinate for statements, _ in last}) == 1:
        remedy = "Join changes of one molecule with a slash, E255K/T315I; assess others one by one."
        raise VariantError(f"The text lists different variants: {'; '.join(told)}.", remedy=remedy)
    what = f"The descriptions contradict each other: {'; '.join(told)}."
    raise VariantError(what, remedy="Give one of them, or correct the wrong one.")


def _merged(readings: list[Changes]) -> Changes:
    """Readings that give the same residues and, where they name bases, the same codons; else empty."""
    merged = dict(readings[0])
    for changes in readings[1:]:
        if changes.keys() != merged.keys():
            return {}
        for number, (mutant, codon) in changes.items():
            known = merged[number]
            if mutant != known[0] or (codon and known[1] not in {"", codon}):
                return {}
            merged[number] = (mutant, known[1] or codon)
    return merged
