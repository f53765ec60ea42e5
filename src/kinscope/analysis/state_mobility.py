"""How much a kinase moves in one conformation and in another: DFG-out against DFG-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinscope.analysis.regions import region_differences
from kinscope.analysis.sampling import Sampling, allowed, worse
from kinscope.results.measured import FluctuationProfile
from kinscope.results.trajectories import StateMobility


def compare_states_by_region(
    first: FluctuationProfile,
    second: FluctuationProfile,
    regions: Mapping[str, Sequence[int]],
    labels: tuple[str, str],
    sampling: Mapping[str, tuple[Sampling, Sampling]] | None = None,
) -> list[StateMobility]:
    """Mean RMSF of each region in two states, second minus first, corrected for the regions (Holm).

    ``first``, ``second``: of one variant. ``regions``: residue numbers by name, an empty name for all that
    both hold; residues that either state lacks are left out, and regions without any. ``labels``: the states
    in words. ``sampling``: of each region in the first and the second state; the worse one decides what may
    be said.
    """
    rows = []
    for found in region_differences(first, second, regions, (f"of {labels[0]}", f"of {labels[1]}")):
        told = found.difference
        if sampling is not None:
            told = allowed(told, worse(*sampling[found.region]))
        rows.append(
            StateMobility(
                variant=first.variant,
                first_state=first.state,
                second_state=second.state,
                residues=len(found.residues),
                first_rmsf_angstrom=found.first,
                second_rmsf_angstrom=found.second,
                difference=told,
                region=found.region,
            )
        )
    return rows


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
