"""qPCR exports in the layouts of instruments: several tables, trailers, headings, numbers, omitted wells."""

from __future__ import annotations

import codecs
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.cli.commands.clinic import show_qpcr
from kinscope.clinic.qpcr.reading import read_run, table_run
from kinscope.clinic.qpcr.run import analyse_run
from kinscope.core.errors import BadInputError

SECRET = "MEIER-1971"
LEVELS = (1e5, 1e4, 1e3, 1e2)


def cycle(copies: float) -> float:
    return 40 - 3.4 * math.log10(copies)


def rows(layout: str, fusion: str = "BCR-ABL1", control: str = "ABL1") -> list[str]:
    """Standards of both targets, one NTC, and a sample with 500 fusion and 25,000 control copies (2 %)."""
    wells = [
        ("std", target, "STANDARD", f"{copies:.1f}", f"{cycle(copies):.4f}")
        for target in (fusion, control)
        for copies in LEVELS
    ]
    wells += [("NTC", fusion, "NTC", "", "Undetermined"), ("P1", fusion, "UNKNOWN", "", f"{cycle(500):.4f}")]
    wells.append(("P1", control, "UNKNOWN", "", f"{cycle(25_000):.4f}"))
    return [
        layout.format(n=n, sample=s, target=t, role=r, copies=c, ct=ct)
        for n, (s, t, r, c, ct) in enumerate(wells, start=1)
    ]


SETUP = "[Sample Setup]\nWell\tSample Name\tTarget Name\tTask\tQuantity\n" + "".join(
    f"{row}\n" for row in rows("{n}\t{sample}\t{target}\t{role}\t{copies}")
)
RESULTS = "Well\tOmit\tSample Name\tTarget Name\tTask\tCT\tCt Mean\tQuantity\n" + "".join(
    f"{row}\n" for row in rows("{n}\tfalse\t{sample}\t{target}\t{role}\t{ct}\t\t{copies}")
)
SIMPLE = "sample,target,role,copies,ct\n" + "".join(
    f"{row}\n" for row in rows("{sample},{target},{role},{copies},{ct}")
)
LC96 = "Well\tSample Name\tGene Name\tCq\tConcentration\tCall\tExcluded\tSample Type\tStandard\n" + "".join(
    f"{row}\n" for row in rows("{n}\t{sample}\t{target}\t{ct}\t\t\tFALSE\t{role}\t{copies}")
).replace("NTC\t\n", "Negative Control\t\n").replace("Undetermined", "-")
CFX = ",Well,Fluor,Target,Content,Sample,Cq,Starting Quantity (SQ)\n" + "".join(
    f"{row}\n" for row in rows(",A{n},FAM,{target},{role}-{n},{sample},{ct},{copies}")
).replace("STANDARD", "Std").replace("UNKNOWN", "Unkn").replace("Undetermined", "NaN").replace(
    ",\n", ",NaN\n"
)
ROTOR = "No.,Colour,Name,Type,Ct,Given Conc (copies/reaction),Calc Conc (copies/reaction),Target\n" + "".join(
    f"{row}\n" for row in rows("{n},,{sample},{role},{ct},{copies},,{target}")
).replace("STANDARD", "Standard").replace("UNKNOWN", "Unknown").replace("Undetermined", "")
GERMAN = "Probe;x\nsample;target;role;copies;ct\n" + "".join(
    f"{row}\n" for row in rows("{sample};{target};{role};{copies};{ct}")
).replace(".", ",").replace("100000,0", "100.000,0")

EXPORTS = {
    "sample setup before results": "* Block Type = 96-Well\n\n" + SETUP + "\n[Results]\n" + RESULTS,
    "a melt curve after results": SETUP + "\n[Results]\n" + RESULTS + "\n[Melt Curve]\nWell\tTm1\n1\t82.1\n",
    "an SDS trailer": "SDS 2.2.2\tAQ Results\n\n" + RESULTS + "\nSlope\t-3.4\nR2\t0.99\n",
    "a trailer padded by a spreadsheet": SIMPLE + ",,,,\nSlope,,-3.4,,\n",
    "LightCycler 96": LC96,
    "CFX Maestro": CFX,
    "two Rotor-Gene exports in one table": ROTOR,
    "decimal commas": GERMAN,
    "quoted thousands": SIMPLE.replace("100000.0", '"100,000.0"').replace("10000.0", '"10,000.0"'),
    "thousands with spaces": SIMPLE.replace("100000.0", "100 000.0"),
    "scientific": SIMPLE.replace("100000.0", "1.000E+05"),
    "empty wells of the plate": SIMPLE + ",,,,\n,,UNKNOWN,,Undetermined\n",
    "spaces without a break": SIMPLE.replace("P1", "\u00a0P1").replace("100000.0", "100\u00a0000.0"),
    "a German CFX": CFX.replace(",", ";").replace(".", ",").replace("NaN", "n. def."),
    "water as no template": SIMPLE.replace("NTC,BCR-ABL1,NTC", "H2O,BCR-ABL1,UNKNOWN"),
    "an omitted outlier": "omit," + SIMPLE.replace("\n", "\n,")[:-1] + "true,P1,ABL1,UNKNOWN,,39.0\n",
    "an excluded outlier, named the other way": "include,"
    + SIMPLE.replace("\n", "\nTrue,")[:-5]
    + "False,P1,ABL1,UNKNOWN,,39.0\n",
    "a positive control": SIMPLE + "HL60,BCR-ABL1,Pos Ctrl-1,,22.0\n",
    "old Mac line ends": SIMPLE.replace("\n", "\r"),
    "a first line for spreadsheets": "sep=,\n" + SIMPLE,
    "a barcode of each tube": "".join(
        f"{n or 'barcode'},{line}\n" for n, line in enumerate(SIMPLE.splitlines())
    ),
}


