"""VCFs as callers write them: samples, genotypes, phases, builds, shares, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import BadInputError
from kinscope.sequencing import ReportedCalls, read_calls
from kinscope.sequencing.calling.naming import Replacement, name_indel
from kinscope.sequencing.reported.calls import seen_replacement, wilson
from kinscope.targets import load_target

PACK = load_target()
CDS = PACK.transcript.cds
T315I = PACK.transcript.genomic_positions[943]
K404E = PACK.transcript.genomic_positions[1209]
TO_37 = 2_875_387
"""So much further lie ABL1's exons on GRCh37: g.133748283C>T is T315I (ClinVar RCV000432136)."""
FILE = "##fileformat=VCFv4.2\n"
FIXED = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
HEAD = f"{FILE}{FIXED}\tFORMAT\ts\n"


def read(
    tmp_path: Path, *lines: str, head: str = HEAD, name: str = "calls.vcf", start: int = 1
) -> ReportedCalls:
    path = tmp_path / name
    path.write_text(head + "".join(line + "\n" for line in lines))
    return read_calls(path, PACK, cds_start=start)


def row(
    *samples: str, form: str = "GT:AD", at: int = T315I, bases: str = "C T", info: str = ".", **other: str
) -> str:
    ref, alt = bases.split()
    fixed = [other.get("chrom", "chr9"), str(at), ".", ref, alt, "99", other.get("filter", "PASS"), info]
    return "\t".join([*fixed, *([form, *samples] if samples else [])])


def head(*samples: str, meta: str = "") -> str:
    return FILE + meta + "\t".join([FIXED, *(["FORMAT", *samples] if samples else [])]) + "\n"


def shown(found: ReportedCalls) -> list[tuple[str, str, int | None]]:
    """Sample, protein change and rounded share of each call."""
    shares = (None if call.share_percent is None else round(call.share_percent) for call in found.calls)
    return [
        (call.sample, call.short.removeprefix("p."), share)
        for call, share in zip(found.calls, shares, strict=True)
    ]


def test_a_vcf_on_grch38_gives_named_calls_with_shares(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("0/1:900,100:1000", form="GT:AD:DP"),
        row("0/1:0.03:500", form="GT:AF:DP", at=K404E, bases="A G", chrom="9", filter="LowQual"),
        row("0/1", form="GT", at=23289621, bases="A G", chrom="chr22"),
    )
    assert [call.hgvs_c for call in found.calls] == ["NM_005157.6:c.944C>T", "NM_005157.6:c.1210A>G"]
    assert shown(found) == [("", "Thr315Ile", 10), ("", "Lys404Glu", 3)]
    assert (found.samples, found.calls[0].depth) == ((), 1000)
    assert found.calls[0].share_low_percent == pytest.approx(8.3, abs=0.1)
    assert found.calls[1].status == "to be confirmed"
    assert "LowQual" in found.calls[1].notes[0]
    assert found.notes == ("Line 5: left out, outside the coding exons of ABL1.",)
    assert "calls.vcf" not in found.model_dump_json()


PAIRS = {
    "Mutect2": ("##normal_sample=A\n##tumor_sample=B\n", ("A", "B")),
    "Mutect2, the tumour first": ("##tumor_sample=B\n##normal_sample=A\n", ("B", "A")),
    "pedigree": ("##PEDIGREE=<Derived=B,Original=A>\n", ("A", "B")),
    "pedigree of VCF 4.3": ("##PEDIGREE=<ID=B,Original=A>\n", ("A", "B")),
    "sample lines": (
        '##SAMPLE=<ID=A,Description="Normal">\n##SAMPLE=<ID=B,Description="Tumor">\n',
        ("A", "B"),
    ),
    "sample lines of TCGA": (
        "##SAMPLE=<ID=NORMAL,SampleName=A>\n##SAMPLE=<ID=TUMOR,SampleName=B>\n",
        ("A", "B"),
    ),
    "only the normal is named": ("##normal_sample=A\n", ("A", "B")),
    "Strelka and VarScan": ("", ("NORMAL", "TUMOR")),
    "names in lower case": ("", ("p1_normal", "p1_tumour")),
}


