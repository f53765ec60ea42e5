"""The artefact store: a run directory's own, and the machine's shared cache, laid out alike.

An artefact is a directory whose ``artefact.json`` names every file in it with size and SHA-256. It is filled
elsewhere and renamed in, so that its presence means that it was whole. What changed since is found by its
hash before an artefact is used.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pydantic import ConfigDict, ValidationError

from kinscope.core.files import discard, read_own, sha256_of_file, write_atomic
from kinscope.core.records import Record, VersionedRecord

ARTEFACT_FILE = "artefact.json"


class Keyed(Protocol):
    """What an artefact is of: a step, or what a worker knows of it."""

    @property
    def key(self) -> str:
        """Of the work."""

    @property
    def folder(self) -> str:
        """Where its artefact lies below a store's root."""


class StoredFile(Record):
    """One file of an artefact."""

    name: str
    size_bytes: int
    sha256: str


class ArtefactRecord(VersionedRecord):
    """What an artefact is and how it came about; what another version noted besides is passed over."""

    model_config = ConfigDict(extra="ignore")

    key: str
    step: str
    label: str
    source: str = ""
    """Digest of what computed it; empty: nothing did."""
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
    """A directory of artefacts.

    ``root``: the directory; a file or folder in it that is a link is not believed. ``installed``: whether it
    came with the package: installers may make every file a link.
    """

    def __init__(self, root: Path, *, installed: bool = False) -> None:
        self.root = root
        self.installed = installed
        self.damaged: set[str] = set()
        """Keys of artefacts that were found not to be what was put there."""
        self._whole: dict[str, ArtefactRecord] = {}

    def path(self, step: Keyed) -> Path:
        """Where the artefact of a step lies or would lie."""
        return self.root / step.folder

    def find(self, step: Keyed) -> ArtefactRecord | None:
        """The artefact's record if every file is what was put there (hashed once), else None."""
        if step.key not in self._whole:
            record = self._record(step)
            if record is None or record.missing_inputs or not self._agrees(step, self.path(step), record):
                return None
            self._whole[step.key] = record
        return self._whole[step.key]

    def adopt(self, step: Keyed, *, final: bool = False) -> ArtefactRecord | None:
        """The record of what its worker put here, taken for whole; what lacks an input only if not ``final``.

        None if nothing is there.
        """
        record = self._record(step)
        if record is not None and not record.missing_inputs:
            self._whole[step.key] = record
        return None if final and record is not None and record.missing_inputs else record

    def clear(self, step: Keyed) -> None:
        """Take away what lies in the artefact's place: broken, incomplete, or a link."""
        target = self.path(step)
        self._whole.pop(step.key, None)
        if os.path.lexists(target):
            stale = Path(tempfile.mkdtemp(prefix=".stale-", dir=target.parent))
            with suppress(FileNotFoundError):  # another process was quicker
                target.replace(stale / target.name)
            shutil.rmtree(stale, ignore_errors=True)

    def put(self, step: Keyed, directory: Path, record: ArtefactRecord) -> None:
        """Rename a filled directory in, replacing a broken or incomplete artefact of the same key.

        One that is whole stays: somebody may be reading it. Raises OSError if it cannot be written.
        """
        target = self._place(step)
        write_atomic(directory / ARTEFACT_FILE, record.model_dump_json(indent=1))
        if os.path.lexists(target) and self.find(step) is not None:
            discard(directory)
            return
        self.clear(step)
        try:
            directory.replace(target)
        except OSError:
            if self.find(step) is None:  # else another process was quicker
                raise
            discard(directory)
        if not record.missing_inputs:
            self._whole[step.key] = record

    def copy_from(self, other: Store, step: Keyed) -> bool:
        """Take an artefact over from another store, every file checked; False if it is not there whole.

        Raises OSError if it cannot be read or written.
        """
        record = other._record(step)
        if record is None or record.missing_inputs:
            return False
        with tempfile.TemporaryDirectory(prefix=".copy-", dir=self._place(step).parent) as temporary:
            copied = Path(temporary) / "artefact"
            shutil.copytree(other.path(step), copied, symlinks=not other.installed)
            if not other._agrees(step, copied, record):
                return False
            self.put(step, copied, record)
        return True

    def artefacts(self) -> Iterator[Path]:
        """Every artefact's folder."""
        yield from sorted(path for path in self.root.glob("[!.]*/[!.]*") if not path.is_symlink())

    def faults(self) -> Iterator[tuple[Path, str]]:
        """Artefacts that are not what was put there, and what differs."""
        for path in self.artefacts():
            record = read_record(path, follow=self.installed)
            if record is None:
                yield path, "its record cannot be read"
                continue
            try:
                there = {file.name: file for file in list_files(path, follow=self.installed)}
            except OSError as error:
                yield path, f"{error.filename}: {error.strerror}"
                continue
            wrong = [file.name for file in record.files if there.get(file.name) != file]
            if wrong:
                yield path, f"{record.label}: {', '.join(wrong)}"

    def unneeded(self, needed: Iterable[Keyed]) -> Iterator[tuple[Path, int]]:
        """Artefacts of none of the steps, and their sizes in bytes."""
        kept = {self.path(step) for step in needed}
        for path in self.artefacts():
            if path not in kept:
                yield path, sum(one.lstat().st_size for one in path.rglob("*"))

    def _record(self, step: Keyed) -> ArtefactRecord | None:
        """What stands in the artefact's place; its files are not looked at."""
        directory = self.path(step)
        if not os.path.lexists(directory):
            return None
        record = None if self._behind_link(directory) else read_record(directory, follow=self.installed)
        if record is None or record.key != step.key:
            self.damaged.add(step.key)
            return None
        return record

    def _agrees(self, step: Keyed, directory: Path, record: ArtefactRecord) -> bool:
        with suppress(OSError):
            # What else lies there (a Finder's or a reader's own notes) is nobody's input.
            if set(record.files) <= set(list_files(directory, follow=self.installed)):
                return True
        self.damaged.add(step.key)
        return False

    def _place(self, step: Keyed) -> Path:
        """Where an artefact is put, the folder about it made."""
        target = self.path(step)
        if self._behind_link(target.parent):
            raise OSError(errno.ELOOP, "It is a link", str(target.parent))
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _behind_link(self, place: Path) -> bool:
        below = (place, *place.parents)
        return not self.installed and any(one.is_symlink() for one in below[: below.index(self.root) + 1])


