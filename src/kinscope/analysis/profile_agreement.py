"""How well two fluctuation profiles agree: correlations whose intervals allow for neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kinscope.analysis.superposition import FloatArray, IntArray
from kinscope.core.records import Record
from kinscope.core.seeds import derive_seed

BLOCK_RESIDUES = 10
"""Residues drawn together: longer than a turn of helix or a loop's tip, over which mobility is alike."""
_DRAWS = 1000
_LEAST = 5


class Correlation(Record):
    """A correlation with its interval at 95 %."""

    value: float
    low: float
    high: float

    def words(self) -> str:
        """E.g. ``0.78 (0.65 to 0.86)``."""
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


class Agreement(Record):
    """Two profiles beside one another."""

    first: str
    second: str
    residues: int
    pearson: Correlation
    spearman: Correlation
    regions: int
    region_spearman: Correlation | None
    """Over the means of disjoint regions; None below five."""
    ratio: float
    """Mean of the first over mean of the second."""


def agreement(
    first: Mapping[int, float],
    second: Mapping[int, float],
    regions: Mapping[str, Sequence[int]],
    *,
    names: tuple[str, str],
    seed: int = 1,
) -> Agreement | None:
    """Compare two profiles by residue and by region; None if they share too few residues.

    The interval of a correlation over residues comes from drawing blocks of consecutive residues with
    replacement (moving blocks; Kuensch, Ann. Stat. 1989, 17, 1217), that over regions from drawing regions.

    Parameters
    ----------
    first, second
        RMSF, or anything that grows with it, by residue number.
    regions
        Disjoint regions; a region counts if both profiles hold three of its residues or more.
    names
        What the two are.
    seed
        Of the draws.
    """
    shared = sorted(set(first) & set(second))
    if len(shared) < 3 * BLOCK_RESIDUES:
        return None
    pairs = np.array([[first[number], second[number]] for number in shared])
    random = np.random.default_rng(derive_seed(seed, *names))
    draws = _blocks(random, len(shared))
    means = np.array(
        [
            [np.mean([side[number] for number in members]) for side in (first, second)]
            for members in ([n for n in region if n in first and n in second] for region in regions.values())
            if len(members) >= 3
        ]
    ).reshape(-1, 2)
    by_region = None
    if len(means) >= _LEAST:
        by_region = _correlation(_ranks(means), random.integers(0, len(means), (_DRAWS, len(means))))
    return Agreement(
        first=names[0],
        second=names[1],
        residues=len(shared),
        pearson=_correlation(pairs, draws),
        spearman=_correlation(_ranks(pairs), draws),
        regions=len(means),
        region_spearman=by_region,
        ratio=float(pairs[:, 0].mean() / pairs[:, 1].mean()),
    )


def disjoint(regions: Mapping[str, Sequence[int]], *, longest: int = 40) -> dict[str, tuple[int, ...]]:
    """Regions that do not overlap, the short ones first, none longer than ``longest`` or under four."""
    taken: set[int] = set()
    kept: dict[str, tuple[int, ...]] = {}
    for name, members in sorted(regions.items(), key=lambda item: (len(item[1]), item[0])):
        if 4 <= len(members) <= longest and not taken & set(members):
            kept[name] = tuple(members)
            taken |= set(members)
    return kept


def _blocks(random: np.random.Generator, count: int) -> IntArray:
    """Draws (n_draws, count) of consecutive residues."""
    starts = random.integers(0, count - BLOCK_RESIDUES + 1, (_DRAWS, -(-count // BLOCK_RESIDUES)))
    drawn: IntArray = (starts[..., None] + np.arange(BLOCK_RESIDUES)).reshape(_DRAWS, -1)[:, :count]
    return drawn


def _correlation(pairs: FloatArray, draws: IntArray) -> Correlation:
    """Of (n, 2) values, with the interval over draws (n_draws, n) of them."""
    low, high = np.nanpercentile(_pearson(pairs[draws]), [2.5, 97.5])
    return Correlation(value=float(_pearson(pairs)), low=float(low), high=float(high))


def _pearson(pairs: FloatArray) -> FloatArray:
    """Correlation of pairs (..., n, 2), shape (...); nan where one side does not vary."""
    centred = pairs - pairs.mean(axis=-2, keepdims=True)
    scale = np.sqrt((centred**2).sum(axis=-2).prod(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: FloatArray = (centred[..., 0] * centred[..., 1]).sum(axis=-1) / scale
    return found


def _ranks(pairs: FloatArray) -> FloatArray:
    from scipy.stats import rankdata

    ranks: FloatArray = rankdata(pairs, axis=0)
    return ranks