@pytest.mark.parametrize("writer", PAIRS)
def test_of_a_tumour_and_its_normal_the_tumour_is_reported(tmp_path: Path, writer: str) -> None:
    meta, names = PAIRS[writer]
    tumour = next(name for name in names if name.lower() in {"b", "tumor", "p1_tumour"})
    values = {name: "0/1:110,90" if name == tumour else "0/0:200,0" for name in names}
    found = read(tmp_path, row(*values.values()), head=head(*names, meta=meta))
    assert shown(found) == [(tumour, "Thr315Ile", 45)]
    assert found.samples == (tumour,)
    assert any(
        f"column {10 + names.index(next(n for n in names if n != tumour))} is" in note for note in found.notes
    )


def test_a_variant_of_the_normal_sample_alone_is_no_call(tmp_path: Path) -> None:
    assert not read(tmp_path, row("0/1:9,9", "0/0:18,0"), head=head("NORMAL", "TUMOR")).calls


def test_samples_without_a_role_are_reported_apart_by_name(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("0/0:200,0", "0/1:150,50", "./.:."),
        row("0/1:180,20", "1/1:0,90", "."),
        row("0/1:90,10", "0/0:100,0", "", at=K404E, bases="A G"),
        head=head("day 0", "day 90", "third"),
    )
    assert found.samples == ("day 0", "day 90", "third")
    assert ("day 90", "Thr315Ile", 25) in shown(found)
    assert ("day 0", "Lys404Glu", 10) in shown(found)
    assert not [call for call in found.calls if call.sample == "third"]


@pytest.mark.parametrize(
    ("meta", "names"),
    [
        ("##tumor_sample=A\n##normal_sample=A\n", ("A", "B")),
        ("##tumor_sample=NORMAL\n", ("NORMAL", "TUMOR")),
        ("##normal_sample=TUMOR\n", ("NORMAL", "TUMOR")),
        ("##normal_sample=A\n", ("A",)),
        ("", ("A", "A")),
    ],
)
def test_roles_that_contradict_each_other_are_refused(
    tmp_path: Path, meta: str, names: tuple[str, ...]
) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, row(*("0/1:9,9" for _ in names)), head=head(*names, meta=meta))
    assert "line" in caught.value.where


@pytest.mark.parametrize(
    "value",
    ["0/0:110,90", "./.:110,90", ".:110,90", "0|0:110,90", "0:110,90", ".", "./.", "", ".:.", "0/0:200,0"],
)
def test_a_genotype_without_the_allele_is_no_call(tmp_path: Path, value: str) -> None:
    found = read(tmp_path, row(value, info="AF=0.45;DP=200"))
    assert found.calls == ()
    assert ("110" not in value) or any("no call by the genotype" in note for note in found.notes)


@pytest.mark.parametrize("genotype", ["0/1", "1/0", "0|1", "1", "1/1", "./1", "1|.", "0/0/1", "/0/1"])
def test_every_genotype_with_the_allele_is_a_call(tmp_path: Path, genotype: str) -> None:
    assert shown(read(tmp_path, row(f"{genotype}:110,90"))) == [("", "Thr315Ile", 45)]


@settings(max_examples=150, deadline=None)
@given(
    alleles=st.lists(st.sampled_from([".", 0, 1, 2]), min_size=1, max_size=4),
    marks=st.lists(st.sampled_from("/|"), min_size=3, max_size=3),
)
def test_exactly_the_alleles_of_the_genotype_are_called(
    tmp_path_factory: pytest.TempPathFactory, alleles: list[str | int], marks: list[str]
) -> None:
    genotype = str(alleles[0]) + "".join(
        f"{mark}{one}" for mark, one in zip(marks, alleles[1:], strict=False)
    )
    found = read(tmp_path_factory.mktemp("gt"), row(f"{genotype}:50,30,20", bases="C T,A"))
    wanted = {"Thr315Ile": 1, "Thr315Asn": 2}
    assert {short for _, short, _ in shown(found)} == {name for name, one in wanted.items() if one in alleles}


@pytest.mark.parametrize("alternatives", ["T,<NON_REF>", "T,<*>", "T,*", "T,<DEL>"])
def test_alleles_without_a_sequence_are_no_calls(tmp_path: Path, alternatives: str) -> None:
    assert shown(read(tmp_path, row("0/1:110,90,0", bases=f"C {alternatives}"))) == [("", "Thr315Ile", 45)]


