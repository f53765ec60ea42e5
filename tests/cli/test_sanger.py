"""``kinscope sanger``: its example, what it prints of several samples, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kinscope.cli.commands.sequencing import sanger
from kinscope.core.errors import BadInputError
from kinscope.sequencing import SangerResult, read_trace

TABLE = "Sample,HGVSc,VAF (%),Depth\nday 0,wild type,,\nday 90,c.944C>T,0.8,4000\n"


def test_the_example_simulates_traces_and_reads_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sanger(example=True, out=tmp_path)
    printed = capsys.readouterr().out
    assert 'go on: kinscope assess "NM_005157.6:c.944C>T"' in printed
    result = SangerResult.model_validate_json((tmp_path / "result.json").read_text())
    (call,) = result.calls
    assert call.short == "p.Thr315Ile"
    assert call.share_low_percent is not None and call.share_high_percent is not None  # noqa: PT018
    assert call.share_low_percent < 30 < call.share_high_percent
    assert {read_trace(tmp_path / f"{strand}.ab1").info.format for strand in ("forward", "reverse")} == {
        "ABIF 1.01"
    }
    assert (tmp_path / "report.html").is_file()


def test_samples_are_shown_by_name_also_those_without_a_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(TABLE)
    sanger(files=[path], out=tmp_path / "out")
    printed = capsys.readouterr().out
    assert printed.index("Sample day 0: 0 calls") < printed.index("Sample day 90: 1 call of ABL1")
    assert "0.8 % (0.57-1.1 %)" in printed
    written = json.loads((tmp_path / "out" / "result.json").read_text())
    assert written["samples"] == ["day 0", "day 90"]
    assert [call["sample"] for call in written["calls"]] == ["day 90"]
    assert (tmp_path / "out" / "calls.tsv").read_text().startswith("sample\thgvs_c")
    path.write_text("HGVSc,VAF (%)\nc.944C>T,0.8\n")
    sanger(files=[path], out=tmp_path / "out")
    assert (tmp_path / "out" / "calls.tsv").read_text().startswith("hgvs_c")


def test_a_name_that_acts_is_text_wherever_it_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("Sample,HGVSc\n=cmd()\x1b[31m,c.944C>T\n\u202eb,c.763G>A\n")
    sanger(files=[path], out=tmp_path / "out")
    table = (tmp_path / "out" / "calls.tsv").read_text()
    printed = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(table + printed)
    assert "\n=cmd" not in table


@pytest.mark.parametrize("name", ["calls.maf", "calls.tab", "calls", "CALLS.VCF.BGZ", "calls.g.vcf"])
def test_the_content_of_a_file_says_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / name
    path.write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n"
        "chr9\t130872896\t.\tC\tT\t.\tPASS\t.\tGT:AD\t0/1:110,90\n"
    )
    sanger(files=[path])
    assert "p.Thr315Ile" in capsys.readouterr().out


@pytest.mark.parametrize("codons", ["²-³", "240", "500-240", "0-9", "1-99999", "a-b"])
def test_odd_codons_and_odd_choices_are_refused(tmp_path: Path, codons: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(TABLE)
    with pytest.raises(BadInputError):
        sanger(example=True, out=tmp_path, codons=codons)
    with pytest.raises(BadInputError, match="not both"):
        sanger(example=True, files=[path])
    with pytest.raises(BadInputError, match="not both"):
        sanger()


@pytest.mark.parametrize(
    "option", [{"control": [Path("wt.ab1")]}, {"codons": "300-320"}, {"keep_names": True}, {"cds_start": 2}]
)
def test_an_option_that_the_files_have_no_use_for_is_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(TABLE)
    traces = {"example": True, "out": tmp_path} if "cds_start" in option else {"files": [path]}
    with pytest.raises(BadInputError, match="does nothing for"):
        sanger(**traces, **option)
