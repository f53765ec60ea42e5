"""VCF: which rows are of the target, which samples and genotypes carry what, on which build.

After "The Variant Call Format Specification", versions 4.1 to 4.4 (samtools/hts-specs). What a header says of
samples and builds is honoured; reference bases are checked against the transcript.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from kinscope.core.errors import BadInputError, UnsupportedVariantError
from kinscope.core.residues import reverse_complement
from kinscope.sequencing.reported.calls import Reported, Seen, Share, filtered, reported, seen_replacement
from kinscope.sequencing.reported.vcf_shares import STATED, above_one, share_of_fields
from kinscope.targets import TargetPack
from kinscope.variants.coding import builds_named, lifted
from kinscope.variants.isoforms import isoforms

REMEDY: Final = "Give a VCF 4 with tabs between columns, on GRCh38 or 37, or the transcript with --cds-start."
FIXED: Final = ["CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
_BASES: Final = re.compile(r"[ACGT]{1,1000}")
_GENOTYPE: Final = re.compile(r"[|/]?(?:\.|[0-9]{1,4})(?:[|/](?:\.|[0-9]{1,4}))*")
_UNSPECIFIED: Final = {".", "*", "<*>", "<NON_REF>", "<X>"}
"""Alternatives that stand for no allele of their own."""


@dataclass
class _File:
    """What the header says, and what was left out."""

    name: str
    pack: TargetPack
    columns: int = 0
    samples: dict[int, str] = field(default_factory=lambda: {0: ""})
    """Column and name of those to be reported; column 0 in a file without samples."""
    alone: bool = True
    """Whether there is at most one sample, so that what INFO counts is its."""
    info_share: bool = False
    """Whether the caller, which knows no samples, writes the share into INFO (LoFreq)."""
    builds: dict[str, str] = field(default_factory=dict)
    """Each build named, and where."""
    notes: dict[str, list[int]] = field(default_factory=dict)
    """What was left out or is open, and on which lines."""
    above_one: dict[str, int] = field(default_factory=dict)
    """Fields of shares that hold more than 1 without a percent sign, of whatever gene, and the first line."""

    def __post_init__(self) -> None:
        positions = self.pack.transcript.genomic_positions
        self.index = {position: base for base, position in enumerate(positions, start=1)}
        """Genomic position of the pack's assembly to c. number."""

    def note(self, line: int, what: str) -> None:
        """Note something of a line."""
        self.notes.setdefault(what, []).append(line)


@dataclass(frozen=True)
class _Line:
    number: int
    where: str
    """File and line, for errors."""
    fields: list[str]
    position: int
    reference: str

    @property
    def chromosome(self) -> str:
        return self.fields[0]


def _bad(what: str, where: str, remedy: str = REMEDY) -> BadInputError:
    return BadInputError(what, where=where, remedy=remedy)


def is_vcf(lines: list[str], name: str) -> bool:
    """Whether a text says, or its file's name says, that it is a VCF."""
    said = ("##fileformat=VCF", "#" + "\t".join(FIXED))
    named = re.search(r"\.vcf(\.b?gz)?$", name.lower()) is not None
    return named or any(line.startswith(said) for line in lines[:1000])


def read_vcf(lines: list[str], name: str, pack: TargetPack, cds_start: int = 1) -> Reported:
    """Calls of the target in a VCF; ``cds_start`` is where the start codon is, for rows on the transcript.

    Raises BadInputError if a line is malformed, or contradicts the reference, the header or itself; with the
    line.
    """
    file, rows = _read(lines, name, pack)
    build = _build(file, rows)
    found: dict[str, list[Seen]] = {sample: [] for sample in file.samples.values()}
    inside = 0
    for line in rows:
        for column in file.samples:
            for key in above_one(_fields(line, column, line.where), 1 + line.fields[4].count(",")):
                file.above_one.setdefault(key, line.number)
    for line in rows:
        place = _place(file, line, build, cds_start)
        if place is None:
            file.note(line.number, f"left out, outside the coding exons of {pack.gene}")
            continue
        inside += 1
        _check_reference(line, place, pack)
        for column, sample in file.samples.items():
            found[sample] += _seen(file, line, column, place)
    notes = _build_note(file, rows, build)
    if not inside:
        notes[f"{len(rows)} rows were read, and none lies in the coding exons of {pack.gene}"] = []
    if file.alone:
        found = {"": [item for seen in found.values() for item in seen]}
    return reported(found, notes | file.notes, pack)