@pytest.mark.parametrize("alternative", ["C", "Y", "<INS>", "C[chr22:23290000["])
def test_an_alternative_that_is_no_other_sequence_is_left_out_with_a_note(
    tmp_path: Path, alternative: str
) -> None:
    found = read(tmp_path, row("0/1:110,90", bases=f"C {alternative}"))
    assert found.calls == ()
    assert any("alternative was left out" in note for note in found.notes)


@pytest.mark.parametrize("alternative", [".", "<NON_REF>", "<*>", "*"])
def test_a_block_without_a_variant_is_no_call(tmp_path: Path, alternative: str) -> None:
    assert not read(
        tmp_path, row("0/0:200", form="GT:DP", bases=f"C {alternative}", info=f"END={T315I + 9}")
    ).calls


SHARES = {
    "GATK": ("GT:AD:AF:DP", "0/1:110,90:0.45:200", "."),
    "VarScan": ("GT:GQ:SDP:DP:RD:AD:FREQ:PVAL", "0/1:99:200:200:110:90:45%:1E-30", "ADP=200;HET=1"),
    "VarScan, decimals": ("GT:DP:RD:AD:FREQ", "0/1:200:110:90:45.0%", "."),
    "VarScan, decimal comma": ("GT:DP:RD:AD:FREQ", "0/1:200:110:90:45,0%", "."),
    "only FREQ": ("GT:FREQ:DP", "0/1:45%:200", "."),
    "freebayes": ("GT:DP:AD:RO:AO", "0/1:200:110,90:110:90", "AO=90;RO=110"),
    "freebayes without AD": ("GT:DP:RO:AO", "0/1:200:110:90", "."),
    "bcftools": ("GT:PL:AD", "0/1:9,0,9:110,90", "DP=210"),
    "bcftools, DP4 only": ("GT:PL", "0/1:9,0,9", "DP=210;DP4=60,50,40,50"),
    "Strelka": ("DP:FDP:SDP:SUBDP:AU:CU:GU:TU", "200:0:0:0:0,0:110,112:0,0:90,93", "SOMATIC"),
    "Ion Torrent": ("GT:GQ:DP:FDP:RO:FRO:AO:FAO:AF", "0/1:9:190:200:100:110:90:90:0.45", "AF=0.45"),
    "DRAGEN": ("GT:SQ:AD:AF:F1R2", "0/1:30:110,90:0.450:50,40", "."),
    "VarDict": ("GT:DP:VD:AD:AF", "0/1:200:90:110,90:0.45", "AF=0.45"),
    "MuTect 1": ("GT:AD:BQ:DP:FA", "0/1:110,90:30:200:0.450", "."),
    "Pisces": ("GT:AD:DP:VF", "0/1:110,90:200:0.45", "."),
    "Platypus": ("GT:NR:NV", "0/1:200:90", "."),
    "counts of the alternative only": ("GT:AD:DP", "0/1:90:200", "."),
}


@pytest.mark.parametrize("caller", SHARES)
def test_the_share_is_read_as_each_caller_writes_it(tmp_path: Path, caller: str) -> None:
    form, value, info = SHARES[caller]
    found = read(tmp_path, row(value, form=form, info=info))
    assert shown(found) == [("", "Thr315Ile", 45)]
    assert found.calls[0].depth == 200


def test_strelka_counts_an_indel_by_its_first_tier(tmp_path: Path) -> None:
    bases = f"{CDS[1099:1103]} {CDS[1099]}"
    at = PACK.transcript.genomic_positions[1099]
    found = read(tmp_path, row("200:150,160:50,55", form="DP:TAR:TIR", at=at, bases=bases))
    assert found.calls[0].share_percent == pytest.approx(25)
    assert found.calls[0].kind == "deletion"


def test_each_alternative_has_its_own_share(tmp_path: Path) -> None:
    for form, value in (("GT:AD", "1/2:100,60,40"), ("GT:RO:AO", "1/2:100:60,40"), ("GT:AF", "1/2:0.3,0.2")):
        found = read(tmp_path, row(value, form=form, bases="C T,A"))
        assert shown(found) == [("", "Thr315Ile", 30), ("", "Thr315Asn", 20)]


