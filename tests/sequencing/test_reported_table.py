"""Tables of calls as laboratories and programs write them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import BadInputError
from kinscope.sequencing import ReportedCalls, read_calls
from kinscope.targets import load_target
from kinscope.variants import parse_variant

PACK = load_target()
CDS = PACK.transcript.cds
SECRET = "Erika Mustermann"


def read(tmp_path: Path, text: str, name: str = "calls.csv") -> ReportedCalls:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_calls(path, PACK)


def shown(found: ReportedCalls) -> list[tuple[str, float | None, int | None]]:
    """Protein change, share rounded to a tenth of a percent, and depth of each call."""
    shares = (None if call.share_percent is None else round(call.share_percent, 1) for call in found.calls)
    return [
        (call.short.removeprefix("p."), share, call.depth)
        for call, share in zip(found.calls, shares, strict=True)
    ]


SAME = {
    "plain": "hgvs_c,vaf,depth\nc.944C>T,0.25,800\n",
    "percent in the head line": "hgvs_p;VAF (%);Depth\np.Thr315Ile;25;800\n",
    "percent in the cell": "# made by hand\nVariant\tVAF\tDP\nT315I\t25%\t800\n",
    "bare bases": "coding,share,reads\n944C>T,25 %,800\n",
    "decimal comma": "c.;VAF in %;Coverage\nc.944C>T;25,0;800\n",
    "decimal comma, a fraction": "c.;VAF;Coverage\nc.944C>T;0,25;800\n",
    "Ion Reporter": "##fileVersion=5\n# Locus\tGenes\tTranscript\tCoding\tAmino Acid Change\t% Frequency"
    "\tCoverage\n"
    "chr9:133748283\tABL1\tNM_005157.6\tc.944C>T\tp.Thr315Ile\t25.0\t800\n",
    "Torrent's caller": "Gene ID\tAllele Call\tCoding\tFrequency\tCoverage\tAllele Cov\n"
    "ABL1\tHeterozygous\tc.944C>T\t25.0\t800\t200\n",
    "MAF": "#version 2.4\nHugo_Symbol\tTranscript_ID\tHGVSc\tHGVSp\tHGVSp_Short\tt_depth\tt_ref_count"
    "\tt_alt_count\n"
    "ABL1\tENST00000318560\tENST00000318560.5:c.944C>T\tENSP00000323315.5:p.Thr315Ile\tp.T315I\t800\t600\t200\n",
    "MAF of VEP, AF of a population": "SYMBOL\tHGVSc\tt_alt_count\tt_depth\tAF\tgnomAD_AF\n"
    "ABL1\tENST00000318560.5:c.944C>T\t200\t800\t0.0001\t0.0001\n",
    "ANNOVAR": "Chr\tStart\tGene.refGene\tAAChange.refGene\tDP\tVAF\n9\t133748283\tABL1\t"
    "ABL1:NM_007313:exon6:c.C1001T:p.T334I,ABL1:NM_005157:exon6:c.C944T:p.T315I\t800\t0.25\n",
    "VEP": "SYMBOL\tGene\tFeature\tHGVSc\tHGVSp\tAlt Reads\tRef Reads\n"
    "ABL1\tENSG00000097007\tENST00000318560.6\tENST00000318560.6:c.944C>T\tp.Thr315Ile\t200\t600\n",
    "CLC": '"Coding region change","Amino acid change","Count","Coverage","Frequency"\n'
    '"NM_005157.6:c.944C>T","NP_005148.2:p.Thr315Ile","200","800","25.0"\n',
    "SOPHiA": "gene\tc.DNA\tprotein\tdepth\tvar.percent\tvariant fraction\n"
    "ABL1\tc.944C>T\tp.(Thr315Ile)\t800\t25\t0.25\n",
    "Archer": "Symbol,HGVSc,HGVSp,AF,Depth\nABL1,NM_005157.6:c.944C>T,p.T315I,.25,800\n",
    "thousands": 'gene;cDNA;VAF (%);Depth\nABL1;c.944C>T;25;"800,00"\n',
    "isoform 1b in the protein column": "hgvsc,hgvsp,vaf,dp\nNM_007313.3:c.1001C>T,p.Thr334Ile,0.25,800\n",
    "1b protein beside 1a bases": "hgvsc,hgvsp,vaf,dp\nc.944C>T,NP_009297.2:p.Thr334Ile,0.25,800\n",
    "alternative and reference reads": "variant,ref reads,alt reads\nT315I,600,200\n",
    "a title above": "Report;;\nRun 7;;\n\nVariant;VAF [%];Coverage\nT315I;25;800\n",
    "a mark and DOS lines": "\ufeffvariant,vaf,depth\r\nT315I,0.25,800\r\n",
    "a fusion as the gene": "Gene,Variant,VAF,Depth\nBCR::ABL1,T315I,25%,800\n",
    "places of GRCh38 alone": "Chr,Pos,Ref,Alt,VAF,Depth\nchr9,130872896,C,T,0.25,800\n",
    "places of GRCh37 alone": "Chromosome;Position;Ref;Alt;VAF %;Depth\n9;133748283;C;T;25;800\n",
    "places, the build by title": "chrom\tPos (hg19)\tref\talt\taf\tdp\nchr9\t133748283\tc\tt\t0.25\t800\n",
    "places with a comma and a locus": 'Locus,Ref,Observed Allele,VAF,DP\n"chr9:130,872,896",C,T,.25,800\n',
    "MAF without descriptions": "Hugo_Symbol\tNCBI_Build\tChromosome\tStart_Position\tReference_Allele"
    "\tTumor_Seq_Allele2\tt_ref_count\tt_alt_count\nABL1\t37\t9\t133748283\tC\tT\t600\t200\n"
    "TP53\t37\t17\t7577538\tC\tT\t600\t200\n",
    "SnpSift": "CHROM\tPOS\tREF\tALT\tANN[0].GENE\tANN[0].HGVS_C\tVAF\tDP\n"
    "chr9\t130872896\tC\tT\tABL1\tc.1001C>T\t0.25\t800\n",
    "Funcotator on isoform 1b": "Hugo_Symbol\tAnnotation_Transcript\tcDNA_Change\tProtein_Change\ttumor_f"
    "\tt_alt_count\tt_ref_count\n"
    "ABL1\tENST00000372348.7\tc.1001C>T\tp.T334I\t0.25\t200\t600\n",
    "places beside a word": "Chr,Pos,Ref,Alt,Variant,VAF,Depth\n9,130872896,C,T,missense,0.25,800\n",
    "French": "Patient;Gène;Mutation;Fréquence allélique (%);Depth\nA;ABL1;T315I;25,0;800\n",
}


@pytest.mark.parametrize("program", SAME)
def test_tables_of_many_programs_say_the_same(tmp_path: Path, program: str) -> None:
    found = read(tmp_path, SAME[program])
    assert shown(found) == [("Thr315Ile", 25.0, 800)]
    assert found.samples == ()
    assert parse_variant(found.calls[0].assess_expression, PACK).short == "T315I"


@pytest.mark.parametrize(
    "other",
    [
        "Hugo_Symbol,HGVSc\nTP53,c.944C>T\n",
        "Gene,HGVSc,Transcript\nTP53,c.743G>A,ENST00000269305\n",
        "SYMBOL,HGVSc\nABL2,c.944C>T\n",
        "Gene Symbol,HGVSc\nABL1-AS1,c.944C>T\n",
        "Gene,HGVSc\n,c.944C>T\n",
        "Gene ID,HGVSc\nTP53,c.944C>T\n",
        "HGNC symbol,HGVSc\nTP53,c.944C>T\n",
        "Affected gene(s),HGVSc\nTP53,c.944C>T\n",
        "Gene.ensGene,HGVSc\nENSG00000141510,c.944C>T\n",
        "Gène,HGVSc\nTP53,c.944C>T\n",
        "Genes (RefSeq),HGVSc\nTP53,c.944C>T\n",
        "Gene/Transcript,HGVSc\nTP53 (NM_000546),c.944C>T\n",
        "Target,HGVSc\nTP53,c.944C>T\n",
        "Hugo,HGVSc\nTP53,c.944C>T\n",
        "chr,pos,ref,alt\nchr17,7674220,C,T\n",
        "gene,chr,pos,ref,alt\nTP53,17,7674220,C,T\n",
        "chr,pos,ref,alt\nchr9,130873300,A,T\n",
        "hgvsc,vaf\nNM_000059.4:c.1210A>G,0.2\n",
        "hgvsc,vaf\nENST00000269305.4:c.743G>A,0.2\n",
        "hgvsc,vaf\nTP53:c.743G>A,0.2\n",
        "variant,vaf\nEGFR T790M,0.2\n",
    ],
)
def test_a_row_of_another_gene_is_left_out_with_a_note(tmp_path: Path, other: str) -> None:
    found = read(tmp_path, other)
    assert found.calls == ()
    assert any("Line 2: left out" in note and "ABL1" in note for note in found.notes)


def test_one_variant_on_every_transcript_is_one_call(tmp_path: Path) -> None:
    """As VEP lists it: the two isoforms, a transcript that is not known, and one of a neighbour."""
    rows = ["ABL1,NM_005157.6:c.944C>T", "ABL1,NM_007313.3:c.1001C>T", "ABL1,NM_999999.1:c.9C>T", "QRFP,"]
    found = read(tmp_path, "SYMBOL,HGVSc,VAF\n" + "".join(f"{row},0.2\n" for row in rows))
    assert shown(found) == [("Thr315Ile", 20.0, None)]
    assert any("listed once" in note for note in found.notes)
    assert any("Line 4: left out" in note for note in found.notes)


def test_a_row_of_the_gene_without_a_description_is_left_out_with_a_note(tmp_path: Path) -> None:
    found = read(tmp_path, "Gene,HGVSc,HGVSp\nABL1,.,\nABL1,c.944C>T,p.?\n")
    assert len(found.calls) == 1
    assert "Line 2: left out, it describes no variant." in found.notes


def test_letters_that_fit_twice_are_read_only_where_the_column_says_what_they_are(tmp_path: Path) -> None:
    (call,) = read(tmp_path, "protein,vaf\nG254A,0.3\n").calls
    assert call.hgvs_p == "NP_005148.2:p.Gly254Ala"
    with pytest.raises(BadInputError, match="describes no variant that can be read"):
        read(tmp_path, "variant,vaf\nG254A,0.3\n")


def test_a_column_of_places_beside_the_description_does_no_harm(tmp_path: Path) -> None:
    found = read(tmp_path, "HGVSc,Variant,Protein change\nc.944C>T,9-130872896 C/T,T315I\n")
    assert [call.short for call in found.calls] == ["p.Thr315Ile"]
    bases_win = read(tmp_path, "variant,nucleotide change\nT315I,c.944C>T\n")
    assert bases_win.calls[0].hgvs_c == "NM_005157.6:c.944C>T"


def test_the_other_rows_are_still_read(tmp_path: Path) -> None:
    text = "Gene;HGVSc;VAF\nTP53;c.743G>A;45\nABL1;c.944C>T;0,8\nJAK2;c.1849G>T;nan\n"
    found = read(tmp_path, text)
    assert shown(found) == [("Thr315Ile", 0.8, None)]
    assert "Lines 2, 4: left out, not said to be of ABL1." in found.notes


CONTRADICTIONS = {
    "bases and residue": ("hgvsc,hgvsp", "c.944C>T,p.Thr315Ala", ("Columns 1 and 2", "Thr315Ala")),
    "another residue's number": ("hgvsc,hgvsp", "c.944C>T,p.Glu255Lys", ("Thr315Ile", "Glu255Lys")),
    "a residue that is not there": ("hgvsc,hgvsp", "c.944C>T,p.S315F", ("Columns 1 and 2", "Thr315Ile")),
    "a change and no change": ("hgvsc,hgvsp", "c.944C>T,p.Thr315=", ("Thr315Ile", "synonymous")),
    "no change and a change": ("hgvsc,hgvsp", "c.945T>C,p.Thr315Ile", ("synonymous", "Thr315Ile")),
    "two protein columns": ("hgvsc,hgvsp,hgvsp_short", "c.944C>T,p.Thr315Ile,p.T315A", ("Columns 1 and 3",)),
    "a change and wild type": ("hgvsc,hgvsp", "c.944C>T,wild type", ("Columns 1 and 2",)),
    "gene and transcript": ("gene,hgvsc", "TP53,NM_005157.6:c.944C>T", ("column 1", "ABL1")),
    "gene and an unknown transcript": ("gene,hgvsc", "ABL1,NM_000059.4:c.944C>T", ("column 2",)),
    "place and bases": ("chr,pos,ref,alt,hgvsc", "9,130872896,C,T,c.763G>A", ("Thr315Ile", "Glu255Lys")),
    "place and residue": ("chr,pos,ref,alt,p", "9,130872896,C,T,T315A", ("Thr315Ile", "column 5")),
    "place and reference": ("chr,pos,ref,alt", "chr9,130872896,G,T", ("reference", "ABL1")),
    "transcript and residue": ("gene,transcript,p", "ABL1,NM_007313.3,p.Thr315Ile", ("column 3",)),
    "reads": ("hgvsc,alt reads,depth", "c.944C>T,900,800", ("column 2",)),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_a_row_that_contradicts_itself_is_refused_with_both_sides(tmp_path: Path, kind: str) -> None:
    head, cells, words = CONTRADICTIONS[kind]
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, f"{head}\n{cells}\n")
    assert "line 2" in caught.value.where
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(("share", "status"), [("0.02", "to be confirmed"), ("0.1", "variant")])
def test_a_share_below_half_a_read_contradicts_its_depth(tmp_path: Path, share: str, status: str) -> None:
    (call,) = read(tmp_path, f"hgvs_c,vaf,depth\nc.944C>T,{share},10\n").calls
    assert call.status == status
    assert (call.share_percent is None) is any(
        "2 % of 10 reads is less than one read" in note for note in call.notes
    )


def test_a_share_that_its_reads_contradict_is_not_taken(tmp_path: Path) -> None:
    (call,) = read(tmp_path, "variant,vaf,alt reads,depth\nT315I,0.9,16,2000\n").calls
    assert any("contradict" in note and "column 2" in note for note in call.notes)
    (other,) = read(tmp_path, "variant,vaf,depth\nT315I,0.9,0\n").calls
    assert any("contradict" in note for note in other.notes)
    assert {(one.share_percent, one.status) for one in (call, other)} == {(None, "to be confirmed")}


UNITS = {
    "one above 1": ("VAF", ["2.5", "0.8"], [2.5, 0.8], "percent, as line 2"),
    "a row of 100": ("VAF", ["0.8", "100"], [0.8, 100.0], "percent, as line 3"),
    "none above 1": ("VAF", ["0.8", "0.5"], [80.0, 50.0], "names no unit"),
    "one": ("VAF", ["0.8", "1"], [80.0, 100.0], "names no unit"),
    "percent by the head line": ("% Frequency", ["0.8", "0.5"], [0.8, 0.5], "percent, by its head line"),
    "the word": ("VAF_percent", ["0.8", "0.5"], [0.8, 0.5], "by its head line"),
    "abbreviated": ("vaf pct", ["0.8", "12"], [0.8, 12.0], "by its head line"),
    "fraction by the head line": ("VAF (fraction)", ["0.8", "0.5"], [80.0, 50.0], "fractions of 1."),
    "signs": ("VAF", ["0.8%", "0.5 %"], [0.8, 0.5], "percent signs"),
    "signs and the head line": ("VAF %", ["0.8%", "0.5"], [0.8, 0.5], "by its head line"),
    "commas": ("VAF", ["2,5", "0,8"], [2.5, 0.8], "percent, as line 2"),
    "an empty one": ("VAF", ["2.5", "NA"], [2.5, None], "percent, as line 2"),
}


@pytest.mark.parametrize(
    ("titles", "shares"),
    [
        ("VAF in tumor,Normal VAF", 25.0),
        ("Tumor variant allele freq,gnomAD allele frequency", 25.0),
        ("Alt allele fraction (called),n_vaf", 25.0),
        ("VAF day 0,VAF day 90", None),
        ("VAF,VAF", None),
        ("Mutant/WT ratio,Normal VAF", None),
        ("VAF (‰),Normal VAF", None),
        ("VAF ppm,log10 VAF", None),
        ("LOD VAF,VAF threshold", None),
        ("VAF cut-off,VAF upper", None),
        ("Zygosity score,Quality", None),
    ],
)
def test_a_share_in_other_words_is_read_or_said_to_be_unread(
    tmp_path: Path, titles: str, shares: float | None
) -> None:
    found = read(tmp_path, f"variant,{titles}\nT315I,0.25,0.01\n")
    assert [share for _, share, _ in shown(found)] == [shares]
    assert shares or any(
        "share" in note and ("none was read" in note or "No column" in note) for note in found.notes
    )


@pytest.mark.parametrize("kind", UNITS)
def test_a_column_has_one_unit_and_a_note_tells_it(tmp_path: Path, kind: str) -> None:
    title, cells, shares, note = UNITS[kind]
    found = read(tmp_path, f"variant;{title}\nE255K;{cells[0]}\nT315I;{cells[1]}\n")
    assert [share for _, share, _ in shown(found)] == shares
    assert any("Column 2" in one and note in one for one in found.notes)


@settings(max_examples=30, deadline=None)
@given(percents=st.lists(st.floats(0.01, 100).map(lambda value: round(value, 2)), min_size=2, max_size=6))
def test_shares_above_1_anywhere_make_the_whole_column_percent(
    tmp_path_factory: pytest.TempPathFactory, percents: list[float]
) -> None:
    names = ["E255K", "T315I", "F317L", "F359V", "H396R", "G250E"]
    rows = "".join(f"{name},{share}\n" for name, share in zip(names, percents, strict=False))
    found = read(tmp_path_factory.mktemp("unit"), f"variant,vaf\n{rows}")
    scale = 1 if max(percents) > 1 else 100
    wanted = {name: share * scale for name, share in zip(names, percents, strict=False)}
    for call in found.calls:
        assert call.share_percent == pytest.approx(wanted[parse_variant(call.hgvs_p, PACK).short])


@pytest.mark.parametrize(
    ("title", "cells"),
    [("VAF", ("45%", "0.45")), ("VAF", ("0.45", "45 %")), ("VAF (fraction)", ("45", "0.4"))],
)
def test_a_column_of_two_units_is_refused(tmp_path: Path, title: str, cells: tuple[str, str]) -> None:
    with pytest.raises(BadInputError, match="percent"):
        read(tmp_path, f"variant,{title}\nE255K,{cells[0]}\nT315I,{cells[1]}\n")


@pytest.mark.parametrize(
    "title",
    ["Sample", "sample_id", "Tumor_Sample_Barcode", "Patient ID", "Lab sample no.", "Date", "Time point",
     "Probe", "Pat.-Nr.", "Patientennummer", "ID", "MRN", "Accession number", "Datum", "Entnahmedatum",
     "Month", "Time (months)", "Monate", "Tage nach Start", "Visit number", "Cycle", "Specimen type"],
)  # fmt: skip
def test_samples_are_apart(tmp_path: Path, title: str) -> None:
    rows = "day 90,c.944C>T,0.45\nday 0,c.763G>A,0.3\nday 90,c.763G>A,0.1\n"
    found = read(tmp_path, f"{title},HGVSc,VAF\n{rows}third,wild type,\n")
    assert found.samples == ("day 90", "day 0", "third")
    assert [(call.sample, call.short) for call in found.calls] == [
        ("day 90", "p.Glu255Lys"), ("day 90", "p.Thr315Ile"), ("day 0", "p.Glu255Lys")
    ]  # fmt: skip


def test_time_points_of_one_patient_are_apart(tmp_path: Path) -> None:
    rows = "P1,day 0,c.943A>G,0.99\nP1,day 90,c.944C>T,0.99\n"
    found = read(tmp_path, f"Patient,Visit,HGVSc,VAF\n{rows}")
    assert found.samples == ("P1 day 0", "P1 day 90")
    assert [call.short for call in found.calls] == ["p.Thr315Ala", "p.Thr315Ile"]


@pytest.mark.parametrize("title", ["ID", "Accession"])
def test_identifiers_of_variants_name_no_sample(tmp_path: Path, title: str) -> None:
    found = read(tmp_path, f"{title},HGVSc\nrs121913459,c.944C>T\nCOSV1;rs2,c.763G>A\n")
    assert (found.samples, len(found.calls)) == ((), 2)


def test_a_date_of_birth_is_no_part_of_a_sample_s_name(tmp_path: Path) -> None:
    found = read(tmp_path, "Patient,Date of birth,HGVSc\nA,1960-01-02,c.944C>T\nB,1961-02-03,c.763G>A\n")
    assert found.samples == ("A", "B")


@pytest.mark.parametrize(
    "transcript", ["NM_007313.3", "NM_007313", "NM_007313.2", "ENST00000372348.7", "1b", "isoform 1b"]
)
def test_a_residue_counts_on_the_transcript_beside_it(tmp_path: Path, transcript: str) -> None:
    """Leu at 19 residues' distance: the number alone fits both isoforms."""
    protein = PACK.transcript.protein
    number = next(n for n in range(260, 480) if protein[n - 1] == protein[n - 20] == "L")
    (call,) = read(tmp_path, f"Gene,Transcript,Protein\nABL1,{transcript},L{number}P\n").calls
    assert call.hgvs_p == f"NP_005148.2:p.Leu{number - 19}Pro"


