"""Whole comparisons made many times over on synthetic trajectories: intervals and alarms at their rates.

Each study takes the way a real one takes: replicas of native and mutant, superposition on a core, RMSF,
regions corrected by Holm, residues by Benjamini-Hochberg, sampling judged, sentence allowed or not. A study
without a difference counts false alarms, one with a difference counts coverage, finds and misses. Every
row at length, 0.2 s a study:

    PYTHONPATH=tests python -m factories.synthetic_studies 200
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from factories.fluctuation import fluctuation_profile
from factories.synthetic_trajectories import (
    SyntheticSettings,
    SyntheticSystem,
    mutant_of,
    synthetic_system,
    trajectories,
)
from kinscope.analysis.regions import compare_regions, residue_differences
from kinscope.analysis.sampling import Sampling, allowed, region_sampling, worse
from kinscope.core.records import Record
from kinscope.core.seeds import derive_seed
from kinscope.results.measured import Difference, FluctuationProfile, RegionComparison

CHANGED = "loop 2"
"""The region in which the mutant differs."""


class Rate(Record):
    """How often something happened, with the 95 % interval of Wilson (J. Am. Stat. Assoc. 1927, 22, 209)."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share; nan of nothing."""
        return self.count / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the interval; 0 to 1 of nothing."""
        if not self.of:
            return 0.0, 1.0
        z2 = 1.959964**2
        centre = (self.count + z2 / 2) / (self.of + z2)
        half = (z2 * self.value * (1 - self.value) / self.of + z2**2 / (4 * self.of**2)) ** 0.5
        half *= self.of / (self.of + z2)
        return max(0.0, centre - half), min(1.0, centre + half)

    def words(self) -> str:
        """E.g. ``95.3 % (93.9-96.4)``."""
        low, high = self.interval
        return f"{100 * self.value:.1f} % ({100 * low:.1f}-{100 * high:.1f})" if self.of else "none"


class Condition(Record):
    """One row of the benchmark: how the proteins move, and by how much the mutant differs."""

    name: str
    settings: SyntheticSettings
    factor: float = 1.3
    """On the amplitude of the changed region."""


class Rates(Record):
    """What many studies of one condition gave."""

    condition: Condition
    true_difference_angstrom: float
    studies: int
    bias: float
    """Mean RMSF of the native's changed region over its true RMSF, minus one: what a run so short misses."""
    null_coverage: Rate
    """Intervals of regions that hold zero where there is no difference."""
    coverage: Rate
    """Intervals of the changed region that hold the true difference, whatever was allowed to be said."""
    coverage_where_said: Rate
    """The same, only studies whose sampling allowed a word on that region."""
    coverage_of_expectation: Rate
    """Intervals of the changed region that hold the difference expected of runs of this length."""
    residue_alarms: Rate
    """Residues at p < 0.05 without a difference, before any correction."""
    region_family_alarms: Rate
    """Studies without a difference with any region resolved: corrected by Holm, sampling not asked."""
    residue_family_alarms: Rate
    """The same of residues, corrected by Benjamini-Hochberg."""
    residue_false_discoveries: float
    """Mean share of unchanged residues among those resolved, in studies with a difference."""
    said_falsely: Rate
    """Studies without a difference in which the report would name a region or a residue."""
    found: Rate
    """Studies with a difference in which the changed region is resolved and may be said."""
    wrong_sign: Rate
    """Of those, the ones that say it is lower."""
    silent: Rate
    """Studies in which sampling allows nothing to be said of the changed region."""


@dataclass
class _Counts:
    null_covered: list[bool] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    covered_said: list[bool] = field(default_factory=list)
    ends: list[tuple[float, float, float]] = field(default_factory=list)
    residue: list[bool] = field(default_factory=list)
    family: list[bool] = field(default_factory=list)
    residue_family: list[bool] = field(default_factory=list)
    discoveries: list[float] = field(default_factory=list)
    falsely: list[bool] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    sign: list[bool] = field(default_factory=list)
    silent: list[bool] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Side:
    profile: FluctuationProfile
    regions: dict[str, Sampling]
    residues: dict[str, Sampling]