def seen_at(
    places: Mapping[int, tuple[str, int, str, str]], builds: Mapping[str, str], name: str, pack: TargetPack
) -> tuple[dict[int, Seen | None], dict[str, list[int]]]:
    """What lines of a table say by chromosome, position, reference and allele (None outside the exons).

    ``builds`` are those that are named, and where. ``BadInputError`` is raised as by :func:`read_vcf`.
    """
    file = _File(name, pack, builds=dict(builds))
    rows = [
        _Line(number, f"{name}, line {number}", [chromosome, allele], position, reference)
        for number, (chromosome, position, reference, allele) in places.items()
    ]
    build = _build(file, rows)
    found: dict[int, Seen | None] = {}
    for line in rows:
        place = _genomic(file, line, build)
        if place is not None:
            _check_reference(line, place, pack)
        found[line.number] = place and seen_replacement(*place, _oriented(line.fields[1], pack), pack)
    return found, _build_note(file, rows, build) if any(found.values()) else {}


def _build_note(file: _File, rows: Sequence[_Line], build: str) -> dict[str, list[int]]:
    transcript = file.pack.transcript
    if build == transcript.assembly:
        return {}
    named = build in file.builds or any(row.chromosome in transcript.other_assemblies for row in rows)
    how = "" if named else ", by their bases, as the file names no build"
    return {f"the positions are of {build}{how}; they were read on {transcript.assembly}": []}


def _check_reference(line: _Line, place: tuple[int, int], pack: TargetPack) -> None:
    if line.reference != (shown := _shown(place, pack)):
        what = f"The reference allele is not {pack.gene}'s, which has {shown[:30]} there."
        remedy = "Check the build, and --cds-start for positions on the transcript."
        raise _bad(what, line.where, remedy)


def _read(lines: list[str], name: str, pack: TargetPack) -> tuple[_File, list[_Line]]:
    file, rows, meta = _File(name, pack), [], []
    for number, text in enumerate(lines, start=1):
        where = f"{name}, line {number}"
        if text.startswith("##"):
            meta.append(text)
            file.info_share |= text.lower().startswith("##source=lofreq")
            if text.startswith(("##reference", "##contig", "##assembly")):
                file.builds = dict.fromkeys(builds_named(text), where) | file.builds
        elif text.startswith("#"):
            head = text[1:].split("\t")
            if head[:8] != FIXED or len(set(head)) != len(head):
                raise _bad("The names of the columns are not those of a VCF, or one stands twice.", where)
            file.columns = len(head)
            _samples(file, meta, dict(enumerate(head[9:], start=9)), number)
        elif text.strip():
            rows.append(_row(text, file.columns, where, number))
    if not file.columns:
        raise _bad("The line with the column names (#CHROM) is missing.", name)
    return file, rows


def _row(text: str, columns: int, where: str, number: int) -> _Line:
    fields = text.split("\t")
    if columns < 8 or len(fields) != columns:
        raise _bad(f"The line has {len(fields)} columns; the head line has {columns}.", where)
    if not re.fullmatch("[0-9]{1,10}", fields[1]) or not int(fields[1]):
        raise _bad("Column 2 holds no position.", where)
    if not fields[3] or not fields[4]:
        raise _bad("Column 4 or 5 holds no allele.", where)
    return _Line(number, where, fields, int(fields[1]), fields[3].upper())


def _samples(file: _File, meta: list[str], columns: dict[int, str], line: int) -> None:
    """Which samples are reported: the tumours if the file says which they are, else all but the normals."""
    said: dict[str, set[str]] = {"tumour": set(), "normal": set(), "": set()}
    for text in meta:
        key, _, value = text[2:].partition("=")
        pairs: dict[str, str] = dict(re.findall(r"(\w+)=\"?([^,\">]*)", value))
        name = pairs.get("ID", "")
        if key in {"tumor_sample", "normal_sample"}:
            said["tumour" if key[0] == "t" else "normal"].add(value.strip())
        elif key == "PEDIGREE" and "Original" in pairs:
            said["normal"].add(pairs["Original"])
            said["tumour"].add(pairs.get("Derived", name))
        elif key == "SAMPLE":
            told = " ".join(text for key, text in pairs.items() if key not in {"ID", "SampleName"})
            said[_role(told) or _role(name)] |= {name, pairs.get("SampleName", name)}
    missing = said["tumour"] - set(columns.values())
    for column, name in columns.items():
        said[_role(name)].add(name)
        if name in said["tumour"] & said["normal"]:
            where = f"{file.name}, line {line}, column {column + 1}"
            raise _bad("The sample is the tumour by one line or name, and the normal by another.", where)
    tumours = {column: name for column, name in columns.items() if name in said["tumour"]}
    chosen = tumours or {column: name for column, name in columns.items() if name not in said["normal"]}
    if columns and not chosen:
        raise _bad("The file holds no sample but the normal one.", f"{file.name}, line {line}")
    file.samples, file.alone = chosen or file.samples, len(columns) < 2
    if missing and not tumours and not file.alone:
        file.note(line, "the tumour that the header names is no column: all but the normal are read")
    for column, name in columns.items():
        if column not in chosen:
            role = "the normal sample" if name in said["normal"] else "not the tumour"
            file.note(line, f"column {column + 1} is {role} and was not read")


