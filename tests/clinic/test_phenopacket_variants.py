"""Variants of a packet: every way in which the schema can carry one is read, compared, or named as unread."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.clinic.course.compute import study_case
from kinscope.clinic.course.result import CaseResult
from kinscope.clinic.phenopacket.open import case_of_text
from kinscope.core.errors import BadInputError
from kinscope.targets import load_target
from kinscope.variants import parse_variant

PACK = load_target("abl1")
CHR9, PROTEIN = "refseq:NC_000009.12", "refseq:NP_005148.2"
C944T = ("hgvs.c", "NM_005157.6:c.944C>T")


def said(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"expressions": [{"syntax": syntax, "value": value} for syntax, value in pairs]} | more


def row(chrom: str, pos: int, ref: str, alt: str, build: str = "GRCh38") -> dict[str, Any]:
    record = {"genomeAssembly": build, "chrom": chrom, "pos": str(pos), "ref": ref, "alt": alt}
    return {"vcfRecord": {key: value for key, value in record.items() if value}}


def allele(sequence: str, start: int, end: int, new: str, **more: Any) -> dict[str, Any]:
    ends = {"startNumber": {"value": str(start)}, "endNumber": {"value": str(end)}}
    where = {"sequenceId": sequence, "sequenceInterval": ends}
    state = {"sequence": new}
    return {"variation": {"allele": {"sequenceLocation": where, "literalSequenceExpression": state}}} | more


def packet(*descriptors: dict[str, Any], status: str = "CAUSATIVE", **parts: Any) -> str:
    disease = {"id": "ICD10:C92.1", "label": "Chronic myeloid leukaemia"}
    genomic = [
        {
            "subjectOrBiosampleId": "sample 1" if "biosamples" in parts else "A",
            "interpretationStatus": status,
            "variantInterpretation": {"variationDescriptor": descriptor},
        }
        for descriptor in descriptors
    ]
    content = {
        "subject": {"id": "A", "timeAtLastEncounter": {"timestamp": "2022-02-02T00:00:00Z"}},
        "interpretations": [
            {"id": "i", "diagnosis": {"disease": disease, "genomicInterpretations": genomic}}
        ],
        "metaData": {"created": "2023-01-01T00:00:00Z", "phenopacketSchemaVersion": "2.0"},
    }
    return json.dumps(content | parts)


def studied(*descriptors: dict[str, Any], **parts: Any) -> CaseResult:
    return study_case(case_of_text(packet(*descriptors, **parts), "packet"), PACK)


SIMPLE = {
    "sequenceLocation": {"sequenceId": CHR9, "simpleInterval": {"start": 130872895, "end": "130872896"}},
    "sequenceState": {"sequence": "T"},
}


@pytest.mark.parametrize(
    ("descriptor", "short"),
    [
        (said(C944T), "T315I"),
        (said(("hgvs.p", "NP_005148.2:p.(Thr315Ile)")), "T315I"),
        (said(("hgvs", "NM_005157.6:c.763G>A")), "E255K"),
        (said(("HGVS_c", "NM_005157.6:c.763G>A")), "E255K"),
        (said(("hgvs.g", "NC_000009.12:g.130872896C>T")), "T315I"),
        (said(("spdi", "NC_000009.12:130872895:C:T")), "T315I"),
        (said(("spdi", "NC_000009.12:130872895:1:T")), "T315I"),
        (said(("hgvs.c", "c.1001C>T"), ("transcript_reference", "NM_007313.3")), "T315I"),
        (said(C944T, ("iscn", "t(9;22)(q34;q11)"), ("hgvs.r", "r.944c>u")), "T315I"),
        (said(C944T, ("hgvs.c", "ENST00000999999.1:c.1C>T")), "T315I"),
        (row("chr9", 130872896, "C", "T"), "T315I"),
        (row("9", 130872896, "c", "t", "hg38"), "T315I"),
        (row("NC_000009.12", 130872896, "C", "T", ""), "T315I"),
        (row("9", 130872895, "AC", "AT", "GRCh38.p14"), "T315I"),
        (row("9", 130872895, "AC", "GT", "b38"), "T315V"),
        (row("9", 130872896, "CTG", "TTG"), "T315I"),
        (allele(CHR9, 130872895, 130872896, "T"), "T315I"),
        (allele(CHR9, 130872895, 130872896, "T", vrsRefAlleleSeq="C"), "T315I"),
        (allele(CHR9, 130872894, 130872896, "GT"), "T315V"),
        (allele("ga4gh:SQ.KEO-4XBcm1cxeo_DIQ8_ofqGUkp4iZhI", 130872895, 130872896, "T"), "T315I"),
        (allele(PROTEIN, 314, 315, "I"), "T315I"),
        ({"variation": {"allele": SIMPLE}}, "T315I"),
        ({"variation": {"text": {"definition": "ABL1 p.T315I"}}}, "T315I"),
        ({"label": "ABL1 T315I"}, "T315I"),
        ({"label": "a gatekeeper", "alternateLabels": ["rs121913459", "ABL1 T315I"]}, "T315I"),
        (said(C944T, label="BCR::ABL1 T315I, resistant", description="free text"), "T315I"),
        (said(C944T, geneContext={"valueId": "HGNC:76", "symbol": "ABL1"}), "T315I"),
        (said(C944T, geneContext={"symbol": "BCR::ABL1"}), "T315I"),
        (said(("hgvs.c", "c.944C>T"), geneContext={"valueId": "NCBIGene:25"}), "T315I"),
    ],
)
def test_a_variant_is_read_from_whatever_carries_it(descriptor: dict[str, Any], short: str) -> None:
    (variant,) = studied(descriptor).variants
    assert (variant.short, variant.problem) == (short, "")


@pytest.mark.parametrize(
    ("descriptor", "named"),
    [
        (said(C944T, ("hgvs.p", "NP_005148.2:p.Glu255Lys")), ("(hgvs.c) is T315I", "(hgvs.p) is E255K")),
        (said(C944T, ("hgvs.p", "p.Thr316Ile")), ("(hgvs.c) is T315I", "(hgvs.p) is no such")),
        (said(C944T, ("hgvs.g", "NC_000009.12:g.130872896G>T")), ("T315I", "(hgvs.g) is no such")),
        (said(C944T) | row("9", 130862976, "G", "A"), ("T315I", "vcfRecord is E255K")),
        (said(C944T) | row("9", 130872896, "A", "T"), ("T315I", "vcfRecord is no such")),
        (said(C944T) | row("1", 130872896, "C", "T"), ("T315I", "vcfRecord is no such")),
        (said(C944T) | allele(PROTEIN, 314, 315, "A"), ("T315I", "variation is T315A")),
        (
            said(C944T) | allele(CHR9, 130872895, 130872896, "T", vrsRefAlleleSeq="G"),
            ("variation is no such",),
        ),
        (said(C944T, label="ABL1 E255K"), ("(hgvs.c) is T315I", "label is E255K")),
        (row("NC_000009.11", 133748283, "C", "T"), ("GRCh37", "GRCh38")),
        (said(C944T, geneContext={"symbol": "ABL1", "valueId": "HGNC:11998"}), ("symbol", "valueId")),
    ],
)
def test_descriptions_of_one_variant_that_disagree_are_both_named(
    descriptor: dict[str, Any], named: tuple[str, ...]
) -> None:
    with pytest.raises(BadInputError) as caught:
        case_of_text(packet(descriptor), "packet")
    assert all(word in caught.value.what for word in named), caught.value.what
    assert "genomicInterpretations[0]" in caught.value.where


@pytest.mark.parametrize(
    ("descriptor", "note"),
    [
        (said(("hgvs.c", "c.944C>T"), geneContext={"symbol": "TP53"}), "1 of other genes"),
        (said(("hgvs.c", "c.944C>T"), geneContext={"valueId": "HGNC:11998"}), "1 of other genes"),
        (said(("hgvs.c", "c.944C>T"), geneContext={"valueId": "ENSG00000141510"}), "1 of other genes"),
        (said(("hgvs.c", "NM_000546.6:c.944C>T")), "left out"),
        (row("13", 130872896, "C", "T"), "left out"),
        (row("9", 130872896, "C", "<DEL>"), "left out"),
        (row("9", 130872896, "C", "T", "T2T-CHM13v2.0"), "vcfRecord was not read"),
        (row("9", 130872896, "C", "T,G"), "left out"),
        (allele("refseq:NM_005157.6", 1137, 1138, "T"), "left out"),
        (
            {"variation": {"copyNumber": {"gene": {"geneId": "HGNC:76"}, "number": {"value": "1"}}}},
            "copyNumber",
        ),
        ({"variation": {"haplotype": {"members": []}}}, "haplotype"),
        ({"variation": {"variationSet": {"members": []}}}, "variationSet"),
        ({"variation": {"allele": {"curie": "ga4gh:VA.x"}}}, "variation was not read"),
        ({"label": "BCR::ABL1 fusion", "structuralType": {"id": "SO:0001565"}}, "left out"),
        ({"id": "rs121913459"}, "left out"),
    ],
)
def test_what_is_no_substitution_of_the_target_is_left_out_and_said(
    descriptor: dict[str, Any], note: str
) -> None:
    result = studied(descriptor)
    assert result.variants == ()
    assert any(note in text for text in result.case.notes)


@pytest.mark.parametrize(
    ("descriptor", "problem"),
    [
        (row("9", 130872896, "G", "T"), "has C, not G"),
        (row("9", 130700000, "G", "T", "hg18"), "NCBI36"),
        (said(("hgvs.c", "NM_005157.6:c.1086-1G>A"), geneContext={"symbol": "ABL1"}), "intron"),
    ],
)
def test_a_variant_of_the_target_that_cannot_be_used_stays_and_says_why(
    descriptor: dict[str, Any], problem: str
) -> None:
    (variant,) = studied(descriptor).variants
    assert not variant.short
    assert problem in variant.problem


@pytest.mark.parametrize("build", ["hg19", "b37", "hs37d5", "GRCh37.p13"])
def test_grch37_is_lifted(build: str) -> None:
    (variant,) = studied(row("9", 133748283, "C", "T", build)).variants
    assert variant.short == "T315I"


@pytest.mark.parametrize(("position", "build"), [(130872896, "GRCh38"), (133748283, "GRCh37")])
def test_a_place_without_a_build_is_read_where_it_fits_and_that_is_said(position: int, build: str) -> None:
    (variant,) = studied(row("9", position, "C", "T", "")).variants
    assert variant.short == "T315I"
    assert any("No assembly is named" in note and build in note for note in variant.notes)
    (variant,) = studied(row("9", position, "G", "T", "")).variants
    assert "not G" in variant.problem


@pytest.mark.parametrize(
    ("parts", "window", "note"),
    [
        ({}, "2022-02-02", "last encounter"),
        (
            {"biosamples": [{"id": "sample 1", "timeOfCollection": {"timestamp": "2021-05-04T09:00:00Z"}}]},
            "2021-05-04",
            "",
        ),
        ({"biosamples": [{"id": "another"}]}, "2022-02-02", "last encounter"),
        ({"status": "CONTRIBUTORY"}, "2022-02-02", "last encounter"),
        ({"status": "CANDIDATE"}, "2022-02-02", "last encounter"),
        ({"status": "REJECTED"}, "", "1 rejected"),
        ({"biosamples": [{"id": "sample 1", "individualId": "B"}]}, "", "another person"),
    ],
)
def test_status_and_sample_decide_whether_and_when_a_variant_was(
    parts: dict[str, Any], window: str, note: str
) -> None:
    result = studied(said(C944T), **parts)
    assert [result.schedule.window(found.entry) for found in result.variants] == ([window] if window else [])
    assert any(note in text for text in result.case.notes) or not note


def test_a_gene_alone_is_no_variant() -> None:
    data = json.loads(packet(said(C944T)))
    genomic = data["interpretations"][0]["diagnosis"]["genomicInterpretations"]
    genomic[0] = {"subjectOrBiosampleId": "A", "gene": {"valueId": "HGNC:76", "symbol": "ABL1"}}
    result = study_case(case_of_text(json.dumps(data), "packet"), PACK)
    assert result.variants == ()
    assert any("gene only" in note for note in result.case.notes)


@pytest.mark.parametrize(
    ("name", "value", "share"),
    [
        ("allele-frequency", "25.0%", 25.0),
        ("Allele Fraction", "0.8 %", 0.8),
        ("VAF", "0.25", None),
        ("mosaicism", "40.0%", None),
    ],
)
def test_a_share_is_read_where_it_says_its_unit(name: str, value: str, share: float | None) -> None:
    result = studied(said(C944T, extensions=[{"name": name, "value": value}]))
    (finding,) = (entry.finding for entry in result.case.measurements)
    assert finding.kind == "mutation"
    assert finding.share_percent == share
    assert (share is None) == any("extensions" in note or "per cent" in note for note in result.case.notes)


def test_a_case_file_with_a_variant_of_another_gene_does_not_make_it_the_targets() -> None:
    body = (
        "kinscope_case: 1\nid: c\ndisease: cml\nmeasurements:\n"
        "  - {id: v, kind: mutation, when: day 0, detected: true, gene: GENE, expression: c.944C>T}\n"
    )
    found = {
        gene: study_case(case_of_text(body.replace("GENE", gene), "x"), PACK).variants[0].short
        for gene in ("ABL1", "abl", "TP53")
    }
    assert found == {"ABL1": "T315I", "abl": "T315I", "TP53": ""}


@settings(max_examples=60, deadline=None)
@given(st.integers(235, 500), st.integers(0, 2), st.sampled_from("ACGT"), st.sampled_from("ACGT"))
def test_expression_row_allele_and_spdi_give_one_variant(
    residue: int, base: int, new: str, other: str
) -> None:
    """Any substitution of the kinase domain, put four ways, is one; another beside it is a contradiction."""
    number = 3 * residue - 2 + base
    old, pos = PACK.transcript.cds[number - 1], PACK.transcript.genomic_positions[number - 1]
    ways = [
        said(("hgvs.c", f"NM_005157.6:c.{number}{old}>{new}")),
        said(("spdi", f"NC_000009.12:{pos - 1}:{old}:{new}")),
        row("chr9", pos, old, new),
        allele(CHR9, pos - 1, pos, new),
    ]
    try:
        short = parse_variant(f"c.{number}{old}>{new}", PACK).short
    except BadInputError:
        return
    assert {studied(way).variants[0].short for way in ways} == {short}
    (together,) = studied(ways[0] | ways[2] | {"variation": ways[3]["variation"]}).variants
    assert together.short == short
    if other in (old, new):
        return
    try:
        again = parse_variant(f"c.{number}{old}>{other}", PACK).short
    except BadInputError:
        again = "no substitution"
    both = ways[0] | row("9", pos, old, other)
    if again == short:
        assert studied(both).variants[0].short == short
        return
    with pytest.raises(BadInputError, match="contradict each other"):
        case_of_text(packet(both), "packet")