def test_places_give_what_a_vcf_gives(tmp_path: Path) -> None:
    rows = ["130872895,A,G,0.99", "130872896,C,T,0.99", "130872891,CAT,-,0.2", "130873037,G,A,1"]
    found = read(tmp_path, "chr,pos,ref,alt,vaf\n" + "".join(f"chr9,{row}\n" for row in rows))
    assert [short for short, _, _ in shown(found)] == ["Ile314del", "Thr315Val", "Arg362Lys"]
    assert found.calls[1].hgvs_c == "NM_005157.6:c.943_944delinsGT"


@pytest.mark.parametrize(
    "row", ["9,130872894,-,ACT", "9,130872896,C,<DEL>", '9,130872896,C,"T,G"', "9,130872896,C,C", "9,x,C,T"]
)
def test_alleles_that_are_no_replacement_are_left_out_with_a_note(tmp_path: Path, row: str) -> None:
    found = read(tmp_path, f"chr,pos,ref,alt\n{row}\n")
    assert found.calls == ()
    assert "Line 2: left out, it describes no variant." in found.notes


@pytest.mark.parametrize(
    ("titles", "rows", "words"),
    [
        ("chr,pos,ref,alt,build", ["9,133748283,C,T,GRCh38"], ("GRCh37", "GRCh38", "line 2")),
        ("chr,pos (hg38),ref,alt", ["9,133748283,C,T"], ("GRCh37", "GRCh38", "column 2")),
        ("chr,pos,ref,alt", ["9,133748283,C,T", "9,130872896,C,T"], ("GRCh37", "GRCh38", "line 3")),
        ("chr,pos,ref,alt,build", ["9,133748283,C,T,37", "9,130872896,C,T,38"], ("GRCh37", "GRCh38")),
        ("chr,pos,ref,alt,build", ["9,132738104,C,T,hg18"], ("NCBI36",)),
    ],
)
def test_builds_of_places_that_contradict_are_refused(
    tmp_path: Path, titles: str, rows: list[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, "\n".join([titles, *rows, ""]))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp1252", "utf-8-sig"])
def test_tables_in_the_encodings_of_spreadsheets_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes("Größe;Gen;Mutation;VAF (%)\nö;ABL1;T315I;25\n".encode(encoding))
    assert shown(read_calls(path, PACK)) == [("Thr315Ile", 25.0, None)]


def test_a_table_without_rows_says_so(tmp_path: Path) -> None:
    assert "There is no row below the head line." in read(tmp_path, "Gene,HGVSc,VAF\n").notes


def test_one_sample_is_not_named_and_a_row_of_none_of_two_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, f"Sample,HGVSc\n{SECRET},c.944C>T\n")
    assert found.samples == ()
    assert SECRET not in found.model_dump_json()
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, "Sample,HGVSc\na,c.944C>T\nb,c.763G>A\n,c.757T>C\n")
    assert "line 4" in caught.value.where


