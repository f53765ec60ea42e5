"""``kinscope benchmark ddg``: predicted changes of affinity beside measured ones and others'.

What is predicted was left out: a residue, a drug or a region, in every kinase. Other kinases' pairs are
predicted by a model of ABL1 alone. Published predictions are read from a table that the user gives.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinscope.affinity.atlas import provenance
from kinscope.affinity.interval import LOST_KCAL_PER_MOL, Interval, calibrate, region_of, residue_of
from kinscope.affinity.measured import examples, measured_pairs
from kinscope.affinity.model import PRIORS, Example, fit
from kinscope.affinity.scan import shipped_sites
from kinscope.affinity.terms import NEAR_ANGSTROM, Sites
from kinscope.core.errors import BadInputError
from kinscope.core.files import read_text
from kinscope.targets.pack import TargetPack

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]

RESAMPLES = 1000
PERMUTATIONS = 100
NAMED = ("V299L/dasatinib", "E255K/imatinib", "G250E/imatinib", "T315I/imatinib", "T315I/dasatinib",
         "T315I/ponatinib", "F317L/dasatinib", "L248V/imatinib", "Y253H/axitinib")  # fmt: skip
PUBLISHED = {
    "FEP+ (Hauser 2018)": ("ddG_FEPplus_mean",), "Prime MM-GBSA (Hauser 2018)": ("ddG_PrimeMMGBSA",),
    "pmx A99 (Aldeghi 2019)": ("A99.DDG",), "Rosetta R15 (Aldeghi 2019)": ("R15.DDG",),
    "mean of A99 and R15": ("A99.DDG", "R15.DDG"),
    "ML2, trained on TKI data (Yang 2022)": ("ML2SPLD_avg.REF15",),
}  # fmt: skip
"""Columns of a table of published predictions, averaged where they are several."""
_SCORES = ("rmse", "mue", "pearson", "kendall", "auroc", "auprc", "mcc", "sensitivity", "specificity")


def scores(measured: Floats, predicted: Floats) -> dict[str, float]:
    """How predictions (n,) fit measurements (n,), kcal/mol; lost is above 1.36 on either side."""
    from scipy.stats import kendalltau

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
    from scipy.stats import rankdata

    positives = int(lost.sum())
    negatives = len(lost) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = float(rankdata(predicted)[lost].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def average_precision(lost: NDArray[np.bool_], predicted: Floats) -> float:
    """Area under precision over recall, by steps; ties are taken together; nan without a lost pair."""
    if not lost.any():
        return float("nan")
    total, area, before = int(lost.sum()), 0.0, 0.0
    for threshold in np.unique(predicted)[::-1]:
        taken = predicted >= threshold
        found = float((lost & taken).sum())
        area += (found - before) / total * found / float(taken.sum())
        before = found
    return area


def left_out(known: Sequence[Example], group: Callable[[Example], object]) -> Floats:
    """Predictions of ABL1's pairs by models that saw nothing of their group."""
    own = [example for example in known if example.kinase == "ABL1"]
    found = np.zeros(len(own))
    for left in sorted({group(example) for example in own}, key=str):
        model = fit([example for example in known if group(example) != left])
        for place, example in enumerate(own):
            if group(example) == left:
                found[place] = model.predict(example.drug, example.terms)
    return found


