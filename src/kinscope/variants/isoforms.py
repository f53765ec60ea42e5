"""Isoforms as frames of numbering, and which accession names which frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kinscope.core.errors import UnsupportedVariantError
from kinscope.core.quoting import quoted
from kinscope.core.residues import ONE_TO_THREE
from kinscope.targets import load_target, shipped_target_of
from kinscope.variants.text import unreadable

if TYPE_CHECKING:
    from kinscope.targets import TargetPack


@dataclass(frozen=True)
class Frame:
    """The numbering of one isoform against the reference isoform's."""

    isoform: str
    transcript: str
    protein: str
    offset: int
    """Residue number of this isoform minus that of the reference."""
    first_residue: int
    """First residue (reference number) that the isoforms share."""
    first_base: int
    """First coding base (reference number) that they share."""

    @property
    def title(self) -> str:
        """``isoform 1b``; a numbering that is no sequence of the target's own: ``chicken numbering``."""
        return f"isoform {self.isoform}" if self.protein else f"{self.isoform} numbering"

    def residue_name(self, number: int, pack: TargetPack) -> str:
        """Three-letter name of a residue by this frame's number; empty outside the shared part."""
        reference = number - self.offset
        protein = pack.transcript.protein
        if self.first_residue <= reference <= len(protein):
            return ONE_TO_THREE[protein[reference - 1]]
        return ""


def reference_frame(pack: TargetPack) -> Frame:
    """The reference isoform as a frame."""
    transcript = pack.transcript
    return Frame(pack.reference_isoform, transcript.accession, transcript.protein_accession, 0, 1, 1)


def frames(pack: TargetPack) -> tuple[Frame, ...]:
    """Every isoform of a pack, the reference first."""
    others = (
        Frame(
            isoform.name,
            isoform.transcript_accession,
            isoform.protein_accession,
            isoform.offset,
            isoform.valid_from,
            isoform.coding_valid_from or 3 * isoform.valid_from - 2,
        )
        for isoform in pack.isoforms
    )
    return (reference_frame(pack), *others)


def frame_named(name: str, pack: TargetPack) -> Frame:
    """The frame of an isoform name that is known to exist."""
    return next(frame for frame in frames(pack) if frame.isoform.lower() == name.lower())


@dataclass(frozen=True)
class Reference:
    """What an accession stands for."""

    coordinate: str
    """``c``, ``p`` or ``g``: the coordinate system it carries."""
    frame: Frame
    note: str = ""
    sequence: str = ""
    """The exact accession of a genomic sequence."""


def resolve_accession(text: str, pack: TargetPack) -> Reference:
    """The frame that an accession names.

    Raises
    ------
    VariantError
        If it is another version than the shipped one, or another assembly.
    UnsupportedVariantError
        If it is no accession of this pack.
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
        return replace(found, note=note)
    if stem in known:
        return replace(known[stem], note=f"{known[stem].note} The version was not checked.")
    if wanted in pack.transcript.other_assemblies:
        return Reference("g", reference_frame(pack), sequence=wanted)
    if same_stem:
        raise unreadable(
            text,
            f"is not the version that kinscope ships: that is {same_stem[0]}.",
            "Check that the base or residue is the same there, and write it with the shipped version.",
        )
    raise UnsupportedVariantError(
        f"{quoted(text)} is not a sequence of the target {pack.gene}.",
        where=quoted(text),
        remedy=other_target(text, pack)
        or f"kinscope knows {pack.gene} as {', '.join(_own_accessions(pack))}.",
    )


def other_target(name: str, pack: TargetPack) -> str:
    """What to do with a gene or an accession of another shipped pack; empty if it is of none."""
    found = shipped_target_of(name)
    if not found or load_target(found).gene == pack.gene:
        return ""
    return f"It is of another target: add --target {found}."


def _own_accessions(pack: TargetPack) -> list[str]:
    shipped = [accession for frame in frames(pack) for accession in (frame.transcript, frame.protein)]
    return [accession for accession in (*shipped, pack.transcript.genomic_accession) if accession]


def _known(pack: TargetPack) -> dict[str, Reference]:
    """Every accession of a pack, upper case, exact versions first."""
    transcript = pack.transcript
    base = reference_frame(pack)
    known: dict[str, Reference] = {}
    for frame in frames(pack):
        known[frame.transcript] = Reference("c", frame)
        known[frame.protein] = Reference("p", frame)
    known[transcript.genomic_accession] = Reference("g", base, sequence=transcript.genomic_accession)
    for accession, shift in transcript.shifts.items():
        note = (
            f"Positions on {accession} were converted to {transcript.genomic_accession} ({transcript.assembly}): "
            f"{'minus' if shift > 0 else 'plus'} {abs(shift):,} for every coding base."
        )
        known[accession] = Reference("g", base, note, accession)
    for frame, coordinate, source in (
        (base, "c", transcript.equivalents),
        (base, "p", transcript.protein_equivalents),
        *((frame_named(one.name, pack), "c", one.equivalents) for one in pack.isoforms),
        *((frame_named(one.name, pack), "p", one.protein_equivalents) for one in pack.isoforms),
    ):
        for accession, reason in source.items():
            read_as = frame.transcript if coordinate == "c" else frame.protein
            known[accession.upper()] = Reference(
                coordinate, frame, f"{accession} was read as {read_as}: {reason}."
            )
    known.pop("", None)  # an isoform without accessions, or a pack without the chromosome's
    return known
