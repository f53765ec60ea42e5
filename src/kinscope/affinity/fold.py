"""Whether a substituted kinase is likely to be one still, before its affinity is spoken of.

Two rules. Residues without which kinases do not phosphorylate (Hanks & Hunter, FASEB J. 1995, 9, 576): the
beta 3 lysine and its glutamate, HRD's arginine and aspartate with the asparagine five places on, DFG's
aspartate and glycine, APE's glutamate. And packing: without any drug, in the active state, the substitution
packs worse than nineteen of twenty others that one base makes, each measured beside what its kind costs
elsewhere in the domain, which stands for the unfolded chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from kinscope.affinity.ensemble import SiteRow
from kinscope.targets.pack import KinaseLandmarks

PACKING_SHARE = 0.95


def catalytic_residues(landmarks: KinaseLandmarks) -> frozenset[int]:
    """Numbers of the residues that kinases do not do without."""
    hrd, dfg = landmarks.hrd_aspartate, landmarks.dfg_phenylalanine
    found = {
        landmarks.beta3_lysine, landmarks.helix_c_glutamate, hrd - 1, hrd, hrd + 5, dfg - 1, dfg + 1,
        landmarks.ape_glutamate or 0,
    }  # fmt: skip
    return frozenset(found - {0})


class PackingExcess:
    """How much worse substitutions pack than their kinds do elsewhere, kcal/mol."""

    def __init__(
        self, rows: Iterable[SiteRow], natives: dict[int, str], scanned: Iterable[tuple[int, str]]
    ) -> None:
        self._energy = {(row.residue, row.kind): row.packing_kcal_per_mol for row in rows}
        self._natives = natives
        by_kind: dict[str, list[float]] = {}
        for (_, kind), energy in self._energy.items():
            by_kind.setdefault(kind, []).append(energy)
        self._usual = {kind: median(energies) for kind, energies in by_kind.items()}
        known = sorted(value for key in scanned if (value := self(*key)) is not None)
        self._limit = known[int(PACKING_SHARE * len(known))] if known else float("inf")

    def __call__(self, residue: int, mutant: str) -> float | None:
        """Of one substitution; None where the state does not show the residue."""
        native = self._natives.get(residue, "")
        if (residue, mutant) not in self._energy or (residue, native) not in self._energy:
            return None
        new = self._energy[residue, mutant] - self._usual[mutant]
        return new - (self._energy[residue, native] - self._usual[native])

    def stands_out(self, residue: int, mutant: str) -> bool:
        """Whether nineteen of twenty pack better."""
        value = self(residue, mutant)
        return value is not None and value > self._limit