@pytest.mark.parametrize(
    "cell",
    ["wild type", "WT", "Wildtype", "negative", "not detected", "No mutation detected", "none", "p.=", "c.="],
)
def test_a_row_that_finds_nothing_is_no_call(tmp_path: Path, cell: str) -> None:
    found = read(tmp_path, f"variant,vaf\n{cell},\nT315I,0.2\n")
    assert [call.short for call in found.calls] == ["p.Thr315Ile"]
    assert any("Line 2: no call" in note for note in found.notes)


@pytest.mark.parametrize(
    "state", ["Absent", "No Call", "REF", "0/0", "not detected", "ND", "n.d.", "undetected", "C/C", "no"]
)
def test_a_variant_that_was_asked_for_and_not_found_is_no_call(tmp_path: Path, state: str) -> None:
    assert not read(tmp_path, f"coding,Allele Call,vaf\nc.944C>T,{state},0.1\n").calls


@pytest.mark.parametrize("cells", ["0,,800", "0.0,0,800", "0%,,", ",0,800"])
def test_a_share_of_nothing_is_no_call(tmp_path: Path, cells: str) -> None:
    found = read(tmp_path, f"coding,vaf,alt reads,depth\nc.944C>T,{cells}\n")
    assert found.calls == ()
    assert "Line 2: no call, its share is 0." in found.notes


