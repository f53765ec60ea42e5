"""VCF: which rows are of the target, which samples and genotypes carry what, on which build.

After "The Variant Call Format Specification", versions 4.1 to 4.4 (samtools/hts-specs). What a header says of
samples and builds is honoured; reference bases are checked against the transcript.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from kinscope.core.errors import BadInputError, UnsupportedVariantError
from kinscope.sequencing.reported.calls import Reported, Seen, Share, reported, seen_replacement
from kinscope.sequencing.reported.vcf_shares import share_of_fields
from kinscope.variants.coding import lifted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kinscope.targets import TargetPack

REMEDY: Final = "Give a VCF 4 with tab-separated columns on GRCh38, or on the transcript with --cds-start."
FIXED: Final = ["CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
_BASES: Final = re.compile(r"[ACGT]{1,1000}")
_COMPLEMENT: Final = str.maketrans("ACGT", "TGCA")
_GENOTYPE: Final = re.compile(r"[|/]?(?:\.|[0-9]{1,4})(?:[|/](?:\.|[0-9]{1,4}))*")
_UNSPECIFIED: Final = {".", "*", "<*>", "<NON_REF>", "<X>"}
"""Alternatives that stand for no allele of their own."""
_BUILDS: Final = {
    "GRCh38": r"grch38|hg38|hs38|assembly38|(?<![a-z0-9])b38|length=(?:248956422|138394717|64444167)\b"
    r"|gcf_000001405\.(?:2[6-9]|[34])|gca_000001405\.(?:1[5-9]|2)",
    "GRCh37": r"grch37|hg19|hs37|assembly19|(?<![a-z0-9])b37|g1k_v37"
    r"|length=(?:249250621|141213431|63025520)\b|gcf_000001405\.(?:1[3-9]|2[0-5])|gca_000001405\.(?:[1-9]|1[0-4])(?!\d)",
    "NCBI36": r"hg18|ncbi36|(?<![a-z0-9])b36|length=(?:247249719|140273252|62435964)\b",
    "T2T-CHM13": r"chm13|t2t|(?<![a-z0-9])hs1(?![a-z0-9])|length=(?:248387328|150617247|66210255)\b",
}
"""Names of builds in headers, and the lengths of chromosomes 1, 9 and 20 in them."""


@dataclass(frozen=True)
class _Sample:
    column: int
    """Index of the column; 0 in a file without samples."""
    name: str


@dataclass
class _File:
    """What the header says, and what was left out."""

    name: str
    index: dict[int, int]
    """Genomic position of the pack's assembly to c. number."""
    columns: int = 0
    samples: tuple[_Sample, ...] = ()
    """Those to be reported."""
    alone: bool = True
    """Whether there is at most one sample, so that what INFO counts is its."""
    info_share: bool = False
    """Whether the caller, which knows no samples, writes the share into INFO (LoFreq)."""
    builds: dict[str, str] = field(default_factory=dict)
    """Each build named, and where."""
    notes: dict[str, list[int]] = field(default_factory=dict)
    """What was left out or is open, and on which lines."""

    def note(self, line: int, what: str) -> None:
        """Note something of a line."""
        self.notes.setdefault(what, []).append(line)


@dataclass(frozen=True)
class _Line:
    number: int
    where: str
    """File and line, for errors."""
    fields: list[str]
    chromosome: str
    position: int
    reference: str


def is_vcf(lines: list[str], name: str) -> bool:
    """Whether a text says, or its file's name says, that it is a VCF."""
    said = ("##fileformat=VCF", "#" + "\t".join(FIXED))
    return (
        any(line.startswith(said) for line in lines[:1000])
        or re.search(r"\.vcf(\.b?gz)?$", name.lower()) is not None
    )


