"""Karyotypes as laboratories write them: subclones, second Philadelphia chromosomes, ploidy, donors, FISH."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.clinic.karyotype.model import Karyotype, KaryotypeError
from kinscope.clinic.karyotype.parse import parse_karyotype
from kinscope.clinic.karyotype.reading import KaryotypeReading, high_risk_changes, read_karyotype


def reading_of(text: str) -> KaryotypeReading:
    return read_karyotype(parse_karyotype(text))


def all_read(karyotype: Karyotype) -> bool:
    return not (karyotype.unreadable or any(clone.unreadable for clone in karyotype.clones))


def disagreements(text: str) -> list[str]:
    return [note for note in reading_of(text).notes if "does not agree" in note]


AGREEING = [
    "46,XY,t(9;22)(q34;q11.2)[5]/45,idem,-Y[10]",
    "46,XX,t(9;22)(q34;q11.2)[5]/47,sl,+X[10]/45,sl,-X[3]",
    "46,XY,t(9;22)(q34;q11.2)[5]/47,sl,+8[3]/46,sdl1,-Y[2]/48,sdl1,+19[2]",
    "45,X,-Y,t(9;22)(q34;q11.2)[5]/46,idem,+8[3]/46,idem,+Y[2]",
    "47,XXYc,t(9;22)(q34;q11.2)[20]",
    "46,XXYc,-X[5]",
    "45,Xc,t(9;22)(q34;q11.2)[4]/46,idem,+8[2]",
    "48,XX,+8,+8[5]/47,idem,-8[3]",
    "46,t(X;18)(p11.2;q11.2),t(Y;1)(q11.2;p31)",
    "92,XXXX",
    "92,XXYY,t(9;22)(q34;q11.2)[3]",
    "69,XXX",
    "69,XXY",
    "26,X,+4,+14,+21[10]",
    "26<1n>,X,+4,+14,+21",
    "58<2n>,XX,+X,+4,+6,+8,+10,+14,+14,+17,+18,+21,+21,+22",
    "58,XX,+X,+4,+6,+8,+10,+14,+14,+17,+18,+21,+21,+22",
    "68<3n>,XXX,-7",
    "45,XX,-7[5]/90<4n>,idemx2[3]",
    "46,XX,t(9;22)(q34;q11.2)[5]/92,idemx2[2]/91,idemx2,-8[2]",
    "45,XX,der(7;9)(q10;q10)t(9;22)(q34;q11.2),der(22)t(9;22)[10]",
    "46,XX,+1,der(1;7)(q10;p10)[10]",
    "45,XX,der(5;7)t(5;7)(q22;p13)t(3;7)(q21;q21)",
    "46,XX,tas(12;13)(q24.3;q34)",
    "44,XX,trc(4;12;9)(q31.2;q22p13;q34)",
    "47,XY,-10,+fis(10)(p10),+fis(10)(q10)",
    "46,XX,t(9;22)(q34;q11.2),>50dmin[20]",
    "46,XX,5~10dmin[20]",
    "48,XX,+mar1x2[5]",
    "45,XY,t(2;7)(p11.2;p1?2),dic(9;20)(p13;q11.2-13.1), t(9;22)(q34;q11.2)[10]/46,XY[10]",
    "46,xy,T(9;22)(Q34;Q11.2)[5]/45,x,-y,t(9;22)[4]",
    "46，XX，t（9；22）（q34；q11.2）[20]",
    "46,XX,\nt(9;22)\n(q34;q11.2)[20]",
    "45,XX,der(13;14)(q10;q10)c,t(9;22)(q34;q11.2)[20]",
    "mos 47,XXY[10]/46,XY[5]",
    "mos45,X[10]/46,XX[20]",
    "47,XX,+der(?)t(?;9)(?;p13)hsr(?)[20]",
    "46,XX,add(19)(p13 or q13)[20]",
    "46,X,Yqh-,9qh+,t(9;22)(q34;q11.2)[20]",
    "46,XY,16qh-,21ps+,22pstk+,15cenh+mat[20]",
]


@pytest.mark.parametrize("text", AGREEING)
def test_what_reports_write_is_read_whole_and_adds_up(text: str) -> None:
    assert all_read(parse_karyotype(text))
    assert disagreements(text) == []


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("46,XY,t(9;22)(q34;q11.2)[5]/46,idem,-Y[10]", "45"),
        ("91,XXXX", "92"),
        ("70,XXX", "69"),
        ("26,X,+4[3]", "24"),
        ("58<2n>,XX,+8", "47"),
        ("46,XX,der(7;9)(q10;q10)t(9;22)(q34;q11.2)[10]", "45"),
        ("45,XX,-7[5]/91,idemx2[3]", "90"),
    ],
)
def test_a_number_is_judged_at_the_ploidy_and_by_the_clone_referred_to(text: str, given: str) -> None:
    (note,) = disagreements(text)
    assert f"which give {given}" in note


@pytest.mark.parametrize(
    "text",
    [
        "46,XX,t(9;22)(q34;q11.2)x2[20]",
        "46,XX,der(9)t(9;22)(q34;q11.2),ider(22)(q10)t(9;22)[20]",
        "47,XY,der(9)t(9;22)(q34;q11.2),+22,ider(22)(q10)t(9;22)[20]",
        "46,XX,t(9;22)(q34;q11.2),der(22)t(9;22)[20]",
        "46,XX,t(9;22)(q34;q11.2)[10]/46,sl,ider(22)(q10)t(9;22)[10]",
        "47,XX,t(9;22)(q34;q11.2),+idic(22)(p11)t(9;22)[20]",
        "47,XX,t(9;22;14)(q34;q11.2;q32),+der(22)t(9;22;14)[20]",
        "46,XX,t(9;22)(q34;q11.2)[9]/47,XX,t(9;22),+der(22)[5]",
    ],
)
def test_a_second_philadelphia_chromosome_is_recognised(text: str) -> None:
    assert any("second Ph" in change for change in high_risk_changes(reading_of(text)))
    assert disagreements(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "46,XX,t(9;22)(q34;q11.2)[5]/92,idemx2[3]",
        "27,X,t(9;22)(q34;q11.2),+4,+8,+14,+21[5]/54,idemx2[3]",
        "46,XX,der(9)t(9;22)(q34;q11.2),der(22)t(9;22)[5]",
        "45,XX,der(7;9)(q10;q10)t(9;22)(q34;q11.2),der(22)t(9;22)[10]",
        "47,XX,t(9;22)(q34;q11.2),+der(22)t(11;22)(q25;q11.2)[20]",
        "46,XX,t(9;22)(q34;q11.2)[20]/46,XX,der(22)t(9;22)[5]",
    ],
)
def test_one_philadelphia_chromosome_is_not_two(text: str) -> None:
    """A doubled clone, both halves of one translocation, a der(22) of another one, another clone's."""
    reading = reading_of(text)
    assert reading.philadelphia in ("t(9;22)", "der(22)")
    assert not any("second Ph" in change for change in high_risk_changes(reading))


