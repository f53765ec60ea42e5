"""Reading a target pack: YAML and FASTA files, every one of them validated.

A pack from outside the package is hostile: files are bounded in size, YAML is read without tags, aliases
or repeated keys, and file names are fixed here, so that a pack cannot point elsewhere.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from kinscope.core.errors import BadInputError
from kinscope.core.files import read_bounded, read_text, sha256_of_file
from kinscope.core.plain_yaml import read_record, read_yaml
from kinscope.core.records import Record
from kinscope.core.residues import translate
from kinscope.results.flexibility import CrystalFlexibility
from kinscope.results.preference import ConformationPreference, CrystalContacts, PublishedMotion
from kinscope.targets.pack import (
    Claim,
    DrugDefinition,
    Region,
    StateDefinition,
    TargetFile,
    TargetPack,
    Transcript,
    TranscriptEntry,
)

T = TypeVar("T", bound=Record)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_REGION_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
_ENTRY = re.compile(r"([0-9][A-Za-z0-9]{3}|pdb_[0-9a-z]{8}):[A-Za-z0-9]{1,4}:[A-Za-z0-9]{1,5}")
_WORDS = {
    _ID: "lower-case letters, digits and hyphens",
    _REGION_NAME: "lower-case letters, digits and underscores",
    _ENTRY: "ENTRY:CHAIN:RESIDUE, such as 2HYY:A:STI",
}


def check_pack(pack: TargetPack) -> None:
    """Check a pack against itself.

    Raises BadInputError with every contradiction found.
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
        *(("region", region.name, _REGION_NAME) for region in pack.regions),
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


_MOST_UNPACKED_BYTES = 40_000_000
_MOST_TABLE_BYTES = 4_000_000
MAX_RESIDUES = 40_000
"""Longer than the longest human protein (titin, about 35,000 residues)."""
BASES = "ACGT"
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_NAME = re.compile(r"[\w-]+")


def target_names() -> tuple[str, ...]:
    """Names of the packs that ship with kinscope."""
    return tuple(sorted(path.parent.name for path in _packs_root().glob("*/target.yaml")))


def load_target(target: str = "abl1") -> TargetPack:
    """A target pack: one that ships with kinscope by its name, any other by its directory.

    ``target``: a name of :func:`target_names` (in any case), or the path of a directory. A plain word is
    always a name: a directory beside it is given as ``./word``.

    Raises BadInputError if there is no such pack, or a file of it is invalid.
    """
    reference = target_reference(target)
    return _shipped(reference) if reference in target_names() else load_target_directory(reference)


def target_reference(target: str) -> str:
    """How a target is written into settings: the name of a shipped pack, or an absolute path.

    The absolute path lets a study be resumed from elsewhere.

    Raises BadInputError if it is neither the name of a shipped pack nor a directory.
    """
    names = target_names()
    if target.lower() in names:
        return target.lower()
    directory = _is_directory(target)
    if directory and not _NAME.fullmatch(target):
        return str(Path(target).resolve())
    shown = re.sub(r"[^\w./-]", "?", target)[:80]
    raise BadInputError(
        f"There is no target pack {shown!r}.",
        where="target",
        remedy=f"Write ./{target} for the directory of that name."
        if directory
        else f"Choose from: {', '.join(names)}; or give the directory of a pack of your own: ./mykinase.",
    )


def shipped_target_of(name: str) -> str:
    """The shipped pack that a gene name, an alias or an accession (any version) belongs to; empty if none."""
    wanted = name.upper().partition(".")[0]
    for target in target_names():
        pack = _shipped(target)
        isoforms = [(item.transcript_accession, item.protein_accession) for item in pack.isoforms]
        known = [
            pack.gene,
            *pack.aliases,
            *(accession for pair in isoforms for accession in pair),
            pack.transcript.accession,
            pack.transcript.protein_accession,
            *pack.transcript.equivalents,
            *pack.transcript.protein_equivalents,
        ]
        if wanted and wanted in {item.upper().partition(".")[0] for item in known}:
            return target
    return ""


def _is_directory(text: str) -> bool:
    try:
        return bool(text.strip()) and Path(text).is_dir()
    except (OSError, ValueError):  # too long for a path, or with a null character
        return False


@lru_cache(maxsize=8)
def _shipped(name: str) -> TargetPack:
    """A shipped pack, read once per process; a user's own may change and is read anew."""
    return load_target_directory(_packs_root() / name)