def test_rows_split_from_one_of_two_alternatives_keep_their_shares(tmp_path: Path) -> None:
    one, two = (
        row(f"0/1:{ad}:200", form="GT:AD:DP", bases=f"C {base}")
        for ad, base in (("100,60", "T"), ("100,40", "A"))
    )
    assert shown(read(tmp_path, one, two)) == [("", "Thr315Ile", 30), ("", "Thr315Asn", 20)]


@pytest.mark.parametrize("share", ["0.55,0.45", "0,45", "0.2,0.3,0.5"])
def test_shares_of_another_number_than_the_alternatives_are_not_taken(tmp_path: Path, share: str) -> None:
    (call,) = read(tmp_path, row(f"0/1:{share}", form="GT:AF")).calls
    assert call.share_percent is None
    assert any("no share" in note for note in call.notes)


def test_a_frequency_of_the_whole_file_is_no_share_of_a_sample(tmp_path: Path) -> None:
    found = read(tmp_path, row("0/1", form="GT", info="AF=0.00001;DP=500"))
    assert shown(found) == [("", "Thr315Ile", None)]
    assert any("no share" in note for note in found.calls[0].notes)
    several = read(tmp_path, row("0/1", "0/1", form="GT", info="DP4=60,50,40,50;AF=0.5"), head=head("a", "b"))
    assert {share for _, _, share in shown(several)} == {None}


@pytest.mark.parametrize(
    ("meta", "info", "share"),
    [
        ("##source=lofreq call\n", "DP=200;AF=0.45;SB=0;DP4=60,50,40,50", 45),
        ("", "DP=200;DP4=60,50,40,50", 45),
        ("", "AF=0.45;AC=1;AN=2", None),
        ("##source=gnomAD\n", "AF=0.45", None),
    ],
)
def test_a_file_without_samples_has_shares_only_where_reads_were_counted(
    tmp_path: Path, meta: str, info: str, share: int | None
) -> None:
    assert shown(read(tmp_path, row(info=info), head=head(meta=meta))) == [("", "Thr315Ile", share)]


@pytest.mark.parametrize(
    ("form", "value"),
    [("GT:AD:AF", "0/1:110,90:0.9"), ("GT:RD:AD:FREQ", "0/1:110:90:4.5%"), ("GT:AD:VAF", "0/1:1998,2:0.1")],
)
def test_counts_and_a_frequency_that_contradict_each_other_give_no_share(
    tmp_path: Path, form: str, value: str
) -> None:
    (call,) = read(tmp_path, row(value, form=form)).calls
    assert (call.share_percent, call.status) == (None, "to be confirmed")
    assert any("contradict" in note and form.split(":")[-1] in note and "AD" in note for note in call.notes)


@pytest.mark.parametrize(
    ("form", "value"),
    [("GT:AD:DP", "0/1:700,300:100"), ("GT:RD:AD:DP", "0/1:700:300:100"), ("GT:RO:AO:DP", "0/1:700:300:0")],
)
def test_more_reads_by_allele_than_in_all_contradict_each_other(
    tmp_path: Path, form: str, value: str
) -> None:
    (call,) = read(tmp_path, row(value, form=form)).calls
    assert (call.share_percent, call.status) == (None, "to be confirmed")
    assert any("count 1000 reads" in note and "contradict" in note for note in call.notes)


@pytest.mark.parametrize("depth", [105, 100, 80, 60])
def test_reads_that_a_filter_took_from_dp_and_not_from_ad_are_no_contradiction(
    tmp_path: Path, depth: int
) -> None:
    """GATK's AD is of all reads, its DP of those that passed (its manual, DepthPerAlleleBySample)."""
    (call,) = read(tmp_path, row(f"0/1:70,35:{depth}", form="GT:AD:DP")).calls
    assert (call.share_percent, call.status) == (pytest.approx(100 / 3), "variant")


def test_a_share_below_one_percent_is_not_told_as_none(tmp_path: Path) -> None:
    (phase,) = read(tmp_path, row("0/1:996,4"), row("0/1:988,12", at=K404E, bases="A G")).phases
    assert "0.4 %" in phase.explanation and "1.2 %" in phase.explanation  # noqa: PT018


def test_a_called_allele_that_no_read_shows_is_doubted(tmp_path: Path) -> None:
    (call,) = read(tmp_path, row("0/1:200,0")).calls
    assert (call.share_percent, call.status) == (None, "to be confirmed")


