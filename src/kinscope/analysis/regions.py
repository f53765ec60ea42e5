"""Fluctuation of named regions and of single residues, mutant against native, as one corrected family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinscope.analysis.fluctuation import profile_array
from kinscope.analysis.statistics import FloatArray, correct_family, difference
from kinscope.core.errors import BadInputError
from kinscope.results.measured import Difference, FluctuationProfile, RegionComparison

SMALLEST_MEANINGFUL_ANGSTROM = 0.05
"""A tenth of the CA RMSF of a kinase core at 300 K (about 0.5 angstrom): less than crystals of one protein
differ among themselves."""


def compare_regions(
    native: FluctuationProfile, mutant: FluctuationProfile, regions: Mapping[str, Sequence[int]]
) -> list[RegionComparison]:
    """Mean RMSF of each region, mutant minus native, corrected for the family of regions given (Holm).

    ``native``, ``mutant``: of one state, one row per replica. ``regions``: residue numbers of each
    region by name. Residues that either profile lacks are left out, a region without any shared one too. A
    region's value in a replica is the mean over its residues.
    """
    _check_state(native, mutant)
    shared = set(native.residues) & set(mutant.residues)
    held = {name: tuple(item for item in residues if item in shared) for name, residues in regions.items()}
    members = {name: kept for name, kept in held.items() if kept}
    sides = [(region_means(native, kept), region_means(mutant, kept)) for kept in members.values()]
    words = sampling_words(native, mutant)
    judged = correct_family([rmsf_difference(first, second, words) for first, second in sides])
    return [
        RegionComparison(
            state=native.state,
            region=name,
            residues=kept,
            native_rmsf_angstrom=float(first.mean()),
            mutant_rmsf_angstrom=float(second.mean()),
            difference_angstrom=found,
        )
        for (name, kept), (first, second), found in zip(members.items(), sides, judged, strict=True)
    ]


def rmsf_difference(first: FloatArray, second: FloatArray, sampling: str) -> Difference:
    """Second less first, one RMSF (angstrom) per replica on each side."""
    return difference(
        first.tolist(),
        second.tolist(),
        unit="Å",
        smallest_meaningful=SMALLEST_MEANINGFUL_ANGSTROM,
        sampling=sampling,
    )


def residue_differences(
    native: FluctuationProfile, mutant: FluctuationProfile
) -> list[tuple[int, Difference]]:
    """Every shared residue with its difference, in order of number.

    The residues are one family, corrected by Benjamini-Hochberg: neighbours move together, which is the
    positive dependence that the procedure allows.
    """
    _check_state(native, mutant)
    shared = sorted(set(native.residues) & set(mutant.residues))
    first, second = (_columns(profile, shared) for profile in (native, mutant))
    words = sampling_words(native, mutant)
    raw = [rmsf_difference(first[:, i], second[:, i], words) for i in range(len(shared))]
    return list(zip(shared, correct_family(raw, method="benjamini-hochberg"), strict=True))


def region_means(profile: FluctuationProfile, residues: Sequence[int]) -> FloatArray:
    """Mean RMSF over residues in each replica, shape (n_replicas,), angstrom."""
    means: FloatArray = _columns(profile, residues).mean(axis=1)
    return means


def sampling_words(native: FluctuationProfile, mutant: FluctuationProfile) -> str:
    """What was sampled, in words, e.g. ``3 x 0.2 ns native and 3 x 0.2 ns mutant``."""
    return " and ".join(
        f"{len(profile.rmsf_angstrom)} x {time_words(profile.length_ns)} {side}"
        for profile, side in ((native, "native"), (mutant, "mutant"))
    )


def time_words(length_ns: float) -> str:
    """A sampled time for people: ``20 ns``, ``0.62 ps``."""
    return f"{length_ns:.3g} ns" if length_ns >= 0.1 else f"{length_ns * 1000:.2g} ps"


def _columns(profile: FluctuationProfile, residues: Sequence[int]) -> FloatArray:
    place = {number: column for column, number in enumerate(profile.residues)}
    columns: FloatArray = profile_array(profile)[:, [place[number] for number in residues]]
    return columns


def _check_state(native: FluctuationProfile, mutant: FluctuationProfile) -> None:
    if native.state != mutant.state:
        raise BadInputError(
            f"A profile in {native.state} cannot be compared with one in {mutant.state}.",
            where="comparison of fluctuations",
            remedy="Compare profiles of one state.",
        )