def test_a_filter_makes_a_call_one_to_be_confirmed(tmp_path: Path) -> None:
    found = read(tmp_path, "hgvsc,vaf,FILTER\nc.944C>T,0.2,weak_evidence\nc.763G>A,0.2,PASS\n")
    assert [call.status for call in found.calls] == ["variant", "to be confirmed"]


def test_two_rows_of_a_codon_are_one_call_or_stay_open(tmp_path: Path) -> None:
    near = read(tmp_path, "hgvsc,vaf,depth\nc.943A>G,0.99,500\nc.944C>T,1,500\n")
    assert [call.hgvs_c for call in near.calls] == ["NM_005157.6:c.943_944delinsGT"]
    far = read(tmp_path, "hgvsc,hgvsp,vaf\nc.943A>G,p.Thr315Ala,0.4\nc.944C>T,p.Thr315Ile,0.4\n")
    assert [call.short for call in far.calls] == ["p.Thr315Ala", "p.Thr315Ile"]
    assert all("p.Thr315Val" in " ".join(call.notes) for call in far.calls)


def test_two_residues_in_one_place_stay_open_where_no_bases_are_given(tmp_path: Path) -> None:
    found = read(tmp_path, "hgvsp,vaf\nT315A,0.4\nT315I,0.3\nE255K,0.2\n")
    assert [any("is open" in note for note in call.notes) for call in found.calls] == [False, True, True]