FIRST = {"at": T315I - 1, "bases": "A G"}
PHASED = {
    "PS": ("GT:AD:PS", "0|1:120,80:7", "0|1:121,79:7"),
    "PS, the other haplotype": ("GT:AD:PS", "1|0:120,80:7", "1|0:121,79:7"),
    "GATK's PID and PGT": ("GT:AD:PGT:PID", "0/1:120,80:0|1:7_A_G", "0/1:121,79:0|1:7_A_G"),
    "phased without a set": ("GT:AD", "0|1:120,80", "0|1:121,79"),
    "shares near 100 %": ("GT:AD", "1/1:2,198", "1/1:1,199"),
    "one near 100 %": ("GT:AD", "1/1:2,198", "0/1:1,199"),
    "homozygous, no reads": ("GT", "1/1", "1/1"),
    "haploid, no reads": ("GT", "1", "1"),
}


COMPOUND = "NM_005157.6:c.[944C>T;1210A>G]"


@pytest.mark.parametrize("phase", PHASED)
def test_changes_of_two_codons_on_one_molecule_are_a_compound_to_be_assessed(
    tmp_path: Path, phase: str
) -> None:
    form, one, two = PHASED[phase]
    found = read(tmp_path, row(one, form=form), row(two, form=form, at=K404E, bases="A G"))
    assert [name for _, name, _ in shown(found)] == ["Thr315Ile", "Lys404Glu"]
    (said,) = found.phases
    assert (said.verdict, said.assess_expression) == ("compound", COMPOUND)


@pytest.mark.parametrize(
    ("one", "two", "verdict"),
    [
        ("0|1:120,80", "1|0:120,80", "largely separate"),
        ("0|1:20,180", "1|0:20,180", "cannot be told"),  # 90 % and 90 % cannot be on different molecules
        ("0/1:20,180", "0/1:20,180", "compound"),  # by their shares
        ("0/1:120,80", "0/1:120,80", "cannot be told"),
        ("0/1:20,180", "0/1:196,4", "largely separate"),
    ],
)
def test_phase_and_shares_tell_what_is_on_one_molecule(
    tmp_path: Path, one: str, two: str, verdict: str
) -> None:
    (said,) = read(tmp_path, row(one), row(two, at=K404E, bases="A G")).phases
    assert said.verdict == verdict
    assert ("contradict" in said.explanation) == (one == "0|1:20,180")
    assert said.assess_expression == (COMPOUND if verdict == "compound" else "")


def test_samples_are_not_mixed_in_what_is_said_of_phase(tmp_path: Path) -> None:
    rows = row("0/1:20,180", "0/0:200,0"), row("0/0:200,0", "0/1:20,180", at=K404E, bases="A G")
    assert read(tmp_path, *rows, head=head("a", "b")).phases == ()


@pytest.mark.parametrize("phase", PHASED)
def test_two_changes_of_a_codon_on_one_molecule_are_one_call(tmp_path: Path, phase: str) -> None:
    form, one, two = PHASED[phase]
    (call,) = read(tmp_path, row(one, form=form, **FIRST), row(two, form=form)).calls  # type: ignore[arg-type]
    assert (call.short, call.hgvs_c) == ("p.Thr315Val", "NM_005157.6:c.943_944delinsGT")
    assert call.assess_expression == call.hgvs_c


OPEN = {
    "unphased": ("GT:AD", "0/1:120,80", "0/1:121,79"),
    "two sets": ("GT:AD:PS", "0|1:120,80:7", "0|1:121,79:8"),
    "a set of unphased genotypes": ("GT:AD:PS", "0/1:120,80:7", "0/1:121,79:7"),
    "sixty percent each": ("GT:AD", "0/1:80,120", "0/1:81,119"),
    "a rare one beside one of 96 %": ("GT:AD", "1/1:80,1920", "0/1:1960,40"),
}


@pytest.mark.parametrize("phase", OPEN)
def test_where_the_phase_is_open_both_are_listed_with_a_note(tmp_path: Path, phase: str) -> None:
    form, one, two = OPEN[phase]
    found = read(tmp_path, row(one, form=form, **FIRST), row(two, form=form))  # type: ignore[arg-type]
    assert [call.short for call in found.calls] == ["p.Thr315Ala", "p.Thr315Ile"]
    assert all("p.Thr315Val" in " ".join(call.notes) for call in found.calls)