def conditions(*, length_ns: float = 20.0) -> list[Condition]:
    """The benchmark's rows: memory, run length against the slow jumps, and replicas that differ for good."""
    base = SyntheticSettings(frames=200, length_ns=length_ns)
    rows = [Condition(name="no slow motion", settings=base)]
    for memory in (0.5, 2.0):
        rows.append(_changed(base, f"memory {memory:g} ns", memory_ns=memory))
    for ratio in (0.3, 1.0, 3.0, 10.0, 30.0, 100.0):
        rows.append(
            _changed(
                base,
                f"jumps, run {ratio:g} times their time",
                jump_angstrom=2.5,
                jump_memory_ns=length_ns / ratio,
            )
        )
    rows += [
        _changed(
            base,
            "rare jumps (1 in 10), run 10 times their time",
            jump_angstrom=3.0,
            jump_memory_ns=length_ns / 10,
            jump_population=0.1,
        ),
        _changed(
            base,
            "jumps, run 3 times their time, one start",
            jump_angstrom=2.5,
            jump_memory_ns=length_ns / 3,
            start_together=True,
        ),
        _changed(
            base,
            "jumps, run 0.3 times their time, one start",
            jump_angstrom=2.5,
            jump_memory_ns=length_ns / 0.3,
            start_together=True,
        ),
        _changed(base, "replicas differ by 10 %", replica_spread=0.1),
        _changed(base, "replicas differ by 30 %", replica_spread=0.3),
        _changed(base, "five replicas, differ by 10 %", replica_spread=0.1, replicas=5),
        _changed(base, "shorter than 1 ns", length_ns=0.5, memory_ns=0.002),
    ]
    return rows


def run_condition(condition: Condition, studies: int, seed: int) -> Rates:
    """Make so many studies of one condition, each once with and once without a difference.

    Parameters
    ----------
    condition
        What moves and what differs.
    studies
        How many.
    seed
        Of the first; equal seeds give equal rates.
    """
    native = synthetic_system(condition.settings)
    mutant = mutant_of(native, CHANGED, condition.factor)
    true = mutant.true_region_rmsf_angstrom()[CHANGED] - native.true_region_rmsf_angstrom()[CHANGED]
    counts = _Counts()
    for study in range(studies):
        one, other, changed = (
            _side(system, derive_seed(seed, condition.name, study, name))
            for system, name in ((native, "native"), (native, "again"), (mutant, "mutant"))
        )
        _count_null(native, one, other, counts)
        _count_effect(native, one, changed, true, counts)
    expected = float(np.mean([value for _, _, value in counts.ends]))
    return Rates(
        condition=condition,
        true_difference_angstrom=true,
        studies=studies,
        bias=float(np.mean(counts.ratio)) - 1.0,
        null_coverage=_rate(counts.null_covered),
        coverage=_rate(counts.covered),
        coverage_where_said=_rate(counts.covered_said),
        coverage_of_expectation=_rate([low <= expected <= high for low, high, _ in counts.ends]),
        residue_alarms=_rate(counts.residue),
        region_family_alarms=_rate(counts.family),
        residue_family_alarms=_rate(counts.residue_family),
        residue_false_discoveries=float(np.mean(counts.discoveries)),
        said_falsely=_rate(counts.falsely),
        found=_rate(counts.found),
        wrong_sign=_rate(counts.sign),
        silent=_rate(counts.silent),
    )


def _changed(base: SyntheticSettings, name: str, **values: float | bool) -> Condition:
    settings = SyntheticSettings.model_validate({**base.model_dump(), **values})
    return Condition(name=name, settings=settings)


def _side(system: SyntheticSystem, seed: int) -> _Side:
    frames = trajectories(system, seed)
    length = system.settings.length_ns
    core, numbers = system.core, system.numbers
    profile = fluctuation_profile(
        frames, numbers, state="synthetic", variant="synthetic", length_ns=length, core=core
    )
    return _Side(
        profile,
        region_sampling(frames, numbers, system.regions, length_ns=length, core=core),
        region_sampling(frames, numbers, {str(n): (int(n),) for n in numbers}, length_ns=length, core=core),
    )


