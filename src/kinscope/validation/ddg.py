"""``kinscope benchmark ddg``: predicted changes of affinity beside measured ones and others'.

What is predicted was left out: a residue, a drug or a region, in every kinase. Other kinases' pairs are
predicted by a model of ABL1 alone. Published predictions are read from a table that the user gives.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, rankdata

from kinscope.affinity.atlas import LOST_KCAL_PER_MOL, Interval, all_rows, provenance
from kinscope.affinity.ensemble import KT
from kinscope.affinity.interval import calibrate, region_of, residue_of
from kinscope.affinity.measured import examples, measured_pairs
from kinscope.affinity.model import OWN, PRIORS, Example, fit
from kinscope.affinity.scan import shipped_sites
from kinscope.affinity.terms import NEAR_ANGSTROM, Sites
from kinscope.core.errors import BadInputError
from kinscope.core.files import read_text
from kinscope.evidence.knowledge import load_evidence
from kinscope.targets.pack import TargetPack

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]
Scores = dict[str, float]

RESAMPLES = 1000
PERMUTATIONS = 100
NAMED = ("V299L/dasatinib", "E255K/imatinib", "G250E/imatinib", "T315I/imatinib", "T315I/nilotinib",
         "T315I/dasatinib", "T315I/ponatinib", "F317L/dasatinib", "L248V/imatinib",
         "Y253H/axitinib")  # fmt: skip
PUBLISHED = {
    "FEP+ (Hauser 2018)": ("ddG_FEPplus_mean",), "Prime MM-GBSA (Hauser 2018)": ("ddG_PrimeMMGBSA",),
    "pmx A99 (Aldeghi 2019)": ("A99.DDG",), "Rosetta R15 (Aldeghi 2019)": ("R15.DDG",),
    "mean of A99 and R15": ("A99.DDG", "R15.DDG"),
    "ML2, trained on TKI data (Yang 2022)": ("ML2SPLD_avg.REF15",),
}  # fmt: skip
"""Columns of a table of published predictions, averaged where they are several."""
SPLITS: dict[str, Callable[[Example], object]] = {
    "residue left out": residue_of, "drug left out": lambda example: example.drug.partition("@")[0],
    "region left out": region_of,
}  # fmt: skip
_TOLD = ("rmse", "kendall", "auroc", "auprc", "mcc")


def scores(measured: Floats, predicted: Floats) -> Scores:
    """How predictions (n,) fit measurements (n,), kcal/mol; lost is above 1.36 on either side."""
    lost, called = measured > LOST_KCAL_PER_MOL, predicted > LOST_KCAL_PER_MOL
    right, wrong = float((lost & called).sum()), float((~lost & called).sum())
    missed, kept = float((lost & ~called).sum()), float((~lost & ~called).sum())
    product = (right + wrong) * (right + missed) * (kept + wrong) * (kept + missed)
    spread = predicted.std() > 0.0 and measured.std() > 0.0
    return {
        "rmse": float(np.sqrt(((predicted - measured) ** 2).mean())),
        "mue": float(np.abs(predicted - measured).mean()),
        "pearson": float(np.corrcoef(measured, predicted)[0, 1]) if spread else 0.0,
        "kendall": float(kendalltau(measured, predicted)[0]) if spread else 0.0,
        "auroc": auroc(lost, predicted), "auprc": average_precision(lost, predicted),
        "mcc": (right * kept - wrong * missed) / product**0.5 if product else 0.0,
        "sensitivity": right / max(right + missed, 1.0), "specificity": kept / max(kept + wrong, 1.0),
    }  # fmt: skip


def auroc(lost: NDArray[np.bool_], predicted: Floats) -> float:
    """Chance that a lost pair is ranked above one that is not; ties count a half; nan without both."""
    positives, negatives = int(lost.sum()), int((~lost).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = float(rankdata(predicted)[lost].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def average_precision(lost: NDArray[np.bool_], predicted: Floats) -> float:
    """Area under precision over recall, by steps; ties are taken together; nan without a lost pair."""
    total, area, before = float(lost.sum()), 0.0, 0.0
    if not total:
        return float("nan")
    for threshold in np.unique(predicted)[::-1]:
        taken = predicted >= threshold
        found = float((lost & taken).sum())
        area += (found - before) / total * found / float(taken.sum())
        before = found
    return area


def left_out(known: Sequence[Example], group: Callable[[Example], object]) -> Floats:
    """Predictions of ABL1's pairs by models that saw nothing of their group."""
    own = [example for example in known if example.kinase == OWN]
    models = {
        left: fit([example for example in known if group(example) != left])
        for left in {group(e) for e in own}
    }
    return np.array([models[group(e)].predict(e.drug, e.terms) for e in own])