def _role(name: str) -> str:
    """``tumour`` or ``normal`` if a word of the name says so (Strelka, MuTect 1, VarScan), else empty."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    return "tumour" if words & {"tumor", "tumour"} else "normal" if words & {"normal", "germline"} else ""


def _build(file: _File, rows: Sequence[_Line]) -> str:
    """The build of the positions: the one that is named, or else the one whose bases those of the rows are.

    Raises BadInputError if two are named, if the rows contradict the named one, or if none is named and the
    rows fit two.
    """
    transcript, named = file.pack.transcript, dict(file.builds)
    accessions = {transcript.genomic_accession: transcript.assembly, **transcript.other_assemblies}
    rows = [line for line in rows if line.chromosome not in transcript.shifts.keys() - accessions.keys()]
    for line in rows:
        if line.chromosome in accessions:
            named.setdefault(accessions[line.chromosome], line.where)
    fitting = {build: _fits(file, rows, build) for build in dict.fromkeys([*named, *accessions.values()])}
    fitting = {build: where for build, where in fitting.items() if where}
    told = [f"{build} ({where})" for build, where in (named or fitting).items()]
    build = next(iter(named or fitting or [transcript.assembly]))
    if len(told) > 1:
        what = "The file names two genome builds" if named else "No build is named, and the rows fit two"
        what = f"{what}: {' and '.join(told)}."
    elif fitting and build not in fitting and not any(_genomic(file, line, build) for line in rows):
        other, where = next(iter(fitting.items()))
        what = f"The file names {told[0]}, but {where} has a base of {file.pack.gene} in {other}."
    else:
        return build
    raise _bad(what, file.name, "Name one, as ##reference=GRCh38 or in a column 'build'.")


def _fits(file: _File, rows: Sequence[_Line], build: str) -> str:
    """The first row that is coding on a build, if each such row has the transcript's bases; else empty."""
    try:
        inside = [(line, place) for line in rows if (place := _genomic(file, line, build))]
    except BadInputError:
        return ""
    agree = all(line.reference == _shown(place, file.pack) for line, place in inside)
    return inside[0][0].where if inside and agree else ""


def _genomic(file: _File, line: _Line, build: str) -> tuple[int, int] | None:
    """First and last coding base of a reference allele on the chromosome; None if not all of it is coding."""
    transcript = file.pack.transcript
    stem = transcript.genomic_accession.partition(".")[0].lower()
    names = {transcript.chromosome.lower().removeprefix("chr"), stem} - {""}
    own = {transcript.genomic_accession, *transcript.other_assemblies, *transcript.shifts}
    sequence = line.chromosome if line.chromosome in own else build
    if sequence == build and line.chromosome.lower().removeprefix("chr") not in names:
        return None
    try:
        start = lifted(line.position, sequence, file.pack)
    except UnsupportedVariantError as error:
        where = file.builds.get(build, line.where)
        raise _bad(f"These are {build} coordinates.", where, error.remedy) from None
    bases = [file.index.get(start + offset, 0) for offset in range(len(line.reference))]
    if 0 in bases or max(bases) - min(bases) != len(bases) - 1:
        return None
    return min(bases), max(bases)


def _place(file: _File, line: _Line, build: str, cds_start: int) -> tuple[int, int] | None:
    """First and last coding base of the reference allele; None if not all of it is coding."""
    for isoform in isoforms(file.pack):
        if line.chromosome in {isoform.transcript_accession, *isoform.equivalents}:
            first = line.position - cds_start + 1 - 3 * isoform.offset
            last = first + len(line.reference) - 1
            return (
                (first, last)
                if isoform.first_base <= first and last <= len(file.pack.transcript.cds)
                else None
            )
    return _genomic(file, line, build)


def _shown(place: tuple[int, int], pack: TargetPack) -> str:
    """The transcript's bases as the chromosome has them."""
    return _oriented(pack.transcript.cds[place[0] - 1 : place[1]], pack)


def _oriented(bases: str, pack: TargetPack) -> str:
    return bases if pack.transcript.strand == "+" else reverse_complement(bases)