def read_record(directory: Path, *, follow: bool = False) -> ArtefactRecord | None:
    """The record of the artefact in a directory, or None if there is none that can be read."""
    path = directory / ARTEFACT_FILE
    try:
        return ArtefactRecord.model_validate_json(path.read_bytes() if follow else read_own(path))
    except (OSError, ValidationError):
        return None


def list_files(directory: Path, *, follow: bool = False) -> tuple[StoredFile, ...]:
    """Every file below a directory, with size and hash, in a fixed order.

    Raises OSError if one cannot be read, or is a link (unless these are followed), a pipe or a device.
    """
    found = []
    for path in sorted(directory.rglob("*")):
        about = path.stat(follow_symlinks=follow)
        if stat.S_ISDIR(about.st_mode) or path == directory / ARTEFACT_FILE:
            continue
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.ELOOP, "It is no file", str(path))
        name = path.relative_to(directory).as_posix()
        found.append(StoredFile(name=name, size_bytes=about.st_size, sha256=sha256_of_file(path)))
    return tuple(found)


def stores_of(directories: Iterable[Path] | None) -> list[Store]:
    """The stores of run directories; without any, this machine's cache."""
    return [Store(one / "artefacts") for one in directories or (default_cache(),)]


def default_cache() -> Path:
    """The machine's shared cache: ``KINSCOPE_CACHE``, else below ``XDG_CACHE_HOME`` or ``~/.cache``."""
    if named := os.environ.get("KINSCOPE_CACHE"):
        return Path(named)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "kinscope"
    try:
        return Path.home() / ".cache" / "kinscope"
    except RuntimeError:  # nobody's home: what cannot be written is done without
        return Path(os.devnull) / "kinscope"
