"""What `kinscope analyse` prints of native beside mutant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from kinscope.analysis.statistics import difference
from kinscope.cli import commands
from kinscope.cli.commands.dynamics import _differences
from kinscope.interpretation.words.say import statement
from kinscope.results.trajectories import MeasureComparison

SHORT = "2 x 0.3 ps native and 2 x 0.3 ps mutant"


def compared(label: str, native: list[float], mutant: list[float]) -> MeasureComparison:
    found = difference(native, mutant, unit="Å", sampling=SHORT)
    return MeasureComparison(
        state="kinase-dfg-out",
        name=label,
        label=label,
        unit="Å",
        native_means=tuple(native),
        mutant_means=tuple(mutant),
        difference=found,
    )


def test_what_is_said_of_several_quantities_is_said_once() -> None:
    rows = [compared(label, [1.0], [2.0]) for label in ("radius", "volume", "RMSD")]
    rows.insert(1, compared("distance", [1.0, 1.1, 0.9], [5.0, 5.1, 4.9]))
    several, one = _differences(rows)
    assert several.startswith(statement(rows[0].difference))
    assert several.endswith("in all of: radius; volume; RMSD")
    assert SHORT in several
    assert one == f"distance: {statement(rows[1].difference)}"
    assert "+4.0" in one


def test_nothing_is_said_of_nothing() -> None:
    assert _differences([]) == []


def test_the_example_runs_as_the_readme_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = Path(__file__).parents[2] / "README.md"
    line = next(row for row in readme.read_text().splitlines() if row.startswith("kinscope analyse"))
    words = line.partition("#")[0].split()[1:]
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    commands.register(app)
    done = CliRunner().invoke(app, [*words, "--pocket-frames", "0"])
    assert done.exit_code == 0, done.output
    assert "e-" not in " ".join(line for line in done.output.splitlines() if "good to" in line)
    found = json.loads(Path("kinscope-analysis/analysis.json").read_text())
    assert [one["name"] for one in found["replicas"]] == ["made-up-1.xtc", "made-up-2.xtc"]
    assert {one["frames"] for one in found["replicas"]} == {60}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--topology", "a.pdb"],
        ["--trajectory", "a.xtc"],
        ["run", "--topology", "a.pdb", "--trajectory", "a.xtc"],
        ["run", "--example"],
        ["--example", "--topology", "a.pdb", "--trajectory", "a.xtc"],
    ],
)
def test_half_an_order_or_two_are_refused(words: list[str]) -> None:
    app = typer.Typer()
    commands.register(app)
    failed = CliRunner().invoke(app, ["analyse", *words])
    assert failed.exception is not None
    assert "Give a directory, or a topology with trajectories, or --example" in str(failed.exception)


def test_of_a_chain_that_is_not_the_target_s_no_pocket_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ABL1's numbers, read as SRC's, name other residues: a volume of 4,400 cubic angstrom came of them."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    commands.register(app)
    assert CliRunner().invoke(app, ["analyse", "--example", "--pocket-frames", "0", "-q"]).exit_code == 0
    made = Path("kinscope-analysis/example")
    given = ["--topology", str(made / "model.cif"), "--trajectory", str(made / "made-up-1.xtc")]
    done = CliRunner().invoke(app, ["analyse", *given, "--target", "src", "--out", "src", "-q"])
    assert "no chain of SRC was found" in done.output
    assert "volume" not in done.output
