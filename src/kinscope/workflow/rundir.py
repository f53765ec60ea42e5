"""A run directory: one study of one variant, held by one process at a time.

It may itself be a link; nothing in it is, and nothing in it is read or written through one.
"""

from __future__ import annotations

import datetime
import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import field_validator

from kinscope import __version__
from kinscope.core.errors import KinscopeError, RunDirectoryError, Stopped
from kinscope.core.files import named_faults, read_own, write_atomic
from kinscope.core.records import VersionedRecord
from kinscope.variants.model import Variant
from kinscope.workflow.planning.study import Pace
from kinscope.workflow.planning.user_state import UserState
from kinscope.workflow.settings import Runner, StudySettings

STUDY_FILE = "study.json"
_LOCK_FILE = ".lock"
_PACE_FILE = "workers.txt"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""On a shared file system without locks, the steps' leases alone keep two drivers apart."""


class StudyFile(VersionedRecord):
    """What a run directory is about; enough to plan the same study again."""

    kinscope_version: str
    created: str
    variant: Variant
    settings: StudySettings
    structure: UserState | None = None
    """What was found in the user's structure, if the settings name one."""

    @field_validator("settings", mode="before")
    @classmethod
    def _without_gone(cls, value: Any) -> Any:
        """Settings of steps that are no more do not keep a directory from being read."""
        return {k: v for k, v in value.items() if k != "normal_modes"} if isinstance(value, dict) else value


def new_study(
    variant: Variant, settings: StudySettings, structure: UserState | None = None, created: str = ""
) -> StudyFile:
    """A study that is begun today, unless ``created`` says when."""
    return StudyFile(
        kinscope_version=__version__,
        created=created or datetime.datetime.now(datetime.UTC).date().isoformat(),
        variant=variant,
        settings=settings,
        structure=structure,
    )


def agreed(directory: Path, study: StudyFile) -> StudyFile:
    """The study as a directory holds it, or as given if the directory is new; nothing is written.

    Raises RunDirectoryError if the directory holds something else: another variant, other settings, or files
    not of kinscope.
    """
    variant, settings = study.variant, study.settings
    with named_faults("The run directory", directory):
        begun = os.path.lexists(directory / STUDY_FILE)
        if not begun and directory.exists() and any(directory.iterdir()):
            raise RunDirectoryError(
                "This directory is not empty and is not a run of kinscope.",
                where=str(directory),
                remedy="Give another --out.",
            )
    if begun:
        held = open_existing(directory)
        if held.variant.short != variant.short or held.settings.content() != settings.content():
            what = "another variant" if held.variant.short != variant.short else "other settings"
            raise RunDirectoryError(
                f"This directory holds the study of {held.variant.short} with {what}.",
                where=str(directory),
                remedy=f"Give another --out, or go on with what is there: kinscope resume {directory}",
            )
        return held.model_copy(update={"settings": settings})
    return study


def open_or_create(directory: Path, study: StudyFile) -> StudyFile:
    """The study as a directory holds it, written there if the directory is new.

    Raises RunDirectoryError as :func:`agreed`, or if nothing can be written.
    """
    held = agreed(directory, study)
    if not (directory / STUDY_FILE).exists() or open_existing(directory) != held:
        with named_faults("The run directory", directory):
            directory.mkdir(parents=True, exist_ok=True)
            write_study(directory, held)
    return held


def write_study(directory: Path, study: StudyFile) -> None:
    """Write down what a directory is about."""
    write_atomic(directory / STUDY_FILE, study.model_dump_json(indent=1))


def open_existing(directory: Path) -> StudyFile:
    """The study a run directory holds.

    Raises RunDirectoryError if there is none, it cannot be read, or something in the directory is a link.
    """
    _refuse_links(directory)
    try:
        held = StudyFile.model_validate_json(read_own(directory / STUDY_FILE))
        if not re.fullmatch(r"([A-Z]\d+[A-Z]_?)+", held.variant.slug):  # it names files
            raise ValueError
        return held
    except (FileNotFoundError, NotADirectoryError):
        raise RunDirectoryError(
            "This is not a run directory of kinscope.",
            where=str(directory),
            remedy="Give the directory that `kinscope assess` made (its --out).",
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or f"not by kinscope {__version__}"
        raise RunDirectoryError(
            f"The study in this directory cannot be read ({why}).",
            where=str(directory / STUDY_FILE),
            remedy="Mend it, use the version that made it, or start again in another directory.",
        ) from error


def _refuse_links(directory: Path) -> None:
    for folder, folders, files in os.walk(directory):
        for name in (*folders, *files):
            path = Path(folder, name)
            with suppress(FileNotFoundError):  # of a study that goes on meanwhile
                mode = path.lstat().st_mode
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    raise RunDirectoryError(
                        "Something in this run directory is a link, a pipe or a device; none is followed.",
                        where=str(path),
                        remedy="Remove it; what belongs there is made again. --out itself may be a link.",
                    )


def noted_pace(directory: Path) -> Pace | None:
    """How the replicas of a run directory were begun; None if none were yet."""
    runners: dict[str, Runner] = {"gpu": "gpu", "gromacs": "gromacs"}
    try:
        number, on, steps, *_ = [*read_own(directory / _PACE_FILE).decode().split(), "", ""]
        workers = min(max(1.0, float(number)), 1e4)
        return Pace(workers, runners.get(on, "cpu"), steps=max(1, int(steps)) if steps else None)
    except (OSError, ValueError):
        return None


def note_pace(directory: Path, pace: Pace) -> None:
    """Write down how replicas are run and how many steps were bought, each unless it was before.

    What was computed on a CPU stays so when the study goes on elsewhere, and is as long.
    """
    held = noted_pace(directory) or pace
    steps = held.steps or pace.steps
    write_atomic(directory / _PACE_FILE, f"{held.workers:g} {held.on} {steps or ''}\n")


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the run directory; the kernel lets it go when this process ends, however it ends.

    Raises RunDirectoryError if another process holds it. Whatever else ends the work tells that what is
    finished is kept.
    """
    with named_faults("The run directory", directory):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        lock = os.open(directory / _LOCK_FILE, flags, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            os.close(lock)
            raise RunDirectoryError(
                "Another kinscope process works in this run directory.",
                where=str(directory),
                remedy="Wait for it (`kinscope status` shows how far it is), or end it.",
            ) from None
    try:
        with named_faults("The run directory", directory):
            yield
    except (KinscopeError, Stopped) as end:
        end.kept = directory
        raise
    finally:
        os.close(lock)