def _regions(system: SyntheticSystem, one: _Side, other: _Side) -> list[tuple[RegionComparison, Difference]]:
    """Every region's comparison, and the difference as far as it may be told."""
    return [
        (row, allowed(row.difference_angstrom, worse(one.regions[row.region], other.regions[row.region])))
        for row in compare_regions(one.profile, other.profile, system.regions)
    ]


def _residues(one: _Side, other: _Side) -> list[tuple[int, Difference, Difference]]:
    return [
        (number, item, allowed(item, worse(one.residues[str(number)], other.residues[str(number)])))
        for number, item in residue_differences(one.profile, other.profile)
    ]


def _count_null(system: SyntheticSystem, one: _Side, other: _Side, counts: _Counts) -> None:
    regions, residues = _regions(system, one, other), _residues(one, other)
    counts.null_covered += [_holds(row.difference_angstrom, 0.0) for row, _ in regions]
    counts.family.append(any(row.difference_angstrom.resolved for row, _ in regions))
    counts.residue += [item.p_value is not None and item.p_value < 0.05 for _, item, _ in residues]
    counts.residue_family.append(any(item.resolved for _, item, _ in residues))
    said = [item.resolved for _, item in regions] + [item.resolved for _, _, item in residues]
    counts.falsely.append(any(said))


def _count_effect(system: SyntheticSystem, one: _Side, changed: _Side, true: float, counts: _Counts) -> None:
    row, told = next(pair for pair in _regions(system, one, changed) if pair[0].region == CHANGED)
    item = row.difference_angstrom
    sampling = worse(one.regions[CHANGED], changed.regions[CHANGED])
    counts.covered.append(_holds(item, true))
    if sampling.sentence != "nothing on mobility":
        counts.covered_said.append(_holds(item, true))
    counts.silent.append(sampling.sentence == "nothing on mobility")
    counts.ends.append((item.low or 0.0, item.high or 0.0, item.value or 0.0))
    counts.found.append(told.resolved)
    if told.resolved:
        counts.sign.append((told.value or 0.0) < 0.0)
    named = [number for number, found, _ in _residues(one, changed) if found.resolved]
    members = set(system.regions[CHANGED])
    counts.discoveries.append(float(np.mean([number not in members for number in named])) if named else 0.0)
    native_true = system.true_region_rmsf_angstrom()[CHANGED]
    counts.ratio.append(row.native_rmsf_angstrom / native_true)


def _holds(item: Difference, true: float) -> bool:
    return item.low is not None and item.high is not None and item.low <= true <= item.high


def _rate(events: Sequence[bool]) -> Rate:
    return Rate(count=int(sum(events)), of=len(events))


def in_words(item: Rates) -> str:
    """The rates of one condition for people."""
    settings = item.condition.settings
    lines = [
        f"{item.condition.name} ({settings.replicas} replicas of {settings.length_ns:g} ns)",
        f"  RMSF found, against endless sampling   {100 * item.bias:+.1f} %",
        f"  false share of residues resolved       {100 * item.residue_false_discoveries:.1f} %",
    ]
    told = {
        "95 % intervals of regions hold zero": item.null_coverage,
        "... of the changed region the truth": item.coverage,
        "... the truth, where a word is allowed": item.coverage_where_said,
        "... what runs so long give on average": item.coverage_of_expectation,
        "residues at p < 0.05 by chance": item.residue_alarms,
        "any region resolved by chance (Holm)": item.region_family_alarms,
        "any residue resolved by chance (BH)": item.residue_family_alarms,
        "anything said falsely by the report": item.said_falsely,
        "the true difference found and said": item.found,
        "of those with the wrong sign": item.wrong_sign,
        "nothing may be said of that region": item.silent,
    }
    return "\n".join([*lines, *(f"  {what:<38} {rate.words()}" for what, rate in told.items())])


if __name__ == "__main__":
    for row in conditions():
        print(in_words(run_condition(row, int(sys.argv[1]), 1)), flush=True)