def test_a_synonymous_row_is_kept_with_the_reason(tmp_path: Path) -> None:
    base = "C" if CDS[944] != "C" else "T"
    (call,) = read(tmp_path, f"c,p,vaf\nc.945{CDS[944]}>{base},p.Thr315=,0.5\n").calls
    assert (call.kind, call.first_codon, call.assess_expression) == ("synonymous", 315, "")
    assert any("synonymous" in note for note in call.notes)


def test_counts_with_separators_are_whole_numbers(tmp_path: Path) -> None:
    for cell in ("12000", "12,000", "12 000", "12'000", "12\u202f000", "12000.0", "12000,0", "12000x"):
        assert read(tmp_path, f"variant\tvaf\tdepth\nT315I\t0.2\t{cell}\n").calls[0].depth == 12000


BAD = {
    "empty": "",
    "no description": f"vaf,depth,{SECRET}\n0.2,100,1\n",
    "a head line that acts": "\x1b]0;owned\x07\x1b[31mx,y\n1,2\n",
    "head line only of numbers": "1,2,3\n4,5,6\n",
    "alleles without a head line": "chr9,130872890,C,T,0.2\nchr9,130872896,C,T,0.3\n",
    "residues without a head line": "9,130872890,P,0.2\n9,130872896,P,0.3\n",
    "a decimal comma between commas": "variant,vaf,depth\nT315I,0,45,800\n",
    "wrong reference base": "c,vaf\nc.944G>T,0.2\n",
    "no such residue": "p,vaf\np.Thr5315Ile,0.2\n",
    "wrong residue": "p,vaf\np.Ala315Ile,0.2\n",
    "description of words": f"p,vaf\n{SECRET},0.2\n",
    "two variants in a cell": "p,vaf\nT315I E255K,0.2\n",
    "two variants with a semicolon": "p,vaf\nT315I; E255K,0.2\n",
    "row without variant": f"c,name\n,{SECRET}\n",
    "open quotation mark": f'variant,vaf\n"T315I,0.2\n{SECRET},0.3\n',
    **{f"share {cell}": f"c,vaf\nc.944C>T,{cell}\n" for cell in
       (SECRET, "180", "-0.1", "inf", "1e400", "0.4²", "<5%", "0x1", "45-50%", "1_0", "٤٥")},
    **{f"depth {cell}": f"c;vaf;depth\nc.944C>T;0.2;{cell}\n" for cell in
       (SECRET, "10²", "10₂", "-5", "inf", "1e3", "2.000", "2k", "9" * 30, "٨٠٠", "1,00,0")},
    **{f"reads {cell}": f"c;alt reads;depth\nc.944C>T;{cell};100\n" for cell in (SECRET, "5²", "-5", "5.5")},
}  # fmt: skip


