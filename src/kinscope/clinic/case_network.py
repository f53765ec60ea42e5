"""Bounds on times that must hold together: a simple temporal network.

Each statement bounds the difference of two times, ``low <= t[j] - t[i] <= high``. The shortest paths of the
graph of these bounds are the tightest bounds that follow, and a statement contradicts the others exactly if
it would close a cycle of negative length (Dechter, Meiri and Pearl, Artif Intell 1991;49:61-95, theorem 3.1
and section 3). The middles of the bounds are themselves a consistent choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FAR = 1e7
"""Days; stands for no bound. Sums of a few hundred of these stay exact in double precision."""
TOLERANCE_DAYS = 1e-6


@dataclass(frozen=True)
class Bound:
    """``low <= t[j] - t[i] <= high`` in days, and the number of the statement that says so."""

    i: int
    j: int
    low: float
    high: float
    statement: int


class Network:
    """Times 0..n-1 (0 is the calendar's origin) with the tightest bounds known so far.

    Parameters
    ----------
    size
        Number of times, origin included.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._far: npt.NDArray[np.float64] = np.full((size, size), FAR)
        np.fill_diagonal(self._far, 0.0)
        self._bounds: list[Bound] = []

    def copy(self) -> Network:
        """An independent network with the same bounds."""
        other = Network(self._size)
        other._far = self._far.copy()
        other._bounds = list(self._bounds)
        return other

    def between(self, i: int, j: int) -> tuple[float, float]:
        """Least and greatest ``t[j] - t[i]`` in days that all bounds allow; +-``FAR`` where open."""
        return -float(self._far[j, i]), float(self._far[i, j])

    def allows(self, bound: Bound) -> bool:
        """Whether a bound can hold together with those already taken."""
        low, high = self.between(bound.i, bound.j)
        return bound.low <= high + TOLERANCE_DAYS and bound.high >= low - TOLERANCE_DAYS

    def add(self, bound: Bound) -> bool:
        """Take a bound if it can hold together with the others; say whether it was taken."""
        if not self.allows(bound):
            return False
        self._tighten(bound.i, bound.j, bound.high)
        self._tighten(bound.j, bound.i, -bound.low)
        self._bounds.append(bound)
        return True

    def _tighten(self, i: int, j: int, weight: float) -> None:
        if weight >= FAR / 2 or weight >= self._far[i, j]:
            return
        through = self._far[:, i, None] + weight + self._far[None, j, :]
        np.minimum(self._far, through, out=self._far)

    def against(self, bound: Bound) -> tuple[int, ...]:
        """The statements that together exclude a bound, in the order of the chain.

        Bellman-Ford over the single bounds gives the path whose length the bound contradicts.
        """
        low, high = self.between(bound.i, bound.j)
        if bound.low > high + TOLERANCE_DAYS:
            return self._path(bound.i, bound.j)
        if bound.high < low - TOLERANCE_DAYS:
            return self._path(bound.j, bound.i)
        return ()

    def _path(self, start: int, end: int) -> tuple[int, ...]:
        edges = [(b.i, b.j, b.high, b.statement) for b in self._bounds]
        edges += [(b.j, b.i, -b.low, b.statement) for b in self._bounds]
        edges = [edge for edge in edges if abs(edge[2]) < FAR / 2]
        distance = [float("inf")] * self._size
        came: list[tuple[int, int] | None] = [None] * self._size
        distance[start] = 0.0
        for _ in range(self._size):
            changed = False
            for i, j, weight, statement in edges:
                if distance[i] + weight < distance[j] - TOLERANCE_DAYS:
                    distance[j], came[j], changed = distance[i] + weight, (i, statement), True
            if not changed:
                break
        chain: list[int] = []
        at = end
        while at != start and len(chain) <= self._size:
            step = came[at]
            if step is None:
                break
            at = step[0]
            chain.append(step[1])
        return tuple(dict.fromkeys(reversed(chain)))