@dataclass(frozen=True)
class Benchmark:
    """Measured pairs of ABL1 and of other kinases, with what is predicted of them."""

    known: list[Example]
    sites: Sites
    others: Mapping[str, Floats]
    """Published predictions of ABL1's pairs by method."""

    @cached_property
    def own(self) -> list[Example]:
        """ABL1's pairs."""
        return [example for example in self.known if example.kinase == OWN]

    @cached_property
    def measured(self) -> Floats:
        """Of ABL1's pairs, kcal/mol."""
        return np.array([example.ddg_kcal_per_mol for example in self.own])

    @cached_property
    def lost(self) -> NDArray[np.bool_]:
        """Which of them lost affinity tenfold."""
        return self.measured > LOST_KCAL_PER_MOL

    @cached_property
    def predictions(self) -> dict[str, Floats]:
        """Ours by split, and what needs no model."""
        weights = np.array([mean for mean, _ in PRIORS.values()])
        untrained = np.array([0.1 + float(weights @ example.terms.vector()) for example in self.own])
        splits = {name: left_out(self.known, group) for name, group in SPLITS.items()}
        return {
            **splits,
            "priors alone, nothing fitted": untrained,
            "zero everywhere": np.zeros(len(self.own)),
        }

    @cached_property
    def intervals(self) -> list[Interval]:
        """Of ABL1's pairs: model and calibration saw nothing of the residue."""
        models = {
            residue: calibrate([e for e in self.known if e.residue != residue], self.sites)
            for residue in {example.residue for example in self.own}
        }
        return [models[e.residue].predict(e.drug, e.residue, e.terms) for e in self.own]

    def at_own_cut(self) -> tuple[float, float, int, int]:
        """MCC of suspected losses, the mean cut (kcal/mol), how many are called, how many of them lost.

        Each residue's cut is of models and pairs that saw nothing of it.
        """
        apart = np.array([item.suspect_above for item in self.intervals])
        called = self.predictions["residue left out"] > apart
        found = scores(self.measured, np.where(called, 9.0, 0.0))["mcc"]
        return found, float(apart.mean()), int(called.sum()), int((called & self.lost).sum())

    def unseen(self) -> tuple[Floats, Floats, Whole]:
        """Other kinases' pairs: measured, predicted by a model of ABL1 alone, and their mutants by number."""
        model, rest = fit(self.own), [example for example in self.known if example.kinase != OWN]
        mutants = list(dict.fromkeys((example.kinase, example.change) for example in rest))
        measured = np.array([example.ddg_kcal_per_mol for example in rest])
        found = np.array([model.predict(example.drug, example.terms) for example in rest])
        return (
            measured,
            found,
            np.array([mutants.index((example.kinase, example.change)) for example in rest]),
        )

    def permuted(self) -> list[Scores]:
        """Scores where the labels are exchanged, residue left out."""
        draw, found = np.random.default_rng(1), []
        for _ in range(PERMUTATIONS):
            values = draw.permutation([example.ddg_kcal_per_mol for example in self.known])
            mixed = [replace(e, ddg_kcal_per_mol=float(v)) for e, v in zip(self.known, values, strict=True)]
            measured = np.array([e.ddg_kcal_per_mol for e in mixed if e.kinase == OWN])
            found.append(scores(measured, left_out(mixed, residue_of)))
        return found


