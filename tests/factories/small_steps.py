"""Steps of a moment, which tell when they begin and end; a module that loads fast."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from kinscope.core.progress import leave_if_asked
from kinscope.workflow.engine.context import StepContext
from kinscope.workflow.engine.step import Stage, Step

SMALL = Stage("small", "factories.small_steps:mix")
NAME = "mixed.txt"


def mix(context: StepContext) -> None:
    """Hash the parameters with what the inputs hold, in rounds with a checkpoint after each."""
    say(context, "begins")
    state = context.scratch / "state"
    done = state.read_text().splitlines() if state.exists() else []
    for number in range(len(done), context.parameters["rounds"]):
        text = "".join(done[-1:]) + str(context.parameters["number"])
        for role in sorted(context.inputs):
            text += (context.inputs[role] / NAME).read_text()
        time.sleep(context.parameters["seconds"])
        done.append(hashlib.sha256(text.encode()).hexdigest())
        unfinished = state.with_suffix(".partial")
        unfinished.write_text("\n".join(done))
        unfinished.replace(state)
        context.progress((number + 1) / context.parameters["rounds"])
        leave_if_asked()
    (context.output / NAME).write_text("\n".join(done))
    say(context, "ends")


def say(context: StepContext, what: str) -> None:
    """Append a line to the trace, in one write."""
    line = f"{context.parameters['number']} {what} {time.time():.6f}\n"
    trace = os.open(context.parameters["trace"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(trace, line.encode())
    os.close(trace)


def small_study(trace: Path, *, wide: int, deep: int, rounds: int = 2, seconds: float = 0.05) -> list[Step]:
    """``wide`` chains of ``deep`` steps each, every step fed by its neighbours too."""
    layer: list[Step] = []
    for depth in range(deep):
        before = layer
        layer = [
            Step(
                SMALL,
                f"step {depth}.{place}",
                {"number": depth * wide + place, "rounds": rounds, "seconds": seconds, "trace": str(trace)},
                {str(i): before[(place + i) % wide] for i in range(2)} if before else {},
            )
            for place in range(wide)
        ]
    return layer
