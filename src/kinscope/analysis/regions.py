"""Fluctuation of named regions and of single residues, mutant against native, as one corrected family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kinscope.analysis.statistics import Correction, FloatArray, correct_family, difference
from kinscope.results.measured import Difference, FluctuationProfile, RegionComparison

SMALLEST_MEANINGFUL_ANGSTROM = 0.05
"""A tenth of the CA RMSF of a kinase core at 300 K (about 0.5 angstrom): less than crystals of one protein
differ among themselves."""
_SIDES = ("native", "mutant")


def compare_regions(
    native: FluctuationProfile, mutant: FluctuationProfile, regions: Mapping[str, Sequence[int]]
) -> list[RegionComparison]:
    """Mean RMSF of each region, mutant minus native, corrected for the family of regions given (Holm).

    ``native``, ``mutant``: of one state, one row per replica. ``regions``: residue numbers of each
    region by name. Residues that either profile lacks are left out, a region without any shared one too. A
    region's value in a replica is the mean over its residues.
    """
    return [
        RegionComparison(
            state=native.state,
            region=found.region,
            residues=found.residues,
            native_rmsf_angstrom=found.first,
            mutant_rmsf_angstrom=found.second,
            difference_angstrom=found.difference,
        )
        for found in region_differences(native, mutant, regions, _SIDES)
    ]


def profile_array(profile: FluctuationProfile) -> FloatArray:
    """The fluctuations of a profile as an array of shape (n_replicas, n_residues), angstrom."""
    return np.asarray(profile.rmsf_angstrom, dtype=np.float64).reshape(-1, len(profile.residues))


class RegionDifference(NamedTuple):
    """One region in two profiles, or conformations, second less first."""

    region: str
    residues: tuple[int, ...]
    first: float
    """Mean over replicas, angstrom; over crystals, relative to the domain's."""
    second: float
    difference: Difference


def region_differences(
    first: FluctuationProfile,
    second: FluctuationProfile,
    regions: Mapping[str, Sequence[int]],
    labels: tuple[str, str],
    method: Correction = "holm",
) -> list[RegionDifference]:
    """As :func:`compare_regions`, of any two profiles, told apart in words by ``labels``.

    A region without a name is the whole, which stands alone and is not corrected.
    """
    tables = [(profile_array(side), side.residues.index) for side in (first, second)]
    shared = set(first.residues) & set(second.residues)
    held = {name: tuple(item for item in residues if item in shared) for name, residues in regions.items()}
    members = {name: kept for name, kept in held.items() if kept}
    sides = [
        [table[:, [place(number) for number in kept]].mean(axis=1).tolist() for table, place in tables]
        for kept in members.values()
    ]
    words = sampling_words(first, second, labels)
    found = [
        difference(one, two, unit="Å", smallest_meaningful=SMALLEST_MEANINGFUL_ANGSTROM, sampling=words)
        for one, two in sides
    ]
    return in_rows(members, sides, found if "" in members else correct_family(found, method=method))


def in_rows(
    members: Mapping[str, tuple[int, ...]],
    sides: Iterable[Sequence[Sequence[float] | FloatArray]],
    judged: Iterable[Difference],
) -> list[RegionDifference]:
    """What was compared in each region, from its residues, the values of both sides and their difference."""
    return [
        RegionDifference(name, kept, float(np.mean(one)), float(np.mean(two)), item)
        for (name, kept), (one, two), item in zip(members.items(), sides, judged, strict=True)
    ]


def residue_differences(
    native: FluctuationProfile, mutant: FluctuationProfile
) -> list[tuple[int, Difference]]:
    """Every shared residue with its difference, in order of number.

    The residues are one family, corrected by Benjamini-Hochberg: neighbours move together, which is the
    positive dependence that the procedure allows.
    """
    single = {str(number): (number,) for number in sorted(native.residues)}
    found = region_differences(native, mutant, single, _SIDES, "benjamini-hochberg")
    return [(row.residues[0], row.difference) for row in found]


def sampling_words(first: FluctuationProfile, second: FluctuationProfile, labels: tuple[str, str]) -> str:
    """What was sampled, in words, e.g. ``3 x 0.2 ns native and 3 x 0.2 ns mutant``."""
    return " and ".join(
        f"{len(profile.rmsf_angstrom)} x {time_words(profile.length_ns)} {side}"
        for profile, side in zip((first, second), labels, strict=True)
    )


def time_words(length_ns: float) -> str:
    """A sampled time for people: ``20 ns``, ``0.62 ps``."""
    return f"{length_ns:.3g} ns" if length_ns >= 0.1 else f"{length_ns * 1000:.2g} ps"