def _seen(file: _File, line: _Line, column: int, place: tuple[int, int]) -> Iterable[Seen]:
    where = f"{line.where}, column {column + 1}" if column else line.where
    fields = _fields(line, column, where)
    alleles = (line.reference, *line.fields[4].upper().split(","))
    genotype = _genotype(fields, len(alleles), where)
    filters = [text for text in (line.fields[6], fields.get("FT", "")) if text not in {"PASS", ".", ""}]
    for index, allele in enumerate(alleles):
        if not index or allele in _UNSPECIFIED:
            continue
        if not _BASES.fullmatch(allele) or allele == line.reference:
            file.note(line.number, "an alternative was left out, which is no other plain sequence")
            continue
        for key in STATED:
            if key in file.above_one and fields.get(key, ".").rstrip(".") and not fields[key].endswith("%"):
                what = (
                    f"{key} is above 1 on line {file.above_one[key]}: fractions or percent, it is not said."
                )
                raise _bad(what, where, "Write all shares as fractions, or each with a percent sign.")
        share = _share(file, line, fields, alleles, index)
        carried = genotype is None or index in genotype
        unknown = genotype is None and share.value is None and not (share.note or file.alone)
        if not carried and share.value:
            told = "" if file.alone else f", {file.samples[column]}"
            what = f"no call by the genotype, though {100 * share.value:.3g} % of reads show the variant"
            file.note(line.number, f"{what}{told}")
        if unknown:
            file.note(line.number, "left out, neither genotypes nor reads say which sample carries it")
        if not carried or unknown or (genotype is None and share.value == 0):
            continue
        if share.value == 0:
            share = Share(
                None, share.depth, "The genotype calls it, and no read shows it.", contradicted=True
            )
        notes = [] if share.value is not None or share.note else ["Its fields state no share in the sample."]
        seen = replace(
            seen_replacement(*place, _oriented(allele, file.pack), file.pack),
            share=share,
            molecule=_molecule(fields, index),
            everywhere=set(genotype or ()) == {index} and "." not in fields.get("GT", ""),
            notes=tuple(notes),
            line=line.number,
        )
        yield filtered(seen, filters)


def _fields(line: _Line, column: int, where: str) -> dict[str, str]:
    """The sample's fields; of an empty column a missing genotype."""
    if not column:
        return {}
    keys, values = line.fields[8].split(":"), line.fields[column].split(":")
    if len(values) > len(keys):
        raise _bad("The sample has more fields than FORMAT names.", where)
    return dict(zip(keys, values, strict=False)) if set(values) - {"", "."} else {"GT": "."}


def _genotype(fields: Mapping[str, str], alleles: int, where: str) -> tuple[int, ...] | None:
    """Indices of the alleles of the genotype, without missing ones; None if the row states no genotype."""
    text = fields.get("GT")
    if text is None:
        return None
    if not _GENOTYPE.fullmatch(text or "."):
        raise _bad("GT is no genotype such as 0/1.", where)
    found = tuple(int(part) for part in re.findall("[0-9]+", text))
    if max(found, default=0) >= alleles:
        raise _bad("GT names an allele that the row does not have.", where)
    return found


def _molecule(fields: Mapping[str, str], index: int) -> tuple[str, ...]:
    """Phase set and haplotype of an allele: by PS, by GATK's PID and PGT, or by a phased genotype alone."""
    genotype = fields.get("GT", "")
    stated = ("PS", fields.get("PS", "."), genotype), ("PID", fields.get("PID", "."), fields.get("PGT", ""))
    for key, group, phased in (*stated, ("", "all", genotype)):
        haplotypes = re.findall(r"[0-9]+|\.", phased)
        if group not in {"", "."} and "|" in phased and haplotypes.count(str(index)) == 1:
            return key, group, str(haplotypes.index(str(index)))
    return ()


def _share(
    file: _File, line: _Line, fields: Mapping[str, str], alleles: tuple[str, ...], index: int
) -> Share:
    """The share by the sample's own fields, or by what INFO counts in a file of at most one sample."""
    share = share_of_fields(fields, alleles, index, line.where)
    if share.value is not None or share.contradicted or not file.alone:
        return share
    info = dict(part.partition("=")[::2] for part in line.fields[7].split(";"))
    keys = {"AF", "DP"} if file.info_share and not fields else {"DP4", "AD", "AO", "RO", "DP", "FAO", "FDP"}
    counted = {key: value for key, value in {**info, **fields}.items() if key in keys}
    return share_of_fields(counted, alleles, index, line.where)
