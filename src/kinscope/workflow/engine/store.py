"""The artefact store: a run directory's own, and the machine's shared cache, laid out alike.

An artefact is a directory whose ``artefact.json`` names every file in it with size and SHA-256. It is filled
elsewhere and renamed in, so that its presence means that it is whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from pydantic import ValidationError

from kinscope.core.errors import ComputationError
from kinscope.core.files import sha256_of_file, write_atomic
from kinscope.core.records import Record, VersionedRecord
from kinscope.workflow.engine.step import Step

ARTEFACT_FILE = "artefact.json"


class StoredFile(Record):
    """One file of an artefact."""

    name: str
    size_bytes: int
    sha256: str


class ArtefactRecord(VersionedRecord):
    """What an artefact is and how it came about."""

    key: str
    step: str
    label: str
    step_version: int
    parameters: dict[str, object]
    inputs: dict[str, str]
    """Role to key."""
    missing_inputs: tuple[str, ...] = ()
    """Optional inputs whose steps had failed; such an artefact is made anew once they succeed."""
    seed: int | None
    wall_seconds: float
    platform: str
    kinscope_version: str
    files: tuple[StoredFile, ...]


class Store:
    """A directory of artefacts."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, step: Step) -> Path:
        """Where the artefact of a step lies or would lie."""
        return self.root / step.folder

    def find(self, step: Step) -> ArtefactRecord | None:
        """The artefact's record if it is whole (sizes checked), else None."""
        record = read_record(self.path(step))
        if record is None or record.key != step.key or record.missing_inputs:
            return None
        return record if _sizes_match(self.path(step), record) else None

    def put(self, step: Step, directory: Path, record: ArtefactRecord) -> None:
        """Rename a filled directory in, replacing a broken or incomplete artefact of the same key."""
        target = self.path(step)
        write_atomic(directory / ARTEFACT_FILE, record.model_dump_json(indent=1))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            stale = Path(tempfile.mkdtemp(prefix=".stale-", dir=target.parent))
            target.replace(stale / target.name)
            shutil.rmtree(stale, ignore_errors=True)
        try:
            directory.replace(target)
        except OSError as error:
            if self.find(step) is None:
                raise ComputationError(
                    f"The result of a step could not be kept ({error.strerror}).",
                    where=str(target),
                    remedy="Free disk space or mend the permissions, then run `kinscope resume`.",
                ) from error
            shutil.rmtree(directory, ignore_errors=True)

    def copy_from(self, other: Store, step: Step) -> bool:
        """Take an artefact over from another store, every file checked; False if it is not there whole."""
        record = other.find(step)
        if record is None:
            return False
        target = self.path(step)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
        try:
            copied = temporary / "artefact"
            shutil.copytree(other.path(step), copied)
            if not _contents_match(copied, record):
                return False
            self.put(step, copied, record)
        except OSError:
            return False
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return True


def read_record(directory: Path) -> ArtefactRecord | None:
    """The record of the artefact in a directory, or None if there is none that can be read."""
    try:
        return ArtefactRecord.model_validate_json((directory / ARTEFACT_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def list_files(directory: Path) -> tuple[StoredFile, ...]:
    """Every file below a directory, with size and hash, in a fixed order."""
    found = []
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.name != ARTEFACT_FILE:
            name = path.relative_to(directory).as_posix()
            found.append(StoredFile(name=name, size_bytes=path.stat().st_size, sha256=sha256_of_file(path)))
    return tuple(found)


def default_cache() -> Path:
    """The machine's shared cache: ``KINSCOPE_CACHE``, else below ``XDG_CACHE_HOME`` or ``~/.cache``."""
    if named := os.environ.get("KINSCOPE_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "kinscope"


def _sizes_match(directory: Path, record: ArtefactRecord) -> bool:
    with contextlib.suppress(OSError):
        return all((directory / file.name).stat().st_size == file.size_bytes for file in record.files)
    return False


def _contents_match(directory: Path, record: ArtefactRecord) -> bool:
    with contextlib.suppress(OSError):
        return all(sha256_of_file(directory / file.name) == file.sha256 for file in record.files)
    return False
