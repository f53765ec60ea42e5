"""Every usual spelling of a variant gives the same record."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.core.errors import VariantError
from kinscope.core.residues import ONE_TO_THREE
from kinscope.targets import load_target
from kinscope.variants import Variant, describe, modelled_states, parse_variant, variant_from_changes

PACK = load_target("abl1")
RESIDUES = sorted(ONE_TO_THREE)

K404E = """
K404E
p.Lys404Glu
p.(Lys404Glu)
p.K404E
k404e
p.lys404glu
LYS404GLU
P.K404E
NM_005157.6:c.1210A>G
NM_005157.6(ABL1):c.1210A>G
NM_005157.6(ABL1):c.1210A>G (p.Lys404Glu)
NM_005157.6(ABL1):c.1210A>G, p.(Lys404Glu)
NM_005157.6:c.1210A>G p.K404E
c.1210A>G (K404E)
K404E (c.1210A>G)
NP_005148.2:p.Lys404Glu (NM_005157.6:c.1210A>G)
c.1210A>G
c.1210a>g
c.1210A→G
c.1210A&gt;G
NP_005148.2:p.Lys404Glu
NP_005148.2:p.(Lys404Glu)
P00519:p.Lys404Glu
P00519-1:p.K404E
ABL1 K404E
abl1 k404e
ABL1:p.K404E
ABL1(NM_005157.6):c.1210A>G
ABL1 c.1210A>G p.K404E
BCR::ABL1 K404E
BCR-ABL1 K404E
BCR/ABL1 p.Lys404Glu
1a:K404E
NM_007313.3:c.1267A>G
NM_007313.3(ABL1):c.1267A>G (p.Lys423Glu)
NP_009297.2:p.Lys423Glu
P00519-2:p.K423E
1b:K423E
1B k423e
isoform 1b K423E
ABL1 1b:p.Lys423Glu
1b:c.1267A>G
NC_000009.12:g.130874992A>G
NC_000009.12(NM_005157.6):c.1210A>G
NM_005157:c.1210A>G
NM_005157.5:c.1210A>G
ENST00000318560.6:c.1210A>G
c.1210_1212delinsGAG
c.1210_1212AAA>GAG
c.1210_1212delAAAinsGAG
c.1210_1211delinsGA
c.1210delinsG
c.[1210A>G;1212A>G]
p.Lys404delinsGlu
p.[Lys404Glu]
NM_005157.6(ABL1):c.1210A>G (NP_005148.2:p.Lys404Glu)
ABL1:NM_005157:exon7:c.A1210G:p.K404E
ABL1:c.1210A>G:p.K404E
c.A1210G
c-Abl K404E
ABL1 exon 7 K404E
ABL1_K404E
ABL1-K404E
K404E mutation
BCR::ABL1 p190 K404E
BCR::ABL1 e14a2 K404E
NM_005157.6 c.1210A>G
NP_005148.2 K404E
NM_005157.6:c.1210 A > G
Lys404→Glu
K404->E
K423E (1b)
ABL1 (isoform 1b) K423E
""".strip().splitlines()

T315I = """
T315I (C944T)
C944T (T315I)
T315I (c.C944T)
p.Thr315Ile/c.944C>T
c.944C>T / p.T315I
NM_005157.6:c.944C>T/NP_005148.2:p.Thr315Ile
c.944C>T (p.Thr315Ile)
c.944C>T p.T315I
ABL1 c.944C>T:p.Thr315Ile
p.(Thr315Ile):c.944C>T
T315I, c.944C>T
p.Thr315Ile – c.944C→T
NC_000009.12:g.130872896C>T NM_005157.6:c.944C>T p.Thr315Ile
ABL1:NM_007313:exon6:c.C1001T:p.T334I,ABL1:NM_005157:exon6:c.C944T:p.T315I
c.944C->T
c.C944>T
p.Thr315_Thr315delinsIle
p.Thr315delinsIle
p.T315_E316delinsIE
c.943_944delinsAT
c.943_948delinsATTGAG
BCR-ABL T315I
T315I (ABL1a)
T334I (ABL1b)
ABL1b T334I
ENSP00000323315:p.Thr315Ile
ENSP00000323315.5:p.Thr315Ile
ENSP00000361423:p.Thr334Ile
ENST00000318560:c.944C>T
ENST00000372348:c.1001C>T
ENST00000372348.7(ABL1):c.1001C>T (p.Thr334Ile)
LRG_769:g.164016C>T
LRG_769t1:c.944C>T
LRG_769t2:c.1001C>T
LRG_769p1:p.Thr315Ile
LRG_769p2:p.Thr334Ile
NG_012034.1:g.164016C>T
NG_012034.1(NM_005157.6):c.944C>T
NM_005157.6(ABL1_v001):c.944C>T
NM_005157.6(ABL1):c.944C>T (p.Thr315Ile)
hg38 chr9:130872896C>T
hg38:chr9:130872896:C:T
ABL1 GRCh38.p14 chr9:g.130872896C>T
GRCh38/hg38 chr9:130,872,896 C>T
chr9(GRCh38):g.130872896C>T
chr9-130872896-C-T
9-130872896-C-T
chr9:130872896:C:T
9:130872896 C>T
chr9_130872896_C/T
chr9:g.130872896C>T
chr9:g.130872895_130872896delinsAT
chr9 130872896 C T (p.Thr315Ile)
p.T315I (chr9:130872896C>T)
hg19 chr9:133748283C>T
b37 9:133748283:C:T
GRCh37 chr9:g.133748283C>T
chr9-133748283-C-T
NC_000009.11:g.133748283C>T
NC_000009.12:130872895:C:T
NC_000009.12:130872895:1:T
NC_000009.11:133748282:C:T
NP_005148.2:314:T:I
NP_009297.2:333:T:I
hg38 chr9:g.130872896C>T NM_005157.6:c.944C>T p.Thr315Ile
""".strip().splitlines()

NEIGHBOURS = """
p.E255_V256delinsKI
p.e255_v256delinski
p.Glu255_Val256delinsLysIle
p.(Glu255_Val256delinsLysIle)
p.E255_V256delEVinsKI
p.G254_V256delinsGKI
p.E255_Y257delinsKIY
p.[Glu255Lys;Val256Ile]
E255K/V256I
1b:p.E274_V275delinsKI
NP_009297.2:p.Glu274_Val275delinsLysIle
c.763_768delinsAAGATC
c.763_768delinsAAGATC (p.Glu255_Val256delinsLysIle)
NP_005148.2:254:EV:KI
""".strip().splitlines()

COMPOUND = """
p.[Glu255Lys;Thr315Ile]
p.[(Glu255Lys;Thr315Ile)]
p.[E255K;T315I]
NP_005148.2:p.[Glu255Lys;Thr315Ile]
NP_009297.2:p.[Glu274Lys;Thr334Ile]
c.[763G>A;944C>T]
c.[763G>A;944C>T] p.[Glu255Lys;Thr315Ile]
NM_005157.6:c.[763G>A;944C>T] (p.[Glu255Lys;Thr315Ile])
NC_000009.12:g.[130862976G>A;130872896C>T]
E255K/T315I
T315I/E255K
E255K + T315I
E255K+T315I
E255K;T315I
E255K and T315I
ABL1 E255K/T315I
ABL1 E255K/ABL1 T315I
BCR/ABL1 E255K/T315I
1b:E274K/T334I
p.Glu255Lys/p.Thr315Ile
c.763G>A/c.944C>T
NM_005157.6:c.763G>A/944C>T
""".strip().splitlines()


@pytest.mark.parametrize("text", K404E)
def test_k404e_in_every_spelling(text):
    variant = parse_variant(text, PACK)
    assert variant.short == "K404E"
    assert variant.hgvs_p == "NP_005148.2:p.Lys404Glu"
    assert variant.hgvs_p_1b == "NP_009297.2:p.Lys423Glu"
    assert "NM_005157.6:c.1210A>G" in [change.hgvs_c for change in variant.substitutions[0].coding_changes]


@pytest.mark.parametrize("text", T315I)
def test_t315i_in_the_spellings_of_laboratories_and_programs(text):
    variant = parse_variant(text, PACK)
    assert variant.hgvs_p == "NP_005148.2:p.Thr315Ile"


@pytest.mark.parametrize("text", NEIGHBOURS)
def test_neighbouring_substitutions_in_cis_are_one_delins(text):
    variant = parse_variant(text, PACK)
    assert variant.short == "E255K/V256I"
    assert variant.hgvs_p == "NP_005148.2:p.Glu255_Val256delinsLysIle"
    assert variant.hgvs_p_1b == "NP_009297.2:p.Glu274_Val275delinsLysIle"


@pytest.mark.parametrize(
    ("text", "short", "protein"),
    [
        ("p.E255_V256delinsKV", "E255K", "p.Glu255Lys"),
        ("p.Y253_V256delinsHGEI", "Y253H/V256I", "p.[Tyr253His;Val256Ile]"),
        ("E255K/T315I/V256I", "E255K/V256I/T315I", "p.[Glu255_Val256delinsLysIle;Thr315Ile]"),
        ("p.[G254_E255delinsSK;T315I;E316K]", "G254S/E255K/T315I/E316K",
         "p.[Gly254_Glu255delinsSerLys;Thr315_Glu316delinsIleLys]"),
        ("E255_Y257delinsSER", "E255S/V256E/Y257R", "p.Glu255_Tyr257delinsSerGluArg"),
        ("c.1210_1215delinsGAATTG", "K404E/W405L", "p.Lys404_Trp405delinsGluLeu"),
        ("E255K (G763A)", "E255K", "p.Glu255Lys"),
        ("T932C (F311S)", "F311S", "p.Phe311Ser"),
        ("T932C (c.932T>C)", "F311S", "p.Phe311Ser"),
        ("T932C (p.Thr932Cys)", "T932C", "p.Thr932Cys"),
        ("p.T932C", "T932C", "p.Thr932Cys"),
        ("c.T932C", "F311S", "p.Phe311Ser"),
        ("NP_005148.2:T932C", "T932C", "p.Thr932Cys"),
        ("p.E255K/T932C", "E255K/T932C", "p.[Glu255Lys;Thr932Cys]"),
        ("T315A", "T315A", "p.Thr315Ala"),
    ],
)  # fmt: skip
def test_what_is_read_and_what_is_printed(text, short, protein):
    variant = parse_variant(text, PACK)
    assert variant.short == short
    assert variant.hgvs_p == f"NP_005148.2:{protein}"


def test_every_clash_of_a_base_change_with_a_residue_change_is_refused_by_both_names():
    transcript = PACK.transcript
    places = [
        number
        for number, wild in enumerate(transcript.protein, start=1)
        if wild in "ACGT" and transcript.cds[number - 1] == wild
    ]
    assert len(places) == 64
    for number in places:
        wild = transcript.protein[number - 1]
        for new in set("ACGT") - {wild}:
            with pytest.raises(VariantError, match="fits in two ways") as caught:
                parse_variant(f"{wild}{number}{new}", PACK)
            assert f"p.{wild}{number}{new}" in caught.value.remedy
            assert f"c.{number}{wild}>{new}" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("chr9-130872896-C-T", "130872896 is coding in ABL1 on GRCh38 only"),
        ("chr9-133748283-C-T", "133748283 is coding in ABL1 on GRCh37 only"),
        ("hg19 chr9:133748283C>T", "minus 2,875,387 for every coding base"),
        ("LRG_769:g.164016C>T", "plus 130,708,880 for every coding base"),
        ("ENST00000372348.7:c.1001C>T", "The version of ENST00000372348.7 was not checked"),
        ("ENSP00000323315:p.T315I", "ENSP00000323315 was read as NP_005148.2"),
    ],
)
def test_what_a_text_leaves_open_is_said(text, told):
    assert any(told in note for note in parse_variant(text, PACK).notes)


@pytest.mark.parametrize("text", COMPOUND)
def test_a_compound_in_every_spelling(text):
    variant = parse_variant(text, PACK)
    assert variant.short == "E255K/T315I"
    assert variant.slug == "E255K_T315I"
    assert variant.hgvs_p == "NP_005148.2:p.[Glu255Lys;Thr315Ile]"
    assert variant.hgvs_p_1b == "NP_009297.2:p.[Glu274Lys;Thr334Ile]"
    assert variant.vrs_id == ""
    assert any("in cis" in note for note in variant.notes)


def test_the_variant_of_the_paper():
    variant = parse_variant("NM_005157.6(ABL1):c.1210A>G", PACK)
    (substitution,) = variant.substitutions
    (change,) = substitution.coding_changes
    assert (substitution.wild_type, substitution.position, substitution.mutant) == ("K", 404, "E")
    assert substitution.position_1b == 423
    assert (change.codon_reference, change.codon_variant) == ("AAA", "GAA")
    assert change.hgvs_g == "NC_000009.12:g.130874992A>G"
    assert change.given
    assert substitution.domain == "kinase_domain"
    assert "p_plus_1_loop" in substitution.regions
    assert any("CPOX" in note for note in variant.notes)


def test_t315i_has_one_coding_change_at_its_known_position():
    (change,) = parse_variant("T315I", PACK).substitutions[0].coding_changes
    assert change.hgvs_c == "NM_005157.6:c.944C>T"
    assert change.hgvs_g == "NC_000009.12:g.130872896C>T"
    assert not change.given


def test_isoform_1b_is_converted_with_a_note():
    assert any("K423E is K404E" in note for note in parse_variant("1b:K423E", PACK).notes)
    assert not any("1b" in note for note in parse_variant("K404E", PACK).notes)


def test_an_isoform_given_by_its_transcript_holds_for_the_protein_change_beside_it():
    variant = parse_variant("NM_007313.3:c.1001C>T (p.Thr334Ile)", PACK)
    assert variant.short == "T315I"


def test_other_versions_are_named_in_a_note():
    assert any("NM_005157.5" in note for note in parse_variant("NM_005157.5:c.944C>T", PACK).notes)
    assert any("no version" in note for note in parse_variant("NM_005157:c.944C>T", PACK).notes)
    assert not any("version" in note for note in parse_variant("NM_005157.6:c.944C>T", PACK).notes)


def test_a_variant_no_model_covers_is_a_variant_all_the_same():
    variant = parse_variant("D800W", PACK)
    assert modelled_states(variant, PACK) == ()
    assert any("No model covers residue 800" in note for note in variant.notes)
    assert ("models", "none: published evidence only") in describe(variant, PACK)


def test_a_residue_before_the_fusion_is_said_to_be_outside_it():
    variant = parse_variant("G10R", PACK)
    assert any("BCR::ABL1" in note for note in variant.notes)
    assert variant.hgvs_p_1b == ""
    assert variant.substitutions[0].position_1b == 0


def test_modelled_states_need_every_residue_of_a_compound():
    inside = parse_variant("T315I", PACK)
    with_sh2 = parse_variant("L150P/T315I", PACK)
    assert set(modelled_states(with_sh2, PACK)) <= set(modelled_states(inside, PACK))
    kinase_only = [state.id for state in PACK.states if state.first_residue > 150]
    assert not set(kinase_only) & set(modelled_states(with_sh2, PACK))


def test_describe_tells_what_a_person_asks_for():
    lines = dict(describe(parse_variant("c.1210A>G", PACK), PACK))
    assert lines["variant"] == "ABL1 K404E"
    assert lines["protein"].startswith("NP_005148.2:p.Lys404Glu")
    assert lines["isoform 1b"] == "NP_009297.2:p.Lys423Glu"
    assert "AAA to GAA" in lines["coding"]
    assert lines["GRCh38"] == "NC_000009.12:g.130874992A>G"
    assert lines["domain"] == "kinase domain"
    assert "P+1 loop" in lines["regions"]
    assert lines["GA4GH VRS"].startswith("ga4gh:VA.")


def test_describe_tells_a_compound_apart():
    labels = [label for label, _ in describe(parse_variant("E255K/T315I", PACK), PACK)]
    assert "E255K coding" in labels
    assert "T315I coding" in labels


def test_a_variant_survives_being_written_and_read():
    variant = parse_variant("E255K/T315I", PACK)
    assert Variant.model_validate_json(variant.model_dump_json()) == variant


@given(position=st.integers(2, 1130), mutant=st.sampled_from(RESIDUES))
@settings(max_examples=40, deadline=None)
def test_the_short_name_of_any_substitution_reads_back_as_itself(position, mutant):
    wild = PACK.transcript.protein[position - 1]
    if wild == mutant:
        with pytest.raises(VariantError, match="synonymous"):
            parse_variant(f"p.{wild}{position}{mutant}", PACK)
        return
    variant = parse_variant(f"p.{wild}{position}{mutant}", PACK)
    assert variant.short == f"{wild}{position}{mutant}"
    assert parse_variant(variant.hgvs_p, PACK).short == variant.short
    assert variant_from_changes({position: mutant}, PACK).substitutions == variant.substitutions


def spellings(position: int, mutant: str) -> list[str]:
    """One substitution as people and programs write it."""
    wild = PACK.transcript.protein[position - 1]
    one = f"{wild}{position}{mutant}"
    three = f"{ONE_TO_THREE[wild]}{position}{ONE_TO_THREE[mutant]}"
    in_1b = f"{ONE_TO_THREE[wild]}{position + 19}{ONE_TO_THREE[mutant]}"
    texts = [
        f"p.{one}", f"p.{three}", f"p.({three})", three, three.lower(), f"P.{three.upper()}",
        f"ABL1 p.{three}", f"BCR::ABL1 p.{one}", f"NP_005148.2:p.{three}", f"P00519:{one}",
        f"ENSP00000323315:p.{three}", f"LRG_769p1:p.{three}", f"1b:p.{in_1b}", f"{in_1b} (1b)",
        f"ABL1b:{in_1b}", f"NP_005148.2:{position - 1}:{wild}:{mutant}", f"p.{wild}{position}delins{mutant}",
        f"p.{wild}{position}_{wild}{position}delins{mutant}",
    ]  # fmt: skip
    for change in variant_from_changes({position: mutant}, PACK).substitutions[0].coding_changes:
        body = change.hgvs_c.partition(":c.")[2]
        base, old, new = int(body[:-3]), body[-3], body[-1]
        place = PACK.transcript.genomic_positions[base - 1]
        texts += [
            change.hgvs_c, f"c.{body}", f"c.{old}{base}{new}", f"{change.hgvs_c} (p.{three})",
            f"{three} c.{body}", f"p.{three}/c.{body}", f"{three} ({old}{base}{new})",
            f"ABL1:NM_005157:exon6:c.{old}{base}{new}:p.{one}", f"NM_007313.3:c.{base + 57}{old}>{new}",
            f"ENST00000372348:c.{base + 57}{old}>{new}", f"c.{base}del{old}ins{new}", change.hgvs_g,
            f"chr9-{place}-{old}-{new}", f"hg19 chr9:{place + 2875387}{old}>{new}",
            f"NC_000009.12:{place - 1}:{old}:{new}", f"LRG_769:g.{place - 130708880}{old}>{new}",
            f"c.{3 * position - 2}_{3 * position}delins{change.codon_variant}",
        ]  # fmt: skip
    return texts


@given(position=st.integers(229, 512), mutant=st.sampled_from(RESIDUES), data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_spelling_of_a_substitution_is_the_same_variant(position, mutant, data):
    if PACK.transcript.protein[position - 1] == mutant:
        return
    text = data.draw(st.sampled_from(spellings(position, mutant)))
    assert parse_variant(text, PACK).hgvs_p == variant_from_changes({position: mutant}, PACK).hgvs_p


@given(changes=st.dictionaries(st.integers(229, 240), st.sampled_from(RESIDUES), min_size=1, max_size=4))
@settings(max_examples=80, deadline=None)
def test_what_is_printed_of_changes_in_cis_reads_back(changes):
    changes = {n: new for n, new in changes.items() if PACK.transcript.protein[n - 1] != new}
    if not changes:
        return
    variant = variant_from_changes(changes, PACK)
    for text in (
        variant.hgvs_p,
        variant.hgvs_p_1b,
        f"p.{variant.short}",
        f"p.{variant.short.replace('/', '/p.')}",
    ):
        assert parse_variant(text, PACK).substitutions == variant.substitutions


@given(position=st.integers(28, 1130), mutant=st.sampled_from(RESIDUES))
@settings(max_examples=40, deadline=None)
def test_the_1b_name_of_any_substitution_reads_back_as_the_1a_one(position, mutant):
    if PACK.transcript.protein[position - 1] == mutant:
        return
    variant = variant_from_changes({position: mutant}, PACK)
    assert parse_variant(variant.hgvs_p_1b, PACK).substitutions == variant.substitutions


@given(position=st.integers(2, 1130), mutant=st.sampled_from(RESIDUES))
@settings(max_examples=40, deadline=None)
def test_every_derived_coding_and_genomic_change_reads_back_as_the_same_substitution(position, mutant):
    if PACK.transcript.protein[position - 1] == mutant:
        return
    variant = variant_from_changes({position: mutant}, PACK)
    for change in variant.substitutions[0].coding_changes:
        assert parse_variant(change.hgvs_c, PACK).short == variant.short
        assert parse_variant(change.hgvs_g, PACK).short == variant.short


@pytest.mark.parametrize("changes", [{}, {1: "V"}, {0: "A"}, {1131: "A"}, {404: "K"}, {404: "X"}, {404: ""}])
def test_changes_that_make_no_substitution_are_refused(changes):
    with pytest.raises(VariantError):
        variant_from_changes(changes, PACK)
