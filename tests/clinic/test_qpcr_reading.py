"""qPCR files: what instruments write is read, what is broken is refused with its line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinscope.clinic.qpcr.acceptance import load_rules
from kinscope.clinic.qpcr.reading import read_run, table_run
from kinscope.clinic.qpcr.run import analyse_run
from kinscope.core.errors import BadInputError

HEAD = "sample,target,role,copies,ct\n"
STANDARDS = "".join(
    f"std,{target},standard,{copies},{ct}\n"
    for target in ("BCR::ABL1", "ABL1")
    for copies, ct in ((1e5, 22.8), (1e4, 26.2), (1e3, 29.6), (1e2, 33.0))
)
GOOD = HEAD + STANDARDS + "a,BCR::ABL1,sample,,30.1\na,ABL1,sample,,25.0\n"

TABLES = {
    "empty": ("", "line 1", "headings"),
    "prose": ("Dear colleague,\nplease find the results below.\n", "line 1", "headings"),
    "no wells": (HEAD, "line 1", "no well"),
    "standards only": (HEAD + STANDARDS, "line 1", "no sample"),
    "word as cycle": (GOOD + "a,ABL1,sample,,twenty\n", "line 12", "not a number"),
    "cycle of a hundred": (GOOD + "a,ABL1,sample,,100\n", "line 12", "not possible"),
    "negative cycle": (GOOD + "a,ABL1,sample,,-3\n", "line 12", "not possible"),
    "infinite cycle": (GOOD + "a,ABL1,sample,,inf\n", "line 12", "not a number"),
    "negative copies": (HEAD + "a,ABL1,sample,-5,\n", "line 2", "not possible"),
    "unknown gene": (GOOD + "a,TP53,sample,,25\n", "line 12, column 2", "target"),
    "unknown role": (GOOD + "a,ABL1,patient,,25\n", "line 12", "role"),
    "standard without copies": (HEAD + "s,ABL1,standard,,25\n", "line 2", "without its copies"),
    "short line": (GOOD + "a,ABL1\n", "line 12", "cells"),
    "no control": (HEAD + "a,BCR::ABL1,sample,5,\n", "line 1", "control gene"),
    "no fusion": (HEAD + "a,ABL1,sample,5000,\n", "line 2", "BCR::ABL1"),
    "two controls": (GOOD + "a,GUSB,sample,,25\n", "target column", "--control"),
    "two ct columns": ("sample,target,ct,cq\na,ABL1,25,25\n", "line 1", "Two columns"),
    "cycles without standards": (
        HEAD + "a,BCR::ABL1,sample,,30\na,ABL1,sample,,25\n",
        "sample number 1",
        "no standards",
    ),
    "copies of some wells": (
        HEAD + "a,BCR::ABL1,sample,5,\na,BCR::ABL1,sample,,\na,ABL1,sample,5000,\n",
        "line 3",
        "some wells",
    ),
    "nobody's well": (GOOD + ",ABL1,sample,,25\n", "line 12", "name of its sample"),
    "a date of another calendar": (
        "sample,target,copies,date\na,BCR::ABL1,5,01.07.2023\na,ABL1,5000,\n",
        "line 2",
        "2023-07-01",
    ),
    "two dates": (
        "sample,target,copies,date\na,BCR::ABL1,5,2023-07-01\na,ABL1,5000,2023-08-01\n",
        "line 2",
        "two dates",
    ),
    "terminal control": (GOOD + "a\x1b[31m,ABL1,sample,,25\n", "line 12", "control characters"),
    "an unclosed quote": (GOOD + 'a,"ABL1,sample,,25\n' + "b,ABL1,sample,,25\n" * 3, "line", ""),
    "a well given twice": (
        "well,sample,target,copies\nA1,a,BCR::ABL1,5\nA2,a,ABL1,5000\nA1,b,BCR::ABL1,500\nA4,b,ABL1,5000\n",
        "lines 2 and 4",
        "given twice for BCR::ABL1",
    ),
    "curve that rises": (
        HEAD
        + "s,ABL1,standard,100,20\ns,ABL1,standard,1000,25\ns,ABL1,standard,10000,30\n"
        + "a,BCR::ABL1,sample,5,\na,ABL1,sample,,25\n",
        "standards of ABL1",
        "do not fall",
    ),
    "one dilution": (
        HEAD + "s,ABL1,standard,100,30\n" * 3 + "a,BCR::ABL1,sample,5,\na,ABL1,sample,,25\n",
        "standards of ABL1",
        "1 dilutions",
    ),
}

SAMPLE = "samples:\n- name: a\n  fusion: {copies: [5]}\n  control: {copies: [5000]}\n"
YAMLS = {
    "not a mapping": ("- 1\n- 2\n", "line 1", "no run"),
    "not YAML": ("samples: [1, 2\n", "", "YAML"),
    "a tag": ("samples: !!python/object/apply:os.system ['true']\n", "", "YAML"),
    "an alias bomb": ("a: &a [1]\nb: [*a, *a]\n", "", "aliases"),
    "a key twice": ("control_gene: ABL1\ncontrol_gene: GUSB\n" + SAMPLE, "line 2", "twice"),
    "no samples": ("control_gene: ABL1\n", "line 1", "samples"),
    "empty samples": ("control_gene: ABL1\nsamples: []\n", "line 2", "samples"),
    "unknown control": ("control_gene: TP53\n" + SAMPLE, "line 1", "control_gene"),
    "unknown field": (
        "control_gene: ABL1\nmachine: 7500\n" + SAMPLE,
        "line 2",
        "not known; known are transcript",
    ),
    "copies and cycles": (
        "control_gene: ABL1\nsamples:\n- name: a\n  fusion: {copies: [5], ct: [30]}\n"
        "  control: {copies: [5000]}\n",
        "line 4",
        "either ct or copies",
    ),
    "negative copies": (
        "control_gene: ABL1\nsamples:\n- name: a\n  fusion:\n    copies:\n    - 5\n    - -1\n"
        "  control: {copies: [5000]}\n",
        "line 7",
        "copies",
    ),
    "factor of zero": ("control_gene: ABL1\nconversion_factor: 0\n" + SAMPLE, "line 2", "factor"),
    "not a number": (
        "control_gene: ABL1\nsamples:\n- name: a\n  fusion: {copies: [.nan]}\n  control: {copies: [5]}\n",
        "line 4",
        "copies",
    ),
    "terminal control": (
        "control_gene: ABL1\n" + SAMPLE.replace("name: a", 'name: "a\\e[31m"'),
        "",
        "control character",
    ),
    "the last cycle for no signal": (
        "control_gene: ABL1\n" + SAMPLE.replace("{copies: [5]}", "{ct: [40.0, 31.2]}"),
        "run.yaml",
        "null",
    ),
    "standard without wells": (
        "control_gene: ABL1\ncontrol_standards:\n- {copies: 100, ct: []}\n" + SAMPLE,
        "line 3",
        "ct",
    ),
}


@pytest.mark.parametrize(("text", "where", "word"), TABLES.values(), ids=TABLES.keys())
def test_a_broken_table_is_refused_with_its_line(text: str, where: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text(text, newline="")
    with pytest.raises(BadInputError) as caught:
        analyse_run(read_run(path))
    assert where in caught.value.where
    assert word in str(caught.value)
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(("text", "where", "word"), YAMLS.values(), ids=YAMLS.keys())
def test_a_broken_yaml_run_is_refused_with_its_line(text: str, where: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError) as caught:
        analyse_run(read_run(path))
    assert where in caught.value.where
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\xff\xfe\x00binary", "UTF-8"),
        (b"sample,target,ct\n" + b"x" * 2_000_001, "larger"),
        (None, "no such"),
    ],
)
def test_a_file_that_is_no_text(content: bytes | None, word: str, tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=word):
        read_run(path)


def test_an_instrument_export_is_read_as_it_comes() -> None:
    """Lines before the headings, tabs, a Cyrillic т in Ct, the instrument's words for role and no signal."""
    text = (
        "\ufeffBlock Type\t96well\nExperiment\tMRD\n\nWell\tSample Name\tTarget Name\tTask\tQuantity\tCт\n"
        + "".join(
            f"A{n}\tStd\t{target}\tSTANDARD\t{10**n}\t{40 - 3.4 * n}\n"
            for target in ("BCR-ABL", "ABL")
            for n in range(2, 6)
        )
        + "B1\tx\tBCR-ABL\tUNKNOWN\t\tUndetermined\nB2\tx\tABL\tUNKNOWN\t\t25.1\n"
        + "C1\tNTC\tBCR-ABL\tNTC\t\tUndetermined\nC2\tNTC\tABL\tNTC\t\tUndetermined\n"
    )
    run = table_run(text, "export.txt", "e14a2")
    (result,) = analyse_run(run).results
    assert run.control_gene == "ABL1"
    assert not result.fusion.detected
    assert result.control.mean_copies == pytest.approx(10 ** ((40 - 25.1) / 3.4), rel=1e-6)