def read_vcf(lines: list[str], name: str, pack: TargetPack, cds_start: int = 1) -> Reported:
    """Calls of the target, the names of the samples where the file has several, and notes.

    Parameters
    ----------
    lines
        Lines of the file.
    name
        Its name, for errors.
    pack
        The target.
    cds_start
        For lines on the transcript: the position of the A of the start codon on it.

    Raises
    ------
    BadInputError
        If a line is malformed, or contradicts the reference, the header or itself; with the line.
    """
    file, rows = _read(lines, name, pack)
    build = _build(file, rows, pack)
    found: dict[str, list[Seen]] = {sample.name: [] for sample in file.samples}
    inside = 0
    for line in rows:
        place = _place(file, line, build, cds_start, pack)
        if place is None:
            file.note(line.number, f"left out, outside the coding exons of {pack.gene}")
            continue
        inside += 1
        _check_reference(line, place, pack)
        for sample in file.samples:
            found[sample.name] += _seen(file, line, sample, place, pack)
    notes: dict[str, list[int]] = {}
    if build and build != pack.transcript.assembly:
        named = build in file.builds or any(pack.transcript.other_assemblies.get(r.chromosome) for r in rows)
        how = "" if named else ", by their bases, as the file names no build"
        notes[f"the positions are of {build}{how}; they were read on {pack.transcript.assembly}"] = []
    if not inside:
        notes[f"{len(rows)} rows were read, and none lies in the coding exons of {pack.gene}"] = []
    if file.alone:
        found = {"": [item for seen in found.values() for item in seen]}
    return reported(found, notes | file.notes, pack)


def _read(lines: list[str], name: str, pack: TargetPack) -> tuple[_File, list[_Line]]:
    index = {position: base for base, position in enumerate(pack.transcript.genomic_positions, start=1)}
    file, rows, meta = _File(name, index), [], []
    for number, text in enumerate(lines, start=1):
        where = f"{name}, line {number}"
        if text.startswith("##"):
            meta.append((where, text))
        elif text.startswith("#"):
            head = text[1:].split("\t")
            if head[:8] != FIXED or len(set(head)) != len(head):
                what = "The names of the columns are not those of a VCF, or one stands twice."
                raise BadInputError(what, where=where, remedy=REMEDY)
            file.columns = len(head)
            _samples(file, meta, head, where)
        elif text.strip():
            rows.append(_row(text, file.columns, where, number))
    if not file.columns:
        raise BadInputError("The line with the column names (#CHROM) is missing.", where=name, remedy=REMEDY)
    for where, text in meta:
        file.info_share = file.info_share or text.lower().startswith("##source=lofreq")
        if text.startswith(("##reference", "##contig", "##assembly")):
            for build, pattern in _BUILDS.items():
                if re.search(pattern, text.lower()):
                    file.builds.setdefault(build, where)
    return file, rows


def _row(text: str, columns: int, where: str, number: int) -> _Line:
    fields = text.split("\t")
    if columns < 8 or len(fields) != columns:
        what = f"The line has {len(fields)} columns; the head line has {columns}."
        raise BadInputError(what, where=where, remedy=REMEDY)
    if not re.fullmatch("[0-9]{1,10}", fields[1]) or not int(fields[1]):
        raise BadInputError("Column 2 holds no position.", where=where, remedy=REMEDY)
    if not fields[3] or not fields[4]:
        raise BadInputError("Column 4 or 5 holds no allele.", where=where, remedy=REMEDY)
    return _Line(number, where, fields, fields[0], int(fields[1]), fields[3].upper())


def _samples(file: _File, meta: Sequence[tuple[str, str]], head: list[str], where: str) -> None:
    """Which samples are reported: the tumours if the file says which they are, else all but the normals."""
    columns = [_Sample(index, name) for index, name in enumerate(head) if index > 8]
    file.samples, file.alone = tuple(columns) or (_Sample(0, ""),), len(columns) < 2
    said: dict[str, set[str]] = {"tumour": set(), "normal": set()}
    for _, text in meta:
        key, _, value = text[2:].partition("=")
        pairs: dict[str, str] = dict(re.findall(r"(\w+)=\"?([^,\">]*)", value))
        if key in {"tumor_sample", "normal_sample"}:
            said["tumour" if key[0] == "t" else "normal"].add(value.strip())
        elif key == "PEDIGREE" and "Original" in pairs:
            said["normal"].add(pairs["Original"])
            said["tumour"].add(pairs.get("Derived", pairs.get("ID", "")))
        elif key == "SAMPLE":
            role = _role(" ".join(v for k, v in pairs.items() if k not in {"ID", "SampleName"})) or _role(
                pairs.get("ID", "")
            )
            said.get(role, set()).update({pairs.get("ID", ""), pairs.get("SampleName", "")})
    for sample in columns:
        said.get(_role(sample.name), set()).add(sample.name)
        if sample.name in said["tumour"] & said["normal"]:
            what = "A sample is the tumour by one line or name of the header and the normal by another."
            raise BadInputError(
                what, where=f"{where}, column {sample.column + 1}", remedy="Correct the header."
            )
    tumours = [sample for sample in columns if sample.name in said["tumour"]]
    chosen = tumours or [sample for sample in columns if sample.name not in said["normal"]]
    if columns and not chosen:
        raise BadInputError(
            "The file holds no sample but the normal one.", where=where, remedy="Give the tumour's."
        )
    line = int(where.rpartition(" ")[2])
    if columns:
        file.samples = tuple(chosen)
    if len(chosen) > 1 and said["tumour"]:
        file.note(
            line,
            "the tumour that the header names is no column, so that all samples but normal ones are read",
        )
    for sample in columns:
        if sample not in chosen:
            role = "the normal sample" if sample.name in said["normal"] else "not the tumour"
            file.note(line, f"column {sample.column + 1} is {role} and was not read")


