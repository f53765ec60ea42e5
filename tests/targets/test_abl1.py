"""The abl1 pack: its sequences, coordinates and regions are what the sources say."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kinscope.core.errors import BadInputError
from kinscope.core.residues import CODONS, translate
from kinscope.targets import load_target, target_names


@pytest.fixture(scope="module")
def pack():
    return load_target("abl1")


def test_the_coding_sequence_translates_to_the_protein(pack):
    assert len(pack.transcript.cds) == 3393
    assert len(pack.transcript.protein) == 1130
    assert translate(pack.transcript.cds) == pack.transcript.protein + "*"


def test_the_genetic_code_has_64_codons_and_three_stops():
    assert len(CODONS) == 64
    assert {codon for codon, residue in CODONS.items() if residue == "*"} == {"TAA", "TAG", "TGA"}
    assert CODONS["ATG"] == "M"
    assert CODONS["TGG"] == "W"


@pytest.mark.parametrize(
    ("base", "position"),
    [
        (1, 130835447),
        (80, 130854064),  # first base of exon 2 (a2), where BCR::ABL1 begins
        (254, 130854801),  # first base of exon 3 (a3)
        (763, 130862976),  # E255K
        (944, 130872896),  # T315I
        (1210, 130874992),  # K404E
        (1271, 130878415),
        (1424, 130880068),
        (3393, 130885683),
    ],
)
def test_known_genomic_coordinates(pack, base, position):
    assert pack.transcript.genomic_positions[base - 1] == position


def test_the_exons_add_up_to_the_transcript(pack):
    # ENST00000318560.6, its MANE partner, is 5578 bases long (GENCODE); it runs from chr9:130835254 to the
    # end of the gene at 130887675. The untranslated parts lie in the first and the last exon.
    transcript = pack.transcript
    before = transcript.genomic_positions[0] - 130835254
    after = 130887675 - transcript.genomic_positions[-1]
    assert before + len(transcript.cds) + after == 5578
    assert len(transcript.exons) == 11


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("hrd", "HRD"),
        ("dfg", "DFG"),
        ("ape", "APE"),
        ("beta3_lysine", "K"),
        ("helix_c_glutamate", "E"),
        ("gatekeeper", "T"),
        ("catalytic_loop", "HRDLAARN"),
        ("p_plus_1_loop", "AKFPIKWT"),
        ("p_loop", "LGGGQYGEV"),
        ("hinge", "EFMTYGN"),
        ("activation_loop_tyrosine", "Y"),
    ],
)
def test_motifs_have_their_letters(pack, name, letters):
    region = pack.region(name)
    assert pack.transcript.protein[region.start - 1 : region.end] == letters


def test_the_residues_of_the_literature_are_where_it_says(pack):
    wanted = "K271 E286 T315 F317 M318 H361 D363 D381 F382 Y393 A399 K404 T406 Y226 M244 V299 A337 P465 I502"
    for name in wanted.split():
        assert pack.transcript.protein[int(name[1:]) - 1] == name[0]


def test_the_klifs_pocket_lies_in_the_kinase_domain(pack):
    # The 85 pocket residues of ABL1 in KLIFS, by their runs in the sequence.
    runs = {246: "HKLGGGQYGEVYE", 268: "VAVKTL", 282: "EFLKEAAVMKEI", 296: "PNLVQLLGV"}
    runs |= {312: "YIITEFMTYGNLLDYLRE", 353: "YLEKKNFIHRDLAARNCLV", 379: "VADFGLS"}
    for start, letters in runs.items():
        assert pack.transcript.protein[start - 1 : start - 1 + len(letters)] == letters
    # 24th pocket residue is the glutamate of helix C, 45th the gatekeeper.
    assert pack.region("helix_c_glutamate").start == 282 + (24 - 20)


def test_lys404_is_in_the_p_plus_1_loop_of_the_kinase_domain(pack):
    names = [region.name for region in pack.regions_of(404)]
    assert names[0] == "kinase_domain"
    assert {"c_lobe", "activation_loop", "p_plus_1_loop"} <= set(names)
    assert "paper_window" not in names  # 382-402 ends two residues before
    assert "myristate_pocket" not in names


def test_the_myristate_pocket_holds_the_asciminib_resistance_sites(pack):
    pocket = pack.region("myristate_pocket")
    for residue in (337, 462, 463, 465, 468, 502):  # A337V/T, E462K, G463D/S, P465S, V468F, I502L
        assert residue in pocket
    assert 315 not in pocket


def test_the_atp_site_holds_gatekeeper_and_salt_bridge_but_not_the_p_plus_1_loop(pack):
    site = pack.region("atp_site")
    assert all(residue in site for residue in (271, 286, 315, 318, 381))
    assert not any(residue in site for residue in range(399, 407))


def test_every_region_says_where_its_boundaries_come_from(pack):
    assert all(len(region.source) > 15 for region in pack.regions)


def test_domains_do_not_overlap(pack):
    domains = sorted((region.start, region.end) for region in pack.regions if region.kind == "domain")
    assert all(before[1] < after[0] for before, after in pairwise(domains))


def test_every_drug_binds_a_state_and_a_site_of_the_pack(pack):
    states = {state.id for state in pack.states}
    for drug in pack.drugs:
        assert drug.state in states
        assert drug.site in {"atp", "myristate"}


def test_the_pack_is_read_once_and_in_any_case():
    assert load_target("abl1") is load_target("abl1")
    assert "abl1" in target_names()


@pytest.mark.parametrize("name", ["egfr9", "", "../abl1", "a" * 500, "abl1\x1b[31m"])
def test_an_unknown_target_is_refused_with_the_ones_that_exist(name):
    with pytest.raises(BadInputError) as caught:
        load_target(name)
    assert "abl1" in caught.value.remedy
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400
