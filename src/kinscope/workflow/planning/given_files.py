"""What a user gives, kept in a run's store by its content: the study goes on without the original."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from kinscope import __version__
from kinscope.core.files import named_faults, write_atomic
from kinscope.workflow.engine.step import Step
from kinscope.workflow.engine.store import ArtefactRecord, Store, list_files


def keep_given(
    store: Store, step: Step, contents: Mapping[str, bytes | Path], *, what: str, label: str
) -> None:
    """Put what the user gave into a run's store as the artefact of a step that is never computed.

    The step's key names the content; nothing is done where its artefact is there. ``contents`` are its files
    by name: what is in each, or where it is read. ``what`` is the thing in one word, for errors.

    Raises BadInputError, ComputationError if it cannot be written.
    """
    if store.find(step) is not None:
        return
    with named_faults(f"The {what} in the run directory", store.root):
        store.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{what}-", dir=store.root) as scratch:
            directory = Path(scratch) / "artefact"
            directory.mkdir()
            for name, content in contents.items():
                write_atomic(directory / name, content.read_bytes() if isinstance(content, Path) else content)
            store.put(step, directory, _record(step, label, directory))


def _record(step: Step, label: str, directory: Path) -> ArtefactRecord:
    return ArtefactRecord(
        key=step.key,
        step=step.name,
        label=label,
        parameters=dict(step.parameters),
        inputs={},
        seed=None,
        wall_seconds=0.0,
        platform="given",
        kinscope_version=__version__,
        files=list_files(directory),
    )