def load_target_directory(path: Path | str) -> TargetPack:
    """A target pack in a directory: ``target.yaml``, ``regions.yaml`` and ``protein.fasta`` at least.

    ``states.yaml`` and ``drugs.yaml`` may be missing; the pack then has none of them. Without ``cds.fasta``
    it reads protein changes only.

    Raises BadInputError if a file is missing, damaged, or contradicts another (the message names it).
    """
    directory = Path(path)
    if not directory.is_dir():
        raise BadInputError(
            "The target pack is not a directory.",
            where=str(directory),
            remedy="Give the directory that holds target.yaml, regions.yaml and protein.fasta; "
            "`kinscope targets new` writes one to fill in.",
        )
    head = read_file(directory / "target.yaml", TargetFile)
    pack = TargetPack(
        **{**dict(head), "transcript": _transcript(directory, head.transcript)},
        regions=read_file(directory / "regions.yaml", tuple[Region, ...]),
        states=_read_optional(directory / "states.yaml", tuple[StateDefinition, ...]),
        drugs=_read_optional(directory / "drugs.yaml", tuple[DrugDefinition, ...]),
        claims=_read_optional(directory / "claims.yaml", tuple[Claim, ...]),
        directory=directory,
    )
    check_pack(pack)
    return pack


def _packs_root() -> Path:
    return Path(str(files("kinscope.targets")))


def read_file(path: Path, kind: Any) -> Any:
    """One YAML file as a validated record, or as a tuple of them: a list, bare or under the file's name.

    Raises BadInputError if it is missing or damaged, or says what is not of that kind.
    """
    content = read_yaml(path)
    if isinstance(content, dict) and list(content) == [path.stem]:
        content = content[path.stem]
    if isinstance(content, list):
        content = tuple(_with_pocket_ends(entry) for entry in content)
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:  # the place and the reason, never the rejected content
        reasons = [
            f"{'.'.join(map(str, item['loc'])) or 'top level'}: {item['msg']}" for item in error.errors()[:5]
        ]
        raise BadInputError(
            "The file does not follow the layout of a target pack: " + "; ".join(reasons),
            where=str(path),
            remedy="Compare it with the same file of the abl1 pack.",
        ) from None
    except RecursionError:
        raise BadInputError("The file is nested too deeply.", where=str(path)) from None


def _read_optional(path: Path, kind: Any) -> Any:
    return read_file(path, kind) if path.exists() else ()


def _with_pocket_ends(entry: Any) -> Any:
    """Fill ``start`` and ``end`` of an entry that lists ``residues``, so that files need not repeat them."""
    residues = entry.get("residues") if isinstance(entry, dict) else None
    if isinstance(residues, list) and residues and all(isinstance(number, int) for number in residues):
        return {"start": min(residues), "end": max(residues), **entry, "residues": tuple(residues)}
    return entry


def _transcript(directory: Path, head: TranscriptEntry) -> Transcript:
    cds_file = directory / "cds.fasta"
    cds = read_fasta(cds_file, BASES, 3 * (MAX_RESIDUES + 1)) if cds_file.exists() else ""
    protein = read_fasta(directory / "protein.fasta", AMINO_ACIDS, MAX_RESIDUES)
    step = 1 if head.strand == "+" else -1
    positions: list[int] = []
    for block in head.exons:
        if block.first != len(positions) + 1 or block.last < block.first or block.last > len(cds):
            raise BadInputError(
                f"The exon blocks do not cover the coding sequence: c.{block.first}_{block.last} "
                f"follows c.{len(positions)} of {len(cds)} bases.",
                where=str(directory / "target.yaml"),
                remedy="List the coding part of every exon in order, without gap or overlap.",
            )
        length = block.last - block.first + 1
        positions.extend(block.genomic_first + step * index for index in range(length))
    return Transcript(**dict(head), cds=cds, protein=protein, genomic_positions=tuple(positions))


