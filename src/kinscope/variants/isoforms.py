"""Isoforms as frames of numbering, and which accession names which."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kinscope.core.quoting import quoted
from kinscope.targets import TargetPack, load_target, shipped_target_of
from kinscope.targets.pack import Isoform
from kinscope.variants.text import unreadable, unsupported


def reference_isoform(pack: TargetPack) -> Isoform:
    """The reference isoform in the form of the others."""
    transcript = pack.transcript
    return Isoform(
        name=pack.reference_isoform,
        transcript_accession=transcript.accession,
        protein_accession=transcript.protein_accession,
        offset=0,
        valid_from=1,
        equivalents=transcript.equivalents,
        protein_equivalents=transcript.protein_equivalents,
    )


def isoforms(pack: TargetPack) -> tuple[Isoform, ...]:
    """Every isoform of a pack, the reference first."""
    return (reference_isoform(pack), *pack.isoforms)


@dataclass(frozen=True)
class Statement:
    """One HGVS description in one frame of numbering, or what an accession says of it."""

    frame: Isoform
    coordinate: str = ""
    """``c``, ``p``, ``g``, or empty while it has not been read."""
    body: str = ""
    """What stands after the prefix, letters in HGVS case."""
    labelled: bool = False
    """Whether the text itself says which isoform it means."""
    notes: tuple[str, ...] = ()
    sequence: str = ""
    """Accession of the genomic sequence that a ``g.`` description counts on."""
    bare: bool = False
    """Whether it is like ``T932C`` without c. or p.: residues, unless bases are meant."""


def resolve_accession(text: str, pack: TargetPack) -> Statement:
    """The isoform and the coordinates that an accession names.

    Raises VariantError if it is another version than the shipped one, or another assembly;
    UnsupportedVariantError if it is no accession of this pack.
    """
    wanted = text.upper()
    known = _known(pack)
    if wanted in known:
        return known[wanted]
    stem, _, version = wanted.partition(".")
    same_stem = [accession for accession in known if accession.partition(".")[0] == stem]
    if same_stem and not version:
        found = known[same_stem[0]]
        note = f"{quoted(text)} has no version; it was read as {same_stem[0]} and checked against that."
        return replace(found, notes=(note,))
    if stem in known:
        return replace(known[stem], notes=(*known[stem].notes, f"The version of {text} was not checked."))
    if wanted in pack.transcript.other_assemblies:
        return Statement(reference_isoform(pack), "g", sequence=wanted)
    if same_stem:
        raise unreadable(
            text,
            f"is not the version that kinscope ships: that is {same_stem[0]}.",
            "Check that the base or residue is the same there, and write it with the shipped version.",
        )
    if wanted.startswith("CHR"):
        raise unreadable(text, "stands before no place that can be read.", "Write GRCh38 chr9:130872896C>T.")
    own = [name for one in isoforms(pack) for name in (one.transcript_accession, one.protein_accession)]
    named = ", ".join(filter(None, (*own, pack.transcript.genomic_accession)))
    raise unsupported(
        text,
        f"is not a sequence of the target {pack.gene}.",
        other_target(text, pack) or f"kinscope knows {pack.gene} as {named}.",
    )


def other_target(name: str, pack: TargetPack) -> str:
    """What to do with a gene or an accession of another shipped pack; empty if it is of none."""
    found = shipped_target_of(name)
    if not found or load_target(found).gene == pack.gene:
        return ""
    return f"It is of another target: add --target {found}."


def _known(pack: TargetPack) -> dict[str, Statement]:
    """Every accession of a pack, upper case, exact versions first."""
    transcript = pack.transcript
    base = reference_isoform(pack)
    known = {transcript.genomic_accession: Statement(base, "g", sequence=transcript.genomic_accession)}
    for accession, shift in transcript.shifts.items():
        note = (
            f"Positions on {accession} were converted to {transcript.genomic_accession}: "
            f"{'minus' if shift > 0 else 'plus'} {abs(shift):,} for every coding base."
        )
        known[accession] = Statement(base, "g", notes=(note,), sequence=accession)
    for one in isoforms(pack):
        for coordinate, own, equivalents in (
            ("c", one.transcript_accession, one.equivalents),
            ("p", one.protein_accession, one.protein_equivalents),
        ):
            known[own] = Statement(one, coordinate)
            for accession, reason in equivalents.items():
                note = f"{accession} was read as {own}: {reason}."
                known[accession.upper()] = Statement(one, coordinate, notes=(note,))
    known.pop("", None)  # an isoform without accessions, or a pack without the chromosome's
    return known