@pytest.mark.parametrize(
    ("text", "count", "additional"),
    [
        ("46,XX,t(9;22)(q34;q11.2)[20]/47,XX,t(9;22),+8[3]", 2, ("+8",)),
        ("47,XX,+8,t(9;22)[3]/46,XX,t(9;22)(q34;q11.2)[20]", 2, ("+8",)),
        ("46,XX,t(9;22)(q34;q11.2)[20]/47,idem,+8[3]", 2, ("+8",)),
        ("46,XX,del(7)(q22q36)[9]/47,XX,del(7q),+8[3]", 2, ("del(7)(q22q36)", "+8")),
        ("46,XX,inv(16)(p13q22)[10]/47,XX,inv(16),+8[3]", 2, ("inv(16)(p13q22)", "+8")),
        ("46,XX,t(9;22)(q34;q11)[3]/47,XX,+8,t(9;22)(q34.1;q11.2)[17]", 2, ("+8",)),
        (
            "47,XX,t(9;22)(q34;q11.2),+der(22)t(9;22)[5]/48,XX,t(9;22),+der(22),+8[3]",
            3,
            ("+der(22)t(9;22)", "+8"),
        ),
        ("46,XX,del(5)(q13)[9]/46,XX,del(5)(q31)[3]", 2, ("del(5)(q13)", "del(5)(q31)")),
    ],
)
def test_a_change_written_short_is_the_same_change(
    text: str, count: int, additional: tuple[str, ...]
) -> None:
    reading = reading_of(text)
    assert (reading.abnormalities_low, reading.abnormalities_high) == (count, count)
    assert reading.additional_changes == additional