@pytest.mark.parametrize("text", EXPORTS.values(), ids=EXPORTS.keys())
def test_each_layout_gives_the_same_level(text: str) -> None:
    (result,) = analyse_run(table_run(text, "export.txt")).results
    assert (result.name, result.fusion.wells, result.control.wells) == ("P1", 1, 1)
    assert result.percent == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_each_encoding_gives_the_same_run(encoding: str, tmp_path: Path) -> None:
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    (tmp_path / "run.txt").write_bytes(mark + RESULTS.replace("\n", "\r\n").encode(encoding))
    assert read_run(tmp_path / "run.txt") == table_run(RESULTS, "run.txt")


def test_a_name_in_latin_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_bytes(SIMPLE.replace("P1", "Größe").encode("latin-1"))
    assert read_run(tmp_path / "run.csv").samples[0].name == "Größe"


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08\x00\xff", b"PK\x03\x04\x14\x00\xff", b"\xff\xfea"])
def test_what_is_no_text_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_bytes(data)
    with pytest.raises(BadInputError, match="neither UTF-8"):
        read_run(tmp_path / "run.csv")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("an omitted outlier", "omits (line 13)"),
        ("a positive control", "positive controls (line 13)"),
        ("an SDS trailer", "no well (line 16, 17)"),
    ],
)
def test_what_is_left_out_is_said(name: str, what: str) -> None:
    (note,) = analyse_run(table_run(EXPORTS[name], "export.txt")).notes
    assert what in note


def test_undetected_without_standards_is_no_copies() -> None:
    text = "sample,target,ct,copies\nP2,BCR-ABL1,NaN,NaN\nP2,ABL1,24.0,45000\n"
    (result,) = analyse_run(table_run(text, "run.csv")).results
    assert not result.fusion.detected
    assert result.control.total_copies == 45_000