@pytest.mark.parametrize("damage", BAD)
def test_a_bad_table_gives_the_line_and_none_of_its_content(tmp_path: Path, damage: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, BAD[damage])
    assert damage == "empty" or "line " in caught.value.where
    said = str(caught.value)
    assert SECRET not in said
    assert "owned" not in said
    assert not any(cell in said for cell in ("944", "315", "180", "1e400"))


def test_the_unit_of_a_column_of_shares_is_that_of_the_whole_column(tmp_path: Path) -> None:
    """0.8, 45 and 1 are per cent, whatever gene the 45 is of."""
    found = read(tmp_path, "gene,variant,vaf\nABL1,T315I,0.8\nTP53,R175H,45\nABL1,E255K,1\n")
    assert [(name, share) for name, share, _ in shown(found)] == [("Glu255Lys", 1.0), ("Thr315Ile", 0.8)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("c.1086_1270del", "exon 7 deletion"),
        ("c.1086_1270del185", "exon 7 deletion"),
        ("NM_007313.3:c.1143_1327del", "exon 7 deletion"),
        ("exon 7 deletion", "exon 7 deletion"),
        ("Δexon 7", "exon 7 deletion"),
        ("c.1423_1424ins35", "35INS"),
        (f"NM_005157.6:c.1423_1424ins{'GTAAG' * 7}", "35INS"),
        ("NM_007313.3:c.1480_1481ins35", "35INS"),
        ("BCR-ABL1 35INS", "35INS"),
        ("p.C475Yfs*11", "35INS"),
        ("p.Cys475TyrfsTer11", "35INS"),
        ("p.C475YfsX11", "35INS"),
        ("p.R362fs*21", "exon 7 deletion"),
        ("p.(Arg362SerfsTer21)", "exon 7 deletion"),
        ("NP_005148.2:p.Arg362SerfsTer21", "exon 7 deletion"),
    ],
)
def test_known_splice_variants_keep_their_meaning_and_caveat(tmp_path: Path, text: str, name: str) -> None:
    (call,) = read(tmp_path, f"gene,variant,vaf,depth\nABL1,{text},0.3,900\n").calls
    assert (call.name, call.kind, call.status, call.assess_expression) == (
        name,
        "splice",
        "splice artefact",
        "",
    )
    assert call.hgvs_c.startswith("NM_005157.6:c.1")
    assert "No resistance is proven" in call.notes[0]
    assert call.citations
    assert (call.share_percent, call.first_codon) == (30, 362 if name.startswith("exon") else 475)