def test_decimal_commas_of_a_semicolon_table() -> None:
    text = "sample;target;copies\na;BCR::ABL1;3,5\na;ABL1;5000,5\n"
    run = table_run(text, "run.csv")
    assert run.samples[0].fusion.copies == (3.5,)
    assert run.samples[0].control.copies == (5000.5,)


def test_options_stand_in_for_what_the_file_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("control_gene: ABL1\n" + SAMPLE)
    run = read_run(path, transcript="e14a2", conversion_factor=0.8)
    assert run.transcript == "e14a2"
    assert run.conversion_factor == 0.8
    with pytest.raises(BadInputError, match="conversion_factor"):
        read_run(path, conversion_factor=-1)


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    refusals = []
    for body in (text, HEAD + text):
        try:
            analyse_run(table_run(body, "run.csv"))
        except BadInputError as error:
            refusals.append(error.where)
    assert all(refusals)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("id: xx\n", "title"),
        (
            "id: xx\ntitle: t\ncitation: c\nslope_from: -3\nslope_to: -3.6\nr_squared_from: 0.9\n"
            "levels_from: 3\nreplicate_range_to_ct: 1\nreplicate_range_below_ct: 36\n"
            "latest_cycles_after_one_copy: 1\nquantifiable_from_copies: 10\n",
            "below slope_to",
        ),
    ],
)
def test_rules_of_ones_own_are_checked(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=word):
        load_rules(path)


def test_shipped_rules_are_selectable() -> None:
    assert load_rules("eac").slope_from == -3.6
    assert load_rules("euromrd").slope_from == -3.9
    with pytest.raises(BadInputError, match="house"):
        load_rules("house")


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [("run.csv", TABLES["word as cycle"][0], "line 12"), ("run.yaml", YAMLS["empty samples"][0], "line 2")],
)
def test_the_command_ends_with_two(name: str, text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    finished = subprocess.run(
        [sys.executable, "-m", "kinscope", "qpcr", name],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert finished.returncode == 2
    assert word in finished.stderr
    assert "Traceback" not in finished.stderr
