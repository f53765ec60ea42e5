"""Records of options: what typer sees of them, what a command gets, and how it prints."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from kinscope.cli.commands import register
from kinscope.cli.console import Console, echo, show_json
from kinscope.cli.options import ReadingOptions, StructureOptions, command_of
from kinscope.core.errors import BadInputError


@dataclass(frozen=True)
class Inner:
    """Fields with a range and of a repeated option."""

    number: Annotated[int, typer.Option("--number", min=1)] = 3
    name: Annotated[list[str] | None, typer.Option("--name")] = None


@dataclass(frozen=True)
class Outer:
    """A required argument, a record, and an option of two words from the environment."""

    file: Annotated[Path, typer.Argument()]
    inner: Inner = field(default_factory=Inner)
    wet: Annotated[bool, typer.Option("--wet/--no-wet", envvar="KINSCOPE_TEST_WET")] = True


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def app(heard: list[dict[str, Any]]) -> typer.Typer:
    made = typer.Typer()

    @command_of(made, "act", epilog="The end.")
    def act(outer: Outer, *, plain: Annotated[float, typer.Option()] = 0.5, console: Console) -> None:
        """Do it."""
        heard.append({"outer": outer, "plain": plain, "console": console})

    return made


def test_a_record_is_made_of_options_one_by_one(app: typer.Typer, heard: list[dict[str, Any]]) -> None:
    words = [
        "here",
        "--number",
        "5",
        "--name",
        "a",
        "--name",
        "b",
        "--no-wet",
        "--plain",
        "2",
        "--json",
        "-q",
    ]
    assert CliRunner().invoke(app, words).exit_code == 0
    inner = Inner(number=5, name=["a", "b"])
    outer = Outer(file=Path("here"), inner=inner, wet=False)
    assert heard == [{"outer": outer, "plain": 2.0, "console": Console(as_json=True, quiet=True)}]


def test_defaults_are_the_records_own_and_the_environment_is_asked(
    app: typer.Typer, heard: list[dict[str, Any]]
) -> None:
    assert CliRunner().invoke(app, ["here"], env={"KINSCOPE_TEST_WET": "0"}).exit_code == 0
    assert heard == [{"outer": Outer(Path("here"), wet=False), "plain": 0.5, "console": Console()}]


@pytest.mark.parametrize("words", [[], ["here", "--number", "0"], ["here", "--inner", "x"]])
def test_what_typer_would_refuse_is_refused(
    words: list[str], app: typer.Typer, heard: list[dict[str, Any]]
) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2
    assert heard == []


def test_help_lists_the_fields_in_the_order_of_the_command(app: typer.Typer) -> None:
    text = CliRunner().invoke(app, ["--help"]).output
    places = [text.index(name) for name in ("Do it.", "--number", "--name", "--wet", "--plain", "--json")]
    assert places == sorted(places)
    assert "The end." in text


def test_two_options_of_one_name_are_no_command() -> None:
    def twice(one: Inner, two: Inner) -> None:
        """Both."""

    with pytest.raises(ValueError, match="duplicate"):
        command_of(typer.Typer(), "twice", epilog="")(twice)


def test_a_mirror_alone_says_nothing_about_a_structure(tmp_path: Path) -> None:
    """The mirror may come from the environment, for other uses."""
    assert StructureOptions(reading=ReadingOptions(mirror=tmp_path)).given() == (None, None)
    for reading in (ReadingOptions(max_gap=0), ReadingOptions(download=True)):
        with pytest.raises(BadInputError, match="none was given"):
            StructureOptions(reading=reading).given()


def test_only_what_is_said_of_a_structure_becomes_a_setting(tmp_path: Path) -> None:
    file = tmp_path / "mine.pdb"
    file.touch()
    reading = ReadingOptions(chain="B", as_state_like="kinase-dfg-in", max_gap=0)
    assert StructureOptions(str(file), reading).given() == (
        file,
        {"chain": "B", "like": "kinase-dfg-in", "max_gap": 0},
    )
    assert StructureOptions(str(file)).given() == (file, {})
    with pytest.raises(BadInputError) as caught:
        StructureOptions(str(file), ReadingOptions(as_state_like="x" * 200)).given()
    assert caught.value.where == "--as-state-like"


@pytest.mark.parametrize("group", [[], ["models"], ["store"], ["targets"], ["benchmark"]])
def test_every_list_of_commands_shows_whole_lines(group: list[str]) -> None:
    everything = typer.Typer(rich_markup_mode=None)
    register(everything)
    shown = CliRunner().invoke(everything, [*group, "--help"], terminal_width=80).output
    _, _, commands = shown.partition("Commands:")
    assert commands.count("\n") >= 3
    assert "..." not in commands


@pytest.mark.parametrize(
    "words",
    [
        "case --example --preset quick",
        "case --example --md-minutes 5",
        "evidence T315I --write",
        "models check mine.cif --state kinase-dfg-in",
    ],
)
def test_an_option_that_would_do_nothing_is_refused(words: str) -> None:
    app = typer.Typer()
    register(app)
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code != 0
    assert done.stdout == ""
    assert isinstance(done.exception, BadInputError) or "update" in done.stderr


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal_lines_end_at_words_and_json_and_commands_stay_whole(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal, pipe, folded = StringIO(), StringIO(), StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(folded, "isatty", lambda: True, raising=False)
    prose = "models      " + "kinase domain, DFG-in; " * 12
    command = "Go on with:  kinscope resume " + "folder/" * 20
    record = {"sentence": "word " * 60}
    for stream in (terminal, pipe):
        monkeypatch.setattr("sys.stdout", stream)
        echo(prose)
    monkeypatch.setattr("sys.stdout", folded)
    echo(command)
    show_json(record)
    assert pipe.getvalue() == f"{prose}\n"
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    assert terminal.getvalue().split() == prose.split()
    assert all(line.startswith(" " * 12) for line in lines[1:])
    told, json_text = folded.getvalue().split("\n", 1)
    assert told == command
    assert json.loads(json_text) == record


def test_a_command_whose_output_is_closed_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert echo("nobody hears it") is None