LC480 = (
    "Experiment: x\nInclude\tColor\tPos\tName\tCp\tConcentration\tStandard\nTrue\t255\tA1\tP1\t27.2\t\t0\n"
)
REFUSED = {
    "LightCycler 480": (LC480, "line 2", "one target"),
    "Rotor-Gene": ("No.,Colour,Name,Type,Ct\n1,,P1,Unknown,27.2\n", "line 1", "one target"),
    "two tables of results": (RESULTS + "\n" + RESULTS, "lines 1 and 14", "two tables"),
    "two sections of results": (
        f"[Results]\n{RESULTS}\n[Results]\n{RESULTS}",
        "lines 2 and 16",
        "two tables",
    ),
    "copies as logarithms": (SIMPLE.replace("copies", "Copies (log10)"), "line 2", "without its copies"),
    "an unknown task": (SIMPLE + f"P1,ABL1,{SECRET},,25\n", "line 13, column 3", "role"),
    "an unknown target": (SIMPLE + f"P1,{SECRET},,,25\n", "line 13, column 2", "target"),
    "a decimal comma without quotes": (SIMPLE + "P1,ABL1,,,25,3\n", "line 13", "more cells"),
    "a word as cycle": (SIMPLE + f"P1,ABL1,,,{SECRET}\n", "line 13, column 5", "number"),
    "a superscript cycle": (SIMPLE + "P1,ABL1,,,2²\n", "line 13, column 5", "number"),
    "fullwidth digits": (SIMPLE + "P1,ABL1,,,２５\n", "line 13, column 5", "number"),
    "a date in words": (f"sample,target,copies,date\nP1,BCR-ABL1,5,{SECRET}\n", "line 2, column 4", "date"),
    "a superscript day": ("sample,target,copies,day\nP1,BCR-ABL1,5,3²\n", "line 2, column 4", "day"),
    "neither true nor false": (
        f"omit,sample,target,copies\n{SECRET},P1,ABL1,5\n",
        "line 2, column 1",
        "true",
    ),
    "thousands or decimals": (
        "sample;target;copies\nP1;BCR-ABL1;32.500\nP1;ABL1;50000\n",
        "line 2, column 3",
        "thousands or decimals",
    ),
    "decimals of another column": (
        "sample;target;copies;ct\nP1;BCR-ABL1;32.500;24.31\nP1;ABL1;50000;21.38\n",
        "line 2, column 3",
        "no other of its column",
    ),
    "two decimal signs": (
        "sample;target;copies\nP1;BCR-ABL1;3,5\nP1;ABL1;5000.5\n",
        "lines 3 and 2",
        "decimal comma",
    ),
    "another unit": ("sample,target,Calc Conc (ng/ul)\nP1,BCR-ABL1,5\nP1,ABL1,5000\n", "line 1", "copies"),
    "copies in a volume": ("sample,target,copies/µl\nP1,BCR-ABL1,0\nP1,ABL1,5000\n", "line 1", "volume"),
    "copies in a mass": (
        "sample,target,Calc Conc (copies per ng RNA)\nP1,BCR-ABL1,0\nP1,ABL1,5000\n",
        "line 1",
        "volume",
    ),
    "droplets by microlitre and by well": (
        "Sample,Target,Status,Concentration,CopiesPer20uLWell\nP1,BCR-ABL1,OK,1.5,30\nP1,ABL1,OK,2000,40000\n",
        "line 1",
        "Two columns hold the copies",
    ),
    "two plates with one target's cycles": (
        "".join(
            line + f",{'plate' if not n else 1 + (n > 11)}\n"
            for n, line in enumerate((SIMPLE + "P2,BCR-ABL1,,,30\nP2,ABL1,,,24").splitlines())
        ),
        "lines 12 and 14",
        "several plates",
    ),
    "no cycle but copies": (SIMPLE + "P1,ABL1,,700,Undetermined\n", "line 13", "one of the two is wrong"),
    "two assays of the fusion": (
        SIMPLE.replace("P1,BCR-ABL1", "P1,BCR-ABL1 p210") + "P1,BCR-ABL1 p190,,,30\n",
        "lines 11 and 13",
        "several assays",
    ),
    "one assay of the fusion without its name": (
        SIMPLE + "P1,BCR-ABL1 p190,,,30\n",
        "lines 11 and 13",
        "several assays",
    ),
    "a well without its target": (SIMPLE + "P1,,,,25\n", "line 13, column 2", "target"),
}