def test_a_short_form_means_what_it_shortens() -> None:
    assert reading_of("46,XX,t(9;22)(p24;q11.2)[20]/47,XX,t(9;22),+8[3]").philadelphia == "not seen"


@pytest.mark.parametrize(
    ("text", "positive", "cells"),
    [
        ("46,XX,t(9;22)(q34;q11.2)[20/20]", 20, 20),
        ("46,XX,t(9;22)(q34;q11.2)[18/20]", 18, 20),
        ("46,XX,t(9;22)(q34;q11.2)[3/20]/46,XX[17/20]", 3, 20),
        ("46,XX,t(9;22)(q34;q11.2)[0/20]", 0, 20),
        ("46,XX,t(9;22)(q34;q11.2)[3]/46,XX[17]", 3, 20),
        ("46,XX,t(9;22)(q34;q11.2)[20/cp]", None, 20),
        ("46,XX,t(9;22)(q34;q11.2)[12cp]", None, 12),
    ],
)
def test_cells_in_brackets(text: str, positive: int | None, cells: int) -> None:
    reading = reading_of(text)
    assert (reading.philadelphia_cells, reading.cells) == (positive, cells)


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("nuc ish(ABL1,BCR)x3(ABL1 con BCRx2)[0/200]", [(False, 0, 200)]),
        ("nuc ish 9q34(ABL1x3),22q11(BCRx3)(ABL1 con BCRx2)[0/200]", [(False, 0, 200)]),
        ("nuc ish(ABL1,BCR)x2[200]", [(False, None, 200)]),
        ("nuc ish(ABL1 con BCR)x0[200]", [(False, None, 200)]),
        ("NUC ISH (abl1×2,bcr×2)(abl1 con bcr×1) [3/200]", [(True, 3, 200)]),
        ("nuc ish(BCR::ABL1x1)[3/200]", [(True, 3, 200)]),
        ("46,XX.ish der(22)t(9;22)(BCR+,ABL1+)", [(True, None, None)]),
        ("46,XX.ish t(9;22)(ABL1-;BCR+,ABL1+)", [(True, None, None)]),
        ("46,XX.ish 22q11.2(BCRx2),9q34(ABL1x2)", [(False, None, None)]),
        ("46,XX.ish t(9;22)(q34;q11.2)(wcp9+,wcp22+)", [(True, None, None)]),
        (
            "46,XX[9].nuc ish(CRLF2x2)[200],(ABL1x4,BCRx3)(ABL1 con BCRx3)[159/200]/"
            "(ABL1,BCR)x3(ABL1 con BCRx2)[8/200],(KMT2Ax2)[200]",
            [(None, None, 200), (True, 159, 200), (True, 8, 200), (None, None, 200)],
        ),
    ],
)
def test_fish_is_read_as_carefully(
    text: str, results: list[tuple[bool | None, int | None, int | None]]
) -> None:
    karyotype = parse_karyotype(text)
    assert all_read(karyotype)
    found = [(f.bcr_abl1_fusion, f.positive_cells, f.scored_cells) for f in karyotype.fish]
    assert found == results


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("nuc ish negative for BCR ABL1", 9),
        ("nuc ish(ABL1,BCR)x3(ABL1 # BCRx2)[3/200]", 26),
        ("nuc ish(ABL1,BCR)x2[many]", 21),
        ("46,XX.ish t(9;22)(q34;q11.2)(ABL1+;BCR+)", 7),
        ("nuc ish(ABL1,BCR)x3[180/200]", 1),
        ("nuc ish(BCR/ABL1)x1[180/200]", 1),
        ("46,XX.ish t(9;22)(q34;q11.2)(5'BCR+,3'BCR-;5'BCR-,3'BCR+)", 7),
    ],
)
def test_fish_that_is_not_understood_says_where_and_decides_nothing(text: str, character: int) -> None:
    karyotype = parse_karyotype(text)
    (part,) = karyotype.unreadable
    assert f"(character {character})" in part.reason
    assert [f.bcr_abl1_fusion for f in karyotype.fish] == [None]
    assert read_karyotype(karyotype).philadelphia == "open"


