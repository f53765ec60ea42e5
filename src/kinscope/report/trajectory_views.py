"""Trajectory results arranged as the page reads them. Nothing here changes a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev

from kinscope.analysis.trajectory_results import (
    MeasureComparison,
    ReplicaAnalysis,
    SystemSampling,
    TrajectoryComparison,
)
from kinscope.report.text import Names

ASPECTS = {
    "dfg": "DFG",
    "dfg_cluster": "DFG dihedrals",
    "helix_c": "helix C",
    "salt_bridge": "salt bridge",
    "activation_loop": "activation loop",
    "spine": "regulatory spine",
    "p_loop": "P-loop",
    "activity": "activity",
    "sh2_position": "SH2",
    "sh3_linker": "SH3 and linker",
}
_LEAST_PERCENT = 0.5


@dataclass(frozen=True)
class ClassRow:
    """One class, the shares of every replica."""

    aspect: str
    label: str
    native: str
    mutant: str


def class_rows(system: TrajectoryComparison) -> list[ClassRow]:
    """Classes that a replica shows in half a percent of its frames, by aspect, if it is modelled."""
    rows = []
    for aspect, title in ASPECTS.items():
        every = [*system.native, *system.mutant]
        shares = [share for one in every for share in one.classes if share.aspect == aspect]
        labels = dict.fromkeys(s.label for s in shares if s.percent >= _LEAST_PERCENT)
        if set(labels) <= {"not modelled", "unassigned"}:
            continue
        rows += [
            ClassRow(
                title, label, *(_percents(side, aspect, label) for side in (system.native, system.mutant))
            )
            for label in labels
        ]
    return rows


def _percents(side: Sequence[ReplicaAnalysis], aspect: str, label: str) -> str:
    found = [
        sum(share.percent for share in one.classes if (share.aspect, share.label) == (aspect, label))
        for one in side
    ]
    return ", ".join(f"{value:.0f}" for value in found)


def block_spread(side: SystemSampling) -> float | None:
    """The largest standard deviation of a replica's quarters, angstrom; None where none was taken."""
    found = [stdev(row) for row in side.block_means_angstrom if len(row) > 1]
    return max(found, default=None)


def worded(measure: MeasureComparison, names: Names, ligand: str) -> str:
    """A quantity's label with the pocket or the bound drug that it is of in words."""
    of, slash, _ = measure.name.rpartition("/")
    if not slash:
        return measure.label
    rest = measure.label.removeprefix(f"{of}: ")
    named = names.region(of) if rest.startswith("volume") else names.component(of, ligand)
    return f"{named}: {rest}"
