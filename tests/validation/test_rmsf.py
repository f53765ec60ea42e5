"""Profiles beside one another: panels read with their traps, finished dynamics found and measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinscope.core.errors import BadInputError
from kinscope.validation.rmsf import panels

HEAD = (
    "system,resid,resname,rmsf_CA_A_mean,rmsf_CA_A_sd_over_reps,n_replicates,matches_P00519,method,citation\n"
)


def panel(folder: Path, rows: list[str]) -> Path:
    (folder / "md_rmsf_reference_panel.csv").write_text(HEAD + "\n".join(rows) + "\n")
    return folder


def test_tags_and_ends_of_a_panel_are_left_out(tmp_path):
    rows = [f"wild type,{n},XXX,{n / 100},0.1,3,{n >= 230},MD,somebody" for n in range(225, 300)]
    found = panels(panel(tmp_path, rows))
    assert list(found) == ["wild type"]
    assert min(found["wild type"]) == 234
    assert max(found["wild type"]) == 295
    assert found["wild type"][250] == 2.5


def test_other_tables_beside_it_do_no_harm(tmp_path):
    rows = [f"wild type,{n},XXX,1.0,0.1,3,True,MD,somebody" for n in range(240, 300)]
    (tmp_path / "md_rmsf_reference_regions.csv").write_text("system,region\na,b\n")
    assert len(panels(panel(tmp_path, rows))["wild type"]) == 52


@pytest.mark.parametrize("row", ["wild type,x,XXX,1.0,0,3,True,MD,s", "wild type,250,XXX,soft,0,3,True,MD,s"])
def test_a_row_without_numbers_is_told_with_its_line(tmp_path, row):
    with pytest.raises(BadInputError) as caught:
        panels(panel(tmp_path, ["wild type,249,XXX,1.0,0,3,True,MD,s", row]))
    assert "line 3" in caught.value.where


def test_a_folder_without_a_panel_is_told(tmp_path):
    with pytest.raises(BadInputError, match="No table"):
        panels(tmp_path)
