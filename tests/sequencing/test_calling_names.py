"""HGVS names with published answers, VCF and tables, and their bad input."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import BadInputError
from kinscope.sequencing import read_calls
from kinscope.sequencing.calling.naming import Replacement, most_3prime, name_bases, name_indel
from kinscope.sequencing.reported.calls import named_replacement, wilson
from kinscope.targets import load_target
from kinscope.variants import parse_variant

PACK = load_target()
CDS = PACK.transcript.cds


@pytest.mark.parametrize(
    ("changes", "coding", "protein"),
    [
        ({944: "T"}, "c.944C>T", "p.Thr315Ile"),
        ({1210: "G"}, "c.1210A>G", "p.Lys404Glu"),
        ({763: "A"}, "c.763G>A", "p.Glu255Lys"),
        ({943: "T", 944: "T"}, "c.943_944delinsTT", "p.Thr315Phe"),
        ({945: "C" if CDS[944] != "C" else "T"}, None, "p.Thr315="),
    ],
)
def test_bases_are_named_as_in_the_literature(
    changes: dict[int, str], coding: str | None, protein: str
) -> None:
    named = name_bases(changes, PACK)
    assert named.hgvs_p == f"NP_005148.2:{protein}"
    if coding:
        assert named.hgvs_c == f"NM_005157.6:{coding}"
        assert parse_variant(named.assess_expression, PACK).hgvs_p == named.hgvs_p
    else:
        assert named.kind == "synonymous"
        assert named.assess_expression == ""


def test_the_exon_7_deletion_has_its_published_protein_name() -> None:
    """R362fs*21 in the literature on BCR::ABL1 splice variants: a stop as the 21st codon."""
    named = name_indel(Replacement(1086, 1270, ""), PACK)
    assert named.hgvs_c == "NM_005157.6:c.1086_1270del"
    assert named.hgvs_p == "NP_005148.2:p.Arg362SerfsTer21"


def test_unread_inserted_bases_give_no_invented_protein() -> None:
    named = name_indel(Replacement(1424, 1423, "N" * 35), PACK)
    assert named.hgvs_c == "NM_005157.6:c.1423_1424insN[35]"
    assert named.hgvs_p.endswith("p.?")


@settings(max_examples=200, deadline=None)
@given(first=st.integers(600, 1500), lost=st.integers(0, 6), gained=st.text("ACGT", max_size=6))
def test_the_most_3prime_description_is_the_same_molecule(first: int, lost: int, gained: str) -> None:
    def molecule(change: Replacement) -> str:
        return CDS[: change.first - 1] + change.inserted + CDS[change.last :]

    change = Replacement(first, first + lost - 1, gained)
    moved = most_3prime(change, CDS)
    assert molecule(moved) == molecule(change)
    assert moved.shift == change.shift
    assert most_3prime(moved, CDS) == moved


@settings(max_examples=100, deadline=None)
@given(first=st.integers(600, 1500), size=st.integers(1, 9))
def test_a_copy_of_what_stands_before_is_a_duplication(first: int, size: int) -> None:
    copy = CDS[first - 1 - size : first - 1]
    named = name_indel(Replacement(first, first - 1, copy), PACK)
    assert named.hgvs_c.endswith("dup")
    assert ("fs" in named.hgvs_p) or ("Ter" in named.hgvs_p) or size % 3 == 0


def test_wilson_interval_of_a_textbook_case() -> None:
    """Ten of a hundred: 5.5 to 17.4 % (Newcombe RG 1998, Stat Med 17:857, method 3)."""
    low, high = wilson(10, 100)
    assert low == pytest.approx(5.52, abs=0.02)
    assert high == pytest.approx(17.44, abs=0.02)


HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n"
T315I = PACK.transcript.genomic_positions[943]
K404E = PACK.transcript.genomic_positions[1209]


def vcf(tmp_path: Path, *lines: str, head: str = HEAD) -> Path:
    path = tmp_path / "calls.vcf"
    path.write_text(head + "".join(line + "\n" for line in lines))
    return path


def test_a_vcf_on_grch38_gives_named_calls_with_shares(tmp_path: Path) -> None:
    path = vcf(
        tmp_path,
        f"chr9\t{T315I}\t.\tC\tT\t99\tPASS\t.\tGT:AD:DP\t0/1:900,100:1000",
        f"9\t{K404E}\t.\tA\tG\t99\tLowQual\tAF=0.03;DP=500\tGT\t0/1",
        "chr22\t23289621\t.\tA\tG\t99\tPASS\t.\tGT\t0/1",
    )
    found = read_calls(path, PACK)
    assert [call.hgvs_c for call in found.calls] == ["NM_005157.6:c.944C>T", "NM_005157.6:c.1210A>G"]
    assert found.calls[0].share_percent == pytest.approx(10)
    assert found.calls[0].depth == 1000
    assert found.calls[0].share_low_percent == pytest.approx(8.3, abs=0.1)
    assert found.calls[1].status == "to be confirmed"
    assert found.calls[1].share_percent == pytest.approx(3)
    assert len(found.notes) == 1
    assert found.notes[0].startswith("Line 5: left out")
    assert "calls.vcf" not in found.model_dump_json()


def test_a_packed_vcf_and_one_on_the_transcript(tmp_path: Path) -> None:
    packed = tmp_path / "calls.vcf.gz"
    packed.write_bytes(gzip.compress((HEAD + f"chr9\t{T315I}\t.\tC\tT\t9\tPASS\t.\tGT\t0/1\n").encode()))
    assert read_calls(packed, PACK).calls[0].short == "p.Thr315Ile"
    path = vcf(tmp_path, "NM_005157.6\t1136\t.\tC\tT\t9\tPASS\tAF=0.2\tGT\t0/1")
    assert read_calls(path, PACK, cds_start=193).calls[0].short == "p.Thr315Ile"


def test_indels_of_a_vcf_are_trimmed_and_named(tmp_path: Path) -> None:
    first = PACK.transcript.genomic_positions[1099]
    path = vcf(tmp_path, f"chr9\t{first}\t.\t{CDS[1099:1103]}\t{CDS[1099]}\t9\tPASS\t.\tGT\t0/1")
    (call,) = read_calls(path, PACK).calls
    assert call.kind == "deletion"
    assert call.hgvs_c == name_indel(Replacement(1101, 1103, ""), PACK).hgvs_c
    assert named_replacement(1100, 1103, CDS[1099], PACK).hgvs_c == call.hgvs_c


GOOD = f"chr9\t{T315I}\t.\tC\tT\t99\tPASS\tAF=0.1\tGT\t0/1"
BAD_VCF = {
    "too few columns": "chr9\t1\t.\tC",
    "too many columns": GOOD + "\tmore",
    "position of letters": GOOD.replace(str(T315I), "here"),
    "position zero": GOOD.replace(str(T315I), "0"),
    "endless position": GOOD.replace(str(T315I), "9" * 400),
    "wrong reference": GOOD.replace("\tC\tT", "\tG\tT"),
    "no reference": GOOD.replace("\tC\tT", "\t\tT"),
    "reference of digits": GOOD.replace("\tC\tT", "\t12\tT"),
    "share above one": GOOD.replace("AF=0.1", "AF=7"),
    "share of letters": GOOD.replace("AF=0.1", "AF=low"),
    "zero byte": GOOD + "\0",
    "GRCh37": "##reference=GRCh37",
}


@pytest.mark.parametrize("damage", BAD_VCF)
def test_a_bad_vcf_gives_the_line(tmp_path: Path, damage: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read_calls(vcf(tmp_path, GOOD, BAD_VCF[damage]), PACK)
    assert "line 4" in caught.value.where


def test_a_vcf_without_its_head_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        read_calls(vcf(tmp_path, head="##fileformat=VCFv4.2\n"), PACK)


@pytest.mark.parametrize(
    "text",
    [
        "hgvs_c,vaf,depth\nc.944C>T,0.25,800\n",
        "hgvs_p;VAF (%);Depth\np.Thr315Ile;25;800\n",
        "# made by hand\nVariant\tVAF\tDP\nT315I\t25%\t800\n",
        "coding,share,reads\n944C>T,25 %,800\n",
    ],
)
def test_tables_in_the_spellings_of_laboratories(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(text)
    (call,) = read_calls(path, PACK).calls
    assert call.short == "p.Thr315Ile"
    assert call.share_percent == pytest.approx(25)
    assert call.depth == 800
    assert parse_variant(call.assess_expression, PACK).short == "T315I"


def test_a_synonymous_row_is_kept_with_the_reason(tmp_path: Path) -> None:
    base = "C" if CDS[944] != "C" else "T"
    path = tmp_path / "calls.csv"
    path.write_text(f"c,vaf\nc.945{CDS[944]}>{base},0.5\n")
    (call,) = read_calls(path, PACK).calls
    assert call.kind == "synonymous"
    assert call.assess_expression == ""
    assert any("synonymous" in note for note in call.notes)


BAD_TABLES = {
    "empty": "",
    "no description": "vaf,depth\n0.2,100\n",
    "head line only of numbers": "1,2,3\n4,5,6\n",
    "wrong reference base": "c,vaf\nc.944G>T,0.2\n",
    "no such residue": "p,vaf\np.Thr5315Ile,0.2\n",
    "wrong residue": "p,vaf\np.Ala315Ile,0.2\n",
    "share of letters": "c,vaf\nc.944C>T,much\n",
    "share above one hundred": "c,vaf\nc.944C>T,180\n",
    "negative share": "c,vaf\nc.944C>T,-0.1\n",
    "depth of letters": "c,vaf,depth\nc.944C>T,0.2,deep\n",
    "row without variant": "c,vaf\n,0.2\n",
    "other gene": "c,vaf\nNM_000059.4:c.1210A>G,0.2\n",
}


@pytest.mark.parametrize("damage", BAD_TABLES)
def test_a_bad_table_gives_the_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(BAD_TABLES[damage])
    with pytest.raises(BadInputError) as caught:
        read_calls(path, PACK)
    assert damage == "empty" or "line " in caught.value.where or damage == "other gene"
