"""HGVS names with published answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.sequencing.calling.naming import Replacement, most_3prime, name_bases, name_indel
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
