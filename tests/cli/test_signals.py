"""A signal ends a command with a word: what is kept, the command that goes on, the exit code of the shell."""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console as Screen

from kinscope.cli import main
from kinscope.cli.console import LineWatcher, LiveWatcher, QuietWatcher, used
from kinscope.core.errors import BadInputError, ComputationError, KinscopeError, Stopped
from kinscope.workflow.engine.driver import Event, Running, Snapshot
from kinscope.workflow.engine.schedule import Usage

COMMANDS = {
    "assess": ("assess K404E --engine openmm --md-minutes 0 --out run", "kinscope resume run"),
    "resume": ("resume run", "kinscope resume run"),
    "dock": ("dock K404E --drug imatinib --out run", "kinscope dock K404E --drug imatinib --out run"),
    "simulate": (
        "simulate K404E --engine openmm --out 'my run'",
        "kinscope simulate K404E --engine openmm --out 'my run'",
    ),
}


def heeding() -> None:
    """As on a terminal, though the tests themselves may run under nohup or in the background of a script."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def started(command: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kinscope", *shlex.split(command)],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"KINSCOPE_CACHE": str(cwd / "cache")},
        preexec_fn=heeding,
    )


def workers_in(cwd: Path) -> list[str]:
    """Where workers are, and the processes that fork them, in a directory or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, place = (process / "cmdline").read_bytes(), (process / "cwd").readlink()
        except OSError:
            continue
        if b"engine.worker" in words and place.is_relative_to(cwd):
            found.append(str(place))
    return found


def wait_for_workers(process: subprocess.Popen[str], cwd: Path) -> None:
    deadline = time.monotonic() + 600
    while not any("/work/" in place for place in workers_in(cwd)):
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("assess", signal.SIGHUP),
        ("dock", signal.SIGTERM),
        ("dock", signal.SIGINT),
        ("simulate", signal.SIGTERM),
    ],
)
def test_a_study_that_is_stopped_says_how_it_goes_on(name: str, number: int, tmp_path: Path) -> None:
    command, again = COMMANDS[name]
    process = started(command, tmp_path)
    wait_for_workers(process, tmp_path)
    process.send_signal(number)
    process.send_signal(signal.SIGINT if number == signal.SIGINT else 0)  # an impatient second Ctrl-C
    _, told = process.communicate(timeout=600)
    assert process.returncode == 128 + number
    assert "Traceback" not in told
    assert "Aborted" not in told
    if number != signal.SIGINT:  # a second one may come before the word is out
        assert f"stopped by {signal.Signals(number).name}" in told
        assert told.endswith(f"go on: {again}\n")
        assert "everything finished" in told
    deadline = time.monotonic() + 60
    while workers_in(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ctrl_c_says_so_once_and_the_study_stays_usable(tmp_path: Path) -> None:
    process = started(COMMANDS["assess"][0], tmp_path)
    wait_for_workers(process, tmp_path)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=600)
    assert process.returncode == 130
    assert told.endswith("kinscope: stopped by SIGINT.\n  kept: everything finished, in run\n"
                         "  go on: kinscope resume run\n")  # fmt: skip
    again = started(COMMANDS["resume"][0], tmp_path)
    wait_for_workers(again, tmp_path)
    again.send_signal(signal.SIGINT)
    _, told = again.communicate(timeout=600)
    assert told.endswith("go on: kinscope resume run\n")


