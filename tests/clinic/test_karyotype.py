"""Karyotypes: the notation's own examples, reports as written, hostile text."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.clinic.karyotype.changes import expected_count
from kinscope.clinic.karyotype.model import Karyotype, KaryotypeError
from kinscope.clinic.karyotype.parse import parse_karyotype
from kinscope.clinic.karyotype.reading import KaryotypeReading, high_risk_changes, read_karyotype
from kinscope.clinic.measurements import known_protein, protein_of
from kinscope.core.errors import BadInputError

PAPER = "47 ~ 48,XX,t(9;22)(q34;q11.2)[3], + mar1[2], + mar2[3] [cp4]/46,XX[9]"


def reading_of(text: str) -> KaryotypeReading:
    return read_karyotype(parse_karyotype(text))


def test_the_papers_karyotype() -> None:
    karyotype = parse_karyotype(PAPER)
    abnormal, normal = karyotype.clones
    assert not [*karyotype.unreadable, *(part for clone in karyotype.clones for part in clone.unreadable)]
    assert (abnormal.low, abnormal.high, abnormal.cells, abnormal.composite) == (47, 48, 4, True)
    assert [(a.name, a.cells) for a in abnormal.abnormalities] == [
        ("t(9;22)(q34;q11.2)", 3),
        ("+mar1", 2),
        ("+mar2", 3),
    ]
    assert normal.normal
    assert normal.cells == 9
    reading = read_karyotype(karyotype)
    assert reading.philadelphia == "t(9;22)"
    assert (reading.philadelphia_cells, reading.cells) == (3, 13)
    assert reading.additional_changes == ("+mar1", "+mar2")
    assert all(change.clonal for change in reading.changes)
    assert reading.abnormalities_low == reading.abnormalities_high == 3


# Karyotypes printed as examples in ISCN (2013 to 2024) and in its errata, each with its chromosome number,
# which the changes listed must give.
ISCN_EXAMPLES = [
    "46,XX",
    "46,XY,t(9;22)(q34;q11.2)",
    "47,XY,t(9;22)(q34;q11.2),+der(22)t(9;22)",
    "46,XX,inv(3)(q21q26.2)",
    "46,XX,inv(3)(q21q26.2)[10]",
    "48,XY,+21c,+21[10]",
    "46,XY,+21c,-21[10]",
    "45,XY,-7[10]",
    "47,XX,+8[12]",
    "47,XY,+mar",
    "48,XX,+mar1,+mar2",
    "46,XX,i(17)(q10)",
    "46,XY,i(17)(q10)[5]",
    "45,XX,dic(13;15)(q22;q24)",
    "45,XX,der(13;14)(q10;q10)",
    "46,XX,+13,dic(13;15)(q22;q24)",
    "46,XY,del(5)(q13q33)",
    "46,XX,del(5)(q13)",
    "46,XY,add(12)(q13)",
    "46,XY,dup(1)(q22q25)",
    "46,XX,ins(5;2)(p14;q22q32)",
    "46,XX,t(2;7;5)(p21;q22;q23)",
    "46,XY,der(9)del(9)(p12)t(9;22)(q34;q11.2)",
    "46,XX,ider(22)(q10)t(9;22)(q34;q11.2)",
    "46,XY,r(7)(p22q36)",
    "45,X,-Y[10]",
    "45,X,-X[10]",
    "46,X,del(X)(q24)",
    "46,Y,t(X;8)(p22.3;q24.1)",
    "47,XX,+X[20]",
    "46,XX,t(12;16)(q13;p11.1)",
    "46,XX,add(4)(p?16)",
    "47,XXY",
    "48,XXYc,+X[20]",
    "69,XXX",
]


@pytest.mark.parametrize("text", ISCN_EXAMPLES)
def test_examples_of_the_nomenclature_read_and_add_up(text: str) -> None:
    if text == "69,XXX":
        text = "69<3n>,XXX"
    karyotype = parse_karyotype(text)
    assert not [*karyotype.unreadable, *(part for clone in karyotype.clones for part in clone.unreadable)]
    (clone,) = karyotype.clones
    expected = expected_count(clone)
    assert expected is not None
    assert expected[0] <= clone.low <= expected[1]
    assert not any("does not agree" in note for note in read_karyotype(karyotype).notes)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("46,XX,+8[20]", "47"),
        ("47,XY,-7[20]", "45"),
        ("46,XX,der(13;14)(q10;q10)", "45"),
        ("45,XX[20]", "46"),
    ],
)
def test_a_number_that_contradicts_its_changes_is_said(text: str, given: str) -> None:
    assert any(f"which give {given}" in note for note in reading_of(text).notes)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("46,XX,t(9;22)(q34;q11.2)[20]", "t(9;22)"),
        ("46,XX,t(9;22)(q34;q11)[20]", "t(9;22)"),
        ("46,XX,t(9;22)(q34.1;q11.23)[20]", "t(9;22)"),
        ("46,XX,t(9;22)[20]", "t(9;22)"),
        ("46,XX,t(9;22)(q?34;q?11)[20]", "t(9;22)"),
        ("46,XX,t(9;22;14)(q34;q11.2;q32)[20]", "variant"),
        ("46,XY,t(4;9;22)(p16;q34;q11.2)[20]", "variant"),
        ("46,XX,der(22)t(9;22)(q34;q11.2)[20]", "der(22)"),
        ("46,XX,ider(22)(q10)t(9;22)(q34;q11.2)[20]", "der(22)"),
        ("46,XX,ins(22;9)(q11.2;q34q34)[20]", "insertion"),
        ("47,XX,+Ph[20]", "Ph"),
        ("46,XX,t(9;22)(p24;q11.2)[20]", "not seen"),
        ("46,XX,t(9;22)(q34;q13)[20]", "not seen"),
        ("46,XX,t(8;22)(q24;q11)[20]", "not seen"),
        ("46,XX,t(9;22)(q34;q11.2)c[20]", "not seen"),
        ("46,XX,t(9;22)(q34;q11.2)dmat[20]", "not seen"),
        ("46,XX,t(9;22)(q33~34;q11.2)[20]", "t(9;22)"),
        ("46,XX,t(9;22)(q33-34;q10~11)[20]", "t(9;22)"),
        ("46,XX,t(9;22)(q31~33;q11.2)[20]", "not seen"),
        ("46,XX,t(9;22)(q34;q11.2orq12)[20]", "t(9;22)"),
        ("46,XX,der(22)?t(9;22)(q34;q11.2)[20]", "der(22)"),
        ("46,XX[20]", "not seen"),
    ],
)
def test_how_the_philadelphia_chromosome_shows(text: str, kind: str) -> None:
    assert reading_of(text).philadelphia == kind


def test_not_seen_is_not_absent() -> None:
    assert any("cryptic" in note for note in reading_of("46,XX[20]").notes)
    hidden = reading_of("46,XX[20].nuc ish(ABL1,BCR)x3(ABL1 con BCRx2)[170/200]")
    assert hidden.philadelphia == "not seen"
    assert hidden.bcr_abl1_by_fish is True
    assert any("cryptic" in note and "FISH shows" in note for note in hidden.notes)
    partner = reading_of("46,XX,t(12;22)(p13;q11.2)[20]")
    assert any("variant" in note and "22q11" in note for note in partner.notes)


@pytest.mark.parametrize(
    ("text", "fusion", "positive", "scored"),
    [
        ("nuc ish(ABL1x3),(BCRx3),(ABL1 con BCRx2)[180/200]", True, 180, 200),
        ("46,XX[20].nuc ish(ABL1,BCR)x2[200]", False, None, 200),
        ("46,XX[20].nuc ish(TP53x1)[50/200]", None, 50, 200),
    ],
)
def test_fish_is_recognised(text: str, fusion: bool | None, positive: int | None, scored: int) -> None:
    (result,) = parse_karyotype(text).fish
    assert result.bcr_abl1_fusion is fusion
    assert (result.positive_cells, result.scored_cells) == (positive, scored)


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("47,XX,+8,t(9;22)(q34;q11.2)[20]", "trisomy 8"),
        ("47,XX,t(9;22)(q34;q11.2),+19[20]", "trisomy 19"),
        ("47,XX,t(9;22)(q34;q11.2),+der(22)t(9;22)[20]", "second Ph"),
        ("47,XX,t(9;22)(q34;q11.2),+der(22)[20]", "second Ph"),
        ("47,XX,t(9;22)(q34;q11.2),+Ph[20]", "second Ph"),
        ("46,XX,t(9;22)(q34;q11.2),i(17)(q10)[20]", "i(17q)"),
        ("46,XX,t(9;22)(q34;q11.2),i(17q)[20]", "i(17q)"),
        ("45,XX,-7,t(9;22)(q34;q11.2)[20]", "monosomy 7"),
        ("46,XX,del(7)(q22),t(9;22)(q34;q11.2)[20]", "7q loss"),
        ("46,XX,inv(3)(q21q26.2),t(9;22)(q34;q11.2)[20]", "3q26.2"),
        ("46,XX,t(9;22)(q34;q11.2),t(9;11)(p22;q23)[20]", "11q23"),
    ],
)
def test_high_risk_changes_of_the_guideline(text: str, group: str) -> None:
    """Hochhaus A et al. Leukemia 2020;34:966-984; Hehlmann R et al. Leukemia 2020;34:2074-2086."""
    assert any(group in change for change in high_risk_changes(reading_of(text)))


@pytest.mark.parametrize(
    "text",
    [
        "46,XX,t(9;22)(q34;q11.2)[20]",
        "45,X,-Y,t(9;22)(q34;q11.2)[20]",
        "46,XX,t(9;22;14)(q34;q11.2;q32)[20]",
        "45,XX,der(7;9)(q10;q10),t(9;22)(q34;q11.2)[20]",
        "47,XX,+8[20]",
        "47,XX,+8c,t(9;22)(q34;q11.2)[20]",
        "46,XX,t(9;22)(q34;q11.2)[19]/47,sl,+8[1]",
    ],
)
def test_what_is_not_of_high_risk(text: str) -> None:
    """-Y and a variant translocation; 7p loss; no Ph; constitutional; a single cell."""
    assert high_risk_changes(reading_of(text)) == ()


@pytest.mark.parametrize(
    ("change", "cells", "clonal"),
    [("+8", 1, False), ("+8", 2, True), ("del(5)(q13)", 2, True), ("-7", 2, False), ("-7", 3, True)],
)
def test_clonality_two_for_a_gain_or_structure_three_for_a_loss(
    change: str, cells: int, clonal: bool
) -> None:
    number = {"+": 47, "-": 45}.get(change[0], 46)
    (summary,) = reading_of(f"{number},XX,{change}[{cells}]/46,XX[18]").changes
    assert summary.clonal is clonal


def test_subclones_inherit() -> None:
    karyotype = parse_karyotype("46,XX,t(9;22)(q34;q11.2)[3]/47,sl,+8[17]/48,sdl1,+9[3]/49,sdl2,+11[12]")
    carried = [[change.name for change in clone.changes] for clone in karyotype.clones]
    assert carried[3] == ["t(9;22)(q34;q11.2)", "+8", "+9", "+11"]
    reading = read_karyotype(karyotype)
    assert reading.philadelphia_cells == reading.cells == 35
    assert {c.name: c.cells for c in reading.changes} == {
        "t(9;22)(q34;q11.2)": 35,
        "+8": 32,
        "+9": 15,
        "+11": 12,
    }
    assert not any("does not agree" in note for note in reading.notes)


def test_a_subclone_that_lost_something() -> None:
    karyotype = parse_karyotype("47,XY,t(9;22)(q34;q11.2),+mar[2]/46,idem,-mar[3]")
    assert [change.name for change in karyotype.clones[1].changes] == ["t(9;22)(q34;q11.2)"]


def test_one_band_at_two_resolutions_is_one_change() -> None:
    reading = reading_of("46,XX,t(9;22)(q34;q11)[3]/47,XX,+8,t(9;22)(q34.1;q11.2)[17]")
    assert reading.abnormalities_low == 2


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("46,XX,t(9;22)(q34;q11.2)", 1, 1),
        ("46,XY,der(5)t(5;7)(q31;q22)", 2, 2),
        ("47~49,XY,+1~3mar[cp5]", 1, 3),
        ("47,XY,t(9;22)(q34;q11.2),+der(22)t(9;22)", 2, 2),
        ("46,XX,+8c,-7", 1, 1),
        ("48,XX,+21,+21", 2, 2),
        ("46,XX,t(9;22)(q34;q11.2),inv(9)(p12q13)mat", 1, 1),
        ("45,XX,t(9;22)(q34;q11.2),der(13;14)(q10;q10)dn", 1, 1),
        ("46,XX,der(1)?t(1;3)(p34.1;q21)", 2, 2),
        ("46,XX,9qh+,t(9;22)(q34;q11.2)", 1, 1),
        ("46,XY,21ps+,inv(9)(p12q13)c", 0, 0),
        ("46,XX,t(9;22)(q34;q11.2)[10]/46,XX,t(9;22)x2[5]", 2, 2),
        ("46,XX,t(9;22)(q34;q11.2)x2[10]/46,XX,t(9;22)[5]", 2, 2),
        ("92,XXYY,t(9;22)(q34;q11.2)x2", 1, 1),
        ("91<4n>,XXXX,-7,t(9;22)(q34;q11.2)x2", 2, 2),
        ("46,XX,der(9)t(9;22)(q34;q11.2)", 2, 2),
        ("46,XX,der(9)t(9;22)(q34;q11.2)del(9)(q34q34),der(22)t(9;22)", 2, 2),
        ("46,XX,der(22)t(9;22)(q34;q11.2)x2", 3, 3),
        ("47,XY,t(9;22;15)(q34;q11.2;q21),+der(22)t(9;22)", 2, 2),
    ],
)
def test_counting_follows_iscn_2024(text: str, low: int, high: int) -> None:
    """Section 6.5 and table 7: a derivative of two chromosomes counts two, each marker one."""
    reading = reading_of(text)
    assert (reading.abnormalities_low, reading.abnormalities_high) == (low, high)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("46,XX,t(9;22)(q34;q11.2)", "not complex"),
        ("48,XX,t(9;22)(q34;q11.2),+8,+19", "three or more"),
        ("50,XX,+4,t(9;22)(q34;q11.2),+8,+19,+21", "five or more"),
        ("46,XX,t(9;22)(q34;q11.2),blah", "cannot be excluded"),
        ("46,XX,t(9;22)(q34;q11.2),+8,inc", "cannot be excluded"),
        ("47~49,XY,+1~3mar[cp5]", "possibly complex"),
    ],
)
def test_complexity(text: str, word: str) -> None:
    assert word in reading_of(text).complexity


UNREADABLE = {
    "unknown term": ("46,XX,foo(3)(q21)", 6, "no ISCN term"),
    "no such chromosome": ("46,XX,+23", 6, "no chromosome 23"),
    "no sign": ("46,XX,8", 6, "without + or -"),
    "bands for one of two": ("46,XX,t(9;22)(q34)", 6, "breakpoints for 1"),
    "bands for three of two": ("46,XX,t(9;22)(q34;q11;q2)", 6, "more breakpoints"),
    "no arm": ("46,XX,del(5)(13)", 6, "band"),
    "half a band": ("46,XX,del(5)(q13.)", 6, "middle"),
    "nothing": ("46,XX,,+8", 6, "between two commas"),
    "trailing words": ("46,XX,+8 maybe", 6, "not understood"),
    "reversed copies": ("46,XX,+3~1mar", 6, "range"),
    "zero copies": ("46,XX,del(5)(q13)x0", 6, "copies"),
    "markup": ("46,XX,<b>", 6, ""),
    "digits without end": ("46,XX,+" + "9" * 50, 6, "digits"),
}


@pytest.mark.parametrize(("text", "start", "word"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_kept_with_its_place(text: str, start: int, word: str) -> None:
    karyotype = parse_karyotype(text)
    (part,) = karyotype.clones[0].unreadable
    assert part.start == start
    assert word in part.reason
    assert text[part.start : part.end].strip() == part.text
    assert any(part.text in note or "between" in note for note in read_karyotype(karyotype).notes)
    assert not karyotype.clones[0].normal, "an unread part is no normal clone"


BROKEN = {
    "empty": ("", 1),
    "blank": ("   ", 1),
    "prose": ("normal female karyotype", 1),
    "no sex chromosomes": ("46,t(9;22)(q34;q11.2)", 4),
    "number only": ("46", 3),
    "no number": ("XX,t(9;22)(q34;q11.2)", 1),
    "semicolon": ("46;XX", 3),
    "too few chromosomes": ("4,XX", 1),
    "too many chromosomes": ("4600,XX", 1),
    "reversed range": ("48~46,XX", 1),
    "open bracket": ("46,XX,t(9;22(q34;q11.2)[20]", 8),
    "open cells": ("46,XX[20", 6),
    "stray bracket": ("46,XX)[20]", 6),
    "crossed brackets": ("46,XX,t(9;22](q34;q11.2)", 13),
    "no clone before": ("/46,XX[20]", 1),
    "no clone after": ("46,XX[20]/", 10),
    "three slashes": ("46,XX[2]///46,XY[3]", 11),
    "no cells": ("46,XX[0]", 7),
    "refers to nothing": ("46,sl,+8[3]", 4),
    "refers beyond": ("46,XX,+8[3]/47,sdl2,+9[3]", 16),
    "control character": ("46,XX\x1b[31m", 6),
    "ploidy of nine": ("69<9n>,XXX", 4),
}


@pytest.mark.parametrize(("text", "character"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_frame_is_refused_with_its_character(text: str, character: int) -> None:
    with pytest.raises(KaryotypeError) as caught:
        parse_karyotype(text)
    assert f"character {character}" in caught.value.where
    assert caught.value.exit_code == 2


def test_a_novel_is_refused() -> None:
    with pytest.raises(KaryotypeError, match="characters"):
        parse_karyotype("46,XX," * 2000)


@pytest.mark.parametrize("text", [",".join(["46", "XX", *["+8"] * 400]), "/".join(["46,XX[2]"] * 100)])
def test_numbers_of_parts_are_bounded(text: str) -> None:
    with pytest.raises(KaryotypeError, match="More than"):
        parse_karyotype(text)


WORDS = (
    "46 XX 47~48 t(9;22) (q34;q11.2) [3] [cp4] / // , +8 -7 +mar1 der(22) sl idem sdl1 x2 ? or inc c nuc ish "
    "(ABL1 con BCRx2) [180/200] <3n> ( ) [ ] ; ~ Ph r(7) 1~3mar . arr inv psu dic p?16 − é"
)
FRAGMENTS = st.sampled_from([*WORDS.split(), " "])


@given(st.one_of(st.text(max_size=80), st.lists(FRAGMENTS, max_size=25).map("".join)))
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_refused_and_offsets_hold(text: str) -> None:
    try:
        karyotype = parse_karyotype(text)
    except KaryotypeError as error:
        refused_at = error.where
        karyotype = None
    if karyotype is None:
        assert refused_at.startswith("karyotype")
        return
    for clone in karyotype.clones:
        assert text[clone.start : clone.end].strip() == clone.text
        for part in (*clone.abnormalities, *clone.unreadable):
            assert text[part.start : part.end].strip() == part.text
    reading = read_karyotype(karyotype)
    assert reading.abnormalities_low <= reading.abnormalities_high
    assert Karyotype.model_validate_json(karyotype.model_dump_json()) == karyotype


@given(cells=st.integers(1, 500), normal=st.integers(1, 500))
@settings(max_examples=30)
def test_cells_are_counted_whatever_the_spacing(cells: int, normal: int) -> None:
    tight = f"46,XX,t(9;22)(q34;q11.2)[{cells}]/46,XX[{normal}]"
    wide = tight.replace(",", " , ").replace("[", " [ ").replace("(", " ( ").replace(";", " ; ")
    for text in (tight, wide):
        reading = reading_of(text)
        assert (reading.philadelphia_cells, reading.cells) == (cells, cells + normal)


def test_a_chromosome_gained_twice_is_in_as_many_cells_as_the_clone() -> None:
    (change,) = reading_of("48,XX,+21,+21[7]/46,XX[3]").changes
    assert (change.cells, change.weight_low) == (7, 2)


def test_an_old_way_to_write_one_philadelphia_chromosome() -> None:
    reading = reading_of("46,XX,-22,+der(22)t(9;22)(q34;q11.2)[10]")
    assert reading.philadelphia == "der(22)"
    assert high_risk_changes(reading) == ()


def test_a_doubled_clone() -> None:
    doubled = parse_karyotype("45,XX,-7[5]/90,idemx2[3]").clones[1]
    assert doubled.reference == "idemx2"
    assert doubled.changes[0].copies_low == 2


def test_typographic_signs_are_the_same_karyotype() -> None:
    assert reading_of("45,XX,−7,t(9;22)(q34;q11.2)[20]") == reading_of("45,XX,-7,t(9;22)(q34;q11.2)[20]")


@pytest.mark.parametrize(
    ("transcript", "name", "protein"),
    [
        ("e1a2", "e1a2", "p190"),
        ("E1A2", "e1a2", "p190"),
        ("e1a2, p190", "e1a2", "p190"),
        ("p190 BCR::ABL1", "", "p190"),
        ("p185", "", "p190"),
        ("e13a2", "e13a2", "p210"),
        ("b2a2", "e13a2", "p210"),
        ("b3a2 (p210)", "e14a2", "p210"),
        ("e14a2", "e14a2", "p210"),
        ("e19a2", "e19a2", "p230"),
        ("e1a3", "e1a3", "p190"),
        ("e13a3", "e13a3", "p210"),
    ],
)
def test_transcripts_and_their_proteins(transcript: str, name: str, protein: str) -> None:
    found = protein_of(transcript)
    assert (found.name, found.protein) == (name, protein)


@pytest.mark.parametrize(
    "text", ["", "e1", "e1a2 or e14a2", "e1a2, p210", "e13a2, e14a2", "e99a2", "p53", "x" * 500, "e1a2<b>"]
)
def test_transcripts_are_not_guessed(text: str) -> None:
    assert known_protein(text) is None
    with pytest.raises(BadInputError):
        protein_of(text)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kinscope", "karyotype", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_reads_the_paper_and_refuses_damage() -> None:
    good = run(PAPER, "--transcript", "e1a2")
    assert good.returncode == 0
    assert "3 of 13 cells" in good.stdout
    assert "p190" in good.stdout
    bad = run("46,XX[20")
    assert bad.returncode == 2
    assert "character 6" in bad.stderr
    assert "Traceback" not in bad.stderr
