"""Sides and comparisons of relaxed complexes."""

from __future__ import annotations

import numpy as np

from factories.interpretation import difference
from kinscope.analysis.calls import LOST_KCAL_PER_MOL
from kinscope.results.docking import (
    ComplexMember,
    ComplexRepeat,
    ComplexSide,
    RelaxedComparison,
    RelaxedSettings,
)


def relaxed(
    value: float, half: float, drug: str = "imatinib", state: str = "kinase-dfg-out", to_crystal: float = 0.5
) -> RelaxedComparison:
    low, high = value - half, value + half
    resolved = (low > 0 or high < 0) and abs(value) >= LOST_KCAL_PER_MOL
    side = ComplexSide(
        members=(), interaction_kcal_per_mol=-70.0, spread_kcal_per_mol=0.6, vina_kcal_per_mol=-11.0,
        vina_spread_kcal_per_mol=0.1,
    )  # fmt: skip
    return RelaxedComparison(
        drug=drug, state=state, variant="T315I", settings=RelaxedSettings(), force_field="", atoms=1500,
        moving_residues=(315,), native=side, mutant=side,
        difference_kcal_per_mol=difference(value, low, high, resolved),
        vina_difference_kcal_per_mol=difference(0.0, -1.0, 1.0), cpu_seconds=80.0,
        reference_to_crystal_angstrom=to_crystal, distance_to_variant_angstrom=3.3,
    )  # fmt: skip


def side(values: list[float]) -> ComplexSide:
    repeats = tuple(
        ComplexRepeat(
            seed=number, interaction_kcal_per_mol=value, energy_kcal_per_mol=0.0, rotamers="315 mt",
            drug_moved_angstrom=0.2,
        )
        for number, value in enumerate(values)
    )  # fmt: skip
    member = ComplexMember(
        rotamers="315 mt", overlap_angstrom2=0.0, energy_kcal_per_mol=0.0, weight=1.0,
        interaction_kcal_per_mol=float(np.mean(values)), drug_moved_angstrom=0.2, vina_kcal_per_mol=-10.0,
    )  # fmt: skip
    return ComplexSide(
        members=(member,), repeats=repeats, interaction_kcal_per_mol=float(np.mean(values)),
        spread_kcal_per_mol=0.5,
        vina_kcal_per_mol=-10.0, vina_spread_kcal_per_mol=0.1,
    )  # fmt: skip