def test_changes_on_different_molecules_stay_apart_without_a_note(tmp_path: Path) -> None:
    one, two = row("0|1:120,80:7", form="GT:AD:PS", **FIRST), row("1|0:121,79:7", form="GT:AD:PS")  # type: ignore[arg-type]
    found = read(tmp_path, one, two)
    assert [(call.short, call.notes) for call in found.calls] == [("p.Thr315Ala", ()), ("p.Thr315Ile", ())]


def test_what_all_carry_and_some_carry_more_is_listed_as_both(tmp_path: Path) -> None:
    found = read(tmp_path, row("1/1:2,1998", **FIRST), row("0/1:1200,800"))  # type: ignore[arg-type]
    assert shown(found) == [("", "Thr315Val", 40), ("", "Thr315Ala", 100)]


def test_one_row_of_several_bases_is_one_call(tmp_path: Path) -> None:
    for at, bases in (
        (T315I - 1, "AC GT"),
        (T315I - 1, "ACT GTT"),
        (T315I - 2, f"{CDS[941]}AC {CDS[941]}GT"),
    ):
        assert shown(read(tmp_path, row("0/1:120,80", at=at, bases=bases))) == [("", "Thr315Val", 40)]


def test_two_samples_never_lend_each_other_a_molecule(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        row("1/1:2,198", "0/0:200,0", **FIRST),  # type: ignore[arg-type]
        row("0/0:200,0", "1/1:2,198"),
        head=head("a", "b"),
    )
    assert shown(found) == [("a", "Thr315Ala", 99), ("b", "Thr315Ile", 99)]


ON_37 = {
    "hs37d5": "##reference=file:///refs/hs37d5.fa\n",
    "b37": "##reference=/data/b37.fasta\n",
    "human_g1k_v37": "##reference=file:///x/human_g1k_v37_decoy.fasta\n",
    "hg19": "##reference=ucsc.hg19.fasta\n",
    "GRCh37": "##assembly=GRCh37.p13\n",
    "Broad": "##reference=Homo_sapiens_assembly19.fasta\n",
    "NCBI": "##reference=GCF_000001405.25_genomic.fna\n",
    "contig length": "##contig=<ID=9,length=141213431>\n",
    "contig assembly": "##contig=<ID=chr9,assembly=hg19>\n",
    "length of chromosome 1": "##contig=<ID=1,length=249250621>\n",
    "not named": "",
}


@pytest.mark.parametrize("chrom", ["9", "Chr9", "NC_000009", "NC_000009.11"])
@pytest.mark.parametrize("said", ON_37)
def test_grch37_is_lifted_over_the_exons(tmp_path: Path, said: str, chrom: str) -> None:
    rows = [
        row("0/1:110,90", at=at + TO_37, bases=b, chrom=chrom) for at, b in ((T315I, "C T"), (K404E, "A G"))
    ]
    found = read(tmp_path, *rows, head=head("s", meta=ON_37[said]))
    assert shown(found) == [("", "Thr315Ile", 45), ("", "Lys404Glu", 45)]
    assert "GRCh37" in found.notes[0]
    assert ("names no build" in found.notes[0]) == (said == "not named" and "." not in chrom)


@settings(max_examples=60, deadline=None)
@given(base=st.integers(1, len(CDS)))
def test_every_coding_base_is_the_same_on_both_builds(
    tmp_path_factory: pytest.TempPathFactory, base: int
) -> None:
    folder, native = tmp_path_factory.mktemp("build"), CDS[base - 1]
    bases = f"{native} {'A' if native != 'A' else 'G'}"
    at = PACK.transcript.genomic_positions[base - 1]
    one = read(folder, row("0/1:9,9", at=at, bases=bases)).calls
    other = read(folder, row("0/1:9,9", at=at + TO_37, bases=bases, chrom="9")).calls
    assert one == other
    assert one[0].hgvs_c.startswith(f"NM_005157.6:c.{base}{native}>")


