"""What must hold between the files of a target pack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinscope.core.errors import BadInputError
from kinscope.targets.genetic_code import translate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinscope.targets.pack import TargetPack


REGION_KINDS = ("domain", "segment", "pocket")


def check_pack(pack: TargetPack) -> None:
    """Check a pack against itself.

    Raises
    ------
    BadInputError
        With every contradiction found.
    """
    problems = [*_sequence(pack), *_numbers(pack), *_identifiers(pack)]
    if problems:
        raise BadInputError(
            "The target pack contradicts itself: " + " ".join(problems[:10]),
            where=str(pack.directory),
            remedy="Correct the files of the pack.",
        )


def _sequence(pack: TargetPack) -> Iterator[str]:
    transcript = pack.transcript
    if not transcript.cds:
        if transcript.exons:
            yield "Exon blocks are given, but there is no coding sequence (cds.fasta)."
        return
    if len(transcript.cds) % 3 or translate(transcript.cds) != transcript.protein + "*":
        yield "The coding sequence does not translate to the protein followed by one stop codon."
    if transcript.exons and len(transcript.genomic_positions) != len(transcript.cds):
        yield "The exon blocks do not cover the coding sequence."
    if transcript.exons and not (transcript.genomic_accession and transcript.assembly):
        yield "Exon blocks need the accession of the chromosome and the name of its assembly."


def _numbers(pack: TargetPack) -> Iterator[str]:
    length = len(pack.transcript.protein)
    for region in pack.regions:
        members = region.residues or (region.start, region.end)
        if not 1 <= min(members) <= max(members) <= length or region.start > region.end:
            yield f"Region {region.name} is not within residues 1-{length}."
        if region.kind not in REGION_KINDS:
            kinds = ", ".join(REGION_KINDS)
            yield f"Region {region.name} has the kind {region.kind[:20]!r}, not one of {kinds}."
    for state in pack.states:
        if not 1 <= state.first_residue <= state.last_residue <= length:
            yield f"State {state.id} is not within residues 1-{length}."
    for isoform in pack.isoforms:
        if not 1 <= isoform.valid_from <= length or isoform.valid_from + isoform.offset < 1:
            yield f"Isoform {isoform.name} has an impossible offset."


def _identifiers(pack: TargetPack) -> Iterator[str]:
    lists = {
        "region": [region.name for region in pack.regions],
        "state": [state.id for state in pack.states],
        "drug": [drug.id for drug in pack.drugs],
        "isoform": [pack.reference_isoform, *(isoform.name for isoform in pack.isoforms)],
    }
    for what, names in lists.items():
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"The {what} {name} is defined twice."
    if pack.states:
        known = set(lists["state"])
        for drug in pack.drugs:
            if drug.state not in known:
                yield f"The drug {drug.id} binds a state that is not defined: {drug.state[:40]!r}."
