"""Whether a simulated drug kept its place, side by side, and what it was put there with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinscope.analysis.regions import time_words
from kinscope.interpretation.findings import join, where
from kinscope.interpretation.model import MobilityFinding
from kinscope.results.trajectories import ReplicaAnalysis, TrajectoryComparison
from kinscope.targets.pack import TargetPack

LONG_STAY_NS = 10.0
"""Shorter, and a stay shows only that the pose does not fall apart at once."""
STAYS_PERCENT = 70.0
"""A drug that keeps this share of its first contacts on average holds its place."""


def stay_findings(system: TrajectoryComparison, pack: TargetPack) -> list[MobilityFinding]:
    """One reading per side: RMSD, contacts kept, whether it left."""
    found = []
    for side, who in ((system.native, "native"), (system.mutant, system.variant)):
        if not side:
            continue
        kept, moved = (means(side, f"ligand_{name}") for name in ("contacts_kept_percent", "rmsd_angstrom"))
        length = min(one.length_ns or 0.0 for one in side)
        found.append(
            MobilityFinding(
                method="md",
                where=f"{where(system, pack)}, {who}",
                result=_result(side, kept, moved),
                verdict=verdict_of_stay(side, kept, length),
                sampling=f"{len(side)} x {time_words(length)}",
            )
        )
    return found


def verdict_of_stay(side: Sequence[ReplicaAnalysis], kept: Sequence[float], length_ns: float) -> str:
    """Left, loosened or held; a stay shorter than ten nanoseconds is no stay."""
    if not kept:
        return "not resolved: the drug was not measured"
    gone = sum(any(stay.left_at_percent is not None for stay in one.ligands) for one in side)
    if gone:
        return f"leaves its pocket in {gone} of {len(side)} replicas"
    held = "holds its place" if min(kept) >= STAYS_PERCENT else "loosens"
    if length_ns < LONG_STAY_NS:
        return f"not resolved: it {held} for {time_words(length_ns)}, too short to tell a stay"
    return held


def means(side: Sequence[ReplicaAnalysis], name: str) -> list[float]:
    """Mean of a ligand's quantity in every replica that has it."""
    return [series.mean for one in side for series in one.series if series.name.rpartition("/")[2] == name]


def _result(side: Sequence[ReplicaAnalysis], kept: Sequence[float], moved: Sequence[float]) -> str:
    if not kept or not moved:
        return "not measured"
    stays = [
        f"{stay.left_at_percent:.0f} % of replica {one.replica + 1}"
        for one in side
        for stay in one.ligands
        if stay.left_at_percent is not None
    ]
    left = f", gone from {join(stays)} on" if stays else ""
    return (
        f"RMSD {np.mean(moved):.1f} Å ({min(moved):.1f} to {max(moved):.1f} by replica), "
        f"{np.mean(kept):.0f} % of the first contacts kept ({min(kept):.0f} to {max(kept):.0f}){left}"
    )
