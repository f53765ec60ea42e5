"""What an unmeasured pair inherits from kin: the same change with other drugs, other changes of the residue.

A Gaussian model of log10 fold of the cell IC50. Pairs are related through the drug and, within one binding
site, through residue, change, residue and drug, change and class of drug (type II or not). Its variances were
set in advance and fitted to nothing (docs/why/evidence-interpretation-report.md, Kin). A residue that was
never measured at the drug's site gets no estimate, nor does a drug that was never measured.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from kinscope.evidence.changes import Change, parse_changes
from kinscope.evidence.model import EvidenceItem, KinEstimate
from kinscope.targets.pack import DrugDefinition, TargetPack

SD_DRUG, SD_RESIDUE, SD_CHANGE, SD_RESIDUE_DRUG, SD_CHANGE_CLASS = 0.15, 0.4, 0.3, 0.3, 0.3
SD_PAIR = 0.2
"""What is a pair's alone, in log10 units like the others."""
SD_STUDY = 0.23
"""Two laboratories differ by 0.4-0.5 kcal/mol (root mean square) on one pair: 0.23 for each."""
LARGEST_LOG = 2.0
"""A hundredfold loss and more are one class, and the top of most assays."""
Z_90 = 1.645


TABULATED = ("gozgit", "davis", "redaelli2012", "leighow", "zabriskie", "wylie")
"""Prefixes of studies whose rows are cited by the paper that tabulates them."""


def study_of(item: EvidenceItem) -> str:
    """The study behind an item: the source's prefix of a derived measurement, else its identifier."""
    prefix = item.id.partition("-")[0]
    return prefix if prefix in TABULATED else item.identifier


@dataclass(frozen=True)
class Pair:
    """One change and one drug, with the mean over studies."""

    change: Change
    drug: str
    log_fold: float
    studies: int


def measured_pairs(items: Iterable[EvidenceItem]) -> tuple[Pair, ...]:
    """Pairs of single changes with measured cell IC50, geometric mean over studies."""
    found: dict[tuple[Change, str], dict[str, list[float]]] = {}
    for item in items:
        if item.kind != "cell IC50 fold" or not item.value or item.strength == "weak":
            continue
        changes = parse_changes(item.protein_change)
        if len(changes.changes) == 1 and changes.names_amino_acids and not changes.and_others:
            (change,) = changes.changes
            log = min(LARGEST_LOG, max(-1.0, math.log10(item.value)))
            found.setdefault((change, item.drug), {}).setdefault(study_of(item), []).append(log)
    return tuple(
        Pair(change, drug, fmean(fmean(logs) for logs in by.values()), len(by))
        for (change, drug), by in sorted(found.items(), key=lambda entry: (str(entry[0][0]), entry[0][1]))
    )


def estimate(change: Change, pairs: Sequence[Pair], pack: TargetPack) -> tuple[KinEstimate, ...]:
    """An estimate for every drug of the pack that was not measured with the change but has kin."""
    drugs = {drug.id: drug for drug in pack.drugs if drug.binding_type != "natural ligand"}
    known = [pair for pair in pairs if pair.drug in drugs]
    done = {pair.drug for pair in known if pair.change == change}
    ever = {pair.drug for pair in known}
    estimates = []
    for name, drug in drugs.items():
        own = [pair for pair in known if drugs[pair.drug].site == drug.site]
        near = [pair for pair in own if pair.change.position == change.position]
        if name in done or name not in ever or not near:
            continue
        both = _covariance([*own, Pair(change, name, 0.0, 1)], drugs)
        noise = [SD_PAIR**2 + SD_STUDY**2 / pair.studies for pair in own]
        across = both[:-1, -1]
        weights = np.linalg.solve(both[:-1, :-1] + np.diag(noise), across)
        logs = np.array([pair.log_fold for pair in own])
        mean = float(logs.mean() + weights @ (logs - logs.mean()))
        variance = max(0.0, float(both[-1, -1] - weights @ across))
        spread = Z_90 * math.sqrt(variance + SD_PAIR**2 + SD_STUDY**2)
        same = sum(pair.change == change for pair in near)
        estimates.append(
            KinEstimate(
                drug=name,
                fold=10**mean,
                low=10 ** (mean - spread),
                high=10 ** (mean + spread),
                same_variant=same,
                same_residue=len(near) - same,
            )
        )
    return tuple(estimates)


def _covariance(pairs: Sequence[Pair], drugs: Mapping[str, DrugDefinition]) -> NDArray[np.float64]:
    """Of pairs of one site with one another."""

    def alike(values: Sequence[Hashable]) -> NDArray[np.bool_]:
        codes: dict[Hashable, int] = {}
        column = np.array([codes.setdefault(value, len(codes)) for value in values])
        return np.asarray(column[:, None] == column[None, :], dtype=np.bool_)

    drug, change = alike([p.drug for p in pairs]), alike([p.change for p in pairs])
    residue = alike([p.change.position for p in pairs])
    family = alike([drugs[p.drug].binding_type == "type II" for p in pairs])
    shared = (
        (SD_DRUG, drug), (SD_RESIDUE, residue), (SD_CHANGE, change), (SD_RESIDUE_DRUG, residue & drug),
        (SD_CHANGE_CLASS, change & family),
    )  # fmt: skip
    return np.asarray(sum(sd**2 * mask for sd, mask in shared), dtype=np.float64)