def test_a_polymorphism_is_known_by_its_protein_name_too(tmp_path: Path) -> None:
    for text in ("p.K247R", "p.Lys247Arg", "NP_005148.2:p.(Lys247Arg)", "c.740A>G", "1b:K266R"):
        (call,) = read(tmp_path, f"gene,variant,vaf,depth\nABL1,{text},0.5,900\n").calls
        assert (call.status, call.name) == ("known polymorphism", "K247R (rs34549764)"), text


def test_another_change_there_is_none_of_them(tmp_path: Path) -> None:
    found = read(tmp_path, "variant,vaf\nc.1086_1269del,0.3\nc.1423_1424ins34,0.3\nc.1087del,0.3\n").calls
    assert {call.status for call in found} == {"variant"}


@pytest.mark.parametrize(
    ("text", "codon"),
    [
        ("NM_007313.3:c.1002T>C", 315),
        ("NM_007313.3:c.1200_1202del", 381),
        ("ENST00000372348.7:c.1200_1202del", 381),
        ("NP_009297.2:p.Arg381fs", 362),
        ("NM_005157.6:c.945T>C", 315),
    ],
)
def test_names_on_isoform_1b_have_the_codons_of_1a(tmp_path: Path, text: str, codon: int) -> None:
    (call,) = read(tmp_path, f"variant,vaf\n{text},0.3\n").calls
    assert call.first_codon == codon
