"""Side-chain packing: conformers at each position, their energies, and the best combination of them.

Dead-end elimination (Goldstein, Biophys. J. 1994, 66, 1335) and best-first branch and bound find the lowest
combination exactly; where that would take too long, simulated annealing from the best found does.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinscope.structures.side_chains.energy import Array, AtomTypes, pair_energies

_BRANCH_LIMIT = 20000
PER_CONFORMER = ("atom_names", "coord", "types", "labels")
"""What a position holds once for each conformer, beside its energy."""


@dataclass(frozen=True)
class Position:
    """One residue whose side chain is packed."""

    residue: int
    name: str
    atom_names: tuple[tuple[str, ...], ...]
    """Of every conformer (tautomers of histidine differ)."""
    coord: tuple[Array, ...]
    """Side-chain atoms of every conformer, each (n_atoms, 3), angstrom."""
    types: tuple[AtomTypes, ...]
    labels: tuple[str, ...]
    """Rotamer of every conformer; ``native`` for the one of the native model."""
    intrinsic: Array
    """Energy of each conformer on its own: rotamer share, native bonus, fixed surroundings."""

    def keep(self, chosen: NDArray[np.int64]) -> Position:
        """The position with some of its conformers."""
        lists: dict[str, Any] = {
            name: tuple(getattr(self, name)[i] for i in chosen) for name in PER_CONFORMER
        }
        return replace(self, **lists, intrinsic=self.intrinsic[chosen])


@dataclass(frozen=True)
class Packing:
    """One combination of conformers."""

    choice: tuple[int, ...]
    energy_kcal_per_mol: float


class PackingProblem:
    """Positions with the energies between them.

    The ``intrinsic`` energies of the positions are complete.
    """

    def __init__(self, positions: Sequence[Position]) -> None:
        self.positions = tuple(positions)
        self.single = [np.asarray(p.intrinsic, dtype=np.float64) for p in self.positions]
        self.pair: dict[tuple[int, int], NDArray[np.float64]] = {}
        for i in range(len(self.positions)):
            for j in range(i + 1, len(self.positions)):
                energies = between(self.positions[i], self.positions[j])
                if energies is not None:
                    self.pair[i, j] = energies
                    self.pair[j, i] = energies.T

    def energy(self, choice: Sequence[int]) -> float:
        """Energy of one combination."""
        total = sum(self.single[i][r] for i, r in enumerate(choice))
        total += sum(e[choice[i], choice[j]] for (i, j), e in self.pair.items() if i < j)
        return float(total)

    def solve(self, fixed: Mapping[int, Sequence[int]] | None = None, seed: int = 1) -> Packing:
        """The lowest combination, with some positions held to some of their conformers."""
        allowed = [np.arange(len(single)) for single in self.single]
        for position, conformers in (fixed or {}).items():
            allowed[position] = np.asarray(conformers)
        allowed = self._eliminate(allowed)
        choice = self._branch(allowed)
        if choice is None:
            choice = self._anneal(allowed, seed)
        return Packing(tuple(choice), self.energy(choice))

    def _eliminate(self, allowed: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Goldstein's criterion on single conformers, until nothing more falls."""
        changed = True
        while changed:
            changed = False
            for i, mine in enumerate(allowed):
                if len(mine) == 1:
                    continue
                # margin[r, s]: the least by which r is above s, whatever the others do
                margin = self.single[i][mine][:, None] - self.single[i][mine][None, :]
                for j, theirs in enumerate(allowed):
                    if (i, j) in self.pair:
                        energies = self.pair[i, j][np.ix_(mine, theirs)]
                        margin += (energies[:, None, :] - energies[None, :, :]).min(axis=2)
                np.fill_diagonal(margin, -1.0)
                survivors = mine[~(margin > 1e-6).any(axis=1)]
                if len(survivors) < len(mine):
                    allowed[i], changed = survivors, True
        return allowed

    def _branch(self, allowed: list[NDArray[np.int64]]) -> list[int] | None:
        """Best-first search with an admissible bound; None when the limit is reached."""
        order = sorted(range(len(allowed)), key=lambda i: (len(allowed[i]), i))
        count = len(order)
        best_pair = {  # lowest pair energy of each conformer of i with any of j
            (i, j): e[:, allowed[j]].min(axis=1) for (i, j), e in self.pair.items()
        }
        heap: list[tuple[float, int, tuple[int, ...]]] = [(0.0, 0, ())]
        for tick in range(1, _BRANCH_LIMIT * 10):
            _, _, partial = heapq.heappop(heap)
            depth = len(partial)
            if depth == count:
                choice = [0] * count
                for place, conformer in zip(order, partial, strict=True):
                    choice[place] = conformer
                return choice
            if len(heap) > _BRANCH_LIMIT:
                return None
            for conformer in allowed[order[depth]]:
                extended = (*partial, int(conformer))
                value = self._bound(order, extended, allowed, best_pair)
                heapq.heappush(heap, (value, -depth * 10**6 + tick, extended))
        return None

    def _bound(
        self,
        order: list[int],
        partial: tuple[int, ...],
        allowed: list[NDArray[np.int64]],
        best_pair: dict[tuple[int, int], NDArray[np.float64]],
    ) -> float:
        """Energy of the placed part plus the least the rest can add."""
        depth = len(partial)
        total = 0.0
        for a in range(depth):
            total += self.single[order[a]][partial[a]]
            for b in range(a):
                if (order[a], order[b]) in self.pair:
                    total += self.pair[order[a], order[b]][partial[a], partial[b]]
        for a in range(depth, len(order)):
            i = order[a]
            value = self.single[i][allowed[i]].copy()
            for b in range(len(order)):
                if b == a or (i, order[b]) not in self.pair:
                    continue
                if b < depth:
                    value += self.pair[i, order[b]][allowed[i], partial[b]]
                elif b > a:
                    value += best_pair[i, order[b]][allowed[i]]
            total += value.min()
        return float(total)

    def _anneal(self, allowed: list[NDArray[np.int64]], seed: int) -> list[int]:
        """Simulated annealing, several starts, for problems too big for branch and bound."""
        random = np.random.default_rng(seed)
        best: list[int] = []
        best_energy = np.inf
        free = [i for i, conformers in enumerate(allowed) if len(conformers) > 1]
        for _ in range(3):
            choice = [int(c[np.argmin(self.single[i][c])]) for i, c in enumerate(allowed)]
            for temperature in np.geomspace(10.0, 0.1, 40):
                for i in random.permutation(free):
                    field = self._field(int(i), choice)[allowed[i]]
                    weights = np.exp(-(field - field.min()) / temperature)
                    choice[i] = int(random.choice(allowed[i], p=weights / weights.sum()))
            for i in free:
                choice[i] = int(allowed[i][np.argmin(self._field(i, choice)[allowed[i]])])
            energy = self.energy(choice)
            if energy < best_energy:
                best, best_energy = choice, energy
        return best

    def _field(self, i: int, choice: Sequence[int]) -> NDArray[np.float64]:
        """Energy of every conformer of a position among the others' present choice."""
        field = self.single[i].copy()
        for j, conformer in enumerate(choice):
            if (i, j) in self.pair:
                field += self.pair[i, j][:, conformer]
        return field


def between(first: Position, second: Position) -> NDArray[np.float64] | None:
    """Energies between the conformers of two positions, or None where they never meet."""
    low_a, high_a = _box(first)
    low_b, high_b = _box(second)
    gap = np.maximum(0, np.maximum(low_a - high_b, low_b - high_a))
    if float(np.linalg.norm(gap)) > 8.0:
        return None
    result = np.zeros((len(first.coord), len(second.coord)))
    for rows, types_a in by_types(first):
        for columns, types_b in by_types(second):
            one, two = np.stack([first.coord[i] for i in rows]), np.stack([second.coord[j] for j in columns])
            result[np.ix_(rows, columns)] = pair_energies(one, types_a, two, types_b)
    return result


def by_types(position: Position) -> list[tuple[list[int], AtomTypes]]:
    """Conformers of a position grouped by their atoms (histidine tautomers differ)."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, names in enumerate(position.atom_names):
        groups.setdefault(names, []).append(index)
    return [(members, position.types[members[0]]) for members in groups.values()]


def _box(position: Position) -> tuple[Array, Array]:
    points = np.concatenate(position.coord)
    return points.min(axis=0), points.max(axis=0)