def _role(name: str) -> str:
    """``tumour`` or ``normal`` if a word of the name says so (Strelka, MuTect 1, VarScan), else empty."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    if words & {"tumor", "tumour"}:
        return "tumour"
    return "normal" if words & {"normal", "germline"} else ""


def _build(file: _File, rows: Sequence[_Line], pack: TargetPack) -> str:
    """The build of the positions: the one that is named, or else the one whose bases those of the rows are.

    Raises
    ------
    BadInputError
        If two are named, if the rows contradict the named one, or if none is named and the rows fit two.
    """
    transcript = pack.transcript
    named = dict(file.builds)
    for line in rows:
        build = transcript.other_assemblies.get(line.chromosome)
        if build or line.chromosome == transcript.genomic_accession:
            named.setdefault(build or transcript.assembly, line.where)
    remedy = "Correct the header: one line such as ##reference=GRCh38."
    if len(named) > 1:
        told = " and ".join(f"{build} ({where})" for build, where in named.items())
        raise BadInputError(f"The file names two genome builds: {told}.", where=file.name, remedy=remedy)
    builds = dict.fromkeys([*named, transcript.assembly, *transcript.other_assemblies.values()])
    fitting = {build: where for build in builds if (where := _fits(file, rows, build, pack))}
    build = next(iter(named or fitting or [transcript.assembly]))
    if (
        named
        and fitting
        and build not in fitting
        and not any(_genomic(file, line, build, pack) for line in rows)
    ):
        other, where = next(iter(fitting.items()))
        what = f"The file names {build} ({named[build]}), but {where} has a base of {pack.gene} in {other}."
        raise BadInputError(what, where=file.name, remedy=remedy)
    if not named and len(fitting) > 1:
        told = " and ".join(f"{one} ({where})" for one, where in fitting.items())
        what = f"The file names no genome build, and rows have the bases of {pack.gene} in {told}."
        raise BadInputError(what, where=file.name, remedy=remedy)
    return build


def _fits(file: _File, rows: Sequence[_Line], build: str, pack: TargetPack) -> str:
    """The first row that is coding on a build, if each such row has the transcript's bases; else empty."""
    try:
        inside = [(line, place) for line in rows if (place := _genomic(file, line, build, pack))]
    except BadInputError:
        return ""
    if any(line.reference != _shown(place, pack) for line, place in inside):
        return ""
    return inside[0][0].where if inside else ""


def _genomic(file: _File, line: _Line, build: str, pack: TargetPack) -> tuple[int, int] | None:
    """First and last coding base of a reference allele on the chromosome; None if not all of it is coding."""
    transcript = pack.transcript
    names = {transcript.chromosome.lower(), transcript.chromosome.lower().removeprefix("chr")} - {""}
    accessions = {transcript.genomic_accession, *transcript.other_assemblies}
    if line.chromosome.lower() not in names and line.chromosome not in accessions:
        return None
    try:
        start = lifted(line.position, build, pack)
    except UnsupportedVariantError as error:
        what = f"These are {build} coordinates."
        raise BadInputError(what, where=file.builds.get(build, line.where), remedy=error.remedy) from None
    bases = [file.index.get(start + offset, 0) for offset in range(len(line.reference))]
    if 0 in bases or max(bases) - min(bases) != len(bases) - 1:
        return None
    return min(bases), max(bases)


def _place(file: _File, line: _Line, build: str, cds_start: int, pack: TargetPack) -> tuple[int, int] | None:
    """First and last coding base of the reference allele; None if not all of it is coding."""
    transcript = pack.transcript
    if line.chromosome not in {transcript.accession, *transcript.equivalents}:
        return _genomic(file, line, build, pack)
    first = line.position - cds_start + 1
    last = first + len(line.reference) - 1
    return (first, last) if first >= 1 and last <= len(transcript.cds) else None


