"""How much a kinase moves in one conformation and in another: DFG-out against DFG-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinscope.analysis.regions import region_means, rmsf_difference, time_words
from kinscope.analysis.sampling import Sampling, allowed, worse
from kinscope.analysis.statistics import FloatArray, correct_family
from kinscope.results.measured import Difference, FluctuationProfile
from kinscope.results.trajectories import StateMobility

_FEWEST_RESIDUES = 50


def compare_states(
    first: FluctuationProfile,
    second: FluctuationProfile,
    labels: tuple[str, str],
    sampling: tuple[Sampling, Sampling] | None = None,
) -> StateMobility | None:
    """Mean RMSF over the residues that two states share, second minus first, replica means compared.

    ``first``, ``second``: of one variant. ``labels``: the states in words. ``sampling``: of each; the worse
    one decides what may be said.

    Returns the comparison, None where the states share fewer than fifty residues.
    """
    shared = sorted(set(first.residues) & set(second.residues))
    if len(shared) < _FEWEST_RESIDUES:
        return None
    sides = [region_means(profile, shared) for profile in (first, second)]
    raw = _raw(sides, first, second, labels)
    if sampling is not None:
        raw = allowed(raw, worse(*sampling))
    return _row(first, second, sides, raw, len(shared))


def compare_states_by_region(
    first: FluctuationProfile,
    second: FluctuationProfile,
    regions: Mapping[str, Sequence[int]],
    labels: tuple[str, str],
    sampling: Mapping[str, tuple[Sampling, Sampling]] | None = None,
) -> list[StateMobility]:
    """Mean RMSF of each region in two states, second minus first, corrected for the regions (Holm).

    ``regions``: residue numbers by name; residues that either state lacks are left out, and regions without
    any. ``sampling``: of each region in the first and the second state, where the method samples.
    """
    shared = set(first.residues) & set(second.residues)
    kept = {name: held for name, numbers in regions.items() if (held := sorted(shared & set(numbers)))}
    sides = {name: [region_means(item, held) for item in (first, second)] for name, held in kept.items()}
    judged = correct_family([_raw(pair, first, second, labels) for pair in sides.values()])
    rows = []
    for (name, pair), raw in zip(sides.items(), judged, strict=True):
        told = allowed(raw, worse(*sampling[name])) if sampling else raw
        rows.append(_row(first, second, pair, told, len(kept[name]), name))
    return rows


def _row(
    first: FluctuationProfile,
    second: FluctuationProfile,
    sides: Sequence[FloatArray],
    found: Difference,
    residues: int,
    region: str = "",
) -> StateMobility:
    return StateMobility(
        variant=first.variant,
        first_state=first.state,
        second_state=second.state,
        residues=residues,
        first_rmsf_angstrom=float(sides[0].mean()),
        second_rmsf_angstrom=float(sides[1].mean()),
        difference=found,
        region=region,
    )


def state_pairs(
    dfg: Mapping[str, str], held: Sequence[str], residues: Mapping[str, int]
) -> list[tuple[str, str]]:
    """DFG-in and DFG-out states of the same size to compare: each DFG-out state with one DFG-in state.

    ``dfg``: DFG class by state. ``held``: states that were measured, in the pack's order. ``residues``: how
    many residues each holds: only states of like size (within a tenth) are compared.
    """
    pairs = []
    inside = [state for state in held if dfg.get(state) == "in"]
    for out in (state for state in held if dfg.get(state) == "out"):
        near = [state for state in inside if abs(residues[state] - residues[out]) <= 0.1 * residues[out]]
        if near:
            pairs.append((near[0], out))
    return pairs


def _raw(
    sides: Sequence[FloatArray],
    first: FluctuationProfile,
    second: FluctuationProfile,
    labels: tuple[str, str],
) -> Difference:
    return rmsf_difference(sides[0], sides[1], _words(first, second, labels))


def _words(first: FluctuationProfile, second: FluctuationProfile, labels: tuple[str, str]) -> str:
    return " and ".join(
        f"{len(profile.rmsf_angstrom)} x {time_words(profile.length_ns)} of {label}"
        for profile, label in ((first, labels[0]), (second, labels[1]))
    )
