"""A step: named inputs to named artefacts, and the key that says whether two steps are the same work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from kinscope.workflow.engine.sources import source_digest

Json = Any
"""What ``json.dumps`` takes."""


@dataclass(frozen=True)
class Stage:
    """A kind of work: what a step's key names, and the function that does it."""

    name: str
    """Is the folder of its artefacts: it stays, wherever the function moves to."""
    function: str
    """``module:function``, loaded in the step's process; it takes a
    :class:`~kinscope.workflow.engine.context.StepContext`."""
    kept: bool = False
    """Whether the machine's cache keeps it although a variant enters into it: the same variant elsewhere
    finds it done."""


@dataclass(frozen=True, eq=False)
class Step:
    """One unit of work of a plan.

    ``stage``: what is done. ``label``: for people, e.g. ``imatinib into native, DFG-out``. ``parameters``:
    everything besides the inputs that the outcome depends on, settings and seeds included. ``inputs``: steps
    whose artefacts it reads, by role. ``optional_inputs``: roles that may be missing if their step failed;
    what is made without them is not kept as final. ``shared``: true for work that no variant enters into:
    kept in the machine's shared cache and reused. ``cost_seconds``: a first guess of its time on one core,
    for the time-left display and for scheduling. ``resource``: ``cpu`` (one core) or ``gpu`` (a slot of a
    device, or a core where there is no device). ``nanoseconds``: simulated in it.
    """

    stage: Stage
    label: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    inputs: Mapping[str, Step] = field(default_factory=dict)
    optional_inputs: frozenset[str] = frozenset()
    shared: bool = False
    cost_seconds: float = 1.0
    resource: Literal["cpu", "gpu"] = "cpu"
    nanoseconds: float = 0.0

    @property
    def name(self) -> str:
        """Of its stage."""
        return self.stage.name

    @cached_property
    def key(self) -> str:
        """SHA-256 of the stage's name and source, the parameters and the inputs' keys."""
        content = {
            "name": self.stage.name,
            "source": source_digest(self.stage.function),
            "parameters": self.parameters,
            "inputs": {role: step.key for role, step in sorted(self.inputs.items())},
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def cached(self) -> bool:
        """Whether the machine's cache is asked for it, and keeps it."""
        return self.shared or self.stage.kept

    @property
    def folder(self) -> str:
        """Where its artefact lies below a store's root."""
        return f"{self.name}/{self.key[:20]}"


def in_order(targets: list[Step]) -> list[Step]:
    """Every step the targets need, each after its inputs, equal work once."""
    ordered: dict[str, Step] = {}
    seen: set[int] = set()
    waiting = [(target, False) for target in reversed(targets)]
    while waiting:
        step, inputs_are_in = waiting.pop()
        if inputs_are_in:
            ordered.setdefault(step.key, step)  # asked for after its inputs', so that no chain is too long
        elif id(step) not in seen:
            seen.add(id(step))
            waiting.append((step, True))
            waiting.extend((source, False) for source in reversed(list(step.inputs.values())))
    return list(ordered.values())
