"""Nothing in a run directory is reached through a link, and nothing odd in it is believed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kinscope.cli.main import app
from kinscope.core.errors import BadInputError, ComputationError, KinscopeError, RunDirectoryError, Stopped
from kinscope.core.files import (
    copy_atomic,
    named_faults,
    read_bounded,
    read_own,
    sha256_of_file,
    write_atomic,
)
from kinscope.targets import load_target
from kinscope.variants import parse_variant
from kinscope.workflow.engine.step import Stage, Step
from kinscope.workflow.engine.store import ArtefactRecord, Store, list_files
from kinscope.workflow.planning.study import Pace
from kinscope.workflow.publication import CRATE_FILE, RESULT_FILE, _publish, read_result
from kinscope.workflow.rundir import (
    agreed,
    locked,
    new_study,
    note_pace,
    noted_pace,
    open_existing,
    open_or_create,
)
from kinscope.workflow.settings import load_preset

STUDY = new_study(parse_variant("K404E", load_target("abl1")), load_preset("quick"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory that was begun, beside a folder and a file that are none of its own."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("mine")
    open_or_create(tmp_path / "run", STUDY)
    return tmp_path / "run"


LINKS = [
    ".lock", "models", "artefacts", "work", "poses", "trajectories", "figures", "tables", "report.html",
    "result.json", "study.json", "provenance.json", "settings.yaml", "workers.txt", ".kinscope",
    "artefacts/docking", "work/0123/log.txt", "work/0123/scratch", "models/kinase-dfg-in/native.cif",
]  # fmt: skip


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("to", ["outside", "outside/file", "nowhere"])
def test_a_link_in_a_run_directory_is_refused_by_name(name: str, to: str, run: Path) -> None:
    before = {path: path.read_bytes() for path in (run.parent / "outside").iterdir()}
    place = run / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(run.parent / to)
    with pytest.raises(RunDirectoryError) as refused:
        agreed(run, STUDY)
    assert name in refused.value.where
    with pytest.raises(RunDirectoryError):
        open_existing(run)
    for words in (["resume", str(run)], ["status", str(run)], ["report", str(run)]):
        assert isinstance(CliRunner().invoke(app, words).exception, RunDirectoryError | SystemExit)
    assert {path: path.read_bytes() for path in (run.parent / "outside").iterdir()} == before
    assert not (run.parent / "nowhere").exists()


def test_pipes_and_devices_are_refused_and_waited_for_by_nobody(run: Path) -> None:
    os.mkfifo(run / "result.json")
    with pytest.raises(RunDirectoryError, match="pipe"):
        open_existing(run)


def test_the_run_directory_may_itself_be_a_link(run: Path) -> None:
    (run.parent / "link").symlink_to(run)
    assert open_existing(run.parent / "link") == STUDY
    with locked(run.parent / "link"):
        pass


def test_a_lock_empties_nothing(run: Path) -> None:
    """A hard link in its place leads outside; what is there stays."""
    (run / ".lock").hardlink_to(run.parent / "outside" / "file")
    with locked(run):
        pass
    assert (run.parent / "outside" / "file").read_text() == "mine"


def test_writing_replaces_a_link_and_publishing_makes_copies(tmp_path: Path) -> None:
    outside, link = tmp_path / "outside", tmp_path / "link"
    outside.write_text("mine")
    link.symlink_to(outside)
    write_atomic(link, "new")
    assert (outside.read_text(), link.read_text(), link.is_symlink()) == ("mine", "new", False)
    link.unlink()
    link.hardlink_to(outside)
    copy_atomic(outside, link)
    link.write_text("edited")
    assert outside.read_text() == "mine"
    (tmp_path / f".result.{os.getpid()}.partial").symlink_to(outside)
    write_atomic(tmp_path / "result", "new")
    assert outside.read_text() == "mine"


@pytest.mark.parametrize("part", ["..", "../x", "/etc", ".", "", "a/b"])
def test_a_name_from_the_study_leads_nowhere_else(part: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    with pytest.raises(RunDirectoryError, match="no file name"):
        _publish(tmp_path / "file", tmp_path / "run", "models", part, "native.cif")


ODD = {
    "empty": "",
    "cut short": STUDY.model_dump_json()[:200],
    "not JSON": "K404E",
    "not a number": '{"schema_version": NaN}',
    "nested without end": "[" * 200_000,
    "a list": "[]",
    "of other types": json.dumps(STUDY.model_dump(mode="json") | {"created": [1], "settings": 5}),
    "of a later version": json.dumps(STUDY.model_dump(mode="json") | {"mood": "good"}),
    "not text": b"\xff\xfe\0\0".decode("latin-1"),
    "a huge number": '{"schema_version": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD.keys())
def test_a_study_file_that_is_none(content: str, run: Path) -> None:
    (run / "study.json").write_text(content)
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        open_existing(run)


def test_a_directory_of_when_there_were_normal_modes_is_read(run: Path) -> None:
    content = STUDY.model_dump(mode="json")
    content["settings"]["normal_modes"] = {"replicas": 3, "energy": "force field"}
    (run / "study.json").write_text(json.dumps(content))
    assert open_existing(run) == STUDY
    content["settings"]["abnormal_modes"] = {}
    (run / "study.json").write_text(json.dumps(content))
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        open_existing(run)


def test_a_variant_that_would_name_other_files(run: Path) -> None:
    content = STUDY.model_dump(mode="json")
    content["variant"]["substitutions"][0]["mutant"] = "/../../../outside/x"
    (run / "study.json").write_text(json.dumps(content))
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        open_existing(run)


@pytest.mark.parametrize("text", ["nan", "inf", "-5", "1e308", "two", "", "\0", "2 gpu and more"])
def test_an_odd_note_of_the_pace_is_none_or_bounded(text: str, run: Path) -> None:
    (run / "workers.txt").write_text(text)
    found = noted_pace(run)
    assert found is None or 1 <= found.workers <= 1e4
    note_pace(run, Pace(2.0))
    assert noted_pace(run) is not None


def laid_out(run: Path, content: str) -> None:
    """A result as publication leaves it, with the crate that names it."""
    (run / RESULT_FILE).write_text(content)
    named = {"@id": RESULT_FILE, "@type": "File", "sha256": sha256_of_file(run / RESULT_FILE)}
    (run / CRATE_FILE).write_text(json.dumps({"@graph": [named]}))


def result() -> str:
    from factories.report import empty_study

    return empty_study().model_dump_json(indent=1)


def test_a_result_as_it_was_laid_out_is_read(run: Path) -> None:
    laid_out(run, result())
    assert read_result(run)[1] == result()


def test_one_digit_of_a_result_that_was_changed_is_noticed(run: Path) -> None:
    laid_out(run, result())
    changed = result().replace('"position": 404', '"position": 405', 1)
    assert changed != result()
    (run / RESULT_FILE).write_text(changed)
    with pytest.raises(RunDirectoryError, match="damaged or was changed"):
        read_result(run)


@pytest.mark.parametrize("content", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("name", [RESULT_FILE, CRATE_FILE])
def test_an_odd_result_is_refused(name: str, content: str, run: Path) -> None:
    laid_out(run, result())
    (run / name).write_text(content)
    with pytest.raises(RunDirectoryError, match="kinscope resume"):
        read_result(run)


@pytest.mark.parametrize("content", ODD.values(), ids=ODD.keys())
def test_an_odd_result_that_the_crate_names_is_refused(content: str, run: Path) -> None:
    laid_out(run, content)
    with pytest.raises(RunDirectoryError, match="another version"):
        read_result(run)


def test_a_directory_in_place_of_a_result(run: Path) -> None:
    (run / RESULT_FILE).mkdir()
    with pytest.raises(RunDirectoryError, match="kinscope resume"):
        read_result(run)


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EIO, 1), (errno.EROFS, 2), (errno.EACCES, 2)],
)
def test_a_fault_of_the_disk_is_named_and_says_what_is_kept(number: int, code: int, run: Path) -> None:
    with pytest.raises(KinscopeError, match=os.strerror(number)) as fault, locked(run):
        raise OSError(number, os.strerror(number), str(run / "models"))
    assert (fault.value.kept, fault.value.exit_code) == (run, code)
    assert fault.value.where == str(run / "models")


def test_a_write_that_fails_names_its_file_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ComputationError, match="No space left") as fault, named_faults("The report"):
        write_atomic(tmp_path / "report.html", "new")
    assert fault.value.where == str(tmp_path / "report.html")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("end", [ComputationError("It failed."), Stopped(2)])
def test_whatever_ends_the_work_says_where_it_is_kept(end: KinscopeError | Stopped, run: Path) -> None:
    with pytest.raises(type(end)), locked(run):
        raise end
    assert end.kept == run


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/kinscope"])
def test_out_on_what_is_no_directory(out: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInputError, match="cannot be used"):
        open_or_create(tmp_path / out, STUDY)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_run_directory_that_may_not_be_written(run: Path) -> None:
    run.chmod(0o500)
    with pytest.raises(BadInputError, match="Permission denied"), locked(run):
        pass
    assert open_existing(run) == STUDY
    run.chmod(0o700)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "directory"),
        (lambda path: os.mkfifo(path), "pipe or a device"),
        (lambda path: path.symlink_to("/dev/zero"), "pipe or a device"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: path.write_bytes(b"x" * 101), "larger than 100 bytes"),
    ],
)
def test_what_is_no_file_is_refused_at_once(make, word: str, tmp_path: Path) -> None:
    make(tmp_path / "given")
    with pytest.raises(BadInputError, match=word):
        read_bounded(tmp_path / "given", 100, remedy="Give less.")
    with pytest.raises(OSError, match=r"\S"):
        read_own(tmp_path / "given", 100)


def test_hashes_are_taken_once_and_quickly(tmp_path: Path) -> None:
    """100 MB, more than a quick study leaves, are found whole in well under two seconds of this processor."""
    import time

    step = Step(Stage("step", "none:none"), "step")
    work = tmp_path / "work"
    work.mkdir()
    (work / "trajectory.xtc").write_bytes(b"x" * 100_000_000)
    record = ArtefactRecord(
        key=step.key, step="step", label="step", parameters={}, inputs={}, seed=None,
        wall_seconds=1.0, platform="CPU", kinscope_version="0", files=list_files(work),
    )  # fmt: skip
    Store(tmp_path).put(step, work, record)
    store = Store(tmp_path)
    before = time.process_time()
    assert store.find(step) == record
    assert time.process_time() - before < 2.0
    (store.path(step) / "trajectory.xtc").unlink()
    assert store.find(step) == record, "one run looks once"
    assert Store(tmp_path).find(step) is None