def resampled(groups: Whole) -> list[Whole]:
    """Rows of bootstrap samples in which whole groups are drawn."""
    draw, members = np.random.default_rng(1), [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = (draw.integers(len(members), size=len(members)) for _ in range(RESAMPLES))
    return [np.concatenate([members[i] for i in places]) for places in drawn]


def run(pack: TargetPack, predictions: Path | None = None) -> Benchmark:
    """Read the pairs with their terms; ``predictions``: a table of published ones.

    Raises BadInputError if a table is missing, damaged or lacks a pair.
    """
    sites, pairs = shipped_sites(pack), measured_pairs(pack)
    own = [(pair.drug, pair.change) for pair in pairs if pair.kinase == pack.gene]
    return Benchmark(
        examples(pairs, sites, pack.gene), sites, published(predictions, own) if predictions else {}
    )


def published(path: Path, pairs: Sequence[tuple[str, str]]) -> dict[str, Floats]:
    """Published predictions by method, in the order of pairs (drug, change).

    Raises BadInputError if a pair or a number is missing.
    """
    rows = list(csv.DictReader(read_text(path).splitlines()))
    table = {(row.get("tki"), row.get("mutation")): row for row in rows}
    columns = {name: parts for name, parts in PUBLISHED.items() if rows and set(parts) <= set(rows[0])}
    try:
        return {
            name: np.array([np.mean([float(table[pair][part]) for part in parts]) for pair in pairs])
            for name, parts in columns.items()
        }
    except (KeyError, ValueError) as error:
        what = f"The table of published predictions lacks a pair or a number ({error})."
        remedy = "Give a CSV with the columns tki, mutation and, of each method, ddG in kcal/mol."
        raise BadInputError(what, where=str(path), remedy=remedy) from None


def in_words(found: Benchmark, pack: TargetPack) -> str:
    """Everything the benchmark prints."""
    lines = [*_table(found), "", *_bootstrapped(found), "", *_other_kinases(found), "", *_covered(found), ""]
    lines.append("pairs asked for, residue left out: predicted (90 %), P(lost); measured")
    for example, item in zip(found.own, found.intervals, strict=True):
        if (name := f"{example.change}/{example.drug}") in NAMED:
            span = f"{item.low_90:+.2f} to {item.high_90:+.2f}"
            told = f"{name}: {item.ddg_kcal_per_mol:+.2f} ({span}), {item.p_lost:.2f}"
            lines.append(f"{told}; {example.ddg_kcal_per_mol:+.2f}")
    return "\n".join([*lines, *_of_atlas(pack)])


def _line(name: str, found: Scores) -> str:
    return f"{name:<38}" + "".join(f"{value:>8.2f}" for value in found.values())


def _between(values: Sequence[float]) -> str:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return f"{low:.2f} to {high:.2f}"


def _spans(drawn: Sequence[Scores]) -> str:
    return "; ".join(f"{s} {_between([item[s] for item in drawn])}" for s in _TOLD)


def _drawn(measured: Floats, values: Floats, groups: Whole) -> list[Scores]:
    return [scores(measured[rows], values[rows]) for rows in resampled(groups)]


def _table(found: Benchmark) -> list[str]:
    mcc, cut, called, right = found.at_own_cut()
    lines = [f"{len(found.own)} pairs of ABL1, {found.lost.sum()} lost tenfold; kcal/mol"]
    lines.append(" " * 38 + "".join(f"{name[:7]:>8}" for name in scores(found.measured, found.measured)))
    lines += [
        _line(name, scores(found.measured, v)) for name, v in {**found.predictions, **found.others}.items()
    ]
    areas, taus = ([item[score] for item in found.permuted()] for score in ("auprc", "kendall"))
    ceiling = np.nanpercentile(areas, 95)
    told = f"AUPRC {np.nanmean(areas):.2f} (95th percentile {ceiling:.2f}), Kendall {np.mean(taus):.2f}"
    lines.append(
        f"MCC with a cut from other residues (mean {cut:.2f}): {mcc:.2f}; called {called}, right {right}"
    )
    return [*lines, f"labels exchanged {PERMUTATIONS} times: {told}"]


def _bootstrapped(found: Benchmark) -> list[str]:
    residues, pairs = np.array([example.residue for example in found.own]), np.arange(len(found.own))
    lines, ours = ["95 % intervals by bootstrap"], found.predictions["residue left out"]
    for name in SPLITS:
        for how, groups in (("pairs", pairs), ("residues", residues)):
            drawn = _drawn(found.measured, found.predictions[name], groups)
            lines.append(f"{name}, by {how}: {_spans(drawn)}")
    mine, whole = _drawn(found.measured, ours, pairs), scores(found.measured, ours)
    for name, values in found.others.items():
        theirs, apart = _drawn(found.measured, values, pairs), scores(found.measured, values)
        less = {s: [a[s] - b[s] for a, b in zip(mine, theirs, strict=True)] for s in _TOLD}
        told = [f"{s} {whole[s] - apart[s]:+.2f} ({_between(less[s])})" for s in _TOLD]
        lines.append(f"residue left out less {name}, paired: " + "; ".join(told))
    return lines


def _other_kinases(found: Benchmark) -> list[str]:
    measured, predicted, mutants = found.unseen()
    lost, drawn = int((measured > LOST_KCAL_PER_MOL).sum()), _drawn(measured, predicted, mutants)
    head = f"other kinases by a model of ABL1 alone: {len(measured)} pairs, {lost} lost"
    limit = np.array([example.limit for example in found.known if example.kinase != OWN])
    known = ~(limit & (measured <= LOST_KCAL_PER_MOL))
    return [
        head, _line("", scores(measured, predicted)),
        _line(f"less {(~known).sum()} at the ceiling, unclassed", scores(measured[known], predicted[known])),
        "by mutants: " + _spans(drawn),
    ]  # fmt: skip


def _covered(found: Benchmark) -> list[str]:
    measured, lost = found.measured, found.lost
    near = np.array([example.terms.reach_angstrom < NEAR_ANGSTROM for example in found.own])
    ends = {
        name: np.array([getattr(item, name) for item in found.intervals]) for name in Interval.model_fields
    }
    inside = {
        "80 %": (ends["low_80"] <= measured) & (measured <= ends["high_80"]),
        "90 %": (ends["low_90"] <= measured) & (measured <= ends["high_90"]),
        "one-sided 95 %": measured <= ends["upper_95"],
    }
    groups = {"all": near | ~near, "near": near, "far": ~near, "lost": lost}
    lines = ["share of pairs inside the interval, residue left out of model and calibration"]
    for level, mask in inside.items():
        lines.append(f"{level}: " + ", ".join(f"{n} {mask[group].mean():.2f}" for n, group in groups.items()))
    kept, base = np.array([item.kept for item in found.intervals]), lost.mean()
    share, near_share = f"{kept.sum()} of {len(kept)} pairs ({kept.mean():.0%})", kept[near].mean()
    lines.append(f"kept: {share}, of near ones {near_share:.0%}; lost among kept: {(kept & lost).sum()}")
    brier = float(((ends["p_lost"] - lost) ** 2).mean())
    return [*lines, f"P(lost): Brier {brier:.3f}, of the base rate {base * (1 - base):.3f}"]


def _of_atlas(pack: TargetPack) -> list[str]:
    """How published sites of resistance rank in the atlas, by the greatest loss that one base makes there."""
    made, worst = provenance(pack), dict[tuple[str, int], float]()
    for row in all_rows(pack) if made else ():
        if row.codons:
            worst[row.drug, row.residue] = max(worst.get((row.drug, row.residue), -9.0), row.ddg_kcal_per_mol)
    seen = {pair.residue for pair in measured_pairs(pack) if pair.kinase == pack.gene}
    items = load_evidence(pack).items
    sites = {
        (item.drug, int(item.protein_change[1:].rstrip("ACDEFGHIKLMNPQRSTVWY")))
        for item in items
        if item.direction == "resistant" and item.protein_change.count("/") == 0
    }
    lines = ["", "published resistant sites among all residues, measured ones left out of their own model"]
    for asciminib in (False, True):
        keys = [key for key in worst if (key[0] == "asciminib") == asciminib]
        hit, values = np.array([key in sites for key in keys]), np.array([worst[key] for key in keys])
        drawn = [auroc(hit[row], values[row]) for row in resampled(np.array([key[1] for key in keys]))]
        new = sum(key in sites and key[1] not in seen for key in keys)
        told = f"AUROC {auroc(hit, values):.2f} ({_between(drawn)}), {hit.sum()} sites, {new} never measured"
        lines.append(f"{'asciminib' if asciminib else 'ATP site'}: {told}")
    mine = [item for item in items if item.drug == "asciminib" and item.unit == "fold"]
    losses = {item.protein_change: KT * math.log(item.value) for item in mine if item.value}
    for row in all_rows(pack) if made else ():
        if row.drug == "asciminib" and row.change in losses:
            lines.append(
                f"asciminib {row.change}: {row.ddg_kcal_per_mol:+.2f}; measured {losses[row.change]:+.2f}"
            )
    cost = made["cpu_seconds_of_ensembles"] / made["pairs"] if made else 0.0
    return [*lines, f"CPU of the terms in the atlas: {cost:.2f} s a pair"] if made else []