def drug_of(example: Example) -> str:
    """What is left out together: a drug."""
    return example.drug


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
        return [example for example in self.known if example.kinase == "ABL1"]

    @cached_property
    def measured(self) -> Floats:
        """Of ABL1's pairs, kcal/mol."""
        return np.array([example.ddg_kcal_per_mol for example in self.own])

    @cached_property
    def near(self) -> NDArray[np.bool_]:
        """Which of them are nearer than 6 angstrom."""
        return np.array([example.terms.reach_angstrom < NEAR_ANGSTROM for example in self.own])

    @cached_property
    def predictions(self) -> dict[str, Floats]:
        """Ours by split, and what needs no model."""
        weights = np.array([mean for mean, _ in PRIORS.values()])
        untrained = [0.1 + float(weights @ example.terms.vector()) for example in self.own]
        return {
            "residue left out": left_out(self.known, residue_of),
            "drug left out": left_out(self.known, drug_of),
            "region left out": left_out(self.known, region_of),
            "priors alone, nothing fitted": np.array(untrained),
            "mean of the drug, residue left out": np.array(
                [self._drug_mean(example) for example in self.own]
            ),
            "zero everywhere": np.zeros(len(self.own)),
        }

    def _drug_mean(self, example: Example) -> float:
        same = [
            e.ddg_kcal_per_mol for e in self.own if e.drug == example.drug and e.residue != example.residue
        ]
        return float(np.mean(same)) if same else 0.0

    @cached_property
    def intervals(self) -> list[Interval]:
        """Of ABL1's pairs: model and calibration saw nothing of the residue."""
        found = {}
        for residue in sorted({example.residue for example in self.own}):
            model = calibrate([e for e in self.known if e.residue != residue], self.sites)
            for place, example in enumerate(self.own):
                if example.residue == residue:
                    found[place] = model.predict(example.drug, residue, example.terms)
        return [found[place] for place in range(len(self.own))]

    def unseen(self) -> tuple[Floats, Floats, Whole]:
        """Other kinases' pairs: measured, predicted by a model of ABL1 alone, and their mutants by number."""
        model = fit(self.own)
        rest = [example for example in self.known if example.kinase != "ABL1"]
        mutants = {name: i for i, name in enumerate(dict.fromkeys((e.kinase, e.change) for e in rest))}
        return (
            np.array([example.ddg_kcal_per_mol for example in rest]),
            np.array([model.predict(example.drug, example.terms) for example in rest]),
            np.array([mutants[e.kinase, e.change] for e in rest]),
        )

    def permuted(self) -> tuple[Floats, Floats]:
        """AUPRC and Kendall's tau where residues' labels are exchanged, residue left out."""
        draw, areas, taus = np.random.default_rng(1), [], []
        for _ in range(PERMUTATIONS):
            values = draw.permutation([example.ddg_kcal_per_mol for example in self.known])
            mixed = [
                Example(e.drug, e.residue, e.terms, float(v), e.weight, e.kinase, e.change)
                for e, v in zip(self.known, values, strict=True)
            ]
            measured = np.array([e.ddg_kcal_per_mol for e in mixed if e.kinase == "ABL1"])
            found = scores(measured, left_out(mixed, residue_of))
            areas.append(found["auprc"])
            taus.append(found["kendall"])
        return np.array(areas), np.array(taus)


def resampled(groups: Whole) -> list[Whole]:
    """Rows of bootstrap samples in which whole groups are drawn."""
    draw = np.random.default_rng(1)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    return [
        np.concatenate([members[i] for i in draw.integers(len(members), size=len(members))])
        for _ in range(RESAMPLES)
    ]


def run(pack: TargetPack, predictions: Path | None = None) -> Benchmark:
    """Read the pairs with their terms; ``predictions``: a table of published ones.

    Raises BadInputError if a table is missing, damaged or lacks a pair.
    """
    sites, pairs = shipped_sites(pack), measured_pairs(pack)
    known = examples(pairs, sites, pack.gene)
    own = [(pair.drug, pair.change) for pair in pairs if pair.kinase == pack.gene]
    return Benchmark(known, sites, published(predictions, own) if predictions else {})


def published(path: Path, pairs: Sequence[tuple[str, str]]) -> dict[str, Floats]:
    """Published predictions by method, in the order of pairs (drug, change).

    Raises BadInputError if a pair is missing or none of the known columns is there.
    """
    rows = list(csv.DictReader(read_text(path).splitlines()))
    table = {(row.get("tki", ""), row.get("mutation", "")): row for row in rows}
    columns = {
        name: parts for name, parts in PUBLISHED.items() if rows and all(part in rows[0] for part in parts)
    }
    try:
        return {
            name: np.array([np.mean([float(table[pair][part]) for part in parts]) for pair in pairs])
            for name, parts in columns.items()
        }
    except (KeyError, ValueError) as error:
        raise BadInputError(
            f"The table of published predictions lacks a pair or a number ({error}).",
            where=str(path),
            remedy="Give a CSV with the columns tki, mutation and, of each method, ddG in kcal/mol.",
        ) from None


def in_words(found: Benchmark, pack: TargetPack) -> str:
    """Everything the benchmark prints."""
    made = provenance(pack)
    seconds = float(str(made.get("cpu_seconds_of_ensembles", 0))) / max(int(str(made.get("pairs", 1))), 1)
    parts = [_table(found), _bootstrapped(found), _paired(found), _other_kinases(found), _covered(found)]
    parts += [_named(found), f"CPU of the terms in the atlas: {seconds:.2f} s a pair."]
    return "\n\n".join(part for part in parts if part)


def _line(name: str, found: Mapping[str, float]) -> str:
    return f"{name:<42}" + "".join(f"{found[score]:>8.2f}" for score in _SCORES)


