"""Words for predicted changes of affinity: calls, terms, and whether it is a kinase still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CALLS = {"lost": "lost tenfold, likely", "not calibrated": "not calibrated here"}
"""Where the word is not the call itself."""
TERMS = {
    "contact": "contact", "bonds": "hydrogen bonds", "ring": "aromatic contact", "charge": "charge",
    "volume": "volume", "state": "packing of the state", "mobile": "moving backbone",
    "balance": "balance of states", "near": "nearness",
}  # fmt: skip
_FOLD = {
    "catalytic": "It changes a residue that kinases do not do without: is it a kinase still?",
    "packing": "Without any drug it packs worse than 95 % of single-base substitutions ({:+.1f} kcal/mol): "
    "does it fold as a kinase?",
    "not computed": "Whether it packs was not computed yet.",
}
_TESTED = {
    "catalytic": "A rule of the literature, not tested here.",
    "packing": "Of {1} measured substitutions, active kinases all, this flags {0}; on inactive ones it was "
    "not tested.",
}
_TOLD_KCAL_PER_MOL = 0.1


def still_a_kinase(rule: str, excess: float, tested: Sequence[int]) -> str:
    """What speaks against it, and what the rule was tested on.

    ``excess``: of packing, kcal/mol. ``tested``: how many measured substitutions are flagged, of how many.
    """
    if not rule:
        return ""
    return f"{_FOLD[rule].format(excess)} {_TESTED.get(rule, '').format(*tested)}".strip()


def driving(shares: Mapping[str, float], most: int) -> str:
    """The terms that add most to a prediction, ``hydrogen bonds +0.7``; none under 0.1 kcal/mol."""
    ordered = sorted((term for term in shares if term in TERMS), key=lambda term: -abs(shares[term]))
    told = [term for term in ordered[:most] if abs(shares[term]) >= _TOLD_KCAL_PER_MOL]
    return ", ".join(f"{TERMS[term]} {shares[term]:+.1f}" for term in told)


def predicted_line(made: Any) -> str:
    """One line of a report on a prediction (``interpretation.model.Predicted``)."""
    terms = driving(made.drivers, 2)
    of = f" of {made.part}, part of this variant" if made.part else ""
    line = (
        f"Predicted{of}: {made.ddg_kcal_mol:+.1f} kcal/mol (90 % {made.low:+.1f} to {made.high:+.1f}), "
        f"{100 * made.probability_lost:.0f} % for a tenfold loss: {CALLS.get(made.call, made.call)}; "
        f"{f'most from {terms}; ' if terms else ''}nearest other measured residue {made.nearest_residue}."
    )
    if made.track is not None:
        right, count = made.track.right, made.track.total
        line += f" Of calls of this kind {right} of {count} were right (residue hidden)."
    if made.measured_kcal_mol is not None:
        line += f" Measured: {made.measured_kcal_mol:+.1f}, left out of this prediction; that counts."
    doubt = still_a_kinase(made.fold_rule, made.packing_excess_kcal_mol, made.fold_tested)
    return f"{line} {doubt}".strip()
