"""Sampling and comparisons in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kinscope.analysis.regions import time_words
from kinscope.analysis.statistics import power, replicas_needed
from kinscope.core.records import Record

KEPT_MEANS = (
    "no loss of the kind that T315I causes is seen; eight- to seventeenfold losses published for ABL1 (E255K "
    "and G250E with imatinib, V299L with bosutinib) read like this too"
)
"""What ``kept`` is worth, by controls named before they were run (docs/validation.md, Relaxed complexes): the
interval holds what repeats vary by, not what one crystal's conformation and the force field get wrong."""


def _sampled(words: str) -> Callable[..., str]:
    """A sentence on replicas of one length, which stand before it: ``3 x 20 ns: ...``."""

    def said(*, replicas: int, length_ns: float, **values: float) -> str:
        return f"{replicas} x {time_words(length_ns)}: {words.format(**values)}"

    return said


def _values_differ(split_r: float | None, sampling: str) -> str:
    ratio = "inf" if split_r is None else f"{split_r:.2f}"
    return f"parts of the trajectories do not show the same (split R {ratio}), {sampling}"


SENTENCES: Mapping[str, Callable[..., str]] = {
    "one-replica": _sampled("one replica has no spread"),
    "too-short": _sampled("shorter than the nanosecond in which loops begin to move"),
    "halves-without-motion": _sampled("too few frames, or halves without motion, to judge the sampling"),
    "parts-differ": _sampled("parts of the trajectories do not show the same motion (split R {split_r:.2f})"),
    "parts-differ-somewhat": _sampled("parts of the trajectories differ (split R {split_r:.2f})"),
    "parts-agree": _sampled("all parts of the trajectories show the same motion (split R {split_r:.2f})"),
    "values-differ": _values_differ,
}
"""Functions of a note's values, by code."""


PANEL_LENGTH_NS = 100.0
"""Of the replicas whose spread is reckoned with; shorter ones show other motions."""


class Power(Record):
    """The chance of finding a change of a region's RMSF, and what would raise it to four in five."""

    change_percent: float
    replicas: int
    length_ns: float
    """Of each."""
    chance: float
    replicas_needed: int
    """A side, of ``needed_length_ns``."""
    needed_length_ns: float
    missing_ns: float
    """Both sides together."""

    @property
    def wanted(self) -> str:
        """E.g. ``13 replicas of 100 ns a side for a change of 30 %``."""
        return (
            f"{self.replicas_needed} replicas of {self.needed_length_ns:g} ns a side for a change of "
            f"{self.change_percent:g} %"
        )

    @property
    def words(self) -> str:
        """E.g. ``3 replicas of 100 ns a side find a change of 30 % one time in 7; 13 would do (...)``."""
        rare = 0.0 < self.chance < 0.4
        often = f"one time in {1 / self.chance:.0f}" if rare else f"in {100 * self.chance:.0f} %"
        replicas = "1 replica" if self.replicas == 1 else f"{self.replicas} replicas"
        who = f"{'even ' if self.length_ns < self.needed_length_ns else ''}{replicas}"
        told = f"{who} of {self.needed_length_ns:g} ns a side find a change of {self.change_percent:g} %"
        more = f"{self.missing_ns:,.0f} ns more on both sides together"
        wanted = f"; {self.replicas_needed} would do ({more})" if self.missing_ns > 0.0 else ""
        return f"{told} {often}{wanted}"


def power_of(replicas: int, length_ns: float, *, change: float = 0.3) -> Power:
    """What so many replicas a side could find, one comparison, by the spread of others' replicas of 100 ns.

    ``length_ns``: of a replica; the chance is that of 100 ns or more, since a shorter one does not show the
    motion asked about. ``change``: relative to native.
    """
    needed, length = replicas_needed(change), max(length_ns, PANEL_LENGTH_NS)
    return Power(
        change_percent=100.0 * change,
        replicas=replicas,
        length_ns=length_ns,
        chance=power(change, replicas),
        replicas_needed=needed,
        needed_length_ns=length,
        missing_ns=max(0.0, 2.0 * (needed * length - replicas * length_ns)),
    )
