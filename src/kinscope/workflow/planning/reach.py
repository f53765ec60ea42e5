"""How far each drug lies from the substituted residues: read from what ships, before anything is computed."""

from __future__ import annotations

import math

from kinscope.affinity import atlas
from kinscope.evidence.matching import lookup
from kinscope.evidence.reach import distances
from kinscope.interpretation.verdicts import evidence_verdicts
from kinscope.results.docking import Reach
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant

_MOST_OPEN = 2
"""A drug relaxed with its pocket, native and mutant, takes some 120 core seconds."""


def reach_of(pack: TargetPack, variant: Variant) -> tuple[Reach, ...]:
    """The distance of every drug whose known pose ships, in its own state's native model.

    A drug whose state does not hold every substituted residue is judged by those that it holds; one whose
    state holds none is left out.
    """
    near = distances(pack, variant.positions)
    return tuple(
        Reach(drug=drug.id, state=drug.state, distance_angstrom=round(near[drug.id], 2))
        for drug in pack.drugs
        if math.isfinite(near.get(drug.id, math.inf))
    )


def open_drugs(pack: TargetPack, variant: Variant) -> set[str]:
    """The approved drugs near the variant on which a computation could still change the verdict, two at most.

    Nothing published, no kin and no predicted free energy decides on them; the likeliest lost come first.
    """
    predicted = {drug: rows[0] for drug, rows in atlas.predicted(pack, variant).items() if len(rows) == 1}
    approvals = {one.drug: one.status for one in lookup(variant, pack).approvals}
    near = {one.drug: one.distance_angstrom for one in reach_of(pack, variant) if one.near}
    undecided = [
        verdict.drug
        for verdict in evidence_verdicts(variant, pack)
        if verdict.drug in near
        and (verdict.verdict, verdict.basis) == ("not resolved", "computed")
        and approvals.get(verdict.drug, "" if approvals else "approved") == "approved"
        and (verdict.drug not in predicted or predicted[verdict.drug].call in ("open", "loss suspected"))
    ]

    def likeliest_lost(drug: str) -> tuple[float, float]:
        return (-predicted[drug].p_lost if drug in predicted else 0.0), near[drug]

    return set(sorted(undecided, key=likeliest_lost)[:_MOST_OPEN])
