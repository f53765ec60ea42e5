"""Whether a substituted kinase is likely to be one still, before its affinity is spoken of.

Two rules. Residues without which kinases do not phosphorylate (Hanks & Hunter, FASEB J. 1995, 9, 576): the
beta 3 lysine and its glutamate, HRD's arginine and aspartate with the asparagine five places on, DFG's
aspartate and glycine, APE's glutamate. And packing: without any drug, in the active state, the substitution
packs worse than nineteen of twenty others that one base makes, each measured beside what its kind costs
elsewhere in the domain, which stands for the unfolded chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from statistics import median

from kinscope.affinity.ensemble import SiteRow
from kinscope.targets.pack import KinaseLandmarks

PACKING_SHARE = 0.95


def catalytic_residues(landmarks: KinaseLandmarks | None) -> frozenset[int]:
    """Numbers of the residues that kinases do not do without."""
    if landmarks is None:
        return frozenset()
    hrd, dfg, ape = landmarks.hrd_aspartate, landmarks.dfg_phenylalanine, landmarks.ape_glutamate
    lysine, glutamate = landmarks.beta3_lysine, landmarks.helix_c_glutamate
    return frozenset({lysine, glutamate, hrd - 1, hrd, hrd + 5, dfg - 1, dfg + 1, ape or lysine})


class StillAKinase:
    """Both rules for one target, from the ensembles of its active state."""

    def __init__(
        self, rows: Iterable[SiteRow], protein: str, scanned: Set[tuple[int, str]], catalytic: frozenset[int]
    ) -> None:
        self._energy = {(row.residue, row.kind): row.packing_kcal_per_mol for row in rows}
        self._protein, self._catalytic = protein, catalytic
        by_kind: dict[str, list[float]] = {}
        for (_, kind), energy in self._energy.items():
            by_kind.setdefault(kind, []).append(energy)
        self._usual = {kind: median(energies) for kind, energies in by_kind.items()}
        known = sorted(self.excess(*key) for key in scanned if key in self._energy)
        self._limit = known[int(PACKING_SHARE * len(known))] if known else float("inf")

    def excess(self, residue: int, mutant: str) -> float:
        """How much worse a substitution packs than its kinds do elsewhere, kcal/mol; 0 where not known."""
        kinds = mutant, self._protein[residue - 1]
        if any((residue, kind) not in self._energy for kind in kinds):
            return 0.0
        new, old = (self._energy[residue, kind] - self._usual[kind] for kind in kinds)
        return new - old

    def rule(self, residue: int, mutant: str) -> str:
        """``catalytic``, ``packing``, nothing, or ``not computed``."""
        if residue in self._catalytic:
            return "catalytic"
        if (residue, mutant) not in self._energy:
            return "not computed"
        return "packing" if self.excess(residue, mutant) > self._limit else ""
