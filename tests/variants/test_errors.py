"""What is wrong is said: the class of the error, the reason, and never the user's control characters."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import KinscopeError, UnsupportedVariantError, VariantError
from kinscope.targets import load_target
from kinscope.variants import parse_variant

PACK = load_target("abl1")

WRONG = [
    # nothing, or nothing readable
    ("", "empty"),
    ("   \t\n", "empty"),
    ("hello", "not a variant expression"),
    ("hello world", "not a variant expression"),
    ("ABL1", "no variant"),
    ("NM_005157.6:", "no change"),
    ("404", "not a variant expression"),
    ("404E", "not a variant expression"),
    ("K404", "new residue"),
    ("p.404Glu", "replaced"),
    ("1210A>G", "c.1210A>G"),
    ("c.1210>G", "base that is replaced"),
    ("n.1210A>G", "n. description"),
    ("r.1210a>g", "r. description"),
    ("p.(Lys404Glu", "balance"),
    ("p.[Glu255Lys;Thr315Ile", "balance"),
    ("c.1210_1209delinsGA", "do not fit"),
    ("c.(1210_1212)A>G", "certain"),
    ("A" * 10_000, "too long"),
    # characters
    ("K404E\x00", "U+0000"),
    ("K404E\x1b[31mred", "U+001B"),
    ("K404E\x07", "U+0007"),
    ("K404\u200bE", "zero width space"),
    ("\u202eE404K", "U+202E"),
    ("К404Е", "cyrillic"),
    ("T315l", "small l"),
    ("E255K/T315l", "small l"),
    ("K404E`id`", "character `"),
    ("K404E$(id)", "character $"),
    ("<script>alert(1)</script>", "character <"),
    ("K404E|cat /etc/passwd", "character |"),
    ("K404E; rm -rf /", "not a variant expression"),
    ("../../etc/passwd", "not a variant expression"),
    ("{{7*7}}", "character {"),
    # unknown letters
    ("K404B", "twenty amino acids"),
    ("K404X", "twenty amino acids"),
    ("K404Z", "twenty amino acids"),
    ("p.Lys404Xaa", "twenty amino acids"),
    ("p.Lys404Sec", "twenty amino acids"),
    ("p.Lys404Foo", "twenty amino acids"),
    ("c.1210A>N", "no base of DNA"),
    ("c.1210A>U", "no base of DNA"),
    # contradicting the sequence
    ("R404E", "is Lys, not Arg"),
    ("p.Glu404Lys", "is Lys, not Glu"),
    ("c.1210C>G", "has A, not C"),
    ("NC_000009.12:g.130874992C>G", "has A, not C"),
    ("c.1267A>G", "NM_007313.3"),
    ("K1131E", "outside the protein"),
    ("p.Lys0Glu", "outside the protein"),
    ("K99999999999999999999E", "outside the protein"),
    ("c.4000A>G", "outside the coding sequence"),
    ("c.0A>G", "outside the coding sequence"),
    ("c.1210A>G (p.Lys404Gln)", "contradict"),
    ("c.1210A>G p.Thr315Ile", "contradict"),
    # isoforms
    ("K423E", "1b:K423E"),
    ("NM_005157.6:c.1210A>G (p.Lys423Glu)", "isoform 1b"),
    ("1b:K404E", "404 of isoform 1b (NP_009297.2) is Ser"),
    ("NP_009297.2:p.Lys404Glu", "fits isoform 1a"),
    ("1a:1b:K404E", "isoform 1a and isoform 1b"),
    ("1a:NP_009297.2:p.Lys423Glu", "isoform 1b"),
    # versions and assemblies
    ("NM_005157.4:c.1210A>G", "NM_005157.6"),
    ("NP_005148.1:p.Lys404Glu", "NP_005148.2"),
    ("NM_007313.2:c.1267A>G", "NM_007313.3"),
    ("g.130874992A>G", "assembly"),
    ("NC_000009.12:g.130872897C>T", "has T, not C"),
    ("chr9-130872896-G-T", "has C, not G"),
    ("chr9-130872896-C-T,A", "comma"),
    ("chr9:133748283-133748283 C>T", "no place that can be read"),
    ("p.T315I (chr9:130872896C>A)", "contradict"),
    ("NC_000009.12:130872896:C:T", "g.130872897 has T"),
    ("NM_005157.99:c.944C>T", "NM_005157.6"),
    ("ENST00000318560.99:c.944C>T", "ENST00000318560.6"),
    ("NG_012034.1(ABL1_v001):c.944C>T", "does not fit"),
    ("NM_005157.6:p.Lys404Glu", "does not fit"),
    # compounds
    ("E255K/E255V", "changed twice"),
    ("p.[Glu255Lys;Glu255Val]", "changed twice"),
    ("c.[1210A>G;1210A>T]", "changed twice"),
    ("E255K, T315I", "comma"),
    ("T315I E255K", "blank"),
    ("E255K/c.944C>T", "contradict"),
    ("p.T315I;p.E255K", "different variants"),
    ("NM_005157.6:K404E", "without c. or p."),
    ("rs121917868", "identifier of a database"),
    ("COSM12345", "identifier of a database"),
    ("rs121913459 T315I", "identifier of a database"),
    ("COSM12560 p.T315I", "identifier of a database"),
    ("T315I (COSV99062453)", "identifier of a database"),
    ("c.1210A>G c.944C>T p.K404E", "contradict"),
    # letters that are bases and residues
    ("T932C", "p.T932C, and as bases, c.932T>C, which is F311S"),
    ("t932c", "c.932T>C, which is F311S"),
    ("T932>C", "c.932T>C, which is F311S"),
    ("ABL1 (T932C)", "c.932T>C, which is F311S"),
    ("E255K/T932C", "c.932T>C, which is F311S"),
    ("F311S/T932C", "c.932T>C, which is F311S"),
    ("G390A", "c.390G>A, which is G130G"),
    ("T272A", "c.272T>A, which is L91*"),
    ("C944T", "c.944C>T, which is T315I"),
    ("G763A", "c.763G>A, which is E255K"),
    ("1b:C1001T", "c.1001C>T, which is T315I"),
    ("T315I (C943T)", "c.943 has A, not C"),
    ("T932C (T932C)", "contradict"),
    ("[T932C;E255K]", "c.932T>C, which is F311S"),
    ("c.944C>T c.943_945delinsATA", "Ile at 315 (ATT); c.943_945delinsATA gives Ile at 315 (ATA)"),
    ("T315I (T932C)", "c.932T>C gives Ser at 311"),
    ("p.Thr932Cys (F311S)", "Cys at 932"),
    ("p.Thr315Ile/c.943A>G", "p.Thr315Ile gives Ile at 315; c.943A>G gives Ala at 315"),
    # neighbouring residues
    ("p.E255_A256delinsKI", "256 of isoform 1a (NP_005148.2) is Val, not Ala"),
    ("p.E255_V256delAVinsKI", "do not fit each other"),
    ("p.V315_T315delinsI", "do not fit each other"),
    ("p.T315_V315delinsI", "do not fit each other"),
    ("p.V256_E255delinsKI", "do not fit each other"),
    ("p.255_256delinsKI", "does not name the residue"),
    ("p.E255_V256delinsKX", "twenty"),
    ("p.[E255_V256delinsKI;V256L]", "256 is changed twice"),
    ("p.Ala1129_Arg1131delinsGlyGlyGly", "outside the protein"),
]

UNSUPPORTED = [
    ("K404*", "stop"),
    ("p.Lys404Ter", "stop"),
    ("c.1210A>T", "stop"),
    ("p.Ter1131Gln", "stop"),
    ("c.3391T>C", "stop"),
    ("p.Lys404fs", "frameshift"),
    ("p.K404fs*5", "frameshift"),
    ("p.Lys404GlufsTer5", "frameshift"),
    ("c.1210_1211delinsG", "frameshift"),
    ("c.1210A>GG", "frameshift"),
    ("c.1210_1212delinsGAAGAA", "in-frame indel"),
    ("p.Lys404_Trp405delinsGluLeuVal", "in-frame indel"),
    ("p.Lys404del", "deletion"),
    ("c.1210_1212del", "deletion"),
    ("p.Lys404dup", "duplication"),
    ("c.1210dup", "duplication"),
    ("p.Lys404_Trp405insAla", "insertion"),
    ("c.1210_1211insG", "insertion"),
    ("c.1210_1212inv", "inversion"),
    ("NM_005157.6:c.944C>T[3]", "repeat"),
    ("c.944C>T[2]", "repeat"),
    ("c.944CAG[3]", "repeat"),
    ("c.943_944delinsAT[2]", "repeat"),
    ("c.[944C>T[3];763G>A]", "repeat"),
    ("p.Thr315delinsIle[2]", "repeat"),
    ("p.E255_V256delinsK", "in-frame indel"),
    ("p.T315delinsALA", "in-frame indel"),
    ("p.E255_V256delinsEV", "synonymous"),
    ("p.E255_V256delinsK*", "stop"),
    ("p.Met1_Leu2delinsValVal", "initiator"),
    ("K404K", "synonymous"),
    ("p.Lys404=", "synonymous"),
    ("p.=", "synonymous"),
    ("c.1212A>G", "synonymous"),
    ("p.?", "unknown"),
    ("p.0", "no protein"),
    ("M1V", "initiator"),
    ("p.Met1?", "initiator"),
    ("c.3G>A", "initiator"),
    ("c.1423+1G>A", "intron"),
    ("c.1424-2A>G", "splic"),
    ("NC_000009.12:g.130874000A>G", "intron"),
    ("NC_000009.12:g.5A>G", "outside the coding part"),
    ("hg38 chr9:133748283C>T", "outside the coding part"),
    ("hg19 chr9:130872896C>T", "outside the coding part"),
    ("9:130873300:C:T", "on no assembly that kinscope knows"),
    ("hg18 chr9:132738104C>T", "NCBI36"),
    ("NC_000009.10:g.132738104C>T", "NCBI36"),
    ("T2T-CHM13v2.0 chr9:143085000C>T", "T2T-CHM13v2.0 coordinates are not converted"),
    ("chr7-140453136-A-T", "Chromosome 7"),
    ("chr9-130872896-CT-C", "frameshift"),
    ("chr9-130872896-C-C", "synonymous"),
    ("NC_000009.12:130872895::T", "insertion"),
    ("NM_005157.6:943:C:T", "coding part only"),
    ("LRG_770t1:c.944C>T", "LRG_770t1"),
    ("NM_005157.6(EGFR_v001):c.944C>T", "EGFR_v001"),
    ("c.-15A>G", "UTR"),
    ("c.*5A>G", "UTR"),
    ("1b:L10P", "first exon"),
    ("NM_007313.3:c.100A>G", "first exon"),
    ("EGFR T790M", "EGFR"),
    ("EGFR:p.T790M", "EGFR"),
    ("CPOX K404E", "CPOX"),
    ("CPOX:p.Lys404Glu", "CPOX"),
    ("ABL2 K404E", "ABL2"),
    ("NM_005157.6(EGFR):c.1210A>G", "EGFR"),
    ("NM_005228.5:c.2369C>T", "NM_005228.5"),
    ("NP_000088.3:p.Lys404Glu", "NP_000088.3"),
    ("NC_000007.14:g.140753336A>T", "NC_000007.14"),
    ("p.[Glu255Lys];[Thr315Ile]", "in trans"),
    ("c.[763G>A];[944C>T]", "in trans"),
    ("p.Glu255Lys(;)Thr315Ile", "phase unknown"),
    ("p.[Lys404Glu];[=]", "second"),
    ("p.[Lys404Glu];[Lys404=]", "second"),
    ("c.[1210A>G];[1210=]", "second"),
    ("K404E/K", "genotype"),
    ("K404K/E", "genotype"),
    ("c.1210A/G", "genotype"),
    ("c.1210=/A>G", "mosaic"),
    ("K404E heterozygous", "zygosity"),
    ("c.1210A>G het", "zygosity"),
]


def caught(text: str) -> VariantError:
    with pytest.raises(VariantError) as found:
        parse_variant(text, PACK)
    return found.value


@pytest.mark.parametrize(("text", "word"), WRONG)
def test_wrong_input_is_named(text, word):
    error = caught(text)
    assert not isinstance(error, UnsupportedVariantError)
    assert any(part in str(error) for part in word.split("|")), str(error)
    check_message(error)


@pytest.mark.parametrize(("text", "word"), UNSUPPORTED)
def test_what_cannot_be_modelled_is_named(text, word):
    error = caught(text)
    assert isinstance(error, UnsupportedVariantError)
    assert word in str(error), str(error)
    check_message(error)


def check_message(error: KinscopeError) -> None:
    message = str(error)
    assert error.exit_code == 2
    assert error.remedy
    assert len(message) < 700
    assert all(char == "\n" or " " <= char <= "~" for char in message)
    assert str(pickle.loads(pickle.dumps(error))) == message


@given(text=st.text(max_size=400))
@settings(max_examples=120, deadline=None)
def test_no_text_at_all_gives_anything_but_a_variant_or_a_clear_error(text):
    try:
        variant = parse_variant(text, PACK)
    except VariantError as error:
        check_message(error)
    else:
        assert parse_variant(variant.short, PACK).substitutions == variant.substitutions


FRAGMENTS = [
    "p.",
    "c.",
    "g.",
    "(",
    ")",
    "[",
    "]",
    ";",
    ":",
    "K404E",
    "1210",
    "A>G",
    "_",
    "del",
    "ins",
    "delins",
    "dup",
    "fs",
    "Ter",
    "*",
    "?",
    "=",
    "Lys",
    "404",
    "Glu",
    "NM_005157.6",
    "NP_005148.2",
    "ABL1",
    " ",
    ",",
    "/",
    "+",
    "-",
    "1b",
    "315",
    "T",
    "I",
    "inv",
    "NC_000009.12",
    "(;)",
    "ext",
    "E255K",
    "763G>A",
    ";944C>T",
    "&",
    "1",
]


@given(parts=st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=9))
@settings(max_examples=200, deadline=None)
def test_shuffled_pieces_of_hgvs_give_a_variant_or_a_clear_error(parts):
    try:
        variant = parse_variant("".join(parts), PACK)
    except VariantError as error:
        check_message(error)
    else:
        protein = PACK.transcript.protein
        assert all(protein[item.position - 1] == item.wild_type for item in variant.substitutions)


@pytest.mark.parametrize(
    "text",
    [
        "c.1delins[" + "A;" * 130 + "A]",
        "c.1_2ins[" + "1_2;" * 60 + "1]",
        "p.[" + ";".join(f"Lys{n}Glu" for n in range(400, 425)) + "]",
        "c." + "(" * 100 + "1" + ")" * 100 + "A>G",
        "c.1" + "+1" * 100 + "A>G",
        "c.1ins" + "[1ins" * 40 + "A" + "]" * 40,
    ],
)
def test_expressions_made_to_be_slow_are_refused_soon(text):
    import time

    started = time.process_time()
    caught(text)
    assert time.process_time() - started < 10