def _table(found: Benchmark) -> str:
    lost = int((found.measured > LOST_KCAL_PER_MOL).sum())
    lines = [f"{len(found.own)} pairs of ABL1, {lost} lost tenfold; kcal/mol"]
    lines.append(" " * 42 + "".join(f"{name[:7]:>8}" for name in _SCORES))
    for name, values in {**found.predictions, **found.others}.items():
        lines.append(_line(name, scores(found.measured, values)))
    areas, taus = found.permuted()
    lines.append(
        f"labels permuted {PERMUTATIONS} times: AUPRC {np.nanmean(areas):.2f} (95th percentile "
        f"{np.nanpercentile(areas, 95):.2f}), Kendall {taus.mean():.2f}"
    )
    return "\n".join(lines)


def _interval(values: Sequence[float]) -> str:
    low, high = np.nanpercentile(np.array(values), [2.5, 97.5])
    return f"{low:.2f} to {high:.2f}"


def _bootstrapped(found: Benchmark) -> str:
    lines = ["95 % intervals by bootstrap"]
    residues = np.array([example.residue for example in found.own])
    for name in ("residue left out", "drug left out", "region left out"):
        for how, groups in (("pairs", np.arange(len(residues))), ("residues", residues)):
            rows = resampled(groups)
            drawn = [scores(found.measured[row], found.predictions[name][row]) for row in rows]
            told = [
                f"{s} {_interval([d[s] for d in drawn])}"
                for s in ("rmse", "kendall", "auroc", "auprc", "mcc")
            ]
            lines.append(f"{name}, by {how}: " + "; ".join(told))
    return "\n".join(lines)


def _paired(found: Benchmark) -> str:
    if not found.others:
        return ""
    ours = found.predictions["residue left out"]
    rows = resampled(np.arange(len(ours)))
    mine = [scores(found.measured[row], ours[row]) for row in rows]
    whole = scores(found.measured, ours)
    lines = ["ours, residue left out, less theirs, paired bootstrap by pairs"]
    for name, values in found.others.items():
        theirs = [scores(found.measured[row], values[row]) for row in rows]
        apart = scores(found.measured, values)
        told = [
            f"{s} {whole[s] - apart[s]:+.2f} "
            f"({_interval([a[s] - b[s] for a, b in zip(mine, theirs, strict=True)])})"
            for s in ("rmse", "kendall", "auprc", "mcc")
        ]
        lines.append(f"{name}: " + "; ".join(told))
    return "\n".join(lines)


def _other_kinases(found: Benchmark) -> str:
    measured, predicted, mutants = found.unseen()
    lost = int((measured > LOST_KCAL_PER_MOL).sum())
    lines = [f"other kinases, model of ABL1 alone: {len(measured)} pairs, {lost} lost"]
    lines.append(_line("", scores(measured, predicted)))
    rows = resampled(mutants)
    drawn = [scores(measured[row], predicted[row]) for row in rows]
    lines.append(
        "by mutants: "
        + "; ".join(f"{s} {_interval([d[s] for d in drawn])}" for s in ("rmse", "auroc", "auprc"))
    )
    return "\n".join(lines)


def _covered(found: Benchmark) -> str:
    measured, near = found.measured, found.near
    lost = measured > LOST_KCAL_PER_MOL
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
        told = [f"{name} {mask[group].mean():.2f}" for name, group in groups.items()]
        lines.append(f"{level}: " + ", ".join(told))
    kept = np.array([item.kept for item in found.intervals])
    lines.append(
        f"kept: {kept.sum()} of {len(kept)} pairs ({kept.mean():.0%}), of near ones {(kept & near).sum()} of "
        f"{near.sum()} ({(kept & near).sum() / near.sum():.0%}); lost among kept: {(kept & lost).sum()}"
    )
    base = lost.mean()
    brier = float(((ends["p_lost"] - lost) ** 2).mean())
    lines.append(f"P(lost): Brier {brier:.3f}, of the base rate {base * (1 - base):.3f}")
    return "\n".join(lines)


def _named(found: Benchmark) -> str:
    lines = ["pairs asked for, residue left out: predicted (90 %), P(lost); measured"]
    for example, item in zip(found.own, found.intervals, strict=True):
        name = f"{example.change}/{example.drug}"
        if name in NAMED:
            lines.append(
                f"{name}: {item.ddg_kcal_per_mol:+.2f} ({item.low_90:+.2f} to {item.high_90:+.2f}), "
                f"{item.p_lost:.2f}; {example.ddg_kcal_per_mol:+.2f}"
            )
    return "\n".join(lines)