def read_fasta(path: Path, alphabet: str, longest: int) -> str:
    """The one sequence of a FASTA file, upper case.

    Raises BadInputError if the file is not one header line and one sequence over ``alphabet``, or is too
    long.
    """
    lines = read_text(path).splitlines()
    sequence = "".join(line.strip() for line in lines[1:]).upper()
    one_header = bool(lines) and lines[0].startswith(">") and not any(">" in line for line in lines[1:])
    if not one_header or not sequence or set(sequence) - set(alphabet) or len(sequence) > longest:
        raise BadInputError(
            f"The file is not one FASTA sequence over the letters {alphabet}.",
            where=str(path),
            remedy="Give one header line and one sequence.",
        )
    return sequence


_SAID = {
    "directory": True,
    "claims": True,
    "regions": {"__all__": {"source"}},
    "states": {"__all__": {"description", "studied", "dynamics"}},
    "drugs": {"__all__": {"sources", "protonation_reason", "simulated"}},
}
"""Fields of a pack that no result is computed from: what people read, and what only plans depend on."""
_READ_BESIDE = (
    "controls/crystal_*.csv", "models/*/*.json", "parameters/*.*", "poses/*.json", "solvent/*/*.json",
)  # fmt: skip
_LIBRARY = ("models/*/*.cif.gz", "poses/*.sdf")


def definitions_digest(pack: TargetPack) -> str:
    """SHA-256 of what a pack defines, as read, and of the records that steps read beside it.

    Models and poses are not in it (:func:`library_digest`); neither are evidence and citations.
    """
    defined: dict[str, Any] = pack.model_dump(mode="json", exclude=_SAID, exclude_defaults=True)  # type: ignore[arg-type]
    beside = files_digest(pack.directory, _READ_BESIDE)
    return hashlib.sha256(json.dumps([defined, beside], sort_keys=True).encode()).hexdigest()


def library_digest(pack: TargetPack) -> str:
    """SHA-256 of all models and known poses of a pack, for what looks at more than one of them."""
    return files_digest(pack.directory, _LIBRARY)


def files_digest(directory: Path, patterns: Sequence[str]) -> str:
    """SHA-256 of names and contents of the files in a directory that fit patterns."""
    paths = [path for pattern in patterns for path in directory.glob(pattern)]
    content = {path.relative_to(directory).as_posix(): sha256_of_file(path) for path in paths}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


FLEXIBILITY_FILE = "flexibility.json"
PREFERENCE_FILE = "preference.json.gz"
GEOMETRY_FILE = "geometry.json.gz"
MOTION_FILE = "motion.yaml"


def crystal_flexibility(pack: TargetPack) -> CrystalFlexibility | None:
    """How mobile the target's residues are in its crystals, by conformation; None if the pack has no table.

    Raises BadInputError if the table is damaged, as the next two.
    """
    return _table(pack, FLEXIBILITY_FILE, CrystalFlexibility)


def conformation_preference(pack: TargetPack) -> ConformationPreference | None:
    """How well each amino acid suits each residue in each conformation; None if the pack has no table."""
    return _table(pack, PREFERENCE_FILE, ConformationPreference)


def crystal_contacts(pack: TargetPack) -> CrystalContacts | None:
    """Which side chains meet in which crystal; None if the pack has no table."""
    return _table(pack, GEOMETRY_FILE, CrystalContacts)


def published_motion(pack: TargetPack) -> PublishedMotion:
    """Controls of the preference; empty if the pack quotes none."""
    path = pack.directory / MOTION_FILE
    what = "What is published on motion cannot be read"
    return read_record(path, PublishedMotion, what) if path.is_file() else PublishedMotion()


def _table(pack: TargetPack, name: str, kind: type[T]) -> T | None:
    """A table of crystals as `kinscope benchmark conformation --pdb-mirror DIR --write` makes it."""
    path = pack.directory / name
    if not path.is_file():
        return None
    remedy = "Install kinscope again, or make it anew with `kinscope benchmark conformation --write`."
    data = read_bounded(path, _MOST_TABLE_BYTES, remedy=remedy)
    try:
        if name.endswith(".gz"):
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(_MOST_UNPACKED_BYTES)
        return kind.model_validate_json(data)
    except (ValidationError, EOFError, OSError, zlib.error) as error:
        first = (
            error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "no gzip file"}
        )
        raise BadInputError(
            f"The table of crystals cannot be read ({'.'.join(map(str, first['loc']))}: {first['msg']}).",
            where=str(path),
            remedy=remedy,
        ) from None


def controls_directory(pack: TargetPack) -> Path:
    """The directory of the controls; a pack need not have it."""
    return pack.directory / "controls"
