"""What is to run next, how long it all takes and what it took, kept up as steps settle, in linear time."""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping

from kinscope.core.records import Record
from kinscope.workflow.engine.step import Step

_WINDOW_SECONDS = 600.0
_LEAST_SECONDS = 10.0
"""Over which steps a minute are counted: the last ten minutes, and no moment."""


class Usage(Record):
    """What a run took, over all its drivers, and how fast it goes."""

    core_hours: float = 0.0
    gpu_hours: float = 0.0
    steps_per_minute: float = 0.0
    ns_per_day: float = 0.0


class Meter:
    """Keeps account of what steps take, from the ``before`` of earlier drivers on.

    ``gpus``: the part of a GPU that a step of each resource sits on. ``clock``: in seconds.
    """

    def __init__(
        self, before: Usage, gpus: Mapping[str, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cores, self._devices = before.core_hours, before.gpu_hours
        self._gpus, self._clock, self._began = gpus, clock, clock()
        self._finished: deque[float] = deque()

    def ended(self, resource: str, seconds: float, *, finished: bool) -> None:
        """A step ran for so long, to its end or not."""
        self._cores += seconds / 3600
        self._devices += seconds / 3600 * self._gpus.get(resource, 0.0)
        if finished:
            self._finished.append(self._clock())

    def usage(self, running: Collection[tuple[str, float]], ns_per_day: float) -> Usage:
        """Up to now; ``running``: what each running step sits on, and for how many seconds."""
        now = self._clock()
        while self._finished and now - self._finished[0] > _WINDOW_SECONDS:
            self._finished.popleft()
        counted = max(_LEAST_SECONDS, min(_WINDOW_SECONDS, now - self._began))
        return Usage(
            core_hours=self._cores + sum(seconds for _, seconds in running) / 3600,
            gpu_hours=self._devices + sum(s * self._gpus.get(on, 0.0) for on, s in running) / 3600,
            steps_per_minute=60 * len(self._finished) / counted,
            ns_per_day=ns_per_day,
        )


class Schedule:
    """The steps of a plan that are not settled: ready, waiting or running.

    ``steps`` stand after their inputs; ``done`` are keys of those that are there. ``capacity``: how many run
    at once by resource; steps of a resource that there is none of take a core.
    """

    def __init__(self, steps: list[Step], done: Collection[str], capacity: Mapping[str, int]) -> None:
        self.total = len(steps)
        self.settled = 0
        self._capacity = capacity
        self._guessed = self._measured = 1.0
        self._open = {step.key: step for step in steps}
        self._work = dict.fromkeys(capacity, 0.0)
        self._missing = {step.key: {source.key for source in step.inputs.values()} for step in steps}
        self._needed_by: dict[str, list[Step]] = {step.key: [] for step in steps}
        # Seconds from a step's end to the end of the longest chain that waits for it.
        after = dict.fromkeys(self._open, 0.0)
        self._tails: dict[str, float] = {}
        for step in reversed(steps):  # what waits for a step stands after it
            self._work[self.resource(step)] += step.cost_seconds
            self._tails[step.key] = step.cost_seconds + after[step.key]
            for key in self._missing[step.key]:
                after[key] = max(after[key], self._tails[step.key])
                self._needed_by[key].append(step)
        self._longest = sorted(steps, key=self.tail)
        self._places = {step.key: place for place, step in enumerate(steps)}
        self._ready: dict[str, list[tuple[float, int]]] = {resource: [] for resource in capacity}
        self._steps = steps
        for step in steps:
            self._missing[step.key].difference_update(done)
            if step.key in done:
                self._close(step)
            elif not self._missing[step.key]:
                self.put(step)

    def resource(self, step: Step) -> str:
        """What a step takes."""
        return step.resource if self._capacity.get(step.resource) else "cpu"

    def tail(self, step: Step) -> float:
        """Seconds from the step's start to the end of the longest chain that waits for it."""
        return self._tails[step.key]

    def put(self, step: Step) -> None:
        """A step may run: for the first time, or again."""
        heapq.heappush(self._ready[self.resource(step)], (-self.tail(step), self._places[step.key]))

    def take(self, resource: str, seconds: float = math.inf) -> Step | None:
        """The ready step that most waits for, which runs from now on; none if it takes longer than that."""
        ready = self._ready[resource]
        if not ready or self._steps[ready[0][1]].cost_seconds > seconds:
            return None
        return self._steps[heapq.heappop(ready)[1]]

    def settle(self, step: Step, *, failed: bool = False) -> list[Step]:
        """A step has ended; the steps that cannot run because it failed."""
        skipped: list[Step] = []
        ended = [(step, failed)]
        while ended:
            one, broken = ended.pop()
            self._close(one)
            for after in self._needed_by[one.key]:
                if after.key not in self._open:
                    continue
                self._missing[after.key].discard(one.key)
                roles = [role for role, source in after.inputs.items() if source.key == one.key]
                if broken and not after.optional_inputs.issuperset(roles):
                    skipped.append(after)
                    ended.append((after, True))
                elif not self._missing[after.key]:
                    self.put(after)
        return skipped

    def _close(self, step: Step) -> None:
        self.settled += 1
        self._work[self.resource(step)] -= step.cost_seconds
        del self._open[step.key]

    def learn(self, step: Step, seconds: float) -> None:
        """Take a finished step's time into account."""
        self._guessed += step.cost_seconds
        self._measured += seconds

    def seconds_left(self, running: Mapping[str, float]) -> float:
        """Whichever is longest: the longest chain, or the work of cores or of devices shared among them.

        ``running``: the share done of what runs, by key.
        """
        if not self._open:
            return 0.0
        correction = min(max(self._measured / self._guessed, 0.3), 4.0)
        work, chain = dict(self._work), 0.0
        for key, share in running.items():
            done = share * self._open[key].cost_seconds
            work[self.resource(self._open[key])] -= done
            chain = max(chain, self._tails[key] - done)
        while self._longest and self._longest[-1].key not in self._open:
            self._longest.pop()
        for step in reversed(self._longest):
            if step.key in self._open and step.key not in running:
                chain = max(chain, self.tail(step))
                break
        total = max(work[resource] / max(1, slots) for resource, slots in self._capacity.items())
        return correction * max(total, chain, 0.0)
