"""What a comparison of dynamics could have found, and what is missing for it to be found."""

from __future__ import annotations

from kinscope.analysis.statistics import power, replicas_needed
from kinscope.core.records import Record

PANEL_LENGTH_NS = 100.0
"""Of the replicas whose spread is reckoned with; shorter ones show other motions."""


class Power(Record):
    """The chance of finding a change of a region's RMSF, and what would raise it to four in five."""

    change_percent: float
    replicas: int
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
        told = f"{replicas} of {self.needed_length_ns:g} ns a side find a change of {self.change_percent:g} %"
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
        chance=power(change, replicas),
        replicas_needed=needed,
        needed_length_ns=length,
        missing_ns=max(0.0, 2.0 * (needed * length - replicas * length_ns)),
    )