@pytest.mark.parametrize(
    ("text", "own", "donor"),
    [
        ("46,XY,t(9;22)(q34;q11.2)[20]//", 1, 0),
        ("//46,XX[20]", 0, 1),
        (".//46,XX[20]", 0, 1),
        ("46,XY[3]//46,XX[17]", 1, 1),
        ("46,XY,t(9;22)(q34;q11.2)[2]/46,XY[3] // 46,XX[15]", 2, 1),
        ("46,XY[3]//46,XX[10]/47,XX,+8[7]", 1, 2),
    ],
)
def test_recipient_and_donor_are_apart(text: str, own: int, donor: int) -> None:
    clones = parse_karyotype(text).clones
    assert [clone.donor for clone in clones] == [False] * own + [True] * donor


def test_a_donors_subclone_refers_to_the_donors_clone() -> None:
    own, first, second = parse_karyotype("46,XY[3]//46,XX[10]/47,sl,+8[7]").clones
    assert (own.sex, first.sex, second.sex) == ("XY", "XX", "XX")


def test_a_donors_cells_are_neither_disease_nor_remission() -> None:
    only = reading_of("//46,XX[20]")
    assert (only.philadelphia, only.philadelphia_cells, only.cells) == ("open", None, None)
    assert only.complexity == ""
    assert any("no cell of the recipient" in note for note in only.notes)
    both = reading_of("46,XY,t(9;22)(q34;q11.2)[3/20]//47,XX,+8[17/20]")
    assert (both.philadelphia_cells, both.cells) == (3, 3)
    assert both.additional_changes == ()
    fish = reading_of("46,XY[3].nuc ish(ABL1,BCR)x3(ABL1 con BCRx2)[5/200]//(ABL1,BCR)x2[195/200]")
    assert fish.bcr_abl1_by_fish is True


@pytest.mark.parametrize(
    "text",
    [
        "46,XX,t(9;22)(9pter->9q34::22q11.2->22qter;22pter->22q11.2::9q34->9qter)[3]",
        "46,XX,foo(9;22)[20]",
        "46,XX,+8,inc[5]",
        "46,XY,der(9)t(9;22)(q34;q11)[10]",
        "46,XX[20].ogm t(9;22)(q34;q11.2)",
        "46,XX[20] .see below",
        "46,XX[20].nuc ish(ABL1,BCR)x2[200]/46,XX,t(9;22)(q34;q11.2)[5]",
    ],
)
def test_where_it_may_be_hidden_the_answer_is_open(text: str) -> None:
    reading = reading_of(text)
    assert reading.philadelphia == "open"
    assert any("may hold the Philadelphia translocation" in note for note in reading.notes)


def test_a_technique_without_a_result_is_not_dropped() -> None:
    (part,) = parse_karyotype("46,XX[20].nuc ish").unreadable
    assert (part.start, part.text) == (10, "nuc ish")


def test_a_microarray_cannot_hide_a_balanced_translocation() -> None:
    assert reading_of("46,XX[20].arr(1-22,X)x2").philadelphia == "not seen"


@pytest.mark.parametrize(
    ("text", "character", "word"),
    [
        ("68,XXYY,+1[6] 46,XY[9]", 15, "without '/'"),
        ("46,XX,t(9;22)(q34;q11)[20],46,XX[3]", 28, "without '/'"),
        ("46,XX,+8[21/20]", 9, "21 of 20"),
        ("nuc ish(ABL1,BCR)x3(ABL1 con BCRx2)[250/200]", 36, "250 of 200"),
        ("46,XX//47,XX//48,XX", 14, "no clone"),
        ("46²,XX", 3, "comma"),
        ("//", 1, "no clone"),
        ("46,XX[2]//46,XY[3]/", 19, "no clone"),
        ("/46,XX[2]//46,XY[3]", 1, "no clone"),
        ("46,XY[2]//47,sl,+8[3]", 14, "refers to"),
    ],
)
def test_what_contradicts_itself_is_refused(text: str, character: int, word: str) -> None:
    with pytest.raises(KaryotypeError, match=word) as caught:
        parse_karyotype(text)
    assert caught.value.where == f"karyotype, character {character}"


