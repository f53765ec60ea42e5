"""What must hold between the files of a target pack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kinscope.core.errors import BadInputError
from kinscope.targets.genetic_code import translate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinscope.targets.pack import TargetPack


REGION_KINDS = ("domain", "segment", "pocket")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
_ENTRY = re.compile(r"([0-9][A-Za-z0-9]{3}|pdb_[0-9a-z]{8}):[A-Za-z0-9]{1,4}:[A-Za-z0-9]{1,5}")
_WORDS = {
    _ID: "lower-case letters, digits and hyphens",
    _NAME: "lower-case letters, digits and underscores",
    _ENTRY: "ENTRY:CHAIN:RESIDUE, such as 2HYY:A:STI",
}


def check_pack(pack: TargetPack) -> None:
    """Check a pack against itself.

    Raises
    ------
    BadInputError
        With every contradiction found.
    """
    problems = [*_sequence(pack), *_numbers(pack), *_landmarks(pack), *_identifiers(pack), *_spelling(pack)]
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


def _landmarks(pack: TargetPack) -> Iterator[str]:
    length = len(pack.transcript.protein)
    for name, number in _whole_numbers(pack.landmarks.model_dump() if pack.landmarks else {}, "landmarks"):
        if not 1 <= number <= length:
            yield f"{name} is {number}, not within residues 1-{length}."


def _whole_numbers(value: Any, name: str) -> Iterator[tuple[str, int]]:
    if isinstance(value, int):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _whole_numbers(item, f"{name}.{key}")
    elif isinstance(value, tuple):
        for item in value:
            yield from _whole_numbers(item, name)


def _spelling(pack: TargetPack) -> Iterator[str]:
    """Identifiers become names of files and of columns: letters, digits and few signs only."""
    named = [
        *(("state", state.id, _ID) for state in pack.states),
        *(("drug", drug.id, _ID) for drug in pack.drugs),
        *(("site of a drug", drug.site, _ID) for drug in pack.drugs),
        *(("region", region.name, _NAME) for region in pack.regions),
        *(("reference_entry", drug.reference_entry, _ENTRY) for drug in pack.drugs if drug.reference_entry),
    ]
    for what, text, pattern in named:
        if not pattern.fullmatch(text):
            yield f"The {what} {text[:40]!r} is not written as {_WORDS[pattern]}."


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
