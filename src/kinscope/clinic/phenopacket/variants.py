"""The variant of a descriptor, from every way in which the schema can carry one; they must agree.

Expressions, VCF records and alleles (phenopacket-schema.readthedocs.io, VariationDescriptor; VRS 1.2,
vrs.ga4gh.org) become HGVS, which :mod:`kinscope.variants` reads and checks against the sequence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kinscope.clinic.case.terms import of_target
from kinscope.clinic.phenopacket.write import GENES
from kinscope.core.errors import BadInputError, UnsupportedVariantError, VariantError
from kinscope.targets.pack import TargetPack
from kinscope.variants import parse_variant
from kinscope.variants.build import refget_accession
from kinscope.variants.isoforms import resolve_accession

if TYPE_CHECKING:
    from phenopackets import Allele, VariationDescriptor, VcfRecord

CHECKED = ("hgvs", "hgvs.c", "hgvs.g", "hgvs.p", "spdi", "vcfRecord", "variation")
"""What must fit the sequence; other expressions and labels are read where they can be."""
REFGET = {
    "SQ.KEO-4XBcm1cxeo_DIQ8_ofqGUkp4iZhI": "NC_000009.12",
    "SQ.HBckYGQ4wYG9APHLpjoQ9UUe9v7NxExt": "NC_000009.11",
}
"""Digests of chromosome 9 in GRCh38 and GRCh37 (samtools.github.io/hts-specs/refget.html)."""
GENE_IDS = {"ABL1": ("NCBIGene:25", "ENSEMBL:ENSG00000097007", "ENSG00000097007")}
BUILDS = {"38": "GRCh38", "37": "GRCh37", "19": "GRCh37", "36": "NCBI36", "18": "NCBI36"}
_ASSEMBLY = re.compile(r"(?:grch|hg|ncbi|build|hs|b|human_g1k_v)?\s*(38|37|19|36|18)(?!\d).*", re.IGNORECASE)
_SHARE = re.compile(r"(?:variant[-_ ]?)?allele[-_ ]?(?:frequency|fraction)|vaf", re.IGNORECASE)
_PER_CENT = re.compile(r"\s*([0-9]{1,3}(?:\.[0-9]+)?)\s*%\s*")
_BASES = re.compile("[ACGTN]*")


def variant_finding(
    descriptor: VariationDescriptor,
    pack: TargetPack,
    fail: Callable[[str], BadInputError],
    told: Counter[str],
) -> dict[str, Any] | None:
    """The finding of a case that a descriptor stands for; None where it is of another gene or cannot be read.

    ``fail`` makes the error of what contradicts itself; ``told`` counts what is to be told of variants.
    """
    gene = descriptor.gene_context
    named = {of_target(gene.symbol, pack)} if gene.symbol else set()
    if gene.value_id and (gene.value_id.startswith("HGNC:") or not gene.symbol):
        named.add(gene.value_id == GENES.get(pack.gene) or gene.value_id in GENE_IDS.get(pack.gene, ()))
    if len(named) > 1:
        raise fail("geneContext names one gene by its symbol and another by its valueId.")
    if False in named:
        told["of other genes, left out"] += 1
        return None
    ours = True in named
    found: dict[str, str] = {}
    chosen, strayed, failed, readable = "", "", "", ours
    for name, kind, text in _carriers(descriptor, pack, fail):
        try:
            short = parse_variant(text, pack).short
        except VariantError as error:
            failed = failed or (text if kind else "")
            if kind in CHECKED and text:
                place = _place(text, pack)
                understood = isinstance(error, UnsupportedVariantError)
                other_build = text.partition(":")[0] in pack.transcript.other_assemblies
                readable |= other_build or (place != "elsewhere" and not understood)
                strayed = strayed or name * (bool(place) and "?" not in text)
            if kind:
                told[f"whose {kind} was not read"] += 1
            continue
        chosen = chosen or text
        found.setdefault(short, name)
    said = [f"{name} is {short}" for short, name in found.items()]
    if len(said) > 1 or (said and strayed):
        said += [f"{strayed} is no such substitution of the sequence"] * bool(strayed)
        raise fail(f"Descriptions of one variant contradict each other: {', '.join(said)}.")
    if not chosen and not (readable and failed):
        told[f"that are no substitution of {pack.gene} in HGVS, a VCF record or an allele, left out"] += 1
        return None
    if chosen and not (
        ours or re.search(r":|[0-9]-[0-9]", chosen) or of_target(chosen.partition(" ")[0], pack)
    ):
        told[f"without gene or sequence, read as {pack.gene}"] += 1
    for field in ("allelic_state", "structural_type"):
        if descriptor.HasField(field):
            name = descriptor.DESCRIPTOR.fields_by_name[field].camelcase_name
            told[f"whose {name} was not read"] += 1
    finding = {"kind": "mutation", "detected": True, "expression": (chosen or failed)[:400]}
    return finding | {"gene": pack.gene, "at": {"day": 0}, "share_percent": _share(descriptor, told)}


def _place(text: str, pack: TargetPack) -> str:
    """Whether a description counts ``here``, on the target or on nothing named, or on another chromosome."""
    chromosome = re.match(r"(?:chr|NC_0+)([0-9]{1,2}|[XY])\b", text)
    if chromosome and chromosome[1] != pack.transcript.chromosome.removeprefix("chr"):
        return "elsewhere"
    accession = text.rpartition(":")[0].partition("(")[0].strip()
    try:
        return "here" if not accession or resolve_accession(accession, pack) else ""
    except VariantError:
        return "here" if of_target(accession, pack) else ""


def _carriers(
    descriptor: VariationDescriptor, pack: TargetPack, fail: Callable[[str], BadInputError]
) -> Iterator[tuple[str, str, str]]:
    """Place, kind and text of each description, empty where it is none that can be put as a text.

    What has no kind is free text, which need not name a variant.
    """
    references = [e.value for e in descriptor.expressions if e.syntax.lower() == "transcript_reference"]
    for number, expression in enumerate(descriptor.expressions):
        kind, text = expression.syntax.lower().replace("_", "."), expression.value
        if kind == "transcript.reference" or not text:
            continue
        if kind == "spdi" and text.count(":") == 3:
            accession, start, deleted, inserted = text.split(":")
            text = ""
            if re.fullmatch("[0-9]{1,12}", start):
                length = int(deleted) if re.fullmatch("[0-9]{1,3}", deleted) else len(deleted)
                text = _on(accession, int(start), length, (deleted.strip("0123456789"), inserted), pack)
        elif references and text.startswith("c."):
            text = f"{references[0]}:{text}"
        if kind in CHECKED:
            yield f"expressions[{number}] ({kind})", kind, text
        else:
            yield f"expressions[{number}]", "expression in another syntax", text
    if descriptor.HasField("vcf_record"):
        yield "vcfRecord", "vcfRecord", _row(descriptor.vcf_record, pack, fail)
    form = descriptor.variation.WhichOneof("variation")
    if form == "allele":
        yield (
            "variation",
            "variation",
            _allele(descriptor.variation.allele, descriptor.vrs_ref_allele_seq, pack),
        )
    elif form == "text":
        yield "variation.text", "", descriptor.variation.text.definition
    elif form:
        field = descriptor.variation.DESCRIPTOR.fields_by_name[form].camelcase_name
        yield "variation", field, ""
    for label in (descriptor.label, *descriptor.alternate_labels):
        yield "label", "", label


def _row(record: VcfRecord, pack: TargetPack, fail: Callable[[str], BadInputError]) -> str:
    """A VCF record as HGVS; empty for symbolic and several alleles, and in an assembly that is not known."""
    here = pack.transcript
    named = _ASSEMBLY.fullmatch(record.genome_assembly.strip())
    build = BUILDS[named[1]] if named else ""
    accessions = {here.genomic_accession: here.assembly} | here.other_assemblies
    sequence = record.chrom.strip()
    if record.genome_assembly and not build:
        return ""
    if build and accessions.get(sequence, build) != build:
        raise fail(f"vcfRecord: chrom is a sequence of {accessions[sequence]}, genomeAssembly is {build}.")
    number = sequence.lower().removeprefix("chr")
    if number == here.chromosome.removeprefix("chr"):
        sequence = next((key for key, name in accessions.items() if name == build), f"chr{number}")
    elif number == sequence.lower() and not sequence.startswith("NC_"):
        sequence = f"chr{sequence}"
    deleted, inserted, start = record.ref.upper(), record.alt.upper(), record.pos - 1
    if not (deleted and inserted and _BASES.fullmatch(deleted + inserted)):
        return ""
    while deleted and inserted and deleted[-1] == inserted[-1]:
        deleted, inserted = deleted[:-1], inserted[:-1]
    while deleted and inserted and deleted[0] == inserted[0]:
        deleted, inserted, start = deleted[1:], inserted[1:], start + 1
    return _on(sequence, start, len(deleted), (deleted, inserted), pack)


def _allele(allele: Allele, deleted: str, pack: TargetPack) -> str:
    """A literal allele at a place of a sequence as HGVS; empty for any other."""
    where = allele.sequence_location
    state = allele.WhichOneof("state") or ""
    if state not in ("literal_sequence_expression", "sequence_state"):
        return ""
    if where.WhichOneof("interval") == "simple_interval":
        start, end = where.simple_interval.start, where.simple_interval.end
    elif where.sequence_interval.HasField("start_number") and where.sequence_interval.HasField("end_number"):
        start, end = where.sequence_interval.start_number.value, where.sequence_interval.end_number.value
    else:
        return ""
    name = where.sequence_id.rpartition(":")[2]
    if name == refget_accession(pack.transcript.protein):
        name = pack.transcript.protein_accession
    changed = deleted if len(deleted) == end - start else "", getattr(allele, state).sequence
    return _on(REFGET.get(name, name), start, end - start, changed, pack) if end >= start else ""


def _on(accession: str, start: int, length: int, changed: tuple[str, str], pack: TargetPack) -> str:
    """A change of a chromosome or of the target's protein as HGVS; empty on any other sequence.

    ``length`` letters go after the first ``start``; ``changed`` are those, where they are given, and the new.
    """
    deleted, inserted = (letters.upper() for letters in changed)
    if accession == pack.transcript.protein_accession and length == len(inserted) == 1:
        there = deleted or pack.transcript.protein[start : start + 1]
        return f"{accession}:p.{there}{start + 1}{inserted}"
    if not accession.startswith(("NC_", "chr")):
        return ""
    if length == len(deleted) == len(inserted) == 1:
        return f"{accession}:g.{start + 1}{deleted}>{inserted}"
    if not length:
        return f"{accession}:g.{start}_{start + 1}ins{inserted}"
    place = f"{start + 1}" + f"_{start + length}" * (length > 1)
    return f"{accession}:g.{place}del{deleted}" + f"ins{inserted}" * bool(inserted)


def _share(descriptor: VariationDescriptor, told: Counter[str]) -> float | None:
    """The share of the variant, from an extension with a per cent sign: without one its unit is a guess."""
    for extension in descriptor.extensions:
        if not _SHARE.fullmatch(extension.name.strip()):
            told["with extensions that were not read"] += 1
        elif (share := _PER_CENT.fullmatch(extension.value)) and float(share[1]) <= 100:
            return float(share[1])
        else:
            told["whose allele frequency has no per cent sign, so that it was not read"] += 1
    return None
