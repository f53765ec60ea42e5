"""What a stage function is given: its inputs, a place to write, a place to come back to."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinscope.core.errors import ComputationError
from kinscope.core.files import write_atomic

PROGRESS_FILE = "progress.json"


@dataclass(frozen=True)
class StepContext:
    """The world of one step; it knows no scheduler.

    ``parameters``: as in the plan. ``inputs``: directories of the input artefacts by role; a missing optional
    input is absent. ``output``: fill this; it becomes the artefact. ``scratch``: survives a kill: a step that
    takes long keeps its checkpoints here.
    """

    parameters: Mapping[str, Any]
    inputs: Mapping[str, Path]
    output: Path
    scratch: Path
    _control: Path
    reused: frozenset[str] = frozenset()
    """Roles of inputs that this process did not compute: they lay in the store, or came from the cache or the
    target pack."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell how far the step is (0 to 1)."""
        content = {"fraction": min(max(fraction, 0.0), 1.0), "text": text, "time": time.time()}
        write_atomic(self._control / PROGRESS_FILE, json.dumps(content), lasting=False)

    def input(self, role: str, *parts: str) -> Path:
        """A file or directory of an input artefact.

        Raises ComputationError if the plan gave no such input.
        """
        if role not in self.inputs:
            raise ComputationError(f"A step was started without its input {role!r}.", where=str(self.output))
        return self.inputs[role].joinpath(*parts)
