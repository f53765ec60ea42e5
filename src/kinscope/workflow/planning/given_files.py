"""What a user gives, kept in a run's store by its content: the study goes on without the original."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from kinscope import __version__
from kinscope.core.errors import RunDirectoryError
from kinscope.core.files import write_atomic
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import ArtefactRecord, Store, list_files


def keep_given(
    store: Store, step: Step, contents: Mapping[str, bytes | Path], *, what: str, label: str
) -> None:
    """Put what the user gave into a store as the artefact of a step that is never computed.

    Parameters
    ----------
    store
        Of the run.
    step
        Whose key names the content; nothing is done where its artefact is there.
    contents
        The artefact's files by name: what is in each, or where it is read.
    what
        The thing in one word, for errors.
    label
        Of the artefact, for people.

    Raises
    ------
    RunDirectoryError
        If it cannot be written.
    """
    if store.find(step) is not None:
        return
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{what}-", dir=store.root) as scratch:
            directory = Path(scratch) / "artefact"
            directory.mkdir()
            for name, content in contents.items():
                write_atomic(directory / name, content.read_bytes() if isinstance(content, Path) else content)
            store.put(step, directory, _record(step, label, directory))
    except OSError as error:
        raise RunDirectoryError(
            f"The {what} cannot be kept in the run directory ({error.strerror}).",
            where=str(store.root),
            remedy="Free disk space or give another --out.",
        ) from error


def _record(step: Step, label: str, directory: Path) -> ArtefactRecord:
    return ArtefactRecord(
        key=step.key,
        step=step.name,
        label=label,
        step_version=step.stage.version,
        parameters=dict(step.parameters),
        inputs={},
        seed=None,
        wall_seconds=0.0,
        platform="given",
        kinscope_version=__version__,
        files=list_files(directory),
    )