@pytest.mark.parametrize(("text", "where", "word"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_used_says_where_and_repeats_nothing(text: str, where: str, word: str) -> None:
    with pytest.raises(BadInputError) as caught:
        table_run(text, "run.csv")
    assert where in caught.value.where
    assert word in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"transcript": "e1" * 60}, "transcript"),
        ({"transcript": "e1a2\x1b[31m"}, "control characters"),
        ({"factor": 0.0}, "conversion_factor"),
        ({"factor": float("nan")}, "conversion_factor"),
        ({"control_gene": "\x1b[31mGUSB"}, "control gene"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(BadInputError, match=word) as caught:
        table_run(SIMPLE, "run.csv", **options)
    assert str(caught.value).isascii()


def test_more_samples_than_a_run_can_have_are_refused() -> None:
    wells = "".join(f"S{n},BCR-ABL1,5\nS{n},ABL1,50000\n" for n in range(2500))
    with pytest.raises(BadInputError, match="samples"):
        table_run("sample,target,copies\n" + wells, "run.csv")


WELLS = "  fusion: {copies: [5]}\n  control: {copies: [5]}\n"


@pytest.mark.parametrize(
    "text",
    [
        f"control_gene: ABL1\n{SECRET}: 1\nsamples: []\n",
        f"control_gene: ABL1\nsamples:\n- name: a\n  {SECRET}: 1\n{WELLS}",
        f"control_gene: ABL1\nsamples:\n- name: a\n{WELLS.replace('5', SECRET)}",
        f"control_gene: {SECRET}\nsamples:\n- name: a\n{WELLS}",
        f"control_gene: ABL1\nsamples:\n- name: a\n  at: {{date: {SECRET}}}\n{WELLS}",
        f"control_gene: ABL1\nsamples:\n- name: a\n  material: {SECRET}\n{WELLS}",
    ],
)
def test_a_yaml_run_is_refused_without_repeating_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(BadInputError) as caught:
        read_run(tmp_path / "run.yaml")
    assert SECRET not in str(caught.value)
    assert "line" in caught.value.where


@given(
    copies=st.lists(st.integers(1, 10**9), min_size=2, max_size=6),
    cents=st.integers(1, 99),
    comma=st.booleans(),
    grouped=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_a_column_of_numbers_means_the_same_in_both_notations(
    copies: list[int], cents: int, *, comma: bool, grouped: bool
) -> None:
    texts = [f"{value:,}.{cents:02d}" if grouped else f"{value}.{cents:02d}" for value in copies]
    if comma:
        texts = [text.translate(str.maketrans(",.", ".,")) for text in texts]
    lines = [f"P1;BCR-ABL1;{texts[0]}", *(f"P1;ABL1;{text}" for text in texts[1:])]
    run = table_run("sample;target;copies\n" + "\n".join(lines), "run.csv")
    assert run.samples[0].fusion.copies + run.samples[0].control.copies == pytest.approx(
        [c + cents / 100 for c in copies]
    )


def test_each_column_has_its_own_decimal_sign() -> None:
    rows = "P1;BCR-ABL1;1.234.500;24.31\nP1;ABL1;32.500;21.38\n"
    run = table_run("sample;target;copies;ct\n" + rows, "run.csv")
    assert run.samples[0].control.copies == (32_500,), "the first line of the column says what a point is"


def test_the_shipped_example_runs_as_the_readme_has_it(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "kinscope", "qpcr", "--example"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "0.150727 %" in finished.stdout
    both = subprocess.run(
        [sys.executable, "-m", "kinscope", "qpcr", "run.csv", "--example"], capture_output=True, check=False
    )
    assert both.returncode == 2


def test_copies_at_diagnosis_are_printed_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.csv").write_text("sample,target,copies\nP1,BCR-ABL1,40000\nP1,ABL1,50000\n")
    show_qpcr(tmp_path / "run.csv")
    assert "BCR::ABL1 40,000 copies in 1 of 1 wells" in capsys.readouterr().out


@pytest.mark.parametrize("end", ["40", "40.0000", "45.00", "50"])
@pytest.mark.parametrize("copies", ["", "0"])
def test_the_last_cycle_of_the_run_is_no_signal(end: str, copies: str) -> None:
    said = SIMPLE + f"P2,BCR-ABL1,UNKNOWN,{copies},{end}\nP2,ABL1,UNKNOWN,,{cycle(25_000):.4f}\n"
    report = analyse_run(table_run(said.replace("Undetermined", end), "run.csv", "e14a2"))
    assert report.results[1].percent is None
    assert next(c for c in report.checks if "template" in c.name).passed is True
    assert any(
        f"whose cycle is {float(end):.0f}, the end of the run (line 10, 13)" in n for n in report.notes
    )


def test_a_late_cycle_that_is_not_the_last_of_the_run_counts() -> None:
    late = (
        SIMPLE + f"P2,BCR-ABL1,UNKNOWN,,40\nP2,BCR-ABL1,UNKNOWN,,40.7\nP2,ABL1,UNKNOWN,,{cycle(25_000):.4f}\n"
    )
    result = analyse_run(table_run(late, "run.csv", "e14a2")).results[1]
    assert result.fusion.detected_wells == 2


def test_a_well_holds_two_targets_and_two_plates_hold_one_well() -> None:
    duplex = "plate,well,sample,target,copies\n" + "".join(
        f"{plate},A{n},P{plate},{target},{copies}\n"
        for plate in (1, 2)
        for n in (1, 2)
        for target, copies in (("BCR-ABL1", 500), ("ABL1", 25_000))
    )
    report = analyse_run(table_run(duplex, "run.csv", "e14a2"))
    assert [result.percent for result in report.results] == pytest.approx([2.0, 2.0])
    with pytest.raises(BadInputError, match="given twice"):
        table_run(
            "".join(line[2:] for line in duplex.splitlines(keepends=True)).replace("ate,", ""),
            "run.csv",
            "e14a2",
        )


def test_the_assay_and_the_transcript_are_of_one_protein() -> None:
    p190 = SIMPLE.replace("BCR-ABL1", "BCR-ABL1 p190")
    assert table_run(p190, "run.csv", "e1a2").transcript == "e1a2"
    with pytest.raises(BadInputError, match="assay is that of p190, the transcript is p210"):
        table_run(p190, "run.csv", "e14a2", factor=0.8)


def test_targets_that_are_exchanged_are_asked_for() -> None:
    exchanged = SIMPLE.replace("BCR-ABL1", "X").replace("ABL1", "BCR-ABL1").replace("X", "ABL1")
    for text, asked in ((SIMPLE, False), (exchanged, True)):
        (result,) = analyse_run(table_run(text, "run.csv", "e14a2")).results
        assert any("exchanged" in check.text for check in result.checks) is asked
