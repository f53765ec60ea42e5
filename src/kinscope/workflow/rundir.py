"""A run directory: one study of one variant, held by one process at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from kinscope import __version__
from kinscope.core.errors import RunDirectoryError
from kinscope.core.files import write_atomic
from kinscope.core.records import VersionedRecord
from kinscope.variants.model import Variant
from kinscope.workflow.settings import StudySettings
from kinscope.workflow.user_state import UserState

STUDY_FILE = "study.json"
_LOCK_FILE = ".lock"


class StudyFile(VersionedRecord):
    """What a run directory is about; enough to plan the same study again."""

    kinscope_version: str
    created: str
    variant: Variant
    settings: StudySettings
    structure: UserState | None = None
    """What was found in the user's structure, if the settings name one."""


def open_or_create(
    directory: Path,
    variant: Variant,
    settings: StudySettings,
    created: str,
    structure: UserState | None = None,
) -> StudyFile:
    """The study of a directory, written there if the directory is new.

    Raises
    ------
    RunDirectoryError
        If the directory holds something else: another variant, other settings, or files not of kinscope.
    """
    study = StudyFile(
        kinscope_version=__version__,
        created=created,
        variant=variant,
        settings=settings,
        structure=structure,
    )
    if (directory / STUDY_FILE).exists():
        held = open_existing(directory)
        if held.variant.hgvs_p != variant.hgvs_p or held.settings.content() != settings.content():
            what = "another variant" if held.variant.hgvs_p != variant.hgvs_p else "other settings"
            raise RunDirectoryError(
                f"This directory holds the study of {held.variant.short} with {what}.",
                where=str(directory),
                remedy=f"Give another --out, or go on with what is there: kinscope resume {directory}",
            )
        return held.model_copy(update={"settings": settings})
    try:
        if directory.exists() and any(directory.iterdir()):
            raise RunDirectoryError(
                "This directory is not empty and is not a run of kinscope.",
                where=str(directory),
                remedy="Give another --out.",
            )
        directory.mkdir(parents=True, exist_ok=True)
        write_atomic(directory / STUDY_FILE, study.model_dump_json(indent=1))
    except OSError as error:
        raise RunDirectoryError(
            f"The run directory cannot be made ({error.strerror}).",
            where=str(directory),
            remedy="Give another --out.",
        ) from error
    return study


def open_existing(directory: Path) -> StudyFile:
    """The study a run directory holds.

    Raises
    ------
    RunDirectoryError
        If there is none, or it cannot be read.
    """
    try:
        return StudyFile.model_validate_json((directory / STUDY_FILE).read_bytes())
    except OSError:
        raise RunDirectoryError(
            "This is not a run directory of kinscope.",
            where=str(directory),
            remedy="Give the directory that `kinscope assess` made (its --out).",
        ) from None
    except ValidationError as error:
        raise RunDirectoryError(
            f"The study in this directory cannot be read by kinscope {__version__}.",
            where=str(directory / STUDY_FILE),
            remedy="Use the version that made it, or start again in another directory.",
        ) from error


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the run directory; the kernel lets it go when this process ends, however it ends.

    Raises
    ------
    RunDirectoryError
        If another process holds it.
    """
    with (directory / _LOCK_FILE).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunDirectoryError(
                "Another kinscope process works in this run directory.",
                where=str(directory),
                remedy="Wait for it (`kinscope status` shows how far it is), or end it.",
            ) from None
        yield


def publish(source: Path, target: Path) -> None:
    """Put a file of an artefact where a person looks for it: a hard link where possible, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.partial")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(target)