@pytest.mark.parametrize("text", ["46,XX,marx²", "46,XX,+٣[2]", "46,XX,t(9;22)(q3⁴;q11.2)"])
def test_digits_that_are_none_are_not_read_as_numbers(text: str) -> None:
    assert parse_karyotype(text).clones[0].unreadable


@pytest.mark.parametrize(
    ("text", "count", "risk"),
    [
        ("46,XX,-9,-22,+der(9)t(9;22)(q34;q11.2),+der(22)t(9;22)(q34;q11.2)[20]", 1, ()),
        ("46,XX,+der(22)t(9;22)(q34;q11.2),-22[20]", 2, ()),
        ("46,XX,t(9;22)(q34;q11.2),-22,+der(22)t(9;22)[9]", 2, ("der(22)t(9;22) (second Ph)",)),
    ],
)
def test_a_derivative_written_the_old_way_replaces_its_chromosome(
    text: str, count: int, risk: tuple[str, ...]
) -> None:
    reading = reading_of(text)
    assert reading.abnormalities_low == count
    assert high_risk_changes(reading) == risk
    assert disagreements(text) == []


def test_an_alternative_is_a_doubt() -> None:
    reading = reading_of("46,XX,t(9;12)(q34;p13) or t(9;22)(q34;q11.2)[20]")
    assert (reading.philadelphia, reading.philadelphia_certain) == ("t(9;22)", False)
    assert reading.philadelphia_cells is None


PIECES = {
    "t(9;22)(q34;q11.2)": 0,
    "+8": 1,
    "-7": -1,
    "+19": 1,
    "+21": 1,
    "del(5)(q13q33)": 0,
    "i(17)(q10)": 0,
    "+mar1": 1,
    "+der(1)t(1;3)(p22;q13.1)": 1,
    "dic(13;15)(q22;q24)": -1,
    "der(14;21)(q10;q10)": -1,
    "inv(3)(q21q26.2)": 0,
    "add(12)(p?13)": 0,
    "2~9dmin": 0,
    "+2mar": 2,
}
SEXES = {"XX": 46, "XY": 46, "X,-Y": 45, "X,-X": 45, "XXYc": 47, "XXX": 69, "XXXX": 92, "X": 23}


@given(
    st.sampled_from(sorted(SEXES)),
    st.lists(st.sampled_from(sorted(PIECES)), unique=True, max_size=6),
    st.integers(-2, 2),
)
@settings(max_examples=200, deadline=None)
def test_a_generated_clone_agrees_with_its_number_and_with_no_other(
    sex: str, changes: list[str], wrong: int
) -> None:
    number = SEXES[sex] + sum(PIECES[change] for change in changes)
    stated = {"XXX": "<3n>", "XXXX": "<4n>", "X": "<1n>"}.get(sex, "<2n>")
    text = ",".join([f"{number + wrong}{stated}", sex, *changes]) + "[20]"
    karyotype = parse_karyotype(text)
    assert all_read(karyotype)
    assert bool(disagreements(text)) is bool(wrong)


CHANGES = st.lists(st.sampled_from(sorted(PIECES)), unique=True, min_size=1, max_size=5)