@pytest.mark.parametrize(
    ("meta", "rows", "words"),
    [
        (
            "##reference=GRCh38\n##contig=<ID=9,length=141213431>\n",
            [{}],
            ("GRCh37", "GRCh38", "line 2", "line 3"),
        ),
        ("##reference=hg38.fa\n", [{"chrom": "NC_000009.11", "at": T315I + TO_37}], ("GRCh37", "GRCh38")),
        ("##reference=hs37d5.fa\n", [{}], ("GRCh37", "GRCh38", "line 4")),
        ("##reference=hg38.fa\n", [{"at": T315I + TO_37}], ("GRCh37", "GRCh38", "line 4")),
        ("", [{}, {"at": T315I + TO_37}], ("GRCh37", "GRCh38", "line 3", "line 4")),
        ("##reference=hg18.fa\n", [{"at": 132738104}], ("NCBI36", "line 2")),
        ("##reference=chm13v2.0.fa\n", [{}], ("T2T-CHM13",)),
    ],
)
def test_builds_that_contradict_or_are_not_known_are_refused_by_name(
    tmp_path: Path, meta: str, rows: list[dict[str, object]], words: tuple[str, ...]
) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, *(row("0/1:9,9", **one) for one in rows), head=head("s", meta=meta))  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words)


def test_a_file_without_a_row_of_the_gene_says_so(tmp_path: Path) -> None:
    rows = [row("0/1:9,9", at=at, chrom=chrom) for chrom, at in (("chr9", 100), ("chr22", 5), ("1", 7))]
    found = read(tmp_path, *rows)
    assert found.calls == ()
    assert found.notes[0] == "3 rows were read, and none lies in the coding exons of ABL1."
    assert read(tmp_path).notes[0].startswith("0 rows were read")


def test_packed_marked_and_ended_in_any_way_a_vcf_is_the_same(tmp_path: Path) -> None:
    text = HEAD + row("0/1:110,90") + "\n"
    expected = read(tmp_path, row("0/1:110,90"))
    half = len(text) // 2
    blocks = gzip.compress(text[:half].encode()) + gzip.compress(text[half:].encode()) + gzip.compress(b"")
    for name, data in {
        "a.vcf.gz": gzip.compress(text.encode()),
        "blocks.vcf.gz": blocks,
        "mark.vcf": b"\xef\xbb\xbf" + text.encode(),
        "wide.vcf": text.encode("utf-16"),
        "center.vcf": text.replace(FILE, f"{FILE}##center=München\n").encode("latin-1"),
        "dos.vcf": text.replace("\n", "\r\n").encode(),
        "named.txt": text.encode(),
        "no_format.vcf": text.removeprefix(FILE).encode(),
    }.items():
        (tmp_path / name).write_bytes(data)
        assert read_calls(tmp_path / name, PACK) == expected


def test_a_vcf_on_the_transcript(tmp_path: Path) -> None:
    found = read(tmp_path, row("0/1:0.2", form="GT:AF", at=1136, chrom="NM_005157.6"), start=193)
    assert shown(found) == [("", "Thr315Ile", 20)]
    others = [("NM_007313.3", 1001), ("ENST00000372348", 1001), ("NG_012034.1", 164016), ("LRG_769", 164016)]
    for chrom, at in others:
        assert shown(read(tmp_path, row("0/1:110,90", at=at, chrom=chrom))) == [("", "Thr315Ile", 45)]


def test_indels_of_a_vcf_are_trimmed_and_named(tmp_path: Path) -> None:
    first = PACK.transcript.genomic_positions[1099]
    (call,) = read(tmp_path, row("0/1:9,9", at=first, bases=f"{CDS[1099:1103]} {CDS[1099]}")).calls
    assert call.kind == "deletion"
    assert call.hgvs_c == name_indel(Replacement(1101, 1103, ""), PACK).hgvs_c
    assert seen_replacement(1100, 1103, CDS[1099], PACK).named.hgvs_c == call.hgvs_c


def test_the_same_row_twice_is_one_call(tmp_path: Path) -> None:
    found = read(tmp_path, row("0/1:110,90"), row("0/1:110,90"))
    assert len(found.calls) == 1
    assert any("listed once" in note for note in found.notes)
    assert len(read(tmp_path, row("0/1:110,90"), row("0/1:10,90")).calls) == 2


