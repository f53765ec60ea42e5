"""From residues to bases: codons, strands, introns, identifiers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kinscope.core.errors import UnsupportedVariantError
from kinscope.core.residues import CODONS
from kinscope.targets import load_target, load_target_directory
from kinscope.variants import parse_variant, variant_from_changes
from kinscope.variants.build import allele_id, refget_accession, sha512t24u
from kinscope.variants.coding import lifted

PACK = load_target("abl1")
EXAMPLE_SQ = "SQ.F-LrLMe1SRpfUZHkQmvkVKFEGaoDeHul"

MINUS_STRAND = """
gene: TOY1
name: a toy kinase
uniprot: Q00000
reference_isoform: canonical
transcript:
  accession: NM_000001.1
  protein_accession: NP_000001.1
  chromosome: chr1
  assembly: GRCh38
  genomic_accession: NC_000001.11
  strand: '-'
  exons:
    - {first: 1, last: 5, genomic_first: 1000}
    - {first: 6, last: 12, genomic_first: 900}
  source: made for this test
"""


def single_base_neighbours(codon: str) -> set[str]:
    return {codon[:i] + base + codon[i + 1 :] for i in range(3) for base in "ACGT"} - {codon}


@pytest.mark.parametrize("position", [27, 85, 244, 255, 303, 315, 359, 404, 424, 475, 1130])
def test_all_single_base_changes_of_a_codon_are_found_and_no_other(position):
    wild = PACK.transcript.cds[3 * position - 3 : 3 * position]
    protein = PACK.transcript.protein
    found = set()
    for mutant in set("ACDEFGHIKLMNPQRSTVWY") - {protein[position - 1]}:
        for change in variant_from_changes({position: mutant}, PACK).substitutions[0].coding_changes:
            assert CODONS[change.codon_variant] == mutant
            found.add(change.codon_variant)
    keep = {protein[position - 1], "*"}
    assert found == {codon for codon in single_base_neighbours(wild) if CODONS[codon] not in keep}


def test_lysine_404_can_become_asparagine_in_two_ways():
    variant = parse_variant("K404N", PACK)
    assert [change.hgvs_c for change in variant.substitutions[0].coding_changes] == [
        "NM_005157.6:c.1212A>C",
        "NM_005157.6:c.1212A>T",
    ]
    assert any("2 single-base changes" in note for note in variant.notes)


def test_naming_the_base_marks_it_and_keeps_the_other_way_in_sight():
    changes = parse_variant("c.1212A>T", PACK).substitutions[0].coding_changes
    assert [(change.hgvs_c[-9:], change.given) for change in changes] == [
        ("c.1212A>C", False),
        ("c.1212A>T", True),
    ]


def test_a_change_that_no_single_base_makes_says_so():
    variant = parse_variant("T315W", PACK)
    assert variant.substitutions[0].coding_changes == ()
    assert any("No single base change" in note for note in variant.notes)


def test_a_given_change_of_several_bases_comes_first():
    first, *others = parse_variant("c.1210_1212delinsGAG", PACK).substitutions[0].coding_changes
    assert first.hgvs_c == "NM_005157.6:c.1210_1212delinsGAG"
    assert first.hgvs_g == "NC_000009.12:g.130874992_130874994delinsGAG"
    assert first.given
    assert [change.hgvs_c for change in others] == ["NM_005157.6:c.1210A>G"]


def test_a_wordy_description_of_one_base_is_written_shortly():
    (change,) = parse_variant("c.1210_1212delinsGAA", PACK).substitutions[0].coding_changes
    assert change.hgvs_c == "NM_005157.6:c.1210A>G"
    assert change.given


def test_two_bases_on_the_two_sides_of_an_intron_are_two_changes_in_the_genome():
    # c.1270 and c.1271 share codon 424 and lie in two exons.
    assert (1270 - 1) // 3 == (1271 - 1) // 3
    wild = PACK.transcript.cds[1269:1272]
    new = next(
        codon
        for codon in CODONS
        if codon[0] != wild[0] and codon[1] != wild[1] and codon[2] == wild[2] and CODONS[codon] != "*"
    )
    variant = parse_variant(f"c.1270_1271delins{new[:2]}", PACK)
    given = next(change for change in variant.substitutions[0].coding_changes if change.given)
    assert given.hgvs_g == (f"NC_000009.12:g.[130875052{wild[0]}>{new[0]};130878415{wild[1]}>{new[1]}]")


def test_a_change_at_the_edge_of_an_exon_warns_of_splicing():
    edges = {exon.last for exon in PACK.transcript.exons[:-1]} | {
        exon.first for exon in PACK.transcript.exons[1:]
    }
    warned = 0
    for base in sorted(edges):
        wild = PACK.transcript.cds[base - 1]
        codon_start = 3 * ((base - 1) // 3)
        codon = PACK.transcript.cds[codon_start : codon_start + 3]
        for new in set("ACGT") - {wild}:
            index = base - 1 - codon_start
            after = CODONS[codon[:index] + new + codon[index + 1 :]]
            if after not in {"*", CODONS[codon]}:
                notes = parse_variant(f"c.{base}{wild}>{new}", PACK).notes
                assert any("splicing" in note for note in notes)
                warned += 1
    assert warned > 20
    assert not any("splicing" in note for note in parse_variant("c.1210A>G", PACK).notes)


def test_1b_bases_are_1a_bases_plus_57_from_exon_2_on():
    for base in (80, 254, 763, 944, 1210, 3390):
        wild = PACK.transcript.cds[base - 1]
        for new in "ACGT":
            try:
                one = parse_variant(f"NM_005157.6:c.{base}{wild}>{new}", PACK)
            except ValueError:
                continue
            assert parse_variant(f"NM_007313.3:c.{base + 57}{wild}>{new}", PACK).short == one.short


def test_exons_follow_each_other_in_sequence_and_genome():
    for before, after in pairwise(PACK.transcript.exons):
        assert after.first == before.last + 1
        assert after.genomic_first > before.genomic_first + (before.last - before.first)


def test_a_gene_on_the_minus_strand(tmp_path):
    (tmp_path / "target.yaml").write_text(MINUS_STRAND)
    (tmp_path / "regions.yaml").write_text("[]")
    (tmp_path / "cds.fasta").write_text(">toy\nATGAAATGGTAA\n")
    (tmp_path / "protein.fasta").write_text(">toy\nMKW\n")
    pack = load_target_directory(tmp_path)
    variant = parse_variant("K2E", pack)
    (change,) = variant.substitutions[0].coding_changes
    assert change.hgvs_c == "NM_000001.1:c.4A>G"
    assert change.hgvs_g == "NC_000001.11:g.997T>C"
    assert parse_variant("NC_000001.11:g.997T>C", pack).short == "K2E"
    assert parse_variant("NC_000001.11:g.[996_997delinsAC]", pack).short == "K2V"
    assert variant.hgvs_p_1b == ""


# First bases of ABL1's exons 2 to 11 in UCSC's hg19.
EXONS_OF_HG19 = (133729451, 133730188, 133738150, 133747516, 133748247,
                 133750255, 133753802, 133755455, 133755887, 133759356)  # fmt: skip


def test_a_position_of_grch37_is_lifted_exon_by_exon():
    firsts = [exon.genomic_first for exon in PACK.transcript.exons]
    assert [lifted(position, "hg19", PACK) for position in EXONS_OF_HG19] == firsts[1:]
    # The last base of exon 1a, which is coding from c.1.
    assert lifted(133710912, "GRCh37", PACK) == PACK.transcript.genomic_positions[78]


@pytest.mark.parametrize(
    "name", ["GRCh37", "hg19", "b37", "hs37d5", "human_g1k_v37", "grch37.p13", "NC_000009.11"]
)
def test_one_assembly_has_many_names(name):
    assert lifted(133748283, name, PACK) == 130872896


@pytest.mark.parametrize("name", ["GRCh38", "hg38", "GRCh38.p14", "NC_000009.12"])
def test_the_packs_own_assembly_needs_no_lift(name):
    assert lifted(130872896, name, PACK) == 130872896


@pytest.mark.parametrize(("name", "named"), [("hg18", "NCBI36"), ("NC_000009.10", "NCBI36"), ("T2T", "T2T")])
def test_an_assembly_that_the_pack_does_not_hold_is_refused_by_name(name, named):
    with pytest.raises(UnsupportedVariantError, match=named):
        lifted(132738104, name, PACK)


def test_vrs_digests_are_those_of_the_specification():
    # Published with the specification: the digests of "" and "ACGT", and NC_000007.14:g.55181320A>T.
    assert sha512t24u(b"") == "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXc"
    assert sha512t24u(b"ACGT") == "aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2"
    assert allele_id(EXAMPLE_SQ, 55181319, 55181320, "T") == "ga4gh:VA.Hy2XU_-rp4IMh6I_1NXNecBo8Qx8n0oE"


def test_vrs_ids_depend_on_the_protein_change_alone():
    given = parse_variant("c.1212A>T", PACK).vrs_id
    assert given == parse_variant("1b:K423N", PACK).vrs_id
    assert given != parse_variant("K404E", PACK).vrs_id
    assert refget_accession(PACK.transcript.protein).startswith("SQ.")