def test_a_signal_that_was_ignored_stays_ignored(tmp_path: Path) -> None:
    """As under nohup."""
    code = (
        "import signal, kinscope.cli.main as main; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "main._heed_signals(); print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m kinscope settings | head -c 10"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert len(done.stdout) == 10
    assert not done.stderr


def test_a_full_disk_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "kinscope", "settings"], stdout=full, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "unforeseen" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("typed", "kept", "again"),
    [
        ("assess K404E --out run", "run", "kinscope resume run"),
        ("--debug assess K404E", "kinscope-K404E", "kinscope resume kinscope-K404E"),
        ("resume run --cores 1", "run", "kinscope resume run --cores 1"),
        ("assess K404E --cluster gpu.yaml --quiet", "run", "kinscope resume run --cluster gpu.yaml"),
        ("dock K404E --drug imatinib", "kinscope-K404E", "kinscope dock K404E --drug imatinib"),
        ("dock assess --out 'my run'", "my run", "kinscope dock assess --out 'my run'"),
        ("simulate K404E --length-ns 1", "kinscope-K404E", "kinscope simulate K404E --length-ns 1"),
        ("extend run --length-ns 2", "run", "kinscope extend run --length-ns 2"),
        ("analyse run", None, "kinscope analyse run"),
        ("sanger 'a b.ab1'", None, "kinscope sanger 'a b.ab1'"),
    ],
)
def test_every_command_goes_on_by_its_own(typed, kept, again, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kinscope", *shlex.split(typed)])
    stopped = Stopped(signal.SIGTERM)
    stopped.kept = kept and Path(kept)
    code, words = main._told(stopped)
    assert code == 143
    assert words.endswith(f": {again}")


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (ComputationError("The step failed."), 1, "go on: kinscope resume run"),
        (BadInputError("It is no file."), 2, "It is no file."),
        (MemoryError(), 1, "not enough memory"),
        (BrokenPipeError(), 0, ""),
        (ZeroDivisionError(), 1, "something unforeseen"),
    ],
)
def test_every_end_has_its_word_and_code(error, code, word, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kinscope", "resume", "run"])
    if isinstance(error, KinscopeError):
        error.kept = Path("run")
    assert main._told(error)[0] == code
    assert word in main._told(error)[1]
    assert ("go on" in main._told(error)[1]) == (isinstance(error, ComputationError))


@pytest.mark.parametrize("watcher", [QuietWatcher, LineWatcher])
def test_damage_is_named_even_where_no_progress_is_shown(watcher, capsys: pytest.CaptureFixture[str]) -> None:
    with watcher() as watch:
        watch(Event("note", "imatinib into native: its files are not \x1b[2J what was put there"))
    assert (
        capsys.readouterr().err == "note: imatinib into native: its files are not ?[2J what was put there\n"
    )


USAGE = Usage(core_hours=0.4219, gpu_hours=16.8, steps_per_minute=11.7, ns_per_day=1340.0)


def test_a_log_counts_what_ended_and_tells_pace_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    with LineWatcher() as watch:
        watch(Event("progress", snapshot=Snapshot(2, 40, (), 7200.0, Usage())))  # jobs wait in their queue
        watch(Event("finished", "imatinib into native", seconds=12.0))
        watch(Event("progress", snapshot=Snapshot(3, 40, (), 240.0, USAGE)))
        watch(Event("progress", snapshot=Snapshot(3, 40, (), 200.0, USAGE)))
    assert capsys.readouterr().err == (
        "[2/40] 0 running; about 2 h 00 min left\n"
        "[3/40] imatinib into native: 12 s; about 4 min left, "
        "12 steps/min, 1,340 ns/day; 0.42 core hours, 17 GPU hours so far\n"
    )
    assert used(USAGE, moving=False) == "0.42 core hours, 17 GPU hours so far"
    assert used(USAGE.model_copy(update={"core_hours": 0.0006, "gpu_hours": 0.0})).endswith("ns/day")
    assert used(Usage()) == ""


def test_the_live_view_fits_a_terminal_of_eighty_columns() -> None:
    replica = Running("dynamics 1 of 3, K404E with imatinib", 0.5, "9000000 of 18000000 steps", 7260.0, 9.0)
    screen = Screen(width=80, file=io.StringIO())
    screen.print(LiveWatcher()._draw(Snapshot(120, 4000, (replica,), 400_000.0, USAGE)))
    head, told, *running = screen.file.getvalue().splitlines()
    assert head.split()[:4] == ["120", "of", "4000", "steps"]
    assert head.rstrip().endswith("0 s gone, about 5 days left")
    assert told.rstrip() == "12 steps/min, 1,340 ns/day; 0.42 core hours, 17 GPU hours so far"
    assert all(len(line) <= 80 for line in (head, told, *running))
    words = " ".join(running).split()
    assert all(word in words for word in f"{replica.label} {replica.text} 2 h 01 min".split())


def test_a_study_goes_on_when_nobody_reads_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("kinscope.cli.console.echo", gone)
    with LineWatcher() as watch:
        watch(Event("finished", "a step"))