SECRET = "Erika Mustermann"
GOOD = row("0/1:900,100")
BAD = {
    "too few columns": "chr9\t1\t.\tC",
    "too many columns": f"{GOOD}\t{SECRET}",
    "position of letters": GOOD.replace(str(T315I), SECRET),
    "position zero": GOOD.replace(str(T315I), "0"),
    "endless position": GOOD.replace(str(T315I), "9" * 400),
    "position with a subscript": GOOD.replace(str(T315I), "13087289₆"),
    "position with a superscript": GOOD.replace(str(T315I), "13087289⁶"),
    "position in Arabic digits": GOOD.replace(str(T315I), "١٣٠٨٧٢٨٩٦"),
    "wrong reference": GOOD.replace("\tC\tT", "\tG\tT"),
    "no reference": GOOD.replace("\tC\tT", "\t\tT"),
    "reference of digits": GOOD.replace("\tC\tT", "\t12\tT"),
    "share above one": row("0/1:7", form="GT:AF"),
    "share of letters": row(f"0/1:{SECRET}", form="GT:AF"),
    "share without end": row("0/1:inf", form="GT:AF"),
    "share that is no number": row("0/1:NaN", form="GT:AF"),
    "share beyond numbers": row("0/1:1e400", form="GT:AF"),
    "negative share": row("0/1:-0.1", form="GT:AF"),
    "count with a superscript": row("0/1:10²,5"),
    "negative count": row("0/1:-3,5"),
    "count of letters": row(f"0/1:{SECRET},5"),
    "more reads of the variant than reads": row("0/1:300:200", form="GT:AD:DP"),
    "genotype of letters": row(f"{SECRET}:9,9"),
    "genotype with a superscript": row("0/¹:9,9"),
    "genotype of another allele": row("0/2:9,9"),
    "more fields than FORMAT": row(f"0/1:9,9:{SECRET}"),
    "zero byte": GOOD + "\0",
}


@pytest.mark.parametrize("damage", BAD)
def test_a_bad_vcf_gives_the_line_and_none_of_its_content(tmp_path: Path, damage: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, GOOD, BAD[damage])
    assert "line 4" in caught.value.where
    assert SECRET not in str(caught.value)
    assert str(T315I) not in str(caught.value)


@pytest.mark.parametrize(
    "first", ["", FILE, FIXED.replace("\t", " ") + "\n", FIXED.replace("POS", SECRET) + "\n"]
)
def test_a_vcf_without_its_head_line_is_refused(tmp_path: Path, first: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, GOOD, head=first)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff", "damaged"),
        (gzip.compress(b"##fileformat=VCFv4.2\n" * 99)[:-9], "damaged"),
        (gzip.compress(b"##fileformat=VCFv4.2\n" * 99)[:12] + b"\xff" * 40, "damaged"),
        (gzip.compress(b"BCF\2\2"), "BCF"),
        (b"PK\3\4" + bytes(40), "xlsx"),
        (b"\xd0\xcf\x11\xe0" + bytes(40), "xls"),
        (b"%PDF-1.7", "PDF"),
        ("##fileformat=VCFv4.2\n".encode("utf-16-le"), "zero bytes"),
        ("##fileformat=VCFv4.2\n".encode("utf-16")[:-1], "UTF-16"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, data: bytes, word: str) -> None:
    path = tmp_path / "calls.vcf.gz"
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=word):
        read_calls(path, PACK)


def test_wilson_interval_of_a_textbook_case() -> None:
    """Ten of a hundred: 5.5 to 17.4 % (Newcombe RG 1998, Stat Med 17:857, method 3)."""
    low, high = wilson(10, 100)
    assert low == pytest.approx(5.52, abs=0.02)
    assert high == pytest.approx(17.44, abs=0.02)


def test_a_share_above_one_in_any_row_leaves_the_unit_of_its_column_open(tmp_path: Path) -> None:
    """0.8 beside 45 of another gene is 0.8 % or 80 %: refused, not read row by row."""
    rows = [
        row("0/1:0.8", form="GT:AF"),
        row("0/1:45", form="GT:AF", at=23289621, chrom="chr22"),
        row("0/1:1", form="GT:AF", at=K404E, bases="A G"),
    ]
    with pytest.raises(BadInputError, match="fractions or percent") as caught:
        read(tmp_path, *rows)
    assert "line 3" in caught.value.where
    assert "line 4" in str(caught.value)
    signed = [text.replace("0.8", "0.8%").replace(":45", ":45%").replace(":1\n", ":1%") for text in rows]
    assert shown(read(tmp_path, *signed[:2])) == [("", "Thr315Ile", 1)]
