"""How far each drug lies from the substituted residues: read from what ships, before anything is computed."""

from __future__ import annotations

import math

from kinscope.evidence.matching import lookup
from kinscope.evidence.model import EvidenceItem
from kinscope.evidence.reach import distances
from kinscope.interpretation.published import published_opinion
from kinscope.results.docking import Reach
from kinscope.targets.pack import TargetPack
from kinscope.variants.model import Variant


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
    """Drugs near the variant that a computation could say something of: no published evidence decides.

    Tool compounds and natural ligands are none of them.
    """
    evidence = lookup(variant, pack)
    tools = {one.drug for one in evidence.approvals if one.is_tool}
    tools |= {drug.id for drug in pack.drugs if drug.binding_type == "natural ligand"}
    exact: dict[str, list[EvidenceItem]] = {}
    for hit in evidence.hits:
        if hit.relation == "exact":
            exact.setdefault(hit.item.drug, []).append(hit.item)
    near = {one.drug for one in reach_of(pack, variant) if one.near}
    return {drug for drug in near - tools if published_opinion(exact.get(drug, ())).verdict is None}
