"""The numbers the verdicts turn on, each with its reason (docs/why/evidence-interpretation-report.md)."""

from __future__ import annotations

MEANINGFUL_SCORE_KCAL_PER_MOL = 1.0
"""A smaller docking difference is not counted, however well resolved.

One drug's Vina score varies by 0.35 kcal/mol between crystal chains of one kinase, so by 0.97 at 95 % between
two receptors (docs/why/docking.md). It could not be less than what measurements resolve: two laboratories
that measure the cell IC50 of the same ABL1 mutant differ by 0.4-0.5 kcal/mol (root mean square, 39 and 29
pairs; Hauser et al. 2018, doi:10.1038/s42003-018-0075-x).
"""

LARGE_SCORE_KCAL_PER_MOL = 1.36
"""A tenfold change of affinity at 298 K, which the ABL1 benchmark calls resistant (Hauser et al. 2018)."""

SAME_POSE_ANGSTROM = 2.0
"""Symmetry-corrected RMSD up to which two poses count as the same: the usual criterion of redocking."""

DIRECT_CONTACT_ANGSTROM = 4.5
"""Heavy-atom distance within which residue and drug touch: the cut-off of the pack's ATP site."""

REMOTE_ANGSTROM = 8.0
"""Beyond a second shell of contacts, only a change of the protein's conformation can carry an effect."""

REACH_ANGSTROM = 10.0
"""Beyond, no model here could show an effect: of the measured pairs there none lost tenfold (track.csv)."""

BURDEN_RESISTANT = 0.6
"""Share of resistant items (reduced sensitivity counts half) from which resistance is reported."""

BURDEN_SENSITIVE = 0.25
"""Share up to which sensitivity is reported. In between, evidence disagrees or shows a partial effect."""

WEAK_REPORTS_TO_DOUBT = 2
"""Weak clinical reports of resistance that turn measured sensitivity into ``not resolved``; one is enough for
a merely computed absence of loss, which is weaker than any observation of a patient."""

UNMOVED_ANGSTROM = 0.01
"""Side-chain RMSD of a pocket below which the mutant's building did not touch it, so that it cannot tell."""

REASONS_PER_TIER = 5
"""Reasons shown per tier and side; the evidence table holds the rest."""

RESIDUE_VOLUME_CUBIC_ANGSTROM: dict[str, float] = {
    "G": 60.1, "A": 88.6, "S": 89.0, "C": 108.5, "D": 111.1, "P": 112.7, "N": 114.1, "T": 116.1, "E": 138.4,
    "V": 140.0, "Q": 143.8, "H": 153.2, "M": 162.9, "I": 166.7, "L": 166.7, "K": 168.6, "R": 173.4,
    "F": 189.9, "Y": 193.6, "W": 227.8,
}  # fmt: skip
"""Zamyatnin AA, Prog Biophys Mol Biol 1972, 24, 107."""
