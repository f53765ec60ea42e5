"""A run with one bad and one good ligand ends with the good one done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner


@pytest.mark.slow
def test_a_bad_ligand_costs_no_other(tmp_path: Path) -> None:
    from kinscope.cli.commands import register

    app = typer.Typer()
    register(app)
    (tmp_path / "broken.sdf").write_text("not a molecule\n$$$$\n")
    out = tmp_path / "run"
    result = CliRunner().invoke(
        app,
        [
            "dock", "V299L", "--state", "kinase-dfg-in", "--out", str(out), "--json",
            "--ligand", str(tmp_path / "broken.sdf"), "--smiles", "Cc1ccc(NC(=O)c2ccccc2)cc1 mine",
            "--smiles", "[Na+].[O-]C(=O)c1ccccc1 salt",
        ],
    )  # fmt: skip
    assert result.exit_code == 2
    table = json.loads((out / "docking_table.json").read_text())
    assert [row["drug"] for row in table["rows"]] == ["mine"]
    assert table["rows"][0]["outcome"] == "docked"
    assert table["rows"][0]["native"]["score_kcal_per_mol"] < 0
    assert table["rows"][0]["reference"] == "blind search"
    assert len(table["refused"]) == 2
    assert (out / "docking_table.csv").read_text().count("\n") == 2


@pytest.mark.slow
def test_standard_answers_as_quick_does(tmp_path: Path) -> None:
    """Longer docking from a known pose keeps its mode, so that the call is quick's."""
    from kinscope.cli.commands import register

    app = typer.Typer()
    register(app)
    rows = {}
    for preset in ("quick", "standard"):
        out = tmp_path / preset
        result = CliRunner().invoke(
            app,
            [
                "dock", "T315I", "--drug", "dasatinib", "--state", "kinase-dfg-in", "--preset", preset,
                "--out", str(out), "--json",
            ],
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        (rows[preset],) = json.loads((out / "docking_table.json").read_text())["rows"]
        assert all(rows[preset][side]["known_mode_kept"] for side in ("native", "mutant"))
        assert rows[preset]["call"]["measured_by"] == "relaxed complexes"
    assert rows["quick"]["call"]["word"] == rows["standard"]["call"]["word"] == "lost"