@given(st.lists(CHANGES, min_size=1, max_size=3), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_clones_and_changes_changes_nothing(clones: list[list[str]], random: object) -> None:
    def written(parts: list[list[str]]) -> str:
        numbers = [46 + sum(PIECES[change] for change in part) for part in parts]
        return "/".join(f"{n},XX,{','.join(p)}[3]" for n, p in zip(numbers, parts, strict=True))

    shuffled = [list(part) for part in clones]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for part in shuffled:
        random.shuffle(part)  # type: ignore[attr-defined]
    first, second = reading_of(written(clones)), reading_of(written(shuffled))
    assert sorted(c.name for c in first.changes) == sorted(c.name for c in second.changes)
    assert first.model_dump(exclude={"changes", "additional_changes", "notes"}) == second.model_dump(
        exclude={"changes", "additional_changes", "notes"}
    )
    assert sorted(high_risk_changes(first)) == sorted(high_risk_changes(second))


FISH = st.sampled_from(
    [
        "(",
        ")",
        "[",
        "]",
        "/",
        "//",
        ",",
        ";",
        "+",
        "-",
        "x2",
        "x0",
        "ABL1",
        "BCR",
        "con",
        "sep",
        "::",
        "9q34",
        "t(9;22)",
        "ish",
        "nuc",
        "[3/200]",
        ".",
        "’",
    ]
)


@given(st.lists(FISH, max_size=20).map(lambda pieces: "nuc ish" + " ".join(pieces)))
@settings(max_examples=200, deadline=None)
def test_any_fish_text_is_read_or_refused(text: str) -> None:
    try:
        karyotype = parse_karyotype(text)
    except KaryotypeError:
        return
    for part in (*karyotype.fish, *karyotype.unreadable):
        assert 0 <= part.start <= part.end <= len(text)


def test_the_command_names_recipient_donor_and_what_is_open() -> None:
    command = [sys.executable, "-m", "kinscope", "karyotype", "46,XY,foo[3]//46,XX[17]"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0
    assert "clone 1 (recipient)" in finished.stdout
    assert "clone 2 (donor)" in finished.stdout
    assert "open" in finished.stdout


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("47,XX,t(9;22)(q34;q11.2),+8[20]", "+8 (trisomy 8)"),
        ("45,XX,-7,t(9;22)(q34;q11.2)[20]", "-7 (monosomy 7)"),
        ("93<4n>,XXXX,t(9;22)(q34;q11.2)x2,+8[20]", "+8 (gain of 8)"),
        ("91<4n>,XXXX,-7,t(9;22)(q34;q11.2)x2[20]", "-7 (loss of 7)"),
    ],
)
def test_three_copies_and_one_are_said_of_a_diploid_clone_alone(text: str, named: str) -> None:
    assert named in high_risk_changes(read_karyotype(parse_karyotype(text)))


@pytest.mark.parametrize(
    ("other_half", "risk"),
    [
        ("der(7;9)(q10;q10)t(9;22)(q34;q11.2)", ()),
        ("der(9)del(9)(p21p24)t(9;22)(q34;q11.2)", ()),
        ("ider(9)(q10)t(9;22)(q34;q11.2)", ()),
        ("der(9)t(9;22)(q34;q11.2)t(3;9)(q26;p13)", ("der(9)t(9;22)(q34;q11.2)t(3;9)(q26;p13) (3q26.2)",)),
    ],
)
def test_what_else_the_derivative_9_lost_or_gained_is_an_additional_change(
    other_half: str, risk: tuple[str, ...]
) -> None:
    reading = reading_of(f"46,XY,{other_half},der(22)t(9;22)(q34;q11.2)[20]")
    assert reading.additional_changes == (other_half,)
    assert high_risk_changes(reading) == risk


@pytest.mark.parametrize(("beside", "number"), [("", 1), (",+8", 2)])
def test_the_translocation_is_one_abnormality_however_each_clone_writes_it(beside: str, number: int) -> None:
    halves = "der(9)t(9;22)(q34;q11.2),der(22)t(9;22)(q34;q11.2)"
    reading = reading_of(f"46,XX,t(9;22)(q34;q11.2)[10]/{47 if beside else 46},XX{beside},{halves}[5]")
    assert len(reading.additional_changes) == number - 1
    assert (reading.abnormalities_low, reading.abnormalities_high) == (number, number)


def test_changes_below_the_number_of_a_clone_make_no_karyotype_complex() -> None:
    reading = reading_of("47,XX,+8[1]/45,XX,-7[2]/46,XX,t(9;22)(q34;q11.2)[17]")
    assert reading.complexity == "1 abnormality: not complex"
    assert reading.additional_changes == ("+8", "-7")