def _shown(place: tuple[int, int], pack: TargetPack) -> str:
    """The transcript's bases as the chromosome has them."""
    return _oriented(pack.transcript.cds[place[0] - 1 : place[1]], pack)


def _oriented(bases: str, pack: TargetPack) -> str:
    return bases if pack.transcript.strand == "+" else bases.translate(_COMPLEMENT)[::-1]


def _check_reference(line: _Line, place: tuple[int, int], pack: TargetPack) -> None:
    shown = _shown(place, pack)
    if line.reference != shown:
        raise BadInputError(
            f"The reference (column 4) is not {pack.gene}'s, which has {shown[:30]} there.",
            where=line.where,
            remedy="Check the build, and --cds-start for positions on the transcript.",
        )


def _seen(
    file: _File, line: _Line, sample: _Sample, place: tuple[int, int], pack: TargetPack
) -> Iterable[Seen]:
    """What one sample carries of one row."""
    where = f"{line.where}, column {sample.column + 1}" if sample.column else line.where
    fields = _fields(line, sample, where)
    info = dict(part.partition("=")[::2] for part in line.fields[7].split(";"))
    alleles = (line.reference, *line.fields[4].upper().split(","))
    genotype = _genotype(fields, len(alleles), where)
    for index, allele in enumerate(alleles[1:], start=1):
        if allele in _UNSPECIFIED:
            continue
        if not _BASES.fullmatch(allele):
            file.note(line.number, "an alternative was left out, which is not a plain sequence")
            continue
        share = _share(file, fields, info, alleles, index, where)
        carried = genotype is not None and index in genotype
        if genotype is not None and not carried:
            if share.value:
                told = f"{sample.name}: " if not file.alone else ""
                what = "no call by the genotype, though reads show the variant"
                file.note(line.number, f"{told}{what} ({100 * share.value:.3g} %)")
            continue
        if share.value == 0 and carried:
            note = "The genotype calls it, and no read shows it."
            share = Share(None, share.depth, note, contradicted=True)
        if share.value == 0 or (genotype is None and share.value is None and not file.alone):
            if share.value is None:
                file.note(line.number, "neither genotype nor reads say which sample carries it: left out")
            continue
        notes = [] if share.value is not None or share.note else ["Its fields state no share in the sample."]
        filters = [text for text in (line.fields[6], fields.get("FT", "")) if text not in {"PASS", ".", ""}]
        notes += [f"The file's filter is {text[:60]}." for text in filters]
        yield replace(
            seen_replacement(*place, _oriented(allele, pack), pack),
            share=share,
            molecule=_molecule(fields, index),
            everywhere=set(genotype or ()) == {index} and "." not in fields.get("GT", ""),
            notes=tuple(notes),
            doubtful=bool(filters),
            line=line.number,
        )


def _fields(line: _Line, sample: _Sample, where: str) -> dict[str, str]:
    if not sample.column:
        return {}
    keys, values = line.fields[8].split(":"), line.fields[sample.column].split(":")
    if len(values) > len(keys):
        raise BadInputError("The sample has more fields than FORMAT names.", where=where, remedy=REMEDY)
    return dict(zip(keys, values, strict=False)) if values != [""] else {"GT": "."}


def _genotype(fields: Mapping[str, str], alleles: int, where: str) -> tuple[int, ...] | None:
    """Indices of the alleles of the genotype, without missing ones; None if the row states no genotype."""
    text = "." if set(fields.values()) == {"."} else fields.get("GT")
    if text is None:
        return None
    if not _GENOTYPE.fullmatch(text or "."):
        raise BadInputError("GT is no genotype such as 0/1.", where=where, remedy=REMEDY)
    found = tuple(int(part) for part in re.findall("[0-9]+", text))
    if max(found, default=0) >= alleles:
        raise BadInputError("GT names an allele that the row does not have.", where=where, remedy=REMEDY)
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
    file: _File,
    fields: Mapping[str, str],
    info: Mapping[str, str],
    alleles: tuple[str, ...],
    index: int,
    where: str,
) -> Share:
    """The share by the sample's own fields, or by what INFO counts in a file of at most one sample."""
    share = share_of_fields(fields, alleles, index, where)
    if share.value is not None or share.contradicted or not file.alone:
        return share
    keys = {"AF", "DP"} if file.info_share and not fields else {"DP4", "AD", "AO", "RO", "DP", "FAO", "FDP"}
    counted = {key: value for key, value in {**info, **fields}.items() if key in keys}
    return share_of_fields(counted, alleles, index, where)
